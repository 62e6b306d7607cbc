package delivery

import (
	"encoding/json"
	"strings"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// wrongOf is a code that is not the right one.
func wrongOf(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return "9" + code[1:]
}

// DEL-611: whoever stands at the door types a wrong code again; five wrong ones
// lock it for a quarter of an hour, and the parcel has not been handed over.
func TestAMistypedCodeAtTheDoorCanBeTypedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.carried()
		code := w.code(p)
		try := func(code, id string) error {
			_, err := w.TryAtDoor(ctx, w.courier, DoorTry{ParcelID: p.ID, Code: code, IDLast4: id})
			return err
		}
		w.accepted(w.event(p, EventStarted, "a1", nil))
		w.refused(try(wrongOf(code), ""), "door_code_wrong")
		w.refused(try(code, "0000"), "door_id_wrong")
		w.must(try(code, "123X"))
		for range codeTries - 1 {
			w.refused(try(wrongOf(code), ""), "door_code_wrong")
		}
		w.refused(try(wrongOf(code), ""), "door_locked")
		w.refused(try(code, ""), "door_locked")
		if got := w.parcel(p.ID); got.State != ParcelOut || got.Exceptions != 0 {
			t.Errorf("trying moved it: %s, %d exceptions", got.State, got.Exceptions)
		}
		w.later(15)
		w.must(try(code, ""))
		w.must(try("", "")) // nothing was shown
		w.accepted(w.event(p, EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修", "code": code}))
		if got := w.parcel(p.ID).State; got != ParcelDelivered {
			t.Errorf("handed over with the right code it is %s", got)
		}
		w.must(try(wrongOf(code), "")) // ended: nothing is compared
		w.wantNowhere(code)
	})
}

// DEL-620: the third document that does not match ends the attempt, and nothing is
// compared for a while; the code is no way round it.
func TestThirdWrongDocumentAtTheDoorFailsTheAttempt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		code := w.code(p)
		try := func(id string) error {
			_, err := w.TryAtDoor(t.Context(), w.courier, DoorTry{ParcelID: p.ID, Code: code, IDLast4: id})
			return err
		}
		w.accepted(w.event(p, EventStarted, "a1", nil))
		w.later(1)
		w.refused(try("0000"), "door_id_wrong")
		w.refused(try("0001"), "door_id_wrong")
		w.refused(try("0002"), "door_id_failed")
		v := w.parcel(p.ID)
		if v.State != ParcelAttemptFailed || len(v.Tries) != 1 || v.Tries[0].AttemptID != "a1" || v.Tries[0].Outcome != IDMismatch || v.Exceptions != 0 {
			t.Fatalf("%s, tries %+v, %d exceptions", v.State, v.Tries, v.Exceptions)
		}
		w.refused(try("123X"), "door_id_locked")
		w.later(16)
		w.accepted(w.event(p, EventStarted, "a2", nil))
		w.must(try("123X"))
	})
}

// DEL-108: only the courier who has the parcel compares.
func TestOnlyTheParcelsCourierTriesAtTheDoor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		p := w.carried()
		_, err := w.TryAtDoor(t.Context(), w.other, DoorTry{ParcelID: p.ID, Code: "000000"})
		w.refused(err, "not_found")
		_, err = w.TryAtDoor(t.Context(), w.clerk, DoorTry{ParcelID: p.ID, Code: "000000"})
		w.refused(err, "not_a_courier")
		_, err = w.TryAtDoor(t.Context(), w.courier, DoorTry{ParcelID: "none", Code: "000000"})
		if !fault.Is(err, "not_found") {
			t.Error(err)
		}
	})
}

// DEL-506: what was not taken is said in the reader's language.
func TestWhatIsNotTakenIsSaidInBothLanguages(t *testing.T) {
	w := newParcelWorld(t, dbtest.SQLite(t))
	p := w.carried()
	w.accepted(w.event(p, EventDelivered, "a1", map[string]any{"outcome": ToRecipient, "receiver": "欧阳修"}))
	answer := w.send(json.RawMessage(`{"event_id":"x"}`))[0]
	if answer.Result != EventRejected || !strings.Contains(answer.Text, "无法识别") || !strings.Contains(answer.TextEN, "cannot be read") {
		t.Errorf("rejected: %+v", answer)
	}
	taken, err := w.TakeOver(t.Context(), w.courier, []string{p.Number, "LB0000000000X"})
	w.must(err)
	for _, one := range taken {
		if one.Parcel != nil || !strings.Contains(one.Text, "邮件") || !strings.Contains(one.TextEN, "parcel") {
			t.Errorf("not taken over: %+v", one)
		}
	}
}
