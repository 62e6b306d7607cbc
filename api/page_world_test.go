package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// trouble is a name that means trouble on every page it reaches, with a
// character that few fonts have (SEC-20, SEC-24).
const trouble = `<script>alert(1)</script>"'&𠮷野家`

// stage is a world with one thing of each kind to look at.
type stage struct {
	*world
	open   inspection.Case     // facts missing, trouble name
	draft  inspection.Visit    // waits for a time
	booked inspection.Visit    // replies awaited, a mail held, a counter
	closed inspection.Visit    // one department deemed, joint opinion issued
	sent   delivery.ParcelView // on its way, an attempt failed
	mailID string
	link   string // path of an answer link of booked, for 市场监管
	code   string
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{world: newWorld(t)}
	s.until(s.trust.Now().Add(time.Hour)) // the mail addresses count from now on
	s.closed = s.close(s.book(s.accept("老街湘菜馆", inspection.YesNo(true)), 0))
	s.booked = s.book(s.accept("湘味轩餐饮店", inspection.YesNo(true)), 2)
	s.open = s.accept(trouble, inspection.Answer{})
	s.draft = s.plan(s.accept("梧桐路早餐店", inspection.YesNo(true)))
	s.clock.forward(10 * time.Minute)
	s.tick()
	s.findLink()
	s.answerByMail()
	s.sent = s.pack(s.accept("送达小馆", inspection.YesNo(true)))
	s.carry(s.sent)
	return s
}

func (s *stage) actor(name string) auth.Actor {
	s.t.Helper()
	by, _, err := s.Auth.Session(s.t.Context(), s.tokens[name])
	s.must(err)
	return by
}

// accept takes in a restaurant; sign says whether it has a sign, unknown leaves
// a department in doubt.
func (s *stage) accept(name string, sign inspection.Answer) inspection.Case {
	s.t.Helper()
	area, err := inspection.ParseDecimal("120")
	s.must(err)
	answers := inspection.Answers{"floor_area_m2": inspection.Number(area), "outdoor_sign": sign}
	for _, fact := range []string{"near_cultural_relic", "has_kitchen_flue", "central_air_conditioning", "fit_out"} {
		answers[fact] = inspection.YesNo(false)
	}
	c, err := s.Inspection.Accept(s.t.Context(), s.actor("clerk"), inspection.AcceptRequest{
		MatterCode: "M03", Answers: answers, Applicant: inspection.Applicant{Name: name, Phone: "13800001234", Agent: trouble},
		Site: inspection.Site{Division: "431103", Address: "梧桐路88号" + trouble, Lat: 26.43, Lon: 111.61},
	})
	s.must(err)
	return c
}

func (s *stage) plan(c inspection.Case) inspection.Visit {
	s.t.Helper()
	v, err := s.Inspection.Plan(s.t.Context(), s.actor("clerk"), inspection.PlanRequest{CaseID: c.ID, Kind: inspection.KindSite})
	s.must(err)
	return v
}

// book books the n-th best offer.
func (s *stage) book(c inspection.Case, n int) inspection.Visit {
	s.t.Helper()
	v := s.plan(c)
	answer, err := s.Inspection.Slots(s.t.Context(), s.actor("clerk"), inspection.SlotRequest{VisitID: v.ID, Limit: n + 1})
	s.must(err)
	offer := answer.Offers[n]
	v, err = s.Inspection.Book(s.t.Context(), s.actor("clerk"), inspection.BookRequest{
		VisitID: v.ID, Choice: inspection.SlotChoice{Start: offer.Start, Resources: resourcesOf(offer)},
	})
	s.must(err)
	return v
}

func (s *stage) partOf(v inspection.Visit, department string) inspection.ParticipantView {
	s.t.Helper()
	found, err := s.Inspection.FindVisit(s.t.Context(), s.actor("clerk"), v.ID)
	s.must(err)
	i := slices.IndexFunc(found.Participants, func(p inspection.ParticipantView) bool { return p.DepartmentID == department })
	return found.Participants[i]
}

// close lives through a visit: fire answers and finds something, the others
// stay silent and are deemed.
func (s *stage) close(v inspection.Visit) inspection.Visit {
	s.t.Helper()
	ctx, clerk, fire := s.t.Context(), s.actor("clerk"), s.actor("inspector")
	s.until(s.trust.Now().Add(20 * time.Minute))
	own := s.partOf(v, "431103-fire").ID
	_, err := s.Inspection.Reply(ctx, fire, inspection.ReplyRequest{ParticipantID: own, Round: 1, Kind: inspection.ReplyAccept, Channel: "portal"})
	s.must(err)
	s.until(v.Start)
	_, err = s.Inspection.Start(ctx, clerk, v.ID)
	s.must(err)
	for _, certificate := range []string{"F1", "F2"} {
		_, err = s.Inspection.CheckIn(ctx, clerk, inspection.CheckInRequest{VisitID: v.ID, Party: own, Way: inspection.ByWindow, Name: "勘验员", Certificate: certificate})
		s.must(err)
	}
	s.until(v.End)
	_, err = s.Inspection.EndSite(ctx, clerk, v.ID)
	s.must(err)
	_, err = s.Inspection.Opine(ctx, fire, inspection.OpinionRequest{
		ParticipantID: own, Kind: inspection.Rectify, Text: trouble,
		Items: []inspection.RectifyItem{{Finding: "后厨灭火毯数量不足" + trouble, Clause: "GB 55037-2022", Verify: inspection.VerifyVisit, Days: 5}},
	})
	s.must(err)
	s.allSign(v, "431103-fire")
	_, err = s.Inspection.Close(ctx, clerk, v.ID, once.Key{})
	s.must(err)
	s.again()
	return v
}

// allSign has the window enter the signatures that an opinion lacks.
func (s *stage) allSign(v inspection.Visit, department string) {
	s.t.Helper()
	p := s.partOf(v, department)
	found, err := s.Inspection.FindVisit(s.t.Context(), s.actor("clerk"), v.ID)
	s.must(err)
	for _, c := range unsigned(p, found.Came(p.ID)) {
		s.must(s.Inspection.SignOnPaper(s.t.Context(), s.actor("clerk"), inspection.PaperSignature{
			ParticipantID: p.ID, OpinionID: p.Draft.ID, CheckInID: c.ID, Scan: inspection.Scan{Name: "签名页.png", Bytes: picture(s.t)},
		}))
	}
}

// again signs everybody in anew: the days that passed ended every session.
func (s *stage) again() {
	s.t.Helper()
	for name := range s.tokens {
		_, token, err := s.Auth.SignIn(s.t.Context(), auth.Credentials{Login: name, Password: "Meiwan-Road-1", Remote: "127.0.0.1:1"})
		s.must(err)
		s.tokens[name] = token
	}
}

var linkInText = regexp.MustCompile(`/r/[A-Z2-7]+`)
var codeInText = regexp.MustCompile(`反馈码：(\d{6})`)

// findLink reads link and code from the notice that went out by mail.
func (s *stage) findLink() {
	s.t.Helper()
	subject := s.partOf(s.booked, "431103-amr").ID
	for _, m := range s.mail.sent {
		if m.Subject == subject && m.Purpose == notify.PurposeNotice && m.Channel == notify.Mail {
			s.link, s.code = linkInText.FindString(m.Text), codeInText.FindStringSubmatch(m.Text)[1]
		}
	}
}

const mailText = `From: =?utf-8?B?5raI6Ziy?= <fire@dept.example>
Subject: Re: <script>alert(2)</script>
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

能不能改到下周？<script>alert(3)</script>
--b
Content-Type: text/calendar; method=REPLY; charset=utf-8

BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
METHOD:REPLY
BEGIN:VEVENT
UID:1
DTSTAMP:20261119T010000Z
DTSTART:20261123T010000Z
SEQUENCE:0
ATTENDEE;PARTSTAT=DECLINED:mailto:fire@dept.example
END:VEVENT
END:VCALENDAR
--b--
`

// answerByMail lets the fire brigade write back to the address of its notice.
func (s *stage) answerByMail() {
	s.t.Helper()
	ctx, one := s.t.Context(), s.partOf(s.booked, "431103-fire")
	var sent []notify.Message
	s.must(s.Read(ctx, func(q bun.IDB) (err error) {
		sent, err = notify.ListBySubject(ctx, q, one.ID, notify.PurposeNotice)
		return err
	}))
	i := slices.IndexFunc(sent, func(m notify.Message) bool { return m.Channel == notify.Mail })
	var address string
	s.must(s.db.Write(ctx, func(tx bun.IDB) (err error) {
		address, err = s.Notify.Addresses.AnswerTo(ctx, tx, s.trust.Now(), notify.Owner{Subject: one.ID, Contact: sent[i].Contact, Stream: sent[i].Stream})
		return err
	}))
	s.must(s.Notify.Receive(ctx, notify.Envelope{ReceivedAt: s.trust.Now(), MailFrom: "fire@dept.example", Rcpt: address, Peer: "mx"},
		[]byte(strings.ReplaceAll(mailText, "\n", "\r\n"))))
	s.must(s.Read(ctx, func(q bun.IDB) error {
		mails, err := notify.ListInbound(ctx, q, notify.InboundQuery{State: notify.Held})
		s.mailID = mails[0].ID
		return err
	}))
}

// seen is a page as a browser got it.
type seen struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// browse sends what a browser would: a GET, or a form with its token.
func (s *stage) browse(as, path string, form url.Values) *seen {
	s.t.Helper()
	return s.browseIn("zh", as, path, form)
}

func (s *stage) browseIn(lang, as, path string, form url.Values) *seen {
	s.t.Helper()
	s.clock.forward(time.Second) // below every rate limit
	method, body := http.MethodGet, ""
	if form != nil {
		method = http.MethodPost
		form.Set(csrfField, csrfToken(s.tokens[as]))
		body = form.Encode()
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.9:4711"
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: langCookie, Value: lang})
	if token := s.tokens[as]; token != "" {
		r.AddCookie(&http.Cookie{Name: s.sessionCookie(), Value: token})
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return s.looked(&seen{s.t, w.Code, w.Header(), w.Body.String()})
}

var (
	emptyField = regexp.MustCompile(`<div class="field bad">\s*<label for="[^"]*">([^<]*<span class="soft">[^<]*</span>)?[^<]*</label>(?s:.*?)<p class="error" id="[^"]*-wrong">([^<]*)</p>\s*(?:<input [^>]*value=""|<textarea [^>]*></textarea>)`)
	wantsText  = regexp.MustCompile(`请填写|请写明|请上传|请附|必须填写|(?i)give the|name the|upload`)
)

// looked holds every refused form against what its labels say: what was refused for
// being empty did not call itself optional.
func (s *stage) looked(p *seen) *seen {
	s.t.Helper()
	for _, m := range emptyField.FindAllStringSubmatch(p.body, -1) {
		optional := strings.Contains(m[1], "选填") || strings.Contains(m[1], "(optional)")
		if optional && wantsText.MatchString(m[2]) {
			s.t.Errorf("%s was left empty and refused: %s", visible(m[1]), m[2])
		}
	}
	return p
}

// why is what the log says about an answer, else what the page says.
func (s *stage) why(p *seen) string {
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, p.header.Get("X-Request-Id")) && strings.Contains(line, `"error"`) {
			return line
		}
	}
	return visible(p.body)
}

// is wants a status.
func (p *seen) is(status int) *seen {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("status %d, want %d: %s", p.status, status, visible(p.body))
	}
	return p
}

// holds wants texts in the page as it was sent: addresses of links, values of fields.
func (p *seen) holds(texts ...string) *seen {
	p.t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			p.t.Errorf("the page does not hold %q", text)
		}
	}
	return p
}

// says wants texts on the page, blanks aside.
func (p *seen) says(texts ...string) *seen {
	p.t.Helper()
	bare := func(s string) string { return blanks.ReplaceAllString(s, "") }
	for _, text := range texts {
		if !strings.Contains(bare(visible(p.body)), bare(text)) {
			p.t.Errorf("the page does not say %q: %s", text, visible(p.body))
		}
	}
	return p
}

// lacks wants texts not on the page.
func (p *seen) lacks(texts ...string) *seen {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(visible(p.body), text) {
			p.t.Errorf("the page says %q: %s", text, visible(p.body))
		}
	}
	return p
}

// to gives where the answer leads.
func (p *seen) to() string { return p.header.Get("Location") }

var tag = regexp.MustCompile(`(?s)<(?:title|style|script)\b.*?</\w+>|<[^>]*>`)
var blanks = regexp.MustCompile(`\s+`)

// visible is what a reader sees of a page.
func visible(page string) string {
	return strings.TrimSpace(blanks.ReplaceAllString(tag.ReplaceAllString(page, " "), " "))
}

// day is an instant of a visit's day as a form writes it.
func day(t time.Time) string { return t.In(workday.Shanghai).Format("2006-01-02T15:04") }
