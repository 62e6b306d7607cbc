package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// ReplyKind says what a department answers (INS-801).
type ReplyKind string

// Kinds of Reply.
const (
	ReplyAccept   ReplyKind = "accept"
	ReplyDecline  ReplyKind = "decline"  // with a reason
	ReplyCounter  ReplyKind = "counter"  // with one to three other times
	ReplyExcuse   ReplyKind = "excuse"   // 正当理由, with a text
	ReplyDelegate ReplyKind = "delegate" // to another person of the same department
)

// linkReply is the purpose of the links behind which a department answers.
const linkReply = "reply"

// Identity strengths (INS section 8).
const (
	L1 = 1 // link and code, telephone, paper as a clerk enters it, aligned calendar answer
	L2 = 2 // signed-in account, checked sealed paper
)

// ReplyOutcome says what a stored Reply did.
type ReplyOutcome string

// Outcomes of a Reply. Whatever the outcome, the Reply is kept.
const (
	OutcomeApplied    ReplyOutcome = "applied"
	OutcomeLate       ReplyOutcome = "late"       // after T2: shown, changes nothing
	OutcomeSuperseded ReplyOutcome = "superseded" // to an older Round: held until seen
	OutcomeHeld       ReplyOutcome = "held"       // a person has to decide
	OutcomeNoted      ReplyOutcome = "noted"      // delegation: consent does not move
	OutcomeRefused    ReplyOutcome = "refused"    // a counter or excuse that was decided against
)

// Reply is one answer of one department, kept for good (INS-805).
type Reply struct {
	bun.BaseModel `bun:"table:replies" json:"-"`

	ID            string       `bun:"id,pk" json:"id"`
	ParticipantID string       `json:"participant_id"`
	VisitID       string       `json:"visit_id"`
	Round         int          `json:"round"`
	Kind          ReplyKind    `json:"kind"`
	Reason        string       `json:"reason,omitempty"`
	Proposals     []time.Time  `bun:"type:jsonb" json:"proposals,omitempty"`
	Delegate      string       `json:"delegate,omitempty"`
	Channel       string       `json:"channel"` // portal link phone paper mail
	Strength      int          `json:"strength"`
	GivenBy       string       `json:"given_by"`
	RecordedBy    string       `json:"recorded_by"`
	ReceivedAt    time.Time    `json:"received_at"`
	RecordedAt    time.Time    `json:"recorded_at"`
	Outcome       ReplyOutcome `json:"outcome"`
	Receipt       string       `json:"receipt"`
	Scan          string       `json:"scan,omitempty"`     // id of the scanned paper
	Category      string       `json:"category,omitempty"` // of an excuse (INS-812)
	Decision      string       `json:"decision,omitempty"` // why a counter or excuse was decided so
	DecidedBy     string       `json:"decided_by,omitempty"`
	DecidedAt     time.Time    `bun:",nullzero" json:"decided_at,omitzero"`
	OpinionID     string       `json:"opinion_id,omitempty"` // written, sent along with a decline (INS-813)

	scanSum string // its SHA-256
}

// ReplyRequest carries an answer to the desk. ReceivedAt is the instant at the
// receiving edge, never the time of processing (INS-802); zero means now. Of a
// reply on paper it is when the paper reached the window, and is never zero.
type ReplyRequest struct {
	ParticipantID string
	Round         int
	Kind          ReplyKind
	Reason        string
	Category      string // of an excuse, one of ExcuseCategories; empty is other
	Proposals     []time.Time
	Delegate      string // person id
	Channel       string
	GivenBy       string // who spoke or signed, when a clerk records a call or a paper
	ReceivedAt    time.Time
	Scan          Scan           // of the paper
	Opinion       OpinionRequest // written, sent along with a decline; without a kind there is none
	Once          once.Key

	link auth.Link // set by ReplyByLink alone
}

// ReplyByLink takes an answer from the page behind an answer link, with the
// code printed in the message apart from it (INS-803). Wrong codes are counted;
// the fifth locks the link, holds the participant and opens a task. Refusals:
// those of auth.UseLink and of Reply.
func (d *Desk) ReplyByLink(ctx context.Context, token, code string, r ReplyRequest) (Reply, error) {
	r.ReceivedAt = d.now()
	link, err := d.Auth.UseLink(ctx, token, code)
	if err != nil {
		return Reply{}, err
	}
	if link.Purpose != linkReply {
		return Reply{}, notFound()
	}
	r.link, r.ParticipantID, r.Channel = link, link.Subject, "link"
	return d.Reply(ctx, link.Actor(), r)
}

// Reply takes an answer from the department's signed-in people (L2), from the
// holder of an answer link (L1), or from a clerk who records a telephone call or a
// paper (L1, INS-808). It gives the stored Reply with its receipt number (INS-809).
// A decline leaves the department expected; a written opinion that a signed-in person
// sends along stands as its opinion, whatever becomes of the decline (INS-813).
// Refusals: not_found, not_your_department, reply_kind, reason_missing,
// proposals, delegate_outside, visit_over; for paper also received_time,
// scan_missing, scan_type, scan_size; for an opinion written_opinion and those of
// Opine.
func (d *Desk) Reply(ctx context.Context, by auth.Actor, r ReplyRequest) (Reply, error) {
	d = d.still()
	if r.ReceivedAt.IsZero() && r.Channel != "paper" {
		r.ReceivedAt = d.now()
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Reply, error) { return d.reply(ctx, tx, by, r) })
}

func (d *Desk) reply(ctx context.Context, tx bun.IDB, by auth.Actor, r ReplyRequest) (Reply, error) {
	p, v, err := lockParticipant(ctx, tx, r.ParticipantID)
	if err != nil {
		return Reply{}, err
	}
	strength, err := d.strength(ctx, tx, by, p, v, r)
	if err != nil {
		return Reply{}, err
	}
	if err := d.checkReply(ctx, tx, p, v, r); err != nil {
		return Reply{}, err
	}
	if err := r.checkWritten(strength); err != nil {
		return Reply{}, err
	}
	reply := r.reply(p, v, strength)
	if r.Opinion.Kind != "" {
		reply.OpinionID = newID()
	}
	reply.RecordedBy, reply.RecordedAt = by.String(), d.now()
	if reply.GivenBy == "" {
		reply.GivenBy = by.Name
	}
	if r.Channel == "paper" {
		scan, err := storeScan(ctx, tx, p.ID, r.Scan, by.String(), d.now())
		if err != nil {
			return Reply{}, err
		}
		reply.Scan, reply.scanSum = scan.ID, scan.SHA256
	}
	leaves, err := d.applyReply(ctx, tx, p, v, &reply)
	if err != nil {
		return Reply{}, err
	}
	written, err := d.signWritten(ctx, tx, by, reply, v, r.Opinion)
	if err != nil {
		return Reply{}, err
	}
	return reply, audit.Record(ctx, tx, append(leaves, written...)...)
}

// checkWritten: an opinion stands from a signed-in person only, and comes with a
// decline (INS-804, INS-813).
func (r ReplyRequest) checkWritten(strength int) error {
	if r.Opinion.Kind == "" {
		return nil
	}
	if strength < L2 || r.Kind != ReplyDecline || r.Opinion.Kind == Deferred {
		return fault.Refuse(fault.Invalid, "written_opinion",
			"书面意见只能由本部门人员登录平台、随“不能应约”一并提交，且须写明同意、整改或不同意；电话、链接和来信代替不了",
			"a written opinion comes from a signed-in person of the department, together with a decline, and says agree, rectify or disagree; a call, a link or a letter cannot give it")
	}
	return r.Opinion.check()
}

// signWritten puts the opinion that came with a decline on the opinion track, once
// the answer has done what it does.
func (d *Desk) signWritten(ctx context.Context, tx bun.IDB, by auth.Actor, reply Reply, v Visit, r OpinionRequest) ([]audit.Leaf, error) {
	if reply.OpinionID == "" {
		return nil, nil
	}
	p, err := findParticipant(ctx, tx, reply.ParticipantID) // as the answer left it
	if err != nil {
		return nil, err
	}
	_, leaves, err := d.write(ctx, tx, by, p, v, reply.OpinionID, r)
	return leaves, err
}

// reply is the row of an answer before anything is decided about it.
func (r ReplyRequest) reply(p Participant, v Visit, strength int) Reply {
	return Reply{
		ID: newID(), ParticipantID: p.ID, VisitID: v.ID, Round: r.Round, Kind: r.Kind, Reason: r.Reason,
		Category: r.category(), Proposals: r.Proposals, Delegate: r.Delegate, Channel: r.Channel, Strength: strength,
		GivenBy: r.GivenBy, ReceivedAt: r.ReceivedAt.UTC().Truncate(time.Millisecond),
	}
}

// strength says how sure it is who answers, and refuses strangers.
func (d *Desk) strength(ctx context.Context, q bun.IDB, by auth.Actor, p Participant, v Visit, r ReplyRequest) (int, error) {
	switch {
	case by.Kind == auth.KindLink:
		if r.link.Subject != p.ID { // a link speaks for its own participant only
			return 0, notFound()
		}
		return L1, nil
	case r.Channel == "phone" || r.Channel == "paper" || r.Channel == "mail": // a clerk records on behalf
		if r.GivenBy == "" {
			return 0, fault.Refuse(fault.Invalid, "receiver_missing", "请填写对方姓名", "name the person who answered")
		}
		return L1, mayOrganise(ctx, q, by, v.CentreID)
	}
	return L2, mayAnswer(by, p.DepartmentID)
}

// checkReply refuses what can never be an answer. A mail or a paper is already
// here and may have come in time, so it is taken whatever became of the visit
// (DL-14).
func (d *Desk) checkReply(ctx context.Context, q bun.IDB, p Participant, v Visit, r ReplyRequest) error {
	here := r.Channel == "mail" || r.Channel == "paper"
	if v.State != VisitOffered && v.State != VisitConfirmed && r.Round == v.Round && !here {
		return fault.Refuse(fault.Conflict, "visit_over",
			"勘验已开始或已结束，不能再答复；请联系综合窗口", "the visit has begun or ended; call the window instead")
	}
	if err := office.CheckLines(line("given_by", r.GivenBy)); err != nil {
		return err
	}
	if r.Channel == "paper" {
		if err := d.checkPaper(ctx, q, p, r); err != nil {
			return err
		}
	}
	if err := office.CheckText("reason", r.Reason, textLength); err != nil {
		return err
	}
	switch r.Kind {
	case ReplyAccept:
		return nil
	case ReplyDecline:
		return checkText("reason", r.Reason, textLength)
	case ReplyExcuse:
		if err := checkCategory(r.Category); err != nil {
			return err
		}
		return checkText("reason", r.Reason, textLength)
	case ReplyCounter:
		return d.checkCounter(ctx, q, v, r)
	case ReplyDelegate: // INS-806
		return checkDelegate(ctx, q, p, r.Delegate)
	default:
		return fault.Refuse(fault.Invalid, "reply_kind",
			"答复只能是应约、不能应约、提出改期、正当理由或委派", "answer accept, decline, counter, excuse or delegate")
	}
}

// checkPaper wants the scan, and a time of receipt that can be true. The window
// is the edge that a paper reaches, whenever a clerk enters it (INS-802, INS-808).
func (d *Desk) checkPaper(ctx context.Context, q bun.IDB, p Participant, r ReplyRequest) error {
	p.Round = r.Round // an older round had an earlier notice
	n, err := findNotice(ctx, q, p)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if n.ComposedAt.IsZero() || r.ReceivedAt.Before(n.ComposedAt) || r.ReceivedAt.After(d.now()) {
		return fault.Refuse(fault.Invalid, "received_time",
			"收到书面反馈的时间不能早于通知生成时间，也不能晚于现在，请按收文登记填写",
			"enter when the paper reached the window, as your register of incoming papers has it: after the notice was made, and not after now")
	}
	if len(r.Scan.Bytes) == 0 {
		return scanMissing()
	}
	return office.CheckLines(line("name", r.Scan.Name))
}

func checkDelegate(ctx context.Context, q bun.IDB, p Participant, person string) error {
	who, err := auth.FindPerson(ctx, q, person)
	if err == nil && who.Department == p.DepartmentID && who.DisabledAt.IsZero() {
		return nil
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.Refuse(fault.Invalid, "delegate_outside",
		"只能委派本部门登记的人员；其他部门请由综合窗口另行邀请", "delegate to a registered person of your own department; the window invites other departments")
}

// applyReply decides what the answer does, moves the consent track, and gives
// the leaves. The Reply is stored whatever happens.
func (d *Desk) applyReply(ctx context.Context, tx bun.IDB, p Participant, v Visit, r *Reply) ([]audit.Leaf, error) {
	f := replyFacts{p: p, v: v, r: *r}
	var err error
	if f.held, err = hasOpenHold(ctx, tx, p); err != nil {
		return nil, err
	}
	if f.last, err = lastApplied(ctx, tx, p); err != nil {
		return nil, err
	}
	if f.countered, err = hasCountered(ctx, tx, p); err != nil {
		return nil, err
	}
	if f.impossible, err = d.impossible(ctx, tx, v, *r); err != nil {
		return nil, err
	}
	r.Outcome = judgeReply(f)
	if r.Receipt, err = nextNumber(ctx, tx, "receipt/"+v.Division, d.now(), "HZ-%s-%d-%06d"); err != nil {
		return nil, err
	}
	if err := insertReply(ctx, tx, r); err != nil {
		return nil, err
	}
	more, err := d.afterReply(ctx, tx, p, v, *r)
	if err != nil {
		return nil, err
	}
	return append([]audit.Leaf{replyLeaf(p, *r)}, more...), d.queueReceipt(ctx, tx, p, v, *r)
}

// replyFacts is all that decides about an answer.
type replyFacts struct {
	p          Participant
	v          Visit
	r          Reply
	held       bool
	countered  bool   // the department has proposed times before
	impossible bool   // it proposes no time at which the visit could be
	last       *Reply // the answer that counts so far
}

// judgeReply decides what an answer does (INS-801, 802, 804, 805, C3–C6, C16–C18).
func judgeReply(f replyFacts) ReplyOutcome {
	switch {
	case f.r.Round != f.v.Round:
		return OutcomeSuperseded
	case f.p.Consent == ConsentVoid, f.p.Consent == ConsentWithdrawn, f.overtaken():
		return OutcomeNoted
	case !f.r.ReceivedAt.Before(f.v.Start):
		return OutcomeLate
	case f.r.Kind == ReplyDelegate:
		return OutcomeNoted
	case !f.inTime():
		return OutcomeLate
	case f.weaker():
		return OutcomeHeld
	case f.r.Kind == ReplyCounter && (f.countered || f.impossible):
		return OutcomeHeld // INS-810: a second counter is free text
	}
	return OutcomeApplied
}

// overtaken: the answer received last counts, in whatever order they are read
// (INS-802, INS-805).
func (f replyFacts) overtaken() bool {
	return f.last != nil && f.r.ReceivedAt.Before(f.last.ReceivedAt)
}

// inTime: by T2 everything is taken; while the clock does not run or doubt is
// open, too; later only an excuse from a department that had answered, and
// "we come after all" (INS-805).
func (f replyFacts) inTime() bool {
	if f.p.RespondBy.IsZero() || !f.r.ReceivedAt.After(f.p.RespondBy) { // DL-12
		return true
	}
	switch f.p.Consent {
	case ConsentUnserved:
		return true
	case ConsentAwaiting:
		return f.held
	case ConsentDeclined:
		return f.r.Kind == ReplyAccept || f.r.Kind == ReplyExcuse
	case ConsentAccepted, ConsentCountered, ConsentExcuse:
		return f.r.Kind == ReplyExcuse
	default:
		return false
	}
}

// weaker: an accept never replaces an earlier decline, counter or excuse that
// was better proved (INS-805).
func (f replyFacts) weaker() bool {
	return f.r.Kind == ReplyAccept && f.last != nil && f.last.Kind != ReplyAccept && f.r.Strength < f.last.Strength
}

// consentOf says where an applied answer leads.
var consentOf = map[ReplyKind]Consent{
	ReplyAccept: ConsentAccepted, ReplyDecline: ConsentDeclined, ReplyCounter: ConsentCountered, ReplyExcuse: ConsentExcuse,
}

func (d *Desk) afterReply(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) ([]audit.Leaf, error) {
	switch r.Outcome {
	case OutcomeSuperseded: // INS-801: it holds until a clerk has looked at it
		if r.Channel == "mail" { // who sorted it has
			return nil, nil
		}
		return d.holdReply(ctx, tx, p, v, r, HoldSuperseded)
	case OutcomeHeld:
		reason := HoldFreeText
		if r.Kind == ReplyAccept {
			reason = HoldWeaker
		}
		return d.holdReply(ctx, tx, p, v, r, reason)
	case OutcomeApplied:
		return d.moveConsent(ctx, tx, p, v, r)
	case OutcomeLate:
		return nil, d.reviewLate(ctx, tx, p, v, r)
	default:
		return nil, nil
	}
}

// reviewLate: a late answer changes nothing by itself, but one against a deemed
// consent goes to a supervisor (INS-916, O8).
func (d *Desk) reviewLate(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) error {
	against := r.Kind == ReplyDecline || r.Kind == ReplyCounter || r.Kind == ReplyExcuse
	if !against || p.Opinion != OpinionDeemed || v.State == VisitClosed {
		return nil
	}
	return d.review(ctx, tx, p, v, p.Name+"已视为同意，逾期后又作出不同反馈，请主管复核")
}

func (d *Desk) holdReply(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply, reason HoldReason) ([]audit.Leaf, error) {
	leaves, err := raiseHold(ctx, tx, p, HoldRow{Reason: reason, Source: r.ID, Detail: r.Reason, Since: d.now()})
	if err != nil {
		return nil, err
	}
	return leaves, raiseTask(ctx, tx, v, Task{
		Kind: TaskAnswerHold, Subject: r.ID, CreatedAt: d.now(), Detail: p.Name + "有一条答复需要人工判断",
	})
}

// moveConsent is the guarded move C3…C6, C16 or C18, with all that ends when a
// department has answered.
func (d *Desk) moveConsent(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) ([]audit.Leaf, error) {
	var leaves []audit.Leaf
	overturned, err := overturns(ctx, tx, p, r)
	if err != nil {
		return nil, err
	}
	if overturned { // C18, DL-14
		suspended, err := d.suspendDeemed(ctx, tx, p, v, "reply_in_time")
		if err != nil {
			return nil, err
		}
		leaves = suspended
	}
	if err := setConsent(ctx, tx, p, consentOf[r.Kind]); err != nil {
		return nil, err
	}
	ended, err := d.endSilence(ctx, tx, p, "answered")
	if err != nil {
		return nil, err
	}
	contests, err := d.endContests(ctx, tx, systemActor, p) // when it was served does not matter any more
	if err != nil {
		return nil, err
	}
	ended = append(ended, contests...)
	if err := d.endDuties(ctx, tx, p, "又有新的反馈", systemActor.String()); err != nil {
		return nil, err
	}
	if err := d.taskFor(ctx, tx, p, v, r); err != nil {
		return nil, err
	}
	// An answer also proves that the notice was seen (INS-704 class A, DEC-2).
	seen, err := d.seenBy(ctx, tx, p, v, r)
	if err != nil {
		return nil, err
	}
	settled, confirmed, err := d.settle(ctx, tx, v)
	if err != nil || len(settled) == 0 {
		return slices.Concat(leaves, ended, seen), err
	}
	return slices.Concat(leaves, ended, seen, confirmed), d.queueToAll(ctx, tx, settled, confirmedWord(v))
}

// overturns: an answer received in time turns up beside a deemed consent. That a
// department wrote it would not come, or wanted to, stands against its absence,
// too; an accept does not.
func overturns(ctx context.Context, tx bun.IDB, p Participant, r Reply) (bool, error) {
	if p.Consent == ConsentDeemed || r.Kind == ReplyAccept {
		return p.Consent == ConsentDeemed, nil
	}
	return effective(ctx, tx, p)
}

// silenceTasks are what somebody had to do because a department was silent.
var silenceTasks = []TaskKind{TaskServeByHand, TaskAtRisk, TaskUnopened, TaskNeverDeemed, TaskConfirm, TaskConfirmLate, TaskWaive}

// endSilence stops the reply clock of a department that has answered or is
// deemed, with the doubts about its silence and the tasks they made.
func (d *Desk) endSilence(ctx context.Context, tx bun.IDB, p Participant, why string) ([]audit.Leaf, error) {
	if err := endDeadlines(ctx, tx, p.ID, p.Round, DeadlineReply, DeadlineRemindReply, DeadlineEscalate); err != nil {
		return nil, err
	}
	done := Task{Subject: p.ID, DoneAt: d.now(), DoneBy: systemActor.String(), Note: why}
	if err := finishTask(ctx, tx, silenceTasks, done); err != nil {
		return nil, err
	}
	return d.clearHolds(ctx, tx, p, nil)
}

func (d *Desk) seenBy(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) ([]audit.Leaf, error) {
	if r.Channel != "portal" && r.Channel != "link" {
		return nil, nil
	}
	n, err := findNotice(ctx, tx, p)
	if err != nil || n.ComposedAt.IsZero() {
		return nil, err
	}
	p.Consent = consentOf[r.Kind] // the clock does not start any more
	return d.recordService(ctx, tx, p, v, Service{
		NoticeID: n.ID, Round: p.Round, Class: "A", Channel: r.Channel, ServedAt: r.ReceivedAt, Source: replySource + r.ID,
	})
}

// taskFor tells the window what an answer asks of it.
func (d *Desk) taskFor(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) error {
	t := Task{Subject: p.ID, CreatedAt: d.now()}
	switch r.Kind {
	case ReplyDecline:
		t.Kind, t.Detail = TaskDeclined, p.Name+"回复不能应约，请联系核实："+r.Reason
	case ReplyCounter:
		t.Kind, t.Detail = TaskCounter, p.Name+"提出改期，请核对各部门时间后答复"
		return d.duty(ctx, tx, p, v, r, t)
	case ReplyExcuse:
		t.Kind, t.Detail, t.ForRole = TaskExcuse, p.Name+"提出正当理由，请主管审定："+r.Reason, string(auth.Supervisor)
		return d.duty(ctx, tx, p, v, r, t)
	case ReplyAccept, ReplyDelegate:
		return nil
	}
	return raiseTask(ctx, tx, v, t)
}

func replyLeaf(p Participant, r Reply) audit.Leaf {
	kind := "reply_received"
	if r.Outcome == OutcomeLate {
		kind = "reply_late" // DL-13
	}
	leaf := participantLeaf(kind, p, r.RecordedBy, r.RecordedAt, map[string]any{
		"reply": r.ID, "round": r.Round, "kind": string(r.Kind), "received_at": stamp(r.ReceivedAt),
		"channel": r.Channel, "strength": r.Strength, "outcome": string(r.Outcome), "receipt": r.Receipt,
	})
	if r.scanSum != "" { // SEC-15
		leaf.Fields["scan_sha256"] = r.scanSum
	}
	return leaf
}
