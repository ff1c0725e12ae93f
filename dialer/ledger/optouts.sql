-- The ledger's own do-not-call list: who is on it, whom that stops, and whom it sets free again.

-- :name is_any
-- Whether anybody is on the list.
SELECT 1 FROM opt_outs LIMIT 1

-- :name opted_out
-- The entry under a key; asked for several keys at once, which is twice as quick as IN.
SELECT kind, shown, reason, source, who, at FROM opt_outs WHERE key = ?

-- :name registered
-- A number, if it stands in a list; asked for several at once in the same way.
SELECT register_id, number FROM registered WHERE register_id = ? AND number = ?

-- :name file_of
-- By what a list is known.
SELECT file FROM registers WHERE id = :register

-- :name is_anybody
-- Whether somebody has this id, in any campaign.
SELECT EXISTS (SELECT 1 FROM campaigns CROSS JOIN contacts ON contacts.campaign_id = campaigns.id AND contacts.person = :person)

-- :name stop_of
-- What has stopped a contact.
SELECT stop FROM contacts WHERE id = :contact

-- :name make_barring
-- Numbers and ids that are entered or taken back now, in what words, and with which id alone a number comes.
CREATE TEMP TABLE barring (
    kind    TEXT NOT NULL,
    shown   TEXT NOT NULL,
    detail  TEXT NOT NULL,
    with_id TEXT,
    PRIMARY KEY (kind, shown)
) STRICT, WITHOUT ROWID

-- :name bar
-- One of them.
INSERT OR IGNORE INTO barring (kind, shown, detail) VALUES (?, ?, ?)

-- :name bar_numbers_of_people
-- With an id all numbers that anybody with it has, in all campaigns.
INSERT INTO barring (kind, shown, detail, with_id)
SELECT 'number', numbers.number, barring.detail, barring.shown
FROM barring CROSS JOIN campaigns CROSS JOIN contacts ON contacts.campaign_id = campaigns.id AND contacts.person = barring.shown
CROSS JOIN numbers ON numbers.contact_id = contacts.id
WHERE barring.kind = 'id'
ON CONFLICT (kind, shown) DO UPDATE SET with_id = CASE WHEN with_id = excluded.with_id THEN with_id END

-- :name bar_numbers_of_call
-- The number that rang in a call, and all numbers that whoever was called has now: a list may have changed meanwhile.
INSERT OR IGNORE INTO barring (kind, shown, detail)
SELECT 'number', number, :detail FROM attempts WHERE id = :attempt AND number IS NOT NULL AND number <> ''
UNION ALL
SELECT 'number', numbers.number, :detail
FROM attempts CROSS JOIN numbers ON numbers.contact_id = attempts.contact_id WHERE attempts.id = :attempt

-- :name barring
-- All of them.
SELECT kind, shown, with_id FROM barring

-- :name enter
-- An entry; one that is there already stays as it is, only that it is known again whom it names, and that it came
-- with one id no more.
INSERT INTO opt_outs (key, kind, shown, with_key, reason, source, who, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET shown = COALESCE(opt_outs.shown, excluded.shown),
       with_key = CASE WHEN opt_outs.with_key = excluded.with_key THEN opt_outs.with_key END

-- :name make_reached
-- Contacts whom it reaches, and in what words.
CREATE TEMP TABLE reached (contact INTEGER PRIMARY KEY, detail TEXT NOT NULL) STRICT

-- :name reach_called
-- Whoever was called, even where no number of theirs is known any more.
INSERT OR IGNORE INTO reached (contact, detail) SELECT contact_id, :detail FROM attempts WHERE id = :attempt

-- :name find_reached
-- By any number of theirs, or by their id; where people are known by their number alone, that is the id.
INSERT OR IGNORE INTO reached (contact, detail)
SELECT numbers.contact_id, barring.detail
FROM barring CROSS JOIN numbers ON numbers.number = barring.shown WHERE barring.kind = 'number'
UNION ALL
SELECT contacts.id, barring.detail
FROM barring CROSS JOIN campaigns CROSS JOIN contacts ON contacts.campaign_id = campaigns.id AND contacts.person = barring.shown

-- :name is_listing
-- Whether anybody is on the list, and whether there are entries of which only the key is known.
SELECT EXISTS (SELECT 1 FROM opt_outs) AS anybody, EXISTS (SELECT 1 FROM opt_outs WHERE shown IS NULL) AS purged

-- :name find_listed
-- Contacts of a campaign who are on the list.
INSERT OR IGNORE INTO reached (contact, detail)
SELECT contacts.id, 'on the do-not-call list' || CASE opt_outs.reason WHEN '' THEN '' ELSE ': ' || opt_outs.reason END
FROM opt_outs CROSS JOIN numbers ON numbers.number = opt_outs.shown CROSS JOIN contacts ON contacts.id = numbers.contact_id
WHERE opt_outs.kind = 'number' AND contacts.campaign_id = :campaign AND contacts.stop IS NULL
UNION ALL
SELECT contacts.id, 'on the do-not-call list' || CASE opt_outs.reason WHEN '' THEN '' ELSE ': ' || opt_outs.reason END
FROM opt_outs CROSS JOIN contacts ON contacts.campaign_id = :campaign AND contacts.person = opt_outs.shown
WHERE contacts.stop IS NULL

-- :name purged_keys
-- Entries of which only the key is known.
SELECT key FROM opt_outs WHERE shown IS NULL

-- :name people_to_know
-- Contacts of a campaign, by each number of theirs, who might be one of them.
SELECT contacts.id, contacts.person, numbers.number
FROM contacts CROSS JOIN numbers ON numbers.contact_id = contacts.id
WHERE contacts.campaign_id = :campaign AND contacts.stop IS NULL

-- :name reach
-- One contact.
INSERT OR IGNORE INTO reached (contact, detail) VALUES (?, ?)

-- :name count_reached
-- Whom it stops, campaign by campaign: they will not be dialled, or their live call runs out.
SELECT campaigns.name AS campaign, SUM(contacts.state IN ('due', 'waiting')) AS withdrawn,
       SUM(contacts.state IN ('dialing', 'unknown')) AS live
FROM reached CROSS JOIN contacts ON contacts.id = reached.contact JOIN campaigns ON campaigns.id = contacts.campaign_id
WHERE contacts.stop IS NULL
GROUP BY campaigns.id ORDER BY campaigns.id

-- :name tell_opted_out
-- An event for each, who and why.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, contacts.id, 'opted_out', contacts.state,
       CASE WHEN contacts.state IN ('due', 'waiting') THEN 'excluded' ELSE contacts.state END, reached.detail
FROM reached CROSS JOIN contacts ON contacts.id = reached.contact
WHERE contacts.stop IS NULL

-- :name stop_waiting
-- due | waiting -> excluded: they keep the time at which they would have been due.
UPDATE contacts SET state = 'excluded', stop = 'opted_out', detail = 'opted_out', updated_at = :at
WHERE id IN (SELECT contact FROM reached) AND state IN ('due', 'waiting') AND stop IS NULL

-- :name stop_others
-- Live calls run out, and are not followed by another; whoever is finished is not made due again.
UPDATE contacts SET stop = 'opted_out', updated_at = :at
WHERE id IN (SELECT contact FROM reached) AND state IN ('dialing', 'unknown', 'done', 'exhausted', 'excluded')
  AND stop IS NULL

-- :name entered_with
-- The numbers that were entered with an id, and with none but it.
SELECT key, kind, shown FROM opt_outs WHERE with_key = :key AND kind = 'number'

-- :name take_out
-- An entry is taken back.
DELETE FROM opt_outs WHERE key = ?

-- :name stopped_among
-- Whom the entries that are taken back have stopped.
SELECT contacts.id, contacts.person FROM reached CROSS JOIN contacts ON contacts.id = reached.contact
WHERE contacts.stop = 'opted_out'

-- :name keep_stopped
-- Whoever another entry stops as well.
DELETE FROM reached WHERE contact = ?

-- :name stay_cancelled
-- Whoever was to be called by a campaign that was cancelled meanwhile is not to be called by it.
UPDATE contacts SET stop = 'cancelled', detail = CASE state WHEN 'excluded' THEN 'cancelled' ELSE detail END, updated_at = :at
WHERE id IN (SELECT contact FROM reached) AND stop = 'opted_out'
  AND campaign_id IN (SELECT id FROM campaigns WHERE paused = 'cancelled')

-- :name count_free
-- Who will be dialled again, campaign by campaign.
SELECT campaigns.name AS campaign, COUNT(*) AS again
FROM reached CROSS JOIN contacts ON contacts.id = reached.contact JOIN campaigns ON campaigns.id = contacts.campaign_id
WHERE contacts.state = 'excluded' AND contacts.stop = 'opted_out' AND contacts.detail = 'opted_out'
GROUP BY campaigns.id ORDER BY campaigns.id

-- :name tell_free
-- An event for each.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, contacts.id, 'opt_out_removed', contacts.state,
       CASE WHEN contacts.state = 'excluded' AND contacts.detail = 'opted_out' THEN 'due' ELSE contacts.state END, :detail
FROM reached CROSS JOIN contacts ON contacts.id = reached.contact
WHERE contacts.stop = 'opted_out'

-- :name free_again
-- excluded -> due: at the time that was kept.
UPDATE contacts SET state = 'due', stop = NULL, detail = '', updated_at = :at
WHERE id IN (SELECT contact FROM reached) AND state = 'excluded' AND stop = 'opted_out' AND detail = 'opted_out'

-- :name free_others
-- Of the others only the mark is taken away; whoever has no row any more is withdrawn.
UPDATE contacts SET stop = CASE detail WHEN 'withdrawn' THEN 'withdrawn' END, updated_at = :at
WHERE id IN (SELECT contact FROM reached) AND stop = 'opted_out'

-- :name entries
-- The list, as it grew.
SELECT kind, shown, reason, source, who, at FROM opt_outs ORDER BY at, kind, shown
