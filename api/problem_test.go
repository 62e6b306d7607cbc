package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lianban/internal/fault"
)

// marker is what hostile requests carry: it must come back in no answer and
// stand in no log.
const marker = "HEIMLICH"

// STY-40…43: one kind, one status, in both languages, whatever refuses.
func TestEachKindHasOneStatusInBothLanguages(t *testing.T) {
	w := newWorld(t)
	for kind, status := range statusOf {
		refusal := fault.Refuse(kind, "some_code", "中文说明", "words in English").With("minutes", 5).Because(errors.New(marker))
		for lang, want := range map[string]string{"": "中文说明", "en-GB": "words in English", "fr, en;q=0.5": "words in English", "zh-TW": "中文说明"} {
			got := w.refusing(lang, refusal)
			p := got.refused(status, "some_code")
			if p.Detail != want || p.Details["minutes"] != 5.0 || p.Title == "" {
				t.Errorf("%v in %q: %+v", kind, lang, p)
			}
			got.without(marker)
		}
	}
}

// STY-41: what is no refusal is 500 with a fixed text; the log has the rest.
func TestUnknownErrorKeepsItsDetailsInTheLog(t *testing.T) {
	w := newWorld(t)
	got := w.refusing("", errors.New("disk "+marker))
	p := got.refused(http.StatusInternalServerError, "internal")
	got.without(marker)
	if log := w.log.String(); !strings.Contains(log, "disk "+marker) || !strings.Contains(log, p.RequestID) {
		t.Errorf("log: %s", log)
	}
	hidden := fault.Refuse(fault.Unavailable, "database_away", "数据库暂时不可用", "database away")
	if got := w.refusing("", hidden); got.header.Get("Retry-After") != "5" {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
}

// STY-45: nobody is there to be told, and nothing has gone wrong.
func TestClientThatHungUpIsNoFailure(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x, r := begin(httptest.NewRequestWithContext(ctx, http.MethodGet, prefix+"/cases", nil))
	rec := httptest.NewRecorder()
	w.refuseJSON(rec, r, context.Canceled)
	if rec.Body.Len() != 0 || x.code != "client_gone" {
		t.Errorf("%s, code %q", rec.Body, x.code)
	}
}

// refusing answers a request with an error.
func (w *world) refusing(lang string, err error) *reply {
	w.t.Helper()
	sent := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, prefix+"/cases", nil)
	sent.Header.Set("Accept-Language", lang)
	rec := httptest.NewRecorder()
	w.observe(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.refuse(rw, r, err) })).ServeHTTP(rec, sent)
	return &reply{w.t, rec.Code, rec.Header(), rec.Body.Bytes()}
}

// without wants the text to be nowhere in the answer.
func (r *reply) without(text string) *reply {
	r.t.Helper()
	var all strings.Builder
	if err := r.header.Write(&all); err != nil {
		r.t.Fatal(err)
	}
	if strings.Contains(all.String()+string(r.body), text) {
		r.t.Errorf("%q comes back: %s%s", text, all.String(), r.body)
	}
	return r
}

// STK-40: the mux's own refusals speak our language, too.
func TestUnknownAddressAndMethodAreProblems(t *testing.T) {
	w := newWorld(t)
	w.do(request{method: http.MethodGet, path: prefix + "/" + marker}).without(marker).refused(http.StatusNotFound, "no_such_address")
	got := w.do(request{as: "clerk", method: http.MethodPut, path: prefix + "/cases"})
	got.refused(http.StatusMethodNotAllowed, "method_not_allowed")
	if got.header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("Allow: %q", got.header.Get("Allow"))
	}
	if clean := w.do(request{method: http.MethodGet, path: "/api//v1/cases"}); clean.status != http.StatusTemporaryRedirect && clean.status != http.StatusMovedPermanently {
		t.Errorf("status %d", clean.status)
	}
}

// A panic is answered, logged with its stack, and stays in its request.
func TestPanicIsAnInternalError(t *testing.T) {
	w := newWorld(t)
	rec := httptest.NewRecorder()
	w.observe(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(marker) })).
		ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, prefix+"/cases", nil))
	got := &reply{t, rec.Code, rec.Header(), rec.Body.Bytes()}
	got.without(marker).refused(http.StatusInternalServerError, "internal")
	if !strings.Contains(w.log.String(), "problem_test.go") {
		t.Error("the log has no stack")
	}
}

// Must survive: malformed, huge, of the wrong type, of the wrong medium. Each
// is a problem in both languages and repeats nothing.
func TestUnreadableRequestsAreRefusedByName(t *testing.T) {
	w := newWorld(t)
	deep := strings.Repeat("[", 20_000)
	for name, c := range map[string]struct {
		body, media, query string
		status             int
		code               string
	}{
		"empty":           {"", "", "", 400, "body_malformed"},
		"no JSON":         {marker, "", "", 400, "body_malformed"},
		"cut off":         {`{"matter_code":"` + marker, "", "", 400, "body_malformed"},
		"two values":      {`{} {}`, "", "", 400, "body_malformed"},
		"trailing":        {`{}]`, "", "", 400, "body_malformed"},
		"unknown field":   {`{"` + marker + `":1}`, "", "", 400, "body_malformed"},
		"wrong type":      {`{"matter_code":{"a":"` + marker + `"}}`, "", "", 400, "body_malformed"},
		"deep":            {deep, "", "", 400, "body_malformed"},
		"a list":          {`[]`, "", "", 400, "body_malformed"},
		"huge":            {`{"matter_code":"` + strings.Repeat("x", maxBody) + `"}`, "", "", 413, "body_too_large"},
		"form":            {"matter_code=" + marker, "application/x-www-form-urlencoded", "", 415, "media_type"},
		"no medium":       {"{}", "-", "", 415, "media_type"},
		"broken medium":   {"{}", "application/json; " + marker, "", 415, "media_type"},
		"unknown filter":  {"{}", "", "?" + marker + "=1", 400, "query_malformed"},
		"broken escape":   {"{}", "", "?a=%zz" + marker, 400, "query_malformed"},
		"null":            {"null", "", "", 422, "fields_invalid"},
		"nothing in it":   {"{}", "", "", 422, "fields_invalid"},
		"impossible date": {`{"matter_code":"M03","answers":{"floor_area_m2":"` + marker + `"}}`, "", "", 422, "fields_invalid"},
	} {
		for _, lang := range []string{"zh", "en"} {
			media := c.media
			if media == "" {
				media = "application/json"
			} else if media == "-" {
				media = ""
			}
			got := w.do(request{
				as: "clerk", method: http.MethodPost, path: prefix + "/cases" + c.query, body: []byte(c.body),
				header: map[string]string{"Content-Type": media, "Accept-Language": lang, "Idempotency-Key": freshKey()},
			})
			p := got.without(marker).refused(c.status, c.code)
			if (lang == "zh") != hasHan(p.Detail) {
				t.Errorf("%s in %s: %q", name, lang, p.Detail)
			}
		}
	}
	if strings.Contains(w.log.String(), marker) {
		t.Error("what was sent stands in the log")
	}
}

func hasHan(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x4E00 && r <= 0x9FFF })
}

// A body that ends before its time is the client's failure, not ours.
func TestBodyThatBreaksOffIsMalformed(t *testing.T) {
	w := newWorld(t)
	sent := w.http(request{as: "clerk", method: http.MethodPost, path: prefix + "/cases"})
	sent.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), brokenReader{}))
	sent.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, sent)
	(&reply{t, rec.Code, rec.Header(), rec.Body.Bytes()}).refused(http.StatusBadRequest, "body_malformed")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// STK-39: fields are named by where they stand, with words in the language asked
// for, the first rule that fails, and never the value.
func TestWrongFieldsAreNamedWithoutTheirValues(t *testing.T) {
	w := newWorld(t)
	body := restaurant()
	body["applicant"] = map[string]any{"name": marker + "\u0000", "phone": "12" + marker, "id_no": marker, "email": marker, "uscc": marker}
	body["site"] = map[string]any{"division": "../" + marker, "address": " " + marker, "lat": 91}
	body["answers"] = map[string]any{"../" + marker: 1}
	want := map[string]string{
		"applicant.name": "line", "applicant.phone": "cn_phone", "applicant.id_no": "idno", "applicant.email": "mail",
		"applicant.uscc": "uscc", "site.division": "division", "site.address": "line", "site.lat": "max",
	}
	for _, lang := range []string{"zh", "en"} {
		got := w.do(request{
			as: "clerk", method: http.MethodPost, path: prefix + "/cases", body: body,
			header: map[string]string{"Accept-Language": lang, "Idempotency-Key": freshKey()},
		})
		p := got.refused(http.StatusUnprocessableEntity, "fields_invalid")
		for _, f := range p.Errors {
			if code, ok := want[f.Name]; ok && f.Code != code || (lang == "zh") != hasHan(f.Text) {
				t.Errorf("%+v", f)
			}
			if strings.Contains(f.Text, marker) {
				t.Errorf("%s repeats its value: %s", f.Name, f.Text)
			}
		}
		if len(p.Errors) != len(want)+1 {
			t.Errorf("%d fields: %+v", len(p.Errors), p.Errors)
		}
	}
}

// What a domain says of a field comes in the language asked for, too.
func TestAnswersThatCannotBeRightAreNamed(t *testing.T) {
	w := newWorld(t)
	body := map[string]any{"answers": map[string]any{"floor_area_m2": marker, "outdoor_sign": 7, "no_such_thing": true}}
	got := w.do(request{
		as: "clerk", method: http.MethodPost, path: prefix + "/matters/M03/derive", body: body, header: map[string]string{"Accept-Language": "en"},
	})
	p := got.without(marker).refused(http.StatusUnprocessableEntity, "answers_invalid")
	if len(p.Errors) != 3 || !strings.HasSuffix(p.Errors[0].Text, ": a number from 0 to 1000000 with at most 2 places") || p.Errors[1].Code != "attribute_unknown" {
		t.Errorf("%+v", p.Errors)
	}
}

// SEC-3: what has not the form of an id is no id.
func TestImpossibleIdsAreNotFound(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"x", "%00", "%2e%2e%2fcases", "%E2%80%AE", strings.Repeat("9", 300), "'%20OR%201=1--"} {
		for _, path := range []string{"/cases/", "/visits/", "/matters/"} {
			got := w.get("clerk", path+id)
			if got.status != http.StatusNotFound {
				t.Errorf("%s%s: %d %s", path, id, got.status, got.body)
			}
			got.problem()
		}
	}
}

// SEC-24, SEC-16: names are kept as they are written; what could end a line in
// some sink is refused.
func TestHostileNamesAreKeptWholeOrRefused(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"𠮷野家·永州店", "张䶮 李㛃", `O'Brien "Bar" <b>&amp;`, "مطعم \u202eabc", "=1+1", "𬱖王𡈼", "' OR 1=1 --"} {
		body := restaurant()
		body["applicant"].(map[string]any)["name"] = name
		body["applicant"].(map[string]any)["uscc"] = "91350100M000100Y43" // a company's name is public
		id := w.post("clerk", "/cases", body).is(http.StatusCreated).at("id")
		if got := w.get("clerk", "/cases/"+id).at("applicant.name"); got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
	for _, name := range []string{"a\r\nBcc: x", "a\x00b", "a\u2028b", "a\tb", "\x1b[31m", strings.Repeat("长", 81), " a"} {
		body := restaurant()
		body["applicant"].(map[string]any)["name"] = name
		w.post("clerk", "/cases", body).refused(http.StatusUnprocessableEntity, "fields_invalid")
	}
}

// FuzzRequests: whatever is sent, an operation answers with its document's form
// or a problem, and never with 5xx (TST-2).
func FuzzRequests(f *testing.F) {
	text, err := json.Marshal(restaurant())
	if err != nil {
		f.Fatal(err)
	}
	for act := range 12 {
		f.Add(act, string(text), "x")
		f.Add(act, `{"answers":{"floor_area_m2":1e400}}`, "\x00")
		f.Add(act, `{"reason":"\ud800","kind":"accept","round":1}`, "../..")
	}
	w := newWorld(f)
	operations := w.operationsIn()
	f.Fuzz(func(t *testing.T, act int, body, id string) {
		w.t = t
		line := operations[((act%len(operations))+len(operations))%len(operations)]
		sent := w.http(request{as: "clerk", method: line.Method, path: prefix + "/cases", body: []byte(body), header: map[string]string{"Idempotency-Key": freshKey(), "If-Match": `"v1"`}})
		sent.URL.Path = strings.NewReplacer("{id}", id, "{code}", id, "{department}", id).Replace(line.Path)
		rec := httptest.NewRecorder()
		w.clock.forward(50_000_000)
		w.handler.ServeHTTP(rec, sent)
		if rec.Code >= 500 || rec.Code >= 400 && rec.Header().Get("Content-Type") != problemMedia {
			t.Fatalf("%s: %d %s %s", line.Act, rec.Code, rec.Header().Get("Content-Type"), bytes.TrimSpace(rec.Body.Bytes()))
		}
	})
}

func (w *world) operationsIn() (lines []Route) {
	for _, line := range w.Routes() {
		if strings.HasPrefix(line.Path, prefix) {
			lines = append(lines, line)
		}
	}
	return lines
}
