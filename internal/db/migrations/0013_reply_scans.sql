-- A reply on paper has its scan (INS-808).
ALTER TABLE replies ADD COLUMN scan {{.ID}} NOT NULL DEFAULT '';
