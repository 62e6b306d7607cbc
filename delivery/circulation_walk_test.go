package delivery

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

// round makes random moves of papers, right ones and wrong ones, and keeps a
// register of its own in the simplest way: who has each thing, and in which bag
// it is.
type round struct {
	*testWorld
	dice   *rand.Rand
	sides  []auth.Actor
	papers []Material
	has    map[string]Keeper // by item
	in     map[string]string // item → bag that is not opened yet
	bags   []Bag             // not opened yet
	sent   map[string]bool   // bags that were given away
	done   map[string]int    // acts that went through
	photo  string
	voids  map[string]auth.Actor // destructions that wait, by who proposed them
	voidOf map[string]string     // destruction → item
}

// DEL-901, DEL-903, DEL-911, DEL-914: whatever window and departments try with
// originals, copies, vouchers and bags, in whatever order, each thing has exactly
// one keeper and is in at most one bag, the same that a plain list kept beside it
// says, and nothing is lost or doubled. 100,000 moves by night.
func TestRandomCirculationLosesNothingAndDoublesNothing(t *testing.T) {
	rounds, moves := 2, 700
	if nightly() {
		rounds, moves = 10, 10_000
	}
	for seed := range rounds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			r := newRound(t, uint64(seed))
			for n := range moves {
				if n%(moves/10) == 0 {
					r.balance(n)
				}
				r.at = r.at.Add(time.Duration(1+r.dice.IntN(900)) * time.Millisecond)
				r.move()
			}
			r.balance(moves)
			for _, act := range []string{"take in", "copy", "stamp", "new bag", "put", "take out", "cancel", "release", "accept", "refuse", "lend", "found", "propose void", "void", "keep"} {
				if r.done[act] == 0 {
					t.Errorf("no %s went through: %v", act, r.done)
				}
			}
		})
	}
}

func newRound(t *testing.T, seed uint64) *round {
	r := &round{
		testWorld: newWorld(t, dbtest.SQLite(t)), dice: rand.New(rand.NewPCG(seed, 9)), has: map[string]Keeper{}, in: map[string]string{}, sent: map[string]bool{}, done: map[string]int{}, voids: map[string]auth.Actor{}, voidOf: map[string]string{},
	}
	r.sides = []auth.Actor{r.clerk, r.clerk, r.elsewhere()}
	for _, department := range branches {
		r.account(department)
		r.sides = append(r.sides, r.inspector(department))
	}
	r.photo = r.testWorld.photo()
	return r
}

// balance compares the register with the list beside it.
func (r *round) balance(n int) {
	r.t.Helper()
	r.sound()
	rows := 0
	r.must(r.DB.Read(r.t.Context(), func(q bun.IDB) error {
		for after := ""; ; {
			items, err := itemsAfter(r.t.Context(), q, after, 500)
			if err != nil || len(items) == 0 {
				return err
			}
			for _, i := range items {
				if i.keeper() != r.has[i.ID] || i.BagID != r.in[i.ID] {
					r.t.Fatalf("after %d moves %s is with %v in %q, want %v in %q", n, i.ID, i.keeper(), i.BagID, r.has[i.ID], r.in[i.ID])
				}
			}
			rows, after = rows+len(items), items[len(items)-1].ID
		}
	}))
	if rows != len(r.has) {
		r.t.Fatalf("after %d moves the register has %d things, want %d", n, rows, len(r.has))
	}
}

// went counts an act that went through; any other end must be a refusal.
func (r *round) went(act string, err error) bool {
	r.t.Helper()
	if err == nil {
		r.done[act]++
		return true
	}
	if kind := fault.KindOf(err); kind != fault.Invalid && kind != fault.Conflict && kind != fault.Forbidden && kind != fault.NotFound {
		r.t.Fatalf("%s: %v", act, err)
	}
	return false
}

func (r *round) anybody() auth.Actor   { return r.sides[r.dice.IntN(len(r.sides))] }
func (r *round) anyMaterial() Material { return r.papers[r.dice.IntN(len(r.papers))] }

// anyBag is mostly one that is far enough for the act.
func (r *round) anyBag(sent bool) Bag {
	b := r.bags[r.dice.IntN(len(r.bags))]
	for range 6 {
		if r.sent[b.ID] != sent || len(r.inside(b)) == 0 {
			b = r.bags[r.dice.IntN(len(r.bags))]
		}
	}
	return b
}

// inside are the things of a bag that is not opened yet.
func (r *round) inside(b Bag) (ids []string) {
	for _, p := range r.papers {
		if r.in[p.ItemID] == b.ID {
			ids = append(ids, p.ItemID)
		}
	}
	return ids
}

// sensible is mostly somebody who may, so that much goes through.
func (r *round) sensible(k Keeper) auth.Actor {
	for _, by := range r.sides {
		if sideOf(by) == k && r.dice.IntN(8) > 0 {
			return by
		}
	}
	return r.anybody()
}

func (r *round) move() {
	r.t.Helper()
	switch n := r.dice.IntN(20); {
	case len(r.papers) < 20 || n == 0 && len(r.papers) < 200:
		r.takeIn()
	case len(r.bags) < 4 || n == 1 && len(r.bags) < 12:
		r.newBag()
	case n < 6:
		r.onMaterial()
	case n == 6:
		r.void()
	case n < 13:
		r.fill()
	case n < 14:
		r.empty()
	case n < 17:
		r.release()
	default:
		r.receive()
	}
}

func (r *round) takeIn() {
	form := []Class{ClassCopy, ClassCopy, ClassVoucher}[r.dice.IntN(3)]
	all := needs(form, branches[:1+r.dice.IntN(3)]...)
	for i := range all {
		all[i].AgreedBy = "欧阳慧"
	}
	papers, err := r.testWorld.takeIn(r.material("租赁合同", all))
	r.must(err)
	r.done["take in"]++
	for _, p := range papers {
		r.papers, r.has[p.ItemID] = append(r.papers, p), Keeper{AtWindow, r.centre.ID}
	}
}

func (r *round) newBag() {
	p := r.anyMaterial() // mostly a bag that something could go into
	by := r.sensible(r.has[p.ItemID])
	to := []string{branches[r.dice.IntN(3)], p.KeeperID, p.ForID, ""}[r.dice.IntN(4)]
	b, err := r.NewBag(r.t.Context(), by, NewBagRequest{To: to, Centre: r.centre.ID})
	if r.went("new bag", err) {
		r.bags = append(r.bags, b)
	}
}

// onMaterial stamps, copies or lends.
func (r *round) onMaterial() {
	ctx, p := r.t.Context(), r.anyMaterial()
	by := r.sensible(r.has[p.ItemID])
	switch r.dice.IntN(4) {
	case 0, 1:
		_, err := r.Stamp(ctx, by, p.ItemID, "蒋志远")
		r.went("stamp", err)
	case 2:
		if r.dice.IntN(4) > 0 {
			return // or there would be nothing but copies
		}
		c, err := r.AddCopy(ctx, by, CopyRequest{ItemID: p.ItemID, DepartmentID: branches[r.dice.IntN(3)], Reason: "模糊"})
		if r.went("copy", err) {
			r.papers, r.has[c.ItemID] = append(r.papers, c), r.has[p.ItemID]
		}
	default:
		for range 20 { // mostly an original that its keeper has
			if p.OfItem != "" || r.has[p.ItemID] != (Keeper{AtDepartment, p.KeeperID}) {
				p = r.anyMaterial()
			}
		}
		by = r.sensible(Keeper{AtDepartment, p.KeeperID})
		_, err := r.Lend(ctx, by, LoanRequest{ItemID: p.ItemID, BorrowerID: branches[r.dice.IntN(3)], Purpose: "核对"})
		r.went("lend", err)
	}
}

// void proposes to destroy something, or ends such a proposal (DEL-946). Only
// another person of the keeper ends somebody's custody.
func (r *round) void() {
	r.t.Helper()
	ctx := r.t.Context()
	if len(r.voids) < 3 {
		p := r.anyMaterial()
		by := r.sensible(r.has[p.ItemID])
		x, err := r.ProposeDestroy(ctx, by, DestroyRequest{ItemID: p.ItemID, Reason: "模糊", Photo: r.photo})
		if r.went("propose void", err) {
			r.voids[x.ID], r.voidOf[x.ID] = by, p.ItemID
		}
		return
	}
	id := slices.Sorted(maps.Keys(r.voids))[r.dice.IntN(len(r.voids))]
	by, item := r.sensible(r.has[r.voidOf[id]]), r.voidOf[id]
	if r.dice.IntN(3) == 0 {
		by = r.boss
	}
	if r.dice.IntN(3) == 0 {
		if _, err := r.WithdrawDestroy(ctx, by, id); r.went("keep", err) {
			delete(r.voids, id)
		}
		return
	}
	if _, err := r.ConfirmDestroy(ctx, by, id); !r.went("void", err) {
		return
	}
	if by.String() == r.voids[id].String() || r.in[item] != "" {
		r.t.Fatalf("%v made %s void, which is in %q", by, item, r.in[item])
	}
	r.has[item] = Keeper{Destroyed, id}
	delete(r.voids, id)
}

func (r *round) fill() {
	b, p := r.bags[r.dice.IntN(len(r.bags))], r.anyMaterial()
	for range 8 { // mostly something that lies where the bag is packed
		if r.sent[b.ID] {
			b = r.bags[r.dice.IntN(len(r.bags))]
		}
		if r.has[p.ItemID] != b.From() || r.in[p.ItemID] != "" || b.ToKind == AtDepartment && b.ToID != p.KeeperID && b.ToID != p.ForID {
			p = r.anyMaterial()
		}
	}
	_, err := r.PutInBag(r.t.Context(), r.sensible(b.From()), b.ID, p.Item.Number)
	if !r.went("put", err) {
		return
	}
	if was := r.in[p.ItemID]; r.has[p.ItemID] != b.From() || was != "" && was != b.ID {
		r.t.Fatalf("packed what %v has in %q", r.has[p.ItemID], was)
	}
	r.in[p.ItemID] = b.ID
}

func (r *round) empty() {
	b, ctx := r.anyBag(false), r.t.Context()
	by := r.sensible(b.From())
	if r.dice.IntN(6) == 0 {
		if _, err := r.CancelBag(ctx, by, b.ID); r.went("cancel", err) {
			r.unpack(b)
		}
		return
	}
	p := r.anyMaterial()
	if inside := r.inside(b); len(inside) > 0 && r.dice.IntN(4) > 0 {
		p = r.papers[slices.IndexFunc(r.papers, func(p Material) bool { return p.ItemID == inside[0] })]
	}
	if _, err := r.TakeOutOfBag(ctx, by, b.ID, p.Item.Number); r.went("take out", err) {
		if r.in[p.ItemID] != b.ID {
			r.t.Fatalf("took out of %s what is in %q", b.ID, r.in[p.ItemID])
		}
		delete(r.in, p.ItemID)
	}
}

// unpack forgets a bag and gives what was in it.
func (r *round) unpack(b Bag) []string {
	ids := r.inside(b)
	for _, id := range ids {
		delete(r.in, id)
	}
	r.bags = slices.DeleteFunc(r.bags, func(o Bag) bool { return o.ID == b.ID })
	return ids
}

func (r *round) release() {
	b := r.anyBag(false)
	count := len(r.inside(b))
	if r.dice.IntN(10) == 0 {
		count++
	}
	if _, err := r.ReleaseBag(r.t.Context(), r.sensible(b.From()), BagRelease{BagID: b.ID, Seal: "F1", Count: count}); r.went("release", err) {
		if count != len(r.inside(b)) || sideOf(r.clerk) != b.From() && b.FromKind == AtWindow {
			r.t.Fatalf("given away with %d of %d", count, len(r.inside(b)))
		}
		r.sent[b.ID] = true
	}
}

func (r *round) receive() {
	ctx, b := r.t.Context(), r.anyBag(true)
	by := r.sensible(b.To())
	if r.dice.IntN(6) == 0 {
		if _, err := r.RefuseBag(ctx, by, b.ID, "封条破损"); r.went("refuse", err) {
			r.answeredBy(by, b)
			r.unpack(b)
		}
		return
	}
	a, lost := BagAccept{BagID: b.ID}, map[string]bool{}
	for _, id := range r.inside(b) {
		if r.dice.IntN(6) > 0 {
			a.Count++
			continue
		}
		lost[id] = true
		a.Found = append(a.Found, Found{id, FoundMissing, "袋内没有"})
	}
	extra := r.anyMaterial()
	if r.dice.IntN(4) == 0 {
		a.Extras = []Extra{{Number: extra.Item.Number, Title: "多出", Photo: r.photo}}
	}
	if _, err := r.AcceptBag(ctx, by, a); !r.went("accept", err) {
		return
	}
	r.answeredBy(by, b)
	if len(a.Extras) > 0 && r.in[extra.ItemID] == "" && r.has[extra.ItemID] == b.From() { // free, and the giver's
		r.done["found"]++
		r.has[extra.ItemID] = b.To()
	}
	for _, id := range r.unpack(b) {
		if !lost[id] {
			r.has[id] = b.To()
		}
	}
}

// answeredBy fails when a side answered that the bag was not for (DEL-910).
func (r *round) answeredBy(by auth.Actor, b Bag) {
	r.t.Helper()
	if sideOf(by) != b.To() || !r.sent[b.ID] {
		r.t.Fatalf("%v answered for %v", sideOf(by), b.To())
	}
}
