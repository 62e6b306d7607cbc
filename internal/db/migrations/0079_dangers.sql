-- INS-1015: an immediate danger that somebody of a department found, of the first
-- visit and its revisits together. It is cleared in writing by the department, or by
-- two supervisors one after the other.
CREATE TABLE dangers (
	id             {{.ID}} PRIMARY KEY,
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	department_id  {{.ID}} NOT NULL,
	department     {{.ID}} NOT NULL,
	what           {{.ID}} NOT NULL,
	scan           {{.ID}} NOT NULL,
	sha256         {{.ID}} NOT NULL,
	found_at       {{.Time}} NOT NULL,
	found_by       {{.ID}} NOT NULL,
	found_name     {{.ID}} NOT NULL,
	first_note     {{.ID}} NOT NULL,
	first_at       {{.Time}},
	first_by       {{.ID}} NOT NULL,
	note           {{.ID}} NOT NULL,
	cleared_at     {{.Time}},
	cleared_by     {{.ID}} NOT NULL,
	cleared_name   {{.ID}} NOT NULL
);
CREATE INDEX dangers_by_visit ON dangers (visit_id);
