package inspection

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/notify"
	"lianban/scheduler/workday"
)

// found is one due row with all that was read about it.
type found struct {
	row       DeadlineRow
	p         Participant
	v         Visit
	g         ground
	evidence  Evidence
	proof     Service          // the first that counts and still stands
	counted   workday.Deadline // the term as it counts today
	reason    DeemedReason
	basis     basis
	off, work []string  // days of the term of the notice that are not what their weekday says
	day       *VisitDay // for the two reasons of the visit day
}

// basis is what a deemed consent rests on in time: the proven arrival, the
// instant that had to pass, and how it was counted.
type basis struct {
	t1, due time.Time
	class   string
	counted workday.Deadline
}

// gather reads the evidence on the transaction that will write the outcome.
func (d *Desk) gather(ctx context.Context, tx bun.IDB, row DeadlineRow, p Participant, v Visit) (found, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return found{}, err
	}
	row.CalendarVersion = g.cal.Version() // looked at by this one (INS-409)
	f := found{row: row, p: p, v: v, g: g, reason: NoReply, evidence: d.evidenceOf(row, p, v, g)}
	if p.Deadline != nil {
		f.basis = basis{t1: p.ServedAt, due: p.RespondBy, class: p.ServiceClass, counted: *p.Deadline}
	}
	if f.evidence.nothingOwed() {
		return f, nil
	}
	err = d.gatherProofs(ctx, tx, &f)
	return f, err
}

func (d *Desk) gatherProofs(ctx context.Context, tx bun.IDB, f *found) (err error) {
	e, p := &f.evidence, f.p
	if e.Outcome, e.AnsweredBy, err = outcomeOf(ctx, tx, p); err != nil {
		return err
	}
	n, err := findNotice(ctx, tx, p)
	if err != nil {
		return err
	}
	e.PrintedDue = n.PrintedDue
	if e.Reversed, err = wasReversed(ctx, tx, p); err != nil {
		return err
	}
	standing, err := standingServices(ctx, tx, p, AboutNotice)
	if err != nil {
		return err
	}
	if err := f.fullTerm(standing); err != nil {
		return err
	}
	if e.Inbox, err = d.inboxHealth(ctx, tx, *f); err != nil {
		return err
	}
	if e.Unread, err = notify.UnsortedBefore(ctx, tx, p.RespondBy, p.ID); err != nil {
		return err
	}
	if _, e.Signed, err = lastOpinion(ctx, tx, p); err != nil {
		return err
	}
	if e.Objects, err = objects(ctx, tx, p); err != nil {
		return err
	}
	if sound, why := d.ClockHealthy(ctx, tx, e.T1); !sound {
		e.ClockFault = why
	}
	e.Holds, err = openHoldReasons(ctx, tx, p)
	return err
}

// fullTerm counts the term again: from the first proof that still stands, for
// the one it was counted from may have fallen (INS-708), and by the newest
// calendar (INS-903, INS-409).
func (f *found) fullTerm(standing []Service) (err error) {
	if f.p.Deadline == nil {
		return errors.New("a running clock without its arithmetic")
	}
	e := &f.evidence
	for _, s := range standing {
		e.Classes = append(e.Classes, s.Class)
	}
	f.counted = *f.p.Deadline
	if proof, ok := firstProof(standing, e.MinClass); ok && proof.ServedAt.After(e.T1) {
		f.proof, e.T1 = proof, proof.ServedAt
		if f.counted, err = f.g.cal.Reply(e.T1, f.counted.Term, f.counted.Hours); err != nil {
			return err
		}
	}
	var open workday.Deadline
	if f.counted, open, err = recounted(f.g.cal, f.counted, e.T2); err != nil {
		return err
	}
	e.FullTerm, e.Provisional = latest(f.counted.Due, open.Due), f.counted.Provisional || open.Provisional
	return nil
}

// recounted is an issued deadline as a calendar counts it, never earlier, and
// the end of the day on which T2 can stand: one that has become a day off moves
// on (INS-409).
func recounted(cal *workday.Calendar, issued workday.Deadline, t2 time.Time) (counted, open workday.Deadline, err error) {
	if counted, _, err = cal.Extend(issued); err != nil {
		return counted, open, err
	}
	open, err = cal.Following(t2, 0, issued.Hours)
	return counted, open, err
}

// firstProof is the first proof that counts, of those that stand (INS-704).
func firstProof(standing []Service, minimum string) (Service, bool) {
	i := slices.IndexFunc(standing, func(s Service) bool { return classCounts(s.Class, minimum) })
	if i < 0 {
		return Service{}, false
	}
	return standing[i], true
}

// inboxHealth measures every channel printed in the notice (INS-905).
func (d *Desk) inboxHealth(ctx context.Context, tx bun.IDB, f found) ([]ChannelHealth, error) {
	out := make([]ChannelHealth, len(d.Channels))
	for i, name := range d.Channels {
		alive, gaps, err := notify.Watched(ctx, tx, notify.GapQuery{
			Channel: name, Span: notify.Span{From: f.evidence.T1, To: f.evidence.Now}, Longer: f.g.rules.InboundMaxGap,
		})
		if err != nil {
			return nil, err
		}
		out[i] = ChannelHealth{Name: name, AliveThrough: alive}
		if err := out[i].weigh(gaps, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// weigh keeps the longest gap between T1 and T2 in working time, and how late
// T2 has to be for those over the limit. What lies after the newest watermark
// is no gap yet: as long as it reaches over T2 it holds.
func (c *ChannelHealth) weigh(gaps []notify.Span, f found) error {
	for _, gap := range gaps {
		if !gap.From.Before(f.evidence.T2) || !gap.From.Before(c.AliveThrough) {
			continue
		}
		minutes, err := f.g.cal.OpenMinutes(gap.From, earliest(gap.To, f.evidence.T2), f.g.hours)
		if err != nil {
			return err
		}
		open := time.Duration(minutes) * time.Minute
		c.Gap = max(c.Gap, open)
		if open <= f.g.rules.InboundMaxGap {
			continue
		}
		next, err := f.g.cal.Following(gap.To, 1, f.g.hours)
		if err != nil {
			return err
		}
		c.MadeUp = latest(c.MadeUp, next.Due)
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
