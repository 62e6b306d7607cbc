package inspection

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
)

// escalation is one step of INS-709 while no proof of class A or B stands.
// Steps are counted in working time from sending.
type escalation struct {
	why    string
	detail string
}

var escalations = []escalation{
	{"channel", "通知发出后仍无送达证明，请核对邮箱和收件页，必要时换用其他方式"},
	{"telephone", "通知仍无送达证明，请电话告知并登记通话"},
	{"paper", "通知当日仍无送达证明，请打印通知和回执，书面送达"},
	{"at_risk", "勘验前一个工作日仍无送达证明，本轮该部门不会视为同意，请书面送达或改约"},
}

// firstEscalation starts the steps for a notice that is sent now.
func firstEscalation(p Participant, v Visit, g ground, now time.Time) (DeadlineRow, error) {
	at, err := escalateAt(g, v, now, 0)
	return DeadlineRow{
		Kind: DeadlineEscalate, Subject: p.ID, Round: v.Round, DueAt: at, NextAt: at,
		CalendarVersion: g.cal.Version(), Detail: DeadlineDetail{Why: escalations[0].why, MovedFrom: now},
	}, err
}

// escalateAt is when a step is due: 2 h and 4 h of working time, the end of
// the day, and the opening of the last working day before the visit.
func escalateAt(g ground, v Visit, sent time.Time, step int) (time.Time, error) {
	switch step {
	case 0:
		return g.cal.AddMinutes(sent, int(g.rules.EscalateChannel.Minutes()), g.hours)
	case 1:
		return g.cal.AddMinutes(sent, int(g.rules.EscalateTelephone.Minutes()), g.hours)
	case 2:
		end, err := g.cal.Following(sent, 0, g.hours)
		return end.Due, err
	}
	for day := dateOf(v.Start).AddDays(-1); ; day = day.AddDays(-1) {
		open, err := g.cal.IsWorkday(day)
		if err != nil || open {
			return g.hours.Opens(day), err
		}
	}
}

// EscalateDue takes the next step for every notice that has no proof of
// arrival (INS-709): each step renews the window's task with what to do.
func (d *Desk) EscalateDue(ctx context.Context) error {
	return errors.Join(d.eachDue(ctx, []DeadlineKind{DeadlineEscalate}, d.escalate), d.eachDue(ctx, duties, d.dutyMissed))
}

func (d *Desk) escalate(ctx context.Context, tx bun.IDB, row DeadlineRow) error {
	d = d.still()
	p, v, err := lockParticipant(ctx, tx, row.Subject)
	if err != nil {
		return err
	}
	if p.Consent != ConsentUnserved || row.Round != v.Round || !d.now().Before(v.Start) {
		return endDeadlines(ctx, tx, p.ID, row.Round, DeadlineEscalate)
	}
	step := stepOf(row.Detail.Why)
	err = renewTask(ctx, tx, v, Task{
		Kind: TaskServeByHand, Subject: p.ID, CreatedAt: d.now(), Detail: p.Name + "：" + escalations[step].detail,
	})
	if err != nil {
		return err
	}
	if err := d.nextStep(ctx, tx, row, p, v, step); err != nil {
		return err
	}
	return audit.Record(ctx, tx, participantLeaf("escalated", p, systemActor.String(), d.now(),
		map[string]any{"step": escalations[step].why}))
}

func (d *Desk) nextStep(ctx context.Context, tx bun.IDB, row DeadlineRow, p Participant, v Visit, step int) error {
	if step+1 == len(escalations) {
		if err := markAtRisk(ctx, tx, p); err != nil { // INS-606
			return err
		}
		return endDeadlines(ctx, tx, p.ID, row.Round, DeadlineEscalate)
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return err
	}
	at, err := escalateAt(g, v, row.Detail.MovedFrom, step+1)
	if err != nil {
		return err
	}
	row.DueAt, row.NextAt, row.Detail.Why = at, at, escalations[step+1].why
	return upsertDeadlines(ctx, tx, row)
}

func stepOf(why string) int {
	for i, e := range escalations {
		if e.why == why {
			return i
		}
	}
	return 0
}
