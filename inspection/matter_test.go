package inspection

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

var matterNow = time.Date(2026, 3, 2, 9, 40, 0, 0, workday.Shanghai)

func matterDesk(d *db.DB, now time.Time) *Desk {
	return &Desk{DB: d, Now: func() time.Time { return now }}
}

func mustDate(t testing.TB, text string) workday.Date {
	t.Helper()
	d, err := workday.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustPublish(t testing.TB, d *Desk, m Matter) Matter {
	t.Helper()
	out, _, err := d.PublishMatter(t.Context(), "person:test", m)
	if err != nil {
		t.Fatalf("publish %s: %v", m.Code, err)
	}
	return out
}

// read runs fn on the reader pool, as a page would.
func read[T any](t testing.TB, d *Desk, fn func(context.Context, bun.IDB) (T, error)) (T, error) {
	t.Helper()
	var out T
	err := d.DB.Read(t.Context(), func(q bun.IDB) (err error) {
		out, err = fn(t.Context(), q)
		return err
	})
	return out, err
}

func matterAt(t testing.TB, d *Desk, code string, at time.Time) (Matter, error) {
	t.Helper()
	return read(t, d, func(ctx context.Context, q bun.IDB) (Matter, error) { return MatterAt(ctx, q, code, at) })
}

var sameMatter = cmp.Options{
	cmp.Comparer(func(a, b Expr) bool { return a.String() == b.String() }),
	cmpopts.EquateApproxTime(0),
}

func TestPublishedVersionComesBackAsItWas(t *testing.T) { // INS-301, INS-302
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		m := newMatter(t)
		m.EffectiveTo, m.Commitment = mustDate(t, "2030-01-01"), true
		m.Rules[1].NeverDeemed, m.Rules[1].Permit, m.Rules[1].Basis = true, "营业前消防安全检查", "消防法第十五条"
		want := mustPublish(t, d, m)
		if want.Version != 1 || want.PublishedBy != "person:test" || want.Hash == "" {
			t.Errorf("published as %+v", want)
		}
		got, err := read(t, d, func(ctx context.Context, q bun.IDB) (Matter, error) { return FindMatter(ctx, q, "T01", 1) })
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sameMatter); diff != "" {
			t.Error(diff)
		}
		if hash, err := got.contentHash(); err != nil || hash != want.Hash {
			t.Errorf("what was read hashes to %s, %v", hash, err)
		}
		leaves, err := read(t, d, func(ctx context.Context, q bun.IDB) ([]audit.Entry, error) { return audit.Stream(ctx, q, "system") })
		if err != nil || len(leaves) != 1 || leaves[0].Type != "matter_published" || leaves[0].Text("sha256") != want.Hash {
			t.Errorf("the log says %v, %v", leaves, err)
		}
	})
}

func TestChangeIsANewVersionFromItsDay(t *testing.T) { // INS-301
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		first := mustPublish(t, d, newMatter(t))
		change := first
		change.NameEN, change.EffectiveFrom = "Open an eating house", mustDate(t, "2026-04-01")
		second := mustPublish(t, d, change)
		correction := second
		correction.NameEN = "Open an eatery" // same day: the later version counts
		mustPublish(t, d, correction)
		for text, want := range map[string]int{
			"2026-01-01T00:00:00+08:00": 1,
			"2026-03-31T23:59:59+08:00": 1, // days are days in Shanghai
			"2026-03-31T16:00:00Z":      3,
			"2027-01-01T00:00:00Z":      3,
		} {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			if m, err := matterAt(t, d, "T01", at); err != nil || m.Version != want || len(m.Rules) != 3 {
				t.Errorf("at %s version %d with %d rules, %v, want %d", text, m.Version, len(m.Rules), err, want)
			}
		}
		// The old versions stay as they were for the cases accepted under them.
		old, err := read(t, d, func(ctx context.Context, q bun.IDB) (Matter, error) { return FindMatter(ctx, q, "T01", 1) })
		if diff := cmp.Diff(first, old, sameMatter); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func TestMatterOutsideItsTimeIsNotOffered(t *testing.T) { // INS-301
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		m := mustPublish(t, d, newMatter(t))
		m.EffectiveFrom, m.EffectiveTo = mustDate(t, "2026-05-01"), mustDate(t, "2026-06-01")
		mustPublish(t, d, m)
		for text, code := range map[string]string{
			"2025-12-31": "matter_not_in_force", "2026-01-01": "", "2026-05-31": "",
			"2026-06-01": "matter_not_in_force", // the version before does not come back
		} {
			_, err := matterAt(t, d, "T01", mustDate(t, text).Midnight())
			if code == "" && err != nil || code != "" && !fault.Is(err, code) {
				t.Errorf("on %s: %v", text, err)
			}
		}
		if _, err := matterAt(t, d, "T99", matterNow); !fault.Is(err, "matter_unknown") {
			t.Errorf("a code nobody published gives %v", err)
		}
		_, err := read(t, d, func(ctx context.Context, q bun.IDB) (Matter, error) { return FindMatter(ctx, q, "T01", 3) })
		if !fault.Is(err, "matter_unknown") {
			t.Errorf("a version nobody published gives %v", err)
		}
	})
}

func TestVersionThatWouldRewriteThePastIsRefused(t *testing.T) { // INS-301
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		first := mustPublish(t, d, newMatter(t)) // the first may have begun before it was entered
		change := first
		change.EffectiveFrom = mustDate(t, "2026-03-01")
		if _, _, err := d.PublishMatter(t.Context(), "person:test", change); !fault.Is(err, "matter_backdated") {
			t.Errorf("a change dated yesterday gives %v", err)
		}
		change.EffectiveFrom = mustDate(t, "2026-03-02")
		mustPublish(t, d, change)
		if _, _, err := d.PublishMatter(t.Context(), "person:test", change); !fault.Is(err, "matter_changed") {
			t.Errorf("a change of an old version gives %v", err)
		}
		unsound := newMatter(t)
		unsound.Code, unsound.Rules[0].Lead = "T02", false
		if _, _, err := d.PublishMatter(t.Context(), "person:test", unsound); !fault.Is(err, "matter_lead") {
			t.Errorf("a version without lead gives %v", err)
		}
	})
}

func TestTwoWhoPublishAtOnceGetOneVersionEach(t *testing.T) { // STY-30, INS-301
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		first := mustPublish(t, d, newMatter(t))
		first.EffectiveFrom = mustDate(t, "2026-03-03")
		results := make(chan error)
		for range 2 {
			go func() {
				_, _, err := d.PublishMatter(t.Context(), "person:test", first)
				results <- err
			}()
		}
		a, b := <-results, <-results
		if (a == nil) == (b == nil) || !fault.Is(a, "matter_changed") && !fault.Is(b, "matter_changed") {
			t.Errorf("got %v and %v", a, b)
		}
	})
}

func TestMattersAreFoundByWordsOfNameCodeAndPermits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		d := matterDesk(store, matterNow)
		mustPublish(t, d, newMatter(t))
		m := newMatter(t)
		m.Code, m.NameZH, m.NameEN, m.Permits = "T_02", "我要开100%KTV", "Open a karaoke hall", []string{"娱乐经营许可", "食品经营许可"}
		m = mustPublish(t, d, m)
		m.NameZH, m.EffectiveFrom = "我要开歌厅", mustDate(t, "2026-04-01") // not yet in force
		mustPublish(t, d, m)
		for search, want := range map[string][]string{
			"": {"T01", "T_02"}, "饭店": {"T01"}, "食品": {"T01", "T_02"}, "食品 ktv": {"T_02"}, "KARAOKE": {"T_02"},
			"t01": {"T01"}, "_": {"T_02"}, "%": {"T_02"}, `\`: nil, "歌厅": nil, "' OR 1=1": nil,
		} {
			list, err := read(t, d, func(ctx context.Context, q bun.IDB) ([]Matter, error) {
				return ListMatters(ctx, q, MatterQuery{At: matterNow, Search: search})
			})
			var got []string
			for _, m := range list {
				if got = append(got, m.Code); m.Version != 1 || len(m.Rules) != 3 {
					t.Errorf("%q: version %d with %d rules", search, m.Version, len(m.Rules))
				}
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%q: %v %s", search, err, diff)
			}
		}
	})
}
