package delivery

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// figureDays is the longest range: a year and the days of another month beside it.
const figureDays = 400

// FigureQuery asks for figures of a centre; an auditor names one, others have
// their own. Zero dates are the last 30 days.
type FigureQuery struct {
	CentreID string
	From, To workday.Date // both included
}

// FindFigures counts how a centre delivered (DEL-1501): for its supervisors and
// for auditors. Refusals: not_found, figures_range, figures_role.
func (d *Desk) FindFigures(ctx context.Context, by auth.Actor, query FigureQuery) (f Figures, err error) {
	d = d.still()
	if !by.Is(auth.Auditor) && !(atWindow(by) && by.Is(auth.Supervisor)) {
		return f, fault.Refuse(fault.Forbidden, "figures_role",
			"统计由主管和审计人员查看；需要数字请找本中心主管", "figures are for supervisors and auditors; ask the supervisor of your centre")
	}
	if !by.Is(auth.Auditor) || query.CentreID == "" && by.Centre != "" {
		if query.CentreID != "" && query.CentreID != by.Centre {
			return f, notFound()
		}
		query.CentreID = by.Centre
	}
	if err := query.settle(workday.DateOf(d.now())); err != nil {
		return f, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if _, err := office.FindCentre(ctx, q, query.CentreID); err != nil {
			return notFound()
		}
		facts, err := readFigures(ctx, q, query, d.now())
		if err != nil {
			return err
		}
		f = facts.figures()
		f.CentreID, f.From, f.To = query.CentreID, query.From, query.To
		tries, err := firstTries(ctx, q, query)
		if err != nil {
			return fmt.Errorf("count first tries: %w", err)
		}
		f.Tries = tryFigures(tries)
		if f.Settle, err = d.settleFigures(ctx, q, query); err != nil {
			return err
		}
		for _, one := range f.Qualities {
			if one.Quality == QualityC {
				f.Settle.OfTimes = one.N
			}
		}
		if f.Custody, err = d.custodyFigures(ctx, q, query); err != nil {
			return err
		}
		return d.nameCouriers(ctx, q, f.Couriers)
	})
	return f, err
}

func (q *FigureQuery) settle(today workday.Date) error {
	if q.To.IsZero() {
		q.To = today
	}
	if q.From.IsZero() {
		q.From = q.To.AddDays(-29)
	}
	if q.To.Before(q.From) || q.From.AddDays(figureDays).Before(q.To) {
		return fault.Refuse(fault.Invalid, "figures_range",
			"请把开始日期放在结束日期之前，一次最多统计 %d 天", "the first day comes before the last; at most %d days at a time", figureDays)
	}
	return nil
}

func (d *Desk) nameCouriers(ctx context.Context, q bun.IDB, all []CourierShare) error {
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = c.CourierID
	}
	names, err := auth.FindNames(ctx, q, ids)
	for i, c := range all {
		all[i].Courier = names[c.CourierID]
	}
	return err
}
