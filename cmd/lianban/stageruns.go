package main

import (
	"slices"

	"lianban/delivery"
	"lianban/inspection"
)

// circulates takes a lease in and packs the original for its keeper and a copy
// for the fire brigade; both wait for the next morning's run.
func (m *mailroom) circulates() (bags []delivery.BagView) {
	if m.err != nil {
		return nil
	}
	r := inspection.MaterialRequest{CaseID: m.blocked().ID, Title: "经营场所租赁合同"}
	for _, key := range []string{"lst/amr", "lst/fire"} {
		r.Needs = append(r.Needs, delivery.Need{DepartmentID: m.officer(key).Department, Form: delivery.ClassCopy})
	}
	clerk := m.clerk("lst")
	all, err := m.inspection.TakeIn(m.ctx, clerk, m.delivery, r)
	m.fail("take a lease in", err)
	for n, one := range all {
		if m.err != nil {
			return nil
		}
		to := one.KeeperID
		if one.ForID != "" {
			to = one.ForID
			_, err := m.delivery.Stamp(m.ctx, clerk, one.ItemID, "蒋志远")
			m.fail("stamp the copy", err)
		}
		bags = append(bags, m.bag(to, "F26110"+string(rune('1'+n)), one))
	}
	return bags
}

// bag packs one thing for a department and gives it away.
func (m *mailroom) bag(to, seal string, one delivery.Material) delivery.BagView {
	if m.err != nil {
		return delivery.BagView{}
	}
	clerk := m.clerk("lst")
	b, err := m.delivery.NewBag(m.ctx, clerk, delivery.NewBagRequest{To: to})
	m.fail("open a bag", err)
	_, err = m.delivery.PutInBag(m.ctx, clerk, b.ID, one.Item.Number)
	m.fail("pack "+one.Item.Title, err)
	v, err := m.delivery.ReleaseBag(m.ctx, clerk, delivery.BagRelease{BagID: b.ID, Seal: seal, Count: 1})
	m.fail("give the bag away", err)
	return v
}

// runs lets the morning's run leave; the keeper has signed, the other bag is
// still on its way.
func (m *mailroom) runs(bags []delivery.BagView) {
	m.at(0, "09:31")
	if m.err != nil {
		return
	}
	list, err := m.delivery.ListRuns(m.ctx, m.clerk("lst"))
	m.fail("list runs", err)
	n := slices.IndexFunc(list, func(r delivery.RunView) bool { return r.Counts.Open == len(bags) })
	if m.err != nil || n < 0 {
		return
	}
	_, err = m.delivery.LeaveRun(m.ctx, m.people["courier2"], list[n].ID, "")
	m.fail("let the run leave", err)
	m.pass(5)
	if m.err != nil {
		return
	}
	_, err = m.delivery.AcceptBag(m.ctx, m.officer("lst/amr"), delivery.BagAccept{BagID: bags[0].ID, Count: 1})
	m.fail("sign for the original", err)
}
