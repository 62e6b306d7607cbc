package api

import (
	"net/http"
	"strings"

	"lianban/delivery"
	"lianban/internal/auth"
)

// materialScanPages are the scans of an original on its page: put there, looked at
// for a purpose, and who looked (DEL-941).
func (p *site) materialScanPages() {
	p.on(Route{
		Method: http.MethodPost, Path: "/items/{id}/scans", Act: "pageAddScan", Who: actors(keepingThings...), Rate: uploadRate, Body: 2 * delivery.MaxProof,
	}, p.addMaterialScan)
	p.on(Route{Method: http.MethodPost, Path: "/items/{id}/scans/{sum}", Act: "pageOpenScan", Who: readers(following...)}, p.openMaterialScan)
}

// scansPart is what the page of a material says of its scans.
type scansPart struct {
	Scans   []delivery.MaterialScan
	MayAdd  bool
	Log     bool
	Looks   []delivery.ScanView
	Numbers map[string]int // of each scan, by its hash
}

func (p *site) scansPart(v *view, one delivery.MaterialView) (*scansPart, error) {
	scans, err := p.Delivery.ListScans(v.ctx(), v.by, one.ItemID)
	if err != nil {
		return nil, err
	}
	d := &scansPart{Scans: scans, Numbers: map[string]int{}}
	for n, s := range scans {
		d.Numbers[s.SHA256] = n + 1
	}
	d.MayAdd = v.organises(one.CentreID) || v.is(inOffice...) && v.by.Department == one.KeeperID
	d.Log = v.supervises(one.CentreID) || v.by.Is(auth.Auditor)
	if d.Log {
		d.Looks, err = p.Delivery.ScanViews(v.ctx(), v.by, one.ItemID)
	}
	return d, err
}

func (p *site) addMaterialScan(v *view) error {
	return p.onMaterial(v, form{"add_scan", ""}, "/items/"+v.id()+"#scans", "flash.scan_added", func(one delivery.MaterialView) error {
		sum, err := p.keepUpload(v, "scan")
		if err != nil {
			return err
		}
		_, err = p.Delivery.AddScan(v.ctx(), v.by, one.ItemID, sum)
		return err
	})
}

// openMaterialScan shows a scan, or gives it to be kept.
func (p *site) openMaterialScan(v *view) error {
	r := delivery.ScanRequest{ItemID: v.id(), SHA256: v.r.PathValue("sum"), Purpose: v.form("purpose"), Download: v.form("do") == "download"}
	blob, body, err := p.Delivery.OpenScan(v.ctx(), v.by, r)
	if err != nil {
		return p.done(v, err, form{"look", r.SHA256}, p.item)
	}
	if r.Download {
		v.attach("scan."+strings.TrimPrefix(blob.Media, "image/"), blob.Media, body)
		return nil
	}
	v.w.Header().Set("Content-Type", blob.Media)
	_, _ = v.w.Write(body) // a reader who is gone cannot be told
	return nil
}
