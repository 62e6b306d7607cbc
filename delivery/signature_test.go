package delivery

import (
	"encoding/json"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// scrawl is a name in three strokes on a pad of 640 by 240.
const scrawl = `{"w":640,"h":240,"strokes":[[100,60,300,60],[200,40,200,180],[120,180,320,120]]}`

func TestASignatureOfADotOrASlipIsBlank(t *testing.T) { // DEL-605
	for name, c := range map[string]struct {
		drawn string
		blank bool
	}{
		"nothing was drawn":         {``, false},
		"null":                      {`null`, false},
		"three strokes":             {scrawl, false},
		"two strokes of few points": {`{"w":640,"h":240,"strokes":[[100,20,500,200],[100,200,500,20]]}`, true},
		"one stroke of nineteen":    {stroke(19, 30, 8), true},
		"one stroke of twenty":      {stroke(20, 30, 8), false},
		"three dots in a corner":    {`{"w":640,"h":240,"strokes":[[5,5],[20,20],[30,10]]}`, true},
		"less than a twentieth":     {`{"w":640,"h":240,"strokes":[[0,0],[76,0],[0,100]]}`, true},
		"a twentieth":               {`{"w":640,"h":240,"strokes":[[0,0],[77,0],[0,100]]}`, false},
		"a line without height":     {stroke(30, 20, 0), true},
		"beside the pad":            {`{"w":640,"h":240,"strokes":[[-500,-500],[-10,-10],[-300,-20]]}`, true},
		"no stroke":                 {`{"w":640,"h":240,"strokes":[]}`, true},
		"strokes without points":    {`{"w":640,"h":240,"strokes":[[],[7],[]]}`, true},
		"no drawing at all":         {`[1,2]`, true},
		"what is no JSON":           {`{"w":`, true},
	} {
		if got := blankDrawn([]byte(c.drawn)); got != c.blank {
			t.Errorf("%s: blank is %v", name, got)
		}
	}
}

// stroke is one stroke of n points, each dx right of and dy below the last.
func stroke(n, dx, dy int) string {
	var points []int
	for i := range n {
		points = append(points, i*dx, i*dy)
	}
	out, _ := json.Marshal(drawing{640, 240, [][]int{points}}) // of numbers alone it cannot fail
	return string(out)
}

func TestADeliveryWithASlipForASignatureWaitsForTheWindow(t *testing.T) { // DEL-602, DEL-605
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		sum, body := picture(t, 7)
		_, err := w.PutBlob(t.Context(), w.courier, sum, body)
		w.must(err)
		given := func(drawn string) ParcelView {
			t.Helper()
			p := w.carried()
			w.later(5)
			w.accepted(w.event(p, EventDelivered, "a1", map[string]any{
				"outcome": "recipient", "receiver": "欧阳修", "id_last4": "123x", "signature": sum, "drawn": json.RawMessage(drawn),
			}, sum))
			return w.parcel(p.ID)
		}
		if v := given(scrawl); v.State != ParcelDelivered {
			t.Errorf("signed: %s lacks %v", v.State, v.Missing)
		}
		if v := given(`{"w":640,"h":240,"strokes":[[5,5],[6,6]]}`); v.State != ParcelUnverified {
			t.Errorf("two dots: %s", v.State)
		}
	})
}
