package web

import (
	"fmt"
	"html/template"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// shanghai is the zone of every time on a page. China has had no summer time
// since 1991.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

var weekdays = [7]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

// day writes a date with its weekday, and with its year only when it is not the
// current one.
func (w words) day(now, t time.Time) string {
	t, now = t.In(shanghai), now.In(shanghai)
	if w.lang == "en" {
		if t.Year() == now.Year() {
			return t.Format("Mon 2 Jan")
		}
		return t.Format("Mon 2 Jan 2006")
	}
	text := fmt.Sprintf("%d月%d日 %s", t.Month(), t.Day(), weekdays[t.Weekday()])
	if t.Year() == now.Year() {
		return text
	}
	return fmt.Sprintf("%d年%s", t.Year(), text)
}

// isoDay is day for a date that is kept as text; what is no date stays as it is.
func (w words) isoDay(now time.Time, text string) string {
	t, err := time.ParseInLocation(time.DateOnly, text, shanghai)
	if err != nil {
		return text
	}
	return w.day(now, t)
}

func clock(t time.Time) string { return t.In(shanghai).Format("15:04") }

// when writes an instant as date, weekday and time; a zero one as a dash.
func (w words) when(now, t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="none">—</span>`
	}
	return stamped(t, w.day(now, t)+" "+clock(t))
}

// span writes from when to when on one day; without an end only the beginning.
func (w words) span(now, from, to time.Time) template.HTML {
	if from.IsZero() {
		return `<span class="none">—</span>`
	}
	if to.IsZero() {
		return w.when(now, from)
	}
	return stamped(from, w.day(now, from)+" "+clock(from)+"–"+clock(to))
}

// period writes from when to when; over several days both ends have their day.
func (w words) period(now, from, to time.Time) template.HTML {
	if w.day(now, from) == w.day(now, to) {
		return w.span(now, from, to)
	}
	return w.when(now, from) + template.HTML(w.texts["period.to"]) + w.when(now, to)
}

func stamped(t time.Time, text string) template.HTML {
	return template.HTML(`<time datetime="` + t.In(shanghai).Format(time.RFC3339) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// left says how long it is until an instant, or how long it has passed.
func (w words) left(now, t time.Time) (string, error) {
	if t.Before(now) {
		return w.say("left.over", "time", w.length(now.Sub(t)))
	}
	return w.say("left.until", "time", w.length(t.Sub(now)))
}

// length writes a duration in its largest unit and the one below it.
func (w words) length(d time.Duration) string {
	units := []struct {
		of     time.Duration
		zh, en string
	}{{24 * time.Hour, "天", "d"}, {time.Hour, "小时", "h"}, {time.Minute, "分钟", "min"}}
	for len(units) > 0 && d < units[0].of {
		units = units[1:]
	}
	var parts []string
	for _, u := range units[:min(2, len(units))] {
		if n := d / u.of; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, map[string]string{"zh": u.zh, "en": u.en}[w.lang]))
		}
		d %= u.of
	}
	if len(parts) == 0 {
		return w.texts["left.moment"]
	}
	return strings.Join(parts, " ")
}

// urgency is the colour of a deadline: over, close (4 h) or far.
func urgency(now, t time.Time) string {
	switch {
	case t.Before(now):
		return "bad"
	case t.Sub(now) < 4*time.Hour:
		return "warn"
	}
	return "plain"
}

// forInput is an instant as a field of type datetime-local wants it.
func forInput(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(shanghai).Format("2006-01-02T15:04")
}

// name writes what people call themselves: isolated, so that right-to-left
// letters do not turn the line around, with its language where that is not the
// page's (WCAG 3.1.2), and with the code point of characters that few fonts
// have (STK-57).
func (w words) name(v any) template.HTML {
	var out strings.Builder
	out.WriteString("<bdi" + w.foreign(fmt.Sprint(v)) + ">")
	for _, r := range fmt.Sprint(v) {
		if r >= 0x20000 {
			fmt.Fprintf(&out, `<abbr class="rare" title="U+%X">%c</abbr>`, r, r)
			continue
		}
		out.WriteString(template.HTMLEscapeString(string(r)))
	}
	out.WriteString("</bdi>")
	return template.HTML(out.String())
}

// mixed writes a sentence in the page's language that may quote Chinese.
func (w words) mixed(text string) template.HTML {
	text = template.HTMLEscapeString(text)
	if w.lang == "en" {
		text = han.ReplaceAllString(text, `<span lang="zh">$0</span>`)
	}
	return template.HTML(text)
}

// han is a run of Chinese with the digits and signs inside it.
var han = regexp.MustCompile(`\p{Han}(?:[^<>&;,.!?a-z]*[\p{Han}〕）”])?`)

// foreign is the attribute that tells a screen reader that a text is Chinese on
// a page that is not.
func (w words) foreign(text string) string {
	if w.lang == "en" && strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return ` lang="zh"`
	}
	return ""
}
