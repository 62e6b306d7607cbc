package main

import (
	"errors"
	"slices"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
)

// circulates takes a lease and a floor plan in and packs the originals for their
// keeper and copies for others; all of it waits for the next morning's run, except
// for one copy in a bag that is still open.
func (m *mailroom) circulates() (bags []delivery.BagView) {
	clerk := m.clerk("lst")
	lease := m.takesIn("经营场所租赁合同", "lst/amr", "lst/fire", "lst/urban")
	plan := m.takesIn("经营场所平面图", "lst/amr", "lst/fire", "lst/urban")
	if m.err != nil {
		return nil
	}
	for n, one := range slices.Concat(lease[:2], plan) {
		bags = append(bags, m.bag(one, "F26110"+string(rune('1'+n))))
	}
	m.did("pack a torn bag, and empty it again", func() error {
		b, err := m.delivery.NewBag(m.ctx, clerk, delivery.NewBagRequest{To: lease[2].ForID})
		if err == nil {
			_, err = m.delivery.PutInBag(m.ctx, clerk, b.ID, lease[2].Item.Number)
		}
		if err == nil {
			_, err = m.delivery.TakeOutOfBag(m.ctx, clerk, b.ID, lease[2].Item.Number)
		}
		if err == nil {
			_, err = m.delivery.CancelBag(m.ctx, clerk, b.ID)
		}
		return err
	})
	m.fills(clerk, lease[2].ForID, lease[2].Item.Number)
	return bags
}

// takesIn takes an original in that each of the departments needs; the window has
// the copies stamped.
func (m *mailroom) takesIn(title string, keys ...string) (all []delivery.Material) {
	if m.err != nil {
		return nil
	}
	r := inspection.MaterialRequest{CaseID: m.blocked().ID, Title: title}
	for _, key := range keys {
		r.Needs = append(r.Needs, delivery.Need{DepartmentID: m.departments[key].ID, Form: delivery.ClassCopy})
	}
	clerk := m.clerk("lst")
	m.did("take in "+title, func() (err error) {
		all, err = m.inspection.TakeIn(m.ctx, clerk, m.delivery, r)
		return err
	})
	for _, one := range all {
		if one.ForID != "" {
			m.did("stamp the copy", func() error { _, err := m.delivery.Stamp(m.ctx, clerk, one.ItemID, "蒋志远"); return err })
		}
	}
	return all
}

// bag packs a material for who is to have it, and gives it away.
func (m *mailroom) bag(one delivery.Material, seal string) delivery.BagView {
	to := one.KeeperID
	if one.ForID != "" {
		to = one.ForID
	}
	return m.sendsBag(m.clerk("lst"), to, seal, one.Item.Number)
}

// fills opens a bag for a department and puts one thing in.
func (m *mailroom) fills(by auth.Actor, to, number string) (b delivery.Bag) {
	m.did("fill a bag", func() (err error) {
		if b, err = m.delivery.NewBag(m.ctx, by, delivery.NewBagRequest{To: to, Centre: m.centres["lst"].ID}); err == nil {
			_, err = m.delivery.PutInBag(m.ctx, by, b.ID, number)
		}
		return err
	})
	return b
}

func (m *mailroom) sendsBag(by auth.Actor, to, seal, number string) (v delivery.BagView) {
	b := m.fills(by, to, number)
	m.did("give a bag away", func() (err error) {
		v, err = m.delivery.ReleaseBag(m.ctx, by, delivery.BagRelease{BagID: b.ID, Seal: seal, Count: 1})
		return err
	})
	return v
}

func (m *mailroom) opensBag(by auth.Actor, r delivery.BagAccept) {
	m.did("sign for a bag", func() error { _, err := m.delivery.AcceptBag(m.ctx, by, r); return err })
}

// runsBefore is the afternoon's run of the day before: what was on its list had
// come by hand already, but for one thing that nobody could give it (DEL-923).
func (m *mailroom) runsBefore() {
	m.at(1, "14:32")
	run := m.leavesRun(func(e delivery.RunEntry) bool { return e.Fate == delivery.FateOpen })
	m.pass(6)
	for _, e := range run.Entries {
		if e.Fate == delivery.FateOpen {
			m.did("put off what was not there", func() (err error) {
				run, err = m.delivery.PostponeEntry(m.ctx, m.clerk("lst"), run.ID, e.ID, "到部门时经办人外出，没有取到")
				return err
			})
		}
	}
	m.did("close the run", func() error {
		_, err := m.delivery.CloseRun(m.ctx, m.clerk("lst"), run.ID, delivery.RunCount{Out: run.Counts.Out, In: run.Counts.In, Back: run.Counts.Back})
		return err
	})
}

// leavesRun lets the run leave that has such a thing on its list.
func (m *mailroom) leavesRun(with func(delivery.RunEntry) bool) (run delivery.RunView) {
	m.did("let a run leave", func() error {
		list, err := m.delivery.ListRuns(m.ctx, m.clerk("lst"))
		n := slices.IndexFunc(list, func(r delivery.RunView) bool {
			return r.State == delivery.RunPlanned && slices.ContainsFunc(r.Entries, with)
		})
		if err == nil && n < 0 {
			err = errors.New("no such run")
		}
		if err == nil {
			run, err = m.delivery.LeaveRun(m.ctx, m.people["courier2"], list[n].ID, "")
		}
		return err
	})
	return run
}

// runs lets the morning's run leave: the keeper has signed for both originals, one
// bag is refused, in one lies something else, and one is still on its way.
func (m *mailroom) runs(bags []delivery.BagView) {
	m.at(0, "09:31")
	m.leavesRun(func(e delivery.RunEntry) bool { return e.Kind == delivery.EntryBag })
	m.pass(4)
	if m.err != nil {
		return
	}
	keeper, fire := m.officer("lst/amr"), m.officer("lst/fire")
	lease, plan := bags[0].Items[0].Item, bags[2].Items[0].Item
	m.opensBag(keeper, delivery.BagAccept{BagID: bags[0].ID, Count: 1})
	m.opensBag(keeper, delivery.BagAccept{BagID: bags[2].ID, Count: 1})
	m.did("refuse a bag", func() error {
		_, err := m.delivery.RefuseBag(m.ctx, m.officer("lst/urban"), bags[4].ID, "平面图缺店招位置，请换一份再送")
		return err
	})
	m.opensBag(fire, delivery.BagAccept{
		BagID: bags[3].ID, Found: []delivery.Found{{ItemID: bags[3].Items[0].ItemID, Outcome: delivery.FoundMissing, Note: "袋中没有平面图"}},
		Extras: []delivery.Extra{{Title: "一份租赁合同复印件", Note: "没有编号", Photo: m.photo(fire, 9)}},
	})
	m.lends(*lease, *plan)
}

// lends: the keeper lends the lease once and has it back, then again; the plan it
// lends to the wrong department first (DEL-940).
func (m *mailroom) lends(lease, plan delivery.Item) {
	keeper, ecology, housing := m.officer("lst/amr"), m.officer("lst/ecology"), m.officer("lst/housing")
	grant := func(i delivery.Item, to auth.Actor, purpose string) (l delivery.Loan) {
		m.did("lend "+i.Title, func() (err error) {
			l, err = m.delivery.Lend(m.ctx, keeper, delivery.LoanRequest{ItemID: i.ID, BorrowerID: to.Department, Purpose: purpose})
			return err
		})
		return l
	}
	carry := func(from, to auth.Actor, seal string) {
		b := m.sendsBag(from, to.Department, seal, lease.Number)
		m.opensBag(to, delivery.BagAccept{BagID: b.ID, Count: 1})
	}
	grant(lease, ecology, "核对租赁面积")
	carry(keeper, ecology, "F261106")
	carry(ecology, keeper, "F261107")
	grant(lease, housing, "核对房屋用途")
	carry(keeper, housing, "F261108")
	wrong := grant(plan, ecology, "核对排烟口位置")
	m.did("cancel a loan", func() error { _, err := m.delivery.CancelLoan(m.ctx, keeper, wrong.ID); return err })
	grant(plan, housing, "核对消防分区")
}
