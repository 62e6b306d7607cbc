package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// RunView is a run with its list and the sums of it. A department sees the
// entries that go to or come from it.
type RunView struct {
	Run
	Entries []RunEntry `json:"entries"`
	Counts  RunCounts  `json:"counts"`
}

// RunStop is a department on a run's way: what it gets and what it gives.
type RunStop struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Deliver []RunEntry `json:"deliver"`
	Fetch   []RunEntry `json:"fetch"`
}

// Stops are the departments of a run's list, by name. What is moved to another
// run or was signed for before needs no stop.
func (v RunView) Stops() (out []RunStop) {
	at := func(id, name string) *RunStop {
		n := slices.IndexFunc(out, func(s RunStop) bool { return s.ID == id })
		if n < 0 {
			out, n = append(out, RunStop{ID: id, Name: name}), len(out)
		}
		return &out[n]
	}
	for _, e := range v.Entries {
		if e.Fate == FateMoved || e.Fate == FateDirect {
			continue
		}
		if e.FromKind == AtDepartment {
			s := at(e.FromID, e.FromName)
			s.Fetch = append(s.Fetch, e)
		}
		if e.ToKind == AtDepartment {
			s := at(e.ToID, e.ToName)
			s.Deliver = append(s.Deliver, e)
		}
	}
	slices.SortStableFunc(out, func(a, b RunStop) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// mayReadRun: the centre's window and couriers, auditors, and departments that
// something on the list goes to or comes from.
func mayReadRun(by auth.Actor, v RunView) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case atWindow(by), by.Is(auth.Courier):
		return by.Centre == v.CentreID
	}
	return slices.ContainsFunc(v.Entries, func(e RunEntry) bool { return e.touches(by) })
}

// touches reports whether an entry goes to or comes from the actor's department.
func (e RunEntry) touches(by auth.Actor) bool {
	return e.FromKind == AtDepartment && ofDepartment(by, e.FromID) || e.ToKind == AtDepartment && ofDepartment(by, e.ToID)
}

// seenBy leaves a department what is its own.
func (v RunView) seenBy(by auth.Actor) RunView {
	if by.Kind == auth.KindSystem || by.Is(auth.Auditor) || by.Centre == v.CentreID {
		return v
	}
	v.Entries = slices.DeleteFunc(slices.Clone(v.Entries), func(e RunEntry) bool { return !e.touches(by) })
	v.Counts = countRun(v.Entries)
	return v
}

// FindRun gives a run with its list. Refusal: not_found.
func (d *Desk) FindRun(ctx context.Context, by auth.Actor, id string) (out RunView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		r, err := findRun(ctx, q, id)
		if err != nil {
			return err
		}
		views, err := withEntries(ctx, q, []Run{r})
		if err != nil {
			return err
		}
		if !mayReadRun(by, views[0]) {
			return notFound()
		}
		out = views[0].seenBy(by)
		return nil
	})
	if err != nil {
		return RunView{}, err
	}
	return out, nil
}

// pastRuns is how many of the ended runs a list has.
const pastRuns = 20

// ListRuns gives the runs that are away or to come, in the order of their hours,
// then the last that ended. At a centre the coming ones of today and the next
// working day are there even if nothing has joined them; they have no id yet.
func (d *Desk) ListRuns(ctx context.Context, by auth.Actor) (out []RunView, err error) {
	d = d.still()
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		rows, err := listRuns(ctx, q, by, pastRuns)
		if err != nil {
			return err
		}
		all, err := withEntries(ctx, q, rows)
		if err != nil {
			return err
		}
		out = nil
		for _, v := range all {
			if mayReadRun(by, v) {
				out = append(out, v.seenBy(by))
			}
		}
		if by.Centre == "" || !atWindow(by) && !by.Is(auth.Courier) {
			return nil
		}
		out, err = d.withComing(ctx, q, by.Centre, out)
		return err
	})
	return out, err
}

// withComing adds the runs of today and the next working day that have no row.
func (d *Desk) withComing(ctx context.Context, q bun.IDB, centreID string, out []RunView) ([]RunView, error) {
	cal, err := office.CalendarOf(ctx, q, centreID, d.now())
	if err != nil {
		return nil, err
	}
	rules, err := office.RulesAt(ctx, q, d.now(), office.Scope{Centre: centreID})
	if err != nil {
		return nil, err
	}
	next, err := cal.Add(workday.DateOf(d.now()), 1)
	if err != nil {
		return nil, err
	}
	for from := d.now(); ; {
		at, err := runAfter(cal, rules.CirculationRuns, from)
		if err != nil || next.Before(workday.DateOf(at)) {
			return sortRuns(out), err
		}
		if !slices.ContainsFunc(out, func(v RunView) bool { return v.LeavesAt.Equal(at) }) {
			out = append(out, RunView{Run: Run{CentreID: centreID, LeavesAt: at, State: RunPlanned}})
		}
		from = at.Add(time.Minute)
	}
}

// sortRuns has what is away or to come first, by its hour, then what ended, the
// last first.
func sortRuns(all []RunView) []RunView {
	ended := func(v RunView) bool { return v.State != RunPlanned && v.State != RunAway }
	slices.SortStableFunc(all, func(a, b RunView) int {
		switch {
		case ended(a) != ended(b):
			return map[bool]int{true: 1, false: -1}[ended(a)]
		case ended(a):
			return b.LeavesAt.Compare(a.LeavesAt)
		}
		return a.LeavesAt.Compare(b.LeavesAt)
	})
	return all
}

// RunOf gives the run that a bag or transfer is on the list of, empty if none.
func (d *Desk) RunOf(ctx context.Context, subject string) (out Run, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		out, err = runOf(ctx, q, subject)
		return err
	})
	return out, err
}

// Carriers are who may carry a run of the actor's centre: its couriers first,
// then its window's people. Refusal: not_run_window.
func (d *Desk) Carriers(ctx context.Context, by auth.Actor) (out []CourierName, err error) {
	if err := mayClose(by, by.Centre); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		out = nil
		for _, role := range []auth.Role{auth.Courier, auth.Clerk, auth.Supervisor} {
			people, err := auth.ListPeople(ctx, q, auth.PersonQuery{Centre: by.Centre, Role: role, Enabled: true})
			if err != nil {
				return err
			}
			for _, p := range people {
				if !slices.ContainsFunc(out, func(c CourierName) bool { return c.ID == p.ID }) {
					out = append(out, CourierName{ID: p.ID, Name: p.Name})
				}
			}
		}
		return nil
	})
	return out, err
}
