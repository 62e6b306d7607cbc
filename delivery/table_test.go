package delivery

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// answersOf writes answers as status or code, by line.
func answersOf(all []TableAnswer) string {
	var out []string
	for _, a := range all {
		word := string(a.Status)
		if a.Code != "" {
			word = a.Code
		}
		out = append(out, fmt.Sprintf("%d %s", a.Line, word))
	}
	return strings.Join(out, ", ")
}

// filled writes into a table the cells of a column, line by line.
func filled(t *testing.T, body []byte, column string, cells ...string) []byte {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte(byteOrderMark)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for n, name := range rows[0] {
		if name != column {
			continue
		}
		for i, cell := range cells {
			rows[i+1][n] = cell
		}
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// DEL-951: the cells that a spreadsheet would run or round come back as they were.
func TestTableCellsAreSafeAndComeBackUnchanged(t *testing.T) {
	cells := []string{"=1+1", "+86", "-5", "@SUM(A1)", "431103199003071234", "'quoted", "a,b", `he said "x"`, "两行\n文字", "普通", "12345", ""}
	body, err := writeTable(make([]string, len(cells)), [][]string{cells})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(body, []byte(byteOrderMark)) || !bytes.Contains(body, []byte("\r\n")) {
		t.Errorf("no byte order mark or line ends of RFC 4180: %q", body)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte(byteOrderMark)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for n, cell := range rows[1] {
		if risky(cell) {
			t.Errorf("%q would be run or rounded", cell)
		}
		if got := plainCell(cell); got != cells[n] {
			t.Errorf("%q comes back as %q", cells[n], got)
		}
	}
	if got := safeCell("\t=1") + safeCell("\r=1"); got != "'\t=1'\r=1" {
		t.Errorf("%q", got)
	}
}

// DEL-951: a file that is no table is refused with what it is and what to do.
func TestBadTablesAreRefusedWithWhatToDo(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	header := strings.Join(resultColumns, ",")
	for code, body := range map[string][]byte{
		"table_size":     bytes.Repeat([]byte("1,2,3\n"), 1_000_000),
		"table_zip":      []byte("PK\x03\x04rest"),
		"table_encoding": {0xb0, 0xec, 0xbc, 0xfe, '\n'}, // 办件 in GBK
		"table_header":   []byte("办件编号,部门\n1,2\n"),
		"table_line":     []byte(header + "\n\"open,1\n"),
		"table_rows":     []byte(header + "\n" + strings.Repeat("a,b,c\n", maxTableRows+1)),
		"table_empty":    []byte(header + "\n,,,\n"),
	} {
		_, err := w.ImportResults(t.Context(), w.clerk, body, true)
		w.refused(err, code)
	}
	_, err := w.ImportResults(t.Context(), w.clerk, nil, true)
	w.refused(err, "table_size")
	_, err = w.ImportResults(t.Context(), w.auditor, []byte(header), true)
	w.refused(err, "not_a_keeper")
}

// DEL-951: what a department hands over comes in by its table; each line has its
// answer, looking first changes nothing, and twice is once.
func TestResultsComeInByTheTableOfADepartment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		first, second := w.newSet("amr", "fire"), w.newSet("amr")
		file, err := w.OwedTable(ctx, w.clerk, "amr")
		w.must(err)
		if file.Name != "送交结果表-冷水滩区amr.csv" || strings.Count(string(file.Body), "\r\n") != 3 {
			t.Fatalf("%s: %s", file.Name, file.Body)
		}
		body := filled(t, file.Body, "结果名称", "营业执照正本", "公章")
		body = filled(t, body, "类别", "证照", "印章")
		body = filled(t, body, "决定日期", "2026/11/23", "2026-11-23")
		body = filled(t, body, "交出人", "欧阳慧", "欧阳慧")
		imports := func(body []byte, check bool, want string) {
			t.Helper()
			got, err := w.ImportResults(ctx, w.clerk, body, check)
			w.must(err)
			if answersOf(got) != want {
				t.Fatalf("answers %s, want %s", answersOf(got), want)
			}
		}
		imports(body, false, "2 accepted, 3 seal_facts") // one case's error keeps no other back
		if l := w.line(first.CaseID, "amr"); l.State != LineExpected {
			t.Fatal("the window has not signed yet")
		}
		imports(body, false, "2 duplicate, 3 seal_facts")
		body = filled(t, body, "印章种类", "", "公章")
		body = filled(t, body, "印章编码", "", "'4311030012345")
		body = filled(t, body, "备案号", "", "备2026-88")
		body = filled(t, body, "密封袋号", "", "M-1")
		imports(body, true, "2 duplicate, 3 accepted")
		if owed, err := w.OwedTable(ctx, w.inspector("amr"), ""); err != nil || !strings.Contains(string(owed.Body), second.CaseNumber) {
			t.Fatalf("looking handed it over: %v", err)
		}
		imports(body, false, "2 duplicate, 3 accepted")
		imports(body, false, "2 duplicate, 3 duplicate")
		if held := w.sound(); held[AtDepartment] != 2 {
			t.Errorf("%v", held)
		}
		transfers, err := w.ListTransfers(ctx, w.clerk, TransferQuery{})
		w.must(err)
		for _, x := range transfers {
			if !x.Paper || x.Giver != "欧阳慧" || x.DecidedOn != "2026-11-23" || x.Slip != "" || !x.SignedAt.IsZero() { // the table is its proof
				t.Errorf("%+v", x.Transfer)
			}
		}
		got, err := w.ImportResults(ctx, w.elsewhere(), body, true)
		w.must(err)
		if answersOf(got) != "2 table_case, 3 table_case" {
			t.Errorf("another window: %s", answersOf(got))
		}
	})
}

// DEL-951, DEL-950: a bag is signed for by its filled table, all of it or nothing;
// what the table says of each thing is in the register, and twice is once.
func TestBagIsSignedForByItsFilledTable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		original, copied, _ := w.lease() // amr has no accounts
		bag := w.send(w.clerk, "amr", original, copied)
		file, err := w.BagTable(ctx, w.clerk, bag.ID)
		w.must(err)
		w.clockTo("2026-11-24 16:00")
		imports := func(body []byte, slip string, check bool, want string) {
			t.Helper()
			got, err := w.ImportBagTable(ctx, w.clerk, BagAnswers{BagID: bag.ID, Body: body, Slip: slip, Check: check})
			w.must(err)
			if answersOf(got) != want {
				t.Fatalf("answers %s, want %s", answersOf(got), want)
			}
		}
		body := filled(t, file.Body, "点收结果", "收到", "丢了")
		body = filled(t, body, "签收人", "蒋志远")
		body = filled(t, body, "签收时间", "2026/11/24 15:30")
		imports(body, "", false, "2 table_waits, 3 table_finding")
		imports(filled(t, body, "点收结果", "收到", "缺件"), "", false, "2 table_waits, 3 reason_missing")
		short := bytes.Join(bytes.SplitN(body, []byte("\n"), 3)[:2], []byte("\n"))
		imports(short, "", false, "2 table_waits, 0 table_missing")
		imports(append(bytes.Clone(short), []byte("\n"+strings.Split(string(body), "\n")[1]+"\n")...), "", false, "2 table_waits, 3 table_twice, 0 table_missing")
		imports(filled(t, filled(t, body, "点收结果", "收到", "收到"), "集装袋编号", "LB0000000000X"), "", false, "2 table_other_bag, 3 table_waits")
		body = filled(t, filled(t, body, "点收结果", "收到", "缺件"), "说明", "", "袋内没有")
		imports(filled(t, body, "签收时间", "昨天下午"), "", false, "2 table_time, 3 table_waits")
		imports(body, "", false, "2 slip_incomplete, 3 slip_incomplete")
		slip := w.photo()
		imports(body, slip, true, "2 receiver_unregistered, 3 receiver_unregistered")
		w.onList("amr", "蒋志远") // DEL-913
		imports(body, slip, true, "2 accepted, 3 accepted")
		if v, err := w.FindBag(ctx, w.clerk, bag.ID); err != nil || v.State != BagReleased {
			t.Fatalf("looking signed for it: %s, %v", v.State, err)
		}
		imports(body, slip, false, "2 accepted, 3 accepted")
		v, err := w.FindBag(ctx, w.clerk, bag.ID)
		w.must(err)
		if v.State != BagAcceptedPartial || v.EndedName != "蒋志远" || momentText(v.SignedAt) != "2026-11-24 15:30" || v.Slip != slip {
			t.Errorf("%+v", v.Bag)
		}
		imports(body, "", false, "2 duplicate, 3 duplicate")
		imports(filled(t, body, "点收结果", "收到", "收到"), "", false, "2 duplicate, 3 table_answered")
		w.sound()
		_, err = w.ImportBagTable(ctx, w.elsewhere(), BagAnswers{BagID: bag.ID, Body: body})
		w.refused(err, "not_found")
		packing := w.bag(w.clerk, "amr")
		_, err = w.BagTable(ctx, w.clerk, packing.ID)
		w.refused(err, "bag_over")
	})
}
