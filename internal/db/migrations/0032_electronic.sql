-- Who agreed to have which results sent as files, how, and until when (DEL-240).
CREATE TABLE electronic_consents (
	id          {{.ID}} PRIMARY KEY,
	case_id     {{.ID}} NOT NULL,
	centre_id   {{.ID}} NOT NULL,
	person      {{.ID}} NOT NULL,
	method      {{.ID}} NOT NULL,
	address     {{.ID}} NOT NULL,
	phone       {{.ID}} NOT NULL,
	lines       {{.JSON}} NOT NULL,
	channel     {{.ID}} NOT NULL,
	note        {{.ID}} NOT NULL,
	given_at    {{.Time}} NOT NULL,
	recorded_by {{.ID}} NOT NULL,
	revoked_at  {{.Time}},
	revoked_by  {{.ID}} NOT NULL,
	revoked_how {{.ID}} NOT NULL
);
CREATE INDEX electronic_consents_by_case ON electronic_consents (case_id, given_at);

-- A result that goes out as a file (DEL-241). The bytes lie under proofs/ by
-- their hash; token and telephone are kept as hashes only.
CREATE TABLE electronic_files (
	id             {{.ID}} PRIMARY KEY,
	number         {{.ID}} NOT NULL UNIQUE,
	case_id        {{.ID}} NOT NULL,
	case_number    {{.ID}} NOT NULL,
	centre_id      {{.ID}} NOT NULL,
	line_id        {{.ID}} NOT NULL REFERENCES result_lines (id),
	department_id  {{.ID}} NOT NULL,
	consent_id     {{.ID}} NOT NULL REFERENCES electronic_consents (id),
	class          {{.ID}} NOT NULL,
	title          {{.ID}} NOT NULL,
	issuer         {{.ID}} NOT NULL,
	sha256         {{.ID}} NOT NULL,
	size           {{.Int}} NOT NULL,
	signature      {{.ID}} NOT NULL,
	signature_note {{.ID}} NOT NULL,
	drawn          {{.Bool}} NOT NULL,
	decided_on     {{.ID}} NOT NULL,
	refused_grant  {{.Bool}} NOT NULL,
	ground         {{.JSON}} NOT NULL,
	method         {{.ID}} NOT NULL,
	address        {{.ID}} NOT NULL,
	phone          {{.ID}} NOT NULL,
	state          {{.ID}} NOT NULL,
	supplied_at    {{.Time}} NOT NULL,
	supplied_by    {{.ID}} NOT NULL,
	sent_at        {{.Time}},
	sent_by        {{.ID}} NOT NULL,
	sendings       {{.Int}} NOT NULL,
	serve_by       {{.Time}},
	expires_at     {{.Time}},
	served_at      {{.Time}},
	served_how     {{.ID}} NOT NULL,
	served_note    {{.ID}} NOT NULL,
	opens          {{.Int}} NOT NULL,
	ended_at       {{.Time}},
	ended_by       {{.ID}} NOT NULL,
	ended_why      {{.ID}} NOT NULL,
	token_hash     {{.ID}} NOT NULL,
	phone_hash     {{.ID}} NOT NULL,
	tries          {{.Int}} NOT NULL,
	locked_until   {{.Time}},
	tried_on       {{.ID}} NOT NULL,
	day_tries      {{.Int}} NOT NULL,
	version        {{.Int}} NOT NULL
);
CREATE INDEX electronic_files_by_case ON electronic_files (case_id);
CREATE UNIQUE INDEX electronic_files_one ON electronic_files (line_id) WHERE state <> 'withdrawn';
CREATE UNIQUE INDEX electronic_files_by_token ON electronic_files (token_hash) WHERE token_hash <> '';
CREATE INDEX electronic_files_waiting ON electronic_files (serve_by) WHERE state = 'sent';

-- The file that stands for a line's paper, and when it was served (DEL-242).
ALTER TABLE result_lines ADD COLUMN electronic_id {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE result_lines ADD COLUMN served_at {{.Time}};
