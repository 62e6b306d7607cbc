// Package audit is the evidence log of an installation: an append-only list of
// leaves, the RFC 6962 Merkle tree over their bytes, checkpoints signed with the
// log's key, and evidence bundles that anyone verifies without network or
// database (rules EV-1 to EV-13).
//
// Nouns: a Leaf says what happened; an Entry is a leaf that has its place in the
// log; a stream is the hash-chained history of one subject, so that an omitted
// event leaves a hole; a Checkpoint is a signed size and root of the tree; a
// Receipt is the log's signature under one reply; a Bundle carries the entries
// of a few streams with all that is needed to check them.
//
// Leaves hold ids, states, instants and hashes, never personal data (SIM-8).
// Their bytes are stored as written and never rebuilt from columns.
package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is an RFC 6962 hash; its text form is standard base64.
type Hash = tlog.Hash

// Leaf is one event as its author states it.
type Leaf struct {
	Type   string    // what happened, lower snake: "notice_composed"
	Stream string    // "case/<id>/common", "case/<id>/<department>", "attempts" or "system"
	Actor  string    // kind and internal id: "person:17", "system:deem"
	At     time.Time // the act's instant; stored in UTC, to the millisecond
	// Fields take string, bool, int, int64, time.Time, []string, []int64 and
	// map[string]any of these; keys are [a-z0-9_]+. A time is stored as Instant
	// writes it. A field whose name ends in "_hash" commits to a file: see Salted.
	Fields map[string]any
}

// Entry is a leaf with its place in the log.
type Entry struct {
	Leaf
	Seq       int64  // number of the leaf in the tree, from 0 (the C2SP index)
	StreamSeq int64  // number within its stream, from 1
	Previous  Hash   // Hash of the stream's entry before this one; zero for the first
	Bytes     []byte // the leaf as stored and hashed
	Hash      Hash   // RFC 6962 leaf hash of Bytes
}

// Text gives a string field, "" when the entry has none of that name.
func (e Entry) Text(field string) string {
	s, _ := e.Fields[field].(string)
	return s
}

// Int gives an integer field, 0 when the entry has none of that name.
func (e Entry) Int(field string) int64 {
	n, _ := e.Fields[field].(int64)
	return n
}

// Time gives a field that was recorded as an instant (UTC), the zero time when
// there is none or it does not read as one.
func (e Entry) Time(field string) time.Time {
	t, err := time.Parse(instantForm, e.Text(field))
	if err != nil {
		return time.Time{}
	}
	return t
}

// instantForm is the one text form of instants in leaves and receipts.
const instantForm = "2006-01-02T15:04:05.000Z"

// Instant writes t as leaves do: UTC, milliseconds, "2026-03-04T09:30:00.000Z".
func Instant(t time.Time) string {
	return t.UTC().Truncate(time.Millisecond).Format(instantForm)
}

// Salted makes a fresh 32-byte salt and the hash that commits to salt and b.
// The hash goes into a leaf field ending in "_hash"; the salt stays with the
// bytes and is disclosed in a bundle only, so that a short text cannot be
// guessed from the log (EV-4, SIM-8). Both are lower-case hex.
func Salted(b []byte) (salt, hash string) {
	raw := make([]byte, saltSize)
	rand.Read(raw) // never fails: crypto/rand ends the process instead
	salt = hex.EncodeToString(raw)
	return salt, digest(raw, b)
}

// SaltedHash computes the hash again for a known salt. The salt "" stands for
// 32 zero bytes and is meant for public data such as the calendar. Another
// length is refused: with it, bytes could be moved between salt and file.
func SaltedHash(salt string, b []byte) (string, error) {
	raw := make([]byte, saltSize)
	if salt != "" {
		var err error
		if raw, err = hex.DecodeString(salt); err != nil || len(raw) != saltSize {
			return "", fmt.Errorf("salt is not %d bytes in hex", saltSize)
		}
	}
	return digest(raw, b), nil
}

const saltSize = 32

func digest(salt, b []byte) string {
	h := sha256.New()
	h.Write(salt)
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}
