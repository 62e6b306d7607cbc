package delivery

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/notify"
)

// queue is what a courier's telephone still has to send, in a file that survives
// its victim.
type queue struct {
	URL, Files string
	Courier    auth.Actor
	At         time.Time
	Events     []json.RawMessage
}

// DEL-1005, DEL-504, DL-2: the process is killed with -9 in the middle of draining
// an offline day, again and again, and the telephone sends what was not answered
// once more: each event is there once, what was answered is never lost, and
// states, things and texts are those of an undisturbed day.
func TestNothingIsLostOrDoubledWhenTheDrainIsKilled(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{"sqlite": liteURL, "postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) }} {
		t.Run(name, func(t *testing.T) { drainKilled(t, url(t)) })
	}
}

func liteURL(t *testing.T) string { return filepath.Join(t.TempDir(), "drain.db") }

func drainKilled(t *testing.T, url string) {
	d, err := db.OpenScratch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	w := &parcelWorld{testWorld: &testWorld{t: t}}
	_, err = d.Migrate(t.Context())
	w.must(err)
	w = newParcelWorld(t, d)
	var parcels []Parcel
	q := queue{URL: url, Files: w.Files, Courier: w.courier}
	for range 10 {
		day, some := w.day()
		parcels, q.Events = append(parcels, some...), append(q.Events, day...)
		w.later(60)
	}
	q.At = w.at.Add(time.Hour)
	w.must(d.Close())

	dir := t.TempDir()
	body, err := json.Marshal(q)
	w.must(err)
	w.must(os.WriteFile(filepath.Join(dir, "queue.json"), body, 0o600))
	random := rand.New(rand.NewPCG(3, 9))
	kills, done := 0, false
	for ; !done && kills < 20; kills++ {
		done = killDrain(t, dir, time.Duration(1+random.IntN(60))*time.Millisecond)
	}
	if !done && !killDrain(t, dir, 0) {
		t.Fatal("left in peace it did not come to an end")
	}

	if d, err = db.OpenScratch(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	defer func() { w.must(d.Close()) }()
	w.DB, w.at = d, q.At
	for from := 0; from < len(q.Events); from += 100 {
		for _, a := range w.send(q.Events[from:min(from+100, len(q.Events))]...) {
			if a.Result != EventDuplicate {
				t.Errorf("%s was answered and is gone: %+v", a.EventID, a)
			}
		}
	}
	delivered := 0
	for _, p := range parcels {
		v := w.parcel(p.ID)
		seen := map[string]bool{}
		for _, s := range v.Steps {
			if seen[s.ID] {
				t.Errorf("%s stands twice", s.ID)
			}
			seen[s.ID] = true
		}
		texts := 0
		w.must(d.Read(t.Context(), func(q bun.IDB) error {
			ms, err := notify.ListBySubject(t.Context(), q, p.ID, notify.PurposeDelivered)
			texts = len(ms)
			return err
		}))
		if v.State == ParcelDelivered {
			delivered++
		}
		if texts > 1 {
			t.Errorf("%s: %d texts of one delivery", p.Number, texts)
		}
	}
	found, err := w.Rebuild(t.Context(), false)
	w.must(err)
	if len(found.Differ) > 0 {
		t.Errorf("rows differ from their events: %v", found.Differ)
	}
	w.sound()
	t.Logf("%d kills, %d events, %d of %d parcels delivered", kills, len(q.Events), delivered, len(parcels))
	if delivered == 0 || kills < 3 {
		t.Errorf("%d kills and %d delivered show nothing", kills, delivered)
	}
}

// killDrain starts a victim, kills it after a while, or never, and reports
// whether it had sent everything.
func killDrain(t *testing.T, dir string, after time.Duration) bool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(self, "-test.run=^TestDrainVictim$") //nolint:gosec // this very test
	process.Env = append(os.Environ(), "DRAIN_DIR="+dir)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "up" {
		if strings.Contains(lines.Text(), "FAIL") {
			t.Fatalf("the victim: %s", lines.Text())
		}
	}
	if after > 0 {
		<-time.After(after)
		_ = process.Process.Kill() // too late when it has ended by itself
	}
	done := false
	for lines.Scan() {
		done = done || lines.Text() == "done"
		if strings.Contains(lines.Text(), "FAIL") {
			t.Errorf("the victim: %s", lines.Text())
		}
	}
	_ = process.Wait()
	return done
}

// TestDrainVictim is the process that gets killed: it sends what its file of
// answers does not have yet, and writes each answer down.
func TestDrainVictim(t *testing.T) {
	dir := os.Getenv("DRAIN_DIR")
	if dir == "" {
		t.Skip("runs in TestNothingIsLostOrDoubledWhenTheDrainIsKilled")
	}
	body, err := os.ReadFile(filepath.Join(dir, "queue.json"))
	if err != nil {
		t.Fatal(err)
	}
	var q queue
	if err := json.Unmarshal(body, &q); err != nil {
		t.Fatal(err)
	}
	d, err := db.OpenScratch(t.Context(), q.URL)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return q.At }
	desk := &Desk{DB: d, Now: now, Auth: &auth.Desk{DB: d, Now: now}, Key: make([]byte, 32), Files: q.Files, Signature: "永州政务", Out: (&testWorld{}).wentOut}
	answered, err := os.OpenFile(filepath.Join(dir, "answered"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for lines := bufio.NewScanner(answered); lines.Scan(); {
		known[lines.Text()] = true
	}
	fmt.Println("up")
	for from := 0; from < len(q.Events); {
		var batch []json.RawMessage
		for ; from < len(q.Events) && len(batch) < 7; from++ {
			var e struct {
				EventID string `json:"event_id"`
			}
			if err := json.Unmarshal(q.Events[from], &e); err != nil {
				t.Fatal(err)
			}
			if !known[e.EventID] {
				batch = append(batch, q.Events[from])
			}
		}
		if len(batch) == 0 {
			continue
		}
		out, err := desk.Ingest(t.Context(), q.Courier, Batch{Schema: 1, SentAt: q.At.Format(time.RFC3339Nano), Events: batch})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range out {
			if a.Result == EventRejected {
				t.Fatalf("rejected: %+v", a)
			}
			if _, err := fmt.Fprintln(answered, a.EventID); err != nil {
				t.Fatal(err)
			}
		}
	}
	fmt.Println("done")
	_ = d.Close()
}
