-- What was reported damaged, and what its department decided: issue it again,
-- deliver it as it is, or make it void (DEL-808). One question for each thing and
-- parcel; of a thing on the shelf for each report.
CREATE TABLE damages (
	id            {{.ID}} PRIMARY KEY,
	item_id       {{.ID}} NOT NULL REFERENCES items (id),
	occasion      {{.ID}} NOT NULL,
	parcel_id     {{.ID}} NOT NULL,
	line_id       {{.ID}} NOT NULL,
	case_id       {{.ID}} NOT NULL,
	case_number   {{.ID}} NOT NULL,
	centre_id     {{.ID}} NOT NULL,
	department_id {{.ID}} NOT NULL,
	what          {{.ID}} NOT NULL,
	photos        {{.JSON}} NOT NULL,
	reported_at   {{.Time}} NOT NULL,
	reported_by   {{.ID}} NOT NULL,
	reporter      {{.ID}} NOT NULL,
	state         {{.ID}} NOT NULL,
	reason        {{.ID}} NOT NULL,
	decided_at    {{.Time}},
	decided_by    {{.ID}} NOT NULL,
	decided_name  {{.ID}} NOT NULL,
	version       {{.Int}} NOT NULL,
	UNIQUE (item_id, occasion)
);
CREATE INDEX damages_open ON damages (department_id, state);
CREATE INDEX damages_centre ON damages (centre_id, state);
