package api

import (
	"time"

	"lianban/inspection"
	"lianban/scheduler/slot"
)

// decision is what waits for the window, or its supervisor, about one department:
// other times that it proposed, or an excuse (INS-811, INS-812).
type decision struct {
	Due   time.Time
	Times []weighedLine // of a counter

	Category    string // of an excuse
	May         bool   // the reader decides it
	Substitutes []inspection.Resource
	Illness     bool // and somebody could come instead: refused as a rule
}

// weighedLine is one proposed time with what stands against it.
type weighedLine struct {
	Start, End time.Time
	Value      string
	Resources  []string
	Possible   bool
	Why        string
	Lines      []freeLine
}

type freeLine struct {
	Department string
	Free, Min  int
	Why        string
}

// undecided is the counter or the excuse that a department waits to hear about, nil
// if none.
func undecided(one inspection.ParticipantView) *inspection.Reply {
	kind := map[inspection.Consent]inspection.ReplyKind{
		inspection.ConsentCountered: inspection.ReplyCounter, inspection.ConsentExcuse: inspection.ReplyExcuse,
	}[one.Consent]
	for i, r := range one.Replies { // one that was refused is told; its new term has not begun yet
		if r.Kind == kind && r.Round == one.Round && r.Outcome == inspection.OutcomeApplied {
			return &one.Replies[i]
		}
	}
	return nil
}

// turnedDown is the counter or the excuse of the present round that was decided
// against, as long as the department has said nothing since; nil if none.
func turnedDown(one inspection.ParticipantView) (last *inspection.Reply) {
	for i, r := range one.Replies {
		if r.Round == one.Round && (last == nil || r.ReceivedAt.After(last.ReceivedAt)) {
			last = &one.Replies[i]
		}
	}
	if last != nil && last.Outcome != inspection.OutcomeRefused {
		return nil
	}
	return last
}

// decisionOf is what the window has to answer to a department, nil if nothing.
func (p *site) decisionOf(v *view, visit inspection.VisitView, one inspection.ParticipantView) (*decision, error) {
	reply := undecided(one)
	if reply == nil || !v.organises(visit.CentreID) {
		return nil, nil
	}
	d := &decision{May: v.supervises(visit.CentreID), Category: reply.Category}
	for _, t := range visit.Tasks {
		if t.Subject == one.ID && (t.Kind == inspection.TaskCounter || t.Kind == inspection.TaskExcuse) {
			d.Due = t.DueAt
		}
	}
	if reply.Kind == inspection.ReplyCounter {
		return d, p.weighed(v, visit, one, d)
	}
	var err error
	d.Substitutes, err = p.Inspection.Substitutes(v.ctx(), v.by, one.ID)
	d.Illness = d.Category == inspection.Illness && len(d.Substitutes) > 0
	return d, err
}

func (p *site) weighed(v *view, visit inspection.VisitView, one inspection.ParticipantView, d *decision) error {
	times, err := p.Inspection.Weigh(v.ctx(), v.by, one.ID)
	if err != nil {
		return err
	}
	for _, w := range times {
		line := weighedLine{
			Start: w.Start, End: w.Start.Add(visit.End.Sub(visit.Start)), Value: w.Start.UTC().Format(time.RFC3339),
			Possible: w.Possible, Resources: resourcesOf(w.Offer), Why: inspection.SlotWord(w.Why.Code, v.x.lang),
		}
		for _, l := range w.Lines {
			name, err := p.departmentName(v, l.DepartmentID)
			if err != nil {
				return err
			}
			line.Lines = append(line.Lines, freeLine{name, l.Free, l.Min, slotWord(l.Why, v.x.lang)})
		}
		d.Times = append(d.Times, line)
	}
	return nil
}

// slotWord is empty where nothing stands against it.
func slotWord(code slot.Code, lang string) string {
	if code == "" {
		return ""
	}
	return inspection.SlotWord(code, lang)
}

// acceptCounter moves the visit to a proposed time.
func (p *site) acceptCounter(v *view) error {
	return p.onPart(v, "counter", "flash.counter.accepted", func(part string) error {
		choice, err := p.choice(v, v.r.PostForm)
		if err != nil {
			return err
		}
		_, err = p.Inspection.AcceptCounter(v.ctx(), v.by, inspection.AcceptCounterRequest{
			ParticipantID: part, Choice: choice, PastLimitWhy: v.form("why"), Once: v.once(),
		})
		return err
	})
}

func (p *site) refuseCounter(v *view) error {
	return p.onPart(v, "counter", "flash.counter.refused", func(part string) error {
		return p.Inspection.RefuseCounter(v.ctx(), v.by, inspection.RefuseRequest{ParticipantID: part, Reason: v.form("reason"), Once: v.once()})
	})
}

func (p *site) refuseExcuse(v *view) error {
	return p.onPart(v, "excuse", "flash.counter.refused", func(part string) error {
		return p.Inspection.RefuseExcuse(v.ctx(), v.by, inspection.RefuseRequest{ParticipantID: part, Reason: v.form("reason"), Once: v.once()})
	})
}

func (p *site) releaseExcused(v *view) error {
	return p.onPart(v, "release", "flash.excuse.released", func(part string) error {
		return p.Inspection.Release(v.ctx(), v.by, inspection.ReleaseRequest{ParticipantID: part, Reason: v.form("reason"), Once: v.once()})
	})
}

// withdraw takes a department out of the visit (INS-608).
func (p *site) withdraw(v *view) error {
	return p.onPart(v, "withdraw", "flash.withdrawn", func(part string) error {
		return p.Inspection.Withdraw(v.ctx(), v.by, inspection.WithdrawRequest{
			ParticipantID: part, Code: v.form("code"), Reason: v.form("reason"), Once: v.once(),
		})
	})
}
