package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
)

// lockRunAt gives the run of a centre and an hour, locked, and makes it if there
// is none (STY-30).
func lockRunAt(ctx context.Context, tx bun.IDB, r Run) (out Run, err error) {
	if _, err := tx.NewInsert().Model(&r).On("CONFLICT (centre_id, leaves_at) DO NOTHING").Exec(ctx); err != nil {
		return Run{}, fmt.Errorf("insert run: %w", err)
	}
	q := tx.NewSelect().Model(&out).Where("centre_id = ? AND leaves_at = ?", r.CentreID, r.LeavesAt)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	return out, q.Scan(ctx)
}

// lockRun locks a run and reads its list.
func lockRun(ctx context.Context, tx bun.IDB, id string) (RunView, error) {
	var r Run
	q := tx.NewSelect().Model(&r).Where("id = ?", id)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	if err := found(q.Scan(ctx)); err != nil {
		return RunView{}, err
	}
	views, err := withEntries(ctx, tx, []Run{r})
	if err != nil {
		return RunView{}, err
	}
	return views[0], nil
}

func findRun(ctx context.Context, q bun.IDB, id string) (r Run, err error) {
	err = found(q.NewSelect().Model(&r).Where("id = ?", id).Scan(ctx))
	return r, err
}

// moveRun is the guarded move (STY-19).
func moveRun(ctx context.Context, tx bun.IDB, r *Run, act string) error {
	move := moveOf(RunMoves, act)
	was := *r
	r.State = move.To
	res, err := tx.NewUpdate().Model(r).
		Column("state", "carrier_id", "carrier", "left_at", "left_by", "ended_at", "ended_by", "went_out", "came_in", "came_back", "note").
		Set("version = version + 1").Where("id = ? AND version = ?", r.ID, r.Version).Where("state IN (?)", bun.List(move.From)).Exec(ctx)
	if err := exactlyOne(res, err, func() *fault.Error { return runOver(was) }); err != nil {
		return err
	}
	r.Version++
	return nil
}

func insertRunEntry(ctx context.Context, tx bun.IDB, e *RunEntry) error {
	if _, err := tx.NewInsert().Model(e).Exec(ctx); err != nil {
		return fmt.Errorf("insert run entry: %w", err)
	}
	return nil
}

func moveEntry(ctx context.Context, tx bun.IDB, e *RunEntry) error {
	res, err := tx.NewUpdate().Model(e).Column("moved_at", "moved_by", "why").Where("id = ? AND moved_at IS NULL", e.ID).Exec(ctx)
	return exactlyOne(res, err, entrySettled)
}

func setMovedTo(ctx context.Context, tx bun.IDB, e *RunEntry) error {
	_, err := tx.NewUpdate().Model(e).Column("moved_to").WherePK().Exec(ctx)
	return err
}

// withEntries adds to each run its list with what became of each entry.
func withEntries(ctx context.Context, q bun.IDB, runs []Run) ([]RunView, error) {
	out, ids := make([]RunView, len(runs)), make([]string, len(runs))
	at := map[string]int{}
	for n, r := range runs {
		out[n], ids[n], at[r.ID] = RunView{Run: r}, r.ID, n
	}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []RunEntry
	if err := q.NewSelect().Model(&rows).Where("run_id IN (?)", bun.List(ids)).Order("joined_at", "id").Scan(ctx); err != nil {
		return nil, err
	}
	ends, err := signaturesOf(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	for _, e := range rows {
		v := &out[at[e.RunID]]
		e.Fate = e.fate(v.Run, ends[e.Subject])
		v.Entries = append(v.Entries, e)
	}
	for n := range out {
		out[n].Counts = countRun(out[n].Entries)
	}
	return out, nil
}

// signaturesOf gives how bags and transfers ended, by their id.
func signaturesOf(ctx context.Context, q bun.IDB, entries []RunEntry) (map[string]signature, error) {
	ids := make([]string, 0, len(entries))
	for _, e := range entries {
		ids = append(ids, e.Subject)
	}
	out := map[string]signature{}
	if len(ids) == 0 {
		return out, nil
	}
	var bags []Bag
	if err := q.NewSelect().Model(&bags).Column("id", "state", "ended_at").Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	for _, b := range bags {
		out[b.ID] = signature{b.EndedAt, b.State == BagRefused}
	}
	var transfers []Transfer
	err := q.NewSelect().Model(&transfers).Column("id", "state", "ended_at").Where("id IN (?)", bun.List(ids)).Scan(ctx)
	for _, t := range transfers {
		out[t.ID] = signature{t.EndedAt, t.State == RefusedTransfer}
	}
	return out, err
}

// listRuns gives all runs of the actor's place that are away or to come, and the
// last that ended.
func listRuns(ctx context.Context, q bun.IDB, by auth.Actor, past int) ([]Run, error) {
	scope := func(s *bun.SelectQuery) *bun.SelectQuery {
		switch {
		case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
			return s
		case by.Centre != "" && (atWindow(by) || by.Is(auth.Courier)):
			return s.Where("centre_id = ?", by.Centre)
		case ofDepartment(by, by.Department):
			return s.Where("id IN (SELECT run_id FROM run_entries WHERE from_kind = ? AND from_id = ? OR to_kind = ? AND to_id = ?)",
				AtDepartment, by.Department, AtDepartment, by.Department)
		}
		return s.Where("1 = 0")
	}
	open := []RunState{RunPlanned, RunAway}
	var coming, ended []Run
	err := scope(q.NewSelect().Model(&coming)).Where("state IN (?)", bun.List(open)).Order("leaves_at", "id").Limit(200).Scan(ctx)
	if err != nil {
		return nil, err
	}
	err = scope(q.NewSelect().Model(&ended)).Where("state NOT IN (?)", bun.List(open)).Order("leaves_at DESC", "id").Limit(int64(past)).Scan(ctx)
	return append(coming, ended...), err
}

// runOf gives the run whose list a thing is on now, empty if none.
func runOf(ctx context.Context, q bun.IDB, subject string) (r Run, err error) {
	err = q.NewSelect().Model(&r).Where("id IN (SELECT run_id FROM run_entries WHERE subject = ? AND moved_at IS NULL)", subject).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, nil
	}
	return r, err
}

// runsToMiss are planned runs whose hour was before an instant.
func runsToMiss(ctx context.Context, q bun.IDB, before time.Time) (ids []string, err error) {
	err = q.NewSelect().Model((*Run)(nil)).Column("id").Where("state = ? AND leaves_at <= ?", RunPlanned, before).
		Order("leaves_at", "id").Limit(runBatch).Scan(ctx, &ids)
	return ids, err
}
