package delivery

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/office"
)

// signedSlip is what the window enters of a slip that was signed on paper. The scan
// alone proves it (DEL-950).
type signedSlip struct {
	name string
	at   time.Time
	scan string // SHA-256
}

// check wants all of it, signed between from, which a slip gives to the minute, and
// now. Refusals: slip_incomplete, scan_not_uploaded, text_invalid.
func (s signedSlip) check(ctx context.Context, q bun.IDB, from, now time.Time) error {
	from = from.Truncate(time.Minute)
	if s.name == "" || s.scan == "" || s.at.Before(from) || s.at.After(now) {
		return fault.Refuse(fault.Invalid, "slip_incomplete",
			"凭纸质流转单办理：请填写签字人和签字时间（%[1]s之后、现在之前），并上传签字流转单的扫描件",
			"for a paper slip give who signed it and when, between %[2]s and now, and upload the scan of the signed slip",
			dayMoment("zh", from), dayMoment("en", from))
	}
	if _, err := findBlob(ctx, q, s.scan); err != nil {
		return scanNotUploaded(err)
	}
	return office.CheckLines(line("signer", s.name))
}

func scanNotUploaded(err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.Refuse(fault.Invalid, "scan_not_uploaded",
		"照片或扫描件还没有上传，请先上传再提交", "the photo or scan was not uploaded; upload it first")
}
