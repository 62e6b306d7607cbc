// Package invite is the only place that reads or writes iCalendar (ICA-84).
//
// It writes the four objects the office sends: the REQUEST of a Round, the same
// REQUEST to one more contact, a CANCEL to some and a CANCEL to all. Each is
// encoded, read back and compared before the caller sees a byte (ICA-27). It
// reads what comes in as Objects that say what was understood and, in their
// Notes, what was not; an Object with a note is for a person (ICA-01).
//
// A calendar answer says whether a Department comes, never what it thinks
// (ICA-02). The package is pure: no clock, no database, no network.
package invite

import (
	"fmt"
	"time"
)

// Method is the iTIP method of an object (RFC 5546 section 1.4), in capitals.
type Method string

// The methods that are written here. Others are read as they come.
const (
	MethodRequest Method = "REQUEST"
	MethodCancel  Method = "CANCEL"
)

// Status is the STATUS of an event, in capitals.
type Status string

// The states that are written here. TENTATIVE is never written: the Window has
// fixed the time (ICA-07).
const (
	StatusNone      Status = ""
	StatusConfirmed Status = "CONFIRMED"
	StatusCancelled Status = "CANCELLED"
)

// PartStat is the participation status of an attendee, in capitals. Only the
// attendee may set it (RFC 5546 section 6.1.2).
type PartStat string

// The participation states that are written here; others are read as they come.
const (
	NeedsAction PartStat = "NEEDS-ACTION"
	Accepted    PartStat = "ACCEPTED"
	Declined    PartStat = "DECLINED"
)

// Party is an organiser or attendee: an office with its mail address, never a
// person's phone or number (ICA-10). Address has no scheme; a read one has its
// domain in lower case. PartStat empty means that none was given.
type Party struct {
	Name     string
	Address  string
	PartStat PartStat
}

// Event is what an object is built from. The first of Attendees is the contact
// the object goes to. Instants may have any zone; Stamp, Start and End are
// whole seconds.
type Event struct {
	UID         string // lower-case UUID, one per Visit for life (ICA-22)
	Sequence    int    // ICA-28, ICA-29
	Stamp       time.Time
	Start, End  time.Time
	Summary     string
	Location    string // ICA-11: for a dwelling, only to the street
	Description string
	Organizer   Party
	Attendees   []Party   // PartStat only as that Department's own Reply said (ICA-76)
	Round       int       // from 1; unused in a CANCEL
	RespondBy   time.Time // the answer deadline; zero while none is fixed
	Deemed      time.Time // when the recipient's silence was recorded as consent; zero if it was not
	Related     string    // UID of the Visit this one is the Revisit of, or empty
}

// Object is one event as it was read. Instants are UTC; a zero one was missing
// or could not be understood, and Notes says which.
type Object struct {
	Method      Method
	UID         string
	Sequence    int
	HasSequence bool // some answers leave SEQUENCE out (ICA-46)
	Stamp       time.Time
	Start, End  time.Time
	Summary     string
	Location    string
	Description string
	Comment     string
	Status      Status
	Related     string
	Organizer   Party // zero in answers from outlook.com (ICA-47)
	Attendees   []Party
	Notes       []Note
}

// Note says that a property was not, or not surely, understood.
type Note struct {
	Property string
	Doubt    Doubt
}

// Doubt is why a property was not, or not surely, understood.
type Doubt string

// The doubts a reader may have.
const (
	DoubtTooLong     Doubt = "too_long"     // left out: its line is over a limit (ICA-85)
	DoubtRepeated    Doubt = "repeated"     // given more than once where one is allowed; the first was read
	DoubtUnreadable  Doubt = "unreadable"   // not in the form RFC 5545 wants
	DoubtDateOnly    Doubt = "date_only"    // a day without a time; read as its first moment in Shanghai
	DoubtNoZone      Doubt = "no_zone"      // a time without a zone; read as Shanghai's
	DoubtUnknownZone Doubt = "unknown_zone" // a time in a zone that cannot be resolved
	DoubtCharset     Doubt = "charset"      // not UTF-8; read as GB18030
)

// Reason is why incoming bytes could not be read, one of the list of ICA-66.
type Reason string

// The reasons this package gives.
const (
	Unparsed   Reason = "unparsed"
	NoCalendar Reason = "no_calendar"
	TooBig     Reason = "too_big"
	Charset    Reason = "charset"
)

// Error says why incoming bytes could not be read. Detail is English, for logs
// and for the person who looks at the held mail; it may quote the sender.
type Error struct {
	Reason Reason
	Detail string
}

// Error gives reason and detail.
func (e *Error) Error() string { return "invite: " + string(e.Reason) + ": " + e.Detail }

func unreadable(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// NextStamp gives the DTSTAMP of an object made at now: whole seconds and
// strictly later than the last one sent to this contact for this UID, zero if
// there was none. Equal stamps would leave a client to guess which is newer
// (ICA-24).
func NextStamp(now, last time.Time) time.Time {
	now, last = now.UTC().Truncate(time.Second), last.UTC().Truncate(time.Second)
	if now.After(last) {
		return now
	}
	return last.Add(time.Second)
}
