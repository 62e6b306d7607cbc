package inspection

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// The main job in one breath: fire accepts, city management proposes another
// time, market regulation stays silent and is deemed to consent, the visit is
// closed and its evidence verifies.
func TestTheMainJobWalksFromAcceptanceToVerifiedEvidence(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.newVisit()
		w.tick()
		if got := w.part(v.ID, "amr"); got.Consent != ConsentAwaiting || got.ServiceClass != "B" || got.RespondBy.IsZero() {
			t.Fatalf("after sending: %s, class %q, T2 %v", got.Consent, got.ServiceClass, got.RespondBy)
		}
		_, err := w.Reply(ctx, w.inspector("fire"), ReplyRequest{ParticipantID: w.part(v.ID, "fire").ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
		w.must(err)
		_, err = w.Reply(ctx, w.inspector("urban"), ReplyRequest{
			ParticipantID: w.part(v.ID, "urban").ID, Round: 1, Kind: ReplyAccept, Channel: "portal",
		})
		w.must(err)
		t2 := w.part(v.ID, "amr").RespondBy
		w.until(t2.Add(4 * time.Minute))
		if got := w.part(v.ID, "amr"); got.Consent != ConsentAwaiting {
			t.Fatalf("before the grace ends: %s", got.Consent)
		}
		w.until(t2.Add(11 * time.Minute))
		silent := w.part(v.ID, "amr")
		if silent.Consent != ConsentDeemed || silent.Deemed == nil || silent.Opinion != OpinionDeemed {
			t.Fatalf("after T2: %s %+v holds %+v", silent.Consent, silent.Deemed, silent.Holds)
		}
		w.holdVisit(v)
		w.verifyBundle(v, "amr")
	})
}

// holdVisit plays the visit day and closes with a joint opinion.
func (w *testWorld) holdVisit(v Visit) {
	w.t.Helper()
	ctx := w.t.Context()
	w.until(v.Start)
	_, err := w.Start(ctx, w.clerk, v.ID)
	w.must(err)
	for _, system := range []string{"fire", "urban"} {
		_, err := w.Opine(ctx, w.inspector(system), OpinionRequest{ParticipantID: w.part(v.ID, system).ID, Kind: Agree, Text: "符合要求"})
		w.must(err)
	}
	_, err = w.EndSite(ctx, w.clerk, v.ID)
	w.must(err)
	j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
	w.must(err)
	if j.Number != "联勘〔2026〕431103-000001" || j.Result != ResultPassed || len(j.Content.Departments) != 3 {
		w.t.Fatalf("joint opinion %+v", j)
	}
}

// bundleOf makes a department's bundle and opens it.
func (w *testWorld) bundleOf(v Visit, system string) *audit.Bundle {
	w.t.Helper()
	var file bytes.Buffer
	w.must(w.Bundle(w.t.Context(), w.clerk, w.log, BundleRequest{VisitID: v.ID, DepartmentID: w.department(system)}, &file))
	b, err := audit.OpenBundle(bytes.NewReader(file.Bytes()), int64(file.Len()))
	w.must(err)
	return b
}

// verifyBundle makes a department's bundle and checks it offline.
func (w *testWorld) verifyBundle(v Visit, system string) audit.Report {
	w.t.Helper()
	b := w.bundleOf(v, system)
	report, err := b.Verify(audit.VerifyOptions{Keys: []string{w.log.Key.Public}})
	w.must(err)
	VerifyBundle(b, &report)
	if report.Result().Exit() != 0 {
		w.t.Fatalf("bundle does not verify: %+v", report.Lines)
	}
	return report
}

// EV-11: a case's second visit begins with round 1 again; what was answered and
// served in the first neither proves nor refutes anything about the second.
func TestAnAnswerToACancelledVisitSaysNothingOfTheNextOne(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.served()
		w.reply(first, "amr", ReplyAccept)
		_, err := w.Cancel(t.Context(), w.clerk, first.ID, "site_not_ready", "装修未完")
		w.must(err)
		second, err := w.Plan(t.Context(), w.clerk, PlanRequest{CaseID: first.CaseID, Kind: KindSite})
		w.must(err)
		second, err = w.Book(t.Context(), w.clerk, BookRequest{VisitID: second.ID, Choice: w.bestSlot(second.ID)})
		w.must(err)
		w.tick()
		if p := w.deemedAt(second, "amr"); p.Deemed == nil {
			t.Fatalf("silent, and %s", p.Consent)
		}
		w.verifyBundle(second, "amr")
	})
}

func TestEveryDepartmentGetsAMailWithAnInviteAndAnInboxRow(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.newVisit()
		w.tick()
		mails := w.sent.of(notify.PurposeNotice, notify.Mail)
		if len(mails) != 3 {
			t.Fatalf("%d notices by mail, want 3", len(mails))
		}
		for _, m := range mails {
			if !bytes.Contains(m.Body, []byte("method=REQUEST")) {
				t.Errorf("mail to %s has no calendar part", m.Contact)
			}
			w.wantCalendar(m.Body, "PARTSTAT=NEEDS-ACTION")
		}
	})
}

// wantCalendar wants the words in every calendar of a mail, and no answer in a
// department's name.
func (w *testWorld) wantCalendar(raw []byte, words string) {
	w.t.Helper()
	r, err := mail.CreateReader(bytes.NewReader(raw))
	w.must(err)
	found := false
	for part, err := r.NextPart(); err == nil; part, err = r.NextPart() {
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/calendar") {
			continue
		}
		body, err := io.ReadAll(part.Body)
		w.must(err)
		text := strings.ReplaceAll(string(body), "\r\n ", "")
		found = true
		if !strings.Contains(text, words) || strings.Contains(text, "ACCEPTED") { // INS-914
			w.t.Errorf("the calendar says %s", text)
		}
	}
	if !found {
		w.t.Error("no calendar")
	}
}

func TestSilenceIsToldAsDeemedAndNeverAsComing(t *testing.T) { // INS-914, INS-918
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	w.reply(v, "fire", ReplyAccept)
	w.deemedAt(v, "amr")
	w.tick()
	if got := w.part(v.ID, "amr"); got.Consent != ConsentDeemed || got.Opinion != OpinionDeemed || got.Attendance != AttendanceOptional {
		t.Errorf("consent %s, opinion %s, attendance %s", got.Consent, got.Opinion, got.Attendance)
	}
	deemed, confirmed := w.sent.of(notify.PurposeDeemed, notify.Mail), w.sent.of(notify.PurposeConfirmed, notify.Mail)
	if len(deemed) != 2 || len(confirmed) != 3 {
		t.Fatalf("%d told that they are deemed, %d that the visit takes place", len(deemed), len(confirmed))
	}
	for _, m := range append(deemed, confirmed...) {
		if bytes.Contains(m.Body, []byte("text/calendar")) {
			t.Errorf("%s carries a calendar", m.Purpose)
		}
	}
	var body notify.Facts
	w.must(w.DB.Write(t.Context(), func(tx bun.IDB) error {
		l, err := w.open(t.Context(), tx, confirmed[0])
		if err == nil {
			err = w.say(t.Context(), tx, &l)
		}
		body = l.out
		return err
	}))
	if len(body.Coming) != 1 || !strings.Contains(body.Coming[0], "消防") || len(body.Silent) != 2 {
		t.Errorf("coming %v, silent %v", body.Coming, body.Silent)
	}
}
