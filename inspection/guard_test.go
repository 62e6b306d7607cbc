package inspection

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/notify"
)

// The tests of this file bring about what no act brings about by itself, and
// ask for the guard that stands behind it.

func TestAnOutcomeOnRecordEndsTheClockWhateverTheTrackSays(t *testing.T) { // INS-901, PRO-2
	town.Each(t, func(t *testing.T, d *db.DB) {
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
	town.Each(t, func(t *testing.T, d *db.DB) {
		for _, c := range []struct {
			late   time.Duration
			kind   ReplyKind
			deemed bool
		}{{0, ReplyDecline, false}, {time.Millisecond, ReplyDecline, true}, {0, ReplyDelegate, true}} {
			w := newWorld(t, town.SQLite(t))
			w.tampered = true
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
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.tampered = true
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
	town.Each(t, func(t *testing.T, d *db.DB) {
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
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		read := w.newCase()
		_, err := w.Amend(t.Context(), w.clerk, AmendRequest{CaseID: read.ID, Answers: Answers{"has_kitchen_flue": YesNo(true)}, Version: read.Version})
		w.must(err)
		w.refused(d.Write(t.Context(), func(tx bun.IDB) error { return bookCase(t.Context(), tx, read) }), "case_changed")
	})
}

func TestAProofForAnotherRoundStartsNoClockAndCarriesNone(t *testing.T) { // INS-101, INS-704, INS-708, INS-607
	town.Each(t, func(t *testing.T, d *db.DB) {
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
	town.Each(t, func(t *testing.T, d *db.DB) {
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

func TestEveryMoveStartsFromTheStateThatWasRead(t *testing.T) { // PRO-2, PRO-5, STY-19
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		read := w.part(v.ID, "amr").Participant // awaiting, no opinion
		w.reply(v, "amr", ReplyDecline)
		w.change("UPDATE participants SET opinion = ? WHERE id = ?", OpinionGiven, read.ID)
		for name, move := range map[string]func(tx bun.IDB) error{
			"C2":      func(tx bun.IDB) error { return startParticipant(ctx, tx, read) },
			"C3":      func(tx bun.IDB) error { return setConsent(ctx, tx, read, ConsentAccepted) },
			"C9":      func(tx bun.IDB) error { _, err := clearClock(ctx, tx, read); return err },
			"C13, O4": func(tx bun.IDB) error { return settleDeemed(ctx, tx, read, NoReply) },
			"O2":      func(tx bun.IDB) error { return setOpinion(ctx, tx, read, OpinionNone, OpinionGiven) },
		} {
			if err := d.Write(ctx, move); !fault.Is(err, "bad_move") {
				t.Errorf("%s from a state that is over: %v", name, err)
			}
		}
		row := Deemed{ID: newID(), ParticipantID: read.ID, VisitID: v.ID, DepartmentID: read.DepartmentID, Round: 1, Reason: NoReply, Number: "1", DecidedAt: w.now(), DueAt: w.now()}
		w.must(d.Write(ctx, func(tx bun.IDB) error { return insertDeemed(ctx, tx, &row) }))
		row.ID, row.Number = newID(), "2"
		w.refused(d.Write(ctx, func(tx bun.IDB) error { return insertDeemed(ctx, tx, &row) }), "bad_move")
	})
}

func TestWithoutItsLeafNoOutcomeIsWritten(t *testing.T) { // INS-908, PRO-3
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.wait(w.part(v.ID, "amr").RespondBy.Add(grace - time.Second))
		w.clock.forward(2 * time.Second)
		w.beat(notify.Portal, notify.Mail)
		size := w.count("evidence", "1 = 1")
		w.change("DELETE FROM evidence_head")
		if err := w.DeemDue(t.Context()); err == nil {
			t.Error("the log could not be written and nobody was told")
		}
		if w.deemedRows() != 0 || w.count("messages", "purpose = 'deemed'") != 0 || w.part(v.ID, "amr").Consent != ConsentAwaiting {
			t.Fatalf("%d outcomes without a leaf", w.deemedRows())
		}
		w.change("INSERT INTO evidence_head (id, size) VALUES (1, ?)", size)
		w.must(w.DeemDue(t.Context()))
		if w.deemedRows() != 3 || w.count("messages", "purpose = 'deemed' AND channel = 'mail'") != 3 || w.leafCounts()["deemed"] != 3 {
			t.Errorf("%d outcomes once the log is back", w.deemedRows())
		}
	})
}

func TestTakingWhatIsTakenIsRefused(t *testing.T) { // INS-602, INS-603, DB-7
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.tampered = true // rows are put in behind the acts
		ctx := t.Context()
		draft, other := w.newDraft(), w.newDraft()
		row := func(v Visit, resource string) Booking {
			return Booking{ID: newID(), ResourceID: resource, VisitID: v.ID, Round: 1, Start: at(20, 10, 0), End: at(20, 11, 0), HeldBy: "x"}
		}
		err := d.Write(ctx, func(tx bun.IDB) error {
			taken := row(other, w.pair()[5])
			_, err := tx.NewInsert().Model(&taken).Exec(ctx)
			w.must(err)
			_, err = w.seize(ctx, tx, w.clerk, draft, SlotChoice{Start: at(20, 10, 0), Resources: w.pair()}, time.Time{})
			return err
		})
		w.refused(err, "slot_taken")
		err = d.Write(ctx, func(tx bun.IDB) error {
			own := row(draft, w.pair()[0])
			_, err := tx.NewInsert().Model(&own).Exec(ctx)
			w.must(err)
			got, err := occupy(ctx, tx, []Booking{row(draft, w.pair()[0]), row(draft, w.pair()[1])})
			if got {
				t.Error("one of two counts as both")
			}
			return err
		})
		if err != nil { // as SQLite says it
			w.refused(err, "overlap")
		}
	})
}

func TestANameThatIsNobodysIsNotBooked(t *testing.T) { // INS-502
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		draft := w.newDraft()
		choice := SlotChoice{Start: at(20, 10, 0), Resources: append(w.pair(), "nobody")}
		_, err := w.Book(t.Context(), w.clerk, BookRequest{VisitID: draft.ID, Choice: choice})
		w.refused(err, "not_found")
		if n := w.count("bookings", "visit_id = '"+draft.ID+"'"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}
