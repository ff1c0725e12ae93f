-- Whom a campaign has, in groups, for a forecast. Nothing here writes.

-- :name crowds
-- People who wait for a dial, in groups: a time of their own counts by ten minutes, an end by the hour, the later and the
-- earlier of the group being told.
SELECT audience, priority, attempts - extra_attempts AS attempts, tally, due_at IS NOT NULL AS again,
       MAX(CASE WHEN due_at > :now THEN due_at END) AS due_at, MIN(expires_at) AS expires_at, COUNT(*) AS people
FROM contacts
WHERE campaign_id = :campaign AND state IN ('due', 'waiting') AND stop IS NULL
GROUP BY audience, priority, attempts - extra_attempts, tally, due_at IS NOT NULL,
         CASE WHEN due_at > :now THEN substr(due_at, 1, 15) END, substr(expires_at, 1, 13)

-- :name excluded
-- Who is not called, by reason; those who will be taken out when their turn comes among them.
SELECT COALESCE(stop, detail) AS why, COUNT(*) AS people FROM contacts
WHERE campaign_id = :campaign AND (state = 'excluded' OR (state IN ('due', 'waiting') AND stop IS NOT NULL))
GROUP BY 1 ORDER BY people DESC, why

-- :name some_excluded
-- Some of those.
SELECT number FROM contacts
WHERE campaign_id = :campaign AND COALESCE(stop, detail) = :why
  AND (state = 'excluded' OR (state IN ('due', 'waiting') AND stop IS NOT NULL)) LIMIT :some

-- :name some_of
-- Some of an audience who wait for a dial, found by the indices of those who are due now and of those who are later.
SELECT number FROM (
    SELECT number, stop FROM contacts
    WHERE campaign_id = :campaign AND audience = :audience AND state = 'due' AND due_at IS NULL
    UNION ALL
    SELECT number, stop FROM contacts
    WHERE campaign_id = :campaign AND audience = :audience AND state IN ('due', 'waiting') AND due_at IS NOT NULL
) WHERE stop IS NULL LIMIT :some

-- :name rejects
-- Faults of the list as it was last taken in, by reason.
SELECT reason AS why, COUNT(*) AS people, MIN(file || ' line ' || line) AS example FROM rejects
WHERE campaign_id = :campaign
  AND import_id = (SELECT MAX(id) FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL)
GROUP BY reason ORDER BY people DESC, why

-- :name ended
-- How calls have ended, with the means of their seconds of talk and of those from the dial to the end.
SELECT COALESCE(finish_reason, 'unknown_error') AS reason, COUNT(*) AS calls,
       COALESCE(AVG(COALESCE(duration_seconds, 0)), 0.0) AS talk,
       COALESCE(AVG(86400.0 * (julianday(COALESCE(ended_at, closed_at)) - julianday(placed_at))), 0.0) AS line
FROM attempts WHERE campaign_id = :campaign AND state = 'ended' AND error = '' GROUP BY 1

-- :name is_taken_in
-- Whether a list was ever taken in.
SELECT EXISTS (SELECT 1 FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL)

-- :name opt_outs
-- The keys of the do-not-call list.
SELECT key FROM opt_outs
