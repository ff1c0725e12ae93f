-- The ledger as it was founded. Instants are text, ISO 8601 in UTC with milliseconds
-- (2026-11-22T14:00:00.000Z), so that they sort as they follow each other.

-- One row: what this ledger is, and the fencing number that each run raises when it takes the lock.
CREATE TABLE ledger (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    created_at  TEXT NOT NULL,
    fence       INTEGER NOT NULL DEFAULT 0,
    secret_mark TEXT NOT NULL                 -- tells whether <ledger>.secret is this ledger's, not what it is
) STRICT;

CREATE TABLE campaigns (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    platform_url TEXT NOT NULL,               -- 'simulator' for the one that runs inside a run
    key_mark     TEXT NOT NULL,               -- a keyed hash of the API key, never the key
    columns      TEXT NOT NULL DEFAULT '[]',  -- JSON: the list's columns, in the list's order
    paused       TEXT,                        -- 'paused' | 'cancelled', by a person
    paused_until TEXT,
    paused_why   TEXT,
    lines        REAL,                        -- the learned concurrent-call limit
    created_at   TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id         INTEGER PRIMARY KEY,
    fence      INTEGER NOT NULL,
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    command    TEXT NOT NULL,                 -- 'run' | 'settle'
    campaigns  TEXT NOT NULL,                 -- JSON: names
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    exit_code  INTEGER,
    reason     TEXT
) STRICT;

CREATE TABLE imports (
    id          INTEGER PRIMARY KEY,
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    fingerprint TEXT NOT NULL,                -- of the files' bytes and of how they were read
    files       TEXT NOT NULL,                -- JSON
    columns     TEXT NOT NULL DEFAULT '[]',   -- JSON
    started_at  TEXT NOT NULL,
    applied_at  TEXT,                         -- NULL: unfinished, counts for nothing
    rows_read   INTEGER NOT NULL DEFAULT 0,
    rows_good   INTEGER NOT NULL DEFAULT 0,
    added       INTEGER NOT NULL DEFAULT 0,
    changed     INTEGER NOT NULL DEFAULT 0,
    withdrawn   INTEGER NOT NULL DEFAULT 0,
    returned    INTEGER NOT NULL DEFAULT 0,
    rejected    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Rows of an import that is under way. Not due, in no count, gone when the import is applied or dropped.
CREATE TABLE staged (
    id        INTEGER PRIMARY KEY,
    import_id INTEGER NOT NULL REFERENCES imports (id),
    person    TEXT NOT NULL,
    numbers   TEXT NOT NULL,                  -- JSON: [[e164, region, kind], …]
    number    TEXT NOT NULL,                  -- the first of them
    data      TEXT NOT NULL,                  -- JSON object: the row's columns
    file      TEXT NOT NULL,
    line      INTEGER NOT NULL
) STRICT;

CREATE TABLE rejects (
    id          INTEGER PRIMARY KEY,
    import_id   INTEGER NOT NULL REFERENCES imports (id),
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    file        TEXT NOT NULL,
    line        INTEGER NOT NULL,             -- physical line; the header is line 1
    "column"    TEXT NOT NULL,
    value       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    why         TEXT NOT NULL
) STRICT;
CREATE INDEX rejects_by_campaign ON rejects (campaign_id, import_id);

CREATE TABLE contacts (
    id            INTEGER PRIMARY KEY,
    campaign_id   INTEGER NOT NULL REFERENCES campaigns (id),
    person        TEXT NOT NULL,              -- the id column's value, or the number
    state         TEXT NOT NULL
        CHECK (state IN ('due', 'dialing', 'waiting', 'done', 'exhausted', 'excluded', 'unknown')),
    due_at        TEXT,                       -- waiting: due again then; due: not before then, NULL = now;
                                              -- excluded: kept for the day on which a halt is lifted
    detail        TEXT NOT NULL DEFAULT '',
    finish_reason TEXT,                       -- of the last call
    attempts      INTEGER NOT NULL DEFAULT 0, -- those that cost one
    refusals      INTEGER NOT NULL DEFAULT 0, -- in a row, that cost nothing
    tally         TEXT NOT NULL DEFAULT '{}', -- JSON: finish reasons so far
    serial        INTEGER NOT NULL DEFAULT 0, -- of the last intent
    stop          TEXT CHECK (stop IN ('opted_out', 'withdrawn', 'cancelled')),
    number        TEXT NOT NULL,              -- the first of its numbers
    data          TEXT NOT NULL,              -- JSON object: the row's columns
    file          TEXT NOT NULL,
    line          INTEGER NOT NULL,
    import_id     INTEGER NOT NULL REFERENCES imports (id),
    first_seen_at TEXT NOT NULL,
    expires_at    TEXT,
    updated_at    TEXT NOT NULL,
    UNIQUE (campaign_id, person),
    CHECK (state <> 'waiting' OR due_at IS NOT NULL)
) STRICT;
-- What is due now, oldest row first; what is due later, by its time.
CREATE INDEX contacts_due ON contacts (campaign_id, id) WHERE state = 'due' AND due_at IS NULL;
CREATE INDEX contacts_due_later ON contacts (campaign_id, due_at) WHERE state IN ('due', 'waiting') AND due_at IS NOT NULL;
CREATE INDEX contacts_expiring ON contacts (campaign_id, expires_at)
    WHERE state IN ('due', 'waiting') AND expires_at IS NOT NULL;

CREATE TABLE numbers (
    contact_id INTEGER NOT NULL REFERENCES contacts (id),
    rank       INTEGER NOT NULL,              -- 0 is rung first
    number     TEXT NOT NULL,                 -- E.164
    region     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    PRIMARY KEY (contact_id, rank)
) STRICT, WITHOUT ROWID;
CREATE INDEX numbers_by_number ON numbers (number);

CREATE TABLE attempts (
    id               INTEGER PRIMARY KEY,
    contact_id       INTEGER NOT NULL REFERENCES contacts (id),
    campaign_id      INTEGER NOT NULL REFERENCES campaigns (id),
    run_id           INTEGER NOT NULL REFERENCES runs (id),
    serial           INTEGER NOT NULL,
    call_id          TEXT NOT NULL UNIQUE,
    number           TEXT NOT NULL,           -- the one that was rung
    from_number      TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('intended', 'placed', 'ended', 'refused', 'unknown')),
    costs            INTEGER NOT NULL DEFAULT 0 CHECK (costs IN (0, 1)),
    reusable         INTEGER NOT NULL DEFAULT 0 CHECK (reusable IN (0, 1)), -- its call id may be sent again
    payload_hash     TEXT NOT NULL,
    intended_at      TEXT NOT NULL,
    intent_expires_at TEXT NOT NULL,          -- the last moment at which its POST may start
    placed_at        TEXT,
    held_until       TEXT,                    -- unknown: an absence counts only after this
    id_taken         INTEGER NOT NULL DEFAULT 0 CHECK (id_taken IN (0, 1)), -- the platform knows the call id (409)
    looks            INTEGER NOT NULL DEFAULT 0, -- looked up in vain, by a way that was shown to find calls
    closed_at        TEXT,                    -- when we learned of its end
    platform_id      TEXT,
    call_status      TEXT,
    finish_reason    TEXT,
    ai_agent_id      TEXT,
    started_at       TEXT,
    ended_at         TEXT,
    duration_seconds INTEGER,
    record           TEXT,                    -- JSON: all of the contract's fields, access_token dropped
    error            TEXT NOT NULL DEFAULT '',
    UNIQUE (contact_id, serial)
) STRICT;
-- Two live attempts to one number cannot be, across all campaigns of the ledger.
CREATE UNIQUE INDEX attempts_live_number ON attempts (number) WHERE state IN ('intended', 'placed', 'unknown');
CREATE INDEX attempts_by_contact ON attempts (contact_id, id);
CREATE INDEX attempts_by_platform_id ON attempts (platform_id) WHERE platform_id IS NOT NULL;
CREATE INDEX attempts_open ON attempts (campaign_id) WHERE state IN ('intended', 'placed', 'unknown');

CREATE TABLE events (
    id         INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    run_id     INTEGER REFERENCES runs (id),
    contact_id INTEGER REFERENCES contacts (id),
    attempt_id INTEGER REFERENCES attempts (id),
    event      TEXT NOT NULL,
    from_state TEXT,
    to_state   TEXT,
    detail     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX events_by_contact ON events (contact_id, id) WHERE contact_id IS NOT NULL;

-- How many contacts of a campaign are in each state, kept by the triggers below: counting ten million rows
-- takes a second, reading seven numbers does not.
CREATE TABLE counters (
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    state       TEXT NOT NULL,
    n           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, state)
) STRICT, WITHOUT ROWID;

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
