package delivery

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// Verification is how the window made sure of a hand-over whose proof is not
// complete: it called the telephone that was confirmed, and asked two things that
// only who has the parcel can answer (DEL-612, DEL-422).
type Verification struct {
	ParcelID, EventID string
	Reason            string // whom it called, and why that was needed
	Asked             []Question
}

// Question is one thing that the receiver was asked, and the answer.
type Question struct {
	Asked  string `json:"asked"`
	Answer string `json:"answer"`
}

// questions is how many things the receiver is asked (DEL-612).
const questions = 2

// check wants two different questions, each with its answer.
func (v Verification) check() error {
	if len(v.Asked) != questions || v.Asked[0].Asked == v.Asked[1].Asked || slices.ContainsFunc(v.Asked, Question.open) {
		return fault.Refuse(fault.Invalid, "questions_two",
			"请写明电话里问的两个不同的问题和对方的回答，如“收到几件、是什么”“由谁签收”；答不上来的不要确认，请更正记录",
			"write down two different questions that were asked on the telephone and the answers, such as what arrived and who signed; if there was no answer correct the record instead of confirming")
	}
	for _, q := range v.Asked {
		if err := office.CheckLines(line("asked", q.Asked), line("answer", q.Answer)); err != nil {
			return err
		}
	}
	return nil
}

func (q Question) open() bool { return q.Asked == "" || q.Answer == "" }

// plain drops the spaces around what was written.
func (q Question) plain() Question {
	return Question{strings.TrimSpace(q.Asked), strings.TrimSpace(q.Answer)}
}

// Confirm settles a hand-over whose proof is not complete (DEL-602): the window has
// spoken with the receiver, and what was asked and answered stays with the event.
// Refusals: not_found, not_receiving_window, parcel_state, event_not_meant,
// reason_missing, questions_two, text_invalid.
func (d *Desk) Confirm(ctx context.Context, by auth.Actor, v Verification) (Parcel, error) {
	v.Asked = slices.Clone(v.Asked)
	for n := range v.Asked {
		v.Asked[n] = v.Asked[n].plain()
	}
	facts := Facts{Refers: v.EventID, Reason: v.Reason, Asked: v.Asked}
	return d.about(ctx, by, v.ParcelID, v.EventID, EventProofConfirmed, facts, func(p Parcel, e EventRow) error {
		if err := p.wantState(ParcelUnverified); err != nil {
			return err
		}
		if err := meant(e.Type == EventDelivered); err != nil {
			return err
		}
		return v.check()
	})
}

// Kinds of correction (DEL-526).
const (
	DidNotOccur   = "did_not_occur"
	IncorrectData = "incorrect_data"
)

// Declare says that an event did not occur, or not so. Nothing is deleted; the
// fold leaves it out (DEL-526). Sealing is undone by CancelParcel alone.
// Refusals: as Confirm, and error_kind.
func (d *Desk) Declare(ctx context.Context, by auth.Actor, parcelID, eventID, kind, reason string) (Parcel, error) {
	if kind != DidNotOccur && kind != IncorrectData {
		return Parcel{}, fault.Refuse(fault.Invalid, "error_kind",
			"请选择“未发生”或“内容有误”", "choose did_not_occur or incorrect_data")
	}
	facts := Facts{Refers: eventID, Error: kind, Reason: reason}
	return d.about(ctx, by, parcelID, eventID, EventErrorDeclared, facts, func(_ Parcel, e EventRow) error {
		ends := []EventType{EventSealed, EventReturned, EventCancelled} // what was in it may be elsewhere
		return meant(!slices.Contains(ends, e.Type))
	})
}

// AcceptTime lets a supervisor accept the device time of an event whose own
// time counted for nothing (SIM-15). Refusals: as Confirm, and not_supervisor.
func (d *Desk) AcceptTime(ctx context.Context, by auth.Actor, parcelID, eventID, reason string) (Parcel, error) {
	facts := Facts{Refers: eventID, Reason: reason}
	return d.about(ctx, by, parcelID, eventID, EventTimeAccepted, facts, func(_ Parcel, e EventRow) error {
		if !by.Is(auth.Supervisor) {
			return notSupervisor()
		}
		return meant(e.Quality == QualityC)
	})
}

func notSupervisor() *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_supervisor",
		"须由中心主管办理，请联系主管", "only a supervisor may do that; ask one")
}

func meant(fits bool) error {
	if fits {
		return nil
	}
	return fault.Refuse(fault.Invalid, "event_not_meant",
		"这条记录不能这样处理，请刷新后选择要处理的记录", "that cannot be done to this record; reload and choose the one you mean")
}

// about appends an event that speaks about another one of the parcel.
func (d *Desk) about(ctx context.Context, by auth.Actor, parcelID, eventID string, what EventType, facts Facts, check func(Parcel, EventRow) error) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) error {
		if err := checkReason("reason", facts.Reason); err != nil {
			return err
		}
		events, err := eventsOf(ctx, tx, []string{p.ID})
		if err != nil {
			return err
		}
		n := slices.IndexFunc(events[p.ID], func(e EventRow) bool { return e.ID == eventID })
		if n < 0 {
			return notFound()
		}
		e := events[p.ID][n]
		if err := check(*p, e); err != nil {
			return err
		}
		return d.happened(ctx, tx, by, p, what, facts, map[string]any{"event": e.ID, "about": string(e.Type)})
	})
}

// What the bag of a parcel that came back looks like.
const (
	BagIntact = "intact"
	BagBroken = "broken"
)

// ReturnRequest is a parcel that came back, as the window found it (DEL-804).
type ReturnRequest struct {
	ParcelID string
	Seal     string // BagIntact or BagBroken
	Count    int    // things in it
	Note     string // of a broken bag: what was found
}

// check wants seal and count looked at. A bag with less in it is not taken in:
// whoever carried it answers for it until its loss is reported.
func (r ReturnRequest) check(inside int) error {
	switch {
	case r.Seal != BagIntact && r.Seal != BagBroken:
		return fault.Refuse(fault.Invalid, "return_seal",
			"请查看封袋，选择“完好”或“已破损”", "look at the bag and choose intact or broken")
	case r.Count != inside:
		return fault.Refuse(fault.Invalid, "return_count",
			"封装时是 %[1]d 件，清点数对不上；请再清点，确实少件的不要签入，请登记“遗失”并写明少了哪件",
			"%[1]d things were sealed in; count again, and if one is missing do not take it in but report a loss and say which", inside)
	case r.Seal == BagBroken:
		return checkReason("note", r.Note)
	}
	return office.CheckText("note", r.Note, reasonLength)
}

// AcceptReturn takes a parcel back at the window, with seal and count checked:
// only its own scan ends a return (DEL-425, DEL-804). What was inside lies on the
// shelf again and may be sealed into a new parcel; a broken bag is the
// supervisor's to look into. Refusals: not_found, not_receiving_window,
// parcel_state, return_seal, return_count, reason_missing, text_invalid.
func (d *Desk) AcceptReturn(ctx context.Context, by auth.Actor, r ReturnRequest) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, r.ParcelID, func(tx bun.IDB, p *Parcel) error {
		if err := p.wantState(ParcelReturning, ParcelHandedOver, ParcelAttemptFailed, ParcelRescheduled, ParcelOnHold); err != nil {
			return err
		}
		items, err := itemsIn(ctx, tx, []string{p.ID})
		if err != nil {
			return err
		}
		if err := r.check(len(items[p.ID])); err != nil {
			return err
		}
		if p.State != ParcelReturning { // it comes back without the courier's word
			e, err := d.deskEvent(by, p, EventReturning, Facts{Reason: r.Note})
			if err != nil {
				return err
			}
			if err := insertEvents(ctx, tx, []EventRow{e}); err != nil {
				return err
			}
		}
		if err := d.stopCode(ctx, tx, p.ID); err != nil {
			return err
		}
		return d.takenIn(ctx, tx, by, p, r)
	})
}

func (d *Desk) takenIn(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, r ReturnRequest) error {
	e, err := d.deskEvent(by, p, EventReturned, Facts{Reason: r.Note, Seal: r.Seal, Count: r.Count})
	if err != nil {
		return err
	}
	if err := d.append(ctx, tx, by, p, e); err != nil {
		return err
	}
	leaves := []audit.Leaf{d.parcelLeaf("parcel_returned", *p, by, map[string]any{"seal": r.Seal, "count": r.Count})}
	if r.Seal == BagBroken {
		more, err := d.raise(ctx, tx, []Alert{d.alertOf(AlertBagBroken, *p)})
		if err != nil {
			return err
		}
		leaves = append(leaves, more...)
	}
	return audit.Record(ctx, tx, leaves...)
}

// Collect hands a parcel over at the window (DEL-221): code, document and
// signature, on the pad or as the scan of a paper; a supervisor may do without the
// code and says why, never without the document. Refusals: not_found,
// not_receiving_window, parcel_state, receiver_missing, text_invalid, id_missing,
// signature_missing, pickup_code_wrong, code_locked, id_wrong, not_supervisor,
// reason_missing, blob_unknown.
func (d *Desk) Collect(ctx context.Context, by auth.Actor, r CollectRequest) (Parcel, error) {
	d = d.still()
	r.Receiver = strings.TrimSpace(r.Receiver)
	var refusal error
	p, err := d.onParcel(ctx, by, r.ParcelID, func(tx bun.IDB, p *Parcel) error {
		if err := p.wantState(ParcelSealed); err != nil {
			return err
		}
		if err := r.check(by); err != nil {
			return err
		}
		checked, err := d.checkSecrets(ctx, tx, p.ID, r)
		if fault.KindOf(err) != 0 { // the wrong try has to be kept
			refusal = err
			return nil
		}
		if err != nil {
			return err
		}
		return d.collect(ctx, tx, by, p, r, checked)
	})
	if refusal != nil {
		return Parcel{}, refusal
	}
	return p, err
}

func (r CollectRequest) check(by auth.Actor) error {
	if r.Receiver == "" {
		return fault.Refuse(fault.Invalid, "receiver_missing",
			"请填写领取人姓名", "give the name of who collects it")
	}
	if !lastFour.MatchString(plainSecret(r.IDLast4)) {
		return fault.Refuse(fault.Invalid, "id_missing",
			"请查看领取人的证件原件，填写证件号后四位（末位可为 X）；没有取件码的也一样", "look at the document of who collects it and enter its last four; without the code, too")
	}
	if r.Signature == "" {
		return fault.Refuse(fault.Invalid, "signature_missing",
			"请领取人签名：签在取件单上拍照或扫描上传", "let the receiver sign: on the slip, and upload a photo or scan of it")
	}
	if r.Code == "" {
		if !by.Is(auth.Supervisor) {
			return notSupervisor()
		}
		if err := checkReason("why", r.Why); err != nil {
			return err
		}
	}
	return office.CheckLines(line("receiver", r.Receiver))
}

// checkSecrets compares what the receiver brought. Where a document is on file
// its last four are compared too.
func (d *Desk) checkSecrets(ctx context.Context, tx bun.IDB, parcelID string, r CollectRequest) (c Checked, err error) {
	if r.Code != "" {
		if c.Code, err = d.tryOnce(ctx, tx, parcelID, SecretCode, r.Code); err != nil {
			return c, err
		}
	}
	if c.ID, err = d.tryOnce(ctx, tx, parcelID, SecretID, r.IDLast4); err != nil {
		return c, err
	}
	switch {
	case c.Code == MatchLocked, c.ID == MatchLocked:
		return c, fault.Refuse(fault.Conflict, "code_locked",
			"输错次数过多，请 15 分钟后再试", "too many wrong tries; try again in 15 minutes")
	case c.Code == MatchWrong, c.Code == MatchNone:
		return c, fault.Refuse(fault.Invalid, "pickup_code_wrong",
			"取件码不对，请核对短信；没有收到可以重发", "the code is wrong; compare it with the text, or have a new one sent")
	case c.ID == MatchWrong:
		return c, fault.Refuse(fault.Invalid, "id_wrong",
			"证件号后四位与登记的不符，请核对证件", "the last four do not match the document on file; look at the document")
	}
	return c, nil
}

func (d *Desk) tryOnce(ctx context.Context, tx bun.IDB, parcelID string, kind SecretKind, value string) (Match, error) {
	s, ok, err := lockSecret(ctx, tx, parcelID, kind)
	if err != nil || !ok {
		return MatchNone, err
	}
	m := s.try(d.hide(parcelID, kind, value), d.now())
	return m, updateSecret(ctx, tx, &s)
}

func (d *Desk) collect(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, r CollectRequest, checked Checked) error {
	e, err := d.deskEvent(by, p, EventCollected, Facts{Receiver: r.Receiver, Reason: r.Why})
	if err != nil {
		return err
	}
	if _, err := findBlob(ctx, tx, r.Signature); err != nil {
		return blobUnknown()
	}
	e.Checked, e.Proofs = checked, []string{r.Signature}
	if err := d.stopCode(ctx, tx, p.ID); err != nil {
		return err
	}
	if err := d.append(ctx, tx, by, p, e); err != nil {
		return err
	}
	out, err := d.Out(ctx, tx, by, p.CaseID)
	if err != nil {
		return err
	}
	leaf := d.parcelLeaf("parcel_collected", *p, by, map[string]any{"code": string(checked.Code), "id": string(checked.ID), "signature": r.Signature})
	return audit.Record(ctx, tx, append([]audit.Leaf{leaf}, out...)...)
}

func blobUnknown() *fault.Error {
	return fault.Refuse(fault.Invalid, "blob_unknown",
		"签名图片还没有上传，请先上传再提交", "the signature was not uploaded; upload it first")
}

// NewCode sends the receiver another code, three times at most. The old one is
// void at once; a lock stays (DEL-611). Refusals: not_found,
// not_receiving_window, parcel_state, code_resent.
func (d *Desk) NewCode(ctx context.Context, by auth.Actor, parcelID string) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) error {
		if p.State.Terminal() || p.State == ParcelUnverified {
			return p.wantState()
		}
		s, err := d.spendCode(ctx, tx, *p)
		if err != nil {
			return err
		}
		if err := d.queueCode(ctx, tx, *p, s.Resent); err != nil {
			return err
		}
		return audit.Record(ctx, tx, d.parcelLeaf("parcel_code_sent", *p, by, map[string]any{"nth": s.Resent}))
	})
}

// proofCame folds the parcels whose events name a blob that is here now: a late
// photo completes a hand-over without another event (DEL-602).
func (d *Desk) proofCame(ctx context.Context, tx bun.IDB, by auth.Actor, sum string) error {
	ids, err := parcelsNaming(ctx, tx, sum)
	if err != nil || len(ids) == 0 {
		return err
	}
	parcels, err := lockParcels(ctx, tx, "id", ids)
	if err != nil {
		return err
	}
	var all []*Parcel
	before := map[string]ParcelState{}
	for i := range parcels {
		all = append(all, &parcels[i])
		before[parcels[i].ID] = parcels[i].State
	}
	if _, err := d.refold(ctx, tx, by, all); err != nil {
		return err
	}
	var leaves []audit.Leaf
	for _, p := range all {
		if p.State != before[p.ID] {
			leaves = append(leaves, d.parcelLeaf("parcel_proof_came", *p, by, map[string]any{"blob": sum}))
		}
	}
	return audit.Record(ctx, tx, leaves...)
}

// FaultChange says on whose side a failed attempt was (DEL-411).
type FaultChange struct {
	ParcelID, AttemptID string
	Fault               Fault
	Reason              string
}

// ChangeFault lets a supervisor change the side of a failed attempt, with a
// reason. The side that its outcome has by itself stays on record beside it, and
// the promise is judged anew (DEL-411, DEL-720). Refusals: not_found,
// not_receiving_window, not_supervisor, fault_side, attempt_not_failed,
// reason_missing, text_invalid.
func (d *Desk) ChangeFault(ctx context.Context, by auth.Actor, c FaultChange) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, c.ParcelID, func(tx bun.IDB, p *Parcel) error {
		if !by.Is(auth.Supervisor) {
			return notSupervisor()
		}
		if !c.Fault.Known() {
			return fault.Refuse(fault.Invalid, "fault_side",
				"请选择责任方：我方、收件人、承运方或不可抗力", "choose whose side it was: ours, the receiver's, the carrier's or force majeure")
		}
		if err := checkReason("reason", c.Reason); err != nil {
			return err
		}
		f, err := readFolding(ctx, tx, []Parcel{*p})
		if err != nil {
			return err
		}
		n := slices.IndexFunc(f.fold(*p).Attempts, func(a AttemptRecord) bool { return a.AttemptID == c.AttemptID && a.DefaultFault != "" })
		if n < 0 {
			return fault.Refuse(fault.Conflict, "attempt_not_failed",
				"只有未能投递的那一次可以改责任方，请刷新后选择", "only a failed attempt has a side to change; reload and choose one")
		}
		e, err := d.deskEvent(by, p, EventFaultChanged, Facts{Fault: c.Fault, Reason: c.Reason})
		if err != nil {
			return err
		}
		e.AttemptID = c.AttemptID
		return d.appended(ctx, tx, by, p, e, map[string]any{"attempt": c.AttemptID, "fault": string(c.Fault)})
	})
}
