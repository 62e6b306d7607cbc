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
// proofs of service, answers, outcomes, opinions, joint opinions, signed records,
// extensions, where each visit stands, who is booked for it and until when each
// department may answer. It gives how many cases it went through. A row that somebody
// added, removed or edited by other means than the acts shows here, whatever it would
// have to look like.
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
	reversals    []Reversal // decided ones
	waivers      []Waiver   // decided ones
	opinions     []Opinion
	signatures   []Signature
	findings     []SiteFinding
	joint        []JointOpinion
	lists        []RectifyList
	items        []ListedItem
	added        []ItemProposal
	bookings     []Booking         // of booked visits
	of           map[string]string // department of a resource, of those that take part
	listed       []string          // departments of the case's list: one may stand in the ledger before there is a visit
	substituted  []Substitution
	objections   []Objection
	contests     []Contest
	requests     []RevisitRequest
	breaches     []Breach
	dangers      []Danger
	pairs        []ItemPair
	photos       []ItemPhoto
	stops        []TripStop // live ones
	extensions   []Extension
}

func (r caseRows) departments() []string {
	out := append([]string{PartyWindow}, r.listed...)
	for _, b := range r.breaches {
		out = append(out, b.DepartmentID)
	}
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
		if s := v.Signed; s != nil {
			facts = append(facts, fact("record_signed", v.ID, s.How, stamp(s.At), s.print()))
		}
	}
	for _, b := range r.bookings {
		facts = append(facts, fact("comes", b.VisitID, b.ResourceID))
	}
	for _, x := range r.stops {
		facts = append(facts, fact("stop", x.VisitID, x.TripID, x.Round))
	}
	for _, x := range r.substituted {
		facts = append(facts, fact("substituted", x.ID, x.VisitID, x.Round, x.Out, x.In))
	}
	for _, e := range r.extensions {
		facts = append(facts, fact("extension", e.ID, e.Setting, e.Days))
		if !e.Open() {
			facts = append(facts, fact("extension_decided", e.ID, e.Outcome, e.Document, e.DocumentDate, e.print()))
		}
	}
	for _, p := range r.participants {
		if !p.RespondBy.IsZero() {
			deadlines[fact("deadline", p.VisitID, p.DepartmentID, p.Round)] = stamp(p.RespondBy)
		}
	}
	return slices.Concat(facts, r.answers(), r.words(), r.rectification()), deadlines
}

// answers are what arrived, what came back and what was deemed.
func (r caseRows) answers() (facts []string) {
	for _, s := range r.services {
		p := r.participants[s.ParticipantID]
		facts = append(facts, fact("arrived", p.VisitID, p.DepartmentID, s.About, s.Round, s.Class, s.Channel, stamp(s.ServedAt), s.Source))
	}
	for _, a := range r.replies {
		facts = append(facts, fact("reply", a.ID, a.VisitID, a.Round, a.Kind, stamp(a.ReceivedAt)))
	}
	for _, o := range r.deemed {
		facts = append(facts, fact("deemed", o.Number, o.VisitID, o.DepartmentID, o.Round, o.Reason, stamp(o.DecidedAt)))
		if !o.SuspendedAt.IsZero() {
			facts = append(facts, fact("no_effect", o.VisitID, o.DepartmentID, o.Round))
		}
	}
	for _, x := range r.reversals {
		p := r.participants[x.ParticipantID]
		facts = append(facts, fact("deemed_reversed", p.VisitID, p.DepartmentID, x.Round, x.ProposedBy, x.DecidedBy, stamp(x.DecidedAt)))
	}
	for _, w := range r.waivers {
		p := r.participants[w.ParticipantID]
		facts = append(facts, fact("opinion_waived", w.ID, p.VisitID, p.DepartmentID, w.ProposedBy, w.DecidedBy, stamp(w.DecidedAt)))
	}
	for _, o := range r.objections {
		facts = append(facts, fact("objection", o.ID, o.Channel))
		if !o.Open() {
			facts = append(facts, fact("objection_ended", o.ID, o.Outcome))
		}
	}
	for _, c := range r.contests {
		facts = append(facts, fact("contest", c.ID, stamp(c.ServedAt), stamp(c.RespondBy), stamp(c.SaidAt)))
		if !c.Open() {
			facts = append(facts, fact("contest_ended", c.ID, c.Outcome, stamp(c.NewServedAt), stamp(c.NewRespondBy)))
		}
	}
	return facts
}

// words are what departments found and said on the site, and what came of it.
func (r caseRows) words() (facts []string) {
	saves := map[string][]SiteFinding{}
	for _, f := range r.findings {
		saves[f.Save] = append(saves[f.Save], f)
	}
	for save, rows := range saves {
		facts = append(facts, fact("checklist_answered", save, foundText(rows)))
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
	for _, s := range r.signatures {
		facts = append(facts, fact("opinion_signed", s.ID, s.OpinionID, s.Capacity))
	}
	for _, j := range r.joint {
		facts = append(facts, fact("joint_opinion", j.VisitID, j.Number, j.Version, j.Result))
	}
	return facts
}

// rectification is what had to be put right after a visit.
func (r caseRows) rectification() (facts []string) {
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
	for _, p := range r.photos {
		facts = append(facts, fact("photo", p.ID, p.ItemID, p.SHA256, stamp(p.DueAt)))
		if !p.AnsweredAt.IsZero() {
			facts = append(facts, fact("photo_answered", p.ID, p.Answer))
		}
	}
	for _, q := range r.requests {
		facts = append(facts, fact("revisit_requested", q.ID, q.VisitID, q.Channel, stamp(q.DueAt)))
	}
	for _, d := range r.dangers {
		facts = append(facts, fact("danger", d.ID, d.DepartmentID, d.State(), d.print()))
	}
	for _, x := range r.pairs {
		facts = append(facts, fact("pair", x.ID, x.Kind, x.State(), x.print()))
	}
	for _, p := range r.participants {
		if p.ItemsSeen != "" {
			facts = append(facts, fact("items_seen", p.VisitID, p.DepartmentID, p.ItemsSeen))
		}
	}
	for _, b := range r.breaches {
		facts = append(facts, b.told())
	}
	return facts
}

// coming follows in the leaves who is booked for each visit: a round names them, a
// department that was added brings its own (INS-308), and one that need not come
// gives its people back (INS-610).
func (r caseRows) coming(entries []audit.Entry) (facts []string) {
	coming := map[string][]string{} // by visit
	for _, e := range entries {
		visit, department := e.Text("visit"), path.Base(e.Stream)
		switch e.Type {
		case "visit_offered", "visit_retimed":
			named, _ := e.Fields["resources"].([]string)
			coming[visit] = slices.Clone(named)
		case "invited":
			named, _ := e.Fields["resources"].([]string)
			coming[visit] = append(coming[visit], named...)
		case "trip_joined": // with the trip's vehicle
			if in := e.Text("in"); in != "" {
				coming[visit] = append(slices.DeleteFunc(coming[visit], func(id string) bool { return id == e.Text("out") }), in)
			}
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

// rowLeaves are the leaves each of which stands for one row: the word of the fact, and
// the fields that row and leaf have in common, in the order of tell.
var rowLeaves = map[string][]string{
	"arrived":            {"arrived", "visit", ofStream, "about", "round", "class", "channel", "served_at", "source"},
	"reply_received":     {"reply", "reply", "visit", "round", "kind", "received_at"},
	"reply_late":         {"reply", "reply", "visit", "round", "kind", "received_at"},
	"deemed":             {"deemed", "number", "visit", ofStream, "round", "reason", ofInstant},
	"deemed_reversed":    {"deemed_reversed", "visit", ofStream, "round", "proposed_by", ofActor, ofInstant},
	"opinion_waived":     {"opinion_waived", "waiver", "visit", ofStream, "proposed_by", ofActor, ofInstant},
	"substituted":        {"substituted", "substitution", "visit", "round", "out", "in"},
	"objection":          {"objection", "objection", "channel"},
	"objection_ended":    {"objection_ended", "objection", "outcome"},
	"service_contested":  {"contest", "contest", "t1", "t2", "said"},
	"contest_ended":      {"contest_ended", "contest", "outcome", "t1", "t2"},
	"extension_asked":    {"extension", "extension", "setting", "days"},
	"extension_decided":  {"extension_decided", "extension", "outcome", "document", "document_date", "print"},
	"checklist_answered": {"checklist_answered", "save", "found"},
	"opinion":            {"opinion", "opinion", "kind"},
	"opinion_given":      {"opinion_given", "opinion", "kind"},
	"opinion_dropped":    {"opinion_dropped", "opinion"},
	"opinion_signed":     {"opinion_signed", "signature", "opinion", "capacity"},
	"joint_opinion":      {"joint_opinion", "visit", "number", "version", "result"},
	"record_signed":      {"record_signed", "visit", "how", "signed_at", "print"},
	"list_given":         {"list_given", "visit", "list", "how", "given_at"},
	"item_listed":        {"item", "item", "visit", ofStream, "print"},
	"photo_sent":         {"photo", "photo", "item", "sha256", "due"},
	"photo_answered":     {"photo_answered", "photo", "answer"},
	"revisit_requested":  {"revisit_requested", "request", "visit", "channel", "t6"},
	"item_proposed":      {"item_proposed", "proposal", "ground"},
}

// What a leaf says outside its fields.
const (
	ofStream  = "/department"
	ofInstant = "/at"
	ofActor   = "/actor"
)

// tell puts one leaf that stands for one row.
func tell(e audit.Entry, words []string) string {
	said := []any{words[0]}
	for _, field := range words[1:] {
		switch field {
		case ofStream:
			said = append(said, path.Base(e.Stream))
		case ofInstant:
			said = append(said, audit.Instant(e.At))
		case ofActor:
			said = append(said, e.Actor)
		default:
			said = append(said, e.Fields[field])
		}
	}
	return fact(said...)
}

// tellings puts the leaves of a case as caseRows.tell puts its rows. Of what
// moves, the state of a visit, an item or a breach and a deadline, the last word
// counts.
func tellings(entries []audit.Entry) (facts []string, deadlines map[string]string) {
	deadlines = map[string]string{}
	last := map[string]string{} // by what moves
	for _, e := range entries {
		visit, round, department := e.Text("visit"), e.Int("round"), path.Base(e.Stream)
		if state := e.Text("state"); visit != "" && state != "" {
			last[visit] = fact("visit", visit, state, round)
		}
		if words, ok := rowLeaves[e.Type]; ok {
			facts = append(facts, tell(e, words))
		}
		switch e.Type {
		case "deadline_set":
			deadlines[fact("deadline", visit, department, round)] = e.Text("t2")
		case "deemed_suspended", "deemed_reversed": // the one after the other is one state
			what := fact("no_effect", visit, department, round)
			last[what] = what
		case "item_listed":
			last[e.Text("item")] = fact("item_state", e.Text("item"), ItemOpen, e.Text("verify"))
		case "trip_joined":
			last["trip of "+visit] = fact("stop", visit, e.Text("trip"), round)
		case "trip_left":
			delete(last, "trip of "+visit)
		case "item_moved":
			last[e.Text("item")] = fact("item_state", e.Text("item"), e.Text("now"), e.Text("verify"))
		case "danger":
			last[e.Text("danger")] = fact("danger", e.Text("danger"), department, e.Text("now"), e.Text("print"))
		case "item_pair": // in the streams of both departments
			last[e.Text("pair")] = fact("pair", e.Text("pair"), e.Text("kind"), e.Text("now"), e.Text("print"))
		case "items_seen":
			last[fact("items_seen", visit, department)] = fact("items_seen", visit, department, e.Text("print"))
		case "breach":
			last[e.Text("breach")] = fact("breach", e.Text("breach"), e.Text("class"), department, e.Text("now"), e.Text("print"))
		case "item_added", "item_refused":
			facts = append(facts, fact("item_decided", e.Text("proposal"), e.Type == "item_added"))
		}
	}
	return slices.AppendSeq(facts, maps.Values(last)), deadlines
}

func fact(words ...any) string { return strings.TrimSuffix(fmt.Sprintln(words...), "\n") }
