package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// question is what a clerk asks about the premises, with the answer so far.
type question struct {
	Name, Label, Question, Help, Unit string
	Number                            bool
	Value                             string // as typed, for a number
	Answer                            string // in words, empty if unknown
	Options                           []choice
}

// choice is one answer to a question. The empty code is "not known", which is
// not "no" (INS-305).
type choice struct {
	Code, Text string
	Chosen     bool
}

// questionsOf are the questions of a matter for a form. What was typed in the
// form that was refused comes before what is stored.
func questionsOf(v *view, act string, asked []inspection.Attribute, known inspection.Answers) []question {
	out := make([]question, len(asked))
	for i, a := range asked {
		value := known[a.Name].String()
		if v.tried.Keeps(act, "") {
			value = v.tried.Value(act, "", "q."+a.Name)
		}
		out[i] = questionOf(v.x.lang, a, value)
		out[i].Answer = spell(v.x.lang, a, known[a.Name])
	}
	return out
}

func questionOf(lang string, a inspection.Attribute, value string) question {
	q := question{
		Name: a.Name, Label: a.Label.In(lang), Question: a.Question.In(lang), Help: a.Help.In(lang), Unit: a.Unit.In(lang),
		Number: a.Kind == inspection.NumberAttribute, Value: value,
	}
	options := a.Options
	if a.Kind == inspection.YesNoAttribute {
		options = []inspection.Option{
			{Code: "yes", Words: inspection.Words{ZH: "是", EN: "Yes"}}, {Code: "no", Words: inspection.Words{ZH: "否", EN: "No"}},
		}
	}
	for _, o := range options {
		q.Options = append(q.Options, choice{o.Code, o.In(lang), value == o.Code})
	}
	if len(options) > 0 {
		unknown := inspection.Words{ZH: "不清楚", EN: "Not known"}
		q.Options = append(q.Options, choice{"", unknown.In(lang), value == ""})
	}
	return q
}

// spell writes an answer in words, empty when it is unknown.
func spell(lang string, a inspection.Attribute, answer inspection.Answer) string {
	if !answer.Known() {
		return ""
	}
	for _, o := range questionOf(lang, a, answer.String()).Options {
		if o.Chosen {
			return o.Text
		}
	}
	return strings.TrimSpace(answer.String() + " " + a.Unit.In(lang))
}

// parseAnswers reads the questions of a form, q.floor_area_m2 and so on, and
// says field by field, in the reader's language, what is wrong.
func parseAnswers(v *view) (inspection.Answers, []fault.Field) {
	_ = v.r.PostFormValue(csrfField) // reads the form
	answers := inspection.Answers{}
	var wrong []fault.Field
	for name := range v.r.PostForm {
		asked, isAnswer := strings.CutPrefix(name, "q.")
		if !isAnswer {
			continue
		}
		a, err := inspection.FindAttribute(asked)
		if err == nil {
			answers[asked], err = a.Parse(v.form(name))
		}
		if f, refused := fault.From(err); refused {
			wrong = append(wrong, fault.Field{Name: name, Code: f.Code, Text: f.In(v.x.lang)})
		}
	}
	return answers, wrong
}

// refuseFields refuses a form for the fields that are wrong, if any.
func refuseFields(wrong []fault.Field) error {
	if len(wrong) == 0 {
		return nil
	}
	refusal := fault.Refuse(fault.Invalid, "form_incomplete",
		"有 %d 项需要改正，见标红的项目", "%d entries need to be corrected; they are marked", len(wrong))
	refusal.Fields = wrong
	return refusal
}

// whole reads a whole number, 0 for what is none.
func whole(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// counted reads what was counted by hand, a number for each field. An empty field
// is no count: only a written 0 says that nothing was there (DEL-910).
func (v *view) counted(names ...string) ([]int, error) {
	refusal := fault.Refuse(fault.Invalid, "count_missing",
		"请填写实际清点的件数，一件也没有的填 0", "write down how many you counted, 0 if there is none")
	counts := make([]int, len(names))
	for i, name := range names {
		n, err := strconv.ParseUint(v.form(name), 10, 16)
		if err != nil {
			refusal.Fields = append(refusal.Fields, fault.Field{Name: name, Code: refusal.Code, Text: refusal.In(v.x.lang)})
		}
		counts[i] = int(n)
	}
	if len(refusal.Fields) > 0 {
		return nil, refusal
	}
	return counts, nil
}

// derivedLine is one department of a matter: whether it comes and why.
type derivedLine struct {
	Name, Because, Permit, Manual string
	In, Open, Invited             bool
	Lead, NeverDeemed             bool
}

// derivedOf says for each department of a case's matter whether it comes, and
// which clause decided, in words (INS-307).
func (p *site) derivedOf(v *view, q bun.IDB, c inspection.Case, m inspection.Matter) ([]derivedLine, error) {
	rows := map[string]inspection.CaseDepartment{}
	for _, r := range c.Departments {
		rows[r.System] = r
	}
	var out []derivedLine
	for _, derived := range inspection.Derive(m, c.Answers) {
		row := rows[derived.System]
		line := p.lineOfRule(v, derived)
		line.In, line.Open = row.Included, row.Included && row.BecauseUnknown && row.ConfirmedBy == ""
		if row.ManualReason != "" {
			line.Manual = p.say(v, "derived.manual", "why", row.ManualReason)
		}
		if row.DepartmentID != "" {
			d, err := office.FindDepartment(v.ctx(), q, row.DepartmentID)
			if err != nil {
				return nil, err
			}
			line.Name = inspection.Words{ZH: d.Name, EN: d.NameEN}.In(v.x.lang)
		}
		out = append(out, line)
	}
	return out, nil
}

// lineOfRule is a rule with what it makes of the answers, without a place yet.
func (p *site) lineOfRule(v *view, d inspection.Derived) derivedLine {
	return derivedLine{
		Name: inspection.SystemName(d.System).In(v.x.lang), Because: d.Because(v.x.lang), Permit: d.Permit,
		In: d.In, Open: d.In && d.BecauseUnknown, Invited: d.Attendance == inspection.Invited,
		Lead: d.Lead, NeverDeemed: d.NeverDeemed,
	}
}

// noticeOncePage is 一次性告知书: permits, departments, steps and limits (DEC-20).
type noticeOncePage struct {
	Matter   matterLine
	Number   string
	Back     string
	Rules    []derivedLine
	Steps    []string
	Days     int
	Reply    int
	Citation string
	Limit    time.Time
	Permits  bool // some rule names what its department looks at
	Centre   *office.Centre
}

// caseNotice prints the one-time notice of a case (DEC-20).
func (p *site) caseNotice(v *view) error {
	c, err := p.Inspection.FindCase(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	var m inspection.Matter
	var centre office.Centre
	err = p.Read(v.ctx(), func(q bun.IDB) (err error) {
		if m, err = inspection.FindMatter(v.ctx(), q, c.MatterCode, c.MatterVersion); err != nil {
			return err
		}
		centre, err = office.FindCentre(v.ctx(), q, c.OrganiserCentre)
		return err
	})
	if err != nil {
		return err
	}
	d := noticeOncePage{Number: c.Number, Back: "/cases/" + c.ID, Limit: endOfDay(c.LimitDate), Centre: &centre}
	return p.noticeOnce(v, d, m, inspection.Derive(m, c.Answers))
}

// matterNotice prints it for a matter, before there is a case.
func (p *site) matterNotice(v *view) error {
	var m inspection.Matter
	var d noticeOncePage
	err := p.Read(v.ctx(), func(q bun.IDB) (err error) {
		if m, err = inspection.MatterAt(v.ctx(), q, v.r.PathValue("code"), p.now()); err != nil || v.by.Centre == "" {
			return err
		}
		centre, err := office.FindCentre(v.ctx(), q, v.by.Centre)
		d.Centre = &centre // the window that hands it out
		return err
	})
	if err != nil {
		return err
	}
	d.Back = "/cases/new?matter=" + m.Code
	return p.noticeOnce(v, d, m, nil)
}

// noticeOnce fills the sheet from the matter's data and the settings in force.
func (p *site) noticeOnce(v *view, d noticeOncePage, m inspection.Matter, known []inspection.Derived) error {
	d.Matter = matterOf(v, m)
	if known == nil {
		known = inspection.Derive(m, nil)
	}
	for _, derived := range known {
		line := p.lineOfRule(v, derived)
		_, whole := derived.When.Eval(nil) // nothing known: the whole condition
		line.Because = whole.In(v.x.lang)
		d.Rules, d.Permits = append(d.Rules, line), d.Permits || line.Permit != ""
	}
	for i := 1; i <= 4; i++ {
		d.Steps = append(d.Steps, p.say(v, "notice_once.step."+strconv.Itoa(i)))
	}
	scope := office.Scope{Centre: v.by.Centre, Matter: m.Code}
	if d.Centre != nil {
		scope.Centre = d.Centre.ID
	}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		rules, err := office.RulesAt(v.ctx(), q, p.now(), scope)
		d.Days, d.Reply, d.Citation = rules.Limit, rules.ReplyTerm, rules.Citation
		return err
	})
	if err != nil {
		return err
	}
	return p.show(v, "notice_once", d)
}

// matterLine is a matter in the reader's language.
type matterLine struct {
	Code, Name              string
	Permits                 []string
	NeverDeemed, Commitment bool
	WindowOnly              bool // results are collected at the window (DEL-204)
}

func matterOf(v *view, m inspection.Matter) matterLine {
	return matterLine{Code: m.Code, Name: m.Name(v.x.lang), Permits: m.Permits, NeverDeemed: m.NeverDeemed, Commitment: m.Commitment, WindowOnly: m.WindowOnly}
}
