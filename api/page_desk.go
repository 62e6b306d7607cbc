package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"

	"github.com/uptrace/bun"
)

func (p *site) deskPages() {
	p.on(Route{Method: http.MethodGet, Path: "/{$}", Act: "pageHome", Who: signedIn}, p.home)
	p.on(Route{Method: http.MethodPost, Path: "/tasks/{id}/done", Act: "pageTaskDone", Who: actors(atDesk...)}, p.taskDone)
}

// home is the first page of somebody's post: the desk of a window, the inbox of
// a department, for others what they may look at.
func (p *site) home(v *view) error {
	switch {
	case v.is(atDesk...):
		return p.desk(v)
	case v.is(inOffice...):
		return p.inbox(v)
	case v.is(auth.Courier):
		return p.round(v)
	case v.by.Is(auth.Auditor):
		alerts, err := p.openAlerts(v)
		if err != nil {
			return err
		}
		return p.show(v, "home", alerts)
	}
	return p.show(v, "home", nil)
}

// deskPage is a window's day: doubts first, then what is to be done, then what
// is waited for.
type deskPage struct {
	Search, Centre string
	Held, Waiting  []inspection.Waiting
	Tasks          []taskLine
	Unbooked       []caseLine
	Visits         []inspection.Visit
	Unfinished     []inspection.Visit // of earlier days
	Papers         []deskPapers
	Alerts         []alertLine
	Destroy        []delivery.Destruction // waiting for the reader as second person
	Damages        []delivery.Damage      // waiting for their departments, or for the window
}

// deskPapers is one kind of work with papers and parcels: how many wait, and the
// page where it is done.
type deskPapers struct {
	Text, Do, Href string
	N              int
	Full           bool // at least so many
	Late           bool // one of them is overdue
}

// caseLine is a case with its limit date as an instant: the end of that day.
type caseLine struct {
	inspection.Case
	Limit   time.Time
	Running bool // the limit still counts
	Draft   string
}

func lineOf(c inspection.Case) caseLine {
	return caseLine{
		Case: c, Limit: endOfDay(c.LimitDate),
		Running: c.State == inspection.CaseAccepted || c.State == inspection.CaseVisiting,
	}
}

// endOfDay is the last minute of an ISO date in Shanghai, zero if it is none.
func endOfDay(date string) time.Time {
	d, err := workday.ParseDate(date)
	if err != nil {
		return time.Time{}
	}
	return d.AddDays(1).Midnight().Add(-time.Minute)
}

func (p *site) desk(v *view) error {
	today, err := p.Inspection.Today(v.ctx(), v.by)
	if err != nil {
		return err
	}
	d := deskPage{Search: v.query("q")}
	for _, w := range today.Held {
		if d.finds(w.CaseNumber, w.MatterName, w.Name) {
			d.Held = append(d.Held, w)
		}
	}
	for _, w := range today.Waiting {
		if d.finds(w.CaseNumber, w.MatterName, w.Name) {
			d.Waiting = append(d.Waiting, w)
		}
	}
	for _, t := range today.Tasks {
		if d.finds(t.Detail, p.say(v, "task."+string(t.Kind))) {
			d.Tasks = append(d.Tasks, taskOf(t))
		}
	}
	for _, c := range today.Unbooked {
		if d.finds(c.Number, c.MatterName, c.Applicant.Name, c.Site.Address) {
			d.Unbooked = append(d.Unbooked, lineOf(c))
		}
	}
	for _, visit := range today.Visits {
		if d.finds(visit.CaseNumber, visit.MatterName, visit.Place) {
			d.Visits = append(d.Visits, visit)
		}
	}
	for _, visit := range today.Unfinished {
		if d.finds(visit.CaseNumber, visit.MatterName, visit.Place) {
			d.Unfinished = append(d.Unfinished, visit)
		}
	}
	if err := p.drafts(v, d.Unbooked); err != nil {
		return err
	}
	if d.Alerts, err = p.openAlerts(v); err != nil {
		return err
	}
	if d.Papers, err = p.papers(v); err != nil {
		return err
	}
	d.Centre, err = p.centreName(v, v.by.Centre)
	if err != nil {
		return err
	}
	if d.Destroy, err = p.Delivery.ToDestroy(v.ctx(), v.by); err != nil {
		return err
	}
	if d.Damages, err = p.Delivery.ListDamages(v.ctx(), v.by); err != nil {
		return err
	}
	return p.show(v, "desk", d)
}

// papers is what a window has to do for papers on their way: sign for transfers,
// seal complete sets, settle what lacks proof. What does not wait is left out.
func (p *site) papers(v *view) (out []deskPapers, err error) {
	const most = 50
	add := func(kind, href string, n int, late bool) {
		if n > 0 {
			out = append(out, deskPapers{p.say(v, "desk.papers."+kind), p.say(v, "desk.papers."+kind+".do"), href, n, n == most, late})
		}
	}
	transfers, err := p.Delivery.ListTransfers(v.ctx(), v.by, delivery.TransferQuery{State: delivery.Released, Limit: most})
	if err != nil {
		return nil, err
	}
	late := slices.ContainsFunc(transfers, func(t delivery.TransferView) bool { return t.Overdue(p.now()) })
	add("transfers", "/transfers?state=released", len(transfers), late)
	found, err := p.Delivery.ListTransfers(v.ctx(), v.by, delivery.TransferQuery{Unexplained: true, Limit: most})
	if err != nil {
		return nil, err
	}
	add("extras", "/transfers?extras=open", len(found), false)
	sets, err := p.Delivery.ListSets(v.ctx(), v.by, delivery.SetQuery{State: delivery.SetReady, Limit: most})
	if err != nil {
		return nil, err
	}
	late = slices.ContainsFunc(sets, func(s delivery.Set) bool { return s.Ceiling != nil && s.Ceiling.Red() })
	add("sets", "/sets?state=ready", len(sets), late)
	for _, state := range []delivery.ParcelState{delivery.ParcelUnverified, delivery.ParcelReturning} {
		parcels, err := p.Delivery.ListParcels(v.ctx(), v.by, delivery.ParcelQuery{State: state, Limit: most})
		if err != nil {
			return nil, err
		}
		add(string(state), "/parcels?state="+string(state), len(parcels), false)
	}
	return out, nil
}

// finds reports whether one of the texts holds what was searched for.
func (d deskPage) finds(texts ...string) bool { return holds(d.Search, texts...) }

// holds reports whether every word of a search stands in one of the texts.
func holds(search string, texts ...string) bool {
	all := strings.ToLower(strings.Join(texts, "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

// drafts names the visits that wait for a time, by case.
func (p *site) drafts(v *view, cases []caseLine) error {
	if len(cases) == 0 {
		return nil
	}
	visits, err := p.Inspection.ListVisits(v.ctx(), v.by, inspection.VisitQuery{State: inspection.VisitDraft, Limit: 200})
	for _, visit := range visits {
		for i := range cases {
			if cases[i].ID == visit.CaseID {
				cases[i].Draft = visit.ID
			}
		}
	}
	return err
}

// centreName names a centre in the reader's language.
func (p *site) centreName(v *view, id string) (string, error) {
	var c office.Centre
	err := p.Read(v.ctx(), func(q bun.IDB) (err error) {
		c, err = office.FindCentre(v.ctx(), q, id)
		return err
	})
	return inspection.Words{ZH: c.Name, EN: c.NameEN}.In(v.x.lang), err
}

// taskDone closes a task with a note about what was done.
func (p *site) taskDone(v *view) error {
	back, task := inside(v.form("back")), v.id()
	if back == "" {
		back = "/"
	}
	if err := p.Inspection.Done(v.ctx(), v.by, task, v.form("note")); err != nil {
		again := p.desk
		if visit, ok := strings.CutPrefix(back, "/visits/"); ok { // its page has the same form
			v.r.SetPathValue("id", visit)
			again = p.visit
		}
		return p.done(v, err, form{"task", task}, again)
	}
	return v.leave(back, "flash.task.done")
}

// organises reports whether somebody works at the window of a centre.
func (v *view) organises(centre string) bool { return v.is(atDesk...) && v.by.Centre == centre }

// supervises is the same for its supervisors.
func (v *view) supervises(centre string) bool {
	return v.by.Is(auth.Supervisor) && v.by.Centre == centre
}
