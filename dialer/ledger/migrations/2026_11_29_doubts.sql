-- The last event of a run that the ledger knew when the doubt arose. By the time of events alone it cannot be told: what is
-- written afterwards by a clock that was set back meanwhile would count as known before. NULL: from before this change.
ALTER TABLE ledger ADD COLUMN doubted_event INTEGER;
