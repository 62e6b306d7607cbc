package api

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

// INS-501…512, INS-601…612
func TestVisitsArePlannedHeldBookedAndCancelled(t *testing.T) {
	w := newWorld(t)
	id := w.newCase()
	plan := map[string]any{"case_id": id, "kind": "site"}
	w.run(t, []scenario{
		{name: "of nothing", as: "clerk", path: "/visits", body: with(plan, "case_id", "zz"), status: 404, code: "not_found"},
		{name: "by a department", as: "inspector", path: "/visits", body: plan, status: 403, code: "not_a_window", leaves: 1},
		{name: "by a window that has nothing to do with it", as: "clerk-elsewhere", path: "/visits", body: plan, status: 404, code: "not_found"},
		{name: "by a key", as: "key", path: "/visits", body: plan, status: 403, code: "scope_missing"},
		{name: "for seven minutes", as: "clerk", path: "/visits", body: with(plan, "minutes", 7), status: 422, code: "visit_minutes"},
		{name: "nobody has to come to a review", as: "clerk", path: "/visits", body: with(plan, "kind", "review"), status: 409, code: "no_visit_needed"},
	})
	visit := w.post("clerk", "/visits", plan).is(http.StatusCreated).at("id")
	best := w.bestSlot(visit)
	hold := map[string]any{"start": best.Start, "resources": best.Resources}
	search := map[string]any{"visit_id": visit}
	path := "/visits/" + visit
	friday := "2026-11-20T10:00:00+08:00"
	w.run(t, []scenario{
		{name: "a second of its kind", as: "clerk", path: "/visits", body: plan, status: 409, code: "visit_exists"},
		{name: "search too far", as: "clerk", path: "/slots", body: with(with(search, "from", "2026-11-20"), "to", "2027-11-20"), status: 422, code: "range_too_long"},
		{name: "search in the past", as: "clerk", path: "/slots", body: with(with(search, "from", "2026-01-05"), "to", "2026-01-06"), status: 200, shows: []string{`"offers":[]`, `"explanation"`}},
		{name: "search with reasons", as: "clerk", path: "/slots", body: with(with(search, "band", "am"), "explain", true), status: 200, shows: []string{`"explanation"`, `"counts"`}},
		{name: "by a department", as: "inspector", path: "/slots", body: search, status: 403, code: "not_a_window"},
		{name: "nothing is held yet", as: "clerk", path: path + "/book", body: map[string]any{}, status: 409, code: "hold_expired"},
		{name: "people for no time", as: "clerk", path: path + "/book", body: with(hold, "start", nil), status: 422, code: "fields_invalid", shows: []string{`"field":"start"`}},
		{name: "on a Sunday", as: "clerk", path: path + "/hold", body: with(hold, "start", "2026-11-22T10:00:00+08:00"), status: 422, code: "slot_refused", shows: []string{`"reason":"not_workday"`}},
		{name: "tomorrow is too soon", as: "clerk", path: path + "/hold", body: with(hold, "start", "2026-11-18T10:00:00+08:00"), status: 422, code: "slot_refused", shows: []string{`"reason":"lead_time"`}},
		{name: "with somebody unknown", as: "clerk", path: path + "/hold", body: with(hold, "resources", []string{"zz"}), status: 404, code: "not_found"},
		{name: "held", as: "clerk", path: path + "/hold", body: with(hold, "start", friday), status: 200, shows: []string{`"expires_at":"2026-11-17T01:5`}},
		{name: "given back", as: "clerk", method: http.MethodDelete, path: path + "/hold", status: 204},
		{name: "held again", as: "clerk", path: path + "/hold", body: hold, status: 200},
		{name: "the held slot is booked", as: "clerk", path: path + "/book", body: map[string]any{}, status: 200, leaves: 4, messages: 7, shows: []string{`"state":"offered"`, `"round":1`}},
		{name: "once only", as: "clerk", path: path + "/book", body: hold, status: 409, code: "bad_move"},
		{name: "no slot of it is free to give back", as: "clerk", method: http.MethodDelete, path: path + "/hold", status: 409, code: "bad_move"},
		{name: "moved for no reason", as: "clerk", path: path + "/retime", body: with(hold, "start", friday), status: 422, code: "fields_invalid", shows: []string{`"field":"reason_code"`, `"field":"reason"`}},
		{name: "moved nowhere", as: "clerk", path: path + "/retime", body: map[string]any{"reason_code": "weather", "reason": "大雨"}, status: 422, code: "nothing_moves"},
		{name: "moved", as: "clerk", path: path + "/retime", body: with(with(with(hold, "start", friday), "reason_code", "weather"), "reason", "大雨"), status: 200, leaves: 7, messages: 7, shows: []string{`"round":2`, `"sequence":1`, `"state":"offered"`}},
		{name: "moved by a department", as: "inspector", path: path + "/retime", body: with(with(with(hold, "start", friday), "reason_code", "weather"), "reason", "大雨"), status: 403, leaves: 1, code: "not_a_window"},
		{name: "cancelled for no listed reason", as: "clerk", path: path + "/cancel", body: map[string]any{"reason_code": "mood", "reason": "x"}, status: 422, code: "reason_code", shows: []string{`"weather"`}},
		{name: "cancelled", as: "clerk", path: path + "/cancel", body: map[string]any{"reason_code": "weather", "reason": "大雨"}, status: 200, leaves: 1, messages: 7, shows: []string{`"state":"cancelled"`}},
		{name: "twice", as: "clerk", path: path + "/cancel", body: map[string]any{"reason_code": "weather", "reason": "大雨"}, status: 409, code: "bad_move"},
	})
}

// INS-612: beyond the limit date a supervisor books, with a reason.
func TestOnlyASupervisorBooksPastTheLimit(t *testing.T) {
	w := newWorld(t)
	visit := w.newDraft()
	best := w.bestSlot(visit)
	late := map[string]any{"start": "2026-12-01T10:00:00+08:00", "resources": best.Resources}
	why := with(late, "past_limit_reason", "申请人外出")
	path := "/visits/" + visit + "/book"
	w.run(t, []scenario{
		{name: "a clerk", as: "clerk", path: path, body: why, status: 403, code: "past_limit"},
		{name: "without a reason", as: "supervisor", path: path, body: late, status: 403, code: "past_limit"},
		{name: "a supervisor with one", as: "supervisor", path: path, body: why, status: 200, leaves: 4, messages: 7},
	})
}

// The day of the visit, act by act (INS-1001…1101).
func TestVisitRunsFromStartToJointOpinion(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	path := "/visits/" + visit
	end := map[string]any{"reason_code": "weather", "reason": "大雨"}
	w.run(t, []scenario{
		{name: "days too early", as: "clerk", path: path + "/start", status: 422, code: "too_early"},
		{name: "nothing to end", as: "clerk", path: path + "/end-site", status: 409, code: "bad_move"},
		{name: "nothing to close", as: "clerk", path: path + "/close", status: 409, code: "bad_move"},
		{name: "nothing under way", as: "clerk", path: path + "/not-held", body: end, status: 409, code: "bad_move"},
		{name: "no opinion yet", as: "inspector", path: partPath(visit, "fire", "opinion"), body: map[string]any{"kind": "agree"}, status: 409, code: "visit_not_running", leaves: 1},
	})
	start, err := time.Parse(time.RFC3339, w.get("clerk", path).at("start_at"))
	w.must(err)
	w.until(start)
	opinion := partPath(visit, "fire", "opinion")
	w.run(t, []scenario{
		{name: "another centre", as: "clerk-elsewhere", path: path + "/start", status: 404, code: "not_found"},
		{name: "started", as: "clerk", path: path + "/start", status: 200, leaves: 1, shows: []string{`"in_progress"`}},
		{name: "twice", as: "clerk", path: path + "/start", status: 409, code: "bad_move"},
		{name: "too late to answer", as: "inspector", path: partPath(visit, "fire", "reply"), body: map[string]any{"round": 1, "kind": "accept"}, status: 409, code: "visit_over"},
		{name: "rectify without an item", as: "inspector", path: opinion, body: map[string]any{"kind": "rectify"}, status: 422, code: "opinion_items"},
		{name: "disagree without a ground", as: "inspector", path: opinion, body: map[string]any{"kind": "disagree", "text": " "}, status: 422, code: "ground_missing"},
		{name: "another department's", as: "head-elsewhere", path: opinion, body: map[string]any{"kind": "agree"}, status: 404, code: "not_found"},
		{name: "a window's", as: "clerk", path: opinion, body: map[string]any{"kind": "agree"}, status: 403, code: "not_your_department"},
		{name: "rectify", as: "inspector", path: opinion, body: map[string]any{"kind": "rectify", "items": []any{map[string]any{"finding": "灭火器过期", "clause": "GB 50140", "verify": "photo", "days": 5}}}, status: 200, leaves: 3},
		{name: "site part over", as: "clerk", path: path + "/end-site", status: 200, leaves: 1, shows: []string{`"collecting"`}},
		{name: "opinions are missing", as: "clerk", path: path + "/close", status: 409, code: "opinions_open", shows: []string{`"departments":[`}},
	})
}

// INS-801…809, INS-707, INS-914…917
func TestDepartmentsPartsAreActedOnByTheirOwnPeople(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	reply := partPath(visit, "fire", "reply")
	service := partPath(visit, "fire", "service")
	accept := map[string]any{"round": 1, "kind": "accept"}
	phone := with(with(accept, "channel", "phone"), "given_by", "周队长")
	paper := map[string]any{"channel": "paper", "receiver": "周队长", "at": w.trust.Now(), "scan": map[string]any{"name": "slip.png", "content": slip}}
	letter := map[string]any{
		"round": 1, "kind": "decline", "reason": "当日有会", "channel": "paper", "given_by": "唐主任",
		"received_at": w.trust.Now(), "scan": map[string]any{"name": "reply.png", "content": slip},
	}
	onPaper := partPath(visit, "urban", "reply")
	w.run(t, []scenario{
		{name: "opened", as: "inspector", path: partPath(visit, "fire", "opened"), status: 204, leaves: 1},
		{name: "opened by others", as: "inspector", path: partPath(visit, "urban", "opened"), status: 403, code: "not_your_department"},
		{name: "of no participant", as: "inspector", path: partPath(visit, "ecology", "opened"), status: 404, code: "not_found"},
		{name: "decline without a reason", as: "inspector", path: reply, body: with(accept, "kind", "decline"), status: 422, code: "reason_missing"},
		{name: "counter without a time", as: "inspector", path: reply, body: with(accept, "kind", "counter"), status: 422, code: "proposals"},
		{name: "counter in the past", as: "inspector", path: reply, body: with(with(accept, "kind", "counter"), "proposals", []string{"2026-11-01T10:00:00+08:00"}), status: 422, code: "proposals"},
		{name: "delegate outside", as: "inspector", path: reply, body: with(with(accept, "kind", "delegate"), "delegate", "zz"), status: 422, code: "delegate_outside"},
		{name: "another department's", as: "inspector", path: partPath(visit, "urban", "reply"), body: accept, status: 403, code: "not_your_department"},
		{name: "a call without a name", as: "clerk", path: reply, body: with(phone, "given_by", nil), status: 422, code: "receiver_missing"},
		{name: "a call recorded by a department", as: "inspector", path: reply, body: phone, status: 403, code: "not_a_window"},
		{name: "accepted", as: "inspector", path: reply, body: accept, status: 200, leaves: 2, messages: 2, shows: []string{`"outcome":"applied"`, `"receipt":"HZ-`, `"strength":2`}},
		{name: "excuse by phone", as: "clerk", path: reply, body: with(with(phone, "kind", "excuse"), "reason", "出警"), status: 200, leaves: 1, messages: 2, shows: []string{`"strength":1`}},
		{name: "on paper without the scan", as: "clerk", path: onPaper, body: with(letter, "scan", nil), status: 422, code: "scan_missing"},
		{name: "on paper with something else", as: "clerk", path: onPaper, body: with(letter, "scan.content", "PHN2Zz4="), status: 422, code: "scan_type"},
		{name: "on paper without a time", as: "clerk", path: onPaper, body: with(letter, "received_at", nil), status: 422, code: "received_time"},
		{name: "on paper before the notice", as: "clerk", path: onPaper, body: with(letter, "received_at", "2026-11-01T10:00:00+08:00"), status: 422, code: "received_time"},
		{name: "on paper by a department", as: "inspector", path: reply, body: letter, status: 403, code: "not_a_window"},
		{name: "on paper", as: "clerk", path: onPaper, body: letter, status: 200, leaves: 1, messages: 2, shows: []string{`"channel":"paper"`, `"strength":1`, `"scan":"`}},

		{name: "served before the notice", as: "clerk", path: service, body: with(paper, "at", "2026-11-01T10:00:00+08:00"), status: 422, code: "service_time"},
		{name: "served without the slip", as: "clerk", path: service, body: with(paper, "scan", nil), status: 422, code: "scan_missing"},
		{name: "served with something else", as: "clerk", path: service, body: with(paper, "scan.content", "PHN2Zz4="), status: 422, code: "scan_type"},
		{name: "no base64", as: "clerk", path: service, body: with(paper, "scan.content", "***"), status: 400, code: "body_malformed"},
		{name: "served on paper", as: "clerk", path: service, body: paper, status: 204, leaves: 1},
		{name: "served by a department", as: "inspector", path: service, body: paper, status: 403, code: "not_a_window"},

		{name: "silence does not count yet", as: "clerk", path: partPath(visit, "amr", "confirm"), status: 409, code: "not_deemable"},
		{name: "nothing to uphold", as: "supervisor", path: partPath(visit, "amr", "uphold"), body: map[string]any{"reason": "x"}, status: 409, code: "reply_in_time"},
		{name: "a clerk upholds nothing", as: "clerk", path: partPath(visit, "amr", "uphold"), body: map[string]any{"reason": "x"}, status: 403, code: "not_supervisor"},
		{name: "nothing to reverse", as: "auditor", path: partPath(visit, "amr", "reverse"), body: map[string]any{"reason": "x"}, status: 409, code: "nothing_deemed"},
		{name: "an inspector reverses nothing", as: "inspector", path: partPath(visit, "amr", "reverse"), body: map[string]any{"reason": "x"}, status: 403, code: "not_a_window"},
	})
}

// slip is a picture of one pixel.
var slip = base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"))

// SEC-15, SEC-34: a scan may be larger than other bodies, up to its own limit.
func TestScanHasItsOwnLimit(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	body := func(size int) map[string]any {
		return map[string]any{"channel": "paper", "receiver": "周队长", "at": w.trust.Now(), "scan": map[string]any{"content": strings.Repeat("A", size)}}
	}
	w.post("clerk", partPath(visit, "fire", "service"), body(2<<20)).refused(http.StatusUnprocessableEntity, "scan_type")
	w.post("clerk", partPath(visit, "fire", "service"), body(17<<19*4/3/4*4)).refused(http.StatusUnprocessableEntity, "scan_size")
	w.post("clerk", partPath(visit, "fire", "service"), body(16<<20)).refused(http.StatusRequestEntityTooLarge, "body_too_large")
}

// SEC 6.1: a department sees its own part, and of others only that they are
// invited.
func TestDepartmentSeesItsOwnPartOnly(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	path := "/visits/" + visit
	w.run(t, []scenario{
		{name: "the window sees all", as: "clerk", method: http.MethodGet, path: path, status: 200, shows: []string{`"bookings":[{`, `"centre":{"id"`, `"respond_by"`}},
		{name: "fire its own", as: "inspector", method: http.MethodGet, path: path, status: 200, shows: []string{`"bookings":[]`, `"tasks":[]`, `"system":"urban"`}},
		{name: "the platform", as: "key", method: http.MethodGet, path: path, status: 200, hides: []string{"13800001234"}},
		{name: "the log as the window sees it", as: "clerk", method: http.MethodGet, path: path + "/timeline", status: 200, shows: []string{`"case_accepted"`, `"notice_composed"`, "431103-urban", `"hash"`}},
		{name: "the log as fire sees it", as: "inspector", method: http.MethodGet, path: path + "/timeline", status: 200, shows: []string{"431103-fire"}, hides: []string{"/431103-urban"}},
		{name: "nothing deemed", as: "clerk", method: http.MethodGet, path: path + "/deemed", status: 200, shows: []string{`{"items":[]}`}},
		{name: "in a list", as: "inspector", method: http.MethodGet, path: "/visits?state=offered&from=2026-11-17T00:00:00Z&to=2026-12-31T00:00:00%2B08:00", status: 200, shows: []string{visit}},
		{name: "not elsewhere", as: "inspector-elsewhere", method: http.MethodGet, path: "/visits", status: 200, shows: []string{`"items":[]`}},
		{name: "the inbox", as: "head", method: http.MethodGet, path: "/inbox", status: 200, shows: []string{visit, `"consent":"awaiting"`}},
		{name: "a window has no inbox", as: "clerk", method: http.MethodGet, path: "/inbox", status: 403, code: "not_your_department"},
		{name: "the messages of the visit", as: "clerk", method: http.MethodGet, path: "/messages?visit=" + visit, status: 200, shows: []string{`"purpose":"notice"`, `"contact":"applicant"`}, hides: []string{"@dept.example", "13800001234"}},
		{name: "fire's own messages", as: "inspector", method: http.MethodGet, path: "/messages?visit=" + visit, status: 200, shows: []string{`"purpose":"notice"`}, hides: []string{`"contact":"applicant"`}},
		{name: "messages of no visit", as: "clerk", method: http.MethodGet, path: "/messages", status: 422, code: "fields_invalid"},
		{name: "messages elsewhere", as: "clerk-elsewhere", method: http.MethodGet, path: "/messages?visit=" + visit, status: 404, code: "not_found"},
	})
}

// INS-933, INS-707
func TestOnlyTheNoticeOrAWordThatIsDueIsServedByHand(t *testing.T) {
	w := newWorld(t)
	path := partPath(w.newVisit(), "fire", "service")
	w.until(w.trust.Now().Add(time.Minute))
	call := map[string]any{"channel": "phone", "receiver": "周科长", "at": w.trust.Now().Format(time.RFC3339)}
	w.run(t, []scenario{
		{name: "about the weather", as: "clerk", path: path, body: with(call, "about", "weather"), status: 422, code: "fields_invalid", shows: []string{`"field":"about"`}},
		{name: "no opinion is due before the visit", as: "clerk", path: path, body: with(call, "about", "opinion"), status: 409, code: "opinion_not_due"},
		{name: "the notice", as: "clerk", path: path, body: with(call, "about", "notice"), status: 204, leaves: 1},
	})
}
