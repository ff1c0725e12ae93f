-- Forgetting people: what named them goes, what counts stays.

-- :name make_purging
-- Contacts who are forgotten.
CREATE TEMP TABLE purging (contact INTEGER PRIMARY KEY) STRICT

-- :name make_purged_words
-- By what they were known: ids and numbers.
CREATE TEMP TABLE purged_words (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID

-- :name find_finished
-- Finished people of one campaign or of all, in whose row nothing has changed since a moment.
INSERT INTO purging (contact)
SELECT id FROM contacts
WHERE state IN ('done', 'exhausted', 'excluded') AND purged_at IS NULL AND updated_at < :before
  AND (:campaign IS NULL OR campaign_id = (SELECT id FROM campaigns WHERE name = :campaign))

-- :name find_person
-- Whoever has this id or this number, or was rung on it, in any campaign.
INSERT INTO purging (contact)
SELECT id FROM contacts WHERE purged_at IS NULL AND id IN (
    SELECT found.id FROM campaigns AS each CROSS JOIN contacts AS found
    ON found.campaign_id = each.id AND found.person = :person
    UNION SELECT contact_id FROM numbers WHERE number = :person
    UNION SELECT contact_id FROM attempts WHERE number = :person)

-- :name live_among
-- Campaigns in which one of them is on the line, or may be.
SELECT DISTINCT campaigns.name AS campaign FROM purging CROSS JOIN contacts ON contacts.id = purging.contact
JOIN campaigns ON campaigns.id = contacts.campaign_id WHERE contacts.state IN ('dialing', 'unknown') ORDER BY 1

-- :name find_words
-- As above.
INSERT OR IGNORE INTO purged_words (word)
SELECT contacts.person FROM purging CROSS JOIN contacts ON contacts.id = purging.contact
UNION SELECT numbers.number FROM purging CROSS JOIN numbers ON numbers.contact_id = purging.contact
UNION SELECT attempts.number FROM purging CROSS JOIN attempts ON attempts.contact_id = purging.contact

-- :name add_word
-- The id or number that was asked for.
INSERT OR IGNORE INTO purged_words (word) VALUES (:person)

-- :name count_purging
-- How many they are, how many of them still waited for a call, and how many dials were made to them, campaign by campaign.
SELECT campaigns.name AS campaign, COUNT(*) AS people, SUM(contacts.state IN ('due', 'waiting')) AS waiting,
       SUM((SELECT COUNT(*) FROM attempts WHERE attempts.contact_id = contacts.id)) AS calls
FROM purging CROSS JOIN contacts ON contacts.id = purging.contact JOIN campaigns ON campaigns.id = contacts.campaign_id
GROUP BY campaigns.id ORDER BY campaigns.id

-- :name count_sharers
-- How many other people have a number of theirs.
SELECT COUNT(DISTINCT numbers.contact_id) FROM purged_words CROSS JOIN numbers ON numbers.number = purged_words.word
WHERE numbers.contact_id NOT IN (SELECT contact FROM purging)

-- :name count_mentions
-- How many rejects and calls to one's own telephone tell of them beside.
SELECT (SELECT COUNT(*) FROM rejects
        WHERE value IN (SELECT word FROM purged_words) OR person IN (SELECT word FROM purged_words))
     + (SELECT COUNT(*) FROM own_calls WHERE person IN (SELECT word FROM purged_words) OR number IN (SELECT word FROM purged_words))

-- :name count_opt_outs
-- How many entries of the do-not-call list show them.
SELECT COUNT(*) FROM opt_outs WHERE shown IS NOT NULL AND key IN (:number, :id)

-- :name words
-- All of them.
SELECT word FROM purged_words

-- :name who_is_purged
-- Each of them as they stood, for the keys by which they are known again.
SELECT contacts.id, contacts.campaign_id, contacts.person, contacts.state
FROM purging CROSS JOIN contacts ON contacts.id = purging.contact

-- :name their_numbers
-- The numbers of one of them, and those on which they were rung.
SELECT number FROM numbers WHERE contact_id = :contact
UNION SELECT number FROM attempts WHERE contact_id = :contact

-- :name their_rings
-- When they were rung since a moment, and what is known of a talk: see `rings_to`.
SELECT attempts.number, contacts.person, attempts.debt,
       CASE WHEN attempts.started_at > attempts.intended_at THEN attempts.started_at ELSE attempts.intended_at END,
       attempts.finish_reason, attempts.state = 'ended' AND attempts.error LIKE 'done, says %',
       CASE WHEN attempts.state <> 'ended' THEN 0 WHEN attempts.duration_seconds > 0 THEN 1
            ELSE COALESCE(json_array_length(attempts.record, '$.messages'), 0) > 0 END,
       attempts.state = 'ended' AND attempts.duration_seconds IS NULL AND attempts.started_at IS NOT NULL
FROM purging CROSS JOIN contacts ON contacts.id = purging.contact CROSS JOIN attempts ON attempts.contact_id = contacts.id
WHERE attempts.costs = 1 AND attempts.intended_at >= :since

-- :name forget
-- Whoever comes back under this key is not called again.
INSERT INTO forgotten (campaign_id, key, state, purged_at) VALUES (:campaign, :key, :state, :at)
ON CONFLICT (campaign_id, key) DO NOTHING

-- :name hide_opt_out
-- An entry of the do-not-call list stays, and no longer says about whom.
UPDATE opt_outs SET shown = NULL WHERE key = :key AND shown IS NOT NULL

-- :name tell_purged
-- An event for each; from now on theirs tell of nobody.
INSERT INTO events (at, contact_id, event, from_state, to_state)
SELECT :at, contacts.id, 'purged', state, CASE WHEN state IN ('due', 'waiting') THEN 'excluded' ELSE state END
FROM purging CROSS JOIN contacts ON contacts.id = purging.contact

-- :name hide_events
-- What events say of them beside what happened.
UPDATE events SET detail = '' WHERE contact_id IN (SELECT contact FROM purging) AND detail <> ''

-- :name other_events
-- Events about nobody in particular, which may name them.
SELECT id, detail FROM events WHERE contact_id IS NULL AND detail <> ''

-- :name hide_event
-- One that does.
UPDATE events SET detail = '' WHERE id = :event

-- :name hide_inbox
-- What webhooks have told of their calls; that they have told stays.
UPDATE inbox SET body = '{}' WHERE call <> '' AND call IN (
    SELECT call_id FROM purging CROSS JOIN attempts ON attempts.contact_id = purging.contact
    UNION SELECT platform_id FROM purging CROSS JOIN attempts ON attempts.contact_id = purging.contact)

-- :name hide_strange_inbox
-- What webhooks told before a moment of calls that are no attempt's.
UPDATE inbox SET body = '{}' WHERE received_at < :before
  AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.call_id = inbox.call)
  AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.platform_id = inbox.call)

-- :name hide_late_inbox
-- What webhooks have told of calls to people who were forgotten by then.
UPDATE inbox SET body = '{}' WHERE body <> '{}' AND call <> '' AND call IN (
    SELECT call_id FROM attempts JOIN contacts ON contacts.id = attempts.contact_id WHERE purged_at IS NOT NULL
    UNION SELECT platform_id FROM attempts JOIN contacts ON contacts.id = attempts.contact_id WHERE purged_at IS NOT NULL)

-- :name drop_analyses
-- What was found in their calls.
DELETE FROM analyses WHERE attempt_id IN (
    SELECT attempts.id FROM purging CROSS JOIN attempts ON attempts.contact_id = purging.contact)

-- :name hide_attempts
-- The dials stay, without number, record and words; by their error nobody asks the platform about them any more.
UPDATE attempts SET number = '', record = NULL, payload_hash = '', debt = '', error = 'purged'
WHERE contact_id IN (SELECT contact FROM purging)

-- :name drop_numbers
-- Their numbers.
DELETE FROM numbers WHERE contact_id IN (SELECT contact FROM purging)

-- :name hide_rejects
-- Rows of lists that were refused because of them.
UPDATE rejects SET value = '', why = '', person = ''
WHERE value IN (SELECT word FROM purged_words) OR person IN (SELECT word FROM purged_words)

-- :name hide_old_rejects
-- Rows that were refused of lists that were taken in before a moment.
UPDATE rejects SET value = '', why = '', person = ''
WHERE import_id IN (SELECT id FROM imports WHERE applied_at < :before)
  AND (:campaign IS NULL OR campaign_id = (SELECT id FROM campaigns WHERE name = :campaign))

-- :name hide_own_calls
-- Calls to one's own telephone with their data.
UPDATE own_calls SET person = CASE WHEN person IN (SELECT word FROM purged_words) THEN '' ELSE person END,
       number = CASE WHEN number IN (SELECT word FROM purged_words) THEN '' ELSE number END

-- :name drop_stamps
-- How the files of their lists looked; the lists are read once more.
UPDATE imports SET stamps = '[]'
WHERE campaign_id IN (SELECT campaign_id FROM purging CROSS JOIN contacts ON contacts.id = purging.contact)

-- :name withdraw_purged
-- due | waiting -> excluded: who waited for a call and is forgotten is not called.
UPDATE contacts SET state = 'excluded', detail = 'purged', due_at = NULL
WHERE id IN (SELECT contact FROM purging) AND state IN ('due', 'waiting')

-- :name hide_contacts
-- What is left counts, under a name that tells of nobody. The stop keeps it out of all that lists and people do.
UPDATE contacts SET person = 'purged:' || id, number = '', data = '{}', file = '', line = 0, audience = 0, priority = 0,
       stop = 'withdrawn', due_at = NULL, expires_at = NULL, not_after = NULL, purged_at = :at,
       detail = CASE
           WHEN detail NOT GLOB '*[^a-z_:]*' THEN detail
           WHEN instr(detail, ':') > 1 AND substr(detail, 1, instr(detail, ':') - 1) NOT GLOB '*[^a-z_]*'
           THEN substr(detail, 1, instr(detail, ':') - 1)
           ELSE 'purged' END
WHERE id IN (SELECT contact FROM purging)

-- :name drop_empty_tallies
-- Details that nobody has any more may have named somebody.
DELETE FROM tallies WHERE n = 0 AND attempts = 0

-- :name is_anybody_forgotten
-- Whether somebody of this campaign was.
SELECT EXISTS (SELECT 1 FROM forgotten WHERE campaign_id = :campaign)

-- :name forgotten_keys
-- Their keys.
SELECT key FROM forgotten WHERE campaign_id = :campaign
