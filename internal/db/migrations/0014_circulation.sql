-- Materials that go round between window and departments (DEL §9).

-- The bag an item is in, from when it is put in until the bag is opened or
-- unpacked; its keeper is still who packed it (DEL-903, DEL-910).
ALTER TABLE items ADD COLUMN bag_id {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE custody_events ADD COLUMN bag_id {{.ID}} NOT NULL DEFAULT '';
CREATE INDEX items_by_bag ON items (bag_id) WHERE bag_id <> '';

-- An original that an applicant handed in, or the copy or voucher that stands in
-- for it at a department (DEL-930); the thing itself is the item.
CREATE TABLE materials (
	item_id      {{.ID}} PRIMARY KEY REFERENCES items (id),
	case_id      {{.ID}} NOT NULL,
	case_number  {{.ID}} NOT NULL,
	centre_id    {{.ID}} NOT NULL,
	of_item      {{.ID}} NOT NULL,
	keeper_id    {{.ID}} NOT NULL,
	keeper       {{.ID}} NOT NULL,
	for_id       {{.ID}} NOT NULL,
	for_name     {{.ID}} NOT NULL,
	copy_no      {{.Int}} NOT NULL,
	copies       {{.Int}} NOT NULL,
	agreed_by    {{.ID}} NOT NULL,
	reason       {{.ID}} NOT NULL,
	stamped_at   {{.Time}},
	stamped_by   {{.ID}} NOT NULL,
	stamped_name {{.ID}} NOT NULL,
	version      {{.Int}} NOT NULL
);
CREATE INDEX materials_by_case ON materials (case_id);
-- Of two who make a further copy at once each gets a number of its own (DEL-933).
CREATE UNIQUE INDEX materials_copy_once ON materials (of_item, copy_no) WHERE copy_no > 0;

-- An original that its keeper lends to another department (DEL-940).
CREATE TABLE loans (
	id            {{.ID}} PRIMARY KEY,
	item_id       {{.ID}} NOT NULL REFERENCES items (id),
	case_id       {{.ID}} NOT NULL,
	case_number   {{.ID}} NOT NULL,
	centre_id     {{.ID}} NOT NULL,
	lender_id     {{.ID}} NOT NULL,
	lender        {{.ID}} NOT NULL,
	borrower_id   {{.ID}} NOT NULL,
	borrower      {{.ID}} NOT NULL,
	purpose       {{.ID}} NOT NULL,
	state         {{.ID}} NOT NULL,
	due_on        {{.ID}} NOT NULL,
	granted_at    {{.Time}} NOT NULL,
	granted_by    {{.ID}} NOT NULL,
	borrowed_at   {{.Time}},
	ended_at      {{.Time}},
	ended_by      {{.ID}} NOT NULL,
	version       {{.Int}} NOT NULL
);
CREATE UNIQUE INDEX loans_one_open ON loans (item_id) WHERE state IN ('granted', 'out');
CREATE INDEX loans_due ON loans (due_on) WHERE state = 'out';

-- A bag (集装袋) is handed over as one (DEL-920).
CREATE TABLE bags (
	id           {{.ID}} PRIMARY KEY,
	number       {{.ID}} NOT NULL UNIQUE,
	seal         {{.ID}} NOT NULL,
	centre_id    {{.ID}} NOT NULL,
	from_kind    {{.ID}} NOT NULL,
	from_id      {{.ID}} NOT NULL,
	from_name    {{.ID}} NOT NULL,
	to_kind      {{.ID}} NOT NULL,
	to_id        {{.ID}} NOT NULL,
	to_name      {{.ID}} NOT NULL,
	state        {{.ID}} NOT NULL,
	paper        {{.Bool}} NOT NULL,
	opened_at    {{.Time}} NOT NULL,
	opened_by    {{.ID}} NOT NULL,
	giver        {{.ID}} NOT NULL,
	released_at  {{.Time}},
	released_by  {{.ID}} NOT NULL,
	due_at       {{.Time}},
	ended_at     {{.Time}},
	ended_by     {{.ID}} NOT NULL,
	ended_name   {{.ID}} NOT NULL,
	signed_at    {{.Time}},
	slip         {{.ID}} NOT NULL,
	note         {{.ID}} NOT NULL,
	version      {{.Int}} NOT NULL
);
CREATE INDEX bags_by_centre ON bags (centre_id, opened_at);
CREATE INDEX bags_by_giver ON bags (from_id, opened_at);
CREATE INDEX bags_by_receiver ON bags (to_id, opened_at);

CREATE TABLE bag_items (
	bag_id  {{.ID}} NOT NULL REFERENCES bags (id),
	item_id {{.ID}} NOT NULL REFERENCES items (id),
	outcome {{.ID}} NOT NULL,
	note    {{.ID}} NOT NULL,
	PRIMARY KEY (bag_id, item_id)
);
CREATE INDEX bag_items_by_item ON bag_items (item_id);

-- What lay in a bag that nobody had listed (DEL-911).
CREATE TABLE bag_extras (
	id           {{.ID}} PRIMARY KEY,
	bag_id       {{.ID}} NOT NULL REFERENCES bags (id),
	number       {{.ID}} NOT NULL,
	item_id      {{.ID}} NOT NULL,
	title        {{.ID}} NOT NULL,
	note         {{.ID}} NOT NULL,
	photo        {{.ID}} NOT NULL,
	found_at     {{.Time}} NOT NULL,
	found_by     {{.ID}} NOT NULL,
	explained_at {{.Time}},
	explained_by {{.ID}} NOT NULL,
	explanation  {{.ID}} NOT NULL
);
CREATE INDEX bag_extras_by_bag ON bag_extras (bag_id);
