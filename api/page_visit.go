package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

func (p *site) visitPages() {
	p.on(Route{Method: http.MethodGet, Path: "/visits", Act: "pageVisits", Who: anywhere(overseeing...)}, p.visits)
	p.on(Route{Method: http.MethodGet, Path: "/visits/{id}", Act: "pageVisit", Who: readers(mayEvidence...)}, p.visit)
	for path, act := range map[string]handler{
		"start": p.startVisit, "end": p.endSite, "close": p.closeVisit, "cancel": p.cancelVisit, "not-held": p.notHeld,
	} {
		p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/" + path, Act: "pageVisit." + path, Who: actors(atDesk...)}, act)
	}
	p.on(Route{Method: http.MethodGet, Path: "/visits/{id}/documents/{document}", Act: "pageDocument", Who: readers(mayEvidence...), Rate: uploadRate}, p.document)
	p.on(Route{Method: http.MethodGet, Path: "/visits/{id}/opinion", Act: "pageJointOpinion", Who: readers(mayEvidence...)}, p.jointOpinion)
	p.on(Route{Method: http.MethodPost, Path: "/visits/{id}/holds/{hold}/end", Act: "pageEndHold", Who: actors(atDesk...)}, p.endHoldOf)
}

// visitsPage lists visits by their time.
type visitsPage struct {
	Search   string
	Filtered bool
	Full     int
	Trips    bool // of the reader's centre
	States   []option
	Ahead    []inspection.Visit // the nearest first
	Over     []inspection.Visit // the latest first
}

// mostVisits is how many visits each half of the list shows; search narrows it.
const mostVisits = 200

func (p *site) visits(v *view) error {
	d := visitsPage{
		Search: v.query("q"), Filtered: v.query("q") != "" || v.query("state") != "", Trips: v.by.Centre != "" && v.is(atDesk...),
		States: p.stateOptions(v, "visit_state", "draft", "offered", "confirmed", "in_progress", "collecting", "closed", "not_held", "cancelled"),
	}
	query := inspection.VisitQuery{Search: d.Search, State: inspection.VisitState(v.query("state")), Limit: mostVisits, Ahead: true}
	var err error
	if d.Ahead, err = p.Inspection.ListVisits(v.ctx(), v.by, query); err != nil {
		return err
	}
	query.Ahead, query.Over = false, true
	if d.Over, err = p.Inspection.ListVisits(v.ctx(), v.by, query); err != nil {
		return err
	}
	if max(len(d.Ahead), len(d.Over)) == mostVisits {
		d.Full = mostVisits
	}
	return p.show(v, "visits", d)
}

// visitPage is all that a window needs about one visit: what to do next on the
// left, what it is about on the right.
type visitPage struct {
	Visit   inspection.VisitView
	Rounds  []roundLine
	Next    string // what is to be done next: a word of visit.next
	Ahead   bool   // it has not begun
	Limit   time.Time
	Parts   []part
	Things  []inspection.Resource // vehicles and rooms
	Tasks   []taskLine
	Dangers []dangerLine
	Latest  []moment // what matters most, newest first
	Record  []moment // everything
	Once    string
	May     map[string]bool // acts that the reader is offered
	Acts    []string        // whose refusal is shown at the head
	Site    bool            // there is something to see on the page of the site
	Trip    string          // that it is in
	Signed  signedPanel     // the applicant's word under the record
	Near    []nearLine      // visits that could be made on the same trip (INS-609)

	CancelReasons, NotHeldReasons, WithdrawReasons []string
}

// roundLine is one time that was offered, in the history (INS-608).
type roundLine struct {
	inspection.Round
	By    string
	Moved bool // to another place than the round before
}

func (p *site) roundsOf(v *view, rounds []inspection.Round) (out []roundLine, err error) {
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		who := actorNames(v, q, p)
		for i, r := range rounds {
			by, err := who(r.OfferedBy)
			if err != nil {
				return err
			}
			out = append(out, roundLine{r, by, i > 0 && r.Place != rounds[i-1].Place})
		}
		return nil
	})
	return out, err
}

// part is one department's part as the window sees it, with what can be done.
type part struct {
	inspection.ParticipantView
	Decide *decision
	Line   string // how the deadline was counted, in the reader's language
	Silent bool   // an answer is still waited for
	Doubts []doubt

	Objected  []inspection.Objection // open ones
	Contested *inspection.Contest    // the open one
	Expected  bool                   // it declined, and has to come all the same (INS-813)
	MayObject bool

	MayConfirm, MayUphold, MayReverse, MayWaive, MayServe, MayServeWord, MayReply, MayWithdraw, MaySubstitute bool
	// PaperOnly: a paper that came before the visit is still taken (DL-14).
	PaperOnly bool
}

// latestMoments of the record are shown at once, all others on demand.
const latestMoments = 12

// doubt is an open hold. Ends says that a person ends it here; all others end
// with their cause (PRO-17).
type doubt struct {
	inspection.HoldRow
	Ends bool
}

func doubtsOf(v *view, visit inspection.VisitView, one inspection.ParticipantView) (out []doubt) {
	for _, h := range one.OpenHolds() {
		switch h.Reason {
		case inspection.HoldObjection, inspection.HoldContest: // shown with what it hangs on
		case inspection.HoldSuperseded, inspection.HoldWeaker, inspection.HoldFreeText, inspection.HoldLink:
			out = append(out, doubt{h, v.organises(visit.CentreID)})
		default:
			out = append(out, doubt{h, false})
		}
	}
	return out
}

// visit shows a visit to a window or an auditor. A department has a page of its
// own for it, made for a telephone.
func (p *site) visit(v *view) error {
	if v.by.Department != "" && !v.is(atDesk...) {
		http.Redirect(v.w, v.r, "/inbox/"+v.id(), http.StatusSeeOther)
		return nil
	}
	v.here = "/visits/" + v.id()
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	entries, err := p.Inspection.Timeline(v.ctx(), v.by, found.ID)
	if err != nil {
		return err
	}
	d := visitPage{
		Visit: found, Limit: endOfDay(found.Case.LimitDate), Once: newOnce(), May: p.actsOf(v, found), Next: string(found.State),
		Site: !found.StartedAt.IsZero(), Trip: found.Trip, Dangers: v.dangersOf(found, v.here),
		Ahead:         found.State == inspection.VisitOffered || found.State == inspection.VisitConfirmed,
		CancelReasons: inspection.EndReasons("Cancel"), NotHeldReasons: inspection.EndReasons("NotHeld"),
		WithdrawReasons: inspection.EndReasons("Withdraw"),
	}
	if found.RevisitOf != "" {
		d.Limit = found.Rectification.DueAt // T6
	}
	d.Signed = signedOf(v, found, v.organises(found.CentreID))
	if d.Ahead && p.now().After(found.End) {
		d.Next = "late"
	}
	if found.State == inspection.VisitCollecting && !found.OpinionsOpen() {
		d.Next = "complete"
	}
	if !v.organises(found.CentreID) || !p.set.Has("visit.next."+d.Next) {
		d.Next = ""
	}
	if err := p.visitLists(v, &d); err != nil {
		return err
	}
	if d.Ahead && found.Start.After(p.now()) && v.organises(found.CentreID) {
		if d.Near, err = p.nearOf(v, found.ID); err != nil {
			return err
		}
	}
	if d.Rounds, err = p.roundsOf(v, found.Rounds); err != nil {
		return err
	}
	if d.Record, err = p.moments(v, found, entries); err != nil {
		return err
	}
	for _, m := range d.Record {
		if !m.Technical && len(d.Latest) < latestMoments {
			d.Latest = append(d.Latest, m)
		}
	}
	return p.show(v, "visit", d)
}

// visitLists fills in what a visit has several of.
func (p *site) visitLists(v *view, d *visitPage) (err error) {
	for _, t := range d.Visit.Tasks {
		d.Tasks = append(d.Tasks, taskOf(t))
	}
	for _, one := range d.Visit.Participants {
		part := p.partOf(v, d.Visit, one)
		if part.Decide, err = p.decisionOf(v, d.Visit, one); err != nil {
			return err
		}
		d.Parts = append(d.Parts, part)
	}
	for _, r := range d.Visit.Resources {
		if r.Kind == inspection.KindVehicle || r.Kind == inspection.KindRoom {
			d.Things = append(d.Things, r)
		}
	}
	return nil
}

// actsOf are the acts that a visit's state and the reader's place allow. The
// domain decides again when one is done.
func (p *site) actsOf(v *view, visit inspection.VisitView) map[string]bool {
	window := v.organises(visit.CentreID)
	live := visit.State == inspection.VisitOffered || visit.State == inspection.VisitConfirmed
	return map[string]bool{
		"board":     window && visit.State == inspection.VisitDraft,
		"move":      window && live,
		"start":     window && live && !p.now().Before(visit.Start.Add(-inspection.EarlyStart)),
		"end":       window && visit.State == inspection.VisitInProgress,
		"close":     window && visit.State == inspection.VisitCollecting,
		"notheld":   window && visit.State == inspection.VisitInProgress,
		"cancel":    window && (live || visit.State == inspection.VisitDraft),
		"parts":     window || v.by.Is(auth.Auditor),
		"supervise": v.supervises(visit.CentreID),
	}
}

func (p *site) partOf(v *view, visit inspection.VisitView, one inspection.ParticipantView) part {
	live := one.Consent != inspection.ConsentWithdrawn && (visit.State == inspection.VisitOffered || visit.State == inspection.VisitConfirmed)
	noticed := one.Notice != nil && !one.Notice.ComposedAt.IsZero()
	window := v.organises(visit.CentreID)
	deemed := one.Opinion == inspection.OpinionDeemed || one.Opinion == inspection.OpinionReview
	var objected []inspection.Objection
	for _, o := range one.Objections {
		if o.Open() {
			objected = append(objected, o)
		}
	}
	var contested *inspection.Contest
	for i, c := range one.Contests {
		if c.Open() {
			contested = &one.Contests[i]
		}
	}
	return part{
		Contested: contested,
		Objected:  objected, MayObject: live && (window || v.by.Department == one.DepartmentID),
		Expected:        live && one.Consent == inspection.ConsentDeclined && one.Required,
		ParticipantView: one, Line: p.deadlineLine(v, one.Deadline), Doubts: doubtsOf(v, visit, one),
		Silent:        one.Consent == inspection.ConsentAwaiting || one.Consent == inspection.ConsentUnserved,
		MayServe:      window && live && noticed,
		MayServeWord:  window && !one.OpinionDue.IsZero(),
		MayReply:      window && (live || noticed && one.Consent != inspection.ConsentVoid && one.Consent != inspection.ConsentWithdrawn),
		MayWithdraw:   window && live && !one.Lead && (!one.Required || v.supervises(visit.CentreID)),
		PaperOnly:     !live,
		MaySubstitute: live && len(one.People) > 0 && (window || v.is(inOffice...) && v.by.Department == one.DepartmentID),
		MayUphold: v.supervises(visit.CentreID) && one.Opinion == inspection.OpinionReview && one.Deemed != nil &&
			(one.Deemed.Reason != inspection.NoReply || one.Consent == inspection.ConsentDeemed),
		MayReverse: deemed && (visit.State != inspection.VisitClosed || visit.RevisitOf == "") && one.Deemed != nil &&
			(v.supervises(visit.CentreID) || v.by.Is(auth.Auditor)),
		MayWaive: v.supervises(visit.CentreID) && one.MayBeWaived(visit.Visit, p.now()),
		MayConfirm: window && slices.ContainsFunc(visit.Tasks, func(t inspection.Task) bool {
			return t.Kind == inspection.TaskConfirm && t.Subject == one.ID
		}),
	}
}

// deadlineLine says how a deadline was counted. In Chinese it is the line of
// the record itself (INS-937).
func (p *site) deadlineLine(v *view, d *workday.Deadline) string {
	if d == nil {
		return ""
	}
	if v.x.lang == "zh" {
		return d.Line
	}
	key := "deadline.line"
	switch {
	case d.Rule != workday.RuleReply:
		key = "deadline.line.from"
	case d.Served != workday.DateOf(d.Start):
		key = "deadline.line.later"
	}
	return p.say(v, key, "start", withWeekday(v, d.Start), "served", weekday(v, d.Served), "term", d.Term, "due", withWeekday(v, d.Due), "version", d.CalendarVersion)
}

// onVisit ends an act on a visit: back to it, or the page with the refusal. Who
// may not read the visit learns nothing of it (SEC-3).
func (p *site) onVisit(v *view, f form, act func() (flash []string, err error)) error {
	if _, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	flash, err := act()
	if err != nil {
		return p.done(v, err, f, p.visit)
	}
	to := "/visits/" + v.id()
	if f.on != "" {
		to += "#part-" + f.on
	}
	return v.leave(to, flash[0], flash[1:]...)
}

func (p *site) startVisit(v *view) error {
	return p.onVisit(v, form{"start", ""}, func() ([]string, error) {
		_, err := p.Inspection.Start(v.ctx(), v.by, v.id())
		return []string{"flash.visit.started"}, err
	})
}

func (p *site) endSite(v *view) error {
	return p.onVisit(v, form{"end", ""}, func() ([]string, error) {
		_, err := p.Inspection.EndSite(v.ctx(), v.by, v.id())
		return []string{"flash.visit.ended"}, err
	})
}

func (p *site) closeVisit(v *view) error {
	return p.onVisit(v, form{"close", ""}, func() ([]string, error) {
		j, err := p.Inspection.Close(v.ctx(), v.by, v.id(), v.once())
		return []string{"flash.visit.closed", "number", j.FullNumber()}, err
	})
}

func (p *site) cancelVisit(v *view) error {
	return p.onVisit(v, form{"cancel", ""}, func() ([]string, error) {
		_, err := p.Inspection.Cancel(v.ctx(), v.by, v.id(), v.form("code"), v.form("reason"))
		return []string{"flash.visit.cancelled"}, err
	})
}

func (p *site) notHeld(v *view) error {
	return p.onVisit(v, form{"not-held", ""}, func() ([]string, error) {
		_, err := p.Inspection.NotHeld(v.ctx(), v.by, v.id(), v.form("code"), v.form("reason"))
		return []string{"flash.visit.not_held"}, err
	})
}

func (p *site) endHoldOf(v *view) error {
	hold := v.r.PathValue("hold")
	return p.onVisit(v, form{"hold", hold}, func() ([]string, error) {
		return []string{"flash.hold.ended"}, p.Inspection.EndHold(v.ctx(), v.by, hold, v.form("reason"))
	})
}

// jointPage is 联合勘验意见书 or 会议纪要.
type jointPage struct {
	Joint        inspection.JointOpinion
	Number, Back string
	Newer        string // the version that replaced it
}

// jointOpinion prints the numbered result (INS-1102).
func (p *site) jointOpinion(v *view) error {
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	j, err := found.OpinionVersion(whole(v.query("version")))
	if err != nil {
		return err
	}
	d := jointPage{Joint: j, Number: j.FullNumber(), Back: "/visits/" + found.ID}
	if j.Version != found.Joint.Version {
		d.Newer = found.Joint.FullNumber()
	}
	return p.show(v, "opinion", d)
}
