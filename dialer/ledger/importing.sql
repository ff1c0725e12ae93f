-- Taking a list in: rows are staged, and count for nothing until `apply` has made contacts of them,
-- all in one transaction.

-- :name last_import
-- The list as it was last taken in.
SELECT * FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL ORDER BY id DESC LIMIT 1

-- :name begin_import
-- A list is being read.
INSERT INTO imports (campaign_id, fingerprint, files, columns, started_at)
VALUES (:campaign, :fingerprint, :files, :columns, :at)

-- :name drop_staged
-- Rows of an import that was never applied.
DELETE FROM staged WHERE import_id IN (SELECT id FROM imports WHERE campaign_id = :campaign AND applied_at IS NULL)

-- :name drop_rejects
-- Rejects of an import that was never applied.
DELETE FROM rejects WHERE import_id IN (SELECT id FROM imports WHERE campaign_id = :campaign AND applied_at IS NULL)

-- :name drop_imports
-- Imports that were never applied.
DELETE FROM imports WHERE campaign_id = :campaign AND applied_at IS NULL

-- :name stage_row
-- A good row.
INSERT INTO staged (import_id, person, numbers, number, data, file, line) VALUES (?, ?, ?, ?, ?, ?, ?)

-- :name stage_reject
-- A bad row.
INSERT INTO rejects (import_id, campaign_id, file, line, "column", value, reason, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- :name index_staged
-- Made for the moment of applying, dropped after it.
CREATE INDEX staged_by_person ON staged (import_id, person, id)

-- :name unindex_staged
-- As above.
DROP INDEX staged_by_person

-- :name know_by_number
-- Without an id column and with several numbers a row, people are known by any number of theirs: a number that is filled
-- in before the one that was rung makes nobody a new person.
UPDATE staged SET person = COALESCE((
    SELECT contacts.person FROM json_each(staged.numbers) AS each
    JOIN numbers ON numbers.number = json_extract(each.value, '$[0]')
    JOIN contacts ON contacts.id = numbers.contact_id AND contacts.campaign_id = :campaign
    ORDER BY contacts.id LIMIT 1), person)
WHERE import_id = :import

-- :name reject_same_person
-- A second row about the same person.
INSERT INTO rejects (import_id, campaign_id, file, line, "column", value, reason, why)
SELECT later.import_id, :campaign, later.file, later.line, :column, later.person, 'duplicate',
       'the same as line ' || first.line || ' of ' || first.file
FROM staged AS later
JOIN staged AS first ON first.id = (SELECT MIN(id) FROM staged WHERE import_id = :import AND person = later.person)
WHERE later.import_id = :import AND later.id <> first.id

-- :name drop_same_person
-- As above.
DELETE FROM staged WHERE import_id = :import
AND id <> (SELECT MIN(id) FROM staged AS same WHERE same.import_id = :import AND same.person = staged.person)

-- :name make_taken
-- The row that keeps each number, for `one_per: phone`: whoever is a contact already, else the first; or else a list in
-- another order would make a new contact of a number that was rung.
CREATE TEMP TABLE taken AS
SELECT json_extract(each.value, '$[0]') AS number,
       COALESCE(MIN(CASE WHEN EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND contacts.person = staged.person
                                      AND (stop IS NULL OR stop <> 'withdrawn' OR attempts > 0)) THEN staged.id END),
                MIN(staged.id)) AS first
FROM staged, json_each(staged.numbers) AS each WHERE staged.import_id = :import GROUP BY 1

-- :name make_taken_first_only
-- The same where the list has one phone column, which is much quicker.
CREATE TEMP TABLE taken AS
SELECT number,
       COALESCE(MIN(CASE WHEN EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND contacts.person = staged.person
                                      AND (stop IS NULL OR stop <> 'withdrawn' OR attempts > 0)) THEN id END), MIN(id)) AS first
FROM staged WHERE import_id = :import GROUP BY number

-- :name index_taken
-- For the two that follow.
CREATE UNIQUE INDEX temp.taken_by_number ON taken (number)

-- :name make_doubles
-- Rows with a number that another row keeps.
CREATE TEMP TABLE doubles AS
SELECT staged.id AS id, MIN(taken.first) AS first, json_extract(each.value, '$[0]') AS number
FROM staged, json_each(staged.numbers) AS each
JOIN taken ON taken.number = json_extract(each.value, '$[0]')
WHERE staged.import_id = :import AND taken.first <> staged.id
GROUP BY staged.id

-- :name make_doubles_first_only
-- As above.
CREATE TEMP TABLE doubles AS
SELECT staged.id AS id, taken.first AS first, staged.number AS number
FROM staged JOIN taken ON taken.number = staged.number
WHERE staged.import_id = :import AND taken.first <> staged.id

-- :name reject_doubles
-- A second row with a number.
INSERT INTO rejects (import_id, campaign_id, file, line, "column", value, reason, why)
SELECT staged.import_id, :campaign, staged.file, staged.line, :column, doubles.number, 'duplicate',
       'the same number as line ' || first.line || ' of ' || first.file
FROM doubles JOIN staged ON staged.id = doubles.id JOIN staged AS first ON first.id = doubles.first

-- :name drop_doubles
-- As above.
DELETE FROM staged WHERE id IN (SELECT id FROM doubles)

-- :name sums
-- What the import holds, for the gates.
SELECT (SELECT COUNT(*) FROM staged WHERE import_id = :import) AS good,
       (SELECT COUNT(DISTINCT file || char(0) || line) FROM rejects AS bad WHERE import_id = :import
        AND NOT EXISTS (SELECT 1 FROM staged WHERE import_id = :import AND file = bad.file AND line = bad.line)) AS bad

-- :name some_rejects
-- Examples for a message.
SELECT file, line, "column", value, reason, why FROM rejects WHERE import_id = :import ORDER BY id LIMIT 3

-- :name present
-- How many contacts the list had when it was last taken in.
SELECT COUNT(*) FROM contacts WHERE campaign_id = :campaign AND (stop IS NULL OR stop <> 'withdrawn')

-- :name make_gone
-- Contacts that the list no longer has.
CREATE TEMP TABLE gone AS
SELECT id, state FROM contacts
WHERE campaign_id = :campaign AND (stop IS NULL OR stop <> 'withdrawn')
  AND NOT EXISTS (SELECT 1 FROM staged WHERE import_id = :import AND staged.person = contacts.person)

-- :name count_gone
-- As above.
SELECT COUNT(*) FROM gone

-- :name tell_gone
-- An event for each whose life changes by it.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'withdrawn', state, CASE WHEN state IN ('due', 'waiting') THEN 'excluded' ELSE state END, 'no longer in the list'
FROM gone WHERE state IN ('due', 'waiting', 'dialing', 'unknown')

-- :name withdraw
-- due | waiting -> excluded; what is live runs out, what is finished stays.
UPDATE contacts SET
    detail = CASE WHEN state IN ('due', 'waiting') THEN 'withdrawn' ELSE detail END,
    state = CASE WHEN state IN ('due', 'waiting') THEN 'excluded' ELSE state END,
    stop = COALESCE(stop, 'withdrawn'), updated_at = :at
WHERE id IN (SELECT id FROM gone)

-- :name make_same
-- Contacts that the list has, with their rows.
CREATE TEMP TABLE same AS
SELECT contacts.id AS contact, staged.id AS row,
       contacts.stop = 'withdrawn' AS returned,
       contacts.data <> staged.data OR contacts.number <> staged.number
       OR (SELECT json_group_array(number) FROM (SELECT number FROM numbers WHERE contact_id = contacts.id ORDER BY rank))
          <> (SELECT json_group_array(json_extract(value, '$[0]')) FROM json_each(staged.numbers)) AS changed
FROM staged JOIN contacts ON contacts.campaign_id = :campaign AND contacts.person = staged.person
WHERE staged.import_id = :import

-- :name tell_returned
-- excluded -> due.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, contacts.id, 'returned', 'excluded', 'due', 'in the list again'
FROM same JOIN contacts ON contacts.id = same.contact
WHERE same.returned AND contacts.state = 'excluded' AND contacts.detail = 'withdrawn'

-- :name take_back
-- excluded -> due: a withdrawn row that has returned; finished ones only lose the mark.
UPDATE contacts SET
    state = CASE WHEN state = 'excluded' AND detail = 'withdrawn' THEN 'due' ELSE state END,
    detail = CASE WHEN state = 'excluded' AND detail = 'withdrawn' THEN '' ELSE detail END,
    stop = NULL, updated_at = :at
WHERE id IN (SELECT contact FROM same WHERE returned)

-- :name make_taking
-- Contacts not yet finished whose row has changed; and those that the platform refused and that were corrected.
CREATE TEMP TABLE taking AS
SELECT same.contact AS contact, same.row AS row, contacts.state AS state,
       contacts.state = 'excluded' AND contacts.stop IS NULL AS corrected
FROM same JOIN contacts ON contacts.id = same.contact
WHERE same.changed AND contacts.state IN ('due', 'waiting', 'dialing', 'unknown', 'excluded')

-- :name tell_changed
-- An event for each.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, contact, 'changed', state, CASE WHEN corrected THEN 'due' ELSE state END, 'the list has new data'
FROM taking

-- :name take_new_data
-- New data; excluded -> due where the row was corrected.
UPDATE contacts SET
    data = (SELECT data FROM staged WHERE id = taking.row), number = (SELECT number FROM staged WHERE id = taking.row),
    file = (SELECT file FROM staged WHERE id = taking.row), line = (SELECT line FROM staged WHERE id = taking.row),
    state = CASE WHEN taking.corrected THEN 'due' ELSE contacts.state END,
    detail = CASE WHEN taking.corrected THEN '' ELSE contacts.detail END,
    import_id = :import, updated_at = :at
FROM taking WHERE contacts.id = taking.contact

-- :name drop_old_numbers
-- Numbers of rows that have changed.
DELETE FROM numbers WHERE contact_id IN (SELECT contact FROM taking)

-- :name new_numbers_of_changed
-- As above.
INSERT INTO numbers (contact_id, rank, number, region, kind)
SELECT taking.contact, each.key, json_extract(each.value, '$[0]'), json_extract(each.value, '$[1]'), json_extract(each.value, '$[2]')
FROM taking JOIN staged ON staged.id = taking.row, json_each(staged.numbers) AS each

-- :name add_contacts
-- Rows about people whom the campaign does not know yet, in the order of the list.
INSERT INTO contacts (campaign_id, person, state, number, data, file, line, import_id, first_seen_at, expires_at, updated_at)
SELECT :campaign, person, 'due', number, data, file, line, :import, :at, :expires, :at
FROM staged WHERE import_id = :import
  AND NOT EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND contacts.person = staged.person)
ORDER BY staged.id

-- :name add_numbers
-- Their numbers.
INSERT INTO numbers (contact_id, rank, number, region, kind)
SELECT contacts.id, each.key, json_extract(each.value, '$[0]'), json_extract(each.value, '$[1]'), json_extract(each.value, '$[2]')
FROM contacts JOIN staged ON staged.import_id = :import AND staged.person = contacts.person,
     json_each(staged.numbers) AS each
WHERE contacts.campaign_id = :campaign AND contacts.import_id = :import AND contacts.id > :before

-- :name last_contact
-- Where the new ones begin.
SELECT COALESCE(MAX(id), 0) FROM contacts

-- :name finish_import
-- From here on the list counts.
UPDATE imports SET applied_at = :at, rows_read = :read, rows_good = :good, added = :added, changed = :changed,
       withdrawn = :withdrawn, returned = :returned, rejected = :rejected WHERE id = :import

-- :name drop_old_rejects
-- A changed file replaces its rejects.
DELETE FROM rejects WHERE campaign_id = :campaign AND import_id <> :import

-- :name drop_applied
-- The staged rows have become contacts.
DELETE FROM staged WHERE import_id = :import

-- :name keep_columns
-- The list's columns, in the list's order.
UPDATE campaigns SET columns = (SELECT columns FROM imports WHERE id = :import) WHERE id = :campaign
