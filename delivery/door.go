package delivery

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// DoorTry is what a receiver shows at the door.
type DoorTry struct {
	ParcelID string
	Code     string // empty: none was shown
	IDLast4  string
}

// DoorAnswer is what a try comes to; empty where nothing was shown.
type DoorAnswer struct {
	Code Match `json:"code,omitempty"`
	ID   Match `json:"id_last4,omitempty"`
}

// TryAtDoor compares code and last four while the courier still stands at the
// door, before the hand-over is reported: a mistyped one can be typed again,
// five and three times in all (DEL-611, DEL-620). A hand-over that is reported
// later has happened whatever its code is, and Ingest takes it unverified. The third
// wrong document ends the attempt (DEL-620). Refusals: not_found, not_a_courier,
// door_code_wrong, door_id_wrong, door_id_failed, door_locked, door_id_locked.
func (d *Desk) TryAtDoor(ctx context.Context, by auth.Actor, t DoorTry) (out DoorAnswer, err error) {
	d = d.still()
	var refusal error
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		p, err := lockParcel(ctx, tx, t.ParcelID)
		if err == nil && !mayReadParcel(by, p) {
			err = notFound()
		}
		if err == nil && !by.Is(auth.Courier) {
			err = notACourier()
		}
		if err != nil || p.State.Terminal() || p.State == ParcelUnverified { // nothing is handed over any more
			return err
		}
		if out, refusal, err = d.tryAtDoor(ctx, tx, t); err != nil || refusal == nil {
			return err
		}
		if fault.Is(refusal, "door_id_failed") {
			if err := d.failByID(ctx, tx, by, &p); err != nil {
				return err
			}
		}
		// The wrong try stays, although the answer is a refusal.
		return audit.Record(ctx, tx, d.parcelLeaf("parcel_door_try", p, by, map[string]any{"code": string(out.Code), "id_last4": string(out.ID)}))
	})
	if err != nil {
		return DoorAnswer{}, err
	}
	return out, refusal
}

// failByID ends the attempt under way: whose document does not match three times is
// not who it is for (DEL-620).
func (d *Desk) failByID(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel) error {
	if p.State != ParcelOut && p.State != ParcelArrived {
		return nil
	}
	f, err := readFolding(ctx, tx, []Parcel{*p})
	if err != nil {
		return err
	}
	e, err := d.deskEvent(by, p, EventFailed, Facts{Outcome: IDMismatch, Reason: "证件号后四位连续三次不符"})
	if err != nil {
		return err
	}
	if tries := f.fold(*p).Attempts; len(tries) > 0 && tries[len(tries)-1].Ended.IsZero() {
		e.AttemptID = tries[len(tries)-1].AttemptID
	}
	return d.append(ctx, tx, by, p, e)
}

func (d *Desk) tryAtDoor(ctx context.Context, tx bun.IDB, t DoorTry) (out DoorAnswer, refusal, err error) {
	left := 0
	if t.Code != "" {
		if out.Code, left, err = d.tryLeft(ctx, tx, t.ParcelID, SecretCode, t.Code); err != nil {
			return out, nil, err
		}
		if refusal = doorRefusal(out.Code, doorCodeWrong(left), doorLocked()); refusal != nil {
			return out, refusal, nil
		}
	}
	if t.IDLast4 != "" {
		if out.ID, left, err = d.tryLeft(ctx, tx, t.ParcelID, SecretID, t.IDLast4); err != nil {
			return out, nil, err
		}
		refusal = doorRefusal(out.ID, doorIDWrong(left), doorIDLocked())
	}
	return out, refusal, nil
}

// tryLeft compares once and says how many wrong tries are left before the lock.
func (d *Desk) tryLeft(ctx context.Context, tx bun.IDB, parcelID string, kind SecretKind, value string) (m Match, left int, err error) {
	s, ok, err := lockSecret(ctx, tx, parcelID, kind)
	if err != nil || !ok {
		return MatchNone, 0, err
	}
	m = s.try(d.hide(parcelID, kind, value), d.now())
	if !d.now().Before(s.LockedUntil) {
		left = s.limit() - s.Tries
	}
	return m, left, updateSecret(ctx, tx, &s)
}

// doorRefusal is the refusal of a try, nil where it is right or there is nothing
// to compare with.
func doorRefusal(m Match, wrong, locked *fault.Error) error {
	switch m {
	case MatchWrong:
		return wrong
	case MatchLocked:
		return locked
	}
	return nil
}

func doorLocked() *fault.Error {
	return fault.Refuse(fault.Conflict, "door_locked",
		"输错次数过多，15 分钟内不再核对。请收件人出示证件，改填证件号后四位并请其签名；办不到的，登记投递失败或致电窗口",
		"too many wrong tries; nothing is compared for 15 minutes. Ask for the document and take last four and signature instead, report a failed attempt, or call the window")
}

func doorCodeWrong(left int) *fault.Error {
	if left <= 0 {
		return doorLocked()
	}
	return fault.Refuse(fault.Invalid, "door_code_wrong",
		"收货码不对，请收件人再看一遍短信，重新输入（还可试 %d 次）", "the code is wrong; let the receiver look at the text again and type it anew (%d tries left)", left)
}

func doorIDLocked() *fault.Error {
	return fault.Refuse(fault.Conflict, "door_id_locked",
		"证件号后四位已连续三次不符，15 分钟内不再核对。请不要交付，带回邮件并致电窗口；登记的证件有误的，由窗口核实",
		"the last four did not match three times; nothing is compared for 15 minutes. Do not hand the parcel over, keep it and call the window, which looks into a document that was recorded wrongly")
}

func doorIDWrong(left int) *fault.Error {
	if left <= 0 {
		return fault.Refuse(fault.Conflict, "door_id_failed",
			"证件号后四位连续三次不符，本次投递已登记为“证件核对不符”。请不要交付，带回邮件；可与收件人改约，或退回窗口",
			"the last four did not match three times, and the attempt is recorded as failed: the ID does not match. Do not hand the parcel over; agree another time with the receiver or bring it back to the window")
	}
	return fault.Refuse(fault.Invalid, "door_id_wrong",
		"证件号后四位与登记的不符，请对照证件重新输入（还可试 %d 次）", "the last four do not match; look at the document and type them anew (%d tries left)", left)
}
