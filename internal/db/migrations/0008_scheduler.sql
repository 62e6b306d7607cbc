-- What package scheduler owns.

-- One row per sweep. The lease saves work between instances (DL-8).
CREATE TABLE sweeps (
	name        {{.ID}} PRIMARY KEY,
	instance    {{.ID}} NOT NULL,
	lease_until {{.Time}} NOT NULL,
	last_start  {{.Time}} NOT NULL,
	last_end    {{.Time}},
	last_error  {{.ID}} NOT NULL,
	panics      {{.Int}} NOT NULL
);

-- The one row of the trusted clock: no instant before its mark is ever given out (DL-17).
CREATE TABLE clock (
	id         {{.Int}} PRIMARY KEY CHECK (id = 1),
	high_water {{.Time}}
);
INSERT INTO clock (id, high_water) VALUES (1, NULL);

-- Jumps of the wall clock; one without accepted_at is unexplained (DL-18).
CREATE TABLE clock_findings (
	id          {{.ID}} PRIMARY KEY,
	at          {{.Time}} NOT NULL,
	drift_ms    {{.Int}} NOT NULL,
	accepted_at {{.Time}},
	accepted_by {{.ID}} NOT NULL,
	reason      {{.ID}} NOT NULL
);
CREATE INDEX clock_findings_by_time ON clock_findings (at);
