-- What ran late and who has to look (DEL-740, DEL §8): one row for each subject
-- and kind, whatever order events come in. A cause that comes back opens its row
-- again. next_at is when the next level hears of it.
CREATE TABLE alerts (
	id            {{.ID}} PRIMARY KEY,
	kind          {{.ID}} NOT NULL,
	subject       {{.ID}} NOT NULL,
	level         {{.ID}} NOT NULL,
	parcel_id     {{.ID}} NOT NULL,
	case_id       {{.ID}} NOT NULL,
	case_number   {{.ID}} NOT NULL,
	number        {{.ID}} NOT NULL,
	centre_id     {{.ID}} NOT NULL,
	department_id {{.ID}} NOT NULL,
	raised_at     {{.Time}} NOT NULL,
	next_at       {{.Time}},
	cleared_at    {{.Time}},
	cleared_by    {{.ID}} NOT NULL,
	note          {{.ID}} NOT NULL,
	UNIQUE (subject, kind)
);
CREATE INDEX alerts_open ON alerts (centre_id, raised_at) WHERE cleared_at IS NULL;
CREATE INDEX alerts_of_parcel ON alerts (parcel_id) WHERE cleared_at IS NULL;
CREATE INDEX alerts_of_department ON alerts (department_id, raised_at) WHERE department_id <> '';
