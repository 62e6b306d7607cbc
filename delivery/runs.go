package delivery

import (
	"time"

	"lianban/scheduler/workday"
)

// CollectionRuns are when couriers come to the window for what is sealed, in
// minutes after midnight (DEL §16, runs.collection).
func CollectionRuns() []int { return []int{9 * 60, 12*60 + 30, 16*60 + 30} }

// What a run leaves for: packing before it, and the road after it (DEL-711).
const (
	packing = 15 // minutes
	onRoad  = 120
)

// UnservedStart looks at every minute of a working day at which a promise may
// start and gives the first that no collection run serves: one between the start
// with 15 minutes to pack and two delivery hours before the due moment (DEL-711).
// ok says that there is none.
func (t PromiseTerms) UnservedStart(c *workday.Calendar, day workday.Date, runs []int) (start time.Time, ok bool, err error) {
	if t.Policy == PolicyNone {
		return start, true, nil
	}
	for _, block := range t.Hall {
		for minute := block.From; minute < block.To; minute++ {
			at := day.At(minute)
			p, err := MakePromise(c, t, PromiseStart{Set: at, Confirmed: at, Carrier: at})
			if err != nil {
				return at, false, err
			}
			served, err := t.served(c, p, runs)
			if err != nil || !served {
				return at, false, err
			}
		}
	}
	return start, true, nil
}

// served reports whether a run of a working day lies where the promise needs one.
func (t PromiseTerms) served(c *workday.Calendar, p Promise, runs []int) (bool, error) {
	first := p.Start.Add(packing * time.Minute)
	last, err := c.SubMinutes(p.Due, onRoad, t.Delivery)
	if err != nil {
		return false, err
	}
	for day := workday.DateOf(first); !day.Midnight().After(last); day = day.AddDays(1) {
		open, err := c.IsWorkday(day)
		if err != nil {
			return false, err
		}
		for _, run := range runs {
			if at := day.At(run); open && !at.Before(first) && !at.After(last) {
				return true, nil
			}
		}
	}
	return false, nil
}
