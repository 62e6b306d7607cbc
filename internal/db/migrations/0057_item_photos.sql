-- Photos of what the applicant has put right, and what the department that asked
-- said of them (INS-1108). One set waits for an answer at a time.
CREATE TABLE item_photos (
	id          {{.ID}} PRIMARY KEY,
	item_id     {{.ID}} NOT NULL REFERENCES rectify_items (id),
	scan        {{.ID}} NOT NULL REFERENCES scans (id),
	sha256      {{.ID}} NOT NULL,
	note        {{.ID}} NOT NULL,
	sent_at     {{.Time}} NOT NULL,
	sent_by     {{.ID}} NOT NULL,
	due_at      {{.Time}} NOT NULL,
	answer      {{.ID}} NOT NULL,
	reason      {{.ID}} NOT NULL,
	answered_at {{.Time}},
	answered_by {{.ID}} NOT NULL
);
CREATE UNIQUE INDEX item_photos_open ON item_photos (item_id) WHERE answered_at IS NULL;
