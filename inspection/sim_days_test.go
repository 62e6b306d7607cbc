package inspection

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/notify"
)

// autumn is Tuesday 2026-09-01, 08:00 in Shanghai. The 42 days from then hold
// the make-up Sunday 09-20, the Mid-Autumn days 09-25 to 27, the National Day
// holidays 10-01 to 07 and the make-up Saturday 10-10.
var autumn = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

// PRO-1, PRO-2, DL-20: the zone of the machine must not matter. "" is the one
// that TZ names; one that is not the office's own is enough for the plain suite.
func TestFortyTwoDaysOfSilencesAreEachDeemedOnceWhenDueInAnyZone(t *testing.T) {
	for i, zone := range []string{"", "America/New_York", "Asia/Shanghai"}[:choose(2, 3)] {
		t.Run("zone "+zone, func(t *testing.T) {
			inZone(t, zone)
			d := newDays(t, rand.New(rand.NewPCG(uint64(i), 42)))
			for range visitsInDays() {
				d.plan()
			}
			d.live(autumn.AddDate(0, 0, 42))
			d.check()
		})
	}
}

// visitsInDays is how many visits of three departments each are booked.
func visitsInDays() int { return choose(24, 168) }

// inZone sets the zone of the machine for one test.
func inZone(t *testing.T, name string) {
	t.Helper()
	if name == "" {
		return
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	was := time.Local
	time.Local = zone
	t.Cleanup(func() { time.Local = was })
}

// days plays an office over weeks: visits are booked at any time of the week,
// and half of the departments answer.
type days struct {
	*testWorld
	r      *rand.Rand
	scene  almanac
	todo   agenda
	looks  []time.Time       // instants around which the sweeps run every 5 s
	wanted map[string]silent // by participant
}

// silent is what the rules say of one participant, from the instant at which
// its mail server took the notice.
type silent struct {
	t2     time.Time
	counts bool // nobody answers, and T2 lies before the visit (INS-606)
}

func newDays(t *testing.T, r *rand.Rand) *days {
	d := &days{testWorld: newWorldAt(t, dbtest.SQLite(t), autumn), r: r, wanted: map[string]silent{}}
	d.hire(6)
	d.must(d.DB.Read(t.Context(), func(q bun.IDB) (err error) {
		d.scene.cal, err = office.Calendar(t.Context(), q)
		return err
	}))
	return d
}

// plan books a visit at a random instant, mostly in office hours, sometimes in
// the night, at a week-end or in the holidays.
func (d *days) plan() {
	at := autumn.Add(time.Duration(d.r.Int64N(int64(38 * 24 * time.Hour)))).Truncate(time.Millisecond)
	for d.r.IntN(4) > 0 && d.scene.worked(at, at.Add(time.Minute)) == 0 {
		at = at.Add(time.Duration(d.r.Int64N(int64(9 * time.Hour)))).Truncate(time.Millisecond)
	}
	d.todo.add(at, d.book)
}

func (d *days) book() {
	v := d.newVisit()
	d.todo.add(v.Start, func() {
		_, err := d.Start(d.t.Context(), d.clerk, v.ID)
		d.must(err)
	})
	sent := d.clock.Now()
	d.tick()
	for _, m := range d.sent.of(notify.PurposeNotice, notify.Mail) {
		if _, known := d.wanted[m.Subject]; known {
			continue
		}
		s := silent{t2: d.scene.reply(sent)}
		if s.counts = d.r.IntN(2) == 0; !s.counts {
			d.answerOnce(v, m.Subject, sent, s.t2)
		}
		s.counts = s.counts && s.t2.Before(v.Start)
		d.wanted[m.Subject] = s
		d.looks = append(d.looks, s.t2.Add(grace))
	}
}

// answerOnce lets a department answer at some instant up to T2, often at the
// last one (DL-12).
func (d *days) answerOnce(v Visit, participant string, from, t2 time.Time) {
	var system string
	for _, s := range branches {
		if d.part(v.ID, s).ID == participant {
			system = s
			break
		}
	}
	at := earlier(t2, v.Start.Add(-time.Minute))
	switch d.r.IntN(4) {
	case 0:
		at = at.Add(-time.Millisecond)
	case 1, 2:
		at = from.Add(time.Duration(d.r.Int64N(int64(at.Sub(from))))).Truncate(time.Millisecond)
	}
	d.todo.add(at, func() {
		kind := []ReplyKind{ReplyAccept, ReplyDecline, ReplyExcuse}[d.r.IntN(3)]
		_, err := d.Reply(d.t.Context(), d.inspector(system), ReplyRequest{
			ParticipantID: participant, Round: 1, Kind: kind, Reason: "有会", Channel: "portal",
		})
		d.must(err)
	})
}

// live goes through the time: each 5 s around the instants that matter, else
// each 25 minutes of the day and each four hours of the night. Of these, every
// third is a look at all due rows; at the others the ways in are alive.
func (d *days) live(until time.Time) {
	coarse := 0
	for next := autumn; next.Before(until); {
		for e, ok := d.todo.take(next); ok; e, ok = d.todo.take(next) {
			d.clock.forward(max(0, e.at.Sub(d.clock.Now())))
			e.do()
		}
		d.clock.forward(next.Sub(d.clock.Now()))
		step := d.pace(next)
		if step > fine {
			coarse++
		}
		if step > fine && coarse%3 > 0 {
			d.beat(notify.Portal, notify.Mail)
		} else {
			d.tick()
		}
		next = next.Add(step)
	}
}

// fine is how often the sweeps run around a deadline.
const fine = 5 * time.Second

// pace is how long to the next sweep.
func (d *days) pace(now time.Time) time.Duration {
	d.looks = slices.DeleteFunc(d.looks, func(at time.Time) bool { return now.Sub(at) > 3*fine })
	step := 4 * time.Hour
	if d.scene.worked(now, now.Add(4*time.Hour)) > 0 {
		step = 25 * time.Minute
	}
	for _, at := range d.looks {
		if near := at.Add(-2 * fine); now.Before(near) {
			step = min(step, near.Sub(now))
		} else {
			step = fine
		}
	}
	return step
}

// check compares what was written with what the rules say.
func (d *days) check() {
	rows := d.outcomes()
	for participant, want := range d.wanted {
		row, deemed := rows[participant]
		switch due := want.t2.Add(grace); {
		case deemed && !want.counts:
			d.t.Errorf("%s answered, or its T2 is no earlier than the visit, and was deemed", participant)
		case !deemed && want.counts:
			d.t.Errorf("%s was silent until %v and nothing came of it", participant, want.t2)
		case deemed && !row.DueAt.Equal(want.t2):
			d.t.Errorf("%s: T2 %v, want %v", participant, row.DueAt, want.t2)
		case deemed && (row.DecidedAt.Before(due) || row.DecidedAt.Sub(due) > fine):
			d.t.Errorf("%s decided %v after it was due", participant, row.DecidedAt.Sub(due))
		}
	}
	if len(rows) == 0 || len(d.wanted) != 3*visitsInDays() {
		d.t.Errorf("%d participants, %d outcomes", len(d.wanted), len(rows))
	}
	d.must(d.log.Verify(d.t.Context()))
}
