package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// PauseRow is a pause as the window recorded it, with what it rests on (DEL-720).
type PauseRow struct {
	bun.BaseModel `bun:"table:promise_pauses" json:"-"`

	ID         string      `bun:"id,pk" json:"id"`
	ParcelID   string      `json:"parcel_id"`
	Reason     PauseReason `json:"reason"`
	From       time.Time   `bun:"from_at" json:"from"`
	To         time.Time   `bun:"to_at,nullzero" json:"to,omitzero"` // zero: open
	EventID    string      `json:"event_id,omitempty"`               // of the attempt that it follows from
	GivenBy    string      `json:"given_by,omitempty"`               // who asked
	Channel    string      `json:"channel,omitempty"`                // window or phone
	Evidence   string      `json:"evidence"`
	RecordedAt time.Time   `json:"recorded_at"`
	RecordedBy string      `json:"recorded_by"`
	EndedAt    time.Time   `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy    string      `json:"ended_by,omitempty"`
	EndNote    string      `json:"end_note,omitempty"`
	ReviewAt   time.Time   `bun:",nullzero" json:"review_at,omitzero"` // an open one is looked at again from here on (DEL-722)
	ReviewedBy string      `json:"reviewed_by,omitempty"`
	ReviewNote string      `json:"review_note,omitempty"`
}

// PauseRequest asks for the clock of a parcel to stand still.
type PauseRequest struct {
	ParcelID string
	Reason   PauseReason
	GivenBy  string    // applicant_asked: who asked
	Channel  string    // applicant_asked: window or phone
	Slot     time.Time // applicant_asked: begin of the time that was agreed
	Evidence string    // force_majeure: the notice or warning; else a note
}

// Bounds of pauses.
const (
	pauseSlot   = 30 * 24 * time.Hour // how far away an agreed time may be; it stays on the shelf no longer
	pauseReview = 5                   // working days (DEL-722)
)

// pausable are the states in which a pause can begin: the parcel is to be
// delivered and was not yet.
var pausable = []ParcelState{
	ParcelSealed, ParcelHandedOver, ParcelOut, ParcelArrived, ParcelAttemptFailed, ParcelRescheduled, ParcelOnHold,
}

// Pausable reports whether the clock of the parcel may be made to stand still.
func (p Parcel) Pausable() bool { return slices.Contains(pausable, p.State) }

// Pause lets the clock of a promise stand still for one of the four reasons, with
// its evidence (DEL §7.3). The window records it, a supervisor for force majeure;
// a courier cannot, and what is our or the carrier's fault never does (DEL-720).
// The applicant is told. Refusals: not_found, not_receiving_window, parcel_state,
// promise_none, pause_late, pause_open, pause_reason, pause_asked, pause_slot,
// pause_attempts, pause_refusal, pause_notice, not_supervisor, text_invalid.
func (d *Desk) Pause(ctx context.Context, by auth.Actor, r PauseRequest) (Parcel, error) {
	d = d.still()
	r.GivenBy, r.Evidence = strings.TrimSpace(r.GivenBy), strings.TrimSpace(r.Evidence)
	return d.onParcel(ctx, by, r.ParcelID, func(tx bun.IDB, p *Parcel) error {
		if err := office.CheckText("evidence", r.Evidence, reasonLength); err != nil {
			return err
		}
		if err := office.CheckLines(line("given_by", r.GivenBy)); err != nil {
			return err
		}
		if err := p.wantState(pausable...); err != nil {
			return err
		}
		f, err := readFolding(ctx, tx, []Parcel{*p})
		if err != nil {
			return err
		}
		row, err := d.newPause(by, *p, f, r)
		if err != nil {
			return err
		}
		return d.paused(ctx, tx, by, p, row)
	})
}

// newPause decides whether the clock may stand still, and from when to when.
func (d *Desk) newPause(by auth.Actor, p Parcel, f folding, r PauseRequest) (PauseRow, error) {
	if p.Promise.Due.IsZero() {
		return PauseRow{}, fault.Refuse(fault.Conflict, "promise_none",
			"这件邮件没有一日送达承诺，不用暂停", "this parcel has no one-day promise; there is nothing to pause")
	}
	if slices.ContainsFunc(f.pauses[p.ID], func(o PauseRow) bool { return o.To.IsZero() }) {
		return PauseRow{}, fault.Refuse(fault.Conflict, "pause_open",
			"已有一次暂停没有结束，请先结束它再登记新的", "one pause is still open; end it before recording another")
	}
	row := PauseRow{
		ID: newID(), ParcelID: p.ID, Reason: r.Reason, From: d.now(), Evidence: r.Evidence, RecordedAt: d.now(), RecordedBy: by.String(),
	}
	var err error
	switch r.Reason {
	case PauseApplicantAsked:
		row.GivenBy, row.Channel, row.To, err = r.GivenBy, r.Channel, r.Slot.UTC().Truncate(time.Millisecond), r.checkAsked(by, d.now())
	case PauseUnreachable:
		row.EventID, row.From, err = f.unreached(p)
	case PauseRefused:
		row.EventID, row.From, err = f.refused(p)
	case PauseForceMajeure:
		err = r.checkMajeure(by)
	default:
		err = fault.Refuse(fault.Invalid, "pause_reason",
			"请选择暂停的原因；派送延误、分拣错误等我方原因不能暂停", "choose why the clock stands still; delays of ours or of the carrier never stop it")
	}
	if err == nil && (p.DueAt.IsZero() || !row.From.Before(p.DueAt)) {
		err = fault.Refuse(fault.Conflict, "pause_late",
			"送达时限已过，再暂停也不改变结果；请直接与申请人联系", "the due moment has passed and a pause changes nothing; get in touch with the applicant")
	}
	return row, err
}

func (r PauseRequest) checkAsked(by auth.Actor, now time.Time) error {
	if r.GivenBy == "" || !heardBy(by, r.Channel) {
		return fault.Refuse(fault.Invalid, "pause_asked",
			"请写明是谁、用什么方式（窗口或电话）要求改时间", "say who asked for another time and how (window, phone)")
	}
	if !r.Slot.After(now) || r.Slot.After(now.Add(pauseSlot)) {
		return fault.Refuse(fault.Invalid, "pause_slot",
			"请填写与申请人约定的开始时间，在现在之后、30 天以内；更久的请收回后改为窗口自取", "give the begin of the agreed time, after now and within 30 days; for longer take the parcel back for pick-up")
	}
	return nil
}

func (r PauseRequest) checkMajeure(by auth.Actor) error {
	if !by.Is(auth.Supervisor) {
		return notSupervisor()
	}
	if r.Evidence == "" {
		return fault.Refuse(fault.Invalid, "pause_notice",
			"不可抗力请写明依据的通告或预警，如“市气象台 11 月 24 日暴雪红色预警”", "for force majeure cite the notice or warning that it rests on")
	}
	return nil
}

// nobodyThere are the outcomes of an attempt that found nobody.
var nobodyThere = []Outcome{NotHome, NoAnswer, PhoneWrong, PersonAbsent}

// unreached gives the second of two attempts that found nobody, at least two
// hours apart, each with a record of the call (DEL §7.3, DEL-803).
func (f folding) unreached(p Parcel) (event string, from time.Time, err error) {
	g := f.fold(p)
	var first time.Time
	for _, a := range g.Attempts {
		e, _ := f.event(p, a.EndEvent)
		if a.Fault != FaultApplicant || !slices.Contains(nobodyThere, a.Outcome) || e.facts().CallNote == "" || f.spoken(p, a) {
			continue
		}
		if !first.IsZero() && a.Ended.Sub(first) >= attemptGap {
			return a.EndEvent, a.Ended, nil
		}
		if first.IsZero() {
			first = a.Ended
		}
	}
	return "", from, fault.Refuse(fault.Invalid, "pause_attempts",
		"联系不上收件人，须有两次投递记录，相隔 2 小时以上，每次都有通话记录；请补一次投递，或请派送员补记通话", "nobody reached needs two attempts at least two hours apart, each with a record of the call; try again, or have the call recorded")
}

// spoken reports an attempt from before the applicant was spoken to: its pause
// has ended, and it is no ground for another.
func (f folding) spoken(p Parcel, a AttemptRecord) bool {
	return slices.ContainsFunc(f.pauses[p.ID], func(o PauseRow) bool { return o.EventID != "" && !a.Ended.After(o.To) })
}

// refused gives the refusal of the receiver, with its reason and a photo or a
// note of the call (DEL-410).
func (f folding) refused(p Parcel) (event string, from time.Time, err error) {
	for _, a := range slices.Backward(f.fold(p).Attempts) {
		e, _ := f.event(p, a.EndEvent)
		if a.Outcome == Refused && a.Fault == FaultApplicant && CheckFailure(Refused, a.Note, e.facts().CallNote, len(e.Proofs)) == nil && !f.spoken(p, a) {
			return a.EndEvent, a.Ended, nil
		}
	}
	return "", from, fault.Refuse(fault.Invalid, "pause_refusal",
		"没有写明理由并附照片或通话记录的拒收记录；请派送员补齐后再登记", "there is no refusal on record with its reason and a photo or a note of the call; have the courier add it first")
}

// paused writes the pause, what it changes, and the applicant's text.
func (d *Desk) paused(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, row PauseRow) error {
	if row.To.IsZero() {
		var err error
		if row.ReviewAt, err = d.reviewFrom(ctx, tx, *p); err != nil {
			return err
		}
	}
	before := p.DueAt
	if err := insertPause(ctx, tx, &row); err != nil {
		return err
	}
	p.Pauses++
	if _, err := d.refold(ctx, tx, by, []*Parcel{p}); err != nil {
		return err
	}
	return d.tellPause(ctx, tx, by, "promise_paused", *p, row, before)
}

// reviewFrom is the morning on which an open pause is looked at again (DEL-722).
func (d *Desk) reviewFrom(ctx context.Context, tx bun.IDB, p Parcel) (time.Time, error) {
	cal, err := office.CalendarOf(ctx, tx, p.CentreID, d.now())
	if err != nil {
		return time.Time{}, err
	}
	day, err := cal.Add(workday.DateOf(d.now()), pauseReview)
	return p.Promise.Terms.Hall.Opens(day), err
}

// EndPause lets the clock of a parcel go on: the receiver was reached, a new time
// agreed, the force majeure lifted (DEL §7.3). An agreed time that is still to
// come ends now as well. The note says what was agreed, and with whom. Refusals:
// not_found, not_receiving_window, not_supervisor, pause_over, reason_missing,
// text_invalid.
func (d *Desk) EndPause(ctx context.Context, by auth.Actor, parcelID, pauseID, note string) (Parcel, error) {
	d = d.still()
	majeure := func(row PauseRow) bool { return row.Reason == PauseForceMajeure }
	return d.onPause(ctx, by, pauseAct{parcelID, pauseID, note, majeure}, func(tx bun.IDB, p *Parcel, row PauseRow) error {
		before := p.DueAt
		row.To, row.EndedAt, row.EndedBy, row.EndNote, row.ReviewAt = d.now(), d.now(), by.String(), note, time.Time{}
		if err := updatePause(ctx, tx, &row); err != nil {
			return err
		}
		if _, err := d.refold(ctx, tx, by, []*Parcel{p}); err != nil {
			return err
		}
		return d.tellPause(ctx, tx, by, "promise_resumed", *p, row, before)
	})
}

// ReviewPause lets a supervisor keep a pause open for another five working days,
// and say why (DEL-722). Refusals: as EndPause.
func (d *Desk) ReviewPause(ctx context.Context, by auth.Actor, parcelID, pauseID, note string) (Parcel, error) {
	d = d.still()
	always := func(PauseRow) bool { return true }
	return d.onPause(ctx, by, pauseAct{parcelID, pauseID, note, always}, func(tx bun.IDB, p *Parcel, row PauseRow) (err error) {
		if row.ReviewAt, err = d.reviewFrom(ctx, tx, *p); err != nil {
			return err
		}
		row.ReviewedBy, row.ReviewNote = by.String(), note
		if err := updatePause(ctx, tx, &row); err != nil {
			return err
		}
		return d.pauseLeaf(ctx, tx, by, "promise_pause_reviewed", *p, row, p.DueAt)
	})
}

// pauseAct names a pause, what is said of it, and when a supervisor alone may.
type pauseAct struct {
	parcelID, pauseID, note string
	supervised              func(PauseRow) bool
}

// onPause runs an act on a pause that has not ended.
func (d *Desk) onPause(ctx context.Context, by auth.Actor, a pauseAct, act func(tx bun.IDB, p *Parcel, row PauseRow) error) (Parcel, error) {
	return d.onParcel(ctx, by, a.parcelID, func(tx bun.IDB, p *Parcel) error {
		if err := checkReason("note", a.note); err != nil {
			return err
		}
		rows, err := pausesOf(ctx, tx, []string{p.ID})
		if err != nil {
			return err
		}
		n := slices.IndexFunc(rows[p.ID], func(o PauseRow) bool { return o.ID == a.pauseID })
		if n < 0 {
			return notFound()
		}
		row := rows[p.ID][n]
		if a.supervised(row) && !by.Is(auth.Supervisor) {
			return notSupervisor()
		}
		if p.State.Terminal() || !row.To.IsZero() && !row.To.After(d.now()) {
			return fault.Refuse(fault.Conflict, "pause_over",
				"这次暂停已经结束，请刷新页面核对", "this pause is over; reload and compare")
		}
		return act(tx, p, row)
	})
}

// tellPause tells the applicant what a pause changes, and records its leaf as the
// last step.
func (d *Desk) tellPause(ctx context.Context, tx bun.IDB, by auth.Actor, what string, p Parcel, row PauseRow, before time.Time) error {
	purpose := notify.PurposePaused
	if what == "promise_resumed" {
		purpose = notify.PurposeResumed
	}
	text, err := d.text(p, purpose, p.ID+"/pause", row.ID, messageFacts{Parcel: p.ID, Pause: row.Reason})
	if err != nil {
		return err
	}
	if err := notify.Queue(ctx, tx, d.now(), text); err != nil {
		return err
	}
	return d.pauseLeaf(ctx, tx, by, what, p, row, before)
}

// pauseLeaf records who let the clock stand still and what that did to the due
// moment; the evidence in words stays in the row.
func (d *Desk) pauseLeaf(ctx context.Context, tx bun.IDB, by auth.Actor, what string, p Parcel, row PauseRow, before time.Time) error {
	fields := map[string]any{"pause": row.ID, "reason": string(row.Reason), "from": audit.Instant(row.From), "event": row.EventID}
	for name, at := range map[string]time.Time{"to": row.To, "due_before": before, "due": p.DueAt} {
		if !at.IsZero() {
			fields[name] = audit.Instant(at)
		}
	}
	return audit.Record(ctx, tx, d.parcelLeaf(what, p, by, fields))
}

// pausesAt are the pauses as the result counts them: one that is open ends with
// the parcel, because whoever takes it was reached.
func (f folding) pausesAt(p Parcel, g Folded) (out []Pause) {
	for _, row := range f.pauses[p.ID] {
		one := Pause{Reason: row.Reason, From: row.From, To: row.To, By: row.RecordedBy, Evidence: row.Evidence}
		if one.To.IsZero() && (g.State.Terminal() || g.State == ParcelUnverified) {
			one.To = laterTime(one.From, g.Since)
		}
		out = append(out, one)
	}
	return out
}
