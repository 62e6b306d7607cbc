package api

import (
	"net/http"
	"strings"
	"time"

	"lianban/inspection"
	"lianban/internal/fault"
)

// leavePages are the day of somebody who cannot come (INS-611).
func (p *site) leavePages() {
	p.on(Route{Method: http.MethodGet, Path: "/leaves", Act: "pageLeaves", Who: anywhere(atDesk...)}, p.leaves)
	p.on(Route{Method: http.MethodPost, Path: "/leaves", Act: "pageEnterLeave", Who: anywhere(atDesk...)}, p.enterLeave)
	p.on(Route{Method: http.MethodGet, Path: "/leaves/{id}", Act: "pageLeavePlan", Who: anywhere(atDesk...)}, p.leavePlan)
	p.on(Route{Method: http.MethodPost, Path: "/leaves/{id}", Act: "pageCommitLeave", Who: anywhere(atDesk...)}, p.commitLeave)
}

type leavesPage struct {
	Who    []inspection.Resource
	Leaves []inspection.LeaveTime
	Once   string
}

func (p *site) leaves(v *view) (err error) {
	v.here = "/leaves"
	d := leavesPage{Once: newOnce()}
	if d.Who, d.Leaves, err = p.Inspection.Leaves(v.ctx(), v.by); err != nil {
		return err
	}
	return p.show(v, "leaves", d)
}

func (p *site) enterLeave(v *view) error {
	from, err := inspection.ParseTime(v.form("from"))
	var to time.Time
	if err == nil {
		to, err = inspection.ParseTime(v.form("to"))
	}
	var a inspection.Absence
	if err == nil {
		a, err = p.Inspection.EnterLeave(v.ctx(), v.by, inspection.Absence{
			ResourceID: v.form("resource"), Start: from, End: to, Reason: v.form("reason"),
		}, v.once())
	}
	if err != nil {
		return p.done(v, err, form{"leave", ""}, p.leaves)
	}
	return v.leave("/leaves/"+a.ID, "flash.leave.entered")
}

// leavePlanPage is the whole plan; Done is what became of the lines that were just
// committed.
type leavePlanPage struct {
	inspection.LeavePlan
	Done []leaveResult
	Once string
	Asks bool // a substitution of people needs somebody's word
}

type leaveResult struct {
	Number, VisitID string
	Why             string // empty if it was done
}

func (p *site) leavePlan(v *view) error { return p.planWith(v, nil) }

func (p *site) planWith(v *view, done []leaveResult) (err error) {
	v.here = "/leaves/" + v.id()
	d := leavePlanPage{Done: done, Once: newOnce()}
	if d.LeavePlan, err = p.Inspection.PlanLeave(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	d.Asks = d.Resource.DepartmentID != ""
	return p.show(v, "leave_plan", d)
}

// commitLeave does the chosen lines and shows what became of each, above what is
// left.
func (p *site) commitLeave(v *view) error {
	before, err := p.Inspection.PlanLeave(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	numbers := map[string]string{}
	for _, l := range before.Lines {
		numbers[l.Visit.ID] = l.Visit.CaseNumber
	}
	lines, err := v.leaveLines()
	var done []inspection.LeaveDone
	if err == nil {
		done, err = p.Inspection.CommitLeave(v.ctx(), v.by, v.id(), v.form("caller"), lines, v.once())
	}
	if err != nil {
		return p.done(v, err, form{"commit", ""}, p.leavePlan)
	}
	var results []leaveResult
	for _, one := range done {
		r := leaveResult{Number: numbers[one.VisitID], VisitID: one.VisitID}
		if f, refused := fault.From(one.Err); refused {
			r.Why = f.In(v.x.lang)
		}
		results = append(results, r)
	}
	return p.planWith(v, results)
}

// leaveLines are the lines of the form that say what to do.
func (v *view) leaveLines() (out []inspection.LeaveChoice, err error) {
	for _, id := range v.r.PostForm["visit"] {
		way, who, _ := strings.Cut(v.form("way-"+id), ":")
		l := inspection.LeaveChoice{VisitID: id, Round: whole(v.form("round-" + id)), Way: inspection.LeaveWay(way), In: who}
		switch l.Way {
		case inspection.LeaveSubstitute:
		case inspection.LeaveSameDay, inspection.LeaveOtherDay:
			if l.Choice.Start, err = inspection.ParseTime(v.form("start-" + id)); err != nil {
				return nil, err
			}
			l.Choice.Resources = v.r.PostForm["resource-"+id]
		default:
			continue
		}
		out = append(out, l)
	}
	return out, nil
}
