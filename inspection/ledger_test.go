package inspection

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/notify"
)

// separate is the window's report that fire came alone.
func (w *testWorld) separate(c Case) ReportRequest {
	return ReportRequest{
		CaseID: c.ID, Class: ClassSeparate, Party: w.department("fire"), On: dateOf(w.now()).String(), People: "两名着制服人员", Detail: "上午到店内检查灭火器",
	}
}

func (w *testWorld) urban() auth.Actor { return w.inspector("urban") }

// INS-1203, INS-1205: window and departments report a separate inspection before
// there is any visit; the department is told, and only then heard or the term over
// does a supervisor decide.
func TestASeparateInspectionThatIsReportedIsDecidedOnceThePartyWasHeard(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		c := w.newCase()
		report := w.separate(c)
		report.Photo = w.image()
		b, err := w.Report(ctx, w.clerk, report)
		w.must(err)
		if b.State != BreachSuspected || b.Channel != BreachWindow || b.AnswerDue.IsZero() || b.SHA256 == "" {
			t.Fatalf("the entry: %+v", b)
		}
		if due := minute(b.AnswerDue); due != "2026-11-20 周五 17:30" { // three working days after Tuesday the 17th
			t.Errorf("the term ends %s", due)
		}
		_, err = w.Report(ctx, w.boss, report)
		w.refused(err, "breach_reported")
		again, err := w.Report(ctx, w.urban(), w.separate(c)) // another source is another entry
		w.must(err)

		w.until(w.now().Add(time.Minute))
		if n := len(w.sent.of(purposeLedger, notify.Mail)); n != 2 {
			t.Errorf("%d mails to the department", n)
		}
		for _, m := range w.sent.of(purposeLedger, notify.Mail) {
			if strings.Contains(m.Text, "灭火器") || !strings.Contains(m.Text, c.Number) {
				t.Errorf("the mail says: %s", m.Text)
			}
		}
		decide := func(id string, confirm bool) error { return w.DecideBreach(ctx, w.boss, id, confirm, "属实") }
		w.refused(decide(b.ID, true), "breach_answer_waits")
		w.refused(decide(b.ID, false), "breach_answer_waits")
		w.refused(w.Explain(ctx, w.inspector("urban"), b.ID, "不是我们"), "not_found") // another department sees nothing
		w.refused(w.Explain(ctx, w.clerk, b.ID, "代答"), "not_your_department")
		w.refused(w.Explain(ctx, w.inspector("fire"), b.ID, " "), "reason_missing")
		w.must(w.Explain(ctx, w.inspector("fire"), b.ID, "系日常双随机抽查，与本办件无关"))
		w.refused(w.Explain(ctx, w.inspector("fire"), b.ID, "改口"), "breach_answered")
		w.refused(w.DecideBreach(ctx, w.clerk, b.ID, true, "属实"), "not_supervisor")
		w.refused(w.DecideBreach(ctx, w.boss, b.ID, true, ""), "reason_missing")
		w.must(decide(b.ID, false))
		w.refused(decide(b.ID, true), "breach_decided")
		w.refused(w.Explain(ctx, w.inspector("fire"), b.ID, "补充"), "breach_decided")

		w.until(again.AnswerDue.Add(-time.Minute))
		w.refused(decide(again.ID, true), "breach_answer_waits")
		w.until(again.AnswerDue)
		w.must(decide(again.ID, true)) // nobody answered
		seen, err := w.LedgerEntry(ctx, w.inspector("fire"), b.ID)
		w.must(err)
		if seen.Answer == "" || seen.State != BreachDismissed || seen.MadeBy != "" || seen.Channel != "" {
			t.Errorf("fire sees %+v", seen.Breach)
		}
		_, err = w.LedgerEntry(ctx, w.urban(), b.ID)
		w.refused(err, "not_found")
		if w.count("tasks", "kind = 'decide_breach' AND done_at IS NULL") != 0 {
			t.Error("a task is left")
		}
		if w.count("breaches", "TRUE") != 2 {
			t.Error("entries are gone")
		}
	})
}

// INS-1205: who reported an entry, or answered it, does not decide it.
func TestWhoReportedAnEntryDoesNotDecideIt(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	b, err := w.Report(t.Context(), w.boss, w.separate(w.newCase()))
	w.must(err)
	w.until(b.AnswerDue)
	w.refused(w.DecideBreach(t.Context(), w.boss, b.ID, true, "属实"), "breach_own")
	second := w.boss
	second.ID = "boss2"
	w.must(w.DecideBreach(t.Context(), second, b.ID, true, "属实"))
}

func TestAReportNamesADepartmentOfTheCaseAndADayOfIt(t *testing.T) { // INS-1203
	w := newWorld(t, town.SQLite(t))
	ctx := t.Context()
	c := w.newCase()
	for code, change := range map[string]func(*ReportRequest){
		"breach_class":   func(r *ReportRequest) { r.Class = ClassAgain },
		"breach_party":   func(r *ReportRequest) { r.Party = PartyWindow },
		"breach_date":    func(r *ReportRequest) { r.On = dateOf(w.now()).AddDays(1).String() },
		"reason_missing": func(r *ReportRequest) { r.Detail = "" },
		"text_invalid":   func(r *ReportRequest) { r.People = strings.Repeat("某", 201) },
		"scan_type":      func(r *ReportRequest) { r.Photo = Scan{Name: "a.png", Bytes: []byte("GIF89a")} },
		"not_found":      func(r *ReportRequest) { r.CaseID = "none" },
	} {
		r := w.separate(c)
		change(&r)
		_, err := w.Report(ctx, w.clerk, r)
		w.refused(err, code)
	}
	before := w.separate(c)
	before.On = dateOf(c.AcceptedAt).AddDays(-1).String()
	_, err := w.Report(ctx, w.clerk, before)
	w.refused(err, "breach_date")
	other := w.separate(c)
	other.Party = w.department("police")
	_, err = w.Report(ctx, w.clerk, other)
	w.refused(err, "breach_party")
	stranger := w.inspector("police")
	_, err = w.Report(ctx, stranger, w.separate(c))
	w.refused(err, "not_found")
	auditor := auth.Actor{Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}
	_, err = w.Report(ctx, auditor, w.separate(c))
	w.refused(err, "not_your_department")
	if w.count("breaches", "TRUE") != 0 || w.count("scans", "TRUE") != 0 {
		t.Error("something was kept")
	}
}

// linkOf makes a link of the applicant's to a case.
func (w *testWorld) linkOf(c Case) (links *delivery.Desk, token string) {
	w.t.Helper()
	token = "applicant-" + c.ID
	sum := sha256.Sum256([]byte(token))
	w.must(w.DB.Write(w.t.Context(), func(tx bun.IDB) error {
		if err := delivery.Know(w.t.Context(), tx, waiting(c, Matter{})); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(&delivery.ApplicantLink{
			CaseID: c.ID, Channel: "paper", ID: newID(), Hash: hex.EncodeToString(sum[:]), MadeAt: w.now(), MadeBy: w.clerk.String(),
		}).Exec(w.t.Context())
		return err
	}))
	return &delivery.Desk{DB: w.DB, Now: w.trust.Now}, token
}

// INS-1013: the applicant's complaint reaches the supervisor and not the department,
// until the supervisor asks it; it is not confirmed before.
func TestAComplaintOfTheApplicantReachesTheSupervisorAlone(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		c := w.newCase()
		links, token := w.linkOf(c)
		report := ReportRequest{Class: ClassAsked, Party: w.department("fire"), On: dateOf(w.now()).String(), Detail: "要求另交一份消防承诺书"}
		_, err := w.ReportByLink(ctx, links, "wrong", report)
		w.refused(err, "applicant_link")
		b, err := w.ReportByLink(ctx, links, token, report)
		w.must(err)
		_, err = w.LedgerEntry(ctx, w.inspector("fire"), b.ID)
		w.refused(err, "not_found")
		w.refused(w.DecideBreach(ctx, w.boss, b.ID, true, "属实"), "breach_not_asked")
		w.refused(w.AskParty(ctx, w.clerk, b.ID), "not_supervisor")
		if lines, err := w.Ledger(ctx, w.inspector("fire"), LedgerQuery{}); err != nil || len(lines) != 0 {
			t.Errorf("fire sees %v (%v)", lines, err)
		}
		w.must(w.AskParty(ctx, w.boss, b.ID))
		w.refused(w.AskParty(ctx, w.boss, b.ID), "breach_asked")
		w.must(w.Explain(ctx, w.inspector("fire"), b.ID, "清单已列明"))
		w.must(w.DecideBreach(ctx, w.boss, b.ID, true, "清单未列"))

		report.Party = PartyWindow
		own, err := w.ReportByLink(ctx, links, token, report)
		w.must(err)
		w.must(w.AskParty(ctx, w.boss, own.ID))
		w.refused(w.Explain(ctx, w.inspector("fire"), own.ID, "不是我们"), "not_found")
		w.must(w.Explain(ctx, w.clerk, own.ID, "系统提示有误"))
		view, err := w.ReportByLinkOf(ctx, links, token)
		w.must(err)
		if len(view.Entries) != 2 || view.Entries[0].State != BreachConfirmed || view.Entries[0].Note+view.Entries[0].Answer+view.Entries[1].Answer != "" {
			t.Errorf("the applicant sees %+v", view.Entries)
		}
	})
}

// INS-1013, INS-1203: the party is told what was reported, not by whom, and nothing
// that it was not asked about; paper with the applicant's link shows what they
// reported themselves.
func TestWhoReportedAndWhatOthersReportedStaysWithTheWindow(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		c := w.newCase()
		asked, err := w.Report(ctx, w.clerk, w.separate(c))
		w.must(err)
		links, token := w.linkOf(c)
		complaint, err := w.ReportByLink(ctx, links, token, ReportRequest{Class: ClassAsked, Party: w.department("fire"), On: dateOf(w.now()).String(), Detail: "要求另交一份消防承诺书"})
		w.must(err)
		due, err := w.ToExplain(ctx, w.inspector("fire"))
		w.must(err)
		form, err := w.ReportOf(ctx, w.inspector("fire"), c.ID)
		w.must(err)
		for name, got := range map[string][]Breach{"what it has to explain": due, "its form of a report": form.Entries} {
			if len(got) != 1 || got[0].ID != asked.ID || got[0].Channel != "" || got[0].MadeBy != "" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		own, err := w.ReportByLinkOf(ctx, links, token)
		w.must(err)
		if len(own.Entries) != 1 || own.Entries[0].ID != complaint.ID {
			t.Errorf("the applicant sees %+v", own.Entries)
		}
		all, err := w.ReportOf(ctx, w.clerk, c.ID)
		w.must(err)
		if len(all.Entries) != 2 || all.Entries[0].MadeBy == "" {
			t.Errorf("the window sees %+v", all.Entries)
		}
	})
}

// caseNow is the case of a visit.
func (w *testWorld) caseNow(v Visit) Case {
	w.t.Helper()
	c, err := w.FindCase(w.t.Context(), w.clerk, v.CaseID)
	w.must(err)
	return c
}

// SIM-14: what other rows say stands in the ledger without being stored; a window
// sees its centre's lines, a department its own.
func TestTheLedgerShowsWhatOtherRowsSay(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.absent("urban") // amr and fire came
		w.wait(at(20, 17, 36))
		report := w.separate(w.caseNow(v))
		_, err := w.Report(ctx, w.clerk, report)
		w.must(err)
		auditor := auth.Actor{Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}
		elsewhere := w.boss
		elsewhere.Centre = "another"
		november := LedgerQuery{From: at(1, 0, 0), To: at(1, 0, 0).AddDate(0, 1, 0)}
		for _, c := range []struct {
			name  string
			by    auth.Actor
			query LedgerQuery
			want  string
		}{
			{"the window", w.boss, LedgerQuery{}, "K03 absent, K06 window"},
			{"an auditor", auditor, LedgerQuery{}, "K03 absent, K06 window"},
			{"another window", elsewhere, LedgerQuery{}, ""},
			{"the party, not who reported", w.inspector("fire"), LedgerQuery{}, "K06 "},
			{"the absent one", w.inspector("urban"), LedgerQuery{}, "K03 absent"},
			{"one that did all right", w.inspector("amr"), LedgerQuery{}, ""},
			{"a class", w.boss, LedgerQuery{Class: "K03"}, "K03 absent"},
			{"a state", w.boss, LedgerQuery{State: "suspected"}, "K06 window"},
			{"a department", w.boss, LedgerQuery{Department: w.department("urban")}, "K03 absent"},
			{"a month", w.boss, november, "K03 absent, K06 window"},
			{"the month before", w.boss, LedgerQuery{To: november.From}, ""},
			{"a number", w.boss, LedgerQuery{Search: v.CaseNumber}, "K03 absent, K06 window"},
			{"an unknown number", w.boss, LedgerQuery{Search: "%"}, ""},
		} {
			lines, err := w.Ledger(ctx, c.by, c.query)
			w.must(err)
			var got []string
			for _, l := range lines {
				got = append(got, l.Class+" "+l.What)
				if l.CaseNumber != v.CaseNumber || l.VisitID != v.ID {
					t.Errorf("%s: a line of %s", c.name, l.CaseNumber)
				}
			}
			slices.Sort(got)
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%s sees %v, want %s", c.name, got, c.want)
			}
		}
		first, err := w.Ledger(ctx, w.boss, LedgerQuery{Limit: 1})
		w.must(err)
		rest, err := w.Ledger(ctx, w.boss, LedgerQuery{Limit: 10, After: first[0].Position()})
		w.must(err)
		if len(first) != 1 || len(rest) != 1 || first[0].ID == rest[0].ID {
			t.Errorf("pages %v and %v", first, rest)
		}
		_, err = w.Ledger(ctx, auth.Actor{Kind: auth.KindPerson, ID: "c", Roles: []auth.Role{auth.Courier}}, LedgerQuery{})
		w.refused(err, "not_your_department")
	})
}

// INS-201, INS-1201, INS-1204: what was tried stands with actor and request where the
// supervisor of the case looks.
func TestRefusedAttemptsStandWithActorAndRequest(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.newVisit()
		_, err := w.Plan(ctx, w.inspector("fire"), PlanRequest{CaseID: v.CaseID, Kind: KindSite})
		w.refused(err, "not_a_window")
		_, err = w.Opine(ctx, w.inspector("fire"), OpinionRequest{ParticipantID: w.part(v.ID, "fire").ID, Kind: Agree}) // nobody has begun
		w.refused(err, "visit_not_running")
		seen, err := w.Attempts(ctx, w.boss)
		w.must(err)
		if len(seen) != 2 || seen[0].Act != "opine" || seen[1].Act != "plan" || seen[0].CaseID != v.CaseID || seen[1].CaseNumber != v.CaseNumber {
			t.Fatalf("attempts: %+v", seen)
		}
		if by := w.inspector("fire").String(); seen[0].Actor != by || seen[1].Actor != by || seen[0].Code != "visit_not_running" {
			t.Errorf("attempts: %+v", seen)
		}
		elsewhere := w.boss
		elsewhere.Centre = "another"
		if other, err := w.Attempts(ctx, elsewhere); err != nil || len(other) != 0 {
			t.Errorf("another centre sees %v (%v)", other, err)
		}
		_, err = w.Attempts(ctx, w.clerk)
		w.refused(err, "not_supervisor")
	})
}
