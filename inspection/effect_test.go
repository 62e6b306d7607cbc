package inspection

import (
	"testing"

	"lianban/internal/db"
	"lianban/internal/once"
)

func TestJointVisitsSpareAsManyAsWouldHaveComeAlone(t *testing.T) { // INS-1209
	closed := visitLine{State: VisitClosed, Required: 5, Result: ResultRectify, ClosedAt: at(19, 11, 0)}
	revisit := visitLine{State: VisitClosed, Required: 2, Result: ResultPassed, ClosedAt: at(24, 11, 0)}
	for name, c := range map[string]struct {
		lines                   []visitLine
		visits, departments, by int
		result                  bool
	}{
		"none yet":                      {nil, 0, 0, 0, false},
		"booked alone spares nothing":   {[]visitLine{{State: VisitOffered, Required: 5}}, 0, 0, 0, false},
		"five and a revisit by two":     {[]visitLine{closed, revisit}, 2, 7, 5, true},
		"one that could not be held":    {[]visitLine{{State: VisitNotHeld, Required: 5}, closed, revisit}, 3, 7, 4, true},
		"cancelled is no visit":         {[]visitLine{{State: VisitCancelled, Required: 5}, revisit}, 1, 2, 1, true},
		"to put right is no result yet": {[]visitLine{closed}, 1, 5, 4, false},
		"never below zero":              {[]visitLine{{State: VisitNotHeld, Required: 5}}, 1, 0, 0, false},
	} {
		e := effectOf(c.lines)
		if e.Visits != c.visits || e.Departments != c.departments || e.Saved != c.by || e.ResultAt.IsZero() == c.result {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestTheTimeOfACaseCountsWorkingDaysUpToItsResult(t *testing.T) { // INS-1212
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.came() // accepted on Tuesday 17, visited on Thursday 19
		e, err := w.EffectOf(ctx, w.clerk, v.CaseID)
		w.must(err)
		if e.Elapsed != 2 || !e.ResultAt.IsZero() || e.Visits != 0 {
			t.Errorf("before the result: %+v", e)
		}
		for _, system := range []string{"amr", "fire", "urban"} {
			w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
		}
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		w.wait(at(24, 9, 0)) // the clock of the case has stopped
		e, err = w.EffectOf(ctx, w.clerk, v.CaseID)
		w.must(err)
		if e.Elapsed != 2 || e.ResultAt.IsZero() || e.Visits != 1 || e.Departments != 3 || e.Saved != 2 {
			t.Errorf("after it: %+v", e)
		}
		_, err = w.EffectOf(ctx, w.inspector("police"), v.CaseID)
		w.refused(err, "not_found")
	})
}
