package delivery

import (
	"context"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// DEL §4.1, column "next", copied from the rule by hand; written_off is DEC-19.
func TestTheMovesOfAParcelAreTheOnesOfTheRule(t *testing.T) {
	next := map[ParcelState]string{
		"drafted":              "sealed cancelled",
		"sealed":               "handed_over collected_at_window cancelled drafted lost damaged",
		"handed_over":          "out_for_delivery on_hold returning lost damaged",
		"out_for_delivery":     "arrived delivered delivered_unverified attempt_failed on_hold returning lost damaged",
		"arrived":              "delivered delivered_unverified attempt_failed returning lost damaged",
		"delivered":            "",
		"delivered_unverified": "delivered",
		"attempt_failed":       "out_for_delivery rescheduled returning on_hold lost damaged",
		"rescheduled":          "out_for_delivery returning",
		"on_hold":              "handed_over out_for_delivery arrived attempt_failed rescheduled returning cancelled",
		"returning":            "returned lost damaged",
		"returned":             "",
		"collected_at_window":  "",
		"lost":                 "returning written_off",
		"damaged":              "returning written_off",
		"written_off":          "",
		"cancelled":            "",
	}
	if len(ParcelStates) != len(next) {
		t.Errorf("%d states, want %d", len(ParcelStates), len(next))
	}
	for _, row := range ParcelStates {
		got := ""
		for _, s := range row.Next {
			if !s.Known() {
				t.Errorf("%s leads to unknown %s", row.State, s)
			}
			if got += string(s) + " "; !row.State.MayFollow(s) {
				t.Errorf("%s may not be followed by %s", row.State, s)
			}
		}
		if want, ok := next[row.State]; !ok || got != want && got != want+" " {
			t.Errorf("%s: next %q, want %q", row.State, got, want)
		}
		if row.State.Terminal() != (len(row.Next) == 0) {
			t.Errorf("%s: terminal %v with %d moves", row.State, row.State.Terminal(), len(row.Next))
		}
	}
}

func TestEveryStateAndOutcomeHasWordsInBothLanguages(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range ParcelStates {
		for _, text := range []string{r.State.Word("zh"), r.State.Word("en"), r.State.Public("zh"), r.State.Public("en")} {
			if text == "" {
				t.Errorf("%s lacks a text", r.State)
			}
		}
		if seen[string(r.State)] {
			t.Errorf("%s stands twice", r.State)
		}
		seen[string(r.State)] = true
	}
	seen = map[string]bool{}
	for _, r := range Outcomes {
		if r.Outcome.Word("zh") == "" || r.Outcome.Word("en") == "" || seen[string(r.Outcome)] {
			t.Errorf("%s lacks a text or stands twice", r.Outcome)
		}
		seen[string(r.Outcome)] = true
	}
	if ParcelState("gone").Known() || Outcome("gone").Known() {
		t.Error("unknown words are known")
	}
}

// DEL-411, the groups of DEL §4.2.
func TestEveryFailureHasADefaultSide(t *testing.T) {
	groups := map[Fault][]Outcome{
		"": {"recipient", "named_agent", "mail_room", "proxy", "locker", "unstated"},
		FaultApplicant: {"not_home", "no_answer", "phone_wrong", "refused", "asked_later",
			"named_person_absent", "id_mismatch", "code_failed", "address_wrong"},
		FaultOurs: {"no_time", "parcel_missing", "mis_sorted", "address_unclear", "vehicle",
			"proof_not_possible", "lost", "damaged", "wrong_receiver", "other"},
		FaultCarrier: {"carrier_cancelled", "no_rider", "out_of_area", "delayed"},
		FaultMajeure: {"weather", "traffic_closure", "no_entry"},
	}
	n := 0
	for side, outcomes := range groups {
		for _, o := range outcomes {
			if n++; !o.Known() || o.Fault() != side || o.HandOver() != (side == "") {
				t.Errorf("%s: side %q, want %q", o, o.Fault(), side)
			}
		}
	}
	if n != len(Outcomes) {
		t.Errorf("%d outcomes, want %d", len(Outcomes), n)
	}
	if Outcome("no_such").Fault() != FaultOurs || !Outcome("no_such").ActionRequired() {
		t.Error("an unknown outcome must count as ours and call for somebody")
	}
}

// DEL-410.
func TestOtherNeedsWordsAndRefusedNeedsEvidence(t *testing.T) {
	for _, c := range []struct {
		outcome      Outcome
		reason, call string
		photos       int
		code         string
	}{
		{OtherOutcome, "门禁坏", "", 0, "outcome_text_missing"},
		{OtherOutcome, "  坏了   ", "", 0, "outcome_text_missing"},
		{OtherOutcome, "门禁坏了的", "", 0, ""},
		{Refused, "", "", 1, "outcome_text_missing"},
		{Refused, "名称印错", "", 0, "outcome_evidence_missing"},
		{Refused, "名称印错", "  ", 0, "outcome_evidence_missing"},
		{Refused, "名称印错", "", 1, ""},
		{Refused, "名称印错", "电话中说明", 0, ""},
		{NotHome, "", "", 0, ""},
		{ToRecipient, "", "", 0, "outcome_unknown"},
		{"gone", "", "", 0, "outcome_unknown"},
	} {
		err := CheckFailure(c.outcome, c.reason, c.call, c.photos)
		if c.code == "" && err != nil || c.code != "" && !fault.Is(err, c.code) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// DEL-1504: the board asks for open parcels in the words of its index, which has
// to leave out what has ended and nothing else.
func TestBoardLeavesOutWhatHasEndedAndNothingElse(t *testing.T) {
	for _, r := range ParcelStates {
		if quoted := strings.Contains(stillOpen, "'"+string(r.State)+"'"); quoted != r.State.Terminal() {
			t.Errorf("%s: left out %v, ended %v", r.State, quoted, r.State.Terminal())
		}
	}
}

// listQuery keeps the last question for parcels.
type listQuery struct{ sql string }

func (*listQuery) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (l *listQuery) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if strings.Contains(e.Query, `FROM "parcels"`) {
		l.sql = e.Query
	}
}

// Must reach: a board of 10,000 open parcels in 300 ms, beside years of ended
// ones, which it does not read.
func TestTheBoardReadsNoParcelThatHasEnded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	seen := &listQuery{}
	w.DB.Watch(seen)
	for _, c := range []PromiseColour{"", ColourRed, ColourAmber} {
		_, err := w.ListParcels(t.Context(), w.clerk, ParcelQuery{Open: true, Colour: c, Limit: 200})
		w.must(err)
		var plan []struct {
			ID, Parent, Notused int
			Detail              string
		}
		w.must(w.DB.Read(t.Context(), func(q bun.IDB) error {
			return q.NewRaw("EXPLAIN QUERY PLAN "+seen.sql).Scan(t.Context(), &plan)
		}))
		if len(plan) == 0 || !strings.Contains(plan[0].Detail, "parcels_open") && !strings.Contains(plan[0].Detail, "parcels_held") {
			t.Errorf("colour %q: %+v", c, plan)
		}
	}
}
