package api

import (
	"net/http"
	"slices"

	"lianban/inspection"
)

// pairPages are what the departments on the site ask for, before the one list is
// made: on the window's page of the site, and on each department's own (INS-1011).
func (p *site) pairPages() {
	post := func(path, act string, who Who, h handler) {
		p.on(Route{Method: http.MethodPost, Path: path, Act: act, Who: who}, h)
	}
	post("/inbox/{id}/items-seen", "pageSeeItems", actors(inOffice...), p.seeMine)
	post("/inbox/{id}/pairs", "pagePairMine", actors(inOffice...), p.pairMine)
	post("/inbox/{id}/pairs/{pair}/settle", "pageSettleMine", actors(inOffice...), p.settleMine)
	post("/inbox/{id}/pairs/{pair}/send", "pageSendMine", actors(inOffice...), p.sendMine)
	const at = "/visits/{id}/site"
	post(at+"/parts/{part}/items-seen", "pageShowItems", actors(atDesk...), p.showItems)
	post(at+"/pairs", "pagePairItems", actors(atDesk...), p.pairAtWindow)
	post(at+"/pairs/{pair}/settle", "pageSettlePair", actors(atDesk...), p.settleAtWindow)
	post(at+"/pairs/{pair}/send", "pageSendPair", actors(atDesk...), p.sendAtWindow)
}

// proposedPanel is the part of a page about them. Mine and Theirs are what the
// reader can compare: at the window both are all.
type proposedPanel struct {
	Kind         inspection.VisitKind
	Base         string // of the forms
	Once         string
	Items        []proposedLine
	Pairs        []pairLine
	Seen         []seenLine
	ToSee        []string // ids of the others' items, for the reader's department
	Mine, Theirs []inspection.ProposedItem
	Open, Window bool
}

// Any reports whether there is anything to show.
func (d proposedPanel) Any() bool { return len(d.Items) > 0 || len(d.Pairs) > 0 }

type proposedLine struct {
	inspection.ProposedItem
	Stands *inspection.ProposedItem // in its place
}

type pairLine struct {
	inspection.ItemPair
	Keep    []inspection.Keep // outcomes that the reader can record
	MaySend bool
}

// seenLine is a department on the site: whether it has seen the others' items, and
// of the window's form who of it is there.
type seenLine struct {
	inspection.ParticipantView
	Seen  bool
	Items []string
	There []inspection.CheckIn
}

func (p *site) proposedOf(v *view, found inspection.VisitView, base string) proposedPanel {
	d := proposedPanel{Kind: found.Kind, Base: base, Once: newOnce(), Window: v.organises(found.CentreID)}
	d.Open = found.State == inspection.VisitInProgress || found.State == inspection.VisitCollecting
	left := found.LeftOut()
	for _, i := range found.Proposed {
		line := proposedLine{ProposedItem: i}
		own := i.DepartmentID == v.by.Department
		if stands, out := left[i.ID]; out {
			line.Stands = &stands
		} else {
			if own || d.Window {
				d.Mine = append(d.Mine, i)
			}
			if !own || d.Window {
				d.Theirs = append(d.Theirs, i)
			}
		}
		d.Items = append(d.Items, line)
	}
	for _, x := range found.Pairs {
		d.Pairs = append(d.Pairs, p.pairOf(v, found, x, d))
	}
	unseen := found.Unseen()
	for _, one := range found.Participants {
		line := seenLine{ParticipantView: one, Seen: !slices.ContainsFunc(unseen, func(u inspection.Participant) bool { return u.ID == one.ID })}
		line.Items = inspection.Foreign(found.Proposed, one.DepartmentID)
		for _, c := range found.Came(one.ID) {
			if c.LeftAt.IsZero() {
				line.There = append(line.There, c)
			}
		}
		if len(line.There) > 0 && len(line.Items) > 0 && (d.Window || one.DepartmentID == v.by.Department) {
			d.Seen = append(d.Seen, line)
		}
	}
	return d
}

// pairOf says what the reader can do about a pair; the domain decides again.
func (p *site) pairOf(v *view, found inspection.VisitView, x inspection.ItemPair, d proposedPanel) pairLine {
	line := pairLine{ItemPair: x}
	if !d.Open || x.State() == inspection.PairSettled {
		return line
	}
	own := v.by.Department
	switch {
	case d.Window && (x.State() == inspection.PairOpen || v.supervises(found.CentreID)):
		line.Keep = []inspection.Keep{inspection.KeepItem, inspection.KeepOther, inspection.KeepBoth}
	case v.is(inOffice...) && own == x.Item.DepartmentID:
		line.Keep = []inspection.Keep{inspection.KeepOther}
	case v.is(inOffice...) && own == x.Other.DepartmentID:
		line.Keep = []inspection.Keep{inspection.KeepItem}
	}
	line.MaySend = x.State() == inspection.PairOpen && len(line.Keep) > 0
	return line
}

// onItems ends an act of a department about the items: back to its page, or the same
// page with the refusal.
func (p *site) onItems(v *view, f form, flash string, act func(own part) error) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	if err := act(own); err != nil {
		return p.done(v, err, f, p.invitation)
	}
	return v.leave("/inbox/"+found.ID+"#items", flash)
}

// onItemsOfSite is the same at the window.
func (p *site) onItemsOfSite(v *view, f form, flash string, act func() error) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := act(); err != nil {
		return p.done(v, err, f, p.siteDay)
	}
	return v.leave("/visits/"+v.id()+"/site#items", flash)
}

func (p *site) seeMine(v *view) error {
	return p.onItems(v, form{"seen", ""}, "flash.proposed.seen", func(own part) error {
		return p.Inspection.SeeItems(v.ctx(), v.by, inspection.SeeRequest{ParticipantID: own.ID, Seen: v.r.PostForm["item"]})
	})
}

func (p *site) showItems(v *view) error {
	part := v.r.PathValue("part")
	return p.onItemsOfSite(v, form{"seen", part}, "flash.proposed.seen", func() error {
		return p.Inspection.SeeItems(v.ctx(), v.by, inspection.SeeRequest{ParticipantID: part, Seen: v.r.PostForm["item"], CheckInID: v.form("check_in")})
	})
}

// comparing reads the form that puts two items side by side.
func comparing(v *view) inspection.PairRequest {
	return inspection.PairRequest{
		VisitID: v.id(), Kind: inspection.PairKind(v.form("kind")), Item: v.form("mine"), Other: v.form("theirs"),
		Keep: inspection.Keep(v.form("keep")), Note: v.form("note"), Once: v.once(),
	}
}

func (p *site) pairMine(v *view) error {
	return p.onItems(v, form{"pair", ""}, "flash.paired", func(part) error {
		r := comparing(v)
		r.Keep = inspection.KeepOther // a department gives up its own and no other
		_, err := p.Inspection.PairItems(v.ctx(), v.by, r)
		return err
	})
}

func (p *site) pairAtWindow(v *view) error {
	return p.onItemsOfSite(v, form{"pair", ""}, "flash.paired", func() error {
		_, err := p.Inspection.PairItems(v.ctx(), v.by, comparing(v))
		return err
	})
}

func (p *site) settlePair(v *view) error {
	return p.Inspection.SettlePair(v.ctx(), v.by, v.id(), v.r.PathValue("pair"), inspection.Keep(v.form("keep")), v.form("reason"))
}

func (p *site) settleMine(v *view) error {
	return p.onItems(v, form{"settle", v.r.PathValue("pair")}, "flash.pair.settled", func(part) error { return p.settlePair(v) })
}

func (p *site) settleAtWindow(v *view) error {
	return p.onItemsOfSite(v, form{"settle", v.r.PathValue("pair")}, "flash.pair.settled", func() error { return p.settlePair(v) })
}

func (p *site) sendPair(v *view) error {
	return p.Inspection.SendPair(v.ctx(), v.by, v.id(), v.r.PathValue("pair"))
}

func (p *site) sendMine(v *view) error {
	return p.onItems(v, form{"send", v.r.PathValue("pair")}, "flash.pair.sent", func(part) error { return p.sendPair(v) })
}

func (p *site) sendAtWindow(v *view) error {
	return p.onItemsOfSite(v, form{"send", v.r.PathValue("pair")}, "flash.pair.sent", func() error { return p.sendPair(v) })
}
