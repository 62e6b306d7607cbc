package delivery

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lianban/internal/fault"
)

const (
	eventOne = "019abcde-0000-7000-8000-000000000001"
	eventTwo = "019abcde-0000-7000-8000-000000000002"
)

// eventBody makes a good event and overrides single members; nil leaves one out.
func eventBody(t *testing.T, override map[string]any) []byte {
	t.Helper()
	m := map[string]any{
		"event_id": eventOne, "device_id": "phone-1", "seq": 7, "courier_id": "c1", "parcel_id": "p1",
		"attempt_id": "a1", "type": "delivered", "occurred_device": "2026-11-24T17:50:00.250+08:00",
		"payload":    map[string]any{"outcome": "recipient", "receiver": "王𡈼", "future_field": 1.50},
		"proof_refs": []string{strings.Repeat("ab", 32)},
	}
	for k, v := range override {
		if m[k] = v; v == nil {
			delete(m, k)
		}
	}
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestAnEventIsReadWithItsOffset(t *testing.T) {
	e, err := ReadEvent(EventSchema, eventBody(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 24, 9, 50, 0, 250e6, time.UTC); !e.Occurred.Equal(want) || e.Claimed != "2026-11-24T17:50:00.250+08:00" {
		t.Errorf("occurred %v, written %s", e.Occurred, e.Claimed)
	}
	if e.EventID != eventOne || e.Seq != 7 || e.Type != EventDelivered || e.Facts.Outcome != ToRecipient || e.Facts.Receiver != "王𡈼" {
		t.Errorf("read %+v", e)
	}
	if !bytes.Contains(e.Payload, []byte(`"future_field":1.5`)) {
		t.Errorf("the payload lost what the program does not read: %s", e.Payload)
	}
}

// DEL-506: nothing but these is refused.
func TestOnlyWhatCannotBeReadIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		override map[string]any
		code     string
	}{
		"no id":                    {map[string]any{"event_id": nil}, "event_malformed"},
		"an id that is no UUIDv7":  {map[string]any{"event_id": "4c5b1c2e-5f0e-4f77-8d3a-000000000001"}, "event_malformed"},
		"an id in braces":          {map[string]any{"event_id": "{" + eventOne + "}"}, "event_malformed"},
		"no device":                {map[string]any{"device_id": ""}, "event_malformed"},
		"a device with a blank":    {map[string]any{"device_id": "a b"}, "event_malformed"},
		"seq as text":              {map[string]any{"seq": "7"}, "event_malformed"},
		"seq below zero":           {map[string]any{"seq": -1}, "event_malformed"},
		"no parcel":                {map[string]any{"parcel_id": nil}, "event_malformed"},
		"no courier":               {map[string]any{"courier_id": nil}, "event_malformed"},
		"no attempt":               {map[string]any{"attempt_id": nil}, "event_malformed"},
		"no time":                  {map[string]any{"occurred_device": nil}, "event_malformed"},
		"a time that is none":      {map[string]any{"occurred_device": "yesterday"}, "event_malformed"},
		"a time past the calendar": {map[string]any{"occurred_device": "9999-12-31T23:59:59-12:00"}, "event_malformed"},
		"a time without offset":    {map[string]any{"occurred_device": "2026-11-24T17:50:00"}, "event_offset_missing"},
		"without offset, millis":   {map[string]any{"occurred_device": "2026-11-24T17:50:00.123"}, "event_offset_missing"},
		"an unknown type":          {map[string]any{"type": "teleported"}, "event_schema_unknown"},
		"a payload that is a list": {map[string]any{"payload": []int{1}}, "event_malformed"},
		"an outcome as a number":   {map[string]any{"payload": map[string]any{"outcome": 3}}, "event_malformed"},
		"a proof that is no hash":  {map[string]any{"proof_refs": []string{"ab"}}, "event_malformed"},
		"a correction of nothing":  {map[string]any{"type": "error_declared"}, "event_malformed"},
		"a fault without a side":   {map[string]any{"type": "fault_changed"}, "event_malformed"},
	} {
		_, err := ReadEvent(EventSchema, eventBody(t, c.override))
		if !fault.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if _, err := ReadEvent(2, eventBody(t, nil)); !fault.Is(err, "event_schema_unknown") {
		t.Errorf("schema 2: %v", err)
	}
	if !fault.Is(EventIDConflict(), "event_id_conflict") {
		t.Error("the conflict has another code")
	}
}

// DEL-507: times and order are no ground, nor is an incomplete outcome.
func TestNoEventIsRefusedForItsTimeOrOrder(t *testing.T) {
	for name, override := range map[string]map[string]any{
		"far future":              {"occurred_device": "2199-01-01T00:00:00Z"},
		"a reset phone":           {"occurred_device": "1970-01-01T08:00:00+08:00"},
		"no predecessor":          {"seq": 0},
		"an unknown outcome":      {"type": "failed", "payload": map[string]any{"outcome": "ghost"}},
		"other without words":     {"type": "failed", "payload": map[string]any{"outcome": "other"}},
		"no payload":              {"payload": nil},
		"null payload":            {"payload": json.RawMessage("null")},
		"no proofs":               {"proof_refs": nil},
		"a note, no attempt":      {"type": "note", "attempt_id": nil},
		"about a carrier's event": {"type": "error_declared", "payload": map[string]any{"refers": CarrierReport{Waybill: "1"}.EventID()}},
		"capital id":              {"event_id": strings.ToUpper(eventOne)},
	} {
		if _, err := ReadEvent(EventSchema, eventBody(t, override)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// DEL-503: the hash is the same for the same content however it was written,
// and another for any other content.
func TestTheHashIsOfTheContentAndNotOfItsWriting(t *testing.T) {
	hash := func(body string) string {
		e, err := ReadEvent(EventSchema, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return e.Hash
	}
	body := string(eventBody(t, nil))
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(body), "", "\t"); err != nil {
		t.Fatal(err)
	}
	escaped := strings.ReplaceAll(body, "𡈼", `\ud844\ude3c`)
	moved := strings.Replace(strings.Replace(body, `"attempt_id":"a1",`, "", 1), "{", `{"attempt_id":"a1",`, 1)
	for _, same := range []string{indented.String(), escaped, moved} {
		if hash(same) != hash(body) {
			t.Errorf("another hash for %s", same)
		}
	}
	for _, pair := range [][2]string{{`"a1"`, `"a2"`}, {"1.5", "1.6"}, {"recipient", "proxy"}, {"17:50", "17:51"}, {`"seq":7`, `"seq":8`}} {
		if other := strings.Replace(body, pair[0], pair[1], 1); other == body || hash(other) == hash(body) {
			t.Errorf("%v does not change the hash", pair)
		}
	}
}

func TestAmbiguousJSONIsRefused(t *testing.T) {
	for name, body := range map[string]string{
		"a name twice":        `{"a":1,"a":2}`,
		"a name twice inside": `{"a":{"b":1,"\u0062":2}}`,
		"two values":          `{} {}`,
		"broken UTF-8":        "{\"a\":\"\xff\"}",
		"open":                `{"a":`,
		"nothing":             ``,
		"deep":                strings.Repeat("[", 100) + strings.Repeat("]", 100),
		"long":                `"` + strings.Repeat("a", 70_000) + `"`,
	} {
		if out, err := CanonicalJSON([]byte(body)); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
	out, err := CanonicalJSON([]byte(` { "b" : [ 1.0 , true, null ] , "a" : "\u4f60" } `))
	if want := `{"a":"你","b":[1.0,true,null]}`; err != nil || string(out) != want {
		t.Errorf("%s, %v, want %s", out, err, want)
	}
}

// DEL-425: only the window's own acceptance makes returned.
func TestACourierDoesNotReportTheWindowsActs(t *testing.T) {
	for _, e := range []EventType{EventSealed, EventReturned, EventCancelled, EventCollected, EventWrittenOff, EventErrorDeclared,
		EventProofConfirmed, EventTimeAccepted, EventFaultChanged, EventOnHold, EventResumed} {
		if e.ByCourier() || !e.Known() {
			t.Errorf("%s", e)
		}
	}
	if !EventDelivered.ByCourier() || EventNote.Moves() || !EventFailed.Moves() {
		t.Error("delivered, note or failed")
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(`{"event_id":"` + eventOne + `","device_id":"d","seq":1,"courier_id":"c","parcel_id":"p","attempt_id":"a","type":"delivered","occurred_device":"2026-11-24T17:50:00+08:00","payload":{"outcome":"locker"},"proof_refs":[]}`))
	f.Add([]byte(`{"event_id":"` + eventOne + `","seq":1e3,"payload":[[[[{}]]]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := ReadEvent(EventSchema, body)
		if err != nil {
			if _, ok := fault.From(err); !ok {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if !e.Type.Known() || e.Occurred.Location() != time.UTC || !json.Valid(e.Payload) || len(e.Hash) != 64 {
			t.Fatalf("%+v", e)
		}
		canonical, err := CanonicalJSON(body)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadEvent(EventSchema, canonical)
		if err != nil || again.Hash != e.Hash {
			t.Fatalf("read again: %v, %s and %s", err, again.Hash, e.Hash)
		}
	})
}
