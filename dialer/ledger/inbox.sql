-- The inbox of webhooks.

-- :name keep
-- A delivery, once.
INSERT INTO inbox (trace_id, received_at, event, call, body) VALUES (:trace_id, :at, :event, :call, :body)
ON CONFLICT (trace_id) DO NOTHING

-- :name tells_of
-- Whether a call was told of.
SELECT EXISTS (SELECT 1 FROM inbox WHERE call = :call AND call <> '')

-- :name strangers
-- Calls that were told of and that no attempt knows by either id.
SELECT call FROM inbox
WHERE call <> '' AND received_at >= :since
  AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.call_id = inbox.call)
  AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.platform_id = inbox.call)
GROUP BY call ORDER BY MAX(received_at) DESC LIMIT :limit
