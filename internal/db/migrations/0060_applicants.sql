-- Who waits for the results of a case: what the delivery half knows of the
-- applicant from acceptance on, what the applicant asked for by the link
-- (DEL-230, DEL-1205), and when the case was closed here (DEL-1201).
CREATE TABLE applicants (
	case_id     {{.ID}} PRIMARY KEY,
	case_number {{.ID}} NOT NULL,
	matter_code {{.ID}} NOT NULL,
	matter_name {{.ID}} NOT NULL,
	name        {{.ID}} NOT NULL,
	centre_id   {{.ID}} NOT NULL,
	receiver    {{.JSON}} NOT NULL,
	wish        {{.JSON}} NOT NULL,
	version     {{.Int}} NOT NULL,
	closed_at   {{.Time}},
	invited_at  {{.Time}}
);
CREATE INDEX applicants_open ON applicants (case_id) WHERE closed_at IS NULL;

INSERT INTO applicants (case_id, case_number, matter_code, matter_name, name, centre_id, receiver, wish, version)
SELECT case_id, min(case_number), min(matter_code), min(matter_name), min(applicant), min(centre_id), '{}', '{}', 1
FROM result_lines GROUP BY case_id;

-- The links to that page: one on paper and one by mail for each case, the token
-- as a hash only (DEL-1201).
CREATE TABLE applicant_links (
	case_id {{.ID}} NOT NULL REFERENCES applicants (case_id),
	channel {{.ID}} NOT NULL,
	id      {{.ID}} NOT NULL,
	hash    {{.ID}} NOT NULL UNIQUE,
	made_at {{.Time}} NOT NULL,
	made_by {{.ID}} NOT NULL,
	PRIMARY KEY (case_id, channel)
);

-- The time that an applicant asked for, of an alert about it (DEL-1205).
ALTER TABLE alerts ADD COLUMN asked_for {{.Time}};
