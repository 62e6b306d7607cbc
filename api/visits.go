package api

import (
	"context"
	"net/http"
	"time"

	"lianban/inspection"
	"lianban/internal/auth"
)

// organisers are the window of the site's centre (INS-202).
var organisers = actors(auth.Clerk, auth.Supervisor)

func (s *Server) visitRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/slots", Act: "searchSlots",
		Title: words{"查找各部门共同的空闲时间", "Search the times at which every department can come"}, Who: organisers,
	}, s.searchSlots)
	register(s, Route{
		Method: http.MethodPost, Path: "/visits", Act: "planVisit", Status: http.StatusCreated,
		Title: words{"新建勘验", "Open a draft visit"}, Who: organisers,
	}, s.planVisit)
	register(s, Route{
		Method: http.MethodGet, Path: "/visits", Act: "listVisits",
		Title: words{"勘验列表", "List visits"}, Who: signedIn, Scope: "visits:read",
	}, s.listVisits)
	register(s, Route{
		Method: http.MethodGet, Path: "/visits/{id}", Act: "findVisit",
		Title: words{"查看勘验", "Read a visit"}, Who: readCase, Scope: "visits:read",
	}, s.findVisit)
	register(s, Route{
		Method: http.MethodGet, Path: "/visits/{id}/timeline", Act: "visitTimeline",
		Title: words{"勘验的记录", "The recorded history of a visit"}, Who: readCase, Scope: "visits:read",
	}, s.visitTimeline)
	register(s, Route{
		Method: http.MethodGet, Path: "/visits/{id}/deemed", Act: "visitDeemed",
		Title: words{"视为同意的记录", "The deemed consents of a visit"}, Who: readCase, Scope: "visits:read",
	}, s.visitDeemed)
	s.agreementRoutes()
	s.bookingRoutes()
	s.progressRoutes()
}

type planVisit struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Case    string `json:"case_id" validate:"required,code"`
		Kind    string `json:"kind" validate:"required,oneof=site review"`
		Minutes int    `json:"minutes,omitempty" validate:"min=0,max=1440" doc:"0 takes the setting"`
	}
}

func (s *Server) planVisit(ctx context.Context, c *call, in *planVisit) (inspection.Visit, error) {
	b := in.Body
	if _, err := s.Inspection.FindCase(ctx, c.by, b.Case); err != nil { // SEC-3
		return inspection.Visit{}, err
	}
	out, err := s.Inspection.Plan(ctx, c.by, inspection.PlanRequest{
		CaseID: b.Case, Kind: inspection.VisitKind(b.Kind), Minutes: b.Minutes, Once: c.key(in.Key),
	})
	if err == nil {
		c.created("/visits/" + out.ID)
	}
	return out, err
}

type listVisits struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	State  string `query:"state" validate:"omitempty,oneof=draft offered confirmed in_progress collecting closed not_held cancelled"`
	From   string `query:"from" validate:"omitempty,instant" doc:"starting at or after"`
	To     string `query:"to" validate:"omitempty,instant" doc:"starting before"`
	Limit  int    `query:"limit" validate:"min=0,max=200" doc:"by start, drafts last"`
	Cursor string `query:"cursor" validate:"omitempty,cursor=position"`
}

func (s *Server) listVisits(ctx context.Context, c *call, in *listVisits) (listPage[inspection.Visit], error) {
	rows, err := s.Inspection.ListVisits(ctx, c.by, inspection.VisitQuery{
		Search: in.Search, State: inspection.VisitState(in.State), From: instant(in.From), To: instant(in.To),
		After: after(in.Cursor), Limit: in.Limit,
	})
	return pageOf(c, rows, in.Limit, func(v inspection.Visit) string { return positionCursor(v.Position()) }), err
}

// visitDetail is a visit with everything the caller may see of it.
type visitDetail struct {
	inspection.VisitView
	Centre centreSummary `json:"centre"`
}

func (s *Server) findVisit(ctx context.Context, c *call, in *byID) (visitDetail, error) {
	v, err := s.Inspection.FindVisit(ctx, c.by, in.ID)
	return visitDetail{v, summaryOfCentre(v.Centre)}, err
}

// readable refuses an act on a visit that the caller may not even read: for them
// it does not exist (SEC-3). Whether they may act is the domain's to say.
func (s *Server) readable(ctx context.Context, c *call, visit string) error {
	_, err := s.Inspection.FindVisit(ctx, c.by, visit)
	return err
}

// leafEntry is one event of the evidence log.
type leafEntry struct {
	Seq    int64          `json:"seq"`
	Stream string         `json:"stream"`
	Type   string         `json:"type"`
	Actor  string         `json:"actor"`
	At     time.Time      `json:"at"`
	Fields map[string]any `json:"fields"`
	Hash   string         `json:"hash" doc:"RFC 6962 leaf hash, base64"`
}

func (s *Server) visitTimeline(ctx context.Context, c *call, in *byID) (listPage[leafEntry], error) {
	entries, err := s.Inspection.Timeline(ctx, c.by, in.ID)
	out := make([]leafEntry, len(entries))
	for i, e := range entries {
		out[i] = leafEntry{
			Seq: e.Seq, Stream: e.Stream, Type: e.Type, Actor: e.Actor, At: e.At.UTC(), Fields: e.Fields, Hash: e.Hash.String(),
		}
	}
	return listPage[leafEntry]{Items: out}, err
}

func (s *Server) visitDeemed(ctx context.Context, c *call, in *byID) (listPage[inspection.Deemed], error) {
	v, err := s.Inspection.FindVisit(ctx, c.by, in.ID)
	var out listPage[inspection.Deemed]
	for _, p := range v.Participants {
		out.Items = append(out.Items, p.DeemedBefore...) // of earlier rounds: silence, no consent (INS-920)
		if p.Deemed != nil {
			out.Items = append(out.Items, *p.Deemed)
		}
	}
	return out, err
}
