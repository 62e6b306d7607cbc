package api

import (
	"context"
	"net/http"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

func (s *Server) matterRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/matters", Act: "listMatters",
		Title: words{"事项清单", "List the matters in force"}, Who: signedIn, Scope: "matters:read",
	}, s.listMatters)
	register(s, Route{
		Method: http.MethodGet, Path: "/matters/{code}", Act: "findMatter",
		Title: words{"查看事项：问题和参加规则", "Read a matter, its questions and rules"}, Who: signedIn, Scope: "matters:read",
	}, s.findMatter)
	register(s, Route{
		Method: http.MethodPost, Path: "/matters/{code}/derive", Act: "deriveDepartments",
		Title: words{"试算哪些部门参加", "Try which departments have to come"}, Who: signedIn, Scope: "matters:read",
	}, s.deriveDepartments)
}

// MatterSummary is a matter in a list. It is exported for the document alone:
// huma leaves out what an unexported type embeds.
type MatterSummary struct {
	Code          string       `json:"code"`
	Version       int          `json:"version"`
	NameZH        string       `json:"name_zh"`
	NameEN        string       `json:"name_en"`
	Permits       []string     `json:"permits"`
	NeverDeemed   bool         `json:"never_deemed"`
	Commitment    bool         `json:"commitment" doc:"no visit before the decision"`
	WindowOnly    bool         `json:"window_only" doc:"its results have to be collected at the window"`
	EffectiveFrom workday.Date `json:"effective_from"`
}

func summaryOfMatter(m inspection.Matter) MatterSummary {
	return MatterSummary{
		Code: m.Code, Version: m.Version, NameZH: m.NameZH, NameEN: m.NameEN, Permits: m.Permits,
		NeverDeemed: m.NeverDeemed, Commitment: m.Commitment, WindowOnly: m.WindowOnly, EffectiveFrom: m.EffectiveFrom,
	}
}

type listMatters struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	On     string `query:"on" validate:"omitempty,workday" doc:"in force on this day; today when left out"`
}

func (s *Server) listMatters(ctx context.Context, c *call, in *listMatters) (listPage[MatterSummary], error) {
	query := inspection.MatterQuery{At: c.at, Search: in.Search}
	if in.On != "" {
		query.At = dayOf(in.On).Midnight()
	}
	var out listPage[MatterSummary]
	err := s.Read(ctx, func(q bun.IDB) error {
		rows, err := inspection.ListMatters(ctx, q, query)
		for _, m := range rows {
			out.Items = append(out.Items, summaryOfMatter(m))
		}
		return err
	})
	return out, err
}

// dayOf reads a date whose form has been checked.
func dayOf(text string) workday.Date {
	d, _ := workday.ParseDate(text)
	return d
}

type byCode struct {
	Code string `path:"code" validate:"required,code"`
}

// matterDetail is a matter with what a clerk asks and the rules that decide.
type matterDetail struct {
	MatterSummary
	Questions []inspection.Attribute `json:"questions"`
	Rules     []inspection.Rule      `json:"rules"`
}

func (s *Server) findMatter(ctx context.Context, c *call, in *byCode) (matterDetail, error) {
	m, err := s.matter(ctx, c, in.Code)
	return matterDetail{summaryOfMatter(m), m.Questions(), m.Rules}, err
}

func (s *Server) matter(ctx context.Context, c *call, code string) (m inspection.Matter, err error) {
	err = s.Read(ctx, func(q bun.IDB) (err error) {
		m, err = inspection.MatterAt(ctx, q, code, c.at)
		return err
	})
	return m, err
}

type deriveDepartments struct {
	Code string `path:"code" validate:"required,code"`
	Body struct {
		Answers  inspection.Answers `json:"answers,omitempty" validate:"max=100,dive,keys,code,endkeys"`
		Division string             `json:"division,omitempty" validate:"omitempty,division" doc:"of the premises: names the competent departments"`
	}
}

// derivedDepartment is one department, in or out, and what decided (INS-307).
type derivedDepartment struct {
	System         string               `json:"system"`
	DepartmentID   string               `json:"department_id,omitempty"`
	Name           string               `json:"name"`
	In             bool                 `json:"in"`
	BecauseUnknown bool                 `json:"because_unknown"`
	Because        string               `json:"because" doc:"in words"`
	Clause         string               `json:"clause"`
	Missing        []string             `json:"missing"`
	Attendance     inspection.Duty      `json:"attendance"`
	CheckKind      inspection.CheckKind `json:"check_kind"`
	Lead           bool                 `json:"lead"`
	NeverDeemed    bool                 `json:"never_deemed"`
	Basis          string               `json:"basis,omitempty"`
}

type derivedDepartments struct {
	Departments []derivedDepartment `json:"departments"`
	Missing     []string            `json:"missing" doc:"attributes whose answer would decide"`
}

func (s *Server) deriveDepartments(ctx context.Context, c *call, in *deriveDepartments) (out derivedDepartments, err error) {
	if err := in.Body.Answers.Check(); err != nil {
		return out, err
	}
	m, err := s.matter(ctx, c, in.Code)
	if err != nil {
		return out, err
	}
	derived := inspection.Derive(m, in.Body.Answers)
	out.Missing = inspection.Missing(derived)
	err = s.Read(ctx, func(q bun.IDB) error {
		for _, d := range derived {
			line, err := derivedOf(ctx, q, d, in.Body.Division, c.lang)
			if err != nil {
				return err
			}
			out.Departments = append(out.Departments, line)
		}
		return nil
	})
	return out, err
}

func derivedOf(ctx context.Context, q bun.IDB, d inspection.Derived, division, lang string) (derivedDepartment, error) {
	line := derivedDepartment{
		System: d.System, Name: inspection.SystemName(d.System).In(lang), In: d.In, BecauseUnknown: d.BecauseUnknown,
		Because: d.Because(lang), Clause: d.Clause, Missing: d.Missing, Attendance: d.Attendance, CheckKind: d.CheckKind,
		Lead: d.Lead, NeverDeemed: d.NeverDeemed, Basis: d.Basis,
	}
	if division == "" || !d.In {
		return line, nil
	}
	dep, err := office.CompetentDepartment(ctx, q, d.System, d.Level, division)
	line.DepartmentID, line.Name = dep.ID, dep.Name
	return line, err
}
