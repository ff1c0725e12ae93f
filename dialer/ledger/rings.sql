-- When people were rung: by the attempts of this ledger, and by what it was told of elsewhere.

-- :name rings_of
-- Rings since then to one of these numbers, or about this id in any campaign, each once.
SELECT id, intended_at, started_at, debt, finish_reason FROM attempts
WHERE number IN (:numbers) AND intended_at >= :since AND (costs = 1 OR state IN ('intended', 'placed', 'unknown'))
UNION
SELECT attempts.id, attempts.intended_at, attempts.started_at, attempts.debt, attempts.finish_reason
FROM campaigns CROSS JOIN contacts ON contacts.campaign_id = campaigns.id AND contacts.person = :person
CROSS JOIN attempts ON attempts.contact_id = contacts.id
WHERE attempts.intended_at >= :since AND (attempts.costs = 1 OR attempts.state IN ('intended', 'placed', 'unknown'))

-- :name told_of
-- Rings since then that no attempt tells of.
SELECT at, debt, MAX(talked) AS talked FROM rings WHERE key IN (:keys) AND at >= :since GROUP BY at, debt

-- :name keep_ring
-- One of these; told again, it changes nothing but that a conversation is known of.
INSERT INTO rings (key, at, debt, talked) VALUES (?, ?, ?, ?)
ON CONFLICT (key, at, debt) DO UPDATE SET talked = MAX(talked, excluded.talked) WHERE excluded.talked > talked
