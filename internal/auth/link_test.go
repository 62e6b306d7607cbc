package auth_test

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// link makes a link to answer notice n1.
func (h *house) link(expires time.Time) (token, code string) {
	h.t.Helper()
	h.ok(h.DB.Write(h.t.Context(), func(tx bun.IDB) (err error) {
		token, code, err = auth.NewLink(h.t.Context(), tx, auth.Link{
			Purpose: "reply", Subject: "n1", Contact: "a1", CreatedAt: h.now, ExpiresAt: expires,
		})
		return err
	}))
	return token, code
}

func (h *house) open(token string) (l auth.Link, err error) {
	err = h.DB.Read(h.t.Context(), func(q bun.IDB) (err error) {
		l, err = auth.OpenLink(h.t.Context(), q, token, h.now)
		return err
	})
	return l, err
}

func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// SEC-10, INS-803
func TestOpeningALinkChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token, code := h.link(h.now.Add(time.Hour))
		if len(token) < 26 || !regexp.MustCompile(`^\d{6}$`).MatchString(code) {
			t.Errorf("token %q, code %q", token, code)
		}
		first, err := h.open(token)
		h.ok(err)
		for range 20 { // a read-only handle, so a write would fail
			again, err := h.open(token)
			h.ok(err)
			if again != first {
				t.Fatalf("%+v became %+v", first, again)
			}
		}
		if first.Purpose != "reply" || first.Subject != "n1" || first.Contact != "a1" || first.Actor().String() != "link:"+first.ID {
			t.Errorf("%+v", first)
		}
	})
}

// SEC-10, 11
func TestLinkWithItsCodeMayBeUsedAgainUntilItsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token, code := h.link(h.now.Add(time.Hour))
		for range 3 {
			l, err := h.UseLink(t.Context(), token, code)
			h.ok(err)
			if l.Subject != "n1" {
				t.Errorf("%+v", l)
			}
		}
		h.now = h.now.Add(time.Hour - time.Millisecond)
		_, err := h.UseLink(t.Context(), token, code)
		h.ok(err)
		h.now = h.now.Add(time.Millisecond)
		_, err = h.UseLink(t.Context(), token, code)
		refused(t, err, "link_expired")
		_, err = h.open(token)
		refused(t, err, "link_expired")
		for _, unknown := range []string{"", token + "A", token[1:]} {
			_, err = h.UseLink(t.Context(), unknown, code)
			refused(t, err, "link_unknown")
		}
	})
}

// SEC-11, INS-803
func TestFifthWrongCodeLocksTheLinkAndRaisesTheHold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token, code := h.link(h.now.Add(time.Hour))
		for i := range 4 {
			_, err := h.UseLink(t.Context(), token, wrong(code))
			refused(t, err, "code_wrong")
			if i == 1 {
				_, err := h.UseLink(t.Context(), token, code)
				h.ok(err) // does not give the tries back
			}
		}
		_, err := h.UseLink(t.Context(), token, wrong(code))
		refused(t, err, "link_locked")
		for range 3 {
			_, err = h.UseLink(t.Context(), token, code)
			refused(t, err, "link_locked")
		}
		_, err = h.open(token)
		refused(t, err, "link_locked")
		if len(h.locked) != 1 || h.locked[0].Subject != "n1" || h.leaves("link_locked") != 1 {
			t.Errorf("held %d times, %d leaves", len(h.locked), h.leaves("link_locked"))
		}
	})
}

// SEC-11: no lock without its hold, no hold without its lock.
func TestLockAndHoldAreWrittenTogetherOrNotAtAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token, code := h.link(h.now.Add(time.Hour))
		for range 4 {
			_, err := h.UseLink(t.Context(), token, wrong(code))
			refused(t, err, "code_wrong")
		}
		broken := errors.New("no hold")
		h.LinkLocked = func(context.Context, bun.IDB, auth.Link, time.Time) error { return broken }
		if _, err := h.UseLink(t.Context(), token, wrong(code)); !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
		if l, err := h.open(token); err != nil || l.Wrong != 4 {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func TestManyCodesAtOnceGetNoMoreThanFiveTries(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token, code := h.link(h.now.Add(time.Hour))
		var all sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			all.Go(func() { _, errs[i] = h.UseLink(t.Context(), token, wrong(code)) })
		}
		all.Wait()
		count := map[string]int{}
		for _, err := range errs {
			e, _ := fault.From(err)
			if e == nil {
				t.Fatal(err)
			}
			count[e.Code]++
		}
		if count["code_wrong"] != 4 || count["link_locked"] != 16 || len(h.locked) != 1 {
			t.Errorf("%v, held %d times", count, len(h.locked))
		}
	})
}

func TestLinksAreRevokedWithTheirSubject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		one, code := h.link(h.now.Add(time.Hour))
		two, _ := h.link(h.now.Add(time.Hour))
		h.ok(h.DB.Write(t.Context(), func(tx bun.IDB) error { return auth.RevokeLinks(t.Context(), tx, "n2", h.now) }))
		_, err := h.open(one)
		h.ok(err)
		h.ok(h.DB.Write(t.Context(), func(tx bun.IDB) error { return auth.RevokeLinks(t.Context(), tx, "n1", h.now) }))
		for _, token := range []string{one, two} {
			_, err := h.open(token)
			refused(t, err, "link_unknown")
			_, err = h.UseLink(t.Context(), token, code)
			refused(t, err, "link_unknown")
		}
	})
}

func TestCodesDiffer(t *testing.T) {
	h := newHouse(t, dbtest.SQLite(t))
	seen := map[string]bool{}
	for range 50 {
		token, code := h.link(h.now.Add(time.Hour))
		seen[token], seen[code] = true, true
	}
	if len(seen) < 98 { // two of fifty codes may meet, once in eight hundred runs
		t.Errorf("%d different tokens and codes", len(seen))
	}
}
