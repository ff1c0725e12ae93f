-- Indices and triggers that are taken away for a moment.

-- :name made_by
-- The statement that made it.
SELECT type, name, sql FROM sqlite_schema WHERE name = :name AND type IN ('index', 'trigger')
