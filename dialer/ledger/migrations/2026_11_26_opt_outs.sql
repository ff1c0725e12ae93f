-- With which id a number came onto the do-not-call list, so that taking the id back takes out its numbers alone.

-- The key of that id. NULL: the number was entered by itself, with several ids, or before this was known; whoever takes
-- an id back leaves it on the list.
ALTER TABLE opt_outs ADD COLUMN with_key BLOB;
