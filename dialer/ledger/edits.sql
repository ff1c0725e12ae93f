-- A campaign file and a list that have changed: what it comes to, and what was said before.

-- :name said
-- What the campaign file said when it was last taken in; NULL if that is not known.
SELECT said FROM campaigns WHERE id = :campaign

-- :name keep_said
-- From here on it says this.
UPDATE campaigns SET said = :said WHERE id = :campaign

-- :name expire_otherwise
-- Whoever is not finished is given up when the file now says, and before their telephone could ring later than their row
-- allows. Without an end where
-- others have one are those whom a person has made due again.
UPDATE contacts SET updated_at = :at,
       expires_at = MIN(COALESCE(strftime(:until, first_seen_at, :lasts), strftime(:until, not_after, :ring)),
                        COALESCE(strftime(:until, not_after, :ring), strftime(:until, first_seen_at, :lasts)))
WHERE campaign_id = :campaign AND state NOT IN ('done', 'exhausted') AND (:had_none OR expires_at IS NOT NULL)

-- :name given_up
-- How many of those who wait have had their time.
SELECT COUNT(*) FROM contacts
WHERE campaign_id = :campaign AND state IN ('due', 'waiting') AND expires_at IS NOT NULL AND expires_at <= :at

-- :name begin_trial
-- From here on all can be undone.
SAVEPOINT trial

-- :name undo_trial
-- It was not so.
ROLLBACK TO trial

-- :name end_trial
-- As above.
RELEASE trial

-- :name make_listed_now
-- A list as it is read by somebody who only looks: its people, their columns as a JSON object, all their numbers.
CREATE TEMP TABLE listed_now (
    person  TEXT PRIMARY KEY,
    data    TEXT NOT NULL,
    numbers TEXT NOT NULL
) STRICT, WITHOUT ROWID

-- :name list_now
-- One of them.
INSERT OR IGNORE INTO listed_now (person, data, numbers) VALUES (?, ?, ?)

-- :name compare_now
-- New people, those who are back, and those who are gone.
SELECT (SELECT COUNT(*) FROM listed_now) - (SELECT COUNT(*) FROM listed_now
            CROSS JOIN contacts ON contacts.campaign_id = :campaign AND contacts.person = listed_now.person) AS added,
       (SELECT COUNT(*) FROM listed_now
            CROSS JOIN contacts ON contacts.campaign_id = :campaign AND contacts.person = listed_now.person
        WHERE contacts.stop IS 'withdrawn') AS returned,
       (SELECT COUNT(*) FROM contacts
        WHERE campaign_id = :campaign AND (stop IS NULL OR stop <> 'withdrawn')
          AND NOT EXISTS (SELECT 1 FROM listed_now WHERE listed_now.person = contacts.person)) AS withdrawn

-- :name changed_now
-- People who are not finished, and whose row says something else.
SELECT contacts.person AS person, contacts.data AS before, listed_now.data AS after
FROM listed_now CROSS JOIN contacts ON contacts.campaign_id = :campaign AND contacts.person = listed_now.person
WHERE contacts.state NOT IN ('done', 'exhausted')
  AND (contacts.data <> listed_now.data
       OR listed_now.numbers <> (SELECT json_group_array(number) FROM
            (SELECT number FROM numbers WHERE contact_id = contacts.id ORDER BY rank)))
ORDER BY contacts.id
