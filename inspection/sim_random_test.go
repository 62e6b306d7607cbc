package inspection

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/notify"
)

// mornings are days on which a week of visits may begin: an ordinary one, one
// before the Mid-Autumn days, one before the National Day holidays, one before
// a make-up Saturday. All at 09:00 in Shanghai.
var mornings = []time.Time{
	time.Date(2026, 11, 17, 1, 0, 0, 0, time.UTC), time.Date(2026, 9, 24, 1, 0, 0, 0, time.UTC),
	time.Date(2026, 9, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 9, 1, 0, 0, 0, time.UTC),
}

// INS-909, DL-15, PRO-1, PRO-2, PRO-5: whatever happens around T2, the outcomes
// are those that the checker derives from what happened.
func TestWhateverHappensAroundTheDeadlineTheOutcomesAreThoseOfTheRules(t *testing.T) {
	seeds(t, choose(len(mornings), 120), func(t *testing.T, seed uint64) {
		c := newCity(t, seed)
		c.live()
		c.end()
	})
}

// city is one office with everything that can go wrong around it.
type city struct {
	*testWorld
	dice
	seed   uint64
	begin  time.Time
	scene  scene
	todo   agenda
	off    time.Time // nothing runs until then
	closed time.Time // the inbox is closed until then
	other  *testWorld
	parts  map[string]*department // by participant
	seen   int                    // letters that the checker knows
}

// department is one participant as the world sees it.
type department struct {
	part
	dice           // its own, so that a seed plays the same whoever is served first
	v              Visit
	id, system     string
	deemed, over   bool
	letter, opener string // proofs
	notice         notify.Message
}

func newCity(t *testing.T, seed uint64) *city {
	begin := mornings[seed%uint64(len(mornings))]
	c := &city{
		testWorld: newWorldAt(t, dbtest.SQLite(t), begin), dice: newDice(seed, 0), seed: seed, begin: begin,
		scene: scene{marks: map[string][]time.Time{}}, parts: map[string]*department{},
	}
	c.must(c.DB.Read(t.Context(), func(q bun.IDB) (err error) {
		c.scene.cal, err = office.Calendar(t.Context(), q)
		return err
	}))
	c.other = c.twin()
	for range 3 {
		c.todo.add(c.after(begin, 9*time.Hour), c.book)
	}
	return c
}

func (c *city) now() time.Time { return c.trust.Now() }

// book sends out three notices, sometimes while no mail gets out. The visit is
// late, so that a deadline may move.
func (c *city) book() {
	ctx, draft := c.t.Context(), c.newDraft()
	free, err := c.Slots(ctx, c.clerk, SlotRequest{VisitID: draft.ID})
	c.must(err)
	last := free.Offers[len(free.Offers)-1]
	v, err := c.Book(ctx, c.clerk, BookRequest{VisitID: draft.ID, Choice: choiceOf(last.Start, last.People)})
	c.must(err)
	for _, system := range []string{"amr", "fire", "urban"} {
		id := c.part(v.ID, system).ID
		c.parts[id] = &department{
			part: part{start: v.Start, proofs: map[string]time.Time{}}, dice: newDice(c.seed, uint64(len(c.parts)+1)),
			v: v, id: id, system: system, opener: "opened " + id,
		}
	}
	if c.likely(3) {
		c.sent.down = true
		c.todo.add(c.after(c.now(), 3*time.Hour), func() { c.sent.down = false })
	}
	c.todo.add(v.Start, func() {
		_, err := c.Start(c.t.Context(), c.clerk, v.ID)
		c.must(err)
		for _, d := range c.parts {
			d.over = d.over || d.v.ID == v.ID
		}
	})
}

// live goes from event to event and sweeps in between, until the last visit
// has begun.
func (c *city) live() {
	for len(c.todo) > 0 {
		next := c.now().Add(c.pace())
		if e, ok := c.todo.take(next); ok {
			c.reach(e.at)
			e.do()
			c.sweepSomehow()
			continue
		}
		c.reach(next)
		c.sweepSomehow()
	}
}

// reach lets time pass; what is down meanwhile does nothing.
func (c *city) reach(at time.Time) {
	at = later(at, c.off)
	for now := c.now(); now.Before(at); now = c.now() {
		c.clock.forward(at.Sub(now))
	}
}

// pace is how long to the next sweep: seconds around a due instant, minutes in
// office hours, else hours.
func (c *city) pace() time.Duration {
	now := c.now()
	step := 3 * time.Hour
	if c.scene.worked(now, now.Add(step)) > 0 {
		step = 5*time.Minute + time.Duration(c.Int64N(int64(20*time.Minute)))
	}
	quiet := len(c.parts) == 9
	for _, d := range c.parts {
		if d.deemed || d.over || d.answered() && !d.t2.IsZero() {
			continue
		}
		quiet = false
		from, to := d.t2.Add(grace-7*time.Second), d.t2.Add(grace+75*time.Second)
		switch {
		case now.Before(from):
			step = min(step, from.Sub(now))
		case now.Before(to):
			step = 6 * time.Second
		}
	}
	if quiet {
		step = 3 * time.Hour
	}
	return step.Truncate(time.Millisecond)
}

// sweepSomehow looks at all due rows: with one instance, with two at once, or
// with one that stops half-way and begins anew.
func (c *city) sweepSomehow() {
	c.t.Helper()
	c.other.portalDown = c.portalDown
	switch ctx := c.t.Context(); {
	case c.off.After(c.begin) && !c.now().Before(c.off):
		c.off = time.Time{}
		c.must(c.restart(ctx))
	case c.IntN(25) == 0:
		c.run(ctx, c.testWorld, c.IntN(len(c.sweeps())))
		c.must(c.restart(ctx))
	case c.likely(2):
		var all sync.WaitGroup
		all.Go(func() { c.run(ctx, c.other, len(c.sweeps())) })
		c.run(ctx, c.testWorld, len(c.sweeps()))
		all.Wait()
	default:
		c.run(ctx, c.testWorld, len(c.sweeps()))
	}
	c.look()
	c.letters()
	c.compare()
}

// run does the first n sweeps of an instance.
func (c *city) run(ctx context.Context, w *testWorld, n int) {
	for _, s := range w.sweeps()[:n] {
		if err := s.Run(ctx); err != nil {
			c.t.Errorf("%s: %v", s.Name, err)
		}
	}
}

// look notes which inboxes have just been alive.
func (c *city) look() {
	for channel, dead := range map[string]bool{notify.Portal: c.portalDown, notify.Mail: c.sent.deaf} {
		if !dead {
			c.scene.look(channel, c.now())
		}
	}
}

// letters tells the checker which notices a department's mail server took, and
// lets the department live from then on.
func (c *city) letters() {
	for _, m := range c.sent.msgs[c.seen:] {
		d := c.parts[m.Subject]
		if m.Purpose != notify.PurposeNotice || d == nil {
			continue
		}
		d.notice, d.letter = m, m.ID
		first := d.t1.IsZero()
		d.serve(&c.scene, d.letter, c.now())
		if first {
			c.behave(d)
		}
	}
	c.seen = len(c.sent.msgs)
}

// compare asks the checker about every participant.
func (c *city) compare() {
	c.t.Helper()
	rows, now := c.outcomes(), c.tracks()
	for _, d := range c.parts {
		if d.over {
			continue
		}
		row, written := rows[d.id]
		if !d.deemed {
			c.judgeOne(d, row, written)
		}
		effective := written && row.SuspendedAt.IsZero() && now[d.id].Consent == ConsentDeemed
		if effective && (d.answered() || len(d.proofs) == 0) { // INS-909
			c.t.Errorf("%s: an outcome stands beside an answer in time, or without a proof", d.system)
		}
		if d.opined && !d.deemed && now[d.id].Opinion != OpinionGiven { // INS-813
			c.t.Errorf("%s gave its opinion in writing, and it is %s", d.system, now[d.id].Opinion)
		}
		if d.answered() && now[d.id].Consent == ConsentAwaiting {
			c.t.Errorf("%s: an answer counts and was not taken", d.system)
		}
	}
	if c.t.Failed() {
		c.t.FailNow()
	}
}

// judgeOne compares the outcome of one who has had none so far.
func (c *city) judgeOne(d *department, row Deemed, written bool) {
	c.t.Helper()
	now := c.now()
	bar, owed := d.judge(&c.scene, now)
	switch {
	case written && bar != "":
		c.t.Errorf("%s deemed at %v: %s (T1 %v, T2 %v)", d.system, now, bar, d.t1, d.t2)
	case written && (!row.DecidedAt.Equal(now) || !row.DueAt.Equal(d.t2)):
		c.t.Errorf("%s: decided %v, T2 %v; want %v and %v", d.system, row.DecidedAt, row.DueAt, now, d.t2)
	case !written && owed:
		c.t.Errorf("%s silent until %v, nothing stands against it since %v, and no outcome at %v; holds %v",
			d.system, d.t2, d.owed, now, c.part(d.v.ID, d.system).OpenHolds())
	}
	d.deemed = written
}

func (c *city) tracks() map[string]Participant {
	c.t.Helper()
	var rows []Participant
	c.must(c.DB.Read(c.t.Context(), func(q bun.IDB) error {
		return q.NewSelect().Model(&rows).Column("id", "consent", "opinion").Scan(c.t.Context())
	}))
	out := map[string]Participant{}
	for _, p := range rows {
		out[p.ID] = p
	}
	return out
}

// end checks what is left: one leaf for each outcome, a bundle that verifies,
// a log that verifies, and no letter sent twice.
func (c *city) end() {
	c.t.Helper()
	for _, d := range c.parts {
		if !d.deemed {
			continue
		}
		if n := c.deemedLeaves(Participant{CaseID: d.v.CaseID, DepartmentID: c.department(d.system)}); n != 1 {
			c.t.Errorf("%s: %d leaves say deemed", d.system, n)
		}
		c.verifyBundle(d.v, d.system)
	}
	c.must(c.log.Verify(c.t.Context()))
	sent := map[string]bool{}
	for _, m := range c.sent.msgs {
		if sent[m.ID] {
			c.t.Errorf("%s went out twice", m.Key)
		}
		sent[m.ID] = true
	}
}
