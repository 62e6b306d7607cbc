package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

func (s *Server) calendarRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/calendars", Act: "listCalendars",
		Title: words{"工作日历的版本", "The versions of the working-day calendar"}, Who: signedIn, Scope: "office:read",
	}, s.listCalendars)
	register(s, Route{
		Method: http.MethodPost, Path: "/calendars", Act: "importCalendar", Status: http.StatusCreated, Rate: uploadRate,
		Title: words{"导入工作日历", "Import years of the working-day calendar"}, Who: setters,
	}, s.importCalendar)
	register(s, Route{
		Method: http.MethodPost, Path: "/calendars/{id}/approve", Act: "approveCalendar",
		Title: words{"审核通过日历", "Approve an imported calendar"}, Who: setters,
	}, s.approveCalendar)
	register(s, Route{
		Method: http.MethodPost, Path: "/calendars/{id}/reject", Act: "rejectCalendar",
		Title: words{"退回日历", "Reject an imported calendar"}, Who: setters,
	}, s.rejectCalendar)
}

// calendarSummary is one import of the calendar, with what it changes.
type calendarSummary struct {
	ID         string           `json:"id"`
	Version    int              `json:"version,omitempty" doc:"left out until a second person approved it"`
	Hash       string           `json:"sha256"`
	Changes    []workday.Change `json:"changes"`
	State      office.State     `json:"state"`
	ImportedBy string           `json:"imported_by"`
	ImportedAt time.Time        `json:"imported_at"`
	DecidedBy  string           `json:"decided_by,omitempty"`
	DecidedAt  time.Time        `json:"decided_at,omitzero"`
}

func summaryOfCalendar(c office.CalendarImport) calendarSummary {
	return calendarSummary{
		ID: c.ID, Version: c.Version, Hash: c.Hash, Changes: c.Changes, State: c.State,
		ImportedBy: c.ImportedBy, ImportedAt: c.ImportedAt, DecidedBy: c.DecidedBy, DecidedAt: c.DecidedAt,
	}
}

func (s *Server) listCalendars(ctx context.Context, _ *call, _ *struct{}) (out listPage[calendarSummary], err error) {
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := office.ListCalendars(ctx, q)
		for _, r := range rows {
			out.Items = append(out.Items, summaryOfCalendar(r))
		}
		return err
	})
	return out, err
}

// importCalendar takes the file as it is: the project's own form or holiday-cn's.
type importCalendar struct {
	Key  string          `header:"Idempotency-Key" validate:"required,line=255"`
	Body json.RawMessage `media:"application/json"`
}

func (s *Server) importCalendar(ctx context.Context, c *call, in *importCalendar) (calendarSummary, error) {
	if err := auth.MaySet(c.by); err != nil {
		return calendarSummary{}, err
	}
	out, err := s.Office.ImportCalendar(ctx, in.Body, c.by.String(), c.key(in.Key))
	return summaryOfCalendar(out), err
}

func (s *Server) approveCalendar(ctx context.Context, c *call, in *byID) (calendarSummary, error) {
	if err := auth.MaySet(c.by); err != nil {
		return calendarSummary{}, err
	}
	out, err := s.Office.ApproveCalendar(ctx, in.ID, c.by.String())
	return summaryOfCalendar(out), err
}

func (s *Server) rejectCalendar(ctx context.Context, c *call, in *byID) (none, error) {
	if err := auth.MaySet(c.by); err != nil {
		return none{}, err
	}
	return none{}, s.Office.RejectCalendar(ctx, in.ID, c.by.String())
}
