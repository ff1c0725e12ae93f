-- Whether this ledger is itself, and which calls it may not know.

-- :name identity
-- Where the ledger says that it lies.
SELECT device, inode FROM ledger WHERE id = 1

-- :name standing
-- How far the ledger has come: its last run, its last event.
SELECT (SELECT fence FROM ledger WHERE id = 1), (SELECT COALESCE(MAX(id), 0) FROM events)

-- :name stamped
-- The place of the file is written down; there is no doubt.
UPDATE ledger SET device = :device, inode = :inode WHERE id = 1

-- :name doubted
-- Calls may have been made that the ledger does not know; it stays so until the platform was asked. Where an earlier
-- doubt is still open for a campaign, its moment stays: calls are unknown since then.
UPDATE ledger SET device = :device, inode = :inode, doubt = :doubt,
       doubted_at = CASE WHEN doubted_at IS NOT NULL AND EXISTS (SELECT 1 FROM campaigns WHERE proven_at IS NULL) THEN doubted_at ELSE :at END,
       doubted_event = CASE WHEN doubted_at IS NOT NULL AND EXISTS (SELECT 1 FROM campaigns WHERE proven_at IS NULL) THEN doubted_event
                            ELSE (SELECT COALESCE(MAX(id), 0) FROM events WHERE run_id IS NOT NULL) END
WHERE id = 1

-- :name last_moment
-- The last moment that the ledger knows of earlier runs; what is done by hand in between tells nothing of their calls.
SELECT at FROM events WHERE run_id <> :run ORDER BY id DESC LIMIT 1

-- :name shown_strange
-- The platform shows calls that the ledger does not know. What this run has written, or somebody by hand, tells nothing
-- of how far it knew them.
UPDATE ledger SET doubt = :doubt,
       doubted_at = CASE WHEN doubted_at IS NOT NULL AND EXISTS (SELECT 1 FROM campaigns WHERE proven_at IS NULL) THEN doubted_at ELSE :at END,
       doubted_event = CASE WHEN doubted_at IS NOT NULL AND EXISTS (SELECT 1 FROM campaigns WHERE proven_at IS NULL) THEN doubted_event
                            ELSE (SELECT COALESCE(MAX(id), 0) FROM events WHERE run_id <> :run) END
WHERE id = 1

-- :name ask_anew
-- Whatever the platform was asked before: no campaign's calls are known for certain.
UPDATE campaigns SET proven_at = NULL

-- :name doubt_of
-- Why, if the platform was not asked for this campaign since the doubt arose; the last moment that is known; and the key
-- under which the campaign was dialled last.
SELECT ledger.doubt,
       COALESCE((SELECT at FROM events WHERE CASE WHEN ledger.doubted_event IS NULL THEN at < ledger.doubted_at
                                                  ELSE id <= ledger.doubted_event END
                 ORDER BY id DESC LIMIT 1), '') AS known_until,
       EXISTS (SELECT 1 FROM attempts) AS has_attempts,
       COALESCE((SELECT key_mark FROM attempts WHERE campaign_id = :campaign ORDER BY id DESC LIMIT 1), '') AS key_mark
FROM ledger JOIN campaigns ON campaigns.id = :campaign
WHERE ledger.id = 1 AND doubted_at IS NOT NULL AND proven_at IS NULL

-- :name doubted_others
-- The other campaigns for which the platform was not asked since the doubt arose.
SELECT campaigns.name FROM ledger JOIN campaigns ON campaigns.id <> :campaign
WHERE ledger.id = 1 AND doubted_at IS NOT NULL AND proven_at IS NULL ORDER BY campaigns.name

-- :name proven
-- The platform was asked for calls that the ledger does not know.
UPDATE campaigns SET proven_at = :at WHERE id = :campaign

-- :name contacts_with_number
-- A campaign's people who have this number.
SELECT contacts.* FROM contacts JOIN numbers ON numbers.contact_id = contacts.id
WHERE numbers.number = :number AND contacts.campaign_id = :campaign

-- :name dialable
-- People who could be dialled, now or once the fate of their last call is known, from one id on.
SELECT * FROM contacts WHERE campaign_id = :campaign AND id > :after AND state IN ('due', 'waiting', 'dialing', 'unknown')
ORDER BY id LIMIT :limit

-- :name last_calls
-- The last calls that were made under a key: they show whether a list, or a look-up, is that account's.
SELECT call_id, platform_id FROM attempts WHERE state = 'ended' AND (:key_mark = '' OR key_mark IN ('', :key_mark))
ORDER BY id DESC LIMIT :limit

-- :name wake_one
-- waiting -> due, for one contact of whom the platform shows a call.
UPDATE contacts SET state = 'due', updated_at = :at WHERE id = :contact AND state = 'waiting'

-- :name contact_is_adopted
-- due -> dialing: the platform shows a call that this ledger did not know.
UPDATE contacts SET state = 'dialing', serial = :serial, due_at = NULL, updated_at = :at
WHERE id = :contact AND state = 'due' AND serial <= :serial

-- :name adopted_attempt
-- The attempt that a call was, of which this ledger did not know.
INSERT INTO attempts (contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, payload_hash,
                      intended_at, intent_expires_at, key_mark)
VALUES (:contact, :campaign, :run, :serial, :call_id, :number, :from_number, 'intended', '', :intended_at, :intended_at,
        :key_mark)

-- :name adopted_again
-- refused -> intended: the platform shows a call under an id that, as this ledger has it, was not placed.
UPDATE attempts SET state = 'intended', reusable = 0, run_id = :run, number = :number, from_number = :from_number,
       intended_at = :intended_at, intent_expires_at = :intended_at, held_until = NULL, looks = 0, closed_at = NULL,
       error = '', key_mark = :key_mark
WHERE id = :attempt AND state = 'refused'

-- :name refused_attempt
-- The attempt of a dial, if it is said not to have been placed.
SELECT id FROM attempts WHERE contact_id = :contact AND serial = :serial AND state = 'refused'

-- :name state_of
-- Where a contact stands at this moment.
SELECT state FROM contacts WHERE id = :contact

-- :name has_call
-- Whether an id, ours or the platform's, belongs to an attempt that counts as a call; or to one that is said not to have
-- been placed, where that changes nothing any more: the person was dialled again since, or is dialled no more.
SELECT EXISTS (SELECT 1 FROM attempts WHERE platform_id = :id AND state <> 'refused')
    OR EXISTS (SELECT 1 FROM attempts JOIN contacts ON contacts.id = attempts.contact_id
               WHERE attempts.call_id = :id
                 AND (attempts.state <> 'refused' OR attempts.serial < contacts.serial
                      OR contacts.state NOT IN ('due', 'waiting', 'dialing', 'unknown')))

-- :name dialled_under
-- The keyed hash of the API key under which the call with an id, ours or the platform's, was dialled.
SELECT key_mark FROM attempts WHERE platform_id = :id UNION ALL SELECT key_mark FROM attempts WHERE call_id = :id LIMIT 1

-- :name key_mark_of
-- The keyed hash of the campaign's API key.
SELECT key_mark FROM campaigns WHERE id = :campaign
