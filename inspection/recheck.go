package inspection

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
)

// Mismatch is one thing that tables and evidence log do not tell alike (EV-12).
type Mismatch struct {
	Case   string // its number
	Told   string // the fact, in codes as the log writes them
	InRows bool   // the tables tell it and the log does not; false: the other way round
}

// casePage is how many cases are compared at a time.
const casePage = 200

// CheckLog compares what the tables say of every case with what the log says:
// proofs of service, answers, outcomes, opinions, joint opinions, where each
// visit stands, who is booked for it and until when each department may answer. It gives how many
// cases it went through. A row that somebody added, removed or edited by other
// means than the acts shows here, whatever it would have to look like.
func CheckLog(ctx context.Context, q bun.IDB, found func(Mismatch)) (cases int, err error) {
	for after := ""; ; {
		page, err := casesAfter(ctx, q, after, casePage)
		if err != nil || len(page) == 0 {
			return cases, err
		}
		for _, c := range page {
			if err := checkCase(ctx, q, c, found); err != nil {
				return cases, fmt.Errorf("case %s: %w", c.Number, err)
			}
			cases++
		}
		after = page[len(page)-1].ID
	}
}

func checkCase(ctx context.Context, q bun.IDB, c Case, found func(Mismatch)) error {
	rows, err := rowsOf(ctx, q, c.ID)
	if err != nil {
		return err
	}
	entries, err := audit.Stream(ctx, q, caseStream(c.ID))
	if err != nil {
		return err
	}
	for _, department := range rows.departments() {
		more, err := audit.Stream(ctx, q, departmentStream(c.ID, department))
		if err != nil {
			return err
		}
		entries = append(entries, more...)
	}
	sortEntries(entries)
	here, deadlines := rows.tell()
	there, set := tellings(entries)
	there = append(there, rows.coming(entries)...)
	for what, until := range deadlines { // one that was erased with its only proof stands in the log alone (C9)
		if set[what] != until {
			here = append(here, fact(what, until))
		}
	}
	for _, told := range without(here, there) {
		found(Mismatch{Case: c.Number, Told: told, InRows: true})
	}
	for _, told := range without(there, here) {
		found(Mismatch{Case: c.Number, Told: told})
	}
	return nil
}

// without gives what a has and b has not, each as often as it is missing.
func without(a, b []string) (out []string) {
	left := map[string]int{}
	for _, s := range b {
		left[s]++
	}
	for _, s := range slices.Sorted(slices.Values(a)) {
		if left[s]--; left[s] < 0 {
			out = append(out, s)
		}
	}
	return out
}

// caseRows are the rows of one case that a leaf stands for.
type caseRows struct {
	visits       []Visit
	participants map[string]Participant // by id
	services     []Service
	replies      []Reply
	deemed       []Deemed
	opinions     []Opinion
	signatures   []Signature
	findings     []SiteFinding
	joint        []JointOpinion
	lists        []RectifyList
	items        []ListedItem
	added        []ItemProposal
	bookings     []Booking         // of booked visits
	of           map[string]string // department of a resource, of those that take part
	substituted  []Substitution
	objections   []Objection
	requests     []RevisitRequest
	breaches     []Breach
	photos       []ItemPhoto
}

func (r caseRows) departments() (out []string) {
	for _, p := range r.participants {
		out = append(out, p.DepartmentID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tell puts each row as tellings puts its leaf.
func (r caseRows) tell() (facts []string, deadlines map[string]string) {
	deadlines = map[string]string{}
	for _, v := range r.visits {
		facts = append(facts, fact("visit", v.ID, v.State, v.Round))
	}
	for _, p := range r.participants {
		if !p.RespondBy.IsZero() {
			deadlines[fact("deadline", p.VisitID, p.DepartmentID, p.Round)] = stamp(p.RespondBy)
		}
	}
	for _, s := range r.services {
		p := r.participants[s.ParticipantID]
		facts = append(facts, fact("arrived", p.VisitID, p.DepartmentID, s.Round, s.Class, s.Channel, stamp(s.ServedAt), s.Source))
	}
	for _, a := range r.replies {
		facts = append(facts, fact("reply", a.ID, a.VisitID, a.Round, a.Kind, stamp(a.ReceivedAt)))
	}
	for _, o := range r.deemed {
		facts = append(facts, fact("deemed", o.Number, o.VisitID, o.DepartmentID, o.Round, o.Reason, stamp(o.DecidedAt)))
	}
	for _, o := range r.opinions {
		facts = append(facts, fact("opinion", o.ID, o.Kind))
		if !o.SignedAt.IsZero() {
			facts = append(facts, fact("opinion_given", o.ID, o.Kind))
		}
		if !o.DroppedAt.IsZero() {
			facts = append(facts, fact("opinion_dropped", o.ID))
		}
	}
	saves := map[string][]SiteFinding{}
	for _, f := range r.findings {
		saves[f.Save] = append(saves[f.Save], f)
	}
	for save, rows := range saves {
		facts = append(facts, fact("checklist_answered", save, foundText(rows)))
	}
	for _, s := range r.signatures {
		facts = append(facts, fact("opinion_signed", s.ID, s.OpinionID, s.Capacity))
	}
	for _, j := range r.joint {
		facts = append(facts, fact("joint_opinion", j.VisitID, j.Number, j.Version, j.Result))
	}
	for _, l := range r.lists {
		if !l.GivenAt.IsZero() {
			facts = append(facts, fact("list_given", l.VisitID, l.N, l.How, stamp(l.GivenAt)))
		}
	}
	for _, i := range r.items {
		facts = append(facts, fact("item", i.ID, i.VisitID, i.DepartmentID, i.print()), fact("item_state", i.ID, i.State, i.Verify))
	}
	for _, a := range r.added {
		facts = append(facts, fact("item_proposed", a.ID, a.Ground))
		if !a.DecidedAt.IsZero() {
			facts = append(facts, fact("item_decided", a.ID, a.Agreed))
		}
	}
	for _, o := range r.objections {
		facts = append(facts, fact("objection", o.ID, o.Channel))
		if !o.Open() {
			facts = append(facts, fact("objection_ended", o.ID, o.Outcome))
		}
	}
	for _, b := range r.bookings {
		facts = append(facts, fact("comes", b.VisitID, b.ResourceID))
	}
	for _, x := range r.substituted {
		facts = append(facts, fact("substituted", x.ID, x.VisitID, x.Round, x.Out, x.In))
	}
	for _, q := range r.requests {
		facts = append(facts, fact("revisit_requested", q.ID, q.VisitID, q.Channel, stamp(q.DueAt)))
	}
	for _, p := range r.photos {
		facts = append(facts, fact("photo", p.ID, p.ItemID, p.SHA256, stamp(p.DueAt)))
		if !p.AnsweredAt.IsZero() {
			facts = append(facts, fact("photo_answered", p.ID, p.Answer))
		}
	}
	for _, b := range r.breaches {
		facts = append(facts, fact("breach", b.ID, b.Class, b.DepartmentID, b.State))
	}
	return facts, deadlines
}

// coming follows in the leaves who is booked for each visit: a round names them,
// a department that need not come gives its people back (INS-610).
func (r caseRows) coming(entries []audit.Entry) (facts []string) {
	coming := map[string][]string{} // by visit
	for _, e := range entries {
		visit, department := e.Text("visit"), path.Base(e.Stream)
		switch e.Type {
		case "visit_offered", "visit_retimed":
			named, _ := e.Fields["resources"].([]string)
			coming[visit] = slices.Clone(named)
		case "substituted":
			coming[visit] = append(slices.DeleteFunc(coming[visit], func(id string) bool { return id == e.Text("out") }), e.Text("in"))
		case "withdrawn", "excuse_upheld":
			coming[visit] = slices.DeleteFunc(coming[visit], func(id string) bool { return r.of[id] == department })
		case "visit_cancelled":
			delete(coming, visit)
		}
	}
	for visit, people := range coming {
		for _, id := range people {
			facts = append(facts, fact("comes", visit, id))
		}
	}
	return facts
}

// tellings puts the leaves of a case as caseRows.tell puts its rows. Of what
// moves, the state of a visit or an item and a deadline, the last word counts.
func tellings(entries []audit.Entry) (facts []string, deadlines map[string]string) {
	deadlines = map[string]string{}
	visits, items, breaches := map[string]string{}, map[string]string{}, map[string]string{}
	for _, e := range entries {
		visit, round, department := e.Text("visit"), e.Int("round"), path.Base(e.Stream)
		if state := e.Text("state"); visit != "" && state != "" {
			visits[visit] = fact("visit", visit, state, round)
		}
		switch e.Type {
		case "deadline_set":
			deadlines[fact("deadline", visit, department, round)] = e.Text("t2")
		case "arrived":
			facts = append(facts, fact("arrived", visit, department, round, e.Text("class"), e.Text("channel"), e.Text("served_at"), e.Text("source")))
		case "reply_received", "reply_late":
			facts = append(facts, fact("reply", e.Text("reply"), visit, round, e.Text("kind"), e.Text("received_at")))
		case "deemed":
			facts = append(facts, fact("deemed", e.Text("number"), visit, department, round, e.Text("reason"), audit.Instant(e.At)))
		case "substituted":
			facts = append(facts, fact("substituted", e.Text("substitution"), visit, round, e.Text("out"), e.Text("in")))
		case "objection":
			facts = append(facts, fact("objection", e.Text("objection"), e.Text("channel")))
		case "objection_ended":
			facts = append(facts, fact("objection_ended", e.Text("objection"), e.Text("outcome")))
		case "opinion":
			facts = append(facts, fact("opinion", e.Text("opinion"), e.Text("kind")))
		case "opinion_given":
			facts = append(facts, fact("opinion_given", e.Text("opinion"), e.Text("kind")))
		case "checklist_answered":
			facts = append(facts, fact("checklist_answered", e.Text("save"), e.Text("found")))
		case "opinion_dropped":
			facts = append(facts, fact("opinion_dropped", e.Text("opinion")))
		case "opinion_signed":
			facts = append(facts, fact("opinion_signed", e.Text("signature"), e.Text("opinion"), e.Text("capacity")))
		case "joint_opinion":
			facts = append(facts, fact("joint_opinion", visit, e.Text("number"), e.Int("version"), e.Text("result")))
		case "list_given":
			facts = append(facts, fact("list_given", visit, e.Int("list"), e.Text("how"), e.Text("given_at")))
		case "item_listed":
			facts = append(facts, fact("item", e.Text("item"), visit, department, e.Text("print")))
			items[e.Text("item")] = fact("item_state", e.Text("item"), ItemOpen, e.Text("verify"))
		case "item_moved":
			items[e.Text("item")] = fact("item_state", e.Text("item"), e.Text("now"), e.Text("verify"))
		case "photo_sent":
			facts = append(facts, fact("photo", e.Text("photo"), e.Text("item"), e.Text("sha256"), e.Text("due")))
		case "photo_answered":
			facts = append(facts, fact("photo_answered", e.Text("photo"), e.Text("answer")))
		case "revisit_requested":
			facts = append(facts, fact("revisit_requested", e.Text("request"), visit, e.Text("channel"), e.Text("t6")))
		case "breach":
			breaches[e.Text("breach")] = fact("breach", e.Text("breach"), e.Text("class"), department, e.Text("now"))
		case "item_proposed":
			facts = append(facts, fact("item_proposed", e.Text("proposal"), e.Text("ground")))
		case "item_added", "item_refused":
			facts = append(facts, fact("item_decided", e.Text("proposal"), e.Type == "item_added"))
		}
	}
	facts = slices.AppendSeq(slices.AppendSeq(facts, maps.Values(items)), maps.Values(breaches))
	return slices.AppendSeq(facts, maps.Values(visits)), deadlines
}

func fact(words ...any) string { return strings.TrimSuffix(fmt.Sprintln(words...), "\n") }
