-- Tries of a day close a number to the tracking page until the next (DEL-1201).
ALTER TABLE parcel_secrets ADD COLUMN tried_on {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE parcel_secrets ADD COLUMN day_tries {{.Int}} NOT NULL DEFAULT 0;

-- Whose window looks at a record that was refused (DEL-506), for 90 days.
ALTER TABLE parcel_event_refusals ADD COLUMN centre_id {{.ID}} NOT NULL DEFAULT '';
CREATE INDEX parcel_event_refusals_by_centre ON parcel_event_refusals (centre_id, received_at);
CREATE INDEX parcel_event_refusals_by_time ON parcel_event_refusals (received_at);
