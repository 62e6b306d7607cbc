package api

import (
	"net/http"
	"slices"

	"lianban/inspection"
	"lianban/internal/auth"
)

// rectifyPages are what the applicant has to put right after a visit, for the
// window that gives the list and for the departments that asked (INS-1107).
func (p *site) rectifyPages() {
	const at = "/visits/{id}/rectify"
	p.on(Route{Method: http.MethodGet, Path: at, Act: "pageRectify", Who: readers(mayEvidence...)}, p.rectify)
	p.on(Route{Method: http.MethodPost, Path: at + "/lists/{list}", Act: "pageGiveList", Who: actors(atDesk...), Rate: uploadRate, Body: 4 * inspection.MaxScan}, p.giveListOf)
	p.on(Route{Method: http.MethodPost, Path: at + "/items", Act: "pageProposeItem", Who: actors(inOffice...)}, p.proposeItemOf)
	p.on(Route{Method: http.MethodPost, Path: at + "/proposals/{proposal}", Act: "pageDecideItem", Who: actors(auth.Supervisor)}, p.decideItemOf)
}

// rectifyPage is the list with what was added to it, and what the reader can do.
type rectifyPage struct {
	Visit inspection.VisitView
	Lists []listPart
	Done  int // items that are put right
	Mine  *inspection.ParticipantView
	Once  string
	Back  string

	Waiting, Decided []inspection.ItemProposal // what departments asked for on top
	MayGive, MayAdd  bool
	MayDecide        bool
	DangerOnly       bool // the reader's department may report nothing else
}

// listPart is one list with its items.
type listPart struct {
	inspection.RectifyList
	Items []itemLine
}

// itemLine is an item with how its term was counted, in the reader's language.
type itemLine struct {
	inspection.ListedItem
	Line string
}

// Grounds are those on which a later item is asked for.
func (d rectifyPage) Grounds() (out []string) {
	for _, g := range inspection.AddGrounds {
		if g == inspection.GroundDanger || !d.DangerOnly {
			out = append(out, string(g))
		}
	}
	return out
}

func (p *site) rectify(v *view) error {
	v.here = "/visits/" + v.id() + "/rectify"
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	if found.Rectification == nil {
		return notFound()
	}
	d := rectifyPage{
		Visit: found, Once: newOnce(), Back: "/visits/" + found.ID, MayGive: v.organises(found.CentreID), MayDecide: v.supervises(found.CentreID),
	}
	for _, l := range found.Rectification.Lists {
		part := listPart{RectifyList: l}
		for _, item := range found.Rectification.Items {
			if item.List == l.N {
				part.Items = append(part.Items, itemLine{item, p.deadlineLine(v, item.Deadline)})
			}
			if item.List == l.N && item.State == inspection.ItemSettled {
				d.Done++
			}
		}
		d.Lists = append(d.Lists, part)
	}
	for _, a := range found.Rectification.Proposals {
		if a.DecidedAt.IsZero() {
			d.Waiting = append(d.Waiting, a)
		} else {
			d.Decided = append(d.Decided, a)
		}
	}
	if i := slices.IndexFunc(found.Participants, func(one inspection.ParticipantView) bool { return one.DepartmentID == v.by.Department }); v.is(inOffice...) && i >= 0 {
		d.Mine, d.Back = &found.Participants[i], "/inbox/"+found.ID
		d.MayAdd = found.Result == inspection.ResultRectify
		d.DangerOnly = !d.Mine.Saw()
	}
	return p.show(v, "rectify", d)
}

// onRectify ends an act on the list: back to its page, or the page with the
// refusal.
func (p *site) onRectify(v *view, f form, flash string, act func() error) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := act(); err != nil {
		return p.done(v, err, f, p.rectify)
	}
	return v.leave("/visits/"+v.id()+"/rectify", flash)
}

func (p *site) giveListOf(v *view) error {
	n := v.r.PathValue("list")
	return p.onRectify(v, form{"give", n}, "flash.list.given", func() error {
		at, err := inspection.ParseTime(v.form("at"))
		if err != nil {
			return err
		}
		scan, err := v.upload("scan", inspection.MaxScan)
		if err != nil {
			return err
		}
		_, err = p.Inspection.GiveList(v.ctx(), v.by, inspection.GiveRequest{
			VisitID: v.id(), List: whole(n), How: inspection.GivenHow(v.form("how")), Receiver: v.form("receiver"), At: at,
			Reason: v.form("reason"), Witnesses: []string{v.form("witness1"), v.form("witness2")}, Scan: scan, Once: v.once(),
		})
		return err
	})
}

func (p *site) proposeItemOf(v *view) error {
	return p.onRectify(v, form{"add", ""}, "flash.item.proposed", func() error {
		_, own, err := p.ownPart(v)
		if err != nil {
			return err
		}
		_, err = p.Inspection.ProposeItem(v.ctx(), v.by, inspection.AddRequest{
			ParticipantID: own.ID, Ground: inspection.AddGround(v.form("ground")), Reason: v.form("reason"), Item: itemOf(v, "1"), Once: v.once(),
		})
		return err
	})
}

// itemOf reads the n-th item of a form.
func itemOf(v *view, n string) inspection.RectifyItem {
	return inspection.RectifyItem{
		Finding: v.form("finding" + n), Clause: v.form("clause" + n), Verify: inspection.Verify(v.form("verify" + n)), Days: whole(v.form("days" + n)),
	}
}

func (p *site) decideItemOf(v *view) error {
	id := v.r.PathValue("proposal")
	return p.onRectify(v, form{"decide", id}, "flash.item.decided", func() error {
		return p.Inspection.DecideItem(v.ctx(), v.by, v.id(), id, v.form("decision") == "agree", v.form("note"))
	})
}
