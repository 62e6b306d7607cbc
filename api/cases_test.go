package api

import (
	"net/http"
	"testing"
)

// INS-201…205, INS-305, FAC-20…24
func TestCasesAreTakenInOrRefusedByName(t *testing.T) {
	w := newWorld(t)
	good := restaurant()
	person := with(good, "applicant", map[string]any{"name": "欧阳修", "phone": "13800001234", "id_no": "11010519491231002X", "agent": "李四"})
	company := with(good, "applicant.uscc", "91350100M000100Y43")
	odd := with(good, "applicant.uscc", "91350211M0000XUF46") // met in real use, fails its check (FAC-22)
	w.run(t, []scenario{
		{
			name: "a clerk takes a case in", as: "clerk", path: "/cases", body: person, status: http.StatusCreated, leaves: 1,
			shows: []string{`"欧**"`, `"1******1234"`, `"431103-2026-000001"`, `"system":"fire"`, `"organiser_centre":"` + w.centre.ID},
			hides: []string{"欧阳修", "13800001234", "11010519491231002X", "李四"},
		},
		{name: "any window takes any case in", as: "clerk-elsewhere", path: "/cases", body: good, status: 201, leaves: 1, shows: []string{`"organiser_centre":"` + w.centre.ID}},
		{name: "the platform files", as: "key", path: "/cases", body: with(company, "external_id", "P-1"), status: 201, leaves: 1, shows: []string{"湘味轩餐饮店"}},
		{name: "and files it again", as: "key", path: "/cases", body: with(company, "external_id", "P-1"), status: 409, code: "case_exists"},
		{name: "the city's platform files for a district", as: "key-city", path: "/cases", body: with(company, "external_id", "P-2"), status: 201, leaves: 1},
		{name: "outside its divisions", as: "key-elsewhere", path: "/cases", body: good, status: 403, code: "key_elsewhere"},
		{name: "without the scope", as: "key-without", path: "/cases", body: good, status: 403, code: "scope_missing"},
		{name: "no window", as: "inspector", path: "/cases", body: good, status: 403, code: "not_a_window"},
		{name: "nobody", path: "/cases", body: good, status: 401, code: "not_signed_in"},

		{name: "unknown matter", as: "clerk", path: "/cases", body: with(good, "matter_code", "M99"), status: 404, code: "matter_unknown"},
		{name: "no division", as: "clerk", path: "/cases", body: with(good, "site.division", nil), status: 422, code: "site_division_missing"},
		{name: "unknown division", as: "clerk", path: "/cases", body: with(good, "site.division", "999999"), status: 404, code: "division_unknown"},
		{name: "unknown division, by a key", as: "key", path: "/cases", body: with(good, "site.division", "999999"), status: 404, code: "division_unknown"},
		{name: "a credit code that fails its check", as: "clerk", path: "/cases", body: odd, status: 422, code: "credit_code_check"},
		{name: "and is right all the same", as: "clerk", path: "/cases", body: with(odd, "uscc_reason", "与营业执照一致"), status: 201, leaves: 1},
		{name: "answers that cannot be right", as: "clerk", path: "/cases", body: with(good, "answers.floor_area_m2", 99999999), status: 422, code: "answers_invalid", hides: []string{"99999999"}},
		{name: "a number that cannot be read", as: "clerk", path: "/cases", body: with(good, "answers.floor_area_m2", -5), status: 422, code: "fields_invalid", shows: []string{`"code":"number_invalid"`}, hides: []string{"-5"}},
		{name: "no department there", as: "clerk", path: "/cases", body: with(good, "answers.has_kitchen_flue", true), status: 404, code: "no_competent_department"},
	})
}

// SEC-2, SEC-3: who does not have to do with a case never hears of it.
func TestCasesAreShownToTheirOwnPlacesOnly(t *testing.T) {
	w := newWorld(t)
	id := w.newCase()
	for _, as := range matrixActors {
		list := w.get(as, "/cases?search="+"%E6%B9%98%E5%91%B3%E8%BD%A9") // 湘味轩
		shown := len(list.body) > 0 && list.status == http.StatusOK && list.at("items.0.id") == id
		may := map[string]bool{"clerk": true, "supervisor": true, "inspector": true, "head": true, "auditor": true, "key": true, "key-city": true}[as]
		if shown != may {
			t.Errorf("%q: shown is %v: %s", as, shown, list.body)
		}
	}
	w.get("clerk", "/cases?state=visited").is(http.StatusOK)
	w.get("clerk", "/cases?state=nonsense").refused(http.StatusUnprocessableEntity, "fields_invalid")
	w.get("clerk", "/cases?limit=201").refused(http.StatusUnprocessableEntity, "fields_invalid")
	w.get("clerk", "/cases?limit=x").refused(http.StatusUnprocessableEntity, "fields_invalid")
}

// INS-305, INS-308: facts decide who comes, before a visit is booked and after.
func TestFactsChangeWhoComesUntilTheVisitBegins(t *testing.T) {
	w := newWorld(t)
	unsure := with(restaurant(), "answers", map[string]any{"floor_area_m2": 120, "outdoor_sign": nil, "near_cultural_relic": false, "has_kitchen_flue": false, "central_air_conditioning": false, "fit_out": false})
	id := w.post("clerk", "/cases", unsure).is(http.StatusCreated).at("id")
	patch := func(match string, body map[string]any) scenario {
		return scenario{as: "clerk", method: http.MethodPatch, path: "/cases/" + id, body: body, header: map[string]string{"If-Match": match}}
	}
	plan := map[string]any{"case_id": id, "kind": "site"}
	small, sign, confirm := patch(`"v1"`, map[string]any{"answers": map[string]any{"floor_area_m2": 20}}),
		patch(`"v2"`, map[string]any{"answers": map[string]any{"outdoor_sign": 3}}), patch(`"v2"`, map[string]any{"confirm_unknown": true})
	small.name, small.status, small.leaves, small.shows = "a smaller place", 200, 1, []string{`"version":2`}
	sign.name, sign.status, sign.code = "no such answer", 422, "answers_invalid"
	confirm.name, confirm.status, confirm.leaves, confirm.shows = "the sign stays unknown", 200, 1, []string{`"confirmed_by":"person:`}
	booked := patch(`"v4"`, map[string]any{"confirm_unknown": true})
	booked.name, booked.status, booked.leaves = "after booking: nothing moves", 200, 1
	large := map[string]any{"answers": map[string]any{"floor_area_m2": 120}, "confirm_unknown": true}
	look := patch(`"v5"`, large)
	look.name, look.method, look.path, look.status = "what a larger place would change", http.MethodPost, look.path+"/foresee", 200
	look.shows = []string{`"added":[{`, `"clause":"floor_area_m2`, `"short":false`, `"too_late":false`}
	added := patch(`"v5"`, large)
	added.name, added.status, added.leaves, added.messages, added.shows = "it is added", 200, 3, 3, []string{`"state":"visiting"`}
	gone := patch(`"v6"`, map[string]any{"answers": map[string]any{"floor_area_m2": 20}, "confirm_unknown": true})
	gone.name, gone.status, gone.leaves, gone.messages = "and goes", 200, 2, 3
	w.run(t, []scenario{
		{name: "facts are missing", as: "clerk", path: "/visits", body: plan, status: 409, code: "facts_missing", shows: []string{"outdoor_sign"}},
		small, sign, confirm,
	})
	visit := w.post("clerk", "/visits", plan).is(http.StatusCreated).at("id")
	w.post("clerk", "/visits/"+visit+"/book", w.bestSlot(visit)).is(http.StatusOK)
	w.run(t, []scenario{booked, look, added, gone})
}

// INS-203: the wrong window learns which one is right, and passes the case on.
func TestAnotherWindowPassesTheCaseOn(t *testing.T) {
	w := newWorld(t)
	id := w.post("clerk-elsewhere", "/cases", restaurant()).is(http.StatusCreated).at("id")
	w.run(t, []scenario{
		{
			name: "not its site", as: "clerk-elsewhere", path: "/visits", body: map[string]any{"case_id": id, "kind": "site"},
			status: 403, code: "wrong_window", shows: []string{w.centre.ID, "0746-8322222"}, leaves: 1, // the attempt is recorded
		},
		{name: "passed on", as: "clerk-elsewhere", path: "/cases/" + id + "/pass-on", body: map[string]any{"note": "申请人在窗口等候"}, status: 204, leaves: 1},
		{name: "by nobody else", as: "inspector-elsewhere", path: "/cases/" + id + "/pass-on", body: map[string]any{}, status: 404, code: "not_found"},
		{name: "shows as a task", as: "clerk", method: http.MethodGet, path: "/tasks", status: 200, shows: []string{`"kind":"book_visit"`, "申请人在窗口等候"}},
	})
}

// INS-307: the preview says who comes and why, in words.
func TestPreviewSaysWhoComesAndWhy(t *testing.T) {
	w := newWorld(t)
	body := map[string]any{"answers": map[string]any{"floor_area_m2": 40, "outdoor_sign": true}, "division": "431103"}
	w.run(t, []scenario{
		{name: "in words", as: "clerk", path: "/matters/M03/derive", body: with(body, "answers", map[string]any{"floor_area_m2": 40, "outdoor_sign": true, "near_cultural_relic": false, "has_kitchen_flue": false, "central_air_conditioning": false, "fit_out": false}), status: 200, shows: []string{`"431103-urban"`, "不满足：", "40 ㎡"}},
		{name: "no department of that branch there", as: "clerk", path: "/matters/M03/derive", body: body, status: 404, code: "no_competent_department"},
		{name: "in English", as: "clerk", path: "/matters/M03/derive", body: map[string]any{}, header: map[string]string{"Accept-Language": "en"}, status: 200, shows: []string{"not known yet", `"missing":["`}},
		{name: "unknown matter", as: "clerk", path: "/matters/M99/derive", body: map[string]any{}, status: 404, code: "matter_unknown"},
		{name: "before it is in force", as: "clerk", method: http.MethodGet, path: "/matters?on=2026-01-01", status: 200, shows: []string{`"items":[]`}},
		{name: "searched", as: "clerk", method: http.MethodGet, path: "/matters?search=M03", status: 200, shows: []string{`"code":"M03"`}, hides: []string{`"code":"M04"`}},
		{name: "with its questions", as: "key", method: http.MethodGet, path: "/matters/M03", status: 200, shows: []string{`"floor_area_m2"`, `"when":"outdoor_sign"`}},
	})
}
