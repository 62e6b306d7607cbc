-- What was printed of parcels, transfers and rounds, and how often: a copy more
-- keeps its number and says so (DEL-1116).
CREATE TABLE papers (
	kind       {{.ID}} NOT NULL,
	subject    {{.ID}} NOT NULL,
	number     {{.ID}} NOT NULL,
	centre_id  {{.ID}} NOT NULL,
	data       {{.ID}} NOT NULL,
	copies     {{.Int}} NOT NULL,
	printed_at {{.Time}} NOT NULL,
	printed_by {{.ID}} NOT NULL,
	PRIMARY KEY (kind, subject)
);
CREATE INDEX papers_by_number ON papers (number);
