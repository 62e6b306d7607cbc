package inspection

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// DayOff looks, on the caller's transaction, at every booked visit after a
// calendar or a closure has taken days away: one whose day is now off becomes a
// task of its window. Nothing is held and nothing moves by itself (INS-410);
// deadlines that run are extended when they are judged (INS-409).
func (d *Desk) DayOff(ctx context.Context, tx bun.IDB) error {
	d = d.still()
	if err := takeDays(ctx, tx); err != nil {
		return err
	}
	visits, err := bookedAhead(ctx, tx, d.now())
	if err != nil || len(visits) == 0 {
		return err
	}
	closures, err := office.ListStanding(ctx, tx, dateOf(d.now()))
	if err != nil {
		return err
	}
	calendars := map[string]*workday.Calendar{}
	for _, v := range visits {
		if calendars[v.CentreID] == nil {
			if calendars[v.CentreID], err = office.CalendarOf(ctx, tx, v.CentreID, d.now()); err != nil {
				return err
			}
		}
		if err := d.taskIfOff(ctx, tx, v, calendars[v.CentreID], closures); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) taskIfOff(ctx context.Context, tx bun.IDB, v Visit, cal *workday.Calendar, closures []office.Closure) error {
	day := dateOf(v.Start)
	why := "勘验当天（" + workday.DayText("zh", day) + "）已改为非工作日"
	open, err := cal.IsWorkday(day)
	if open {
		why, err = absentOn(ctx, tx, v, closures)
	}
	if why == "" || fault.Is(err, "calendar_missing") { // INS-405: nothing is known of that year
		return nil
	}
	if err != nil {
		return err
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskHoliday, Subject: v.ID, CreatedAt: d.now(), Detail: why + "，请与各部门和申请人商定后取消、另约",
	})
}

// absentOn says which department a visit needs is shut on its day, if any is.
func absentOn(ctx context.Context, tx bun.IDB, v Visit, closures []office.Closure) (string, error) {
	day := dateOf(v.Start)
	shut := map[string]bool{}
	for _, c := range closures {
		if c.Department != "" && c.Day == day {
			shut[c.Department] = true
		}
	}
	if len(shut) == 0 {
		return "", nil
	}
	participants, err := listParticipants(ctx, tx, v.ID)
	for _, p := range participants {
		if p.Required && shut[p.DepartmentID] {
			return p.Name + "在勘验当天（" + workday.DayText("zh", day) + "）停办", err
		}
	}
	return "", err
}
