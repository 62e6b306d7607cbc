package workday

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"lianban/internal/fault"
)

const holidayCN2026 = `{
  "$schema": "https://raw.githubusercontent.com/NateScarlet/holiday-cn/master/schema.json",
  "year": 2026,
  "papers": ["https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm"],
  "days": [
    {"name": "元旦", "date": "2026-01-01", "isOffDay": true},
    {"name": "元旦", "date": "2026-01-04", "isOffDay": false},
    {"name": "元旦", "date": "2025-12-31", "isOffDay": true}
  ]
}`

func TestHolidayCNFilesAreRead(t *testing.T) { // INS-404
	want := map[int]Year{2026: {
		Status: Final,
		Papers: []string{"https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm"},
		Off:    []Date{{2026, 1, 1}, {2025, 12, 31}},
		Work:   []Date{{2026, 1, 4}},
	}}
	for name, parse := range map[string]func() (map[int]Year, error){
		"by name": func() (map[int]Year, error) { return ParseHolidayCN([]byte(holidayCN2026)) },
		"by look": func() (map[int]Year, error) { return Parse([]byte(holidayCN2026)) },
	} {
		if got, err := parse(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v (%v)", name, got, err)
		}
	}
}

func TestOwnFormSurvivesARoundTrip(t *testing.T) { // INS-404
	years, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"source": []string{"x"}, "years": years})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil || !reflect.DeepEqual(again, years) {
		t.Errorf("%v (%v)", again, err)
	}
}

func TestUnusableCalendarFilesAreRefused(t *testing.T) { // INS-404
	for code, files := range map[string][]string{
		"calendar_year_empty": {
			`{"year":2027,"papers":[],"days":[]}`,
			`{"year":2027}`,
			`{"years":{"2027":{"status":"final","off":[],"work":["2027-01-09"]}}}`,
		},
		"calendar_date_foreign": {
			`{"year":2027,"days":[{"date":"2027-01-01","isOffDay":true},{"date":"2026-11-30","isOffDay":true}]}`,
			`{"years":{"2027":{"status":"final","off":["2027-01-01"],"work":["2028-01-01"]}}}`,
			`{"years":{"2027":{"status":"provisional","off":[""]}}}`,
		},
		"calendar_unreadable": {
			``, `[]`, `{}`, `null`, `{"years":{}}`, `{"years":[]}`,
			`{"years":{"x":{}}}`,
			`{"years":{"1999":{"status":"provisional"}}}`,
			`{"years":{"2200":{"status":"provisional"}}}`,
			`{"years":{"2027":{"status":"guess","off":["2027-01-01"]}}}`,
			`{"years":{"2027":{"status":"final","off":["2027-01-01"],"wrok":["2027-01-09"]}}}`,
			`{"years":{"2027":{"status":"final","off":["2027-02-30"]}}}`,
			`{"years":{"2027":{"status":"final","off":["2027-01-01"]}}} {}`,
			`{"year":2027,"days":[{"date":"1 May","isOffDay":true}]}`,
		},
	} {
		for _, file := range files {
			if _, err := Parse([]byte(file)); !fault.Is(err, code) {
				t.Errorf("%s: %v, want %s", file, err, code)
			}
		}
	}
	if _, err := ParseOwn([]byte(`{"years":{}}`)); !fault.Is(err, "calendar_unreadable") {
		t.Errorf("no year: %v", err)
	}
}

func TestNewRefusesWhatTheParsersRefuse(t *testing.T) { // INS-404
	if _, err := New(1, map[int]Year{2027: {Status: Final}}); !fault.Is(err, "calendar_year_empty") {
		t.Errorf("%v, want calendar_year_empty", err)
	}
}

func TestRefusalsSpeakBothLanguages(t *testing.T) {
	_, err := ParseDate("14.2.2026")
	refusal, ok := fault.From(err)
	if !ok || refusal.Code != "date_invalid" || !strings.Contains(refusal.In("zh"), "日期") || !strings.Contains(refusal.In("en"), "date") {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(shipped)
	f.Add([]byte(holidayCN2026))
	f.Add([]byte(`{"years":{"2000":{"status":"provisional"},"2199":{"status":"provisional"}}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		years, err := Parse(file)
		if err != nil {
			if _, ok := fault.From(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if _, err := New(1, years); err != nil {
			t.Fatalf("parsed years are refused: %v", err)
		}
	})
}

func FuzzParseHours(f *testing.F) {
	f.Add("09:00-12:00,13:30-17:30")
	f.Add("00:00-24:00")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHours(text)
		if err != nil {
			return
		}
		if again, err := ParseHours(h.String()); err != nil || !reflect.DeepEqual(again, h) {
			t.Fatalf("%q reads as %s, then as %s (%v)", text, h, again, err)
		}
	})
}
