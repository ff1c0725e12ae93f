-- The side of those who want to look. Nothing here writes.

-- :name applied
-- The changes of the schema that this ledger has had.
SELECT name FROM _sqlite_migrations WHERE migration_set = :migrations

-- :name campaigns
-- All campaigns of the ledger, oldest first.
SELECT id, name, platform_url, columns, paused, paused_until, paused_why, paused_by, lines, created_at FROM campaigns ORDER BY id

-- :name counts
-- How many contacts are in each state, from the tallies that the triggers keep.
SELECT state, SUM(n) AS n FROM tallies WHERE campaign_id = :campaign GROUP BY state HAVING SUM(n) > 0

-- :name reasons
-- Why contacts are where they are, from the same tallies.
SELECT state, finish_reason, detail, n AS contacts FROM tallies WHERE campaign_id = :campaign AND n > 0

-- :name next_due
-- When the next contact is due that is not due now.
SELECT MIN((SELECT MIN(due_at) FROM contacts
            WHERE campaign_id = :campaign AND audience = campaign_audiences.audience AND state IN ('due', 'waiting')
              AND due_at IS NOT NULL AND due_at > :now))
FROM campaign_audiences WHERE campaign_id = :campaign

-- :name due_after
-- How many contacts become due after an instant: whole minutes from the tally, the rest of the instant's own by the index.
SELECT (SELECT COALESCE(SUM(n), 0) FROM due_minutes WHERE campaign_id = :campaign AND minute > substr(:moment, 1, 16))
     + (SELECT COUNT(*)
        FROM campaign_audiences CROSS JOIN contacts
          ON contacts.campaign_id = :campaign AND contacts.audience = campaign_audiences.audience
        WHERE campaign_audiences.campaign_id = :campaign AND contacts.state IN ('due', 'waiting') AND due_at IS NOT NULL
          AND due_at > :moment AND due_at < substr(:moment, 1, 16) || ';') -- sorts after every second of that minute

-- :name live
-- How many attempts are intended or placed: calls that may be under way.
SELECT COUNT(*) FROM attempts
WHERE campaign_id = :campaign AND (state = 'intended' OR state = 'placed' OR state = 'unknown') AND state <> 'unknown'

-- :name unknown
-- The attempts whose fate is open, oldest first, with the person and why.
SELECT attempts.id AS attempt_id, contacts.person AS person, attempts.number AS number, attempts.call_id AS call_id,
       attempts.platform_id AS platform_id, attempts.intended_at AS intended_at, attempts.held_until AS held_until,
       attempts.looks AS looks, contacts.detail AS detail
FROM attempts JOIN contacts ON contacts.id = attempts.contact_id
WHERE attempts.campaign_id = :campaign AND (attempts.state = 'intended' OR attempts.state = 'placed' OR attempts.state = 'unknown')
  AND attempts.state = 'unknown'
ORDER BY attempts.id

-- :name attempts_made
-- How many attempts were used up, over all contacts.
SELECT COALESCE(SUM(attempts), 0) FROM tallies WHERE campaign_id = :campaign

-- :name outcomes
-- The calls that have ended, by finish reason.
SELECT COALESCE(finish_reason, 'unknown_error') AS finish_reason, COUNT(*) AS calls
FROM attempts WHERE campaign_id = :campaign AND state = 'ended' GROUP BY 1

-- :name calls_since
-- How many calls were placed since an instant; intents follow each other by id, so only the newest rows are read.
SELECT COUNT(*) FROM attempts
WHERE id > COALESCE((SELECT id FROM attempts WHERE intended_at < :intended ORDER BY id DESC LIMIT 1), 0)
  AND campaign_id = :campaign AND placed_at >= :since

-- :name reject_counts
-- How many rejects the list as it was last taken in has, by reason.
SELECT reason, COUNT(*) AS n FROM rejects
WHERE campaign_id = :campaign
  AND import_id = (SELECT MAX(id) FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL)
GROUP BY reason

-- :name rejects
-- The rejects of the list as it was last taken in, in the list's order; walked as the results below.
SELECT campaigns.name AS campaign, file, line, "column", value, reason, why
FROM rejects NOT INDEXED CROSS JOIN campaigns ON campaigns.id = rejects.campaign_id
WHERE rejects.campaign_id = :campaign
  AND import_id = (SELECT MAX(id) FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL)
ORDER BY rejects.id

-- :name last_run
-- The newest run that carried this campaign.
SELECT id, host, pid, command, started_at, ended_at, exit_code, reason FROM runs
WHERE EXISTS (SELECT 1 FROM json_each(runs.campaigns) WHERE json_each.value = (SELECT name FROM campaigns WHERE id = :campaign))
ORDER BY id DESC LIMIT 1

-- :name results
-- One row a contact, as they came in; the table is walked by its own order, so that nothing is sorted or kept.
SELECT results.* FROM (
    SELECT id FROM contacts NOT INDEXED WHERE campaign_id = :campaign AND updated_at >= :since ORDER BY id
) AS picked CROSS JOIN results ON results.contact_id = picked.id
ORDER BY picked.id

-- :name found_names
-- The names under which something was found in the calls of a campaign.
SELECT DISTINCT found.key AS name FROM analyses JOIN attempts ON attempts.id = analyses.attempt_id,
       json_each(analyses.items) AS found
WHERE attempts.campaign_id = :campaign ORDER BY name

-- :name attempts
-- One row an attempt, as they were made, changed at or after an instant; walked as above.
SELECT campaigns.name AS campaign, contacts.person AS id, attempts.number AS phone, attempts.serial AS serial,
       attempts.state AS state, attempts.costs AS costs, attempts.call_id AS call_id,
       attempts.platform_id AS platform_id, attempts.from_number AS from_number,
       attempts.ai_agent_id AS ai_agent_id, attempts.intended_at AS intended_at, attempts.placed_at AS placed_at,
       attempts.started_at AS started_at, attempts.ended_at AS ended_at,
       attempts.duration_seconds AS duration_seconds, attempts.call_status AS call_status,
       attempts.finish_reason AS finish_reason,
       json_extract(attempts.record, '$.recorded_call_audio_url') AS recording_url,
       json_extract(attempts.record, '$.messages') AS transcript, attempts.error AS error, attempts.rule AS rule,
       attempts.rule_version AS rule_version, analyses.items AS analysis
FROM attempts NOT INDEXED
CROSS JOIN contacts ON contacts.id = attempts.contact_id
CROSS JOIN campaigns ON campaigns.id = attempts.campaign_id
LEFT JOIN analyses ON analyses.attempt_id = attempts.id
WHERE attempts.campaign_id = :campaign
  AND COALESCE(attempts.closed_at, attempts.placed_at, attempts.intended_at) >= :since
ORDER BY attempts.id
