package office_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// atOnce runs act for several people together and counts those who got through;
// the others must have got the refusal.
func (h *house) atOnce(code string, act func(by string) error) int {
	h.t.Helper()
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = act(fmt.Sprintf("person:%d", i)) })
	}
	all.Wait()
	n := 0
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !fault.Is(err, code):
			h.t.Errorf("got %v, want refusal %s", err, code)
		}
	}
	return n
}

// STY-30, INS-1301, 404, 711
func TestOneDecisionWinsWhenManyDecideAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		setting, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.term", Value: "3", Reason: "试行"}, anna)
		h.ok(err)
		address, err := h.ProposeAddress(t.Context(), form(h.department("431103", "fire")), anna, once.Key{})
		h.ok(err)
		calendar, err := h.ImportCalendar(t.Context(), []byte(notice2027), anna, once.Key{})
		h.ok(err)
		for what, act := range map[string]func(by string) error{
			"setting":  func(by string) error { _, err := h.ApproveSetting(t.Context(), setting.ID, by); return err },
			"address":  func(by string) error { _, err := h.ApproveAddress(t.Context(), address.ID, by); return err },
			"calendar": func(by string) error { _, err := h.ApproveCalendar(t.Context(), calendar.ID, by); return err },
		} {
			if n := h.atOnce("already_decided", act); n != 1 {
				t.Errorf("%s: %d decisions", what, n)
			}
		}
		for _, leaf := range []string{"setting_changed", "address_changed", "calendar_loaded"} {
			if n := len(slices.DeleteFunc(h.leaves(), func(s string) bool { return s != leaf })); n != 1 {
				t.Errorf("%d leaves %s", n, leaf)
			}
		}
	})
}

// INS-404
func TestOneImportWaitsAtATime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		n := h.atOnce("calendar_waiting", func(by string) error {
			_, err := h.ImportCalendar(t.Context(), []byte(notice2027), by, once.Key{})
			return err
		})
		if n != 1 {
			t.Errorf("%d imports wait", n)
		}
	})
}
