package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// SlotRequest asks for the times at which every required department of a visit
// that has not begun can come: to book it, or to move it. Empty dates mean: from the lead time to the limit date.
type SlotRequest struct {
	VisitID   string
	From, To  workday.Date
	Band      slot.Band
	Away      []slot.Span // when the applicant cannot
	PastLimit bool        // look beyond the limit date, too
	Explain   bool        // say why, even if there are offers
	Limit     int         // offers at most, 0 means 20
}

// SlotAnswer is what the booking board shows.
type SlotAnswer struct {
	Offers      []slot.Offer      `json:"offers"`
	Explanation *slot.Explanation `json:"explanation,omitempty"`
	Earliest    workday.Date      `json:"earliest"`
	Limit       workday.Date      `json:"limit"`
	Provisional bool              `json:"provisional"` // the calendar of some day is not final (INS-405)
	Board       []BoardDay        `json:"-"`
	People      []Resource        `json:"-"`
	Departments []CaseDepartment  `json:"-"`
}

// BoardDay is one day of the free/busy matrix (STK-55).
type BoardDay struct {
	Date   workday.Date
	Starts []time.Time
	Cells  [][]slot.Cell // by department
}

// alternativesReach is how many days past the asked range alternatives may lie.
const alternativesReach = 14

// Slots searches the common free times (INS-501). The answer is never an empty
// list without a reason: it then says who blocks and what else would do
// (INS-511). Refusals: not_found, wrong_window, bad_move.
func (d *Desk) Slots(ctx context.Context, by auth.Actor, r SlotRequest) (out SlotAnswer, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		w, err := d.world(ctx, q, by, r)
		if err != nil {
			return err
		}
		out, err = w.answer(r)
		return err
	})
	return out, err
}

// world is everything a search needs, read once. offices are the departments
// invited, required or not, by id.
type world struct {
	c           Case
	v           Visit
	site        Site // where it takes place
	g           ground
	departments []CaseDepartment // the required ones
	offices     map[string]office.Department
	resources   []Resource
	hasRoom     bool // the centre has a room at all
	problem     slot.Problem
	provisional bool
	agreed      []string // the papers that allow a time sooner than the lead time (INS-605)
}

func (w world) answer(r SlotRequest) (SlotAnswer, error) {
	rows, err := slot.Prepare(w.problem)
	if err != nil {
		return SlotAnswer{}, err
	}
	limit := r.Limit
	if limit == 0 {
		limit = 20
	}
	out := SlotAnswer{
		Offers: rows.Search(limit), Earliest: w.problem.Earliest, Limit: w.problem.Limit,
		Provisional: w.provisional, People: w.resources, Departments: w.departments,
	}
	if len(out.Offers) == 0 || r.Explain {
		e := rows.Explain()
		out.Explanation = &e
	}
	for _, day := range w.problem.Days {
		if r.Explain && day.Open && !day.Date.Before(w.problem.From) && !w.problem.To.Before(day.Date) {
			b := BoardDay{Date: day.Date}
			b.Starts, b.Cells = rows.Board(day.Date)
			out.Board = append(out.Board, b)
		}
	}
	return out, nil
}

// world reads visit, people, their engagements and the settings in force.
func (d *Desk) world(ctx context.Context, q bun.IDB, by auth.Actor, r SlotRequest) (world, error) {
	v, err := findVisit(ctx, q, r.VisitID)
	if err != nil {
		return world{}, err
	}
	if err := mayOrganise(ctx, q, by, v.CentreID); err != nil {
		return world{}, err
	}
	if !v.movable() {
		return world{}, movedOn("bad_move")
	}
	w, err := d.around(ctx, q, v)
	if err != nil {
		return w, err
	}
	if err := w.agree(ctx, q, dateOf(d.now()), d.now()); err != nil {
		return w, err
	}
	if err := w.dates(r, d.now()); err != nil {
		return w, err
	}
	if w.resources, err = listResources(ctx, q, ids(w.departments), v.CentreID); err != nil {
		return w, err
	}
	w.hasRoom = len(w.pool(KindRoom, taken{}).Units) > 0
	err = d.occupy(ctx, q, &w, loadDays)
	return w, err
}

// around reads what surrounds a visit: its case, the departments invited,
// calendar and settings.
func (d *Desk) around(ctx context.Context, q bun.IDB, v Visit) (world, error) {
	c, err := caseOf(ctx, q, v)
	if err != nil {
		return world{}, err
	}
	return d.seenAs(ctx, q, c, v)
}

// seenAs is around for a case as it would be.
func (d *Desk) seenAs(ctx context.Context, q bun.IDB, c Case, v Visit) (w world, err error) {
	w = world{c: c, v: v, site: siteOf(c, v), departments: comingTo(c, v.Kind)}
	invited := ids(invitedTo(c, v.Kind))
	if w.offices, err = office.DepartmentsByID(ctx, q, invited); err != nil {
		return w, err
	}
	w.g, err = d.groundFor(ctx, q, v, invited)
	return w, err
}

func ids(rows []CaseDepartment) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = row.DepartmentID
	}
	return out
}

// question sets what is asked: never before the lead time (INS-605).
func (w *world) question(r SlotRequest, now time.Time) error {
	today := dateOf(now)
	earliest, err := w.g.cal.Add(today, w.g.rules.Lead)
	if err != nil {
		return err
	}
	limit, err := workday.ParseDate(w.c.LimitDate)
	if err != nil {
		return err
	}
	p := &w.problem
	*p = slot.Problem{
		Minutes: w.v.Minutes, Band: r.Band, Earliest: earliest, Limit: limit, PastLimit: r.PastLimit,
		Away: r.Away, HalfDay: w.g.rules.CentrePerHalfDay,
	}
	p.From, p.To = earliest, limit
	if !r.From.IsZero() {
		p.From = r.From
	}
	if !r.To.IsZero() {
		p.To = r.To
	}
	if p.To.Before(p.From) {
		p.To = p.From
	}
	return nil
}

// dates sets the range, further than asked, so that alternatives can be found.
func (w *world) dates(r SlotRequest, now time.Time) error {
	if err := w.question(r, now); err != nil {
		return err
	}
	p := &w.problem
	if p.To.AddDays(-92) == p.From || p.From.Before(p.To.AddDays(-92)) {
		return fault.Refuse(fault.Invalid, "range_too_long", "查询范围最多 92 天，请缩短", "search at most 92 days at once")
	}
	last := p.To
	if last.Before(p.Limit) {
		last = p.Limit
	}
	first := p.Earliest
	if p.From.Before(first) {
		first = p.From
	}
	return w.days(first, last.AddDays(alternativesReach))
}

// days lists the calendar days of the problem. Days of a year that has no
// calendar at all end the range: they cannot be booked (INS-405).
func (w *world) days(first, last workday.Date) error {
	for day := first; !last.Before(day); day = day.AddDays(1) {
		open, err := w.g.cal.IsWorkday(day)
		if fault.Is(err, "calendar_missing") && len(w.problem.Days) > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		w.provisional = w.provisional || w.g.cal.Provisional(day)
		w.problem.Days = append(w.problem.Days, slot.Day{Date: day, Open: open, Hours: w.g.hours})
	}
	return nil
}

// How many days before the first one engagements are read: those of two weeks
// count as load (INS-508), those of the day before may reach over midnight.
const (
	loadDays = 14
	nearDays = 1
)

// occupy reads everything that takes the time of the world's resources, from
// some days before on, and makes people and things of them.
func (d *Desk) occupy(ctx context.Context, q bun.IDB, w *world, before int) (err error) {
	if w.problem.HalfDay > 0 {
		if w.problem.Centre, err = centreVisits(ctx, q, w.v, w.problem.Days); err != nil {
			return err
		}
	}
	t, err := d.taken(ctx, q, w, before)
	if err != nil {
		return err
	}
	if days := w.problem.Days; len(days) > 0 {
		if t.closed, err = office.ClosedDays(ctx, q, ids(w.departments), days[0].Date, days[len(days)-1].Date); err != nil {
			return err
		}
	}
	if t.ancestors, err = ancestorCodes(ctx, q, w.v.Division); err != nil {
		return err
	}
	for _, row := range w.departments {
		w.problem.Departments = append(w.problem.Departments, w.department(w.offices[row.DepartmentID], w.g.under(row.DepartmentID), t))
	}
	w.things(t)
	return nil
}

// taken is what takes the time of the resources of a world.
type taken struct {
	absences  map[string][]Absence
	occupied  map[string][]occupied
	recused   []string
	ancestors []string
	load      map[string]int
	closed    map[string][]workday.Date // by department
}

func (d *Desk) taken(ctx context.Context, q bun.IDB, w *world, before int) (taken, error) {
	t := taken{absences: map[string][]Absence{}, occupied: map[string][]occupied{}, load: map[string]int{}}
	if len(w.resources) == 0 || len(w.problem.Days) == 0 {
		return t, nil
	}
	ids := make([]string, len(w.resources))
	for i, r := range w.resources {
		ids[i] = r.ID
	}
	from := w.problem.Days[0].Date.AddDays(-before).Midnight()
	to := w.problem.Days[len(w.problem.Days)-1].Date.AddDays(1 + nearDays).Midnight()
	absences, err := listAbsences(ctx, q, ids, from, to)
	if err != nil {
		return t, err
	}
	for _, a := range absences {
		t.absences[a.ResourceID] = append(t.absences[a.ResourceID], a)
	}
	rows, err := listOccupied(ctx, q, ids, [2]time.Time{from, to}, d.now())
	if err != nil {
		return t, err
	}
	for _, o := range rows {
		if o.VisitID == w.v.ID {
			continue // what the visit itself holds or has does not stand against it
		}
		t.occupied[o.ResourceID] = append(t.occupied[o.ResourceID], o)
		t.load[o.ResourceID]++
	}
	t.recused, err = listRecused(ctx, q, ids, w.c.ApplicantName)
	return t, err
}

func (w *world) department(department office.Department, g ground, t taken) slot.Department {
	out := slot.Department{
		ID: department.ID, Division: department.Division, Min: staffMin(g.rules, w.v.Kind),
		Before: g.rules.BufferBefore, After: g.rules.BufferAfter, Teams: department.Roster == office.Headcount,
		Base:   w.way(g, slot.Point{Lat: department.Lat, Lon: department.Lon}, department.Address),
		Closed: t.closed[department.ID],
	}
	for _, r := range w.resources {
		if r.DepartmentID != department.ID || r.Kind != KindInspector && r.Kind != KindTeam {
			continue
		}
		out.People = append(out.People, w.person(r, g, t))
	}
	return out
}

func (w *world) person(r Resource, g ground, t taken) slot.Person {
	var until workday.Date
	unreadable := until.UnmarshalText([]byte(r.ValidUntil)) != nil
	p := slot.Person{
		ID: r.ID, Recused: slices.Contains(t.recused, r.ID), PerDay: r.PerDay, Load: t.load[r.ID], Until: until,
		Unqualified: unreadable || !r.Qualified(w.c.MatterCode, t.ancestors, w.problem.Days[0].Date),
	}
	if p.PerDay == 0 {
		p.PerDay = g.rules.PerDay
	}
	for _, a := range t.absences[r.ID] {
		span := slot.Span{From: a.Start, To: a.End}
		if a.Kind == absenceExternal {
			p.Engaged = append(p.Engaged, slot.Engagement{Span: span})
		} else {
			p.Away = append(p.Away, span)
		}
	}
	for _, o := range t.occupied[r.ID] {
		p.Engaged = append(p.Engaged, w.engagement(o, g))
	}
	return p
}

func (w *world) engagement(o occupied, g ground) slot.Engagement {
	return slot.Engagement{
		Span: slot.Span{From: o.Start, To: o.End}, Held: !o.ExpiresAt.IsZero(), Visit: true,
		Travel: w.way(g, slot.Point{Lat: o.Site.Lat, Lon: o.Site.Lon}, o.Site.Address),
	}
}

// way is the minutes between a place and the site (INS-506).
func (w *world) way(g ground, from slot.Point, address string) int {
	return roadsOf(g.rules).Minutes(w.site.point(), from, address != "" && address == w.site.Address)
}

// things adds the centre's vehicles as the policy says: needed, or named if one
// is free. A review needs a room if the centre has any.
func (w *world) things(t taken) {
	vehicles := w.pool(KindVehicle, t)
	if policy := w.g.rules.VehiclePolicy; w.v.Kind == KindSite && policy != office.VehicleNone {
		vehicles.Optional = policy == office.VehicleOptional
		w.problem.Vehicle = vehicles
	}
	if w.v.Kind == KindReview && w.hasRoom {
		w.problem.Room = w.pool(KindRoom, t)
	}
}

func (w *world) pool(kind ResourceKind, t taken) *slot.Pool {
	out := &slot.Pool{}
	for _, r := range w.resources {
		if r.Kind != kind || r.CentreID != w.v.CentreID {
			continue
		}
		u := slot.Unit{ID: r.ID}
		for _, a := range t.absences[r.ID] { // in repair, or shut (INS-611)
			u.Engaged = append(u.Engaged, slot.Engagement{Span: slot.Span{From: a.Start, To: a.End}})
		}
		for _, o := range t.occupied[r.ID] {
			u.Engaged = append(u.Engaged, w.engagement(o, w.g))
		}
		out.Units = append(out.Units, u)
	}
	return out
}
