package office

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/scheduler/workday"
)

// Install puts in what ships with the program: divisions, the first version of
// the calendar, and every default setting as a row dated to the beginning of
// the installation day (INS-1301), so that a later release cannot quietly change
// what is in force. It may run again and adds only what is missing.
func (d *Desk) Install(ctx context.Context, by string) error {
	now := d.now()
	divisions, err := shipped()
	if err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		areas, err := insertDivisions(ctx, tx, divisions)
		if err != nil {
			return err
		}
		version, err := installCalendar(ctx, tx, by, now)
		if err != nil {
			return err
		}
		settings, err := insertDefaults(ctx, tx, defaults(by, now))
		if err != nil || areas+settings+int64(version) == 0 {
			return err
		}
		return record(ctx, tx, "installed", by, now, map[string]any{
			"divisions": areas, "settings": settings, "calendar_version": version,
		})
	})
}

// installCalendar loads the shipped years as version 1, or gives 0 if some
// calendar is there already.
func installCalendar(ctx context.Context, tx bun.IDB, by string, now time.Time) (int, error) {
	last, err := nextVersion(ctx, tx)
	if err != nil || last > 1 {
		return 0, err
	}
	years, err := workday.Shipped()
	if err != nil {
		return 0, err
	}
	c, err := newImport(years)
	if err != nil {
		return 0, err
	}
	c.Version, c.State = 1, Approved
	c.ImportedBy, c.ImportedAt, c.DecidedBy, c.DecidedAt = by, now, by, now
	return 1, insertCalendar(ctx, tx, c)
}

// defaults gives one city-wide row for each definition, under a fixed id.
func defaults(by string, now time.Time) []Setting {
	rows := make([]Setting, len(definitions))
	for i, def := range definitions {
		rows[i] = Setting{
			ID: "default/" + def.key, Key: def.key, ScopeKind: "city", Value: def.standard,
			EffectiveFrom: workday.DateOf(now).Midnight(), Reason: "系统初始值：" + def.basis, State: Approved,
			SetBy: by, SetAt: now, DecidedBy: by, DecidedAt: now,
		}
	}
	return rows
}
