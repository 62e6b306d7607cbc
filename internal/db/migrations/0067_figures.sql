-- Where and at which hour a parcel was first tried (DEL-1501), written when its
-- events are folded; for parcels that ended before this they are not known until
-- their rows are made anew.
ALTER TABLE parcels ADD COLUMN area {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE parcels ADD COLUMN tried_hour {{.Int}};
CREATE INDEX parcels_tries ON parcels (centre_id, area, tried_hour, failed_first, due_at) WHERE tried_hour IS NOT NULL;
-- What windows and supervisors decided is a small part of all events.
CREATE INDEX parcel_events_confirmed ON parcel_events (parcel_id) WHERE type = 'proof_confirmed';
CREATE INDEX parcel_events_accepted ON parcel_events (parcel_id) WHERE type = 'time_accepted';
