package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// custodyHour is the hour of the night, in Shanghai, in which everything of the
// register is looked at (DEL-901): nobody waits for the database then.
const custodyHour = 2

// WatchCustody walks at night through the custody of every Item, and raises what
// contradicts itself to its centre's supervisor (DEL-901). At other hours it does
// nothing. It may run late, twice, or in two processes at once.
func (d *Desk) WatchCustody(ctx context.Context) error {
	d = d.still()
	if d.now().In(workday.Shanghai).Hour() != custodyHour {
		return nil
	}
	var alerts []Alert
	err := d.DB.Read(ctx, func(q bun.IDB) error {
		breaks, _, err := CheckCustody(ctx, q)
		if err != nil {
			return err
		}
		alerts, err = d.alertsOfBreaks(ctx, q, breaks)
		return err
	})
	if err != nil || len(alerts) == 0 {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		leaves, err := d.raise(ctx, tx, alerts)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

// alertsOfBreaks is one alert for each thing whose custody is broken.
func (d *Desk) alertsOfBreaks(ctx context.Context, q bun.IDB, breaks []CustodyBreak) (out []Alert, err error) {
	for _, b := range breaks {
		if slices.ContainsFunc(out, func(a Alert) bool { return a.Subject == b.ItemID }) {
			continue
		}
		i, err := findItem(ctx, q, b.ItemID)
		if err != nil {
			return nil, err
		}
		v := ItemView{Item: i}
		if err := v.belongs(ctx, q, auth.System("watch")); err != nil && fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
		number := v.Line.CaseNumber
		if v.Material != nil {
			number = v.Material.CaseNumber
		}
		out = append(out, d.alertOfItem(AlertCustody, i, number, v.centre()))
	}
	return out, nil
}
