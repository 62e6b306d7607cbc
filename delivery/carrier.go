package delivery

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"lianban/scheduler/workday"
)

//go:embed data/carriers.csv
var shippedCarrierCodes []byte

// CarrierCode is one line of the table of carriers' codes (DEL §4.3): what a
// code means to us. Without a state the code is an exception and moves nothing.
type CarrierCode struct {
	Carrier   string
	Code      string
	Meaning   string // the carrier's word
	State     ParcelState
	Outcome   Outcome
	Exception ExceptionCode
}

// CarrierCodes is the table of all carriers.
type CarrierCodes struct{ rows map[[2]string]CarrierCode }

// ShippedCarrierCodes reads the table that ships with the program. None of its
// lists but that of 快递100 was read in a vendor's documentation, and none was
// tried against a live service.
func ShippedCarrierCodes() (CarrierCodes, error) { return readCarrierCodes(shippedCarrierCodes) }

func readCarrierCodes(file []byte) (CarrierCodes, error) {
	lines, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		return CarrierCodes{}, fmt.Errorf("read the carriers' codes: %w", err)
	}
	c := CarrierCodes{map[[2]string]CarrierCode{}}
	for n, l := range lines {
		if n == 0 {
			continue // the heading
		}
		row := CarrierCode{l[0], l[1], l[2], ParcelState(l[3]), Outcome(l[4]), ExceptionCode(l[5])}
		key := [2]string{row.Carrier, row.Code}
		if _, twice := c.rows[key]; twice || !row.makesSense() {
			return CarrierCodes{}, fmt.Errorf("read the carriers' codes: line %d stands twice or says nothing we know", n+1)
		}
		c.rows[key] = row
	}
	return c, nil
}

// makesSense checks a line by DEL-420 and DEL-425: exactly one state and
// outcome or a named exception, and never the window's own acts.
func (c CarrierCode) makesSense() bool {
	if c.Carrier == "" || c.Code == "" || c.State == "" && c.Exception == "" {
		return false
	}
	if c.Outcome != "" && !c.Outcome.Known() || c.Exception != "" && !c.Exception.Known() {
		return false
	}
	_, ok := carrierMoves[c.State]
	switch c.State {
	case "":
		return true
	case ParcelDelivered:
		return c.Outcome.HandOver()
	case ParcelAttemptFailed:
		return c.Outcome != "" && !c.Outcome.HandOver()
	}
	return ok
}

// carrierMoves is what a carrier may report, as an event of ours.
var carrierMoves = map[ParcelState]EventType{
	ParcelSealed: EventSealed, ParcelHandedOver: EventHandedOver, ParcelOut: EventStarted, ParcelArrived: EventArrived,
	ParcelDelivered: EventDelivered, ParcelAttemptFailed: EventFailed, ParcelReturning: EventReturning, ParcelDamaged: EventDamaged,
}

// Find gives the line of a code. An unknown one is an exception that moves
// nothing; its text is never guessed from (DEL-420).
func (c CarrierCodes) Find(carrier, code string) CarrierCode {
	if row, ok := c.rows[[2]string{carrier, code}]; ok {
		return row
	}
	return CarrierCode{Carrier: carrier, Code: code, Exception: ExceptionCarrierCode}
}

// CarrierReport is one record of a carrier as it came (DEL-421); it is kept
// beside our event for good.
type CarrierReport struct {
	Carrier  string `json:"carrier"` // the adapter
	Waybill  string `json:"waybill"`
	Code     string `json:"code"`
	Text     string `json:"text"`
	Time     string `json:"time"` // as written
	RecordID string `json:"record_id,omitempty"`
}

// carrierSpace keeps ids made of natural keys apart from all others.
var carrierSpace = uuid.MustParse("6f5f2c54-6d1e-5d0a-9a53-6c69616e6261")

// EventID is the natural key of the record, so that push and poll meet on it
// (DEL-528): by the carrier's own id, else by (carrier, waybill, code, time,
// hash of the text).
func (r CarrierReport) EventID() string {
	key := []string{r.Carrier, r.Waybill, "id", r.RecordID}
	if r.RecordID == "" {
		sum := sha256.Sum256([]byte(r.Text))
		key = []string{r.Carrier, r.Waybill, r.Code, r.Time, hex.EncodeToString(sum[:])}
	}
	return uuid.NewHash(sha256.New(), carrierSpace, []byte(strings.Join(key, "\x00")), 8).String()
}

// ReadCarrierTime reads a carrier's time. One without offset is in the
// adapter's zone, Asia/Shanghai (DEL-423). False: it cannot be read.
func ReadCarrierTime(text string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", "2006/01/02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(form, strings.TrimSpace(text), workday.Shanghai); err == nil && t.Year() >= 1970 && t.Year() <= 9998 {
			return t.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// Events makes our events of a carrier's records, which come oldest first. A
// "delivered" is a claim: its proof is not complete until our rules say so
// (DEL-422), and whether its receiver needs consent is for the desk to check.
func (c CarrierCodes) Events(reports []CarrierReport, received time.Time) []StoredEvent {
	events := make([]StoredEvent, 0, len(reports))
	nth := map[int64]int64{} // records of one second keep their order
	seen := map[string]bool{}
	for _, r := range reports {
		e := c.event(r, received)
		if seen[e.EventID] {
			continue
		}
		seen[e.EventID] = true
		second := e.Seq
		e.Seq = second*1000 + min(nth[second], 999)
		nth[second]++
		events = append(events, e)
	}
	return events
}

// event makes one event; Seq is the second of the carrier's own time. That is
// the only order a carrier gives, and it holds when all its records arrive at
// once and too late to be believed.
func (c CarrierCodes) event(r CarrierReport, received time.Time) StoredEvent {
	row := c.Find(r.Carrier, r.Code)
	said, readable := ReadCarrierTime(r.Time)
	if !readable {
		said = received
	}
	t := GradeCarrier(said, received)
	e := StoredEvent{
		EventID: r.EventID(), DeviceID: "carrier:" + r.Carrier + ":" + r.Waybill, Seq: said.Unix(),
		CourierID: "carrier:" + r.Carrier, Type: EventNote, Facts: Facts{Outcome: row.Outcome}, ByCarrier: true,
		Claimed: t.Claimed, Effective: t.Effective, Quality: t.Quality,
	}
	if kind, ok := carrierMoves[row.State]; ok {
		e.Type = kind
	}
	if e.Type.inAttempt() || row.Outcome != "" {
		// Carriers name no attempts. What one does in a day is one.
		e.AttemptID = r.Waybill + ":" + said.In(workday.Shanghai).Format("20060102")
	}
	if row.Exception != "" {
		e.Flags = append(e.Flags, row.Exception)
	}
	if !readable {
		e.Flags = append(e.Flags, ExceptionCarrierTime)
	}
	return e
}

// carrierText takes what a carrier wrote without what no page or database
// takes, cut to so many characters.
func carrierText(text string, most int) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if runes := []rune(clean); len(runes) > most {
		return string(runes[:most])
	}
	return clean
}
