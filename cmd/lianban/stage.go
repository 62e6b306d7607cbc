package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// stage plays scenes in a world. It keeps the first error and then does
// nothing more, so that a scene reads as what happens.
type stage struct {
	*world
	ctx context.Context
	err error

	records int // that telephones have written down
}

// at lives through the time until a clock time, n working days before the day
// the demonstration begins on.
func (s *stage) at(n int, clock string) {
	if then := s.when(n, clock); s.err == nil {
		s.err = s.until(s.ctx, then)
	}
}

// skip leaps there: nothing waits for an answer yet.
func (s *stage) skip(n int, clock string) {
	if then := s.when(n, clock); s.err == nil {
		s.dial.skipTo(then)
		s.pass(0)
	}
}

func (s *stage) when(n int, clock string) time.Time {
	day, err := before(s.cal, s.day, n)
	s.fail("count days", err)
	at, err := time.ParseInLocation("2006-01-02 15:04", day.String()+" "+clock, workday.Shanghai)
	s.fail("read a clock time", err)
	return at
}

// pass lives through some minutes.
func (s *stage) pass(minutes int) {
	if s.err == nil {
		s.err = s.until(s.ctx, s.dial.Now().Add(time.Duration(minutes)*time.Minute))
	}
}

// scenario is a case as a clerk takes it in. facts is "floor_area_m2=120
// outdoor_sign=yes fit_out=?"; what is not named is answered no or 0, and "?"
// stays open.
type scenario struct {
	area, matter, applicant string
	phone, address          string
	lat, lon                float64
	facts                   string
}

func (s *stage) clerk(area string) auth.Actor {
	if area == "lst" {
		return s.people["clerk"]
	}
	return s.people["clerk."+area]
}

// accept takes a case in at the window of its area, or at another one.
func (s *stage) accept(c scenario, window ...string) inspection.Case {
	at := c.area
	for _, other := range window {
		at = other
	}
	return s.takeCase(at, s.request(c))
}

// request is a scenario as the form of a window would send it.
func (s *stage) request(c scenario) inspection.AcceptRequest {
	if s.err != nil {
		return inspection.AcceptRequest{}
	}
	answers, err := s.answers(c)
	s.fail("answer for "+c.applicant, err)
	i := slices.IndexFunc(areas, func(a area) bool { return a.key == c.area })
	return inspection.AcceptRequest{
		MatterCode: c.matter, Applicant: inspection.Applicant{Name: c.applicant, Phone: c.phone},
		Site: inspection.Site{Division: areas[i].code, Address: c.address, Lat: c.lat, Lon: c.lon}, Answers: answers,
	}
}

func (s *stage) takeCase(area string, r inspection.AcceptRequest) inspection.Case {
	if s.err != nil {
		return inspection.Case{}
	}
	taken, err := s.inspection.Accept(s.ctx, s.clerk(area), r)
	s.fail("accept "+r.Applicant.Name, err)
	return taken
}

func (s *stage) fail(what string, err error) {
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("%s: %w", what, err)
	}
}

func (s *stage) answers(c scenario) (inspection.Answers, error) {
	var m inspection.Matter
	err := s.db.Read(s.ctx, func(q bun.IDB) (err error) {
		m, err = inspection.MatterAt(s.ctx, q, c.matter, s.dial.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	form := map[string]string{}
	for _, a := range m.Questions() {
		form[a.Name] = map[inspection.AttributeKind]string{inspection.NumberAttribute: "0", inspection.YesNoAttribute: "no"}[a.Kind]
	}
	for fact := range strings.FieldsSeq(c.facts) {
		name, value, _ := strings.Cut(fact, "=")
		form[name] = strings.Trim(value, "?")
	}
	return inspection.ParseAnswers(form)
}

// book offers a visit on the n-th working day from now, at the first time that
// suits all from a clock time on.
func (s *stage) book(c inspection.Case, n int, from string) inspection.Visit {
	if s.err != nil {
		return inspection.Visit{}
	}
	clerk := s.organiser(c)
	draft, err := s.inspection.Plan(s.ctx, clerk, inspection.PlanRequest{CaseID: c.ID, Kind: inspection.KindSite})
	s.fail("plan", err)
	return s.bookDraft(clerk, draft, n, from)
}

// bookDraft offers a draft that is there already.
func (s *stage) bookDraft(clerk auth.Actor, draft inspection.Visit, n int, from string) inspection.Visit {
	if s.err != nil {
		return draft
	}
	day, err := s.cal.Add(workday.DateOf(s.dial.Now()), n)
	s.fail("count days", err)
	if s.err != nil {
		return draft
	}
	found, err := s.inspection.Slots(s.ctx, clerk, inspection.SlotRequest{VisitID: draft.ID, From: day, To: day, Limit: 100})
	s.fail("search for a time of "+draft.CaseNumber, err)
	i := slices.IndexFunc(found.Offers, func(o slot.Offer) bool { return o.Start.In(workday.Shanghai).Format("15:04") >= from })
	if i < 0 {
		s.fail("search for a time of "+draft.CaseNumber, fmt.Errorf("nobody is free on %s", day))
		return draft
	}
	v, err := s.inspection.Book(s.ctx, clerk, inspection.BookRequest{VisitID: draft.ID, Choice: choiceOf(found.Offers[i])})
	s.fail("book", err)
	s.pass(0) // the notices go out
	return v
}

// organiser is a clerk of the centre that organises a case.
func (s *stage) organiser(c inspection.Case) auth.Actor {
	for _, a := range areas {
		if s.centres[a.key].ID == c.OrganiserCentre {
			return s.clerk(a.key)
		}
	}
	return auth.Actor{}
}

// choiceOf is what a clerk's click on an offer sends.
func choiceOf(o slot.Offer) inspection.SlotChoice {
	choice := inspection.SlotChoice{Start: o.Start}
	for _, ids := range o.People {
		choice.Resources = append(choice.Resources, ids...)
	}
	for _, id := range []string{o.Vehicle, o.Room} {
		if id != "" {
			choice.Resources = append(choice.Resources, id)
		}
	}
	slices.Sort(choice.Resources)
	return choice
}

// part is one department's part of a visit as it stands.
func (s *stage) part(v inspection.Visit, key string) inspection.ParticipantView {
	if s.err != nil {
		return inspection.ParticipantView{}
	}
	view, err := s.inspection.FindVisit(s.ctx, demoActor, v.ID)
	s.fail("read the visit", err)
	for _, p := range view.Participants {
		if p.DepartmentID == s.departments[key].ID {
			return p
		}
	}
	s.fail("read the visit", fmt.Errorf("%s does not take part in %s", key, v.CaseNumber))
	return inspection.ParticipantView{}
}

// answer is a department's reply from its inbox.
func (s *stage) answer(v inspection.Visit, key string, kind inspection.ReplyKind, why string, proposals ...time.Time) {
	p := s.part(v, key)
	if s.err != nil {
		return
	}
	who := s.officer(key)
	s.fail("open the notice", s.inspection.Opened(s.ctx, who, p.ID))
	_, err := s.inspection.Reply(s.ctx, who, inspection.ReplyRequest{
		ParticipantID: p.ID, Round: v.Round, Kind: kind, Reason: why, Proposals: proposals, Channel: "portal",
	})
	s.fail(key+" answers", err)
}

// accepts lets departments accept from their inboxes, some minutes apart.
func (s *stage) accepts(v inspection.Visit, keys ...string) {
	for _, key := range keys {
		s.pass(7)
		s.answer(v, key, inspection.ReplyAccept, "")
	}
}

// substitutes sends somebody else of a department; time and answers stay (INS-610).
func (s *stage) substitutes(v inspection.Visit, key, why string) {
	p := s.part(v, key)
	if s.err != nil {
		return
	}
	could, err := s.inspection.Substitutes(s.ctx, s.officer(key), p.ID)
	if err == nil && len(could) == 0 {
		err = fmt.Errorf("nobody of %s can come", key)
	}
	if s.fail("find a substitute", err); s.err != nil {
		return
	}
	_, err = s.inspection.Substitute(s.ctx, s.officer(key), inspection.SubstituteRequest{
		ParticipantID: p.ID, Out: p.People[0].ID, In: could[0].ID, Reason: why,
	})
	s.fail("substitute", err)
}

// fallsIll enters the leave of one who is booked; the window finds somebody else
// (INS-611).
func (s *stage) fallsIll(v inspection.Visit, key string) {
	p := s.part(v, key)
	if s.err != nil {
		return
	}
	_, err := s.inspection.EnterLeave(s.ctx, s.clerk("lst"), inspection.Absence{
		ResourceID: p.People[0].ID, Start: v.Start.Add(-time.Hour), End: v.End.Add(time.Hour), Reason: "病假",
	}, once.Key{})
	s.fail("enter a leave", err)
}

// objects lets a department object to the case itself (INS-814).
func (s *stage) objects(v inspection.Visit, key, why string) {
	p := s.part(v, key)
	if s.err != nil {
		return
	}
	_, err := s.inspection.Object(s.ctx, s.officer(key), inspection.ObjectionRequest{ParticipantID: p.ID, Text: why, Channel: "portal"})
	s.fail(key+" objects", err)
}

// contests lets a department say that its notice was not served then (INS-712).
func (s *stage) contests(v inspection.Visit, key, why string) {
	p := s.part(v, key)
	if s.err != nil {
		return
	}
	_, err := s.inspection.ContestService(s.ctx, s.officer(key), inspection.ContestRequest{ParticipantID: p.ID, Round: v.Round, Reason: why})
	s.fail(key+" contests its service", err)
}

// asksLonger lets the window ask for more time than the law gives (INS-1115).
func (s *stage) asksLonger(c inspection.Case, why string) {
	if s.err != nil {
		return
	}
	_, err := s.inspection.AskExtension(s.ctx, s.clerk("lst"), inspection.ExtensionRequest{CaseID: c.ID, Days: 15, Reason: why})
	s.fail("ask for an extension", err)
}

// hosts checks in the window and the applicant on the site.
func (s *stage) hosts(v inspection.Visit, clerk auth.Actor, applicant string) {
	for _, r := range []inspection.CheckInRequest{
		{Party: inspection.PartyWindow}, {Party: inspection.PartyApplicant, Name: applicant, Certificate: "1224"},
	} {
		if s.err != nil {
			return
		}
		r.VisitID, r.Way = v.ID, inspection.ByWindow
		_, err := s.inspection.CheckIn(s.ctx, clerk, r)
		s.fail("check in", err)
	}
}

// booked are the people whom the visit has booked of a department.
func (s *stage) booked(p inspection.ParticipantView) (out []auth.Actor) {
	for _, r := range p.People {
		for _, who := range s.people {
			if who.ID == r.PersonID {
				out = append(out, who)
			}
		}
	}
	return out
}

// comes has the people who are booked check in on their own telephones.
func (s *stage) comes(v inspection.Visit, key string) {
	p := s.part(v, key)
	for _, who := range s.booked(p) {
		if s.err != nil {
			return
		}
		_, err := s.inspection.CheckIn(s.ctx, who, inspection.CheckInRequest{VisitID: v.ID, Party: p.ID, Way: inspection.ByPhone})
		s.fail(key+" checks in", err)
	}
}

// looks fills in the department's checklist, every item met.
func (s *stage) looks(v inspection.Visit, key string) {
	p := s.part(v, key)
	if s.err != nil {
		return
	}
	who := s.booked(p)[0]
	record, err := s.inspection.SiteRecord(s.ctx, who, v.ID, p.DepartmentID)
	s.fail("read the checklist", err)
	if len(record.Open()) == 0 { // none is kept, or it is filled in
		return
	}
	r := inspection.AnswerRequest{ParticipantID: p.ID}
	for _, item := range record.Found {
		found := map[inspection.AnswerType]string{inspection.AnswerYesNo: inspection.ValueMet, inspection.AnswerNumber: "4", inspection.AnswerText: "无"}[item.Answer]
		r.Items = append(r.Items, inspection.AnswerItem{N: item.N, Value: found})
	}
	if s.err == nil && len(r.Items) > 0 {
		s.fail(key+" fills in its checklist", s.inspection.Answer(s.ctx, who, r))
	}
}

// opine is a department's agreement on the site.
func (s *stage) opine(v inspection.Visit, key, text string) {
	s.says(v, key, inspection.OpinionRequest{Kind: inspection.Agree, Text: text})
}

// says is a department's opinion on the site: one of its people writes it, the
// others who came sign (INS-1008).
func (s *stage) says(v inspection.Visit, key string, r inspection.OpinionRequest) {
	p, who := s.part(v, key), s.officer(key)
	if s.err != nil {
		return
	}
	people := s.booked(p)
	came := p.Attendance == inspection.AttendancePresent
	if came && !slices.ContainsFunc(people, func(a auth.Actor) bool { return a.ID == who.ID }) {
		who = people[0]
	}
	if came {
		s.looks(v, key)
	}
	r.ParticipantID = p.ID
	o, err := s.inspection.Opine(s.ctx, who, r)
	s.fail(key+" gives its opinion", err)
	for _, other := range people {
		if s.err != nil || !came || other.ID == who.ID {
			continue
		}
		s.pass(1)
		s.fail(key+" signs", s.inspection.Sign(s.ctx, other, p.ID, o.ID))
	}
}

// sent gives the message of a purpose that went to a department over a channel.
func (s *stage) sent(p inspection.ParticipantView, purpose, channel string) notify.Message {
	var found notify.Message
	if s.err != nil {
		return found
	}
	err := s.db.Read(s.ctx, func(q bun.IDB) error {
		all, err := notify.ListBySubject(s.ctx, q, p.ID, purpose)
		for _, m := range all {
			if m.Channel == channel {
				found = m
			}
		}
		return err
	})
	if err == nil && len(found.Body) == 0 {
		err = fmt.Errorf("no %s over %s was sent to %s", purpose, channel, p.Name)
	}
	s.fail("read the outbox", err)
	return found
}

// mailBack sends a department's written answer to the address its notice
// names, as a mail server would hand it over.
func (s *stage) mailBack(p inspection.ParticipantView, text string) {
	if s.err != nil {
		return
	}
	notice, err := readLetter(s.sent(p, notify.PurposeNotice, notify.Mail).Body)
	if err != nil {
		s.fail("read the notice", err)
		return
	}
	now := s.dial.Now()
	raw := letterBack(notice, text, now)
	s.fail("deliver the answer", s.notify.Receive(s.ctx, notify.Envelope{
		ReceivedAt: now, MailFrom: notice.to, Rcpt: notice.replyTo, Peer: "mx." + domainOf(notice.to),
	}, raw))
}

func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return domain
}

// letterBack writes the answer of a person who pressed "reply".
func letterBack(l letter, text string, now time.Time) []byte {
	var out bytes.Buffer
	header := map[string]string{
		"From": l.to, "To": l.replyTo, "Subject": "Re: notice", "Date": now.Format(time.RFC1123Z),
		"Message-ID": fmt.Sprintf("<%d@%s>", now.UnixNano(), domainOf(l.to)), "In-Reply-To": l.id,
		"MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit",
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&out, "%s: %s\r\n", name, header[name])
	}
	fmt.Fprintf(&out, "\r\n%s\r\n", strings.ReplaceAll(text, "\n", "\r\n"))
	return out.Bytes()
}
