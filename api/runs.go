package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

var (
	// carrying are those who carry runs of their centre; seeRun those who see what
	// concerns them of one.
	carrying = []auth.Role{auth.Clerk, auth.Supervisor, auth.Courier}
	seeRun   = append([]auth.Role{auth.Courier}, seeCase...)

	runCarriers = Who{Own: carrying, See: seeRun, Else: http.StatusForbidden}
	runWindow   = Who{Own: atDesk, See: seeRun, Else: http.StatusForbidden}
)

func (s *Server) runRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/runs", Act: "listRuns",
		Title: words{"流转班车", "Circulation runs: under way and to come, then the last ones"}, Who: signedIn,
	}, s.listRuns)
	register(s, Route{
		Method: http.MethodGet, Path: "/runs/{id}", Act: "findRun",
		Title: words{"查看班车清单", "Read a run with its list and counts"}, Who: readers(seeRun...),
	}, s.findRun)
	register(s, Route{
		Method: http.MethodPost, Path: "/runs/{id}/leave", Act: "leaveRun",
		Title: words{"发车", "Let a run leave"}, Who: runCarriers,
	}, s.leaveRun)
	register(s, Route{
		Method: http.MethodPost, Path: "/runs/{id}/entries/{entry}/postpone", Act: "postponeEntry",
		Title: words{"转到下一班", "Move an entry to the next run"}, Who: runCarriers,
	}, s.postponeEntry)
	register(s, Route{
		Method: http.MethodPost, Path: "/runs/{id}/close", Act: "closeRun",
		Title: words{"清点销班", "Count and close a run"}, Who: runWindow,
	}, s.closeRun)
	register(s, Route{
		Method: http.MethodPost, Path: "/runs/{id}/miss", Act: "missRun",
		Title: words{"停开一班", "Let a run not leave"}, Who: runWindow,
	}, s.missRun)
	register(s, Route{
		Method: http.MethodPost, Path: "/runs/{id}/papers", Act: "printRun",
		Title: words{"打印班车交接清单", "Print the list of a run"}, Who: runCarriers,
	}, s.printRun)
}

func (s *Server) listRuns(ctx context.Context, c *call, _ *struct{}) (listPage[delivery.RunView], error) {
	rows, err := s.Delivery.ListRuns(ctx, c.by)
	return listPage[delivery.RunView]{Items: rows}, err
}

func (s *Server) findRun(ctx context.Context, c *call, in *byID) (delivery.RunView, error) {
	return s.Delivery.FindRun(ctx, c.by, in.ID)
}

type leaveRun struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Carrier string `json:"carrier_id,omitempty" validate:"omitempty,code" doc:"a courier or one of the window's people; of a courier it is himself"`
	}
}

func (s *Server) leaveRun(ctx context.Context, c *call, in *leaveRun) (delivery.RunView, error) {
	return s.Delivery.LeaveRun(ctx, c.by, in.ID, in.Body.Carrier)
}

type postponeEntry struct {
	ID    string `path:"id" validate:"required,code"`
	Entry string `path:"entry" validate:"required,code"`
	Body  struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) postponeEntry(ctx context.Context, c *call, in *postponeEntry) (delivery.RunView, error) {
	return s.Delivery.PostponeEntry(ctx, c.by, in.ID, in.Entry, in.Body.Reason)
}

type closeRun struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Out  *int `json:"out" validate:"required,min=0,max=9999" doc:"bags that departments took, counted by hand"`
		In   *int `json:"in" validate:"required,min=0,max=9999" doc:"bags and transfers that came in"`
		Back *int `json:"back" validate:"required,min=0,max=9999" doc:"what came back, or was not fetched"`
	}
}

func (s *Server) closeRun(ctx context.Context, c *call, in *closeRun) (delivery.RunView, error) {
	b := in.Body
	return s.Delivery.CloseRun(ctx, c.by, in.ID, delivery.RunCount{Out: *b.Out, In: *b.In, Back: *b.Back})
}

func (s *Server) missRun(ctx context.Context, c *call, in *refuseTransfer) (delivery.RunView, error) {
	return s.Delivery.MissRun(ctx, c.by, in.ID, in.Body.Reason)
}

func (s *Server) printRun(ctx context.Context, c *call, in *byID) (sheet, error) {
	return printed(s.Delivery.PrintRun(ctx, c.by, in.ID))
}
