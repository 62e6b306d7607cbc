package inspection

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// allSign has the window enter the signatures that an opinion lacks.
func (w *testWorld) allSign(v Visit, system string) {
	w.t.Helper()
	p := w.part(v.ID, system)
	if p.Draft == nil {
		return
	}
	found, err := w.FindVisit(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	for _, c := range found.Came(p.ID) {
		if slices.Contains(p.Draft.Names, c.Name) {
			w.must(w.signsOnPaper(p, c, once.Key{}))
		}
	}
}

func (w *testWorld) signsOnPaper(p ParticipantView, c CheckIn, key once.Key) error {
	return w.SignOnPaper(w.t.Context(), w.clerk, PaperSignature{
		ParticipantID: p.ID, OpinionID: p.Draft.ID, CheckInID: c.ID, Scan: w.image(), Once: key,
	})
}

// writes has the first person of a department write an opinion.
func (w *testWorld) writes(v Visit, system string, kind OpinionKind) ParticipantView {
	w.t.Helper()
	_, err := w.Opine(w.t.Context(), w.inspector(system), OpinionRequest{ParticipantID: w.part(v.ID, system).ID, Kind: kind, Text: "依据消防法第十五条"})
	w.must(err)
	return w.part(v.ID, system)
}

func TestAnOpinionCountsWhenEverybodyWhoWasThereHasSigned(t *testing.T) { // INS-1008, O1, O2
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.came()
		p := w.writes(v, "fire", Agree)
		if p.Opinion != OpinionDraft || len(p.Draft.Names) != 1 || p.Draft.Second {
			t.Fatalf("%s, lacks %+v", p.Opinion, p.Draft)
		}
		_, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "opinions_open")
		w.refused(w.Sign(ctx, w.nth("fire", 3), p.ID, p.Draft.ID), "not_a_signer")
		w.refused(w.Sign(ctx, w.nth("amr", 2), p.ID, p.Draft.ID), "not_your_department")
		w.refused(w.Sign(ctx, w.nth("fire", 1), p.ID, p.Draft.ID), "already_signed")
		w.refused(w.Sign(ctx, w.nth("fire", 2), p.ID, "no-such"), "opinion_settled")
		w.clock.forward(time.Second)
		w.must(w.Sign(ctx, w.nth("fire", 2), p.ID, p.Draft.ID))
		if got := w.part(v.ID, "fire"); got.Opinion != OpinionGiven || got.Draft != nil || len(got.Opinions[0].Signatures) != 2 {
			t.Fatalf("%s, %+v", got.Opinion, got.Opinions)
		}
		w.refused(w.Sign(ctx, w.nth("fire", 2), p.ID, p.Draft.ID), "opinion_settled")
		for _, system := range []string{"amr", "urban"} {
			w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
		}
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		for _, line := range j.Content.Departments {
			if line.Department == p.Name && line.By != "勘验员1、勘验员2" {
				t.Errorf("signed by %s", line.By)
			}
		}
		w.verifyBundle(v, "fire")
	})
}

func TestTheWindowEntersASignatureMadeOnPaper(t *testing.T) { // INS-1008
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.came()
		p := w.writes(v, "fire", Agree)
		found, err := w.FindVisit(ctx, w.clerk, v.ID)
		w.must(err)
		people := found.Came(p.ID)
		paper := PaperSignature{ParticipantID: p.ID, OpinionID: p.Draft.ID, CheckInID: people[1].ID, Scan: w.image()}
		bare, stranger := paper, paper
		bare.Scan, stranger.CheckInID = Scan{}, found.Came(w.part(v.ID, "amr").ID)[0].ID
		w.refused(w.SignOnPaper(ctx, w.clerk, bare), "scan_missing")
		w.refused(w.SignOnPaper(ctx, w.clerk, stranger), "not_checked_in")
		w.refused(w.SignOnPaper(ctx, w.inspector("fire"), paper), "not_a_window")
		paper.Scan.Bytes = []byte("GIF89a")
		w.refused(w.SignOnPaper(ctx, w.clerk, paper), "scan_type")
		key := once.Key{Actor: w.clerk.String(), Value: "k", Print: "p"}
		w.must(w.signsOnPaper(p, people[1], key))
		w.must(w.signsOnPaper(p, people[1], key)) // the same request again
		w.refused(w.signsOnPaper(p, people[1], once.Key{}), "opinion_settled")
		if got := w.part(v.ID, "fire"); got.Opinion != OpinionGiven {
			t.Errorf("%s", got.Opinion)
		}
	})
}

func TestOfTooFewPeopleTheOpinionNeedsASecondInspectorOrTheHead(t *testing.T) { // INS-1003
	head := func(w *testWorld) auth.Actor {
		by := w.inspector("urban")
		by.ID, by.Name, by.Roles = "urban-head", "唐局长", []auth.Role{auth.Head}
		return by
	}
	second := func(w *testWorld) auth.Actor { return w.nth("urban", 2) }
	for name, signer := range map[string]func(*testWorld) auth.Actor{"head": head, "second": second} {
		t.Run(name, func(t *testing.T) {
			town.Each(t, func(t *testing.T, d *db.DB) {
				w, ctx := newWorld(t, d), t.Context()
				v := w.begun()
				w.hosts(v)
				w.comes(v, "urban", 1)
				p := w.writes(v, "urban", Agree)
				if p.Opinion != OpinionDraft || !p.Draft.Second || len(p.Draft.Names) != 0 {
					t.Fatalf("%s, lacks %+v", p.Opinion, p.Draft)
				}
				stranger := w.inspector("urban")
				stranger.ID = "urban-clerk"
				w.refused(w.Sign(ctx, stranger, p.ID, p.Draft.ID), "not_a_signer")
				w.must(w.Sign(ctx, signer(w), p.ID, p.Draft.ID))
				if got := w.part(v.ID, "urban"); got.Opinion != OpinionGiven || got.Attendance != AttendanceShort {
					t.Errorf("%s, %s", got.Opinion, got.Attendance)
				}
			})
		})
	}
}

func TestAColleagueOrAnInspectorWithoutValidCertificateIsNoSecondPerson(t *testing.T) { // INS-1003, INS-209
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.begun()
	w.hosts(v)
	w.comes(v, "urban", 1)
	colleague := w.inspector("urban")
	colleague.ID = "urban-clerk"
	_, err := w.Opine(ctx, colleague, OpinionRequest{ParticipantID: w.part(v.ID, "urban").ID, Kind: Agree})
	w.must(err)
	p := w.part(v.ID, "urban")
	w.must(w.Sign(ctx, w.nth("urban", 1), p.ID, p.Draft.ID))
	if got := w.part(v.ID, "urban"); got.Opinion != OpinionDraft || !got.Draft.Second {
		t.Fatalf("%s", got.Opinion)
	}
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		_, err := tx.NewUpdate().Model((*Resource)(nil)).Set("valid_until = '2026-01-01'").Where("id = ?", w.people["urban"][1].ID).Exec(ctx)
		return err
	}))
	w.refused(w.Sign(ctx, w.nth("urban", 2), p.ID, p.Draft.ID), "not_a_signer")
	w.must(w.Sign(ctx, w.nth("urban", 3), p.ID, p.Draft.ID))
	if got := w.part(v.ID, "urban"); got.Opinion != OpinionGiven {
		t.Errorf("%s", got.Opinion)
	}
}

func TestWhoComesLateSignsTooAndMakesThemEnough(t *testing.T) { // INS-1003, A3
	w := newWorld(t, town.SQLite(t))
	v := w.begun()
	w.hosts(v)
	w.comes(v, "urban", 1)
	p := w.writes(v, "urban", Agree)
	w.comes(v, "urban", 2)
	if got := w.part(v.ID, "urban").Draft; got.Second || len(got.Names) != 1 {
		t.Fatalf("lacks %+v", got)
	}
	w.must(w.Sign(t.Context(), w.nth("urban", 2), p.ID, p.Draft.ID))
	if got := w.part(v.ID, "urban"); got.Opinion != OpinionGiven || got.Attendance != AttendancePresent {
		t.Errorf("%s, %s", got.Opinion, got.Attendance)
	}
}

func TestAContraryWordThatLacksASignatureHoldsDeemingAndClosing(t *testing.T) { // INS-913, INS-1107
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.came()
		w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
		w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Agree})
		fire := w.writes(v, "fire", Disagree)
		w.wait(w.due(v, "fire", DeadlineOpinion).Add(time.Hour))
		w.holdsOn(v, "fire", HoldDraft)
		w.refused(w.DropOpinion(ctx, w.boss, fire.ID, fire.Draft.ID, "不再等"), "not_your_department")
		w.must(w.Sign(ctx, w.nth("fire", 2), fire.ID, fire.Draft.ID)) // late, and taken (O2)

		amr := w.writes(v, "amr", Disagree) // a correction that lacks a signature
		if amr.Opinion != OpinionGiven || amr.Draft == nil {
			t.Fatalf("%s", amr.Opinion)
		}
		_, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "opinion_unsigned")
		w.refused(w.DropOpinion(ctx, w.clerk, amr.ID, amr.Draft.ID, "不再等"), "not_supervisor")
		w.refused(w.DropOpinion(ctx, w.boss, amr.ID, amr.Draft.ID, " "), "reason_missing")
		w.must(w.DropOpinion(ctx, w.boss, amr.ID, amr.Draft.ID, "该部门来电撤回"))
		w.refused(w.Sign(ctx, w.nth("amr", 2), amr.ID, amr.Draft.ID), "opinion_settled")
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		if j.Result != ResultFailed {
			t.Errorf("result %s", j.Result)
		}
	})
}

func TestADepartmentTakesBackWhatLacksASignatureAndOwesItsOpinionAgain(t *testing.T) { // O1, INS-932
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.came()
	p := w.writes(v, "fire", Disagree)
	again := w.writes(v, "fire", Disagree) // replaces the first
	w.refused(w.Sign(ctx, w.nth("fire", 2), p.ID, p.Draft.ID), "opinion_settled")
	w.must(w.DropOpinion(ctx, w.nth("fire", 2), p.ID, again.Draft.ID, "重新研究"))
	if got := w.part(v.ID, "fire"); got.Opinion != OpinionNone || got.Draft != nil {
		t.Fatalf("%s", got.Opinion)
	}
	w.wait(w.due(v, "fire", DeadlineOpinion).Add(time.Hour))
	if got := w.part(v.ID, "fire"); got.Deemed == nil {
		t.Errorf("%s, holds %v", got.Opinion, got.OpenHolds())
	}
	w.verifyBundle(v, "fire") // an opinion that was taken back does not stand against it
}

func TestTwoWhoSignAtOnceMakeOneOpinion(t *testing.T) { // INS-1008, PRO-3
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.begun()
		w.hosts(v)
		w.comes(v, "fire", 1, 2, 3)
		p := w.writes(v, "fire", Agree)
		var all sync.WaitGroup
		for _, n := range []int{2, 3, 2, 3} {
			all.Go(func() {
				err := w.Sign(ctx, w.nth("fire", n), p.ID, p.Draft.ID)
				if err != nil && !fault.Is(err, "already_signed") && !fault.Is(err, "opinion_settled") {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := w.part(v.ID, "fire"); got.Opinion != OpinionGiven || len(got.Opinions[0].Signatures) != 3 {
			t.Errorf("%s, %d signatures", got.Opinion, len(got.Opinions[0].Signatures))
		}
	})
}

// INS-1003, INS-1008: writing first and coming afterwards is no way around the
// signatures.
func TestAnOpinionWrittenBeforeAnybodyCameNeedsThoseWhoCameThen(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		v := w.begun()
		w.hosts(v)
		for _, system := range []string{"amr", "fire", "urban"} {
			w.writes(v, system, Agree)
		}
		w.comes(v, "urban", 1)   // who wrote it, alone: too few
		w.comes(v, "fire", 2, 3) // others than who wrote it
		w.comes(v, "amr", 1, 2)  // who wrote it, and enough
		w.wait(v.End)
		_, err := w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "opinion_unsigned")
		f, _ := fault.From(err)
		if got := f.Details["departments"]; !slices.Equal(got.([]string), []string{w.part(v.ID, "fire").Name, w.part(v.ID, "urban").Name}) {
			t.Errorf("%v have to sign", got)
		}
		for _, system := range []string{"fire", "urban"} { // they write it anew
			p := w.writes(v, system, Agree)
			w.allSign(v, system)
			if p = w.part(v.ID, system); p.Draft != nil {
				w.must(w.Sign(ctx, w.nth(system, 3), p.ID, p.Draft.ID))
			}
		}
		_, err = w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
	})
}

func TestWhoSignedByAccountAndThenChecksInIsOnePerson(t *testing.T) { // INS-1003
	there := []CheckIn{{ID: "c1", PersonID: "urban1", Name: "甲"}}
	own := []Signature{{Signer: "urban1", Capacity: CapacityQualified}}
	if due := signaturesDue(there, own, AttendanceShort); len(due.Names) != 0 || !due.Second {
		t.Errorf("one person counts as two: %+v", due)
	}
	if due := signaturesDue(there, append(own, Signature{Signer: "urban2", Capacity: CapacityQualified}), AttendanceShort); !due.Whole() {
		t.Errorf("lacks %+v", due)
	}
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	v := w.begun()
	w.comes(v, "urban", 2)
	p := w.writes(v, "urban", Agree) // by the first, from outside
	w.comes(v, "urban", 1)
	w.refused(w.Sign(ctx, w.nth("urban", 1), p.ID, p.Draft.ID), "already_signed")
	w.must(w.Sign(ctx, w.nth("urban", 2), p.ID, p.Draft.ID))
	if got := w.part(v.ID, "urban"); got.Opinion != OpinionGiven {
		t.Errorf("%s", got.Opinion)
	}
}
