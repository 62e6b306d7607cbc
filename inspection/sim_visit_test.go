package inspection

import (
	"sync"
	"testing"
	"time"
)

// dayOf is what happened to one department on the visit day.
type dayOf struct {
	came           int
	byClerk, byTop bool // who attests that it did not come
	mail, spoke    bool
	unsigned       bool // not everybody who came has signed what was said
	contrary       bool
}

// must says from what happened alone which silence counts (INS-921…936).
func (d dayOf) must(applicant bool) DeemedReason {
	switch {
	case d.mail, d.spoke && (d.contrary || !d.unsigned): // INS-913, INS-926
		return ""
	case d.came == 0 && applicant && d.byClerk && d.byTop:
		return NoShow
	case d.came >= 2:
		return NoOpinion
	}
	return ""
}

// says what a department said on that day.
func (w *testWorld) says(v Visit, system string, d dayOf) {
	w.t.Helper()
	if !d.spoke {
		return
	}
	r := OpinionRequest{ParticipantID: w.part(v.ID, system).ID, Kind: Agree}
	if d.contrary {
		r.Kind, r.Text = Disagree, "依据消防法第十五条"
	}
	_, err := w.Opine(w.t.Context(), w.inspector(system), r)
	w.must(err)
	if !d.unsigned {
		w.allSign(v, system)
	}
}

// INS-909, INS-925, PRO-1, PRO-2, DB-13: whatever happens on the visit day, the
// outcomes are those that follow from it: never early, never two, also with two
// instances at the very instant and after a restart.
func TestWhateverHappensOnTheVisitDayTheOutcomesAreThoseOfTheRules(t *testing.T) {
	seeds(t, choose(8, 200), func(t *testing.T, seed uint64) {
		w, r := newWorld(t, town.SQLite(t)), newDice(seed, 7)
		ctx := t.Context()
		v := w.begun()
		_, err := w.CheckIn(ctx, w.clerk, CheckInRequest{VisitID: v.ID, Party: PartyWindow, Way: ByWindow})
		w.must(err)
		applicant := r.IntN(4) > 0
		if applicant {
			_, err = w.CheckIn(ctx, w.clerk, CheckInRequest{VisitID: v.ID, Party: PartyApplicant, Way: ByWindow, Name: "李梅", Certificate: "1234"})
			w.must(err)
		}
		days := map[string]dayOf{}
		for _, system := range []string{"amr", "fire", "urban"} {
			d := dayOf{came: r.IntN(3), byClerk: r.IntN(4) > 0, byTop: r.IntN(4) > 0, mail: r.IntN(5) == 0}
			d.spoke = d.came > 0 && r.likely(3)
			d.unsigned, d.contrary = d.came == 2 && r.IntN(2) == 0, r.IntN(2) == 0
			for n := range d.came {
				w.comes(v, system, n+1)
			}
			days[system] = d
		}
		w.wait(v.GraceUntil)
		for system, d := range days {
			if d.came == 0 && d.byClerk {
				_, err = w.attests(v, system, w.clerk, AttestWindow)
				w.must(err)
			}
			if d.came == 0 && d.byTop {
				_, err = w.attests(v, system, w.boss, AttestSupervisor)
				w.must(err)
			}
			if d.mail {
				w.mail(v, system, "情况说明")
			}
		}
		w.wait(v.End)
		_, err = w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		w.tick() // the words on the due opinions go out
		for system, d := range days {
			w.says(v, system, d)
		}
		w.wait(at(20, 17, 35).Add(-time.Millisecond))
		if n := w.deemedRows(); n != 0 {
			t.Fatalf("%d deemed a millisecond early", n)
		}
		if r.likely(3) {
			w.must(w.restart(ctx))
		}
		w.clock.forward(time.Millisecond)
		w.tick()
		w.clock.forward(time.Minute)
		twin := w.twin()
		var all sync.WaitGroup
		for _, one := range []*testWorld{w, twin} {
			all.Go(func() {
				if err := one.sweep(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.must(w.restart(ctx))
		w.tick()
		outcomes := w.outcomes()
		for system, d := range days {
			p := w.part(v.ID, system)
			if got, want := outcomes[p.ID].Reason, d.must(applicant); got != want {
				t.Errorf("%s %+v, applicant %v: %q, want %q, holds %v", system, d, applicant, got, want, p.OpenHolds())
			}
			want := 0
			if outcomes[p.ID].Reason != "" {
				want = 1
			}
			if n := w.deemedLeaves(p.Participant); n != want {
				t.Errorf("%s: %d leaves say deemed, want %d", system, n, want)
			}
		}
	})
}
