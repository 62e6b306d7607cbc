-- What lay in a hand-over to the window without being listed: found, with a photo,
-- and with the window until it says what it is (DEL-911).
CREATE TABLE transfer_extras (
	id             {{.ID}} PRIMARY KEY,
	transfer_id    {{.ID}} NOT NULL REFERENCES transfers (id),
	number         {{.ID}} NOT NULL,
	item_id        {{.ID}} NOT NULL,
	title          {{.ID}} NOT NULL,
	note           {{.ID}} NOT NULL,
	photo          {{.ID}} NOT NULL,
	found_at       {{.Time}} NOT NULL,
	found_by       {{.ID}} NOT NULL,
	finder         {{.ID}} NOT NULL,
	answer         {{.ID}} NOT NULL,
	explained_at   {{.Time}},
	explained_by   {{.ID}} NOT NULL,
	explained_name {{.ID}} NOT NULL,
	explanation    {{.ID}} NOT NULL
);
CREATE INDEX transfer_extras_by_transfer ON transfer_extras (transfer_id);
