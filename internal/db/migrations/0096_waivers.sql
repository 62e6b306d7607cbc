-- INS-1101: a department whose opinion does not come stays out of the joint opinion by
-- the word of two supervisors, the first of whom proposes. What it did on the site
-- stays on record.
CREATE TABLE waivers (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	round          {{.Int}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	proposed_by    {{.ID}} NOT NULL,
	proposed_name  {{.ID}} NOT NULL,
	proposed_at    {{.Time}} NOT NULL,
	decision       {{.ID}} NOT NULL,
	decided_by     {{.ID}} NOT NULL,
	decided_name   {{.ID}} NOT NULL,
	decided_at     {{.Time}}
);
CREATE UNIQUE INDEX waivers_open ON waivers (participant_id) WHERE decided_at IS NULL;
CREATE INDEX waivers_by_participant ON waivers (participant_id);
