package office

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// CalendarImport is one import of the working-day calendar. It holds all years,
// those of the version before and those imported over them, and is never edited
// (INS-404). Version is 0 until a second person approved it (SEC-4).
type CalendarImport struct {
	bun.BaseModel `bun:"table:calendars"`

	ID         string `bun:",pk"`
	Version    int    `bun:",nullzero"`
	Content    string // the project's own JSON form
	Hash       string // SHA-256 of Content, hex
	Changes    []workday.Change
	State      State
	ImportedBy string
	ImportedAt time.Time
	DecidedBy  string
	DecidedAt  time.Time `bun:",nullzero"`
}

// Calendar makes the calendar of this version.
func (c CalendarImport) Calendar() (*workday.Calendar, error) {
	years, err := workday.ParseOwn([]byte(c.Content))
	if err != nil {
		return nil, fmt.Errorf("calendar version %d: %w", c.Version, err)
	}
	return workday.New(c.Version, years)
}

// Calendar gives the newest approved version of the national calendar, without
// closures. Refuses with calendar_none before anything was imported.
func Calendar(ctx context.Context, q bun.IDB) (*workday.Calendar, error) {
	c, err := newestCalendar(ctx, q)
	if err != nil {
		return nil, err
	}
	return c.Calendar()
}

// CalendarOf gives the newest calendar as a centre counts by it: with the
// closures of the city and of the centre that stood at an instant (INS-402). To
// count an old deadline again, put Closed at its start on CalendarVersion.
func CalendarOf(ctx context.Context, q bun.IDB, centre string, at time.Time) (*workday.Calendar, error) {
	c, err := Calendar(ctx, q)
	if err != nil {
		return nil, err
	}
	return Closed(ctx, q, c, centre, at)
}

// Closed puts on a calendar the closures of the city and of a centre that stood
// at an instant.
func Closed(ctx context.Context, q bun.IDB, c *workday.Calendar, centre string, at time.Time) (*workday.Calendar, error) {
	closures, err := ListClosures(ctx, q, centre, at)
	if err != nil {
		return nil, err
	}
	days := make([]workday.Date, len(closures))
	for i, closure := range closures {
		days[i] = closure.Day
	}
	return c.WithClosures(days), nil
}

// CalendarVersion gives one version, to count a stored deadline again
// (INS-408). Refuses with calendar_unknown.
func CalendarVersion(ctx context.Context, q bun.IDB, version int) (*workday.Calendar, error) {
	c, err := FindCalendar(ctx, q, version)
	if err != nil {
		return nil, err
	}
	return c.Calendar()
}

// ImportCalendar proposes the years of a file, in the project's own form or
// holiday-cn's, over those in force. Refuses with what workday.Parse refuses,
// calendar_unchanged, calendar_waiting.
func (d *Desk) ImportCalendar(ctx context.Context, file []byte, by string, key once.Key) (CalendarImport, error) {
	now := d.now()
	years, err := workday.Parse(file)
	if err != nil {
		return CalendarImport{}, err
	}
	return once.Act(ctx, d.DB.Write, key, now, func(tx bun.IDB) (CalendarImport, error) {
		base, err := newestCalendar(ctx, tx)
		if err != nil {
			return CalendarImport{}, err
		}
		c, err := base.merge(years)
		if err != nil {
			return CalendarImport{}, err
		}
		c.State, c.ImportedBy, c.ImportedAt = Proposed, by, now
		if err := insertCalendar(ctx, tx, c); err != nil {
			return CalendarImport{}, err
		}
		return c, record(ctx, tx, "calendar_proposed", by, now, c.fields())
	})
}

// merge puts whole years over those of the version in force (INS-403 is
// workday's: it merges the years by date).
func (c CalendarImport) merge(years map[int]workday.Year) (CalendarImport, error) {
	old, err := c.Calendar()
	if err != nil {
		return CalendarImport{}, err
	}
	all, err := workday.ParseOwn([]byte(c.Content))
	if err != nil {
		return CalendarImport{}, err
	}
	maps.Copy(all, years)
	merged, err := newImport(all)
	if err != nil {
		return CalendarImport{}, err
	}
	updated, err := merged.Calendar()
	if err != nil {
		return CalendarImport{}, err
	}
	if merged.Changes = workday.Diff(old, updated); len(merged.Changes) == 0 {
		return CalendarImport{}, fault.Refuse(fault.Invalid, "calendar_unchanged",
			"文件内容与现行日历一致，无需导入", "the file says what the calendar already says; there is nothing to import")
	}
	return merged, nil
}

// newImport writes years in the project's own form and hashes them.
func newImport(years map[int]workday.Year) (CalendarImport, error) {
	content, err := json.Marshal(map[string]any{"years": years}) // sorted keys, so the same years hash alike
	if err != nil {
		return CalendarImport{}, fmt.Errorf("write calendar: %w", err)
	}
	hash, err := audit.SaltedHash("", content)
	return CalendarImport{ID: newID(), Content: string(content), Hash: hash, Changes: []workday.Change{}}, err
}

// ApproveCalendar makes a proposed import the newest version. Deadlines that
// run are not touched here: whoever owns them extends, never shortens (INS-409).
// Refuses with proposal_unknown, already_decided, two_persons.
func (d *Desk) ApproveCalendar(ctx context.Context, id, by string) (CalendarImport, error) {
	return d.decideCalendar(ctx, id, by, Approved)
}

// RejectCalendar sends a proposed import away. Refuses with proposal_unknown,
// already_decided.
func (d *Desk) RejectCalendar(ctx context.Context, id, by string) error {
	_, err := d.decideCalendar(ctx, id, by, Rejected)
	return err
}

func (d *Desk) decideCalendar(ctx context.Context, id, by string, to State) (CalendarImport, error) {
	now := d.now()
	var c CalendarImport
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if c, err = findImport(ctx, tx, id); err != nil {
			return err
		}
		c.State, c.DecidedBy, c.DecidedAt = to, by, now
		what := "calendar_rejected"
		if to == Approved {
			what = "calendar_loaded"
			if err := second(c.ImportedBy, by); err != nil {
				return err
			}
			if c.Version, err = nextVersion(ctx, tx); err != nil {
				return err
			}
		}
		if err := decideImport(ctx, tx, c); err != nil {
			return err
		}
		if to == Approved {
			if err := d.DayOff(ctx, tx); err != nil {
				return err
			}
		}
		return record(ctx, tx, what, by, now, c.fields())
	})
	return c, err
}

func (c CalendarImport) fields() map[string]any {
	years := make([]int64, 0, len(c.Changes))
	for _, change := range c.Changes {
		if n := int64(change.Year); len(years) == 0 || years[len(years)-1] != n {
			years = append(years, n)
		}
	}
	return map[string]any{
		"import": c.ID, "version": c.Version, "calendar_hash": c.Hash,
		"imported_by": c.ImportedBy, "years": years, "changes": len(c.Changes),
	}
}
