package invite

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-ical"
)

// times is how often a property may stand in a component.
type times struct{ min, max int }

var (
	once     = times{1, 1}
	optional = times{0, 1}
	some     = times{1, maxProperties}
)

// tables are RFC 5546 sections 3.2.2 and 3.2.5 as far as we use them (ICA-31,
// ICA-32, ICA-39). A property that is not here may not be written: so no
// DURATION, RRULE or REQUEST-STATUS (ICA-18, ICA-20).
var tables = map[Method]map[string]times{
	MethodRequest: {
		ical.PropUID: once, ical.PropDateTimeStamp: once, ical.PropSequence: once,
		ical.PropDateTimeStart: once, ical.PropDateTimeEnd: once, ical.PropSummary: once,
		ical.PropStatus: once, ical.PropOrganizer: once, ical.PropAttendee: some,
		ical.PropLocation: optional, ical.PropDescription: optional, ical.PropRelatedTo: optional,
		propRound: once, propRespondBy: optional, propDeemed: optional,
	},
	MethodCancel: {
		ical.PropUID: once, ical.PropDateTimeStamp: once, ical.PropSequence: once,
		ical.PropDateTimeStart: once, ical.PropDateTimeEnd: once, ical.PropSummary: once,
		ical.PropStatus: optional, ical.PropOrganizer: once, ical.PropAttendee: some,
		ical.PropComment: once,
	},
}

var (
	calendarTable = map[string]times{ical.PropProductID: once, ical.PropVersion: once, ical.PropMethod: once}
	zoneTable     = map[string]times{ical.PropTimezoneID: once}
	parameters    = []string{ical.ParamCommonName, ical.ParamParticipationStatus, ical.ParamRSVP, ical.ParamTimezoneID, ical.ParamValue}
)

// readBack reads data as a stranger would and reports how it differs from what
// it should say (ICA-27).
func readBack(data []byte, want Object) error {
	calendars, err := parse(data)
	if err != nil {
		return err
	}
	if len(calendars) != 1 {
		return fmt.Errorf("%d calendars", len(calendars))
	}
	if err := validate(calendars[0].Calendar, want.Method); err != nil {
		return err
	}
	zones := zones{names: map[string]*time.Location{}}
	if name := differs(want, calendars[0].objects(&zones)[0]); name != "" {
		return fmt.Errorf("%s is not as it was given", name)
	}
	return nil
}

// validate checks an object against the table of its method. go-ical encodes a
// REQUEST without DTSTART, ORGANIZER or ATTENDEE and finds nothing wrong.
func validate(cal *ical.Calendar, method Method) error {
	if len(cal.Children) != 2 || cal.Children[0].Name != ical.CompTimezone || cal.Children[1].Name != ical.CompEvent {
		return errors.New("not one VTIMEZONE and one VEVENT")
	}
	zone, event := cal.Children[0], cal.Children[1]
	if len(event.Children) > 0 {
		return errors.New("VEVENT has parts")
	}
	for _, err := range []error{
		count(cal.Component, calendarTable),
		count(zone, zoneTable),
		count(event, tables[method]),
		zoned(event),
	} {
		if err != nil {
			return err
		}
	}
	allowed := []Status{StatusConfirmed}
	if method == MethodCancel {
		allowed = []Status{StatusNone, StatusCancelled}
	}
	var status Status
	if p := event.Props.Get(ical.PropStatus); p != nil {
		status = Status(p.Value)
	}
	if !slices.Contains(allowed, status) {
		return fmt.Errorf("%s with STATUS %q", method, status)
	}
	return nil
}

// count compares the properties of a component with its table, both ways.
func count(c *ical.Component, table map[string]times) error {
	for name, t := range table {
		if n := len(c.Props[name]); n < t.min || n > t.max {
			return fmt.Errorf("%s has %d %s", c.Name, n, name)
		}
	}
	for name, props := range c.Props {
		if _, ok := table[name]; !ok {
			return fmt.Errorf("%s has an unknown %s", c.Name, name)
		}
		for _, p := range props {
			for param := range p.Params {
				if !slices.Contains(parameters, param) {
					return fmt.Errorf("%s has an unknown parameter %s", name, param)
				}
			}
		}
	}
	return nil
}

// zoned makes sure that start and end are in the one zone the object explains
// (ICA-20, ICA-21).
func zoned(event *ical.Component) error {
	for _, name := range []string{ical.PropDateTimeStart, ical.PropDateTimeEnd} {
		if p := event.Props.Get(name); p == nil || p.Params.Get(ical.ParamTimezoneID) != zoneName {
			return fmt.Errorf("%s is not in %s", name, zoneName)
		}
	}
	return nil
}

// differs names the first property in which two objects differ, if any.
func differs(want, got Object) string {
	for _, c := range []struct {
		name string
		same bool
	}{
		{"METHOD", want.Method == got.Method},
		{"UID", want.UID == got.UID},
		{"SEQUENCE", want.Sequence == got.Sequence && want.HasSequence == got.HasSequence},
		{"DTSTAMP", want.Stamp.Equal(got.Stamp)},
		{"DTSTART", want.Start.Equal(got.Start)},
		{"DTEND", want.End.Equal(got.End)},
		{"SUMMARY", want.Summary == got.Summary},
		{"LOCATION", want.Location == got.Location},
		{"DESCRIPTION", want.Description == got.Description},
		{"COMMENT", want.Comment == got.Comment},
		{"STATUS", want.Status == got.Status},
		{"RELATED-TO", want.Related == got.Related},
		{"ORGANIZER", want.Organizer == got.Organizer},
		{"ATTENDEE", slices.Equal(want.Attendees, got.Attendees)},
	} {
		if !c.same {
			return c.name
		}
	}
	if len(got.Notes) > 0 {
		return got.Notes[0].Property
	}
	return ""
}
