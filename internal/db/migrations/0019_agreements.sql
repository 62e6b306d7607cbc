-- Written agreements to a visit sooner than the lead time (INS-605).
CREATE TABLE agreements (
	id          {{.ID}} PRIMARY KEY,
	visit_id    {{.ID}} NOT NULL REFERENCES visits (id),
	party       {{.ID}} NOT NULL,
	signer      {{.ID}} NOT NULL,
	scan        {{.ID}} NOT NULL REFERENCES scans (id),
	recorded_at {{.Time}} NOT NULL,
	recorded_by {{.ID}} NOT NULL,
	checked_at  {{.Time}},
	checked_by  {{.ID}} NOT NULL,
	UNIQUE (visit_id, party)
);
