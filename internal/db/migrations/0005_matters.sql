-- Matters and their rules, owned by package inspection. A published version is
-- read-only: nothing updates or deletes these rows (INS-301).

CREATE TABLE matters (
	code           {{.ID}} NOT NULL,
	version        {{.Int}} NOT NULL CHECK (version > 0),
	name_zh        {{.ID}} NOT NULL,
	name_en        {{.ID}} NOT NULL,
	effective_from {{.ID}} NOT NULL, -- dates are ISO text, so text order is date order
	effective_to   {{.ID}} CHECK (effective_to > effective_from),
	permits        {{.JSON}} NOT NULL,
	never_deemed   {{.Bool}} NOT NULL,
	commitment     {{.Bool}} NOT NULL,
	certainty      {{.ID}} NOT NULL,
	search         {{.ID}} NOT NULL, -- folded text (STK-23)
	hash           {{.ID}} NOT NULL, -- of the contents, also in the evidence log
	published_at   {{.Time}} NOT NULL,
	published_by   {{.ID}} NOT NULL,
	PRIMARY KEY (code, version)
);

CREATE TABLE matter_rules (
	matter_code    {{.ID}} NOT NULL,
	matter_version {{.Int}} NOT NULL,
	position       {{.Int}} NOT NULL,
	system         {{.ID}} NOT NULL,
	level          {{.ID}} NOT NULL CHECK (level IN ('province', 'city', 'county')),
	permit         {{.ID}} NOT NULL,
	condition      {{.ID}} NOT NULL, -- expression of INS-303, '' is always
	attendance     {{.ID}} NOT NULL CHECK (attendance IN ('required', 'invited')),
	lead           {{.Bool}} NOT NULL,
	never_deemed   {{.Bool}} NOT NULL,
	check_kind     {{.ID}} NOT NULL CHECK (check_kind IN ('site', 'review', 'both')),
	basis          {{.ID}} NOT NULL,
	PRIMARY KEY (matter_code, matter_version, position),
	UNIQUE (matter_code, matter_version, system),
	FOREIGN KEY (matter_code, matter_version) REFERENCES matters (code, version)
);
CREATE UNIQUE INDEX matter_rules_one_lead ON matter_rules (matter_code, matter_version) WHERE lead; -- INS-303
