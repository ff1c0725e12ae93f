-- What a ledger knows of itself, so that a copy, a backup put back or a ledger begun anew is noticed; and the inbox of
-- what the platform tells by itself.

-- Where the file lay when it was last opened. -1: not yet written down; NULL: this file was made by `backup`.
ALTER TABLE ledger ADD COLUMN device INTEGER DEFAULT -1;
ALTER TABLE ledger ADD COLUMN inode INTEGER DEFAULT -1;
-- Since when there may be calls that this ledger does not know, and why; NULL: there are none.
ALTER TABLE ledger ADD COLUMN doubted_at TEXT;
ALTER TABLE ledger ADD COLUMN doubt TEXT NOT NULL DEFAULT '';

-- When the platform was last asked for calls that the ledger does not know.
ALTER TABLE campaigns ADD COLUMN proven_at TEXT;
-- Who has paused it: a person's name, or 'stop_when'.
ALTER TABLE campaigns ADD COLUMN paused_by TEXT;
-- The thresholds of `stop_when` count the calls that ended after this.
ALTER TABLE campaigns ADD COLUMN watched_from TEXT NOT NULL DEFAULT '';

-- The keyed hash of the API key under which the dial was sent; '' before this was written down.
ALTER TABLE attempts ADD COLUMN key_mark TEXT NOT NULL DEFAULT '';
CREATE INDEX attempts_by_end ON attempts (campaign_id, closed_at) WHERE state = 'ended';

-- What the platform has told by webhook, as it came: only ever added to, each delivery once.
CREATE TABLE inbox (
    trace_id    TEXT PRIMARY KEY,
    received_at TEXT NOT NULL,
    event       TEXT NOT NULL,
    call        TEXT NOT NULL,                -- the call's id, ours or the platform's; '' where none was told
    body        TEXT NOT NULL                 -- JSON, access tokens dropped
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_by_call ON inbox (call, received_at) WHERE call <> '';
