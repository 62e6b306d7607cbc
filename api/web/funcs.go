package web

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
)

// funcs are the words that templates know, in one language.
func (w words) funcs() template.FuncMap {
	return template.FuncMap{
		"t":        w.marked,
		"of":       w.of,
		"word":     w.word,
		"has":      func(key string) bool { _, ok := w.texts[key]; return ok },
		"chip":     w.chip,
		"toned":    toned,
		"day":      w.day,
		"isoDay":   w.isoDay,
		"clock":    clock,
		"when":     w.when,
		"span":     w.span,
		"period":   w.period,
		"left":     w.left,
		"dated":    func(t time.Time) template.HTML { return w.when(time.Time{}, t) }, // with its year, for papers
		"datedDay": func(t time.Time) string { return w.day(time.Time{}, t) },
		"datedPeriod": func(from, to time.Time) template.HTML {
			return w.period(time.Time{}, from, to)
		},
		"datedSpan": func(from, to time.Time) template.HTML {
			return w.span(time.Time{}, from, to)
		},
		"length":   w.length,
		"urgency":  urgency,
		"forInput": forInput,
		"name":     w.name,
		"mixed":    w.mixed,
		"foreign":  func(text string) template.HTMLAttr { return template.HTMLAttr(w.foreign(text)) }, // for what no element fits in
		"asset":    assetPath,
		"dict":     dict,
		"id":       fieldID,
		"listed":   func(items []string) template.HTML { return w.name(strings.Join(items, w.texts["list.comma"])) },
		"openHours": func(hours fmt.Stringer) string {
			return strings.NewReplacer("-", "–", ",", w.texts["list.comma"]).Replace(hours.String())
		},
		"query": withQuery,
		"excuses": func() []string {
			return []string{"emergency", "disaster", "statutory_meeting", "illness_no_substitute", "recusal", "other"} // INS-812
		},
		"kinds":           func() []string { return []string{"accept", "decline", "counter", "excuse", "delegate"} }, // INS-801
		"contestOutcomes": func() []string { return []string{"rejected", "later", "void"} },                          // INS-712
		"opinions":        func() []string { return []string{"agree", "rectify", "disagree", "deferred"} },           // INS-1008
		"written":         func() []string { return []string{"agree", "rectify", "disagree"} },                       // INS-813
		"three":           func() []int { return upTo(3) },                                                           // INS-801: at most three times
		"items":           func() []int { return upTo(Items) },
		"findings":        func() []string { return []string{"accepted", "missing", "damaged"} }, // DEL-910
		"extraAnswers":    func() []string { return []string{"known", "new", "returned"} },       // DEL-911
		"choices":         func() []string { return []string{"wait", "split", "no_answer"} },     // DEL-303
		"channels":        func() []string { return []string{"window", "phone"} },
		"add":             func(a, b int) int { return a + b },
		"div":             func(a, b int) int { return a / b },
		"code128":         code128SVG,
	}
}

// Items is how many findings one opinion has room for on its form. They are
// listed once and for all (INS-1107), so there are more than anybody needs.
const Items = 12

// upTo counts from 1 to n.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

// chip shows a state as a word with a colour and a mark, so that colour is
// never alone (WCAG 1.4.1).
func (w words) chip(kind string, value any) (template.HTML, error) {
	text, err := w.word(kind, value)
	if err != nil {
		return "", err
	}
	return toned(kind, value, text), nil
}

// toned is chip for a state whose word the domain has itself.
func toned(kind string, value any, text string) template.HTML {
	tone := tones[fmt.Sprintf("%s.%v", kind, value)]
	if tone == "" {
		tone = "plain"
	}
	return template.HTML(`<span class="chip ` + tone + `">` + template.HTMLEscapeString(text) + `</span>`)
}

// tones are the colours of the states: good, wait, warn, bad; others are plain.
var tones = map[string]string{
	"agreement.missing": "plain", "agreement.recorded": "wait", "agreement.checked": "good",

	"case_state.accepted": "wait", "case_state.visiting": "info", "case_state.visited": "good", "case_state.no_visit": "plain", "case_state.handed_over": "good",

	"visit_state.draft": "wait", "visit_state.offered": "info", "visit_state.confirmed": "good",
	"visit_state.in_progress": "info", "visit_state.collecting": "info", "visit_state.closed": "good",
	"visit_state.not_held": "bad", "visit_state.cancelled": "plain",

	"consent.unserved": "warn", "consent.awaiting": "wait", "consent.accepted": "good", "consent.declined": "bad",
	"consent.countered": "warn", "consent.excuse_pending": "warn", "consent.deemed": "deemed", "consent.void": "plain",

	"attendance.present": "good", "attendance.not_held": "bad", "attendance.absent_prov": "warn", "attendance.absent": "bad", "attendance.short": "warn", "attendance.late": "warn", "attendance.left_early": "warn",

	"opinion.given": "good", "opinion.deemed": "deemed", "opinion.review": "warn", "opinion.draft": "wait", "opinion.deferred": "wait",
	"opinion_kind.agree": "good", "opinion_kind.rectify": "warn", "opinion_kind.disagree": "bad",
	"photo_answer.agreed": "good", "photo_answer.again": "warn", "photo_answer.visit": "warn",
	"danger_state.open": "bad", "danger_state.half": "warn", "danger_state.cleared": "good",
	"pair_state.open": "bad", "pair_state.sent": "warn", "pair_state.settled": "good",
	"extension_outcome.approved": "good", "extension_outcome.refused": "bad",
	"breach_state.suspected": "warn", "breach_state.confirmed": "bad", "breach_state.recorded": "info",
	"applicant_visit.offered": "info", "applicant_visit.confirmed": "info", "applicant_visit.in_progress": "info",
	"applicant_visit.collecting": "info", "applicant_visit.not_held": "warn", "applicant_visit.cancelled": "plain",
	"item_state.open": "warn", "item_state.settled": "good",
	"result.passed": "good", "result.rectify": "warn", "result.failed": "bad",

	"reply_kind.accept": "good", "reply_kind.decline": "bad", "reply_kind.counter": "warn", "reply_kind.excuse": "warn",
	"reply_outcome.applied": "good", "reply_outcome.late": "bad", "reply_outcome.superseded": "warn", "reply_outcome.held": "warn",

	"service_class.A": "good", "service_class.B": "good",

	"message_state.pending": "wait", "message_state.attempting": "wait", "message_state.unknown": "warn",
	"message_state.accepted": "info", "message_state.delivered": "good", "message_state.undelivered": "bad",
	"message_state.failed": "bad", "message_state.dead": "bad", "message_state.expired": "bad",

	"inbound_state.held": "warn", "inbound_state.sorted": "good",
	"finding.ok": "good", "finding.bad": "bad", "verdict.PASS": "good", "verdict.FAIL": "bad", "verdict.CONFLICT": "bad", "verdict.UNPINNED": "warn",
	"parcel_state.drafted": "wait", "parcel_state.sealed": "wait", "parcel_state.handed_over": "info",
	"parcel_state.out_for_delivery": "info", "parcel_state.arrived": "info", "parcel_state.delivered": "good",
	"parcel_state.delivered_unverified": "warn", "parcel_state.attempt_failed": "bad", "parcel_state.rescheduled": "warn",
	"parcel_state.on_hold": "warn", "parcel_state.returning": "warn", "parcel_state.collected_at_window": "good",
	"parcel_state.lost": "bad", "parcel_state.damaged": "bad",
	"parcel_colour.green": "good", "parcel_colour.amber": "warn", "parcel_colour.red": "bad",
	"promise_result.met": "good", "promise_result.missed": "bad", "promise_result.pending": "warn",
	"promise_result.running": "info", "promise_result.paused": "warn",
	"quality.A": "good", "quality.B": "info", "quality.C": "warn", "taken.ok": "good", "taken.bad": "bad",

	"bag_state.filling": "wait", "bag_state.released": "info", "bag_state.accepted": "good", "bag_state.accepted_partial": "warn", "bag_state.refused": "bad",
	"table_status.accepted": "good", "table_status.rejected": "bad",
	"run_state.planned": "wait", "run_state.away": "info", "run_state.closed": "good", "run_state.missed": "warn",
	"run_fate.open": "wait", "run_fate.out": "good", "run_fate.in": "good", "run_fate.back": "warn", "run_fate.moved": "warn",
	"destruction_state.proposed": "warn", "destruction_state.done": "bad",
	"extra_answer.known": "good", "extra_answer.new": "info", "extra_answer.returned": "plain",
	"damage_state.open": "warn", "damage_state.reissue": "info", "damage_state.keep": "good", "damage_state.void": "bad",
	"loan_state.granted": "wait", "loan_state.out": "info", "loan_state.returned": "good",

	"derived.in": "good", "derived.unknown": "warn",

	"file_state.supplied": "wait", "file_state.sent": "info", "file_state.served": "good", "file_state.withdrawn": "plain",
	"line_state.expected": "wait", "line_state.received": "good", "line_state.waived": "plain", "line_state.split_out": "info",
	"set_state.ready": "good", "set_state.blocked": "wait",
	"transfer_state.released": "wait", "transfer_state.accepted": "good", "transfer_state.accepted_partial": "warn", "transfer_state.refused": "bad",
	"finding_of.accepted": "good", "finding_of.missing": "bad", "finding_of.damaged": "warn",
	"keeper.window": "good", "keeper.department": "wait", "keeper.courier": "info",
	"choice.wait": "plain", "choice.split": "info", "choice.no_answer": "warn",
}

// fieldID is the id of a field, one of its kind on the page.
func fieldID(act, on, name string) string {
	if on == "" {
		return act + "-" + name
	}
	return act + "-" + on + "-" + name
}

// dict makes the argument of a shared part from names and values in turn.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: a name without a value")
	}
	out := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		out[key] = pairs[i+1]
	}
	return out, nil
}

// withQuery is an address of our own with some parameters set anew; an empty
// value takes the parameter away.
func withQuery(address string, pairs ...string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || len(pairs)%2 != 0 {
		return "", fmt.Errorf("query of %q: %w", address, err)
	}
	q := u.Query()
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
