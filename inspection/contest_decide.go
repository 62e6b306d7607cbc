package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// ContestDecision is what a supervisor decides about a Contest, with the reason that
// the department is told. ServedAt is when the notice did arrive, for ContestLater.
type ContestDecision struct {
	ParticipantID string
	Outcome       ContestOutcome
	ServedAt      time.Time
	Reason        string
	Once          once.Key
}

// DecideContest is the supervisor's decision on a Contest (INS-712). Rejected: T1
// stands, and the department still has until the end of the next working day (C8).
// Later: T1 is the instant given, and T2 is counted anew, never earlier than it was.
// Void: the clock is erased and the notice goes out again (C9). What was deemed on a
// service that falls is suspended, for two persons to reverse (INS-708). Department
// and window are told. Refusals: not_found, not_a_window, wrong_window,
// not_supervisor, reason_missing, text_invalid, contest_outcome, no_contest,
// contest_time.
func (d *Desk) DecideContest(ctx context.Context, by auth.Actor, r ContestDecision) error {
	d = d.still()
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return err
	}
	if !slices.Contains([]ContestOutcome{ContestRejected, ContestLater, ContestVoid}, r.Outcome) {
		return fault.Refuse(fault.Invalid, "contest_outcome",
			"请选择：异议不成立、改按另一时间送达，或者送达无效", "choose one: the service stands, it was later, or it is void")
	}
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
				return nil, err
			}
			return d.decideContest(ctx, tx, by, p, v, r)
		})
	})
	return err
}

func (d *Desk) decideContest(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, r ContestDecision) ([]audit.Leaf, error) {
	c, open, err := openContest(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if !open {
		return nil, fault.Refuse(fault.Conflict, "no_contest",
			"该部门没有待决定的送达异议，请刷新后核对", "no contest of this department waits for a decision; reload and check")
	}
	c.Outcome, c.Decision = r.Outcome, r.Reason
	if c.Outcome == ContestLater {
		if err := c.checkTime(r.ServedAt, d.now()); err != nil {
			return nil, err
		}
		c.NewServedAt = r.ServedAt.UTC().Truncate(time.Millisecond)
	}
	ended, err := d.endContest(ctx, tx, by, p, c)
	if err != nil {
		return nil, err
	}
	again, followed, err := d.followContest(ctx, tx, by, p, v, &c)
	if err != nil {
		return nil, err
	}
	if err := setContestTimes(ctx, tx, c); err != nil {
		return nil, err
	}
	leaf := d.contestEnded(by, p, c)
	if again != "" {
		leaf.Fields["notice"] = again
	}
	return slices.Concat([]audit.Leaf{leaf}, ended, followed), d.tellContest(ctx, tx, p, v, c)
}

// followContest does what a decision means for the clock and for what was deemed by
// it, and notes the times that count since. again is the notice that goes out anew.
func (d *Desk) followContest(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, c *Contest) (again string, leaves []audit.Leaf, err error) {
	if c.Outcome == ContestRejected {
		leaves, err = d.extendAfterDoubt(ctx, tx, p, v)
		if err != nil {
			return "", nil, err
		}
		now, err := findParticipant(ctx, tx, p.ID)
		c.NewServedAt, c.NewRespondBy = c.ServedAt, latest(c.RespondBy, now.RespondBy)
		return "", leaves, err
	}
	if err := fellAll(ctx, tx, p, d.now(), "送达异议成立"); err != nil {
		return "", nil, err
	}
	proof, err := d.proveLater(ctx, tx, by, p, v, *c)
	if err != nil {
		return "", nil, err
	}
	switch {
	case p.Consent == ConsentDeemed:
		leaves, err = d.contestedDeemed(ctx, tx, p, v, c)
	case p.Consent == ConsentAwaiting && v.booked() && c.Outcome == ContestLater:
		leaves, err = d.serveLater(ctx, tx, p, v, c)
	case p.Consent == ConsentAwaiting && v.booked():
		again, leaves, err = d.serveAnew(ctx, tx, p, v)
	case c.Outcome == ContestLater: // the clock began with this proof, or nothing hangs on it any more
		now, findErr := findParticipant(ctx, tx, p.ID)
		c.NewRespondBy, err = now.RespondBy, findErr
	}
	return again, append(proof, leaves...), err
}

// proveLater records the arrival that a supervisor found to be the true one. Where
// every proof has fallen meanwhile it starts the clock (C2).
func (d *Desk) proveLater(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, c Contest) ([]audit.Leaf, error) {
	if c.Outcome != ContestLater {
		return nil, nil
	}
	n, err := findNotice(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	return d.recordService(ctx, tx, p, v, Service{
		NoticeID: n.ID, Round: p.Round, Class: c.Class, Channel: c.Channel, ServedAt: c.NewServedAt, Source: "contest/" + c.ID, by: by,
	})
}

// serveLater counts T2 anew from the later T1: never earlier than it was, and not
// before the end of the next working day, as after every doubt (INS-409, C8).
func (d *Desk) serveLater(ctx context.Context, tx bun.IDB, p Participant, v Visit, c *Contest) ([]audit.Leaf, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	counted, err := g.cal.Reply(c.NewServedAt, p.Deadline.Term, p.Deadline.Hours)
	if err != nil {
		return nil, err
	}
	next, err := g.cal.Following(d.now(), 1, g.hours)
	if err != nil {
		return nil, err
	}
	c.NewRespondBy = latest(latest(counted.Due, next.Due), p.RespondBy)
	p.ServedAt = c.NewServedAt
	if c.NewRespondBy.Equal(p.RespondBy) {
		return d.correctT1(ctx, tx, g, p, counted)
	}
	return d.moveDeadline(ctx, tx, move{p: p, v: v, g: g, counted: counted, to: c.NewRespondBy, why: movedContest})
}

// correctT1 writes a later T1 that leaves T2 where it is.
func (d *Desk) correctT1(ctx context.Context, tx bun.IDB, g ground, p Participant, counted workday.Deadline) ([]audit.Leaf, error) {
	if p.RespondBy.After(counted.Due) {
		counted.Line += "；" + movedWords[movedFullTerm] + " " + minute(p.RespondBy)
	}
	p.Deadline = &counted
	if err := setServed(ctx, tx, p); err != nil {
		return nil, err
	}
	leaf, err := d.deadlineLeaf(g.cal, p, nil)
	return []audit.Leaf{leaf}, err
}

// serveAnew erases the clock (C9) and sends a further notice, from whose arrival the
// term runs. An answer that was late for the erased T2 is taken (INS-805).
func (d *Desk) serveAnew(ctx context.Context, tx bun.IDB, p Participant, v Visit) (again string, late []audit.Leaf, err error) {
	if p, err = clearClock(ctx, tx, p); err != nil {
		return "", nil, err
	}
	if late, err = d.takeLate(ctx, tx, p, v); err != nil || len(late) > 0 {
		return "", late, err
	}
	n, err := d.noticeAgain(ctx, tx, p, v, "")
	return n.ID, nil, err
}

// contestedDeemed takes the effect from a deemed consent whose term was not over by
// the T1 that counts now. Otherwise the outcome stays under review.
func (d *Desk) contestedDeemed(ctx context.Context, tx bun.IDB, p Participant, v Visit, c *Contest) ([]audit.Leaf, error) {
	if c.Outcome == ContestLater {
		g, err := d.ground(ctx, tx, v, p.DepartmentID)
		if err != nil {
			return nil, err
		}
		counted, err := g.cal.Reply(c.NewServedAt, p.Deadline.Term, p.Deadline.Hours)
		if err != nil {
			return nil, err
		}
		c.NewRespondBy = latest(counted.Due, c.RespondBy)
		if c.NewRespondBy.Equal(c.RespondBy) {
			return nil, nil
		}
	}
	standing, err := effective(ctx, tx, p)
	if err != nil || !standing {
		return nil, err
	}
	return d.suspendDeemed(ctx, tx, p, v, "service_contested")
}

// tellContest tells the department, and the window as something to note.
func (d *Desk) tellContest(ctx context.Context, tx bun.IDB, p Participant, v Visit, c Contest) error {
	err := d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeContest, key: c.ID, only: []string{notify.Portal, notify.Mail},
		until: latest(v.Start, d.now()).Add(7 * 24 * time.Hour), facts: messageFacts{Reason: c.Decision, Contest: c.ID},
	})
	if err != nil {
		return err
	}
	return renewTask(ctx, tx, v, Task{
		Kind: TaskContested, Subject: p.ID, CreatedAt: d.now(), Detail: p.Name + contestWords[c.Outcome] + "。理由：" + c.Decision,
	})
}

// contestWords continue a sentence that begins with the department.
var contestWords = map[ContestOutcome]string{
	ContestRejected: "的送达异议不成立，送达时间不变",
	ContestLater:    "的送达异议成立，送达时间改按主管认定的时间计算",
	ContestVoid:     "的送达异议成立，原送达不作数，请留意重新送达的情况",
}

// sayContest adds what a decision says, and what becomes of a deemed consent.
func sayContest(ctx context.Context, tx bun.IDB, l *letter) error {
	c, err := findContest(ctx, tx, l.facts.Contest)
	if err != nil {
		return err
	}
	l.out.Contest, l.out.ServedAt = string(c.Outcome), c.NewServedAt
	l.out.UnderReview = l.p.Consent == ConsentDeemed
	l.out.Again = l.p.Consent == ConsentUnserved && l.v.booked()
	if l.p.Consent != ConsentAwaiting || l.p.Round != c.Round {
		l.out.RespondBy = time.Time{}
	}
	return nil
}
