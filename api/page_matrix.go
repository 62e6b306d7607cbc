package api

import (
	"slices"
	"strings"
	"time"

	"lianban/inspection"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// offerCard is one time to choose, with the people named.
type offerCard struct {
	Start, End  time.Time
	Value       string
	Resources   []string
	People      []group
	AddedTravel int
	PastLimit   bool
	Best        bool
	Words       bool   // says what would help; nothing to press
	Kind, Note  string // of an alternative
}

func (b *boarding) card(o slot.Offer) offerCard {
	names := map[string]string{}
	for _, r := range b.answer.People {
		names[r.ID] = r.Name
	}
	card := offerCard{
		Start: o.Start, End: o.Start.Add(time.Duration(b.d.Visit.Minutes) * time.Minute), Value: o.Start.UTC().Format(time.RFC3339),
		Resources: resourcesOf(o), AddedTravel: o.AddedTravel, PastLimit: o.PastLimit,
	}
	for _, row := range b.answer.Departments {
		g := group{Department: b.names[row.DepartmentID]}
		for _, id := range o.People[row.DepartmentID] {
			g.Names = append(g.Names, names[id])
		}
		card.People = append(card.People, g)
	}
	return card
}

// resourcesOf are all that an offer occupies, in one order.
func resourcesOf(o slot.Offer) []string {
	var out []string
	for _, ids := range o.People {
		out = append(out, ids...)
	}
	for _, id := range []string{o.Vehicle, o.Room} {
		if id != "" {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// alternatives are the times instead of one that was just taken.
func (b *boarding) alternatives() (out []offerCard) {
	for _, o := range b.v.instead {
		out = append(out, b.card(o))
	}
	return out
}

// whyNot says why there is no time at all (INS-511).
type whyNot struct {
	Blocking     []string
	Together     bool
	Alternatives []offerCard
	Counts       []blockedLine
}

type blockedLine struct {
	Day                time.Time
	Department, Reason string
	Starts             int
}

func (b *boarding) whyNot(e slot.Explanation) *whyNot {
	w := &whyNot{Together: e.OnlyTogether}
	for _, id := range e.Blocking {
		w.Blocking = append(w.Blocking, b.names[id])
	}
	for _, a := range e.Alternatives {
		card := b.card(a.Offer)
		card.Kind = string(a.Kind)
		if a.Kind == slot.LendPeople {
			card.Words, card.Note = true, b.p.say(b.v, "board.lend", "department", b.names[a.Department])
		}
		w.Alternatives = append(w.Alternatives, card)
	}
	for _, c := range e.Counts {
		w.Counts = append(w.Counts, blockedLine{
			Day: c.Date.Midnight(), Department: b.names[c.Department], Reason: inspection.SlotWord(c.Code, b.v.x.lang), Starts: c.Starts,
		})
	}
	return w
}

// matrix is one day: rows are departments, columns are starts (STK-55).
type matrix struct {
	At      time.Time
	Grain   grain
	Columns []column
	Rows    []matrixRow
	Reasons []reasonsOf
}

// reasonsOf says in full what the cells of one department say in a word: a
// title shows itself to a mouse only.
type reasonsOf struct {
	Department string
	Lines      []reasonLine
}

type reasonLine struct{ Why, Times string }

// grain is the way to the other width of columns.
type grain struct{ Href, Text string }

// column is one start. Gap puts some space before the afternoon.
type column struct {
	Text, Start       string
	Common, Gap       bool
	Blocker, Who, Why string
}

// matrixRow is one department: Min people have to come.
type matrixRow struct {
	Name  string
	Min   int
	Cells []matrixCell
}

// matrixCell says in a word, in colour and in full why somebody cannot come.
type matrixCell struct {
	Class, Text, Why string
	Gap              bool
}

// oneDay makes the matrix of the day asked for, else of the first with an offer.
func (b *boarding) oneDay() error {
	day, err := workday.ParseDate(b.v.query("day"))
	if err != nil {
		day = b.answer.Earliest
		if len(b.answer.Offers) > 0 {
			day = b.answer.Offers[0].Date
		}
	}
	b.d.Day = day.String()
	answer, err := b.p.Inspection.Slots(b.v.ctx(), b.v.by, inspection.SlotRequest{
		VisitID: b.d.Visit.ID, From: day, To: day, Band: b.band, PastLimit: b.past, Explain: true, Limit: 1,
	})
	if err != nil {
		return err
	}
	b.dayLinks(day)
	for _, one := range answer.Board {
		if one.Date == day && len(one.Starts) > 0 {
			b.d.Matrix = b.matrix(one)
		}
	}
	return nil
}

// dayLinks are the days to look at: from the first possible one to the limit.
func (b *boarding) dayLinks(here workday.Date) {
	last, err := workday.ParseDate(b.d.Visit.Case.LimitDate)
	if err != nil || last.Before(b.answer.Earliest) {
		last = b.answer.Earliest
	}
	if b.past {
		last = last.AddDays(14)
	}
	if last.Before(here) {
		last = here
	}
	first := b.answer.Earliest
	if here.Before(first) {
		first = here
	}
	for day := first; !last.Before(day) && len(b.d.Days) < 40; day = day.AddDays(1) {
		b.d.Days = append(b.d.Days, dayLink{
			At: day.Midnight(), Href: b.v.with("day", day.String()), Free: b.free[day], Here: day == here,
		})
	}
}

// matrix puts a day into columns of half-hours, or of quarters if asked.
func (b *boarding) matrix(day inspection.BoardDay) *matrix {
	quarters := b.v.query("grain") == "15"
	m := &matrix{At: day.Date.Midnight(), Grain: grain{b.v.with("grain", "15"), b.p.say(b.v, "board.quarter")}}
	if quarters {
		m.Grain = grain{b.v.with("grain", "30"), b.p.say(b.v, "board.half")}
	}
	for i, row := range b.answer.Departments {
		m.Rows = append(m.Rows, matrixRow{Name: b.names[row.DepartmentID], Min: b.staff(i)})
	}
	gap := false
	for i, start := range day.Starts {
		if !quarters && start.Minute()%30 != 0 {
			continue
		}
		if b.closed(day, i) { // nobody can start at midday or near closing time
			gap = len(m.Columns) > 0
			continue
		}
		m.Columns = append(m.Columns, b.column(day, i, gap))
		for r := range m.Rows {
			m.Rows[r].Cells = append(m.Rows[r].Cells, b.cell(day.Cells[r][i], b.answer.Departments[r].DepartmentID, gap))
		}
		gap = false
	}
	for _, row := range m.Rows {
		if lines := b.reasons(m.Columns, row.Cells); len(lines) > 0 {
			m.Reasons = append(m.Reasons, reasonsOf{row.Name, lines})
		}
	}
	return m
}

// reasons gathers the starts that fail for the same reason.
func (b *boarding) reasons(columns []column, cells []matrixCell) (lines []reasonLine) {
	for i, c := range cells {
		if c.Why == "" {
			continue
		}
		at := slices.IndexFunc(lines, func(l reasonLine) bool { return l.Why == c.Why })
		if at < 0 {
			lines = append(lines, reasonLine{c.Why, columns[i].Text})
			continue
		}
		lines[at].Times += b.p.say(b.v, "list.comma") + columns[i].Text
	}
	return lines
}

// closed reports whether the house itself rules a start out, whoever is free.
func (b *boarding) closed(day inspection.BoardDay, i int) bool {
	return slices.ContainsFunc(day.Cells, func(cells []slot.Cell) bool {
		why := cells[i].Why
		return why.Department == "" && (why.Code == slot.Lunch || why.Code == slot.OutsideHours)
	})
}

// staff is how many people a department has to send.
func (b *boarding) staff(i int) int {
	for _, o := range b.answer.Offers {
		return len(o.People[b.answer.Departments[i].DepartmentID])
	}
	return 0
}

// column says of a start that everybody can, or who cannot.
func (b *boarding) column(day inspection.BoardDay, i int, gap bool) column {
	c := column{Text: clockOf(day.Starts[i]), Start: day.Starts[i].UTC().Format(time.RFC3339), Gap: gap}
	var who []string
	for r, cells := range day.Cells {
		cell, id := cells[i], b.answer.Departments[r].DepartmentID
		c.Common = c.Common || cell.Common
		if !cell.Enough && cell.Why.Department == id {
			who = append(who, b.names[id])
		}
		if c.Why == "" && cell.Why.Code != "" {
			c.Why = inspection.SlotWord(cell.Why.Code, b.v.x.lang)
			c.Blocker = b.p.say(b.v, "why."+string(cell.Why.Code))
		}
	}
	if len(who) > 0 {
		c.Who = strings.Join(who, b.p.say(b.v, "list.comma")) + b.p.say(b.v, "colon")
		c.Blocker = b.p.say(b.v, "board.blocked", "n", len(who))
	}
	return c
}

// cell says of one department at one start how many could come, or why not.
func (b *boarding) cell(c slot.Cell, department string, gap bool) matrixCell {
	out := matrixCell{Gap: gap, Class: "free", Text: b.p.say(b.v, "board.cell", "n", c.Free)}
	if c.Enough {
		return out
	}
	out.Class, out.Text = "blocked", b.p.say(b.v, "why."+string(c.Why.Code))
	if c.Why.Department == department {
		out.Class = "block"
	}
	out.Why = inspection.SlotWord(c.Why.Code, b.v.x.lang)
	return out
}

// clockOf is the time of day in Shanghai.
func clockOf(t time.Time) string { return t.In(workday.Shanghai).Format("15:04") }
