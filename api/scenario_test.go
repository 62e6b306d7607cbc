package api

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/notify"
)

// scenario is one call and what has to come of it (STY-63). A refusal is named
// by its code and may leave nothing behind.
type scenario struct {
	name     string
	as       string
	method   string // POST unless said otherwise
	path     string
	body     any
	header   map[string]string
	status   int
	code     string   // of the refusal, empty when it is done
	shows    []string // must appear in the answer
	hides    []string // must not
	leaves   int      // new entries in the evidence log
	messages int      // newly queued
}

// run plays scenarios in order in one world.
func (w *world) run(t *testing.T, scenarios []scenario) {
	t.Helper()
	for _, sc := range scenarios {
		leaves, messages := w.counts()
		header := map[string]string{"Idempotency-Key": freshKey()}
		maps.Copy(header, sc.header)
		method := sc.method
		if method == "" {
			method = http.MethodPost
		}
		got := w.do(request{as: sc.as, method: method, path: prefix + sc.path, body: sc.body, header: header})
		if got.status != sc.status || sc.code != "" && got.problem().Code != sc.code {
			t.Errorf("%s: status %d, want %d %s: %s", sc.name, got.status, sc.status, sc.code, got.body)
			continue
		}
		for _, text := range sc.shows {
			if !strings.Contains(string(got.body), text) {
				t.Errorf("%s: %q is missing: %s", sc.name, text, got.body)
			}
		}
		for _, text := range sc.hides {
			if strings.Contains(string(got.body), text) {
				t.Errorf("%s: %q is shown: %s", sc.name, text, got.body)
			}
		}
		moreLeaves, moreMessages := w.counts()
		if moreLeaves-leaves != sc.leaves || moreMessages-messages != sc.messages {
			t.Errorf("%s: %d leaves and %d messages, want %d and %d", sc.name, moreLeaves-leaves, moreMessages-messages, sc.leaves, sc.messages)
		}
	}
}

func (w *world) counts() (leaves, messages int) {
	w.t.Helper()
	w.must(w.db.Read(w.t.Context(), func(q bun.IDB) error {
		size, err := audit.Size(w.t.Context(), q)
		if err != nil {
			return err
		}
		leaves = int(size)
		counts, err := notify.Counts(w.t.Context(), q)
		for _, c := range counts {
			messages += c.N
		}
		return err
	}))
	return leaves, messages
}

// with gives a copy of a body with one more value: "site.division".
func with(body map[string]any, path string, value any) map[string]any {
	out := map[string]any{}
	maps.Copy(out, body)
	name, rest, deeper := strings.Cut(path, ".")
	switch inner, ok := out[name].(map[string]any); {
	case deeper && ok:
		out[name] = with(inner, rest, value)
	case value == nil:
		delete(out, name)
	default:
		out[name] = value
	}
	return out
}
