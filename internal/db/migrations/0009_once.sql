-- Answers to requests that carried an Idempotency-Key (INS-604, SEC-9). They
-- are kept for seven days and may go at any time after.
CREATE TABLE idempotency_keys (
    actor  {{.ID}} NOT NULL,
    value  {{.ID}} NOT NULL,
    print  {{.ID}} NOT NULL, -- hash of method, path and body
    answer {{.Blob}},        -- JSON; null only inside the transaction that makes it
    at     {{.Time}} NOT NULL,
    PRIMARY KEY (actor, value)
);
CREATE INDEX idempotency_keys_at ON idempotency_keys (at);
