-- Parcels that a carrier brings, by its own number (DEL §14.2). next_ask_at is
-- when the sweep asks about it again; empty when its way has ended.
CREATE TABLE waybills (
	parcel_id   {{.ID}} PRIMARY KEY REFERENCES parcels (id),
	company     {{.ID}} NOT NULL,
	number      {{.ID}} NOT NULL,
	posted_at   {{.Time}} NOT NULL,
	posted_by   {{.ID}} NOT NULL,
	asked_at    {{.Time}},
	next_ask_at {{.Time}},
	UNIQUE (company, number)
);
CREATE INDEX waybills_to_ask ON waybills (next_ask_at) WHERE next_ask_at IS NOT NULL;

-- What carriers sent, byte for byte, under its hash (DEL-421). The same body a
-- second time is nothing new.
CREATE TABLE carrier_bodies (
	sha256      {{.ID}} PRIMARY KEY,
	parcel_id   {{.ID}} NOT NULL,
	source      {{.ID}} NOT NULL,
	body        {{.Blob}} NOT NULL,
	received_at {{.Time}} NOT NULL
);
CREATE INDEX carrier_bodies_by_parcel ON carrier_bodies (parcel_id);
