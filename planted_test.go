package lianban_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bug is a mistake that somebody may make one day in what decides over silence,
// time, people and parcels. The suite of its package has to find it. It is laid over the
// source while the package is tested (decision 011): the source never holds it.
type bug struct {
	name, file string
	was, is    string // was stands in the file exactly once
}

var bugs = []bug{
	{"deemed a second early", "inspection/judge.go", // INS-904
		"due := e.T2.Add(e.Grace); e.Now.Before(due)", "due := e.T2.Add(e.Grace - time.Second); e.Now.Before(due)"},
	{"watermark missing", "inspection/judge.go", // INS-905
		"if !c.AliveThrough.After(after) {", "if c.AliveThrough.IsZero() {"},
	{"an SMS is proof", "inspection/judge.go", // INS-704
		`return class == "A" || class == "B" && minimum != "A"`, `return class == "A" || class == "C" || class == "B" && minimum != "A"`},
	{"one unread mail is none", "inspection/judge.go", // INS-906
		"add(e.Unread > 0, HoldUnread", "add(e.Unread > 1, HoldUnread"},
	{"a jumping clock is trusted", "inspection/judge.go", // INS-907
		`add(e.ClockFault != "", HoldClock`, `add(false, HoldClock`},
	{"a person's hold is passed over", "inspection/judge.go", // INS-913
		"for _, h := range e.Holds {", "for _, h := range e.Holds[:0] {"},
	{"silence after the start", "inspection/judge.go", // INS-606
		"|| !e.T2.Before(e.Start), HoldAtRisk", "|| e.T2.After(e.Start), HoldAtRisk"},
	{"never-deemed matters are deemed", "inspection/judge.go", // INS-911
		"add(e.NeverDeemed, HoldNeverDeemed", "add(false, HoldNeverDeemed"},
	{"a reply at the last moment is late", "inspection/reply.go", // INS-802
		"!f.r.ReceivedAt.After(f.p.RespondBy)", "f.r.ReceivedAt.Before(f.p.RespondBy)"},
	{"an earlier notice's proof starts the clock", "inspection/serve.go", // INS-607, INS-811
		"if s.Round != p.Round || s.NoticeID != n.ID {", "if s.Round != p.Round {"},
	{"the clocks of the old round run on", "inspection/retime.go", // INS-607
		"if err := endVisitDeadlines(ctx, tx, v.ID); err != nil {", "if err := error(nil); err != nil {"},
	{"an answer to the old time answers the new one", "inspection/reply.go", // INS-801
		"case f.r.Round != f.v.Round:", "case false:"},
	{"a refused counter keeps its old deadline", "inspection/counter.go", // INS-811
		"if err := stopClock(ctx, tx, p); err != nil {", "if err := error(nil); err != nil {"},
	{"a second counter counts", "inspection/reply.go", // INS-810
		"(f.countered || f.impossible)", "f.impossible"},
	{"an outcome without its leaf", "inspection/deem.go", // INS-908
		"leaves = append(leaves, deemedLeaf(f, row))", "_ = deemedLeaf(f, row)"},
	{"one person attests an absence in two roles", "inspection/absent.go", // INS-922
		"b.Role != AttestWindow && a.Person != b.Person", "b.Role != AttestWindow"},
	{"absent though nobody let them in", "inspection/judge_visit.go", // INS-921
		"|| !e.ApplicantCame ||", "||"},
	{"absent though T2 was not before the start", "inspection/judge_visit.go", // INS-923
		"|| !latest(e.T2, e.madeUp()).Before(e.Start), HoldAtRisk", "|| latest(e.T2, e.madeUp()).After(e.Start), HoldAtRisk"},
	{"an excuse of the day is passed over", "inspection/judge_visit.go", // INS-924
		"add(e.Consent == ConsentExcuse || e.LateExcuses > 0, HoldExcuse", "add(false, HoldExcuse"},
	{"absent before the grace was over", "inspection/judge_visit.go", // INS-927
		"|| e.SiteEndedAt.Before(e.GraceUntil), HoldGrace", ", HoldGrace"},
	{"too few people are deemed", "inspection/judge_visit.go", // INS-931, INS-1003
		"add(e.Attendance == AttendanceShort &&", "add(false &&"},
	{"an opinion due the same day", "inspection/silence.go", // INS-932
		"return max(g.rules.OpinionTerm, 1)", "return max(g.rules.OpinionTerm-1, 0)"},
	{"an opinion nobody was told of", "inspection/judge_visit.go", // INS-933
		"|| e.T1.After(e.ServedBy) {", "{"},
	{"deemed again after a reversal", "inspection/judge.go", // INS-917
		"add(e.Reversed, HoldReversed", "add(false, HoldReversed"},
	{"silence counts on a revisit", "inspection/judge.go", // INS-919
		"add(e.Revisit && !e.RevisitAuto, HoldRevisit", "add(false, HoldRevisit"},
	{"people taken in an order of their own", "inspection/resource_sql.go", // DB-12
		"strings.Compare(a.ResourceID, b.ResourceID)", "strings.Compare(a.ResourceID[30:], b.ResourceID[30:])"},
	{"a deadline counted from the day it is served late", "scheduler/workday/deadline.go", // INS-413
		"if !d.Start.Before(d.Hours.Closes(day)) {", "if d.Start.After(d.Hours.Closes(day)) {"},
	{"a new calendar moves a deadline earlier", "scheduler/workday/deadline.go", // INS-409
		"\t\td.Due = old.Due\n", ""},
	{"an end that later events undo", "delivery/fold.go", // DEL-524
		"return f.State.Terminal() || f.State == ParcelUnverified }", "return false }"},
	{"anybody may take it without consent", "delivery/class.go", // DEL-205
		"case d.Receivers[i].Consent && !consent:", "case false:"},
	{"a looser gate reaches sealed parcels", "delivery/gate.go", // DEL-213
		"ground = then", "_ = then"},
}

func TestEveryPlantedBugStillFitsItsSource(t *testing.T) {
	for _, b := range bugs {
		b.planted(t)
	}
}

// planted gives the file with the bug in it.
func (b bug) planted(t *testing.T) []byte {
	t.Helper()
	source, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), b.was); n != 1 {
		t.Fatalf("%s: %s has %d times %q", b.name, b.file, n, b.was)
	}
	return []byte(strings.Replace(string(source), b.was, b.is, 1))
}

// Each bug by itself makes a test of its package fail. This compiles and runs
// whole packages, a minute each, so it belongs to the night.
func TestTheSuiteFindsEveryPlantedBug(t *testing.T) { // TST-5
	if os.Getenv("LIANBAN_NIGHTLY") == "" {
		t.Skip("SKIPPED: planted bugs are for `make nightly`; set LIANBAN_NIGHTLY=1")
	}
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			out, err := b.test(t)
			var exit *exec.ExitError
			switch {
			case err == nil:
				t.Error("no test fails")
			case !errors.As(err, &exit) || !bytes.Contains(out, []byte("--- FAIL")):
				t.Errorf("%v without a failing test: %s", err, out)
			default:
				first, _, _ := strings.Cut(string(out[bytes.Index(out, []byte("--- FAIL")):]), " (")
				t.Log(first)
			}
		})
	}
}

// test runs the suite of the bug's package over the source with the bug in it.
func (b bug) test(t *testing.T) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	real, err := filepath.Abs(b.file)
	if err != nil {
		t.Fatal(err)
	}
	fake := filepath.Join(dir, "fake.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {real: fake}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := errors.Join(os.WriteFile(fake, b.planted(t), 0o600), os.WriteFile(list, overlay, 0o600)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-failfast", "-count=1", "-timeout", "1h", "-overlay", list, "./"+filepath.Dir(b.file))
	cmd.Env = append(os.Environ(), "LIANBAN_NIGHTLY=") // the suite of the day is to find it
	return cmd.CombinedOutput()
}
