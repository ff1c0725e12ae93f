-- With which campaigns people are shared.

-- :name shared_with
-- In how many people of a campaign's another one's numbers meet; whoever left its list counts in neither.
SELECT campaigns.name AS campaign, COUNT(DISTINCT mine.id) AS people
FROM contacts AS mine CROSS JOIN numbers ON numbers.contact_id = mine.id
CROSS JOIN numbers AS same ON same.number = numbers.number
CROSS JOIN contacts AS other ON other.id = same.contact_id
CROSS JOIN campaigns ON campaigns.id = other.campaign_id
WHERE mine.campaign_id = :campaign AND other.campaign_id <> :campaign
  AND mine.stop IS NOT 'withdrawn' AND other.stop IS NOT 'withdrawn'
GROUP BY campaigns.id ORDER BY campaigns.id

-- :name make_of_list
-- The numbers of a list that was not taken in yet, each with the place of its row.
CREATE TEMP TABLE of_list (row INTEGER NOT NULL, number TEXT NOT NULL) STRICT

-- :name add_of_list
-- One of them.
INSERT INTO of_list (row, number) VALUES (?, ?)

-- :name shared_by
-- In how many rows of it each campaign's numbers are.
SELECT campaigns.name AS campaign, COUNT(DISTINCT of_list.row) AS people
FROM of_list CROSS JOIN numbers ON numbers.number = of_list.number
CROSS JOIN contacts ON contacts.id = numbers.contact_id CROSS JOIN campaigns ON campaigns.id = contacts.campaign_id
WHERE contacts.stop IS NOT 'withdrawn'
GROUP BY campaigns.id ORDER BY campaigns.id
