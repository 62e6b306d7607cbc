-- What package inspection owns; docs/tables.md tells what each table holds.
-- Instants are UTC milliseconds set by the program, dates are ISO text (DL-20).

CREATE TABLE series (
	name {{.ID}} PRIMARY KEY,
	last {{.Int}} NOT NULL
);

CREATE TABLE cases (
	id                {{.ID}} PRIMARY KEY,
	number            {{.ID}} NOT NULL UNIQUE,
	external_id       {{.ID}} NOT NULL DEFAULT '',
	matter_code       {{.ID}} NOT NULL,
	matter_version    {{.Int}} NOT NULL,
	matter_name       {{.ID}} NOT NULL,
	applicant         {{.JSON}} NOT NULL,
	applicant_name    {{.ID}} NOT NULL,
	site              {{.JSON}} NOT NULL,
	division          {{.ID}} NOT NULL,
	answers           {{.JSON}} NOT NULL,
	centre_id         {{.ID}} NOT NULL,
	window_id         {{.ID}} NOT NULL,
	organiser_centre  {{.ID}} NOT NULL,
	organiser_window  {{.ID}} NOT NULL,
	state             {{.ID}} NOT NULL,
	accepted_at       {{.Time}} NOT NULL,
	accepted_by       {{.ID}} NOT NULL,
	limit_date        {{.ID}} NOT NULL,
	limit_provisional {{.Bool}} NOT NULL,
	search            {{.ID}} NOT NULL,
	version           {{.Int}} NOT NULL
);
CREATE INDEX cases_by_centre ON cases (organiser_centre, accepted_at);
CREATE INDEX cases_by_acceptor ON cases (centre_id, accepted_at);
CREATE UNIQUE INDEX cases_by_external ON cases (external_id) WHERE external_id <> '';

CREATE TABLE case_departments (
	case_id         {{.ID}} NOT NULL REFERENCES cases (id),
	system          {{.ID}} NOT NULL,
	department_id   {{.ID}} NOT NULL,
	attendance      {{.ID}} NOT NULL,
	lead            {{.Bool}} NOT NULL,
	never_deemed    {{.Bool}} NOT NULL,
	included        {{.Bool}} NOT NULL,
	because_unknown {{.Bool}} NOT NULL,
	confirmed_by    {{.ID}} NOT NULL,
	clause          {{.ID}} NOT NULL,
	basis           {{.ID}} NOT NULL,
	missing         {{.JSON}} NOT NULL,
	check_kind      {{.ID}} NOT NULL,
	manual_reason   {{.ID}} NOT NULL,
	changed_by      {{.ID}} NOT NULL,
	PRIMARY KEY (case_id, system)
);

CREATE TABLE resources (
	id             {{.ID}} PRIMARY KEY,
	kind           {{.ID}} NOT NULL,
	name           {{.ID}} NOT NULL,
	person_id      {{.ID}} NOT NULL,
	department_id  {{.ID}} NOT NULL,
	centre_id      {{.ID}} NOT NULL,
	certificate    {{.ID}} NOT NULL,
	valid_until    {{.ID}} NOT NULL,
	qualifications {{.JSON}} NOT NULL,
	per_day        {{.Int}} NOT NULL,
	seats          {{.Int}} NOT NULL,
	active         {{.Bool}} NOT NULL
);
CREATE INDEX resources_by_department ON resources (department_id, kind);
CREATE INDEX resources_by_person ON resources (person_id);

CREATE TABLE absences (
	id          {{.ID}} PRIMARY KEY,
	resource_id {{.ID}} NOT NULL REFERENCES resources (id),
	start_at    {{.Time}} NOT NULL,
	end_at      {{.Time}} NOT NULL,
	kind        {{.ID}} NOT NULL,
	reason      {{.ID}} NOT NULL,
	set_by      {{.ID}} NOT NULL
);
CREATE INDEX absences_by_resource ON absences (resource_id, end_at);

CREATE TABLE recusals (
	resource_id {{.ID}} NOT NULL REFERENCES resources (id),
	applicant   {{.ID}} NOT NULL,
	reason      {{.ID}} NOT NULL,
	set_by      {{.ID}} NOT NULL,
	PRIMARY KEY (resource_id, applicant)
);

CREATE TABLE visits (
	id              {{.ID}} PRIMARY KEY,
	case_id         {{.ID}} NOT NULL REFERENCES cases (id),
	case_number     {{.ID}} NOT NULL,
	matter_code     {{.ID}} NOT NULL,
	matter_name     {{.ID}} NOT NULL,
	kind            {{.ID}} NOT NULL,
	state           {{.ID}} NOT NULL,
	round           {{.Int}} NOT NULL,
	sequence        {{.Int}} NOT NULL,
	uid             {{.ID}} NOT NULL UNIQUE,
	centre_id       {{.ID}} NOT NULL,
	window_id       {{.ID}} NOT NULL,
	lead_department {{.ID}} NOT NULL,
	division        {{.ID}} NOT NULL,
	place           {{.ID}} NOT NULL,
	start_at        {{.Time}},
	end_at          {{.Time}},
	minutes         {{.Int}} NOT NULL,
	single_by_rule  {{.Bool}} NOT NULL,
	past_limit_why  {{.ID}} NOT NULL,
	started_at      {{.Time}},
	site_ended_at   {{.Time}},
	closed_at       {{.Time}},
	result          {{.ID}} NOT NULL,
	reason_code     {{.ID}} NOT NULL,
	reason          {{.ID}} NOT NULL,
	created_at      {{.Time}} NOT NULL,
	created_by      {{.ID}} NOT NULL,
	version         {{.Int}} NOT NULL
);
-- INS-1202: one open or closed first visit of a kind for each Case.
CREATE UNIQUE INDEX visits_one_per_kind ON visits (case_id, kind) WHERE state NOT IN ('cancelled', 'not_held');
CREATE INDEX visits_by_centre ON visits (centre_id, start_at);
CREATE INDEX visits_by_state ON visits (state, start_at);

CREATE TABLE rounds (
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	n              {{.Int}} NOT NULL,
	start_at       {{.Time}} NOT NULL,
	end_at         {{.Time}} NOT NULL,
	first_sequence {{.Int}} NOT NULL,
	offered_at     {{.Time}} NOT NULL,
	offered_by     {{.ID}} NOT NULL,
	reason_code    {{.ID}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	PRIMARY KEY (visit_id, n)
);

CREATE TABLE participants (
	id            {{.ID}} PRIMARY KEY,
	visit_id      {{.ID}} NOT NULL REFERENCES visits (id),
	case_id       {{.ID}} NOT NULL,
	department_id {{.ID}} NOT NULL,
	system        {{.ID}} NOT NULL,
	name          {{.ID}} NOT NULL,
	round         {{.Int}} NOT NULL,
	lead          {{.Bool}} NOT NULL,
	required      {{.Bool}} NOT NULL,
	never_deemed  {{.Bool}} NOT NULL,
	staff_min     {{.Int}} NOT NULL,
	basis         {{.ID}} NOT NULL,
	consent       {{.ID}} NOT NULL,
	attendance    {{.ID}} NOT NULL,
	opinion       {{.ID}} NOT NULL,
	service_class {{.ID}} NOT NULL,
	served_at     {{.Time}},
	respond_by    {{.Time}},
	deadline      {{.JSON}},
	at_risk       {{.Bool}} NOT NULL,
	UNIQUE (visit_id, department_id)
);
CREATE INDEX participants_by_department ON participants (department_id, consent);

CREATE TABLE notices (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	visit_id       {{.ID}} NOT NULL,
	round          {{.Int}} NOT NULL,
	number         {{.ID}} NOT NULL UNIQUE,
	queued_at      {{.Time}} NOT NULL,
	composed_at    {{.Time}},
	printed_due    {{.Time}},
	deadline       {{.JSON}},
	UNIQUE (participant_id, round)
);

CREATE TABLE services (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	notice_id      {{.ID}} NOT NULL,
	round          {{.Int}} NOT NULL,
	class          {{.ID}} NOT NULL,
	channel        {{.ID}} NOT NULL,
	served_at      {{.Time}} NOT NULL,
	recorded_at    {{.Time}} NOT NULL,
	message_id     {{.ID}} NOT NULL,
	source         {{.ID}} NOT NULL,
	detail         {{.JSON}} NOT NULL,
	fallen_at      {{.Time}},
	fallen_why     {{.ID}} NOT NULL,
	UNIQUE (participant_id, round, channel, source)
);

CREATE TABLE replies (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	visit_id       {{.ID}} NOT NULL,
	round          {{.Int}} NOT NULL,
	kind           {{.ID}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	proposals      {{.JSON}} NOT NULL,
	delegate       {{.ID}} NOT NULL,
	channel        {{.ID}} NOT NULL,
	strength       {{.Int}} NOT NULL,
	given_by       {{.ID}} NOT NULL,
	recorded_by    {{.ID}} NOT NULL,
	received_at    {{.Time}} NOT NULL,
	recorded_at    {{.Time}} NOT NULL,
	outcome        {{.ID}} NOT NULL,
	receipt        {{.ID}} NOT NULL
);
CREATE INDEX replies_by_participant ON replies (participant_id, round);

CREATE TABLE deemed (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	visit_id       {{.ID}} NOT NULL,
	department_id  {{.ID}} NOT NULL,
	round          {{.Int}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	number         {{.ID}} NOT NULL UNIQUE,
	decided_at     {{.Time}} NOT NULL,
	due_at         {{.Time}} NOT NULL,
	relies         {{.JSON}} NOT NULL,
	findings       {{.JSON}} NOT NULL,
	citation       {{.ID}} NOT NULL,
	suspended_at   {{.Time}},
	UNIQUE (visit_id, department_id, round)
);

CREATE TABLE holds (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	round          {{.Int}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	source         {{.ID}} NOT NULL,
	detail         {{.ID}} NOT NULL,
	since          {{.Time}} NOT NULL,
	ended_at       {{.Time}},
	ended_by       {{.ID}} NOT NULL,
	end_reason     {{.ID}} NOT NULL
);
CREATE UNIQUE INDEX holds_open ON holds (participant_id, round, reason, source) WHERE ended_at IS NULL;

-- DEC-6: one table for all deadlines. next_at is when the sweep looks again,
-- due_at is the instant that counts.
CREATE TABLE deadlines (
	id               {{.ID}} PRIMARY KEY,
	kind             {{.ID}} NOT NULL,
	subject          {{.ID}} NOT NULL,
	round            {{.Int}} NOT NULL,
	due_at           {{.Time}} NOT NULL,
	next_at          {{.Time}} NOT NULL,
	calendar_version {{.Int}} NOT NULL,
	detail           {{.JSON}} NOT NULL,
	state            {{.ID}} NOT NULL,
	held             {{.Bool}} NOT NULL,
	UNIQUE (kind, subject, round)
);
CREATE INDEX deadlines_pending ON deadlines (kind, next_at) WHERE state = 'pending';

CREATE TABLE tasks (
	id         {{.ID}} PRIMARY KEY,
	kind       {{.ID}} NOT NULL,
	subject    {{.ID}} NOT NULL,
	visit_id   {{.ID}} NOT NULL,
	centre_id  {{.ID}} NOT NULL,
	for_role   {{.ID}} NOT NULL,
	detail     {{.ID}} NOT NULL,
	created_at {{.Time}} NOT NULL,
	due_at     {{.Time}},
	done_at    {{.Time}},
	done_by    {{.ID}} NOT NULL,
	note       {{.ID}} NOT NULL
);
CREATE UNIQUE INDEX tasks_open ON tasks (kind, subject) WHERE done_at IS NULL;
CREATE INDEX tasks_by_centre ON tasks (centre_id, created_at) WHERE done_at IS NULL;

CREATE TABLE opinions (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	visit_id       {{.ID}} NOT NULL,
	round          {{.Int}} NOT NULL,
	kind           {{.ID}} NOT NULL,
	text           {{.ID}} NOT NULL,
	items          {{.JSON}} NOT NULL,
	given_by       {{.ID}} NOT NULL,
	given_name     {{.ID}} NOT NULL,
	given_at       {{.Time}} NOT NULL
);
CREATE INDEX opinions_by_participant ON opinions (participant_id, given_at);

CREATE TABLE joint_opinions (
	id        {{.ID}} PRIMARY KEY,
	visit_id  {{.ID}} NOT NULL REFERENCES visits (id),
	number    {{.ID}} NOT NULL,
	version   {{.Int}} NOT NULL,
	result    {{.ID}} NOT NULL,
	content   {{.JSON}} NOT NULL,
	issued_at {{.Time}} NOT NULL,
	issued_by {{.ID}} NOT NULL,
	UNIQUE (visit_id, version),
	UNIQUE (number, version)
);

CREATE TABLE scans (
	id       {{.ID}} PRIMARY KEY,
	subject  {{.ID}} NOT NULL,
	name     {{.ID}} NOT NULL,
	media    {{.ID}} NOT NULL,
	body     {{.Blob}} NOT NULL,
	sha256   {{.ID}} NOT NULL,
	saved_at {{.Time}} NOT NULL,
	saved_by {{.ID}} NOT NULL
);
CREATE INDEX scans_by_subject ON scans (subject);

CREATE TABLE reversals (
	id             {{.ID}} PRIMARY KEY,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	round          {{.Int}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	proposed_by    {{.ID}} NOT NULL,
	proposed_at    {{.Time}} NOT NULL,
	decided_by     {{.ID}} NOT NULL,
	decided_at     {{.Time}},
	UNIQUE (participant_id, round)
);
