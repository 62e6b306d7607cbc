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

// worked is the office time between two instants, by the minute.
func (a almanac) worked(from, to time.Time) (sum time.Duration) {
	for t := from.Truncate(time.Minute); t.Before(to); t = t.Add(time.Minute) {
		day := midnight(t)
		clock := t.Sub(day)
		morning := clock >= 9*time.Hour && clock < 12*time.Hour
		afternoon := clock >= 13*time.Hour+30*time.Minute && clock < closing
		if (morning || afternoon) && a.open(day) {
			sum += time.Minute
		}
	}
	return sum
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
// whether they may (P7). The margin is for when a jump was noticed.
func (s *scene) clock(since, now time.Time) (surely, maybe bool) {
	const margin = 15 * time.Minute
	var all time.Duration
	for _, j := range s.jumps {
		size := j.size.Abs()
		if size <= leastJmp {
			continue
		}
		surely = surely || size > grace || now.Sub(j.at) < stable-margin
		maybe = maybe || now.Sub(j.at) < stable+margin
		if j.at.After(since.Add(-margin)) {
			all += size
		}
	}
	return surely, maybe || surely || all > grace
}

// part is what happened to one department's part of one visit.
type part struct {
	start   time.Time
	t1, t2  time.Time // zero while no notice is served
	proofs  map[string]bool
	answers []time.Time // received; those that were taken
	waiting int         // mails nobody has sorted
	doubted bool        // something stood against an outcome when one was due
	settled time.Time   // gaps up to here have moved T2
	owed    time.Time   // since when an outcome is due and nothing stands against it
}

// serve: proof of arrival came (INS-101). The first one starts the clock.
func (p *part) serve(s *scene, proof string, at time.Time) {
	p.proofs[proof] = true
	if p.t1.IsZero() && len(p.answers) == 0 {
		p.t1, p.t2, p.settled = at, s.reply(at), at
	}
}

// fall: a proof turned out to be none (INS-708). Without any the clock is void.
func (p *part) fall(proof string) {
	delete(p.proofs, proof)
	if len(p.proofs) == 0 && len(p.answers) == 0 {
		p.t1, p.t2 = time.Time{}, time.Time{}
	}
}

// dismiss: a person found that a mail is no answer; the department gets until
// the end of the next working day (C8).
func (p *part) dismiss(s *scene, at time.Time) {
	if p.running() {
		p.t2 = later(p.t2, s.dayAfter(at))
	}
}

func (p *part) running() bool { return !p.t1.IsZero() && len(p.answers) == 0 }

// inTime: by T2 an answer counts, and while there is no T2 (DL-12, INS-805).
func (p *part) inTime(received time.Time) bool { return p.t2.IsZero() || !received.After(p.t2) }

// due moves T2 for a long silence of an inbox, and reports whether the time of
// an outcome has come.
func (p *part) due(s *scene, now time.Time) bool {
	if !p.running() || now.Before(p.t2.Add(grace)) {
		return false
	}
	if back := s.recovered(p.settled, p.t2); !back.IsZero() && s.alive(p.t2) {
		p.t2, p.settled = later(p.t2, s.dayAfter(back)), now
	}
	return !now.Before(p.t2.Add(grace))
}

// judge is asked after every sweep. barred: no outcome may have been written
// now. owed: one must have been, at the latest a minute after that began.
func (p *part) judge(s *scene, now time.Time) (barred, owed bool) {
	if !p.due(s, now) {
		p.owed = time.Time{}
		return true, false
	}
	wrong, perhaps := s.clock(p.t1, now)
	barred = wrong || p.waiting > 0 || len(p.proofs) == 0 || !s.alive(p.t2) || !p.t2.Before(p.start) ||
		!s.recovered(p.settled, p.t2).IsZero() && !s.alive(p.t2)
	p.doubted = p.doubted || barred || perhaps
	if barred || perhaps {
		p.owed = time.Time{}
		return barred, false
	}
	if p.owed.IsZero() {
		p.owed = now
	}
	return false, now.Sub(p.owed) >= time.Minute
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
