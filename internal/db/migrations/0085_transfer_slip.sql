-- DEL-950: of a hand-over on paper, when the department signed its slip and the scan
-- of it.
ALTER TABLE transfers ADD COLUMN signed_at {{.Time}};
ALTER TABLE transfers ADD COLUMN slip {{.ID}} NOT NULL DEFAULT '';
