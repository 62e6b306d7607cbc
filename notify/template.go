package notify

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"
	"unicode"
)

// Facts is all a template may print. Instants are printed in China's time.
// None of it is a telephone or identity number of an applicant (FAC-21).
type Facts struct {
	Notice  string // notice number
	Round   int
	Case    string // case number
	Matter  string
	Kind    string // site or review
	Revisit bool

	Site        string // full place, for letters
	District    string // short place, for subjects and texts (FAC-21)
	Start       time.Time
	End         time.Time
	Department  string   // the recipient's name; empty speaks to the applicant
	Departments []string // everybody invited
	Lead        string
	Bring       string // what to bring; empty prints nothing
	StaffMin    int

	Centre string // name of the centre that organises
	Window string // the window's number
	Phone  string // the window's telephone

	RespondBy   time.Time
	Provisional bool   // counted through a year whose holidays are not final (FAC-12)
	NeverDeemed bool   // silence of this department is not consent
	OpinionDue  bool   // RespondBy is when the opinion after the visit is due, not the answer
	About       string // deemed consent: the department, when its superior is told
	VisitOver   bool   // deemed consent: the visit has taken place
	Citation    string // rule text cited

	Link      string   // answer page; printed only together with Code
	Code      string   // six digits, printed apart from the link
	Reference string   // four characters, makes texts differ
	Codes     []string // instead: of the pieces of one sending, in their order
	Signature string   // SMS signature without brackets
	Changes   string   // what changed since the last Round
	Refused   string   // notice: what it refuses, counter or excuse; the Reason says why
	Withdrawn bool     // cancel: this department alone need not come
	Reason    string   // of a cancellation; of a deemed consent, as the rest of a sentence about the department

	Record      string    // number of the deemed-consent record or of the receipt
	DecidedAt   time.Time // when the deemed consent was recorded
	ServedAt    time.Time // T1
	Proof       string    // how the notice arrived, in words
	Answer      string    // receipt: what was answered, in words
	ReceivedAt  time.Time // receipt: when it reached us
	Late        bool      // receipt: after the deadline
	Over        bool      // receipt: of a round that has been replaced
	Contest     string    // contest: rejected, later (from ServedAt on) or void
	Again       bool      // contest: a further notice is on its way
	UnderReview bool      // contest: a deemed consent, which a supervisor reviews
	Coming      []string  // confirmed: who comes
	Silent      []string  // confirmed: deemed to agree, may still come
	Prepare     string    // applicant: what to prepare
	Attend      string    // applicant: who must be present
	Expected    bool      // receipt: of a decline, which frees nobody from coming (INS-813)
	Written     bool      // receipt: a written opinion came along
	Person      string    // roster: the recipient
	Instead     string    // roster: the other one
	Comes       bool      // roster: the recipient comes in the other's place; false: the other way round

	Parcel string    // number of the parcel
	Bag    string    // or of a bag between window and departments
	Due    time.Time // of its promise; zero: none
	Pickup bool      // it is collected at the window
	ByMail bool      // the link to a file goes by mail
	BySlip bool      // or is on a slip of the window

	Checkpoint string // latest checkpoint with its signature line (ICA-70)
}

// words is what both templates of a letter print. Date, deadline and
// consequence are made once, so that text and HTML cannot differ in them
// (ICA-71).
type words struct {
	Facts
	Subject     string
	KindWord    string
	Organiser   string
	When        string
	Deadline    string
	Consequence string
	Digest      string // SHA-256 prefix of the text above the footer (ICA-70)
}

//go:embed templates
var templateFiles embed.FS

// sheets are the templates of one language.
type sheets struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

var languages = map[string]func() (sheets, error){
	"zh": sync.OnceValues(func() (sheets, error) { return parseSheets("zh") }),
	"en": sync.OnceValues(func() (sheets, error) { return parseSheets("en") }),
}

func parseSheets(lang string) (s sheets, err error) {
	f := functions(lang)
	s.text, err = texttemplate.New(lang).Option("missingkey=error").Funcs(f).ParseFS(templateFiles, "templates/"+lang+"/*.txt")
	if err != nil {
		return s, err
	}
	s.html, err = htmltemplate.New(lang).Option("missingkey=error").Funcs(f).ParseFS(templateFiles, "templates/"+lang+"/*.html")
	return s, err
}

// Render writes subject, text, HTML and SMS of a purpose in "zh" or "en", and
// names the words a legal Notice must not lose (INS-702). The SMS is empty for
// purposes that are not told by SMS.
func Render(lang, purpose string, f Facts) (Body, error) {
	parse, ok := languages[lang]
	if !ok {
		return Body{}, fmt.Errorf("notify: no templates in language %q", lang)
	}
	s, err := parse()
	if err != nil {
		return Body{}, err
	}
	r := renderer{sheets: s}
	w := words{Facts: f, KindWord: r.run("kind", f), Organiser: r.run("organiser", f), When: r.run("when", f)}
	if !f.RespondBy.IsZero() {
		w.Deadline, w.Consequence = r.run("deadline", f), r.run("consequence", f)
	}
	w.Subject = r.run(purpose+".subject", w)
	body := strings.TrimSpace(r.run(purpose+".text", w)) + "\n"
	sum := sha256.Sum256([]byte(body))
	w.Digest = hex.EncodeToString(sum[:8])
	out := Body{
		Subject: w.Subject, Text: body + r.run("footer", w), SMS: strings.TrimSpace(r.run(purpose+".sms", w)),
		HTML: r.page(purpose+".html", w),
		Must: Must{Deadline: w.Deadline, Consequence: w.Consequence, Citation: f.Citation},
	}
	return out, r.err
}

// RenderSMS writes the text of a purpose that is told by SMS only.
func RenderSMS(lang, purpose string, f Facts) (Body, error) {
	parse, ok := languages[lang]
	if !ok {
		return Body{}, fmt.Errorf("notify: no templates in language %q", lang)
	}
	s, err := parse()
	if err != nil {
		return Body{}, err
	}
	r := renderer{sheets: s}
	return Body{SMS: strings.TrimSpace(r.run(purpose+".sms", f))}, r.err
}

// renderer runs templates and keeps the first error.
type renderer struct {
	sheets
	err error
}

func (r *renderer) run(name string, data any) string {
	var out strings.Builder
	r.err = errors.Join(r.err, r.text.ExecuteTemplate(&out, name, data))
	return out.String()
}

func (r *renderer) page(name string, data any) string {
	var out strings.Builder
	r.err = errors.Join(r.err, r.html.ExecuteTemplate(&out, name, data))
	return out.String()
}

// functions are what templates may call. All time is China's.
func functions(lang string) map[string]any {
	dates, separator := chinese, "、"
	if lang == "en" {
		dates, separator = english, ", "
	}
	return map[string]any{
		"day":      func(t time.Time) string { return dates.day(t.In(china)) },
		"daytight": func(t time.Time) string { return dates.tight(t.In(china)) },
		"date":     func(t time.Time) string { return dates.date(t.In(china)) },
		"moment":   func(t time.Time) string { return dates.moment(t.In(china)) },
		"clock":    func(t time.Time) string { return t.In(china).Format("15:04") },
		"list":     func(names []string) string { return strings.Join(names, separator) },
		"limit":    limit,
		"ending":   ending,
		"last4":    func(s string) string { return tail(s, 4) },
		"row":      func(name string, value any) row { return row{name, value} },
		"brackets": dates.brackets,
	}
}

// row is one line of a letter's table.
type row struct {
	Name  string
	Value any
}

// calendarWords writes dates in one language.
type calendarWords struct {
	day, tight, date, moment func(t time.Time) string
	brackets                 func(s string) string
}

var weekdays = []string{"日", "一", "二", "三", "四", "五", "六"}

var chinese = calendarWords{
	day:      func(t time.Time) string { return t.Format("1月2日") + "（周" + weekdays[t.Weekday()] + "）" },
	tight:    func(t time.Time) string { return t.Format("1月2日") + "(周" + weekdays[t.Weekday()] + ")" },
	date:     func(t time.Time) string { return t.Format("1月2日") },
	moment:   func(t time.Time) string { return t.Format("2006年1月2日15:04:05") },
	brackets: func(s string) string { return around("（", s, "）") },
}

var english = calendarWords{
	day:      func(t time.Time) string { return t.Format("Monday 2 January 2006") },
	tight:    func(t time.Time) string { return t.Format("Mon 2 Jan") },
	date:     func(t time.Time) string { return t.Format("2 Jan") },
	moment:   func(t time.Time) string { return t.Format("2 January 2006, 15:04:05") },
	brackets: func(s string) string { return around(" (", s, ")") },
}

// around puts brackets about what is there.
func around(left, s, right string) string {
	if s == "" {
		return ""
	}
	return left + s + right
}

// limit cuts a field to what its place in a text allows (SEC-22).
func limit(n int, s string) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// ending is the part of a case number that fits a subject line: "2026-000317"
// of "431103-2026-000317".
func ending(s string) string {
	if len([]rune(s)) <= 12 {
		return s
	}
	return tail(s, 11)
}

func tail(s string, n int) string {
	r := []rune(s)
	return string(r[max(0, len(r)-n):])
}
