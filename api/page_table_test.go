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
