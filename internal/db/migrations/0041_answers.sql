-- INS-701, INS-811: a refused counter or excuse is told by a further version of
-- the round's notice, with a clock of its own.
CREATE TABLE notices_next (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	visit_id       {{.ID}} NOT NULL,
	round          {{.Int}} NOT NULL,
	version        {{.Int}} NOT NULL,
	refuses        {{.ID}} NOT NULL,
	number         {{.ID}} NOT NULL UNIQUE,
	queued_at      {{.Time}} NOT NULL,
	composed_at    {{.Time}},
	printed_due    {{.Time}},
	deadline       {{.JSON}},
	UNIQUE (participant_id, round, version)
);
INSERT INTO notices_next (id, participant_id, visit_id, round, version, refuses, number, queued_at, composed_at, printed_due, deadline)
	SELECT id, participant_id, visit_id, round, 1, '', number, queued_at, composed_at, printed_due, deadline FROM notices;
DROP TABLE notices;
ALTER TABLE notices_next RENAME TO notices;

ALTER TABLE replies ADD COLUMN category {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE replies ADD COLUMN decision {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE replies ADD COLUMN decided_by {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE replies ADD COLUMN decided_at {{.Time}};
