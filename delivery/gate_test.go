package delivery

import (
	"strings"
	"testing"
	"time"

	"lianban/internal/fault"
)

func gate(t testing.TB) Gate {
	t.Helper()
	g, err := ShippedGate()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestShippedGateIsTheTableOfTheRules(t *testing.T) { // DEL §2.2; columns as in Ways
	table := map[Class][6]GateCell{
		ClassCertificate: {GateYes, GateYes, GateNo, GateNo, GateYes, GateYes},
		ClassApproval:    {GateYes, GateYes, GateNo, GateNo, GateYes, GateYes},
		ClassSeal:        {GateYes, GateYes, GateNo, GateNo, GateYes, GateNo},
		ClassInvoice:     {GateYes, GateYes, GateYes, GateYes, GateYes, GateYes},
		ClassOriginal:    {GateRun, GateElsewhere, GateNo, GateNo, GateYes, GateNo},
		ClassCopy:        {GateRun, GateYes, GateNo, GateNo, GateYes, GateScan},
		ClassVoucher:     {GateRun, GateYes, GateNo, GateNo, GateYes, GateYes},
	}
	g, at := gate(t), when(t, "2026-11-24 10:20")
	for _, class := range Classes {
		for i, way := range Ways {
			ground := g.Ground(class, way, at)
			want := table[class][i]
			if ground.Cell != want || ground.Allowed() != (want == GateYes) {
				t.Errorf("%s by %s is %s, want %s", class, way, ground.Cell, want)
			}
			if ground.Rule == "" || ground.Version != 1 || ground.In("zh") == "" || ground.In("en") == "" { // DEL-211
				t.Errorf("%s by %s has the ground %+v", class, way, ground)
			}
		}
	}
}

func TestPairOutsideTheTableIsDenied(t *testing.T) { // DEL-210
	g, at := gate(t), when(t, "2026-11-24 10:20")
	for _, ground := range []Ground{
		g.Ground(ClassInvoice, "pigeon", at), g.Ground("gold", WayWindow, at), g.Ground("", "", at),
		g.Ground(ClassInvoice, WayWindow, when(t, "2023-12-31 23:59")), // before the first version
		Gate{}.Ground(ClassInvoice, WayWindow, at),
	} {
		if ground.Allowed() || ground.Rule != "DEL-210" || ground.ZH == "" {
			t.Errorf("%s by %s: %+v, want denied", ground.Class, ground.Way, ground)
		}
	}
}

func TestCourierFirmsCarryNoOfficialDocuments(t *testing.T) { // DEL-212: 邮政法 art. 55
	_, err := gate(t).Permit([]Class{ClassInvoice, ClassCertificate}, WayFirm, time.Time{}, when(t, "2026-11-24 10:20"))
	refusal, ok := fault.From(err)
	if !ok || refusal.Code != "carrier_not_allowed" || !strings.Contains(refusal.In("zh"), "第五十五条") || !strings.Contains(refusal.In("en"), "art. 55") ||
		strings.Contains(refusal.In("zh"), "%!") {
		t.Fatalf("%v, want carrier_not_allowed with the law", err)
	}
	if ground := refusal.Details["ground"].(Ground); ground.Rule != "G03" || ground.Version != 1 {
		t.Errorf("refused on %+v, want rule G03 version 1", ground)
	}
}

func TestConditionalCellsDenyAParcelWithTheirOwnReason(t *testing.T) { // DEL §2.2
	for _, tt := range []struct {
		class Class
		way   Way
		says  string
	}{
		{ClassOriginal, WayOwnCourier, "流转班车"}, {ClassOriginal, WayEMS, "外地"}, {ClassCopy, WayElectronic, "扫描件"},
	} {
		_, err := gate(t).Permit([]Class{tt.class}, tt.way, time.Time{}, when(t, "2026-11-24 10:20"))
		if refusal, ok := fault.From(err); !ok || !strings.Contains(refusal.In("zh"), tt.says) {
			t.Errorf("%s by %s: %v, want %s", tt.class, tt.way, err, tt.says)
		}
	}
}

func TestParcelKeepsTheGroundOfEachClass(t *testing.T) { // DEL-211
	grounds, err := gate(t).Permit([]Class{ClassSeal, ClassCertificate, ClassSeal}, WayEMS, time.Time{}, when(t, "2026-11-24 10:20"))
	if err != nil || len(grounds) != 2 || grounds[0].Class != ClassSeal || grounds[1].Class != ClassCertificate {
		t.Errorf("%+v (%v), want one ground for each class", grounds, err)
	}
}

func TestLooserRuleDoesNotReachASealedParcelAndAStricterDoes(t *testing.T) { // DEL-213
	g, err := ReadGate(strings.NewReader(`version,effective_from,rule,class,way,cell,zh,en
1,2026-01-01,G1,seal,ems,no,不行,no
1,2026-01-01,G2,invoice,ems,yes,可以,yes
2,2026-06-01,G1,seal,ems,yes,可以,yes
2,2026-06-01,G2,invoice,ems,no,不行,no
`))
	if err != nil {
		t.Fatal(err)
	}
	before, after := when(t, "2026-05-30 10:00"), when(t, "2026-06-01 00:00")
	for _, tt := range []struct {
		class       Class
		sealed, now time.Time
		version     int // of the ground, 0 if refused
		refusedBy   int
	}{
		{ClassSeal, time.Time{}, after, 2, 0},
		{ClassSeal, after, after, 2, 0},
		{ClassSeal, before, after, 0, 1},    // looser: not for what was sealed before
		{ClassInvoice, before, after, 0, 2}, // stricter: at hand-over
		{ClassInvoice, before, before, 1, 0},
	} {
		grounds, err := g.Permit([]Class{tt.class}, WayEMS, tt.sealed, tt.now)
		if tt.refusedBy > 0 {
			refusal, ok := fault.From(err)
			if !ok || refusal.Details["ground"].(Ground).Version != tt.refusedBy {
				t.Errorf("%+v: %v, want refused by version %d", tt, err, tt.refusedBy)
			}
		} else if err != nil || grounds[0].Version != tt.version {
			t.Errorf("%+v: %+v (%v)", tt, grounds, err)
		}
	}
}

func TestGateWithABadRowIsRefusedByLine(t *testing.T) { // dated_table_rows
	const head = "version,effective_from,rule,class,way,cell,zh,en\n"
	_, err := ReadGate(strings.NewReader(head +
		"1,2026-01-01,G1,gold,ems,yes,可以,yes\n" +
		"1,2026-01-01,G2,seal,pigeon,yes,可以,yes\n" +
		"1,2026-01-01,G3,seal,ems,maybe,可以,yes\n" +
		"1,2026-01-01,,seal,ems,yes,可以,yes\n" +
		"1,2026-01-01,G5,seal,ems,yes,,yes\n" +
		"1,2026-01-01,G6,seal,ems,yes,可以,yes\n" +
		"1,2026-01-01,G6,copy,ems,yes,可以,yes\n" +
		"1,2026-01-01,G7,seal,ems,yes,可以,yes\n" +
		"\"1,2026\n"))
	refusal, ok := fault.From(err)
	if !ok || refusal.Code != "dated_table_rows" {
		t.Fatalf("%v, want dated_table_rows", err)
	}
	var lines []string
	for _, f := range refusal.Fields {
		lines = append(lines, f.Name)
	}
	if got, want := strings.Join(lines, ", "), "line 2, line 3, line 4, line 5, line 6, line 8, line 9, line 10"; got != want {
		t.Errorf("bad lines %s, want %s", got, want)
	}
}

func FuzzReadGate(f *testing.F) {
	f.Add(string(shippedGate))
	f.Fuzz(func(t *testing.T, file string) {
		g, err := ReadGate(strings.NewReader(file))
		if _, ok := fault.From(err); err != nil && !ok {
			t.Errorf("%q: %v is no refusal", file, err)
		}
		if ground := g.Ground(ClassSeal, "pigeon", time.Time{}); ground.Allowed() {
			t.Errorf("%q lets pigeons in: %+v", file, ground)
		}
	})
}
