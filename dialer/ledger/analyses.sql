-- What the platform found in calls afterwards, and who asked to be called again.

-- :name unanalysed
-- Calls of a campaign before one that have ended since then without a row here, the newest first; of a call that was marked by hand
-- nobody can ask. Intents follow each other by id, so only the newest rows are read.
SELECT attempts.id AS attempt, attempts.contact_id AS contact, attempts.call_id, attempts.platform_id,
       attempts.ai_agent_id AS agent, attempts.finish_reason, attempts.closed_at,
       COALESCE(json_array_length(attempts.record, '$.messages'), 0) > 0 AS has_messages
FROM attempts
WHERE attempts.id > COALESCE((SELECT id FROM attempts WHERE intended_at < :since ORDER BY id DESC LIMIT 1), 0)
  AND (:before IS NULL OR attempts.id < :before)
  AND attempts.campaign_id = :campaign AND attempts.state = 'ended' AND attempts.error = '' AND attempts.closed_at >= :since
  AND NOT EXISTS (SELECT 1 FROM analyses WHERE analyses.attempt_id = attempts.id)
ORDER BY attempts.id DESC LIMIT :limit

-- :name ended_call
-- One call that has ended, by either of its ids, if it is the campaign's and without a row here.
SELECT attempts.id AS attempt, attempts.contact_id AS contact, attempts.call_id, attempts.platform_id,
       attempts.ai_agent_id AS agent, attempts.finish_reason, attempts.closed_at,
       COALESCE(json_array_length(attempts.record, '$.messages'), 0) > 0 AS has_messages
FROM attempts
WHERE attempts.id = COALESCE((SELECT id FROM attempts WHERE call_id = :call),
                             (SELECT MAX(id) FROM attempts WHERE platform_id = :call))
  AND attempts.campaign_id = :campaign AND attempts.state = 'ended' AND attempts.error = ''
  AND NOT EXISTS (SELECT 1 FROM analyses WHERE analyses.attempt_id = attempts.id)

-- :name keep_analysis
-- What was found in a call, once.
INSERT INTO analyses (attempt_id, fetched_at, items) VALUES (:attempt, :at, :items) ON CONFLICT (attempt_id) DO NOTHING

-- :name contact_analysed
-- Their row is another one now, for those who export what has changed.
UPDATE contacts SET updated_at = :at WHERE id = :contact

-- :name who_talked
-- Of whom a call was: how they stand, and the zones in which they may be.
SELECT contacts.state, contacts.attempts, contacts.stop,
       COALESCE((SELECT json_extract(facts, '$.zones') FROM audiences WHERE id = contacts.audience), '[]') AS zones
FROM contacts WHERE contacts.id = :contact

-- :name called_back
-- done -> due, and another time for those who wait: the one for which they asked in their last call, within the attempts
-- that the campaign has for one person. A cancelled campaign calls nobody back.
UPDATE contacts SET state = CASE WHEN state = 'done' THEN 'due' ELSE state END, due_at = :due_at, detail = 'callback',
       updated_at = :at
WHERE id = :contact AND state IN ('done', 'waiting') AND stop IS NULL AND attempts < :most + extra_attempts
  AND COALESCE(expires_at > :due_at, 1)
  AND (SELECT paused FROM campaigns WHERE id = contacts.campaign_id) IS NOT 'cancelled'
  AND :attempt = (SELECT MAX(id) FROM attempts WHERE contact_id = :contact)
