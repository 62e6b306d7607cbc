package inspection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
)

// lastLeaf is the newest entry of a type in a department's stream.
func (w *testWorld) lastLeaf(v Visit, system, kind string) (last audit.Entry) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		all, err := audit.Stream(w.t.Context(), q, departmentStream(v.CaseID, w.department(system)))
		for _, e := range all {
			if e.Type == kind {
				last = e
			}
		}
		return err
	}))
	return last
}

// onPaper is a decline that the office sent on paper.
func (w *testWorld) onPaper(p ParticipantView, received time.Time) ReplyRequest {
	return ReplyRequest{
		ParticipantID: p.ID, Round: 1, Kind: ReplyDecline, Reason: "有会", Channel: "paper", GivenBy: "周科长",
		ReceivedAt: received, Scan: Scan{Name: "reply.png", Bytes: slip(w.t)},
	}
}

func TestAReplyOnPaperNeedsItsScanAndATimeThatCanBeTrue(t *testing.T) { // INS-808, SEC-15
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		p := w.part(v.ID, "amr")
		w.clock.forward(time.Hour)
		good := w.onPaper(p, w.now().Add(-20*time.Minute))
		for _, c := range []struct {
			code   string
			change func(*ReplyRequest)
		}{
			{"scan_missing", func(r *ReplyRequest) { r.Scan = Scan{} }},
			{"scan_type", func(r *ReplyRequest) { r.Scan.Bytes = []byte("%PDF-1.7") }},
			{"scan_size", func(r *ReplyRequest) { r.Scan.Bytes = make([]byte, MaxScan+1) }},
			{"receiver_missing", func(r *ReplyRequest) { r.GivenBy = "" }},
			{"received_time", func(r *ReplyRequest) { r.ReceivedAt = time.Time{} }},
			{"received_time", func(r *ReplyRequest) { r.ReceivedAt = w.now().Add(time.Minute) }},
			{"received_time", func(r *ReplyRequest) { r.ReceivedAt = p.Notice.ComposedAt.Add(-time.Millisecond) }},
			{"received_time", func(r *ReplyRequest) { r.Round = 2 }}, // which has no notice
		} {
			bad := good
			c.change(&bad)
			_, err := w.Reply(ctx, w.clerk, bad)
			w.refused(err, c.code)
		}
		_, err := w.Reply(ctx, w.inspector("amr"), good)
		w.refused(err, "not_a_window")
		_, err = w.Reply(ctx, w.city(), good)
		w.refused(err, "wrong_window")
		if got := w.part(v.ID, "amr"); len(got.Replies) != 0 || got.Consent != ConsentAwaiting {
			t.Errorf("refused, but %d replies, %s", len(got.Replies), got.Consent)
		}
	})
}

func TestAReplyOnPaperCountsFromItsArrivalAtTheWindow(t *testing.T) { // INS-802, INS-804, INS-808, INS-809
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		w.clock.forward(time.Hour)
		paper := w.onPaper(w.part(v.ID, "amr"), w.now().Add(-20*time.Minute))
		r, err := w.Reply(ctx, w.clerk, paper)
		w.must(err)
		if r.Outcome != OutcomeApplied || r.Strength != L1 || r.Receipt == "" || !r.ReceivedAt.Equal(paper.ReceivedAt) || !r.RecordedAt.Equal(w.now()) {
			t.Errorf("%+v", r)
		}
		got := w.part(v.ID, "amr")
		if kept := got.Replies[0]; got.Consent != ConsentDeclined || kept.Channel != "paper" || kept.GivenBy != "周科长" || kept.RecordedBy != w.clerk.String() || kept.Scan != r.Scan {
			t.Errorf("%s %+v", got.Consent, kept)
		}
		for _, by := range []auth.Actor{w.clerk, w.inspector("amr")} {
			if _, body, err := w.FindScan(ctx, by, r.Scan); err != nil || !bytes.Equal(body, paper.Scan.Bytes) {
				t.Errorf("%s reads %d bytes, %v", by.ID, len(body), err)
			}
		}
		_, _, err = w.FindScan(ctx, w.inspector("fire"), r.Scan)
		w.refused(err, "not_found") // another department
		sum := sha256.Sum256(paper.Scan.Bytes)
		leaf := w.lastLeaf(v, "amr", "reply_received")
		if leaf.Text("channel") != "paper" || leaf.Text("scan_sha256") != hex.EncodeToString(sum[:]) {
			t.Errorf("the leaf has %v", leaf.Fields)
		}
	})
}

// A paper that reached the window by T2 may be entered at any time later, and
// is never lost; one that came later changes nothing.
func TestAReplyOnPaperThatIsEnteredAfterADeemedConsent(t *testing.T) { // DL-14, C18, PRO-5, INS-808
	for _, c := range []struct {
		name    string
		began   bool
		after   time.Duration // T2
		outcome ReplyOutcome
		consent Consent
	}{
		{"it came in time", false, 0, OutcomeApplied, ConsentDeclined},
		{"it came in time, and the visit has begun", true, 0, OutcomeApplied, ConsentDeclined},
		{"it came late", false, time.Millisecond, OutcomeLate, ConsentDeemed},
		{"it came late, and the visit has begun", true, time.Millisecond, OutcomeLate, ConsentDeemed},
	} {
		t.Run(c.name, func(t *testing.T) {
			town.Each(t, func(t *testing.T, d *db.DB) {
				w := newWorld(t, d)
				ctx := t.Context()
				v := w.served()
				p := w.deemedAt(v, "amr")
				if c.began {
					w.wait(v.Start)
					_, err := w.Start(ctx, w.clerk, v.ID)
					w.must(err)
				}
				r, err := w.Reply(ctx, w.clerk, w.onPaper(p, p.RespondBy.Add(c.after)))
				w.must(err)
				got := w.part(v.ID, "amr")
				if r.Outcome != c.outcome || got.Consent != c.consent || got.Opinion != OpinionReview {
					t.Errorf("%s, then %s, opinion %s", r.Outcome, got.Consent, got.Opinion)
				}
				if suspended := !got.Deemed.SuspendedAt.IsZero(); suspended != (c.outcome == OutcomeApplied) {
					t.Errorf("suspended %v", got.Deemed.SuspendedAt)
				}
				w.verifyBundle(v, "amr")
			})
		})
	}
}
