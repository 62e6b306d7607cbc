package notify

import (
	"net/http"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// withAnswers is withProvider that can also be asked.
func withAnswers(t *testing.T, d *db.DB) (*world, *provider) {
	w, p := withProvider(t, d)
	p.words = map[string]string{}
	w.AskProvider = w.Channels[SMS].(*Twilio).Ask
	return w, p
}

func (w *world) reconcile() {
	w.t.Helper()
	if err := w.Reconcile(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestALostCallbackIsAskedFor(t *testing.T) { // OUT-9
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withAnswers(t, d)
		id := w.queue(newMessage(bySMS))
		w.send()
		p.words[sidOf(1)] = `{"sid":"x","status":"sent","error_code":null}`
		w.reconcile()
		if p.asked != 0 {
			t.Error("asked before the callback had its time")
		}
		w.later(callbackTime)
		w.reconcile()
		w.wantState(id, Accepted)
		p.words[sidOf(1)] = `{"status":"delivered"}`
		w.reconcile()
		w.wantState(id, Delivered)
		if last := w.served[len(w.served)-1]; last.Class != ClassC || last.Source != "asked" {
			t.Errorf("arrival %+v, want class C", last)
		}
		arrivals := len(w.served)
		w.hear(p.callback(1, "delivered")) // it comes after all
		w.hear(p.callback(1, "failed"))
		w.reconcile()
		w.wantState(id, Delivered)
		if len(w.served) != arrivals || len(w.failed) != 0 || p.asked != 2 {
			t.Errorf("%d arrivals, %d failures, asked %d times", len(w.served), len(w.failed), p.asked)
		}
	})
}

func TestAFailureThatIsAskedForIsReportedOnce(t *testing.T) { // OUT-9, INS-708
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withAnswers(t, d)
		id := w.queue(newMessage(bySMS))
		w.send()
		w.later(time.Hour)
		p.words[sidOf(1)] = `{"status":"undelivered","error_code":30003}`
		w.reconcile()
		w.reconcile()
		w.wantState(id, Undelivered)
		if len(w.failed) != 1 || w.failed[0].Status != "30003" || w.failed[0].Source != "asked" {
			t.Errorf("failures %+v", w.failed)
		}
	})
}

func TestAProviderThatDoesNotKnowOrAnswerChangesNothing(t *testing.T) { // OUT-9
	w, p := withAnswers(t, dbtest.SQLite(t))
	id := w.queue(newMessage(bySMS))
	w.send()
	w.later(time.Hour)
	w.reconcile() // deleted there: 404
	for name, answer := range map[string]func(http.ResponseWriter){
		"500": status_(500, "", "{}"), "401": status_(401, "", `{"code":20003}`), "no status": status_(200, "", "{}"), "no JSON": status_(200, "", "<html>"),
	} {
		p.then(answer)
		if err := w.Reconcile(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	p.then(nil)
	w.wantState(id, Accepted)
	asked := p.asked
	w.later(wordTime)
	w.reconcile()
	w.AskProvider = nil
	w.reconcile()
	if p.asked != asked {
		t.Error("asked about a text that is too old, or of nobody")
	}
}
