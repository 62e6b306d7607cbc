package delivery

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
)

// Claim is one of several hand-overs that were reported of a parcel, with what
// speaks for it (DEL-525).
type Claim struct {
	EventID   string    `json:"event_id"`
	CourierID string    `json:"courier_id,omitempty"`
	Courier   string    `json:"courier,omitempty"` // name; empty of a carrier
	At        time.Time `json:"at"`                // time that counts
	Stands    bool      `json:"stands"`            // the earlier one, until the window settles it
	Proofs    []Proof   `json:"proofs,omitempty"`  // that came with it, the strongest first
	Strength  int       `json:"strength"`          // code 4, ID 3, signature 2, photo 1, none 0
}

// claims are the hand-overs that contradict each other, the best proven first;
// none while there is no conflict between two of them.
func (f folding) claims(p Parcel, g Folded) (out []Claim) {
	for _, s := range g.Steps {
		e, _ := f.event(p, s.EventID)
		if e.Type != EventDelivered || s.Verdict != Applied && s.Verdict != Clashed {
			continue
		}
		c := Claim{EventID: e.ID, CourierID: e.CourierID, At: s.At, Stands: s.Verdict == Applied, Proofs: e.shown(e.facts(), f.have)}
		slices.SortStableFunc(c.Proofs, func(a, b Proof) int { return b.strength() - a.strength() })
		if len(c.Proofs) > 0 {
			c.Strength = c.Proofs[0].strength()
		}
		out = append(out, c)
	}
	if !slices.ContainsFunc(out, func(c Claim) bool { return !c.Stands }) {
		return nil
	}
	slices.SortStableFunc(out, func(a, b Claim) int { return cmp.Or(b.Strength-a.Strength, a.At.Compare(b.At)) })
	return out
}

// strength is what a proof is worth against another claim; a name alone nothing.
func (p Proof) strength() int {
	for _, s := range strengths {
		if s.proof == p {
			return s.is
		}
	}
	return 0
}

func nameClaims(ctx context.Context, q bun.IDB, claims []Claim) error {
	for i, c := range claims {
		person, err := auth.FindPerson(ctx, q, c.CourierID)
		if err != nil && !fault.Is(err, "person_unknown") {
			return err
		}
		claims[i].Courier = person.Name
	}
	return nil
}
