package api

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"slices"

	"lianban/delivery"
)

// material is a lease that the departments need.
func material(departments ...string) map[string]any {
	var needs []any
	for _, d := range departments {
		needs = append(needs, map[string]any{"department_id": d, "form": "copy"})
	}
	return map[string]any{"title": "租赁合同", "differs": "另一份", "needs": needs}
}

// circulating makes originals that the fire brigade keeps, with bags that each
// side packs, sent and opened.
func (s *scene) circulating() {
	s.t.Helper()
	s.photo = s.photoOf("clerk")
	first, second, third := s.keptByFire(), s.keptByFire(), s.keptByFire()
	s.original = third.ItemID
	s.post("clerk", "/materials/"+s.original+"/scans", map[string]any{"sha256": s.photo}).is(http.StatusOK)
	var opened struct{ Extras []struct{ ID string } }
	s.opened = s.sendBag("inspector", first)
	s.post("clerk", "/bags/"+s.opened+"/accept", map[string]any{
		"count": 1, "extras": []any{map[string]any{"title": "身份证复印件", "photo_sha256": s.photo}},
	}).is(http.StatusOK).into(&opened)
	s.extra = opened.Extras[0].ID
	var here struct{ Items []materialRef }
	s.post("clerk", "/cases/"+s.caseID+"/materials", material("431103-fire")).is(http.StatusCreated).into(&here)
	s.here, s.bagged = here.Items[0].ItemID, first.Item.Number
	s.spare = bagsOf{window: here.Items[0].ItemID, fire: s.original}
	s.destroying()
	s.sent = bagsOf{window: s.sendBag("inspector", second), fire: s.sendBag("clerk", first)}
	var runs struct{ Items []delivery.RunView }
	s.get("clerk", "/runs").is(http.StatusOK).into(&runs)
	s.shuttle = runs.Items[slices.IndexFunc(runs.Items, func(r delivery.RunView) bool { return r.Counts.Open > 0 })]
	s.packing = bagsOf{window: s.newBag("clerk"), fire: s.newBag("inspector")}
	var loan struct{ ID string }
	s.post("inspector", "/materials/"+s.keptByFire().ItemID+"/loans", map[string]any{"borrower_id": "431103-amr", "purpose": "核对"}).is(http.StatusCreated).into(&loan)
	s.loan = loan.ID
}

// destroying proposes on each side to destroy something that lies there, and leaves
// another thing there.
func (s *scene) destroying() {
	s.t.Helper()
	var here struct{ Items []materialRef }
	s.post("clerk", "/cases/"+s.caseID+"/materials", material("431103-fire")).is(http.StatusCreated).into(&here)
	s.void = bagsOf{window: here.Items[0].ItemID, fire: s.keptByFire().ItemID}
	propose := func(as, item string) string {
		var x struct{ ID string }
		s.post(as, "/items/"+item+"/destructions", map[string]any{"reason": "水浸", "photo_sha256": s.photo}).is(http.StatusCreated).into(&x)
		return x.ID
	}
	s.destruction = bagsOf{window: propose("clerk", s.void.window), fire: propose("inspector", s.void.fire)}
}

type materialRef struct {
	ItemID string `json:"item_id"`
	Item   struct{ Number string }
}

// keptByFire is an original that came to the fire brigade.
func (s *scene) keptByFire() materialRef {
	s.t.Helper()
	var taken struct{ Items []materialRef }
	s.post("clerk", "/cases/"+s.caseID+"/materials", material("431103-fire")).is(http.StatusCreated).into(&taken)
	s.post("inspector", "/bags/"+s.sendBag("clerk", taken.Items[0])+"/accept", map[string]any{"count": 1}).is(http.StatusOK)
	return taken.Items[0]
}

func (s *scene) newBag(as string) string {
	s.t.Helper()
	body := map[string]any{"centre_id": s.centre.ID}
	if as == "clerk" {
		body["goes_to"] = "431103-fire"
	}
	var bag struct{ ID string }
	s.post(as, "/bags", body).is(http.StatusCreated).into(&bag)
	return bag.ID
}

// sendBag packs one paper and gives it to the other side.
func (s *scene) sendBag(as string, p materialRef) string {
	s.t.Helper()
	id := s.newBag(as)
	s.post(as, "/bags/"+id+"/put", map[string]any{"number": p.Item.Number}).is(http.StatusOK)
	s.post(as, "/bags/"+id+"/release", map[string]any{"seal": "F1", "count": 1}).is(http.StatusOK)
	return id
}

func (s *scene) photoOf(as string) string {
	s.t.Helper()
	var out bytes.Buffer
	s.must(png.Encode(&out, image.NewGray(image.Rect(0, 0, 5, 5))))
	sum := fmt.Sprintf("%x", sha256.Sum256(out.Bytes()))
	s.do(request{
		as: as, method: http.MethodPost, path: prefix + "/blobs/" + sum, body: out.Bytes(), header: map[string]string{"Content-Type": "application/octet-stream"},
	}).is(http.StatusOK)
	return sum
}
