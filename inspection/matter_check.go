package inspection

import (
	"slices"
	"strings"

	"lianban/internal/fault"
	"lianban/internal/office"
)

// Check gives every reason why a version cannot be published (INS-303); none
// means it can. Codes: matter_incomplete, system_unknown, rule_invalid,
// rule_doubled, matter_lead, matter_lead_missing, matter_too_complex.
// Expressions are right by their type: ParseExpr made them.
func (m Matter) Check() []*fault.Error {
	problems := m.checkFields()
	leads := 0
	for i, r := range m.Rules {
		problems = append(problems, r.check()...)
		if r.Lead && r.Attendance == Required {
			leads++
		}
		same := func(other Rule) bool { return other.System == r.System }
		if slices.ContainsFunc(m.Rules[:i], same) {
			problems = append(problems, fault.Refuse(fault.Invalid, "rule_doubled",
				"部门“%[1]s”（%[2]s）写了两次；请用 or 合成一条", "department %[2]s stands twice; join the two conditions with or", SystemName(r.System).ZH, r.System))
		}
	}
	if leads != 1 {
		problems = append(problems, fault.Refuse(fault.Invalid, "matter_lead",
			"必须参加的部门中应有且只有一个牵头部门，现有 %d 个", "exactly one required department leads, here %d do", leads))
	}
	if len(problems) > 0 {
		return problems // the lead's condition is only worth a look in a sound version
	}
	return m.checkLead()
}

func (m Matter) checkFields() []*fault.Error {
	var out []*fault.Error
	incomplete := func(zh, en string) {
		out = append(out, fault.Refuse(fault.Invalid, "matter_incomplete",
			"事项内容不完整：%[1]s", "the matter is incomplete: %[2]s", zh, en))
	}
	if m.Code == "" || len(m.Code) > 64 { // an opaque string (facts section 8)
		incomplete("事项编码应为 1 到 64 个字符", "its code has 1 to 64 characters")
	}
	if m.NameZH == "" || m.NameEN == "" {
		incomplete("缺少中文或英文名称", "it needs a Chinese and an English name")
	}
	if m.EffectiveFrom.IsZero() {
		incomplete("缺少生效日期", "it needs the day from which it is in force")
	}
	if !m.EffectiveTo.IsZero() && !m.EffectiveFrom.Before(m.EffectiveTo) {
		incomplete("失效日期应晚于生效日期", "the day it ends has to come after the day it begins")
	}
	if !slices.Contains([]Certainty{"", Sourced, PermitKnown, Unverified}, m.Certainty) {
		incomplete("可信度应为 S、P 或 CK", "its certainty is S, P or CK")
	}
	return out
}

func (r Rule) check() []*fault.Error {
	var out []*fault.Error
	if SystemName(r.System) == (Words{}) {
		out = append(out, fault.Refuse(fault.Invalid, "system_unknown",
			"没有代码为“%s”的部门系统；可用的代码：%s", "there is no department system %q; there are %s", r.System, strings.Join(Systems(), " ")))
	}
	invalid := func(zh, en string) {
		out = append(out, fault.Refuse(fault.Invalid, "rule_invalid",
			"部门 %[1]s 的规则：%[2]s", "rule of %[1]s: %[3]s", r.System, zh, en))
	}
	if !slices.Contains([]office.Level{office.Province, office.City, office.County}, r.Level) {
		invalid("层级应为 province、city 或 county", "its level is province, city or county")
	}
	if r.Attendance != Required && r.Attendance != Invited {
		invalid("参加方式应为 required 或 invited", "its attendance is required or invited")
	}
	if !slices.Contains([]CheckKind{CheckSite, CheckReview, CheckBoth}, r.CheckKind) {
		invalid("勘验方式应为 site、review 或 both", "its kind is site, review or both")
	}
	if r.Lead && r.Attendance == Invited {
		invalid("牵头部门必须参加，不能只是受邀", "the lead is required, not invited")
	}
	return out
}

// checkLead makes sure that a visit never lacks its lead (FAC-04): whenever a
// required department comes, the lead comes to the same kind of visit.
func (m Matter) checkLead() []*fault.Error {
	i := slices.IndexFunc(m.Rules, func(r Rule) bool { return r.Lead })
	lead := m.Rules[i]
	var out []*fault.Error
	for _, r := range m.Rules {
		if r.Attendance == Invited || r.System == lead.System {
			continue // invited departments alone make no visit (INS-309)
		}
		proved, decided := implies(r.When, lead.When)
		switch {
		case !decided:
			out = append(out, fault.Refuse(fault.Invalid, "matter_too_complex",
				"%[1]s 与牵头部门 %[2]s 的条件太复杂，无法核对；请让牵头部门每次都参加", "the conditions of %[1]s and of the lead %[2]s are too complex to compare; let the lead always come", r.System, lead.System))
		case !proved || lead.CheckKind != CheckBoth && lead.CheckKind != r.CheckKind:
			out = append(out, fault.Refuse(fault.Invalid, "matter_lead_missing",
				"%[1]s 参加时牵头部门 %[2]s 可能不参加；请放宽牵头部门的条件或勘验方式", "%[1]s may come without the lead %[2]s; widen the lead's condition or kind", r.System, lead.System))
		}
	}
	return out
}

// implies reports whether b includes its department whenever a does, unknown
// answers among them (INS-305). It tries every combination of answers that can
// make a difference; decided is false when those are too many.
func implies(a, b Expr) (proved, decided bool) {
	if b.Always() {
		return true, true
	}
	proved = true
	decided = eachCase([]Expr{a, b}, func(answers Answers) bool {
		came, _ := a.Eval(answers)
		led, _ := b.Eval(answers)
		proved = came == TruthNo || led != TruthNo
		return proved
	})
	return proved, decided
}

// maxCases bounds eachCase: a matter of ten thresholds has a few thousand.
const maxCases = 50_000

// eachCase calls visit with one representative of every set of answers that the
// expressions can tell apart, until visit returns false. It reports false,
// without a call, when there are too many.
func eachCase(exprs []Expr, visit func(Answers) bool) bool {
	probes := probesOf(exprs)
	names := make([]string, 0, len(probes))
	total := 1
	for name, answers := range probes {
		names = append(names, name)
		if total *= len(answers); total > maxCases {
			return false
		}
	}
	for n := range total {
		answers := make(Answers, len(names))
		for _, name := range names {
			answers[name] = probes[name][n%len(probes[name])]
			n /= len(probes[name])
		}
		if !visit(answers) {
			break
		}
	}
	return true
}

// probesOf gives for each attribute the answers that can make a difference: no
// answer, and each threshold with its neighbours (INS-306).
func probesOf(exprs []Expr) map[string][]Answer {
	out := map[string][]Answer{}
	add := func(name string, answers ...Answer) {
		for _, a := range answers {
			if !slices.Contains(out[name], a) {
				out[name] = append(out[name], a)
			}
		}
	}
	for _, e := range exprs {
		for _, c := range e.root.conditions() {
			add(c.attribute.Name, Answer{})
			add(c.attribute.Name, c.attribute.probes(c.values)...)
		}
	}
	return out
}

func (a Attribute) probes(thresholds []Answer) []Answer {
	var out []Answer
	switch a.Kind {
	case YesNoAttribute:
		return []Answer{YesNo(true), YesNo(false)}
	case ChoiceAttribute:
		for _, o := range a.Options {
			out = append(out, Choice(o.Code))
		}
	case NumberAttribute:
		for _, t := range thresholds {
			for _, n := range []Decimal{t.number - a.Step(), t.number, t.number + a.Step()} {
				if n >= a.Min && n <= a.Max {
					out = append(out, Number(n))
				}
			}
		}
	}
	return out
}

// dangerous marks permits whose matters are life-safety matters (FAC-07).
var dangerous = []string{"危险化学品", "烟花爆竹", "成品油"}

// Warnings lists what the person who publishes should look at. DEC-19 makes
// FAC-07 a warning: matter_silence_consents.
func (m Matter) Warnings() []Warning {
	if m.neverDeemed() {
		return nil
	}
	for _, permit := range m.Permits {
		for _, word := range dangerous {
			if strings.Contains(permit, word) {
				return []Warning{{"matter_silence_consents", Words{
					"事项 " + m.Code + " 涉及" + word + "，但没有设为“不适用视为同意”：部门不回复将视为同意",
					"matter " + m.Code + " concerns " + permit + " but is not marked never_deemed: silence will count as consent",
				}}}
			}
		}
	}
	return nil
}

// neverDeemed reports whether no department's silence can count (INS-310).
func (m Matter) neverDeemed() bool {
	deemable := func(r Rule) bool { return r.Attendance == Required && !r.NeverDeemed }
	return m.NeverDeemed || !slices.ContainsFunc(m.Rules, deemable)
}
