package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// MostPieces is how many bags one sending has at most: more codes do not fit one
// text (ICA-103).
const MostPieces = 3

// PieceRequest is one more bag of a sending: what is in it, and its seal.
type PieceRequest struct {
	Items []string // ids
	Bag   string
}

// PieceView is one piece of a sending as pages show it (DEL-402).
type PieceView struct {
	ParcelID string      `json:"parcel_id,omitempty"` // not for the applicant
	Number   string      `json:"number"`
	Piece    int         `json:"piece"`
	State    ParcelState `json:"state"`
	Since    time.Time   `json:"since"`          // of the state
	Here     bool        `json:"here,omitempty"` // at the window, given to no courier

	courier string // id
}

// Several reports whether the parcel is one piece of a sending.
func (p Parcel) Several() bool { return p.Pieces > 1 }

// pieces splits a request into one for each piece, the first with what the
// request itself names. All go to one receiver, one way. Refusals: piece_many,
// piece_bag, piece_doubled.
func (r SealRequest) pieces() ([]SealRequest, error) {
	if len(r.More) >= MostPieces {
		return nil, fault.Refuse(fault.Invalid, "piece_many",
			"一次寄送最多 %d 件，请分两次封装", "one sending has at most %d pieces; seal the rest as a second one", MostPieces)
	}
	out, seen, bags := []SealRequest{r}, map[string]bool{}, map[string]bool{}
	for _, more := range r.More {
		one := r
		one.Items, one.Bag = slices.Clone(more.Items), more.Bag
		out = append(out, one)
	}
	for i := range out {
		out[i].More, out[i].Bag = nil, strings.TrimSpace(out[i].Bag)
		if len(out) > 1 && (out[i].Bag == "" || bags[out[i].Bag] || len(out[i].Items) == 0) {
			return nil, fault.Refuse(fault.Invalid, "piece_bag",
				"分成多件时，每件都要装有物料，并各有自己的封袋编号", "of several pieces each needs something in it and a bag number of its own")
		}
		bags[out[i].Bag] = true
		for _, id := range out[i].Items {
			if len(out) > 1 && seen[id] {
				return nil, fault.Refuse(fault.Invalid, "piece_doubled",
					"同一物料不能装进两件，请核对每件的物料", "one thing cannot be in two pieces; check what is in each")
			}
			seen[id] = true
		}
	}
	return out, nil
}

// sealPieces seals each piece, on the caller's transaction, and gives the first.
// What several need is locked before the first of them is on record: nothing may
// wait for a lock while the log's head is held.
func (d *Desk) sealPieces(ctx context.Context, tx bun.IDB, by, second auth.Actor, r SealRequest) (Parcel, error) {
	requests, err := r.pieces()
	if err != nil {
		return Parcel{}, err
	}
	of, err := sendingOf(ctx, tx, r, len(requests))
	if err != nil {
		return Parcel{}, err
	}
	var out []Parcel
	for _, one := range requests {
		p, err := d.seal(ctx, tx, by, second, one, of)
		if err != nil {
			return Parcel{}, err
		}
		out = append(out, p)
		of.Piece++
	}
	return out[0], d.queueFirstCode(ctx, tx, out)
}

// sendingOf says of which sending a request's first piece is, and which piece:
// what replaces one that came back takes its place (DEL-805).
func sendingOf(ctx context.Context, tx bun.IDB, r SealRequest, pieces int) (Parcel, error) {
	if pieces > 1 {
		if _, err := lockLines(ctx, tx, r.CaseID); err != nil {
			return Parcel{}, err
		}
		_, err := lockItems(ctx, tx, r.allItems())
		return Parcel{SendingID: newID(), Piece: 1, Pieces: pieces}, err
	}
	if r.RedeliveryOf == "" {
		return Parcel{Piece: 1, Pieces: 1}, nil
	}
	old, err := findParcel(ctx, tx, r.RedeliveryOf)
	if err != nil && !fault.Is(err, "not_found") { // which checkRedelivery refuses
		return Parcel{}, err
	}
	return Parcel{SendingID: old.SendingID, Piece: max(1, old.Piece), Pieces: max(1, old.Pieces)}, nil
}

func (r SealRequest) allItems() []string {
	out := slices.Clone(r.Items)
	for _, more := range r.More {
		out = append(out, more.Items...)
	}
	return out
}

// OthersHere are the ids of the other pieces of a parcel's sending that lie
// sealed at the window and that no courier has, on the caller's transaction.
func OthersHere(ctx context.Context, tx bun.IDB, parcelID string) (ids []string, err error) {
	p, err := findParcel(ctx, tx, parcelID)
	if err != nil || !p.Several() {
		return nil, err
	}
	all, err := parcelsOfSending(ctx, tx, p.SendingID)
	for _, one := range all {
		if one.ID != p.ID && one.here() {
			ids = append(ids, one.ID)
		}
	}
	return ids, err
}

// advance orders the states of a sending's pieces by how far each is from its
// receiver, the farthest first: what is in trouble before what moves, what moves
// before what has ended, and delivered last.
var advance = []ParcelState{
	ParcelDrafted, ParcelSealed, ParcelLost, ParcelDamaged, ParcelOnHold, ParcelReturning, ParcelHandedOver, ParcelAttemptFailed,
	ParcelRescheduled, ParcelOut, ParcelArrived, ParcelUnverified, ParcelWrittenOff, ParcelCancelled, ParcelReturned, ParcelCollected, ParcelDelivered,
}

// LeastAdvanced is the state of a sending: that of the piece that is farthest
// from its receiver, so it is delivered when all are (DEL-402). The order of the
// states plays no part. None: drafted.
func LeastAdvanced(states ...ParcelState) ParcelState {
	if len(states) == 0 {
		return ParcelDrafted
	}
	return slices.MinFunc(states, func(a, b ParcelState) int { return cmp.Compare(slices.Index(advance, a), slices.Index(advance, b)) })
}

// piecesFor are the pieces that somebody sees: a courier those that are the
// courier's own (DEL-108).
func piecesFor(by auth.Actor, all []PieceView) []PieceView {
	if !by.Is(auth.Courier) {
		return all
	}
	return slices.DeleteFunc(all, func(v PieceView) bool { return v.courier != by.ID })
}

// here reports whether a sealed parcel lies at the window and no courier is to
// have it.
func (p Parcel) here() bool { return p.State == ParcelSealed && p.CourierID == "" }

// OthersHere is how many other pieces of the sending lie at the window.
func (v ParcelView) OthersHere() (n int) {
	for _, one := range v.Sending {
		if one.Here && one.ParcelID != v.ID {
			n++
		}
	}
	return n
}

// piecesOf gives the pieces of a parcel's sending and the state of the whole,
// nothing for a parcel that goes alone. Of a piece that was sent again the last
// parcel counts.
func piecesOf(ctx context.Context, q bun.IDB, p Parcel) (out []PieceView, whole ParcelState, err error) {
	if !p.Several() {
		return nil, "", nil
	}
	all, err := parcelsOfSending(ctx, q, p.SendingID)
	var states []ParcelState
	for n, one := range all {
		if n+1 < len(all) && all[n+1].Piece == one.Piece {
			continue
		}
		out = append(out, PieceView{ParcelID: one.ID, Number: one.Number, Piece: one.Piece, State: one.State, Since: one.Since, Here: one.here(), courier: one.CourierID})
		states = append(states, one.State)
	}
	return out, LeastAdvanced(states...), err
}

// nth is which piece of how many a parcel is, "1/2"; empty for one that goes
// alone.
func (p Parcel) nth() string {
	if !p.Several() {
		return ""
	}
	return fmt.Sprintf("%d/%d", p.Piece, p.Pieces)
}
