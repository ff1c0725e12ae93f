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

-- :name standing_of
-- What stood against them when the rules were last asked.
SELECT standing FROM campaign_audiences WHERE campaign_id = :campaign AND audience = :audience

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

-- :name tell_freed
-- An event for each that the next one makes due again.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state, detail)
SELECT :at, :run, id, 'freed', 'excluded', 'due', detail FROM contacts
WHERE campaign_id = :campaign AND audience = :audience AND state = 'excluded' AND stop IS NULL AND detail = :was

-- :name free
-- excluded -> due: what stood against them does not any more.
UPDATE contacts SET state = 'due', detail = '', updated_at = :at
WHERE campaign_id = :campaign AND audience = :audience AND state = 'excluded' AND stop IS NULL AND detail = :was

-- :name calls_since
-- Calls of a campaign since then, live ones among them.
SELECT COUNT(*) FROM attempts
WHERE campaign_id = :campaign AND intended_at >= :since AND (costs = 1 OR state IN ('intended', 'placed', 'unknown'))
