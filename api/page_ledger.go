package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// ledgerPages are the ledger, its entries, and the forms that make one.
func (p *site) ledgerPages() {
	p.on(Route{Method: http.MethodGet, Path: "/ledger", Act: "pageLedger", Who: anywhere(ledgerReaders...)}, p.ledger)
	p.on(Route{Method: http.MethodGet, Path: "/ledger/attempts", Act: "pageAttempts", Who: anywhere(auth.Supervisor, auth.Auditor)}, p.attempts)
	p.on(Route{Method: http.MethodGet, Path: "/ledger/{id}", Act: "pageEntry", Who: readers(ledgerReaders...)}, p.entry)
	p.on(Route{Method: http.MethodPost, Path: "/ledger/{id}/ask", Act: "pageAskParty", Who: actors(auth.Supervisor)}, p.askPartyOf)
	p.on(Route{Method: http.MethodPost, Path: "/ledger/{id}/answer", Act: "pageExplain", Who: explainers}, p.explainOf)
	p.on(Route{Method: http.MethodPost, Path: "/ledger/{id}/decide", Act: "pageDecideBreach", Who: actors(auth.Supervisor)}, p.decideBreachOf)
	p.on(Route{Method: http.MethodGet, Path: "/cases/{id}/ledger", Act: "pageReport", Who: readers(explainers.Own...)}, p.reportForm)
	p.on(Route{
		Method: http.MethodPost, Path: "/cases/{id}/ledger", Act: "pageReportBreach", Who: explainers, Rate: uploadRate, Body: 4 * inspection.MaxScan,
	}, p.reportOf)
}

// ledgerPage lists lines, newest first; More leads to older ones.
type ledgerPage struct {
	Search, Month string
	Filtered      bool
	Mine          bool // a department's own
	MayTried      bool
	Classes       []option
	States        []option
	Departments   []option
	Lines         []inspection.LedgerLine
	More          string
}

func (p *site) ledger(v *view) error {
	after, _ := openPosition(v.query("after"))
	query := inspection.LedgerQuery{
		Search: v.query("q"), Class: v.query("class"), State: v.query("state"), Department: v.query("department"), After: after, Limit: pageSize,
	}
	query.From, query.To = monthOf(v.query("month"))
	lines, err := p.Inspection.Ledger(v.ctx(), v.by, query)
	if err != nil {
		return err
	}
	d := ledgerPage{
		Search: query.Search, Month: v.query("month"), Lines: lines, Mine: !v.is(overseeing...), MayTried: v.is(auth.Supervisor, auth.Auditor),
		States: p.stateOptions(v, "breach_state", "suspected", "confirmed", "dismissed", inspection.LedgerRecorded),
	}
	d.Filtered = query.Search != "" || query.Class != "" || query.State != "" || query.Department != "" || d.Month != ""
	for _, class := range inspection.LedgerClasses {
		d.Classes = append(d.Classes, option{class, class + " " + p.say(v, "breach_class."+class), query.Class == class})
	}
	if len(lines) == pageSize {
		d.More = v.with("after", positionCursor(lines[len(lines)-1].Position()))
	}
	if !d.Mine {
		if d.Departments, err = p.departmentOptions(v, query.Department); err != nil {
			return err
		}
	}
	return p.show(v, "ledger", d)
}

// departmentOptions are all departments, and the window as a party.
func (p *site) departmentOptions(v *view, chosen string) (out []option, err error) {
	out = append(out, option{inspection.PartyWindow, p.say(v, "ledger.window"), chosen == inspection.PartyWindow})
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		departments, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{})
		for _, one := range departments {
			out = append(out, option{one.ID, inspection.Words{ZH: one.Name, EN: one.NameEN}.In(v.x.lang), chosen == one.ID})
		}
		return err
	})
	return out, err
}

// monthOf is the span of a month such as 2026-11 at the office; zero for what is none.
func monthOf(text string) (from, to time.Time) {
	first, err := workday.ParseDate(text + "-01")
	if err != nil {
		return from, to
	}
	next := first.AddDays(31)
	next.Day = 1
	return first.Midnight(), next.Midnight()
}

// entryPage is one stored entry, and what the reader may do about it.
type entryPage struct {
	inspection.LedgerEntry
	Line        string // how the term was counted
	By          string // who reported it, for those who may know
	Mine        bool   // the reader's own department
	MayExplain  bool
	MayAsk      bool
	MayDecide   bool
	DecideLater bool // the party may still answer
	Waits       bool // for its answer
}

func (p *site) entry(v *view) error {
	v.here = "/ledger/" + v.id()
	found, err := p.Inspection.LedgerEntry(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	open, told := found.State == inspection.BreachSuspected, !found.AnswerDue.IsZero()
	d := entryPage{LedgerEntry: found, Line: p.deadlineLine(v, found.Deadline), Mine: v.is(inOffice...) && !v.is(overseeing...)}
	party := v.by.Department == found.DepartmentID && v.is(inOffice...) || found.DepartmentID == inspection.PartyWindow && v.organises(found.CentreID)
	d.Waits = open && told && found.Answer == "" && p.now().Before(found.AnswerDue)
	d.MayExplain = open && told && found.Answer == "" && party
	d.MayAsk = open && !told && v.supervises(found.CentreID)
	d.MayDecide = open && v.supervises(found.CentreID) && !d.Waits
	d.DecideLater = d.Waits && v.supervises(found.CentreID)
	if strings.HasPrefix(found.MadeBy, string(auth.KindPerson)+":") {
		err = p.Read(v.ctx(), func(q bun.IDB) error {
			d.By, err = actorNames(v, q, p)(found.MadeBy)
			return err
		})
	}
	if err != nil {
		return err
	}
	return p.show(v, "entry", d)
}

// onEntry ends an act on an entry: back to its page.
func (p *site) onEntry(v *view, act, flash string, do func() error) error {
	if err := do(); err != nil {
		return p.done(v, err, form{act, ""}, p.entry)
	}
	return v.leave("/ledger/"+v.id(), flash)
}

func (p *site) askPartyOf(v *view) error {
	return p.onEntry(v, "ask", "flash.breach.asked", func() error { return p.Inspection.AskParty(v.ctx(), v.by, v.id()) })
}

func (p *site) explainOf(v *view) error {
	return p.onEntry(v, "answer", "flash.breach.answered", func() error { return p.Inspection.Explain(v.ctx(), v.by, v.id(), v.form("reason")) })
}

func (p *site) decideBreachOf(v *view) error {
	return p.onEntry(v, "decide", "flash.breach.decided", func() error {
		return p.Inspection.DecideBreach(v.ctx(), v.by, v.id(), v.form("decision") == "confirm", v.form("reason"))
	})
}

// breachForm is the form of a report, and what has been reported so far.
type breachForm struct {
	inspection.ReportView
	Base    string // where the form goes
	Back    string
	Once    string
	Today   string
	Classes []option
}

func (p *site) reportForm(v *view) error {
	v.here = "/cases/" + v.id() + "/ledger"
	found, err := p.Inspection.ReportOf(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	d := p.breachFormOf(v, found)
	d.Base, d.Back = v.here, "/cases/"+v.id()
	if !v.is(atDesk...) {
		d.Back = "/"
	}
	return p.show(v, "report_breach", d)
}

func (p *site) breachFormOf(v *view, found inspection.ReportView) breachForm {
	d := breachForm{ReportView: found, Once: newOnce(), Today: workday.DateOf(p.now()).String()}
	for _, class := range []string{inspection.ClassSeparate, inspection.ClassAsked} {
		d.Classes = append(d.Classes, option{class, p.say(v, "report_class."+class), v.tried.Chose("report", "", "class", class)})
	}
	return d
}

// reportRequest reads what the form of a report says.
func (v *view) reportRequest() (inspection.ReportRequest, error) {
	photo, err := v.upload("scan", inspection.MaxScan)
	return inspection.ReportRequest{
		Class: v.form("class"), Party: v.form("party"), On: v.form("on"), People: v.form("people"), Detail: v.form("detail"), Photo: photo, Once: v.once(),
	}, err
}

func (p *site) reportOf(v *view) error {
	r, err := v.reportRequest()
	var made inspection.Breach
	if err == nil {
		r.CaseID = v.id()
		made, err = p.Inspection.Report(v.ctx(), v.by, r)
	}
	if err != nil {
		return p.done(v, err, form{"report", ""}, p.reportForm)
	}
	if v.is(atDesk...) {
		return v.leave("/ledger/"+made.ID, "flash.breach.reported")
	}
	return v.leave("/cases/"+v.id()+"/ledger", "flash.breach.reported")
}

// attemptLine is a refused attempt with its author's name.
type attemptLine struct {
	inspection.Attempt
	Who string
}

// attempts shows who tried what is the window's alone (INS-1204).
func (p *site) attempts(v *view) error {
	list, err := p.Inspection.Attempts(v.ctx(), v.by)
	if err != nil {
		return err
	}
	var lines []attemptLine
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		who := actorNames(v, q, p)
		for _, a := range list {
			name, err := who(a.Actor)
			if err != nil {
				return err
			}
			lines = append(lines, attemptLine{a, name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.show(v, "attempts", lines)
}
