-- INS-813: a written opinion that came with a decline. INS-814: what a department
-- objects to the case itself, before the visit: its words, how they came, and what
-- ended it.
ALTER TABLE replies ADD COLUMN opinion_id {{.ID}} NOT NULL DEFAULT '';

CREATE TABLE objections (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	round          {{.Int}} NOT NULL,
	text           {{.ID}} NOT NULL,
	channel        {{.ID}} NOT NULL,
	strength       {{.Int}} NOT NULL,
	given_by       {{.ID}} NOT NULL,
	raised_at      {{.Time}} NOT NULL,
	recorded_by    {{.ID}} NOT NULL,
	outcome        {{.ID}} NOT NULL,
	decision       {{.ID}} NOT NULL,
	ended_by       {{.ID}} NOT NULL,
	ended_at       {{.Time}}
);
CREATE INDEX objections_by_participant ON objections (participant_id);
