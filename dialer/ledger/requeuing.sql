-- Finished people who are made due again by a person's word.

-- :name make_requeue_named
-- Those who are named, by id or by any number of theirs.
CREATE TEMP TABLE requeue_named (contact INTEGER PRIMARY KEY) STRICT

-- :name make_requeuing
-- Those whom the word could mean, and what speaks against each.
CREATE TEMP TABLE requeuing (
    id         INTEGER PRIMARY KEY,
    state      TEXT NOT NULL,
    is_halted  INTEGER NOT NULL,
    is_barred  INTEGER NOT NULL,
    has_talked INTEGER NOT NULL,
    is_late    INTEGER NOT NULL,
    is_used_up INTEGER NOT NULL,
    is_meant   INTEGER NOT NULL DEFAULT 0
) STRICT

-- :name find_requeuing
-- As above. A reason is that of the last call, or the detail, or what stands before or behind the detail's colon.
INSERT INTO requeuing (id, state, is_halted, is_barred, has_talked, is_late, is_used_up)
SELECT id, state,
       stop IS NOT NULL OR purged_at IS NOT NULL,
       detail LIKE 'held:%' OR detail LIKE 'blocked:%' OR detail LIKE 'dnc:%',
       detail LIKE 'platform\_failed\_in\_talk:%' ESCAPE '\' OR (state = 'done' AND detail = 'marked by hand')
       OR EXISTS (SELECT 1 FROM json_each(contacts.tally) AS each
                  WHERE each.key IN (SELECT value FROM json_each(:talked))),
       expires_at IS NOT NULL AND expires_at <= :now,
       attempts >= :attempts + extra_attempts + :extra
FROM contacts
WHERE campaign_id = :campaign AND state IN ('done', 'exhausted', 'excluded')
  AND (:state IS NULL OR state = :state)
  AND (NOT :has_reasons OR EXISTS (
      SELECT 1 FROM json_each(:reasons) AS each
      WHERE each.value IN (finish_reason, detail) OR detail LIKE each.value || ':%'
         OR trim(substr(detail, instr(detail, ':') + 1)) = each.value))
  AND (NOT :is_named OR id IN (SELECT contact FROM requeue_named))

-- :name name_one
-- One of them.
INSERT OR IGNORE INTO requeue_named (contact)
SELECT id FROM contacts WHERE campaign_id = :campaign AND person = :person
UNION
SELECT numbers.contact_id FROM numbers JOIN contacts ON contacts.id = numbers.contact_id
WHERE numbers.number = :person AND contacts.campaign_id = :campaign

-- :name mean
-- Who is left. Whoever is named has been thought of: neither a conversation nor a time that is over speaks against them.
UPDATE requeuing SET is_meant = 1
WHERE NOT is_halted AND NOT is_barred AND NOT is_used_up AND (:is_named OR (NOT has_talked AND NOT is_late))

-- :name reach
-- How many it reaches, and how many are left out for which cause, the first that holds for each.
SELECT COALESCE(SUM(is_meant), 0) AS meant,
       COALESCE(SUM(is_halted), 0) AS halted,
       COALESCE(SUM(is_barred AND NOT is_halted), 0) AS barred,
       COALESCE(SUM(has_talked AND NOT :is_named AND NOT is_halted AND NOT is_barred), 0) AS talked,
       COALESCE(SUM(is_late AND NOT :is_named AND NOT has_talked AND NOT is_halted AND NOT is_barred), 0) AS late,
       COALESCE(SUM(is_used_up AND NOT is_halted AND NOT is_barred
                    AND (:is_named OR (NOT has_talked AND NOT is_late))), 0) AS used_up
FROM requeuing

-- :name named_unfinished
-- How many of those who are named are not finished, so that nothing need be done for them.
SELECT COUNT(*) FROM requeue_named JOIN contacts ON contacts.id = requeue_named.contact
WHERE contacts.state IN ('due', 'waiting', 'dialing', 'unknown')

-- :name tell_requeued
-- An event for each.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'requeued', state, 'due', :detail FROM requeuing WHERE is_meant

-- :name requeue
-- done | exhausted | excluded -> due: what was used up stays so, and what is given comes on top. A time that their row has
-- asked for since, and that is still to come, is theirs.
UPDATE contacts SET state = 'due', due_at = CASE WHEN due_at > :at THEN due_at END, detail = 'requeued', refusals = 0,
       extra_attempts = extra_attempts + :extra, expires_at = CASE WHEN expires_at <= :at THEN NULL ELSE expires_at END,
       updated_at = :at
WHERE id IN (SELECT id FROM requeuing WHERE is_meant) AND state IN ('done', 'exhausted', 'excluded') AND stop IS NULL
