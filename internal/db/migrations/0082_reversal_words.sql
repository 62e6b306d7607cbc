-- What the record of a deemed consent prints of its reversal (INS-917, INS-937): both
-- persons by name, the second one's words, and the term of the department's own
-- opinion. Empty in rows from before, except for names that are known.
ALTER TABLE reversals ADD COLUMN proposed_name {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE reversals ADD COLUMN decided_name {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE reversals ADD COLUMN decision {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE reversals ADD COLUMN opinion_due {{.Time}};
UPDATE reversals SET
	proposed_name = COALESCE((SELECT p.name FROM people p WHERE 'person:' || p.id = reversals.proposed_by), ''),
	decided_name = COALESCE((SELECT p.name FROM people p WHERE 'person:' || p.id = reversals.decided_by), '');
