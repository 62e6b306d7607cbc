package api

import (
	"net/http"
	"slices"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// onRuns are those who see runs: who carries, who gives and gets, and auditors.
var onRuns = append([]auth.Role{auth.Courier}, following...)

// runPages are the circulation runs between window and departments: what goes
// with which, leaving, and counting when one is home (DEL-922, DEL-923).
func (p *site) runPages() {
	p.on(Route{Method: http.MethodGet, Path: "/runs", Act: "pageRuns", Who: anywhere(onRuns...)}, p.runs)
	p.on(Route{Method: http.MethodGet, Path: "/runs/{id}", Act: "pageRun", Who: readers(onRuns...)}, p.run)
	at := func(act, name string, roles []auth.Role, h handler) {
		p.on(Route{Method: http.MethodPost, Path: "/runs/{id}/" + act, Act: name, Who: Who{Own: roles, See: onRuns, Else: http.StatusForbidden}}, h)
	}
	at("leave", "pageLeaveRun", carrying, p.leaveRun)
	at("postpone", "pagePostponeEntry", carrying, p.postponeEntry)
	at("print", "pagePrintRunList", carrying, p.printRunList)
	at("close", "pageCloseRun", atDesk, p.closeRun)
	at("miss", "pageMissRun", atDesk, p.missRun)
}

// runsPage lists runs: under way, to come, and the last that ended.
type runsPage struct {
	Away, Coming, Past []delivery.RunView
	Hours              bool // of a centre: also the hours that nothing has joined
}

func (p *site) runs(v *view) error {
	v.here = "/runs"
	list, err := p.Delivery.ListRuns(v.ctx(), v.by)
	if err != nil {
		return err
	}
	d := runsPage{Hours: v.by.Centre != ""}
	for _, r := range list {
		switch r.State {
		case delivery.RunAway:
			d.Away = append(d.Away, r)
		case delivery.RunPlanned:
			d.Coming = append(d.Coming, r)
		default:
			d.Past = append(d.Past, r)
		}
	}
	return p.show(v, "runs", d)
}

// runPage is one run: its stops, what became of each entry, and what may be done.
type runPage struct {
	Run              delivery.RunView
	Stops            []delivery.RunStop
	Moved            []delivery.RunEntry // to another run, or signed for before it left
	Carries, Closes  bool
	Ready            bool // nothing is open: it can be closed
	Carriers         []option
	Today, Postpones bool
	Links            bool // to the bags and transfers, which a courier does not open
}

func (p *site) run(v *view) error {
	found, err := p.Delivery.FindRun(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	v.here = "/runs/" + v.id()
	own := v.by.Centre == found.CentreID
	d := runPage{
		Run: found, Stops: found.Stops(), Carries: own && v.is(carrying...), Closes: own && v.is(atDesk...), Ready: found.Counts.Open == 0,
		Today: workday.DateOf(p.now()) == workday.DateOf(found.LeavesAt), Links: v.is(following...),
	}
	d.Postpones = d.Carries && (found.State == delivery.RunPlanned || found.State == delivery.RunAway)
	d.Moved = slices.DeleteFunc(slices.Clone(found.Entries), func(e delivery.RunEntry) bool {
		return e.Fate != delivery.FateMoved && e.Fate != delivery.FateDirect
	})
	if d.Closes && found.State == delivery.RunPlanned {
		people, err := p.Delivery.Carriers(v.ctx(), v.by)
		if err != nil {
			return err
		}
		for _, c := range people {
			d.Carriers = append(d.Carriers, option{c.ID, c.Name, v.tried.Chose("leave", "", "carrier", c.ID)})
		}
	}
	return p.show(v, "run", d)
}

// onRun ends an act on a run: back to it, or the page with the refusal.
func (p *site) onRun(v *view, f form, flash string, err error) error {
	if err != nil {
		return p.done(v, err, f, p.run)
	}
	return v.leave("/runs/"+v.id(), flash)
}

func (p *site) leaveRun(v *view) error {
	_, err := p.Delivery.LeaveRun(v.ctx(), v.by, v.id(), v.form("carrier"))
	return p.onRun(v, form{"leave", ""}, "flash.run.left", err)
}

func (p *site) postponeEntry(v *view) error {
	_, err := p.Delivery.PostponeEntry(v.ctx(), v.by, v.id(), v.form("entry"), v.form("reason"))
	return p.onRun(v, form{"postpone", v.form("entry")}, "flash.run.postponed", err)
}

func (p *site) closeRun(v *view) error {
	count, err := v.counted("out", "in", "back")
	if err == nil {
		_, err = p.Delivery.CloseRun(v.ctx(), v.by, v.id(), delivery.RunCount{Out: count[0], In: count[1], Back: count[2]})
	}
	return p.onRun(v, form{"close", ""}, "flash.run.closed", err)
}

func (p *site) missRun(v *view) error {
	_, err := p.Delivery.MissRun(v.ctx(), v.by, v.id(), v.form("reason"))
	return p.onRun(v, form{"miss", ""}, "flash.run.missed", err)
}

func (p *site) printRunList(v *view) error {
	out, err := p.Delivery.PrintRun(v.ctx(), v.by, v.id())
	return p.print(v, form{"print", ""}, out, err, p.run)
}
