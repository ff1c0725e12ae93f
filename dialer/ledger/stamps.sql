-- What the files of a campaign's list looked like when they were read.

-- :name stamps_of
-- Those of the list as it was last taken in, and its fingerprint.
SELECT fingerprint, stamps FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL ORDER BY id DESC LIMIT 1

-- :name keep_stamps
-- The list that was last taken in is this one, and its files looked so.
UPDATE imports SET stamps = :stamps
WHERE id = (SELECT MAX(id) FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL)
  AND fingerprint = :fingerprint AND stamps <> :stamps
