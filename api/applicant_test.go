package api

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"lianban/inspection"
	"lianban/scheduler/workday"
)

// tokenOf is the end of a link's path.
func tokenOf(link string) string { return strings.TrimPrefix(link, "/a/") }

// linked is the link of a case as a program uses it: slowly enough for its limits,
// and without a session.
type linked struct {
	*stage
	at string
}

func (l linked) act(method, path string, body any) *reply {
	l.t.Helper()
	l.clock.forward(linkUploadRate.every)
	return l.do(request{method: method, path: prefix + "/applicant/" + l.at + path, body: body, header: map[string]string{"Idempotency-Key": freshKey()}})
}

func (l linked) send(path string, body map[string]any) *reply {
	l.t.Helper()
	return l.act(http.MethodPost, path, body)
}

// shown is what the link shows, which tells nobody who the applicant is or where
// they live (DEL-1201).
func (l linked) shown() *reply {
	l.t.Helper()
	got := l.act(http.MethodGet, "", nil).is(http.StatusOK)
	for _, secret := range []string{"欧阳修", "13800001234", "3栋501", "2栋1202", "苏小妹", "13900001111", "evidence", "recorded_by"} {
		if strings.Contains(string(got.body), secret) {
			l.t.Errorf("%q gets out: %s", secret, got.body)
		}
	}
	return got
}

func (r *reply) tells(want map[string]string) {
	r.t.Helper()
	for path, text := range want {
		if got := r.at(path); got != text {
			r.t.Errorf("%s is %q, want %q: %s", path, got, text, r.body)
		}
	}
}

// DEL-1201, DEL-1205: what the page of a link does, a program does as well.
func TestAProgramSettlesTheCaseByTheLink(t *testing.T) {
	s := newCounter(t)
	s.owe(s.open)
	l := linked{s, tokenOf(s.linkOf(s.open))}
	l.shown().tells(map[string]string{"number": s.open.Number, "receiver.name": "欧**", "lines.0.state": "expected"})

	l.send("/address", map[string]any{"phone": "12"}).refused(http.StatusUnprocessableEntity, "addressee_incomplete")
	l.send("/address", map[string]any{"address": "零陵区南津渡路9号2栋1202"}).is(http.StatusNoContent)
	l.send("/way", map[string]any{"way": "drone"}).refused(http.StatusUnprocessableEntity, "wish_way")
	l.send("/way", map[string]any{"way": "collect"}).is(http.StatusNoContent)
	l.send("/choice", map[string]any{"choice": "no_answer"}).refused(http.StatusUnprocessableEntity, "choice_by_link")
	l.send("/choice", map[string]any{"choice": "split"}).is(http.StatusNoContent)
	agent := map[string]any{"name": "苏小妹", "phone": "139 0000 1111"}
	l.send("/agent", agent).refused(http.StatusUnprocessableEntity, "agent_incomplete")
	agent["tie"] = "店员"
	l.send("/agent", agent).is(http.StatusNoContent)
	l.shown().tells(map[string]string{"way": "collect", "choice.choice": "split", "choice.channel": "link", "receiver.agent": "苏**", "receiver.agent_tie": "店员"})
	l.act(http.MethodDelete, "/agent", nil).is(http.StatusNoContent)
	l.shown().tells(map[string]string{"receiver.agent": ""})

	consent := map[string]any{"person": "欧阳修", "phone": "13800001234", "method": "system", "address": "网上平台"}
	l.send("/electronic", consent).refused(http.StatusConflict, "consent_system")
	consent["method"], consent["address"] = "slip", ""
	l.send("/electronic", consent).is(http.StatusNoContent)
	if got := string(l.shown().body); !strings.Contains(got, `"consented":true`) {
		t.Errorf("no consent: %s", got)
	}
	l.send("/electronic/revoke", nil).is(http.StatusNoContent)
	l.send("/rate", map[string]any{"level": 5}).refused(http.StatusConflict, "rating_early")

	report := map[string]any{"class": "K06", "department_id": "window", "on": workday.DateOf(s.now()).String(), "detail": "进店检查灭火器"}
	l.send("/report", report).refused(http.StatusUnprocessableEntity, "breach_party")
	report["department_id"] = "431103-fire"
	l.send("/report", report).is(http.StatusCreated)
	seen := l.shown()
	seen.tells(map[string]string{"reports.0.department_id": "431103-fire", "reports.0.state": "suspected"})
	if strings.Contains(string(seen.body), "灭火器") {
		t.Errorf("what was said gets out: %s", seen.body)
	}
	if strings.Contains(s.log.String(), l.at) {
		t.Error("the token stands in the log")
	}
}

// DEL-612, DEL-1205: of a parcel a program asks for another time and a code, says
// that it did not come, and rates.
func TestAProgramFollowsAParcelByTheLink(t *testing.T) {
	s := newCounter(t)
	p := s.pack(s.open)
	l := linked{s, tokenOf(s.linkOf(s.open))}
	one := map[string]any{"number": p.Number}
	l.send("/code", map[string]any{"number": "LB0000000000"}).refused(http.StatusNotFound, "not_found")
	l.send("/code", one).is(http.StatusOK)
	code := l.send("/code", one).is(http.StatusOK).at("code")
	if len(code) != 6 || strings.Contains(string(l.shown().body), code) || strings.Contains(s.log.String(), code) {
		t.Errorf("code %q is no code, or shown again", code)
	}
	s.carry(p)
	l.send("/missing", one).refused(http.StatusConflict, "missing_early")
	l.act(http.MethodDelete, "/agent", nil).refused(http.StatusConflict, "wish_dispatched")
	slot := map[string]any{"number": p.Number, "day": "2026-11-21", "band": "am"}
	l.send("/slot", slot).refused(http.StatusUnprocessableEntity, "slot_closed")
	slot["day"] = "2026-11-18"
	l.send("/slot", slot).is(http.StatusNoContent)
	l.shown().tells(map[string]string{"parcels.0.number": p.Number, "parcels.0.pause": "applicant_asked", "parcels.0.to.name": "欧**"})

	s.report(p, s.door(p, "started")).is(http.StatusSeeOther)
	form := s.door(p, "delivered")
	for name, value := range map[string]string{"outcome": "recipient", "receiver": "欧阳修", "code": code} {
		form.Set(name, value)
	}
	s.report(p, form).is(http.StatusSeeOther)
	l.send("/rate", map[string]any{"level": 5}).is(http.StatusNoContent)
	l.send("/missing", one).is(http.StatusNoContent)
	if got := string(l.shown().body); !strings.Contains(got, `"rated":true`) || !strings.Contains(got, `"missing":{"open":true`) {
		t.Errorf("not rated, or not missing: %s", got)
	}
}

// INS-1108: a program sends the photo of how an item was put right by the link, and
// sees what the department said of it; what is no photo, or too large, it is told.
func TestAProgramSendsThePhotoOfAnItemByTheLink(t *testing.T) {
	s := newStage(t)
	s.listByPhoto()
	c, err := s.Inspection.FindCase(t.Context(), s.actor("clerk"), s.closed.CaseID)
	s.must(err)
	l := linked{s, tokenOf(s.linkOf(c))}
	const item = "visits.0.items.0."
	seen := l.shown()
	seen.tells(map[string]string{item + "verify": "photo", item + "may_photo": "true"})
	path := "/items/" + seen.at(item+"id") + "/photos"
	of := func(content []byte) map[string]any {
		return map[string]any{"note": "已补一块", "photo": map[string]any{"name": "整改.png", "content": content}}
	}
	for _, c := range []struct {
		content []byte
		status  int
		code    string
	}{
		{nil, http.StatusUnprocessableEntity, "scan_missing"},
		{[]byte("GIF89a"), http.StatusUnprocessableEntity, "scan_type"},
		{append(picture(t), make([]byte, inspection.MaxScan)...), http.StatusUnprocessableEntity, "scan_size"},
		{make([]byte, scanBodyMax), http.StatusRequestEntityTooLarge, "body_too_large"},
	} {
		l.send(path, of(c.content)).refused(c.status, c.code)
	}
	photo := of(picture(t))
	l.send("/items/another/photos", photo).refused(http.StatusConflict, "item_unknown")
	again := request{method: http.MethodPost, path: prefix + "/applicant/" + l.at + path, body: photo, header: map[string]string{"Idempotency-Key": freshKey()}}
	first := l.do(again).is(http.StatusCreated)
	if second := l.do(again).is(http.StatusCreated); !bytes.Equal(first.body, second.body) {
		t.Errorf("sent twice: %s, %s", first.body, second.body)
	}
	l.send(path, photo).refused(http.StatusConflict, "photo_waits")
	l.shown().tells(map[string]string{item + "may_photo": "false", item + "photos.0.answer": "", item + "photos.0.due_at": first.at("due_at")})
	found, err := s.Inspection.FindVisit(t.Context(), s.actor("inspector"), s.closed.ID)
	s.must(err)
	s.must(s.Inspection.AnswerPhoto(t.Context(), s.actor("inspector"), inspection.PhotoReply{
		VisitID: s.closed.ID, Photo: found.Rectification.Photos[0].ID, Answer: inspection.PhotoAgain, Reason: "看不清标签",
	}))
	l.shown().tells(map[string]string{item + "may_photo": "true", item + "photos.0.answer": "again", item + "photos.0.reason": "看不清标签"})
	l.send(path, photo).is(http.StatusCreated)
}

// DEL-1201, SEC-26: unknown, wrong and replaced links open nothing, for any act, and
// who tries many is stopped.
func TestAWrongLinkOpensNothingToAProgram(t *testing.T) {
	s := newScene(t)
	tried := 0
	for _, line := range s.Routes() {
		rest, ok := strings.CutPrefix(line.Path, prefix+"/applicant/{token}")
		if !ok {
			continue
		}
		tried++
		sample := apiSamples(s)[line.Act]
		for _, token := range []string{"NOSUCHLINK", strings.Repeat("A", 26)} {
			sample.path = "/applicant/" + token + strings.ReplaceAll(rest, "{item}", s.visit)
			s.try(line, sample, "").refused(http.StatusNotFound, "applicant_link")
		}
	}
	if tried != 14 {
		t.Errorf("%d routes tried", tried)
	}
	for range trackRate.burst {
		s.post("", "/applicant/NOSUCHLINK/way", map[string]any{"way": "collect"})
	}
	s.post("", "/applicant/NOSUCHLINK/way", map[string]any{"way": "collect"}).refused(http.StatusTooManyRequests, "too_many_requests")
}
