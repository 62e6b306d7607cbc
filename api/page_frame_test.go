package api

import (
	"testing"

	"lianban/api/web"
)

func TestEveryPartOfTheMenuSaysWhatOneDoesThere(t *testing.T) {
	pages, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		if !pages.Has(s.word + ".about") {
			t.Errorf("%s is not explained", s.word)
		}
	}
}
