package api

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lianban/inspection"
	"lianban/internal/office"
	"lianban/scheduler/slot"
)

// pairedBoard is a draft visit that holds a slot of the morning on which another one
// is booked at the same place.
func pairedBoard(t *testing.T) (s *stage, booked, draft string) {
	t.Helper()
	s = &stage{world: newWorld(t)}
	visits := [2]string{}
	for i := range visits {
		visits[i] = s.newDraft()
		var answer struct{ Offers []slot.Offer }
		s.post("clerk", "/slots", map[string]any{"visit_id": visits[i], "from": "2026-11-24", "to": "2026-11-24", "band": "am", "limit": 1}).is(http.StatusOK).into(&answer)
		act := []string{"/book", "/hold"}[i]
		body := map[string]any{"start": answer.Offers[0].Start, "resources": resourcesOf(answer.Offers[0])}
		s.post("clerk", "/visits/"+visits[i]+act, body).is(http.StatusOK)
	}
	return s, visits[0], visits[1]
}

// INS-609: the board shows what one vehicle could make, the clerk joins it with the
// booking, and the sheet says when to be where.
func TestTheBoardOffersOneTripForVisitsNearby(t *testing.T) {
	s, booked, draft := pairedBoard(t)
	s.browse("clerk", "/visits/"+draft+"/board", nil).is(http.StatusOK).says("附近同一半天的踏勘", "不并入，单独出车", "2 次一趟，省 1 趟", "冷水滩区amr")
	s.browseIn("en", "clerk", "/visits/"+draft+"/board", nil).is(http.StatusOK).says("Site visits nearby on the same half-day", "2 visits on one trip: 1 journey saved")
	s.browse("clerk", "/visits/"+draft+"/book", url.Values{"with": {booked}, "once": {"b"}}).is(http.StatusSeeOther)
	page := s.browse("clerk", "/visits/"+draft, nil).is(http.StatusOK).says("本次勘验在一车踏勘的行程中", "退出行程")
	_, sheet, _ := strings.Cut(page.body, `href="/trips/`)
	sheet, _, _ = strings.Cut(sheet, `"`)
	s.browse("clerk", "/trips/"+sheet, nil).is(http.StatusOK).says("一车踏勘行程单", "出发", "最迟出发", "2 次勘验一趟跑完，少出车 1 趟", "张䶮")
	s.browse("clerk-elsewhere", "/trips/"+sheet, nil).is(http.StatusNotFound)
	s.browse("inspector", "/trips/"+sheet, nil).is(http.StatusNotFound)
	s.browse("clerk", "/trips?day=2026-11-24", nil).is(http.StatusOK).says("共省 1 趟", "2 处")
	s.browse("clerk", "/trips?day=tomorrow", nil).is(http.StatusOK).says("这一天没有行程")
	s.browse("clerk", "/visits/"+draft+"/trip/leave", url.Values{}).is(http.StatusSeeOther)
	s.browse("clerk", "/visits/"+draft+"/trip/leave", url.Values{}).is(http.StatusConflict).says("该勘验不在任何行程中")
	s.browse("clerk", "/trips/"+sheet, nil).is(http.StatusOK).says("该行程已撤销")
	s.browse("clerk", "/visits/"+draft+"/trip", url.Values{"with": {booked}, "once": {"j"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/visits/"+draft+"/cancel", url.Values{"code": {"other"}, "reason": {"申请人改日开业"}}).is(http.StatusSeeOther)
	s.browse("clerk", "/", nil).is(http.StatusOK).says("核对变动后的行程", "只剩一处，行程已撤销")
}

func TestASketchPutsTheNorthUpAndKeepsWithinItsSheet(t *testing.T) {
	at := func(lat, lon float64) inspection.StopView {
		return inspection.StopView{Site: inspection.Site{Lat: lat, Lon: lon}}
	}
	trip := inspection.TripView{Centre: office.Centre{Lat: 26.45, Lon: 111.60}, Stops: []inspection.StopView{at(26.46, 111.62), {}, at(26.44, 111.58)}}
	got := sketchOf(trip)
	if len(got.Points) != 3 || got.Points[2].N != 3 || got.Points[1].Y >= got.Points[2].Y || got.Points[1].X <= got.Points[2].X {
		t.Fatalf("%+v", got)
	}
	for _, p := range got.Points {
		if min(p.X, p.Y) < sketchEdge-1 || max(p.X, p.Y) > sketchSide-sketchEdge+1 {
			t.Errorf("%+v lies outside", p)
		}
	}
	if sketchOf(inspection.TripView{Stops: []inspection.StopView{at(26.4, 111.6)}}) != nil {
		t.Error("one point is no sketch")
	}
}
