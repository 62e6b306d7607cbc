-- What package notify owns; docs/tables.md tells what each table holds.

CREATE TABLE messages (
	id           {{.ID}} PRIMARY KEY,
	key          {{.ID}} NOT NULL UNIQUE,
	purpose      {{.ID}} NOT NULL,
	channel      {{.ID}} NOT NULL,
	address      {{.ID}} NOT NULL,
	lang         {{.ID}} NOT NULL,
	legal        {{.Bool}} NOT NULL,
	subject      {{.ID}} NOT NULL,
	contact      {{.ID}} NOT NULL,
	stream       {{.ID}} NOT NULL,
	facts        {{.JSON}} NOT NULL,
	next_at      {{.Time}} NOT NULL,
	valid_until  {{.Time}} NOT NULL,
	state        {{.ID}} NOT NULL,
	attempt      {{.Int}} NOT NULL,
	created_at   {{.Time}} NOT NULL,
	composed_at  {{.Time}},
	attempted_at {{.Time}},
	settled_at   {{.Time}},
	cancelled_at {{.Time}},
	claimed_by   {{.ID}} NOT NULL,
	title        {{.ID}} NOT NULL,
	text         {{.ID}} NOT NULL,
	html         {{.ID}} NOT NULL,
	body         {{.Blob}},
	body_salt    {{.ID}} NOT NULL,
	body_hash    {{.ID}} NOT NULL,
	return_path  {{.ID}} NOT NULL,
	message_id   {{.ID}} NOT NULL,
	provider_id  {{.ID}} NOT NULL,
	detail       {{.ID}} NOT NULL
);
CREATE INDEX messages_due ON messages (channel, next_at) WHERE state = 'pending';
CREATE INDEX messages_open ON messages (state, next_at) WHERE state IN ('attempting', 'unknown');
CREATE INDEX messages_by_subject ON messages (subject);
CREATE INDEX messages_by_address ON messages (address, channel);
CREATE INDEX messages_newest ON messages (created_at, id);

-- One row per call to the outside, committed before the call (OUT-3).
CREATE TABLE message_attempts (
	message_id  {{.ID}} NOT NULL REFERENCES messages (id),
	n           {{.Int}} NOT NULL,
	started_at  {{.Time}} NOT NULL,
	ended_at    {{.Time}},
	result      {{.ID}} NOT NULL,
	source      {{.ID}} NOT NULL,
	provider_id {{.ID}} NOT NULL,
	line        {{.ID}} NOT NULL,
	peer        {{.ID}} NOT NULL,
	peer_addr   {{.ID}} NOT NULL,
	tls         {{.ID}} NOT NULL,
	dsn         {{.Bool}} NOT NULL,
	detail      {{.ID}} NOT NULL,
	PRIMARY KEY (message_id, n)
);

-- A provider's later word; unique so that a replayed callback is nothing (OUT-9).
CREATE TABLE receipts (
	provider_id {{.ID}} NOT NULL,
	status      {{.ID}} NOT NULL,
	message_id  {{.ID}} NOT NULL REFERENCES messages (id),
	n           {{.Int}} NOT NULL,
	code        {{.ID}} NOT NULL,
	received_at {{.Time}} NOT NULL,
	PRIMARY KEY (provider_id, status)
);
CREATE INDEX receipts_by_message ON receipts (message_id);

CREATE TABLE channel_pauses (
	channel {{.ID}} PRIMARY KEY,
	since   {{.Time}} NOT NULL,
	set_by  {{.ID}} NOT NULL,
	reason  {{.ID}} NOT NULL
);

CREATE TABLE mail_tokens (
	hash    {{.ID}} PRIMARY KEY,
	kind    {{.ID}} NOT NULL,
	subject {{.ID}} NOT NULL,
	contact {{.ID}} NOT NULL,
	stream  {{.ID}} NOT NULL,
	made_at {{.Time}} NOT NULL
);

CREATE TABLE inbound (
	id          {{.ID}} PRIMARY KEY,
	token_kind  {{.ID}} NOT NULL,
	token_hash  {{.ID}} NOT NULL,
	subject     {{.ID}} NOT NULL,
	contact     {{.ID}} NOT NULL,
	stream      {{.ID}} NOT NULL,
	outbox_id   {{.ID}} NOT NULL,
	received_at {{.Time}} NOT NULL,
	mail_from   {{.ID}} NOT NULL,
	peer        {{.ID}} NOT NULL,
	header_from {{.ID}} NOT NULL,
	title       {{.ID}} NOT NULL,
	message_id  {{.ID}} NOT NULL,
	text        {{.ID}} NOT NULL,
	calendar    {{.Bool}} NOT NULL,
	size        {{.Int}} NOT NULL,
	raw         {{.Blob}},
	sha256      {{.ID}} NOT NULL,
	print       {{.ID}} NOT NULL,
	class       {{.ID}} NOT NULL,
	state       {{.ID}} NOT NULL,
	reason      {{.ID}} NOT NULL,
	outcome     {{.ID}} NOT NULL,
	sorted_by   {{.ID}} NOT NULL,
	sorted_at   {{.Time}},
	sorted_why  {{.ID}} NOT NULL,
	UNIQUE (token_hash, print)
);
CREATE INDEX inbound_by_subject ON inbound (subject, received_at);
CREATE INDEX inbound_newest ON inbound (received_at, id);

CREATE TABLE heartbeats (
	channel    {{.ID}} NOT NULL,
	started_at {{.Time}} NOT NULL,
	ok         {{.Bool}} NOT NULL,
	note       {{.ID}} NOT NULL,
	silence    {{.Int}} NOT NULL, -- milliseconds since the mark before, -1 for the first
	PRIMARY KEY (channel, started_at)
);
-- A day has thousands of marks and hardly a gap: deeming asks for the gaps.
CREATE INDEX heartbeats_gaps ON heartbeats (channel, started_at) WHERE silence < 0 OR silence > 300000;
