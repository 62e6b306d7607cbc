package api

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// movePage asks for the reason of another time or place, and says what will be
// void (INS-607, INS-608). Start is zero where the time stays.
type movePage struct {
	Visit        inspection.VisitView
	Start, End   time.Time
	Value        string
	Resources    []string
	People       []group
	Reasons      []string
	PastLimit    bool
	Limit        time.Time
	Alternatives []offerCard
	Once         string
}

// move shows what a new round would be. It changes nothing.
func (p *site) move(v *view) error { return p.moveTo(v, v.r.URL.Query()) }

// moveTo is the page for a choice, of the address or of a form that was refused.
func (p *site) moveTo(v *view, of url.Values) error {
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	v.here = "/visits/" + found.ID + "/retime"
	if found.State != inspection.VisitOffered && found.State != inspection.VisitConfirmed {
		http.Redirect(v.w, v.r, "/visits/"+found.ID, http.StatusSeeOther)
		return nil
	}
	d := movePage{
		Visit: found, Once: newOnce(), Limit: endOfDay(found.Case.LimitDate),
		Reasons: slices.DeleteFunc(inspection.EndReasons("Retime"), func(code string) bool { return code == "counter_accepted" }),
	}
	if of.Get("start") == "" {
		return p.show(v, "retime", d)
	}
	choice, err := p.choice(v, of)
	if err != nil {
		return p.done(v, err, form{"retime", ""}, p.board)
	}
	if err := p.describe(v, &d, choice); err != nil {
		return err
	}
	return p.show(v, "retime", d)
}

// describe names the time and the people of a choice.
func (p *site) describe(v *view, d *movePage, choice inspection.SlotChoice) error {
	d.Start, d.End = choice.Start, choice.Start.Add(time.Duration(d.Visit.Minutes)*time.Minute)
	d.Value, d.Resources = choice.Start.Format(time.RFC3339), choice.Resources
	day := workday.DateOf(choice.Start)
	d.PastLimit = day.String() > d.Visit.Case.LimitDate
	b := boarding{p: p, v: v, d: boardPage{Visit: d.Visit}}
	var err error
	b.answer, err = p.Inspection.Slots(v.ctx(), v.by, inspection.SlotRequest{
		VisitID: d.Visit.ID, From: day, To: day, PastLimit: v.by.Is(auth.Supervisor), Limit: 1,
	})
	if err != nil {
		return err
	}
	if err := b.nameDepartments(); err != nil {
		return err
	}
	d.Alternatives = b.alternatives()
	for _, row := range b.answer.Departments {
		g := group{Department: b.names[row.DepartmentID]}
		for _, r := range b.answer.People {
			if r.DepartmentID == row.DepartmentID && slices.Contains(choice.Resources, r.ID) {
				g.Names = append(g.Names, r.Name)
			}
		}
		d.People = append(d.People, g)
	}
	return nil
}

// retime offers the new time or place to everybody (INS-607). Refused, it shows
// the form again and, for a time that was taken, three others.
func (p *site) retime(v *view) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := p.retimed(v); err != nil {
		v.instead = alternativesOf(err)
		return p.done(v, err, form{"retime", ""}, func(v *view) error { return p.moveTo(v, v.r.PostForm) })
	}
	return v.leave("/visits/"+v.id(), "flash.visit.moved")
}

func (p *site) retimed(v *view) (err error) {
	r := inspection.RetimeRequest{
		VisitID: v.id(), Place: inspection.Site{Address: v.form("address")}, Code: v.form("code"), Reason: v.form("reason"),
		PastLimitWhy: v.form("why"), Once: v.once(),
	}
	if v.form("start") != "" {
		if r.Choice, err = p.choice(v, v.r.PostForm); err != nil {
			return err
		}
	}
	_, err = p.Inspection.Retime(v.ctx(), v.by, r)
	return err
}
