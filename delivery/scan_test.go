package delivery

import (
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DEL-941: the scan of an original is linked to its paper by its hash; who may see
// it does so in a capacity and with a purpose, and each look is written down
// for the supervisor and the auditor to read.
func TestEveryLookAtAScanIsLoggedWithItsPurpose(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		original, forFire, _ := w.lease()
		materials, err := w.takeIn(w.material("其他材料", needs(ClassCopy, "amr")))
		w.must(err)
		sum := w.photo()
		_, err = w.AddScan(ctx, w.clerk, original.ItemID, "0")
		w.refused(err, "scan_not_uploaded")
		_, err = w.AddScan(ctx, w.inspector("fire"), original.ItemID, sum)
		w.refused(err, "scan_not_yours")
		for range 2 {
			scan, err := w.AddScan(ctx, w.clerk, forFire.ItemID, sum) // of a copy: it is the original's
			w.must(err)
			if scan.ItemID != original.ItemID {
				t.Fatalf("%+v", scan)
			}
		}
		look := ScanRequest{ItemID: original.ItemID, SHA256: sum, Purpose: "核对租赁期限"}
		for _, c := range []struct {
			by    auth.Actor
			level ScanLevel
		}{
			{w.clerk, LevelCase}, {w.boss, LevelSupervisor}, {w.auditor, LevelAuditor}, {w.inspector("amr"), LevelKeeper}, {w.inspector("fire"), LevelDepartment},
		} {
			w.at = w.at.Add(1e9)
			_, _, err := w.OpenScan(ctx, c.by, ScanRequest{ItemID: original.ItemID, SHA256: sum, Purpose: " "})
			w.refused(err, "scan_purpose")
			b, body, err := w.OpenScan(ctx, c.by, look)
			w.must(err)
			views, err := w.ScanViews(ctx, w.boss, forFire.ItemID)
			w.must(err)
			if v := views[0]; b.SHA256 != sum || len(body) != b.Size || v.Level != c.level || v.Viewer != c.by.Name || v.Purpose != look.Purpose || v.Downloaded {
				t.Errorf("%s: %+v", c.level, v)
			}
		}
		views, err := w.ScanViews(ctx, w.auditor, original.ItemID)
		if err != nil || len(views) != 5 {
			t.Errorf("%d looks, %v", len(views), err)
		}
		for _, by := range []auth.Actor{w.clerk, w.inspector("amr")} {
			_, err := w.ScanViews(ctx, by, original.ItemID)
			w.refused(err, "scan_log_closed")
		}
		for _, by := range []auth.Actor{w.elsewhere(), {Kind: auth.KindPerson, ID: "c", Roles: []auth.Role{auth.Courier}, Centre: w.centre.ID}} {
			_, _, err := w.OpenScan(ctx, by, look)
			w.refused(err, "not_found")
		}
		// the scan of one paper is not to be had by way of another
		_, _, err = w.OpenScan(ctx, w.clerk, ScanRequest{ItemID: materials[0].ItemID, SHA256: sum, Purpose: "核对"})
		w.refused(err, "not_found")
		if _, _, err = w.OpenScan(ctx, w.inspector("fire"), ScanRequest{ItemID: forFire.ItemID, SHA256: sum, Purpose: "存档", Download: true}); err != nil {
			t.Fatal(err)
		}
		if views, err := w.ScanViews(ctx, w.boss, original.ItemID); err != nil || !views[0].Downloaded {
			t.Errorf("the download is not told apart: %+v, %v", views[0], err)
		}
		if got := w.leaves(original.CaseID); got != "material_taken_in material_scanned scan_viewed scan_viewed scan_viewed scan_viewed scan_viewed scan_viewed" {
			t.Errorf("the log has %s", got)
		}
	})
}
