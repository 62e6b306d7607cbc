package office_test

import (
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

const notice2027 = `{"year": 2027, "papers": ["https://www.gov.cn/2027"], "days": [
	{"name": "元旦", "date": "2027-01-01", "isOffDay": true},
	{"name": "春节", "date": "2027-02-06", "isOffDay": true},
	{"name": "春节", "date": "2027-02-20", "isOffDay": false}]}`

func (h *house) calendar() *workday.Calendar {
	h.t.Helper()
	return must(h, func(q bun.IDB) (*workday.Calendar, error) { return office.Calendar(h.t.Context(), q) })
}

func (h *house) isWorkday(c *workday.Calendar, day string) bool {
	h.t.Helper()
	date, err := workday.ParseDate(day)
	h.ok(err)
	open, err := c.IsWorkday(date)
	h.ok(err)
	return open
}

// INS-404, SEC-4
func TestImportMakesANewVersionThatTwoPersonsStandFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		if c := h.calendar(); c.Version() != 1 || c.Status(2026) != workday.Final || c.Status(2027) != workday.Provisional {
			t.Fatalf("installed: version %d", c.Version())
		}
		c, err := h.ImportCalendar(t.Context(), []byte(notice2027), anna, once.Key{})
		h.ok(err)
		if c.Version != 0 || c.Hash == "" || len(c.Changes) == 0 || h.calendar().Version() != 1 {
			t.Fatalf("a proposal counts: %+v", c)
		}
		_, err = h.ImportCalendar(t.Context(), []byte(notice2027), bert, once.Key{})
		refused(t, err, "calendar_waiting")
		_, err = h.ApproveCalendar(t.Context(), c.ID, anna)
		refused(t, err, "two_persons")
		c, err = h.ApproveCalendar(t.Context(), c.ID, bert)
		h.ok(err)
		_, err = h.ApproveCalendar(t.Context(), c.ID, bert)
		refused(t, err, "already_decided")

		now := h.calendar()
		if now.Version() != 2 || now.Status(2027) != workday.Final || now.Status(2024) != workday.Final {
			t.Errorf("version %d, 2027 is %s", now.Version(), now.Status(2027))
		}
		if !h.isWorkday(now, "2027-02-20") || !h.isWorkday(now, "2027-06-09") {
			t.Error("2027 is not what the notice says")
		}
		old := must(h, func(q bun.IDB) (*workday.Calendar, error) { return office.CalendarVersion(t.Context(), q, 1) })
		if h.isWorkday(old, "2027-02-20") { // nothing is edited in place
			t.Error("version 1 has changed")
		}
		all := must(h, func(q bun.IDB) ([]office.CalendarImport, error) { return office.ListCalendars(t.Context(), q) })
		if len(all) != 2 || all[0].ImportedBy == "" || all[0].Content != "" {
			t.Errorf("listed: %+v", all)
		}
	})
}

// INS-404
func TestUnusableCalendarFilesAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for file, code := range map[string]string{
			``: "calendar_unreadable",
			`{"year": 2027, "papers": [], "days": []}`:                                    "calendar_year_empty",
			`{"years": {"2027": {"status": "final", "off": [], "work": []}}}`:             "calendar_year_empty",
			`{"years": {"2027": {"status": "final", "off": ["2028-01-01"], "work": []}}}`: "calendar_date_foreign",
			`{"years": {"2027": {"status": "provisional", "off": ["2027-01-01", "2027-02-05", "2027-02-06", "2027-02-07", "2027-02-08", "2027-04-05", "2027-05-01", "2027-05-02", "2027-06-09", "2027-09-15", "2027-10-01", "2027-10-02", "2027-10-03"], "work": []}}}`: "calendar_unchanged",
		} {
			_, err := h.ImportCalendar(t.Context(), []byte(file), anna, once.Key{})
			refused(t, err, code)
		}
		_, err := h.ApproveCalendar(t.Context(), "nothing", bert)
		refused(t, err, "proposal_unknown")
		_, err = read(h, func(q bun.IDB) (*workday.Calendar, error) { return office.CalendarVersion(t.Context(), q, 9) })
		refused(t, err, "calendar_unknown")
	})
}

func TestRejectedImportLeavesNoGapInTheVersions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		c, err := h.ImportCalendar(t.Context(), []byte(notice2027), anna, once.Key{})
		h.ok(err)
		h.ok(h.RejectCalendar(t.Context(), c.ID, anna)) // taking back one's own needs no second person
		c, err = h.ImportCalendar(t.Context(), []byte(notice2027), anna, once.Key{})
		h.ok(err)
		c, err = h.ApproveCalendar(t.Context(), c.ID, bert)
		h.ok(err)
		if c.Version != 2 {
			t.Errorf("version %d, want 2", c.Version)
		}
	})
}

func TestWithoutAnyCalendarTheAnswerSaysSo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := &house{t: t, Desk: &office.Desk{DB: d}}
		_, err := read(h, func(q bun.IDB) (*workday.Calendar, error) { return office.Calendar(t.Context(), q) })
		refused(t, err, "calendar_none")
	})
}

// INS-402
func TestClosureTakesAWorkingDayFromItsCentreOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		one, two := h.centre("431103"), h.centre("431102")
		day := workday.Date{Year: 2026, Month: time.March, Day: 5}
		closed, err := h.AddClosure(t.Context(), office.Closure{Centre: one.ID, Day: day, Reason: "停电检修"}, admin, once.Key{})
		h.ok(err)
		_, err = h.AddClosure(t.Context(), office.Closure{Day: day.AddDays(1), Reason: "防汛"}, admin, once.Key{})
		h.ok(err)
		added := h.now

		of := func(c office.Centre, at time.Time) *workday.Calendar {
			return must(h, func(q bun.IDB) (*workday.Calendar, error) { return office.CalendarOf(t.Context(), q, c.ID, at) })
		}
		for _, c := range []struct {
			centre office.Centre
			day    string
			open   bool
		}{
			{one, "2026-03-05", false}, {two, "2026-03-05", true}, {one, "2026-03-06", false}, {two, "2026-03-06", false},
		} {
			if got := h.isWorkday(of(c.centre, h.now), c.day); got != c.open {
				t.Errorf("%s open on %s: %v", c.centre.Division, c.day, got)
			}
		}
		if !h.isWorkday(of(one, added.Add(-time.Millisecond)), "2026-03-05") { // INS-408
			t.Error("the closure reaches back before it was known")
		}

		h.now = h.now.Add(time.Hour)
		h.ok(h.WithdrawClosure(t.Context(), closed.ID, admin))
		refused(t, h.WithdrawClosure(t.Context(), closed.ID, admin), "closure_withdrawn")
		refused(t, h.WithdrawClosure(t.Context(), "nothing", admin), "closure_unknown")
		if !h.isWorkday(of(one, h.now), "2026-03-05") || h.isWorkday(of(one, added), "2026-03-05") {
			t.Error("a withdrawn closure counts on, or is forgotten for the time it stood")
		}
		_, err = h.AddClosure(t.Context(), office.Closure{Centre: one.ID, Day: day, Reason: "再次检修"}, admin, once.Key{})
		h.ok(err)
	})
}

// INS-502: a department's closure is its own and takes no working day away.
func TestDepartmentClosesWithoutTakingAWorkingDay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		centre := h.centre("431103")
		dep, other := h.department("431103", "fire").ID, h.department("431103", "amr").ID
		day := workday.Date{Year: 2026, Month: time.March, Day: 5}
		closed, err := h.AddClosure(t.Context(), office.Closure{Department: dep, Day: day, Reason: "业务培训"}, admin, once.Key{})
		h.ok(err)
		days := func() map[string][]workday.Date {
			return must(h, func(q bun.IDB) (map[string][]workday.Date, error) {
				return office.ClosedDays(t.Context(), q, []string{dep, other}, day, day.AddDays(3))
			})
		}
		if got := days(); len(got[dep]) != 1 || got[dep][0] != day || len(got[other]) != 0 || h.off != 1 {
			t.Errorf("closed on %v, told %d times", got, h.off)
		}
		if cal := must(h, func(q bun.IDB) (*workday.Calendar, error) { return office.CalendarOf(t.Context(), q, centre.ID, h.now) }); !h.isWorkday(cal, "2026-03-05") {
			t.Error("no working day any more")
		}
		h.ok(h.WithdrawClosure(t.Context(), closed.ID, admin))
		if got := days(); len(got) != 0 {
			t.Errorf("withdrawn, and closed on %v", got)
		}
		_, err = h.AddClosure(t.Context(), office.Closure{Department: dep, Centre: centre.ID, Day: day, Reason: "培训"}, admin, once.Key{})
		refused(t, err, "closure_place")
		_, err = h.AddClosure(t.Context(), office.Closure{Department: "nobody", Day: day, Reason: "培训"}, admin, once.Key{})
		refused(t, err, "department_unknown")
	})
}

func TestClosuresThatMakeNoSenseAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		day := workday.Date{Year: 2026, Month: time.March, Day: 5}
		c := office.Closure{Day: day, Reason: "防汛"}
		_, err := h.AddClosure(t.Context(), c, admin, once.Key{})
		h.ok(err)
		_, err = h.AddClosure(t.Context(), c, admin, once.Key{})
		refused(t, err, "closure_exists")
		c.Day = workday.DateOf(h.now).AddDays(-1)
		_, err = h.AddClosure(t.Context(), c, admin, once.Key{})
		refused(t, err, "closure_past")
		c.Day, c.Centre = day, "nowhere"
		_, err = h.AddClosure(t.Context(), c, admin, once.Key{})
		refused(t, err, "centre_unknown")
		c.Reason = ""
		_, err = h.AddClosure(t.Context(), c, admin, once.Key{})
		refused(t, err, "text_invalid")
	})
}
