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
