-- Figures of a centre (DEL-1501) read what is few by an index of its own, and
-- count hand-overs by their limit without a look at the rows.
CREATE INDEX parcels_unverified ON parcels (centre_id, due_at, delivered_at) WHERE state = 'delivered_unverified';
CREATE INDEX transfers_due ON transfers (centre_id, due_at, ended_at);
