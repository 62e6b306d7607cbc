-- Who has signed an opinion (INS-1008). signer is the check-in of somebody who
-- was on the site, else the account of who signed for the department (INS-1003).
CREATE TABLE signatures (
	id          {{.ID}} PRIMARY KEY,
	opinion_id  {{.ID}} NOT NULL REFERENCES opinions (id),
	signer      {{.ID}} NOT NULL,
	name        {{.ID}} NOT NULL,
	capacity    {{.ID}} NOT NULL,
	scan        {{.ID}} NOT NULL,
	signed_at   {{.Time}} NOT NULL,
	recorded_by {{.ID}} NOT NULL,
	UNIQUE (opinion_id, signer)
);
-- An opinion that nobody signed to its end and that was taken back.
ALTER TABLE opinions ADD COLUMN dropped_at {{.Time}};
ALTER TABLE opinions ADD COLUMN dropped_by {{.ID}} NOT NULL DEFAULT '';
ALTER TABLE opinions ADD COLUMN dropped_why {{.ID}} NOT NULL DEFAULT '';
CREATE UNIQUE INDEX opinions_draft ON opinions (participant_id) WHERE signed_at IS NULL AND dropped_at IS NULL;
