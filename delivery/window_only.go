package delivery

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// Some results never leave the house but into the hands of who comes for them,
// whatever their class: the matter says so, and each line that is owed keeps the
// word (DEL-204). Why a matter says it stands nowhere here: what the public reads
// is that they are collected at the window (须到窗口领取), and no more.

// windowOnlyRule is the ground on which such a result goes no other way.
const windowOnlyRule = "DEL-204"

// windowOnlyGround closes a way to a class, for a result that has to be collected.
func windowOnlyGround(class Class, way Way) Ground {
	return Ground{
		Class: class, Way: way, Cell: GateNo, Rule: windowOnlyRule,
		ZH: "按事项规定须到窗口领取，不寄递，也不网上传输", EN: "has to be collected at the window, as its matter says, and goes no other way",
	}
}

// splitByWindow sets apart what of some items may only be collected at the window.
func splitByWindow(lines []ResultLine, items []Item) (only, rest []Item) {
	for _, i := range items {
		if slices.ContainsFunc(lines, func(l ResultLine) bool { return l.ID == i.LineID && l.WindowOnly }) {
			only = append(only, i)
		} else {
			rest = append(rest, i)
		}
	}
	return only, rest
}

// wantWindow refuses to send what may only be collected at the window (DEL-204).
func wantWindow(lines []ResultLine, items []Item, way Way) error {
	only, _ := splitByWindow(lines, items)
	if way == WayWindow || len(only) == 0 {
		return nil
	}
	return fault.Refuse(fault.Invalid, "window_only",
		"“%[1]s”须到窗口领取，不能以“%[2]s”寄出：请取出来单独封装为“窗口自取”；已经封装的，请先撤回",
		"%[1]s has to be collected at the window and cannot go by %[3]s: take it out and seal it by itself for pick-up; withdraw a parcel that is sealed already",
		only[0].Title, way.In("zh"), way.In("en")).With("ground", windowOnlyGround(only[0].Class, way))
}

// onPaper refuses to let a result go as a file that has to be collected (DEL-204).
func (l ResultLine) onPaper() error {
	if !l.WindowOnly {
		return nil
	}
	return fault.Refuse(fault.Invalid, "window_only_file",
		"%[1]s的结果须到窗口领取，不能网上传输：请送交纸质结果，由窗口交给申请人",
		"the result of %[1]s has to be collected at the window and cannot go as a file; hand it over on paper, and the window gives it to the applicant", l.Department)
}

// collects reports whether everything that a case still gives out has to be
// collected at the window; before anything is owed the matter's word stands.
func (h caller) collects() bool {
	if len(h.lines) == 0 {
		return h.WindowOnly
	}
	gone := func(l ResultLine) bool {
		here := func(p Parcel) bool { return p.ID == l.ParcelID && p.here() }
		return !l.open() && !l.Ready() && !slices.ContainsFunc(h.parcels, here)
	}
	left := slices.DeleteFunc(slices.Clone(h.lines), gone)
	return len(left) > 0 && !slices.ContainsFunc(left, func(l ResultLine) bool { return !l.WindowOnly })
}

// brought refuses the wish to have brought what has to be collected.
func (h caller) brought(way WishedWay) error {
	if way != WishDeliver || !h.collects() {
		return nil
	}
	return fault.Refuse(fault.Conflict, "wish_window_only",
		"这些材料须到窗口领取，不能派送；什么时候来、带什么证件，请致电窗口 %[1]s",
		"these papers have to be collected at the window and cannot be delivered; call the window about when to come and what to bring, %[1]s", h.centre.Phone)
}

// staysPacked reports whether a parcel keeps its way although the applicant wants
// things brought: it holds what has to be collected.
func (h caller) staysPacked(ctx context.Context, q bun.IDB, p Parcel, way WishedWay) (bool, error) {
	if way != WishDeliver {
		return false, nil
	}
	items, err := itemsIn(ctx, q, []string{p.ID})
	only, _ := splitByWindow(h.lines, items[p.ID])
	return len(only) > 0, err
}
