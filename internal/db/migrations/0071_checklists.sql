-- What a department looks at on the site, by matter ('*' is every matter), and
-- what it found (INS-1007). One save of answers is one leaf of the log.
CREATE TABLE checklists (
	id             {{.ID}} PRIMARY KEY,
	department_id  {{.ID}} NOT NULL REFERENCES departments (id),
	matter_code    {{.ID}} NOT NULL,
	version        {{.Int}} NOT NULL,
	effective_from {{.ID}} NOT NULL,
	items          {{.JSON}} NOT NULL,
	set_by         {{.ID}} NOT NULL,
	set_at         {{.Time}} NOT NULL,
	UNIQUE (department_id, matter_code, version)
);

CREATE TABLE checklist_answers (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	round          {{.Int}} NOT NULL,
	checklist_id   {{.ID}} NOT NULL REFERENCES checklists (id),
	save           {{.ID}} NOT NULL,
	item           {{.Int}} NOT NULL,
	value          {{.ID}} NOT NULL,
	note           {{.ID}} NOT NULL,
	photo          {{.ID}} NOT NULL,
	answered_by    {{.ID}} NOT NULL,
	answered_name  {{.ID}} NOT NULL,
	answered_at    {{.Time}} NOT NULL,
	UNIQUE (save, item)
);
CREATE INDEX checklist_answers_participant ON checklist_answers (participant_id, round);
