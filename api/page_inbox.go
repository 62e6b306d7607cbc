package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/api/web"
	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
)

// inboxPages are what people of a department see, made for a telephone first.
func (p *site) inboxPages() {
	p.on(Route{Method: http.MethodGet, Path: "/inbox", Act: "pageInbox", Who: anywhere(inOffice...)}, p.inbox)
	p.on(Route{Method: http.MethodGet, Path: "/inbox/{id}", Act: "pageInvitation", Who: readers(inOffice...)}, p.invitation)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/open", Act: "pageOpenNotice", Who: actors(inOffice...)}, p.openNotice)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/reply", Act: "pageReply", Who: actors(inOffice...)}, p.reply)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/opinion", Act: "pageOpine", Who: actors(inOffice...)}, p.opine)
}

// inboxPage is what a department has to do, the urgent first.
type inboxPage struct {
	Search, Department string
	Open, Opine        []inboxLine           // to be answered, to be opined on
	Coming, Done       []inboxLine           // visits ahead, the others
	Owed               []delivery.ResultLine // results to hand over
	Sent               []delivery.ResultLine // handed over, not signed for yet
	Addresses          []notify.Message      // words on changed addresses
	Alerts             []alertLine           // what was lost, damaged or never collected
	Destroy            []delivery.Destruction
	Damages            []delivery.Damage   // to decide on
	Explain            []inspection.Breach // entries of the ledger to answer
	Extend             []inspection.Case   // whose extension its head decides
}

type inboxLine struct {
	inspection.InboxLine
	Waiting bool // for an answer
}

// inbox lists the invitations of somebody's department: first what waits for an
// answer, by its deadline, then what waits for an opinion, then where to go next.
func (p *site) inbox(v *view) error {
	lines, err := p.Inspection.Inbox(v.ctx(), v.by, inspection.InboxQuery{Limit: 200})
	if err != nil {
		return err
	}
	d := inboxPage{Search: v.query("q")}
	for _, l := range lines {
		if !holds(d.Search, l.CaseNumber, l.MatterName, l.Place) {
			continue
		}
		live := l.State == inspection.VisitOffered || l.State == inspection.VisitConfirmed
		silent := l.Consent == inspection.ConsentAwaiting || l.Consent == inspection.ConsentUnserved
		running := l.State == inspection.VisitInProgress || l.State == inspection.VisitCollecting
		switch line := (inboxLine{InboxLine: l, Waiting: live && silent}); {
		case line.Waiting:
			d.Open = append(d.Open, line)
		case running && owesOpinion(inspection.ParticipantView{Participant: l.Participant}):
			d.Opine = append(d.Opine, line)
		case live && l.End.After(p.now()) && comes(l.Consent):
			d.Coming = append(d.Coming, line)
		default:
			d.Done = append(d.Done, line)
		}
	}
	d.sort()
	if d.Owed, d.Sent, err = p.owedLines(v, d.Search); err != nil {
		return err
	}
	if d.Alerts, err = p.openAlerts(v); err != nil {
		return err
	}
	if d.Destroy, err = p.Delivery.ToDestroy(v.ctx(), v.by); err != nil {
		return err
	}
	if d.Damages, err = p.Delivery.ListDamages(v.ctx(), v.by); err != nil {
		return err
	}
	if d.Explain, err = p.Inspection.ToExplain(v.ctx(), v.by); err != nil {
		return err
	}
	if d.Extend, err = p.Inspection.ExtensionsToDecide(v.ctx(), v.by); err != nil {
		return err
	}
	if d.Addresses, err = p.Inspection.AddressWords(v.ctx(), v.by); err != nil {
		return err
	}
	err = p.Read(v.ctx(), func(q bun.IDB) (err error) {
		d.Department, err = placeName(v, q)
		return err
	})
	if err != nil {
		return err
	}
	return p.show(v, "inbox", d)
}

// comes: by its answer, or its silence, the department is expected at the visit.
func comes(c inspection.Consent) bool {
	return c != inspection.ConsentExcused && c != inspection.ConsentWithdrawn && c != inspection.ConsentVoid
}

// sort puts the nearest first: the deadline of an answer, those without one last, and
// the beginning of a visit.
func (d *inboxPage) sort() {
	slices.SortStableFunc(d.Open, func(a, b inboxLine) int {
		if a.RespondBy.IsZero() != b.RespondBy.IsZero() {
			return cmp.Compare(b.RespondBy.Unix(), a.RespondBy.Unix())
		}
		return a.RespondBy.Compare(b.RespondBy)
	})
	slices.SortStableFunc(d.Coming, func(a, b inboxLine) int { return a.Start.Compare(b.Start) })
}

// invitationPage is one visit as an invited department sees it: its own part,
// and of the others only that they are invited (reliability 6.1).
type invitationPage struct {
	Visit              inspection.VisitView
	Part               part
	Opened             bool
	Answered           bool              // and the answer can still be changed
	Undecided          *inspection.Reply // that the department waits to hear about
	TurnedDown         *inspection.Reply // that it has to answer anew after
	Coming             bool              // the notice is on its way
	Moved              *movedLine
	Letter, Citation   string
	Once               string
	MayReply, MayOpine bool
	MaySign, MayFill   bool
	Site               onMySite
	ToSee              []seenItem // at a revisit
	Over               bool       // the visit is closed
	OpinionDue         time.Time
	Colleagues         []option
	Dangers            []dangerLine
	Proposed           proposedPanel
	Signed             signedPanel
}

// movedLine says how the present round differs from the one before.
type movedLine struct {
	N               int
	Was, Is, Reason string
}

func movedOf(v *view, visit inspection.VisitView) *movedLine {
	n := len(visit.Rounds)
	if n < 2 {
		return nil
	}
	was, is := visit.Rounds[n-2], visit.Rounds[n-1]
	m := movedLine{N: is.N, Was: withWeekday(v, was.Start), Is: withWeekday(v, is.Start), Reason: is.Reason}
	if was.Place != is.Place {
		m.Was, m.Is = m.Was+" "+was.Place, m.Is+" "+is.Place
	}
	return &m
}

// ownPart finds the part of the reader's own department in a visit.
func (p *site) ownPart(v *view) (inspection.VisitView, part, error) {
	return p.partIn(v, func(one inspection.ParticipantView) bool { return one.DepartmentID == v.by.Department })
}

// invitation shows a notice to its department. Looking changes nothing: that
// the notice was opened is recorded by a button of its own (SEC-10).
func (p *site) invitation(v *view) error {
	v.here = "/inbox/" + v.id()
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	d := invitationPage{
		Visit: found, Part: own, Once: newOnce(), Opened: opened(own),
		MayReply: found.State == inspection.VisitOffered || found.State == inspection.VisitConfirmed,
		MayOpine: found.State == inspection.VisitInProgress || found.State == inspection.VisitCollecting,
	}
	if own.Consent == inspection.ConsentWithdrawn {
		d.MayReply, d.MayOpine = false, false
	}
	d.Answered, d.Undecided = d.MayReply && d.Opened && len(own.Replies) > 0, undecided(own.ParticipantView)
	if d.MayReply {
		d.TurnedDown = turnedDown(own.ParticipantView)
	}
	d.MayFill = fills(found, own.ParticipantView)
	d.MaySign = d.MayOpine && own.Draft != nil && !signedBy(own.Draft, v.by.String())
	d.ToSee, d.Over = toSee(found, own), found.State == inspection.VisitClosed
	d.Moved, d.Dangers = movedOf(v, found), v.dangersOf(found, v.here)
	d.Site, d.Proposed = p.mySite(v, found, own), p.proposedOf(v, found, v.here)
	d.Signed = signedOf(v, found, d.Site.In)
	if owesOpinion(own.ParticipantView) {
		d.OpinionDue = own.OpinionDue
	}
	d.Coming = d.MayReply && (own.Notice == nil || own.Notice.ComposedAt.IsZero())
	if d.Opened {
		if d.Letter, _, err = p.inboxText(v, own.ID, notify.PurposeNotice); err != nil {
			return err
		}
	}
	if d.Colleagues, err = p.colleagues(v); err != nil {
		return err
	}
	if d.Citation, err = p.citation(v, found, own); err != nil {
		return err
	}
	return p.show(v, "invitation", d)
}

// opened reports whether somebody of the department has seen the last notice of the
// present round here. One that is not written yet cannot be opened.
func opened(own part) bool {
	if own.Notice == nil || own.Notice.ComposedAt.IsZero() {
		return true
	}
	for _, s := range own.Services {
		if s.Class == "A" && s.Channel == "portal" && s.Round == own.Round && s.NoticeID == own.Notice.ID {
			return true
		}
	}
	return false
}

// colleagues are the people somebody can pass an invitation to (INS-806).
func (p *site) colleagues(v *view) (out []option, err error) {
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		people, err := auth.ListPeople(v.ctx(), q, auth.PersonQuery{Department: v.by.Department, Enabled: true})
		for _, person := range people {
			if person.ID != v.by.ID {
				out = append(out, option{Value: person.ID, Text: person.Name})
			}
		}
		return err
	})
	return out, err
}

// citation is the rule that the consequence of silence rests on, as it is in
// force for the department (INS-102).
func (p *site) citation(v *view, visit inspection.VisitView, one part) (text string, err error) {
	scope := office.Scope{Centre: visit.CentreID, Matter: visit.MatterCode, Department: one.DepartmentID}
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		rules, err := office.RulesAt(v.ctx(), q, p.now(), scope)
		text = rules.Citation
		return err
	})
	return text, err
}

// openNotice records that a person of the department has seen the notice
// (INS-704, class A), and shows it.
func (p *site) openNotice(v *view) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	if err := p.Inspection.Opened(v.ctx(), v.by, own.ID); err != nil {
		return err
	}
	return v.leave("/inbox/"+found.ID, "")
}

// reply takes the department's answer (INS-801).
func (p *site) reply(v *view) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	request, err := readReply(v)
	request.ParticipantID, request.Channel = own.ID, "portal"
	if kind := inspection.OpinionKind(v.form("opinion")); kind != "" && request.Kind == inspection.ReplyDecline { // INS-813
		request.Opinion = inspection.OpinionRequest{Kind: kind, Text: v.form("opinion_text"), Items: itemsOf(v, kind)}
	}
	var reply inspection.Reply
	if err == nil {
		reply, err = p.Inspection.Reply(v.ctx(), v.by, request)
	}
	if err != nil {
		return p.done(v, err, form{"answer", ""}, p.invitation)
	}
	return v.leave("/inbox/"+found.ID, "flash.answered", "receipt", reply.Receipt, "says", p.say(v, "reply_says."+string(reply.Outcome)))
}

// owesOpinion: the department has not said yet what it found.
func owesOpinion(p inspection.ParticipantView) bool {
	return p.Opinion == inspection.OpinionNone || p.Opinion == inspection.OpinionDraft || p.Opinion == inspection.OpinionDeferred
}

// itemsOf are the items of a form that asks to put something right.
func itemsOf(v *view, kind inspection.OpinionKind) (out []inspection.RectifyItem) {
	for i := 1; i <= web.Items && kind == inspection.Rectify; i++ {
		item := itemOf(v, itoa(i))
		if item.Finding != "" || item.Clause != "" {
			out = append(out, item)
		}
	}
	return out
}

// opine takes the department's opinion (INS-1008).
func (p *site) opine(v *view) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	request := inspection.OpinionRequest{ParticipantID: own.ID, Kind: inspection.OpinionKind(v.form("kind")), Text: v.form("text"), Ground: v.form("ground")}
	request.Items = itemsOf(v, request.Kind)
	for _, item := range toSee(found, own) { // at a revisit: those that are still open
		if request.Kind == inspection.Rectify && slices.Contains(v.r.PostForm["open"], item.ID) {
			request.Items = append(request.Items, inspection.RectifyItem{ID: item.ID, Days: whole(v.form(item.Days))})
		}
	}
	given, err := p.Inspection.Opine(v.ctx(), v.by, request)
	if err != nil {
		return p.done(v, err, form{"opine", ""}, p.invitation)
	}
	if given.SignedAt.IsZero() {
		return v.leave("/inbox/"+found.ID, "flash.opined.waits")
	}
	return v.leave("/inbox/"+found.ID, "flash.opined")
}
