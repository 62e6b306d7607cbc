package inspection

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// fuse ends a process at one of its calls: from there on it reaches neither the
// database nor anybody outside. It sees every statement and every call of a
// channel. Within a transaction all points come to the same, since nothing of
// it was committed; BEGIN and ROLLBACK change nothing and do not count.
type fuse struct {
	mu   sync.Mutex
	left int // calls until it blows; 0 for never
	dead bool
	stop context.CancelFunc
}

// light begins a process that dies at its n-th call.
func (f *fuse) light(ctx context.Context, n int) context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, f.stop = context.WithCancel(ctx)
	f.left, f.dead = n, false
	return ctx
}

// burn counts a call and reports whether the process is dead.
func (f *fuse) burn() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left > 0 {
		if f.left--; f.left == 0 {
			f.dead = true
			f.stop()
		}
	}
	return f.dead
}

// out takes the fuse away and reports whether it had blown.
func (f *fuse) out() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.dead
	f.stop()
	f.left, f.dead = 0, false
	return was
}

func (f *fuse) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if e.Query == "BEGIN" || e.Query == "ROLLBACK" || !f.burn() || e.Query == "COMMIT" {
		return ctx // what is committing when the process dies is committed
	}
	dead, stop := context.WithCancel(ctx)
	stop()
	return dead
}

func (f *fuse) AfterQuery(context.Context, *bun.QueryEvent) {}

// fusedMail is a channel of a process that may die before or after the call.
type fusedMail struct {
	notify.Channel
	f *fuse
}

func (c fusedMail) Send(ctx context.Context, m notify.Message) notify.Outcome {
	if c.f.burn() {
		return notify.Outcome{Result: notify.Unclear}
	}
	defer c.f.burn()
	return c.Channel.Send(ctx, m)
}

// crash is a world whose process dies again and again.
type crash struct {
	*testWorld
	fuse   fuse
	stride int
	v      Visit
	deaths int
}

// PRO-3, PRO-6, INS-607: book, send, arrive, answer, sort, move, deem, hold and close; after
// each death a new process goes on.
func TestAProcessThatDiesAtAnyCallLeavesEveryActWholeOrUndone(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		c := &crash{testWorld: newWorld(t, d), stride: choose(3, 1)}
		d.Watch(&c.fuse)
		c.book()
		c.begin()
		c.send("send")
		c.answer()
		c.move()
		c.send("send again")
		c.answerAgain()
		c.silence()
		c.close()
		c.end()
	})
}

// act lets a process die one call later each time until it gets through. After
// each death nothing may be half done.
func (c *crash) act(name string, do func(ctx context.Context) error) {
	c.t.Helper()
	for n := 1; ; n += c.stride {
		err := do(c.fuse.light(c.t.Context(), n))
		if !c.fuse.out() {
			if err != nil {
				c.t.Fatalf("%s: %v", name, err)
			}
			c.whole(fmt.Sprintf("%s, dead at call %d", name, n))
			return
		}
		c.deaths++
		c.begin()
		c.whole(fmt.Sprintf("%s, dead at call %d", name, n))
	}
}

// begin is a new process on the same database, a minute later.
func (c *crash) begin() {
	c.t.Helper()
	ctx := c.t.Context()
	c.fresh()
	for name, channel := range c.outbox.Channels {
		c.outbox.Channels[name] = fusedMail{channel, &c.fuse}
	}
	c.clock.forward(61 * time.Second)
	c.must(c.trust.Check(ctx))
	c.must(c.outbox.Beat(ctx, notify.Portal, c.trust.Now(), true))
	c.must(c.outbox.SendCanary(ctx))
}

// key makes an act the same one however often it is asked for.
func key(name string) once.Key { return once.Key{Actor: "person:clerk", Value: name, Print: name} }

func (c *crash) book() {
	var opened Case
	c.act("accept", func(ctx context.Context) (err error) {
		r := restaurant()
		r.Once = key("accept")
		opened, err = c.Accept(ctx, c.clerk, r)
		return err
	})
	c.act("plan", func(ctx context.Context) (err error) {
		c.v, err = c.Plan(ctx, c.clerk, PlanRequest{CaseID: opened.ID, Kind: KindSite, Once: key("plan")})
		return err
	})
	choice := c.bestSlot(c.v.ID)
	c.act("book", func(ctx context.Context) error {
		v, err := c.Book(ctx, c.clerk, BookRequest{VisitID: c.v.ID, Choice: choice, Once: key("book")})
		if err == nil {
			c.v = v
		}
		return err
	})
}

// send is the outbox with what a crash left in it (OUT-3). A letter that may
// have gone out waits a minute before it goes again.
func (c *crash) send(name string) {
	c.act(name, func(ctx context.Context) error {
		if err := c.outbox.Recover(ctx); err != nil {
			return err
		}
		c.clock.forward(61 * time.Second)
		if err := c.outbox.AskUnknown(ctx); err != nil {
			return err
		}
		return c.outbox.SendDue(ctx)
	})
}

// answer: fire accepts on its page, urban declines by mail, amr is silent.
func (c *crash) answer() {
	fire := c.part(c.v.ID, "fire").ID
	c.act("reply", func(ctx context.Context) error {
		_, err := c.Reply(ctx, c.inspector("fire"), ReplyRequest{
			ParticipantID: fire, Round: 1, Kind: ReplyAccept, Channel: "portal", Once: key("reply"),
		})
		return err
	})
	to, raw := c.letter(c.v, "urban", "当日有会")
	c.act("mail comes in", func(ctx context.Context) error { // a sender without a 250 tries again
		return c.outbox.Receive(ctx, notify.Envelope{ReceivedAt: c.now(), MailFrom: "urban@dept.example", Rcpt: to, Peer: "edge"}, raw)
	})
	if n := len(c.inbox()); n != 1 {
		c.t.Fatalf("%d mails kept of one", n)
	}
	mail := c.inbox()[0].ID
	c.act("sort", func(ctx context.Context) error {
		err := c.Sort(ctx, c.clerk, SortRequest{MailID: mail, Answer: ReplyDecline, GivenBy: "办公室", Words: "有会", Why: "来信写明"})
		return unless(err, "inbound_sorted")
	})
}

// unless takes the refusal that an act was done before for its success.
func unless(err error, code string) error {
	if fault.Is(err, code) {
		return nil
	}
	return err
}

// move: the visit goes to another day, and nothing of it is half moved.
func (c *crash) move() {
	choice := c.laterSlot(c.v)
	c.act("retime", func(ctx context.Context) error {
		v, err := c.Retime(ctx, c.clerk, RetimeRequest{VisitID: c.v.ID, Choice: choice, Code: "weather", Reason: "暴雨", Once: key("retime")})
		if err == nil {
			c.v = v
		}
		return err
	})
	if c.v.Round != 2 {
		c.t.Fatalf("moved once, and in round %d", c.v.Round)
	}
}

// answerAgain: fire and urban answer the new time.
func (c *crash) answerAgain() {
	for system, kind := range map[string]ReplyKind{"fire": ReplyAccept, "urban": ReplyDecline} {
		p := c.part(c.v.ID, system).ID
		c.act("reply again", func(ctx context.Context) error {
			_, err := c.Reply(ctx, c.inspector(system), ReplyRequest{
				ParticipantID: p, Round: 2, Kind: kind, Reason: "有会", Channel: "portal", Once: key("again " + system),
			})
			return err
		})
	}
}

// silence: amr's deadline falls due.
func (c *crash) silence() {
	c.until(c.part(c.v.ID, "amr").RespondBy.Add(-time.Minute))
	c.clock.forward(grace + 2*time.Minute)
	c.begin()
	c.act("deem", func(ctx context.Context) error { return c.DeemDue(ctx) })
	if rows := c.outcomes(); len(rows) != 1 {
		c.t.Fatalf("%d outcomes, want amr's", len(rows))
	}
	c.send("tell")
}

// close: the visit takes place.
func (c *crash) close() {
	c.until(c.v.Start)
	c.act("start", func(ctx context.Context) error {
		_, err := c.Start(ctx, c.clerk, c.v.ID)
		return unless(err, "bad_move")
	})
	for _, system := range []string{"fire", "urban"} {
		p := c.part(c.v.ID, system).ID
		c.act("opine", func(ctx context.Context) error {
			_, err := c.Opine(ctx, c.inspector(system), OpinionRequest{ParticipantID: p, Kind: Agree, Text: "符合要求"})
			return err
		})
	}
	c.act("end", func(ctx context.Context) error {
		_, err := c.EndSite(ctx, c.clerk, c.v.ID)
		return unless(err, "bad_move")
	})
	c.act("close", func(ctx context.Context) error {
		_, err := c.Close(ctx, c.clerk, c.v.ID, once.Key{})
		return unless(err, "bad_move")
	})
}

// end lets the last process work off what is left and looks at everything.
func (c *crash) end() {
	c.t.Helper()
	for range 3 {
		c.begin()
		c.must(c.outbox.Recover(c.t.Context()))
		c.must(c.sweep(c.t.Context()))
	}
	v, err := c.FindVisit(c.t.Context(), c.clerk, c.v.ID)
	c.must(err)
	if v.State != VisitClosed || v.Result != ResultPassed {
		c.t.Errorf("the visit ended %s %s", v.State, v.Result)
	}
	c.sendings()
	c.must(c.log.Verify(c.t.Context()))
	c.verifyBundle(c.v, "amr")
	c.t.Logf("%d deaths", c.deaths)
	if c.deaths < 100 {
		c.t.Errorf("only %d deaths", c.deaths)
	}
}

// sendings: every legal letter went out, the same bytes each time, and more
// than once only after an attempt that nobody knows the end of (OUT-6, SIM-6).
func (c *crash) sendings() {
	c.t.Helper()
	var rows []struct {
		ID, State, Body, Detail, Purpose string
		Legal                            bool
		Unclear                          int
	}
	c.must(c.DB.Read(c.t.Context(), func(q bun.IDB) error {
		return q.NewSelect().Table("messages").Column("id", "state", "body", "legal", "detail", "purpose").Where("channel = ?", notify.Mail).
			ColumnExpr("(SELECT count(*) FROM message_attempts a WHERE a.message_id = messages.id AND a.result = ?) AS unclear", notify.Unclear).
			Scan(c.t.Context(), &rows)
	}))
	for _, row := range rows {
		sent := 0
		for _, m := range c.sent.msgs {
			if m.ID == row.ID {
				sent++
				if string(m.Body) != row.Body {
					c.t.Errorf("a repeat of %s has other bytes", row.ID)
				}
			}
		}
		if sent > 1+row.Unclear || row.State == notify.Accepted && sent == 0 {
			c.t.Errorf("%s: sent %d times with %d unclear attempts", row.State, sent, row.Unclear)
		}
		if row.Legal && row.State != notify.Accepted {
			c.t.Errorf("a notice (%s) is %s: %s", row.Purpose, row.State, row.Detail)
		}
	}
}
