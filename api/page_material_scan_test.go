package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

// DEL-941: a scan is uploaded on the page of its paper, looked at only with a
// purpose, and the supervisor reads who looked.
func TestScanOfAMaterialIsSeenWithAPurpose(t *testing.T) {
	s := newStage(t)
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.booked.CaseID)
	s.must(err)
	original, copied := s.lease(c)
	at, image := "/items/"+original.ItemID, drawn(t)
	s.browse("clerk", at, nil).is(http.StatusOK).says("还没有扫描件", "上传扫描件")
	s.browse("clerk", at+"/scans", url.Values{}).is(http.StatusUnprocessableEntity).says("还没有上传")
	s.sendFile("clerk", at+"/scans", url.Values{}, "scan", []byte("%PDF")).is(http.StatusUnprocessableEntity).says("不是 JPEG、PNG 或 WebP")
	s.sendFile("clerk", at+"/scans", url.Values{}, "scan", image).is(http.StatusSeeOther)
	scan := at + "/scans/" + fmt.Sprintf("%x", sha256.Sum256(image))
	s.browse("clerk", scan, url.Values{"purpose": {""}, "do": {"view"}}).is(http.StatusUnprocessableEntity).says("请先写明查看或下载的用途")
	if got := s.browse("clerk", scan, url.Values{"purpose": {"核对租赁期限" + trouble}, "do": {"view"}}).is(http.StatusOK); got.body != string(image) {
		t.Error("the scan is not what was uploaded")
	}
	ofCopy := "/items/" + copied.ItemID + "/scans/" + fmt.Sprintf("%x", sha256.Sum256(image))
	got := s.browse("inspector", ofCopy, url.Values{"purpose": {"存档"}, "do": {"download"}}).is(http.StatusOK)
	if got.header.Get("Content-Disposition") == "" {
		t.Error("a download is shown in place")
	}
	s.browse("supervisor", at, nil).is(http.StatusOK).says("查看记录", "存档", "下载", "用件部门", "核对租赁期限")
	s.browseIn("en", "auditor", at, nil).is(http.StatusOK).says("Who looked", "department that uses it")
	page := s.browse("clerk", at, nil).is(http.StatusOK)
	checkPage(t, at, page.body)
	s.browse("clerk-elsewhere", scan, url.Values{"purpose": {"看看"}}).is(http.StatusNotFound)
	s.browse("courier", scan, url.Values{"purpose": {"看看"}}).is(http.StatusNotFound)
}
