-- Of rows about one person, or with one number, the word of those that are not taken on whether that person consents.

-- :name refused_by_person
-- The rows that are taken, and say yes, of people of whom another row does not; with where each row is from.
SELECT DISTINCT kept.id AS row, theirs.file, theirs.region, theirs.kind, given.facts
FROM doubles
CROSS JOIN staged ON staged.id = doubles.id
JOIN origins ON origins.id = staged.origin JOIN audiences ON audiences.id = origins.audience
CROSS JOIN staged AS kept ON kept.id = doubles.first
JOIN origins AS theirs ON theirs.id = kept.origin JOIN audiences AS given ON given.id = theirs.audience
WHERE json_extract(given.facts, '$.consents') AND NOT COALESCE(json_extract(audiences.facts, '$.consents'), 0)

-- :name refused_by_number
-- The same of the rows that keep a number, each of those with which a row has a number in common.
SELECT DISTINCT kept.id AS row, theirs.file, theirs.region, theirs.kind, given.facts
FROM sharers
CROSS JOIN keepers ON keepers.number = sharers.number AND keepers.first <> sharers.id
CROSS JOIN staged ON staged.id = sharers.id
JOIN origins ON origins.id = staged.origin JOIN audiences ON audiences.id = origins.audience
CROSS JOIN staged AS kept ON kept.id = keepers.first
JOIN origins AS theirs ON theirs.id = kept.origin JOIN audiences AS given ON given.id = theirs.audience
WHERE json_extract(given.facts, '$.consents') AND NOT COALESCE(json_extract(audiences.facts, '$.consents'), 0)

-- :name origin_without
-- Where a row is from, of somebody who does not consent.
INSERT OR IGNORE INTO origins (file, region, kind, audience) VALUES (:file, :region, :kind, :audience)

-- :name take_back
-- The row that is taken says so too.
UPDATE staged SET origin =
    (SELECT id FROM origins WHERE file = :file AND region = :region AND kind = :kind AND audience = :audience)
WHERE id = :row
