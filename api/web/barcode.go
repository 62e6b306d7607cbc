package web

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/boombuler/barcode/code128"
)

// code128SVG draws a number as Code 128 for a page that is printed, with the
// quiet zone of ten modules on both sides; the number in plain text belongs
// below it (DEL-950).
func code128SVG(text string) (template.HTML, error) {
	code, err := code128.Encode(text)
	if err != nil {
		return "", err
	}
	const quiet, height = 10, 40
	width := code.Bounds().Dx()
	var bars strings.Builder
	for x := range width {
		if r, _, _, _ := code.At(x, 0).RGBA(); r == 0 {
			fmt.Fprintf(&bars, "M%d 0v%dh1v-%dz", x+quiet, height, height)
		}
	}
	return template.HTML(fmt.Sprintf(
		`<svg class="code" viewBox="0 0 %d %d" preserveAspectRatio="none" shape-rendering="crispEdges" role="img" aria-label="Code 128"><path d="%s"/></svg>`,
		width+2*quiet, height, bars.String())), nil
}
