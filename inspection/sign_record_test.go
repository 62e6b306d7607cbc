package inspection

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
)

// inspected is a visit whose part on the site is over: amr and fire came and agree,
// urban has not said anything yet.
func (w *testWorld) inspected() Visit {
	w.t.Helper()
	w.publishes("fire", EveryMatter, fireList)
	v := w.begun()
	w.hosts(v)
	for _, system := range []string{"amr", "fire", "urban"} {
		w.comes(v, system, 1, 2)
	}
	w.must(w.finds(v, "fire", AnswerItem{N: 1, Value: ValueMet, Photo: w.image()}, AnswerItem{N: 2, Value: "4"}))
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
	w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Agree})
	w.refused(w.signs(w.clerk, w.signed(v)), "record_early")
	w.clock.forward(time.Hour)
	v, err := w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	return v
}

// signed is a record that the applicant signs now; refusing is one that the applicant
// does not sign.
func (w *testWorld) signed(v Visit) SignRequest {
	return SignRequest{VisitID: v.ID, Handed: Handed{How: GivenSigned, Receiver: "李梅", At: w.now(), Scan: w.image()}}
}

func (w *testWorld) refusing(v Visit) SignRequest {
	r := w.signed(v)
	r.How, r.Reason, r.Witnesses = GivenRefused, "申请人认为消防意见有误", []string{"勘验员1", " 勘验员2 "}
	return r
}

func (w *testWorld) signs(by auth.Actor, r SignRequest) error {
	_, err := w.SignRecord(w.t.Context(), by, r)
	return err
}

func TestTheRecordOfAVisitWithoutAListIsSignedOnce(t *testing.T) { // INS-1012
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.inspected()
		ended := v.SiteEndedAt
		for code, change := range map[string]func(*SignRequest){
			"given_how": func(r *SignRequest) { r.How = "told" }, "receiver_missing": func(r *SignRequest) { r.Receiver = " " },
			"scan_missing": func(r *SignRequest) { r.Scan = Scan{} }, "not_found": func(r *SignRequest) { r.VisitID = "x" },
			"signed_time": func(r *SignRequest) { r.At = v.StartedAt.Add(-time.Minute) },
		} {
			r := w.signed(v)
			change(&r)
			w.refused(w.signs(w.clerk, r), code)
		}
		late := w.signed(v)
		late.At = w.now().Add(time.Minute)
		w.refused(w.signs(w.clerk, late), "signed_time")
		w.refused(w.signs(auth.Actor{Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}, w.signed(v)), "not_a_window")
		w.refused(w.signs(w.nth("fire", 3), w.signed(v)), "not_checked_in")

		w.clock.forward(time.Hour)
		r := w.signed(v)
		r.At, r.Receiver, r.Reason = ended.Truncate(time.Minute), "王芳（代理人）", "不会留下"
		r.Once = key("sign")
		out, err := w.SignRecord(t.Context(), w.nth("fire", 1), r)
		w.must(err)
		if again, err := w.SignRecord(t.Context(), w.nth("fire", 1), r); err != nil || again.Scan != out.Scan {
			t.Errorf("the same again: %+v, %v", again, err)
		}
		if out.Reason != "" || len(out.Witnesses) != 0 || !out.At.Equal(r.At) || out.Receiver != r.Receiver || !out.RecordedAt.Equal(w.now()) {
			t.Errorf("%+v", out)
		}
		w.refused(w.signs(w.clerk, w.signed(v)), "record_signed")
		text, _ := w.printed(w.clerk, v, DocRecord, "fire")
		wantWords(t, text, "申请人阅签", "王芳（代理人）已阅读并签字", flat(instantText(out.At)))
		if told := w.mismatches(); len(told) > 0 {
			t.Errorf("%q", told)
		}
	})
}

func TestARefusalToSignTheRecordIsNotedBeforeTwoInspectorsWhoWereThere(t *testing.T) { // INS-1012, SIM-8
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.inspected()
		for _, c := range []struct {
			code   string
			change func(*SignRequest)
		}{
			{"reason_missing", func(r *SignRequest) { r.Reason = " " }},
			{"witnesses", func(r *SignRequest) { r.Witnesses = []string{"勘验员1"} }},
			{"witnesses", func(r *SignRequest) { r.Witnesses = []string{"勘验员1", "勘验员1 "} }},
			{"witness_absent", func(r *SignRequest) { r.Witnesses[1] = "唐芳" }},
			{"witness_absent", func(r *SignRequest) { r.Witnesses[1] = "李梅" }}, // the applicant
			{"witness_absent", func(r *SignRequest) { r.Witnesses[1] = w.clerk.Name }},
		} {
			r := w.refusing(v)
			c.change(&r)
			w.refused(w.signs(w.clerk, r), c.code)
		}
		w.must(w.signs(w.clerk, w.refusing(v)))
		w.refused(w.signs(w.boss, w.refusing(v)), "record_signed")

		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree})
		_, err := w.Close(t.Context(), w.clerk, v.ID, once.Key{})
		w.must(err) // it stops nothing
		text, _ := w.printed(w.inspector("fire"), v, DocRecord, "fire")
		wantWords(t, text, "李梅拒绝签字", "申请人认为消防意见有误", "见证的勘验人员：勘验员1、勘验员2")
		if told := w.mismatches(); len(told) > 0 {
			t.Errorf("%q", told)
		}
		for _, deed := range []string{
			"UPDATE visits SET signed_record = NULL",
			`UPDATE visits SET signed_record = REPLACE(CAST(signed_record AS TEXT), 'refused', 'signed')`,
			`UPDATE visits SET signed_record = REPLACE(CAST(signed_record AS TEXT), '勘验员2', '勘验员3')`,
			`UPDATE visits SET signed_record = REPLACE(CAST(signed_record AS TEXT), '消防意见有误', '没有问题')`,
		} {
			if d.Postgres() {
				deed = strings.Replace(strings.Replace(deed, "REPLACE(", "(REPLACE(", 1), "')", "'))::jsonb", 1)
			}
			if told := w.afterDeed(deed); !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, "leaves record_signed ") }) { // EV-12
				t.Errorf("%s: %q", deed, told)
			}
		}
	})
}

func TestAVisitWithAListIsSignedForWithTheList(t *testing.T) { // INS-1012, INS-1107
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.rectified()
		w.refused(w.signs(w.clerk, w.signed(v)), "record_on_list")
		if w.viewNow(v).RecordAwaits() {
			t.Error("the page asks for it")
		}
	})
}

func TestTheMinutesOfAReviewAreNotSignedByTheApplicant(t *testing.T) { // INS-1014
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.refused(w.signs(w.clerk, w.signed(w.review())), "record_kind")
	})
}

func TestWhoDidNotComeReadsOnlyThatTheRecordWasSigned(t *testing.T) { // INS-1012, SEC-3
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		for _, system := range []string{"fire", "urban", "amr"} {
			w.reply(v, system, ReplyAccept)
		}
		w.wait(v.Start)
		_, err := w.Start(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.hosts(v)
		w.comes(v, "fire", 1, 2)
		left := w.viewNow(v).Came(w.part(v.ID, "fire").ID)[1]
		w.must(w.Leave(t.Context(), w.clerk, v.ID, left.ID, true))
		w.clock.forward(time.Hour)
		_, err = w.EndSite(t.Context(), w.clerk, v.ID)
		w.must(err)
		w.refused(w.signs(w.clerk, w.refusing(v)), "witness_absent") // one had left
		r := w.refusing(v)
		r.At = left.CameAt
		w.must(w.signs(w.clerk, r))
		for system, want := range map[string]string{"fire": "李梅", "urban": ""} {
			seen, err := w.FindVisit(t.Context(), w.inspector(system), v.ID)
			w.must(err)
			if s := seen.Signing; s == nil || s.How != GivenRefused || s.Receiver != want || (s.Reason == "") != (want == "") || (len(s.Witnesses) == 0) != (want == "") {
				t.Errorf("%s reads %+v", system, s)
			}
		}
	})
}
