-- The order of a courier's round as it was planned, with what it was planned
-- from (DEL-1307). The last row of a courier counts.
CREATE TABLE courier_rounds (
	id         {{.ID}} PRIMARY KEY,
	courier_id {{.ID}} NOT NULL,
	centre_id  {{.ID}} NOT NULL,
	made_at    {{.Time}} NOT NULL,
	cause      {{.ID}} NOT NULL,
	actor      {{.ID}} NOT NULL,
	pins       {{.JSON}} NOT NULL,
	before     {{.JSON}} NOT NULL,
	changes    {{.JSON}} NOT NULL,
	problem    {{.JSON}} NOT NULL,
	plan       {{.JSON}} NOT NULL
);
CREATE INDEX courier_rounds_by_courier ON courier_rounds (courier_id, made_at);
CREATE INDEX courier_rounds_by_time ON courier_rounds (made_at);

-- When a parcel is expected, and the latest arrival that leaves the promise its
-- spare time (DEL §7.5). Parcels sealed before this have none and stay as they
-- are.
ALTER TABLE parcels ADD COLUMN arrive_by {{.Time}};
ALTER TABLE parcels ADD COLUMN predicted_at {{.Time}};
ALTER TABLE parcels ADD COLUMN predicted_p80 {{.Time}};
-- What has a prediction and is still on its way, for the amber ones among it.
CREATE INDEX parcels_predicted ON parcels (centre_id, predicted_p80) WHERE predicted_p80 IS NOT NULL AND state IN ('handed_over', 'out_for_delivery', 'arrived');
-- Where a courier was last.
CREATE INDEX parcels_last_stop ON parcels (courier_id, since) WHERE courier_id <> '';
