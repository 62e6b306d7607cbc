package office_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// form makes a proposal from a signed form; change overrides fields.
func form(dep office.Department, change ...func(*office.Address)) office.Address {
	a := office.Address{
		Department: dep.ID, Channel: office.Mail, Value: "xf@example.gov.cn", OwnMX: true, Contact: "综合股",
		Form: "冷消〔2026〕3 号", SignedOn: workday.Date{Year: 2026, Month: time.February, Day: 27},
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func (h *house) confirm(a office.Address) office.Address {
	h.t.Helper()
	a, err := h.ProposeAddress(h.t.Context(), a, anna, once.Key{})
	h.ok(err)
	a, err = h.ApproveAddress(h.t.Context(), a.ID, bert)
	h.ok(err)
	return a
}

// values lists what counts for a notice made at an instant.
func (h *house) values(dep office.Department, at time.Time) string {
	h.t.Helper()
	var all []string
	for _, a := range must(h, func(q bun.IDB) ([]office.Address, error) {
		return office.ConfirmedAddresses(h.t.Context(), q, dep.ID, at)
	}) {
		all = append(all, strings.TrimSuffix(string(a.Channel)+":"+a.Value, ":"))
	}
	return fmt.Sprint(all)
}

// INS-705
func TestOnlyASignedAndApprovedAddressCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		dep := h.department("431103", "fire")
		for _, change := range []func(*office.Address){
			func(a *office.Address) { a.Form = "" },
			func(a *office.Address) { a.SignedOn = workday.Date{} },
			func(a *office.Address) { a.SignedOn = workday.DateOf(h.now).AddDays(1) },
		} {
			_, err := h.ProposeAddress(t.Context(), form(dep, change), anna, once.Key{})
			refused(t, err, "address_unsigned")
		}
		a, err := h.ProposeAddress(t.Context(), form(dep), anna, once.Key{})
		h.ok(err)
		if got := h.values(dep, h.now); got != "[]" {
			t.Fatalf("a proposal counts: %s", got)
		}
		_, err = h.ApproveAddress(t.Context(), a.ID, anna)
		refused(t, err, "two_persons")
		_, err = h.ApproveAddress(t.Context(), a.ID, bert)
		h.ok(err)
		if got := h.values(dep, h.now); got != "[mail:xf@example.gov.cn]" || len(h.told) != 0 {
			t.Errorf("first address: %s, told %v", got, h.told)
		}
		if got := h.values(dep, h.now.Add(-time.Millisecond)); got != "[]" { // a notice made before
			t.Errorf("it counts for an earlier notice: %s", got)
		}
		_, err = h.ApproveAddress(t.Context(), a.ID, bert)
		refused(t, err, "already_decided")
		_, err = h.ProposeAddress(t.Context(), form(dep), anna, once.Key{})
		refused(t, err, "address_exists")
	})
}

// INS-711, SEC-5
func TestAddressChangeTellsTheOldOneAndWaitsADay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		dep := h.department("431103", "fire")
		old := h.confirm(form(dep))
		h.now = h.now.Add(time.Hour)
		changed := h.confirm(form(dep, func(a *office.Address) { a.Value, a.Replaces = "new@example.gov.cn", old.ID }))
		effective := h.now.Add(24 * time.Hour)
		if !changed.From.Equal(effective) || len(h.told) != 1 {
			t.Fatalf("effective %s, told %d times", changed.From, len(h.told))
		}
		if c := h.told[0]; c.Department != dep.ID || len(c.Old) != 1 || c.Old[0].Value != "xf@example.gov.cn" || c.New.ID != changed.ID {
			t.Errorf("told %+v", c)
		}
		if got := h.values(dep, effective.Add(-time.Millisecond)); got != "[mail:xf@example.gov.cn]" {
			t.Errorf("before: %s", got)
		}
		if got := h.values(dep, effective); got != "[mail:new@example.gov.cn]" {
			t.Errorf("after: %s", got)
		}
	})
}

// INS-711
func TestAddressInUseMayOnlyBeAddedTo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		dep := h.department("431103", "fire")
		old := h.confirm(form(dep))
		change := form(dep, func(a *office.Address) { a.Value, a.Replaces = "new@example.gov.cn", old.ID })
		waiting, err := h.ProposeAddress(t.Context(), change, anna, once.Key{})
		h.ok(err)

		h.used = true
		_, err = h.ApproveAddress(t.Context(), waiting.ID, bert)
		refused(t, err, "address_in_use")
		_, err = h.ProposeAddress(t.Context(), change, anna, once.Key{})
		refused(t, err, "address_in_use")
		_, err = h.ProposeAddress(t.Context(), form(dep, func(a *office.Address) { a.Removal, a.Replaces = true, old.ID }), anna, once.Key{})
		refused(t, err, "address_in_use")

		added := h.confirm(form(dep, func(a *office.Address) { a.Channel, a.Value = office.SMS, "+86 138-0000-1234" }))
		if got := h.values(dep, h.now); got != "[mail:xf@example.gov.cn]" {
			t.Errorf("the notices of today go to %s", got)
		}
		if got := h.values(dep, added.From); got != "[mail:xf@example.gov.cn sms:13800001234]" {
			t.Errorf("the next ones go to %s", got)
		}
		if len(h.told) != 1 {
			t.Errorf("the old address was told %d times of the new one", len(h.told))
		}
	})
}

// INS-711
func TestAddressIsRemovedLikeItIsChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		dep := h.department("431103", "fire")
		old := h.confirm(form(dep))
		gone := h.confirm(form(dep, func(a *office.Address) { a.Removal, a.Replaces, a.Value = true, old.ID, "" }))
		if got := h.values(dep, gone.From.Add(-time.Millisecond)); got != "[mail:xf@example.gov.cn]" {
			t.Errorf("before: %s", got)
		}
		if got := h.values(dep, gone.From); got != "[]" || len(h.told) != 1 {
			t.Errorf("after: %s, told %d", got, len(h.told))
		}
	})
}

func TestSecondChangeOfOneAddressIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		dep := h.department("431103", "fire")
		old := h.confirm(form(dep))
		var waiting []office.Address
		for _, value := range []string{"a@example.gov.cn", "b@example.gov.cn"} {
			a, err := h.ProposeAddress(t.Context(), form(dep, func(a *office.Address) { a.Value, a.Replaces = value, old.ID }), anna, once.Key{})
			h.ok(err)
			waiting = append(waiting, a)
		}
		listed := must(h, func(q bun.IDB) ([]office.Address, error) { return office.ListProposedAddresses(t.Context(), q) })
		if len(listed) != 2 {
			t.Errorf("waiting: %+v", listed)
		}
		_, err := h.ApproveAddress(t.Context(), waiting[0].ID, bert)
		h.ok(err)
		_, err = h.ApproveAddress(t.Context(), waiting[1].ID, bert)
		refused(t, err, "address_gone")
		h.ok(h.RejectAddress(t.Context(), waiting[1].ID, bert))
		refused(t, h.RejectAddress(t.Context(), waiting[1].ID, bert), "already_decided")
		refused(t, h.RejectAddress(t.Context(), "nothing", bert), "proposal_unknown")
		all := must(h, func(q bun.IDB) ([]office.Address, error) { return office.ListAddresses(t.Context(), q, dep.ID) })
		if len(all) != 3 {
			t.Errorf("the register forgot something: %+v", all)
		}
	})
}

func TestAddressesAreCheckedByChannel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		dep := h.department("431103", "fire")
		for _, c := range []struct {
			channel     office.Channel
			value, code string
		}{
			{office.Mail, "nobody", "mail_invalid"},
			{office.SMS, "12345", "mobile_invalid"},
			{office.Paper, "", "text_invalid"},
			{"fax", "0746-1234567", "address_channel"},
		} {
			_, err := h.ProposeAddress(t.Context(), form(dep, func(a *office.Address) { a.Channel, a.Value = c.channel, c.value }), anna, once.Key{})
			refused(t, err, c.code)
		}
		_, err := h.ProposeAddress(t.Context(), form(dep, func(a *office.Address) { a.Contact = "a\r\nb" }), anna, once.Key{})
		refused(t, err, "text_invalid")
		_, err = h.ProposeAddress(t.Context(), form(dep, func(a *office.Address) { a.Department = "nobody" }), anna, once.Key{})
		refused(t, err, "department_unknown")
		_, err = h.ProposeAddress(t.Context(), form(dep, func(a *office.Address) { a.Replaces = "nothing" }), anna, once.Key{})
		refused(t, err, "address_unknown")

		portal := h.confirm(form(dep, func(a *office.Address) { a.Channel, a.Value, a.OwnMX = office.Portal, "x", true }))
		got := must(h, func(q bun.IDB) (office.Address, error) { return office.FindAddress(t.Context(), q, portal.ID) })
		if got.Value != "" || got.OwnMX {
			t.Errorf("a portal inbox has neither value nor server: %+v", got)
		}
	})
}

// SIM-8
func TestLogHoldsNoAddressOfAnybody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.confirm(form(h.department("431103", "fire"), func(a *office.Address) { a.Contact = "王建国" }))
		for _, e := range must(h, func(q bun.IDB) ([]audit.Entry, error) { return audit.Stream(t.Context(), q, "system") }) {
			if s := string(e.Bytes); strings.Contains(s, "xf@") || strings.Contains(s, "王建国") {
				t.Errorf("leaf %s", s)
			}
		}
	})
}
