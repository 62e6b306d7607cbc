package api

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lianban/delivery"
	"lianban/internal/audit"
)

// unpacked gives table and signature of a download.
func unpacked(t *testing.T, body string) (name string, table, signature []byte) {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.Name, ".sig") {
			signature = content
		} else {
			name, table = f.Name, content
		}
	}
	return name, table, signature
}

var keptTable = regexp.MustCompile(`name="table" value="([0-9a-f]{64})"`)

// DEL-951: the list of a bag goes out signed, comes back filled in, is looked at
// line by line, and taken when that is confirmed.
func TestFilledTableIsLookedAtAndThenTakenInTheBrowser(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	_, copied := s.lease(c)
	_, err = s.Delivery.Stamp(t.Context(), s.actor("clerk"), copied.ItemID, "蒋志远")
	s.must(err)
	bag := s.sendBagTo(copied.ForID, copied)
	at := "/bags/" + bag.ID
	name, table, signature := unpacked(t, s.browse("inspector", at+"/table", nil).is(http.StatusOK).body)
	if signed, err := audit.VerifyFile(table, signature, s.Audit.Key.Public); err != nil || signed != name {
		t.Errorf("%q is signed as %q: %v", name, signed, err)
	}
	s.browse("inspector", at+"/table", url.Values{}).is(http.StatusUnprocessableEntity).says("请选择文件")
	s.sendFile("inspector", at+"/table", url.Values{}, "file", []byte("PK\x03\x04")).is(http.StatusUnprocessableEntity).says("另存为“CSV UTF-8")
	wrong := s.sendFile("inspector", at+"/table", url.Values{}, "file", table).is(http.StatusOK).says("检查结果", "点收结果请填“收到”“缺件”或“破损”")
	if keptTable.MatchString(wrong.body) {
		t.Error("what cannot be taken is offered")
	}
	good := bytes.Replace(table, []byte(",,,,\r\n"), []byte(",收到,,张䶮,\r\n"), 1)
	checked := s.sendFile("inspector", at+"/table", url.Values{}, "file", good).is(http.StatusOK).says("可登记 1 行", "还没有登记")
	s.browse("inspector", at, nil).is(http.StatusOK).says("待签收")
	kept := keptTable.FindStringSubmatch(checked.body)[1]
	s.browse("inspector", at+"/table", url.Values{"table": {strings.Repeat("0", 64)}}).is(http.StatusUnprocessableEntity).says("请重新选择文件")
	s.browse("clerk", at+"/table", url.Values{"table": {kept}}).is(http.StatusOK).says("窗口不能代办") // DEL-910
	s.browse("inspector", at+"/table", url.Values{"table": {kept}}).is(http.StatusOK).says("登记 1 行")
	s.browse("inspector", at, nil).is(http.StatusOK).says("已签收")
	s.browseIn("en", "inspector", at+"/table", url.Values{"table": {kept}}).is(http.StatusOK).says("1 duplicate")
	s.browse("courier", at+"/table", nil).is(http.StatusNotFound)

	owed, _, _ := unpacked(t, s.browse("clerk", "/tables/owed?department=431103-amr", nil).is(http.StatusOK).body)
	if !strings.HasPrefix(owed, "送交结果表") {
		t.Error(owed)
	}
	s.browse("clerk", "/tables", nil).is(http.StatusOK).says("lianban verify")
	s.sendFile("clerk", "/tables/results", url.Values{}, "file", []byte{0xb0, 0xec, 0xbc, 0xfe}).is(http.StatusUnprocessableEntity).says("可能是 GBK")
}

// table sends a table as a program does.
func (s *stage) table(as, path string, body []byte) *reply {
	s.t.Helper()
	return s.do(request{as: as, method: http.MethodPost, path: prefix + path, body: body, header: map[string]string{"Content-Type": "text/csv; charset=utf-8"}})
}

// DEL-951: a department's program fetches the table of what it owes, sends it back
// filled in, reads an answer for each line, and sends it twice without harm; what is
// no table of UTF-8 is told as on the page.
func TestAProgramExchangesTheTableOfResults(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	s.owe(c)
	page := s.browse("clerk", "/tables", nil).is(http.StatusOK).says("没有账号、还有结果未送交的部门", "市场监管局 1 件办件")
	if !strings.Contains(page.body, "/tables/owed?department=431103-amr") || strings.Contains(page.body, "/tables/owed?department=431103-fire") {
		t.Error("a table for a department with accounts, or none for the other")
	}
	got := s.get("inspector", "/tables/owed").is(http.StatusOK)
	if media := got.header.Get("Content-Type"); media != "text/csv; charset=utf-8" || !bytes.HasPrefix(got.body, []byte("\ufeff办件编号,")) {
		t.Fatalf("%s: %s", media, got.body)
	}
	line := regexp.MustCompile(c.Number + `,([^,]+),[^,]*,,`)
	if !line.Match(got.body) {
		t.Fatalf("%s is not owed: %s", c.Number, got.body)
	}
	filled := line.ReplaceAll(got.body, []byte(c.Number+",$1,许可证,许可证正本,证照,"))
	dated := bytes.Replace(filled, []byte("证照,,"), []byte("证照,2026-11-17,"), 1)
	if bytes.Equal(dated, got.body) || bytes.Equal(dated, filled) {
		t.Fatalf("not filled in: %s", dated)
	}
	wrong := s.table("inspector", "/tables/results", bytes.Replace(dated, []byte(",证照,"), []byte(",证件,"), 1)).is(http.StatusOK)
	wrong.tells(map[string]string{"accepted": "0", "rejected": "1", "lines.0.status": "rejected", "lines.0.code": "item_incomplete"})
	if wrong.at("lines.0.detail") == "" {
		t.Errorf("nobody is told what to do: %s", wrong.body)
	}
	s.table("inspector", "/tables/results?check=true", dated).is(http.StatusOK).tells(map[string]string{"accepted": "1", "checked": "true"})
	s.table("inspector", "/tables/results", dated).is(http.StatusOK).tells(map[string]string{"accepted": "1", "checked": "false", "lines.0.what": "许可证正本"})
	s.table("inspector", "/tables/results", dated).is(http.StatusOK).tells(map[string]string{"accepted": "0", "duplicate": "1"})

	for code, body := range map[string][]byte{
		"table_encoding": {0xb0, 0xec, 0xbc, 0xfe}, // 办件 in GB 18030
		"table_zip":      []byte("PK\x03\x04"), "table_size": make([]byte, delivery.MaxTable+1), "table_header": []byte("\ufeff办件,部门\r\n"),
	} {
		s.table("inspector", "/tables/results", body).refused(http.StatusUnprocessableEntity, code)
	}
	s.table("inspector", "/tables/results", make([]byte, 2*delivery.MaxTable+1)).refused(http.StatusRequestEntityTooLarge, "body_too_large")
	s.post("inspector", "/tables/results", map[string]any{}).refused(http.StatusUnsupportedMediaType, "media_type")
	s.get("courier", "/tables/owed").is(http.StatusForbidden)
}

// DEL-951, DEL-910: the receiver's program signs for a bag by its table, once.
func TestAProgramSignsForABagByItsTable(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	_, copied := s.lease(c)
	_, err = s.Delivery.Stamp(t.Context(), s.actor("clerk"), copied.ItemID, "蒋志远")
	s.must(err)
	at := "/bags/" + s.sendBagTo(copied.ForID, copied).ID + "/table"
	list := s.get("inspector", at).is(http.StatusOK).body
	s.get("courier", at).is(http.StatusNotFound)
	s.table("inspector", at, list).is(http.StatusOK).tells(map[string]string{"rejected": "1", "lines.0.code": "table_finding"})
	good := bytes.Replace(list, []byte(",,,,\r\n"), []byte(",收到,,张䶮,\r\n"), 1)
	s.table("inspector", at+"?check=true", good).is(http.StatusOK).tells(map[string]string{"accepted": "1", "checked": "true"})
	s.table("clerk", at, good).is(http.StatusOK).tells(map[string]string{"rejected": "1"})
	s.table("inspector", at, good).is(http.StatusOK).tells(map[string]string{"accepted": "1"})
	s.table("inspector", at, good).is(http.StatusOK).tells(map[string]string{"duplicate": "1"})
}
