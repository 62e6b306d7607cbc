package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"go.uber.org/goleak"

	"lianban/internal/db"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// morning is a Thursday, 09:30 in China: no quiet hours.
var morning = time.Date(2026, 12, 10, 1, 30, 0, 0, time.UTC)

// world is a Desk whose outside the test holds in its hands.
type world struct {
	*Desk
	t    *testing.T
	mail *fakeChannel
	sms  *fakeChannel

	mu      sync.Mutex
	now     time.Time
	served  []Arrival
	failed  []Failure
	dead    []Message
	inbound []Inbound
	paused  []string
	body    Body
	broken  error // what the hooks answer
}

// newWorld makes a Desk on d whose clock stands still at morning.
func newWorld(t *testing.T, d *db.DB) *world {
	w := &world{t: t, now: morning, mail: &fakeChannel{}, sms: &fakeChannel{}, body: noticeBody(t)}
	w.Desk = &Desk{
		DB: d, Now: w.clock, Log: slog.New(slog.DiscardHandler), Instance: "a", Jitter: func() float64 { return 0.5 },
		Addresses: Addresses{Domain: "lianban.example", Separator: "+", Key: []byte(strings.Repeat("k", 32))},
		Channels:  map[string]Channel{Mail: w.mail, SMS: w.sms},
		Compose:   func(context.Context, bun.IDB, Message) (Body, error) { return w.body, w.hook(func() {}) },
		Served: func(_ context.Context, _ bun.IDB, a Arrival) error {
			return w.hook(func() { w.served = append(w.served, a) })
		},
		Failed: func(_ context.Context, _ bun.IDB, f Failure) error {
			return w.hook(func() { w.failed = append(w.failed, f) })
		},
		Dead: func(_ context.Context, _ bun.IDB, m Message) error {
			return w.hook(func() { w.dead = append(w.dead, m) })
		},
		Inbound: func(_ context.Context, _ bun.IDB, in Inbound) error {
			return w.hook(func() { w.inbound = append(w.inbound, in) })
		},
		Paused: func(_ context.Context, _ bun.IDB, channel, _ string) error {
			return w.hook(func() { w.paused = append(w.paused, channel) })
		},
	}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) hook(do func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		do()
	}
	return w.broken
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// later moves the clock.
func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// newMessage makes a legal notice by mail; the test overrides what it needs.
func newMessage(change ...func(*Message)) Message {
	m := Message{
		ID: newID(), Purpose: PurposeNotice, Channel: Mail, Address: "scjg@dept.example", Lang: "zh", Legal: true,
		Subject: "participant-1", Contact: "address-1", Stream: "case/c1/scjg", ValidUntil: morning.Add(48 * time.Hour),
	}
	m.Key = "notice/n1/" + m.ID
	for _, f := range change {
		f(&m)
	}
	return m
}

func bySMS(m *Message)    { m.Channel, m.Address = SMS, "+8613800001234" }
func byPortal(m *Message) { m.Channel, m.Address = Portal, "scjg" }
func reminder(m *Message) { m.Purpose, m.Legal = PurposeReminder, false }

// queue queues messages and gives back the first one's id.
func (w *world) queue(ms ...Message) string {
	w.t.Helper()
	w.do(func(tx bun.IDB) error { return Queue(w.t.Context(), tx, w.clock(), ms...) })
	return ms[0].ID
}

func (w *world) do(fn func(tx bun.IDB) error) {
	w.t.Helper()
	if err := w.DB.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send(channels ...string) {
	w.t.Helper()
	if err := w.SendDue(w.t.Context(), channels...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ask() {
	w.t.Helper()
	if err := w.AskUnknown(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) message(id string) (m Message) {
	w.t.Helper()
	w.read(func(q bun.IDB) (err error) {
		m, err = FindMessage(w.t.Context(), q, id)
		return err
	})
	return m
}

func (w *world) read(fn func(q bun.IDB) error) {
	w.t.Helper()
	if err := w.DB.Read(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantState(id, state string) Message {
	w.t.Helper()
	m := w.message(id)
	if m.State != state {
		w.t.Fatalf("state is %s (%s), want %s", m.State, m.Detail, state)
	}
	return m
}

// fakeChannel answers as the test says and keeps what it was given.
type fakeChannel struct {
	mu     sync.Mutex
	answer func(m Message) Outcome // nil says yes
	sent   []Message
}

func (f *fakeChannel) Send(_ context.Context, m Message) Outcome {
	f.mu.Lock()
	answer := f.answer
	f.sent = append(f.sent, m)
	f.mu.Unlock()
	if answer == nil {
		return Outcome{Result: Yes, Source: "relay", Line: "250 ok", ProviderID: fmt.Sprint("q", m.Attempt)}
	}
	return answer(m)
}

func (f *fakeChannel) say(o Outcome) { f.then(func(Message) Outcome { return o }) }

func (f *fakeChannel) then(answer func(Message) Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

func (f *fakeChannel) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

// someFacts are those of the example in invites.md section 7.
func someFacts() Facts {
	return Facts{
		Notice: "应约〔2026〕431103-000317", Round: 1, Case: "431103-2026-000317", Matter: "我要开饭店", Kind: "site",
		Site: "冷水滩区梧桐路18号", District: "冷水滩区",
		Start: time.Date(2026, 12, 10, 1, 30, 0, 0, time.UTC), End: time.Date(2026, 12, 10, 3, 0, 0, 0, time.UTC),
		Department: "冷水滩区消防救援大队", Departments: []string{"区市场监管局", "区消防救援大队"}, Lead: "区市场监管局", StaffMin: 2,
		Centre: "冷水滩区政务服务中心", Window: "A03", Phone: "0746-0000000",
		RespondBy: time.Date(2026, 12, 8, 9, 30, 0, 0, time.UTC),
		Citation:  "《永州市市场准入涉照事项“一件事一次办”改革实施方案（试行）》三（三）3-四",
		Link:      "https://lianban.example/r/abc", Code: "482913", Reference: "K7Q2", Signature: "永州政务",
		Reason: "收到通知后在期限内未反馈意见", Record: "视同〔2026〕431103-000001",
		Due:       time.Date(2026, 12, 15, 9, 30, 0, 0, time.UTC),
		DecidedAt: time.Date(2026, 12, 8, 9, 35, 0, 0, time.UTC), ServedAt: time.Date(2026, 12, 7, 1, 35, 0, 0, time.UTC),
		ReceivedAt: time.Date(2026, 12, 8, 9, 29, 59, 0, time.UTC), Answer: "应约",
		Coming: []string{"区市场监管局"}, Silent: []string{"区消防救援大队"}, Prepare: "申请材料原件", Attend: "经营者本人",
		Contest: "later",
		Person:  "刘洋", Instead: "陈晨", Comes: true, Expected: true, Written: true,
		Checkpoint: "校验点 lianban.example/log 88 abc=\n— lianban.example/log xyz=",
	}
}

func noticeBody(t *testing.T) Body {
	t.Helper()
	b, err := Render("zh", PurposeNotice, someFacts())
	if err != nil {
		t.Fatal(err)
	}
	b.FromName, b.From = "冷水滩区政务服务中心", "window@lianban.example"
	b.Calendar, b.Method = []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"), "REQUEST"
	return b
}
