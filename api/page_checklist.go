package api

import (
	"net/http"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// checklistPages are a department's checklists, and filling one in on the site
// (INS-1007).
func (p *site) checklistPages() {
	p.on(Route{Method: http.MethodGet, Path: "/checklists", Act: "pageChecklists", Who: anywhere(inOffice...)}, p.checklists)
	p.on(Route{
		Method: http.MethodPost, Path: "/checklists", Act: "pagePublishChecklist", Who: anywhere(auth.Head), Rate: uploadRate, Body: 2 * inspection.MaxChecklist,
	}, p.publishChecklist)
	p.on(Route{Method: http.MethodGet, Path: "/checklists/file", Act: "pageChecklistFile", Who: anywhere(inOffice...)}, p.checklistFile)
	const at = "/inbox/{id}/record"
	p.on(Route{Method: http.MethodGet, Path: at, Act: "pageSiteRecord", Who: readers(inOffice...)}, p.siteRecord)
	p.on(Route{Method: http.MethodPost, Path: at, Act: "pageAnswerChecklist", Who: actors(inOffice...), Rate: uploadRate, Body: 4 * inspection.MaxScan}, p.answerChecklist)
}

type checklistsPage struct {
	Lists   []checklistLine
	Matters []option
	Edits   bool // the reader is the head
	Once    string
}

type checklistLine struct {
	inspection.Checklist
	Matter string
	From   time.Time
}

func (p *site) checklists(v *view) error {
	v.here = "/checklists"
	d := checklistsPage{Edits: v.is(auth.Head), Once: newOnce()}
	lists, err := p.Inspection.Checklists(v.ctx(), v.by)
	if err != nil {
		return err
	}
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		matters, err := inspection.ListMatters(v.ctx(), q, inspection.MatterQuery{At: p.now()})
		called := map[string]string{inspection.EveryMatter: p.say(v, "checklist.every")}
		d.Matters = []option{{Value: inspection.EveryMatter, Text: called[inspection.EveryMatter]}}
		for _, m := range matters {
			called[m.Code] = m.Name(v.x.lang)
			d.Matters = append(d.Matters, option{Value: m.Code, Text: m.Name(v.x.lang)})
		}
		for _, c := range lists {
			d.Lists = append(d.Lists, checklistLine{c, called[c.MatterCode], c.EffectiveFrom.Midnight()})
		}
		return err
	})
	if err != nil {
		return err
	}
	for i := range d.Matters {
		d.Matters[i].Chosen = v.tried.Chose("publish", "", "matter", d.Matters[i].Value)
	}
	return p.show(v, "checklists", d)
}

func (p *site) publishChecklist(v *view) error {
	file, err := v.upload("file", inspection.MaxChecklist)
	r := inspection.ChecklistRequest{MatterCode: v.form("matter"), File: file.Bytes, Once: v.once()}
	if err == nil {
		r.EffectiveFrom, err = workday.ParseDate(v.form("from"))
	}
	var c inspection.Checklist
	if err == nil {
		c, err = p.Inspection.PublishChecklist(v.ctx(), v.by, r)
	}
	if err != nil {
		return p.done(v, err, form{"publish", ""}, p.checklists)
	}
	return v.leave("/checklists", "flash.checklist", "version", itoa(c.Version), "n", itoa(len(c.Items)))
}

// checklistFile is a checklist as it can be uploaded again; without one of the
// matter, the columns to be filled in.
func (p *site) checklistFile(v *view) error {
	lists, err := p.Inspection.Checklists(v.ctx(), v.by)
	if err != nil {
		return err
	}
	found := inspection.Checklist{}
	for _, c := range lists {
		if c.MatterCode == v.query("matter") {
			found = c
		}
	}
	v.attach("checklist.csv", "text/csv; charset=utf-8", found.CSV())
	return nil
}

// recordPage is the checklist of the own department on one visit.
type recordPage struct {
	Visit  inspection.VisitView
	Record inspection.SiteRecord
	Values []string                         // of a yes_no answer
	Modes  map[inspection.AnswerType]string // keyboard of a telephone
	Open   int
	Fills  bool
	Once   string
}

func (p *site) siteRecord(v *view) error {
	v.here = "/inbox/" + v.id() + "/record"
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	d := recordPage{Visit: found, Once: newOnce(), Fills: fills(found, own.ParticipantView),
		Values: []string{inspection.ValueMet, inspection.ValueNotMet, inspection.ValueNone},
		Modes:  map[inspection.AnswerType]string{inspection.AnswerNumber: "decimal", inspection.AnswerText: "text"},
	}
	if d.Record, err = p.Inspection.SiteRecord(v.ctx(), v.by, found.ID, own.DepartmentID); err != nil {
		return err
	}
	d.Open = len(d.Record.Open())
	return p.show(v, "record", d)
}

// fills reports whether a department may enter findings now (INS-1201).
func fills(visit inspection.VisitView, own inspection.ParticipantView) bool {
	runs := visit.State == inspection.VisitInProgress || visit.State == inspection.VisitCollecting
	return runs && own.OnSite()
}

// answerChecklist saves the whole page; what has not changed is not saved again.
func (p *site) answerChecklist(v *view) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	record, err := p.Inspection.SiteRecord(v.ctx(), v.by, found.ID, own.DepartmentID)
	if err != nil {
		return err
	}
	r := inspection.AnswerRequest{ParticipantID: own.ID, Once: v.once()}
	for _, i := range record.Found {
		a := inspection.AnswerItem{N: i.N, Value: v.form("value" + itoa(i.N)), Note: v.form("note" + itoa(i.N))}
		if a.Photo, err = v.upload("photo"+itoa(i.N), inspection.MaxScan); err != nil {
			return p.done(v, err, form{"record", ""}, p.siteRecord)
		}
		r.Items = append(r.Items, a)
	}
	if err := p.Inspection.Answer(v.ctx(), v.by, r); err != nil {
		return p.done(v, err, form{"record", ""}, p.siteRecord)
	}
	return v.leave("/inbox/"+found.ID+"/record", "flash.record")
}
