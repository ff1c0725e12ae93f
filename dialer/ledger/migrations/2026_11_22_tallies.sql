-- What is counted while it changes, so that nobody who looks counts ten million rows: contacts by state, reason and
-- detail, and those who are due later by the minute. Triggers keep it in the transaction of each change.

-- Contacts of a campaign by where they are and why, and the attempts that they have used up. `finish_reason` is '' for
-- none. It takes the place of the counters by state alone.
CREATE TABLE tallies (
    campaign_id   INTEGER NOT NULL REFERENCES campaigns (id),
    state         TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    detail        TEXT NOT NULL,
    n             INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, state, finish_reason, detail)
) STRICT, WITHOUT ROWID;

INSERT INTO tallies (campaign_id, state, finish_reason, detail, n, attempts)
SELECT campaign_id, state, COALESCE(finish_reason, ''), detail, COUNT(*), SUM(attempts) FROM contacts GROUP BY 1, 2, 3, 4;

DROP TRIGGER contacts_counted_in;
DROP TRIGGER contacts_counted_over;
DROP TABLE counters;

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

DROP VIEW reasons;
CREATE VIEW reasons AS
SELECT campaigns.name AS campaign, tallies.state AS state, NULLIF(tallies.finish_reason, '') AS finish_reason,
       tallies.detail AS detail, tallies.n AS contacts, tallies.attempts AS attempts
FROM tallies JOIN campaigns ON campaigns.id = tallies.campaign_id WHERE tallies.n > 0;

-- How many due or waiting contacts have their time in which minute (2026-11-22T14:00).
CREATE TABLE due_minutes (
    campaign_id INTEGER NOT NULL REFERENCES campaigns (id),
    minute      TEXT NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, minute)
) STRICT, WITHOUT ROWID;

INSERT INTO due_minutes (campaign_id, minute, n)
SELECT campaign_id, substr(due_at, 1, 16), COUNT(*) FROM contacts
WHERE state IN ('due', 'waiting') AND due_at IS NOT NULL GROUP BY 1, 2;

CREATE TRIGGER contacts_timed_in AFTER INSERT ON contacts
WHEN NEW.due_at IS NOT NULL AND NEW.state IN ('due', 'waiting') BEGIN
    INSERT INTO due_minutes (campaign_id, minute, n) VALUES (NEW.campaign_id, substr(NEW.due_at, 1, 16), 1)
    ON CONFLICT (campaign_id, minute) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER contacts_timed_out AFTER DELETE ON contacts
WHEN OLD.due_at IS NOT NULL AND OLD.state IN ('due', 'waiting') BEGIN
    UPDATE due_minutes SET n = n - 1 WHERE campaign_id = OLD.campaign_id AND minute = substr(OLD.due_at, 1, 16);
END;
CREATE TRIGGER contacts_time_over AFTER UPDATE OF state, due_at ON contacts
WHEN OLD.due_at IS NOT NULL AND OLD.state IN ('due', 'waiting')
 AND (OLD.due_at IS NOT NEW.due_at OR NEW.state NOT IN ('due', 'waiting')) BEGIN
    UPDATE due_minutes SET n = n - 1 WHERE campaign_id = OLD.campaign_id AND minute = substr(OLD.due_at, 1, 16);
END;
CREATE TRIGGER contacts_time_set AFTER UPDATE OF state, due_at ON contacts
WHEN NEW.due_at IS NOT NULL AND NEW.state IN ('due', 'waiting')
 AND (OLD.due_at IS NOT NEW.due_at OR OLD.state NOT IN ('due', 'waiting')) BEGIN
    INSERT INTO due_minutes (campaign_id, minute, n) VALUES (NEW.campaign_id, substr(NEW.due_at, 1, 16), 1)
    ON CONFLICT (campaign_id, minute) DO UPDATE SET n = n + 1;
END;

-- Rejects are counted by their index alone.
DROP INDEX rejects_by_campaign;
CREATE INDEX rejects_by_campaign ON rejects (campaign_id, import_id, reason);

-- What the files of a list looked like when their bytes were last read, so that they need not be read again while
-- nothing has touched them. JSON: one object a file.
ALTER TABLE imports ADD COLUMN stamps TEXT NOT NULL DEFAULT '[]';
