package delivery

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/scheduler/workday"
)

// SecretKind says what a receiver proves with.
type SecretKind string

// Kinds of secret: what the receiver was sent, and what their identity card ends in.
const (
	SecretCode SecretKind = "code"     // 收货码 or 取件码, six digits (DEL-610, 220)
	SecretID   SecretKind = "id_last4" // last four of the document, X allowed (DEL-620)

	// SecretPhone is the last four of the receiver's telephone, which with the
	// number shows where a parcel is and nothing more (DEL-1201).
	SecretPhone SecretKind = "phone_last4"
)

// Limits of tries (DEL-611, 620, 1201).
const (
	idTries   = 3
	codeTries = 5 // of all other kinds
	codeLock  = 15 * time.Minute
	dayTries  = 20 // of a telephone; then the number is closed to the public until the next day
	maxResent = 3
)

// Secret is a keyed hash that a parcel's receiver can match. The value itself
// is stored nowhere and never leaves for a courier's phone.
type Secret struct {
	bun.BaseModel `bun:"table:parcel_secrets"`

	ParcelID    string     `bun:",pk"`
	Kind        SecretKind `bun:",pk"`
	Hash        string
	Tries       int       // wrong ones since the last right one or lock
	LockedUntil time.Time `bun:",nullzero"`
	TriedOn     string    // day of DayTries, in Shanghai
	DayTries    int       // wrong ones of that day, of a telephone
	Resent      int
	MadeAt      time.Time
}

// Match is what a try comes to.
type Match string

// Results of a try.
const (
	MatchRight  Match = "right"
	MatchWrong  Match = "wrong"
	MatchLocked Match = "locked" // not even looked at
	MatchNone   Match = "none"   // nothing on file to compare with
)

// newCode is six digits from the system's source of randomness.
func newCode() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}

// sealHash keys a hash that was made over an event with its code in it: the
// rest of the event is stored, and so a plain hash would give the code away.
func (d *Desk) sealHash(hash string) string {
	mac := hmac.New(sha256.New, d.Key)
	_, _ = mac.Write([]byte("event\n" + hash))
	return hex.EncodeToString(mac.Sum(nil))
}

// hide is the stored form of a secret: without the key nobody can search the
// million codes, or the twenty thousand endings of a card.
func (d *Desk) hide(parcelID string, kind SecretKind, value string) string {
	mac := hmac.New(sha256.New, d.Key)
	_, _ = fmt.Fprintf(mac, "%s\n%s\n%s", parcelID, kind, plainSecret(value))
	return hex.EncodeToString(mac.Sum(nil))
}

// plainSecret forgives what a keyboard does: spaces and a small x.
func plainSecret(value string) string {
	return strings.ToUpper(strings.Join(strings.Fields(value), ""))
}

// try compares a value at an instant and counts a wrong one. A lock is not
// lifted by a new code (DEL-611); while it lasts nothing is looked at.
func (s *Secret) try(hash string, at time.Time) Match {
	if s.Hash == "" {
		return MatchNone
	}
	if at.Before(s.LockedUntil) {
		return MatchLocked
	}
	if s.spent(at) {
		return MatchLocked
	}
	if hmac.Equal([]byte(hash), []byte(s.Hash)) {
		s.Tries = 0
		return MatchRight
	}
	s.DayTries++
	if s.Tries++; s.Tries >= s.limit() {
		s.Tries, s.LockedUntil = 0, at.Add(codeLock)
	}
	return MatchWrong
}

// spent begins a new day's count, and reports a telephone whose day is used up
// (DEL-1201).
func (s *Secret) spent(at time.Time) bool {
	if today := workday.DateOf(at).String(); s.TriedOn != today {
		s.TriedOn, s.DayTries = today, 0
	}
	return s.Kind == SecretPhone && s.DayTries >= dayTries
}

// limit is how many wrong tries lock a secret.
func (s Secret) limit() int {
	if s.Kind == SecretID {
		return idTries
	}
	return codeTries
}
