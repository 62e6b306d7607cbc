-- What package auth owns. Nothing secret is readable here: passwords are
-- argon2id, tokens and keys SHA-256, answer codes keyed by their link's token.

CREATE TABLE people (
	id              {{.ID}} PRIMARY KEY,
	login           {{.ID}} NOT NULL UNIQUE,
	name            {{.ID}} NOT NULL,
	centre_id       {{.ID}} NOT NULL,
	window_id       {{.ID}} NOT NULL,
	department_id   {{.ID}} NOT NULL,
	certificate     {{.ID}} NOT NULL,
	phone           {{.ID}} NOT NULL,
	mail            {{.ID}} NOT NULL,
	created_at      {{.Time}} NOT NULL,
	disabled_at     {{.Time}},
	password_hash   {{.ID}} NOT NULL,
	password_set_at {{.Time}},
	must_change     {{.Bool}} NOT NULL,
	last_sign_in    {{.Time}}
);
CREATE INDEX people_by_department ON people (department_id);
CREATE INDEX people_by_centre ON people (centre_id);

CREATE TABLE roles (
	person_id {{.ID}} NOT NULL REFERENCES people (id),
	role      {{.ID}} NOT NULL,
	PRIMARY KEY (person_id, role)
);

-- The passwords a person had, so that the last five are refused.
CREATE TABLE passwords (
	person_id {{.ID}} NOT NULL REFERENCES people (id),
	hash      {{.ID}} NOT NULL,
	set_at    {{.Time}} NOT NULL
);
CREATE INDEX passwords_by_person ON passwords (person_id, set_at);

-- One row for each account and client address that failed; the account is
-- hashed, since people type passwords into the wrong field.
CREATE TABLE sign_in_failures (
	account  {{.ID}} NOT NULL,
	remote   {{.ID}} NOT NULL,
	failures {{.Int}} NOT NULL,
	last_at  {{.Time}} NOT NULL,
	PRIMARY KEY (account, remote)
);

CREATE TABLE sessions (
	hash       {{.ID}} PRIMARY KEY,
	person_id  {{.ID}} NOT NULL REFERENCES people (id),
	created_at {{.Time}} NOT NULL,
	seen_at    {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person_id);

-- slot is 1 or 2 while the key counts: two at a time for changing over (SEC-9).
CREATE TABLE keys (
	id         {{.ID}} PRIMARY KEY,
	client     {{.ID}} NOT NULL,
	hash       {{.ID}} NOT NULL,
	divisions  {{.JSON}} NOT NULL,
	scopes     {{.JSON}} NOT NULL,
	slot       {{.Int}},
	created_by {{.ID}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	revoked_at {{.Time}},
	UNIQUE (client, slot)
);

CREATE TABLE links (
	id         {{.ID}} PRIMARY KEY,
	purpose    {{.ID}} NOT NULL,
	subject    {{.ID}} NOT NULL,
	contact    {{.ID}} NOT NULL,
	hash       {{.ID}} NOT NULL UNIQUE,
	code_hash  {{.ID}} NOT NULL,
	wrong      {{.Int}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	expires_at {{.Time}} NOT NULL,
	locked_at  {{.Time}},
	revoked_at {{.Time}}
);
CREATE INDEX links_by_subject ON links (subject);
CREATE INDEX links_by_expiry ON links (expires_at);

CREATE TABLE contact_changes (
	id          {{.ID}} PRIMARY KEY,
	person_id   {{.ID}} NOT NULL REFERENCES people (id),
	phone       {{.ID}} NOT NULL,
	mail        {{.ID}} NOT NULL,
	state       {{.ID}} NOT NULL,
	proposed_by {{.ID}} NOT NULL,
	proposed_at {{.Time}} NOT NULL,
	decided_by  {{.ID}} NOT NULL,
	decided_at  {{.Time}}
);
