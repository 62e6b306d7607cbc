package api

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// figuresPages are the figures of deliveries, to read and to take along
// (DEL-1501).
func (p *site) figuresPages() {
	p.on(Route{Method: http.MethodGet, Path: "/reports/delivery", Act: "pageDeliveryReport", Who: anywhere(reporting...)}, p.deliveryReportPage)
	p.on(Route{Method: http.MethodGet, Path: "/reports/delivery.csv", Act: "pageDeliveryCSV", Who: anywhere(reporting...)}, p.reportCSV)
}

// figuresPage is a table of figures with where each number's rows are.
type figuresPage struct {
	Figures  delivery.Figures
	From, To string
	Range    string // the days, with their weekdays
	Centres  []option
	Centre   string
	Groups   []figureGroup
	CSV      string
}

// figureGroup is figures of one kind.
type figureGroup struct {
	Title, Note string
	Lines       []figureLine
}

// figureLine is one figure: what it is of, and a link to what it counts.
type figureLine struct {
	Name, Value, Of, Link string
}

func (p *site) deliveryFigures(v *view) (d figuresPage, err error) {
	d.Centre = v.query("centre")
	query := delivery.FigureQuery{}
	for text, into := range map[string]*workday.Date{v.query("from"): &query.From, v.query("to"): &query.To} {
		if text == "" {
			continue
		}
		if *into, err = workday.ParseDate(text); err != nil {
			return d, err
		}
	}
	if v.by.Centre == "" {
		if err := p.centreChoice(v, &d); err != nil {
			return d, err
		}
		query.CentreID = d.Centre
	}
	if d.Figures, err = p.Delivery.FindFigures(v.ctx(), v.by, query); err != nil {
		return d, err
	}
	f := d.Figures
	d.From, d.To = f.From.String(), f.To.String()
	d.Range = p.say(v, "report.range", "from", weekday(v, f.From), "to", weekday(v, f.To), "n", f.Parcels)
	d.Groups = p.reportGroups(v, f)
	d.CSV = "/reports/delivery.csv?" + url.Values{"from": {d.From}, "to": {d.To}, "centre": {d.Centre}}.Encode()
	return d, nil
}

// weekday writes a day with the day of the week.
func weekday(v *view, d workday.Date) string {
	return workday.DayText(v.x.lang, d)
}

// withWeekday writes a time with the day of the week, for words around it.
func withWeekday(v *view, t time.Time) string {
	return workday.MomentText(v.x.lang, t)
}

// centreChoice lets who has no centre choose one; the first is shown unasked.
func (p *site) centreChoice(v *view, d *figuresPage) error {
	var centres []office.Centre
	err := p.Read(v.ctx(), func(q bun.IDB) (err error) {
		centres, err = office.ListCentres(v.ctx(), q)
		return err
	})
	if err != nil {
		return err
	}
	if d.Centre == "" && len(centres) > 0 {
		d.Centre = centres[0].ID
	}
	for _, c := range centres {
		d.Centres = append(d.Centres, option{c.ID, v.called(c.Name, c.NameEN), c.ID == d.Centre})
	}
	return nil
}

// reportGroups puts figures into words; each names what it is of.
func (p *site) reportGroups(v *view, f delivery.Figures) []figureGroup {
	list := func(key, value string) string {
		return "/parcels?" + url.Values{"all": {"yes"}, "from": {f.From.String()}, "to": {f.To.String()}, key: {value}}.Encode()
	}
	n := strconv.Itoa
	share := func(name string, s delivery.Share, link string) figureLine {
		return figureLine{p.say(v, name), percent(s), p.say(v, "report.of", "part", s.Part, "of", s.Of), link}
	}
	promise := figureGroup{Title: p.say(v, "report.promise"), Note: p.say(v, "report.promise.note"), Lines: []figureLine{
		share("report.on_time", f.OnTime, list("result", "met")),
		{p.say(v, "report.missed"), n(f.OnTime.Of - f.OnTime.Part), "", list("result", "missed")},
		{p.say(v, "report.excluded"), n(f.Excluded), "", list("result", "excluded")},
		{p.say(v, "report.pending"), n(f.Pending), "", list("result", "pending")},
		{p.say(v, "report.open"), n(f.Open), "", list("result", "running")},
		{p.say(v, "report.quality_c"), n(f.Doubtful), "", ""},
	}}
	proof := figureGroup{Title: p.say(v, "report.proof"), Lines: []figureLine{
		share("report.first_try", f.FirstTry, list("state", "delivered")),
		share("report.unverified", f.Unverified, list("state", "delivered_unverified")),
	}}
	for _, q := range f.Qualities {
		proof.Lines = append(proof.Lines, share("quality."+string(q.Quality), delivery.Share{Part: q.N, Of: f.Unverified.Of}, ""))
	}
	groups := []figureGroup{promise, proof, p.waits(v, f)}
	failures := figureGroup{Title: p.say(v, "report.failures"), Note: p.say(v, "report.failures.note")}
	for _, c := range f.Failures {
		failures.Lines = append(failures.Lines, figureLine{
			p.say(v, "report.failure", "outcome", c.Outcome.Word(v.x.lang), "fault", p.say(v, "fault."+string(c.Fault))), n(c.N), "", list("state", "attempt_failed"),
		})
	}
	couriers := figureGroup{Title: p.say(v, "report.couriers"), Note: p.say(v, "report.couriers.note", "n", f.Few)}
	for _, c := range f.Couriers {
		line := figureLine{c.Courier, percent(c.OnTime), p.say(v, "report.of", "part", c.OnTime.Part, "of", c.OnTime.Of), list("courier", c.CourierID)}
		couriers.Lines = append(couriers.Lines, line)
	}
	ratings := figureGroup{Title: p.say(v, "ratings.title"), Note: p.say(v, "report.calls", "low", f.CallBacks.Low, "in_time", f.CallBacks.InTime, "late", f.CallBacks.Late)}
	for _, r := range f.Ratings {
		ratings.Lines = append(ratings.Lines, figureLine{r.Level.In(v.x.lang), n(r.N), "", "/ratings"})
	}
	groups = append(groups, failures, p.tries(v, "area", f.Tries.Areas, f.Tries.Few), p.tries(v, "hour", f.Tries.Hours, f.Tries.FewAt))
	return append(groups, p.settled(v, f.Settle), p.custody(v, f.Custody), couriers, ratings)
}

// part writes so many of so many.
func (p *site) part(v *view, name string, s delivery.Share, link string) figureLine {
	return figureLine{name, percent(s), p.say(v, "report.of", "part", s.Part, "of", s.Of), link}
}

// tries are the first tries by street or hour that failed, of all that ended.
func (p *site) tries(v *view, by string, all []delivery.PlaceFailures, few delivery.Share) figureGroup {
	g := figureGroup{Title: p.say(v, "report.tries."+by), Note: p.say(v, "report.tries.note", "n", few.Of)}
	for _, one := range all {
		name := one.Area
		switch {
		case by == "hour":
			name = p.say(v, "report.hour", "from", one.Hour-1, "to", one.Hour)
		case name == "":
			name = p.say(v, "report.area.unknown")
		}
		g.Lines = append(g.Lines, p.part(v, name, one.Share, ""))
	}
	return g
}

// settled is what windows and supervisors decided about doubtful hand-overs.
func (p *site) settled(v *view, f delivery.SettleFigures) figureGroup {
	g := figureGroup{Title: p.say(v, "report.settled"), Note: p.say(v, "report.settled.note", "open", f.Settled.Open), Lines: []figureLine{
		p.part(v, p.say(v, "report.settled.in_time"), f.Settled.Share(), "/parcels?state=delivered_unverified"),
	}}
	for _, a := range f.Accepted {
		g.Lines = append(g.Lines, p.part(v, p.say(v, "report.accepted", "name", a.Name), delivery.Share{Part: a.N, Of: f.OfTimes}, ""))
	}
	if len(f.Accepted) == 0 {
		g.Lines = append(g.Lines, p.part(v, p.say(v, "report.accepted.none"), delivery.Share{Of: f.OfTimes}, ""))
	}
	return g
}

// custody is who holds what for how long, and what was signed for and given back
// in time.
func (p *site) custody(v *view, f delivery.CustodyFigures) figureGroup {
	g := figureGroup{Title: p.say(v, "report.custody"), Note: p.say(v, "report.custody.note", "kept", f.Kept, "signs", f.SignIns.Open, "loans", f.Loans.Open), Lines: []figureLine{
		p.part(v, p.say(v, "report.signed"), f.SignIns.Share(), "/alerts"),
		p.part(v, p.say(v, "report.loans"), f.Loans.Share(), "/materials"),
	}}
	for _, h := range f.Holders {
		name := h.Name
		if name == "" {
			name = p.say(v, "report.holder."+string(h.Kind))
		}
		g.Lines = append(g.Lines, figureLine{
			p.say(v, "report.held", "holder", name), p.spread(v, "report.day.under", h.Median, h.P80),
			p.say(v, "report.held.of", "n", h.N+h.Unknown, "longest", p.days(v, "report.day.under", h.Longest)), "",
		})
	}
	return g
}

// waits are how long things lay before the courier had them.
func (p *site) waits(v *view, f delivery.Figures) figureGroup {
	dwell := "—"
	if f.Dwell.N > 0 {
		dwell = p.say(v, "report.minutes", "median", spent(v, f.Dwell.Median), "p80", spent(v, max(1, f.Dwell.P80)))
	}
	g := figureGroup{Title: p.say(v, "report.waits"), Note: p.say(v, "report.waits.note"), Lines: []figureLine{{
		p.say(v, "report.dwell"), dwell,
		p.say(v, "report.known", "n", f.Dwell.N, "unknown", f.Dwell.Unknown), "",
	}}}
	for _, l := range f.Lag {
		g.Lines = append(g.Lines, figureLine{
			p.say(v, "report.lag", "department", l.Department), p.spread(v, "report.day.same", l.Median, l.P80),
			p.say(v, "report.papers", "n", l.N), "/sets",
		})
	}
	return g
}

// spread writes a median number of days and what four in five keep; none is said as
// the key says it.
func (p *site) spread(v *view, none string, median, p80 int) string {
	if p80 == 0 {
		return p.say(v, "report.days.none", "none", p.say(v, none))
	}
	return p.say(v, "report.days", "median", p.days(v, none, median), "p80", p.days(v, none, p80))
}

// days writes a number of days as people say it.
func (p *site) days(v *view, none string, n int) string {
	switch n {
	case 0:
		return p.say(v, none)
	case 1:
		return p.say(v, "report.day.one")
	}
	return p.say(v, "report.day.n", "n", n)
}

// spent writes a number of minutes as hours and minutes.
func spent(v *view, minutes int) string {
	under, hour, minute := "不到 1 分钟", " 小时", " 分钟"
	if v.x.lang == "en" {
		under, hour, minute = "less than a minute", " h", " min"
	}
	switch {
	case minutes == 0:
		return under
	case minutes < 60:
		return strconv.Itoa(minutes) + minute
	case minutes%60 == 0:
		return strconv.Itoa(minutes/60) + hour
	}
	return strconv.Itoa(minutes/60) + hour + " " + strconv.Itoa(minutes%60) + minute
}

// percent writes a share; of nothing there is none.
func percent(s delivery.Share) string {
	if s.Of == 0 {
		return "—"
	}
	t := s.Tenths()
	return strconv.Itoa(t/10) + "." + strconv.Itoa(t%10) + "%"
}

func (p *site) deliveryReportPage(v *view) error {
	v.here = "/reports/delivery"
	d, err := p.deliveryFigures(v)
	if err != nil {
		return p.done(v, err, form{"report", ""}, func(v *view) error { return p.show(v, "report", d) })
	}
	return p.show(v, "report", d)
}

// reportCSV is the same table for a spreadsheet: UTF-8 with its mark, cells that
// no spreadsheet takes for a formula (DEL-951).
func (p *site) reportCSV(v *view) error {
	d, err := p.deliveryFigures(v)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString("\uFEFF")
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	_ = w.Write([]string{p.say(v, "report.title"), d.From, d.To, ""}) // a buffer takes all
	for _, g := range d.Groups {
		for _, l := range g.Lines {
			_ = w.Write([]string{plainCell(g.Title), plainCell(l.Name), plainCell(l.Value), plainCell(l.Of)})
		}
	}
	w.Flush()
	v.attach("delivery-"+d.From+"-"+d.To+".csv", "text/csv; charset=utf-8", out.Bytes())
	return nil
}

// plainCell keeps a spreadsheet from running what somebody typed.
func plainCell(text string) string {
	if strings.HasPrefix(text, "=") || strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "@") {
		return "'" + text
	}
	return text
}
