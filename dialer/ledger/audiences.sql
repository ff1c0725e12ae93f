-- People for whom the same is decided at the same moment.

-- :name add_audience
-- A new one.
INSERT OR IGNORE INTO audiences (facts) VALUES (:facts)

-- :name audience
-- Its id.
SELECT id FROM audiences WHERE facts = :facts

-- :name audiences_of
-- Those of a campaign.
SELECT audiences.id AS id, audiences.facts AS facts
FROM campaign_audiences JOIN audiences ON audiences.id = campaign_audiences.audience
WHERE campaign_audiences.campaign_id = :campaign

-- :name keep_standing
-- What stands against them now.
INSERT INTO campaign_audiences (campaign_id, audience, standing) VALUES (:campaign, :audience, :detail)
ON CONFLICT (campaign_id, audience) DO UPDATE SET standing = excluded.standing WHERE standing <> excluded.standing

-- :name tell_barred_now
-- An event for each that the next one but one excludes.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'barred', state, 'excluded', :detail FROM contacts
WHERE campaign_id = :campaign AND audience = :audience AND state = 'due' AND due_at IS NULL

-- :name tell_barred_later
-- The same for those whose time is still to come.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'barred', state, 'excluded', :detail FROM contacts
WHERE campaign_id = :campaign AND audience = :audience AND state IN ('due', 'waiting') AND due_at IS NOT NULL

-- :name bar_now
-- due -> excluded: something stands against them, whatever the clock says.
UPDATE contacts SET state = 'excluded', detail = :detail, updated_at = :at
WHERE campaign_id = :campaign AND audience = :audience AND state = 'due' AND due_at IS NULL

-- :name bar_later
-- due | waiting -> excluded: the same of those whose time is still to come; it is kept.
UPDATE contacts SET state = 'excluded', detail = :detail, updated_at = :at
WHERE campaign_id = :campaign AND audience = :audience AND state IN ('due', 'waiting') AND due_at IS NOT NULL

-- :name make_standing_now
-- What stands against people at this moment, by audience; '' for nothing.
CREATE TEMP TABLE standing_now (audience INTEGER PRIMARY KEY, detail TEXT NOT NULL) STRICT

-- :name stands_now
-- Of one audience.
INSERT INTO standing_now (audience, detail) VALUES (?, ?)

-- :name is_anybody_held
-- Whether there is anybody against whom something stood.
SELECT EXISTS (SELECT 1 FROM tallies WHERE campaign_id = :campaign AND state = 'excluded' AND n > 0
               AND substr(detail, 1, instr(detail, ':')) IN ('held:', 'blocked:'))

-- :name tell_freed
-- An event for each that the next one makes due again.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'freed', 'excluded', 'due', detail FROM contacts
WHERE campaign_id = :campaign AND state = 'excluded' AND stop IS NULL
  AND substr(detail, 1, instr(detail, ':')) IN ('held:', 'blocked:')
  AND detail <> COALESCE((SELECT standing_now.detail FROM standing_now WHERE standing_now.audience = contacts.audience), '')

-- :name free
-- excluded -> due: what stood against them does not any more, wherever and whenever it was found: by the audience in which
-- they were, in a list that they have left since, or when one of them was to be dialled.
UPDATE contacts SET state = 'due', detail = '', updated_at = :at
WHERE campaign_id = :campaign AND state = 'excluded' AND stop IS NULL
  AND substr(detail, 1, instr(detail, ':')) IN ('held:', 'blocked:')
  AND detail <> COALESCE((SELECT standing_now.detail FROM standing_now WHERE standing_now.audience = contacts.audience), '')

-- :name is_anybody_held_back
-- Whether anybody waits because of the rules.
SELECT EXISTS (SELECT 1 FROM tallies WHERE campaign_id = :campaign AND state = 'waiting' AND n > 0
               AND detail >= 'held:' AND detail < 'held;')

-- :name tell_asked_anew
-- An event for each that the next one makes due.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'woken', 'waiting', 'due', detail FROM contacts
WHERE campaign_id = :campaign AND audience IN (SELECT audience FROM campaign_audiences WHERE campaign_id = :campaign)
  AND state IN ('due', 'waiting') AND due_at IS NOT NULL AND state = 'waiting' AND detail >= 'held:' AND detail < 'held;'

-- :name ask_anew
-- waiting -> due: whom the rules of another day hold back until a moment. They were due when they were held, so nothing
-- else is waited for, and their next intent asks the rules of today. Who was never dialled is as new as before.
UPDATE contacts SET state = 'due', due_at = CASE WHEN serial > 0 THEN :at END, detail = '', updated_at = :at
WHERE campaign_id = :campaign AND audience IN (SELECT audience FROM campaign_audiences WHERE campaign_id = :campaign)
  AND state IN ('due', 'waiting') AND due_at IS NOT NULL AND state = 'waiting' AND detail >= 'held:' AND detail < 'held;'

-- :name calls_since
-- Calls of a campaign since then, live ones among them.
SELECT COUNT(*) FROM attempts
WHERE campaign_id = :campaign AND intended_at >= :since AND (costs = 1 OR (state = 'intended' OR state = 'placed' OR state = 'unknown'))
