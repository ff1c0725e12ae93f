-- A campaign file and a list that change while people wait: what the file said when it was last taken in, and the last
-- instant that a row allows, by itself, so that another `expires` can be reckoned without reading the list.

-- JSON object: key of the campaign file → its words, of all that decides who is called when, and what they are told.
-- NULL: not known.
ALTER TABLE campaigns ADD COLUMN said TEXT;

ALTER TABLE contacts ADD COLUMN not_after TEXT;
