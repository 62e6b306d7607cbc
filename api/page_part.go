package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/notify"
)

// partPages are the acts of a window on one department's part of a visit, and
// the papers that belong to it.
func (p *site) partPages() {
	const at = "/visits/{id}/parts/{part}/"
	p.on(Route{
		Method: http.MethodPost, Path: at + "serve", Act: "pageServe", Who: actors(atDesk...),
		Rate: uploadRate, Body: 4 * inspection.MaxScan, // too big a scan is refused in the domain's words
	}, p.serve)
	p.on(Route{Method: http.MethodPost, Path: at + "serve-word", Act: "pageServeWord", Who: actors(atDesk...), Rate: uploadRate, Body: 4 * inspection.MaxScan}, p.serveWord)
	p.on(Route{Method: http.MethodPost, Path: at + "reply", Act: "pageHandReply", Who: actors(atDesk...), Rate: uploadRate, Body: 4 * inspection.MaxScan}, p.handReply)
	p.on(Route{Method: http.MethodPost, Path: at + "counter-accept", Act: "pageAcceptCounter", Who: actors(atDesk...)}, p.acceptCounter)
	p.on(Route{Method: http.MethodPost, Path: at + "counter-refuse", Act: "pageRefuseCounter", Who: actors(atDesk...)}, p.refuseCounter)
	p.on(Route{Method: http.MethodPost, Path: at + "excuse-refuse", Act: "pageRefuseExcuse", Who: actors(auth.Supervisor)}, p.refuseExcuse)
	p.on(Route{Method: http.MethodPost, Path: at + "excuse-release", Act: "pageReleaseExcused", Who: actors(auth.Supervisor)}, p.releaseExcused)
	p.on(Route{Method: http.MethodPost, Path: at + "withdraw", Act: "pageWithdrawDepartment", Who: actors(atDesk...)}, p.withdraw)
	p.on(Route{Method: http.MethodPost, Path: at + "confirm", Act: "pageConfirm", Who: actors(atDesk...)}, p.confirm)
	p.on(Route{Method: http.MethodPost, Path: at + "uphold", Act: "pageUphold", Who: actors(atDesk...)}, p.uphold)
	p.on(Route{Method: http.MethodPost, Path: at + "reverse", Act: "pageReverse", Who: actors(overseeing...)}, p.reverse)
	p.on(Route{Method: http.MethodPost, Path: at + "waive", Act: "pageWaiveOpinion", Who: actors(auth.Supervisor)}, p.waiveOpinion)
	p.on(Route{Method: http.MethodGet, Path: at + "notice", Act: "pageNotice", Who: readers(overseeing...)}, p.notice)
	p.on(Route{Method: http.MethodGet, Path: "/visits/{id}/deemed/{department}", Act: "pageDeemed", Who: readers(mayEvidence...)}, p.deemed)
	p.on(Route{
		Method: http.MethodGet, Path: "/visits/{id}/evidence/{department}", Act: "pageBundle", Who: readers(mayEvidence...), Rate: uploadRate,
	}, p.bundle)
	p.on(Route{
		Method: http.MethodGet, Path: "/visits/{id}/evidence/{department}/index.pdf", Act: "pageEvidenceIndex", Who: readers(mayEvidence...), Rate: uploadRate,
	}, p.evidenceIndex)
	p.on(Route{Method: http.MethodGet, Path: "/scans/{id}", Act: "pageScan", Who: readers(mayEvidence...)}, p.scan)
}

// onPart is onVisit for the part that the path names.
func (p *site) onPart(v *view, act, flash string, do func(part string) error) error {
	part := v.r.PathValue("part")
	return p.onVisit(v, form{act, part}, func() ([]string, error) { return []string{flash}, do(part) })
}

// serve records a notice served on paper or by telephone (INS-707).
func (p *site) serve(v *view) error { return p.servedByHand(v, "serve", inspection.AboutNotice) }

// serveWord does so for the word that an opinion is due (INS-933).
func (p *site) serveWord(v *view) error { return p.servedByHand(v, "word", inspection.AboutOpinion) }

func (p *site) servedByHand(v *view, act, about string) error {
	return p.onPart(v, act, "flash.served", func(part string) error {
		at, err := inspection.ParseTime(v.form("at"))
		if err != nil {
			return err
		}
		scan, err := v.upload("scan", inspection.MaxScan)
		if err != nil {
			return err
		}
		return p.Inspection.ServeByHand(v.ctx(), v.by, inspection.HandServiceRequest{
			ParticipantID: part, About: about, Channel: v.form("channel"), Receiver: v.form("receiver"), Post: v.form("post"),
			At: at, Said: v.form("said"), Scan: scan,
		})
	})
}

// upload reads one file of a form, at most one byte more than allowed, so that
// the domain can say that it is too big. No file is no error.
func (v *view) upload(name string, most int64) (inspection.Scan, error) {
	file, header, err := v.r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return inspection.Scan{}, nil
	}
	if err != nil {
		return inspection.Scan{}, unreadable(err)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return inspection.Scan{}, unreadable(err)
	}
	return inspection.Scan{Name: clean(header.Filename), Bytes: body}, nil
}

// handReply records what a department said on the telephone or wrote on paper
// (INS-808).
func (p *site) handReply(v *view) error {
	part := v.r.PathValue("part")
	return p.onVisit(v, form{"hand", part}, func() ([]string, error) {
		request, err := readReply(v)
		if err != nil {
			return nil, err
		}
		request.ParticipantID, request.Channel, request.GivenBy = part, "phone", v.form("given_by")
		if v.form("channel") == "paper" {
			if err := readPaper(v, &request); err != nil {
				return nil, err
			}
		}
		reply, err := p.Inspection.Reply(v.ctx(), v.by, request)
		return []string{"flash.replied", "receipt", reply.Receipt}, err
	})
}

// readPaper reads what a form says of a reply on paper. A missing time is for
// the domain to refuse: none is made up.
func readPaper(v *view, r *inspection.ReplyRequest) (err error) {
	r.Channel = "paper"
	if at := v.form("received_at"); at != "" {
		if r.ReceivedAt, err = inspection.ParseTime(at); err != nil {
			return err
		}
	}
	r.Scan, err = v.upload("scan", inspection.MaxScan)
	return err
}

// readReply reads the answer part of a form.
func readReply(v *view) (inspection.ReplyRequest, error) {
	r := inspection.ReplyRequest{
		Round: whole(v.form("round")), Kind: inspection.ReplyKind(v.form("kind")), Reason: v.form("reason"), Category: v.form("category"),
		Delegate: v.form("delegate"), Once: v.once(),
	}
	if r.Kind != inspection.ReplyDelegate {
		r.Delegate = ""
	}
	if r.Kind != inspection.ReplyExcuse {
		r.Category = ""
	}
	if r.Kind != inspection.ReplyCounter {
		return r, nil
	}
	for _, text := range v.proposals() {
		at, err := inspection.ParseTime(text)
		if err != nil {
			return r, err
		}
		r.Proposals = append(r.Proposals, at)
	}
	return r, nil
}

// proposals are the other times of a form that were filled in.
func (v *view) proposals() (out []string) {
	for i := 1; i <= 3; i++ {
		if text := v.form("proposal" + itoa(i)); text != "" {
			out = append(out, text)
		}
	}
	return out
}

func (p *site) confirm(v *view) error {
	return p.onPart(v, "confirm", "flash.confirmed", func(part string) error {
		return p.Inspection.Confirm(v.ctx(), v.by, part)
	})
}

func (p *site) uphold(v *view) error {
	return p.onPart(v, "uphold", "flash.upheld", func(part string) error {
		return p.Inspection.Uphold(v.ctx(), v.by, part, v.form("reason"))
	})
}

// reverse proposes to take a deemed consent back, or approves it as the second
// person (INS-917).
func (p *site) reverse(v *view) error {
	part := v.r.PathValue("part")
	return p.onVisit(v, form{"reverse", part}, func() ([]string, error) {
		if err := p.Inspection.Reverse(v.ctx(), v.by, part, v.form("reason")); err != nil {
			return nil, err
		}
		_, one, err := p.partIn(v, func(one inspection.ParticipantView) bool { return one.ID == part })
		if one.Reversed() {
			return []string{"flash.reversed.decided"}, err
		}
		return []string{"flash.reversed"}, err
	})
}

// waiveOpinion proposes to wait no longer for an opinion, or agrees as the second
// supervisor (INS-1101).
func (p *site) waiveOpinion(v *view) error {
	part := v.r.PathValue("part")
	return p.onVisit(v, form{"waive", part}, func() ([]string, error) {
		if err := p.Inspection.Waive(v.ctx(), v.by, part, v.form("reason")); err != nil {
			return nil, err
		}
		_, one, err := p.partIn(v, func(one inspection.ParticipantView) bool { return one.ID == part })
		if one.Opinion == inspection.OpinionWaived {
			return []string{"flash.waived_opinion.decided"}, err
		}
		return []string{"flash.waived_opinion"}, err
	})
}

// partIn finds a department's part of a visit that the reader may see.
func (p *site) partIn(v *view, which func(inspection.ParticipantView) bool) (inspection.VisitView, part, error) {
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return found, part{}, err
	}
	i := slices.IndexFunc(found.Participants, which)
	if i < 0 {
		return found, part{}, notFound()
	}
	return found, p.partOf(v, found, found.Participants[i]), nil
}

func ofDepartmentIn(v *view) func(inspection.ParticipantView) bool {
	return func(one inspection.ParticipantView) bool { return one.DepartmentID == v.r.PathValue("department") }
}

// noticePage is the paper that goes to a department, slip and all.
type noticePage struct {
	Kind inspection.DocumentKind

	Title, Number, Text, Received, PDF, Back string
}

// notice prints the notice with its slip, or the word that an opinion is due, to be
// served on paper (INS-707, INS-933). It is the text of the department's inbox,
// which carries no link and no code.
func (p *site) notice(v *view) error {
	found, one, err := p.partIn(v, func(one inspection.ParticipantView) bool { return one.ID == v.r.PathValue("part") })
	if err != nil {
		return err
	}
	purpose, kind, number := notify.PurposeNotice, inspection.DocNotice, ""
	if one.Notice != nil {
		number = one.Notice.Number
	}
	if v.query("about") == inspection.AboutOpinion {
		purpose, kind, number = notify.PurposeOpinionDue, inspection.DocDue, found.CaseNumber+"-"+itoa(found.Round)
	}
	text, title, err := p.inboxText(v, one.ID, purpose)
	if err != nil {
		return err
	}
	if text == "" || number == "" {
		return notFound()
	}
	return p.show(v, "notice", noticePage{
		Kind: kind, Title: title, Number: number, Text: text, Received: p.say(v, "slip.text."+string(kind), "number", number, "department", one.Name),
		PDF: fmt.Sprintf("/visits/%s/documents/%s?department=%s", found.ID, kind, one.DepartmentID), Back: "/visits/" + found.ID,
	})
}

// inboxText is the last letter of a purpose as the department's inbox has it.
func (p *site) inboxText(v *view, part, purpose string) (text, title string, err error) {
	err = p.Read(v.ctx(), func(q bun.IDB) error {
		sent, err := notify.ListBySubject(v.ctx(), q, part, purpose)
		for _, m := range sent {
			if m.Channel == notify.Portal && m.Text != "" {
				text, title = m.Text, m.Title
			}
		}
		return err
	})
	return text, title, err
}

// deemedPage is 视为同意记录单, one for each outcome (INS-937).
type deemedPage struct {
	inspection.DeemedRecord
	T1      string // id of the proof with which the term began
	Counted string // the arithmetic on a page that is not in the record's language
	PDF     string
	Back    string
}

// deemed prints the record of a deemed consent (INS-937); round=n is of a round that
// is void (INS-920).
func (p *site) deemed(v *view) error {
	department, round := v.r.PathValue("department"), whole(v.query("round"))
	record, err := p.Inspection.DeemedRecord(v.ctx(), v.by, v.id(), department, round)
	if err != nil {
		return err
	}
	back := "/visits/" + v.id()
	counted := ""
	if d := record.Part.Deadline; v.x.lang != "zh" && d != nil && d.Line == record.Row.Findings["arithmetic"] { // of the very deadline
		counted = p.deadlineLine(v, d)
	}
	return p.show(v, "deemed", deemedPage{
		DeemedRecord: record, T1: record.T1().ID, Counted: counted, Back: back,
		PDF: fmt.Sprintf("%s/documents/deemed?department=%s&n=%d", back, department, record.Row.Round),
	})
}

// bundle gives the evidence of one department as a file (EV-10).
func (p *site) bundle(v *view) error {
	found, one, err := p.partIn(v, ofDepartmentIn(v))
	if err != nil {
		return err
	}
	var out bytes.Buffer // whole: a bundle that fails half-way is never sent
	err = p.Inspection.Bundle(v.ctx(), v.by, p.Audit, inspection.BundleRequest{VisitID: found.ID, DepartmentID: one.DepartmentID}, &out)
	if err != nil {
		return err
	}
	v.attach(found.CaseNumber+"-"+one.Name+".zip", "application/zip", out.Bytes())
	return nil
}

// scan shows a scanned slip or reply.
func (p *site) scan(v *view) error {
	media, body, err := p.Inspection.FindScan(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	ending := strings.TrimPrefix(media, "image/")
	v.attach("scan."+ending, media, body)
	return nil
}

// attach answers with a file to be kept, never shown as a page of ours.
func (v *view) attach(name, media string, body []byte) {
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
	_, _ = v.w.Write(body) // a reader who is gone cannot be told
}

func itoa(n int) string { return strconv.Itoa(n) }

// isMissing reports whether there is simply no such thing.
func isMissing(err error) bool { return fault.KindOf(err) == fault.NotFound }
