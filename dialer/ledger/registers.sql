-- Do-not-call lists in files: their numbers, and the contacts whom they bar.

-- :name register
-- A list as it was last read.
SELECT id, file, stamp, numbers FROM registers WHERE file = :file

-- :name keep_register
-- It has been read.
INSERT INTO registers (file, stamp, numbers, read_at) VALUES (:file, :stamp, :numbers, :at)
ON CONFLICT (file) DO UPDATE SET stamp = excluded.stamp, numbers = excluded.numbers, read_at = excluded.read_at

-- :name stamp_register
-- It was looked at again, and its bytes were the same.
UPDATE registers SET stamp = :stamp WHERE file = :file

-- :name registered
-- Its numbers.
SELECT number FROM registered WHERE register_id = :register

-- :name drop_registered
-- Its numbers as they were.
DELETE FROM registered WHERE register_id = :register

-- :name add_registered
-- A number of it.
INSERT OR IGNORE INTO registered (register_id, number) VALUES (?, ?)

-- :name make_asked
-- The lists that a campaign goes by, and how a contact is told of them.
CREATE TEMP TABLE asked (register_id INTEGER PRIMARY KEY, detail TEXT NOT NULL) STRICT

-- :name names_of_registers
-- How they are known.
SELECT id, file FROM registers

-- :name ask_for
-- One of them.
INSERT OR IGNORE INTO asked (register_id, detail) VALUES (?, ?)

-- :name make_listed
-- Contacts all of whose numbers are in one of the lists, and in which the first of them is.
CREATE TEMP TABLE listed (contact INTEGER PRIMARY KEY, detail TEXT NOT NULL) STRICT

-- :name find_listed_people
-- As above.
INSERT INTO listed (contact, detail)
SELECT contacts.id, asked.detail
FROM contacts CROSS JOIN numbers ON numbers.contact_id = contacts.id AND numbers.rank = 0
CROSS JOIN asked CROSS JOIN registered ON registered.register_id = asked.register_id
 AND registered.number = CAST(substr(numbers.number, 2) AS INTEGER)
WHERE contacts.campaign_id = :campaign AND contacts.state IN ('due', 'waiting') AND contacts.stop IS NULL
  AND NOT EXISTS (SELECT 1 FROM numbers AS other WHERE other.contact_id = contacts.id AND other.rank > 0 AND NOT EXISTS (
      SELECT 1 FROM asked CROSS JOIN registered ON registered.register_id = asked.register_id
       AND registered.number = CAST(substr(other.number, 2) AS INTEGER)))
GROUP BY contacts.id

-- :name tell_listed
-- An event for each.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, contacts.id, 'registered', contacts.state, 'excluded', listed.detail
FROM listed CROSS JOIN contacts ON contacts.id = listed.contact

-- :name bar_listed
-- due | waiting -> excluded: until the list has them no more; they keep their time.
UPDATE contacts SET state = 'excluded', detail = (SELECT detail FROM listed WHERE contact = contacts.id), updated_at = :at
WHERE id IN (SELECT contact FROM listed) AND state IN ('due', 'waiting') AND stop IS NULL

-- :name is_anybody_listed
-- Whether contacts were barred by a list; by what is counted of them, without looking at each of a long list.
SELECT EXISTS (SELECT 1 FROM tallies WHERE campaign_id = :campaign AND state = 'excluded' AND detail >= 'dnc:' AND detail < 'dnc;'
               AND n > 0)

-- :name make_unlisted
-- Contacts who were barred by a list and have a number that none has any more.
CREATE TEMP TABLE unlisted AS
SELECT contacts.id FROM contacts
WHERE contacts.campaign_id = :campaign AND contacts.state = 'excluded' AND contacts.stop IS NULL
  AND contacts.detail >= 'dnc:' AND contacts.detail < 'dnc;'
  AND EXISTS (SELECT 1 FROM numbers WHERE contact_id = contacts.id AND NOT EXISTS (
      SELECT 1 FROM asked CROSS JOIN registered ON registered.register_id = asked.register_id
       AND registered.number = CAST(substr(numbers.number, 2) AS INTEGER)))

-- :name tell_unlisted
-- An event for each.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, contacts.id, 'unregistered', 'excluded', 'due', contacts.detail || ' has them no more'
FROM unlisted CROSS JOIN contacts ON contacts.id = unlisted.id

-- :name unbar_unlisted
-- excluded -> due: at the time that was kept.
UPDATE contacts SET state = 'due', detail = '', updated_at = :at
WHERE id IN (SELECT id FROM unlisted) AND state = 'excluded' AND stop IS NULL
