package main

import (
	"strings"
	"testing"
)

// A first password is never refused for the login in it.
func TestFirstPasswordNeverHoldsTheLogin(t *testing.T) {
	t.Parallel()
	for _, login := range []string{"li", "lb", "lb-", "qx", "zhang"} {
		for range 200 {
			if made := firstPassword(login); strings.Contains(strings.ToLower(made), login) || len(made) < 20 {
				t.Fatalf("%s for %s", made, login)
			}
		}
	}
}
