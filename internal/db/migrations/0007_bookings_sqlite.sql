-- PRO-8, DB-7: no two live occupations of one resource overlap, by construction.
CREATE TABLE bookings (
	id          {{.ID}} PRIMARY KEY,
	resource_id {{.ID}} NOT NULL REFERENCES resources (id),
	visit_id    {{.ID}} NOT NULL REFERENCES visits (id),
	round       {{.Int}} NOT NULL,
	start_at    {{.Time}} NOT NULL,
	end_at      {{.Time}} NOT NULL,
	expires_at  {{.Time}},
	held_by     {{.ID}} NOT NULL,
	CHECK (end_at > start_at)
);
CREATE INDEX bookings_by_visit ON bookings (visit_id);
CREATE INDEX bookings_by_resource ON bookings (resource_id, end_at);

CREATE TRIGGER bookings_no_overlap_insert BEFORE INSERT ON bookings
WHEN EXISTS (SELECT 1 FROM bookings b WHERE b.resource_id = NEW.resource_id AND b.start_at < NEW.end_at AND b.end_at > NEW.start_at)
BEGIN
	SELECT RAISE(ABORT, 'overlap');
END;

CREATE TRIGGER bookings_no_overlap_update BEFORE UPDATE OF resource_id, start_at, end_at ON bookings
WHEN EXISTS (SELECT 1 FROM bookings b WHERE b.id <> NEW.id AND b.resource_id = NEW.resource_id AND b.start_at < NEW.end_at AND b.end_at > NEW.start_at)
BEGIN
	SELECT RAISE(ABORT, 'overlap');
END;
