package inspection

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/scheduler"
)

func TestAReplyInTheLastMillisecondStopsSilenceAndTheNextOneDoesNot(t *testing.T) { // INS-802, DL-12, PRO-5
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		t2 := w.part(v.ID, "amr").RespondBy
		w.wait(t2.Add(2 * time.Second)) // they were received before, and are entered within the grace
		for system, c := range map[string]struct {
			received time.Duration
			want     ReplyOutcome
		}{
			"amr": {-time.Millisecond, OutcomeApplied}, "fire": {0, OutcomeApplied}, "urban": {time.Millisecond, OutcomeLate},
		} {
			p := w.part(v.ID, system)
			if !p.RespondBy.Equal(t2) {
				t.Fatalf("%s has T2 %v, not %v", system, p.RespondBy, t2)
			}
			r, err := w.Reply(t.Context(), w.clerk, ReplyRequest{
				ParticipantID: p.ID, Round: 1, Kind: ReplyDecline, Reason: "有会", Channel: "mail", GivenBy: "张", ReceivedAt: t2.Add(c.received),
			})
			w.must(err)
			if r.Outcome != c.want {
				t.Errorf("T2%+v: %s, want %s", c.received, r.Outcome, c.want)
			}
		}
		w.wait(t2.Add(grace + time.Second))
		for system, want := range map[string]Consent{"amr": ConsentDeclined, "fire": ConsentDeclined, "urban": ConsentDeemed} {
			if got := w.part(v.ID, system); got.Consent != want {
				t.Errorf("%s is %s, holds %v; want %s", system, got.Consent, got.OpenHolds(), want)
			}
		}
		if n := w.deemedRows(); n != 1 {
			t.Errorf("%d deemed rows, want 1", n)
		}
	})
}

// A backup that is put back knows nothing of the hours since: what was answered then
// is lost, so nothing is deemed on them. The checkpoints outside the database tell that
// the log was longer (EV-7).
func TestARestoredBackupDeemsNobodyOnHoursThatItDidNotSee(t *testing.T) { // INS-905, PRO-5, EV-7
	lived := newWorld(t, town.SQLite(t))
	outside := filepath.Join(t.TempDir(), "checkpoints.txt")
	lived.log.File = outside
	v := lived.served()
	t2 := lived.part(v.ID, "amr").RespondBy
	lived.wait(t2.Add(-2 * time.Hour))
	lived.must(lived.log.Checkpoint(t.Context()))
	copied := filepath.Join(t.TempDir(), "backup.db")
	lived.must(lived.DB.Backup(t.Context(), copied))
	lived.reply(v, "amr", ReplyDecline) // after the backup, and in time
	lived.must(lived.log.Checkpoint(t.Context()))

	d, err := db.Open(t.Context(), copied)
	lived.must(err)
	t.Cleanup(func() { _ = d.Close() })
	w := &testWorld{t: t, clock: lived.clock, sent: lived.sent, people: lived.people, centre: lived.centre, clerk: lived.clerk, boss: lived.boss}
	w.clock.forward(t2.Add(10 * time.Minute).Sub(w.clock.Now())) // it is put back past the deadline
	w.trust = &scheduler.Clock{DB: d, Read: w.clock.Read}
	w.wire(d)
	w.log = &audit.Desk{DB: d, Now: w.trust.Now, Key: lived.log.Key, File: outside}
	if err := w.log.VerifySince(t.Context()); !errors.Is(err, audit.ErrRewound) {
		t.Errorf("the log that was longer: %v", err) // `serve` starts nothing
	}
	w.tick()
	w.clock.forward(31 * time.Second)
	w.tick()
	p := w.part(v.ID, "amr")
	if n := w.deemedRows(); n != 0 || !p.RespondBy.After(t2) {
		t.Fatalf("%d deemed, amr is %s with T2 %v", n, p.Consent, p.RespondBy)
	}
	w.mailAt(v, "amr", "不能参加", t2.Add(-time.Minute)) // the mail of that hour is fetched again
	w.must(w.sort(ReplyDecline))
	if got := w.part(v.ID, "amr"); got.Consent != ConsentDeclined {
		t.Errorf("amr is %s, holds %v", got.Consent, got.OpenHolds())
	}
	w.wait(p.RespondBy.Add(grace + time.Second))
	if got := w.part(v.ID, "fire"); got.Deemed != nil || len(got.OpenHolds()) == 0 { // no time is left before the visit
		t.Errorf("fire is %s, holds %v", got.Consent, got.OpenHolds())
	}
}
