package notify

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

func (w *world) alive(channel string) (at time.Time) {
	w.t.Helper()
	w.read(func(q bun.IDB) (err error) {
		at, err = Alive(w.t.Context(), q, channel)
		return err
	})
	return at
}

func (w *world) beat(channel string, at time.Time, ok bool) {
	w.t.Helper()
	if err := w.Beat(w.t.Context(), channel, at, ok); err != nil {
		w.t.Fatal(err)
	}
}

func TestChannelIsAliveThroughItsLastGoodBeat(t *testing.T) { // ICA-93, DL-9 P5
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		if !w.alive(Portal).IsZero() {
			t.Error("a channel that never beat is alive")
		}
		w.beat(Portal, morning, true)
		w.beat(Portal, morning, true) // twice is once
		w.beat(Portal, morning.Add(time.Minute), false)
		if got := w.alive(Portal); !got.Equal(morning) {
			t.Errorf("alive through %v, want %v", got, morning)
		}
		if !w.alive(Mail).IsZero() {
			t.Error("one channel speaks for another")
		}
	})
}

func TestGapsBetweenWatermarks(t *testing.T) { // INS-905, ICA-94
	at := func(minutes int) time.Time { return morning.Add(time.Duration(minutes) * time.Minute) }
	span := func(from, to int) Span { return Span{at(from), at(to)} }
	cases := map[string]struct {
		beats []int
		want  []Span
	}{
		"none at all":               {nil, []Span{span(0, 100)}},
		"every minute or so":        {[]int{-1, 20, 50, 80, 101}, nil},
		"a gap just allowed":        {[]int{0, 30, 60, 90, 120}, nil},
		"one in the middle":         {[]int{0, 30, 61, 90, 110}, []Span{span(30, 61)}},
		"reaching in from before":   {[]int{-40, 10, 40, 70, 100}, []Span{span(0, 10)}},
		"still open at the end":     {[]int{0, 30, 60, 85}, []Span{span(85, 100)}},
		"reaching out at the end":   {[]int{0, 30, 60, 80, 111}, []Span{span(80, 100)}},
		"alive only before":         {[]int{-5}, []Span{span(0, 100)}},
		"alive only afterwards":     {[]int{200}, []Span{span(0, 100)}},
		"began in the middle":       {[]int{50, 80, 100}, []Span{span(0, 50)}},
		"one mark at either border": {[]int{0, 100}, []Span{span(0, 100)}},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for name, c := range cases { // each on a channel of its own
			for _, minute := range c.beats {
				w.beat(name, at(minute), true)
			}
			w.beat(name, at(45), false) // a failed look is no mark
			var got []Span
			w.read(func(q bun.IDB) (err error) {
				got, err = Gaps(t.Context(), q, GapQuery{Channel: name, Span: span(0, 100), Longer: 30 * time.Minute})
				return err
			})
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: gaps %v, want %v", name, got, c.want)
			}
		}
	})
}

func TestCanaryProvesTheWayInFromWhenItWasSent(t *testing.T) { // ICA-93
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		h := newMailHost(t, hostOptions{})
		w.Channels[Mail] = &Mailer{Relay: h.server()}
		if err := w.SendCanary(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !w.alive(Mail).IsZero() {
			t.Error("alive before it came back")
		}
		sent := h.letters()[0]
		w.later(7 * time.Minute)
		w.receive(sent.to, sent.from, sent.data)
		w.receive(sent.to, sent.from, sent.data)
		if got := w.alive(Mail); !got.Equal(morning) {
			t.Errorf("alive through %v, want when it was sent, %v", got, morning)
		}
		w.wantLeaves("system", "inbound_watermark")
		if err := w.Receive(t.Context(), Envelope{ReceivedAt: morning, Rcpt: sent.from}, []byte("bounce")); err == nil {
			t.Error("a bounce of the canary found an address")
		}
		if len(w.inbound) != 0 || w.newestInbound().ID != "" {
			t.Error("a canary waits for a person")
		}
	})
}

func TestCanaryThatCannotGoOutProvesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.mail.say(Outcome{Result: Retry})
		if err := w.SendCanary(t.Context()); err != nil {
			t.Fatal(err)
		}
		delete(w.Channels, Mail)
		if err := w.SendCanary(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !w.alive(Mail).IsZero() || w.mail.count() != 1 {
			t.Errorf("alive %v after %d canaries", w.alive(Mail), w.mail.count())
		}
	})
}

func TestFileChannelWritesWhatWouldBeSent(t *testing.T) { // ICA-99
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		dir := filepath.Join(t.TempDir(), "outbox")
		file := &FileChannel{Dir: dir, Loop: w.Receive}
		w.Channels = map[string]Channel{Mail: file, SMS: file}
		letter, text := w.queue(newMessage()), w.queue(newMessage(bySMS))
		w.send()
		w.wantState(text, Delivered)
		m := w.wantState(letter, Delivered)
		eml, err := os.ReadFile(filepath.Join(dir, letter+".eml"))
		if err != nil || string(eml) != string(m.Body) {
			t.Errorf("letter file: %v", err)
		}
		lines, err := os.ReadFile(filepath.Join(dir, "outbox.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(lines)) {
			var l fileLine
			if err := json.Unmarshal([]byte(line), &l); err != nil || l.To == "" || l.Text == "" {
				t.Errorf("line %s: %v", line, err)
			}
		}
		if len(w.served) != 2 || w.served[0].Class != ClassD {
			t.Errorf("a file proves more than it may: %+v", w.served)
		}
		if err := w.SendCanary(t.Context()); err != nil || !w.alive(Mail).Equal(morning) {
			t.Errorf("canary did not come back: %v, alive %v", err, w.alive(Mail))
		}
	})
}

func TestFileChannelInTroubleIsRetried(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file := &FileChannel{Dir: dir}
	if out := file.Send(t.Context(), newMessage()); out.Result != Retry {
		t.Errorf("no directory: %s", out.Result)
	}
	canary := newMessage(func(m *Message) { m.Purpose = purposeCanary })
	if out := file.Send(t.Context(), canary); out.Result == Yes {
		t.Error("a canary without a way back went out")
	}
	file.Loop = func(context.Context, Envelope, []byte) error { return errUnknownToken }
	if out := file.Send(t.Context(), canary); out.Result != Retry {
		t.Errorf("closed way back: %s", out.Result)
	}
}

func TestListsFilterAndPage(t *testing.T) { // STY-21, STK-44
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 3 {
			w.queue(newMessage(reminder))
			w.later(time.Millisecond)
		}
		w.queue(newMessage(bySMS, func(m *Message) { m.Subject = "participant-2" }))
		list := func(by MessageQuery) (ms []Message) {
			w.read(func(q bun.IDB) (err error) {
				ms, err = ListMessages(t.Context(), q, by)
				return err
			})
			return ms
		}
		if n := len(list(MessageQuery{})); n != 4 {
			t.Errorf("%d in all, want 4", n)
		}
		if n := len(list(MessageQuery{Channel: SMS, State: Pending, Subjects: []string{"participant-2"}})); n != 1 {
			t.Errorf("%d texts, want 1", n)
		}
		first := list(MessageQuery{Channel: Mail, Limit: 2})
		rest := list(MessageQuery{Channel: Mail, Before: first[1].ID})
		if len(first) != 2 || len(rest) != 1 || rest[0].ID == first[1].ID {
			t.Errorf("pages of %d and %d", len(first), len(rest))
		}
		w.send()
		w.read(func(q bun.IDB) error {
			counts, err := Counts(t.Context(), q)
			if err != nil || len(counts) != 2 || counts[0] != (Count{Mail, Accepted, 3}) {
				t.Errorf("counts %v, %v", counts, err)
			}
			attempts, err := ListAttempts(t.Context(), q, first[0].ID)
			if err != nil || len(attempts) != 1 || attempts[0].Result != Yes || attempts[0].Line != "250 ok" {
				t.Errorf("attempts %+v, %v", attempts, err)
			}
			sent, err := ListBySubject(t.Context(), q, "participant-1", PurposeReminder)
			if err != nil || len(sent) != 3 || len(sent[0].Body) == 0 {
				t.Errorf("%d letters of the participant, %v", len(sent), err)
			}
			return nil
		})
	})
}

func TestWatchdogSeesTheOldestDueMessage(t *testing.T) { // DL-7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		oldest := func() (at time.Time) {
			w.read(func(q bun.IDB) (err error) {
				at, err = OldestDue(t.Context(), q)
				return err
			})
			return at
		}
		if !oldest().IsZero() {
			t.Error("nothing is due yet")
		}
		w.queue(newMessage())
		if got := oldest(); !got.Equal(morning) {
			t.Errorf("oldest %v, want %v", got, morning)
		}
		if err := w.Pause(t.Context(), "person:7", Mail, "维护"); err != nil {
			t.Fatal(err)
		}
		if !oldest().IsZero() {
			t.Error("a paused channel rings the watchdog")
		}
		w.read(func(q bun.IDB) error {
			paused, err := ListPaused(t.Context(), q)
			if err != nil || len(paused) != 1 || paused[0].Reason != "维护" {
				t.Errorf("paused %+v, %v", paused, err)
			}
			return nil
		})
	})
}

func TestDeskNamesWhatItLacks(t *testing.T) { // STY-14
	err := (&Desk{}).Check()
	for _, name := range []string{"DB", "Now", "Log", "Instance", "Jitter", "Compose", "Served", "Failed", "Dead", "Inbound", "Addresses.Domain"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	for _, a := range []Addresses{
		{Domain: "a b", Separator: "+", Key: make([]byte, 32)},
		{Domain: "a.example", Separator: "/", Key: make([]byte, 32)},
		{Domain: "a.example", Separator: "-", Key: make([]byte, 31)},
	} {
		if a.check() == nil {
			t.Errorf("%+v passed", a)
		}
	}
}

func TestPurgeForgetsOldCanariesAndHeartbeatsButNoAddress(t *testing.T) { // SEC-31, ICA-41
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		answer := w.answerAddress()
		if err := w.SendCanary(t.Context()); err != nil {
			t.Fatal(err)
		}
		canary := w.mail.sent[0].Address
		w.beat(Portal, morning, true)
		w.later(heartbeatKept + time.Second)
		w.beat("other", w.clock(), true)
		if err := w.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !w.alive(Portal).IsZero() || w.alive("other").IsZero() {
			t.Error("the old heartbeat stayed, or the new one went")
		}
		if _, err := w.owner(t.Context(), canary); err == nil {
			t.Error("the canary is still known")
		}
		if _, err := w.owner(t.Context(), answer); err != nil {
			t.Errorf("the answer address is forgotten: %v", err)
		}
	})
}
