-- INS-1202 speaks of first visits; of revisits one is under way at a time (INS-1109).
DROP INDEX visits_one_per_kind;
CREATE UNIQUE INDEX visits_one_per_kind ON visits (case_id, kind) WHERE revisit_of = '' AND state NOT IN ('cancelled', 'not_held');
CREATE UNIQUE INDEX visits_one_revisit ON visits (revisit_of) WHERE revisit_of <> '' AND state NOT IN ('cancelled', 'not_held', 'closed');

-- Who asked for a revisit: the applicant, or a supervisor when the term was over
-- and the applicant had been asked (INS-1109).
CREATE TABLE revisit_requests (
	id          {{.ID}} PRIMARY KEY,
	visit_id    {{.ID}} NOT NULL REFERENCES visits (id),
	channel     {{.ID}} NOT NULL,
	person      {{.ID}} NOT NULL,
	note        {{.ID}} NOT NULL,
	asked_at    {{.Time}} NOT NULL,
	due_at      {{.Time}} NOT NULL,
	recorded_by {{.ID}} NOT NULL,
	revisit_id  {{.ID}} NOT NULL,
	done_at     {{.Time}}
);
CREATE UNIQUE INDEX revisit_requests_open ON revisit_requests (visit_id) WHERE done_at IS NULL;

-- Entries of the ledger that stand in no other row: what was refused or reported
-- (K06…K08). A supervisor confirms or dismisses each.
CREATE TABLE breaches (
	id             {{.ID}} PRIMARY KEY,
	class          {{.ID}} NOT NULL,
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	department_id  {{.ID}} NOT NULL,
	department     {{.ID}} NOT NULL,
	detail         {{.ID}} NOT NULL,
	made_at        {{.Time}} NOT NULL,
	made_by        {{.ID}} NOT NULL,
	state          {{.ID}} NOT NULL,
	note           {{.ID}} NOT NULL,
	decided_by     {{.ID}} NOT NULL,
	decided_at     {{.Time}}
);
CREATE UNIQUE INDEX breaches_open ON breaches (class, participant_id) WHERE state = 'suspected';

-- When the applicant was asked, once, because the term was over without a request.
ALTER TABLE rectify_lists ADD COLUMN asked_at {{.Time}};
