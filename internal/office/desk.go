package office

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
)

// Desk carries the acts on the organisation. The actor of each act is the
// string that goes into the leaf ("person:…", auth.Actor.String); whether that
// actor may is decided by auth.MayKeepOffice and its neighbours at the edge.
type Desk struct {
	DB  *db.DB
	Now func() time.Time

	// TellOld queues the message to the addresses a department had before a
	// change, on the act's transaction (INS-711, SEC-5).
	TellOld func(ctx context.Context, tx bun.IDB, c AddressChange) error
	// InUse reports whether the department has an open Round (INS-711).
	InUse func(ctx context.Context, tx bun.IDB, department string) (bool, error)
	// DayOff is told that some day has become off, by a calendar or a closure, so
	// that visits booked on it are looked at (INS-410).
	DayOff func(ctx context.Context, tx bun.IDB) error
}

// Check reports the first missing field; cmd calls it once at start.
func (d *Desk) Check() error {
	switch {
	case d.DB == nil:
		return errors.New("office.Desk: DB is missing")
	case d.Now == nil:
		return errors.New("office.Desk: Now is missing")
	case d.TellOld == nil:
		return errors.New("office.Desk: TellOld is missing")
	case d.InUse == nil:
		return errors.New("office.Desk: InUse is missing")
	case d.DayOff == nil:
		return errors.New("office.Desk: DayOff is missing")
	}
	return nil
}

// now gives the instant of an act as rows store it.
func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Millisecond) }
