package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// MaterialScan is the image of an original, linked to its paper by the SHA-256
// of its bytes (DEL-941).
type MaterialScan struct {
	bun.BaseModel `bun:"table:material_scans" json:"-"`

	ItemID string    `bun:"item_id,pk" json:"item_id"` // the original
	SHA256 string    `bun:"sha256,pk" json:"sha256"`
	PutAt  time.Time `json:"put_at"`
	PutBy  string    `json:"put_by"`
}

// ScanLevel is the capacity in which somebody may see a scan (DEL-941).
type ScanLevel string

// Levels of viewing.
const (
	LevelCase       ScanLevel = "case"       // the window whose case it is
	LevelDepartment ScanLevel = "department" // a department that has or gets a copy or voucher of it
	LevelKeeper     ScanLevel = "keeper"
	LevelSupervisor ScanLevel = "supervisor"
	LevelAuditor    ScanLevel = "auditor"
)

// ScanView is one look at a scan, with what it was for (DEL-941).
type ScanView struct {
	bun.BaseModel `bun:"table:scan_views" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	ItemID     string    `json:"item_id"`
	SHA256     string    `bun:"sha256" json:"sha256"`
	Downloaded bool      `json:"downloaded"`
	Level      ScanLevel `json:"level"`
	Purpose    string    `json:"purpose"`
	ViewedAt   time.Time `json:"viewed_at"`
	ViewedBy   string    `json:"viewed_by"`
	Viewer     string    `json:"viewer"` // name
	Place      string    `json:"place"`  // centre or department
}

// levelOf is the capacity in which the actor sees the scans of an original, ""
// for none. of are the original and all that stands in for it.
func levelOf(by auth.Actor, of []Material) ScanLevel {
	original := of[0]
	switch {
	case by.Is(auth.Auditor):
		return LevelAuditor
	case atWindow(by) && by.Centre == original.CentreID:
		if by.Is(auth.Supervisor) {
			return LevelSupervisor
		}
		return LevelCase
	case ofDepartment(by, original.KeeperID):
		return LevelKeeper
	case slices.ContainsFunc(of, func(p Material) bool { return mayReadMaterial(by, p) }) && by.Department != "":
		return LevelDepartment
	}
	return ""
}

// scanned gives the original that a material is or stands in for, with all that
// stands in for it, and the actor's level. Refusal: not_found.
func scanned(ctx context.Context, q bun.IDB, by auth.Actor, itemID string) (of []Material, level ScanLevel, err error) {
	found, err := materialsByItem(ctx, q, []string{itemID})
	if err != nil {
		return nil, "", err
	}
	p, ok := found[itemID]
	if !ok {
		return nil, "", notFound()
	}
	original := p.ItemID
	if !p.original() {
		original = p.OfItem
	}
	all, err := materialsOfCase(ctx, q, p.CaseID)
	if err != nil {
		return nil, "", err
	}
	for _, one := range all {
		if one.ItemID == original {
			of = append([]Material{one}, of...)
		} else if one.OfItem == original {
			of = append(of, one)
		}
	}
	if level = levelOf(by, of); level == "" {
		return nil, "", notFound()
	}
	return of, level, nil
}

// AddScan links an image that was uploaded to its original, or to the original
// that a copy stands in for. The case's window and the keeper may; the same image
// twice is one. Refusals: not_found, scan_not_yours, scan_not_uploaded.
func (d *Desk) AddScan(ctx context.Context, by auth.Actor, itemID, sum string) (out MaterialScan, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		of, level, err := scanned(ctx, tx, by, itemID)
		if err != nil {
			return err
		}
		if level != LevelCase && level != LevelSupervisor && level != LevelKeeper {
			return fault.Refuse(fault.Forbidden, "scan_not_yours",
				"只有收件窗口和原件留存单位可以上传扫描件；请交给窗口上传", "only the case's window and the keeper add a scan; let the window do it")
		}
		if _, err := findBlob(ctx, tx, sum); err != nil {
			return scanNotUploaded(err)
		}
		out = MaterialScan{ItemID: of[0].ItemID, SHA256: sum, PutAt: d.now(), PutBy: by.String()}
		added, err := insertScan(ctx, tx, &out)
		if err != nil || !added {
			return err
		}
		return audit.Record(ctx, tx, audit.Leaf{Type: "material_scanned", Stream: Stream(of[0].CaseID), Actor: by.String(), At: d.now(), Fields: map[string]any{
			"item": out.ItemID, "number": of[0].Item.Number, "sha256": sum,
		}})
	})
	return out, err
}

// ListScans gives the scans that belong to a material, without a look at them.
// Refusal: not_found.
func (d *Desk) ListScans(ctx context.Context, by auth.Actor, itemID string) (out []MaterialScan, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		of, _, err := scanned(ctx, q, by, itemID)
		if err != nil {
			return err
		}
		out, err = scansOf(ctx, q, of[0].ItemID)
		return err
	})
	return out, err
}

// ScanRequest asks for a scan. Purpose is why, in words.
type ScanRequest struct {
	ItemID, SHA256 string
	Purpose        string
	Download       bool
}

// OpenScan gives a scan to who may see it, after the look was written down with
// its purpose: no purpose, no scan (DEL-941). Refusals: not_found, scan_purpose,
// text_invalid.
func (d *Desk) OpenScan(ctx context.Context, by auth.Actor, r ScanRequest) (b Blob, body []byte, err error) {
	d = d.still()
	r.Purpose = strings.TrimSpace(r.Purpose)
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		of, level, err := scanned(ctx, tx, by, r.ItemID)
		if err != nil {
			return err
		}
		scans, err := scansOf(ctx, tx, of[0].ItemID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(scans, func(s MaterialScan) bool { return s.SHA256 == r.SHA256 }) {
			return notFound()
		}
		if err := r.check(); err != nil {
			return err
		}
		if b, err = findBlob(ctx, tx, r.SHA256); err != nil {
			return err
		}
		look := ScanView{
			ID: newID(), ItemID: of[0].ItemID, SHA256: r.SHA256, Downloaded: r.Download, Level: level, Purpose: r.Purpose,
			ViewedAt: d.now(), ViewedBy: by.String(), Viewer: by.Name, Place: by.Centre + by.Department,
		}
		if err := insertScanView(ctx, tx, &look); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Leaf{Type: "scan_viewed", Stream: Stream(of[0].CaseID), Actor: by.String(), At: d.now(), Fields: map[string]any{
			"item": look.ItemID, "sha256": look.SHA256, "downloaded": look.Downloaded, "level": string(level), "purpose": look.Purpose,
		}})
	})
	if err != nil {
		return Blob{}, nil, err
	}
	body, err = d.kept(r.SHA256)
	return b, body, err
}

func (r ScanRequest) check() error {
	if r.Purpose == "" {
		return fault.Refuse(fault.Invalid, "scan_purpose",
			"请先写明查看或下载的用途，如“核对租赁期限”；用途会记入查看记录", "say what you need the scan for, such as comparing the term of the lease; it is kept with the look")
	}
	return checkReason("purpose", r.Purpose)
}

// ScanViews is who looked at the scans of a material and what for, the last look
// first. Supervisors of the case's window and auditors read it. Refusals:
// not_found, scan_log_closed.
func (d *Desk) ScanViews(ctx context.Context, by auth.Actor, itemID string) (out []ScanView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		of, level, err := scanned(ctx, q, by, itemID)
		if err != nil {
			return err
		}
		if level != LevelSupervisor && level != LevelAuditor {
			return fault.Refuse(fault.Forbidden, "scan_log_closed",
				"查看记录只供本窗口主管和审计人员查阅", "who looked at a scan is for the window's supervisor and auditors to read")
		}
		out, err = scanViewsOf(ctx, q, of[0].ItemID)
		return err
	})
	return out, err
}
