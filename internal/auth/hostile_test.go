package auth_test

import (
	"testing"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// What a stranger can send is answered, not stumbled over.
func TestHostileIdsAreSimplyUnknown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, s := range []string{"\x00", "a\x00b", "' OR 1=1 --", "\xff\xfe", "𠮷", "?", "%"} {
			_, err := h.signIn(s, s, s)
			refused(t, err, "sign_in_failed")
			_, _, err = h.Session(t.Context(), s)
			refused(t, err, "not_signed_in")
			h.ok(h.SignOut(t.Context(), s))
			_, err = h.Key(t.Context(), "lb_"+s+"_"+s)
			refused(t, err, "key_invalid")
			_, err = h.open(s)
			refused(t, err, "link_unknown")
			_, err = h.UseLink(t.Context(), s, s)
			refused(t, err, "link_unknown")
			refused(t, h.RevokeKey(t.Context(), root, s), "key_unknown")
			refused(t, h.Disable(t.Context(), root, s), "person_unknown")
			refused(t, d.Read(t.Context(), func(q bun.IDB) error {
				_, err := auth.FindPerson(t.Context(), q, s)
				return err
			}), "person_unknown")
		}
	})
}
