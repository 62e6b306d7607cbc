package delivery

import (
	"time"

	"lianban/scheduler/workday"
)

// momentText is a moment as tables of examples write it.
func momentText(t time.Time) string { return workday.DateOf(t).String() + " " + clockMoment(t) }
