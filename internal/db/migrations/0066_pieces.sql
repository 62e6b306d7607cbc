-- One sending of several sealed bags: each piece is a parcel with a number and
-- events of its own, and knows which of how many it is (DEL-402).
ALTER TABLE parcels ADD COLUMN sending_id {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE parcels ADD COLUMN piece INTEGER NOT NULL DEFAULT 1;
ALTER TABLE parcels ADD COLUMN pieces INTEGER NOT NULL DEFAULT 1;
CREATE INDEX parcels_by_sending ON parcels (sending_id, piece) WHERE sending_id <> '';
