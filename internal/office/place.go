package office

import (
	"context"
	"crypto/rand"
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// newID makes an id that cannot be guessed, 80 bits.
func newID() string { return strings.ToLower(rand.Text()[:16]) }

var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// idOr keeps an id the caller chose, or makes one.
func idOr(id string) (string, error) {
	if id == "" {
		return newID(), nil
	}
	if !idForm.MatchString(id) {
		return "", fault.Refuse(fault.Invalid, "id_invalid",
			"编号只能由小写字母、数字和连字符组成，最多 40 位；也可以留空自动生成",
			"an id is lower-case letters, digits and hyphens, at most 40; leave it empty to have one made")
	}
	return id, nil
}

// record writes the act's leaf, the last step of its transaction.
func record(ctx context.Context, tx bun.IDB, what, by string, at time.Time, fields map[string]any) error {
	return audit.Record(ctx, tx, audit.Leaf{Type: what, Stream: "system", Actor: by, At: at, Fields: fields})
}

// AddDivision adds an area below one that is known, a township say. Refuses
// with division_unknown (the parent), level_invalid, point_invalid, text_invalid.
func (d *Desk) AddDivision(ctx context.Context, v Division, by string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		parent, err := FindDivision(ctx, tx, v.Parent)
		if err != nil {
			return err
		}
		v.Parent, v.ReplacedBy = parent.Code, ""
		if err := v.check(parent); err != nil {
			return err
		}
		if err := insertDivision(ctx, tx, v); err != nil {
			return err
		}
		return record(ctx, tx, "division_added", by, now, map[string]any{"division": v.Code, "parent": v.Parent})
	})
}

// AddCentre sets up a centre; without hours it opens at workday.DefaultHours.
// Refuses with division_unknown, text_invalid, point_invalid, id_invalid.
func (d *Desk) AddCentre(ctx context.Context, c Centre, by string) (Centre, error) {
	now := d.now()
	var err error
	if c.ID, err = idOr(c.ID); err != nil {
		return c, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if err := c.complete(ctx, tx); err != nil {
			return err
		}
		if err := insertCentre(ctx, tx, c); err != nil {
			return err
		}
		return record(ctx, tx, "centre_added", by, now, c.fields())
	})
	return c, err
}

// ChangeCentre replaces what is known of a centre; a deadline already running
// keeps what it was counted with. Refuses like AddCentre, and centre_unknown.
func (d *Desk) ChangeCentre(ctx context.Context, c Centre, by string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		if _, err := FindCentre(ctx, tx, c.ID); err != nil {
			return err
		}
		if err := c.complete(ctx, tx); err != nil {
			return err
		}
		if err := updateCentre(ctx, tx, c); err != nil {
			return err
		}
		return record(ctx, tx, "centre_changed", by, now, c.fields())
	})
}

// complete checks a centre and fills in what has a default.
func (c *Centre) complete(ctx context.Context, tx bun.IDB) error {
	v, err := FindDivision(ctx, tx, c.Division)
	if err != nil {
		return err
	}
	c.Division = v.Code
	if len(c.Hours) == 0 {
		c.Hours = workday.DefaultHours()
	}
	if _, err := workday.ParseHours(c.Hours.String()); err != nil {
		return err
	}
	err = CheckLines(Line{Field: "name", Value: c.Name, Max: 80}, Line{Field: "name_en", Value: c.NameEN, Max: 160, Optional: true},
		Line{Field: "address", Value: c.Address, Max: 160}, Line{Field: "phone", Value: c.Phone, Max: 40})
	if err != nil {
		return err
	}
	return checkPoint(c.Lat, c.Lon)
}

func (c Centre) fields() map[string]any {
	return map[string]any{
		"centre": c.ID, "division": c.Division, "organises_visits": c.OrganisesVisits, "hours": c.Hours.String(),
	}
}

// AddWindow adds a window to a centre. Refuses with centre_unknown,
// text_invalid, id_invalid, already_exists (the number).
func (d *Desk) AddWindow(ctx context.Context, w Window, by string) (Window, error) {
	now := d.now()
	var err error
	if w.ID, err = idOr(w.ID); err != nil {
		return w, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if _, err := FindCentre(ctx, tx, w.CentreID); err != nil {
			return err
		}
		err := CheckLines(Line{Field: "number", Value: w.Number, Max: 20}, Line{Field: "phone", Value: w.Phone, Max: 40})
		if err != nil {
			return err
		}
		if err := insertWindow(ctx, tx, w); err != nil {
			return err
		}
		return record(ctx, tx, "window_added", by, now, map[string]any{"window": w.ID, "centre": w.CentreID, "number": w.Number})
	})
	return w, err
}

var systemForm = regexp.MustCompile(`^[a-z]{2,20}$`)

// AddDepartment registers the department of a system for a division. Its id is
// made of the two ("431103-fire") unless chosen; its level follows from the
// division. Refuses with division_unknown, department_unknown (the superior),
// department_invalid, text_invalid, point_invalid, id_invalid, already_exists.
func (d *Desk) AddDepartment(ctx context.Context, dep Department, by string) (Department, error) {
	now := d.now()
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if err := dep.complete(ctx, tx); err != nil {
			return err
		}
		if dep.ID == "" {
			dep.ID = strings.ToLower(dep.Division) + "-" + dep.System
		}
		if dep.ID, err = idOr(dep.ID); err != nil {
			return err
		}
		if err := insertDepartment(ctx, tx, dep); err != nil {
			return err
		}
		return record(ctx, tx, "department_added", by, now, dep.fields())
	})
	return dep, err
}

// ChangeDepartment replaces name, superior, roster, place and telephone of a
// department; its system and division stay. Refuses like AddDepartment.
func (d *Desk) ChangeDepartment(ctx context.Context, dep Department, by string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		old, err := FindDepartment(ctx, tx, dep.ID)
		if err != nil {
			return err
		}
		dep.System, dep.Division = old.System, old.Division
		if err := dep.complete(ctx, tx); err != nil {
			return err
		}
		if err := updateDepartment(ctx, tx, dep); err != nil {
			return err
		}
		return record(ctx, tx, "department_changed", by, now, dep.fields())
	})
}

// complete checks a department and fills in its level and roster.
func (dep *Department) complete(ctx context.Context, tx bun.IDB) error {
	v, err := FindDivision(ctx, tx, dep.Division)
	if err != nil {
		return err
	}
	dep.Division, dep.Level = v.Code, v.departmentLevel()
	if dep.Roster == "" {
		dep.Roster = Named
	}
	if !systemForm.MatchString(dep.System) || dep.Roster != Named && dep.Roster != Headcount ||
		dep.Superior != "" && dep.Superior == dep.ID {
		return fault.Refuse(fault.Invalid, "department_invalid",
			"部门系统代码须为小写字母（如 fire），派员方式须为 named 或 headcount，上级不能是本部门",
			"a department's system is a lower-case code such as fire, its roster named or headcount, its superior another one")
	}
	if dep.Superior != "" {
		if _, err := FindDepartment(ctx, tx, dep.Superior); err != nil {
			return err
		}
	}
	err = CheckLines(Line{Field: "name", Value: dep.Name, Max: 80}, Line{Field: "name_en", Value: dep.NameEN, Max: 160, Optional: true},
		Line{Field: "address", Value: dep.Address, Max: 160, Optional: true}, Line{Field: "phone", Value: dep.Phone, Max: 40, Optional: true})
	if err != nil {
		return err
	}
	return checkPoint(dep.Lat, dep.Lon)
}

func (dep Department) fields() map[string]any {
	return map[string]any{
		"department": dep.ID, "system": dep.System, "division": dep.Division,
		"superior": dep.Superior, "roster": dep.Roster,
	}
}

// AddClosure shuts a centre or a department on a day, every centre when neither
// is named (INS-402, INS-502), and has the visits of that day looked at
// (INS-410). Refuses with centre_unknown, department_unknown, closure_place,
// text_invalid, closure_past, closure_exists.
func (d *Desk) AddClosure(ctx context.Context, c Closure, by string, key once.Key) (Closure, error) {
	now := d.now()
	c.ID, c.AddedBy, c.AddedAt, c.WithdrawnBy, c.WithdrawnAt = newID(), by, now, "", time.Time{}
	if err := CheckLines(Line{Field: "reason", Value: c.Reason, Max: 200}); err != nil {
		return c, err
	}
	if c.Centre != "" && c.Department != "" {
		return c, fault.Refuse(fault.Invalid, "closure_place",
			"请只选一个中心或一个部门", "name one centre or one department, not both")
	}
	if c.Day.Before(workday.DateOf(now)) {
		return c, fault.Refuse(fault.Invalid, "closure_past",
			"日期 %s 已经过去，请填写今天或以后的日期", "%s has passed; give today or a later day", c.Day)
	}
	return once.Act(ctx, d.DB.Write, key, now, func(tx bun.IDB) (Closure, error) {
		if err := checkScope(ctx, tx, Scope{Centre: c.Centre, Department: c.Department}); err != nil {
			return c, err
		}
		if err := insertClosure(ctx, tx, c); err != nil {
			return c, err
		}
		if err := d.DayOff(ctx, tx); err != nil {
			return c, err
		}
		return c, record(ctx, tx, "closure_added", by, now, c.fields())
	})
}

// WithdrawClosure takes a closure back; what was counted with it stays as it
// was. Refuses with closure_unknown, closure_withdrawn.
func (d *Desk) WithdrawClosure(ctx context.Context, id, by string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		c := Closure{ID: id, WithdrawnBy: by, WithdrawnAt: now}
		if _, err := FindClosure(ctx, tx, id); err != nil {
			return err
		}
		if err := withdrawClosure(ctx, tx, c); err != nil {
			return err
		}
		return record(ctx, tx, "closure_withdrawn", by, now, map[string]any{"closure": id})
	})
}

func (c Closure) fields() map[string]any {
	return map[string]any{"closure": c.ID, "centre": c.Centre, "department": c.Department, "day": c.Day.String()}
}
