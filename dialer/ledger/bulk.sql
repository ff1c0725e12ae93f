-- Indices and triggers that are taken away for a moment.

-- :name made_by
-- The statement that made it.
SELECT type, name, sql FROM sqlite_schema WHERE name = :name AND type IN ('index', 'trigger')

-- :name kept_pages
-- How much is kept in memory: pages, or KiB if it is less than zero.
SELECT cache_size FROM pragma_cache_size
