package inspection

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// A deadline once issued only ever moves later (INS-409). Every move is a leaf
// that can be counted again, the department is told, and an answer that came
// between the old instant and the new one is in time after all (PRO-5).

// extend moves T2 as the predicate asks (INS-903, INS-905, INS-409).
func (d *Desk) extend(ctx context.Context, tx bun.IDB, f found, verdict Verdict) error {
	if f.proof.ID != "" { // T1 fell; another proof stands (INS-708)
		f.p.ServedAt, f.p.ServiceClass = f.proof.ServedAt, f.proof.Class
	}
	leaves, err := d.moveDeadline(ctx, tx, move{p: f.p, v: f.v, g: f.g, counted: f.counted, to: verdict.Until, why: verdict.Why})
	if err != nil {
		return err
	}
	ended, err := d.clearHolds(ctx, tx, f.p, nil)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, append(leaves, ended...)...)
}

// extendAfterDoubt moves T2 of a waiting participant to the later of T2 and
// the end of the next working day, once a person has cleared a doubt (C8).
func (d *Desk) extendAfterDoubt(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	if p.Consent != ConsentAwaiting || !p.Required {
		return nil, nil
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	next, err := g.cal.Following(d.now(), 1, g.hours)
	if err != nil || !next.Due.After(p.RespondBy) {
		return nil, err
	}
	counted, _, err := recounted(g.cal, *p.Deadline, p.RespondBy)
	if err != nil {
		return nil, err
	}
	return d.moveDeadline(ctx, tx, move{p: p, v: v, g: g, counted: counted, to: latest(next.Due, counted.Due), why: movedHoldEnd})
}

// move is one deadline that moves later. The participant has the old T2; what
// else of its clock changes is set.
type move struct {
	p       Participant
	v       Visit
	g       ground
	counted workday.Deadline
	to      time.Time
	why     string
}

// movedWords end the arithmetic line of a deadline that moved (INS-937).
var movedWords = map[string]string{
	movedFullTerm: "按通知载明或重新计算，截止",
	movedGap:      "收件渠道中断，顺延至",
	movedHoldEnd:  "疑点解除，顺延至",
	movedContest:  "送达时间更正，顺延至",
}

func (d *Desk) moveDeadline(ctx context.Context, tx bun.IDB, m move) ([]audit.Leaf, error) {
	p, was, version := m.p, m.p.RespondBy, m.p.Deadline.CalendarVersion
	if !m.to.Equal(m.counted.Due) {
		m.counted.Line += "；" + movedWords[m.why] + " " + minute(m.to)
	}
	p.Deadline, p.RespondBy, p.AtRisk = &m.counted, m.to, !m.to.Before(m.v.Start)
	if err := moveRespondBy(ctx, tx, p, was, m.to.Add(m.g.rules.DeemGrace), m.why); err != nil {
		return nil, err
	}
	if err := d.tellMoved(ctx, tx, p, m.v); err != nil {
		return nil, err
	}
	leaf, err := d.deadlineLeaf(m.g.cal, p, map[string]any{"was": stamp(was), "was_version": version, "why": m.why})
	if err != nil {
		return nil, err
	}
	late, err := d.takeLate(ctx, tx, p, m.v)
	return append([]audit.Leaf{leaf}, late...), err
}

// tellMoved tells the department its new deadline (INS-409), and the window
// when the visit now begins before it (INS-606).
func (d *Desk) tellMoved(ctx context.Context, tx bun.IDB, p Participant, v Visit) error {
	err := d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeReminder, key: fmt.Sprintf("%s.%d.%d", p.ID, p.Round, p.RespondBy.Unix()),
		only: []string{notify.Portal, notify.Mail}, until: p.RespondBy,
	})
	if err != nil {
		return err
	}
	return d.taskAtRisk(ctx, tx, p, v)
}

// taskAtRisk asks the window to re-time, or to keep a visit in which this
// department's silence cannot count (INS-606).
func (d *Desk) taskAtRisk(ctx context.Context, tx bun.IDB, p Participant, v Visit) error {
	if !p.AtRisk {
		return nil
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskAtRisk, Subject: p.ID, CreatedAt: d.now(),
		Detail: p.Name + "的答复期限不早于勘验开始时间，本轮不会视为同意",
	})
}

// takeLate applies the last answer that came after the old T2 and by the one
// that counts now.
func (d *Desk) takeLate(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	r, found, err := lastLate(ctx, tx, p, v.Start)
	if err != nil || !found {
		return nil, err
	}
	r.Outcome = OutcomeApplied
	if err := reviseReply(ctx, tx, r); err != nil {
		return nil, err
	}
	leaf := replyLeaf(p, r)
	leaf.Type, leaf.Actor, leaf.At = "reply_revised", systemActor.String(), d.now()
	moved, err := d.moveConsent(ctx, tx, p, v, r)
	return append([]audit.Leaf{leaf}, moved...), err
}

// deadlineLeaf records a deadline with all that is needed to count it again
// from the leaf alone (INS-408, EV-11 check 9).
func (d *Desk) deadlineLeaf(cal *workday.Calendar, p Participant, more map[string]any) (audit.Leaf, error) {
	c := *p.Deadline
	off, work, err := exceptions(cal, c)
	fields := map[string]any{
		"t1": stamp(p.ServedAt), "t2": stamp(p.RespondBy), "term": c.Term, "hours": c.Hours.String(),
		"off": off, "work": work, "calendar_version": c.CalendarVersion, "provisional": c.Provisional,
		"class": p.ServiceClass, "line": c.Line, "at_risk": p.AtRisk,
	}
	maps.Copy(fields, more)
	return participantLeaf("deadline_set", p, systemActor.String(), d.now(), fields), err
}

// exceptions are the days of a term that are not what their weekday says.
func exceptions(cal *workday.Calendar, counted workday.Deadline) (off, work []string, err error) {
	last := workday.DateOf(counted.Due)
	for day := workday.DateOf(counted.Start); !last.Before(day); day = day.AddDays(1) {
		open, err := cal.IsWorkday(day)
		if err != nil {
			return nil, nil, err
		}
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		switch {
		case open && weekend:
			work = append(work, day.String())
		case !open && !weekend:
			off = append(off, day.String())
		}
	}
	return off, work, nil
}

// minute is an instant as deadlines are read, in Shanghai.
func minute(t time.Time) string { return workday.MomentText("zh", t) }

// minuteEnglish is minute on an English page.
func minuteEnglish(t time.Time) string { return workday.MomentText("en", t) }
