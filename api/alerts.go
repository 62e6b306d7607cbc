package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

// seeAlerts are those who may see an alert: its window, its department, auditors.
var seeAlerts = []auth.Role{auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head, auth.Auditor}

// alertRoutes are what ran late and who has to look (DEL-740, DEL §8).
func (s *Server) alertRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/alerts", Act: "listAlerts",
		Title: words{"告警列表", "List what ran late"}, Who: signedIn,
	}, s.listAlerts)
	register(s, Route{
		Method: http.MethodPost, Path: "/alerts/{id}/settle", Act: "settleAlert",
		Title: words{"办结告警", "Write down what was done about an alert"},
		Who:   Who{Own: []auth.Role{auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head}, See: seeAlerts, Else: http.StatusForbidden},
	}, s.settleAlert)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/attempts/{attempt}/fault", Act: "changeFault",
		Title: words{"改判责任方", "Change on whose side a failed attempt was"}, Who: keepers(auth.Supervisor),
	}, s.changeFault)
}

type listAlerts struct {
	Level string `query:"level" validate:"omitempty,oneof=window supervisor oversight department" doc:"who has to look"`
	All   bool   `query:"all" doc:"also those that have ended"`
	Limit int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listAlerts(ctx context.Context, c *call, in *listAlerts) (listPage[delivery.Alert], error) {
	rows, err := s.Delivery.ListAlerts(ctx, c.by, delivery.AlertQuery{Level: delivery.AlertLevel(in.Level), All: in.All, Limit: in.Limit})
	return listPage[delivery.Alert]{Items: rows}, err
}

type settleAlert struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Note string `json:"note" validate:"required,line=200" doc:"what was done"`
	}
}

func (s *Server) settleAlert(ctx context.Context, c *call, in *settleAlert) (delivery.Alert, error) {
	return s.Delivery.SettleAlert(ctx, c.by, in.ID, in.Body.Note)
}

type changeFault struct {
	ID      string `path:"id" validate:"required,code"`
	Attempt string `path:"attempt" validate:"required,code"`
	Body    struct {
		Fault  string `json:"fault" validate:"required,oneof=ours applicant carrier force_majeure"`
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) changeFault(ctx context.Context, c *call, in *changeFault) (delivery.Parcel, error) {
	b := in.Body
	return s.Delivery.ChangeFault(ctx, c.by, delivery.FaultChange{ParcelID: in.ID, AttemptID: in.Attempt, Fault: delivery.Fault(b.Fault), Reason: b.Reason})
}
