package inspection

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// Applicant is who asks. Phone and IDNo are personal data: they are shown
// masked and never enter a notice or a leaf (FAC-20, FAC-21).
type Applicant struct {
	Name  string `json:"name"`
	USCC  string `json:"uscc,omitempty"`
	IDNo  string `json:"id_no,omitempty"`
	Phone string `json:"phone"`
	Email string `json:"email,omitempty"`
	Agent string `json:"agent,omitempty"`
}

// Masked is the applicant as lists and pages may show it.
func (a Applicant) Masked() Applicant {
	if a.USCC == "" && a.IDNo != "" { // a shop's name is public, a person's is not
		a.Name = delivery.MaskName(a.Name)
	}
	a.IDNo = delivery.MaskIDNo(a.IDNo)
	a.Phone = delivery.MaskPhone(a.Phone)
	a.Email = delivery.MaskEmail(a.Email)
	a.Agent = delivery.MaskName(a.Agent)
	return a
}

// Site is the premises. The division decides who organises (INS-202); the
// point, WGS-84, only serves travel times and may be missing.
type Site struct {
	Division string  `json:"division"`
	Address  string  `json:"address"`
	Lat      float64 `json:"lat,omitempty"`
	Lon      float64 `json:"lon,omitempty"`
}

func (s Site) checkPoint() error {
	if !(s.Lat >= -90 && s.Lat <= 90 && s.Lon >= -180 && s.Lon <= 180) { // written so that NaN fails
		return fault.Refuse(fault.Invalid, "point_invalid",
			"坐标无效，请填写 WGS-84 纬度和经度，或留空", "the point is not on earth; give WGS-84 latitude and longitude, or leave it out")
	}
	return nil
}

// Case is one applicant's Matter at one Site. It keeps the Matter's version in
// force at acceptance to its end (INS-301).
type Case struct {
	bun.BaseModel `bun:"table:cases" json:"-"`

	ID               string    `bun:"id,pk" json:"id"`
	Number           string    `json:"number"`
	ExternalID       string    `json:"external_id,omitempty"`
	MatterCode       string    `json:"matter_code"`
	MatterVersion    int       `json:"matter_version"`
	MatterName       string    `json:"matter_name"`
	Applicant        Applicant `bun:"type:jsonb" json:"applicant"`
	ApplicantName    string    `json:"-"`
	Site             Site      `bun:"type:jsonb" json:"site"`
	Division         string    `json:"division"`
	Answers          Answers   `bun:"type:jsonb" json:"answers"`
	CentreID         string    `json:"centre_id"` // where it was accepted
	WindowID         string    `json:"window_id"`
	OrganiserCentre  string    `json:"organiser_centre"` // who books its visits
	OrganiserWindow  string    `json:"organiser_window"`
	State            CaseState `json:"state"`
	AcceptedAt       time.Time `json:"accepted_at"`
	AcceptedBy       string    `json:"accepted_by"`
	LimitDate        string    `json:"limit_date"` // ISO date by which the visit is held
	LimitProvisional bool      `json:"limit_provisional,omitempty"`
	Search           string    `json:"-"`
	Version          int       `json:"version"`

	Departments []CaseDepartment `bun:"rel:has-many,join:id=case_id" json:"departments"`

	Limits     *Limits     `bun:"-" json:"limits,omitempty"`     // as of today; only where one case is read (INS-1115)
	Extensions []Extension `bun:"-" json:"extensions,omitempty"` // of the legal one, asked for and decided; as Limits
}

// CaseDepartment is one row of the derived list: a department of the Matter's
// version, in or out, and the clause that decided (INS-307).
type CaseDepartment struct {
	bun.BaseModel `bun:"table:case_departments" json:"-"`

	CaseID         string   `bun:",pk" json:"-"`
	System         string   `bun:",pk" json:"system"`
	DepartmentID   string   `json:"department_id,omitempty"`
	Attendance     string   `json:"attendance"`
	Lead           bool     `json:"lead"`
	NeverDeemed    bool     `json:"never_deemed"`
	Included       bool     `json:"included"`
	BecauseUnknown bool     `json:"because_unknown"`
	ConfirmedBy    string   `json:"confirmed_by,omitempty"`
	Clause         string   `json:"clause"`
	Basis          string   `json:"basis,omitempty"`
	Missing        []string `bun:"type:jsonb" json:"missing,omitempty"`
	CheckKind      string   `json:"check_kind"`
	ManualReason   string   `json:"manual_reason,omitempty"`
	ChangedBy      string   `json:"changed_by,omitempty"`
}

// open reports whether the clerk still has to decide about an unknown fact.
func (c CaseDepartment) open() bool {
	return c.Included && c.BecauseUnknown && c.ConfirmedBy == ""
}

// AcceptRequest is what a window takes in.
type AcceptRequest struct {
	MatterCode string
	ExternalID string
	Applicant  Applicant
	Site       Site
	Answers    Answers
	USCCWhy    string // why a credit code with a wrong check digit is right
	Once       once.Key

	at time.Time
}

// check normalises what was typed and refuses what cannot be right. The number
// of a company may fail its check digit in real life: it is refused with
// credit_code_check unless USCCWhy says why it is right all the same (FAC-22).
func (r *AcceptRequest) check() (err error) {
	a := &r.Applicant
	for _, text := range []*string{&a.Name, &a.Agent, &a.Email, &r.Site.Address, &r.ExternalID} {
		*text = strings.TrimSpace(*text)
	}
	if a.Name == "" || r.Site.Address == "" {
		return fault.Refuse(fault.Invalid, "case_incomplete",
			"请填写申请人名称和经营场所地址", "give the applicant's name and the address of the premises")
	}
	if err := office.CheckLines(line("name", a.Name), line("agent", a.Agent), line("address", r.Site.Address), line("external_id", r.ExternalID)); err != nil {
		return err
	}
	if err := r.Site.checkPoint(); err != nil {
		return err
	}
	if err := a.check(r.USCCWhy, dateOf(r.at)); err != nil {
		return err
	}
	return r.Answers.Check()
}

// Check refuses what Accept would refuse whatever the database holds, so that a
// preview says it before the last step. Refusals: case_incomplete, text_invalid,
// point_invalid and those of CheckPhone, CheckCreditCode, CheckIDNumber,
// office.MailAddress and Answers.Check.
func (r AcceptRequest) Check(now time.Time) error {
	r.at = now
	return r.check()
}

func (a *Applicant) check(why string, today workday.Date) (err error) {
	if a.Phone, err = CheckPhone(a.Phone); err != nil {
		return err
	}
	if a.Email != "" {
		if a.Email, err = office.MailAddress(a.Email); err != nil {
			return err
		}
	}
	if a.USCC != "" {
		code, err := CheckCreditCode(a.USCC)
		if err != nil && !(fault.Is(err, "credit_code_check") && why != "") {
			return err
		}
		a.USCC = code
	}
	if a.IDNo != "" {
		a.IDNo, err = CheckIDNumber(a.IDNo, today)
	}
	return err
}

// Accept registers a Case (受理) and derives its departments. A clerk or
// supervisor of any centre may accept, and a machine with the scope
// cases:write. The visit belongs to the window of the site's division
// (INS-202), whoever accepted. Refusals: not_a_window, matter_unknown,
// matter_not_in_force, site_division_missing, division_unknown,
// department_missing, case_exists.
func (d *Desk) Accept(ctx context.Context, by auth.Actor, r AcceptRequest) (Case, error) {
	d = d.still()
	now := d.now()
	r.at = now
	return once.Act(ctx, d.DB.Write, r.Once, now, func(tx bun.IDB) (Case, error) { return d.accept(ctx, tx, by, r, now) })
}

func (d *Desk) accept(ctx context.Context, tx bun.IDB, by auth.Actor, r AcceptRequest, now time.Time) (Case, error) {
	if err := mayAccept(by); err != nil {
		return Case{}, err
	}
	if strings.TrimSpace(r.Site.Division) == "" { // INS-205
		return Case{}, fault.Refuse(fault.Invalid, "site_division_missing",
			"请选择经营场所所在的县区：由所在地的综合窗口组织勘验", "choose the division of the premises: the window there organises the visit")
	}
	if err := r.check(); err != nil {
		return Case{}, err
	}
	matter, err := MatterAt(ctx, tx, r.MatterCode, now)
	if err != nil {
		return Case{}, err
	}
	division, err := office.FindDivision(ctx, tx, r.Site.Division)
	if err != nil {
		return Case{}, err
	}
	r.Site.Division = division.Code // INS-205: a replaced code resolves
	centre, window, err := office.Organiser(ctx, tx, r.Site.Division)
	if err != nil {
		return Case{}, err
	}
	c := newCase(by, r, matter, now)
	c.OrganiserCentre, c.OrganiserWindow = centre.ID, window.ID
	if c.CentreID == "" { // filed by a machine: the organiser's window takes it in
		c.CentreID, c.WindowID = centre.ID, window.ID
	}
	if c.Departments, err = deriveFor(ctx, tx, matter, r.Answers, c.Division); err != nil {
		return Case{}, err
	}
	if err := d.setLimit(ctx, tx, &c); err != nil {
		return Case{}, err
	}
	c.State = stateFor(c.Departments)
	if c.Number, err = nextNumber(ctx, tx, "case/"+c.Division, now, "%s-%d-%06d"); err != nil {
		return Case{}, err
	}
	c.Search = searchText(c)
	if err := insertCase(ctx, tx, &c); err != nil {
		return Case{}, err
	}
	if c.Applicant.Email != "" { // DEL-1201: the applicant's own page from the first day on
		if err := delivery.QueueLink(ctx, tx, now, waiting(c, matter), c.Applicant.Email); err != nil {
			return Case{}, err
		}
	}
	return c, d.recordCase(ctx, tx, by, c, audit.Leaf{
		Type: "case_accepted", Stream: caseStream(c.ID), Actor: by.String(), At: now,
		Fields: map[string]any{
			"number": c.Number, "matter": c.MatterCode, "matter_version": c.MatterVersion,
			"division": c.Division, "organiser": c.OrganiserCentre, "departments": includedSystems(c.Departments),
		},
	})
}

// recordCase ends an act that derived the departments of a case. Where nobody
// has to see the site their results are owed at once (INS-309).
func (d *Desk) recordCase(ctx context.Context, tx bun.IDB, by auth.Actor, c Case, leaf audit.Leaf) error {
	leaves := []audit.Leaf{leaf}
	if c.State == CaseNoVisit {
		owed, err := d.expectResults(ctx, tx, c, by)
		if err != nil {
			return err
		}
		leaves = append(leaves, owed...)
	}
	return audit.Record(ctx, tx, leaves...)
}

func newCase(by auth.Actor, r AcceptRequest, m Matter, now time.Time) Case {
	return Case{
		ID: newID(), ExternalID: r.ExternalID, MatterCode: m.Code, MatterVersion: m.Version, MatterName: m.NameZH,
		Applicant: r.Applicant, ApplicantName: r.Applicant.Name, Site: r.Site, Division: r.Site.Division,
		Answers: r.Answers, CentreID: by.Centre, WindowID: by.Window,
		AcceptedAt: now, AcceptedBy: by.String(), Version: 1,
	}
}

// setLimit counts the date by which the visit is held (INS section 4, clock
// "limit date"); it freezes the value in force at acceptance (INS-1301).
func (d *Desk) setLimit(ctx context.Context, tx bun.IDB, c *Case) error {
	rules, err := office.RulesAt(ctx, tx, c.AcceptedAt, office.Scope{Centre: c.OrganiserCentre, Matter: c.MatterCode})
	if err != nil {
		return err
	}
	cal, err := office.Calendar(ctx, tx)
	if err != nil {
		return err
	}
	limit, err := cal.Add(workday.DateOf(c.AcceptedAt), rules.Limit)
	if err != nil {
		return err
	}
	c.LimitDate, c.LimitProvisional = limit.String(), cal.Provisional(limit)
	return nil
}

// deriveFor resolves the Matter's rules to the departments competent for the
// site (INS-302, INS-307). A rule that is out keeps no department.
func deriveFor(ctx context.Context, q bun.IDB, m Matter, a Answers, division string) ([]CaseDepartment, error) {
	derived := Derive(m, a)
	out := make([]CaseDepartment, 0, len(derived))
	for _, r := range derived {
		row := CaseDepartment{
			System: r.System, Attendance: string(r.Attendance), Lead: r.Lead, NeverDeemed: r.NeverDeemed,
			Included: r.In, BecauseUnknown: r.BecauseUnknown, Clause: r.Clause, Basis: r.Basis,
			Missing: r.Missing, CheckKind: string(r.CheckKind),
		}
		if r.In {
			dep, err := office.CompetentDepartment(ctx, q, r.System, r.Level, division)
			if err != nil {
				return nil, err
			}
			row.DepartmentID = dep.ID
		}
		out = append(out, row)
	}
	return out, nil
}

// stateFor says whether the case needs a visit at all (INS-309).
func stateFor(rows []CaseDepartment) CaseState {
	for _, r := range rows {
		if r.Included && r.Attendance == string(Required) {
			return CaseAccepted
		}
	}
	return CaseNoVisit
}

// stateAfter says where a case stands, given its visits.
func stateAfter(c Case, visits []VisitState) CaseState {
	if c.State == CaseHandedOver {
		return c.State
	}
	closed := false
	for _, s := range visits {
		switch s {
		case VisitOffered, VisitConfirmed, VisitInProgress, VisitCollecting:
			return CaseVisiting
		case VisitClosed:
			closed = true
		case VisitDraft, VisitNotHeld, VisitCancelled:
		}
	}
	if closed {
		return CaseVisited
	}
	return stateFor(c.Departments)
}

func includedSystems(rows []CaseDepartment) []string {
	var out []string
	for _, r := range rows {
		if r.Included {
			out = append(out, r.System)
		}
	}
	return out
}

func searchText(c Case) string {
	return strings.ToLower(strings.Join([]string{c.Number, c.ExternalID, c.MatterName, c.Applicant.Name, c.Site.Address}, " "))
}
