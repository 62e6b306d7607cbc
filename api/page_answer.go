package api

import (
	"net/http"
	"strings"

	"golang.org/x/text/width"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/notify"
)

// answerPages are the page behind an answer link. It needs no account. Looking
// at it changes nothing, whatever program looks; an answer needs the code that
// the message prints apart from the link (INS-803, SEC-10).
func (p *site) answerPages() {
	p.on(Route{Method: http.MethodGet, Path: "/r/{token}", Act: "pageAnswerLink", Who: anyone, Rate: linkRate}, p.answerLink)
	p.on(Route{Method: http.MethodPost, Path: "/r/{token}", Act: "pageAnswerByLink", Who: anyone, Rate: linkRate}, p.answerByLink)
}

// answerPage is the page of an answer link. It shows nothing of the applicant
// (FAC-21).
type answerPage struct {
	Department string
	Citation   string
	Visit      *inspection.VisitView
	Part       *part
	Sent       *inspection.Reply // the answer just given
	Refused    string            // why the link does not open
	Late, Open bool
	Action     string
	Round      int
	Once       string
}

// answerLink shows what is asked, what was answered and until when.
func (p *site) answerLink(v *view) error {
	token := v.r.PathValue("token")
	v.here = "/r/" + token
	d := answerPage{Action: v.here, Once: newOnce()}
	link, err := p.openLink(v, token)
	if f, refused := fault.From(err); refused && f.Kind == fault.Forbidden { // locked or over
		d.Refused, v.state, v.x.code = f.In(v.x.lang), http.StatusForbidden, f.Code
		return p.show(v, "reply", d)
	}
	if err != nil {
		return err
	}
	visit, one, err := p.linkPart(v, link)
	if err != nil {
		return err
	}
	d.Visit, d.Part, d.Department, d.Round = &visit, &one, one.Name, visit.Round
	if d.Citation, err = p.citation(v, visit, one); err != nil {
		return err
	}
	d.Open = visit.State == inspection.VisitOffered || visit.State == inspection.VisitConfirmed
	d.Late = d.Open && !one.RespondBy.IsZero() && p.now().After(one.RespondBy)
	if v.query("sent") != "" && len(one.Replies) > 0 {
		d.Sent = &one.Replies[len(one.Replies)-1]
	}
	if !d.Open {
		d.Refused = p.say(v, "reply_page.over")
	}
	return p.show(v, "reply", d)
}

// openLink finds the link of a token and says whether it still opens.
func (p *site) openLink(v *view, token string) (link auth.Link, err error) {
	err = p.Read(v.ctx(), func(q bun.IDB) (err error) {
		link, err = auth.OpenLink(v.ctx(), q, token, p.now())
		return err
	})
	return link, err
}

// linkPart finds the visit that a link belongs to, as its department sees it.
func (p *site) linkPart(v *view, link auth.Link) (inspection.VisitView, part, error) {
	holder := link.Actor()
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		sent, err := notify.ListMessages(v.ctx(), q, notify.MessageQuery{Subjects: []string{link.Subject}, Limit: 1})
		for _, m := range sent {
			holder.Department = m.Stream[strings.LastIndexByte(m.Stream, '/')+1:]
		}
		return err
	})
	if err != nil {
		return inspection.VisitView{}, part{}, err
	}
	lines, err := p.Inspection.Inbox(v.ctx(), holder, inspection.InboxQuery{Participant: link.Subject})
	if err != nil {
		return inspection.VisitView{}, part{}, err
	}
	for _, l := range lines {
		if l.ID != link.Subject {
			continue
		}
		found, err := p.Inspection.FindVisit(v.ctx(), holder, l.VisitID)
		for _, one := range found.Participants {
			if one.ID == link.Subject {
				return found, p.partOf(v, found, one), err
			}
		}
		return found, part{}, err
	}
	return inspection.VisitView{}, part{}, notFound()
}

// answerByLink takes an answer with the code of the message (INS-803).
func (p *site) answerByLink(v *view) error {
	token := v.r.PathValue("token")
	request, err := readReply(v)
	if err == nil {
		_, err = p.Inspection.ReplyByLink(v.ctx(), token, digits(v.form("code")), request)
	}
	if err != nil {
		return p.done(v, err, form{"link", ""}, p.answerLink)
	}
	return v.leave("/r/"+token+"?sent=1", "")
}

// digits is a code as people type it: with blanks, or in full-width digits.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, width.Fold.String(text))
}
