package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// resultPages are what departments owe, seen from both sides: the board of
// complete sets for a window, one result for who hands it over.
func (p *site) resultPages() {
	p.on(Route{Method: http.MethodGet, Path: "/sets", Act: "pageSets", Who: anywhere(overseeing...)}, p.sets)
	p.on(Route{Method: http.MethodGet, Path: "/results/{id}", Act: "pageResult", Who: readers(mayEvidence...)}, p.result)
	p.on(Route{
		Method: http.MethodPost, Path: "/results/{id}/release", Act: "pageRelease",
		Who: actors(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head), Rate: uploadRate, Body: bagBody,
	}, p.release)
	p.on(Route{Method: http.MethodPost, Path: "/results/{id}/waive", Act: "pageWaive", Who: actors(atDesk...)}, p.waive)
	p.on(Route{Method: http.MethodPost, Path: "/results/{id}/remind", Act: "pageRemind", Who: actors(atDesk...)}, p.remind)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/choice", Act: "pageChooseSet", Who: actors(atDesk...)}, p.chooseFor)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/results", Act: "pageAddResult", Who: actors(atDesk...)}, p.addResultTo)
}

// setsPage is the board 齐套: who keeps which case back.
type setsPage struct {
	Search   string
	Filtered bool
	Full     int
	Seals    bool // the reader packs; others only look
	States   []option
	Sets     []setLine
	Holders  []delivery.Holder
}

// setLine is a set with its latest day under art. 44 as an instant.
type setLine struct {
	delivery.Set
	Due time.Time
}

func lineOfSet(s delivery.Set) setLine {
	out := setLine{Set: s}
	if s.Ceiling != nil {
		out.Due = s.Ceiling.Due.At(17*60 + 30)
	}
	return out
}

// mostSets is how many cases the board shows; search narrows it.
const mostSets = 100

func (p *site) sets(v *view) error {
	sets, err := p.Delivery.ListSets(v.ctx(), v.by, delivery.SetQuery{Search: v.query("q"), State: v.query("state"), Limit: mostSets})
	if err != nil {
		return err
	}
	d := setsPage{
		Search: v.query("q"), Filtered: v.query("q") != "" || v.query("state") != "", Seals: v.is(atDesk...),
		States: p.stateOptions(v, "set_state", delivery.SetBlocked, delivery.SetReady),
	}
	for _, s := range sets {
		d.Sets = append(d.Sets, lineOfSet(s))
	}
	if len(sets) == mostSets {
		d.Full = mostSets
	}
	if d.Holders, err = p.Delivery.ListHolders(v.ctx(), v.by); err != nil {
		return err
	}
	return p.show(v, "sets", d)
}

// resultPage is one owed result: how far it is, and the form to hand it over.
type resultPage struct {
	Result  delivery.Result
	Back    []delivery.Item // things that came back or never arrived
	Rows    []int
	More    int // rows of the longer form
	Classes []option
	Reasons []option
	Today   string
	Paper   bool // the window records the department's slip
	Once    string

	MayRelease, MayDecide, Ours bool
	MaySupply, MayFile          bool // a file instead of paper, and what follows (DEL-240)
	FileClasses, Signatures     []option
}

// rowsOfForm are the things a form asks for at first, and at the most.
const rowsOfForm, mostRows = 3, 20

func (p *site) result(v *view) error {
	v.here = "/results/" + v.id()
	found, err := p.Delivery.FindResult(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	window, open := v.organises(found.CentreID), found.State == delivery.LineExpected || found.State == delivery.LineSplit
	d := resultPage{
		Result: found, Once: newOnce(), Today: workday.DateOf(p.now()).String(), Paper: window, Ours: v.by.Department != "",
		MayRelease: open && found.Open() == nil && (window || v.is(inOffice...)), MayDecide: open && window,
	}
	for _, c := range delivery.ResultClasses() {
		d.Classes = append(d.Classes, option{Value: string(c), Text: c.In(v.x.lang)})
	}
	d.MaySupply, d.MayFile = d.MayRelease && found.File() == nil && !found.WindowOnly, window
	if d.MaySupply {
		d.FileClasses, d.Signatures = p.fileOptions(v)
	}
	for _, r := range delivery.PartialReasons() {
		d.Reasons = append(d.Reasons, option{Value: r, Text: p.say(v, "partial."+r)})
	}
	for _, i := range found.Items {
		if i.CustodianKind == delivery.AtDepartment && i.TransferID == "" {
			d.Back = append(d.Back, i)
		}
	}
	rows := min(mostRows, max(rowsOfForm, whole(v.query("rows")), whole(v.form("rows"))))
	for i := range rows {
		d.Rows = append(d.Rows, i+1)
	}
	if rows < mostRows {
		d.More = min(mostRows, rows+3)
	}
	return p.show(v, "result", d)
}

// onResult ends an act on a result: back to it, or the page with the refusal.
// Who may not read it learns nothing of it (SEC-3).
func (p *site) onResult(v *view, f form, to, flash string, act func() error) error {
	if _, err := p.Delivery.FindResult(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := act(); err != nil {
		return p.done(v, err, f, p.result)
	}
	return v.leave(to, flash)
}

// release hands the results over. Things are read row by row; an empty row is
// none.
func (p *site) release(v *view) error {
	return p.onResult(v, form{"release", ""}, "/results/"+v.id(), "flash.handed_over", func() (err error) {
		r := delivery.ReleaseRequest{
			LineID: v.id(), DecidedOn: v.form("decided_on"), RefusedGrant: v.form("refused_grant") == "yes", Again: v.r.PostForm["again"],
			PartialWhy: v.form("partial_why"), PartialNote: v.form("partial_note"), Paper: v.is(atDesk...), Giver: v.form("giver"), Once: v.once(),
		}
		for i := range mostRows {
			if n, given := v.thing(itoa(i + 1)); given {
				r.New = append(r.New, n)
			}
		}
		if r.Paper {
			if r.SignedAt, r.Slip, err = p.slipOf(v); err != nil {
				return err
			}
		}
		_, err = p.Delivery.Release(v.ctx(), v.by, r)
		return err
	})
}

// thing is one row of the form.
func (v *view) thing(row string) (n delivery.NewItem, given bool) {
	n = delivery.NewItem{
		Class: delivery.Class(v.form("class" + row)), Title: v.form("title" + row),
		Seal: delivery.SealFacts{
			Kind: v.form("seal_kind" + row), Code: v.form("seal_code" + row), Filing: v.form("seal_filing" + row), Bag: v.form("seal_bag" + row),
		},
	}
	return n, n != delivery.NewItem{}
}

func (p *site) waive(v *view) error {
	return p.onResult(v, form{"waive", ""}, "/results/"+v.id(), "flash.waived", func() error {
		_, err := p.Delivery.Waive(v.ctx(), v.by, v.id(), v.form("ground"))
		return err
	})
}

func (p *site) remind(v *view) error {
	return p.onResult(v, form{"remind", ""}, "/results/"+v.id(), "flash.reminded", func() error {
		_, err := p.Delivery.Remind(v.ctx(), v.by, v.id(), v.once())
		return err
	})
}

// chooseFor records the applicant's choice on the page of the case (DEL-303).
func (p *site) chooseFor(v *view) error {
	return p.onSet(v, form{"choice", ""}, "flash.choice", func() error {
		r := delivery.ChoiceRequest{
			CaseID: v.id(), Choice: v.form("choice"), GivenBy: v.form("given_by"), Channel: v.form("channel"), Note: v.form("note"), Once: v.once(),
		}
		if r.Choice == delivery.ChooseSplit {
			r.Lines = v.r.PostForm["lines"]
		}
		_, err := p.Delivery.Choose(v.ctx(), v.by, r)
		return err
	})
}

func (p *site) addResultTo(v *view) error {
	return p.onSet(v, form{"add", ""}, "flash.result_added", func() error {
		_, err := p.Delivery.AddLine(v.ctx(), v.by, delivery.AddLineRequest{
			CaseID: v.id(), DepartmentID: v.form("department"), Permit: v.form("permit"), Ground: v.form("ground"), WindowOnly: v.form("window_only") == "yes", Once: v.once(),
		})
		return err
	})
}

// onSet is onResult for acts on the set of a case.
func (p *site) onSet(v *view, f form, flash string, act func() error) error {
	if _, err := p.Delivery.FindSet(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := act(); err != nil {
		return p.done(v, err, f, p.oneCase)
	}
	return v.leave("/cases/"+v.id()+"#set", flash)
}

// caseSet is the part of a case's page about its results; nil while nothing is
// owed, or where the reader's window does not hand them out.
type caseSet struct {
	setLine
	Items       []delivery.Item
	MayDecide   bool
	Departments []option
	Once        string
	Parcels     []parcelLine          // for the window and auditors
	Owed        []delivery.ResultLine // that may go as files
	Methods     []delivery.ElectronicMethod
}

func (p *site) setOf(v *view, caseID string) (*caseSet, error) {
	found, err := p.Delivery.FindSet(v.ctx(), v.by, caseID)
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := &caseSet{setLine: lineOfSet(found), MayDecide: v.organises(found.CentreID), Once: newOnce(), Methods: delivery.ElectronicMethods[:]}
	for _, l := range found.Lines {
		if (l.State == delivery.LineExpected || l.State == delivery.LineSplit) && !l.WindowOnly {
			d.Owed = append(d.Owed, l)
		}
	}
	if d.Parcels, err = p.parcelsOf(v, caseID); err != nil {
		return nil, err
	}
	if d.Items, err = p.Delivery.ListItems(v.ctx(), v.by, caseID); err != nil || !d.MayDecide {
		return d, err
	}
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
		for _, dep := range all {
			text := dep.Name
			if v.x.lang == "en" && dep.NameEN != "" {
				text = dep.NameEN
			}
			d.Departments = append(d.Departments, option{Value: dep.ID, Text: text, Chosen: v.tried.Chose("add", "", "department", dep.ID)})
		}
		return err
	})
	return d, err
}

// owedLines are what the reader's department still has to hand over, and what waits
// for the window's signature, for its inbox.
func (p *site) owedLines(v *view, search string) (owed, sent []delivery.ResultLine, err error) {
	owed, sent, err = p.Delivery.Owed(v.ctx(), v.by)
	other := func(l delivery.ResultLine) bool { return !holds(search, l.CaseNumber, l.MatterName, l.Applicant) }
	return slices.DeleteFunc(owed, other), slices.DeleteFunc(sent, other), err
}

// listOf splits what a hidden field keeps together.
func listOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}
