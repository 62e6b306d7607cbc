package delivery

import (
	"strings"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/office"
	"lianban/internal/paper/papertest"
)

// payers says who pays for the ways that are open to a case.
func (w *parcelWorld) payers(caseID string) map[Way]Payer {
	w.t.Helper()
	o, err := w.Offer(w.t.Context(), w.clerk, caseID)
	w.must(err)
	out := map[Way]Payer{}
	for _, way := range o.Ways {
		out[way.Way] = way.Payer
	}
	return out
}

// setTwo makes a setting that takes two persons.
func (w *testWorld) setTwo(key, value string) {
	w.t.Helper()
	o := &office.Desk{DB: w.DB, Now: w.Now}
	row, err := o.ProposeSetting(w.t.Context(), office.SettingChange{Key: key, Value: value, Reason: "试行"}, "person:gu")
	w.must(err)
	_, err = o.ApproveSetting(w.t.Context(), row.ID, "person:qin")
	w.must(err)
}

// DEL-231: it is said before the choice, kept from sealing on, and a carrier reads
// it on the label; the centre's own courier takes no money whatever is set.
func TestWhoPaysIsSaidBeforeTheChoiceAndKeptOnTheParcel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newPostWorld(t, d), t.Context()
		post := func() (SealRequest, string) {
			r := w.sealRequest(ClassCertificate)
			r.Way = WayEMS
			return r, w.link(r.CaseID)
		}
		sealed := func(r SealRequest) Parcel {
			p, err := w.Seal(ctx, w.clerk, r)
			w.must(err)
			return p
		}
		r, token := post()
		if got := w.payers(r.CaseID); got[WayEMS] != PayerCentre || got[WayOwnCourier] != PayerCentre || got[WayWindow] != "" {
			t.Errorf("at first: %v", got)
		}
		if v := w.page(token); v.Payer != PayerCentre {
			t.Errorf("the applicant reads %q", v.Payer)
		}
		told := sealed(r)

		w.setTwo("delivery.payer", office.PayerApplicant)
		r, token = post()
		if got := w.payers(r.CaseID); got[WayEMS] != PayerApplicant || got[WayOwnCourier] != PayerCentre || got[WayWindow] != "" {
			t.Errorf("after the setting: %v", got)
		}
		if v := w.page(token); v.Payer != PayerApplicant {
			t.Errorf("the applicant reads %q", v.Payer)
		}
		later := sealed(r)
		if w.parcel(told.ID).Payer != PayerCentre || later.Payer != PayerApplicant {
			t.Errorf("sealed before: %q, after: %q", w.parcel(told.ID).Payer, later.Payer)
		}
		for p, mark := range map[*Parcel]string{&told: "寄付", &later: "到付"} {
			pages, _ := w.printed(*p, PaperLabel)
			if text := papertest.Flat(pages); !strings.Contains(text, mark) {
				t.Errorf("the label lacks %s:\n%s", mark, text)
			}
		}
		own := w.sealed()
		pages, _ := w.printed(own, PaperLabel)
		if own.Payer != PayerCentre || strings.Contains(papertest.Flat(pages), "付") {
			t.Errorf("by own courier %q", own.Payer)
		}
		w.Kuaidi100 = nil // the house has no carrier that charges
		if v := w.page(token); v.Payer != PayerCentre {
			t.Errorf("without a carrier the applicant reads %q", v.Payer)
		}
	})
}
