package auth_test

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

func (h *house) askedKey(change ...func(*auth.NewKey)) auth.NewKey {
	n := auth.NewKey{
		Client: "市一体化平台", Divisions: []string{"431100"}, Scopes: []string{"cases:write"}, Expires: h.now.Add(24 * time.Hour),
	}
	for _, f := range change {
		f(&n)
	}
	return n
}

func slurp(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// SEC-9
func TestKeyIsShownOnceAndCarriesItsScopes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		k, bearer, err := h.CreateKey(t.Context(), root, h.askedKey())
		h.ok(err)
		if !strings.HasPrefix(bearer, "lb_"+k.ID+"_") || len(bearer) < 64+len(k.ID) || strings.Contains(bearer, k.Hash) {
			t.Errorf("key %s", bearer)
		}
		who, err := h.Key(t.Context(), bearer)
		h.ok(err)
		if who.Kind != auth.KindKey || who.Name != k.Client || !slices.Contains(who.Divisions, "431103") || who.Scopes[0] != "cases:write" || len(who.Roles) != 0 {
			t.Errorf("%+v", who)
		}
		for _, wrong := range []string{"", "lb_", "lb__", "lb_" + k.ID, "lb_" + k.ID + "_", bearer + "x", bearer[:len(bearer)-1], "lb_nobody_" + bearer} {
			_, err := h.Key(t.Context(), wrong)
			refused(t, err, "key_invalid")
		}
		h.now = k.ExpiresAt
		_, err = h.Key(t.Context(), bearer)
		refused(t, err, "key_expired")
	})
}

// SEC-9
func TestClientHasTwoKeysAtATime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		one, first, err := h.CreateKey(t.Context(), root, h.askedKey())
		h.ok(err)
		_, second, err := h.CreateKey(t.Context(), root, h.askedKey())
		h.ok(err)
		_, _, err = h.CreateKey(t.Context(), root, h.askedKey())
		refused(t, err, "key_limit")
		_, _, err = h.CreateKey(t.Context(), root, h.askedKey(func(n *auth.NewKey) { n.Client = "另一程序" }))
		h.ok(err)

		var all []auth.Key
		h.ok(d.Read(t.Context(), func(q bun.IDB) (err error) {
			all, err = auth.ListKeys(t.Context(), q)
			return err
		}))
		if len(all) != 3 || all[0].CreatedBy != root.String() {
			t.Errorf("listed: %+v", all)
		}

		h.ok(h.RevokeKey(t.Context(), root, one.ID))
		refused(t, h.RevokeKey(t.Context(), root, one.ID), "key_unknown")
		_, err = h.Key(t.Context(), first)
		refused(t, err, "key_invalid")
		_, err = h.Key(t.Context(), second)
		h.ok(err)
		_, _, err = h.CreateKey(t.Context(), root, h.askedKey())
		h.ok(err)

		h.now = h.now.Add(24 * time.Hour) // both ran out and make room
		_, _, err = h.CreateKey(t.Context(), root, h.askedKey())
		h.ok(err)
	})
}

func TestTwoKeysAreNotExceededByAskingAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() { _, _, errs[i] = h.CreateKey(t.Context(), root, h.askedKey()) })
		}
		all.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else if !fault.Is(err, "key_limit") {
				t.Error(err)
			}
		}
		if made != 2 {
			t.Errorf("%d keys", made)
		}
	})
}

// SEC-9
func TestKeysOutsideTheRulesAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, c := range []struct {
			code   string
			change func(*auth.NewKey)
		}{
			{"text_invalid", func(n *auth.NewKey) { n.Client = "a\r\nb" }},
			{"key_scope", func(n *auth.NewKey) { n.Scopes = nil }},
			{"key_scope", func(n *auth.NewKey) { n.Scopes = []string{"cases:*"} }},
			{"key_scope", func(n *auth.NewKey) { n.Divisions = nil }},
			{"division_unknown", func(n *auth.NewKey) { n.Divisions = []string{"1"} }},
			{"key_expiry", func(n *auth.NewKey) { n.Expires = h.now }},
			{"key_expiry", func(n *auth.NewKey) { n.Expires = h.now.Add(365*24*time.Hour + time.Millisecond) }},
		} {
			_, _, err := h.CreateKey(t.Context(), root, h.askedKey(c.change))
			refused(t, err, c.code)
		}
		_, _, err := h.CreateKey(t.Context(), h.person("wang").Actor(), h.askedKey())
		refused(t, err, "not_security")
		refused(t, h.RevokeKey(t.Context(), auth.Actor{}, "x"), "not_security")
	})
}
