package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/db"
	"lianban/notify"
	"lianban/scheduler"
)

// A process that books, sends, answers and deems as fast as it can is killed
// with -9 in the middle, again and again; then every row is looked at (PRO-1,
// 2, 3, 5). LIANBAN_NIGHTLY kills two hundred times.
func TestNothingIsLostOrHalfDoneWhenTheProcessIsKilled(t *testing.T) {
	rounds := 20
	if os.Getenv("LIANBAN_NIGHTLY") != "" {
		rounds = 200
	}
	dir := cityToKill(t)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // chance for a test
	for n := range rounds {
		killOne(t, dir, n, 0.2+5*random.Float64())
	}
	checkAfterKills(t, dir)
}

func cityToKill(t *testing.T) string {
	t.Helper()
	a, _ := newTestApp(t)
	w, err := a.newWorldOn(victimDay, db.Open)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{world: w, ctx: t.Context()}
	s.fail("furnish", w.furnish(a.ctx))
	s.skip(1, "16:00")
	s.fail("sign in", w.signIn(a.ctx))
	s.skip(0, "09:00")
	if err := w.close(s.err); err != nil {
		t.Fatal(err)
	}
	return a.cfg.Data
}

// killOne starts a victim and kills it after so many times the time that it needed to
// come up: a slow machine, or the race detector, slows both.
func killOne(t *testing.T, dir string, seed int, times float64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	process := exec.Command(self) //nolint:gosec // this very test
	process.Args = []string{"victim"}
	process.Env = append(os.Environ(), "VICTIM_DIR="+dir, "VICTIM_SEED="+strconv.Itoa(seed))
	process.Stderr = &said
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		_ = process.Wait()
		t.Fatalf("round %d: it did not come up again: %v\n%s", seed, err, said.String())
	}
	up := time.Since(begin)
	<-time.After(time.Duration(times * float64(up)))
	_ = process.Process.Kill() // too late when it has ended by itself, which it said
	_ = process.Wait()
	if said.Len() > 0 {
		t.Fatalf("round %d: %s", seed, said.String())
	}
}

// checkAfterKills opens the city once more, lets two weeks pass, and looks at
// every visit, message and leaf.
func checkAfterKills(t *testing.T, dir string) {
	t.Helper()
	v, err := openVictim(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.db.Close()
	for range len(v.unfinished) {
		if err := v.book(nil); err != nil {
			t.Error(err)
		}
	}
	if err := v.notify.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := v.until(t.Context(), v.dial.Now().Add(14*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	all, err := readDiary(dir)
	if err != nil {
		t.Fatal(err)
	}
	k := &inquest{T: t, v: v, told: all, visits: map[string]inspection.VisitView{}}
	k.readVisits()
	k.bookings()
	k.answers()
	k.messages()
	var taken []inspection.Booking
	for _, visit := range k.visits {
		taken = append(taken, visit.Bookings...)
	}
	if n := overlaps(taken); n > 0 {
		t.Errorf("%d times somebody is in two places at once", n)
	}
	if err := v.audit.Verify(t.Context()); err != nil {
		t.Errorf("the evidence log: %v", err)
	}
	k.clock()
	k.summary()
}

// inquest compares what was told to be done with what is on record.
type inquest struct {
	*testing.T
	v      *victimWorld
	told   []note
	visits map[string]inspection.VisitView
	counts struct{ booked, drafts, deemed, answered, messages, cut, again int }
}

func (k *inquest) readVisits() {
	for _, n := range k.told {
		if n.Op != "intend" {
			continue
		}
		view, err := k.v.inspection.FindVisit(k.Context(), demoActor, n.ID)
		if err != nil {
			k.Fatal(err)
		}
		k.visits[n.ID] = view
	}
}

// bookings: all of it or nothing, and all that was promised (PRO-1, PRO-3).
func (k *inquest) bookings() {
	for _, n := range k.told {
		if n.Op == "booked" && k.visits[n.ID].State == inspection.VisitDraft {
			k.Errorf("visit %s was said to be booked and is a draft", n.ID)
		}
	}
	for id, v := range k.visits {
		if v.State == inspection.VisitDraft {
			k.counts.drafts++
			if len(v.Participants)+len(v.Rounds)+len(v.Bookings) > 0 {
				k.Errorf("draft %s has %d participants, %d rounds, %d bookings", id, len(v.Participants), len(v.Rounds), len(v.Bookings))
			}
			continue
		}
		k.counts.booked++
		k.whole(v)
	}
}

func (k *inquest) whole(v inspection.VisitView) {
	coming := 0
	for _, d := range v.Case.Departments {
		if d.Included {
			coming++
		}
	}
	people := 0
	for _, p := range v.Participants {
		people += p.StaffMin
		if p.Notice == nil || p.Notice.ComposedAt.IsZero() {
			k.Errorf("visit %s: %s has no notice", v.ID, p.Name)
		}
	}
	if len(v.Participants) != coming || len(v.Rounds) != 1 || len(v.Bookings) < people {
		k.Errorf("visit %s: %d of %d participants, %d rounds, %d bookings for %d people",
			v.ID, len(v.Participants), coming, len(v.Rounds), len(v.Bookings), people)
	}
}

// answers: every answer that was confirmed is there and counts, and nobody who
// answered in time is deemed (PRO-2, PRO-5).
func (k *inquest) answers() {
	for _, n := range k.told {
		if n.Op != "answered" || n.Done != inspection.OutcomeApplied {
			continue
		}
		k.counts.answered++
		p := k.part(n)
		want := map[inspection.ReplyKind]inspection.Consent{
			inspection.ReplyAccept: inspection.ConsentAccepted, inspection.ReplyDecline: inspection.ConsentDeclined,
		}[n.Kind]
		if p.Consent != want || len(p.Replies) == 0 {
			k.Errorf("%s answered %s and stands as %s with %d replies", p.Name, n.Kind, p.Consent, len(p.Replies))
		}
	}
	for _, v := range k.visits {
		for _, p := range v.Participants {
			if (p.Consent == inspection.ConsentDeemed) != (p.Deemed != nil) {
				k.Errorf("visit %s: %s is %s, deemed record %v", v.ID, p.Name, p.Consent, p.Deemed)
			}
			if p.Deemed == nil {
				continue
			}
			k.counts.deemed++
			for _, r := range p.Replies {
				if r.Outcome == inspection.OutcomeApplied {
					k.Errorf("visit %s: %s has two outcomes", v.ID, p.Name)
				}
			}
		}
	}
}

func (k *inquest) part(n note) inspection.ParticipantView {
	for _, p := range k.visits[n.Visit].Participants {
		if p.ID == n.ID {
			return p
		}
	}
	k.Errorf("participant %s is gone", n.ID)
	return inspection.ParticipantView{}
}

// messages: each notice went out over each channel, and a second time only
// with the same bytes (PRO-7, OUT-3).
func (k *inquest) messages() {
	sent := map[string]string{}
	for _, n := range k.told {
		if n.Op != "sent" {
			continue
		}
		sum := sent[n.ID]
		if sum != "" && sum != n.Sum {
			k.Errorf("message %s went out twice with different bytes", n.ID)
		}
		if sum != "" {
			k.counts.again++
		}
		sent[n.ID] = n.Sum
	}
	err := k.v.db.Read(k.Context(), func(q bun.IDB) error {
		for _, v := range k.visits {
			for _, p := range v.Participants {
				all, err := notify.ListBySubject(k.Context(), q, p.ID, notify.PurposeNotice)
				if err != nil {
					return err
				}
				k.notices(p, all, sent)
			}
		}
		return nil
	})
	if err != nil {
		k.Fatal(err)
	}
}

func (k *inquest) notices(p inspection.ParticipantView, all []notify.Message, sent map[string]string) {
	if len(all) != 3 {
		k.Errorf("%s has %d notices, want one for each of three channels", p.Name, len(all))
	}
	for _, m := range all {
		k.counts.messages++
		if !k.wentOut(m, sent[m.ID] != "") {
			k.Errorf("notice %s to %s over %s is %s (%s), sent %q", m.ID, p.Name, m.Channel, m.State, m.Detail, sent[m.ID])
		}
	}
}

// wentOut: it was taken by the other side, or given up in the open: a text over
// its number's budget or perhaps sent twice (SIM-6), a letter whose visit has
// begun.
func (k *inquest) wentOut(m notify.Message, sent bool) bool {
	switch m.State {
	case notify.Accepted, notify.Delivered:
		return sent || m.Channel == notify.Portal
	case notify.Dropped, notify.Dead:
		return m.Channel == notify.SMS
	case notify.Expired:
		return !k.v.dial.Now().Before(m.ValidUntil)
	}
	return false
}

// clock: starting again is no jump of the clock.
func (k *inquest) clock() {
	err := k.v.db.Read(k.Context(), func(q bun.IDB) error {
		found, err := scheduler.ListFindings(k.Context(), q, time.Time{})
		if len(found) > 0 {
			k.Errorf("the clock jumped: %+v", found)
		}
		return err
	})
	if err != nil {
		k.Fatal(err)
	}
}

func (k *inquest) summary() {
	for _, n := range k.told {
		k.counts.cut += n.Left
	}
	c := k.counts
	k.Logf("%d booked, %d drafts, %d answered, %d deemed, %d notices; kills cut off %d bookings, %d letters went out again",
		c.booked, c.drafts, c.answered, c.deemed, c.messages, c.cut, c.again)
	if c.booked == 0 || c.answered == 0 || c.deemed == 0 {
		k.Errorf("the processes did too little to show anything")
	}
}

// A service that is killed while it starts, migrates or runs starts again, and
// ends with 0 when it is told to (DL-3).
func TestServeStartsAgainAfterAnyKill(t *testing.T) {
	dir := t.TempDir()
	for round, after := range []int{5, 20, 40, 80, 160, 320} {
		serve, _ := startServe(t, dir)
		<-time.After(time.Duration(after) * time.Millisecond)
		_ = serve.Process.Kill()
		if err := serve.Wait(); err == nil {
			t.Fatalf("round %d: it ended by itself", round)
		}
	}
	serve, log := startServe(t, dir)
	ready := false
	for lines := bufio.NewScanner(log); !ready && lines.Scan(); {
		ready = bytes.Contains(lines.Bytes(), []byte(`"msg":"ready"`))
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil || !ready {
		t.Fatalf("ready %v, %v", ready, err)
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	if err := serve.Wait(); err != nil {
		t.Errorf("told to stop, it ended with %v", err)
	}
}

func startServe(t *testing.T, dir string) (*exec.Cmd, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	serve := exec.Command(self) //nolint:gosec // this very test
	serve.Args = []string{"lianban", "serve", "--data", dir, "--addr", "127.0.0.1:0", "--metrics", ""}
	log, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	return serve, log
}

func TestATornNoteOfAVictimIsPassedOverAndSpoilsNoOther(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/diary.jsonl", []byte(`{"op":"intend","id":"1"}`+"\n"+`{"op":"boo`), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := openDiary(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.write(note{Op: "booked", ID: "1"}), d.file.Close()); err != nil {
		t.Fatal(err)
	}
	if all, err := readDiary(dir); err != nil || len(all) != 2 || all[1].Op != "booked" {
		t.Errorf("%+v, %v", all, err)
	}
}
