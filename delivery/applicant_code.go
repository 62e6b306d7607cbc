package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
)

// ShowCode gives the applicant a new receiving code by the link, for when no text
// arrives: it counts as one more sending, three at most; the old code is void and a
// lock stays. A parcel that holds a seal shows none (DEL-611, DEL-612). The code is
// returned once and stands in no log, leaf or message. Refusals: applicant_link,
// not_found, code_late, code_seal, code_resent.
func (d *Desk) ShowCode(ctx context.Context, token, number string) (code string, err error) {
	err = d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		p, err := h.parcel(number)
		if err != nil {
			return err
		}
		items, err := itemsIn(ctx, tx, []string{p.ID})
		if err != nil {
			return err
		}
		if err := h.mayShow(*p, items[p.ID]); err != nil {
			return err
		}
		s, err := d.spendCode(ctx, tx, *p)
		if err != nil {
			return err
		}
		if code, err = newCode(); err != nil {
			return err
		}
		s.Hash, s.MadeAt = d.hide(p.ID, SecretCode, code), d.now()
		if err := updateSecret(ctx, tx, &s); err != nil {
			return err
		}
		return audit.Record(ctx, tx, d.parcelLeaf("parcel_code_shown", *p, h.by, map[string]any{"nth": s.Resent}))
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// mayShow says why a parcel's code cannot be shown to the applicant.
func (h caller) mayShow(p Parcel, items []Item) error {
	switch {
	case !p.showsCode():
		return fault.Refuse(fault.Conflict, "code_late",
			"这件邮件目前不用收货码，不能显示；有疑问，请致电窗口 %[1]s", "this parcel needs no code now; with questions call the window, %[1]s", h.centre.Phone)
	case holdsSeal(items):
		return fault.Refuse(fault.Conflict, "code_seal",
			"内有印章，收货码只发到登记的手机；没有收到的，请致电窗口 %[1]s", "a seal is inside and its code goes to the telephone on record alone; if it did not come call the window, %[1]s", h.centre.Phone)
	}
	return nil
}

// showsCode: somebody will still ask for the code, and the centre's own people do.
func (p Parcel) showsCode() bool {
	away := []ParcelState{ParcelReturning, ParcelLost, ParcelDamaged, ParcelUnverified}
	return !p.State.Terminal() && !slices.Contains(away, p.State) && p.Way != WayEMS
}

func holdsSeal(items []Item) bool {
	return slices.ContainsFunc(items, func(i Item) bool { return i.Class == ClassSeal })
}

// spendCode voids a parcel's code and the text that may still wait with it, and
// counts one more sending (DEL-611).
func (d *Desk) spendCode(ctx context.Context, tx bun.IDB, p Parcel) (Secret, error) {
	s, ok, err := lockSecret(ctx, tx, p.ID, SecretCode)
	if err != nil {
		return s, err
	}
	if !ok || s.Resent >= maxResent {
		return s, fault.Refuse(fault.Conflict, "code_resent",
			"收货码已重发 %d 次，不能再发；请核对手机号码，或由派送员按证件核对", "the code was sent again %d times; compare the number, or let the courier check the document", maxResent)
	}
	s.Resent++
	s.Hash = ""
	if err := updateSecret(ctx, tx, &s); err != nil {
		return s, err
	}
	return s, d.stopCode(ctx, tx, p.ID)
}

// codesLeft is how often the applicant may still have the code shown.
func codesLeft(ctx context.Context, q bun.IDB, p Parcel, items []Item) (int, error) {
	if !p.showsCode() || holdsSeal(items) {
		return 0, nil
	}
	s, err := findSecret(ctx, q, p.ID, SecretCode)
	if err != nil || s.ParcelID == "" {
		return 0, err
	}
	return max(0, maxResent-s.Resent), nil
}
