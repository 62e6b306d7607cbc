// Package delivery is the second half of Lianban: results go out to the
// applicant under the same-city one-day promise, materials go round between
// window and departments, and each thing has one history.
//
// Nouns: an Item (物料) is one physical thing or one file. A ResultLine says
// that a department owes a Case one result; a case may be sent out when its set
// is complete. Custody (保管) is who answers for an Item; it passes by a
// Transfer (移交) that both sides acknowledge. A Parcel (邮件) takes Items to a
// receiver; what happens to it is a set of courier events whose fold is its
// state. The Promise (一日送达承诺) is its clock, Proof (妥投凭证) what shows that
// it arrived in the right hands.
//
// People at desks move guarded rows; couriers act offline, so their events are
// never refused for time or order, and nothing of them is deleted.
//
// plan 三(一) (one window hands everything out), 三(二) (同城一日送达, paper
// circulation), 三(三)3-五 (originals, copies, vouchers); rules DEL-101…1601.
package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
)

// Desk carries the acts of the delivery half. Build it with a struct literal
// and call Check once at start.
type Desk struct {
	DB  *db.DB
	Now func() time.Time // the trusted clock

	// Auth checks the second person of a two-person act.
	Auth *auth.Desk

	// Key keys the hashes of codes and last fours (DEL-610, 620); 32 bytes.
	Key []byte

	// Files is where photos and signatures are kept, by their content (STK-79).
	Files string

	// Out learns, on the transaction of the act, that a parcel of a case was
	// collected at the window; it gives the leaves of what that ends (STY-3).
	Out func(ctx context.Context, tx bun.IDB, by auth.Actor, caseID string) ([]audit.Leaf, error)

	// Kuaidi100 is the account with 快递100; nil: the house posts nothing.
	Kuaidi100 *Kuaidi100Account

	// Signature stands in front of every text, without brackets.
	Signature string

	// Site is the public address that links begin with, MailFrom where mail to
	// applicants comes from (DEL-241).
	Site, MailFrom string
}

// Check reports what the wiring forgot.
func (d *Desk) Check() error {
	switch {
	case d.DB == nil:
		return errors.New("delivery: no database")
	case d.Now == nil:
		return errors.New("delivery: no clock")
	case d.Auth == nil:
		return errors.New("delivery: no auth desk")
	case len(d.Key) != 32:
		return errors.New("delivery: the key for codes has not 32 bytes")
	case d.Out == nil:
		return errors.New("delivery: nobody hears that a case is out")
	case d.Files == "":
		return errors.New("delivery: no directory for proofs")
	}
	return nil
}

// now is UTC in milliseconds.
func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Millisecond) }

// still is the desk at one instant: every row, leaf and message of an act
// carries the same one (STY-36).
func (d *Desk) still() *Desk {
	now, act := d.now(), *d
	act.Now = func() time.Time { return now }
	return &act
}

// newID makes an id that sorts by time of making.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Stream is the evidence stream of a case's papers and parcels.
func Stream(caseID string) string { return "case/" + caseID + "/delivery" }

// KeeperKind says who holds an Item (DEL-902).
type KeeperKind string

// Kinds of keeper, each with an id: a centre, a department, a courier, a
// parcel's receiver. What was destroyed keeps its row.
const (
	AtWindow     KeeperKind = "window"
	AtDepartment KeeperKind = "department"
	AtCourier    KeeperKind = "courier"
	AtReceiver   KeeperKind = "receiver"
	Destroyed    KeeperKind = "destroyed"
)

// Keeper answers for an Item.
type Keeper struct {
	Kind KeeperKind `json:"kind"`
	ID   string     `json:"id"`
}

// Item is one physical thing or one file (DEL-202). Its keeper answers for it;
// while a transfer is open that is still the side that gave it away (DEL-910).
type Item struct {
	bun.BaseModel `bun:"table:items" json:"-"`

	ID            string     `bun:"id,pk" json:"id"`
	Number        string     `json:"number"` // own number with check character (DEL-1101)
	CaseID        string     `json:"case_id"`
	LineID        string     `json:"line_id,omitempty"`
	Class         Class      `json:"class"`
	Title         string     `json:"title"`
	Seal          SealFacts  `bun:"type:jsonb" json:"seal,omitzero"`
	DepartmentID  string     `json:"department_id"` // who issued it
	CustodianKind KeeperKind `json:"custodian_kind"`
	Custodian     string     `json:"custodian"`
	Place         string     `json:"place,omitempty"` // shelf
	TransferID    string     `json:"transfer_id,omitempty"`
	ParcelID      string     `json:"parcel_id,omitempty"`
	BagID         string     `json:"bag_id,omitempty"`
	RegisteredAt  time.Time  `json:"registered_at"`
	RegisteredBy  string     `json:"registered_by"`
	Version       int        `json:"version"`
}

// SealFacts are what the register keeps of a seal (DEL-202).
type SealFacts struct {
	Kind   string `json:"kind,omitempty"`
	Code   string `json:"code,omitempty"`   // 13 digits
	Filing string `json:"filing,omitempty"` // number of the filing record 备案
	Bag    string `json:"bag,omitempty"`    // number of the sealed bag
}

// CustodyEvent is one step of an Item's history, append-only.
type CustodyEvent struct {
	bun.BaseModel `bun:"table:custody_events" json:"-"`

	ID         string      `bun:"id,pk" json:"id"`
	ItemID     string      `json:"item_id"`
	Kind       CustodyKind `json:"kind"`
	FromKind   KeeperKind  `json:"from_kind,omitempty"`
	FromID     string      `json:"from_id,omitempty"`
	ToKind     KeeperKind  `json:"to_kind"`
	ToID       string      `json:"to_id"`
	TransferID string      `json:"transfer_id,omitempty"`
	ParcelID   string      `json:"parcel_id,omitempty"`
	BagID      string      `json:"bag_id,omitempty"`
	Note       string      `json:"note,omitempty"`
	Actor      string      `json:"actor"`
	At         time.Time   `json:"at"`
}
