package api

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"lianban/internal/fault"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// contract holds every answer against the document (PRO-14).
type contract struct {
	text   []byte
	router routers.Router
}

func newContract(w *world) *contract {
	w.t.Helper()
	text := w.do(request{method: http.MethodGet, path: "/openapi.json"}).is(http.StatusOK).body
	doc, err := openapi3.NewLoader().LoadFromData(text)
	w.must(err)
	w.must(doc.Validate(context.Background(), openapi3.DisableExamplesValidation()))
	router, err := legacy.NewRouter(doc)
	w.must(err)
	return &contract{text, router}
}

// holds fails when an answer is not what the document says.
func (c *contract) holds(t testing.TB, sent *http.Request, got *reply) {
	t.Helper()
	if got.status == http.StatusMovedPermanently || got.status == http.StatusTemporaryRedirect {
		return // to the clean form of the path
	}
	route, params, err := c.router.FindRoute(sent)
	if err != nil {
		if got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: not in the document: %v", sent.Method, sent.URL.Path, err)
		}
		return
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: sent, PathParams: params, Route: route},
		Status:                 got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader(got.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s: the answer is not what the document says: %v", sent.Method, sent.URL.Path, err)
	}
}

// STK-42: a change of the contract is visible in review.
func TestCommittedDocumentIsTheOneServed(t *testing.T) {
	w := newWorld(t)
	if *update {
		w.must(os.WriteFile("openapi.json", w.spec.text, 0o644))
	}
	committed, err := os.ReadFile("openapi.json")
	w.must(err)
	if !bytes.Equal(committed, w.spec.text) {
		t.Error("openapi.json is not what is served; run go test ./api -run CommittedDocument -update and read the difference")
	}
}

func TestACountThatIsNotGivenIsNotNone(t *testing.T) { // DEL-911, DEL-923
	s := newWorld(t)
	for _, c := range []struct {
		path   string
		body   map[string]any
		fields []string
	}{
		{"/transfers/none/accept", map[string]any{}, []string{"count"}},
		{"/bags/none/release", map[string]any{"seal": "F1"}, []string{"count"}},
		{"/bags/none/accept", map[string]any{}, []string{"count"}},
		{"/parcels/none/return", map[string]any{"bag_state": "intact"}, []string{"count"}},
		{"/runs/none/close", map[string]any{}, []string{"out", "in", "back"}},
	} {
		problem := s.post("supervisor", c.path, c.body).refused(http.StatusUnprocessableEntity, "fields_invalid")
		for _, field := range c.fields {
			if !slices.ContainsFunc(problem.Errors, func(e fault.Field) bool { return e.Name == field && e.Code == "required" }) {
				t.Errorf("%s does not ask for %s: %+v", c.path, field, problem.Errors)
			}
		}
	}
}
