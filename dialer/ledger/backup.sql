-- What makes a copy of a ledger know that it is one.

-- :name forget_place
-- The copy has not lain anywhere yet: whoever opens it asks the platform about later calls first.
UPDATE ledger SET device = NULL, inode = NULL WHERE id = 1
