-- Circulation runs (流转班车) between window and departments (DEL-922). A run gets
-- its row when the first bag or transfer joins it; of two that join at once one
-- makes it.
CREATE TABLE runs (
	id         {{.ID}} PRIMARY KEY,
	number     {{.ID}} NOT NULL UNIQUE,
	centre_id  {{.ID}} NOT NULL,
	leaves_at  {{.Time}} NOT NULL,
	state      {{.ID}} NOT NULL,
	carrier_id {{.ID}} NOT NULL,
	carrier    {{.ID}} NOT NULL,
	left_at    {{.Time}},
	left_by    {{.ID}} NOT NULL,
	ended_at   {{.Time}},
	ended_by   {{.ID}} NOT NULL,
	went_out   {{.Int}} NOT NULL,
	came_in    {{.Int}} NOT NULL,
	came_back  {{.Int}} NOT NULL,
	note       {{.ID}} NOT NULL,
	version    {{.Int}} NOT NULL
);
CREATE UNIQUE INDEX runs_once ON runs (centre_id, leaves_at);
CREATE INDEX runs_planned ON runs (leaves_at) WHERE state = 'planned';

-- The list of a run. What misses one run is moved to the next and stays on the
-- first list with the reason.
CREATE TABLE run_entries (
	id         {{.ID}} PRIMARY KEY,
	run_id     {{.ID}} NOT NULL REFERENCES runs (id),
	kind       {{.ID}} NOT NULL,
	subject    {{.ID}} NOT NULL,
	number     {{.ID}} NOT NULL,
	seal       {{.ID}} NOT NULL,
	things     {{.Int}} NOT NULL,
	from_kind  {{.ID}} NOT NULL,
	from_id    {{.ID}} NOT NULL,
	from_name  {{.ID}} NOT NULL,
	to_kind    {{.ID}} NOT NULL,
	to_id      {{.ID}} NOT NULL,
	to_name    {{.ID}} NOT NULL,
	joined_at  {{.Time}} NOT NULL,
	moved_at   {{.Time}},
	moved_by   {{.ID}} NOT NULL,
	moved_to   {{.ID}} NOT NULL,
	why        {{.ID}} NOT NULL
);
CREATE UNIQUE INDEX run_entries_once ON run_entries (subject) WHERE moved_at IS NULL;
CREATE INDEX run_entries_by_run ON run_entries (run_id);
