-- Who may be called when, and who may not: people who share place and rules, opt-outs, registers, rings, and what is left
-- of those who were forgotten. A key is a keyed hash (the ledger's secret) of a number or of an id, so that what must
-- outlive a purge names nobody.

-- People for whom the same is decided at the same moment. 0: nothing is asked of where they are.
CREATE TABLE audiences (
    id    INTEGER PRIMARY KEY,
    facts TEXT NOT NULL UNIQUE                -- JSON: zones, places, countries, lines, consents, held
) STRICT;
INSERT INTO audiences (id, facts) VALUES (0, '{}');

-- Those of a campaign, and why nobody of them may be dialled, by the rules as they were last read; '' if they may.
CREATE TABLE campaign_audiences (
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    audience    INTEGER NOT NULL REFERENCES audiences (id),
    standing    TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (campaign_id, audience)
) STRICT, WITHOUT ROWID;
INSERT INTO campaign_audiences (campaign_id, audience) SELECT id, 0 FROM campaigns;

ALTER TABLE contacts ADD COLUMN audience INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

-- Each audience's people in the order in which they are dialled.
DROP INDEX contacts_due;
DROP INDEX contacts_due_later;
CREATE INDEX contacts_due ON contacts (campaign_id, audience, priority DESC, id) WHERE state = 'due' AND due_at IS NULL;
CREATE INDEX contacts_due_later ON contacts (campaign_id, audience, due_at, state, priority)
    WHERE state IN ('due', 'waiting') AND due_at IS NOT NULL;

-- Which rule decided that the dial might be made, of which version of its pack; and about which debt it was.
ALTER TABLE attempts ADD COLUMN rule TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN rule_version TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN debt TEXT NOT NULL DEFAULT '';
-- Rings by number, for the caps: over all campaigns.
CREATE INDEX attempts_by_number ON attempts (number, intended_at);

-- The ledger's own do-not-call list.
CREATE TABLE opt_outs (
    key    BLOB PRIMARY KEY,
    kind   TEXT NOT NULL CHECK (kind IN ('number', 'id')),
    shown  TEXT,                              -- the number or id; NULL once it was purged
    reason TEXT NOT NULL DEFAULT '',
    source TEXT NOT NULL,                     -- command | file | conversation
    who    TEXT NOT NULL DEFAULT '',
    at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Lists of numbers that campaigns may not ring (dnc: [{file: …}]), as they were last read.
CREATE TABLE registers (
    id      INTEGER PRIMARY KEY,
    file    TEXT NOT NULL UNIQUE,             -- absolute path, and the column that was read
    stamp   TEXT NOT NULL,                    -- of its bytes, as for lists
    numbers INTEGER NOT NULL,
    read_at TEXT NOT NULL
) STRICT;
CREATE TABLE registered (
    register_id INTEGER NOT NULL REFERENCES registers (id),
    number      INTEGER NOT NULL,             -- E.164 without its plus
    PRIMARY KEY (register_id, number)
) STRICT, WITHOUT ROWID;

-- Rings that no attempt of this ledger tells of: from elsewhere (`history import`), and those that were purged.
CREATE TABLE rings (
    key    BLOB NOT NULL,
    at     TEXT NOT NULL,
    debt   BLOB NOT NULL,                     -- the keyed hash of the debt; empty for none
    talked INTEGER NOT NULL CHECK (talked IN (0, 1)),
    PRIMARY KEY (key, at, debt)
) STRICT, WITHOUT ROWID;

-- Who was finished in a campaign when they were purged: a row that comes back is not dialled again.
CREATE TABLE forgotten (
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    key         BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('done', 'exhausted', 'excluded')),
    purged_at   TEXT NOT NULL,
    PRIMARY KEY (campaign_id, key)
) STRICT, WITHOUT ROWID;

-- What the platform found in a call afterwards.
CREATE TABLE analyses (
    attempt_id INTEGER PRIMARY KEY REFERENCES attempts (id),
    fetched_at TEXT NOT NULL,
    items      TEXT NOT NULL                  -- JSON object: name → result
) STRICT;

DROP VIEW results;
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
