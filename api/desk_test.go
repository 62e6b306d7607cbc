package api

import (
	"net/http"
	"testing"
)

// DEC-1, DEC-7, INS-807: mail waits for a person, holds its department, and is a
// task of the window until it is sorted.
func TestMailWaitsHoldsAndIsSorted(t *testing.T) {
	s := &scene{world: newWorld(t)}
	s.visit = s.newVisit()
	s.doubt()
	sort := "/inbound/" + s.mail + "/sort"
	reason := map[string]any{"reason": "来信为拒绝"}
	decline := with(with(with(reason, "answer", "decline"), "words", "当日有任务"), "given_by", "周队长")
	s.run(t, []scenario{
		{name: "the mail", as: "clerk", method: http.MethodGet, path: "/inbound?visit=" + s.visit, status: 200, shows: []string{s.mail, `"state":"held"`, "不同意"}},
		{name: "not for the auditor", as: "auditor", method: http.MethodGet, path: "/inbound?visit=" + s.visit, status: 404, code: "not_found"},
		{name: "the task", as: "supervisor", method: http.MethodGet, path: "/tasks", status: 200, shows: []string{s.task, `"kind":"read_mail"`}},
		{name: "no tasks for a department", as: "inspector", method: http.MethodGet, path: "/tasks", status: 403, code: "not_a_window"},
		{name: "not elsewhere", as: "clerk-elsewhere", method: http.MethodGet, path: "/tasks", status: 200, hides: []string{s.task}},
		{name: "the hold ends with the mail", as: "supervisor", path: "/holds/" + s.hold + "/end", body: reason, status: 409, code: "hold_ends_itself"},
		{name: "no hold of theirs", as: "clerk-elsewhere", path: "/holds/" + s.hold + "/end", body: reason, status: 404, code: "not_found"},
		{name: "no reason", as: "clerk", path: "/holds/" + s.hold + "/end", body: map[string]any{}, status: 422, code: "fields_invalid"},
		{name: "sorted elsewhere", as: "clerk-elsewhere", path: sort, body: decline, status: 404, code: "not_found"},
		{name: "sorted without an answer's words", as: "clerk", path: sort, body: with(decline, "words", ""), status: 422, code: "reason_missing"},
		{name: "sorted", as: "clerk", path: sort, body: decline, status: 204, leaves: 3, messages: 2},
		{name: "twice", as: "clerk", path: sort, body: decline, status: 409, code: "inbound_sorted"},
		{name: "the hold is over", as: "clerk", path: "/holds/" + s.hold + "/end", body: reason, status: 409, code: "hold_ended"},
		{name: "the task is done with it", as: "clerk", path: "/tasks/" + s.task + "/done", body: map[string]any{}, status: 409, code: "task_done"},
		{name: "fire has declined", as: "inspector", method: http.MethodGet, path: "/visits/" + s.visit, status: 200, shows: []string{`"consent":"declined"`}},
	})
}

// EV-10, EV-11: the evidence of a visit, and its check.
func TestEvidenceGoesToThoseItConcerns(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	path := "/evidence/" + visit + "/431103-"
	bundle := w.get("inspector", path+"fire").is(http.StatusOK)
	if bundle.header.Get("Content-Disposition") == "" || bundle.header.Get("Content-Type") != "application/zip" {
		t.Errorf("%v", bundle.header)
	}
	zip := map[string]string{"Content-Type": "application/zip"}
	broken := append([]byte{}, bundle.body...)
	broken[len(broken)/2] ^= 1
	w.run(t, []scenario{
		{name: "another department's", as: "inspector", method: http.MethodGet, path: path + "urban", status: 404, code: "not_found"},
		{name: "of nobody invited", as: "clerk", method: http.MethodGet, path: path + "ecology", status: 404, code: "not_found"},
		{name: "to the platform", as: "key", method: http.MethodGet, path: path + "fire", status: 200},
		{name: "sound", as: "courier", path: "/evidence/verify", body: bundle.body, header: zip, status: 200, shows: []string{`"result":"PASS"`, `"pinned":true`, visit}},
		{name: "in English", as: "key", path: "/evidence/verify", body: bundle.body, header: map[string]string{"Content-Type": "application/zip", "Accept-Language": "en"}, status: 200, shows: []string{"no deemed consent is recorded"}},
		{name: "no bundle", as: "clerk", path: "/evidence/verify", body: []byte("PK\x03\x04"), header: zip, status: 422, code: "bundle_unreadable"},
		{name: "not a zip by its own word", as: "clerk", path: "/evidence/verify", body: bundle.body, status: 415, code: "media_type"},
		{name: "too large", as: "clerk", path: "/evidence/verify", body: make([]byte, maxBundle+1), header: zip, status: 413, code: "body_too_large"},
	})
	got := w.do(request{as: "clerk", method: http.MethodPost, path: prefix + "/evidence/verify", body: broken, header: zip})
	if got.status == http.StatusOK && got.at("result") == "PASS" {
		t.Error("a bundle with one bit changed passes")
	}
}
