package inspection

import (
	"testing"

	"lianban/internal/auth"
)

// DEL-230, FAC-20: the window that took a case in need not type who receives its
// papers; nobody else reads the telephone in full.
func TestAddresseeIsKnownToTheWindowThatTookTheCaseIn(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	r := restaurant()
	r.Applicant.Agent = "欧阳修"
	c, err := w.Accept(ctx, w.clerk, r)
	w.must(err)
	got, err := w.Addressee(ctx, w.clerk, c.ID)
	w.must(err)
	if got.Name != "欧阳修" || got.Phone != "13800001234" || got.Address != r.Site.Address {
		t.Errorf("the agent receives: %+v", got)
	}
	if got, err = w.Addressee(ctx, w.clerk, w.newCase().ID); err != nil || got.Name != "湘味轩餐饮店" {
		t.Errorf("without an agent the applicant does: %+v %v", got, err)
	}
	for _, by := range []auth.Actor{w.city(), w.inspector("amr"), auth.System("test")} {
		_, err := w.Addressee(ctx, by, c.ID)
		w.refused(err, "not_found")
	}
}
