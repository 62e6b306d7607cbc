-- A closure is of the city, of one centre, or of one department: its training
-- day, say (INS-502).
ALTER TABLE closures ADD COLUMN department_id {{.ID}} NOT NULL DEFAULT '';
DROP INDEX closures_standing;
CREATE UNIQUE INDEX closures_standing ON closures (centre_id, department_id, day) WHERE withdrawn_at IS NULL;
