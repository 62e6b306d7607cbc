package delivery

import (
	"encoding/json"
	"math"

	"lianban/internal/fault"
)

// drawing is a signature as it was drawn on a pad: the strokes from which its
// picture was made (DEL-605). A signature on paper, as a photo, has none.
type drawing struct {
	Width   int     `json:"w"` // of the pad, in its own units
	Height  int     `json:"h"`
	Strokes [][]int `json:"strokes"` // x and y in turn
}

// blank reports whether d is a slip or a dot and no signature: few strokes of few
// points, or a box of less than a twentieth of the pad (DEL-605).
func (d drawing) blank() bool {
	points := 0
	left, top, right, bottom := math.MaxInt32, math.MaxInt32, 0, 0
	for _, stroke := range d.Strokes {
		for i := 0; i+1 < len(stroke); i += 2 {
			points++
			left, right = min(left, stroke[i]), max(right, min(stroke[i], d.Width))
			top, bottom = min(top, stroke[i+1]), max(bottom, min(stroke[i+1], d.Height))
		}
	}
	box := (right - max(left, 0)) * (bottom - max(top, 0))
	return points == 0 || len(d.Strokes) < 3 && points < 20 || box*20 < d.Width*d.Height
}

// CheckDrawn refuses a drawn signature that is none; nothing drawn is no ground.
// Refusal: signature_blank.
func CheckDrawn(drawn []byte) error {
	if !blankDrawn(drawn) {
		return nil
	}
	return fault.Refuse(fault.Invalid, "signature_blank",
		"签名板上只有点或短线，请收件人重新签上姓名；也可以签在纸上拍照", "there is only a dot or a slip on the pad; ask the receiver to sign again, or on paper and take a photo")
}

// blankDrawn reports whether something was drawn and is no signature. What cannot
// be read shows none.
func blankDrawn(drawn []byte) bool {
	if len(drawn) == 0 || string(drawn) == "null" {
		return false
	}
	var d drawing
	return json.Unmarshal(drawn, &d) != nil || d.blank()
}
