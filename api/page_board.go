package api

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

func (p *site) boardPages() {
	p.soonerPages()
	p.on(Route{Method: http.MethodGet, Path: "/visits/{id}/board", Act: "pageBoard", Who: actors(atDesk...)}, p.board)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/hold", Act: "pageHoldSlot", Who: actors(atDesk...)}, p.holdTime)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/release", Act: "pageReleaseSlot", Who: actors(atDesk...)}, p.releaseTime)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/book", Act: "pageBook", Who: actors(atDesk...)}, p.book)
	p.on(Route{Method: http.MethodGet, Path: "/visits/{id}/retime", Act: "pageMove", Who: actors(atDesk...)}, p.move)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/retime", Act: "pageRetime", Who: actors(atDesk...)}, p.retime)
}

const (
	mostOffers = 500 // of a search, to count the free starts of each day
	bestOffers = 6   // shown as cards
)

// boardPage is the board on which a time is chosen: to book a draft visit, or, with
// Move, to give another one its new time (INS-607). Why is set when there is no
// time at all: the answer is never an empty list (INS-511).
type boardPage struct {
	Visit        inspection.VisitView
	Once         string
	Move         bool
	Held         *heldSlot
	Alternatives []offerCard // instead of a time that was taken
	Offers       []offerCard
	Total        int
	Earliest     time.Time
	Limit        time.Time
	Provisional  bool
	Bands        []option
	Past         bool
	MayPassLimit bool
	Why          *whyNot
	Day          string
	Days         []dayLink
	Matrix       *matrix
	Sooner       sooner
}

// heldSlot is a time that is held for the clerk.
type heldSlot struct {
	Start, End, Expires time.Time
	People              []group
	PastLimit           bool
	Near                []nearLine // visits that could be made on the same trip (INS-609)
}

// group is the people of one department.
type group struct {
	Department string
	Names      []string
}

// dayLink leads to one day; Free counts its times.
type dayLink struct {
	At   time.Time
	Href string
	Free int
	Here bool
}

// board shows the times at which everybody can come, best first, and for one
// day who is free when (INS-501, INS-511, STK-55).
func (p *site) board(v *view) error {
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	v.here = "/visits/" + found.ID + "/board"
	move := found.State == inspection.VisitOffered || found.State == inspection.VisitConfirmed
	if found.State != inspection.VisitDraft && !move {
		http.Redirect(v.w, v.r, "/visits/"+found.ID, http.StatusSeeOther)
		return nil
	}
	b := boarding{p: p, v: v, band: bandOf(v.query("band")), past: v.query("past") == "yes" && v.by.Is(auth.Supervisor)}
	b.d = boardPage{
		Visit: found, Once: newOnce(), Move: move, Past: b.past, MayPassLimit: v.supervises(found.CentreID), Alternatives: nil,
		Limit: endOfDay(found.Case.LimitDate),
	}
	for _, band := range []slot.Band{slot.Any, slot.Morning, slot.Afternoon} {
		b.d.Bands = append(b.d.Bands, option{string(band), p.say(v, "board.band."+string(band)), band == b.band})
	}
	if err := b.search(); err != nil {
		return err
	}
	if err := b.oneDay(); err != nil {
		return err
	}
	if err := b.held(); err != nil {
		return err
	}
	b.sooner()
	return p.show(v, "board", b.d)
}

func bandOf(text string) slot.Band {
	if text == string(slot.Morning) || text == string(slot.Afternoon) {
		return slot.Band(text)
	}
	return slot.Any
}

// boarding is the making of a board page.
type boarding struct {
	p      *site
	v      *view
	d      boardPage
	answer inspection.SlotAnswer
	band   slot.Band
	past   bool
	free   map[workday.Date]int
	names  map[string]string // of departments, by id
}

// search looks over the whole range; without an offer it says why and what
// else would do.
func (b *boarding) search() (err error) {
	request := inspection.SlotRequest{VisitID: b.d.Visit.ID, Band: b.band, PastLimit: b.past, Limit: mostOffers}
	if b.past {
		if limit, err := workday.ParseDate(b.d.Visit.Case.LimitDate); err == nil {
			request.To = limit.AddDays(14)
		}
	}
	if b.answer, err = b.p.Inspection.Slots(b.v.ctx(), b.v.by, request); err != nil {
		return err
	}
	if err := b.nameDepartments(); err != nil {
		return err
	}
	b.offers()
	b.d.Total, b.d.Provisional = len(b.answer.Offers), b.answer.Provisional
	b.d.Earliest = b.answer.Earliest.Midnight()
	if e := b.answer.Explanation; e != nil && len(b.answer.Offers) == 0 {
		b.d.Why = b.whyNot(*e)
	}
	b.d.Alternatives = b.alternatives()
	return nil
}

// offers shows the best time of each half-day, best first, and counts the rest:
// starts a quarter of an hour apart are no choice, nor are those a little beside
// the present time.
func (b *boarding) offers() {
	b.free = map[workday.Date]int{}
	shown := map[string]bool{}
	if b.d.Move { // the present time is no other one
		b.answer.Offers = slices.DeleteFunc(b.answer.Offers, func(o slot.Offer) bool { return o.Start.Equal(b.d.Visit.Start) })
	}
	for _, o := range b.answer.Offers {
		b.free[o.Date]++
		half := o.Date.String() + o.Start.In(workday.Shanghai).Format("PM")
		beside := b.d.Move && o.Start.Before(b.d.Visit.End) && o.Start.Add(b.d.Visit.End.Sub(b.d.Visit.Start)).After(b.d.Visit.Start)
		if beside || shown[half] || len(b.d.Offers) == bestOffers {
			continue
		}
		shown[half] = true
		card := b.card(o)
		card.Best = len(b.d.Offers) == 0
		b.d.Offers = append(b.d.Offers, card)
	}
}

// nameDepartments names the departments of the search in the reader's language.
func (b *boarding) nameDepartments() error {
	b.names = map[string]string{}
	for _, row := range b.answer.Departments {
		name, err := b.p.departmentName(b.v, row.DepartmentID)
		if err != nil {
			return err
		}
		b.names[row.DepartmentID] = name
	}
	return nil
}

// held shows the time that the visit holds, if it has not run out.
func (b *boarding) held() (err error) {
	rows := b.d.Visit.Bookings
	if b.d.Move || len(rows) == 0 || !rows[0].ExpiresAt.After(b.p.now()) {
		return nil
	}
	h := &heldSlot{Start: rows[0].Start, End: rows[0].End, Expires: rows[0].ExpiresAt}
	h.PastLimit = workday.DateOf(h.Start).String() > b.d.Visit.Case.LimitDate
	people := map[string][]string{}
	for _, r := range b.d.Visit.Resources {
		people[r.DepartmentID] = append(people[r.DepartmentID], r.Name)
	}
	for _, row := range b.answer.Departments {
		h.People = append(h.People, group{b.names[row.DepartmentID], people[row.DepartmentID]})
	}
	b.d.Held = h
	h.Near, err = b.p.nearOf(b.v, b.d.Visit.ID)
	return err
}

// holdTime holds the time of a button. A cell of the matrix names only the
// start: the best people free then are looked up.
func (p *site) holdTime(v *view) error {
	return p.onBoard(v, form{"hold", ""}, "flash.held", func() error {
		choice, err := p.choice(v, v.r.PostForm)
		if err != nil {
			return err
		}
		_, err = p.Inspection.HoldSlot(v.ctx(), v.by, v.id(), choice)
		return err
	})
}

// choice reads what a button stands for.
func (p *site) choice(v *view, of url.Values) (inspection.SlotChoice, error) {
	start, err := inspection.ParseTime(clean(of.Get("start")))
	if err != nil {
		return inspection.SlotChoice{}, err
	}
	c := inspection.SlotChoice{Start: start, Resources: of["resource"]}
	if len(c.Resources) > 0 {
		return c, nil
	}
	day := workday.DateOf(start)
	answer, err := p.Inspection.Slots(v.ctx(), v.by, inspection.SlotRequest{
		VisitID: v.id(), From: day, To: day, PastLimit: v.by.Is(auth.Supervisor), Limit: mostOffers,
	})
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(answer.Offers, func(o slot.Offer) bool { return o.Start.Equal(start) })
	if i < 0 {
		return c, fault.Refuse(fault.Conflict, "start_not_free",
			"这个时间已不能约，请按下面的最新情况另选", "this time cannot be booked any more; choose another from what is shown now")
	}
	c.Resources = resourcesOf(answer.Offers[i])
	return c, nil
}

// releaseTime gives the held time up.
func (p *site) releaseTime(v *view) error {
	return p.onBoard(v, form{"release", ""}, "flash.released", func() error {
		return p.Inspection.ReleaseSlot(v.ctx(), v.by, v.id())
	})
}

// onBoard ends an act on the board: back to it, or the board with the refusal
// and, for a time that was taken, three others (INS-512).
func (p *site) onBoard(v *view, f form, flash string, act func() error) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := act(); err != nil {
		v.instead = alternativesOf(err)
		return p.done(v, err, f, p.board)
	}
	return v.leave("/visits/"+v.id()+"/board#held", flash)
}

// book books the time that is held and sends the notices (INS-601).
func (p *site) book(v *view) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	visit, err := p.Inspection.Book(v.ctx(), v.by, inspection.BookRequest{VisitID: v.id(), PastLimitWhy: v.form("why"), Once: v.once()})
	if err != nil {
		v.instead = alternativesOf(err)
		return p.done(v, err, form{"book", ""}, p.board)
	}
	if with := v.form("with"); with != "" { // the time is booked; whether one vehicle makes both is said beside it
		_, err := p.Inspection.JoinTrip(v.ctx(), v.by, inspection.JoinRequest{VisitID: visit.ID, With: with})
		if err != nil {
			return p.done(v, err, form{"trip", ""}, p.visit)
		}
		return v.leave("/visits/"+visit.ID, "flash.booked.trip")
	}
	return v.leave("/visits/"+visit.ID, "flash.booked")
}

// alternativesOf are the other times that a refusal carries (INS-602).
func alternativesOf(err error) []slot.Offer {
	f, ok := fault.From(err)
	if !ok {
		return nil
	}
	offers, _ := f.Details["alternatives"].([]slot.Offer)
	return offers
}
