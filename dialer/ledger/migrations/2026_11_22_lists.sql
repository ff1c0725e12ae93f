-- Long lists are taken in many times faster when what is unique about contacts is an index with a name, which can be
-- made anew in one go, and when staged rows lie in a table of the connection's own: they count for nothing after a
-- crash, so nothing of them need ever be on the ledger's disk.
DROP TABLE staged;

DROP VIEW results;
DROP VIEW reasons;

CREATE TABLE contacts_anew (
    id            INTEGER PRIMARY KEY,
    campaign_id   INTEGER NOT NULL REFERENCES campaigns (id),
    person        TEXT NOT NULL,              -- the id column's value, or the number
    state         TEXT NOT NULL
        -- IN makes a table of its words for each row that is written; most rows are due, and most have no stop.
        CHECK (state = 'due' OR state IN ('due', 'dialing', 'waiting', 'done', 'exhausted', 'excluded', 'unknown')),
    due_at        TEXT,                       -- waiting: due again then; due: not before then, NULL = now;
                                              -- excluded: kept for the day on which a halt is lifted
    detail        TEXT NOT NULL DEFAULT '',
    finish_reason TEXT,                       -- of the last call
    attempts      INTEGER NOT NULL DEFAULT 0, -- those that cost one
    refusals      INTEGER NOT NULL DEFAULT 0, -- in a row, that cost nothing
    tally         TEXT NOT NULL DEFAULT '{}', -- JSON: finish reasons so far
    serial        INTEGER NOT NULL DEFAULT 0, -- of the last intent
    stop          TEXT CHECK (stop IS NULL OR stop IN ('opted_out', 'withdrawn', 'cancelled')),
    number        TEXT NOT NULL,              -- the first of its numbers
    data          TEXT NOT NULL,              -- JSON object: the row's columns
    file          TEXT NOT NULL,
    line          INTEGER NOT NULL,
    import_id     INTEGER NOT NULL REFERENCES imports (id),
    first_seen_at TEXT NOT NULL,
    expires_at    TEXT,
    updated_at    TEXT NOT NULL,
    CHECK (state <> 'waiting' OR due_at IS NOT NULL)
) STRICT;
INSERT INTO contacts_anew
SELECT id, campaign_id, person, state, due_at, detail, finish_reason, attempts, refusals, tally, serial, stop, number,
       data, file, line, import_id, first_seen_at, expires_at, updated_at
FROM contacts;
DROP TABLE contacts;
ALTER TABLE contacts_anew RENAME TO contacts;

-- Nobody is in a campaign twice.
CREATE UNIQUE INDEX contacts_by_person ON contacts (campaign_id, person);
-- What is due now, oldest row first; what is due later, by its time.
CREATE INDEX contacts_due ON contacts (campaign_id, id) WHERE state = 'due' AND due_at IS NULL;
CREATE INDEX contacts_due_later ON contacts (campaign_id, due_at) WHERE state IN ('due', 'waiting') AND due_at IS NOT NULL;
CREATE INDEX contacts_expiring ON contacts (campaign_id, expires_at)
    WHERE state IN ('due', 'waiting') AND expires_at IS NOT NULL;

CREATE TRIGGER contacts_counted_in AFTER INSERT ON contacts BEGIN
    INSERT INTO counters (campaign_id, state, n) VALUES (NEW.campaign_id, NEW.state, 1)
    ON CONFLICT (campaign_id, state) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER contacts_counted_over AFTER UPDATE OF state ON contacts WHEN OLD.state <> NEW.state BEGIN
    UPDATE counters SET n = n - 1 WHERE campaign_id = OLD.campaign_id AND state = OLD.state;
    INSERT INTO counters (campaign_id, state, n) VALUES (NEW.campaign_id, NEW.state, 1)
    ON CONFLICT (campaign_id, state) DO UPDATE SET n = n + 1;
END;

-- One row a contact, with its last attempt: the columns of `export`, then the row's own as JSON.
CREATE VIEW results AS
SELECT campaigns.name                                     AS campaign,
       contacts.person                                    AS id,
       COALESCE(last.number, contacts.number)             AS phone,
       contacts.state                                     AS state,
       contacts.attempts                                  AS attempts,
       contacts.finish_reason                             AS finish_reason,
       last.call_status                                   AS call_status,
       last.call_id                                       AS call_id,
       last.platform_id                                   AS platform_id,
       last.from_number                                   AS from_number,
       last.ai_agent_id                                   AS ai_agent_id,
       last.started_at                                    AS started_at,
       last.ended_at                                      AS ended_at,
       last.duration_seconds                              AS duration_seconds,
       json_extract(last.record, '$.recorded_call_audio_url') AS recording_url,
       json_extract(last.record, '$.messages')            AS transcript,
       CASE WHEN contacts.state IN ('due', 'waiting') THEN contacts.due_at END AS due_at,
       contacts.detail                                    AS detail,
       contacts.data                                      AS row,
       contacts.updated_at                                AS updated_at,
       contacts.id                                        AS contact_id
FROM contacts
JOIN campaigns ON campaigns.id = contacts.campaign_id
LEFT JOIN attempts AS last
       ON last.id = (SELECT MAX(id) FROM attempts WHERE attempts.contact_id = contacts.id);

-- Why contacts are where they are: one row a campaign, state, reason and detail.
CREATE VIEW reasons AS
SELECT campaigns.name AS campaign, contacts.state AS state, contacts.finish_reason AS finish_reason,
       contacts.detail AS detail, COUNT(*) AS contacts, SUM(contacts.attempts) AS attempts
FROM contacts
JOIN campaigns ON campaigns.id = contacts.campaign_id
GROUP BY campaigns.name, contacts.state, contacts.finish_reason, contacts.detail;
