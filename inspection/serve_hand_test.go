package inspection

import (
	"bytes"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/notify"
)

// unheard is a visit whose site part is over, to which urban came, and whose word
// that an opinion is due reaches nobody by itself.
func (w *testWorld) unheard() Visit {
	w.t.Helper()
	v := w.begun()
	w.hosts(v)
	w.comes(v, "urban", 1, 2)
	w.dropPortal()
	w.sent.down = true
	w.wait(v.End)
	v, err := w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	w.tick() // it is in the inbox, which proves nothing by itself
	return v
}

// byHand is the word served to urban on paper.
func (w *testWorld) byHand(v Visit, at time.Time) HandServiceRequest {
	return HandServiceRequest{
		ParticipantID: w.part(v.ID, "urban").ID, About: AboutOpinion, Channel: "paper",
		Receiver: "周科长", Post: "办公室", At: at, Scan: Scan{Name: "slip.png", Bytes: slip(w.t)},
	}
}

func TestTheWordThatAnOpinionIsDueIsServedOnPaper(t *testing.T) { // INS-933, INS-707
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.unheard()
		due := w.due(v, "urban", DeadlineOpinion)
		text, printed := w.printed(w.clerk, v, DocDue, "urban")
		wantWords(t, text, "出具意见通知书", "送达回执", "按规定视为同意", "单位盖章", "11月20日（周五）17:30前出具意见")
		w.wait(due.Add(10 * time.Minute))
		moved := w.due(v, "urban", DeadlineOpinion)
		if !moved.Equal(at(23, 17, 30)) || !w.hasTask(TaskServeByHand) {
			t.Fatalf("T3 is %v, task %v", moved, w.hasTask(TaskServeByHand))
		}
		w.wait(at(23, 10, 0))
		paper := w.byHand(v, at(23, 9, 40))
		for code, change := range map[string]func(*HandServiceRequest){
			"service_time":     func(r *HandServiceRequest) { r.At = w.now().Add(time.Minute) },
			"scan_missing":     func(r *HandServiceRequest) { r.Scan = Scan{} },
			"receiver_missing": func(r *HandServiceRequest) { r.Receiver = " " },
			"service_about":    func(r *HandServiceRequest) { r.About = "weather" },
			"opinion_not_due":  func(r *HandServiceRequest) { r.ParticipantID = w.part(v.ID, "amr").ID }, // it did not come
		} {
			bad := paper
			change(&bad)
			w.refused(w.ServeByHand(ctx, w.clerk, bad), code)
		}
		early := paper
		early.At = v.SiteEndedAt.Add(-time.Minute) // before there was anything to print
		w.refused(w.ServeByHand(ctx, w.clerk, early), "service_time")
		w.refused(w.ServeByHand(ctx, w.inspector("urban"), paper), "not_a_window")
		call := paper
		call.Channel, call.Scan, call.Said = "phone", Scan{}, "意见应于周一17:30前出具"
		w.must(w.ServeByHand(ctx, w.clerk, call))
		if !w.hasTask(TaskServeByHand) { // INS-704
			t.Error("a call, which proves nothing, ends the task")
		}
		w.must(w.ServeByHand(ctx, w.clerk, paper))
		if w.hasTask(TaskServeByHand) {
			t.Error("the task to serve it stays")
		}
		if leaf := w.lastLeaf(v, "urban", "arrived"); leaf.Text("class") != "A" || leaf.Text("about") != AboutOpinion || leaf.Text("scan_sha256") == "" {
			t.Errorf("the leaf has %v", leaf.Fields)
		}
		w.wait(moved.Add(5*time.Minute - time.Millisecond))
		if n := w.deemedRows(); n != 0 {
			t.Fatalf("%d deemed a millisecond early", n)
		}
		w.clock.forward(time.Millisecond)
		w.tick()
		got := w.part(v.ID, "urban")
		if got.Deemed == nil || got.Deemed.Reason != NoOpinion || got.Deemed.Findings["class"] != "A" || got.Deemed.Findings["t1"] != stamp(paper.At) {
			t.Fatalf("%s, holds %v, %+v", got.Opinion, got.OpenHolds(), got.Deemed)
		}
		w.verifyBundle(v, "urban")
		again, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocDue, Department: w.department("urban"), N: 1})
		w.must(err)
		if !bytes.Equal(again.PDF, printed.PDF) { // INS-1105
			t.Error("the paper that was served prints otherwise now")
		}
		w.tick()
		w.refused(w.ServeByHand(ctx, w.clerk, paper), "opinion_not_due")
	})
}

// Signed times around the last instant, by the act itself and not by the predicate
// alone: 13:30 lies four working hours before 17:30.
func TestASlipCountsWhenItWasSignedFourWorkingHoursBefore(t *testing.T) { // INS-933
	last := at(20, 13, 30)
	for _, tt := range []struct {
		channel string
		signed  time.Time
		counts  bool
	}{
		{"paper", last.Add(-3 * time.Hour), true},
		{"paper", last, true},
		{"paper", last.Add(time.Millisecond), false},
		{"paper", last.Add(time.Hour), false},
		{"phone", last.Add(-3 * time.Hour), false}, // class C proves no arrival
	} {
		w := newWorld(t, town.SQLite(t))
		v := w.unheard()
		w.wait(last.Add(2 * time.Hour)) // entered later than it was signed
		r := w.byHand(v, tt.signed)
		if r.Channel = tt.channel; tt.channel == "phone" {
			r.Scan, r.Said = Scan{}, "请于今日17:30前出具意见"
		}
		w.must(w.ServeByHand(t.Context(), w.clerk, r))
		w.wait(at(20, 17, 36))
		got := w.part(v.ID, "urban")
		if (got.Deemed != nil) != tt.counts {
			t.Errorf("%s at %v: %s, holds %v", tt.channel, tt.signed, got.Opinion, got.OpenHolds())
		}
		if due := at(23, 17, 30); !tt.counts && !w.due(v, "urban", DeadlineOpinion).Equal(due) {
			t.Errorf("%s at %v: T3 is %v, want %v", tt.channel, tt.signed, w.due(v, "urban", DeadlineOpinion), due)
		}
		if want := tt.channel == "phone"; w.hasTask(TaskServeByHand) != want { // a slip signed late counts for the later term
			t.Errorf("%s at %v: task to serve it %v", tt.channel, tt.signed, !want)
		}
	}
}

func TestAWordThatCannotBeSentIsForTheWindowToServe(t *testing.T) { // INS-933, OUT-8
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.unheard()
	dead := func() {
		t.Helper()
		w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
			sent, err := notify.ListBySubject(ctx, tx, w.part(v.ID, "urban").ID, notify.PurposeOpinionDue)
			w.must(err)
			return w.Dead(ctx, tx, sent[0])
		}))
	}
	dead()
	if !w.hasTask(TaskServeByHand) {
		t.Error("nobody is to serve it")
	}
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree})
	if w.hasTask(TaskServeByHand) {
		t.Error("the opinion is there and the task stays")
	}
	dead()
	if w.hasTask(TaskServeByHand) {
		t.Error("a word that nobody needs any more makes a task")
	}
}
