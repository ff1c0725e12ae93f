-- When people were rung: by the attempts of this ledger, and by what it was told of elsewhere.

-- :name rings_to
-- Rings since then to a number, and what is known of a talk; asked for several at once. Whoever the operator has marked
-- as done was talked to.
SELECT id, intended_at, started_at, debt, finish_reason,
       state = 'ended' AND error LIKE 'done, says %' AS is_marked,
       CASE WHEN state <> 'ended' THEN 0 WHEN duration_seconds > 0 THEN 1
            ELSE COALESCE(json_array_length(record, '$.messages'), 0) > 0 END AS spoke,
       state = 'ended' AND duration_seconds IS NULL AND started_at IS NOT NULL AS untimed
FROM attempts
WHERE number = ? AND intended_at >= ? AND (costs = 1 OR (state = 'intended' OR state = 'placed' OR state = 'unknown'))

-- :name rings_about
-- Rings about an id since then, in any campaign.
SELECT attempts.id, attempts.intended_at, attempts.started_at, attempts.debt, attempts.finish_reason,
       attempts.state = 'ended' AND attempts.error LIKE 'done, says %' AS is_marked,
       CASE WHEN attempts.state <> 'ended' THEN 0 WHEN attempts.duration_seconds > 0 THEN 1
            ELSE COALESCE(json_array_length(attempts.record, '$.messages'), 0) > 0 END AS spoke,
       attempts.state = 'ended' AND attempts.duration_seconds IS NULL AND attempts.started_at IS NOT NULL AS untimed
FROM campaigns CROSS JOIN contacts ON contacts.campaign_id = campaigns.id AND contacts.person = ?
CROSS JOIN attempts ON attempts.contact_id = contacts.id
WHERE attempts.intended_at >= ? AND (attempts.costs = 1 OR (attempts.state = 'intended' OR attempts.state = 'placed' OR attempts.state = 'unknown'))

-- :name told_of
-- Rings since then that no attempt tells of; asked for several keys at once.
SELECT at, debt, talked FROM rings WHERE key = ? AND at >= ?

-- :name keep_ring
-- One of these; told again, it changes nothing but that a conversation is known of.
INSERT INTO rings (key, at, debt, talked) VALUES (?, ?, ?, ?)
ON CONFLICT (key, at, debt) DO UPDATE SET talked = MAX(talked, excluded.talked) WHERE excluded.talked > talked
