package office

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/scheduler/workday"
)

// Stands in until the bodies land; the signatures hold.
var errSoon = errors.New("office: being written")

func FindDivision(ctx context.Context, q bun.IDB, code string) (Division, error) {
	return Division{}, errSoon
}
func ListDivisions(ctx context.Context, q bun.IDB) ([]Division, error)          { return nil, errSoon }
func Ancestors(ctx context.Context, q bun.IDB, code string) ([]Division, error) { return nil, errSoon } // the division itself first

func FindCentre(ctx context.Context, q bun.IDB, id string) (Centre, error) { return Centre{}, errSoon }
func ListCentres(ctx context.Context, q bun.IDB) ([]Centre, error)         { return nil, errSoon }
func FindWindow(ctx context.Context, q bun.IDB, id string) (Window, error) { return Window{}, errSoon }
func ListWindows(ctx context.Context, q bun.IDB, centre string) ([]Window, error) {
	return nil, errSoon
}
func FindDepartment(ctx context.Context, q bun.IDB, id string) (Department, error) {
	return Department{}, errSoon
}
func ListDepartments(ctx context.Context, q bun.IDB, by DepartmentQuery) ([]Department, error) {
	return nil, errSoon
}

func Organiser(ctx context.Context, q bun.IDB, division string) (Centre, Window, error) {
	return Centre{}, Window{}, errSoon
}
func CompetentDepartment(ctx context.Context, q bun.IDB, system string, level Level, division string) (Department, error) {
	return Department{}, errSoon
}

func Calendar(ctx context.Context, q bun.IDB) (*workday.Calendar, error) { return nil, errSoon } // newest approved version
func CalendarVersion(ctx context.Context, q bun.IDB, version int) (*workday.Calendar, error) {
	return nil, errSoon
}
func CalendarOf(ctx context.Context, q bun.IDB, centre string, at time.Time) (*workday.Calendar, error) {
	return nil, errSoon
} // newest version with the city's and the centre's closures known at that instant

func RulesAt(ctx context.Context, q bun.IDB, at time.Time, s Scope) (Rules, error) {
	return Rules{}, errSoon
}
func ListSettings(ctx context.Context, q bun.IDB, at time.Time, s Scope) ([]SettingLine, error) {
	return nil, errSoon
}
func ListProposedSettings(ctx context.Context, q bun.IDB) ([]Setting, error) { return nil, errSoon }

func ConfirmedAddresses(ctx context.Context, q bun.IDB, department string, at time.Time) ([]Address, error) {
	return nil, errSoon
}
func FindAddress(ctx context.Context, q bun.IDB, id string) (Address, error) {
	return Address{}, errSoon
}

func (d *Desk) Install(ctx context.Context, by string) error                       { return errSoon } // divisions, first calendar, default settings; may run again
func (d *Desk) AddCentre(ctx context.Context, c Centre, by string) (Centre, error) { return c, errSoon }
func (d *Desk) ChangeCentre(ctx context.Context, c Centre, by string) error        { return errSoon }
func (d *Desk) AddWindow(ctx context.Context, w Window, by string) (Window, error) { return w, errSoon }
func (d *Desk) AddDepartment(ctx context.Context, dep Department, by string) (Department, error) {
	return dep, errSoon
}                                                                                     // id = division-system
func (d *Desk) ChangeDepartment(ctx context.Context, dep Department, by string) error { return errSoon }
func (d *Desk) AddDivision(ctx context.Context, v Division, by string) error          { return errSoon }
func (d *Desk) AddClosure(ctx context.Context, c Closure, by string) (Closure, error) {
	return c, errSoon
}
func (d *Desk) WithdrawClosure(ctx context.Context, id, by string) error { return errSoon }

func (d *Desk) ImportCalendar(ctx context.Context, file []byte, by string) (version int, err error) {
	return 0, errSoon
}                                                                                 // proposes
func (d *Desk) ApproveCalendar(ctx context.Context, version int, by string) error { return errSoon }
func (d *Desk) RejectCalendar(ctx context.Context, version int, by string) error  { return errSoon }

func (d *Desk) ProposeSetting(ctx context.Context, c SettingChange, by string) (Setting, error) {
	return Setting{}, errSoon
} // approved at once unless †
func (d *Desk) ApproveSetting(ctx context.Context, id, by string) (Setting, error) {
	return Setting{}, errSoon
}
func (d *Desk) RejectSetting(ctx context.Context, id, by string) error { return errSoon }

func (d *Desk) ProposeAddress(ctx context.Context, a Address, by string) (Address, error) {
	return a, errSoon
}                                                                            // Replaces set = change, else addition
func (d *Desk) ProposeRemoval(ctx context.Context, address, by string) error { return errSoon }
func (d *Desk) ApproveAddress(ctx context.Context, id, by string) (Address, error) {
	return Address{}, errSoon
}
func (d *Desk) RejectAddress(ctx context.Context, id, by string) error { return errSoon }
