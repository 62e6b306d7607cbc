-- INS-1203, INS-1205: an entry may be about a case that has no visit yet, and says
-- who reported it; the party may answer before a supervisor decides.
CREATE TABLE breaches_next (
	id             {{.ID}} PRIMARY KEY,
	class          {{.ID}} NOT NULL,
	case_id        {{.ID}} NOT NULL REFERENCES cases (id),
	visit_id       {{.ID}} REFERENCES visits (id),
	participant_id {{.ID}} REFERENCES participants (id),
	centre_id      {{.ID}} NOT NULL,
	department_id  {{.ID}} NOT NULL,
	department     {{.ID}} NOT NULL,
	channel        {{.ID}} NOT NULL,
	happened_on    {{.ID}} NOT NULL,
	people         {{.ID}} NOT NULL,
	detail         {{.ID}} NOT NULL,
	scan           {{.ID}} NOT NULL,
	sha256         {{.ID}} NOT NULL,
	made_at        {{.Time}} NOT NULL,
	made_by        {{.ID}} NOT NULL,
	answer_due     {{.Time}},
	deadline       {{.JSON}},
	answer         {{.ID}} NOT NULL,
	answered_at    {{.Time}},
	answered_by    {{.ID}} NOT NULL,
	state          {{.ID}} NOT NULL,
	note           {{.ID}} NOT NULL,
	decided_by     {{.ID}} NOT NULL,
	decided_at     {{.Time}}
);
INSERT INTO breaches_next (id, class, case_id, visit_id, participant_id, centre_id, department_id, department, channel, happened_on, people, detail,
		scan, sha256, made_at, made_by, answer, answered_by, state, note, decided_by, decided_at)
	SELECT b.id, b.class, v.case_id, b.visit_id, b.participant_id, v.centre_id, b.department_id, b.department, 'system', '', '', b.detail,
		'', '', b.made_at, b.made_by, '', '', b.state, b.note, b.decided_by, b.decided_at
	FROM breaches AS b JOIN visits AS v ON v.id = b.visit_id;
DROP TABLE breaches;
ALTER TABLE breaches_next RENAME TO breaches;
CREATE UNIQUE INDEX breaches_open ON breaches (class, participant_id) WHERE state = 'suspected';
CREATE UNIQUE INDEX breaches_reported ON breaches (case_id, class, department_id, happened_on, channel) WHERE state = 'suspected' AND channel <> 'system';
CREATE INDEX breaches_by_centre ON breaches (centre_id, made_at);

-- The whole ledger (SIM-14): what was refused or reported is stored, all else is a
-- view over the rows that say it. told: the party knows of it.
CREATE VIEW ledger AS
	SELECT b.id AS id, b.class AS class, b.case_id AS case_id, coalesce(b.visit_id, '') AS visit_id, b.department_id AS department_id,
		b.department AS department, b.centre_id AS centre_id, b.made_at AS at, b.state AS state, b.channel AS what, b.detail AS detail,
		b.answer_due IS NOT NULL AS told, TRUE AS stored
	FROM breaches AS b
UNION ALL
	SELECT 'K02-' || d.id, 'K02', p.case_id, d.visit_id, d.department_id, p.name, v.centre_id, d.decided_at, 'recorded', 'no_reply', d.number, TRUE, FALSE
	FROM deemed AS d JOIN participants AS p ON p.id = d.participant_id JOIN visits AS v ON v.id = d.visit_id
	WHERE d.reason = 'no_reply' AND d.suspended_at IS NULL
UNION ALL
	SELECT 'K02-' || r.id, 'K02', p.case_id, r.visit_id, p.department_id, p.name, v.centre_id, r.received_at, 'recorded', 'late_reply', '', TRUE, FALSE
	FROM replies AS r JOIN participants AS p ON p.id = r.participant_id JOIN visits AS v ON v.id = r.visit_id
	WHERE r.outcome = 'late' AND p.required
UNION ALL
	SELECT 'K03-' || p.id, 'K03', p.case_id, p.visit_id, p.department_id, p.name, v.centre_id, coalesce(v.started_at, v.created_at), 'recorded', p.attendance, '', TRUE, FALSE
	FROM participants AS p JOIN visits AS v ON v.id = p.visit_id
	WHERE p.attendance IN ('late', 'left_early', 'absent') AND p.consent <> 'excused' AND p.required
UNION ALL
	SELECT 'K04-' || d.id, 'K04', p.case_id, d.visit_id, d.department_id, p.name, v.centre_id, d.decided_at, 'recorded', 'no_opinion', d.number, TRUE, FALSE
	FROM deemed AS d JOIN participants AS p ON p.id = d.participant_id JOIN visits AS v ON v.id = d.visit_id
	WHERE d.reason = 'no_opinion' AND d.suspended_at IS NULL
UNION ALL
	SELECT 'K04-' || o.id, 'K04', p.case_id, o.visit_id, p.department_id, p.name, v.centre_id, o.signed_at, 'recorded', 'late_opinion', '', TRUE, FALSE
	FROM opinions AS o JOIN participants AS p ON p.id = o.participant_id JOIN visits AS v ON v.id = o.visit_id
		JOIN deadlines AS t ON t.kind = 'opinion' AND t.subject = o.participant_id AND t.round = o.round
	WHERE o.signed_at > t.due_at AND o.dropped_at IS NULL AND o.kind <> 'deferred'
UNION ALL
	SELECT 'K05-' || i.id, 'K05', v.case_id, i.visit_id, i.department_id, i.department, v.centre_id, i.decided_at, 'recorded', 'later_item', i.reason, TRUE, FALSE
	FROM item_proposals AS i JOIN visits AS v ON v.id = i.visit_id
	WHERE i.agreed
UNION ALL
	SELECT 'K09-' || k.id, 'K09', v.case_id, k.visit_id, 'window', '', k.centre_id, k.created_at, 'recorded', 'unanswered', k.detail, TRUE, FALSE
	FROM tasks AS k JOIN visits AS v ON v.id = k.visit_id
	WHERE k.kind = 'duty_missed'
UNION ALL
	SELECT 'K10-' || p.id, 'K10', p.case_id, p.visit_id, p.department_id, p.name, v.centre_id, coalesce(v.started_at, v.created_at), 'recorded', 'short', '', TRUE, FALSE
	FROM participants AS p JOIN visits AS v ON v.id = p.visit_id
	WHERE p.attendance = 'short' AND v.site_ended_at IS NOT NULL;
