-- PRO-8, DB-7: no two live occupations of one resource overlap, by construction.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE bookings (
	id          {{.ID}} PRIMARY KEY,
	resource_id {{.ID}} NOT NULL REFERENCES resources (id),
	visit_id    {{.ID}} NOT NULL REFERENCES visits (id),
	round       {{.Int}} NOT NULL,
	start_at    {{.Time}} NOT NULL,
	end_at      {{.Time}} NOT NULL,
	expires_at  {{.Time}},
	held_by     {{.ID}} NOT NULL,
	CHECK (end_at > start_at),
	CONSTRAINT bookings_no_overlap EXCLUDE USING gist (resource_id WITH =, tstzrange(start_at, end_at) WITH &&)
);
CREATE INDEX bookings_by_visit ON bookings (visit_id);
CREATE INDEX bookings_by_resource ON bookings (resource_id, end_at);
