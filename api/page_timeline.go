package api

import (
	"html/template"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/auth"
)

// moment is one entry of the evidence log in words.
type moment struct {
	At        time.Time
	Text      template.HTML
	Who       string
	Tone      string
	Seq       int64
	Technical bool // how a message travelled
}

// toneOf colours what a reader looks for first.
var toneOf = map[string]string{
	"arrived": "good", "reply_received": "good", "visit_confirmed": "good", "opinion_given": "good", "joint_opinion": "good", "list_given": "good", "record_signed": "good", "item_proposed": "warn", "item_added": "warn",
	"item_moved": "good", "photo_late": "bad", "revisit_closed": "good", "term_over": "warn", "revisit_late": "bad", "rectify_undecided": "warn", "breach": "bad", "danger": "bad", "item_pair": "warn", "items_seen": "good",
	"hold": "warn", "objection": "warn", "service_contested": "warn", "contest_ended": "warn", "extension_asked": "warn", "extension_decided": "warn", "substituted": "warn", "visit_retimed": "warn", "deadline_moved": "warn", "escalated": "warn", "reversal_proposed": "warn", "waiver_proposed": "warn", "opinion_waived": "warn",
	"missing": "warn", "absent": "bad", "delivery_failed": "bad", "reply_late": "bad", "visit_cancelled": "bad", "visit_not_held": "bad",
	"deemed": "deemed", "deemed_suspended": "deemed", "deemed_reversed": "deemed",
}

// wordOfField says which words a field of an entry is written with.
var wordOfField = map[string]string{
	"answer_refused.kind": "reply_kind", "withdrawn.reason_code": "end_reason", "visit_retimed.reason_code": "end_reason", "round_void.consent": "consent",
	"objection_ended.outcome": "objection_outcome", "contest_ended.outcome": "contest_outcome", "extension_decided.outcome": "extension_outcome", "hold.reason": "hold", "hold_end.reason": "hold", "opinion.kind": "opinion_kind", "opinion_signed.capacity": "capacity", "opinion_given.kind": "opinion_kind", "reply_received.kind": "reply_kind",
	"reply_late.kind": "reply_kind", "reply_received.outcome": "reply_outcome", "mail_sorted.outcome": "mail_outcome",
	"checked_in.way": "checkin_way", "attendance.now": "attendance", "absence_attested.role": "attest_role", "attestation_withdrawn.role": "attest_role",
	"item_proposed.ground": "add_ground", "revisit_closed.result": "result", "breach.now": "breach_state", "danger.now": "danger_state", "item_pair.now": "pair_state", "item_pair.kind": "pair_kind", "photo_answered.answer": "photo_answer",
	"correction_proposed.attendance": "attendance", "attendance_corrected.now": "attendance", "notice_composed.purpose": "purpose", "notice_composed.channel": "channel", "submitted.channel": "channel", "arrived.channel": "channel",
}

// moments puts the entries of a visit's streams into words, the latest first.
func (p *site) moments(v *view, visit inspection.VisitView, entries []audit.Entry) (out []moment, err error) {
	departments := map[string]string{"common": p.say(v, "outbox.applicant")}
	for _, one := range visit.Participants {
		departments[one.DepartmentID] = one.Name
	}
	for _, row := range visit.Case.Departments {
		if departments[row.DepartmentID] == "" {
			departments[row.DepartmentID] = inspection.SystemName(row.System).In(v.x.lang)
		}
	}
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		if v.x.lang == "en" {
			known, err := names(v, q, p)
			if err != nil {
				return err
			}
			for id, name := range departments {
				departments[id] = known.Of(id, name)
			}
		}
		who := actorNames(v, q, p)
		for i := len(entries) - 1; i >= 0; i-- {
			m := p.moment(v, visit.Kind, entries[i], departments)
			if m.Who, err = who(entries[i].Actor); err != nil {
				return err
			}
			out = append(out, m)
		}
		return nil
	})
	return out, err
}

func (p *site) moment(v *view, of inspection.VisitKind, e audit.Entry, departments map[string]string) moment {
	kind := e.Type
	if kind == "deadline_set" && e.Text("why") != "" {
		kind = "deadline_moved"
	}
	if class := e.Text("class"); kind == "arrived" && class != "A" && class != "B" {
		kind = "handed" // class C and D prove nothing by themselves (INS-704)
	}
	m := moment{At: e.At, Tone: toneOf[kind], Seq: e.Seq, Technical: kind == "notice_composed" || kind == "submitted" || kind == "handed"}
	args := []any{"type", e.Type, "department", departments[e.Stream[strings.LastIndexByte(e.Stream, '/')+1:]]}
	for name, value := range e.Fields {
		if words := wordOfField[e.Type+"."+name]; words != "" && p.set.Has(words+"."+e.Text(name)) {
			value = p.say(v, words+"."+e.Text(name))
		} else if name == "t2" || name == "t6" || e.Type == "visit_retimed" && name == "start" {
			value = withWeekday(v, e.Time(name))
		} else if name == "line" && v.x.lang == "en" { // the arithmetic is kept in Chinese
			value = withWeekday(v, e.Time("t3"))
		}
		args = append(args, name, value)
	}
	key := "leaf." + kind
	if !p.set.Has(key) {
		key = "leaf.other"
	}
	if kind == "arrived" && e.Text("about") == "opinion" {
		key = "leaf.arrived.opinion"
	}
	if kind == "joint_opinion" && e.Int("version") > 1 {
		key = "leaf.joint_opinion.again"
	}
	if kind == "deemed" && e.Text("reason") != string(inspection.NoReply) {
		key = "leaf.deemed." + e.Text("reason")
	}
	m.Text = p.set.Mark(v.x.lang, p.set.KeyOf(of, key), args...)
	return m
}

// actorNames names who acted, each person looked up once.
func actorNames(v *view, q bun.IDB, p *site) func(actor string) (string, error) {
	known := map[string]string{}
	return func(actor string) (string, error) {
		if name, ok := known[actor]; ok || actor == "" {
			return name, nil
		}
		kind, id, _ := strings.Cut(actor, ":")
		name := p.say(v, "who."+kind)
		if kind == string(auth.KindPerson) {
			person, err := auth.FindPerson(v.ctx(), q, id)
			switch {
			case err == nil:
				name = person.Name
			case !isMissing(err):
				return "", err
			}
		}
		known[actor] = name
		return name, nil
	}
}
