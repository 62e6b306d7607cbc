-- Visits of one half-day that one vehicle makes in a row (INS-609). A stop that was
-- left keeps its row; a trip that has fewer than two stops left is over.
CREATE TABLE trips (
	id         {{.ID}} PRIMARY KEY,
	centre_id  {{.ID}} NOT NULL REFERENCES centres (id),
	day        {{.ID}} NOT NULL,
	half       {{.ID}} NOT NULL CHECK (half IN ('am', 'pm')),
	vehicle_id {{.ID}} NOT NULL,
	made_at    {{.Time}} NOT NULL,
	made_by    {{.ID}} NOT NULL,
	ended_at   {{.Time}}
);
CREATE INDEX trips_by_day ON trips (centre_id, day);

CREATE TABLE trip_stops (
	id        {{.ID}} PRIMARY KEY,
	trip_id   {{.ID}} NOT NULL REFERENCES trips (id),
	visit_id  {{.ID}} NOT NULL REFERENCES visits (id),
	round     {{.Int}} NOT NULL,
	joined_at {{.Time}} NOT NULL,
	joined_by {{.ID}} NOT NULL,
	left_at   {{.Time}},
	left_why  {{.ID}} NOT NULL
);
CREATE UNIQUE INDEX trip_stops_live ON trip_stops (visit_id) WHERE left_at IS NULL;
CREATE INDEX trip_stops_by_trip ON trip_stops (trip_id);
