package delivery

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

func shippedCalendar(t testing.TB) *workday.Calendar {
	t.Helper()
	years, err := workday.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	c, err := workday.New(7, years)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exampleTerms are the hours of the worked examples (DEL-703, DEC-16).
func exampleTerms(t testing.TB) PromiseTerms {
	t.Helper()
	terms := DefaultPromiseTerms()
	terms.Hall, terms.Delivery, terms.Evening = hours(t, "09:00-12:00,13:00-17:00"), hours(t, "08:30-18:30"), 18*60
	return terms
}

func hours(t testing.TB, text string) workday.Hours {
	t.Helper()
	h, err := workday.ParseHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// promised starts the clock with the complete set; the rest was there before.
func promised(t testing.TB, terms PromiseTerms, start string) Promise {
	t.Helper()
	at := when(t, start)
	p, err := MakePromise(shippedCalendar(t), terms, PromiseStart{Set: at, Confirmed: at.Add(-time.Hour), Carrier: at.Add(-time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pause(t testing.TB, from, to string) Pause {
	t.Helper()
	p := Pause{Reason: PauseApplicantAsked, From: when(t, from), By: "clerk", Evidence: "telephone"}
	if to != "" {
		p.To = when(t, to)
	}
	return p
}

func TestWorkedExamplesOfStartAndDue(t *testing.T) { // DEL §7.6, 1 to 10
	for _, tt := range []struct {
		number      int
		raw         string
		start, due  string
		provisional bool
	}{
		{1, "2026-11-24 10:20", "2026-11-24 10:20", "2026-11-24 18:00", false},
		{2, "2026-11-24 11:59:59", "2026-11-24 11:59:59", "2026-11-24 18:00", false},
		{3, "2026-11-24 12:00:00", "2026-11-24 13:00", "2026-11-25 12:00", false},
		{4, "2026-11-24 18:01", "2026-11-25 09:00", "2026-11-25 18:00", false},
		{5, "2026-11-27 16:59", "2026-11-27 16:59", "2026-11-30 12:00", false},
		{6, "2026-11-28 10:00", "2026-11-30 09:00", "2026-11-30 18:00", false},
		{7, "2026-09-18 14:00", "2026-09-18 14:00", "2026-09-20 12:00", false},
		{8, "2026-10-09 15:00", "2026-10-09 15:00", "2026-10-10 12:00", false},
		{9, "2026-09-30 16:30", "2026-09-30 16:30", "2026-10-08 12:00", false},
		{10, "2026-12-31 15:00", "2026-12-31 15:00", "2027-01-04 12:00", true},
	} {
		p := promised(t, exampleTerms(t), tt.raw)
		if !p.Start.Equal(when(t, tt.start)) || !p.Due.Equal(when(t, tt.due)) || p.Provisional != tt.provisional {
			t.Errorf("example %d: start %s, due %s, provisional %v; want %s, %s, %v", tt.number,
				momentText(p.Start), momentText(p.Due), p.Provisional, tt.start, tt.due, tt.provisional)
		}
		if p.CalendarVersion != 7 || p.Start.Location() != time.UTC || p.Due.Location() != time.UTC {
			t.Errorf("example %d: calendar %d, start in %s, due in %s", tt.number, p.CalendarVersion, p.Start.Location(), p.Due.Location())
		}
	}
}

func TestWorkedExamplesOfPauses(t *testing.T) { // DEL §7.6, 11 to 13; DEL-721
	for _, tt := range []struct {
		number  int
		raw     string
		pauses  [][2]string
		minutes []int
		due     string
	}{
		{11, "2026-11-24 10:20", [][2]string{{"2026-11-24 14:00", "2026-11-25 10:00"}}, []int{360}, "2026-11-25 14:00"},
		{
			12, "2026-11-24 10:20", [][2]string{{"2026-11-24 10:30", "2026-11-24 12:00"}, {"2026-11-24 11:00", "2026-11-24 13:30"}},
			[]int{90, 90}, "2026-11-25 11:00",
		},
		{13, "2026-11-27 10:00", [][2]string{{"2026-11-27 16:00", "2026-11-30 09:00"}}, []int{180}, "2026-11-30 11:00"},
	} {
		p := promised(t, exampleTerms(t), tt.raw)
		var pauses []Pause
		for _, one := range tt.pauses {
			pauses = append(pauses, pause(t, one[0], one[1]))
		}
		due, since, err := p.DueAfter(shippedCalendar(t), pauses)
		if err != nil || !due.Equal(when(t, tt.due)) || !since.IsZero() {
			t.Errorf("example %d: due %s (%v), want %s", tt.number, momentText(due), err, tt.due)
		}
		l, err := p.Ledger(shippedCalendar(t), pauses)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range l.Pauses {
			if n.Minutes != tt.minutes[i] {
				t.Errorf("example %d: pause %d counts %d minutes, want %d", tt.number, i+1, n.Minutes, tt.minutes[i])
			}
		}
	}
}

func TestWorkedExamplesOfResults(t *testing.T) { // DEL §7.6, 14 to 16; SIM-15
	for _, tt := range []struct {
		number     int
		facts      PromiseFacts
		result     PromiseResult
		ifAccepted PromiseResult
	}{
		{14, PromiseFacts{HandOver: PromiseAct{
			Counts: when(t, "2026-11-24 17:50"), Claimed: when(t, "2026-11-24 17:50"), Quality: "B", Verified: when(t, "2026-11-24 18:20"),
		}}, ResultMet, ""},
		{15, PromiseFacts{HandOver: PromiseAct{
			Counts: when(t, "2026-11-24 18:40"), Claimed: when(t, "2026-11-24 16:35"), Quality: "C", Verified: when(t, "2026-11-24 18:40"),
		}}, ResultMissed, ResultMet},
		{16, PromiseFacts{}, ResultMissed, ""}, // the wrong building at 16:00 is our fault: no pause, no attempt in time
	} {
		p := promised(t, exampleTerms(t), "2026-11-24 10:20")
		v, err := p.Judge(shippedCalendar(t), tt.facts, when(t, "2026-11-24 19:00"))
		if err != nil || v.Result != tt.result || v.IfAccepted != tt.ifAccepted || !v.Due.Equal(when(t, "2026-11-24 18:00")) || v.AttemptedInTime {
			t.Errorf("example %d: %+v (%v), want %s, if accepted %q", tt.number, v, err, tt.result, tt.ifAccepted)
		}
	}
}

func TestClockStartsWithTheLastOfItsThreeParts(t *testing.T) { // DEL-701
	a, b, c := when(t, "2026-11-24 09:10"), when(t, "2026-11-24 10:20"), when(t, "2026-11-24 11:30")
	for _, parts := range []PromiseStart{{a, b, c}, {c, a, b}, {b, c, a}} {
		p, err := MakePromise(shippedCalendar(t), exampleTerms(t), parts)
		if err != nil || !p.Start.Equal(c) {
			t.Errorf("%+v starts at %s (%v), want 11:30", parts, momentText(p.Start), err)
		}
	}
	for _, parts := range []PromiseStart{{Set: a, Confirmed: b}, {Set: a, Carrier: b}, {Confirmed: a, Carrier: b}, {}} {
		if !parts.Raw().IsZero() {
			t.Errorf("%+v starts the clock", parts)
		}
		if _, err := MakePromise(shippedCalendar(t), exampleTerms(t), parts); err == nil {
			t.Errorf("%+v made a promise", parts)
		}
	}
}

func TestEachPolicyHasItsDueMoment(t *testing.T) { // DEL §7.2
	for _, tt := range []struct {
		policy     PromisePolicy
		start, due string
	}{
		{PolicyCutoffNoon, "2026-11-24 11:59", "2026-11-24 18:00"},
		{PolicyCutoffNoon, "2026-11-24 13:00", "2026-11-25 12:00"},
		{PolicyNextDay18, "2026-11-24 09:00", "2026-11-25 18:00"},
		{PolicyNextDay18, "2026-11-27 09:00", "2026-11-30 18:00"},
		{PolicyElapsed24h, "2026-11-24 10:20", "2026-11-25 10:20"},
		{PolicyElapsed24h, "2026-11-27 16:59", "2026-11-30 16:59"}, // over the weekend
		{PolicyElapsed24h, "2026-11-24 11:59:59", "2026-11-25 11:59:59"},
	} {
		terms := exampleTerms(t)
		terms.Policy = tt.policy
		if p := promised(t, terms, tt.start); !p.Due.Equal(when(t, tt.due)) {
			t.Errorf("%s from %s: due %s, want %s", tt.policy, tt.start, momentText(p.Due), tt.due)
		}
	}
	terms := exampleTerms(t)
	terms.Policy = PolicyNone
	p := promised(t, terms, "2026-11-24 10:20")
	v, err := p.Judge(shippedCalendar(t), PromiseFacts{}, when(t, "2027-11-24 10:20"))
	if !p.Due.IsZero() || err != nil || v.Result != ResultNone {
		t.Errorf("no promise is due %s and has the result %s (%v)", momentText(p.Due), v.Result, err)
	}
	if marks, err := p.Marks(shippedCalendar(t), []Pause{pause(t, "2026-11-24 14:00", "")}, time.Time{}); err != nil || marks.Colour(when(t, "2027-11-24 10:20"), Progress{}) != ColourGreen {
		t.Errorf("no promise has a colour: %+v (%v)", marks, err)
	}
}

func TestDueRollsIntoDeliveryHours(t *testing.T) { // DEL-710
	for _, tt := range []struct{ delivery, start, due string }{
		{"08:30-18:00", "2026-11-24 10:20", "2026-11-24 18:00"}, // the end of a block is still in it
		{"08:30-17:30", "2026-11-24 10:20", "2026-11-25 08:30"},
		{"09:00-12:00,13:30-18:00", "2026-11-24 14:00", "2026-11-25 12:00"},
		{"13:30-18:00", "2026-11-24 14:00", "2026-11-25 13:30"},
		{"08:30-17:30", "2026-11-27 10:20", "2026-11-30 08:30"},
	} {
		terms := exampleTerms(t)
		terms.Delivery = hours(t, tt.delivery)
		if p := promised(t, terms, tt.start); !p.Due.Equal(when(t, tt.due)) {
			t.Errorf("delivery %s, start %s: due %s, want %s", tt.delivery, tt.start, momentText(p.Due), tt.due)
		}
	}
}

func TestDefaultHoursKeepTheSameEvening(t *testing.T) { // DEC-16
	p := promised(t, DefaultPromiseTerms(), "2026-11-24 10:20")
	if !p.Due.Equal(when(t, "2026-11-24 17:30")) || !p.Due.Equal(p.Nominal) {
		t.Errorf("due %s, want 17:30 the same day", momentText(p.Due))
	}
	p = promised(t, DefaultPromiseTerms(), "2026-11-24 12:30") // lunch lasts until 13:30
	if !p.Start.Equal(when(t, "2026-11-24 13:30")) || !p.Due.Equal(when(t, "2026-11-25 12:00")) {
		t.Errorf("start %s, due %s, want 13:30 and noon", momentText(p.Start), momentText(p.Due))
	}
}

func TestWrongTermsMakeNoPromise(t *testing.T) { // promise_terms, calendar_missing
	for name, change := range map[string]func(*PromiseTerms){
		"policy":  func(p *PromiseTerms) { p.Policy = "soon" },
		"evening": func(p *PromiseTerms) { p.Evening = 11 * 60 },
		"clock":   func(p *PromiseTerms) { p.Noon = 24 * 60 },
		"hall":    func(p *PromiseTerms) { p.Hall = nil },
		"hours":   func(p *PromiseTerms) { p.Delivery = nil },
		"days":    func(p *PromiseTerms) { p.UnverifiedDays = -1 },
	} {
		terms := exampleTerms(t)
		change(&terms)
		at := when(t, "2026-11-24 10:20")
		if _, err := MakePromise(shippedCalendar(t), terms, PromiseStart{at, at, at}); !fault.Is(err, "promise_terms") {
			t.Errorf("%s: %v, want promise_terms", name, err)
		}
	}
	at := when(t, "2040-11-24 10:20")
	if _, err := MakePromise(shippedCalendar(t), exampleTerms(t), PromiseStart{at, at, at}); !fault.Is(err, "calendar_missing") {
		t.Errorf("a year without a calendar: %v", err)
	}
}

func TestOpenPauseHasNoDue(t *testing.T) { // DEL-722
	c, p := shippedCalendar(t), promised(t, exampleTerms(t), "2026-11-24 10:20")
	pauses := []Pause{pause(t, "2026-11-24 15:00", "2026-11-24 16:00"), pause(t, "2026-11-24 14:00", "")}
	due, since, err := p.DueAfter(c, pauses)
	if err != nil || !due.IsZero() || !since.Equal(when(t, "2026-11-24 14:00")) {
		t.Errorf("due %s, paused since %s (%v)", momentText(due), momentText(since), err)
	}
	v, err := p.Judge(c, PromiseFacts{Pauses: pauses}, when(t, "2026-12-24 14:00"))
	if err != nil || v.Result != ResultPaused || !v.PausedSince.Equal(since) {
		t.Errorf("a month later: %+v (%v), want paused", v, err)
	}
	marks, err := p.Marks(c, pauses, time.Time{})
	if err != nil || marks.Colour(when(t, "2026-12-24 14:00"), Progress{}) != ColourGreen {
		t.Errorf("a paused parcel has the marks %+v (%v)", marks, err)
	}
}

func TestPausesCountOnlyWhileThePromiseRuns(t *testing.T) { // DEL-721
	c, p := shippedCalendar(t), promised(t, exampleTerms(t), "2026-11-24 10:20")
	for _, tt := range []struct {
		name   string
		pauses []Pause
		due    string
	}{
		{"after due", []Pause{pause(t, "2026-11-24 18:00", "2026-11-25 10:00")}, "2026-11-24 18:00"},
		{"before the start", []Pause{pause(t, "2026-11-24 08:00", "2026-11-24 10:00")}, "2026-11-24 18:00"},
		{"over the start", []Pause{pause(t, "2026-11-24 08:00", "2026-11-24 10:30")}, "2026-11-24 18:10"},
		{"at night", []Pause{pause(t, "2026-11-24 17:30", "2026-11-24 23:00")}, "2026-11-25 09:00"},
		{"one after the other", []Pause{pause(t, "2026-11-24 18:10", "2026-11-24 18:20"), pause(t, "2026-11-24 17:00", "2026-11-24 17:15")}, "2026-11-24 18:25"},
		{"ends before it begins", []Pause{pause(t, "2026-11-24 15:00", "2026-11-24 14:00")}, "2026-11-24 18:00"},
		{"seconds", []Pause{pause(t, "2026-11-24 14:00:59", "2026-11-24 14:10:01")}, "2026-11-24 18:10"},
	} {
		due, _, err := p.DueAfter(c, tt.pauses)
		if err != nil || !due.Equal(when(t, tt.due)) {
			t.Errorf("%s: due %s (%v), want %s", tt.name, momentText(due), err, tt.due)
		}
		slices.Reverse(tt.pauses)
		if again, _, _ := p.DueAfter(c, tt.pauses); !again.Equal(due) {
			t.Errorf("%s: the order of the pauses matters", tt.name)
		}
	}
}

func TestResultFollowsFromTheFacts(t *testing.T) { // DEL §7.5
	act := func(counts string, quality Quality, verified string) PromiseAct {
		a := PromiseAct{Counts: when(t, counts), Claimed: when(t, counts), Quality: quality}
		if verified != "" {
			a.Verified = when(t, verified)
		}
		return a
	}
	for _, tt := range []struct {
		name   string
		facts  PromiseFacts
		now    string
		result PromiseResult
		found  bool // attempted in time
	}{
		{"nothing yet", PromiseFacts{}, "2026-11-24 18:00", ResultRunning, false},
		{"a moment late", PromiseFacts{}, "2026-11-24 18:00:01", ResultMissed, false},
		{"at the due moment", PromiseFacts{HandOver: act("2026-11-24 18:00", "A", "2026-11-24 18:00")}, "2026-11-24 18:05", ResultMet, false},
		{"a second after it", PromiseFacts{HandOver: act("2026-11-24 18:00:01", "A", "2026-11-24 18:00:01")}, "2026-11-24 18:05", ResultMissed, false},
		{"C received in time", PromiseFacts{HandOver: act("2026-11-24 17:00", "C", "2026-11-24 17:00")}, "2026-11-24 18:05", ResultMet, false},
		{"not verified", PromiseFacts{HandOver: act("2026-11-24 17:00", "A", "")}, "2026-11-26 17:00", ResultPending, false},
		{"verified late, by the act's time", PromiseFacts{HandOver: act("2026-11-24 17:00", "A", "2026-11-26 16:59")}, "2026-12-01 09:00", ResultMet, false},
		{"two working days unverified", PromiseFacts{HandOver: act("2026-11-24 17:00", "A", "")}, "2026-11-26 17:00:01", ResultMissed, false},
		{"verified after that", PromiseFacts{HandOver: act("2026-11-24 17:00", "A", "2026-11-27 09:00")}, "2026-12-01 09:00", ResultMissed, false},
		{"unverified and late", PromiseFacts{HandOver: act("2026-11-24 18:30", "A", "")}, "2026-11-24 18:40", ResultMissed, false},
		{"nobody found in time", PromiseFacts{Attempt: when(t, "2026-11-24 16:00")}, "2026-11-24 18:01", ResultMissed, true},
		{"nobody found, still time", PromiseFacts{Attempt: when(t, "2026-11-24 16:00")}, "2026-11-24 17:00", ResultRunning, false},
		{"nobody found, late", PromiseFacts{Attempt: when(t, "2026-11-24 18:30")}, "2026-11-24 19:00", ResultMissed, false},
		{"found at the second try", PromiseFacts{Attempt: when(t, "2026-11-24 15:00"), HandOver: act("2026-11-24 17:30", "A", "2026-11-24 17:30")}, "2026-11-25 09:00", ResultMet, false},
		{"withdrawn in time", PromiseFacts{Ended: when(t, "2026-11-24 17:00")}, "2026-11-25 09:00", ResultExcluded, false},
		{"withdrawn too late", PromiseFacts{Ended: when(t, "2026-11-24 18:30")}, "2026-11-25 09:00", ResultMissed, false},
		{"refused, then returned", PromiseFacts{
			Ended: when(t, "2026-11-25 15:00"), Pauses: []Pause{pause(t, "2026-11-24 16:00", "")},
		}, "2026-11-26 09:00", ResultExcluded, false},
		{"in a pause's extra time", PromiseFacts{
			HandOver: act("2026-11-25 14:00", "A", "2026-11-25 14:00"), Pauses: []Pause{pause(t, "2026-11-24 14:00", "2026-11-25 10:00")},
		}, "2026-11-26 09:00", ResultMet, false},
	} {
		p := promised(t, exampleTerms(t), "2026-11-24 10:20")
		v, err := p.Judge(shippedCalendar(t), tt.facts, when(t, tt.now))
		if err != nil || v.Result != tt.result || v.AttemptedInTime != tt.found || v.IfAccepted != "" {
			t.Errorf("%s: %+v (%v), want %s, attempted in time %v", tt.name, v, err, tt.result, tt.found)
		}
	}
}

func TestColoursWarnBeforeItIsTooLate(t *testing.T) { // DEL §7.5, DEL-740
	c := shippedCalendar(t)
	for _, tt := range []struct {
		name, start, run, now string
		at                    Progress
		want                  PromiseColour
	}{
		{"early", "2026-11-24 10:20", "", "2026-11-24 14:14:59", Progress{}, ColourGreen},
		{"not handed over 4 h before due", "2026-11-24 10:20", "", "2026-11-24 14:15", Progress{}, ColourAmber},
		{"handed over", "2026-11-24 10:20", "", "2026-11-24 14:15", Progress{HandedOver: true}, ColourGreen},
		{"a later run is planned", "2026-11-24 10:20", "2026-11-24 16:30", "2026-11-24 16:44", Progress{}, ColourGreen},
		{"the run has passed", "2026-11-24 10:20", "2026-11-24 16:30", "2026-11-24 16:45", Progress{}, ColourAmber},
		{"4 h of delivery time reach into the day before", "2026-11-24 16:59", "", "2026-11-24 18:14", Progress{}, ColourGreen},
		{"from there on", "2026-11-24 16:59", "", "2026-11-24 18:15", Progress{}, ColourAmber},
		{"arrives an hour before due", "2026-11-24 10:20", "", "2026-11-24 15:00", Progress{HandedOver: true, P80: when(t, "2026-11-24 17:00")}, ColourGreen},
		{"arrives later", "2026-11-24 10:20", "", "2026-11-24 15:00", Progress{HandedOver: true, P80: when(t, "2026-11-24 17:00:01")}, ColourAmber},
		{"at due", "2026-11-24 10:20", "", "2026-11-24 18:00", Progress{HandedOver: true}, ColourGreen},
		{"after due", "2026-11-24 10:20", "", "2026-11-24 18:00:01", Progress{HandedOver: true}, ColourRed},
		{"delivered", "2026-11-24 10:20", "", "2026-11-24 19:00", Progress{HandedOver: true, Done: true}, ColourGreen},
	} {
		var run time.Time
		if tt.run != "" {
			run = when(t, tt.run)
		}
		marks, err := promised(t, exampleTerms(t), tt.start).Marks(c, nil, run)
		if err != nil {
			t.Fatal(err)
		}
		if got := marks.Colour(when(t, tt.now), tt.at); got != tt.want {
			t.Errorf("%s: %s, want %s (%+v)", tt.name, got, tt.want, marks)
		}
	}
}

func TestDueIsFrozen(t *testing.T) { // DEL-704
	p := promised(t, exampleTerms(t), "2026-11-24 16:59")
	closed := shippedCalendar(t).WithClosures([]workday.Date{{Year: 2026, Month: 11, Day: 25}})
	if due, _, err := p.DueAfter(closed, nil); err != nil || !due.Equal(p.Due) {
		t.Errorf("a closure moved the due moment to %s (%v)", momentText(due), err)
	}
	if again, changed, err := p.Again(closed); err != nil || changed || !again.Due.Equal(p.Due) {
		t.Errorf("a final promise was counted again: %v %+v (%v)", changed, again, err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var stored Promise
	if err := json.Unmarshal(text, &stored); err != nil || !reflect.DeepEqual(stored, p) {
		t.Errorf("read back %+v (%v)\nwant %+v", stored, err, p)
	}
}

// withNotice is the calendar once the notice for 2027 is there.
func withNotice(t *testing.T, off ...workday.Date) *workday.Calendar {
	t.Helper()
	years, err := workday.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	years[2027] = workday.Year{Status: workday.Final, Off: off}
	c, err := workday.New(8, years)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newYear(day int) workday.Date { return workday.Date{Year: 2027, Month: time.January, Day: day} }

func TestProvisionalDueIsCountedAgainAndNeverMovesEarlier(t *testing.T) { // DEL-704
	for _, tt := range []struct {
		name                     string
		off                      []workday.Date
		due, firstDue, recounted string
	}{
		{"same", []workday.Date{newYear(1), newYear(2), newYear(3)}, "2027-01-04 12:00", "", ""},
		{"later", []workday.Date{newYear(1), newYear(2), newYear(3), newYear(4)}, "2027-01-05 12:00", "2027-01-04 12:00", ""},
		{"earlier", []workday.Date{newYear(2), newYear(3)}, "2027-01-04 12:00", "", "2027-01-01 12:00"},
	} {
		p := promised(t, exampleTerms(t), "2026-12-31 15:00")
		again, changed, err := p.Again(withNotice(t, tt.off...))
		if err != nil || !changed || again.Provisional || again.CalendarVersion != 8 || !again.Due.Equal(when(t, tt.due)) {
			t.Errorf("%s: %v %+v (%v), want due %s", tt.name, changed, again, err, tt.due)
		}
		if tt.firstDue == "" != again.FirstDue.IsZero() || tt.firstDue != "" && !again.FirstDue.Equal(when(t, tt.firstDue)) ||
			tt.recounted == "" != again.Recount.IsZero() || tt.recounted != "" && !again.Recount.Equal(when(t, tt.recounted)) {
			t.Errorf("%s: first due %s, recounted %s", tt.name, momentText(again.FirstDue), momentText(again.Recount))
		}
		if _, changed, _ := again.Again(withNotice(t, tt.off...)); changed {
			t.Errorf("%s: counted again twice", tt.name)
		}
		if _, changed, _ := p.Again(shippedCalendar(t)); changed {
			t.Errorf("%s: counted again on its own calendar", tt.name)
		}
	}
}

func BenchmarkPromise(b *testing.B) {
	c, p := shippedCalendar(b), promised(b, exampleTerms(b), "2026-11-24 10:20")
	pauses := []Pause{
		pause(b, "2026-11-24 10:30", "2026-11-24 12:00"), pause(b, "2026-11-24 11:00", "2026-11-24 13:30"), pause(b, "2026-11-25 09:00", "2026-11-27 09:00"),
	}
	now := when(b, "2026-11-24 15:00")
	run := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("make", func() error { _, err := MakePromise(c, p.Terms, p.Parts); return err })
	run("due after three pauses", func() error { _, _, err := p.DueAfter(c, pauses); return err })
	run("judge", func() error { _, err := p.Judge(c, PromiseFacts{Pauses: pauses}, now); return err })
	run("ledger in print", func() error {
		l, err := p.Ledger(c, pauses)
		_ = l.Lines("zh")
		return err
	})
	run("board of 10,000", func() error { // DEL-740: at most 1 s
		for range 10_000 {
			marks, err := p.Marks(c, pauses, now)
			if err != nil {
				return err
			}
			_ = marks.Colour(now, Progress{})
		}
		return nil
	})
}
