package api

import (
	"context"
	"net/http"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
)

func (s *Server) resourceRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/resources", Act: "addResource", Status: http.StatusCreated,
		Title: words{"登记勘验人员、车辆或会议室", "Register an inspector, team, vehicle or room"},
		Who:   Who{Roles: []auth.Role{auth.Supervisor, auth.Admin}, Own: []auth.Role{auth.Head}, Else: http.StatusForbidden},
	}, s.addResource)
	register(s, Route{
		Method: http.MethodPost, Path: "/resources/{id}/absences", Act: "addAbsence", Status: http.StatusCreated,
		Title: words{"登记请假或值班", "Enter leave or duty"},
		Who:   Who{Roles: []auth.Role{auth.Supervisor, auth.Admin}, Own: []auth.Role{auth.Head, auth.Inspector}, Else: http.StatusForbidden},
	}, s.addAbsence)
}

type addResource struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Kind           string              `json:"kind" validate:"required,oneof=inspector team vehicle room"`
		Name           string              `json:"name" validate:"required,line=80"`
		Person         string              `json:"person_id,omitempty" validate:"omitempty,code"`
		Department     string              `json:"department_id,omitempty" validate:"omitempty,code"`
		Centre         string              `json:"centre_id,omitempty" validate:"omitempty,code"`
		Certificate    string              `json:"certificate,omitempty" validate:"omitempty,line=40"`
		ValidUntil     string              `json:"valid_until,omitempty" validate:"omitempty,workday"`
		Qualifications []qualificationBody `json:"qualifications,omitempty" validate:"max=100,dive"`
		PerDay         int                 `json:"per_day,omitempty" validate:"min=0,max=12" doc:"0: the setting decides"`
		Seats          int                 `json:"seats,omitempty" validate:"min=0,max=500"`
	}
}

type qualificationBody struct {
	Matter   string `json:"matter" validate:"required,line=64" doc:"code, or *"`
	Division string `json:"division" validate:"required,line=12" doc:"code, everything below included, or *"`
}

func (s *Server) addResource(ctx context.Context, c *call, in *addResource) (inspection.Resource, error) {
	b := in.Body
	if err := s.placeExists(ctx, b.Department, b.Centre); err != nil {
		return inspection.Resource{}, err
	}
	r := inspection.Resource{
		Kind: inspection.ResourceKind(b.Kind), Name: b.Name, PersonID: b.Person, DepartmentID: b.Department, CentreID: b.Centre,
		Certificate: b.Certificate, ValidUntil: b.ValidUntil, PerDay: b.PerDay, Seats: b.Seats,
	}
	for _, q := range b.Qualifications {
		r.Qualifications = append(r.Qualifications, inspection.Qualification(q))
	}
	return s.Inspection.AddResource(ctx, c.by, r, c.key(in.Key))
}

// placeExists refuses ids of no department or centre; an empty id is no id.
func (s *Server) placeExists(ctx context.Context, department, centre string) error {
	return s.Read(ctx, func(q bun.IDB) error {
		if department != "" {
			if _, err := office.FindDepartment(ctx, q, department); err != nil {
				return err
			}
		}
		if centre != "" {
			if _, err := office.FindCentre(ctx, q, centre); err != nil {
				return err
			}
		}
		return nil
	})
}

type addAbsence struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Start  string `json:"start" validate:"required,instant"`
		End    string `json:"end" validate:"required,instant"`
		Reason string `json:"reason,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) addAbsence(ctx context.Context, c *call, in *addAbsence) (inspection.Absence, error) {
	return s.Inspection.AddAbsence(ctx, c.by, inspection.Absence{
		ResourceID: in.ID, Start: instant(in.Body.Start), End: instant(in.Body.End), Reason: in.Body.Reason,
	}, c.key(in.Key))
}
