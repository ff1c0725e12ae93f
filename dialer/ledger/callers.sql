-- Which own numbers show, and how often.

-- :name used_today
-- How many calls were made under each of these own numbers since the day began, in all campaigns; what is proven to have
-- rung nobody does not count. Intents follow each other by id, so only the newest rows are read: those of two days more,
-- since a wall clock that was set back over midnight has written an earlier day behind a later one.
SELECT from_number, COUNT(*) AS calls FROM attempts
WHERE id > COALESCE((SELECT id FROM attempts WHERE intended_at < :before ORDER BY id DESC LIMIT 1), 0)
  AND intended_at >= :day AND state <> 'refused' AND (state <> 'ended' OR costs = 1)
  AND from_number IN (SELECT value FROM json_each(:numbers))
GROUP BY from_number

-- :name last_from
-- The own number that a contact saw last; a dial that was refused showed none.
SELECT from_number FROM attempts WHERE contact_id = :contact AND state <> 'refused' ORDER BY id DESC LIMIT 1

-- :name wait_for_caller
-- due -> waiting: no own number can show for them before then.
UPDATE contacts SET state = 'waiting', due_at = :until, detail = :detail, updated_at = :at
WHERE id = :contact AND state = 'due'

-- :name without_caller
-- due -> excluded: no own number is meant for them; their time is kept.
UPDATE contacts SET state = 'excluded', detail = :detail, updated_at = :at WHERE id = :contact AND state = 'due'

-- :name last_from_by_name
-- The same of a person of a campaign, for those who look from outside.
SELECT attempts.from_number AS from_number
FROM attempts JOIN contacts ON contacts.id = attempts.contact_id JOIN campaigns ON campaigns.id = contacts.campaign_id
WHERE campaigns.name = :campaign AND contacts.person = :person AND attempts.state <> 'refused'
ORDER BY attempts.id DESC LIMIT 1
