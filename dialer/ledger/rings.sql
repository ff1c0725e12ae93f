-- When people were rung: by the attempts of this ledger, and by what it was told of elsewhere.

-- :name rings_to
-- Rings since then to a number; asked for several at once.
SELECT id, intended_at, started_at, debt, finish_reason FROM attempts
WHERE number = ? AND intended_at >= ? AND (costs = 1 OR state IN ('intended', 'placed', 'unknown'))

-- :name rings_about
-- Rings about an id since then, in any campaign.
SELECT attempts.id, attempts.intended_at, attempts.started_at, attempts.debt, attempts.finish_reason
FROM campaigns CROSS JOIN contacts ON contacts.campaign_id = campaigns.id AND contacts.person = ?
CROSS JOIN attempts ON attempts.contact_id = contacts.id
WHERE attempts.intended_at >= ? AND (attempts.costs = 1 OR attempts.state IN ('intended', 'placed', 'unknown'))

-- :name told_of
-- Rings since then that no attempt tells of; asked for several keys at once.
SELECT at, debt, talked FROM rings WHERE key = ? AND at >= ?

-- :name keep_ring
-- One of these; told again, it changes nothing but that a conversation is known of.
INSERT INTO rings (key, at, debt, talked) VALUES (?, ?, ?, ?)
ON CONFLICT (key, at, debt) DO UPDATE SET talked = MAX(talked, excluded.talked) WHERE excluded.talked > talked
