package delivery

import (
	"slices"
	"time"
)

// ETA is what an applicant may expect: a band that the arrival keeps four times in
// five, or why there is none (DEL-1204). It never lies in the past, and tells
// nothing of other stops or of where the courier is.
type ETA struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	Code ETACode   `json:"code,omitempty"`
}

// ETACode says why there is no band. A parcel that has ended has neither.
type ETACode string

// The codes.
const (
	ETASoon          ETACode = "soon"           // the band is over and it has not arrived
	ETAOverdue       ETACode = "overdue"        // past its due moment
	ETANotDispatched ETACode = "not_dispatched" // no courier has it
	ETAPaused        ETACode = "paused"         // the clock stands still, or something is to be decided
	ETANoPosition    ETACode = "no_position"    // no way is planned to it, or nobody knows where it lies
)

// etaGrain is what a band is rounded to: more would promise more than is known.
const etaGrain = 5 * time.Minute

// eta gives what may be expected at an instant.
func (p Parcel) eta(now time.Time, paused bool) ETA {
	switch {
	case p.State.Terminal() || p.State == ParcelUnverified || p.Way == WayWindow:
		return ETA{}
	case !p.DueAt.IsZero() && now.After(p.DueAt):
		return ETA{Code: ETAOverdue}
	case paused:
		return ETA{Code: ETAPaused}
	case slices.Contains(heldStates, p.State):
		return ETA{Code: ETANotDispatched}
	case !slices.Contains(roundStates, p.State):
		return ETA{Code: ETAPaused}
	case p.PredictedP80.IsZero() || p.Receiver.Lat == 0 && p.Receiver.Lon == 0:
		return ETA{Code: ETANoPosition}
	case now.After(p.PredictedP80):
		return ETA{Code: ETASoon}
	}
	to := p.PredictedP80.Truncate(etaGrain)
	if to.Before(p.PredictedP80) {
		to = to.Add(etaGrain)
	}
	return ETA{From: p.PredictedAt.Truncate(etaGrain), To: to}
}
