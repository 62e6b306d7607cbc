package delivery

import (
	"fmt"
	"strings"
	"time"

	"lianban/scheduler/workday"
)

// SpanKind says what a stretch between start and due was.
type SpanKind string

// The kinds of span.
const (
	SpanRunning SpanKind = "running" // delivery hours that count
	SpanPaused  SpanKind = "paused"  // delivery hours that do not
	SpanClosed  SpanKind = "closed"  // outside delivery hours
)

// PromiseSpan is a stretch of whole minutes. RestFrom and RestTo are the days
// off inside a closed one, so that a surprise closure can be seen (DEL-730).
type PromiseSpan struct {
	Kind     SpanKind     `json:"kind"`
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to"`
	RestFrom workday.Date `json:"rest_from,omitzero"`
	RestTo   workday.Date `json:"rest_to,omitzero"`
}

// Minutes is the length of the span.
func (s PromiseSpan) Minutes() int { return int(s.To.Sub(s.From) / time.Minute) }

// PromiseLedger is the whole arithmetic of a Promise (DEL-730). The spans follow
// each other without a gap from the start to the due moment, or to where an open
// pause began, both cut to the minute; so their minutes sum up to the time between.
type PromiseLedger struct {
	Promise     Promise        `json:"promise"`
	Pauses      []CountedPause `json:"pauses,omitempty"`
	Spans       []PromiseSpan  `json:"spans"`
	Due         time.Time      `json:"due,omitzero"` // after pauses
	PausedSince time.Time      `json:"paused_since,omitzero"`
	Provisional bool           `json:"provisional,omitempty"`
}

// Minutes sums the spans of a kind, or all of them for "".
func (l PromiseLedger) Minutes(kind SpanKind) (sum int) {
	for _, s := range l.Spans {
		if kind == "" || s.Kind == kind {
			sum += s.Minutes()
		}
	}
	return sum
}

// Ledger writes the arithmetic out. c is the calendar of CalendarVersion.
func (p Promise) Ledger(c *workday.Calendar, pauses []Pause) (PromiseLedger, error) {
	l := PromiseLedger{Promise: p, Provisional: p.Provisional}
	if p.Due.IsZero() {
		return l, nil
	}
	var err error
	if l.Due, l.PausedSince, l.Pauses, err = p.countPauses(c, pauses); err != nil {
		return PromiseLedger{}, err
	}
	end := l.Due
	if end.IsZero() {
		end = l.PausedSince
	}
	l.Provisional = l.Provisional || c.Provisional(workday.DateOf(end))
	open, err := deliveryBlocks(c, p.Terms.Delivery, wholeMinute(p.Start), wholeMinute(end))
	if err != nil {
		return PromiseLedger{}, err
	}
	for _, block := range open {
		l.closedUntil(block.From)
		l.cut(block)
	}
	l.closedUntil(wholeMinute(end))
	for i := range l.Spans {
		if err := l.Spans[i].findRest(c); err != nil {
			return PromiseLedger{}, err
		}
	}
	return l, nil
}

// deliveryBlocks gives the stretches of delivery hours in [from, to).
func deliveryBlocks(c *workday.Calendar, h workday.Hours, from, to time.Time) (blocks []PromiseSpan, err error) {
	for d := workday.DateOf(from); d.Midnight().Before(to); d = d.AddDays(1) {
		open, err := c.IsWorkday(d)
		if err != nil {
			return nil, err
		}
		for _, b := range h {
			start, end := laterTime(d.At(b.From), from), d.At(b.To)
			if to.Before(end) {
				end = to
			}
			if open && start.Before(end) {
				blocks = append(blocks, PromiseSpan{Kind: SpanRunning, From: start, To: end})
			}
		}
	}
	return blocks, nil
}

// cut adds a block with the counted pauses cut out of it; they are in order.
func (l *PromiseLedger) cut(block PromiseSpan) {
	for _, p := range l.Pauses {
		from, to := laterTime(p.CountFrom, block.From), p.CountTo
		if block.To.Before(to) {
			to = block.To
		}
		if from.Before(to) {
			l.add(SpanRunning, block.From, from)
			l.add(SpanPaused, from, to)
			block.From = to
		}
	}
	l.add(SpanRunning, block.From, block.To)
}

func (l *PromiseLedger) closedUntil(t time.Time) {
	from := wholeMinute(l.Promise.Start)
	if n := len(l.Spans); n > 0 {
		from = l.Spans[n-1].To
	}
	l.add(SpanClosed, from, t)
}

// add leaves out what is empty and joins what belongs together.
func (l *PromiseLedger) add(kind SpanKind, from, to time.Time) {
	if !from.Before(to) {
		return
	}
	if n := len(l.Spans); n > 0 && l.Spans[n-1].Kind == kind {
		l.Spans[n-1].To = to
		return
	}
	l.Spans = append(l.Spans, PromiseSpan{Kind: kind, From: from, To: to})
}

func (s *PromiseSpan) findRest(c *workday.Calendar) error {
	if s.Kind != SpanClosed {
		return nil
	}
	for d := workday.DateOf(s.From); d.Midnight().Before(s.To); d = d.AddDays(1) {
		open, err := c.IsWorkday(d)
		if err != nil {
			return err
		}
		if open {
			continue
		}
		if s.RestFrom.IsZero() {
			s.RestFrom = d
		}
		s.RestTo = d
	}
	return nil
}

// Lines prints the arithmetic for the page and the 妥投证明, so that it can be
// checked with a finger on the calendar (DEL-730).
func (l PromiseLedger) Lines(lang string) []string {
	p := l.Promise
	if p.Due.IsZero() {
		return []string{bilingual{"本件不适用一日送达承诺", "there is no one-day promise for this parcel"}.in(lang)}
	}
	lines := []string{p.partsLine(lang), p.startLine(lang), p.policyLine(lang)}
	for _, pause := range l.Pauses {
		lines = append(lines, pause.pauseLine(lang))
	}
	for _, s := range l.Spans {
		lines = append(lines, s.spanLine(lang))
	}
	lines = append(lines, l.sumLine(lang), l.dueLine(lang))
	return append(lines, p.recountLines(lang)...)
}

// saying formats in the language asked for; both formats take the same args,
// by index.
func saying(lang, zh, en string, args ...any) string {
	return fmt.Sprintf(bilingual{zh, en}.in(lang), args...)
}

func (p Promise) partsLine(lang string) string {
	return saying(lang,
		"起算依据：结果齐全 %[1]s，地址和收件人确认 %[2]s，寄递方式确定 %[3]s；以最晚的 %[4]s 为准",
		"start: set complete %[1]s, address and receiver confirmed %[2]s, carrier found %[3]s; the latest, %[4]s, counts",
		dayMoment(lang, p.Parts.Set), dayMoment(lang, p.Parts.Confirmed), dayMoment(lang, p.Parts.Carrier), dayMoment(lang, p.Parts.Raw()))
}

func (p Promise) startLine(lang string) string {
	raw := p.Parts.Raw()
	if p.Start.Equal(raw) {
		return saying(lang, "当时窗口在办公，自 %[1]s 起算", "the hall was open; counted from %[1]s", dayMoment(lang, p.Start))
	}
	return saying(lang,
		"当时窗口不在办公时间（%[1]s），顺延 %[2]d 分钟，自 %[3]s 起算",
		"the hall was closed (open %[1]s); %[2]d min on, counted from %[3]s",
		p.Terms.Hall, int(p.Start.Sub(wholeMinute(raw))/time.Minute), dayMoment(lang, p.Start))
}

func (p Promise) policyLine(lang string) string {
	t := p.Terms
	rule := saying(lang, "起算后 24 小时内送达，休息日不计", "within 24 hours of the start, rest days left out")
	switch before := p.Start.Before(workday.DateOf(p.Start).At(t.Cutoff)); {
	case t.Policy == PolicyCutoffNoon && before:
		rule = saying(lang, "%[1]s 前起算的，当日 %[2]s 前送达", "started before %[1]s: by %[2]s the same day", clockText(t.Cutoff), clockText(t.Evening))
	case t.Policy == PolicyCutoffNoon:
		rule = saying(lang, "%[1]s 及以后起算的，下一工作日 %[2]s 前送达", "started from %[1]s on: by %[2]s the next working day", clockText(t.Cutoff), clockText(t.Noon))
	case t.Policy == PolicyNextDay18:
		rule = saying(lang, "下一工作日 %[1]s 前送达", "by %[1]s the next working day", clockText(t.Evening))
	}
	text := saying(lang, "承诺规则（第 %[1]d 版）：%[2]s，即 %[3]s", "rule of the promise (version %[1]d): %[2]s, which is %[3]s",
		t.Version, rule, dayMoment(lang, p.Nominal))
	if !p.Due.Equal(p.Nominal) {
		text += saying(lang, "；不在派送时间（%[1]s）内，顺延至 %[2]s", "; outside delivery hours (%[1]s), so %[2]s", t.Delivery, dayMoment(lang, p.Due))
	}
	return text
}

func (n CountedPause) pauseLine(lang string) string {
	why := pauseWords[n.Reason].in(lang)
	switch {
	case n.CountFrom.IsZero() && n.To.IsZero():
		return saying(lang, "暂停：%[1]s，自 %[2]s 起，尚未结束", "pause: %[1]s, since %[2]s, still open", why, dayMoment(lang, n.From))
	case n.CountFrom.IsZero():
		return saying(lang, "暂停：%[1]s，%[2]s，与其他暂停重叠或在期限之外，计 0 分钟",
			"pause: %[1]s, %[2]s, inside another or outside the promise, 0 min", why, fromTo(lang, n.From, n.To))
	case !n.CountFrom.Equal(wholeMinute(n.From)):
		return saying(lang, "暂停：%[1]s，%[2]s，自 %[3]s 起计，派送时间 %[4]d 分钟",
			"pause: %[1]s, %[2]s, counted from %[3]s, %[4]d min of delivery time", why, fromTo(lang, n.From, n.To), dayMoment(lang, n.CountFrom), n.Minutes)
	}
	return saying(lang, "暂停：%[1]s，%[2]s，派送时间 %[3]d 分钟", "pause: %[1]s, %[2]s, %[3]d min of delivery time",
		why, fromTo(lang, n.From, n.To), n.Minutes)
}

func (s PromiseSpan) spanLine(lang string) string {
	text := saying(lang, "%[1]s %[2]s：%[3]d 分钟", "%[1]s %[2]s: %[3]d min", spanWords[s.Kind].in(lang), fromTo(lang, s.From, s.To), s.Minutes())
	switch {
	case s.RestFrom.IsZero():
		return text
	case s.RestFrom == s.RestTo:
		return text + saying(lang, "（%[1]s 不上班）", " (%[1]s is no working day)", workday.DayText(lang, s.RestFrom))
	}
	return text + saying(lang, "（%[1]s 至 %[2]s 不上班）", " (%[1]s to %[2]s are no working days)", workday.DayText(lang, s.RestFrom), workday.DayText(lang, s.RestTo))
}

func (l PromiseLedger) sumLine(lang string) string {
	return saying(lang, "合计：计时 %[1]d + 暂停 %[2]d + 非派送 %[3]d = %[4]d 分钟", "sum: running %[1]d + paused %[2]d + closed %[3]d = %[4]d min",
		l.Minutes(SpanRunning), l.Minutes(SpanPaused), l.Minutes(SpanClosed), l.Minutes(""))
}

func (l PromiseLedger) dueLine(lang string) string {
	if l.Due.IsZero() {
		return saying(lang, "已暂停，自 %[1]s 起；恢复后重新算出送达时限", "paused since %[1]s; the due moment follows when it goes on", dayMoment(lang, l.PausedSince))
	}
	text := saying(lang, "最晚送达 %[1]s（日历第 %[2]d 版", "due %[1]s (calendar version %[2]d", dayMoment(lang, l.Due), l.Promise.CalendarVersion)
	if l.Provisional {
		text += saying(lang, "，暂定", ", provisional")
	}
	return text + saying(lang, "）", ")")
}

func (p Promise) recountLines(lang string) (lines []string) {
	if !p.FirstDue.IsZero() {
		lines = append(lines, saying(lang, "放假通知公布前暂定为 %[1]s，已顺延", "before the holiday notice it was %[1]s, now later", dayMoment(lang, p.FirstDue)))
	}
	if !p.Recount.IsZero() {
		lines = append(lines, saying(lang, "按放假通知重算为 %[1]s，较原定早，仍以原定为准", "counted by the holiday notice it is %[1]s, which is earlier and not taken", dayMoment(lang, p.Recount)))
	}
	return lines
}

// Line prints the result with the time it rests on.
func (v PromiseVerdict) Line(lang string) string {
	var parts []string
	if act := v.HandOver; !act.Counts.IsZero() {
		parts = append(parts, saying(lang, "交付 %[1]s，时间质量 %[2]s", "handed over %[1]s, time quality %[2]s", dayMoment(lang, act.Counts), act.Quality))
		if v.IfAccepted != "" {
			parts = append(parts, saying(lang, "手机记录 %[1]s，经核实采信则为“%[2]s”", "the phone says %[1]s; if accepted: %[2]s", dayMoment(lang, act.Claimed), v.IfAccepted.In(lang)))
		}
	}
	result := saying(lang, "结果：%[1]s", "result: %[1]s", v.Result.In(lang))
	if v.AttemptedInTime {
		result += saying(lang, "（期限内曾上门，未遇收件人）", " (attempted in time, nobody found)")
	}
	return strings.Join(append(parts, result), bilingual{"；", "; "}.in(lang))
}

// In gives the result in words.
func (r PromiseResult) In(lang string) string { return resultWords[r].in(lang) }

// In gives the reason in words.
func (r PauseReason) In(lang string) string { return pauseWords[r].in(lang) }

var resultWords = map[PromiseResult]bilingual{
	ResultMet:      {"按时送达", "in time"},
	ResultMissed:   {"超过时限", "missed"},
	ResultPending:  {"按时交付，待核验", "in time, to be verified"},
	ResultExcluded: {"申请人原因，不计入", "at the applicant's will, not counted"},
	ResultRunning:  {"进行中", "running"},
	ResultPaused:   {"已暂停", "paused"},
	ResultNone:     {"无承诺", "no promise"},
}

var pauseWords = map[PauseReason]bilingual{
	PauseApplicantAsked: {"申请人要求改时间", "the applicant asked for another time"},
	PauseUnreachable:    {"两次联系不上收件人", "nobody reached in two attempts"},
	PauseRefused:        {"收件人拒收", "refused by the receiver"},
	PauseForceMajeure:   {"不可抗力", "force majeure"},
}

var spanWords = map[SpanKind]bilingual{
	SpanRunning: {"计时", "running"},
	SpanPaused:  {"暂停", "paused"},
	SpanClosed:  {"非派送", "closed"},
}

// dayMoment is a moment with its weekday. It shows seconds only where there are
// some: 11:59:59 is before noon.
func dayMoment(lang string, t time.Time) string {
	return workday.DayText(lang, workday.DateOf(t)) + " " + clockMoment(t)
}

func clockMoment(t time.Time) string {
	t = t.In(workday.Shanghai)
	if t.Second() != 0 {
		return t.Format(time.TimeOnly)
	}
	return t.Format("15:04")
}

// fromTo leaves the day out where it is the same.
func fromTo(lang string, from, to time.Time) string {
	end := dayMoment(lang, to)
	if workday.DateOf(from) == workday.DateOf(to) {
		end = clockMoment(to)
	}
	return saying(lang, "%[1]s 至 %[2]s", "%[1]s to %[2]s", dayMoment(lang, from), end)
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
