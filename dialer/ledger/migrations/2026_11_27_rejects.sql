-- Whose row it was that was not taken, by its id or, of a double, its number, so that `why` finds it: '' where neither is known.
ALTER TABLE rejects ADD COLUMN person TEXT NOT NULL DEFAULT '';
