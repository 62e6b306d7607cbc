package api

import (
	"context"
	"net/http"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

func (s *Server) officeRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/divisions", Act: "listDivisions",
		Title: words{"区划", "List divisions"}, Who: signedIn, Scope: "office:read",
	}, s.listDivisions)
	register(s, Route{
		Method: http.MethodGet, Path: "/centres", Act: "listCentres",
		Title: words{"政务服务中心", "List centres"}, Who: signedIn, Scope: "office:read",
	}, s.listCentres)
	register(s, Route{
		Method: http.MethodGet, Path: "/departments", Act: "listDepartments",
		Title: words{"部门", "List departments"}, Who: signedIn, Scope: "office:read",
	}, s.listDepartments)
	register(s, Route{
		Method: http.MethodGet, Path: "/people", Act: "listPeople",
		Title: words{"人员", "List people"},
		Who:   anywhere(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head, auth.Auditor, auth.Security),
	}, s.listPeople)
	s.settingRoutes()
	s.calendarRoutes()
	s.closureRoutes()
	s.receiverRoutes()
	s.addressRoutes()
}

type divisionSummary struct {
	Code       string       `json:"code"`
	Name       string       `json:"name"`
	NameEN     string       `json:"name_en"`
	Level      office.Level `json:"level"`
	Parent     string       `json:"parent,omitempty"`
	ReplacedBy string       `json:"replaced_by,omitempty"`
}

func (s *Server) listDivisions(ctx context.Context, _ *call, _ *struct{}) (out listPage[divisionSummary], err error) {
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := office.ListDivisions(ctx, q)
		for _, d := range rows {
			out.Items = append(out.Items, divisionSummary{d.Code, d.Name, d.NameEN, d.Level, d.Parent, d.ReplacedBy})
		}
		return err
	})
	return out, err
}

type centreSummary struct {
	ID              string        `json:"id"`
	Division        string        `json:"division"`
	Name            string        `json:"name"`
	NameEN          string        `json:"name_en"`
	Address         string        `json:"address"`
	Phone           string        `json:"phone"`
	OrganisesVisits bool          `json:"organises_visits"`
	Hours           workday.Hours `json:"hours" doc:"opening hours in Asia/Shanghai"`
}

func (s *Server) listCentres(ctx context.Context, _ *call, _ *struct{}) (out listPage[centreSummary], err error) {
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := office.ListCentres(ctx, q)
		for _, c := range rows {
			out.Items = append(out.Items, summaryOfCentre(c))
		}
		return err
	})
	return out, err
}

func summaryOfCentre(c office.Centre) centreSummary {
	return centreSummary{c.ID, c.Division, c.Name, c.NameEN, c.Address, c.Phone, c.OrganisesVisits, c.Hours}
}

type listDepartments struct {
	System   string `query:"system" validate:"omitempty,code"`
	Division string `query:"division" validate:"omitempty,division"`
	Level    string `query:"level" validate:"omitempty,oneof=province city county township village"`
}

type departmentSummary struct {
	ID       string       `json:"id"`
	System   string       `json:"system"`
	Division string       `json:"division"`
	Name     string       `json:"name"`
	NameEN   string       `json:"name_en"`
	Level    office.Level `json:"level"`
	Superior string       `json:"superior,omitempty"`
	Roster   string       `json:"roster" doc:"named or headcount"`
	Address  string       `json:"address,omitempty"`
	Phone    string       `json:"phone,omitempty"`
}

func (s *Server) listDepartments(ctx context.Context, _ *call, in *listDepartments) (out listPage[departmentSummary], err error) {
	query := office.DepartmentQuery{System: in.System, Division: in.Division, Level: office.Level(in.Level)}
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := office.ListDepartments(ctx, q, query)
		for _, d := range rows {
			out.Items = append(out.Items, departmentSummary{
				d.ID, d.System, d.Division, d.Name, d.NameEN, d.Level, d.Superior, d.Roster, d.Address, d.Phone,
			})
		}
		return err
	})
	return out, err
}
