-- Scans of materials, each linked to its paper by the SHA-256 of its bytes
-- (DEL-941).
CREATE TABLE material_scans (
	item_id {{.ID}} NOT NULL REFERENCES materials (item_id),
	sha256  {{.ID}} NOT NULL,
	put_at  {{.Time}} NOT NULL,
	put_by  {{.ID}} NOT NULL,
	PRIMARY KEY (item_id, sha256)
);

-- Who looked at which scan, in which capacity and what for; append-only.
CREATE TABLE scan_views (
	id          {{.ID}} PRIMARY KEY,
	item_id     {{.ID}} NOT NULL,
	sha256      {{.ID}} NOT NULL,
	downloaded  {{.Bool}} NOT NULL,
	level       {{.ID}} NOT NULL,
	purpose     {{.ID}} NOT NULL,
	viewed_at   {{.Time}} NOT NULL,
	viewed_by   {{.ID}} NOT NULL,
	viewer      {{.ID}} NOT NULL,
	place       {{.ID}} NOT NULL
);
CREATE INDEX scan_views_by_item ON scan_views (item_id, viewed_at);
