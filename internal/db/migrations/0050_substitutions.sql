-- INS-610: who comes to a booked visit in whose place. Both ends are resources; a
-- vehicle or a room has no department.
CREATE TABLE substitutions (
	id             {{.ID}} PRIMARY KEY,
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	round          {{.Int}} NOT NULL,
	department_id  {{.ID}} NOT NULL,
	out_id         {{.ID}} NOT NULL REFERENCES resources (id),
	in_id          {{.ID}} NOT NULL REFERENCES resources (id),
	reason         {{.ID}} NOT NULL,
	caller         {{.ID}} NOT NULL,
	substituted_at {{.Time}} NOT NULL,
	substituted_by {{.ID}} NOT NULL
);
CREATE INDEX substitutions_by_visit ON substitutions (visit_id, substituted_at);
