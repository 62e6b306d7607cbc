package api

import (
	"context"
	"time"

	"lianban/inspection"
	"lianban/scheduler/slot"
)

type searchSlots struct {
	Body struct {
		Visit     string     `json:"visit_id" validate:"required,code"`
		From      string     `json:"from,omitempty" validate:"omitempty,workday"`
		To        string     `json:"to,omitempty" validate:"omitempty,workday"`
		Band      string     `json:"band,omitempty" validate:"omitempty,oneof=any am pm"`
		Away      []spanBody `json:"away,omitempty" validate:"max=20,dive" doc:"when the applicant cannot"`
		PastLimit bool       `json:"past_limit,omitempty" doc:"look beyond the limit date, too"`
		Explain   bool       `json:"explain,omitempty" doc:"say why other times are out, even if there are offers"`
		Limit     int        `json:"limit,omitempty" validate:"min=0,max=100"`
	}
}

type spanBody struct {
	From string `json:"from" validate:"required,instant"`
	To   string `json:"to" validate:"required,instant"`
}

// searchSlots gives the common free times of a draft visit. It stores nothing.
func (s *Server) searchSlots(ctx context.Context, c *call, in *searchSlots) (inspection.SlotAnswer, error) {
	b := in.Body
	if err := s.readable(ctx, c, b.Visit); err != nil {
		return inspection.SlotAnswer{}, err
	}
	r := inspection.SlotRequest{
		VisitID: b.Visit, Band: slot.Band(b.Band), PastLimit: b.PastLimit, Explain: b.Explain, Limit: b.Limit,
		From: dayOf(b.From), To: dayOf(b.To),
	}
	for _, away := range b.Away {
		r.Away = append(r.Away, slot.Span{From: instant(away.From), To: instant(away.To)})
	}
	return s.Inspection.Slots(ctx, c.by, r)
}

// instant reads a time whose form has been checked, the zero time from nothing.
func instant(text string) time.Time {
	t, _ := time.Parse(time.RFC3339, text)
	return t.UTC().Truncate(time.Millisecond)
}
