package api

import (
	"slices"
	"strconv"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// mattersPage is where a new case begins: which 事项 is it?
type mattersPage struct {
	Search  string
	Matters []matterLine
}

// caseNewPage asks what the matter needs to know. Derived is set once the
// clerk has asked who would come (INS-307).
type caseNewPage struct {
	Matter    matterLine
	Once      string
	Questions []question
	Divisions []option
	Derived   []derivedLine
	Organiser *organiserLine
	NoVisit   bool
}

// organiserLine is the window that would organise the visit (INS-202).
type organiserLine struct {
	Centre, Address, Phone string
	Elsewhere              bool // not the window that takes the case in
}

// caseNew chooses a matter, then asks for what it needs.
func (p *site) caseNew(v *view) error {
	code := v.query("matter")
	if code != "" {
		return p.caseForm(v, code, nil)
	}
	d := mattersPage{Search: v.query("q")}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		matters, err := inspection.ListMatters(v.ctx(), q, inspection.MatterQuery{At: p.now(), Search: d.Search})
		for _, m := range matters {
			d.Matters = append(d.Matters, matterOf(v, m))
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.show(v, "matters", d)
}

// caseForm is the form of a new case. With answers it also shows who comes.
func (p *site) caseForm(v *view, code string, answers inspection.Answers) error {
	v.here = "/cases/new?matter=" + code
	d := caseNewPage{Once: v.form("once")}
	if d.Once == "" {
		d.Once = newOnce()
	}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		m, err := inspection.MatterAt(v.ctx(), q, code, p.now())
		if err != nil {
			return err
		}
		d.Matter, d.Questions = matterOf(v, m), questionsOf(v, "accept", m.Questions(), nil)
		if d.Divisions, err = p.divisions(v, q); err != nil || answers == nil {
			return err
		}
		return p.preview(v, q, &d, inspection.Derive(m, answers))
	})
	if err != nil {
		return err
	}
	return p.show(v, "case_new", d)
}

// divisions are the places that premises can lie in: those that have a centre
// of their own or lie below one, replaced codes left out.
func (p *site) divisions(v *view, q bun.IDB) ([]option, error) {
	all, err := office.ListDivisions(v.ctx(), q)
	chosen := v.tried.Value("accept", "", "division")
	if v.tried.Act == "" && v.by.Centre != "" {
		centre, err := office.FindCentre(v.ctx(), q, v.by.Centre)
		if err != nil {
			return nil, err
		}
		chosen = centre.Division
	}
	var out []option
	for _, d := range all {
		if d.Level == office.Province || d.Level == office.City || d.ReplacedBy != "" {
			continue
		}
		name := inspection.Words{ZH: d.Name, EN: d.NameEN}.In(v.x.lang)
		out = append(out, option{d.Code, name + " " + d.Code, d.Code == chosen})
	}
	return out, err
}

// preview says who would come, and which window would organise it.
func (p *site) preview(v *view, q bun.IDB, d *caseNewPage, derived []inspection.Derived) error {
	for _, one := range derived {
		d.Derived = append(d.Derived, p.lineOfRule(v, one))
	}
	d.NoVisit = !slices.ContainsFunc(derived, func(one inspection.Derived) bool {
		return one.In && one.Attendance == inspection.Required
	})
	centre, _, err := office.Organiser(v.ctx(), q, v.form("division"))
	if err != nil { // said when the case is accepted
		return nil
	}
	d.Organiser = &organiserLine{
		Centre:  inspection.Words{ZH: centre.Name, EN: centre.NameEN}.In(v.x.lang),
		Address: centre.Address, Phone: centre.Phone, Elsewhere: centre.ID != v.by.Centre,
	}
	return nil
}

// acceptCase shows who would come, or accepts the case.
func (p *site) acceptCase(v *view) error {
	request, err := p.readCase(v)
	if err == nil && v.form("step") == "accept" {
		var c inspection.Case
		if c, err = p.Inspection.Accept(v.ctx(), v.by, request); err == nil {
			return v.leave("/cases/"+c.ID, "flash.case.accepted", "number", c.Number)
		}
	}
	if err != nil {
		return p.done(v, err, form{"accept", ""}, func(v *view) error {
			return p.caseForm(v, v.form("matter"), nil)
		})
	}
	v.tried.Act, v.tried.Form = "accept", v.r.PostForm // keeps what was typed; nothing was refused
	return p.caseForm(v, v.form("matter"), request.Answers)
}

// readCase reads the form of a new case and says field by field what is wrong
// with it, already when it is only previewed. Whether it may be accepted is
// decided by the domain.
func (p *site) readCase(v *view) (inspection.AcceptRequest, error) {
	answers, wrong := parseAnswers(v)
	request := inspection.AcceptRequest{
		MatterCode: v.form("matter"), ExternalID: v.form("external_id"), Answers: answers, USCCWhy: v.form("uscc_why"), Once: v.once(),
		Applicant: inspection.Applicant{
			Name: v.form("name"), USCC: v.form("uscc"), IDNo: v.form("id_no"), Phone: v.form("phone"), Email: v.form("email"), Agent: v.form("agent"),
		},
		Site: inspection.Site{Division: v.form("division"), Address: v.form("address")},
	}
	for _, name := range []string{"division", "address", "name", "phone"} {
		if v.form(name) == "" {
			wrong = append(wrong, fault.Field{Name: name, Code: "needed", Text: p.say(v, "form.required")})
		}
	}
	wrong = append(wrong, p.wrongNumbers(v)...)
	wrong = append(wrong, p.readPoint(v, &request.Site.Lat, &request.Site.Lon)...)
	if err := refuseFields(wrong); err != nil {
		return request, err
	}
	return request, request.Check(p.now())
}

// readPoint reads the two numbers of a point, which may be left out.
func (p *site) readPoint(v *view, lat, lon *float64) (wrong []fault.Field) {
	for name, into := range map[string]*float64{"lat": lat, "lon": lon} {
		number, err := strconv.ParseFloat(v.form(name), 64)
		if *into = number; err != nil && v.form(name) != "" {
			wrong = append(wrong, fault.Field{Name: name, Code: "coordinate", Text: p.say(v, "form.number")})
		}
	}
	return wrong
}

// wrongNumbers are the numbers and addresses of the applicant that cannot be
// right, all at once: the domain would refuse the first and stop. A credit code
// that only fails its check digit is left to it, since a reason lets it pass.
func (p *site) wrongNumbers(v *view) (wrong []fault.Field) {
	today := workday.DateOf(p.now())
	for name, check := range map[string]func(string) (string, error){
		"phone": inspection.CheckPhone, "email": office.MailAddress, "uscc": inspection.CheckCreditCode,
		"id_no": func(number string) (string, error) { return inspection.CheckIDNumber(number, today) },
	} {
		if v.form(name) == "" {
			continue
		}
		_, err := check(v.form(name))
		if refusal, ok := fault.From(err); ok && refusal.Code != "credit_code_check" {
			wrong = append(wrong, fault.Field{Name: name, Code: refusal.Code, Text: refusal.In(v.x.lang)})
		}
	}
	return wrong
}
