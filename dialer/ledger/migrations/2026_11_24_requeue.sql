-- What a person adds to a campaign's own course: attempts beyond its budget, people who are forgotten, and calls to a
-- telephone of one's own.

-- Attempts that a person has given somebody beyond those of the campaign file; `attempts` stays what was used up.
ALTER TABLE contacts ADD COLUMN extra_attempts INTEGER NOT NULL DEFAULT 0;

-- When all that named them was taken out of the row; what is left of it counts, and tells of nobody.
ALTER TABLE contacts ADD COLUMN purged_at TEXT;

-- Calls to a telephone of one's own with the data of somebody on the list (`call`): no campaign's attempts.
CREATE TABLE own_calls (
    id               INTEGER PRIMARY KEY,
    call_id          TEXT NOT NULL UNIQUE,
    campaign         TEXT NOT NULL,
    number           TEXT NOT NULL,             -- the telephone that was to ring
    from_number      TEXT NOT NULL,
    person           TEXT NOT NULL,             -- whose data was sent; '' once they were purged
    who              TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('intended', 'placed', 'ended', 'refused', 'unknown')),
    intended_at      TEXT NOT NULL,
    closed_at        TEXT,
    platform_id      TEXT,
    finish_reason    TEXT,
    duration_seconds INTEGER,
    error            TEXT NOT NULL DEFAULT ''
) STRICT;
