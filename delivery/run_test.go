package delivery

import (
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/paper/papertest"
	"lianban/scheduler/workday"
)

// runWorld is a world with a courier, and departments that have accounts.
func runWorld(t *testing.T, d *db.DB) (*testWorld, auth.Actor) {
	w := newWorld(t, d)
	for _, department := range branches {
		w.account(department)
	}
	p, err := w.Auth.AddPerson(t.Context(), auth.System("test"), auth.NewPerson{
		Login: "courier1", Name: "屈勇", Post: auth.Post{Centre: w.centre.ID, Roles: []auth.Role{auth.Courier}}, Password: "Meiwan-Road-1",
	})
	w.must(err)
	return w, auth.Actor{Kind: auth.KindPerson, ID: p.ID, Name: p.Name, Roles: []auth.Role{auth.Courier}, Centre: w.centre.ID}
}

// runOf is the run that a bag or transfer is on the list of.
func (w *testWorld) runOf(subject string) RunView {
	w.t.Helper()
	r, err := w.RunOf(w.t.Context(), subject)
	w.must(err)
	if r.ID == "" {
		w.t.Fatalf("%s is on no list", subject)
	}
	return w.run(r.ID)
}

func (w *testWorld) run(id string) RunView {
	w.t.Helper()
	v, err := w.FindRun(w.t.Context(), w.clerk, id)
	w.must(err)
	return v
}

// clockTo sets the clock to a minute of a day in Shanghai.
func (w *testWorld) clockTo(text string) {
	w.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, workday.Shanghai)
	w.must(err)
	w.at = at.UTC()
}

// DEL-922: 09:30 and 14:30 on working days; what is ready less than 15 minutes
// before goes with the next, over the weekend with Monday's first.
func TestReadyThingsJoinTheNextRunThatIsFifteenMinutesOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, _ := runWorld(t, d)
		for _, c := range []struct{ ready, leaves string }{
			{"2026-11-24 08:00", "2026-11-24 09:30"},
			{"2026-11-24 09:15", "2026-11-24 09:30"},
			{"2026-11-24 09:16", "2026-11-24 14:30"},
			{"2026-11-24 14:16", "2026-11-25 09:30"},
			{"2026-11-27 15:00", "2026-11-30 09:30"},
		} {
			w.clockTo(c.ready)
			original, _, _ := w.lease()
			bag := w.send(w.clerk, "amr", original)
			transfer := w.handOver(w.newSet("fire").Lines[0], certificate("消防意见书"))
			for _, subject := range []string{bag.ID, transfer.ID} {
				if got := momentText(w.runOf(subject).LeavesAt); got != c.leaves {
					t.Errorf("ready at %s goes at %s, want %s", c.ready, got, c.leaves)
				}
			}
		}
	})
}

// DEL-922, DEL-923: a run takes a bag out and results in, each is signed for by its
// receiver, and the run closes with what was counted.
func TestRunClosesWithItsCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, courier := runWorld(t, d)
		ctx := t.Context()
		original, forFire, _ := w.lease()
		bag := w.send(w.clerk, "amr", original)
		refused := w.send(w.clerk, "amr", w.stamped(forFire))
		transfer := w.handOver(w.newSet("fire").Lines[0], certificate("消防意见书"))
		run := w.runOf(bag.ID)
		if stops := run.Stops(); len(stops) != 2 || len(stops[0].Deliver) != 2 || len(stops[1].Fetch) != 1 {
			t.Fatalf("stops %+v", stops)
		}
		_, err := w.CloseRun(ctx, w.clerk, run.ID, RunCount{})
		w.refused(err, "run_over")
		_, err = w.MissRun(ctx, courier, run.ID, "下雨")
		w.refused(err, "not_run_window")
		w.clockTo("2026-11-24 14:00") // half an hour early: the list is closed with it
		run, err = w.LeaveRun(ctx, courier, run.ID, "")
		w.must(err)
		if run.CarrierID != courier.ID || run.State != RunAway {
			t.Fatalf("carried by %q, %s", run.CarrierID, run.State)
		}
		_, err = w.LeaveRun(ctx, courier, run.ID, "")
		w.refused(err, "run_over")
		_, late, _ := w.lease()
		if got := w.runOf(w.send(w.clerk, "amr", w.stamped(late)).ID); momentText(got.LeavesAt) != "2026-11-25 09:30" {
			t.Errorf("what is ready after it left goes at %s", momentText(got.LeavesAt))
		}
		w.at = w.at.Add(time.Hour)
		w.open(w.inspector("amr"), bag)
		_, err = w.PostponeEntry(ctx, courier, run.ID, run.Entries[0].ID, "无人签收")
		w.refused(err, "entry_settled") // it is signed for
		_, err = w.RefuseBag(ctx, w.inspector("amr"), refused.ID, "封条破损")
		w.must(err)

		_, err = w.CloseRun(ctx, w.clerk, run.ID, RunCount{Out: 1, In: 1, Back: 1})
		w.refused(err, "run_open") // nobody has signed for the results
		if !strings.Contains(err.Error(), transfer.Number) {
			t.Errorf("it does not name what is missing: %v", err)
		}
		w.receiveAll(transfer)
		_, err = w.CloseRun(ctx, w.clerk, run.ID, RunCount{Out: 2, In: 1})
		w.refused(err, "run_counts")
		if got := w.run(run.ID); got.State != RunAway || got.Counts != (RunCounts{Out: 1, In: 1, Back: 1}) {
			t.Fatalf("a difference leaves it %s with %+v", got.State, got.Counts)
		}
		_, err = w.CloseRun(ctx, courier, run.ID, RunCount{Out: 1, In: 1, Back: 1})
		w.refused(err, "not_run_window")
		run, err = w.CloseRun(ctx, w.clerk, run.ID, RunCount{Out: 1, In: 1, Back: 1})
		w.must(err)
		if run.State != RunClosed || run.WentOut != 1 || run.CameIn != 1 || run.CameBack != 1 {
			t.Errorf("%+v", run.Run)
		}
		w.sound()
	})
}

// DEL-922: what nobody was there to sign for comes back and goes with the next
// run, and both lists say so.
func TestWhatCameBackGoesWithTheNextRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, courier := runWorld(t, d)
		ctx := t.Context()
		original, _, _ := w.lease()
		bag := w.send(w.clerk, "amr", original)
		run := w.runOf(bag.ID)
		w.clockTo("2026-11-24 14:30")
		_, err := w.LeaveRun(ctx, w.clerk, run.ID, courier.ID)
		w.must(err)
		_, err = w.PostponeEntry(ctx, courier, run.ID, run.Entries[0].ID, " ")
		w.refused(err, "reason_missing")
		run, err = w.PostponeEntry(ctx, courier, run.ID, run.Entries[0].ID, "部门下班，无人签收")
		w.must(err)
		if run.Counts != (RunCounts{Back: 1}) || run.Entries[0].Why != "部门下班，无人签收" {
			t.Fatalf("%+v", run)
		}
		_, err = w.PostponeEntry(ctx, courier, run.ID, run.Entries[0].ID, "再转")
		w.refused(err, "entry_settled")
		next := w.runOf(bag.ID)
		if momentText(next.LeavesAt) != "2026-11-25 09:30" || next.Counts.Open != 1 || run.Entries[0].MovedTo != next.ID {
			t.Fatalf("next %+v", next)
		}
		_, err = w.CloseRun(ctx, w.clerk, run.ID, RunCount{Back: 1})
		w.must(err)
		w.open(w.inspector("amr"), bag) // fetched at the window before the next run
		if got := w.run(next.ID); got.Entries[0].Fate != FateDirect || got.Counts != (RunCounts{}) {
			t.Errorf("signed for before the run: %+v", got)
		}
		w.clockTo("2026-11-25 09:30")
		_, err = w.LeaveRun(ctx, w.clerk, next.ID, courier.ID)
		w.refused(err, "run_empty")
	})
}

// DEL-922: a run that has not left half an hour after its hour is missed, and all
// of it goes with the next, with a note; looking twice changes nothing.
func TestMissedRunGoesWithTheNextWithANote(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, _ := runWorld(t, d)
		ctx := t.Context()
		original, forFire, _ := w.lease()
		bag := w.send(w.clerk, "amr", original)
		run := w.runOf(bag.ID)
		w.clockTo("2026-11-24 14:59")
		w.must(w.MissRunsDue(ctx))
		if got := w.run(run.ID); got.State != RunPlanned {
			t.Fatalf("missed too early: %s", got.State)
		}
		w.clockTo("2026-11-24 15:00")
		w.must(w.MissRunsDue(ctx))
		w.must(w.MissRunsDue(ctx))
		missed, next := w.run(run.ID), w.runOf(bag.ID)
		if missed.State != RunMissed || missed.Entries[0].Why != "2026-11-24 周二 14:30 的班车没有发车" || momentText(next.LeavesAt) != "2026-11-25 09:30" || len(next.Entries) != 1 {
			t.Fatalf("%+v then %+v", missed, next)
		}
		w.send(w.clerk, "amr", w.stamped(forFire))
		_, err := w.MissRun(ctx, w.clerk, next.ID, "大雪封路")
		w.must(err)
		later := w.runOf(bag.ID)
		if momentText(later.LeavesAt) != "2026-11-25 14:30" || len(later.Entries) != 2 {
			t.Errorf("called off: %+v", later)
		}
		_, err = w.MissRun(ctx, w.clerk, next.ID, "大雪封路")
		w.refused(err, "run_over")
	})
}

// A run whose list was signed for by other ways passes without being missed.
func TestRunWithNothingLeftPassesIdle(t *testing.T) {
	w, courier := runWorld(t, dbtest.SQLite(t))
	original, _, _ := w.lease()
	bag := w.send(w.clerk, "amr", original)
	w.open(w.inspector("amr"), bag)
	w.clockTo("2026-11-24 16:00")
	w.must(w.MissRunsDue(t.Context()))
	if got := w.runOf(bag.ID); got.State != RunIdle || got.Note != "" {
		t.Errorf("%+v", got.Run)
	}
	_, err := w.LeaveRun(t.Context(), courier, w.runOf(bag.ID).ID, "")
	w.refused(err, "run_over")
}

// SEC-1: a department sees of a run what is its own; others see nothing.
func TestRunIsSeenByWhomItConcerns(t *testing.T) {
	w, courier := runWorld(t, dbtest.SQLite(t))
	ctx := t.Context()
	original, forFire, _ := w.lease()
	run := w.runOf(w.send(w.clerk, "amr", original, w.stamped(forFire)).ID)
	w.handOver(w.newSet("fire").Lines[0], certificate("消防意见书"))
	for _, c := range []struct {
		by   auth.Actor
		sees int
	}{{w.clerk, 2}, {courier, 2}, {w.auditor, 2}, {w.inspector("amr"), 1}, {w.inspector("fire"), 1}, {w.inspector("urban"), -1}, {w.elsewhere(), -1}} {
		v, err := w.FindRun(ctx, c.by, run.ID)
		list, listed := w.ListRuns(ctx, c.by)
		w.must(listed)
		if c.sees < 0 {
			w.refused(err, "not_found")
			for _, r := range list {
				if r.ID != "" {
					t.Errorf("%s is shown %+v", c.by.Name, r)
				}
			}
			continue
		}
		if err != nil || len(v.Entries) != c.sees || len(list[0].Entries) != c.sees {
			t.Errorf("%v sees %+v (%v), want %d", c.by, v.Entries, err, c.sees)
		}
	}
	_, err := w.LeaveRun(ctx, w.inspector("amr"), run.ID, "")
	w.refused(err, "not_run_centre")
	_, err = w.LeaveRun(ctx, w.elsewhere(), run.ID, courier.ID)
	w.refused(err, "not_found")
	_, err = w.LeaveRun(ctx, w.clerk, run.ID, "nobody")
	w.refused(err, "carrier_unknown")
}

// DEL-922: today's and the next working day's runs are there before anything
// joins them; the hours are a dated setting.
func TestComingRunsAreListed(t *testing.T) {
	w, _ := runWorld(t, dbtest.SQLite(t))
	w.clockTo("2026-11-27 10:00")
	list, err := w.ListRuns(t.Context(), w.clerk)
	w.must(err)
	var got []string
	for _, r := range list {
		got = append(got, momentText(r.LeavesAt))
	}
	if want := "2026-11-27 14:30, 2026-11-30 09:30, 2026-11-30 14:30"; strings.Join(got, ", ") != want {
		t.Errorf("coming %v, want %s", got, want)
	}
}

// DEL-1108: the printed list names each stop, what it gets and gives, the counts,
// and has room for both signatures.
func TestRunListIsPrintedWithStopsAndSignatures(t *testing.T) {
	w, _ := runWorld(t, dbtest.SQLite(t))
	original, _, _ := w.lease()
	bag := w.send(w.clerk, "amr", original)
	transfer := w.handOver(w.newSet("fire").Lines[0], certificate("消防意见书"))
	run := w.runOf(bag.ID)
	p, err := w.PrintRun(t.Context(), w.clerk, run.ID)
	w.must(err)
	text := papertest.Read(t, p.PDF)[0].Text()
	for _, want := range []string{"班车交接清单", run.Number, bag.Number, transfer.Number, "F0001", "冷水滩区amr", "冷水滩区fire", "2026-11-24 周二 14:30"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on the list:\n%s", want, text)
		}
	}
	_, err = w.PrintRun(t.Context(), w.elsewhere(), run.ID)
	w.refused(err, "not_found")
}
