package inspection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// DeemedReason says which silence was taken for consent.
type DeemedReason string

// The silences that count (plan 三(三)3-四: 收到后不反馈意见, 不应约).
const (
	NoReply   DeemedReason = "no_reply"   // after a received notice
	NoShow    DeemedReason = "no_show"    // did not come as appointed
	NoOpinion DeemedReason = "no_opinion" // came, or was excused, and said nothing
)

// Deemed (视为同意) is the outcome for one Participant and Round. It is that
// department's opinion on this visit, never a permit (INS-914). Relies lists
// the numbers of the evidence leaves it stands on.
type Deemed struct {
	bun.BaseModel `bun:"table:deemed" json:"-"`

	ID            string            `bun:"id,pk" json:"id"`
	ParticipantID string            `json:"participant_id"`
	VisitID       string            `json:"visit_id"`
	DepartmentID  string            `json:"department_id"`
	Round         int               `json:"round"`
	Reason        DeemedReason      `json:"reason"`
	Number        string            `json:"number"`
	DecidedAt     time.Time         `json:"decided_at"`
	DueAt         time.Time         `json:"due_at"`
	Relies        []int64           `bun:"type:jsonb" json:"relies"`
	Findings      map[string]string `bun:"type:jsonb" json:"findings"`
	Citation      string            `json:"citation"`
	SuspendedAt   time.Time         `bun:",nullzero" json:"suspended_at,omitzero"`
}

// deemBatch is how many due rows one look takes (STY-50).
const deemBatch = 200

// DeemDue looks at every deadline of an answer, an arrival or an opinion that is
// due, oldest first, and writes the outcome, moves the deadline or holds. Each row has a transaction of its
// own and a recover of its own: one bad row is held, the others go on (DL-4).
// It may run late, twice, or in two processes at once; the guards decide.
func (d *Desk) DeemDue(ctx context.Context) error {
	var errs []error
	for {
		due, err := d.dueSilences(ctx)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, row := range due {
			if err := d.deemOne(ctx, row); err != nil {
				errs = append(errs, fmt.Errorf("deem %s: %w", row.Subject, err))
			}
		}
		if len(due) < deemBatch || len(errs) > 0 || ctx.Err() != nil {
			return errors.Join(errs...)
		}
	}
}

// deemOne evaluates one participant. What cannot be evaluated is held and the
// others go on; trouble of the database passes and leaves the row as it is.
func (d *Desk) deemOne(ctx context.Context, row DeadlineRow) error {
	d = d.still()
	err := d.tryDecide(ctx, row)
	if err == nil || ctx.Err() != nil || fault.KindOf(err) == fault.Unavailable {
		return err
	}
	return errors.Join(err, d.holdBroken(ctx, row))
}

func (d *Desk) tryDecide(ctx context.Context, row DeadlineRow) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		if row.Kind == DeadlineGrace {
			return d.graceOver(ctx, tx, row)
		}
		_, err := d.judge(ctx, tx, row, auth.Actor{})
		return err
	})
}

// judge evaluates whatever silence a row is about.
func (d *Desk) judge(ctx context.Context, tx bun.IDB, row DeadlineRow, confirmedBy auth.Actor) (Verdict, error) {
	if row.Kind == DeadlineReply {
		return d.decide(ctx, tx, row, confirmedBy)
	}
	return d.judgeVisitDay(ctx, tx, row, confirmedBy)
}

func (d *Desk) holdBroken(ctx context.Context, row DeadlineRow) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		p, _, err := lockParticipant(ctx, tx, row.Subject)
		if err != nil || row.Kind == DeadlineReply && p.Consent != ConsentAwaiting {
			return err
		}
		leaves, err := raiseHold(ctx, tx, p, HoldRow{Reason: HoldInternal, Since: d.now(), Detail: "程序错误，已通知管理员"})
		if err != nil {
			return err
		}
		if err := lookAgain(ctx, tx, row, d.now().Add(heldAgain), true); err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

// decide reads the evidence, judges and writes, all on one transaction
// (INS-908). confirmedBy names the clerk who confirms under deem.mode=confirm.
func (d *Desk) decide(ctx context.Context, tx bun.IDB, row DeadlineRow, confirmedBy auth.Actor) (Verdict, error) {
	p, v, err := lockParticipant(ctx, tx, row.Subject)
	if err != nil {
		return Verdict{}, err
	}
	f, err := d.gather(ctx, tx, row, p, v)
	if err != nil {
		return Verdict{}, err
	}
	f.evidence.Confirmed = confirmedBy.ID != ""
	verdict := Judge(f.evidence)
	return verdict, d.follow(ctx, tx, f, verdict, confirmedBy)
}

// follow writes what a verdict says, for all three reasons.
func (d *Desk) follow(ctx context.Context, tx bun.IDB, f found, verdict Verdict, confirmedBy auth.Actor) error {
	switch verdict.Do {
	case Leave:
		return endDeadlines(ctx, tx, f.p.ID, f.row.Round, f.row.Kind)
	case Wait:
		return lookAgain(ctx, tx, f.row, verdict.Until, false)
	case Extend:
		if f.row.Kind == DeadlineReply {
			return d.extend(ctx, tx, f, verdict)
		}
		return d.judgeLater(ctx, tx, f, verdict)
	case Hold:
		return d.hold(ctx, tx, f, verdict.Doubts)
	case Ask:
		return d.ask(ctx, tx, f)
	default:
		return d.deem(ctx, tx, f, confirmedBy)
	}
}

// hold writes what stands against deeming and clears what no longer does.
func (d *Desk) hold(ctx context.Context, tx bun.IDB, f found, doubts []Doubt) error {
	leaves, err := d.clearHolds(ctx, tx, f.p, doubts)
	if err != nil {
		return err
	}
	for _, doubt := range doubts {
		if !selfEnding(doubt.Reason) {
			continue // a person's hold: it stands already
		}
		raised, err := d.raiseDoubt(ctx, tx, f, doubt)
		if err != nil {
			return err
		}
		leaves = append(leaves, raised...)
	}
	if err := lookAgain(ctx, tx, f.row, d.now().Add(heldAgain), true); err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// raiseDoubt opens the hold of one doubt, and a task where a person must act.
func (d *Desk) raiseDoubt(ctx context.Context, tx bun.IDB, f found, doubt Doubt) ([]audit.Leaf, error) {
	leaves, err := raiseHold(ctx, tx, f.p, HoldRow{Reason: doubt.Reason, Detail: doubt.Detail, Since: d.now()})
	if err != nil || len(leaves) == 0 {
		return nil, err
	}
	t := Task{Subject: f.p.ID, CreatedAt: d.now(), Detail: f.p.Name + "：" + doubt.Detail}
	switch doubt.Reason {
	case HoldNeverDeemed, HoldReversed, HoldRevisit: // INS-911, INS-917, INS-919
		t.Kind, t.ForRole = TaskNeverDeemed, string(auth.Supervisor)
		if f.v.State == VisitCollecting { // it has been asked for its opinion
			break
		}
		if err := d.queueDemand(ctx, tx, f.p, f.v); err != nil {
			return nil, err
		}
	case HoldService:
		t.Kind = TaskServeByHand
	case HoldAtRisk:
		t.Kind = TaskAtRisk
	default:
		return leaves, nil
	}
	return leaves, raiseTask(ctx, tx, f.v, t)
}

// clearHolds ends every self-ending hold whose doubt is gone.
func (d *Desk) clearHolds(ctx context.Context, tx bun.IDB, p Participant, doubts []Doubt) ([]audit.Leaf, error) {
	return d.closeHolds(ctx, tx, p, "cause_gone", func(r HoldReason) bool {
		return selfEnding(r) && !slices.ContainsFunc(doubts, func(doubt Doubt) bool { return doubt.Reason == r })
	})
}

// ask leaves the decision to a clerk (INS-910). One that is not confirmed in time goes
// to the supervisor; it never turns into consent by itself.
func (d *Desk) ask(ctx context.Context, tx bun.IDB, f found) error {
	leaves, err := d.clearHolds(ctx, tx, f.p, nil)
	if err != nil {
		return err
	}
	what := f.p.Name + deemedWords[f.reason]
	asked, err := d.decisionDue(f.g, Task{Kind: TaskConfirm, Subject: f.p.ID, CreatedAt: d.now(), Detail: what + "，请核对后确认视为同意"})
	if err != nil {
		return err
	}
	if err := raiseTask(ctx, tx, f.v, asked); err != nil {
		return err
	}
	if asked, err = openTask(ctx, tx, TaskConfirm, f.p.ID); err != nil { // which may be an earlier one
		return err
	}
	next := d.now().Add(time.Hour)
	if !d.now().Before(asked.DueAt) {
		err = raiseTask(ctx, tx, f.v, Task{
			Kind: TaskConfirmLate, Subject: f.p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
			Detail: what + "，逾期无人核对确认，请督办；确认前不会视为同意",
		})
	} else {
		next = earliest(next, asked.DueAt)
	}
	if err != nil {
		return err
	}
	if err := lookAgain(ctx, tx, f.row, next, true); err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// decisionDue gives a task about a silence the term in which somebody decides.
func (d *Desk) decisionDue(g ground, t Task) (Task, error) {
	due, err := g.cal.Following(d.now(), g.rules.ReviewDecide, g.hours)
	t.DueAt = due.Due
	return t, err
}

// Confirm is the clerk's click under deem.mode=confirm; the predicate is
// evaluated again at that moment (INS-910). Refusals: not_found, wrong_window,
// not_deemable with what stands against it.
func (d *Desk) Confirm(ctx context.Context, by auth.Actor, participantID string) error {
	d = d.still()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		p, v, err := lockParticipant(ctx, tx, participantID)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return err
		}
		row, err := findDeadline(ctx, tx, p.ID, p.Round, DeadlineReply, DeadlineNoShow, DeadlineOpinion)
		if err != nil {
			return err
		}
		verdict, err := d.judge(ctx, tx, row, by)
		if err != nil {
			return err
		}
		if verdict.Do != Deem {
			return notDeemable(verdict)
		}
		return nil
	})
}

func notDeemable(v Verdict) *fault.Error {
	reasons := make([]string, len(v.Doubts))
	for i, doubt := range v.Doubts {
		reasons[i] = string(doubt.Reason)
	}
	return fault.Refuse(fault.Conflict, "not_deemable",
		"目前不能视为同意，请在期限届满、疑点消除后再确认", "silence does not count yet; confirm again once the deadline has passed and nothing stands against it").
		With("decision", string(v.Do)).With("holds", reasons)
}

// deem writes the outcome: row, tracks, messages and leaf in one commit
// (INS-908, PRO-3). The unique key lets one row exist for each round (PRO-2).
func (d *Desk) deem(ctx context.Context, tx bun.IDB, f found, confirmedBy auth.Actor) error {
	leaves, err := d.endSilence(ctx, tx, f.p, "deemed")
	if err != nil {
		return err
	}
	row, err := d.deemedRow(ctx, tx, f, confirmedBy)
	if err != nil {
		return err
	}
	if err := insertDeemed(ctx, tx, &row); err != nil {
		return err
	}
	if err := settleDeemed(ctx, tx, f.p, f.reason); err != nil {
		return err
	}
	settled, confirmed, err := d.settle(ctx, tx, f.v)
	if err != nil {
		return err
	}
	if err := d.tellDeemed(ctx, tx, f, row, settled); err != nil {
		return err
	}
	if err := d.dueToClose(ctx, tx, f.v.ID); err != nil {
		return err
	}
	leaves = append(leaves, deemedLeaf(f, row))
	return audit.Record(ctx, tx, append(leaves, confirmed...)...)
}

// tellDeemed tells the department at once (INS-918) and, where its silence was
// the last word, everybody that the visit is confirmed.
func (d *Desk) tellDeemed(ctx context.Context, tx bun.IDB, f found, row Deemed, settled []Participant) error {
	out, err := d.letters(ctx, tx, append([]Participant{f.p}, settled...), func(i int) outgoing {
		if i > 0 {
			return confirmedWord(f.v)
		}
		return outgoing{
			purpose: notify.PurposeDeemed, key: row.ID, only: []string{notify.Portal, notify.Mail},
			until: latest(f.v.Start, d.now()).Add(7 * 24 * time.Hour), facts: messageFacts{Reason: row.Number},
		}
	})
	if err != nil {
		return err
	}
	above, err := d.tellSuperior(ctx, tx, f, row)
	if err != nil {
		return err
	}
	err = raiseTask(ctx, tx, f.v, Task{
		Kind: TaskDeemed, Subject: row.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: f.p.Name + deemedWords[row.Reason] + "，已记录视为同意，记录单 " + row.Number + "；有误的请办理撤销",
	})
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), append(out, above...)...)
}

// tellSuperior tells the department above, where it has a confirmed mail address
// (INS-918).
func (d *Desk) tellSuperior(ctx context.Context, tx bun.IDB, f found, row Deemed) ([]notify.Message, error) {
	department, err := office.FindDepartment(ctx, tx, f.p.DepartmentID)
	if err != nil || department.Superior == "" {
		return nil, err
	}
	superior, err := office.FindDepartment(ctx, tx, department.Superior)
	if err != nil {
		return nil, err
	}
	addresses, err := office.ConfirmedAddresses(ctx, tx, superior.ID, d.now())
	if err != nil {
		return nil, err
	}
	o := outgoing{
		purpose: notify.PurposeDeemed, key: row.ID, only: []string{notify.Mail}, until: d.now().Add(7 * 24 * time.Hour),
		facts: messageFacts{Reason: row.Number, Superior: superior.Name},
	}
	return o.to(f.p, addresses)
}

func (d *Desk) deemedRow(ctx context.Context, tx bun.IDB, f found, confirmedBy auth.Actor) (Deemed, error) {
	relies, err := reliesOn(ctx, tx, f.p)
	if err != nil {
		return Deemed{}, err
	}
	reminders, err := remindersSent(ctx, tx, f.p, f.basis.t1)
	if err != nil {
		return Deemed{}, err
	}
	number, err := nextNumber(ctx, tx, "deemed/"+f.g.centre.Division, d.now(), "视同〔%[2]d〕%[1]s-%06[3]d")
	if err != nil {
		return Deemed{}, err
	}
	found := findings(f, confirmedBy)
	for i, one := range reminders { // INS-937
		found[fmt.Sprintf("reminder_%d_%s", i+1, one.Channel)] = stamp(one.At)
	}
	return Deemed{
		ID: newID(), ParticipantID: f.p.ID, VisitID: f.v.ID, DepartmentID: f.p.DepartmentID, Round: f.p.Round,
		Reason: f.reason, Number: number, DecidedAt: d.now(), DueAt: f.basis.due, Relies: relies,
		Findings: found, Citation: f.g.rules.Citation, // INS-102
	}, nil
}

// findings is what the record prints: the arithmetic and what was checked.
func findings(f found, confirmedBy auth.Actor) map[string]string {
	out := map[string]string{
		"arithmetic": f.basis.counted.Line,
		"t1":         stamp(f.basis.t1),
		"t2":         stamp(f.basis.due),
		"class":      f.basis.class,
		"calendar":   fmt.Sprint(f.basis.counted.CalendarVersion),
		"grace":      fmt.Sprint(f.g.rules.DeemGrace.Minutes()),
	}
	inbox := f.evidence.Inbox
	if f.reason == NoShow {
		inbox = f.day.DueInbox
		out["grace_until"], out["site_ended"], out["judged"] = stamp(f.day.GraceUntil), stamp(f.day.SiteEndedAt), stamp(f.day.Due)
	}
	for _, c := range inbox {
		out["inbox_"+c.Name] = stamp(c.AliveThrough)
	}
	if confirmedBy.ID != "" {
		out["confirmed_by"], out["confirmed_name"] = confirmedBy.String(), confirmedBy.Name
	}
	return out
}

// deemedLeaf carries all that is needed to evaluate the outcome again.
func deemedLeaf(f found, row Deemed) audit.Leaf {
	channels := f.evidence.Inbox
	if f.reason == NoShow {
		channels = f.day.DueInbox
	}
	inbox := map[string]any{}
	for _, c := range channels {
		inbox[c.Name] = map[string]any{"alive_through": stamp(c.AliveThrough), "gap_minutes": int(c.Gap.Minutes())}
	}
	leaf := participantLeaf("deemed", f.p, systemActor.String(), row.DecidedAt, map[string]any{
		"reason": string(row.Reason), "number": row.Number, "t1": stamp(f.basis.t1),
		"t2": stamp(f.basis.due), "class": f.basis.class, "calendar_version": f.basis.counted.CalendarVersion,
		"grace_seconds": int(f.g.rules.DeemGrace.Seconds()), "relies": row.Relies, "inbox": inbox,
		"unread": f.evidence.Unread, "confirmed_by": row.Findings["confirmed_by"], "rule": workday.RuleReply,
	})
	if f.reason == NoShow {
		leaf.Fields["term"], leaf.Fields["hours"] = f.counted.Term, f.counted.Hours.String()
		leaf.Fields["off"], leaf.Fields["work"] = f.off, f.work
		leaf.Fields["start"], leaf.Fields["judged"] = stamp(f.v.Start), stamp(f.day.Due)
		leaf.Fields["grace_until"], leaf.Fields["site_ended"] = stamp(f.day.GraceUntil), stamp(f.day.SiteEndedAt)
		leaf.Fields["attested"] = rolesOf(f.day.Attestations)
	}
	return leaf
}

// suspendDeemed takes the effect from a deemed consent at once, because a reply
// received in time turned up or its only proof fell (DL-14, INS-708). Both
// facts stay on record; a supervisor decides. What was reversed before stays so.
func (d *Desk) suspendDeemed(ctx context.Context, tx bun.IDB, p Participant, v Visit, why string) ([]audit.Leaf, error) {
	if err := suspend(ctx, tx, p, d.now()); err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{participantLeaf("deemed_suspended", p, systemActor.String(), d.now(), map[string]any{"why": why})}
	if p.Opinion != OpinionDeemed && p.Opinion != OpinionReview {
		return leaves, nil
	}
	return leaves, d.review(ctx, tx, p, v, p.Name+"的视为同意已中止效力，请主管复核")
}

// review puts a deemed consent before a supervisor (O8), who has a term to decide in;
// the visit does not close meanwhile (INS-915).
func (d *Desk) review(ctx context.Context, tx bun.IDB, p Participant, v Visit, detail string) error {
	if p.Opinion == OpinionDeemed {
		if err := setOpinion(ctx, tx, p, OpinionDeemed, OpinionReview); err != nil {
			return err
		}
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return err
	}
	t, err := d.decisionDue(g, Task{
		Kind: TaskReview, Subject: p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor), Detail: detail,
	})
	if err != nil {
		return err
	}
	if err := renewTask(ctx, tx, v, t); err != nil {
		return err
	}
	return d.dueToClose(ctx, tx, v.ID) // not before it is decided
}
