package office

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/once"
)

// The kinds of scope, from wide to narrow (INS-1301).
var scopeKinds = []string{"city", "centre", "matter", "department"}

// ids gives the id of a scope for each kind; the city has none.
func (s Scope) ids() map[string]string {
	return map[string]string{"city": "", "centre": s.Centre, "matter": s.Matter, "department": s.Department}
}

// one gives the kind and id of a scope that a setting is made for.
func (s Scope) one() (kind, id string, err error) {
	kind = "city"
	for k, v := range s.ids() {
		if v == "" {
			continue
		}
		if id != "" {
			return "", "", fault.Refuse(fault.Invalid, "scope_invalid",
				"一项设置只能针对一个中心、一个事项或一个部门，请只选其一",
				"a setting is for one centre, one matter or one department; choose just one")
		}
		kind, id = k, v
	}
	return kind, id, nil
}

// inForce picks, for each key, the row that counts: in each scope the one that
// took effect last, of the scopes the narrowest that says anything (INS-1301).
// rows are approved, in order of taking effect.
func inForce(rows []Setting, at time.Time) map[string]Setting {
	latest := map[string]*[4]*Setting{} // by key, then from wide to narrow
	for i := range rows {
		row := &rows[i]
		if row.EffectiveFrom.After(at) {
			continue
		}
		if latest[row.Key] == nil {
			latest[row.Key] = &[4]*Setting{}
		}
		latest[row.Key][slices.Index(scopeKinds, row.ScopeKind)] = row
	}
	found := make(map[string]Setting, len(latest))
	for key, scopes := range latest {
		for _, row := range scopes {
			if row != nil && row.Value != "" {
				found[key] = *row
			}
		}
	}
	return found
}

// RulesAt gives the settings in force at an instant for a scope (INS-1301). An
// act reads them once, at its own instant; a deadline stores what it used.
func RulesAt(ctx context.Context, q bun.IDB, at time.Time, s Scope) (Rules, error) {
	settings, err := SettingsAt(ctx, q, at, s)
	return settings.Rules(s.Department), err
}

// Settings are the rows that took effect by an instant for a scope and some
// departments, for acts that look at many departments (STY-21).
type Settings struct {
	scope Scope
	at    time.Time
	rows  []Setting
}

// SettingsAt reads the settings of a scope and, besides, of the departments
// named.
func SettingsAt(ctx context.Context, q bun.IDB, at time.Time, s Scope, departments ...string) (Settings, error) {
	rows, err := settingsBy(ctx, q, at, s, departments)
	return Settings{scope: s, at: at, rows: rows}, err
}

// Rules gives what is in force for the scope with this department in it, empty
// for none (INS-1301).
func (s Settings) Rules(department string) Rules {
	scope := s.scope
	scope.Department = department
	ids := scope.ids()
	rows := slices.DeleteFunc(slices.Clone(s.rows), func(row Setting) bool { return row.ScopeID != ids[row.ScopeKind] })
	found := inForce(rows, s.at)
	var r Rules
	for _, d := range definitions {
		value := d.standard
		if row, ok := found[d.key]; ok {
			value = row.Value
		}
		d.put(&r, value) // checked when it was set
	}
	return r
}

// ListSettings gives every key with the value in force at an instant for a
// scope, who set it, and what is approved for later (INS-1302).
func ListSettings(ctx context.Context, q bun.IDB, at time.Time, s Scope) ([]SettingLine, error) {
	rows, err := approvedSettings(ctx, q, s)
	if err != nil {
		return nil, err
	}
	found := inForce(rows, at)
	lines := make([]SettingLine, len(definitions))
	for i, d := range definitions {
		line := SettingLine{
			Key: d.key, Default: d.standard, Bounds: d.bounds, TwoPersons: d.two, Basis: d.basis,
			Value: d.standard, InForce: found[d.key],
		}
		if line.InForce.Value != "" {
			line.Value = line.InForce.Value
		}
		for _, row := range rows {
			if row.Key == d.key && row.EffectiveFrom.After(at) {
				line.Scheduled = append(line.Scheduled, row)
			}
		}
		lines[i] = line
	}
	return lines, nil
}

// ProposeSetting asks for a dated setting. One marked † waits for a second
// person, any other is approved with it. Refuses with setting_unknown,
// setting_out_of_bounds, scope_invalid, setting_dated_back, text_invalid, and
// centre_unknown or department_unknown for the scope.
func (d *Desk) ProposeSetting(ctx context.Context, c SettingChange, by string) (Setting, error) {
	now := d.now()
	row, two, err := c.row(by, now)
	if err != nil {
		return Setting{}, err
	}
	what := "setting_proposed"
	if !two {
		what = "setting_changed"
		if row, err = row.approve(by, now); err != nil {
			return Setting{}, err
		}
	}
	return once.Act(ctx, d.DB.Write, c.Once, now, func(tx bun.IDB) (Setting, error) {
		if err := checkScope(ctx, tx, c.Scope); err != nil {
			return row, err
		}
		if err := insertSetting(ctx, tx, row); err != nil {
			return row, err
		}
		return row, record(ctx, tx, what, by, now, row.fields())
	})
}

// row checks a change and makes it a proposal.
func (c SettingChange) row(by string, now time.Time) (row Setting, two bool, err error) {
	def, err := define(c.Key)
	if err != nil {
		return row, false, err
	}
	kind, id, err := c.Scope.one()
	if err != nil {
		return row, false, err
	}
	if c.Value != "" || id == "" { // empty in a narrow scope: follow the wider one again
		if err := def.check(c.Value); err != nil {
			return row, false, err
		}
	}
	err = CheckLines(Line{Field: "reason", Value: c.Reason, Max: 200}, Line{Field: "scope", Value: id, Max: 60, Optional: true})
	row = Setting{
		ID: newID(), Key: c.Key, ScopeKind: kind, ScopeID: id, Value: c.Value, Reason: c.Reason,
		EffectiveFrom: c.From.UTC().Truncate(time.Millisecond), State: Proposed, SetBy: by, SetAt: now,
	}
	if c.From.IsZero() {
		row.EffectiveFrom = time.Time{}
	} else if row.EffectiveFrom.Before(now) {
		err = datedBack()
	}
	return row, def.two, err
}

// approve dates the row. What was in force in the past stays in force there:
// a change that waited beyond its own date is refused (INS-1301).
func (row Setting) approve(by string, now time.Time) (Setting, error) {
	if row.EffectiveFrom.IsZero() {
		row.EffectiveFrom = now
	}
	if row.EffectiveFrom.Before(now) {
		return row, datedBack()
	}
	row.State, row.DecidedBy, row.DecidedAt = Approved, by, now
	return row, nil
}

func datedBack() error {
	return fault.Refuse(fault.Invalid, "setting_dated_back",
		"生效时间不能早于审核时间，请退回后按新的生效时间重新提出",
		"a setting cannot take effect before it is approved; propose it again with a later date")
}

func checkScope(ctx context.Context, tx bun.IDB, s Scope) error {
	if s.Centre != "" {
		if _, err := FindCentre(ctx, tx, s.Centre); err != nil {
			return err
		}
	}
	if s.Department != "" {
		if _, err := FindDepartment(ctx, tx, s.Department); err != nil {
			return err
		}
	}
	return nil // matters belong to inspection; a row for none is never read
}

// ApproveSetting lets a proposal take effect, at its date or now. Refuses with
// proposal_unknown, already_decided, two_persons, setting_dated_back.
func (d *Desk) ApproveSetting(ctx context.Context, id, by string) (Setting, error) {
	now := d.now()
	var row Setting
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if row, err = findSetting(ctx, tx, id); err != nil {
			return err
		}
		if row.State != Proposed {
			return decided()
		}
		if err := second(row.SetBy, by); err != nil {
			return err
		}
		if row, err = row.approve(by, now); err != nil {
			return err
		}
		return decideSetting(ctx, tx, row, "setting_changed")
	})
	return row, err
}

// RejectSetting sends a proposal away. Refuses with proposal_unknown,
// already_decided.
func (d *Desk) RejectSetting(ctx context.Context, id, by string) error {
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		row, err := findSetting(ctx, tx, id)
		if err != nil {
			return err
		}
		row.State, row.DecidedBy, row.DecidedAt = Rejected, by, now
		return decideSetting(ctx, tx, row, "setting_rejected")
	})
}

// decideSetting stores a decision and its leaf.
func decideSetting(ctx context.Context, tx bun.IDB, row Setting, what string) error {
	if err := updateSetting(ctx, tx, row); err != nil {
		return err
	}
	return record(ctx, tx, what, row.DecidedBy, row.DecidedAt, row.fields())
}

func (row Setting) fields() map[string]any {
	f := map[string]any{
		"setting": row.ID, "key": row.Key, "value": row.Value, "set_by": row.SetBy,
		"scope": strings.TrimSuffix(row.ScopeKind+":"+row.ScopeID, ":"),
	}
	if !row.EffectiveFrom.IsZero() {
		f["effective_from"] = row.EffectiveFrom
	}
	return f
}
