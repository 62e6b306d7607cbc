package inspection

import (
	"fmt"
	"math/rand/v2"
	"time"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// What departments do and what goes wrong, for the random simulation. Each
// happening is told to the code under test and to the checker.

// dice are the random choices of one seed and one of its actors.
type dice struct{ *rand.Rand }

func newDice(seed, actor uint64) dice { return dice{rand.New(rand.NewPCG(seed, actor))} }

// after is a random instant within a span.
func (d dice) after(t time.Time, span time.Duration) time.Time {
	return t.Add(time.Duration(d.Int64N(int64(span)))).Truncate(time.Millisecond)
}

// likely is true in n of 10 cases.
func (d dice) likely(n int) bool { return d.IntN(10) < n }

// edge is an instant around a deadline: a millisecond to either side, the very
// instant, or some minutes away.
func (d dice) edge(t2 time.Time) time.Time {
	near := []time.Duration{-time.Millisecond, 0, time.Millisecond, grace - time.Millisecond, grace, grace + time.Second}
	if d.likely(6) {
		return t2.Add(near[d.IntN(len(near))])
	}
	return d.after(t2.Add(-2*time.Hour), 3*time.Hour)
}

// behave plans what a department does with its notice, and what goes wrong
// around its deadline.
func (c *city) behave(d *department) {
	at := d.edge(d.t2)
	switch d.IntN(10) {
	case 0: // answers
		c.todo.add(at, func() { c.reply(d, at, "portal") })
	case 1: // answers by telephone, which is entered later
		c.todo.add(d.after(at, 3*time.Hour), func() { c.reply(d, at, "phone") })
	case 2, 3: // writes a mail
		c.todo.add(at, func() { c.write(d) })
	case 4: // the notice comes back, and somebody opens the page
		c.todo.add(at, func() { c.bounce(d) })
		c.todo.add(d.after(at.Add(-4*time.Hour), 8*time.Hour), func() { c.openPage(d) })
	case 5: // names somebody, and is silent (INS-806)
		c.todo.add(d.after(d.t1, d.t2.Sub(d.t1)), func() { c.delegate(d) })
	case 6: // objects to the case itself (INS-814)
		c.todo.add(at, func() { c.object(d) })
	case 7: // declines, with its opinion in writing (INS-813)
		c.todo.add(at, func() { c.opine(d) })
	}
	if d.likely(2) {
		c.trouble(d.dice, d.t2)
	}
}

// trouble plans an outage, a jump of the clock or an hour without the program.
func (c *city) trouble(d dice, t2 time.Time) {
	from := d.after(t2.Add(-100*time.Minute), 110*time.Minute)
	long := time.Duration(2+d.IntN(170)) * time.Minute
	switch d.IntN(4) {
	case 0:
		c.todo.add(from, func() { c.sent.deaf, c.closed = true, from.Add(long) })
		c.todo.add(from.Add(long), func() { c.sent.deaf = false })
	case 1:
		c.todo.add(from, func() { c.portalDown = true })
		c.todo.add(from.Add(long), func() { c.portalDown = false })
	case 2:
		c.todo.add(from, func() { c.off = from.Add(long) })
	case 3:
		sizes := []time.Duration{3 * time.Second, 20 * time.Second, 2 * time.Minute, 8 * time.Minute}
		size := sizes[d.IntN(len(sizes))]
		if d.likely(5) {
			size = -size
		}
		c.todo.add(from, func() { c.jumps(d, size) })
	}
}

// jumps moves the wall clock; the administrator may find it right later.
func (c *city) jumps(d dice, size time.Duration) {
	c.clock.jump(size)
	for _, w := range []*testWorld{c.testWorld, c.other} {
		c.must(w.trust.Check(c.t.Context()))
	}
	c.scene.jumps = append(c.scene.jumps, jump{c.now(), size})
	if d.likely(3) {
		return
	}
	c.todo.add(d.after(c.now(), 2*time.Hour), func() {
		err := c.trust.Accept(c.t.Context(), "person:admin", "与时间服务器核对过")
		if err != nil && !fault.Is(err, "clock_accept_needless") {
			c.t.Error(err)
		}
		c.must(c.other.trust.Check(c.t.Context()))
		c.scene.jumps = nil
	})
}

// reply is an answer that was received at an instant.
func (c *city) reply(d *department, received time.Time, channel string) {
	if channel == "portal" {
		if c.portalDown {
			return
		}
		received = c.now()
	}
	if d.over || received.After(c.now()) {
		return
	}
	by := c.inspector(d.system)
	if channel == "phone" {
		by = c.clerk
	}
	kind := []ReplyKind{ReplyAccept, ReplyDecline, ReplyExcuse}[d.IntN(3)]
	got, err := c.Reply(c.t.Context(), by, ReplyRequest{
		ParticipantID: d.id, Round: 1, Kind: kind, Reason: "有会", Channel: channel, GivenBy: "办公室", ReceivedAt: received,
	})
	c.must(err)
	a := answer{received: received, taken: got.Outcome == OutcomeApplied}
	doubt := d.doubted || d.waiting > 0
	if a.taken && d.running() && received.After(d.t2) && (!doubt || d.deemed) { // INS-805
		c.t.Errorf("%s: an answer of %v was taken after T2 %v", d.system, received, d.t2)
	}
	d.answers = append(d.answers, a)
}

// object says something against the case itself, which is no answer. It is
// withdrawn or settled some hours later, or never.
func (c *city) object(d *department) {
	if d.over || c.portalDown {
		return
	}
	_, err := c.Object(c.t.Context(), c.inspector(d.system), ObjectionRequest{ParticipantID: d.id, Text: "证照与场所不符", Channel: "portal"})
	c.must(err)
	d.objects = true
	if d.likely(3) {
		return
	}
	withdrawn := d.likely(5)
	c.todo.add(d.after(c.now(), 5*time.Hour), func() { c.settleObjection(d, withdrawn) })
}

func (c *city) settleObjection(d *department, withdrawn bool) {
	if d.over {
		return
	}
	if withdrawn {
		c.must(c.WithdrawObjection(c.t.Context(), c.inspector(d.system), d.id, once.Key{}))
	} else {
		c.must(c.SettleObjection(c.t.Context(), c.boss, RefuseRequest{ParticipantID: d.id, Reason: "已核实，不影响勘验"}))
	}
	d.objects = false
	if !d.deemed {
		d.dismiss(&c.scene, c.now())
	}
}

// opine declines with an opinion in writing.
func (c *city) opine(d *department) {
	if d.over || c.portalDown {
		return
	}
	kind := []OpinionKind{Agree, Disagree}[d.IntN(2)]
	got, err := c.Reply(c.t.Context(), c.inspector(d.system), ReplyRequest{
		ParticipantID: d.id, Round: 1, Kind: ReplyDecline, Reason: "有会", Channel: "portal",
		Opinion: OpinionRequest{Kind: kind, Text: "消防设施见附件"},
	})
	c.must(err)
	d.answers = append(d.answers, answer{received: c.now(), taken: got.Outcome == OutcomeApplied})
	d.opined = true
}

// delegate names another person, which is no answer.
func (c *city) delegate(d *department) {
	if d.over {
		return
	}
	person, err := c.Auth.AddPerson(c.t.Context(), systemActor, auth.NewPerson{
		Login: newID(), Name: "张三", Post: auth.Post{Roles: []auth.Role{auth.Inspector}, Department: c.department(d.system)},
	})
	c.must(err)
	_, err = c.Reply(c.t.Context(), c.inspector(d.system), ReplyRequest{
		ParticipantID: d.id, Round: 1, Kind: ReplyDelegate, Delegate: person.ID, Channel: "portal",
	})
	c.must(err)
}

// write sends a mail, which our edge takes when it is open. A person may sort
// it hours later, or never.
func (c *city) write(d *department) {
	if d.over {
		return
	}
	if c.sent.deaf {
		c.todo.add(c.closed.Add(time.Second), func() { c.write(d) })
		return
	}
	c.mail(d.v, d.system, "我局意见如下")
	d.waiting++
	received := c.now()
	if d.likely(2) {
		return
	}
	sorted := d.after(received, 5*time.Hour)
	for c.scene.worked(sorted, sorted.Add(time.Minute)) == 0 {
		sorted = sorted.Add(30 * time.Minute)
	}
	c.todo.add(sorted, func() { c.sort(d, received) })
}

func (c *city) sort(d *department, received time.Time) {
	if d.over {
		return
	}
	r := SortRequest{GivenBy: "办公室", Words: "有会", Why: "来信写明"}
	if d.likely(5) {
		r.Answer = ReplyDecline
	}
	for _, mail := range c.inbox() {
		if mail.Subject == d.id {
			r.MailID = mail.ID
		}
	}
	deemed := d.deemed
	c.must(c.Sort(c.t.Context(), c.clerk, r))
	d.waiting--
	if r.Answer == "" {
		d.dismiss(&c.scene, c.now())
		return
	}
	d.answers = append(d.answers, answer{received: received, taken: !deemed})
}

// bounce is the report of the department's mail server that the notice could
// not be delivered after all.
func (c *city) bounce(d *department) {
	if d.over {
		return
	}
	if c.sent.deaf {
		c.todo.add(c.closed.Add(time.Second), func() { c.bounce(d) })
		return
	}
	raw := fmt.Sprintf("From: MAILER-DAEMON@mx.dept.example\r\nSubject: report\r\nMessage-ID: <%s@mx.dept.example>\r\n"+
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.dept.example\r\n\r\n"+
		"Final-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n", newID(), d.notice.Address)
	c.must(c.outbox.Receive(c.t.Context(), notify.Envelope{ReceivedAt: c.now(), Rcpt: d.notice.ReturnPath, Peer: "edge"}, []byte(raw)))
	d.fall(&c.scene, d.letter)
}

// openPage opens the notice on the page: class A.
func (c *city) openPage(d *department) {
	if d.over || c.portalDown {
		return
	}
	c.must(c.Opened(c.t.Context(), c.inspector(d.system), d.id))
	d.serve(&c.scene, d.opener, c.now())
}
