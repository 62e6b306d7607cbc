-- DEL-913: who may sign on paper for a department that has no accounts. Nothing is
-- deleted: a line ends, with the reason.
CREATE TABLE registered_receivers (
	id            {{.ID}} PRIMARY KEY,
	department_id {{.ID}} NOT NULL,
	name          {{.ID}} NOT NULL,
	post          {{.ID}} NOT NULL,
	ground        {{.ID}} NOT NULL,
	from_day      {{.ID}} NOT NULL, -- dates are ISO text, so text order is date order
	added_at      {{.Time}} NOT NULL,
	added_by      {{.ID}} NOT NULL,
	ended_at      {{.Time}},
	ended_by      {{.ID}} NOT NULL,
	ended_why     {{.ID}} NOT NULL
);
CREATE UNIQUE INDEX registered_receivers_standing ON registered_receivers (department_id, name) WHERE ended_at IS NULL;
