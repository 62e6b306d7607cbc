-- What package office owns: the places of the house, its calendar, its settings.
-- Instants are UTC milliseconds set by the program, dates are ISO text (DL-20).

CREATE TABLE divisions (
	code        {{.ID}} PRIMARY KEY,
	name        {{.ID}} NOT NULL,
	name_en     {{.ID}} NOT NULL,
	level       {{.ID}} NOT NULL,
	parent      {{.ID}} NOT NULL,
	lat         double precision NOT NULL,
	lon         double precision NOT NULL,
	valid_from  {{.ID}},
	valid_to    {{.ID}},
	replaced_by {{.ID}} NOT NULL
);

CREATE TABLE centres (
	id               {{.ID}} PRIMARY KEY,
	division         {{.ID}} NOT NULL REFERENCES divisions (code),
	name             {{.ID}} NOT NULL,
	name_en          {{.ID}} NOT NULL,
	address          {{.ID}} NOT NULL,
	lat              double precision NOT NULL,
	lon              double precision NOT NULL,
	phone            {{.ID}} NOT NULL,
	organises_visits {{.Bool}} NOT NULL,
	hours            {{.ID}} NOT NULL
);
CREATE INDEX centres_by_division ON centres (division);

CREATE TABLE windows (
	id        {{.ID}} PRIMARY KEY,
	centre_id {{.ID}} NOT NULL REFERENCES centres (id),
	number    {{.ID}} NOT NULL,
	phone     {{.ID}} NOT NULL,
	UNIQUE (centre_id, number)
);

-- One department of a system for one division: who is competent is never a choice.
CREATE TABLE departments (
	id       {{.ID}} PRIMARY KEY,
	system   {{.ID}} NOT NULL,
	division {{.ID}} NOT NULL REFERENCES divisions (code),
	name     {{.ID}} NOT NULL,
	name_en  {{.ID}} NOT NULL,
	level    {{.ID}} NOT NULL,
	superior {{.ID}} NOT NULL,
	roster   {{.ID}} NOT NULL,
	lat      double precision NOT NULL,
	lon      double precision NOT NULL,
	address  {{.ID}} NOT NULL,
	phone    {{.ID}} NOT NULL,
	UNIQUE (system, division)
);

-- centre_id '' is the city's layer. Rows stay when a closure is withdrawn, so
-- that a deadline can be counted again as it was known at its time (INS-408).
CREATE TABLE closures (
	id           {{.ID}} PRIMARY KEY,
	centre_id    {{.ID}} NOT NULL,
	day          {{.ID}} NOT NULL,
	reason       {{.ID}} NOT NULL,
	added_by     {{.ID}} NOT NULL,
	added_at     {{.Time}} NOT NULL,
	withdrawn_by {{.ID}} NOT NULL,
	withdrawn_at {{.Time}}
);
CREATE UNIQUE INDEX closures_standing ON closures (centre_id, day) WHERE withdrawn_at IS NULL;

-- content is text on both databases: its bytes are hashed. At most one import
-- waits for its second person, so versions follow each other (INS-404).
CREATE TABLE calendars (
	id          {{.ID}} PRIMARY KEY,
	version     {{.Int}} UNIQUE,
	content     {{.ID}} NOT NULL,
	hash        {{.ID}} NOT NULL,
	changes     {{.JSON}} NOT NULL,
	state       {{.ID}} NOT NULL,
	imported_by {{.ID}} NOT NULL,
	imported_at {{.Time}} NOT NULL,
	decided_by  {{.ID}} NOT NULL,
	decided_at  {{.Time}}
);
CREATE UNIQUE INDEX calendars_waiting ON calendars (state) WHERE state = 'proposed';

CREATE TABLE settings (
	id             {{.ID}} PRIMARY KEY,
	key            {{.ID}} NOT NULL,
	scope_kind     {{.ID}} NOT NULL,
	scope_id       {{.ID}} NOT NULL,
	value          {{.ID}} NOT NULL,
	effective_from {{.Time}},
	reason         {{.ID}} NOT NULL,
	state          {{.ID}} NOT NULL,
	set_by         {{.ID}} NOT NULL,
	set_at         {{.Time}} NOT NULL,
	decided_by     {{.ID}} NOT NULL,
	decided_at     {{.Time}}
);
CREATE INDEX settings_by_scope ON settings (scope_kind, scope_id, effective_from);

CREATE TABLE addresses (
	id            {{.ID}} PRIMARY KEY,
	department_id {{.ID}} NOT NULL REFERENCES departments (id),
	channel       {{.ID}} NOT NULL,
	value         {{.ID}} NOT NULL,
	own_mx        {{.Bool}} NOT NULL,
	contact       {{.ID}} NOT NULL,
	form          {{.ID}} NOT NULL,
	signed_on     {{.ID}} NOT NULL,
	replaces      {{.ID}} NOT NULL,
	removal       {{.Bool}} NOT NULL,
	valid_from    {{.Time}},
	valid_to      {{.Time}},
	state         {{.ID}} NOT NULL,
	proposed_by   {{.ID}} NOT NULL,
	proposed_at   {{.Time}} NOT NULL,
	decided_by    {{.ID}} NOT NULL,
	decided_at    {{.Time}}
);
CREATE INDEX addresses_by_department ON addresses (department_id);
