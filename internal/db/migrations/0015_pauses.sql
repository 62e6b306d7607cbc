-- Times that do not count for the one-day promise (DEL §7.3). What one rests on
-- is kept with it: an attempt's event, or who asked and how.
CREATE TABLE promise_pauses (
	id          {{.ID}} PRIMARY KEY,
	parcel_id   {{.ID}} NOT NULL REFERENCES parcels (id),
	reason      {{.ID}} NOT NULL,
	from_at     {{.Time}} NOT NULL,
	to_at       {{.Time}},
	event_id    {{.ID}} NOT NULL,
	given_by    {{.ID}} NOT NULL,
	channel     {{.ID}} NOT NULL,
	evidence    {{.ID}} NOT NULL,
	recorded_at {{.Time}} NOT NULL,
	recorded_by {{.ID}} NOT NULL,
	ended_at    {{.Time}},
	ended_by    {{.ID}} NOT NULL,
	end_note    {{.ID}} NOT NULL,
	review_at   {{.Time}},
	reviewed_by {{.ID}} NOT NULL,
	review_note {{.ID}} NOT NULL
);
CREATE INDEX promise_pauses_by_parcel ON promise_pauses (parcel_id);
-- One pause is open at a time; its end is not known yet.
CREATE UNIQUE INDEX promise_pauses_one_open ON promise_pauses (parcel_id) WHERE to_at IS NULL;

-- How many pauses there are: most parcels have none, and then nobody asks.
ALTER TABLE parcels ADD COLUMN pauses {{.Int}} NOT NULL DEFAULT 0;

-- The board of what is on its way, in its order, beside years of what has ended.
CREATE INDEX parcels_open ON parcels (centre_id, (CASE WHEN due_at IS NULL THEN 1 ELSE 0 END), due_at, id)
	WHERE state NOT IN ('delivered', 'returned', 'collected_at_window', 'written_off', 'cancelled');
