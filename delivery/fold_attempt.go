package delivery

import (
	"slices"
	"time"
)

// AttemptRecord is one try to deliver (DEL-801). Old outcomes stay.
type AttemptRecord struct {
	AttemptID    string
	CourierID    string
	Started      time.Time // zero: not recorded
	Arrived      time.Time
	Ended        time.Time // zero: still open
	EndEvent     string    // the event whose proof belongs to it (DEL-603)
	Outcome      Outcome
	Delivered    bool
	Fault        Fault // as it counts now
	DefaultFault Fault // of the outcome; both are kept (DEL-411)
	Note         string
}

// record keeps the attempt that e is part of (DEL-801).
func (f *folder) record(e *StoredEvent) {
	ends := e.Type == EventDelivered || e.Type == EventFailed || e.Type == EventReturning && e.Facts.Outcome != ""
	if e.AttemptID == "" || !ends && e.Type != EventStarted && e.Type != EventArrived {
		return
	}
	a := f.attempt(e, ends)
	switch {
	case e.Type == EventStarted && a.Started.IsZero():
		a.Started = f.counted(e)
	case e.Type == EventArrived && a.Arrived.IsZero():
		a.Arrived = f.counted(e)
	case ends && (a.Ended.IsZero() || f.EventID == e.EventID):
		o := e.Facts.Outcome
		a.Ended, a.EndEvent, a.Outcome, a.Note, a.Delivered = f.counted(e), e.EventID, o, e.Facts.Reason, e.Type == EventDelivered
		if a.Fault = ""; !a.Delivered {
			a.Fault = o.Fault()
		}
		a.DefaultFault = a.Fault
	}
}

// attempt finds the record that e goes on with, or opens one: an attempt that
// has ended goes on only with a repetition of its end.
func (f *folder) attempt(e *StoredEvent, ends bool) *AttemptRecord {
	for i := range slices.Backward(f.Attempts) {
		a := &f.Attempts[i]
		if a.AttemptID == e.AttemptID && (a.Ended.IsZero() || ends && a.Delivered == (e.Type == EventDelivered)) {
			return a
		}
	}
	f.Attempts = append(f.Attempts, AttemptRecord{AttemptID: e.AttemptID, CourierID: e.CourierID})
	return &f.Attempts[len(f.Attempts)-1]
}

// changeFaults lets supervisors have the last word on the side of a failure
// (DEL-411); the default stays beside it.
func (f *folder) changeFaults() {
	for _, e := range f.order {
		if e.Type != EventFaultChanged || slices.Contains(f.declared, e.EventID) {
			continue
		}
		for i := range f.Attempts {
			if a := &f.Attempts[i]; a.AttemptID == e.AttemptID && a.DefaultFault != "" {
				a.Fault = e.Facts.Fault
			}
		}
	}
}
