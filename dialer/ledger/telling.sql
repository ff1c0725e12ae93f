-- All that the ledger knows of one person. Nothing here writes.

-- :name contacts_told
-- Whoever has this id or this number, or was rung on it, in any campaign.
SELECT contacts.*, campaigns.name AS campaign, campaigns.paused AS paused, campaigns.paused_until AS paused_until,
       campaigns.paused_why AS paused_why, campaigns.paused_by AS paused_by,
       COALESCE(campaigns.said, '{}') AS said,
       COALESCE((SELECT facts FROM audiences WHERE audiences.id = contacts.audience), '{}') AS facts
FROM contacts JOIN campaigns ON campaigns.id = contacts.campaign_id
WHERE contacts.id IN (
    SELECT found.id FROM campaigns AS each CROSS JOIN contacts AS found
    ON found.campaign_id = each.id AND found.person = :person
    UNION SELECT contact_id FROM numbers WHERE number = :person
    UNION SELECT contact_id FROM attempts WHERE number = :person)
ORDER BY contacts.campaign_id, contacts.id

-- :name numbers_told
-- Somebody's numbers, first to be rung first.
SELECT number FROM numbers WHERE contact_id = :contact ORDER BY rank

-- :name events_told
-- What has happened to somebody, in order.
SELECT at, event, from_state, to_state, detail FROM events WHERE contact_id = :contact ORDER BY id

-- :name attempts_told
-- The dials to somebody, in order.
SELECT intended_at, number, from_number, state, costs, rule, rule_version, call_id, platform_id, call_status,
       finish_reason, started_at, ended_at, duration_seconds, error
FROM attempts WHERE contact_id = :contact ORDER BY id

-- :name opt_out_told
-- An entry of the do-not-call list.
SELECT kind, reason, source, who, at FROM opt_outs WHERE key = :key

-- :name registers_told
-- The lists in files that have a number.
SELECT registers.file AS file FROM registers
WHERE EXISTS (SELECT 1 FROM registered WHERE register_id = registers.id AND number = :digits) ORDER BY registers.id

-- :name forgotten_told
-- In which campaigns somebody was finished when they were purged.
SELECT DISTINCT campaigns.name AS campaign, forgotten.state AS state, forgotten.purged_at AS at
FROM forgotten JOIN campaigns ON campaigns.id = forgotten.campaign_id
WHERE forgotten.key IN (:number, :person) ORDER BY forgotten.campaign_id

-- :name rejects_told
-- Rows of lists as they were last taken in that were not taken, and are told by this id or number.
SELECT campaigns.name AS campaign, file, line, "column", reason, why
FROM rejects JOIN campaigns ON campaigns.id = rejects.campaign_id WHERE value = :person OR person = :person
ORDER BY rejects.id LIMIT :some

-- :name has_rejects
-- Whether there is any row that was not taken.
SELECT EXISTS (SELECT 1 FROM rejects)
