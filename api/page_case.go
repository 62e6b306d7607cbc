package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/office"
)

func (p *site) casePages() {
	p.on(Route{Method: http.MethodGet, Path: "/cases", Act: "pageCases", Who: anywhere(overseeing...)}, p.cases)
	p.on(Route{Method: http.MethodGet, Path: "/cases/new", Act: "pageCaseNew", Who: anywhere(atDesk...)}, p.caseNew)
	p.on(Route{Method: http.MethodPost, Path: "/cases/new", Act: "pageAcceptCase", Who: anywhere(atDesk...)}, p.acceptCase)
	p.on(Route{Method: http.MethodGet, Path: "/cases/{id}", Act: "pageCase", Who: readers(overseeing...)}, p.oneCase)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/amend", Act: "pageAmendCase", Who: actors(atDesk...)}, p.amendCase)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/handover", Act: "pageHandOverCase", Who: actors(atDesk...)}, p.handOver)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/plan", Act: "pagePlanVisit", Who: actors(atDesk...)}, p.plan)
	p.on(Route{Method: http.MethodGet, Path: "/cases/{id}/notice", Act: "pageCaseNotice", Who: readers(overseeing...)}, p.caseNotice)
	p.on(Route{Method: http.MethodGet, Path: "/cases/{id}/notice.pdf", Act: "pageOnceNotice", Who: readers(overseeing...), Rate: uploadRate}, p.onceNotice)
	p.on(Route{Method: http.MethodGet, Path: "/matters/{code}/notice", Act: "pageMatterNotice", Who: anywhere(overseeing...)}, p.matterNotice)
}

// option is one choice of a select.
type option struct {
	Value, Text string
	Chosen      bool
}

// stateOptions are the states of a list's filter.
func (p *site) stateOptions(v *view, kind string, states ...string) []option {
	out := make([]option, len(states))
	for i, s := range states {
		out[i] = option{s, p.say(v, kind+"."+s), v.query("state") == s}
	}
	return out
}

// casesPage lists cases, newest first; More leads to older ones.
type casesPage struct {
	Search    string
	Filtered  bool
	MayAccept bool
	States    []option
	Cases     []caseLine
	More      string
}

// pageSize is how many lines a list shows at once.
const pageSize = 50

// cases lists what the reader's place has to do with (SEC-2).
func (p *site) cases(v *view) error {
	list, err := p.Inspection.ListCases(v.ctx(), v.by, inspection.CaseQuery{
		Search: v.query("q"), State: inspection.CaseState(v.query("state")), Before: v.query("before"), Limit: pageSize,
	})
	if err != nil {
		return err
	}
	d := casesPage{
		Search: v.query("q"), Filtered: v.query("q") != "" || v.query("state") != "", MayAccept: v.is(atDesk...),
		States: p.stateOptions(v, "case_state", "accepted", "visiting", "visited", "no_visit", "handed_over"),
	}
	for _, c := range list {
		d.Cases = append(d.Cases, lineOf(c))
	}
	if len(list) == pageSize {
		d.More = v.with("before", list[len(list)-1].ID)
	}
	return p.show(v, "cases", d)
}

// with is the address of this page with one parameter set anew.
func (v *view) with(name, value string) string {
	query := v.r.URL.Query()
	query.Set(name, value)
	return (&url.URL{Path: v.r.URL.Path, RawQuery: query.Encode()}).String()
}

// casePage shows a case, who comes, and the one thing to do next.
type casePage struct {
	Case      inspection.Case
	Next      string // what is to be done next: a word of case.next
	Kinds     []string
	Draft     string
	Once      string
	Organiser office.Centre
	Division  string
	Limit     time.Time
	Running   bool // the limit still counts
	Effect    inspection.Effect
	Visits    []inspection.Visit
	Derived   []derivedLine
	Coming    int
	MayAmend  bool
	Booked    bool // facts change who comes to a visit that is booked (INS-308)
	Foreseen  *foreseen
	MayLink   bool // print or send the applicant's link
	MayReport bool // to the ledger
	Extending bool // an extension waits for its decision
	Unknown   bool
	Questions []question
	Set       *caseSet
	Materials *caseMaterials
}

// oneCase shows a case to who may read it, the applicant masked (FAC-20).
func (p *site) oneCase(v *view) error {
	v.here = "/cases/" + v.id()
	c, err := p.Inspection.FindCase(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	line := lineOf(c)
	d := casePage{Case: c, Once: newOnce(), Limit: line.Limit, Running: line.Running, MayLink: v.organises(c.CentreID), MayReport: v.is(atDesk...)}
	if d.Visits, err = p.Inspection.ListVisits(v.ctx(), v.by, inspection.VisitQuery{CaseID: c.ID, Limit: 200}); err != nil {
		return err
	}
	if d.Effect, err = p.Inspection.EffectOf(v.ctx(), v.by, c.ID); err != nil {
		return err
	}
	if d.Set, err = p.setOf(v, c.ID); err != nil {
		return err
	}
	if d.Materials, err = p.materialsOf(v, c); err != nil {
		return err
	}
	var m inspection.Matter
	err = p.Read(v.ctx(), func(q bun.IDB) (err error) {
		if m, err = inspection.FindMatter(v.ctx(), q, c.MatterCode, c.MatterVersion); err != nil {
			return err
		}
		if d.Organiser, err = office.FindCentre(v.ctx(), q, c.OrganiserCentre); err != nil {
			return err
		}
		division, err := office.FindDivision(v.ctx(), q, c.Division)
		if !strings.Contains(c.Site.Address, division.Name) {
			d.Division = inspection.Words{ZH: division.Name, EN: division.NameEN}.In(v.x.lang)
		}
		if err != nil {
			return err
		}
		d.Derived, err = p.derivedOf(v, q, c, m)
		return err
	})
	if err != nil {
		return err
	}
	d.Questions = questionsOf(v, "amend", m.Questions(), c.Answers)
	d.Foreseen = v.foreseen
	d.Extending = slices.ContainsFunc(c.Extensions, inspection.Extension.Open)
	d.fill(v, p.now())
	return p.show(v, "case", d)
}

// fill decides what comes next from what the rows say.
func (d *casePage) fill(v *view, now time.Time) {
	d.Booked = d.Case.State == inspection.CaseVisiting
	open := d.Case.State == inspection.CaseAccepted || d.Case.State == inspection.CaseNoVisit || d.Booked && !d.begun(now)
	d.MayAmend = open && v.is(atDesk...) && d.draft() == ""
	d.Unknown = v.tried.Is("amend", "") && v.tried.Code == "facts_missing"
	for _, r := range d.Derived {
		d.Unknown = d.Unknown || r.Open
		if r.In {
			d.Coming++
		}
	}
	d.Draft = d.draft()
	switch {
	case d.Set != nil && d.Set.MayDecide && d.Set.Complete():
		d.Next = "seal"
	case d.Case.State == inspection.CaseHandedOver:
		d.Next = "handed_over"
	case d.Case.State == inspection.CaseNoVisit:
		d.Next = "none"
	case d.Case.State == inspection.CaseVisiting:
		d.Next = "visit"
	case d.Case.State == inspection.CaseVisited:
		d.Next = "visited"
	case !v.is(atDesk...):
	case v.by.Centre != d.Case.OrganiserCentre:
		d.Next = "elsewhere"
	case d.Unknown:
		d.Next = "facts"
	case d.Draft != "":
		d.Next = "board"
	default:
		d.Next, d.Kinds = "plan", d.kinds()
	}
}

// draft is the visit that waits for a time.
func (d *casePage) draft() string {
	for _, visit := range d.Visits {
		if visit.State == inspection.VisitDraft {
			return visit.ID
		}
	}
	return ""
}

// kinds are the visits that some department takes part in.
func (d *casePage) kinds() []string {
	var out []string
	for _, kind := range []inspection.VisitKind{inspection.KindSite, inspection.KindReview} {
		for _, r := range d.Case.Departments {
			if r.Included && r.Attendance == string(inspection.Required) && inspection.CheckKind(r.CheckKind).Covers(kind) {
				out = append(out, string(kind))
				break
			}
		}
	}
	return out
}

// handOver gives a case to the window of its site as a task there (INS-203).
func (p *site) handOver(v *view) error {
	if err := p.Inspection.PassOn(v.ctx(), v.by, v.id(), v.form("note"), v.once()); err != nil {
		return p.done(v, err, form{"handover", ""}, p.oneCase)
	}
	return v.leave("/cases/"+v.id(), "flash.case.handed")
}

// plan opens a draft visit and goes on to the booking board.
func (p *site) plan(v *view) error {
	visit, err := p.Inspection.Plan(v.ctx(), v.by, inspection.PlanRequest{
		CaseID: v.id(), Kind: inspection.VisitKind(v.form("kind")), Once: v.once(),
	})
	if err != nil {
		return p.done(v, err, form{"plan", ""}, p.oneCase)
	}
	return v.leave("/visits/"+visit.ID+"/board", "")
}
