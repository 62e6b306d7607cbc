-- What the applicant says of how a case was served, once for each case
-- (DEL-1206). A low level asks for a call back by call_by.
CREATE TABLE ratings (
	id          {{.ID}} PRIMARY KEY,
	case_id     {{.ID}} NOT NULL UNIQUE,
	case_number {{.ID}} NOT NULL,
	centre_id   {{.ID}} NOT NULL,
	level       {{.Int}} NOT NULL,
	words       {{.ID}} NOT NULL,
	given_at    {{.Time}} NOT NULL,
	call_by     {{.Time}},
	called_at   {{.Time}},
	called_by   {{.ID}} NOT NULL,
	called_name {{.ID}} NOT NULL,
	call_note   {{.ID}} NOT NULL
);
CREATE INDEX ratings_by_centre ON ratings (centre_id, given_at);
