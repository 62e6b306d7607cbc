package inspection

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
	"golang.org/x/text/encoding/simplifiedchinese"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

const matterHeader = "id,name_zh,name_en,lead_department,permits,visits,never_deemed,certainty\n"

func importText(t testing.TB, d *Desk, text string, check bool) (MatterReport, error) {
	t.Helper()
	return d.ImportMatters(t.Context(), MatterImport{File: strings.NewReader(text), Actor: "system:test", Check: check})
}

func countMatters(t testing.TB, d *Desk) int {
	t.Helper()
	list, err := read(t, d, func(ctx context.Context, q bun.IDB) ([]Matter, error) {
		return ListMatters(ctx, q, MatterQuery{At: matterNow})
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestShippedListIsImportedOnceAndThenUnchanged(t *testing.T) { // INS-301
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		in := MatterImport{File: ShippedMatters(), Actor: "system:import", EffectiveFrom: mustDate(t, "2026-01-01")}
		report, err := d.ImportMatters(t.Context(), in)
		if err != nil || len(report.Published) != 43 || report.Published[8] != "M09@1" || len(report.Warnings) > 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		in.File = ShippedMatters()
		report, err = d.ImportMatters(t.Context(), in)
		if err != nil || len(report.Published) != 0 || len(report.Unchanged) != 43 {
			t.Errorf("the second time %+v, %v", report, err)
		}
		leaves, err := read(t, d, func(ctx context.Context, q bun.IDB) ([]audit.Entry, error) { return audit.Stream(ctx, q, "system") })
		if err != nil || len(leaves) != 43 {
			t.Errorf("%d leaves, %v", len(leaves), err)
		}
		m, err := matterAt(t, d, "M09", matterNow)
		if err != nil || systemsIn(Derive(m, withDefaults(t, m, "floor_area_m2=260 serves_food=yes"))) != "amr fire police" {
			t.Errorf("the stored guest house is %+v, %v", m, err)
		}
	})
}

func TestCheckKeepsNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		const line = "T01,饭店,Restaurant,amr,食品经营许可,amr: always,false,S\n"
		report, err := importText(t, d, matterHeader+line, true)
		if err != nil || len(report.Published) != 1 {
			t.Errorf("%+v, %v", report, err)
		}
		if n := countMatters(t, d); n != 0 {
			t.Errorf("the check left %d matters", n)
		}
		leaves, err := read(t, d, func(ctx context.Context, q bun.IDB) ([]audit.Entry, error) { return audit.Stream(ctx, q, "system") })
		if err != nil || len(leaves) != 0 {
			t.Errorf("the check left %d leaves, %v", len(leaves), err)
		}
	})
}

func TestOneWrongLineRefusesTheWholeFile(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		text := matterHeader +
			"T01,饭店,Restaurant,amr,食品经营许可,amr: always,false,S\n" +
			"T02,\"两\n行\",Two lines,amr,,amr: always; fire: floor_area > 50,false,S\n" +
			"T03,无牵头,No lead,health,,amr: always,false,\n" +
			"T01,又来,Again,amr,,amr: always,maybe,S\n" +
			"T05,空,Empty,amr,,,false,\n" +
			"T06,冒号,Colon,amr,,amr always,false,\n" +
			"T07,军,Navy,amr,,amr: always; navy: always,false,\n"
		report, err := importText(t, d, text, false)
		type problem struct {
			Line int
			Code string
		}
		var got []problem
		for _, p := range report.Problems {
			got = append(got, problem{p.Line, p.Err.Code})
		}
		want := []problem{
			{3, "attribute_unknown"}, // line numbers of the file, not of records
			{5, "matter_lead"},
			{6, "yes_no_invalid"},
			{6, "matter_doubled"},
			{7, "matter_lead"},
			{8, "visits_invalid"},
			{9, "system_unknown"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		refusal, ok := fault.From(err)
		if !ok || refusal.Code != "matters_refused" || len(refusal.Fields) != 7 || refusal.Fields[0].Name != "line 3" {
			t.Fatalf("got %v", err)
		}
		if zh := refusal.In("zh"); !strings.Contains(zh, "7 处错误") || !strings.Contains(zh, "第 3 行（fire）：") {
			t.Errorf("it says %s", zh)
		}
		if n := countMatters(t, d); n != 0 {
			t.Errorf("%d matters were imported", n)
		}
	})
}

func TestImportRefusesAChangeDatedInThePastByLine(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		const header = "effective_from,id,name_zh,name_en,lead_department,permits,visits,never_deemed,certainty,commitment,basis\n"
		const first = "2025-01-01,T01,饭店,Restaurant,amr,食品经营许可,amr: always,false,S,是,办事指南\n"
		if report, err := importText(t, d, header+first, false); err != nil {
			t.Fatalf("%+v, %v", report, err)
		}
		m, err := matterAt(t, d, "T01", matterNow)
		if err != nil || !m.Commitment || m.Rules[0].Basis != "办事指南" || m.EffectiveFrom.String() != "2025-01-01" {
			t.Errorf("got %+v, %v", m, err)
		}
		report, err := importText(t, d, header+strings.Replace(first, "饭店", "饭馆", 1), false)
		if !fault.Is(err, "matters_refused") || len(report.Problems) != 1 || report.Problems[0].Err.Code != "matter_backdated" {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

func TestImportWarnsOfDangerousGoodsByLine(t *testing.T) { // FAC-07, DEC-19
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		report, err := importText(t, d, matterHeader+"T01,油站,Petrol,amr,成品油零售经营许可,amr: always,false,\n", false)
		if err != nil || len(report.Warnings) != 1 || report.Warnings[0].Line != 2 || len(report.Published) != 1 {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

func TestMattersAreReadInUTF8AndGB18030(t *testing.T) { // STK-81
	t.Parallel()
	plain, err := io.ReadAll(ShippedMatters())
	if err != nil {
		t.Fatal(err)
	}
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes(plain)
	if err != nil {
		t.Fatal(err)
	}
	from := workday.Date{Year: 2026, Month: 1, Day: 1}
	want, _, err := readMatters(plain, from)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"mark":    append([]byte("\xef\xbb\xbf"), plain...),
		"GB18030": gb,
		"CRLF":    bytes.ReplaceAll(plain, []byte("\n"), []byte("\r\n")),
	} {
		got, _, err := readMatters(file, from)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got, sameMatter, cmp.AllowUnexported(matterLine{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestUnreadableFileIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, code string }{
		"empty":          {"", "table_unreadable"},
		"no text":        {"\x89PNG\r\n\x1a\n\xff\xff\xff", "table_unreadable"},
		"open quote":     {matterHeader + "T01,\"饭店,Restaurant\n", "table_unreadable"},
		"missing column": {"id,name_zh\nT01,饭店\n", "table_columns"},
		"unknown column": {"colour," + matterHeader, "table_columns"},
		"doubled column": {"id," + matterHeader, "table_columns"},
		"short line":     {matterHeader + "T01,饭店,Restaurant\n", "table_columns"},
		"too large":      {matterHeader + strings.Repeat("\n", maxTable), "table_too_large"},
	} {
		_, _, err := readMatters([]byte(c.text), workday.Date{})
		if !fault.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func TestVisitClauseSaysWhoComesHow(t *testing.T) { // INS-302
	t.Parallel()
	for text, want := range map[string]Rule{
		"amr: always":                               {System: "amr", Level: office.County, Attendance: Required, CheckKind: CheckSite},
		"fire (city, never_deemed): beds > 0":       {System: "fire", Level: office.City, Attendance: Required, CheckKind: CheckSite, NeverDeemed: true, When: mustParse(t, "beds > 0")},
		"culture(invited,both):entertainment":       {System: "culture", Level: office.County, Attendance: Invited, CheckKind: CheckBoth, When: mustParse(t, "entertainment")},
		"health（province，review）：floor_area_m2＞300": {System: "health", Level: office.Province, Attendance: Required, CheckKind: CheckReview, When: mustParse(t, "floor_area_m2>300")},
	} {
		got, err := parseVisit(text)
		if diff := cmp.Diff(want, got, sameMatter); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	for _, bad := range []string{"amr", "amr:", "amr: ", "amr (city: always", "amr (town): always", "amr (): always"} {
		if _, err := parseVisit(bad); !fault.Is(err, "visits_invalid") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzReadMatters(f *testing.F) { // TST-2
	for _, name := range []string{"data/matters.csv", "testdata/id_vectors.csv"} {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(gb)
	}
	f.Add([]byte(matterHeader + "T01,\"两\n行\",x,amr,a；b,amr（city）：beds＞0,是,\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, report, err := readMatters(file, workday.Date{Year: 2026, Month: 1, Day: 1})
		if _, refused := fault.From(err); err != nil && !refused {
			t.Fatalf("an error that is no refusal: %v", err)
		}
		if err == nil && len(report.Problems) > 0 {
			t.Fatal("problems without a refusal")
		}
		for _, l := range lines {
			if err == nil && len(l.matter.Check()) > 0 {
				t.Fatalf("line %d passed unsound", l.line)
			}
		}
	})
}

// DEL-204: a table may say that results are collected at the window; one without
// the column says no, and means the same matter as before.
func TestWindowOnlyIsReadFromTheTableAndIsNoWhereTheColumnIsMissing(t *testing.T) {
	const header = "id,name_zh,name_en,lead_department,permits,visits,never_deemed,certainty"
	const row = "M38,我要开烟花爆竹店,Open a fireworks shop,emergency,烟花爆竹经营(零售)许可,emergency: always,true,P"
	read := func(file string) Matter {
		t.Helper()
		lines, _, err := readMatters([]byte(file), mustDate(t, "2026-01-01"))
		if err != nil {
			t.Fatal(err)
		}
		return lines[0].matter
	}
	hash := func(m Matter) string {
		t.Helper()
		out, err := m.contentHash()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	old, no, yes := read(header+"\n"+row), read(header+",window_only\n"+row+",false"), read(header+",window_only\n"+row+",true")
	if old.WindowOnly || no.WindowOnly || !yes.WindowOnly {
		t.Errorf("old %v, no %v, yes %v", old.WindowOnly, no.WindowOnly, yes.WindowOnly)
	}
	if hash(old) != hash(no) || hash(old) == hash(yes) {
		t.Error("the flag does not make a version of its own, or its absence does")
	}
	if _, _, err := readMatters([]byte(header+",window_only\n"+row+",maybe"), mustDate(t, "2026-01-01")); err == nil {
		t.Error("maybe was taken")
	}
}
