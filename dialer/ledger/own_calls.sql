-- Calls to a telephone of one's own.

-- :name bars_own_call
-- Whether the telephone is being rung, or may be, by a campaign; whether it is on the do-not-call list; and in which
-- campaign it is somebody's.
SELECT EXISTS (SELECT 1 FROM attempts WHERE number = :number AND (state = 'intended' OR state = 'placed' OR state = 'unknown')) AS is_live,
       EXISTS (SELECT 1 FROM opt_outs WHERE key = :key) AS is_opted_out,
       (SELECT campaigns.name FROM numbers JOIN contacts ON contacts.id = numbers.contact_id
        JOIN campaigns ON campaigns.id = contacts.campaign_id WHERE numbers.number = :number LIMIT 1) AS listed_in

-- :name new_own_call
-- The intent, before the first byte of the request leaves.
INSERT INTO own_calls (call_id, campaign, number, from_number, person, who, state, intended_at)
VALUES (:call_id, :campaign, :number, :from_number, :person, :who, 'intended', :at)

-- :name own_call_goes_on
-- intended | placed | unknown -> placed, ended, refused or unknown.
UPDATE own_calls SET state = :state, platform_id = COALESCE(:platform_id, platform_id),
       finish_reason = COALESCE(:finish_reason, finish_reason), error = :error,
       duration_seconds = COALESCE(:duration_seconds, duration_seconds),
       closed_at = CASE WHEN :state IN ('ended', 'refused') THEN :at END
WHERE call_id = :call_id AND (state = 'intended' OR state = 'placed' OR state = 'unknown')
