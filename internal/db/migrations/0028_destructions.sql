-- Making a thing of the register void: one person proposes with a reason and a
-- photo, another confirms (DEL-946). The item's row stays.
CREATE TABLE destructions (
	id          {{.ID}} PRIMARY KEY,
	item_id     {{.ID}} NOT NULL REFERENCES items (id),
	case_id     {{.ID}} NOT NULL,
	centre_id   {{.ID}} NOT NULL,
	keeper_kind {{.ID}} NOT NULL,
	keeper_id   {{.ID}} NOT NULL,
	reason      {{.ID}} NOT NULL,
	photo       {{.ID}} NOT NULL,
	reissue     {{.Bool}} NOT NULL,
	state       {{.ID}} NOT NULL,
	proposed_at {{.Time}} NOT NULL,
	proposed_by {{.ID}} NOT NULL,
	proposer    {{.ID}} NOT NULL,
	ended_at    {{.Time}},
	ended_by    {{.ID}} NOT NULL,
	ended_name  {{.ID}} NOT NULL,
	version     {{.Int}} NOT NULL
);
CREATE INDEX destructions_by_item ON destructions (item_id);
CREATE UNIQUE INDEX destructions_one_open ON destructions (item_id) WHERE state = 'proposed';
