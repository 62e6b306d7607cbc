package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"lianban/internal/auth"
)

// hostile are values that no field of a request expects.
var hostile = []any{
	nil, -1, 1e15, 0.1, true, "", " ", "zz-unknown", strings.Repeat("长", 5000), "a\x00b", "x\r\nBcc: y", "\u202e🏮𠮷",
	"0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "%'; DROP TABLE cases; --",
	[]any{}, map[string]any{}, []any{[]any{nil}}, map[string]any{"a": 1},
}

// spoiled gives copies of a body, each with one of its values exchanged.
func spoiled(body any) (out []any) {
	var whole any
	text, _ := json.Marshal(body) // a sample: it is JSON
	_ = json.Unmarshal(text, &whole)
	var walk func(node any, put func(any))
	walk = func(node any, put func(any)) {
		for _, bad := range hostile {
			put(bad)
			copied, _ := json.Marshal(whole)
			out = append(out, json.RawMessage(copied))
		}
		put(node)
		switch node := node.(type) {
		case map[string]any:
			for name, child := range node {
				walk(child, func(v any) { node[name] = v })
			}
		case []any:
			for i, child := range node {
				walk(child, func(v any) { node[i] = v })
			}
		}
	}
	walk(whole, func(v any) { whole = v })
	return out
}

// actorFor is somebody who may call the route.
func actorFor(line Route) string {
	for _, role := range append(append([]auth.Role{}, line.Who.Own...), line.Who.Roles...) {
		return string(role)
	}
	return ""
}

// Must survive: every field of every operation, one at a time, holds what nobody
// expects. The answer is a problem or a success, never a fault of ours.
func TestNoSpoiledFieldIsAFaultOfOurs(t *testing.T) {
	s := newScene(t)
	samples := apiSamples(s)
	for _, line := range s.operationsIn() {
		sample := samples[line.Act]
		if _, raw := sample.body.([]byte); raw || sample.body == nil {
			continue
		}
		for _, body := range spoiled(sample.body) {
			sample.body = body
			got := s.try(line, sample, actorFor(line))
			if got.status >= http.StatusInternalServerError {
				t.Fatalf("%s %s: %d %s", line.Act, body, got.status, got.body)
			}
			if got.status >= http.StatusBadRequest {
				got.problem()
			}
		}
	}
}

var anyID = regexp.MustCompile(`\{[a-z_]+\}`)

// SEC-3: an id that has the form but no object is not found, whoever asks, and
// never a fault of ours.
func TestUnknownIdsAreNotFoundEverywhere(t *testing.T) {
	s := newScene(t)
	samples := apiSamples(s)
	for _, line := range s.operationsIn() {
		if !strings.Contains(line.Path, "{") {
			continue
		}
		sample := samples[line.Act]
		sample.byPath = nil
		sample.path = strings.TrimPrefix(anyID.ReplaceAllString(line.Path, "zz"), prefix)
		if got := s.try(line, sample, actorFor(line)); got.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", line.Act, got.status, got.body)
		}
	}
}

// SEC-10, STY-63: reading is reading; no GET leaves an entry or a message.
func TestReadingLeavesNothingBehind(t *testing.T) {
	s := newScene(t)
	samples := apiSamples(s)
	leaves, messages := s.counts()
	for _, line := range s.operationsIn() {
		if line.Method != http.MethodGet {
			continue
		}
		want := http.StatusOK
		if line.Act == "weighCounter" {
			want = http.StatusConflict // no department has proposed another time
		}
		s.try(line, samples[line.Act], actorFor(line)).is(want)
	}
	if l, m := s.counts(); l != leaves || m != messages {
		t.Errorf("%d leaves and %d messages more", l-leaves, m-messages)
	}
}
