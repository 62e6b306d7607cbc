package delivery

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lianban/scheduler/workday"
)

func printed(t *testing.T, p Promise, pauses ...Pause) PromiseLedger {
	t.Helper()
	l, err := p.Ledger(shippedCalendar(t), pauses)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestArithmeticIsPrintedLineByLine(t *testing.T) { // DEL-730
	terms := exampleTerms(t)
	for _, tt := range []struct {
		name   string
		ledger PromiseLedger
		lang   string
		want   string
	}{
		{"example 11", printed(t, promised(t, terms, "2026-11-24 10:20"), pause(t, "2026-11-24 14:00", "2026-11-25 10:00")), "zh", `
起算依据：结果齐全 2026-11-24 周二 10:20，地址和收件人确认 2026-11-24 周二 09:20，寄递方式确定 2026-11-24 周二 10:19；以最晚的 2026-11-24 周二 10:20 为准
当时窗口在办公，自 2026-11-24 周二 10:20 起算
承诺规则（第 1 版）：12:00 前起算的，当日 18:00 前送达，即 2026-11-24 周二 18:00
暂停：申请人要求改时间，2026-11-24 周二 14:00 至 2026-11-25 周三 10:00，派送时间 360 分钟
计时 2026-11-24 周二 10:20 至 14:00：220 分钟
暂停 2026-11-24 周二 14:00 至 18:30：270 分钟
非派送 2026-11-24 周二 18:30 至 2026-11-25 周三 08:30：840 分钟
暂停 2026-11-25 周三 08:30 至 10:00：90 分钟
计时 2026-11-25 周三 10:00 至 14:00：240 分钟
合计：计时 460 + 暂停 360 + 非派送 840 = 1660 分钟
最晚送达 2026-11-25 周三 14:00（日历第 7 版）`},
		{"example 11 in English", printed(t, promised(t, terms, "2026-11-24 10:20"), pause(t, "2026-11-24 14:00", "2026-11-25 10:00")), "en", `
start: set complete Tue 2026-11-24 10:20, address and receiver confirmed Tue 2026-11-24 09:20, carrier found Tue 2026-11-24 10:19; the latest, Tue 2026-11-24 10:20, counts
the hall was open; counted from Tue 2026-11-24 10:20
rule of the promise (version 1): started before 12:00: by 18:00 the same day, which is Tue 2026-11-24 18:00
pause: the applicant asked for another time, Tue 2026-11-24 14:00 to Wed 2026-11-25 10:00, 360 min of delivery time
running Tue 2026-11-24 10:20 to 14:00: 220 min
paused Tue 2026-11-24 14:00 to 18:30: 270 min
closed Tue 2026-11-24 18:30 to Wed 2026-11-25 08:30: 840 min
paused Wed 2026-11-25 08:30 to 10:00: 90 min
running Wed 2026-11-25 10:00 to 14:00: 240 min
sum: running 460 + paused 360 + closed 840 = 1660 min
due Wed 2026-11-25 14:00 (calendar version 7)`},
		{"example 9, over the National Day", printed(t, promised(t, terms, "2026-09-30 16:30")), "zh", `
起算依据：结果齐全 2026-09-30 周三 16:30，地址和收件人确认 2026-09-30 周三 15:30，寄递方式确定 2026-09-30 周三 16:29；以最晚的 2026-09-30 周三 16:30 为准
当时窗口在办公，自 2026-09-30 周三 16:30 起算
承诺规则（第 1 版）：12:00 及以后起算的，下一工作日 12:00 前送达，即 2026-10-08 周四 12:00
计时 2026-09-30 周三 16:30 至 18:30：120 分钟
非派送 2026-09-30 周三 18:30 至 2026-10-08 周四 08:30：10920 分钟（2026-10-01 周四 至 2026-10-07 周三 不上班）
计时 2026-10-08 周四 08:30 至 12:00：210 分钟
合计：计时 330 + 暂停 0 + 非派送 10920 = 11250 分钟
最晚送达 2026-10-08 周四 12:00（日历第 7 版）`},
		{"example 3, rolled to the opening", printed(t, promised(t, terms, "2026-11-24 12:00")), "zh", `
起算依据：结果齐全 2026-11-24 周二 12:00，地址和收件人确认 2026-11-24 周二 11:00，寄递方式确定 2026-11-24 周二 11:59；以最晚的 2026-11-24 周二 12:00 为准
当时窗口不在办公时间（09:00-12:00,13:00-17:00），顺延 60 分钟，自 2026-11-24 周二 13:00 起算
承诺规则（第 1 版）：12:00 及以后起算的，下一工作日 12:00 前送达，即 2026-11-25 周三 12:00
计时 2026-11-24 周二 13:00 至 18:30：330 分钟
非派送 2026-11-24 周二 18:30 至 2026-11-25 周三 08:30：840 分钟
计时 2026-11-25 周三 08:30 至 12:00：210 分钟
合计：计时 540 + 暂停 0 + 非派送 840 = 1380 分钟
最晚送达 2026-11-25 周三 12:00（日历第 7 版）`},
	} {
		if got := strings.Join(tt.ledger.Lines(tt.lang), "\n"); got != strings.TrimSpace(tt.want) {
			t.Errorf("%s:\n%s\nwant%s", tt.name, got, tt.want)
		}
	}
}

// has reports whether one of the lines holds the text.
func has(lines []string, text string) bool {
	return slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, text) })
}

func TestWhatIsUnusualStandsInTheArithmetic(t *testing.T) { // DEL-704, 721, 722, 730
	terms := exampleTerms(t)
	tight := terms
	tight.Delivery = hours(t, "08:30-17:30")
	later, _, err := promised(t, terms, "2026-12-31 15:00").Again(withNotice(t, newYear(1), newYear(2), newYear(3), newYear(4)))
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := promised(t, terms, "2026-12-31 15:00").Again(withNotice(t, newYear(2)))
	if err != nil {
		t.Fatal(err)
	}
	none := terms
	none.Policy = PolicyNone
	next, elapsed := terms, terms
	next.Policy, elapsed.Policy = PolicyNextDay18, PolicyElapsed24h
	for _, tt := range []struct {
		ledger PromiseLedger
		zh, en string
	}{
		{printed(t, promised(t, tight, "2026-11-24 10:20")), "不在派送时间（08:30-17:30）内，顺延至 2026-11-25 周三 08:30", "outside delivery hours (08:30-17:30), so Wed 2026-11-25 08:30"},
		{printed(t, promised(t, terms, "2026-12-31 15:00")), "（日历第 7 版，暂定）", "(calendar version 7, provisional)"},
		{printed(t, promised(t, terms, "2026-11-24 11:59:59")), "自 2026-11-24 周二 11:59:59 起算", "counted from Tue 2026-11-24 11:59:59"},
		{printed(t, promised(t, terms, "2026-11-24 10:20"), pause(t, "2026-11-24 14:00", "")), "已暂停，自 2026-11-24 周二 14:00 起", "paused since Tue 2026-11-24 14:00"},
		{printed(t, promised(t, terms, "2026-11-24 10:20"), pause(t, "2026-11-24 14:00", "")), "自 2026-11-24 周二 14:00 起，尚未结束", "still open"},
		{
			printed(t, promised(t, terms, "2026-11-24 10:20"), pause(t, "2026-11-24 10:30", "2026-11-24 12:00"), pause(t, "2026-11-24 11:00", "2026-11-24 13:30")),
			"2026-11-24 周二 11:00 至 13:30，自 2026-11-24 周二 12:00 起计，派送时间 90 分钟", "counted from Tue 2026-11-24 12:00, 90 min",
		},
		{printed(t, promised(t, terms, "2026-11-24 10:20"), pause(t, "2026-11-24 18:10", "2026-11-24 18:20")), "计 0 分钟", "0 min"},
		{printed(t, promised(t, terms, "2026-11-27 16:59")), "2026-11-28 周六 至 2026-11-29 周日 不上班", "Sat 2026-11-28 to Sun 2026-11-29 are no working days"},
		{printed(t, later), "暂定为 2027-01-04 周一 12:00，已顺延", "it was Mon 2027-01-04 12:00, now later"},
		{printed(t, kept), "仍以原定为准", "which is earlier and not taken"},
		{printed(t, promised(t, none, "2026-11-24 10:20")), "不适用一日送达承诺", "no one-day promise"},
		{printed(t, promised(t, next, "2026-11-24 10:20")), "：下一工作日 18:00 前送达，即 2026-11-25 周三 18:00", ": by 18:00 the next working day"},
		{printed(t, promised(t, elapsed, "2026-11-24 10:20")), "：起算后 24 小时内送达", ": within 24 hours"},
	} {
		if zh := tt.ledger.Lines("zh"); !has(zh, tt.zh) || has(zh, "%!") {
			t.Errorf("%q is not in\n%s", tt.zh, strings.Join(zh, "\n"))
		}
		if en := tt.ledger.Lines("en"); !has(en, tt.en) || has(en, "%!") {
			t.Errorf("%q is not in\n%s", tt.en, strings.Join(en, "\n"))
		}
	}
}

func TestResultIsPrintedWithTheTimeItRestsOn(t *testing.T) { // DEL-730, SIM-15
	v := PromiseVerdict{Result: ResultMissed, IfAccepted: ResultMet, HandOver: PromiseAct{
		Counts: when(t, "2026-11-24 18:40"), Claimed: when(t, "2026-11-24 16:35"), Quality: "C",
	}}
	if got, want := v.Line("zh"), "交付 2026-11-24 周二 18:40，时间质量 C；手机记录 2026-11-24 周二 16:35，经核实采信则为“按时送达”；结果：超过时限"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := v.Line("en"), "handed over Tue 2026-11-24 18:40, time quality C; the phone says Tue 2026-11-24 16:35; if accepted: in time; result: missed"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	v = PromiseVerdict{Result: ResultMissed, AttemptedInTime: true}
	if got, want := v.Line("zh"), "结果：超过时限（期限内曾上门，未遇收件人）"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for r := range resultWords {
		if r.In("zh") == "" || r.In("en") == "" {
			t.Errorf("%s has no words", r)
		}
	}
	for _, r := range []PauseReason{PauseApplicantAsked, PauseUnreachable, PauseRefused, PauseForceMajeure} {
		if r.In("zh") == "" || r.In("en") == "" {
			t.Errorf("%s has no words", r)
		}
	}
}

// promiseWorld is a calendar of one year with days off at random, and the same
// for an oracle that asks minute by minute.
type promiseWorld struct {
	calendar *workday.Calendar
	off      map[workday.Date]bool
	terms    PromiseTerms
}

func drawWorld(t *rapid.T) promiseWorld {
	w := promiseWorld{off: map[workday.Date]bool{}, terms: DefaultPromiseTerms()}
	year := workday.Year{Status: workday.Final}
	first := workday.Date{Year: 2026, Month: time.March, Day: 1}
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 20), 1, 8).Draw(t, "off") {
		year.Off = append(year.Off, first.AddDays(n))
		w.off[first.AddDays(n)] = true
	}
	var err error
	if w.calendar, err = workday.New(1, map[int]workday.Year{2026: year}); err != nil {
		t.Fatal(err)
	}
	w.terms.Policy = rapid.SampledFrom([]PromisePolicy{PolicyCutoffNoon, PolicyNextDay18, PolicyElapsed24h}).Draw(t, "policy")
	w.terms.Hall, w.terms.Delivery = drawHours(t, "hall"), drawHours(t, "delivery")
	w.terms.Cutoff = rapid.IntRange(8*60, 15*60).Draw(t, "cutoff")
	w.terms.Evening = rapid.IntRange(w.terms.Cutoff, 21*60).Draw(t, "evening")
	w.terms.Noon = rapid.IntRange(8*60, 15*60).Draw(t, "noon")
	return w
}

func drawHours(t *rapid.T, label string) workday.Hours {
	var h workday.Hours
	free := 7 * 60
	for range rapid.IntRange(1, 3).Draw(t, label) {
		from := free + rapid.IntRange(0, 120).Draw(t, "from")
		free = from + rapid.IntRange(1, 240).Draw(t, "length")
		h = append(h, workday.Block{From: from, To: free})
	}
	return h
}

func (w promiseWorld) workday(d workday.Date) bool {
	return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday && !w.off[d]
}

// open tells whether the minute that begins at t is one of the hours.
func (w promiseWorld) open(t time.Time, h workday.Hours) bool {
	d := workday.DateOf(t)
	minute := int(t.Sub(d.Midnight()) / time.Minute)
	return w.workday(d) && slices.ContainsFunc(h, func(b workday.Block) bool { return b.From <= minute && minute < b.To })
}

// slowDue finds start and due one minute after the other.
func (w promiseWorld) slowDue(raw time.Time, pauses []Pause) (start, due time.Time) {
	for start = raw; !w.open(start, w.terms.Hall); start = start.Add(time.Minute) {
	}
	day := workday.DateOf(start)
	next := day.AddDays(1)
	for !w.workday(next) {
		next = next.AddDays(1)
	}
	due = next.At(w.terms.Noon)
	switch {
	case w.terms.Policy == PolicyElapsed24h:
		due = next.Midnight().Add(start.Sub(day.Midnight()))
	case w.terms.Policy == PolicyNextDay18:
		due = next.At(w.terms.Evening)
	case start.Before(day.At(w.terms.Cutoff)):
		due = day.At(w.terms.Evening)
	}
	for !w.open(due, w.terms.Delivery) && !w.open(due.Add(-time.Minute), w.terms.Delivery) {
		due = due.Add(time.Minute)
	}
	// A pause that began before due goes on past it, where due lies at an opening.
	for m := start; m.Before(due) || pausedAt(m, due, pauses); m = m.Add(time.Minute) {
		if w.open(m, w.terms.Delivery) && pausedAt(m, due, pauses) { // one minute that does not count
			for !w.open(due, w.terms.Delivery) {
				due = due.Add(time.Minute)
			}
			due = due.Add(time.Minute)
		}
	}
	return start, due
}

func pausedAt(m, due time.Time, pauses []Pause) bool {
	return slices.ContainsFunc(pauses, func(p Pause) bool { return !m.Before(p.From) && m.Before(p.To) && p.From.Before(due) })
}

func drawPauses(t *rapid.T, from time.Time) (pauses []Pause) {
	for range rapid.IntRange(0, 4).Draw(t, "pauses") {
		start := from.Add(time.Duration(rapid.IntRange(-300, 4000).Draw(t, "from")) * time.Minute)
		pauses = append(pauses, Pause{
			Reason: PauseApplicantAsked, From: start, To: start.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "minutes")) * time.Minute),
		})
	}
	return pauses
}

func TestDueAgreesWithCountingMinuteByMinute(t *testing.T) { // DEL-702, 703, 710, 721
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		raw := workday.Date{Year: 2026, Month: time.March, Day: 2}.At(rapid.IntRange(0, 12*24*60).Draw(t, "raw"))
		pauses := drawPauses(t, raw)
		p, err := MakePromise(w.calendar, w.terms, PromiseStart{raw, raw, raw})
		if err != nil {
			t.Fatal(err)
		}
		due, _, err := p.DueAfter(w.calendar, pauses)
		start, want := w.slowDue(raw, pauses)
		if err != nil || !p.Start.Equal(start) || !due.Equal(want) {
			t.Fatalf("start %s, due %s (%v); by hand %s, %s", momentText(p.Start), momentText(due), err, momentText(start), momentText(want))
		}
	})
}

var printedMinutes = regexp.MustCompile(`(\d+) (?:分钟|min)`)

func TestPrintedMinutesSumUp(t *testing.T) { // DEL-730
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		seconds := time.Duration(rapid.IntRange(0, 59).Draw(t, "seconds")) * time.Second
		raw := workday.Date{Year: 2026, Month: time.March, Day: 2}.At(rapid.IntRange(0, 12*24*60).Draw(t, "raw")).Add(seconds)
		pauses := drawPauses(t, raw.Add(seconds/2))
		if rapid.IntRange(0, 4).Draw(t, "open") == 0 && len(pauses) > 0 {
			pauses[0].To = time.Time{}
		}
		p, err := MakePromise(w.calendar, w.terms, PromiseStart{raw, raw, raw})
		if err != nil {
			t.Fatal(err)
		}
		l, err := p.Ledger(w.calendar, pauses)
		if err != nil {
			t.Fatal(err)
		}
		end := laterTime(l.Due, l.PausedSince)
		at, paused := wholeMinute(p.Start), 0
		for _, s := range l.Spans {
			if !s.From.Equal(at) || s.Minutes() <= 0 {
				t.Fatalf("a span from %s to %s follows %s", momentText(s.From), momentText(s.To), momentText(at))
			}
			at = s.To
		}
		for _, n := range l.Pauses {
			paused += n.Minutes
		}
		if !at.Equal(wholeMinute(end)) || paused != l.Minutes(SpanPaused) {
			t.Fatalf("spans end %s, due %s; paused %d in pauses, %d in spans", momentText(at), momentText(end), paused, l.Minutes(SpanPaused))
		}
		if running, _ := w.calendar.OpenMinutes(wholeMinute(p.Start), wholeMinute(p.Due), w.terms.Delivery); !l.Due.IsZero() && running != l.Minutes(SpanRunning) {
			t.Fatalf("%d minutes count, without pauses %d", l.Minutes(SpanRunning), running)
		}
		for _, lang := range []string{"zh", "en"} {
			checkPrintedSum(t, l, lang)
		}
	})
}

// checkPrintedSum reads the numbers back from the text.
func checkPrintedSum(t *rapid.T, l PromiseLedger, lang string) {
	sum, total := 0, 0
	for _, text := range l.Lines(lang) {
		m := printedMinutes.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range spanWords {
			if strings.HasPrefix(text, word.in(lang)+" ") {
				sum += n
			}
		}
		if strings.HasPrefix(text, bilingual{"合计", "sum"}.in(lang)) {
			total = n
		}
	}
	if sum != total || total != l.Minutes("") {
		t.Fatalf("%d minutes are printed, their sum as %d", sum, total)
	}
}
