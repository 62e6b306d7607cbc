package delivery

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// oracle says what a set of events amounts to, slowly and with nothing of
// fold.go (TST-4): the order from its definition, the state as the answer of
// the events before plus the last one.
type oracle struct{ events []StoredEvent }

// oracleNext is column "next" of DEL §4.1 once more.
const oracleNext = `drafted>sealed drafted>cancelled sealed>handed_over sealed>collected_at_window sealed>cancelled sealed>drafted sealed>lost sealed>damaged
handed_over>out_for_delivery handed_over>on_hold handed_over>returning handed_over>lost handed_over>damaged
out_for_delivery>arrived out_for_delivery>delivered out_for_delivery>delivered_unverified out_for_delivery>attempt_failed out_for_delivery>on_hold out_for_delivery>returning out_for_delivery>lost out_for_delivery>damaged
arrived>delivered arrived>delivered_unverified arrived>attempt_failed arrived>returning arrived>lost arrived>damaged
attempt_failed>out_for_delivery attempt_failed>rescheduled attempt_failed>returning attempt_failed>on_hold attempt_failed>lost attempt_failed>damaged
rescheduled>out_for_delivery rescheduled>returning
on_hold>handed_over on_hold>out_for_delivery on_hold>arrived on_hold>attempt_failed on_hold>rescheduled on_hold>returning on_hold>cancelled
returning>returned returning>lost returning>damaged lost>returning lost>written_off damaged>returning damaged>written_off `

func (o oracle) orderTime(e StoredEvent) int64 {
	most := e.Effective.UnixMilli()
	for _, x := range o.events {
		if x.DeviceID == e.DeviceID && x.Seq < e.Seq && x.Effective.UnixMilli() > most {
			most = x.Effective.UnixMilli()
		}
	}
	return most
}

func (o oracle) sorted() []StoredEvent {
	byKey, keys := map[string]StoredEvent{}, []string{}
	for _, e := range o.events {
		key := fmt.Sprintf("%020d|%s|%020d|%s", o.orderTime(e), e.DeviceID, e.Seq, e.EventID)
		if _, twice := byKey[key]; !twice {
			keys = append(keys, key)
		}
		byKey[key] = e
	}
	sort.Strings(keys)
	var out []StoredEvent
	for _, key := range keys {
		out = append(out, byKey[key])
	}
	return out
}

// wrong reports whether a standing correction speaks about e, at place n.
func (o oracle) wrong(list []StoredEvent, n int) bool {
	for m, d := range list {
		if d.Type != "error_declared" || d.Facts.Refers != list[n].EventID {
			continue
		}
		if list[n].Type == "error_declared" && m <= n {
			continue
		}
		if !o.wrong(list, m) {
			return true
		}
	}
	return false
}

// about reports whether a standing event of that type speaks about id.
func (o oracle) about(list []StoredEvent, kind EventType, id string) bool {
	for n, e := range list {
		if e.Type == kind && e.Facts.Refers == id && !o.wrong(list, n) {
			return true
		}
	}
	return false
}

// where is a parcel after some events, as the oracle remembers it.
type where struct {
	state   ParcelState
	attempt string
	by      int // place of the event that put it there; -1: none
}

func (o oracle) target(list []StoredEvent, n int) ParcelState {
	switch e := list[n]; e.Type {
	case "delivered":
		if !e.ProofComplete && !o.about(list, "proof_confirmed", e.EventID) {
			return "delivered_unverified"
		}
		return "delivered"
	case "opened":
		return "drafted"
	case "started":
		return "out_for_delivery"
	case "failed":
		return "attempt_failed"
	case "found":
		return "returning"
	case "collected":
		return "collected_at_window"
	default:
		return ParcelState(e.Type)
	}
}

// after is where the parcel is after the events up to place n, and what the
// event at n did.
func (o oracle) after(list []StoredEvent, n int) (where, Verdict) {
	if n < 0 {
		return where{"drafted", "", -1}, ""
	}
	now, _ := o.after(list, n-1)
	e := list[n]
	switch e.Type {
	case "note", "contact_revealed", "error_declared", "proof_confirmed", "time_accepted", "fault_changed":
		if o.wrong(list, n) {
			return now, Declared
		}
		return now, Remark
	}
	to := o.target(list, n)
	switch {
	case o.wrong(list, n):
		return now, Declared
	case strings.Contains("delivered delivered_unverified returned collected_at_window written_off cancelled", string(now.state)):
		return o.behind(list, n, now, to)
	case e.Type == "resumed" && now.state != "on_hold":
		return now, History
	case e.Type == "resumed":
		before := o.beforeHold(list, n-1)
		return where{before.state, before.attempt, n}, Applied
	case to == now.state && to == "rescheduled":
		return where{to, e.AttemptID, n}, Applied
	case to == now.state && (e.AttemptID == now.attempt || !strings.Contains("started arrived delivered failed", string(e.Type))):
		return now, Repeated
	case o.earlier(to, now.state) && !strings.Contains(oracleNext, string(now.state+">"+to)+" ") && !strings.Contains(oracleNext, string(now.state+">"+to)+"\n"):
		return now, History
	}
	return where{to, e.AttemptID, n}, Applied
}

func (o oracle) earlier(to, now ParcelState) bool {
	switch to {
	case "drafted":
		return now != "drafted"
	case "sealed":
		return now != "drafted" && now != "sealed"
	case "handed_over":
		return now != "drafted" && now != "sealed" && now != "handed_over"
	}
	return false
}

// beforeHold looks for where the parcel was before the hold it is in at n.
func (o oracle) beforeHold(list []StoredEvent, n int) where {
	now, _ := o.after(list, n)
	before, _ := o.after(list, now.by-1)
	return before
}

func (o oracle) behind(list []StoredEvent, n int, now where, to ParcelState) (where, Verdict) {
	e, end := list[n], list[now.by]
	sameClaim := e.Type == "delivered" && end.Type == "delivered" && e.CourierID == end.CourierID && e.AttemptID == end.AttemptID
	switch {
	case e.Type != "delivered" && to == now.state, sameClaim && (to == now.state || to == "delivered_unverified"):
		return now, Repeated
	case sameClaim:
		return where{to, e.AttemptID, n}, Applied
	}
	return now, Clashed
}

// report is what the oracle and the fold are compared by.
func (o oracle) report() string {
	list := o.sorted()
	end, _ := o.after(list, len(list)-1)
	var out strings.Builder
	fmt.Fprintf(&out, "%s attempt %q\n", end.state, end.attempt)
	for n, e := range list {
		now, verdict := o.after(list, n)
		fmt.Fprintf(&out, "%s %s %s", e.EventID, verdict, now.state)
		if verdict == Clashed {
			fmt.Fprintf(&out, " against %s", list[now.by].EventID)
		}
		if before, _ := o.after(list, n-1); verdict == Applied && e.Type != "resumed" && now.state != before.state && !o.listed(before.state, now.state) {
			out.WriteString(" gap")
		} else if verdict == Applied && now.state == before.state && now.state != "rescheduled" && e.Type != "resumed" {
			out.WriteString(" gap")
		}
		out.WriteString("\n")
	}
	return out.String()
}

func (o oracle) listed(from, to ParcelState) bool {
	for _, move := range strings.Fields(oracleNext) {
		if move == string(from+">"+to) {
			return true
		}
	}
	return from == "delivered_unverified" && to == "delivered"
}

// reportOfFold writes the same of the fold under test.
func reportOfFold(f Folded) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s attempt %q\n", f.State, f.AttemptID)
	for _, s := range f.Steps {
		fmt.Fprintf(&out, "%s %s %s", s.EventID, s.Verdict, s.State)
		for _, x := range f.Exceptions {
			if x.EventID == s.EventID && x.Code == ExceptionConflict {
				fmt.Fprintf(&out, " against %s", x.Against)
			}
		}
		for _, x := range f.Exceptions {
			if x.EventID == s.EventID && x.Code == ExceptionGap && s.Verdict == Applied {
				out.WriteString(" gap")
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

func TestTheFoldAgreesWithASlowOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := anySet(t)
		if diff := cmp.Diff(oracle{events}.report(), reportOfFold(Fold(events))); diff != "" {
			t.Fatalf("oracle (-) and fold (+): %s", diff)
		}
	})
}
