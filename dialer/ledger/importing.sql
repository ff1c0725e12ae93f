-- Taking a list in: rows are staged, and count for nothing until `apply` has made contacts of them,
-- all in one transaction.

-- :name last_import
-- The list as it was last taken in.
SELECT * FROM imports WHERE campaign_id = :campaign AND applied_at IS NOT NULL ORDER BY id DESC LIMIT 1

-- :name begin_import
-- A list is being read.
INSERT INTO imports (campaign_id, fingerprint, files, columns, started_at)
VALUES (:campaign, :fingerprint, :files, :columns, :at)

-- :name unfinished
-- Imports that were never applied.
SELECT id FROM imports WHERE campaign_id = :campaign AND applied_at IS NULL

-- :name drop_rejects
-- Rejects of an import that was never applied.
DELETE FROM rejects WHERE import_id IN (SELECT id FROM imports WHERE campaign_id = :campaign AND applied_at IS NULL)

-- :name drop_imports
-- Imports that were never applied.
DELETE FROM imports WHERE campaign_id = :campaign AND applied_at IS NULL

-- :name make_at_hand
-- The import to which the rows at hand belong; another's are set aside under its number.
CREATE TEMP TABLE at_hand (import_id INTEGER NOT NULL) STRICT

-- :name at_hand
-- As above.
SELECT import_id FROM at_hand

-- :name take_in_hand
-- As above.
INSERT INTO at_hand (import_id) VALUES (:import)

-- :name put_aside
-- As above.
DELETE FROM at_hand

-- :name has_table
-- Whether there is a table of this name.
SELECT EXISTS (SELECT 1 FROM sqlite_temp_schema WHERE type = 'table' AND name = :name)

-- :name make_staged
-- Its rows, from 1 on, in the order of the list: the first number of each, and its columns as a JSON object.
CREATE TEMP TABLE staged (
    id     INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    number TEXT NOT NULL,
    origin INTEGER NOT NULL,
    data   TEXT NOT NULL,
    line   INTEGER NOT NULL
) STRICT

-- :name make_origins
-- What very many rows share: their file, the region and kind of their first number, with whom they are decided about.
CREATE TEMP TABLE origins (
    id       INTEGER PRIMARY KEY,
    file     TEXT NOT NULL,
    region   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    audience INTEGER NOT NULL,
    UNIQUE (file, region, kind, audience)
) STRICT

-- :name stage_origin
-- One of them.
INSERT OR IGNORE INTO origins (file, region, kind, audience) VALUES (?, ?, ?, ?)

-- :name origins_of
-- Those of a file.
SELECT region, kind, audience, id FROM origins WHERE file = :file

-- :name make_others
-- Their numbers after the first.
CREATE TEMP TABLE others (
    row    INTEGER NOT NULL,
    rank   INTEGER NOT NULL,
    number TEXT NOT NULL,
    region TEXT NOT NULL,
    kind   TEXT NOT NULL,
    PRIMARY KEY (row, rank)
) STRICT, WITHOUT ROWID

-- :name make_wishes
-- What rows say of their turn.
CREATE TEMP TABLE wishes (
    row        INTEGER PRIMARY KEY,
    priority   INTEGER NOT NULL,
    not_before TEXT,
    not_after  TEXT
) STRICT

-- :name stage_wish
-- One of them.
INSERT INTO wishes (row, priority, not_before, not_after) VALUES (?, ?, ?, ?)

-- :name last_staged
-- How many rows there are so far.
SELECT COALESCE(MAX(id), 0) FROM staged

-- :name stage_row
-- A good row.
INSERT INTO staged (person, number, origin, data, line) VALUES (?, ?, ?, ?, ?)

-- :name stage_other
-- A number of a good row.
INSERT INTO others (row, rank, number, region, kind) VALUES (?, ?, ?, ?, ?)

-- :name make_refused
-- Rows of the list that are bad.
CREATE TEMP TABLE refused (
    file     TEXT NOT NULL,
    line     INTEGER NOT NULL,
    "column" TEXT NOT NULL,
    value    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    why      TEXT NOT NULL,
    person   TEXT NOT NULL
) STRICT

-- :name stage_reject
-- A bad row.
INSERT INTO refused (file, line, "column", value, reason, why, person) VALUES (?, ?, ?, ?, ?, ?, ?)

-- :name keep_rejects
-- From here on they are rejects of the campaign.
INSERT INTO rejects (import_id, campaign_id, file, line, "column", value, reason, why, person)
SELECT :import, :campaign, file, line, "column", value, reason, why, person FROM refused ORDER BY rowid

-- :name is_first
-- Whether the campaign knows nobody yet.
SELECT NOT EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign)

-- :name know_by_number
-- Without an id column and with several numbers a row, people are known by any number of theirs, and by any on which they
-- were rung: a number that is filled in before the one that was rung makes nobody a new person.
UPDATE staged SET person = COALESCE((
    SELECT contacts.person
    FROM (SELECT staged.number AS number UNION ALL SELECT number FROM others WHERE row = staged.id) AS each
    JOIN numbers ON numbers.number = each.number
    JOIN contacts ON contacts.id = numbers.contact_id AND contacts.campaign_id = :campaign
    ORDER BY contacts.id LIMIT 1), (
    SELECT contacts.person
    FROM (SELECT staged.number AS number UNION ALL SELECT number FROM others WHERE row = staged.id) AS each
    CROSS JOIN attempts ON attempts.number = each.number AND attempts.campaign_id = :campaign
    JOIN contacts ON contacts.id = attempts.contact_id AND contacts.purged_at IS NULL
    ORDER BY contacts.id LIMIT 1), person)

-- :name make_doubles
-- Rows that are not taken, and the row because of which they are not.
CREATE TEMP TABLE doubles (id INTEGER PRIMARY KEY, first INTEGER NOT NULL, value TEXT NOT NULL) STRICT

-- :name is_rising
-- Whether each person comes after the one before, as in a list that is ordered by its ids, in the order of letters or of
-- numbers (c9 before c10): then nobody is in it twice.
SELECT NOT EXISTS (SELECT 1 FROM staged JOIN staged AS next ON next.id = staged.id + 1 WHERE next.person <= staged.person)
    OR NOT EXISTS (SELECT 1 FROM staged JOIN staged AS next ON next.id = staged.id + 1
                   WHERE (length(next.person), next.person) <= (length(staged.person), staged.person))

-- :name make_repeated
-- People with several rows. Grouping sorts what is grouped, which is quicker than an index that is looked at once.
CREATE TEMP TABLE repeated (person TEXT PRIMARY KEY, first INTEGER NOT NULL) STRICT, WITHOUT ROWID

-- :name find_repeated
-- As above.
INSERT INTO repeated (person, first) SELECT person, MIN(id) FROM staged GROUP BY person HAVING COUNT(*) > 1

-- :name doubles_by_person
-- All their rows but the first.
INSERT INTO doubles (id, first, value)
SELECT staged.id, repeated.first, staged.person
FROM staged CROSS JOIN repeated ON repeated.person = staged.person WHERE staged.id <> repeated.first

-- :name has_names
-- Whether somebody is known by anything but their only number; or else nobody shares a number who is not the same person.
SELECT EXISTS (SELECT 1 FROM staged WHERE person <> number) OR EXISTS (SELECT 1 FROM others)

-- :name make_shared
-- Numbers in several rows.
CREATE TEMP TABLE shared (number TEXT PRIMARY KEY) STRICT, WITHOUT ROWID

-- :name find_shared
-- As above.
INSERT INTO shared (number) SELECT number FROM staged GROUP BY number HAVING COUNT(*) > 1

-- :name find_shared_of_others
-- The same where rows have several numbers.
INSERT INTO shared (number)
SELECT number FROM (SELECT number FROM staged UNION ALL SELECT others.number FROM others JOIN staged ON staged.id = others.row)
GROUP BY number HAVING COUNT(*) > 1

-- :name find_shared_numbers
-- The same where the numbers have been added already, with their index.
INSERT INTO shared (number) SELECT number FROM numbers WHERE contact_id > :before GROUP BY number HAVING COUNT(*) > 1

-- :name make_sharers
-- The rows with these numbers, and whether they are about somebody who is a contact already.
CREATE TEMP TABLE sharers (number TEXT NOT NULL, id INTEGER NOT NULL, is_known INTEGER NOT NULL) STRICT

-- :name find_sharers
-- As above.
INSERT INTO sharers (number, id, is_known)
SELECT found.number, found.id, EXISTS (
    SELECT 1 FROM contacts WHERE campaign_id = :campaign AND contacts.person = found.person
    AND (stop IS NULL OR stop <> 'withdrawn' OR attempts > 0))
FROM (SELECT staged.number AS number, staged.id AS id, staged.person AS person
      FROM staged CROSS JOIN shared ON shared.number = staged.number
      UNION ALL
      SELECT others.number, staged.id, staged.person
      FROM others CROSS JOIN shared ON shared.number = others.number JOIN staged ON staged.id = others.row) AS found

-- :name find_sharers_of_numbers
-- The same where the numbers have been added already; then nobody was a contact before.
INSERT INTO sharers (number, id, is_known)
SELECT shared.number, numbers.contact_id - :before, 0
FROM shared CROSS JOIN numbers ON numbers.number = shared.number AND numbers.contact_id > :before

-- :name drop_doubled_numbers
-- Those of rows that are not taken.
DELETE FROM numbers WHERE contact_id IN (SELECT :before + id FROM doubles)

-- :name make_keepers
-- For `one_per: phone`: of the rows with a number the one that is a contact already keeps it, else the first; or else a
-- list in another order would make a new contact of a number that was rung.
CREATE TEMP TABLE keepers (number TEXT PRIMARY KEY, first INTEGER NOT NULL) STRICT, WITHOUT ROWID

-- :name find_keepers
-- As above.
INSERT INTO keepers (number, first)
SELECT number, COALESCE(MIN(CASE WHEN is_known THEN id END), MIN(id)) FROM sharers GROUP BY number

-- :name doubles_by_number
-- The others.
INSERT INTO doubles (id, first, value)
SELECT sharers.id, MIN(keepers.first), sharers.number
FROM sharers CROSS JOIN keepers ON keepers.number = sharers.number
WHERE keepers.first <> sharers.id
GROUP BY sharers.id

-- :name reject_doubles
-- A reject for each.
INSERT INTO rejects (import_id, campaign_id, file, line, "column", value, reason, why, person)
SELECT :import, :campaign, origins.file, staged.line, :column, doubles.value, 'duplicate',
       :the_same || ' as line ' || first.line || ' of ' || theirs.file, staged.person
FROM doubles
CROSS JOIN staged ON staged.id = doubles.id JOIN origins ON origins.id = staged.origin
CROSS JOIN staged AS first ON first.id = doubles.first JOIN origins AS theirs ON theirs.id = first.origin
ORDER BY doubles.id

-- :name drop_doubles
-- They are rows no more.
DELETE FROM staged WHERE id IN (SELECT id FROM doubles)

-- :name make_bad_lines
-- The lines of which a reject tells.
CREATE TEMP TABLE bad_lines (file TEXT NOT NULL, line INTEGER NOT NULL, PRIMARY KEY (file, line)) STRICT, WITHOUT ROWID

-- :name find_bad_lines
-- As above.
INSERT INTO bad_lines (file, line) SELECT DISTINCT file, line FROM rejects WHERE campaign_id = :campaign AND import_id = :import

-- :name sums
-- What the import holds, for the gates.
SELECT (SELECT COUNT(*) FROM staged) AS good, (SELECT COUNT(*) FROM bad_lines) AS bad

-- :name spoiled_in_part
-- Good rows with a bad number beside a good one.
SELECT COUNT(*) FROM staged
CROSS JOIN origins ON origins.id = staged.origin
CROSS JOIN bad_lines ON bad_lines.file = origins.file AND bad_lines.line = staged.line

-- :name some_rejects
-- Examples for a message.
SELECT file, line, "column", value, reason, why FROM rejects WHERE import_id = :import ORDER BY id LIMIT 3

-- :name present
-- How many contacts the list had when it was last taken in.
SELECT COUNT(*) FROM contacts WHERE campaign_id = :campaign AND (stop IS NULL OR stop <> 'withdrawn')

-- :name make_same
-- Contacts that the list has, with their rows.
CREATE TEMP TABLE same (
    contact  INTEGER PRIMARY KEY,
    row      INTEGER NOT NULL UNIQUE,
    returned INTEGER NOT NULL,
    changed  INTEGER NOT NULL,             -- the row says something else
    moved    INTEGER NOT NULL              -- they are decided about with others
) STRICT

-- :name find_same
-- As above.
INSERT INTO same (contact, row, returned, changed, moved)
SELECT contacts.id, staged.id,
       contacts.stop IS 'withdrawn',
       contacts.data <> staged.data OR contacts.number <> staged.number
       OR (SELECT json_group_array(number) FROM (SELECT number FROM numbers WHERE contact_id = contacts.id AND rank > 0 ORDER BY rank))
          <> (SELECT json_group_array(number) FROM (SELECT number FROM others WHERE row = staged.id ORDER BY rank)),
       contacts.audience <> origins.audience
FROM staged CROSS JOIN contacts ON contacts.campaign_id = :campaign AND contacts.person = staged.person
CROSS JOIN origins ON origins.id = staged.origin

-- :name make_gone
-- Contacts that the list no longer has.
CREATE TEMP TABLE gone AS
SELECT id, state FROM contacts
WHERE campaign_id = :campaign AND (stop IS NULL OR stop <> 'withdrawn')
  AND NOT EXISTS (SELECT 1 FROM same WHERE contact = contacts.id)

-- :name count_gone
-- As above.
SELECT COUNT(*) FROM gone

-- :name tell_gone
-- An event for each whose life changes by it.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'withdrawn', state, CASE WHEN state IN ('due', 'waiting') THEN 'excluded' ELSE state END, 'no longer in the list'
FROM gone WHERE state IN ('due', 'waiting', 'dialing', 'unknown')

-- :name withdraw
-- due | waiting -> excluded; what is live runs out, what is finished stays. Of whoever has opted out it is noted: taken
-- off the do-not-call list they are not called without a row.
UPDATE contacts SET
    state = CASE WHEN state IN ('due', 'waiting') THEN 'excluded' ELSE state END,
    detail = CASE WHEN state IN ('due', 'waiting') OR (state = 'excluded' AND detail = 'opted_out') THEN 'withdrawn' ELSE detail END,
    stop = COALESCE(stop, 'withdrawn'), updated_at = :at
WHERE id IN (SELECT id FROM gone)

-- :name listed_again
-- Whoever has opted out and has a row again is not withdrawn any more.
UPDATE contacts SET detail = 'opted_out', updated_at = :at
WHERE EXISTS (SELECT 1 FROM opt_outs)
  AND id IN (SELECT contact FROM same) AND state = 'excluded' AND stop = 'opted_out' AND detail = 'withdrawn'

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
-- Contacts whose row has changed, or whose place; and whether they are finished: then they stay so, and are known as their
-- row has them, for the day on which a person makes them due again. Those that the platform refused are due where they
-- were corrected, which another place alone is not.
CREATE TEMP TABLE taking AS
SELECT same.contact AS contact, same.row AS row, contacts.state AS state, same.changed AS changed,
       contacts.state IN ('done', 'exhausted') AS finished,
       contacts.state = 'excluded' AND contacts.stop IS NULL AND (same.changed OR contacts.detail NOT LIKE 'rejected:%') AS corrected
FROM same JOIN contacts ON contacts.id = same.contact
WHERE same.changed OR same.moved

-- :name count_taking
-- How many there are who are not finished, and of how many of them only the place has changed.
SELECT COUNT(*) AS changed, COALESCE(SUM(NOT changed), 0) AS moved FROM taking WHERE NOT finished

-- :name some_changed
-- Examples for a message: what their rows said, and say now.
SELECT contacts.person AS person, contacts.data AS before, staged.data AS after
FROM taking JOIN contacts ON contacts.id = taking.contact JOIN staged ON staged.id = taking.row
WHERE taking.changed AND NOT taking.finished ORDER BY taking.contact LIMIT 3

-- :name tell_changed
-- An event for each who is not finished.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, contact, 'changed', state, CASE WHEN corrected THEN 'due' ELSE state END,
       CASE WHEN changed THEN 'the list has new data' ELSE 'it is asked now where they are, or known otherwise' END
FROM taking WHERE NOT finished

-- :name take_new_data
-- New data; excluded -> due where the row was corrected. How long somebody has been finished is not changed by it.
UPDATE contacts SET
    data = (SELECT data FROM staged WHERE id = taking.row), number = (SELECT number FROM staged WHERE id = taking.row),
    file = (SELECT file FROM origins WHERE id = (SELECT origin FROM staged WHERE id = taking.row)),
    audience = (SELECT audience FROM origins WHERE id = (SELECT origin FROM staged WHERE id = taking.row)),
    line = (SELECT line FROM staged WHERE id = taking.row),
    state = CASE WHEN taking.corrected THEN 'due' ELSE contacts.state END,
    detail = CASE WHEN taking.corrected THEN '' ELSE contacts.detail END,
    import_id = :import, updated_at = CASE WHEN taking.finished THEN contacts.updated_at ELSE :at END
FROM taking WHERE contacts.id = taking.contact

-- :name drop_old_numbers
-- Numbers of rows that have changed.
DELETE FROM numbers WHERE contact_id IN (SELECT contact FROM taking)

-- :name new_numbers_of_changed
-- As above.
INSERT INTO numbers (contact_id, rank, number, region, kind)
SELECT taking.contact, 0, staged.number, origins.region, origins.kind
FROM taking JOIN staged ON staged.id = taking.row JOIN origins ON origins.id = staged.origin
UNION ALL
SELECT taking.contact, others.rank, others.number, others.region, others.kind FROM taking JOIN others ON others.row = taking.row

-- :name make_called
-- By what people were known who have been called: a cell of their rows, as it was written.
CREATE TEMP TABLE called (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID

-- :name find_called
-- As above.
INSERT OR IGNORE INTO called (word)
SELECT CAST(json_extract(data, :path) AS TEXT) FROM contacts
WHERE campaign_id = :campaign AND (state IN ('done', 'exhausted') OR serial > 0) AND COALESCE(json_extract(data, :path), '') <> ''

-- :name called_anew
-- Rows about people whom the campaign does not know, with a number or a cell of somebody who has been called.
SELECT COUNT(*) FROM staged
WHERE NOT EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND contacts.person = staged.person)
  AND (EXISTS (SELECT 1 FROM numbers
               CROSS JOIN contacts ON contacts.id = numbers.contact_id AND contacts.campaign_id = :campaign
               WHERE numbers.number = staged.number AND (contacts.state IN ('done', 'exhausted') OR contacts.serial > 0))
       OR CAST(json_extract(staged.data, :path) AS TEXT) IN (SELECT word FROM called))

-- :name find_called_rows
-- The whole rows of those who have been called and are not in the list under what they were known by.
INSERT OR IGNORE INTO called (word)
SELECT data FROM contacts
WHERE campaign_id = :campaign AND (state IN ('done', 'exhausted') OR serial > 0) AND purged_at IS NULL
  AND person NOT IN (SELECT person FROM staged)

-- :name called_under_another
-- Rows about people whom the campaign does not know, which are the rows of such people, or have a number of theirs.
SELECT COUNT(*) FROM staged
WHERE NOT EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND contacts.person = staged.person)
  AND (staged.data IN (SELECT word FROM called)
       OR EXISTS (SELECT 1 FROM numbers
                  CROSS JOIN contacts ON contacts.id = numbers.contact_id AND contacts.campaign_id = :campaign
                  WHERE numbers.number = staged.number AND (contacts.state IN ('done', 'exhausted') OR contacts.serial > 0)
                    AND contacts.person NOT IN (SELECT person FROM staged)))

-- :name add_contacts
-- Rows about people whom the campaign does not know yet, in the order of the list.
INSERT INTO contacts (id, campaign_id, person, state, number, data, file, line, import_id, first_seen_at, expires_at, updated_at,
                      audience)
SELECT :before + staged.id, :campaign, person, 'due', number, data, file, line, :import, :at, :expires, :at, audience
FROM staged CROSS JOIN origins ON origins.id = staged.origin
WHERE :is_first OR NOT EXISTS (SELECT 1 FROM same WHERE row = staged.id)
ORDER BY staged.id

-- :name wish_of_new
-- What new rows wish for: a time that is still to come is theirs, and no telephone rings after the last one.
UPDATE contacts SET priority = wishes.priority, due_at = CASE WHEN wishes.not_before > :at THEN wishes.not_before END,
       not_after = wishes.not_after,
       expires_at = MIN(COALESCE(contacts.expires_at, strftime(:until, wishes.not_after, :ring)),
                        COALESCE(strftime(:until, wishes.not_after, :ring), contacts.expires_at))
FROM wishes WHERE contacts.id = :before + wishes.row AND contacts.campaign_id = :campaign

-- :name wish_of_changed
-- The same of rows that have changed: whoever was dialled before keeps their time, if it is not before the new one. Whom
-- the rules hold back waits for the new one instead, and is asked about then. Of whoever is on the line, stopped or
-- finished it is kept for the day on which they are due again.
UPDATE contacts SET priority = COALESCE(wishes.priority, 0), not_after = wishes.not_after,
       detail = CASE WHEN contacts.state = 'waiting' AND contacts.detail >= 'held:' AND contacts.detail < 'held;'
                          AND wishes.not_before > :at
                     THEN '' ELSE contacts.detail END,
       due_at = CASE WHEN contacts.state = 'due' AND contacts.serial = 0
                     THEN CASE WHEN wishes.not_before > :at THEN wishes.not_before END
                     WHEN contacts.state = 'waiting' AND contacts.detail >= 'held:' AND contacts.detail < 'held;'
                          AND wishes.not_before > :at
                     THEN wishes.not_before
                     WHEN contacts.state IN ('dialing', 'unknown', 'done', 'exhausted')
                          OR (contacts.state = 'excluded' AND contacts.serial = 0)
                     THEN CASE WHEN wishes.not_before > :at THEN wishes.not_before END
                     WHEN contacts.state IN ('due', 'waiting', 'excluded') AND wishes.not_before > :at
                          THEN MAX(COALESCE(contacts.due_at, ''), wishes.not_before)
                     ELSE contacts.due_at END,
       expires_at = MIN(COALESCE(strftime(:until, contacts.first_seen_at, :lasts), strftime(:until, wishes.not_after, :ring)),
                        COALESCE(strftime(:until, wishes.not_after, :ring), strftime(:until, contacts.first_seen_at, :lasts)))
FROM taking LEFT JOIN wishes ON wishes.row = taking.row
WHERE contacts.id = taking.contact

-- :name know_audiences
-- With whom people of this campaign are decided about.
INSERT OR IGNORE INTO campaign_audiences (campaign_id, audience) SELECT :campaign, audience FROM origins

-- :name add_numbers
-- The first number of each.
INSERT INTO numbers (contact_id, rank, number, region, kind)
SELECT :before + staged.id, 0, number, region, kind
FROM staged CROSS JOIN origins ON origins.id = staged.origin
WHERE :is_first OR NOT EXISTS (SELECT 1 FROM same WHERE row = staged.id)
ORDER BY staged.id

-- :name add_other_numbers
-- Those after it.
INSERT INTO numbers (contact_id, rank, number, region, kind)
SELECT :before + others.row, others.rank, others.number, others.region, others.kind
FROM others JOIN staged ON staged.id = others.row
WHERE NOT EXISTS (SELECT 1 FROM same WHERE row = others.row)

-- :name coming
-- How many rows are about people whom the campaign does not know.
SELECT (SELECT COUNT(*) FROM staged) - (SELECT COUNT(*) FROM same)

-- :name tally_added
-- What the triggers do row by row, for all that were added: they are due, and nothing is known of them.
INSERT INTO tallies (campaign_id, state, finish_reason, detail, n, attempts) VALUES (:campaign, 'due', '', '', :added, 0)
ON CONFLICT (campaign_id, state, finish_reason, detail) DO UPDATE SET n = n + excluded.n

-- :name how_many
-- Contacts of all campaigns, which is how much an index over them holds.
SELECT COUNT(*) FROM contacts

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

-- :name keep_columns
-- The list's columns, in the list's order.
UPDATE campaigns SET columns = (SELECT columns FROM imports WHERE id = :import) WHERE id = :campaign

-- :name staged_people
-- The rows at hand, by each number.
SELECT id, person, number FROM staged
UNION ALL SELECT staged.id, staged.person, others.number FROM staged JOIN others ON others.row = staged.id

-- :name drop_staged
-- A row that is not to become a contact.
DELETE FROM staged WHERE id = ?
