package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// Terms of the duties, in minutes of the hall, working days and days.
const (
	oversightAfter  = 4 * 60 // after due (house rule; DEL-740 names no hour)
	unscannedAfter  = 4 * 60 // DEL-425
	unverifiedAfter = 8 * 60 // DEL-624
	returnDays      = 1      // DEL-804
	searchDays      = 1      // DEL-807
	shelfDays       = 30     // DEL-809
	maxAttempts     = 2      // DEL-802
)

// attemptGap lies between two attempts, unless the applicant agreed to less
// (DEL-802, DEL §7.3).
const attemptGap = 2 * time.Hour

// watchBatch is how many alerts one transaction raises.
const watchBatch = 500

// watchMost is how many such batches of a level one look writes; the rest waits a
// minute. A whole city turning at once is a broken clock or a flood.
const watchMost = 2

// Watch looks at every open parcel and every set that art. 44 counts for, and
// raises what ran late: amber to the window, red to its supervisor, then to
// oversight (DEL-740), the duties of DEL §8, and hand-overs that nobody signs for
// (DEL-912). What was tried twice or refused it sends back (DEL-804). It may run late, twice, or in two processes at once.
func (d *Desk) Watch(ctx context.Context) error {
	d = d.still()
	return errors.Join(d.watchPromises(ctx), d.watchTroubles(ctx), d.watchDamages(ctx), d.watchMissing(ctx), d.watchCallBacks(ctx), d.watchSets(ctx), d.watchSignatures(ctx))
}

// watchPromises raises the three levels of the promise.
func (d *Desk) watchPromises(ctx context.Context) error {
	var errs []error
	for _, kind := range []AlertKind{AlertAmber, AlertRed, AlertOversight} {
		for range watchMost {
			var late []string
			err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
				late, err = lateParcels(ctx, q, kind, d.now())
				return err
			})
			if err == nil && len(late) > 0 {
				err = d.raiseOf(ctx, late, func(Parcel) []AlertKind { return []AlertKind{kind} })
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("watch for %s: %w", kind, err))
			}
			if err != nil || len(late) < watchBatch {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// raiseOf raises what is due for parcels, as far as its cause is still there once
// nobody can move them.
func (d *Desk) raiseOf(ctx context.Context, ids []string, due func(Parcel) []AlertKind) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		parcels, err := lockParcels(ctx, tx, "id", ids)
		if err != nil {
			return err
		}
		items, err := itemsIn(ctx, tx, ids)
		if err != nil {
			return err
		}
		halls := hallOf{}
		var alerts []Alert
		for _, p := range parcels {
			for _, kind := range due(p) {
				more, err := d.alertsFor(ctx, tx, halls, kind, p, items[p.ID])
				if err != nil {
					return err
				}
				alerts = append(alerts, more...)
			}
		}
		leaves, err := d.raise(ctx, tx, alerts)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

// alertsFor is one alert about a parcel, or one for each department whose result
// is in it.
func (d *Desk) alertsFor(ctx context.Context, q bun.IDB, halls hallOf, kind AlertKind, p Parcel, items []Item) (out []Alert, err error) {
	a := d.alertOf(kind, p)
	switch {
	case !a.lasts(p, d.now()):
		return nil, nil
	case a.Level == ForDepartment:
		for _, i := range items {
			out = append(out, d.alertOfItem(kind, i, p.CaseNumber, p.CentreID))
		}
		return out, nil
	case kind == AlertRed: // oversight hears of it later
		h, err := halls.of(ctx, q, p.CentreID, d.now())
		if err != nil {
			return nil, err
		}
		if a.NextAt, err = h.cal.AddMinutes(p.DueAt, oversightAfter, h.centre.Hours); err != nil {
			return nil, err
		}
	}
	return []Alert{a}, nil
}

// hallOf reads hours and calendar of each centre once.
type hallOf map[string]hall

type hall struct {
	centre office.Centre
	cal    *workday.Calendar
}

func (h hallOf) of(ctx context.Context, q bun.IDB, centreID string, at time.Time) (one hall, err error) {
	one, known := h[centreID]
	if known {
		return one, nil
	}
	if one.centre, err = office.FindCentre(ctx, q, centreID); err != nil {
		return one, err
	}
	one.cal, err = office.CalendarOf(ctx, q, centreID, at)
	h[centreID] = one
	return one, err
}

// troubles are what one look reads of parcels that did not simply arrive.
type troubles struct {
	rows []Parcel
	open map[string][]AlertKind // by parcel
	said map[string]time.Time   // when its carrier reported its return
	back []string               // ids to send back
	due  map[string][]AlertKind
}

// watchTroubles looks at what did not simply arrive.
func (d *Desk) watchTroubles(ctx context.Context) error {
	var t troubles
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		t, err = d.readTroubles(ctx, q)
		return err
	})
	errs := []error{err}
	for _, id := range t.back {
		if err := d.sendBack(ctx, id); err != nil {
			errs = append(errs, fmt.Errorf("send parcel %s back: %w", id, err))
		}
	}
	for id, kinds := range t.due {
		if err := d.raiseOf(ctx, []string{id}, func(Parcel) []AlertKind { return kinds }); err != nil {
			errs = append(errs, fmt.Errorf("watch parcel %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

func (d *Desk) readTroubles(ctx context.Context, q bun.IDB) (t troubles, err error) {
	t.due = map[string][]AlertKind{}
	if t.rows, err = troubled(ctx, q); err != nil || len(t.rows) == 0 {
		return t, err
	}
	ids := make([]string, len(t.rows))
	for i, p := range t.rows {
		ids[i] = p.ID
	}
	open, err := openAlertsOf(ctx, q, ids)
	if err != nil {
		return t, err
	}
	t.open = map[string][]AlertKind{}
	for _, a := range open {
		t.open[a.ParcelID] = append(t.open[a.ParcelID], a.Kind)
	}
	if t.said, err = saidReturned(ctx, q, t.rows); err != nil {
		return t, err
	}
	halls := hallOf{}
	var errs []error
	for _, p := range t.rows {
		errs = append(errs, d.readTrouble(ctx, q, &t, halls, p))
	}
	return t, errors.Join(errs...)
}

// readTrouble notes what is due for one of them.
func (d *Desk) readTrouble(ctx context.Context, q bun.IDB, t *troubles, halls hallOf, p Parcel) error {
	h, err := halls.of(ctx, q, p.CentreID, d.now())
	if err != nil {
		return err
	}
	if p.State == ParcelAttemptFailed {
		back, err := d.goesBack(ctx, q, p, h.centre.Hours)
		if back {
			t.back = append(t.back, p.ID)
		}
		return err
	}
	due, err := troubleDue(p, t.said[p.ID], h.centre.Hours, h.cal, d.now())
	due = slices.DeleteFunc(due, func(k AlertKind) bool { return slices.Contains(t.open[p.ID], k) })
	if len(due) > 0 {
		t.due[p.ID] = due
	}
	return err
}

// troubleDue are the alerts whose time has come for a parcel that did not simply
// arrive. said is when its carrier reported its return, zero if it did not.
func troubleDue(p Parcel, said time.Time, hall workday.Hours, cal *workday.Calendar, now time.Time) (due []AlertKind, err error) {
	add := func(kind AlertKind, at time.Time, wrong error) {
		if err = errors.Join(err, wrong); wrong == nil && !now.Before(at) {
			due = append(due, kind)
		}
	}
	switch p.State {
	case ParcelUnverified:
		at, err := cal.AddMinutes(p.Since, unverifiedAfter, hall)
		add(AlertUnverified, at, err)
	case ParcelReturning:
		day, err := cal.Add(workday.DateOf(p.Since), returnDays)
		add(AlertNotReturned, hall.Closes(day), err)
		if !said.IsZero() {
			at, err := cal.AddMinutes(said, unscannedAfter, hall)
			add(AlertUnscanned, at, err)
		}
	case ParcelLost:
		at, err := searchUntil(p, hall, cal)
		add(AlertSearchOver, at, err)
		add(AlertItemLost, p.Since, nil)
	case ParcelDamaged:
		at, err := searchUntil(p, hall, cal)
		add(AlertDamageOpen, at, err)
	}
	return due, err
}

// searchUntil is the end of the term in which a lost parcel is searched for, or
// a damaged one decided on: the close of the next working day (DEL-807). Zero for
// other states.
func searchUntil(p Parcel, hall workday.Hours, cal *workday.Calendar) (time.Time, error) {
	if p.State != ParcelLost && p.State != ParcelDamaged {
		return time.Time{}, nil
	}
	day, err := cal.Add(workday.DateOf(p.Since), searchDays)
	if err != nil {
		return time.Time{}, err
	}
	return hall.Closes(day), nil
}

// goesBack reports whether a parcel whose attempts are used up, or that was
// refused, has to go back to the window: when the hall closes that day, unless
// another time was agreed (DEL-804).
func (d *Desk) goesBack(ctx context.Context, q bun.IDB, p Parcel, hall workday.Hours) (bool, error) {
	if d.now().Before(hall.Closes(workday.DateOf(p.Since))) {
		return false, nil
	}
	f, err := readFolding(ctx, q, []Parcel{p})
	if err != nil {
		return false, err
	}
	g := f.fold(p)
	agreed := func(o PauseRow) bool {
		waits := o.Reason == PauseApplicantAsked || o.Reason == PauseForceMajeure
		return waits && (o.To.IsZero() || o.To.After(d.now())) || o.EndedAt.After(g.Since)
	}
	return g.State == ParcelAttemptFailed && g.usedUp() && !slices.ContainsFunc(f.pauses[p.ID], agreed), nil
}

// usedUp reports whether nobody may try again by themselves: two attempts have
// ended, or the receiver refused, for damage or else (DEL-802, DEL-804, DEL-808).
func (f Folded) usedUp() bool {
	last := AttemptRecord{}
	if len(f.Attempts) > 0 {
		last = f.Attempts[len(f.Attempts)-1]
	}
	tried, _ := f.tried()
	return tried >= maxAttempts || last.Outcome == Refused || last.Outcome == OutcomeDamaged
}

// tried counts the attempts that have ended, and says when the last of them did.
// One that comes within two hours of the last may find somebody, but is no second
// attempt, unless the applicant agreed to the time (DEL-802).
func (f Folded) tried() (n int, last time.Time) {
	for _, a := range f.Attempts {
		soon := n > 0 && a.Ended.Sub(last) < attemptGap && !f.agreedBetween(last, a.Ended)
		if !a.Ended.IsZero() && !soon {
			n, last = n+1, a.Ended
		}
	}
	return n, last
}

// agreedBetween reports whether another time was agreed with the applicant after
// one instant and not after another.
func (f Folded) agreedBetween(from, to time.Time) bool {
	return slices.ContainsFunc(f.Steps, func(s Step) bool {
		return s.Verdict == Applied && s.State == ParcelRescheduled && s.At.After(from) && !s.At.After(to)
	})
}

// nextTry is from when on another try is a second attempt; zero where none has
// failed or none is left (DEL-802).
func (f Folded) nextTry() time.Time {
	if _, last := f.tried(); f.State == ParcelAttemptFailed && !f.usedUp() {
		return last.Add(attemptGap)
	}
	return time.Time{}
}

// sendBack lets a parcel go back to the window by itself. The courier sees it in
// the round; only the window's scan ends it (DEL-425).
func (d *Desk) sendBack(ctx context.Context, parcelID string) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		p, err := lockParcel(ctx, tx, parcelID)
		if err != nil || p.State != ParcelAttemptFailed {
			return err // somebody was first
		}
		why := Facts{Reason: "投递次数已用完或收件人拒收，当日退回窗口"}
		return d.happened(ctx, tx, auth.System("watch"), &p, EventReturning, why, nil)
	})
}

// watchSets asks about sets that art. 44 runs out for, and ends what is over.
func (d *Desk) watchSets(ctx context.Context) error {
	var changed []string
	err := d.DB.Read(ctx, func(q bun.IDB) error {
		ids, err := casesDecided(ctx, q, workday.DateOf(d.now()).AddDays(-CeilingWarn))
		if err != nil || len(ids) == 0 {
			return err
		}
		lines, err := linesOfCases(ctx, q, ids)
		if err != nil {
			return err
		}
		byCase := map[string][]ResultLine{}
		for _, l := range lines {
			byCase[l.CaseID] = append(byCase[l.CaseID], l)
		}
		changed, err = d.setsChanged(ctx, q, byCase)
		return err
	})
	errs := []error{err}
	for _, id := range changed {
		if err := d.DB.Write(ctx, func(tx bun.IDB) error { return d.watchSet(ctx, tx, id) }); err != nil {
			errs = append(errs, fmt.Errorf("watch set of case %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// setsChanged are the cases whose alerts are not what they should be.
func (d *Desk) setsChanged(ctx context.Context, q bun.IDB, lines map[string][]ResultLine) (out []string, err error) {
	halls := hallOf{}
	for id, of := range lines {
		h, err := halls.of(ctx, q, of[0].CentreID, d.now())
		if err != nil {
			return nil, err
		}
		due, open, err := d.setAlerts(ctx, q, of, h.cal)
		if err != nil {
			return nil, err
		}
		same := len(due) == len(open)
		for _, a := range open {
			same = same && slices.Contains(due, a.Kind)
		}
		if !same {
			out = append(out, id)
		}
	}
	return out, nil
}

// setAlerts are the alerts that a set should have now, and those it has.
func (d *Desk) setAlerts(ctx context.Context, q bun.IDB, lines []ResultLine, cal *workday.Calendar) (due []AlertKind, open []Alert, err error) {
	if open, err = openAlertsAbout(ctx, q, lines[0].CaseID); err != nil {
		return nil, nil, err
	}
	here := slices.DeleteFunc(slices.Clone(lines), func(l ResultLine) bool { return !l.open() && !l.Ready() })
	today := workday.DateOf(d.now())
	ceiling, err := CeilingOf(here, today, cal)
	if err != nil {
		return nil, nil, err
	}
	blockers, err := Blocking(here, today, cal)
	if err != nil {
		return nil, nil, err
	}
	choices, err := choicesOf(ctx, q, []string{lines[0].CaseID})
	if err != nil {
		return nil, nil, err
	}
	return setDue(ceiling, len(blockers) > 0, askedSince(choices, ceiling, cal)), open, nil
}

// watchSet brings the alerts of one set to what is so now (DEL-107, DEL-304).
func (d *Desk) watchSet(ctx context.Context, tx bun.IDB, caseID string) error {
	lines, err := lockLines(ctx, tx, caseID)
	if err != nil || len(lines) == 0 {
		return err
	}
	leaves, err := d.keepSetAlerts(ctx, tx, lines)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// keepSetAlerts raises and ends the alerts of a set whose lines the caller has
// locked; the leaves are the caller's to record.
func (d *Desk) keepSetAlerts(ctx context.Context, tx bun.IDB, lines []ResultLine) ([]audit.Leaf, error) {
	cal, err := office.CalendarOf(ctx, tx, lines[0].CentreID, d.now())
	if err != nil {
		return nil, err
	}
	due, open, err := d.setAlerts(ctx, tx, lines, cal)
	if err != nil {
		return nil, err
	}
	over := slices.DeleteFunc(slices.Clone(open), func(a Alert) bool { return slices.Contains(due, a.Kind) })
	if err := d.end(ctx, tx, over, auth.System("watch"), ""); err != nil {
		return nil, err
	}
	var alerts []Alert
	for _, kind := range due {
		if slices.ContainsFunc(open, func(a Alert) bool { return a.Kind == kind }) {
			continue
		}
		alerts = append(alerts, Alert{
			ID: newID(), Kind: kind, Subject: lines[0].CaseID, Level: kind.row().Level, CaseID: lines[0].CaseID, CaseNumber: lines[0].CaseNumber,
			CentreID: lines[0].CentreID, RaisedAt: d.now(),
		})
	}
	return d.raise(ctx, tx, alerts)
}

// setDue are the alerts about a set: from day seven the applicant is asked while
// something is missing, or the window told to send; from day ten it is red.
func setDue(c *Ceiling, blocked, asked bool) (due []AlertKind) {
	if c == nil || !c.Warn() {
		return nil
	}
	switch {
	case !blocked:
		due = append(due, AlertArticle44)
	case !asked:
		due = append(due, AlertAskSplit)
	}
	if c.Red() {
		due = append(due, AlertArticle44On)
	}
	return due
}

// askedSince reports whether an answer of the applicant, even none, was recorded
// on day seven or later: one from before does not know how late it is (DEL-304).
func askedSince(choices []SetChoice, c *Ceiling, cal *workday.Calendar) bool {
	return c != nil && slices.ContainsFunc(choices, func(s SetChoice) bool {
		day, err := cal.Between(c.DecidedOn, workday.DateOf(s.RecordedAt))
		return err == nil && day >= CeilingWarn
	})
}

// WatchShelf turns over to departments what nobody has collected from the window
// for thirty days, for their own service by law (DEL-809).
func (d *Desk) WatchShelf(ctx context.Context) error {
	d = d.still()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		items, err := longOnShelf(ctx, tx, d.now().AddDate(0, 0, -shelfDays))
		if err != nil {
			return err
		}
		var alerts []Alert
		for _, i := range items {
			l, err := findLine(ctx, tx, i.LineID)
			if err != nil {
				return err
			}
			alerts = append(alerts, d.alertOfItem(AlertShelfOver, i, l.CaseNumber, l.CentreID))
		}
		if err := endGoneFromShelf(ctx, tx, d.now()); err != nil {
			return err
		}
		leaves, err := d.raise(ctx, tx, alerts)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

func (d *Desk) alertOfItem(kind AlertKind, i Item, caseNumber, centre string) Alert {
	return Alert{
		ID: newID(), Kind: kind, Subject: i.ID, Level: kind.row().Level, ParcelID: i.ParcelID, CaseID: i.CaseID, CaseNumber: caseNumber,
		Number: i.Number, CentreID: centre, DepartmentID: i.DepartmentID, RaisedAt: d.now(),
	}
}
