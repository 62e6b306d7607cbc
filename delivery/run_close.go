package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// RunCount is what the window counted when a run came home: entries that
// departments took, that came in and that came back.
type RunCount struct{ Out, In, Back int }

// CloseRun closes a run when what was counted by hand is what the register says
// and nothing is open; a difference keeps it open, and the refusal says what is
// missing and what to do (DEL-923). The window's. Refusals: not_found,
// not_run_window, run_over, run_open, run_counts.
func (d *Desk) CloseRun(ctx context.Context, by auth.Actor, runID string, c RunCount) (RunView, error) {
	d = d.still()
	return d.onRun(ctx, by, runID, mayClose, []RunState{RunAway}, func(tx bun.IDB, v *RunView) ([]audit.Leaf, error) {
		if v.Counts.Open > 0 {
			return nil, runOpen(*v)
		}
		if have := (RunCount{v.Counts.Out, v.Counts.In, v.Counts.Back}); c != have {
			return nil, runDiffers(c, have)
		}
		v.WentOut, v.CameIn, v.CameBack, v.EndedAt, v.EndedBy = c.Out, c.In, c.Back, d.now(), by.String()
		if err := moveRun(ctx, tx, &v.Run, "Close"); err != nil {
			return nil, err
		}
		return []audit.Leaf{d.runLeaf("run_closed", v.Run, by, map[string]any{"out": c.Out, "in": c.In, "back": c.Back})}, nil
	})
}

// runOpen names what nobody has signed for.
func runOpen(v RunView) *fault.Error {
	var zh, en []string
	for _, e := range v.Entries {
		if e.Fate == FateOpen {
			zh = append(zh, fmt.Sprintf("%s（%s→%s）", e.Number, e.FromName, e.ToName))
			en = append(en, fmt.Sprintf("%s (%s to %s)", e.Number, e.FromName, e.ToName))
		}
	}
	return fault.Refuse(fault.Conflict, "run_open",
		"还有 %[1]d 件没有着落：%[2]s。请接收方签收；没有送到或没有取到的，逐件转到下一班并写明原因，再销班",
		"%[1]d are still open: %[3]s. Let the other side sign; what was not delivered or fetched goes to the next run with a reason; then close the run",
		len(zh), strings.Join(zh, "、"), strings.Join(en, ", ")).With("open", len(zh))
}

// runDiffers says which counts differ, and which of the two is wrong.
func runDiffers(counted, have RunCount) *fault.Error {
	var zh, en []string
	for _, one := range []struct {
		zh, en        string
		counted, have int
	}{
		{"送出", "out", counted.Out, have.Out}, {"取回", "in", counted.In, have.In}, {"退回", "back", counted.Back, have.Back},
	} {
		if one.counted != one.have {
			zh = append(zh, fmt.Sprintf("%s清点 %d 件、登记 %d 件", one.zh, one.counted, one.have))
			en = append(en, fmt.Sprintf("%s: %d counted, %d recorded", one.en, one.counted, one.have))
		}
	}
	return fault.Refuse(fault.Conflict, "run_counts",
		"清点与登记不符：%[1]s。班车仍未销班；请对照清单重新清点，多出的先登记签收或退回，缺少的查明下落",
		"the counts differ: %[2]s. The run stays open; count again against the list, record what came besides, and find what is missing",
		strings.Join(zh, "；"), strings.Join(en, "; "))
}

// lateAfter is how long after its hour a run that has not left counts as missed.
// House rule.
const lateAfter = 30 * time.Minute

// runBatch is how many runs one look takes (STY-50).
const runBatch = 100

// MissRunsDue moves what waits for runs that have not left half an hour after
// their hour to the next run, with a note (DEL-922). It may run late, twice, or
// in two processes at once.
func (d *Desk) MissRunsDue(ctx context.Context) error {
	d = d.still()
	var due []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		due, err = runsToMiss(ctx, q, d.now().Add(-lateAfter))
		return err
	})
	errs := []error{err}
	by := auth.System("runs")
	for _, id := range due {
		err := d.DB.Write(ctx, func(tx bun.IDB) error {
			v, err := lockRun(ctx, tx, id)
			if err != nil || v.State != RunPlanned {
				return err // another process was first
			}
			leaves, err := d.miss(ctx, tx, by, &v, dayMoment("zh", v.LeavesAt)+" 的班车没有发车")
			if err != nil {
				return err
			}
			return audit.Record(ctx, tx, leaves...)
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("miss run %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}
