package delivery

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// RunState says how far a Run is.
type RunState string

// States of a Run. It is made by the first thing that joins it.
const (
	RunPlanned RunState = "planned"
	RunAway    RunState = "away"
	RunClosed  RunState = "closed"
	RunMissed  RunState = "missed" // it did not leave, and all of it goes with the next
	RunIdle    RunState = "idle"   // its hour passed and nothing was left to carry
)

// Run (流转班车) leaves a centre's window at a fixed hour of a working day, takes
// bags to the departments and fetches bags and results from them (DEL-922). It
// closes when what went out, came in and came back has been counted and nothing
// is open (DEL-923). Who gave a thing away answers for it until the other side
// has signed; who carries it does not take it over (DEL-910).
type Run struct {
	bun.BaseModel `bun:"table:runs" json:"-"`

	ID        string    `bun:"id,pk" json:"id,omitempty"` // empty: nothing has joined yet
	Number    string    `json:"number,omitempty"`
	CentreID  string    `json:"centre_id"`
	LeavesAt  time.Time `json:"leaves_at"` // its list closes then, or when it leaves
	State     RunState  `json:"state"`
	CarrierID string    `json:"carrier_id,omitempty"`
	Carrier   string    `json:"carrier,omitempty"`
	LeftAt    time.Time `bun:",nullzero" json:"left_at,omitzero"`
	LeftBy    string    `json:"left_by,omitempty"`
	EndedAt   time.Time `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy   string    `json:"ended_by,omitempty"`
	WentOut   int       `json:"-"` // counted by hand when it closed
	CameIn    int       `json:"-"`
	CameBack  int       `json:"-"`
	Note      string    `json:"note,omitempty"`
	Version   int       `json:"version,omitempty"`
}

// EntryKind says what is carried.
type EntryKind string

// Kinds of entry.
const (
	EntryBag      EntryKind = "bag"
	EntryTransfer EntryKind = "transfer"
)

// RunEntry is a bag or transfer on the list of a Run. What misses the run keeps
// its line there, with the reason and the run it goes with instead.
type RunEntry struct {
	bun.BaseModel `bun:"table:run_entries" json:"-"`

	ID       string     `bun:"id,pk" json:"id"`
	RunID    string     `json:"run_id"`
	Kind     EntryKind  `json:"kind"`
	Subject  string     `json:"subject"` // id of the bag or transfer
	Number   string     `json:"number"`
	Seal     string     `json:"seal,omitempty"`
	Things   int        `json:"things"`
	FromKind KeeperKind `json:"from_kind"`
	FromID   string     `json:"from_id"`
	FromName string     `json:"from_name"`
	ToKind   KeeperKind `json:"to_kind"`
	ToID     string     `json:"to_id"`
	ToName   string     `json:"to_name"`
	JoinedAt time.Time  `json:"joined_at"`
	MovedAt  time.Time  `bun:",nullzero" json:"moved_at,omitzero"`
	MovedBy  string     `json:"moved_by,omitempty"`
	MovedTo  string     `json:"moved_to,omitempty"` // id of the next run
	Why      string     `json:"why,omitempty"`

	Fate Fate `bun:"-" json:"fate"`
}

// Fate is what became of an entry on its run.
type Fate string

// Fates of an entry. Only the first four are counted (DEL-923).
const (
	FateOpen   Fate = "open"   // nobody has signed for it yet
	FateOut    Fate = "out"    // a department signed for it
	FateIn     Fate = "in"     // the window signed for it
	FateBack   Fate = "back"   // refused, or brought back by the carrier
	FateDirect Fate = "direct" // signed for before the run left
	FateMoved  Fate = "moved"  // moved to another run before this one left
)

// fate derives what became of an entry from the bag or transfer itself, so that
// the list never says other than the register.
func (e RunEntry) fate(r Run, s signature) Fate {
	switch {
	case !e.MovedAt.IsZero() && (r.LeftAt.IsZero() || e.MovedAt.Before(r.LeftAt)):
		return FateMoved
	case !e.MovedAt.IsZero():
		return FateBack
	case s.EndedAt.IsZero():
		return FateOpen
	case r.LeftAt.IsZero() || s.EndedAt.Before(r.LeftAt):
		return FateDirect
	case s.Refused:
		return FateBack
	case e.ToKind == AtWindow:
		return FateIn
	}
	return FateOut
}

// signature is how a bag or transfer ended, if it did.
type signature struct {
	EndedAt time.Time
	Refused bool
}

// RunCounts are the sums of a Run's list (DEL-923).
type RunCounts struct {
	Out  int `json:"out"`
	In   int `json:"in"`
	Back int `json:"back"`
	Open int `json:"open"`
}

func countRun(entries []RunEntry) (c RunCounts) {
	for _, e := range entries {
		switch e.Fate {
		case FateOut:
			c.Out++
		case FateIn:
			c.In++
		case FateBack:
			c.Back++
		case FateOpen:
			c.Open++
		case FateDirect, FateMoved:
		}
	}
	return c
}

// joinBefore is how long before a run's hour a thing must be ready to go with it
// (DEL-922).
const joinBefore = 15 * time.Minute

// horizon is how many days ahead a run is looked for: longer than any holiday.
const horizon = 30

// runAfter gives the next hour of a run from an instant on.
func runAfter(cal *workday.Calendar, times office.RunTimes, from time.Time) (time.Time, error) {
	for day := workday.DateOf(from); ; day = day.AddDays(1) {
		open, err := cal.IsWorkday(day)
		if err != nil {
			return time.Time{}, err
		}
		for _, minute := range times.Minutes() {
			if at := day.At(minute).UTC(); open && !at.Before(from) {
				return at, nil
			}
		}
		if workday.DateOf(from).AddDays(horizon).Before(day) {
			return time.Time{}, fault.Refuse(fault.Conflict, "run_none",
				"%d 天内没有流转班车，请在设置中核对班车时刻和工作日历", "there is no circulation run within %d days; check its hours and the calendar in the settings", horizon)
		}
	}
}

// join puts what was just given away on the list of the next run that is still
// to leave and whose hour is 15 minutes off, on the caller's transaction
// (DEL-922). It locks the run after the bag or transfer.
func (d *Desk) join(ctx context.Context, tx bun.IDB, centreID string, e RunEntry, from time.Time) (Run, error) {
	cal, err := office.CalendarOf(ctx, tx, centreID, d.now())
	if err != nil {
		return Run{}, err
	}
	rules, err := office.RulesAt(ctx, tx, d.now(), office.Scope{Centre: centreID})
	if err != nil {
		return Run{}, err
	}
	for {
		at, err := runAfter(cal, rules.CirculationRuns, from)
		if err != nil {
			return Run{}, err
		}
		r, err := d.runAt(ctx, tx, centreID, at)
		if err != nil {
			return Run{}, err
		}
		if r.State == RunPlanned {
			e.ID, e.RunID, e.JoinedAt = newID(), r.ID, d.now()
			e.MovedAt, e.MovedBy, e.MovedTo, e.Why = time.Time{}, "", "", ""
			return r, insertRunEntry(ctx, tx, &e)
		}
		from = at.Add(time.Minute) // it left early
	}
}

// runAt gives the run of an hour, locked; the first that asks makes it.
func (d *Desk) runAt(ctx context.Context, tx bun.IDB, centreID string, at time.Time) (Run, error) {
	centre, err := office.FindCentre(ctx, tx, centreID)
	if err != nil {
		return Run{}, err
	}
	number, err := NewNumber(centreSign(centre.Division), rand.Reader)
	if err != nil {
		return Run{}, err
	}
	return lockRunAt(ctx, tx, Run{ID: newID(), Number: number, CentreID: centreID, LeavesAt: at, State: RunPlanned, Version: 1})
}

func (v BagView) entry() RunEntry {
	return RunEntry{
		Kind: EntryBag, Subject: v.ID, Number: v.Number, Seal: v.Seal, Things: len(v.Items),
		FromKind: v.FromKind, FromID: v.FromID, FromName: v.FromName, ToKind: v.ToKind, ToID: v.ToID, ToName: v.ToName,
	}
}

func (t TransferView) entry() RunEntry {
	return RunEntry{
		Kind: EntryTransfer, Subject: t.ID, Number: t.Number, Things: len(t.Items),
		FromKind: t.FromKind, FromID: t.FromID, FromName: t.FromName, ToKind: t.ToKind, ToID: t.ToID, ToName: t.ToName,
	}
}

// mayCarry: the window of the run's centre and its couriers.
func mayCarry(by auth.Actor, centreID string) error {
	if by.Centre == centreID && (atWindow(by) || by.Is(auth.Courier)) {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "not_run_centre",
		"班车由发车中心的综合窗口和派送员办理；请联系该窗口", "a run is in the hands of its own centre's window and couriers; ask that window")
}

// mayClose: counting is the window's, not a courier's.
func mayClose(by auth.Actor, centreID string) error {
	if by.Centre == centreID && atWindow(by) {
		return nil
	}
	return fault.Refuse(fault.Forbidden, "not_run_window",
		"班车由发车的综合窗口清点销班；派送员请把清单交给窗口", "the run's window counts and closes it; give it the list")
}

// onRun runs one act on a run that the actor may see: lock it, read its list,
// act, record. At an instant before the run's state allows, it says so.
func (d *Desk) onRun(ctx context.Context, by auth.Actor, id string, may func(auth.Actor, string) error, in []RunState, act func(tx bun.IDB, v *RunView) ([]audit.Leaf, error)) (out RunView, err error) {
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		v, err := lockRun(ctx, tx, id)
		if err != nil {
			return err
		}
		if !mayReadRun(by, v) {
			return notFound()
		}
		if err := may(by, v.CentreID); err != nil {
			return err
		}
		if !slices.Contains(in, v.State) {
			return runOver(v.Run)
		}
		leaves, err := act(tx, &v)
		if err != nil {
			return err
		}
		out = v
		return audit.Record(ctx, tx, leaves...)
	})
	return out, err
}

func runOver(r Run) *fault.Error {
	word := map[RunState][2]string{
		RunPlanned: {"还没有发车", "has not left yet"}, RunAway: {"已经发车", "has left"}, RunClosed: {"已经清点销班", "was counted and closed"},
		RunMissed: {"没有发车，清单已转到下一班", "did not leave; its list went to the next run"}, RunIdle: {"没有要送的，未发车", "had nothing to carry"},
	}[r.State]
	return fault.Refuse(fault.Conflict, "run_over",
		"%[1]s 的班车%[2]s，不能这样办理；请刷新后核对", "the run of %[4]s %[3]s; reload and check", dayMoment("zh", r.LeavesAt), word[0], word[1], dayMoment("en", r.LeavesAt)).With("state", r.State)
}

// LeaveRun says who carries a run and that it leaves; its list is closed. What
// was signed for meanwhile is not carried. A courier of the centre takes it
// alone; the window names one of its couriers or its own people. Refusals:
// not_found, not_run_centre, run_over, run_not_today, run_empty, carrier_unknown.
func (d *Desk) LeaveRun(ctx context.Context, by auth.Actor, runID, carrierID string) (RunView, error) {
	d = d.still()
	return d.onRun(ctx, by, runID, mayCarry, []RunState{RunPlanned}, func(tx bun.IDB, v *RunView) ([]audit.Leaf, error) {
		if workday.DateOf(v.LeavesAt) != workday.DateOf(d.now()) {
			return nil, fault.Refuse(fault.Conflict, "run_not_today",
				"这是 %[1]s 的班车，请在当天发车", "this run is for %[2]s; let it leave on that day", dayMoment("zh", v.LeavesAt), dayMoment("en", v.LeavesAt))
		}
		if v.Counts.Open == 0 {
			return nil, fault.Refuse(fault.Conflict, "run_empty",
				"清单上没有要送取的，不用发车", "there is nothing on the list to carry; the run need not leave")
		}
		carrier, err := carrierOf(ctx, tx, by, v.CentreID, carrierID)
		if err != nil {
			return nil, err
		}
		v.CarrierID, v.Carrier, v.LeftAt, v.LeftBy = carrier.ID, carrier.Name, d.now(), by.String()
		if err := moveRun(ctx, tx, &v.Run, "Leave"); err != nil {
			return nil, err
		}
		return []audit.Leaf{d.runLeaf("run_left", v.Run, by, map[string]any{"carrier": carrier.ID, "entries": v.Counts.Open})}, nil
	})
}

// carrierOf is who carries: a courier himself, or whom the window names.
func carrierOf(ctx context.Context, tx bun.IDB, by auth.Actor, centreID, id string) (auth.Person, error) {
	if !atWindow(by) {
		id = by.ID
	}
	p, err := auth.FindPerson(ctx, tx, id)
	if err == nil && p.Centre == centreID && p.DisabledAt.IsZero() && slices.ContainsFunc(p.Roles, carries) {
		return p, nil
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return p, err
	}
	return p, fault.Refuse(fault.Invalid, "carrier_unknown",
		"请选择本中心的派送员或窗口人员跑这一班", "choose who carries the run: a courier or one of the window's people of this centre")
}

func carries(r auth.Role) bool { return r == auth.Courier || r == auth.Clerk || r == auth.Supervisor }

// PostponeEntry takes a thing off a run's list and puts it on the next one's,
// with the reason: it was not ready, or nobody was there to sign (DEL-922).
// Refusals: not_found, not_run_centre, run_over, entry_settled, reason_missing,
// text_invalid.
func (d *Desk) PostponeEntry(ctx context.Context, by auth.Actor, runID, entryID, why string) (RunView, error) {
	d = d.still()
	return d.onRun(ctx, by, runID, mayCarry, []RunState{RunPlanned, RunAway}, func(tx bun.IDB, v *RunView) ([]audit.Leaf, error) {
		if err := checkReason("reason", why); err != nil {
			return nil, err
		}
		n := slices.IndexFunc(v.Entries, func(e RunEntry) bool { return e.ID == entryID })
		if n < 0 {
			return nil, notFound()
		}
		if v.Entries[n].Fate != FateOpen {
			return nil, entrySettled()
		}
		leaf, err := d.moveOn(ctx, tx, by, v, n, strings.TrimSpace(why))
		return []audit.Leaf{leaf}, err
	})
}

func entrySettled() *fault.Error {
	return fault.Refuse(fault.Conflict, "entry_settled",
		"这一件已经签收、拒收或转到下一班，请刷新后核对", "it was signed for, refused or moved to the next run already; reload and check")
}

// moveOn moves one open entry to the next run.
func (d *Desk) moveOn(ctx context.Context, tx bun.IDB, by auth.Actor, v *RunView, n int, why string) (audit.Leaf, error) {
	e := &v.Entries[n]
	fresh := *e
	e.MovedAt, e.MovedBy, e.Why = d.now(), by.String(), why
	if err := moveEntry(ctx, tx, e); err != nil {
		return audit.Leaf{}, err
	}
	from := d.now().Add(joinBefore)
	if !v.LeavesAt.Before(from) {
		from = v.LeavesAt.Add(time.Minute)
	}
	next, err := d.join(ctx, tx, v.CentreID, fresh, from)
	if err != nil {
		return audit.Leaf{}, err
	}
	e.MovedTo, e.Fate = next.ID, e.fate(v.Run, signature{})
	v.Counts = countRun(v.Entries)
	return d.runLeaf("run_entry_moved", v.Run, by, map[string]any{
		"subject": e.Subject, "number": e.Number, "to": next.ID, "leaves_at": audit.Instant(next.LeavesAt), "why": why,
	}), setMovedTo(ctx, tx, e)
}

// MissRun says that a run does not leave; all that is open on it goes with the
// next, with the reason as its note (DEL-922). The window's. Refusals: not_found,
// not_run_window, run_over, reason_missing, text_invalid.
func (d *Desk) MissRun(ctx context.Context, by auth.Actor, runID, why string) (RunView, error) {
	d = d.still()
	return d.onRun(ctx, by, runID, mayClose, []RunState{RunPlanned}, func(tx bun.IDB, v *RunView) ([]audit.Leaf, error) {
		if err := checkReason("reason", why); err != nil {
			return nil, err
		}
		return d.miss(ctx, tx, by, v, strings.TrimSpace(why))
	})
}

func (d *Desk) miss(ctx context.Context, tx bun.IDB, by auth.Actor, v *RunView, why string) ([]audit.Leaf, error) {
	act := "Miss"
	if v.Counts.Open == 0 {
		act, why = "Pass", ""
	}
	v.Note, v.EndedAt, v.EndedBy = why, d.now(), by.String()
	if err := moveRun(ctx, tx, &v.Run, act); err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{d.runLeaf("run_"+string(v.State), v.Run, by, map[string]any{"why": why})}
	for n := range v.Entries {
		if v.Entries[n].Fate != FateOpen {
			continue
		}
		leaf, err := d.moveOn(ctx, tx, by, v, n, why)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
	}
	return leaves, nil
}

func (d *Desk) runLeaf(what string, r Run, by auth.Actor, more map[string]any) audit.Leaf {
	fields := map[string]any{"run": r.ID, "number": r.Number, "leaves_at": audit.Instant(r.LeavesAt)}
	for name, value := range more {
		fields[name] = value
	}
	return audit.Leaf{Type: what, Stream: "run/" + r.ID, Actor: by.String(), At: d.now(), Fields: fields}
}
