package inspection

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// The tests of this file bring about what no act brings about by itself, and
// ask for the guard that stands behind it.

func TestAnOutcomeOnRecordEndsTheClockWhateverTheTrackSays(t *testing.T) { // INS-901, PRO-2
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.deemedAt(v, "amr")
		p := w.part(v.ID, "amr")
		w.change("UPDATE participants SET consent = ?, opinion = ? WHERE id = ?", ConsentAwaiting, OpinionNone, p.ID)
		w.change("UPDATE deadlines SET state = 'pending' WHERE kind = ? AND subject = ?", DeadlineReply, p.ID)
		w.clock.forward(time.Minute)
		w.tick()
		if n := w.count("deadlines", "state = 'pending' AND kind = 'reply'"); n != 0 || w.deemedRows() != 3 {
			t.Errorf("%d clocks run, %d outcomes", n, w.deemedRows())
		}
		w.holdsOn(v, "amr")
	})
}

func TestAReplyInTimeOnRecordIsNeverOverruledWhateverTheTrackSays(t *testing.T) { // PRO-5, INS-909
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, c := range []struct {
			late   time.Duration
			kind   ReplyKind
			deemed bool
		}{{0, ReplyDecline, false}, {time.Millisecond, ReplyDecline, true}, {0, ReplyDelegate, true}} {
			w := newWorld(t, dbtest.SQLite(t))
			v := w.served()
			p := w.part(v.ID, "amr")
			w.must(w.DB.Write(t.Context(), func(tx bun.IDB) error {
				return insertReply(t.Context(), tx, &Reply{
					ID: newID(), ParticipantID: p.ID, VisitID: v.ID, Round: 1, Kind: c.kind, Outcome: OutcomeHeld,
					ReceivedAt: p.RespondBy.Add(c.late), RecordedAt: p.RespondBy,
				})
			}))
			if got := w.deemedAt(v, "amr"); (got.Deemed != nil) != c.deemed {
				t.Errorf("%s %v after T2: deemed %v", c.kind, c.late, got.Deemed)
			}
		}
	})
}

func TestADeadlineIsNeverWrittenEarlier(t *testing.T) { // INS-409
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		p := w.part(v.ID, "amr").Participant
		was := p.RespondBy
		for _, c := range []struct {
			by   time.Duration
			code string
		}{{-time.Millisecond, "bad_move"}, {0, "bad_move"}, {time.Millisecond, ""}} {
			p.RespondBy = was.Add(c.by)
			err := d.Write(t.Context(), func(tx bun.IDB) error {
				return moveRespondBy(t.Context(), tx, p, was, p.RespondBy, movedHoldEnd)
			})
			if c.code == "" && err != nil || c.code != "" && !fault.Is(err, c.code) {
				t.Errorf("T2%+v: %v", c.by, err)
			}
		}
		w.wantDue(v, "amr", was.Add(time.Millisecond))
	})
}

func TestAVisitThatMovedOnIsNotMovedFromWhatWasSeen(t *testing.T) { // INS-602, STY-19
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		seen := w.served()
		for _, system := range []string{"amr", "fire", "urban"} {
			w.reply(seen, system, ReplyAccept) // confirmed meanwhile
		}
		err := d.Write(t.Context(), func(tx bun.IDB) error { return moveVisit(t.Context(), tx, &seen, "Cancel") })
		w.refused(err, "bad_move")
	})
}

func TestACaseThatChangedSinceItWasReadIsNotBooked(t *testing.T) { // INS-305
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		read := w.newCase()
		_, err := w.Amend(t.Context(), w.clerk, AmendRequest{CaseID: read.ID, Answers: Answers{"has_kitchen_flue": YesNo(true)}, Version: read.Version})
		w.must(err)
		w.refused(d.Write(t.Context(), func(tx bun.IDB) error { return bookCase(t.Context(), tx, read) }), "case_changed")
	})
}

func TestAProofForAnotherRoundStartsNoClockAndCarriesNone(t *testing.T) { // INS-101, INS-704, INS-708, INS-607
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.sent.down = true
		v := w.newVisit()
		w.tick()
		p := w.part(v.ID, "amr")
		w.must(w.onParticipant(t.Context(), p.ID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			return w.recordService(t.Context(), tx, p, v, Service{NoticeID: p.ID, Round: 0, Class: "A", Channel: "portal", ServedAt: w.now(), Source: "old"})
		}))
		if got := w.part(v.ID, "amr"); got.Consent != ConsentUnserved {
			t.Fatalf("an older round's proof made it %s", got.Consent)
		}
		w.sent.down = false
		w.clock.forward(2 * time.Hour)
		w.tick()
		if got := w.part(v.ID, "amr"); got.Consent != ConsentAwaiting || got.ServiceClass != "B" {
			t.Fatalf("its own: %s, class %s", got.Consent, got.ServiceClass)
		}
		w.bounce(v, "amr")
		if got := w.part(v.ID, "amr"); got.Consent != ConsentUnserved {
			t.Errorf("with nothing but the older proof: %s", got.Consent)
		}
	})
}

func TestThePrintedDeadlineIsAskedAgainWhenSilenceIsDue(t *testing.T) { // INS-903
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.bookedOn("2026-11-24")
		p := w.wantDue(v, "amr", at(18, 17, 30))
		w.change("UPDATE notices SET printed_due = ? WHERE id = ?", at(19, 17, 30), p.Notice.ID)
		w.deemedAt(v, "amr")
		if got := w.wantDue(v, "amr", at(19, 17, 30)); got.Deemed != nil {
			t.Error("deemed before the printed deadline")
		}
	})
}
