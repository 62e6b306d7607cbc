package delivery

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// HeldMaterial is an original that is in somebody's keeping already, so that nobody
// asks the applicant for it again (plan 三(三)2, DEL-105, DEL-934).
type HeldMaterial struct {
	Material
	TakenAt   time.Time  `json:"taken_at"`
	StandIns  []Material `json:"stand_ins,omitempty"` // the copies and vouchers that others have
	Scan      string     `json:"scan,omitempty"`      // path of the page with its scans; empty: none was made
	ScannedAt time.Time  `json:"scanned_at,omitzero"` // the last one
}

// Held gives the original of a name that was taken in for one of the cases and is
// not destroyed, the newest of several; nil if there is none. It reads on the
// caller's transaction and says nothing about who may see it.
func Held(ctx context.Context, q bun.IDB, caseIDs []string, title string) (*HeldMaterial, error) {
	if len(caseIDs) == 0 {
		return nil, nil
	}
	all, err := originalsOf(ctx, q, caseIDs)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if sameTitle(m.Item.Title, title) && m.Item.CustodianKind != Destroyed {
			return heldWith(ctx, q, m)
		}
	}
	return nil, nil
}

// sameTitle compares names as a person would: spaces and case do not matter.
func sameTitle(a, b string) bool {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	return plain(a) == plain(b)
}

func heldWith(ctx context.Context, q bun.IDB, m Material) (*HeldMaterial, error) {
	h := HeldMaterial{Material: m, TakenAt: m.Item.RegisteredAt}
	of, err := materialsOfCase(ctx, q, m.CaseID)
	if err != nil {
		return nil, err
	}
	for _, s := range of {
		if s.OfItem == m.ItemID && s.Item.CustodianKind != Destroyed {
			h.StandIns = append(h.StandIns, s)
		}
	}
	scans, err := scansOf(ctx, q, m.ItemID)
	if len(scans) > 0 {
		h.Scan, h.ScannedAt = "/items/"+m.ItemID+"#scans", scans[len(scans)-1].PutAt
	}
	return &h, err
}

// Refuse says who has the material, by which number, since when, which copies there
// are and where its scan is, and how to go on without the applicant (DEL-934).
func (h HeldMaterial) Refuse() *fault.Error {
	copies, copiesEN := "没有复印件", "no copy"
	var zh, en []string
	for _, s := range h.StandIns {
		zh, en = append(zh, s.Label("zh")+"（"+s.ForName+"）"), append(en, s.Label("en")+" ("+s.ForName+")")
	}
	if len(zh) > 0 {
		copies, copiesEN = strings.Join(zh, "、"), strings.Join(en, ", ")
	}
	scan, scanEN := "没有扫描件", "no scan"
	if h.Scan != "" {
		day := workday.DateOf(h.ScannedAt).String()
		scan, scanEN = "扫描件 "+h.Scan+"（"+day+"）", "scan "+h.Scan+" ("+day+")"
	}
	day := workday.DateOf(h.TakenAt).String()
	return fault.Refuse(fault.Conflict, "material_held",
		"“%[1]s”已于 %[2]s 在办件 %[3]s 收过：原件 %[4]s 由%[5]s保管，%[6]s，%[7]s。请直接使用，不要再向申请人收取；确是另一份的，写明有何不同",
		"%[1]q was taken in on %[2]s for case %[3]s: %[5]s keeps the original %[4]s, %[8]s, %[9]s; use it and do not ask the applicant again, or say how this one differs",
		h.Item.Title, day, h.CaseNumber, h.Item.Number, h.Keeper, copies, scan, copiesEN, scanEN).With("held", h)
}
