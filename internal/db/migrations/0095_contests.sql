-- INS-712: what a department says against the instant at which its notice is on
-- record as served: the times as they stood, the supervisor's decision, and the
-- times that count since.
CREATE TABLE contests (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	round          {{.Int}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	said_at        {{.Time}},
	served_at      {{.Time}} NOT NULL,
	respond_by     {{.Time}} NOT NULL,
	class          {{.ID}} NOT NULL,
	channel        {{.ID}} NOT NULL,
	raised_by      {{.ID}} NOT NULL,
	raised_name    {{.ID}} NOT NULL,
	raised_at      {{.Time}} NOT NULL,
	outcome        {{.ID}} NOT NULL,
	decision       {{.ID}} NOT NULL,
	new_served_at  {{.Time}},
	new_respond_by {{.Time}},
	ended_by       {{.ID}} NOT NULL,
	ended_name     {{.ID}} NOT NULL,
	ended_at       {{.Time}}
);
CREATE UNIQUE INDEX contests_open ON contests (participant_id) WHERE ended_at IS NULL;
CREATE INDEX contests_by_participant ON contests (participant_id);
