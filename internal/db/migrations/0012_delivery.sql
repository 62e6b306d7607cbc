-- What package delivery owns; docs/tables.md tells what each table holds.
-- Instants are UTC milliseconds set by the program, dates are ISO text (DL-20).

-- One line for each result a department owes a case (DEL §3).
CREATE TABLE result_lines (
	id            {{.ID}} PRIMARY KEY,
	case_id       {{.ID}} NOT NULL,
	case_number   {{.ID}} NOT NULL,
	matter_code   {{.ID}} NOT NULL,
	matter_name   {{.ID}} NOT NULL,
	applicant     {{.ID}} NOT NULL,
	centre_id     {{.ID}} NOT NULL,
	department_id {{.ID}} NOT NULL,
	department    {{.ID}} NOT NULL,
	permit        {{.ID}} NOT NULL,
	state         {{.ID}} NOT NULL,
	refused_grant {{.Bool}} NOT NULL,
	decided_on    {{.ID}} NOT NULL,
	ground        {{.ID}} NOT NULL,
	parcel_id     {{.ID}} NOT NULL,
	expected_at   {{.Time}} NOT NULL,
	received_at   {{.Time}},
	reminded      {{.Int}} NOT NULL,
	reminded_at   {{.Time}},
	version       {{.Int}} NOT NULL
);
CREATE INDEX result_lines_by_case ON result_lines (case_id);
-- A department hands over all it owes a case at once (DEL-301).
CREATE UNIQUE INDEX result_lines_once ON result_lines (case_id, department_id) WHERE state IN ('expected', 'split_out');
CREATE INDEX result_lines_by_department ON result_lines (department_id, state);
CREATE INDEX result_lines_open ON result_lines (centre_id, expected_at) WHERE state = 'expected';

-- One physical thing or one file (DEL-202). The custodian answers for it; while
-- a transfer is open it is still the one who gave it away (DEL-901, DEL-910).
CREATE TABLE items (
	id             {{.ID}} PRIMARY KEY,
	number         {{.ID}} NOT NULL UNIQUE,
	case_id        {{.ID}} NOT NULL,
	line_id        {{.ID}} NOT NULL,
	class          {{.ID}} NOT NULL,
	title          {{.ID}} NOT NULL,
	seal           {{.JSON}} NOT NULL,
	department_id  {{.ID}} NOT NULL,
	custodian_kind {{.ID}} NOT NULL,
	custodian      {{.ID}} NOT NULL,
	place          {{.ID}} NOT NULL,
	transfer_id    {{.ID}} NOT NULL,
	parcel_id      {{.ID}} NOT NULL,
	registered_at  {{.Time}} NOT NULL,
	registered_by  {{.ID}} NOT NULL,
	version        {{.Int}} NOT NULL
);
CREATE INDEX items_by_case ON items (case_id);
CREATE INDEX items_by_line ON items (line_id);
CREATE INDEX items_by_custodian ON items (custodian_kind, custodian);
CREATE INDEX items_by_parcel ON items (parcel_id) WHERE parcel_id <> '';

-- Where an item was, append-only; items hold the end of it.
CREATE TABLE custody_events (
	id          {{.ID}} PRIMARY KEY,
	item_id     {{.ID}} NOT NULL REFERENCES items (id),
	kind        {{.ID}} NOT NULL,
	from_kind   {{.ID}} NOT NULL,
	from_id     {{.ID}} NOT NULL,
	to_kind     {{.ID}} NOT NULL,
	to_id       {{.ID}} NOT NULL,
	transfer_id {{.ID}} NOT NULL,
	parcel_id   {{.ID}} NOT NULL,
	note        {{.ID}} NOT NULL,
	actor       {{.ID}} NOT NULL,
	at          {{.Time}} NOT NULL
);
CREATE INDEX custody_events_by_item ON custody_events (item_id, at);
CREATE INDEX custody_events_by_parcel ON custody_events (parcel_id) WHERE parcel_id <> '';

CREATE TABLE transfers (
	id            {{.ID}} PRIMARY KEY,
	number        {{.ID}} NOT NULL UNIQUE,
	case_id       {{.ID}} NOT NULL,
	case_number   {{.ID}} NOT NULL,
	line_id       {{.ID}} NOT NULL REFERENCES result_lines (id),
	centre_id     {{.ID}} NOT NULL,
	from_kind     {{.ID}} NOT NULL,
	from_id       {{.ID}} NOT NULL,
	from_name     {{.ID}} NOT NULL,
	to_kind       {{.ID}} NOT NULL,
	to_id         {{.ID}} NOT NULL,
	to_name       {{.ID}} NOT NULL,
	state         {{.ID}} NOT NULL,
	decided_on    {{.ID}} NOT NULL,
	refused_grant {{.Bool}} NOT NULL,
	partial_why   {{.ID}} NOT NULL,
	partial_note  {{.ID}} NOT NULL,
	paper         {{.Bool}} NOT NULL,
	giver         {{.ID}} NOT NULL,
	released_at   {{.Time}} NOT NULL,
	released_by   {{.ID}} NOT NULL,
	due_at        {{.Time}} NOT NULL,
	ended_at      {{.Time}},
	ended_by      {{.ID}} NOT NULL,
	ended_name    {{.ID}} NOT NULL,
	note          {{.ID}} NOT NULL,
	version       {{.Int}} NOT NULL
);
CREATE INDEX transfers_by_line ON transfers (line_id, released_at);
CREATE UNIQUE INDEX transfers_one_open ON transfers (line_id) WHERE state = 'released';
CREATE INDEX transfers_by_case ON transfers (case_id);
CREATE INDEX transfers_open ON transfers (centre_id, due_at) WHERE state = 'released';

CREATE TABLE transfer_items (
	transfer_id {{.ID}} NOT NULL REFERENCES transfers (id),
	item_id     {{.ID}} NOT NULL REFERENCES items (id),
	outcome     {{.ID}} NOT NULL,
	note        {{.ID}} NOT NULL,
	PRIMARY KEY (transfer_id, item_id)
);
CREATE INDEX transfer_items_by_item ON transfer_items (item_id);

-- The applicant's own choice to wait or to split (DEL-303).
CREATE TABLE set_choices (
	id          {{.ID}} PRIMARY KEY,
	case_id     {{.ID}} NOT NULL,
	choice      {{.ID}} NOT NULL,
	lines       {{.JSON}} NOT NULL,
	given_by    {{.ID}} NOT NULL,
	channel     {{.ID}} NOT NULL,
	note        {{.ID}} NOT NULL,
	recorded_at {{.Time}} NOT NULL,
	recorded_by {{.ID}} NOT NULL
);
CREATE INDEX set_choices_by_case ON set_choices (case_id, recorded_at);

CREATE TABLE parcels (
	id             {{.ID}} PRIMARY KEY,
	number         {{.ID}} NOT NULL UNIQUE,
	case_id        {{.ID}} NOT NULL,
	case_number    {{.ID}} NOT NULL,
	centre_id      {{.ID}} NOT NULL,
	way            {{.ID}} NOT NULL,
	ground         {{.JSON}} NOT NULL,
	receiver       {{.JSON}} NOT NULL,
	demand         {{.JSON}} NOT NULL,
	bag            {{.ID}} NOT NULL,
	sealed_at      {{.Time}} NOT NULL,
	sealed_by      {{.ID}} NOT NULL,
	sealed_with    {{.ID}} NOT NULL,
	courier_id     {{.ID}} NOT NULL,
	promise        {{.JSON}} NOT NULL,
	redelivery_of  {{.ID}} NOT NULL,
	state          {{.ID}} NOT NULL,
	since          {{.Time}} NOT NULL,
	slot           {{.ID}} NOT NULL,
	handed_over_at {{.Time}},
	delivered_at   {{.Time}},
	attempts       {{.Int}} NOT NULL,
	exceptions     {{.Int}} NOT NULL,
	result         {{.ID}} NOT NULL,
	due_at         {{.Time}},
	hand_over_by   {{.Time}},
	version        {{.Int}} NOT NULL
);
CREATE INDEX parcels_by_case ON parcels (case_id);
CREATE INDEX parcels_by_centre ON parcels (centre_id, due_at);
CREATE INDEX parcels_by_courier ON parcels (courier_id, state) WHERE courier_id <> '';

-- Which courier had a parcel and for how long: their events count for ever
-- (DEL-506, DEL-508).
CREATE TABLE parcel_couriers (
	id          {{.ID}} PRIMARY KEY,
	parcel_id   {{.ID}} NOT NULL REFERENCES parcels (id),
	courier_id  {{.ID}} NOT NULL,
	assigned_at {{.Time}} NOT NULL,
	assigned_by {{.ID}} NOT NULL,
	ended_at    {{.Time}}
);
CREATE INDEX parcel_couriers_by_parcel ON parcel_couriers (parcel_id, courier_id);

-- Codes and last fours of one parcel, keyed hashes with their tries (DEL-610).
CREATE TABLE parcel_secrets (
	parcel_id    {{.ID}} NOT NULL REFERENCES parcels (id),
	kind         {{.ID}} NOT NULL,
	hash         {{.ID}} NOT NULL,
	tries        {{.Int}} NOT NULL,
	locked_until {{.Time}},
	resent       {{.Int}} NOT NULL,
	made_at      {{.Time}} NOT NULL,
	PRIMARY KEY (parcel_id, kind)
);

-- What happened to a parcel, append-only; parcels.state is the fold of it
-- (DEL-520). id is made by the device at the act (DEL-502).
CREATE TABLE parcel_events (
	id              {{.ID}} PRIMARY KEY,
	parcel_id       {{.ID}} NOT NULL REFERENCES parcels (id),
	device_id       {{.ID}} NOT NULL,
	seq             {{.Int}} NOT NULL,
	courier_id      {{.ID}} NOT NULL,
	actor           {{.ID}} NOT NULL,
	attempt_id      {{.ID}} NOT NULL,
	type            {{.ID}} NOT NULL,
	occurred_device {{.ID}} NOT NULL,
	claimed_at      {{.Time}} NOT NULL,
	sent_at         {{.ID}} NOT NULL,
	received_at     {{.Time}} NOT NULL,
	effective_at    {{.Time}} NOT NULL,
	quality         {{.ID}} NOT NULL,
	ahead           {{.Bool}} NOT NULL,
	payload         {{.ID}} NOT NULL, -- JSON as it came, which may hold what jsonb does not take
	payload_hash    {{.ID}} NOT NULL,
	proofs          {{.JSON}} NOT NULL,
	checked         {{.JSON}} NOT NULL
);
CREATE INDEX parcel_events_by_parcel ON parcel_events (parcel_id);
CREATE INDEX parcel_events_by_device ON parcel_events (device_id, seq);

-- Bodies that were refused, for the window (DEL-506), without what is secret.
CREATE TABLE parcel_event_refusals (
	id          {{.ID}} PRIMARY KEY,
	event_id    {{.ID}} NOT NULL,
	actor       {{.ID}} NOT NULL,
	code        {{.ID}} NOT NULL,
	body        {{.ID}} NOT NULL,
	received_at {{.Time}} NOT NULL
);

-- Photos and signatures by the hash of their content (DEL-601).
CREATE TABLE blobs (
	sha256     {{.ID}} PRIMARY KEY,
	media      {{.ID}} NOT NULL,
	size       {{.Int}} NOT NULL,
	width      {{.Int}} NOT NULL,
	height     {{.Int}} NOT NULL,
	put_at     {{.Time}} NOT NULL,
	put_by     {{.ID}} NOT NULL
);

-- Which events name a blob; it may come after them (DEL-602).
CREATE TABLE parcel_event_blobs (
	sha256    {{.ID}} NOT NULL,
	event_id  {{.ID}} NOT NULL REFERENCES parcel_events (id),
	parcel_id {{.ID}} NOT NULL,
	PRIMARY KEY (sha256, event_id)
);
CREATE INDEX parcel_event_blobs_by_parcel ON parcel_event_blobs (parcel_id);
