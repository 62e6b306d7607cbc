-- INS-1011: what the departments on the site want put right is seen by all of them
-- before the site part ends. A pair is two items of two departments that ask for the
-- same, or for things that contradict each other; which of them stands is its end.
CREATE TABLE item_pairs (
	id           {{.ID}} PRIMARY KEY,
	visit_id     {{.ID}} NOT NULL REFERENCES visits (id),
	kind         {{.ID}} NOT NULL,
	item         {{.JSON}} NOT NULL,
	other        {{.JSON}} NOT NULL,
	note         {{.ID}} NOT NULL,
	raised_at    {{.Time}} NOT NULL,
	raised_by    {{.ID}} NOT NULL,
	raised_name  {{.ID}} NOT NULL,
	sent_at      {{.Time}},
	sent_by      {{.ID}} NOT NULL,
	keep         {{.ID}} NOT NULL,
	how          {{.ID}} NOT NULL,
	settled_at   {{.Time}},
	settled_by   {{.ID}} NOT NULL,
	settled_name {{.ID}} NOT NULL
);
CREATE INDEX item_pairs_by_visit ON item_pairs (visit_id);

-- The others' items that a department on the site has seen, as one hash.
ALTER TABLE participants ADD COLUMN items_seen {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE participants ADD COLUMN items_seen_at {{.Time}};
ALTER TABLE participants ADD COLUMN items_seen_name {{.ID}} NOT NULL DEFAULT '';
