package inspection

import (
	"slices"
	"time"

	"lianban/scheduler/workday"
)

// The checker of the simulations (TST-4). It says what must become of a
// department's silence from what happened alone: letters that a mail server
// took, answers, mails, bounces, looks at the inboxes, jumps of the clock. It
// shares nothing with the code under test but the list of working days, and
// counts these by hand.

const (
	closing  = 17*time.Hour + 30*time.Minute // end of office hours
	grace    = 5 * time.Minute
	mostGap  = 30 * time.Minute // of working time
	leastJmp = 5 * time.Second
	stable   = time.Hour
)

// almanac counts days one by one.
type almanac struct{ cal *workday.Calendar }

// midnight of the Shanghai day of t; Shanghai has been UTC+8 all through.
func midnight(t time.Time) time.Time {
	return t.UTC().Add(8 * time.Hour).Truncate(24 * time.Hour).Add(-8 * time.Hour)
}

func (a almanac) open(day time.Time) bool {
	ok, err := a.cal.IsWorkday(workday.DateOf(day))
	if err != nil {
		panic(err)
	}
	return ok
}

// next is the first working day after a day.
func (a almanac) next(day time.Time) time.Time {
	for day = day.Add(24 * time.Hour); !a.open(day); day = day.Add(24 * time.Hour) {
	}
	return day
}

// reply is T2 for a service at t: the served day, then one working day, then
// the end of its office hours (INS-413).
func (a almanac) reply(t time.Time) time.Time {
	served := midnight(t)
	if !a.open(served) || !t.Before(served.Add(closing)) {
		served = a.next(served)
	}
	return a.next(served).Add(closing)
}

// dayAfter is the end of the working day after t.
func (a almanac) dayAfter(t time.Time) time.Time { return a.next(midnight(t)).Add(closing) }

// worked is the office time between two instants, in whole minutes (INS-407).
func (a almanac) worked(from, to time.Time) (sum time.Duration) {
	for day := midnight(from); day.Before(to); day = day.Add(24 * time.Hour) {
		if !a.open(day) {
			continue
		}
		for _, block := range [][2]time.Duration{{9 * time.Hour, 12 * time.Hour}, {13*time.Hour + 30*time.Minute, closing}} {
			sum += max(0, earlier(to, day.Add(block[1])).Sub(later(from, day.Add(block[0]))))
		}
	}
	return sum.Truncate(time.Minute)
}

// scene is what happened to the whole house.
type scene struct {
	almanac
	marks map[string][]time.Time // successful looks at each inbound channel
	jumps []jump                 // of the clock, not yet explained
}

type jump struct {
	at   time.Time
	size time.Duration
}

// look notes that a channel was alive.
func (s *scene) look(channel string, at time.Time) { s.marks[channel] = append(s.marks[channel], at) }

// alive: a look at every channel began after the deadline (P5).
func (s *scene) alive(t2 time.Time) bool {
	for _, marks := range s.marks {
		if !slices.ContainsFunc(marks, t2.Before) {
			return false
		}
	}
	return true
}

// recovered is when the last inbox came back that had been silent for too long
// between two instants, zero if none was (INS-905).
func (s *scene) recovered(from, to time.Time) (last time.Time) {
	for _, marks := range s.marks {
		marks = slices.Clone(marks)
		slices.SortFunc(marks, time.Time.Compare)
		for i := 1; i < len(marks); i++ {
			a, b := later(marks[i-1], from), earlier(marks[i], to)
			if a.Before(b) && s.worked(a, b) > mostGap {
				last = later(last, marks[i])
			}
		}
	}
	return last
}

// clock reports whether the clock's jumps surely stand against an outcome, and
// whether they may (P7). The margin is for when a jump was noticed; each of two
// instances may have noticed it, and each process that begins while the clock
// is behind notices that anew.
func (s *scene) clock(since, now time.Time) (surely, maybe bool) {
	const margin = 15 * time.Minute
	var all time.Duration
	for _, j := range s.jumps {
		size := j.size.Abs()
		if size <= leastJmp {
			continue
		}
		surely = surely || size > grace || now.Sub(j.at) < stable-margin
		maybe = maybe || j.size < 0 || now.Sub(j.at) < stable+margin
		if j.at.After(since.Add(-margin)) {
			all += 2 * size
		}
	}
	return surely, maybe || surely || all > grace
}

// part is what happened to one department's part of one visit.
type part struct {
	start   time.Time
	t1, t2  time.Time // zero while no notice is served
	proofs  map[string]time.Time
	answers []answer
	waiting int       // mails nobody has sorted
	objects bool      // to the case itself, and nobody has settled it (INS-814)
	opined  bool      // it gave its opinion in writing (INS-813)
	doubted bool      // something stood against an outcome when it was due
	owed    time.Time // since when an outcome is due and nothing stands against it
}

// answer is one word of the department; taken says that the desk took it.
type answer struct {
	received time.Time
	taken    bool
}

// serve: proof of arrival came; the first one starts the clock (INS-101).
func (p *part) serve(s *scene, proof string, at time.Time) {
	p.proofs[proof] = at
	if p.t1.IsZero() && !p.answered() {
		p.t1, p.t2 = at, s.reply(at)
	}
}

// fall: a proof turned out to be none (INS-708). Without any the clock is void;
// else it counts from the first that stands.
func (p *part) fall(s *scene, proof string) {
	delete(p.proofs, proof)
	p.t1 = time.Time{}
	for _, at := range p.proofs {
		if p.t1.IsZero() || at.Before(p.t1) {
			p.t1 = at
		}
	}
	if p.t1.IsZero() {
		p.t2 = time.Time{}
		return
	}
	p.t2 = later(p.t2, s.reply(p.t1))
}

// dismiss: a person found that a mail is no answer; the department gets until
// the end of the next working day (C8).
func (p *part) dismiss(s *scene, at time.Time) {
	if p.running() {
		p.t2 = later(p.t2, s.dayAfter(at))
	}
}

// answered: by T2 an answer counts, and while there is no T2 (DL-12, INS-805).
func (p *part) answered() bool {
	return slices.ContainsFunc(p.answers, func(a answer) bool {
		return a.taken || p.t2.IsZero() || !a.received.After(p.t2)
	})
}

func (p *part) running() bool { return !p.t1.IsZero() && !p.answered() }

// judge is asked after every sweep. bar: why no outcome may have been written
// now. owed: one must have been, at the latest a minute after that began.
func (p *part) judge(s *scene, now time.Time) (bar string, owed bool) {
	if p.running() && s.alive(p.t2) { // a long silence of an inbox is made up for
		if back := s.recovered(p.t1, p.t2); !back.IsZero() && !now.Before(p.t2.Add(grace)) {
			p.t2 = later(p.t2, s.dayAfter(back))
		}
	}
	wrong, perhaps := s.clock(p.t1, now)
	switch {
	case !p.running():
		bar = "answered, or not served"
	case now.Before(p.t2.Add(grace)):
		bar = "too early"
	case !p.t2.Before(p.start):
		bar = "T2 no earlier than the visit"
	case !s.alive(p.t2):
		bar = "an inbox was not read after T2"
	case p.waiting > 0:
		bar = "a mail waits"
	case p.objects:
		bar = "it objects to the case"
	case p.opined:
		bar = "it gave its opinion in writing"
	case wrong:
		bar = "the clock jumped"
	}
	due := p.running() && !now.Before(p.t2.Add(grace))
	p.doubted = p.doubted || due && (bar != "" || perhaps)
	if bar != "" || perhaps {
		p.owed = time.Time{}
		return bar, false
	}
	if p.owed.IsZero() {
		p.owed = now
	}
	return "", now.Sub(p.owed) >= time.Minute
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
