-- INS-607: a visit may move to another place of its division; each round keeps
-- the place that it offered.
ALTER TABLE visits ADD COLUMN moved_to {{.JSON}};
ALTER TABLE rounds ADD COLUMN place {{.ID}} NOT NULL DEFAULT '';
UPDATE rounds SET place = (SELECT v.place FROM visits v WHERE v.id = rounds.visit_id);
