package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// UndoWithin is how long a courier may take back what they reported, from its
// arrival here on. Later the window corrects it (DEL-529).
const UndoWithin = time.Minute

// tapped are the acts of a courier's page that an undo takes back whole: all
// that follows from them is folded from the events.
var tapped = []EventType{EventStarted, EventArrived, EventDelivered, EventFailed, EventRescheduled, EventReturning}

// Undo takes back the record that brought a parcel to where it is, by the courier
// who made it with a wrong tap: a correction, so nothing is deleted (DEL-526,
// DEL-529). Refusals: not_found, not_a_courier, event_not_meant, undo_late.
func (d *Desk) Undo(ctx context.Context, by auth.Actor, parcelID, eventID string) (out Parcel, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if out, err = lockParcel(ctx, tx, parcelID); err != nil {
			return err
		}
		if !mayReadParcel(by, out) {
			return notFound()
		}
		if !by.Is(auth.Courier) {
			return notACourier()
		}
		f, err := readFolding(ctx, tx, []Parcel{out})
		if err != nil {
			return err
		}
		e, ok := f.event(out, f.fold(out).EventID)
		if !ok || e.ID != eventID || !e.tappedBy(by) {
			return meant(false)
		}
		if d.now().After(e.undoUntil()) {
			return undoLate(ctx, tx, out.CentreID)
		}
		facts := Facts{Refers: e.ID, Error: DidNotOccur, Reason: "派送员误点，当即撤销"}
		return d.happened(ctx, tx, by, &out, EventErrorDeclared, facts, map[string]any{"event": e.ID, "about": string(e.Type)})
	})
	return out, err
}

func undoLate(ctx context.Context, q bun.IDB, centreID string) error {
	centre, err := office.FindCentre(ctx, q, centreID)
	if err != nil {
		return err
	}
	return fault.Refuse(fault.Conflict, "undo_late",
		"登记已超过 60 秒，不能自己撤销；请打电话给窗口更正：%[1]s", "this was reported more than 60 seconds ago; telephone the window, which corrects it: %[1]s", centre.Phone)
}

func (e EventRow) tappedBy(by auth.Actor) bool {
	return e.CourierID == by.ID && slices.Contains(tapped, e.Type)
}

func (e EventRow) undoUntil() time.Time { return e.ReceivedAt.Add(UndoWithin) }
