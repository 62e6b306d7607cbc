-- The visit day: who came (INS-1002), who says that somebody did not (INS-922),
-- and what was put right afterwards (A9). party is a participant's id, "window"
-- or "applicant".
CREATE TABLE checkins (
	id          {{.ID}} PRIMARY KEY,
	visit_id    {{.ID}} NOT NULL REFERENCES visits (id),
	round       {{.Int}} NOT NULL,
	party       {{.ID}} NOT NULL,
	person_id   {{.ID}} NOT NULL,
	name        {{.ID}} NOT NULL,
	certificate {{.ID}} NOT NULL,
	way         {{.ID}} NOT NULL,
	came_at     {{.Time}} NOT NULL,
	recorded_at {{.Time}} NOT NULL,
	recorded_by {{.ID}} NOT NULL,
	scan        {{.ID}} NOT NULL,
	left_at     {{.Time}},
	left_agreed {{.Bool}} NOT NULL,
	UNIQUE (visit_id, round, party, certificate)
);

CREATE TABLE attestations (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	round          {{.Int}} NOT NULL,
	role           {{.ID}} NOT NULL,
	person         {{.ID}} NOT NULL,
	name           {{.ID}} NOT NULL,
	scan           {{.ID}} NOT NULL,
	attested_at    {{.Time}} NOT NULL,
	recorded_by    {{.ID}} NOT NULL,
	withdrawn_at   {{.Time}},
	withdrawn_by   {{.ID}} NOT NULL,
	withdrawn_why  {{.ID}} NOT NULL
);
CREATE UNIQUE INDEX attestations_standing ON attestations (participant_id, round, person) WHERE withdrawn_at IS NULL;

CREATE TABLE corrections (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	round          {{.Int}} NOT NULL,
	attendance     {{.ID}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	scan           {{.ID}} NOT NULL,
	proposed_by    {{.ID}} NOT NULL,
	proposed_at    {{.Time}} NOT NULL,
	decided_by     {{.ID}} NOT NULL,
	decided_at     {{.Time}}
);
CREATE UNIQUE INDEX corrections_open ON corrections (participant_id, round) WHERE decided_at IS NULL;

-- Who has not checked in by then is missing (A4); fixed at the start of the visit.
ALTER TABLE visits ADD COLUMN grace_until {{.Time}};
