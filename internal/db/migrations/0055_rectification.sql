-- What the applicant has to put right after a visit: one list of the items of all
-- departments, given once in writing (INS-1107). n is 1 for the list; each later one
-- holds what two persons found to be an exception.
CREATE TABLE rectify_lists (
	id          {{.ID}} PRIMARY KEY,
	visit_id    {{.ID}} NOT NULL REFERENCES visits (id),
	n           {{.Int}} NOT NULL,
	joint       {{.Int}} NOT NULL, -- version of the joint opinion whose items it lists
	made_at     {{.Time}} NOT NULL,
	how         {{.ID}} NOT NULL,
	receiver    {{.ID}} NOT NULL,
	reason      {{.ID}} NOT NULL,
	witnesses   {{.JSON}} NOT NULL,
	scan        {{.ID}} NOT NULL,
	given_at    {{.Time}},
	recorded_at {{.Time}},
	recorded_by {{.ID}} NOT NULL,
	UNIQUE (visit_id, n)
);

CREATE TABLE rectify_items (
	id             {{.ID}} PRIMARY KEY,
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	list           {{.Int}} NOT NULL,
	n              {{.Int}} NOT NULL,
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	department_id  {{.ID}} NOT NULL,
	department     {{.ID}} NOT NULL,
	finding        {{.ID}} NOT NULL,
	clause         {{.ID}} NOT NULL,
	verify         {{.ID}} NOT NULL,
	days           {{.Int}} NOT NULL,
	state          {{.ID}} NOT NULL,
	due_at         {{.Time}},
	deadline       {{.JSON}},
	settled_at     {{.Time}},
	settled_by     {{.ID}} NOT NULL,
	settled_how    {{.ID}} NOT NULL,
	UNIQUE (visit_id, n),
	FOREIGN KEY (visit_id, list) REFERENCES rectify_lists (visit_id, n)
);

-- What a department wants to add to a list that is closed, and what a second person
-- decided. Those that were agreed to are the entries K05 of the ledger.
CREATE TABLE item_proposals (
	id             {{.ID}} PRIMARY KEY,
	visit_id       {{.ID}} NOT NULL REFERENCES visits (id),
	participant_id {{.ID}} NOT NULL REFERENCES participants (id),
	department_id  {{.ID}} NOT NULL,
	department     {{.ID}} NOT NULL,
	ground         {{.ID}} NOT NULL,
	reason         {{.ID}} NOT NULL,
	item           {{.JSON}} NOT NULL,
	proposed_by    {{.ID}} NOT NULL,
	proposed_name  {{.ID}} NOT NULL,
	proposed_at    {{.Time}} NOT NULL,
	agreed         {{.Bool}} NOT NULL,
	note           {{.ID}} NOT NULL,
	decided_by     {{.ID}} NOT NULL,
	decided_at     {{.Time}}
);
CREATE INDEX item_proposals_by_visit ON item_proposals (visit_id);
