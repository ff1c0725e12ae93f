-- A list of words after IN is made into a table of its own each time that a row is written, and each time that an index
-- asks whether the row is in it: a third of what it took to write a dial down. The same conditions word by word; one
-- trigger for times instead of two; and without an index that told the same as that of contact and serial.
DROP VIEW results;
DROP VIEW reasons;

CREATE TABLE attempts_anew (
    id               INTEGER PRIMARY KEY,
    contact_id       INTEGER NOT NULL REFERENCES contacts (id),
    campaign_id      INTEGER NOT NULL REFERENCES campaigns (id),
    run_id           INTEGER NOT NULL REFERENCES runs (id),
    serial           INTEGER NOT NULL,
    call_id          TEXT NOT NULL UNIQUE,
    number           TEXT NOT NULL,           -- the one that was rung
    from_number      TEXT NOT NULL,
    state            TEXT NOT NULL
        CHECK (state = 'ended' OR state = 'intended' OR state = 'placed' OR state = 'refused' OR state = 'unknown'),
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
    key_mark         TEXT NOT NULL DEFAULT '', -- of the API key under which it was dialled
    rule             TEXT NOT NULL DEFAULT '', -- the rule that decided on the dial, and its version
    rule_version     TEXT NOT NULL DEFAULT '',
    debt             TEXT NOT NULL DEFAULT '', -- what it was about, where rules count calls about a debt
    UNIQUE (contact_id, serial)
) STRICT;
INSERT INTO attempts_anew (
       id, contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, costs, reusable, payload_hash,
       intended_at, intent_expires_at, placed_at, held_until, id_taken, looks, closed_at, platform_id,
       call_status, finish_reason, ai_agent_id, started_at, ended_at, duration_seconds, record, error, key_mark,
       rule, rule_version, debt)
SELECT id, contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, costs, reusable, payload_hash,
       intended_at, intent_expires_at, placed_at, held_until, id_taken, looks, closed_at, platform_id,
       call_status, finish_reason, ai_agent_id, started_at, ended_at, duration_seconds, record, error, key_mark,
       rule, rule_version, debt
FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_anew RENAME TO attempts;

CREATE UNIQUE INDEX attempts_live_number ON attempts (number)
    WHERE state = 'intended' OR state = 'placed' OR state = 'unknown';
CREATE INDEX attempts_by_platform_id ON attempts (platform_id) WHERE platform_id IS NOT NULL;
CREATE INDEX attempts_open ON attempts (campaign_id) WHERE state = 'intended' OR state = 'placed' OR state = 'unknown';
CREATE INDEX attempts_by_end ON attempts (campaign_id, closed_at) WHERE state = 'ended';
CREATE INDEX attempts_by_number ON attempts (number, intended_at);

CREATE TABLE contacts_anew (
    id            INTEGER PRIMARY KEY,
    campaign_id   INTEGER NOT NULL REFERENCES campaigns (id),
    person        TEXT NOT NULL,              -- the id column's value, or the number
    state         TEXT NOT NULL
        CHECK (state = 'due' OR state = 'dialing' OR state = 'done' OR state = 'waiting' OR state = 'exhausted'
               OR state = 'excluded' OR state = 'unknown'),
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
    audience      INTEGER NOT NULL DEFAULT 0, -- with whom they are decided about
    priority      INTEGER NOT NULL DEFAULT 0,
    extra_attempts INTEGER NOT NULL DEFAULT 0, -- those that a person has given beyond the campaign's
    purged_at     TEXT,                       -- when all that named them was taken out of the row
    not_after     TEXT,
    CHECK (state <> 'waiting' OR due_at IS NOT NULL)
) STRICT;
INSERT INTO contacts_anew (
       id, campaign_id, person, state, due_at, detail, finish_reason, attempts, refusals, tally, serial, stop, number,
       data, file, line, import_id, first_seen_at, expires_at, updated_at, audience, priority, extra_attempts,
       purged_at, not_after)
SELECT id, campaign_id, person, state, due_at, detail, finish_reason, attempts, refusals, tally, serial, stop, number,
       data, file, line, import_id, first_seen_at, expires_at, updated_at, audience, priority, extra_attempts,
       purged_at, not_after
FROM contacts;
DROP TABLE contacts;
ALTER TABLE contacts_anew RENAME TO contacts;

CREATE UNIQUE INDEX contacts_by_person ON contacts (campaign_id, person);
CREATE INDEX contacts_expiring ON contacts (campaign_id, expires_at)
    WHERE state IN ('due', 'waiting') AND expires_at IS NOT NULL;
CREATE TRIGGER contacts_tallied_in AFTER INSERT ON contacts BEGIN
    INSERT INTO tallies (campaign_id, state, finish_reason, detail, n, attempts)
    VALUES (NEW.campaign_id, NEW.state, COALESCE(NEW.finish_reason, ''), NEW.detail, 1, NEW.attempts)
    ON CONFLICT (campaign_id, state, finish_reason, detail) DO UPDATE SET n = n + 1, attempts = attempts + excluded.attempts;
END;
CREATE TRIGGER contacts_tallied_out AFTER DELETE ON contacts BEGIN
    UPDATE tallies SET n = n - 1, attempts = attempts - OLD.attempts
    WHERE campaign_id = OLD.campaign_id AND state = OLD.state AND finish_reason = COALESCE(OLD.finish_reason, '')
      AND detail = OLD.detail;
END;
CREATE TRIGGER contacts_tallied_over AFTER UPDATE OF state, finish_reason, detail, attempts ON contacts
WHEN OLD.state <> NEW.state OR OLD.detail <> NEW.detail OR OLD.attempts <> NEW.attempts
  OR OLD.finish_reason IS NOT NEW.finish_reason BEGIN
    UPDATE tallies SET n = n - 1, attempts = attempts - OLD.attempts
    WHERE campaign_id = OLD.campaign_id AND state = OLD.state AND finish_reason = COALESCE(OLD.finish_reason, '')
      AND detail = OLD.detail;
    INSERT INTO tallies (campaign_id, state, finish_reason, detail, n, attempts)
    VALUES (NEW.campaign_id, NEW.state, COALESCE(NEW.finish_reason, ''), NEW.detail, 1, NEW.attempts)
    ON CONFLICT (campaign_id, state, finish_reason, detail) DO UPDATE SET n = n + 1, attempts = attempts + excluded.attempts;
END;
CREATE TRIGGER contacts_timed_in AFTER INSERT ON contacts
WHEN NEW.due_at IS NOT NULL AND NEW.state IN ('due', 'waiting') BEGIN
    INSERT INTO due_minutes (campaign_id, minute, n) VALUES (NEW.campaign_id, substr(NEW.due_at, 1, 16), 1)
    ON CONFLICT (campaign_id, minute) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER contacts_timed_out AFTER DELETE ON contacts
WHEN OLD.due_at IS NOT NULL AND OLD.state IN ('due', 'waiting') BEGIN
    UPDATE due_minutes SET n = n - 1 WHERE campaign_id = OLD.campaign_id AND minute = substr(OLD.due_at, 1, 16);
END;
CREATE TRIGGER contacts_timed_over AFTER UPDATE OF state, due_at ON contacts
WHEN OLD.due_at IS NOT NULL OR NEW.due_at IS NOT NULL BEGIN
    UPDATE due_minutes SET n = n - 1
    WHERE OLD.due_at IS NOT NULL AND OLD.state IN ('due', 'waiting')
      AND (OLD.due_at IS NOT NEW.due_at OR NEW.state NOT IN ('due', 'waiting'))
      AND campaign_id = OLD.campaign_id AND minute = substr(OLD.due_at, 1, 16);
    INSERT INTO due_minutes (campaign_id, minute, n)
    SELECT NEW.campaign_id, substr(NEW.due_at, 1, 16), 1
    WHERE NEW.due_at IS NOT NULL AND NEW.state IN ('due', 'waiting')
      AND (OLD.due_at IS NOT NEW.due_at OR OLD.state NOT IN ('due', 'waiting'))
    ON CONFLICT (campaign_id, minute) DO UPDATE SET n = n + 1;
END;
CREATE INDEX contacts_due ON contacts (campaign_id, audience, priority DESC, id) WHERE state = 'due' AND due_at IS NULL;
CREATE INDEX contacts_due_later ON contacts (campaign_id, audience, due_at, state, priority)
    WHERE state IN ('due', 'waiting') AND due_at IS NOT NULL;

CREATE VIEW reasons AS
SELECT campaigns.name AS campaign, tallies.state AS state, NULLIF(tallies.finish_reason, '') AS finish_reason,
       tallies.detail AS detail, tallies.n AS contacts, tallies.attempts AS attempts
FROM tallies JOIN campaigns ON campaigns.id = tallies.campaign_id WHERE tallies.n > 0;

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
       last.rule                                          AS rule,
       last.rule_version                                  AS rule_version,
       analyses.items                                     AS analysis,
       contacts.data                                      AS row,
       contacts.updated_at                                AS updated_at,
       contacts.id                                        AS contact_id
FROM contacts
JOIN campaigns ON campaigns.id = contacts.campaign_id
LEFT JOIN attempts AS last
       ON last.id = (SELECT MAX(id) FROM attempts WHERE attempts.contact_id = contacts.id)
LEFT JOIN analyses ON analyses.attempt_id = last.id;
