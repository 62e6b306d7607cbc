-- INS-1115: who asked for more time to decide a case than the law gives, why, and
-- what came of it. A limit is extended once: one that was refused, or ended with its
-- case, does not count.
CREATE TABLE case_extensions (
	id            {{.ID}} PRIMARY KEY,
	case_id       {{.ID}} NOT NULL REFERENCES cases (id),
	setting       {{.ID}} NOT NULL,
	days          {{.Int}} NOT NULL,
	reason        {{.ID}} NOT NULL,
	asked_by      {{.ID}} NOT NULL,
	asked_name    {{.ID}} NOT NULL,
	asked_at      {{.Time}} NOT NULL,
	outcome       {{.ID}} NOT NULL,
	decision      {{.ID}} NOT NULL,
	document      {{.ID}} NOT NULL,
	document_date {{.ID}},
	decided_by    {{.ID}} NOT NULL,
	decided_name  {{.ID}} NOT NULL,
	decided_at    {{.Time}}
);
CREATE UNIQUE INDEX case_extensions_once ON case_extensions (case_id, setting) WHERE outcome IN ('', 'approved');
CREATE INDEX case_extensions_by_case ON case_extensions (case_id);
