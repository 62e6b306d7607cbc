package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/photo"
)

// MaxScan is how many bytes an uploaded scan may have (SEC-15).
const MaxScan = 8 << 20

// Scan is an image of a signed paper: the slip of a notice served by hand
// (INS-707) or a reply on paper (INS-808). Its bytes are kept as they came,
// but for the place where a photo was made.
type Scan struct {
	Name  string
	Bytes []byte
}

// scanRow is a stored scan.
type scanRow struct {
	bun.BaseModel `bun:"table:scans"`

	ID      string `bun:"id,pk"`
	Subject string
	Name    string
	Media   string
	Body    []byte
	SHA256  string `bun:"sha256"`
	SavedAt time.Time
	SavedBy string
}

// read checks size, kind and dimensions from the header alone, before anything
// is decoded: an image bomb never unfolds (SEC-15).
func (s Scan) read() (media string, err error) {
	if len(s.Bytes) > MaxScan {
		return "", fault.Refuse(fault.Invalid, "scan_size", "扫描件不能超过 8 MB，请压缩后再传", "a scan may have 8 MB; make it smaller and upload it again")
	}
	header, err := photo.Read(s.Bytes)
	if err != nil {
		return "", fault.Refuse(fault.Invalid, "scan_type", "扫描件应为完整的 JPEG、PNG 或 WebP 图片，请重新选择文件", "a scan must be a whole JPEG, PNG or WebP image; choose the file again")
	}
	if header.Vast() {
		return "", fault.Refuse(fault.Invalid, "scan_size", "扫描件尺寸过大，请降低分辨率后再传", "the scan has too many pixels; lower its resolution")
	}
	return header.Media, nil
}

// storeScan keeps a scan on the caller's transaction and gives its row, whose
// hash goes into the leaf of the act (SEC-15).
func storeScan(ctx context.Context, tx bun.IDB, subject string, s Scan, by string, now time.Time) (scanRow, error) {
	media, err := s.read()
	if err != nil {
		return scanRow{}, err
	}
	body := photo.WithoutPlace(s.Bytes) // INS-1006
	sum := sha256.Sum256(body)
	row := scanRow{
		ID: newID(), Subject: subject, Name: s.Name, Media: media, Body: body,
		SHA256: hex.EncodeToString(sum[:]), SavedAt: now, SavedBy: by,
	}
	err = insertScan(ctx, tx, &row)
	return row, err
}

func scanMissing() *fault.Error {
	return fault.Refuse(fault.Invalid, "scan_missing",
		"请上传纸质件的扫描件", "upload a scan of the paper")
}

// FindScan gives a scan's media type and bytes to those who may read its visit;
// to a department its own, and to whoever saved it. Refusal: not_found.
func (d *Desk) FindScan(ctx context.Context, by auth.Actor, id string) (media string, body []byte, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		row, err := findScan(ctx, q, id)
		if err != nil {
			return err
		}
		caseID, department, err := scanOf(ctx, q, row)
		if err != nil {
			return err
		}
		c, err := findCase(ctx, q, caseID)
		if err != nil {
			return err
		}
		own := by.Department == "" || atWindow(by) || by.Department == department || row.SavedBy == by.String()
		if !MayRead(by, c) || !own {
			return notFound()
		}
		media, body = row.Media, row.Body
		return nil
	})
	return media, body, err
}

// scanOf gives the case of a scan and the department that it is of; an agreement
// (INS-605) is of none. Of an entry of the ledger it is the party, once told.
func scanOf(ctx context.Context, q bun.IDB, row scanRow) (caseID, department string, err error) {
	p, err := findParticipant(ctx, q, row.Subject)
	if fault.KindOf(err) != fault.NotFound {
		return p.CaseID, p.DepartmentID, err
	}
	b, err := findBreach(ctx, q, row.Subject)
	if err == nil && b.AnswerDue.IsZero() {
		return b.CaseID, "", nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return b.CaseID, b.DepartmentID, err
	}
	v, err := findVisit(ctx, q, row.Subject)
	return v.CaseID, "", err
}
