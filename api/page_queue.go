package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/inspection/invite"
	"lianban/internal/fault"
	"lianban/notify"
)

func (p *site) queuePages() {
	p.on(Route{Method: http.MethodGet, Path: "/queue", Act: "pageQueue", Who: anywhere(overseeing...)}, p.queue)
	p.on(Route{Method: http.MethodGet, Path: "/queue/{id}", Act: "pageMail", Who: readers(overseeing...)}, p.mail)
	p.on(Route{Method: http.MethodPost, Path: "/queue/{id}", Act: "pageSortMail", Who: actors(atDesk...)}, p.sortMail)
	p.on(Route{Method: http.MethodGet, Path: "/outbox", Act: "pageOutbox", Who: anywhere(overseeing...)}, p.outbox)
}

// mostMail is how much mail a list looks at; search narrows what it shows.
const mostMail = 200

// queuePage is the person queue 来件 (INS-807).
type queuePage struct {
	Search   string
	Filtered bool
	States   []option
	Mails    []mailLine
}

type mailLine struct {
	notify.Inbound
	CaseNumber string
}

// queue lists the mail of the cases that the reader may see, what waits first.
func (p *site) queue(v *view) error {
	d := queuePage{
		Search: v.query("q"), Filtered: v.query("q") != "" || v.query("state") != "",
		States: p.stateOptions(v, "inbound_state", notify.Held, notify.Sorted, notify.Noted),
	}
	var list []notify.Inbound
	err := p.Read(v.ctx(), func(q bun.IDB) (err error) {
		list, err = notify.ListInbound(v.ctx(), q, notify.InboundQuery{State: v.query("state"), Limit: mostMail})
		return err
	})
	if err != nil {
		return err
	}
	cases := p.casesByStream(v)
	for _, m := range list {
		c, may, err := cases(m.Stream)
		if err != nil {
			return err
		}
		if may && holds(d.Search, m.Title, m.From, c.Number) {
			d.Mails = append(d.Mails, mailLine{m, c.Number})
		}
	}
	slices.SortStableFunc(d.Mails, func(a, b mailLine) int { return rank(a) - rank(b) })
	return p.show(v, "queue", d)
}

// rank puts what waits for a person first.
func rank(m mailLine) int {
	if m.State == notify.Held {
		return 0
	}
	return 1
}

// casesByStream tells whose case a stream of the log belongs to, if the reader
// may see it; each case is read once. It is the scope of mail and messages,
// which carry no centre of their own (SEC-2).
func (p *site) casesByStream(v *view) func(stream string) (inspection.Case, bool, error) {
	type answer struct {
		c   inspection.Case
		may bool
	}
	known := map[string]answer{}
	return func(stream string) (inspection.Case, bool, error) {
		parts := strings.Split(stream, "/")
		if len(parts) != 3 || parts[0] != "case" {
			return inspection.Case{}, false, nil
		}
		if a, ok := known[parts[1]]; ok {
			return a.c, a.may, nil
		}
		c, err := p.Inspection.FindCase(v.ctx(), v.by, parts[1])
		if err != nil && !isMissing(err) {
			return c, false, err
		}
		known[parts[1]] = answer{c, err == nil}
		return c, err == nil, nil
	}
}

// mailPage is one mail with what a person needs to judge it.
type mailPage struct {
	Mail                             notify.Inbound
	CaseNumber, CaseHref, Department string
	Raw                              string
	Calendar                         []invite.Object
	CalendarProblem                  string
	MaySort                          bool
	Rounds                           []option // where the visit has had more than one
}

// mostRaw is how much of a mail's original the page shows.
const mostRaw = 64 << 10

// mail shows one mail as text: nothing of it is ever run or fetched. Its
// calendar part is read for the person who decides, and applied by nobody.
func (p *site) mail(v *view) error {
	v.here = "/queue/" + v.id()
	d := mailPage{}
	err := p.Read(v.ctx(), func(q bun.IDB) (err error) {
		d.Mail, err = notify.FindInbound(v.ctx(), q, v.id())
		return err
	})
	if err != nil {
		return err
	}
	c, may, err := p.casesByStream(v)(d.Mail.Stream)
	if err != nil {
		return err
	}
	if !may {
		return notFound()
	}
	d.CaseNumber, d.CaseHref = c.Number, "/cases/"+c.ID
	d.MaySort = d.Mail.State == notify.Held && v.organises(c.OrganiserCentre)
	d.Raw = shownRaw(d.Mail.Raw)
	if d.Mail.Calendar {
		d.readCalendar()
	}
	if err := p.senderOf(v, &d); err != nil {
		return err
	}
	if err := p.roundsAnswered(v, &d, c.ID); err != nil {
		return err
	}
	return p.show(v, "mail", d)
}

// senderOf names the department that the mail's address was made for.
func (p *site) senderOf(v *view, d *mailPage) error {
	department := d.Mail.Stream[strings.LastIndexByte(d.Mail.Stream, '/')+1:]
	if department == "common" {
		return nil
	}
	name, err := p.departmentName(v, department)
	d.Department = name
	return err
}

// roundsAnswered are the rounds that a mail can speak of, where there are several
// (INS-801).
func (p *site) roundsAnswered(v *view, d *mailPage, caseID string) error {
	visits, err := p.Inspection.ListVisits(v.ctx(), v.by, inspection.VisitQuery{CaseID: caseID})
	if err != nil || !d.MaySort {
		return err
	}
	for _, one := range visits {
		if one.Round < 2 {
			continue
		}
		found, err := p.Inspection.FindVisit(v.ctx(), v.by, one.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(found.Participants, func(one inspection.ParticipantView) bool { return one.ID == d.Mail.Subject }) {
			continue
		}
		for _, r := range found.Rounds {
			d.Rounds = append(d.Rounds, option{Value: itoa(r.N), Text: p.say(v, "round.n", "n", r.N) + " " + withWeekday(v, r.Start)})
		}
	}
	return nil
}

// readCalendar reads the calendar part for people.
func (d *mailPage) readCalendar() {
	part, err := calendarPart(d.Mail.Raw)
	if err == nil {
		d.Calendar, err = invite.Read(part)
	}
	if err != nil {
		d.CalendarProblem = clean(err.Error())
	}
}

// shownRaw is an original as text, control characters replaced.
func shownRaw(raw []byte) string {
	text := strings.ToValidUTF8(string(raw[:min(len(raw), mostRaw)]), "�")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

// sortMail takes a person's decision about a mail (INS-807).
func (p *site) sortMail(v *view) error {
	request := inspection.SortRequest{
		MailID: v.id(), GivenBy: v.form("given_by"), Words: v.form("words"), Round: whole(v.form("round")), Why: v.form("why"),
	}
	if answer := v.form("answer"); answer != "none" {
		request.Answer = inspection.ReplyKind(answer)
	}
	if request.Answer == inspection.ReplyCounter {
		request.Proposals = v.proposals()
	}
	err := p.unsorted(v)
	if err == nil {
		err = p.Inspection.Sort(v.ctx(), v.by, request)
	}
	if err != nil {
		return p.done(v, hidden(err), form{"sort", ""}, p.mail)
	}
	return v.leave("/queue", "flash.sorted")
}

// unsorted names the empty entries that a decision about a mail needs, each at
// its own field: the form has a reason of the mail's and one of the reader's.
func (p *site) unsorted(v *view) error {
	needed := []string{"why"}
	switch inspection.ReplyKind(v.form("answer")) {
	case "":
		return fault.Refuse(fault.Invalid, "verdict_missing", "请先选择这封邮件是什么", "first say what this mail is")
	case "none":
	case inspection.ReplyDecline, inspection.ReplyExcuse:
		needed = append(needed, "given_by", "words")
	default:
		needed = append(needed, "given_by")
	}
	var wrong []fault.Field
	for _, name := range needed {
		if v.form(name) == "" {
			wrong = append(wrong, fault.Field{Name: name, Code: "needed", Text: p.say(v, "form.required")})
		}
	}
	return refuseFields(wrong)
}
