package inspection

import (
	"slices"
	"strings"

	"golang.org/x/text/width"

	"lianban/internal/fault"
	"lianban/internal/office"
)

// parseVisit reads one clause of the column visits: a department, in brackets
// what differs from "county, required, site", and its condition. Full-width
// signs are understood.
//
//	amr: always
//	fire (city, never_deemed): floor_area_m2 >= 50
//	culture (invited, both): entertainment
//
// Refusals: visits_invalid, and those of ParseExpr with the department as
// detail.
func parseVisit(clause string) (Rule, error) {
	r := Rule{Level: office.County, Attendance: Required, CheckKind: CheckSite}
	clause = width.Fold.String(clause)
	head, condition, found := strings.Cut(clause, ":")
	if !found || strings.TrimSpace(condition) == "" {
		return r, visitsInvalid(clause)
	}
	system, options, bracket := strings.Cut(strings.TrimSpace(head), "(")
	r.System = strings.TrimSpace(system)
	if bracket {
		options, closed := strings.CutSuffix(options, ")")
		if !closed || !r.readOptions(options) {
			return r, visitsInvalid(clause)
		}
	}
	when, err := ParseExpr(condition)
	if refusal, ok := fault.From(err); ok {
		return r, refusal.With("department", r.System)
	}
	r.When = when
	return r, err
}

// readOptions reads the words in the brackets; false for an unknown one.
func (r *Rule) readOptions(text string) bool {
	for word := range strings.SplitSeq(text, ",") {
		switch word = strings.TrimSpace(word); {
		case slices.Contains([]string{string(office.Province), string(office.City), string(office.County)}, word):
			r.Level = office.Level(word)
		case word == string(Required) || word == string(Invited):
			r.Attendance = Duty(word)
		case word == string(CheckSite) || word == string(CheckReview) || word == string(CheckBoth):
			r.CheckKind = CheckKind(word)
		case word == "never_deemed":
			r.NeverDeemed = true
		default:
			return false
		}
	}
	return true
}

func visitsInvalid(clause string) error {
	return fault.Refuse(fault.Invalid, "visits_invalid",
		"“%[1]s”应写成“部门代码: 条件”，例如 fire: floor_area_m2 >= 50；总是参加写 always；括号里可写 city、invited、review、both、never_deemed",
		"%[1]q has to read \"department: condition\", as in fire: floor_area_m2 >= 50, or always; brackets may hold city, invited, review, both, never_deemed", clause)
}
