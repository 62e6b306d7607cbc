package api

import (
	"cmp"
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

type listPeople struct {
	Centre     string `query:"centre" validate:"omitempty,code"`
	Department string `query:"department" validate:"omitempty,code"`
	Role       string `query:"role" validate:"omitempty,oneof=clerk supervisor inspector head courier auditor admin security"`
	Limit      int    `query:"limit" validate:"min=0,max=200"`
	Cursor     string `query:"cursor" validate:"omitempty,cursor=id"`
}

// personSummary is a person without telephone and mail, which are nobody's
// business here (PRO-15).
type personSummary struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Roles      []auth.Role `json:"roles"`
	Centre     string      `json:"centre_id,omitempty"`
	Window     string      `json:"window_id,omitempty"`
	Department string      `json:"department_id,omitempty"`
	Disabled   bool        `json:"disabled"`
	LastSignIn time.Time   `json:"last_sign_in,omitzero"`
}

// listPeople gives the people of one's own place; those who keep or check
// accounts see all (reliability 6.1).
func (s *Server) listPeople(ctx context.Context, c *call, in *listPeople) (out listPage[personSummary], err error) {
	query := auth.PersonQuery{
		Centre: in.Centre, Department: in.Department, Role: auth.Role(in.Role),
		After: lastSeen(in.Cursor), Limit: cmp.Or(in.Limit, pageSize),
	}
	switch by := c.by; {
	case by.Is(auth.Security), by.Is(auth.Auditor):
	case by.Is(auth.Clerk), by.Is(auth.Supervisor):
		query.Centre = by.Centre
	case by.Is(auth.Inspector), by.Is(auth.Head):
		query.Department = by.Department
	default:
		return out, fault.Refuse(fault.Forbidden, "may_not_list_people",
			"您的岗位不能查看人员名单，请联系安全管理员", "your post may not see the list of people; ask the security administrator")
	}
	var lines []personSummary
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := auth.ListPeople(ctx, q, query)
		for _, p := range rows {
			lines = append(lines, personSummary{
				p.ID, p.Name, p.Roles, p.Centre, p.Window, p.Department, !p.DisabledAt.IsZero(), p.LastSignIn,
			})
		}
		return err
	})
	return pageOf(c, lines, in.Limit, func(p personSummary) string { return idCursor(p.ID) }), err
}
