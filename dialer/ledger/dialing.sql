-- The life of contacts and attempts. Each update names the states that it expects; a test compares
-- them with the table of legal transitions in policy.lifecycle.

-- :name fence
-- The number of the run that may write; a run whose number it is not has lost the ledger.
SELECT fence FROM ledger WHERE id = 1

-- :name raise_fence
-- A new run takes the ledger over.
UPDATE ledger SET fence = fence + 1 RETURNING fence

-- :name start_run
-- A run writes down that it has begun.
INSERT INTO runs (fence, host, pid, command, campaigns, started_at)
VALUES (:fence, :host, :pid, :command, :campaigns, :at)

-- :name end_run
-- A run writes down how it ended.
UPDATE runs SET ended_at = :at, exit_code = :code, reason = :reason WHERE id = :run

-- :name add_event
-- What happened, to whom, and why; `why` reads these.
INSERT INTO events (at, run_id, contact_id, attempt_id, event, from_state, to_state, detail)
VALUES (:at, :run, :contact, :attempt, :event, :from_state, :to_state, :detail)

-- :name wake
-- Contacts whose waiting is over, or one person of them, become due; they keep their time, by which they are ordered. Who
-- was held back before anybody dialled them is as new as before.
UPDATE contacts SET state = 'due', due_at = CASE WHEN serial > 0 THEN due_at END, updated_at = :now
WHERE id IN (SELECT id FROM contacts WHERE campaign_id = :campaign AND audience = :audience AND state IN ('due', 'waiting')
             AND due_at IS NOT NULL AND due_at <= :now
             AND (:person IS NULL OR person = :person OR number = :person) ORDER BY due_at LIMIT :limit)
  AND state = 'waiting'
RETURNING id

-- :name audience_ids
-- With whom the people of a campaign are decided about.
SELECT audience FROM campaign_audiences WHERE campaign_id = :campaign

-- :name tell_expired
-- An event for each that the next one gives up.
INSERT INTO events (at, run_id, contact_id, event, from_state, to_state)
SELECT :now, :run, id, 'expired', state, 'exhausted' FROM contacts
WHERE campaign_id = :campaign AND state IN ('due', 'waiting') AND expires_at IS NOT NULL AND expires_at <= :now

-- :name expire
-- Contacts that were given up before their turn came.
UPDATE contacts SET state = 'exhausted', detail = 'expired', due_at = NULL, updated_at = :now
WHERE campaign_id = :campaign AND state IN ('due', 'waiting') AND expires_at IS NOT NULL AND expires_at <= :now

-- :name due_again
-- Contacts whose own time has come, longest overdue first; by the index alone.
SELECT id, priority, due_at FROM contacts
WHERE campaign_id = :campaign AND audience = :audience AND state IN ('due', 'waiting') AND state = 'due'
  AND due_at IS NOT NULL AND due_at <= :now
ORDER BY due_at LIMIT :limit

-- :name due_fresh
-- Contacts that are due at any time, in the order of the list, whoever is urgent before; by the index alone.
SELECT id, priority FROM contacts WHERE campaign_id = :campaign AND audience = :audience AND state = 'due' AND due_at IS NULL
ORDER BY priority DESC, id LIMIT :limit

-- :name contacts_whole
-- Contacts by their ids, a list of JSON: one question for all of them takes a third of the time of one for each.
SELECT contacts.id, campaign_id, person, state, due_at, priority, audience, serial, data, attempts, extra_attempts, refusals,
       tally, expires_at, stop
FROM json_each(:contacts) AS asked CROSS JOIN contacts ON contacts.id = asked.value

-- :name one_due
-- One person who is due, by id or number.
SELECT * FROM contacts
WHERE campaign_id = :campaign AND state = 'due' AND (due_at IS NULL OR due_at <= :now) AND (person = :person OR number = :person)
LIMIT :limit

-- :name has_person
-- Whether the campaign knows this id or number.
SELECT EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND (person = :person OR number = :person))

-- :name next_due
-- When the next contact of an audience is due that is not due yet.
SELECT MIN(due_at) FROM contacts
WHERE campaign_id = :campaign AND audience = :audience AND state IN ('due', 'waiting') AND due_at IS NOT NULL
  AND due_at > :now

-- :name is_due_now
-- Whether anybody of an audience is due, but for the hours.
SELECT EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND audience = :audience AND state = 'due'
               AND due_at IS NULL)
    OR EXISTS (SELECT 1 FROM contacts WHERE campaign_id = :campaign AND audience = :audience
               AND state IN ('due', 'waiting') AND due_at IS NOT NULL AND due_at <= :now)

-- :name when_due_of_one
-- One person's audience and time; NULL: due at any time.
SELECT audience, due_at FROM contacts
WHERE campaign_id = :campaign AND state IN ('due', 'waiting') AND (person = :person OR number = :person)

-- :name contact_waits
-- due -> waiting: by the rules the moment has not come.
UPDATE contacts SET state = 'waiting', due_at = :due_at, detail = :detail, updated_at = :at
WHERE id = :contact AND state = 'due' AND stop IS NULL

-- :name contact_is_barred
-- due -> excluded: by the rules this person is not to be dialled.
UPDATE contacts SET state = 'excluded', stop = COALESCE(:stop, stop), detail = :detail, updated_at = :at
WHERE id = :contact AND state = 'due' AND stop IS NULL

-- :name numbers_of
-- A contact's numbers, first to be rung first.
SELECT number FROM numbers WHERE contact_id = :contact ORDER BY rank

-- :name numbers_of_all
-- The same of several contacts, a list of JSON.
SELECT numbers.contact_id, numbers.number FROM json_each(:contacts) AS asked CROSS JOIN numbers ON numbers.contact_id = asked.value
ORDER BY asked.key, numbers.rank

-- :name reusable_attempt
-- The last attempt, if the platform never made a record of it: its call id may be sent again.
SELECT id FROM attempts WHERE contact_id = :contact AND serial = :serial AND state = 'refused' AND reusable = 1

-- :name pause_of
-- Whether a person has paused or cancelled the campaign.
SELECT paused, paused_until, paused_why, paused_by FROM campaigns WHERE id = :campaign

-- :name contact_dials
-- due -> dialing, as part of the intent, by the run that holds the ledger and where nobody has paused the campaign; and
-- where the number is still theirs, and they are still decided about with the same people, as when they were chosen.
UPDATE contacts SET state = 'dialing', serial = :serial, due_at = NULL, updated_at = :at
WHERE id = :contact AND state = 'due' AND stop IS NULL AND serial = :last_serial AND audience = :audience
  AND EXISTS (SELECT 1 FROM numbers WHERE contact_id = :contact AND number = :number)
  AND (expires_at IS NULL OR expires_at > :at)
  AND (SELECT fence FROM ledger WHERE id = 1) = :fence
  AND NOT EXISTS (SELECT 1 FROM campaigns WHERE id = :campaign AND paused IS NOT NULL
                  AND (paused_until IS NULL OR paused_until > :at))

-- :name is_number_live
-- A live attempt to a number; asked for several numbers at once.
SELECT 1 FROM attempts WHERE number = ? AND (state = 'intended' OR state = 'placed' OR state = 'unknown')

-- :name is_person_live
-- Whether somebody with this id is on the line in any campaign, or may be.
SELECT EXISTS (SELECT 1 FROM campaigns CROSS JOIN contacts ON contacts.campaign_id = campaigns.id
               AND contacts.person = :person AND contacts.state IN ('dialing', 'unknown') AND contacts.id <> :contact)

-- :name halted_is_dropped
-- due -> excluded: who was halted while due or waiting is dropped when their turn comes; their time is kept.
UPDATE contacts SET state = 'excluded', detail = stop, updated_at = :at
WHERE id = :contact AND state = 'due' AND stop IS NOT NULL
RETURNING stop

-- :name new_attempt
-- An intent under a new call id.
INSERT INTO attempts (contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, payload_hash,
                      intended_at, intent_expires_at, key_mark, rule, rule_version, debt)
VALUES (:contact, :campaign, :run, :serial, :call_id, :number, :from_number, 'intended', :payload_hash, :at, :expires,
        (SELECT key_mark FROM campaigns WHERE id = :campaign), :rule, :rule_version, :debt)

-- :name same_attempt
-- refused -> intended: an intent under a call id of which the platform never made a record.
UPDATE attempts SET state = 'intended', reusable = 0, run_id = :run, number = :number, from_number = :from_number,
       payload_hash = :payload_hash, intended_at = :at, intent_expires_at = :expires, held_until = NULL, looks = 0,
       rule = :rule, rule_version = :rule_version, debt = :debt,
       closed_at = NULL, error = '', key_mark = (SELECT key_mark FROM campaigns WHERE id = attempts.campaign_id)
WHERE id = :attempt AND state = 'refused' AND reusable = 1

-- :name attempt_placed
-- intended | unknown -> placed: the platform made a call of it.
UPDATE attempts SET state = 'placed', placed_at = COALESCE(placed_at, :at), held_until = NULL,
       platform_id = COALESCE(:platform_id, platform_id), call_status = :call_status, started_at = :started_at,
       ai_agent_id = :ai_agent_id, record = :record, error = ''
WHERE id = :attempt AND state IN ('intended', 'unknown')

-- :name contact_found_live
-- unknown -> dialing: the call of an unknown was found.
UPDATE contacts SET state = 'dialing', detail = '', updated_at = :at WHERE id = :contact AND state = 'unknown'

-- :name attempt_ended
-- intended | placed | unknown -> ended: the call is over and what it told is written down.
UPDATE attempts SET state = 'ended', costs = :costs, closed_at = :at, placed_at = COALESCE(placed_at, :at),
       held_until = NULL, platform_id = COALESCE(:platform_id, platform_id), call_status = :call_status,
       finish_reason = :finish_reason, started_at = :started_at, ended_at = :ended_at,
       duration_seconds = :duration_seconds, ai_agent_id = :ai_agent_id, record = :record, error = ''
WHERE id = :attempt AND (state = 'intended' OR state = 'placed' OR state = 'unknown')

-- :name attempt_refused
-- intended | unknown -> refused: proven that nobody was rung by it.
UPDATE attempts SET state = 'refused', costs = 0, reusable = :reusable, closed_at = :at, held_until = NULL, error = :error
WHERE id = :attempt AND state IN ('intended', 'unknown')

-- :name attempt_ended_by_hand
-- unknown -> ended: the operator says that it was placed.
UPDATE attempts SET state = 'ended', costs = 1, closed_at = :at, placed_at = COALESCE(placed_at, :at), held_until = NULL,
       finish_reason = :finish_reason, error = :error
WHERE id = :attempt AND state = 'unknown'

-- :name attempt_refused_by_hand
-- unknown -> refused: the operator says that it was not placed; its call id is not sent again.
UPDATE attempts SET state = 'refused', costs = 0, reusable = 0, closed_at = :at, held_until = NULL, error = :error
WHERE id = :attempt AND state = 'unknown'

-- :name unknowns_of
-- The held attempts of a person, in one campaign or in all; a call's id names one of them.
SELECT attempts.id AS attempt, campaigns.name AS campaign, contacts.person AS person
FROM attempts JOIN contacts ON contacts.id = attempts.contact_id JOIN campaigns ON campaigns.id = attempts.campaign_id
WHERE attempts.state = 'unknown' AND (:campaign IS NULL OR campaigns.name = :campaign)
  AND (contacts.person = :person OR attempts.number = :person OR attempts.call_id = :person)
ORDER BY attempts.id

-- :name attempt_unknown
-- intended | placed -> unknown: its fate is open.
UPDATE attempts SET state = 'unknown', held_until = :held_until, error = :error, id_taken = MAX(id_taken, :id_taken)
WHERE id = :attempt AND state IN ('intended', 'placed')

-- :name contact_unknown
-- dialing -> unknown, with its attempt.
UPDATE contacts SET state = 'unknown', detail = :detail, updated_at = :at WHERE id = :contact AND state = 'dialing'

-- :name attempt_looked
-- An unknown was looked up and not found.
UPDATE attempts SET looks = looks + 1 WHERE id = :attempt AND state = 'unknown'

-- :name contact_of_attempt
-- The contact of an attempt, for deciding, and the number of the run that may write.
SELECT contacts.id, contacts.state, contacts.attempts, contacts.refusals, contacts.tally, contacts.expires_at,
       contacts.stop, contacts.extra_attempts, contacts.audience, (SELECT fence FROM ledger WHERE id = 1) AS fence
FROM contacts JOIN attempts ON attempts.contact_id = contacts.id WHERE attempts.id = :attempt

-- :name contact_settles
-- dialing | unknown -> whatever was decided; and not before what their row has asked for meanwhile.
UPDATE contacts SET state = :state,
       due_at = CASE WHEN due_at > COALESCE(:due_at, '') THEN due_at ELSE :due_at END, detail = :detail,
       finish_reason = COALESCE(:finish_reason, finish_reason), attempts = attempts + :costs, refusals = :refusals,
       tally = :tally, updated_at = :at
WHERE id = :contact AND state IN ('dialing', 'unknown')
  AND (:state = 'done' OR :state = 'waiting' OR :state = 'due' OR :state = 'exhausted' OR :state = 'excluded')

-- :name open_attempts
-- The live attempts of a campaign: what a run finds when it starts.
SELECT attempts.*, contacts.person, contacts.attempts, contacts.refusals, contacts.tally, contacts.expires_at,
       contacts.stop, contacts.extra_attempts, contacts.audience
FROM attempts JOIN contacts ON contacts.id = attempts.contact_id
WHERE attempts.campaign_id = :campaign AND (attempts.state = 'intended' OR attempts.state = 'placed' OR attempts.state = 'unknown')
ORDER BY attempts.id

-- :name has_open
-- Whether any attempt is live.
SELECT EXISTS (SELECT 1 FROM attempts WHERE (state = 'intended' OR state = 'placed' OR state = 'unknown'))

-- :name knows
-- Whether an id, ours or the platform's, belongs to an attempt.
SELECT EXISTS (SELECT 1 FROM attempts WHERE platform_id = :id) OR EXISTS (SELECT 1 FROM attempts WHERE call_id = :id)

-- :name excluded_due_again
-- excluded -> due: what was excluded by a fault that was not the contact's.
UPDATE contacts SET state = 'due', due_at = NULL, detail = :detail, updated_at = :at
WHERE id = :contact AND state = 'excluded' AND stop IS NULL

-- :name counts
-- How many contacts are in each state.
SELECT state, SUM(n) AS n FROM tallies WHERE campaign_id = :campaign GROUP BY state

-- :name campaign_by_name
-- A campaign as the ledger knows it.
SELECT * FROM campaigns WHERE name = :name

-- :name add_campaign
-- The first run of a campaign binds it to its platform.
INSERT INTO campaigns (name, platform_url, key_mark, created_at) VALUES (:name, :url, :key_mark, :at)

-- :name begin_audiences
-- Of whom nothing is asked: there from the first.
INSERT INTO campaign_audiences (campaign_id, audience) VALUES (:campaign, 0)

-- :name set_key_mark
-- The key has changed since the last run.
UPDATE campaigns SET key_mark = :key_mark WHERE id = :campaign

-- :name set_pause
-- A person pauses, resumes or cancels.
UPDATE campaigns SET paused = :paused, paused_until = :until, paused_why = :why, paused_by = :who,
       watched_from = CASE WHEN :paused IS NULL THEN :at ELSE watched_from END
WHERE id = :campaign

-- :name tell_cancelled
-- An event for each that the next one drops.
INSERT INTO events (at, contact_id, event, from_state, to_state)
SELECT :at, id, 'cancelled', state, 'excluded' FROM contacts
WHERE campaign_id = :campaign AND state IN ('due', 'waiting') AND stop IS NULL

-- :name cancel_waiting
-- due | waiting -> excluded, for a cancelled campaign.
UPDATE contacts SET state = 'excluded', stop = 'cancelled', due_at = NULL, detail = 'cancelled', updated_at = :at
WHERE campaign_id = :campaign AND state IN ('due', 'waiting') AND stop IS NULL

-- :name cancel_live
-- Live calls run out, and are not followed by another.
UPDATE contacts SET stop = 'cancelled', updated_at = :at
WHERE campaign_id = :campaign AND state IN ('dialing', 'unknown') AND stop IS NULL

-- :name remember_lines
-- The learned limit, for the next run.
UPDATE campaigns SET lines = :lines WHERE id = :campaign

-- :name recent_endings
-- The last calls that ended since a person had the campaign go on, for the thresholds; the newest first. How a call
-- ended that was marked by hand (it has an `error`) nobody knows: it is judged by no threshold.
SELECT attempts.call_id, attempts.platform_id, attempts.finish_reason, attempts.duration_seconds, attempts.costs,
       contacts.stop
FROM attempts JOIN contacts ON contacts.id = attempts.contact_id
WHERE attempts.campaign_id = :campaign AND attempts.state = 'ended' AND attempts.error = ''
  AND attempts.closed_at > (SELECT watched_from FROM campaigns WHERE id = :campaign)
ORDER BY attempts.closed_at DESC, attempts.id DESC LIMIT :limit
