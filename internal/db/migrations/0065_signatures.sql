-- Until when the other side signs and why then (DEL-912): sign_hours are the
-- office hours of one address, 0 an hour of the next working day. An alert about
-- a hand-over names it.
ALTER TABLE transfers ADD COLUMN sign_hours INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bags ADD COLUMN sign_hours INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN transfer_id {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN bag_id {{.ID}} NOT NULL DEFAULT '';
CREATE INDEX bags_unsigned ON bags (due_at) WHERE state = 'released';
