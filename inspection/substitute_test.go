package inspection

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// exchange is a request by which the one of a department who does not come takes
// the place of the first who does.
func (w *testWorld) exchange(v Visit, system string) SubstituteRequest {
	w.t.Helper()
	p := w.part(v.ID, system)
	r := SubstituteRequest{ParticipantID: p.ID, Out: p.People[0].ID, Reason: "临时参加专项检查"}
	for _, one := range w.people[system] {
		if !slices.ContainsFunc(p.People, func(k Resource) bool { return k.ID == one.ID }) {
			r.In = one.ID
		}
	}
	return r
}

func (w *testWorld) substituted(v Visit, system string) Substitution {
	w.t.Helper()
	s, err := w.Substitute(w.t.Context(), w.inspector(system), w.exchange(v, system))
	w.must(err)
	return s
}

func TestADepartmentReplacesAnInspectorWithoutANewRound(t *testing.T) { // INS-610, INS-607, DEC-18
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		w.reply(v, "fire", ReplyAccept)
		before, was := w.part(v.ID, "fire"), w.bookings(v)
		w.clock.forward(time.Hour)
		s := w.substituted(v, "fire")
		p := w.part(v.ID, "fire")
		if p.Round != 1 || p.Consent != ConsentAccepted || !p.RespondBy.Equal(before.RespondBy) || p.Notice.ID != before.Notice.ID {
			t.Errorf("fire is %+v, was %+v", p.Participant, before.Participant)
		}
		seen, err := w.FindVisit(t.Context(), w.clerk, v.ID)
		w.must(err)
		if seen.Round != v.Round || seen.Sequence != v.Sequence || len(seen.Rounds) != 1 {
			t.Errorf("the visit is in round %d, sequence %d", seen.Round, seen.Sequence)
		}
		comes := func(id string) bool {
			return slices.ContainsFunc(w.bookings(v), func(b Booking) bool { return b.ResourceID == id && b.Start.Equal(v.Start) && b.Round == 1 })
		}
		if comes(s.Out) || !comes(s.In) || len(w.bookings(v)) != len(was) {
			t.Errorf("booked are %+v", w.bookings(v))
		}
		if len(p.Substituted) != 1 || p.Substituted[0].OutName != before.People[0].Name || !slices.ContainsFunc(p.People, func(r Resource) bool { return r.ID == s.In }) {
			t.Errorf("the page has %+v", p.Substituted)
		}
		if got := w.leaves(v, "fire"); !strings.HasSuffix(got, "substituted") {
			t.Errorf("fire's record: %s", got)
		}
	})
}

func TestWhoStepsBackIsFreeAndWhoComesIsTaken(t *testing.T) { // INS-602, INS-610
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v, other := w.served(), w.newDraft()
		s := w.substituted(v, "fire")
		absence := Absence{ResourceID: s.In, Start: v.Start, End: v.End}
		_, err := w.AddAbsence(t.Context(), w.boss, absence, once.Key{})
		w.refused(err, "absence_booked")
		absence.ResourceID = s.Out
		_, err = w.AddAbsence(t.Context(), w.boss, absence, once.Key{})
		w.must(err)
		choice := SlotChoice{Start: v.Start, Resources: []string{s.In}}
		_, err = w.Book(t.Context(), w.clerk, BookRequest{VisitID: other.ID, Choice: choice})
		w.refused(err, "slot_taken")
	})
}

func TestTheWindowSubstitutesOnACallAndSaysWhoRang(t *testing.T) { // INS-610, DEC-18
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		r := w.exchange(v, "fire")
		_, err := w.Substitute(t.Context(), w.clerk, r)
		w.refused(err, "receiver_missing")
		r.Caller = "消防队值班员"
		s, err := w.Substitute(t.Context(), w.clerk, r)
		w.must(err)
		if got := w.part(v.ID, "fire").Substituted[0]; got.Caller != r.Caller || got.By != w.clerk.String() || got.ID != s.ID {
			t.Errorf("on record is %+v", got)
		}
		if leaf := w.lastLeaf(v, "fire", "substituted"); leaf.Fields["on_call"] != true || strings.Contains(string(leaf.Bytes), r.Caller) {
			t.Errorf("the leaf is %s", leaf.Bytes)
		}
	})
}

func TestASubstitutionIsRefusedWithWhatToDo(t *testing.T) { // INS-610, INS-203, INS-209, INS-210
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		good := w.exchange(v, "fire")
		refused := func(by auth.Actor, change func(*SubstituteRequest), code string) {
			t.Helper()
			r := good
			change(&r)
			_, err := w.Substitute(ctx, by, r)
			w.refused(err, code)
		}
		same := func(*SubstituteRequest) {}
		fire := w.inspector("fire")
		called := func(r *SubstituteRequest) { r.Caller = "来电人" }
		refused(w.inspector("amr"), same, "not_your_department")
		refused(auth.Actor{Kind: auth.KindLink, ID: "link"}, same, "not_your_department") // L1 alone (DEC-18)
		refused(w.city(), called, "wrong_window")
		refused(fire, func(r *SubstituteRequest) { r.Reason = " " }, "reason_missing")
		refused(fire, func(r *SubstituteRequest) { r.Out = r.In }, "not_booked")
		refused(fire, func(r *SubstituteRequest) { r.Out = w.part(v.ID, "amr").People[0].ID }, "not_booked")
		refused(fire, func(r *SubstituteRequest) { r.In = w.part(v.ID, "fire").People[1].ID }, "below_minimum")
		refused(fire, func(r *SubstituteRequest) { r.In = w.people["health"][0].ID }, "substitute_outside")
		refused(fire, func(r *SubstituteRequest) { r.In = "nobody" }, "substitute_outside")
		for _, c := range []struct {
			deed, undo string
			code       string
		}{
			{"UPDATE resources SET qualifications = '[]' WHERE id = ?", `UPDATE resources SET qualifications = '[{"matter":"*","division":"431103"}]' WHERE id = ?`, "substitute_unfit"},
			{"UPDATE resources SET active = false WHERE id = ?", "UPDATE resources SET active = true WHERE id = ?", "substitute_outside"},
			{"INSERT INTO recusals (resource_id, applicant, reason, set_by) VALUES (?, '湘味轩餐饮店', '亲属', 'x')", "DELETE FROM recusals WHERE resource_id = ?", "substitute_unfit"},
		} {
			w.change(c.deed, good.In)
			if got, err := w.Substitutes(ctx, fire, good.ParticipantID); err != nil || len(got) != 0 {
				t.Errorf("after %s %v can come, %v", c.deed, got, err)
			}
			refused(fire, same, c.code)
			w.change(c.undo, good.In)
		}
		_, err := w.AddAbsence(ctx, w.boss, Absence{ResourceID: good.In, Start: v.Start, End: v.End}, once.Key{})
		w.must(err)
		refused(fire, same, "substitute_unfit")
	})
}

func TestWhoIsTakenElsewhereComesOnlyWhenTheSlotHoldIsOver(t *testing.T) { // INS-602, INS-510, INS-610
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.hire(3)
		v := w.served()
		held := SlotChoice{Start: v.Start, Resources: w.otherPeople(v)}
		r := w.exchange(v, "fire")
		for _, one := range w.people["fire"] {
			if slices.Contains(held.Resources, one.ID) {
				r.In = one.ID
			}
		}
		until, err := w.HoldSlot(t.Context(), w.boss, w.newDraft().ID, held)
		w.must(err)
		_, err = w.Substitute(t.Context(), w.inspector("fire"), r)
		w.refused(err, "slot_taken")
		w.clock.forward(until.Sub(w.clock.Now()))
		_, err = w.Substitute(t.Context(), w.inspector("fire"), r)
		w.must(err)
	})
}

func TestNobodyIsReplacedOnceTheVisitHasBegunOrEnded(t *testing.T) { // INS-610
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		r := w.exchange(v, "fire")
		w.wait(v.Start)
		_, err := w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		_, err = w.Substitute(t.Context(), w.inspector("fire"), r)
		w.refused(err, "bad_move")
	})
}

func TestOfTwoVisitsThatTakeOnePersonAtOnceOneWins(t *testing.T) { // INS-602, INS-610, PRO-8
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.hire(2)
		first := w.served()
		second := w.newDraft()
		second, err := w.Book(t.Context(), w.clerk, BookRequest{VisitID: second.ID, Choice: SlotChoice{Start: first.Start, Resources: w.otherPeople(first)}})
		w.must(err)
		wanted := w.freeOf("fire", first, second)
		visits, errs := []Visit{first, second}, make([]error, 2)
		var all sync.WaitGroup
		for i, v := range visits {
			p := w.part(v.ID, "fire")
			all.Go(func() {
				_, errs[i] = w.Substitute(t.Context(), w.inspector("fire"), SubstituteRequest{
					ParticipantID: p.ID, Out: p.People[0].ID, In: wanted, Reason: "换人",
				})
			})
		}
		all.Wait()
		won := slices.IndexFunc(errs, func(err error) bool { return err == nil })
		if won < 0 || !fault.Is(errs[1-won], "slot_taken") {
			t.Fatalf("%v", errs)
		}
		w.noOverlap()
		if n := len(w.part(visits[1-won].ID, "fire").People); n != 2 {
			t.Errorf("who lost comes with %d", n)
		}
	})
}

// otherPeople are two people of each department of a visit who are not booked for it.
func (w *testWorld) otherPeople(v Visit) (ids []string) {
	w.t.Helper()
	for _, system := range []string{"amr", "fire", "urban"} {
		p := w.part(v.ID, system)
		n := 0
		for _, one := range w.people[system] {
			if n < 2 && !slices.ContainsFunc(p.People, func(k Resource) bool { return k.ID == one.ID }) {
				ids, n = append(ids, one.ID), n+1
			}
		}
	}
	return ids
}

// freeOf is somebody of a department whom none of the visits has.
func (w *testWorld) freeOf(system string, visits ...Visit) string {
	w.t.Helper()
	for _, one := range w.people[system] {
		if !slices.ContainsFunc(visits, func(v Visit) bool {
			return slices.ContainsFunc(w.part(v.ID, system).People, func(k Resource) bool { return k.ID == one.ID })
		}) {
			return one.ID
		}
	}
	w.t.Fatalf("everybody of %s is booked", system)
	return ""
}

func TestBothPeopleAreToldInPlainWordsAndNoInviteGoesOut(t *testing.T) { // INS-610, SIM-3, INS-710
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		r := w.exchange(v, "fire")
		w.account(r.In, "liuyang", "13900001111", "liuyang@dept.example")
		s, err := w.Substitute(t.Context(), w.inspector("fire"), r)
		w.must(err)
		if len(s.Untold) != 1 || s.Untold[0] != s.OutName {
			t.Errorf("nobody reaches %q", s.Untold)
		}
		w.tick()
		mails, texts := w.sent.of(notify.PurposeRoster, notify.Mail), w.sent.of(notify.PurposeRoster, notify.SMS)
		if len(mails) != 1 || len(texts) != 1 {
			t.Fatalf("%d mails, %d texts", len(mails), len(texts))
		}
		if !strings.Contains(mails[0].Text, "由您代替"+s.OutName) || bytes.Contains(mails[0].Body, []byte("text/calendar")) || bytes.Contains(mails[0].Body, []byte("Reply-To")) {
			t.Errorf("the mail is %s", mails[0].Body)
		}
		if strings.Contains(texts[0].Text, s.OutName) || !strings.Contains(texts[0].Text, "请您参加") {
			t.Errorf("the text is %s", texts[0].Text)
		}
		if n := len(w.sent.of(notify.PurposeNotice, notify.Mail)); n != 3 {
			t.Errorf("%d invites, one for each department", n)
		}
	})
}

// account gives a resource a person who can be reached.
func (w *testWorld) account(resource, login, phone, mail string) {
	w.t.Helper()
	r := w.resource(resource)
	p, err := w.Auth.AddPerson(w.t.Context(), auth.System("test"), auth.NewPerson{
		Login: login, Name: r.Name, Post: auth.Post{Department: r.DepartmentID, Roles: []auth.Role{auth.Inspector}},
		Phone: phone, Mail: mail, Password: "Meiwan-Road-1",
	})
	w.must(err)
	w.change("UPDATE resources SET person_id = ? WHERE id = ?", p.ID, resource)
}

func (w *testWorld) resource(id string) (r Resource) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) error {
		found, err := findResources(w.t.Context(), q, []string{id})
		r = found[0]
		return err
	}))
	return r
}

func TestARepeatedSubstitutionHappensOnce(t *testing.T) { // INS-604, INS-610
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		r := w.exchange(v, "fire")
		r.Once = key("twice")
		first, err := w.Substitute(t.Context(), w.inspector("fire"), r)
		w.must(err)
		again, err := w.Substitute(t.Context(), w.inspector("fire"), r)
		w.must(err)
		if again.ID != first.ID || w.count("substitutions", "true") != 1 {
			t.Errorf("%+v, then %+v", first, again)
		}
	})
}
