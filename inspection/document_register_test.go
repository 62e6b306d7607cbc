package inspection

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/paper/papertest"
)

// D15, INS-705: the form names what counts, what it means to sign it, and leaves
// lines to write into; a department does not print its own.
func TestADepartmentSignsAFormOfItsAddresses(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.newVisit()
		department := w.department("fire")
		first, err := w.AddressForm(ctx, w.clerk, department)
		w.must(err)
		text := papertest.Flat(papertest.Read(t, first.PDF))
		wantWords(t, text, "送达地址确认书", "收件页", "已确认", "逾期未反馈的视为同意", "24小时后生效", "部门负责人签名（盖章）", "窗口登记人、核对人")
		again, err := w.AddressForm(ctx, w.clerk, department)
		if w.must(err); !bytes.Equal(first.PDF, again.PDF) {
			t.Error("the same record gives another form (INS-1105)")
		}
		_, err = w.AddressForm(ctx, auth.Actor{Kind: auth.KindPerson, ID: "x", Roles: []auth.Role{auth.Head}, Department: department}, department)
		w.refused(err, "may_not_keep_addresses")
		_, err = w.AddressForm(ctx, w.clerk, "nobody")
		w.refused(err, "department_unknown")
	})
}

// D17: every file of the pack stands on the paper with its hash, and the pack
// itself, so that one on a disk can be held against it.
func TestTheEvidenceIndexNamesEveryFileOfThePack(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.newVisit()
		w.tick()
		r := BundleRequest{VisitID: v.ID, DepartmentID: w.department("fire")}
		index, err := w.EvidenceIndex(ctx, w.clerk, w.log, r)
		w.must(err)
		text := papertest.Flat(papertest.Read(t, index.PDF))
		var pack bytes.Buffer
		w.must(w.Bundle(ctx, w.clerk, w.log, r, &pack))
		wantWords(t, text, "证据清单", v.CaseNumber, flat(hashOf(pack.Bytes())), "目录的签名", "收录证明")
		files, err := zip.NewReader(bytes.NewReader(pack.Bytes()), int64(pack.Len()))
		w.must(err)
		for _, f := range files.File {
			if strings.HasPrefix(f.Name, "proofs/") {
				continue
			}
			body, err := f.Open()
			w.must(err)
			all, err := io.ReadAll(body)
			w.must(err)
			wantWords(t, text, f.Name, flat(hashOf(all)))
		}
		_, err = w.EvidenceIndex(ctx, auth.Actor{Kind: auth.KindPerson, ID: "y", Roles: []auth.Role{auth.Head}, Department: "elsewhere"}, w.log, r)
		w.refused(err, "not_found")
	})
}
