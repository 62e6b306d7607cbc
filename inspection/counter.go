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
	"lianban/notify"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// checkCounter wants one to three other times in the future (INS-801). Whoever
// fills in a form themselves learns at once which are possible at all (INS-810);
// what a clerk enters for them is kept, and is for a person if none is.
func (d *Desk) checkCounter(ctx context.Context, q bun.IDB, v Visit, r ReplyRequest) error {
	usable := usableTimes(r.Proposals, v, r.ReceivedAt)
	if len(usable) == 0 || len(r.Proposals) > 3 {
		return fault.Refuse(fault.Invalid, "proposals",
			"请提出一至三个今后的、与原时间不同的时间", "propose one to three future times that differ from the offered one")
	}
	if r.Channel != "portal" && r.Channel != "link" {
		return nil
	}
	b, err := d.bounds(ctx, q, v, r.ReceivedAt)
	if err != nil {
		return err
	}
	for _, t := range usable {
		if !b.hold(t) {
			return fault.Refuse(fault.Invalid, "proposal_impossible",
				"%[1]s 不能约：请提出 %[2]s 至 %[3]s 之间的工作日时间，整场须在 %[4]s 之内，按一刻钟取整",
				"%[5]s cannot be booked: propose working days from %[6]s to %[7]s, the whole visit within %[4]s, on the quarter hour",
				minute(t), workday.DayText("zh", b.earliest), workday.DayText("zh", b.limit), b.g.hours.String(),
				minuteEnglish(t), workday.DayText("en", b.earliest), workday.DayText("en", b.limit))
		}
	}
	return nil
}

// usableTimes leaves out what is no proposal but a comment: times in the past and
// the offered one (INS-810).
func usableTimes(times []time.Time, v Visit, received time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return !t.After(received) || t.Equal(v.Start) })
}

// bounds are what every time of a visit keeps to, whoever comes (INS-810).
type bounds struct {
	g               ground
	minutes         int
	earliest, limit workday.Date
}

func (d *Desk) bounds(ctx context.Context, q bun.IDB, v Visit, received time.Time) (b bounds, err error) {
	c, err := caseOf(ctx, q, v)
	if err != nil {
		return b, err
	}
	b.minutes = v.Minutes
	if b.g, err = d.ground(ctx, q, v, ""); err != nil {
		return b, err
	}
	if b.earliest, err = b.g.cal.Add(dateOf(received), b.g.rules.Lead); err != nil {
		return b, err
	}
	b.limit, err = workday.ParseDate(c.LimitDate)
	return b, err
}

// hold reports whether a visit could begin then, as far as nobody's calendar
// matters.
func (b bounds) hold(t time.Time) bool {
	day := dateOf(t)
	open, err := b.g.cal.IsWorkday(day)
	if err != nil || !open || day.Before(b.earliest) || b.limit.Before(day) || t.Truncate(15*time.Minute) != t {
		return false
	}
	within, err := b.g.cal.OpenMinutes(t, t.Add(time.Duration(b.minutes)*time.Minute), b.g.hours)
	return err == nil && within == b.minutes
}

// impossible reports that a counter has no time at which the visit could be: it is
// free text then, for a person to read (INS-810).
func (d *Desk) impossible(ctx context.Context, q bun.IDB, v Visit, r Reply) (bool, error) {
	if r.Kind != ReplyCounter {
		return false, nil
	}
	b, err := d.bounds(ctx, q, v, r.ReceivedAt)
	return !slices.ContainsFunc(usableTimes(r.Proposals, v, r.ReceivedAt), b.hold), err
}

// duties are the deadlines and tasks of somebody who has to answer a department.
var (
	duties    = []DeadlineKind{DeadlineCounter, DeadlineExcuse}
	dutyTasks = []TaskKind{TaskCounter, TaskExcuse, TaskDeclined, TaskOverdue}
)

// duty gives the window, or the supervisor, a term to answer in: Tc, Te.
func (d *Desk) duty(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply, t Task) error {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return err
	}
	kind, days := DeadlineCounter, g.rules.CounterAnswer
	if r.Kind == ReplyExcuse {
		kind, days = DeadlineExcuse, g.rules.ExcuseAnswer
	}
	due, err := g.cal.Following(r.ReceivedAt, days, g.hours)
	if err != nil {
		return err
	}
	t.DueAt = due.Due
	if err := raiseTask(ctx, tx, v, t); err != nil {
		return err
	}
	return upsertDeadlines(ctx, tx, DeadlineRow{
		Kind: kind, Subject: p.ID, Round: p.Round, DueAt: due.Due, NextAt: due.Due, CalendarVersion: g.cal.Version(),
		Detail: DeadlineDetail{Counted: &due},
	})
}

// endDuties: the department was answered, or has said something else.
func (d *Desk) endDuties(ctx context.Context, tx bun.IDB, p Participant, why, by string) error {
	if err := endDeadlines(ctx, tx, p.ID, p.Round, duties...); err != nil {
		return err
	}
	return finishTask(ctx, tx, dutyTasks, Task{Subject: p.ID, DoneAt: d.now(), DoneBy: by, Note: why})
}

// dutyMissed tells the supervisor of a counter or excuse that nobody answered in
// time. The department's silence stays without meaning (INS-811, INS-812).
func (d *Desk) dutyMissed(ctx context.Context, tx bun.IDB, row DeadlineRow) error {
	d = d.still()
	p, v, err := lockParticipant(ctx, tx, row.Subject)
	if err != nil {
		return err
	}
	if err := endDeadlines(ctx, tx, p.ID, row.Round, row.Kind); err != nil {
		return err
	}
	waits := p.Consent == ConsentCountered || p.Consent == ConsentExcuse
	if row.Round != v.Round || !waits {
		return nil
	}
	what := map[DeadlineKind]string{DeadlineCounter: "提出的改期", DeadlineExcuse: "提出的正当理由"}[row.Kind]
	err = renewTask(ctx, tx, v, Task{
		Kind: TaskOverdue, Subject: p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: p.Name + what + "逾期未答复，请督办；答复前不会视为同意",
	})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, participantLeaf("duty_missed", p, systemActor.String(), d.now(), map[string]any{
		"kind": string(row.Kind), "due": stamp(row.DueAt),
	}))
}

// Weighed is one proposed time with what stands against it, before the window
// accepts it (INS-811).
type Weighed struct {
	Start    time.Time
	Possible bool        // the visit can be moved there
	Offer    slot.Offer  // who would come
	Why      slot.Reason // the first rule that stands against it
	Lines    []WeighedLine
}

// WeighedLine is one department at that time.
type WeighedLine struct {
	DepartmentID string
	Free, Min    int
	Why          slot.Code // empty if it can come
}

// Weigh looks at each time that a department proposed: every other department,
// people, vehicles and rooms. The applicant has no calendar here and is asked.
// Refusals: not_found, wrong_window, bad_move, nothing_countered.
func (d *Desk) Weigh(ctx context.Context, by auth.Actor, participantID string) (out []Weighed, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		p, err := findParticipant(ctx, q, participantID)
		if err != nil {
			return err
		}
		v, err := findVisit(ctx, q, p.VisitID)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, q, by, v.CentreID); err != nil {
			return err
		}
		r, err := counterOf(ctx, q, p)
		if err != nil {
			return err
		}
		for _, t := range r.Proposals {
			one, err := d.weigh(ctx, q, by, p.VisitID, t)
			if err != nil {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

func (d *Desk) weigh(ctx context.Context, q bun.IDB, by auth.Actor, visitID string, at time.Time) (Weighed, error) {
	day := dateOf(at)
	w, err := d.world(ctx, q, by, SlotRequest{VisitID: visitID, From: day, To: day, PastLimit: by.Is(auth.Supervisor)})
	if err != nil {
		return Weighed{}, err
	}
	rows, err := slot.Prepare(w.problem)
	if err != nil {
		return Weighed{}, err
	}
	out := Weighed{Start: at, Why: rows.Why(at)}
	offers := rows.Search(1000)
	if i := slices.IndexFunc(offers, func(o slot.Offer) bool { return o.Start.Equal(at) }); i >= 0 {
		out.Possible, out.Offer = true, offers[i]
	}
	starts, cells := rows.Board(day)
	i := slices.IndexFunc(starts, at.Equal)
	for g, row := range w.departments {
		line := WeighedLine{DepartmentID: row.DepartmentID, Min: w.problem.Departments[g].Min, Why: out.Why.Code}
		if i >= 0 {
			line.Free, line.Why = cells[g][i].Free, ""
			if !cells[g][i].Enough {
				line.Why = cells[g][i].Why.Code
			}
		}
		out.Lines = append(out.Lines, line)
	}
	return out, nil
}

// counterOf is the counter that waits for its answer.
func counterOf(ctx context.Context, q bun.IDB, p Participant) (Reply, error) {
	return waitingReply(ctx, q, p, ConsentCountered, fault.Refuse(fault.Conflict, "nothing_countered",
		"该部门没有待答复的改期建议，请刷新后核对", "no proposal of this department waits for an answer; reload and check"))
}

// waitingReply is the answer that counts so far, if it is one that somebody has to
// decide about.
func waitingReply(ctx context.Context, q bun.IDB, p Participant, as Consent, none error) (Reply, error) {
	r, err := lastApplied(ctx, q, p)
	if err != nil {
		return Reply{}, err
	}
	if p.Consent != as || r == nil || consentOf[r.Kind] != as {
		return Reply{}, none
	}
	return *r, nil
}

// AcceptCounterRequest takes one of the times that a department proposed.
type AcceptCounterRequest struct {
	ParticipantID string
	Choice        SlotChoice
	Reason        string // printed in everybody's notice; empty takes a plain sentence
	PastLimitWhy  string
	Once          once.Key
}

// AcceptCounter makes the proposed time a new Round for all (INS-811). Refusals:
// nothing_countered, not_proposed, and those of Retime.
func (d *Desk) AcceptCounter(ctx context.Context, by auth.Actor, r AcceptCounterRequest) (Visit, error) {
	d = d.still()
	if err := office.CheckText("reason", r.Reason, reasonLength); err != nil {
		return Visit{}, err
	}
	var visit string
	out, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Visit, error) {
		v, err := d.acceptCounter(ctx, tx, by, r)
		visit = v.ID
		return v, err
	})
	if err != nil && visit != "" {
		err = d.withAlternatives(ctx, by, visit, err)
	}
	return out, err
}

func (d *Desk) acceptCounter(ctx context.Context, tx bun.IDB, by auth.Actor, r AcceptCounterRequest) (Visit, error) {
	p, v, err := lockParticipant(ctx, tx, r.ParticipantID)
	if err != nil {
		return v, err
	}
	if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
		return v, err
	}
	reply, err := counterOf(ctx, tx, p)
	if err != nil {
		return v, err
	}
	if !slices.ContainsFunc(reply.Proposals, r.Choice.Start.Equal) {
		return v, fault.Refuse(fault.Invalid, "not_proposed",
			"这不是该部门提出的时间；另约时间请用“改期”", "the department did not propose this time; use the move for another one")
	}
	move := RetimeRequest{VisitID: v.ID, Choice: r.Choice, Code: "counter_accepted", Reason: r.Reason, PastLimitWhy: r.PastLimitWhy}
	if move.Reason == "" {
		move.Reason = "采纳" + p.Name + "提出的时间"
	}
	if err := move.check(); err != nil {
		return v, err
	}
	reply.Outcome, reply.Decision, reply.DecidedBy, reply.DecidedAt = OutcomeApplied, move.Reason, by.String(), d.now()
	if err := decideReply(ctx, tx, reply); err != nil {
		return v, err
	}
	accepted := participantLeaf("counter_accepted", p, by.String(), d.now(), map[string]any{"reply": reply.ID})
	out, leaves, err := d.moveRound(ctx, tx, by, v, move)
	if err != nil {
		return v, err
	}
	return out, audit.Record(ctx, tx, append([]audit.Leaf{accepted}, leaves...)...)
}

// RefuseRequest decides against a counter or an excuse. Reason is printed in the
// notice that tells the department.
type RefuseRequest struct {
	ParticipantID string
	Reason        string
	Once          once.Key
}

// RefuseCounter tells the department that the time stays (INS-811). It gets a full
// term from the proven arrival of that notice (C10); until then, its silence has
// no meaning. Refusals: not_found, not_a_window, wrong_window, nothing_countered,
// reason_missing, text_invalid, bad_move.
func (d *Desk) RefuseCounter(ctx context.Context, by auth.Actor, r RefuseRequest) error {
	return d.still().refuseAnswer(ctx, r, func(tx bun.IDB, p Participant, v Visit) (Reply, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return Reply{}, err
		}
		return counterOf(ctx, tx, p)
	}, by)
}

// refuseAnswer refuses what which finds, if the actor may.
func (d *Desk) refuseAnswer(ctx context.Context, r RefuseRequest, which func(tx bun.IDB, p Participant, v Visit) (Reply, error), by auth.Actor) error {
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			reply, err := which(tx, p, v)
			if err != nil {
				return nil, err
			}
			if !v.movable() {
				return nil, movedOn("bad_move")
			}
			reply.Outcome, reply.Decision, reply.DecidedBy, reply.DecidedAt = OutcomeRefused, r.Reason, by.String(), d.now()
			return d.refuse(ctx, tx, by, p, v, reply)
		})
	})
	return err
}

// refuse stops the old clock and sends the notice whose arrival starts the new
// one.
func (d *Desk) refuse(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, reply Reply) ([]audit.Leaf, error) {
	if err := decideReply(ctx, tx, reply); err != nil {
		return nil, err
	}
	if err := stopClock(ctx, tx, p); err != nil {
		return nil, err
	}
	if err := endDeadlines(ctx, tx, p.ID, p.Round, DeadlineReply, DeadlineRemindReply, DeadlineEscalate); err != nil {
		return nil, err
	}
	if err := d.endDuties(ctx, tx, p, reply.Decision, by.String()); err != nil {
		return nil, err
	}
	n, err := d.noticeAgain(ctx, tx, p, v, reply.ID)
	if err != nil {
		return nil, err
	}
	return []audit.Leaf{participantLeaf("answer_refused", p, by.String(), d.now(), map[string]any{
		"reply": reply.ID, "kind": string(reply.Kind), "notice": n.ID,
	})}, nil
}

// noticeAgain is a notice of the round to one department alone: a further one,
// which tells that an answer was refused, or that of a department added since.
// Nobody else's clock moves.
func (d *Desk) noticeAgain(ctx context.Context, tx bun.IDB, p Participant, v Visit, refuses string) (Notice, error) {
	last, err := findNotice(ctx, tx, p)
	if err != nil && !fault.Is(err, "not_found") {
		return last, err
	}
	number, err := nextNumber(ctx, tx, "notice/"+v.Division, d.now(), noticeNumber)
	if err != nil {
		return last, err
	}
	n := Notice{
		ID: newID(), ParticipantID: p.ID, VisitID: v.ID, Round: v.Round, Version: last.Version + 1, Refuses: refuses,
		Number: number, QueuedAt: d.now(),
	}
	if err := insertNotices(ctx, tx, []Notice{n}); err != nil {
		return n, err
	}
	err = d.queueTo(ctx, tx, p, outgoing{purpose: notify.PurposeNotice, key: n.ID, legal: true, until: v.Start, facts: messageFacts{Notice: n.ID}})
	if err != nil {
		return n, err
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return n, err
	}
	first, err := firstEscalation(p, v, g, d.now())
	if err != nil {
		return n, err
	}
	return n, upsertDeadlines(ctx, tx, first)
}
