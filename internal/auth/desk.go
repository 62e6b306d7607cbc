package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
)

// Desk carries the acts on accounts, sessions, keys and links.
type Desk struct {
	DB  *db.DB
	Now func() time.Time

	// LinkLocked raises the hold and the window's task when the fifth wrong code
	// locks a link, on the same transaction (SEC-11).
	LinkLocked func(ctx context.Context, tx bun.IDB, l Link, now time.Time) error

	// Hash is the work of one password hash; zero means the strict default.
	// Only tests and the demo, which makes a hundred accounts, take less.
	Hash Argon2

	// Endless keeps sessions and passwords from running out. Only for the demo,
	// whose clock is moved forward by hand (DEC-9).
	Endless bool

	hashing gate
}

// Check reports the first missing field; cmd calls it once at start.
func (d *Desk) Check() error {
	switch {
	case d.DB == nil:
		return errors.New("auth.Desk: DB is missing")
	case d.Now == nil:
		return errors.New("auth.Desk: Now is missing")
	case d.LinkLocked == nil:
		return errors.New("auth.Desk: LinkLocked is missing")
	}
	return nil
}

// now gives the instant of an act as rows store it.
func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Millisecond) }

// Purge removes what has no more use: sessions at their end, links a week after
// theirs (until then they say that they expired), failures a day old (SEC-31).
// It is the run of a nightly sweep.
func (d *Desk) Purge(ctx context.Context) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		if !d.Endless {
			if err := purgeSessions(ctx, tx, now); err != nil {
				return err
			}
		}
		return purge(ctx, tx, now)
	})
}

// newID makes an id that cannot be guessed, 80 bits.
func newID() string { return strings.ToLower(rand.Text()[:16]) }

// newToken makes a bearer secret of 256 bits in hex.
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b)
}

// digest is what is stored of a random secret. It needs no salt and no work:
// nobody guesses 128 bits.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// record writes the act's leaf, the last step of its transaction.
func record(ctx context.Context, tx bun.IDB, what, by string, at time.Time, fields map[string]any) error {
	return audit.Record(ctx, tx, audit.Leaf{Type: what, Stream: "system", Actor: by, At: at, Fields: fields})
}
