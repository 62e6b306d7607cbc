package delivery

import (
	"fmt"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-612, DEL-611: the link shows a new code, which voids the old one and the text
// that waits with it, and counts as a resend; a lock stays. It stands nowhere, and
// of a parcel with a seal none is shown.
func TestTheLinkShowsANewCodeThatIsWrittenNowhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		r := w.sealRequest(ClassApproval)
		r.Way, r.IDLast4 = WayWindow, ""
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		token, old := w.link(p.CaseID), w.code(p)
		if left := w.page(token).Parcels[0].CodesLeft; left != maxResent {
			t.Errorf("%d codes left", left)
		}
		_, err = w.ShowCode(ctx, token, w.sealed().Number) // of another case
		w.refused(err, "not_found")
		_, err = w.ShowCode(ctx, "x", p.Number)
		w.refused(err, "applicant_link")
		code, err := w.ShowCode(ctx, token, p.Number)
		w.must(err)
		try := func(code string) error {
			_, err := w.Collect(ctx, w.clerk, CollectRequest{ParcelID: p.ID, Code: code, IDLast4: "123X", Receiver: "欧阳修", Signature: w.photo()})
			return err
		}
		if len(code) != 6 {
			t.Fatalf("code: %q", code)
		}
		if code != old { // one in a million is the same
			w.refused(try(old), "pickup_code_wrong")
		}
		w.wantNowhere(code)
		w.must(w.DB.Read(ctx, func(q bun.IDB) error {
			for _, table := range []string{"messages", "message_attempts", "evidence", "alerts"} {
				var rows []map[string]any
				w.must(q.NewSelect().Table(table).Scan(ctx, &rows))
				for _, row := range rows {
					for column, value := range row {
						if body, ok := value.([]byte); ok {
							value = string(body)
						}
						if strings.Contains(fmt.Sprint(value), code) {
							t.Errorf("%s.%s holds the code", table, column)
						}
					}
				}
			}
			return nil
		}))
		for range codeTries - 1 {
			w.refused(try("nope"), "pickup_code_wrong")
		}
		locked, err := w.ShowCode(ctx, token, p.Number)
		w.must(err)
		w.refused(try(locked), "code_locked")
		_, err = w.ShowCode(ctx, token, p.Number)
		w.must(err)
		_, err = w.ShowCode(ctx, token, p.Number)
		w.refused(err, "code_resent")
		_, err = w.NewCode(ctx, w.clerk, p.ID)
		w.refused(err, "code_resent")
		if left := w.page(token).Parcels[0].CodesLeft; left != 0 {
			t.Errorf("%d codes left", left)
		}
	})
}

// DEL-612: off for seals, and where nobody will ask for a code any more.
func TestNoCodeIsShownOfASealOrOfWhatHasArrived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newParcelWorld(t, d), t.Context()
		r := w.sealRequest(ClassSeal)
		r.To.Agent, r.Second = "李㛃", auth.Credentials{Login: "zhao", Password: password}
		seal, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		_, err = w.ShowCode(ctx, w.link(seal.CaseID), seal.Number)
		w.refused(err, "code_seal")
		p := w.arrived()
		_, err = w.ShowCode(ctx, w.link(p.CaseID), p.Number)
		w.refused(err, "code_late")
	})
}
