-- Owner: internal/audit. Rows are only ever added; nothing here is updated but the head.

-- One row per leaf; bytes are stored as written (EV-1). The columns beside them
-- serve look-ups and are compared with the bytes by Desk.Verify.
CREATE TABLE evidence (
	seq        {{.Int}} PRIMARY KEY,
	stream     {{.ID}} NOT NULL,
	stream_seq {{.Int}} NOT NULL,
	bytes      {{.Blob}} NOT NULL,
	UNIQUE (stream, stream_seq)
);

-- Taken first by every writer, so that the log has one order and no gap (DB-11).
CREATE TABLE evidence_head (
	id   {{.Int}} PRIMARY KEY CHECK (id = 1),
	size {{.Int}} NOT NULL
);
INSERT INTO evidence_head (id, size) VALUES (1, 0);

-- Hashes of the complete subtrees, numbered as in tlog.StoredHashIndex (EV-5).
CREATE TABLE evidence_hashes (
	idx  {{.Int}} PRIMARY KEY,
	hash {{.Blob}} NOT NULL
);

-- Signed checkpoints. The key forbids two roots for one size (EV-7).
CREATE TABLE evidence_checkpoints (
	size {{.Int}} PRIMARY KEY,
	at   {{.Time}} NOT NULL,
	note {{.ID}} NOT NULL
);
