package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
)

// Refusal is a record of a courier that was not accepted (DEL-506). Its body is
// kept for the window without what is secret in it.
type Refusal struct {
	bun.BaseModel `bun:"table:parcel_event_refusals" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	EventID    string    `json:"event_id,omitempty"`
	Actor      string    `json:"actor"` // who sent it
	CentreID   string    `json:"centre_id"`
	Code       string    `json:"code"` // why, as in docs/errors.md
	Body       string    `json:"body"`
	ReceivedAt time.Time `json:"received_at"`
}

// RefusalsKept is how long a refused record is kept (DEL-506).
const RefusalsKept = 90 * 24 * time.Hour

// RefusalQuery narrows ListRefusals. Before goes on from one; Limit is at most
// 200, 0 means 50.
type RefusalQuery struct {
	Before time.Time
	Limit  int
}

// ListRefusals gives the refused records of the couriers of the actor's centre,
// to auditors those of all, newest first. Refusal: not_receiving_window.
func (d *Desk) ListRefusals(ctx context.Context, by auth.Actor, query RefusalQuery) (out []Refusal, err error) {
	if by.Kind != auth.KindSystem && !by.Is(auth.Auditor) {
		if err := mayReceive(by, by.Centre); err != nil {
			return nil, err
		}
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listRefusals(ctx, q, by, query)
		return err
	})
	return out, err
}

// ForgetRefusals drops the refused records that have had their 90 days.
func (d *Desk) ForgetRefusals(ctx context.Context) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error { return deleteRefusals(ctx, tx, d.now().Add(-RefusalsKept)) })
}
