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
	p.on(Route{Method: http.MethodPost, Path: at + "/photos/{item}", Act: "pageAddPhoto", Who: actors(atDesk...), Rate: uploadRate, Body: 4 * inspection.MaxScan}, p.addPhotoOf)
	p.on(Route{Method: http.MethodPost, Path: at + "/answers/{photo}", Act: "pageAnswerPhoto", Who: actors(inOffice...)}, p.answerPhotoOf)
	p.on(Route{Method: http.MethodPost, Path: at + "/conclude", Act: "pageConclude", Who: actors(atDesk...)}, p.concludeOf)
	p.on(Route{Method: http.MethodPost, Path: at + "/request", Act: "pageRequestRevisit", Who: actors(atDesk...)}, p.requestRevisitOf)
	p.on(Route{Method: http.MethodPost, Path: at + "/plan", Act: "pagePlanRevisit", Who: actors(atDesk...)}, p.planRevisitOf)
	p.on(Route{Method: http.MethodPost, Path: at + "/term", Act: "pageDecideTerm", Who: actors(auth.Supervisor)}, p.decideTermOf)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/another-visit", Act: "pageAskAgain", Who: actors(inOffice...)}, p.askAgainOf)
}

// rectifyPage is the list with what was added to it, and what the reader can do.
type rectifyPage struct {
	Visit inspection.VisitView
	Lists []listPart
	Done  int // items that are put right
	Mine  *inspection.ParticipantView
	Once  string
	Back  string

	Request   *inspection.RevisitRequest // that is open
	MayAsk    bool                       // the window takes the applicant's request down
	MayPlan   bool
	MayEnd    bool // everything is put right and not said so yet
	TermWaits bool // for the supervisor
	UnderWay  bool // a revisit is

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
	Line   string
	Photos []inspection.ItemPhoto

	MayShow   bool                  // the window takes a photo in
	MayAnswer *inspection.ItemPhoto // the reader's department answers
}

// Answers are what a department may say of a photo.
func (rectifyPage) Answers() (out []string) {
	for _, a := range inspection.PhotoAnswers {
		out = append(out, string(a))
	}
	return out
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
	if found.RevisitOf != "" { // its list is the first visit's
		return v.leave("/visits/"+found.RevisitOf+"/rectify", "")
	}
	d := rectifyPage{
		Visit: found, Once: newOnce(), Back: "/visits/" + found.ID, MayGive: v.organises(found.CentreID), MayDecide: v.supervises(found.CentreID),
	}
	for _, l := range found.Rectification.Lists {
		part := listPart{RectifyList: l}
		for _, item := range found.Rectification.Items {
			if item.List == l.N {
				part.Items = append(part.Items, p.itemLineOf(v, found, item))
			}
			if item.List == l.N && item.State == inspection.ItemSettled {
				d.Done++
			}
		}
		d.Lists = append(d.Lists, part)
	}
	d.revisit(found)
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

// itemLineOf is an item with its photos and what the reader does about them.
func (p *site) itemLineOf(v *view, found inspection.VisitView, item inspection.ListedItem) itemLine {
	line := itemLine{ListedItem: item, Line: p.deadlineLine(v, item.Deadline)}
	waits := false
	for _, photo := range found.Rectification.Photos {
		if photo.ItemID != item.ID {
			continue
		}
		line.Photos = append(line.Photos, photo)
		if photo.AnsweredAt.IsZero() {
			waits = true
			if v.is(inOffice...) && v.by.Department == item.DepartmentID {
				line.MayAnswer = &photo
			}
		}
	}
	open := item.State == inspection.ItemOpen && item.Verify == inspection.VerifyPhoto && !item.DueAt.IsZero()
	line.MayShow = open && !waits && v.organises(found.CentreID)
	return line
}

// revisit says what can be done about the revisit. The domain decides again.
func (d *rectifyPage) revisit(found inspection.VisitView) {
	toSee, given := false, true
	for _, item := range found.Rectification.Items {
		toSee = toSee || item.State == inspection.ItemOpen && item.Verify == inspection.VerifyVisit
	}
	for _, l := range found.Rectification.Lists {
		given = given && !l.GivenAt.IsZero()
	}
	for _, r := range found.Rectification.Requests {
		if r.DoneAt.IsZero() {
			d.Request = &r
		}
	}
	for _, r := range found.Rectification.Revisits {
		over := r.State == inspection.VisitClosed || r.State == inspection.VisitCancelled || r.State == inspection.VisitNotHeld
		d.UnderWay = d.UnderWay || !over
	}
	d.MayAsk = d.MayGive && toSee && given && d.Request == nil
	d.MayEnd = d.MayGive && found.Rectification.Left() == 0 && found.Result == inspection.ResultRectify
	d.MayPlan = d.MayGive && toSee && d.Request != nil && !d.UnderWay
	d.TermWaits = d.MayDecide && slices.ContainsFunc(found.Tasks, func(t inspection.Task) bool { return t.Kind == inspection.TaskRectifyOver })
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
		h, err := v.handed()
		if err == nil {
			_, err = p.Inspection.GiveList(v.ctx(), v.by, inspection.GiveRequest{VisitID: v.id(), List: whole(n), Handed: h, Once: v.once()})
		}
		return err
	})
}

// handed reads how the applicant took a paper.
func (v *view) handed() (h inspection.Handed, err error) {
	h = inspection.Handed{
		How: inspection.GivenHow(v.form("how")), Receiver: v.form("receiver"), Reason: v.form("reason"), Witnesses: []string{v.form("witness1"), v.form("witness2")},
	}
	if h.At, err = inspection.ParseTime(v.form("at")); err == nil {
		h.Scan, err = v.upload("scan", inspection.MaxScan)
	}
	return h, err
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

func (p *site) requestRevisitOf(v *view) error {
	return p.onRectify(v, form{"ask", ""}, "flash.revisit.asked", func() error {
		_, err := p.Inspection.RequestRevisit(v.ctx(), v.by, inspection.AskRequest{
			VisitID: v.id(), Channel: v.form("channel"), Person: v.form("person"), Note: v.form("note"), Once: v.once(),
		})
		return err
	})
}

// planRevisitOf opens the draft and goes to its board.
func (p *site) planRevisitOf(v *view) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	made, err := p.Inspection.PlanRevisit(v.ctx(), v.by, v.id(), 0, v.once())
	if err != nil {
		return p.done(v, err, form{"plan", ""}, p.rectify)
	}
	return v.leave("/visits/"+made.ID+"/board", "")
}

func (p *site) decideTermOf(v *view) error {
	return p.onRectify(v, form{"term", ""}, "flash.term.decided", func() error {
		return p.Inspection.DecideTerm(v.ctx(), v.by, inspection.TermDecision{
			VisitID: v.id(), Revisit: v.form("decision") == "revisit", Days: whole(v.form("days")), Reason: v.form("reason"),
		})
	})
}

// askAgainOf is a department's request for another visit (INS-1109).
func (p *site) askAgainOf(v *view) error {
	_, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	if err := p.Inspection.AskAgain(v.ctx(), v.by, own.ID, v.form("reason"), v.once()); err != nil {
		return p.done(v, err, form{"again", ""}, p.invitation)
	}
	return v.leave("/inbox/"+v.id(), "flash.again.asked")
}

// seenItem is an item that a department looks at again at a revisit.
type seenItem struct {
	inspection.ListedItem
	Days string // the name of the field for its new term
}

// toSee are the items of the reader's department at a revisit.
func toSee(found inspection.VisitView, own part) (out []seenItem) {
	if found.RevisitOf == "" || found.Rectification == nil {
		return nil
	}
	for _, item := range found.Rectification.Items {
		if item.DepartmentID == own.DepartmentID && item.State == inspection.ItemOpen && item.Verify == inspection.VerifyVisit {
			out = append(out, seenItem{item, "days-" + item.ID})
		}
	}
	return out
}

// addPhotoOf takes in a photo that the applicant brought (INS-1108).
func (p *site) addPhotoOf(v *view) error {
	item := v.r.PathValue("item")
	return p.onRectify(v, form{"photo", item}, "flash.photo.sent", func() error {
		photo, err := v.upload("scan", inspection.MaxScan)
		if err != nil {
			return err
		}
		_, err = p.Inspection.AddPhoto(v.ctx(), v.by, inspection.PhotoRequest{VisitID: v.id(), Item: item, Note: v.form("note"), Photo: photo, Once: v.once()})
		return err
	})
}

func (p *site) answerPhotoOf(v *view) error {
	photo := v.r.PathValue("photo")
	return p.onRectify(v, form{"answer", photo}, "flash.photo.answered", func() error {
		return p.Inspection.AnswerPhoto(v.ctx(), v.by, inspection.PhotoReply{
			VisitID: v.id(), Photo: photo, Answer: inspection.PhotoAnswer(v.form("answer")), Reason: v.form("reason"),
		})
	})
}

func (p *site) concludeOf(v *view) error {
	return p.onRectify(v, form{"conclude", ""}, "flash.rectify.concluded", func() error {
		_, err := p.Inspection.Conclude(v.ctx(), v.by, v.id(), v.once())
		return err
	})
}
