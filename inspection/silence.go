package inspection

import (
	"context"
	"fmt"
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

// noticeOfDue is how long before T3, in minutes of working time, the word that an
// opinion is due has to have arrived (INS-933).
const noticeOfDue = 4 * 60

// awaitSilences writes, when the site part ends, the instants at which each
// required department's absence or missing opinion is judged: the end of the next
// working day (INS-932, SIM-9). Those who owe an opinion are told (INS-933).
func (d *Desk) awaitSilences(ctx context.Context, tx bun.IDB, v Visit) ([]audit.Leaf, error) {
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, p := range participants {
		more, err := d.awaitSilence(ctx, tx, p, v)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, more...)
	}
	return leaves, nil
}

func (d *Desk) awaitSilence(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	owes := p.Opinion == OpinionNone || p.Opinion == OpinionDraft || p.Opinion == OpinionDeferred
	if v.State != VisitCollecting || !p.Required || !owes || p.Consent == ConsentDeemed || p.Consent == ConsentVoid {
		return nil, nil
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	if p.Attendance.here() || p.Consent == ConsentExcused {
		return d.awaitOpinion(ctx, tx, p, g)
	}
	due, err := g.cal.Following(v.SiteEndedAt, 1, g.hours)
	if err != nil {
		return nil, err
	}
	return nil, upsertDeadlines(ctx, tx, DeadlineRow{
		Kind: DeadlineNoShow, Subject: p.ID, Round: p.Round, DueAt: due.Due, NextAt: due.Due.Add(g.rules.DeemGrace),
		CalendarVersion: g.cal.Version(), Detail: DeadlineDetail{Counted: &due},
	})
}

// opinionDays is the term of an opinion in working days: never the same day, when
// a device may not have synced yet (INS-935, SIM-9).
func opinionDays(g ground) int { return max(g.rules.OpinionTerm, 1) }

// awaitOpinion sets T3 and tells the department.
func (d *Desk) awaitOpinion(ctx context.Context, tx bun.IDB, p Participant, g ground) ([]audit.Leaf, error) {
	due, err := g.cal.Following(d.now(), opinionDays(g), g.hours)
	if err != nil {
		return nil, err
	}
	err = upsertDeadlines(ctx, tx, DeadlineRow{
		Kind: DeadlineOpinion, Subject: p.ID, Round: p.Round, DueAt: due.Due, NextAt: due.Due.Add(g.rules.DeemGrace),
		CalendarVersion: g.cal.Version(), Detail: DeadlineDetail{Counted: &due},
	})
	if err != nil {
		return nil, err
	}
	leaf := participantLeaf("opinion_due", p, systemActor.String(), d.now(), map[string]any{
		"t3": stamp(due.Due), "calendar_version": g.cal.Version(), "line": due.Line,
	})
	return []audit.Leaf{leaf}, d.tellOpinionDue(ctx, tx, p, due.Due)
}

// tellOpinionDue says until when the opinion is due and what silence means
// (INS-933).
func (d *Desk) tellOpinionDue(ctx context.Context, tx bun.IDB, p Participant, due time.Time) error {
	return d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeOpinionDue, key: fmt.Sprintf("%s.%d.%d", p.ID, p.Round, due.Unix()), legal: true,
		only: []string{notify.Portal, notify.Mail}, until: due, facts: messageFacts{Due: due},
	})
}

// judgeVisitDay evaluates not coming or a missing opinion at its row, as decide
// does for a missing answer: all on one transaction (INS-908).
func (d *Desk) judgeVisitDay(ctx context.Context, tx bun.IDB, row DeadlineRow, confirmedBy auth.Actor) (Verdict, error) {
	p, v, err := lockParticipant(ctx, tx, row.Subject)
	if err != nil {
		return Verdict{}, err
	}
	f, day, err := d.gatherVisitDay(ctx, tx, row, p, v)
	if err != nil {
		return Verdict{}, err
	}
	day.Confirmed = confirmedBy.ID != ""
	verdict := JudgeNoOpinion(day)
	if row.Kind == DeadlineNoShow {
		verdict = JudgeNoShow(day)
	}
	return verdict, d.follow(ctx, tx, f, verdict, confirmedBy)
}

// judgeLater moves the instant of judging, always later. The department hears of
// a later T3; where no word has arrived the window serves it by hand (INS-933).
func (d *Desk) judgeLater(ctx context.Context, tx bun.IDB, f found, verdict Verdict) error {
	was := f.row.DueAt
	f.row.DueAt, f.row.NextAt = verdict.Until, verdict.Until.Add(f.g.rules.DeemGrace)
	f.row.Detail.MovedFrom, f.row.Detail.Why = was, verdict.Why
	if err := moveDue(ctx, tx, f.row); err != nil {
		return err
	}
	leaf := participantLeaf(string(f.row.Kind)+"_moved", f.p, systemActor.String(), d.now(), map[string]any{
		"was": stamp(was), "t3": stamp(verdict.Until), "why": verdict.Why, "calendar_version": f.g.cal.Version(),
	})
	ended, err := d.clearHolds(ctx, tx, f.p, nil)
	if err != nil {
		return err
	}
	if f.row.Kind == DeadlineOpinion {
		if err := d.tellOpinionDue(ctx, tx, f.p, verdict.Until); err != nil {
			return err
		}
	}
	if verdict.Why == movedUnserved && f.evidence.T1.IsZero() { // one that came late counts for the later term
		err = raiseTask(ctx, tx, f.v, Task{
			Kind: TaskServeByHand, Subject: f.p.ID, CreatedAt: d.now(),
			Detail: f.p.Name + "尚未收到出具意见的通知，期限已顺延；请电话提醒，并书面送达",
		})
	}
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, append([]audit.Leaf{leaf}, ended...)...)
}

// gatherVisitDay reads what the predicates of the visit day look at.
func (d *Desk) gatherVisitDay(ctx context.Context, tx bun.IDB, row DeadlineRow, p Participant, v Visit) (found, VisitDay, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return found{}, VisitDay{}, err
	}
	row.CalendarVersion = g.cal.Version()
	f := found{row: row, p: p, v: v, g: g, reason: NoOpinion}
	if row.Kind == DeadlineNoShow {
		f.reason = NoShow
	}
	f.evidence = d.evidenceOf(row, p, v, g)
	day := VisitDay{
		Due: row.DueAt, Attendance: p.Attendance, Opinion: p.Opinion, SiteEndedAt: v.SiteEndedAt, GraceUntil: v.GraceUntil,
	}
	if f.evidence.Outcome, _, err = outcomeOf(ctx, tx, p); err != nil {
		return f, day, err
	}
	if f.reason == NoShow {
		err = d.gatherNoShow(ctx, tx, &f, &day)
	} else {
		err = d.gatherNoOpinion(ctx, tx, &f, &day)
	}
	if err != nil {
		return f, day, err
	}
	if err := d.gatherWords(ctx, tx, &f, &day); err != nil {
		return f, day, err
	}
	day.Evidence = f.evidence
	f.day = &day
	return f, day, nil
}

// evidenceOf is what all three predicates read from the rows at hand.
func (d *Desk) evidenceOf(row DeadlineRow, p Participant, v Visit, g ground) Evidence {
	return Evidence{
		Now: d.now(), VisitState: v.State, VisitRound: v.Round, Start: v.Start,
		Consent: p.Consent, Round: row.Round, Required: p.Required, NeverDeemed: p.NeverDeemed,
		Revisit: v.RevisitOf != "", RevisitAuto: g.rules.DeemRevisit == office.RevisitAuto,
		MinClass: g.rules.ServiceMinClass, T1: p.ServedAt, T2: p.RespondBy,
		Grace: g.rules.DeemGrace, Confirm: g.rules.DeemMode == office.DeemConfirm,
	}
}

// gatherNoShow reads the proof of the notice, the term that had to pass before
// the start, and who was on the site. A department that answered has no running
// clock any more: its term is counted from the first proof that stands.
func (d *Desk) gatherNoShow(ctx context.Context, tx bun.IDB, f *found, day *VisitDay) error {
	e, p := &f.evidence, f.p
	standing, err := standingServices(ctx, tx, p, AboutNotice)
	if err != nil {
		return err
	}
	if err := f.noticeTerm(standing); err != nil {
		return err
	}
	n, err := findNotice(ctx, tx, p)
	if err != nil {
		return err
	}
	e.T2 = latest(e.T2, n.PrintedDue)
	if e.Inbox, err = d.inboxHealth(ctx, tx, *f); err != nil {
		return err
	}
	whole := *f
	whole.evidence.T2 = day.Due
	if day.DueInbox, err = d.inboxHealth(ctx, tx, whole); err != nil {
		return err
	}
	due, err := f.g.cal.Following(f.v.SiteEndedAt, 1, f.g.hours)
	if err != nil {
		return err
	}
	day.FullDue, e.Provisional = due.Due, e.Provisional || due.Provisional
	return d.gatherSite(ctx, tx, f, day)
}

// noticeTerm counts T1 and T2 of the notice by the proofs that stand and by the
// newest calendar.
func (f *found) noticeTerm(standing []Service) (err error) {
	e := &f.evidence
	for _, s := range standing {
		e.Classes = append(e.Classes, s.Class)
	}
	proof, ok := firstProof(standing, e.MinClass)
	if !ok {
		e.T1, e.T2 = time.Time{}, time.Time{}
		return nil
	}
	e.T1, f.proof = proof.ServedAt, proof
	counted := workday.Deadline{}
	if f.p.Deadline != nil && f.p.ServedAt.Equal(e.T1) {
		counted = *f.p.Deadline
	} else if counted, err = f.g.cal.Reply(e.T1, f.g.rules.ReplyTerm, f.g.hours); err != nil {
		return err
	}
	if counted, _, err = f.g.cal.Extend(counted); err != nil {
		return err
	}
	if f.off, f.work, err = exceptions(f.g.cal, counted); err != nil {
		return err
	}
	f.counted, e.Provisional = counted, counted.Provisional
	e.T2 = latest(f.p.RespondBy, counted.Due)
	f.basis = basis{t1: e.T1, due: e.T2, class: proof.Class, counted: counted}
	return nil
}

// gatherSite reads who was on the site and who says that nobody came.
func (d *Desk) gatherSite(ctx context.Context, tx bun.IDB, f *found, day *VisitDay) (err error) {
	people, err := listCheckIns(ctx, tx, f.v)
	if err != nil {
		return err
	}
	for _, c := range people {
		day.ApplicantCame = day.ApplicantCame || c.Party == PartyApplicant
		day.OthersCame = day.OthersCame || c.Party != PartyApplicant && c.Party != f.p.ID
	}
	if day.Attestations, err = standingAttestations(ctx, tx, f.p); err != nil {
		return err
	}
	_, day.Correcting, err = openCorrection(ctx, tx, f.p)
	return err
}

// gatherNoOpinion reads the proof that the word on the due opinion arrived: its
// first standing proof is T1, and T3 is T2 here (INS-934).
func (d *Desk) gatherNoOpinion(ctx context.Context, tx bun.IDB, f *found, day *VisitDay) error {
	e := &f.evidence
	e.T1, e.T2 = time.Time{}, f.row.DueAt
	standing, err := standingServices(ctx, tx, f.p, AboutOpinion)
	if err != nil {
		return err
	}
	for _, s := range standing {
		e.Classes = append(e.Classes, s.Class)
	}
	if proof, ok := firstProof(standing, e.MinClass); ok {
		e.T1, f.proof = proof.ServedAt, proof
	}
	if f.row.Detail.Counted == nil {
		return fmt.Errorf("an opinion due at %v without its arithmetic", f.row.DueAt)
	}
	counted, open, err := recounted(f.g.cal, *f.row.Detail.Counted, e.T2)
	if err != nil {
		return err
	}
	day.FullDue, e.Provisional = latest(counted.Due, open.Due), counted.Provisional || open.Provisional
	if day.ServedBy, err = f.g.cal.SubMinutes(e.T2, noticeOfDue, f.g.hours); err != nil {
		return err
	}
	next, err := f.g.cal.Following(latest(e.T2, d.now()), 1, f.g.hours)
	if err != nil {
		return err
	}
	day.NextTerm = next.Due
	if !e.T2.Equal(counted.Due) {
		counted.Line += "；" + movedOpinion[f.row.Detail.Why] + " " + minute(e.T2)
	}
	f.basis = basis{t1: e.T1, due: e.T2, class: f.proof.Class, counted: counted}
	since := *f
	since.evidence.T1 = latest(e.T1, f.v.SiteEndedAt)
	e.Inbox, err = d.inboxHealth(ctx, tx, since)
	return err
}

// movedOpinion ends the arithmetic line of a T3 that moved.
var movedOpinion = map[string]string{
	movedFullTerm: "日历变化，顺延至", movedGap: "收件渠道中断，顺延至", movedUnserved: "通知未按时送达，顺延至", "": "顺延至",
}

// gatherWords reads what the department has said or may have said: mail of the
// day, excuses, opinions and drafts, and earlier reversals (INS-913, 917, 924,
// 926).
func (d *Desk) gatherWords(ctx context.Context, tx bun.IDB, f *found, day *VisitDay) (err error) {
	e, p := &f.evidence, f.p
	if e.Unread, err = notify.UnsortedBefore(ctx, tx, d.now(), p.ID); err != nil {
		return err
	}
	if sound, why := d.ClockHealthy(ctx, tx, latest(e.T1, earliest(f.v.Start, e.T2))); !sound {
		e.ClockFault = why
	}
	if e.Reversed, err = wasReversed(ctx, tx, p); err != nil {
		return err
	}
	if _, e.Signed, err = lastOpinion(ctx, tx, p); err != nil {
		return err
	}
	if e.Objects, err = objects(ctx, tx, p); err != nil {
		return err
	}
	draft, found, err := openDraft(ctx, tx, p)
	if err != nil {
		return err
	}
	day.ContraryWord = found && (draft.Kind == Rectify || draft.Kind == Disagree)
	excuses, err := lateExcuses(ctx, tx, p, f.v.Start)
	if err != nil {
		return err
	}
	day.LateExcuses = len(excuses)
	for _, r := range excuses {
		if err := d.holdExcuse(ctx, tx, p, f.v, r); err != nil {
			return err
		}
	}
	e.Holds, err = openHoldReasons(ctx, tx, p)
	return err
}

// holdExcuse puts an excuse that came with the visit under way before the
// supervisor; until it is decided nothing is deemed (INS-924).
func (d *Desk) holdExcuse(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) error {
	leaves, err := raiseHold(ctx, tx, p, HoldRow{Reason: HoldLateExcuse, Source: r.ID, Detail: r.Reason, Since: d.now()})
	if err != nil || len(leaves) == 0 {
		return err
	}
	err = raiseTask(ctx, tx, v, Task{
		Kind: TaskAnswerHold, Subject: r.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: p.Name + "在勘验开始后提出正当理由，请主管审定：" + r.Reason,
	})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// undoAbsence follows a corrected attendance (A9): what was deemed on the absence
// is reversed; where nothing was deemed yet, the department owes its opinion.
func (d *Desk) undoAbsence(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, c Correction) ([]audit.Leaf, error) {
	if err := endDeadlines(ctx, tx, p.ID, p.Round, DeadlineNoShow); err != nil {
		return nil, err
	}
	p.Attendance = c.Attendance
	if !slices.Contains([]OpinionState{OpinionDeemed, OpinionReview}, p.Opinion) {
		return d.awaitSilence(ctx, tx, p, v)
	}
	r := Reversal{
		ID: newID(), ParticipantID: p.ID, Round: p.Round, Reason: c.Reason, ProposedBy: c.ProposedBy, ProposedAt: c.ProposedAt,
	}
	proposer, err := auth.FindPerson(ctx, tx, strings.TrimPrefix(c.ProposedBy, string(auth.KindPerson)+":"))
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	r.ProposedName = proposer.Name
	open, waiting, err := findReversal(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if waiting {
		r = open
	} else if _, err := insertNew(ctx, tx, &r); err != nil {
		return nil, err
	}
	r.Decision = "到场情况更正为" + attendanceWords[c.Attendance]
	return d.decideReversal(ctx, tx, by, p, v, r)
}
