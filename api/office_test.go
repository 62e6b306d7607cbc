package api

import (
	"net/http"
	"strings"
	"testing"
)

// id gives the id of the answer of a POST that is right.
func (w *world) id(as, path string, body any) string {
	w.t.Helper()
	return w.post(as, path, body).is(http.StatusCreated).at("id")
}

// INS-1301, INS-1302, SEC-4
func TestSettingsTakeEffectByTheirDateAndTwoPersons(t *testing.T) {
	w := newWorld(t)
	term := map[string]any{"key": "reply.term", "value": "2", "reason": "试行"}
	lead := map[string]any{"key": "visit.lead", "value": "3", "reason": "试行"}
	proposed := w.id("supervisor", "/settings", term)
	w.run(t, []scenario{
		{name: "nobody's wish", as: "clerk", path: "/settings", body: lead, status: 403, code: "may_not_set"},
		{name: "of no key", as: "admin", path: "/settings", body: with(lead, "key", "no.such"), status: 404, code: "setting_unknown"},
		{name: "out of bounds", as: "admin", path: "/settings", body: with(lead, "value", "99"), status: 422, code: "setting_out_of_bounds", shows: []string{`"bounds"`}},
		{name: "for two scopes", as: "admin", path: "/settings", body: with(with(lead, "centre_id", w.centre.ID), "matter_code", "M03"), status: 422, code: "scope_invalid"},
		{name: "for no centre", as: "admin", path: "/settings", body: with(lead, "centre_id", "zz"), status: 404, code: "centre_unknown"},
		{name: "dated back", as: "admin", path: "/settings", body: with(lead, "effective_from", "2026-11-01T00:00:00+08:00"), status: 422, code: "setting_dated_back"},
		{name: "one person suffices here", as: "admin", path: "/settings", body: with(lead, "centre_id", w.centre.ID), status: 201, leaves: 1, shows: []string{`"state":"approved"`}},
		{name: "what waits", as: "admin", method: http.MethodGet, path: "/settings/proposed", status: 200, shows: []string{proposed}},
		{name: "is not for all", as: "auditor", method: http.MethodGet, path: "/settings/proposed", status: 403, code: "may_not_set"},
		{name: "not by the proposer", as: "supervisor", path: "/settings/" + proposed + "/approve", status: 403, code: "two_persons"},
		{name: "not by anybody", as: "clerk", path: "/settings/" + proposed + "/approve", status: 403, code: "may_not_set"},
		{name: "of nothing", as: "admin", path: "/settings/zz/approve", status: 404, code: "proposal_unknown"},
		{name: "in force so far", as: "key", method: http.MethodGet, path: "/settings", status: 200, shows: []string{`"key":"reply.term","value":"1"`, `"key":"visit.lead","value":"2"`}},
		{name: "for the centre", as: "inspector", method: http.MethodGet, path: "/settings?centre=" + w.centre.ID, status: 200, shows: []string{`"key":"visit.lead","value":"3"`}},
		{name: "by a second person", as: "admin", path: "/settings/" + proposed + "/approve", status: 200, leaves: 1, shows: []string{`"state":"approved"`}},
		{name: "twice", as: "admin-two", path: "/settings/" + proposed + "/reject", status: 409, code: "already_decided"},
		{name: "in force now", as: "auditor", method: http.MethodGet, path: "/settings", status: 200, shows: []string{`"key":"reply.term","value":"2"`}},
		{name: "yesterday it was not", as: "auditor", method: http.MethodGet, path: "/settings?at=2026-11-16T12:00:00%2B08:00", status: 200, shows: []string{`"key":"reply.term","value":"1"`}},
	})
	other := w.id("admin", "/settings", with(term, "value", "3"))
	w.post("supervisor", "/settings/"+other+"/reject", nil).is(http.StatusNoContent)
}

// INS-404
func TestCalendarIsImportedByTwoPersons(t *testing.T) {
	w := newWorld(t)
	imported := w.id("admin", "/calendars", newCalendar)
	w.run(t, []scenario{
		{name: "by a clerk", as: "clerk", path: "/calendars", body: newCalendar, status: 403, code: "may_not_set"},
		{name: "while one waits", as: "admin", path: "/calendars", body: newCalendar, status: 409, code: "calendar_waiting"},
		{name: "the versions", as: "key", method: http.MethodGet, path: "/calendars", status: 200, shows: []string{imported, `"version":1`, `"changes":[`}},
		{name: "by the same person", as: "admin", path: "/calendars/" + imported + "/approve", status: 403, code: "two_persons"},
		{name: "by a second", as: "supervisor", path: "/calendars/" + imported + "/approve", status: 200, leaves: 1, shows: []string{`"version":2`}},
		{name: "twice", as: "supervisor-two", path: "/calendars/" + imported + "/reject", status: 409, code: "already_decided"},
		{name: "the same again", as: "admin", path: "/calendars", body: newCalendar, status: 422, code: "calendar_unchanged"},
		{name: "of nothing", as: "admin", path: "/calendars/zz/approve", status: 404, code: "proposal_unknown"},
	})
	for _, junk := range []string{"", "[]", "{", "null", `{"years":{"2029":{"off":["2031-01-01"]}}}`} {
		got := w.post("admin", "/calendars", []byte(junk))
		if got.problem(); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", junk, got.status, got.body)
		}
	}
}

// INS-705, INS-711, SEC-5
func TestConfirmedAddressesAreKeptByTwoPersons(t *testing.T) {
	w := newWorld(t)
	path := "/departments/431103-fire/addresses"
	good := newAddress("fire2@dept.example")
	phone := with(with(good, "channel", "sms"), "value", "13900001234")
	proposed := w.id("clerk", path, good)
	w.run(t, []scenario{
		{name: "by a department", as: "head", path: path, body: good, status: 403, code: "may_not_keep_addresses"},
		{name: "of no department", as: "clerk", path: "/departments/zz/addresses", body: good, status: 404, code: "department_unknown"},
		{name: "that is no address", as: "clerk", path: path, body: with(good, "value", "fire2"), status: 422, code: "fields_invalid", shows: []string{`"field":"value","code":"mail"`}},
		{name: "that is no number", as: "clerk", path: path, body: with(phone, "value", "8322222"), status: 422, code: "fields_invalid", shows: []string{`"code":"cn_mobile"`}},
		{name: "by no channel", as: "clerk", path: path, body: with(good, "channel", nil), status: 422, code: "fields_invalid", shows: []string{`"field":"channel"`}},
		{name: "signed tomorrow", as: "clerk", path: path, body: with(good, "signed_on", "2026-11-18"), status: 422, code: "address_unsigned"},
		{name: "there already", as: "clerk", path: path, body: with(good, "value", "fire@dept.example"), status: 409, code: "address_exists"},
		{name: "in place of none", as: "clerk", path: path, body: with(good, "replaces", "zz"), status: 404, code: "address_unknown"},
		{name: "a number is masked", as: "clerk", path: path, body: phone, status: 201, leaves: 1, shows: []string{"1******1234"}, hides: []string{"13900001234"}},
		{name: "what waits", as: "supervisor", method: http.MethodGet, path: "/addresses/proposed", status: 200, shows: []string{proposed}},
		{name: "is not for all", as: "inspector", method: http.MethodGet, path: "/addresses/proposed", status: 403, code: "may_not_keep_addresses"},
		{name: "by the same person", as: "clerk", path: "/addresses/" + proposed + "/approve", status: 403, code: "two_persons"},
		{name: "by a second", as: "supervisor", path: "/addresses/" + proposed + "/approve", status: 200, leaves: 1, messages: 2, shows: []string{`"valid_from":"2026-11-18T`}},
		{name: "twice", as: "supervisor", path: "/addresses/" + proposed + "/reject", status: 409, code: "already_decided"},
		{name: "the department's", as: "clerk", method: http.MethodGet, path: path, status: 200, shows: []string{proposed, `"state":"approved"`}},
		{name: "of no department", as: "clerk", method: http.MethodGet, path: "/departments/zz/addresses", status: 404, code: "department_unknown"},
	})
	w.newVisit()
	standing := w.get("clerk", path).at("items.1.id")
	w.post("clerk", path, map[string]any{"removal": true, "replaces": standing, "form": "9", "signed_on": "2026-11-16"})
	second := w.id("clerk", path, newAddress("fire9@dept.example"))
	w.post("supervisor", "/addresses/"+second+"/reject", nil).is(http.StatusNoContent)
}

// SEC 6.1, PRO-15: who works where, as far as it is one's business, and no
// telephone of anybody.
func TestPlacesAndPeopleAreListed(t *testing.T) {
	w := newWorld(t)
	w.run(t, []scenario{
		{name: "divisions", as: "key", method: http.MethodGet, path: "/divisions", status: 200, shows: []string{`"code":"431103"`}},
		{name: "centres", as: "courier", method: http.MethodGet, path: "/centres", status: 200, shows: []string{w.centre.ID, `"hours":"09:00-12:00`}},
		{name: "departments of a branch", as: "key", method: http.MethodGet, path: "/departments?system=fire&division=431103", status: 200, shows: []string{"431103-fire"}, hides: []string{"431103-urban", "431102-fire"}},
		{name: "of no level", as: "clerk", method: http.MethodGet, path: "/departments?level=moon", status: 422, code: "fields_invalid"},
		{name: "people of one's centre", as: "clerk", method: http.MethodGet, path: "/people", status: 200, shows: []string{"陈clerk"}, hides: []string{"陈clerk-elsewhere", "陈auditor"}},
		{name: "also when asked for another", as: "clerk", method: http.MethodGet, path: "/people?centre=" + w.other.ID, status: 200, hides: []string{"陈clerk-elsewhere"}},
		{name: "of one's department", as: "head", method: http.MethodGet, path: "/people", status: 200, shows: []string{"陈inspector"}, hides: []string{"陈inspector-elsewhere"}},
		{name: "all", as: "security", method: http.MethodGet, path: "/people?role=clerk", status: 200, shows: []string{"陈clerk-elsewhere"}, hides: []string{"陈auditor"}},
		{name: "none", as: "courier", method: http.MethodGet, path: "/people", status: 403, code: "may_not_list_people"},
		{name: "not for keys", as: "key", method: http.MethodGet, path: "/people", status: 403, code: "scope_missing"},
	})
}

// INS-208…210
func TestResourcesAndAbsencesAreEntered(t *testing.T) {
	w := newWorld(t)
	visit := w.newVisit()
	var v struct {
		Bookings []struct {
			Resource string `json:"resource_id"`
			Start    string `json:"start_at"`
			End      string `json:"end_at"`
		}
	}
	w.get("clerk", "/visits/"+visit).into(&v)
	taken := v.Bookings[0]
	head := "head"
	if !strings.Contains(w.people["fire"][0].ID+w.people["fire"][1].ID+w.people["fire"][2].ID, taken.Resource) {
		head = "supervisor"
	}
	fresh := map[string]any{"kind": "inspector", "name": "赵𠮷", "department_id": "431103-fire", "qualifications": []any{map[string]any{"matter": "*", "division": "431103"}}}
	path := "/resources/" + taken.Resource + "/absences"
	free := map[string]any{"start": "2027-01-05T09:00:00+08:00", "end": "2027-01-05T18:00:00+08:00", "reason": "培训"}
	w.run(t, []scenario{
		{name: "by the head", as: "head", path: "/resources", body: fresh, status: 201, leaves: 1, shows: []string{"赵𠮷", `"active":true`}},
		{name: "of another department", as: "head-elsewhere", path: "/resources", body: fresh, status: 403, code: "not_your_resource"},
		{name: "of no department", as: "supervisor", path: "/resources", body: with(fresh, "department_id", "zz"), status: 404, code: "department_unknown"},
		{name: "of no centre", as: "supervisor", path: "/resources", body: with(with(fresh, "department_id", nil), "centre_id", "zz"), status: 404, code: "centre_unknown"},
		{name: "of nowhere", as: "supervisor", path: "/resources", body: with(fresh, "department_id", nil), status: 422, code: "resource_incomplete"},
		{name: "away while booked", as: head, path: path, body: map[string]any{"start": taken.Start, "end": taken.End}, status: 409, code: "absence_booked"},
		{name: "away for no time", as: head, path: path, body: with(free, "end", free["start"]), status: 422, code: "absence_span"},
		{name: "away", as: head, path: path, body: free, status: 201, leaves: 1},
		{name: "by a clerk", as: "clerk", path: path, body: free, status: 403, code: "not_your_resource"},
		{name: "of nobody", as: "head", path: "/resources/zz/absences", body: free, status: 404, code: "not_found"},
	})
}
