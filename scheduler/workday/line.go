package workday

import (
	"fmt"
	"strings"
	"time"
)

// line writes the count out so that a department can check it with a finger on
// the calendar. Example of INS-937: 送达 2026-02-13 18:05（下班后，计为 02-14）；
// 期限 1 个工作日；02-15…02-23 放假；截止 2026-02-24 17:30（日历版本 7）.
func (c *Calendar) line(d Deadline) string {
	parts := []string{
		c.startText(d),
		fmt.Sprintf("期限 %d 个工作日", d.Term),
	}
	parts = append(parts, c.breaks(d)...)
	version := fmt.Sprintf("日历版本 %d", d.CalendarVersion)
	if d.Provisional {
		version += "，暂定"
	}
	parts = append(parts, "截止 "+minuteText(d.Due)+"（"+version+"）")
	return strings.Join(parts, "；")
}

func (c *Calendar) startText(d Deadline) string {
	if d.Rule != RuleReply {
		return "起算 " + minuteText(d.Start)
	}
	text := "送达 " + minuteText(d.Start)
	day := DateOf(d.Start)
	if d.Served == day {
		return text
	}
	why := "下班后"
	if !c.kind(day).open() {
		why = "非工作日"
	}
	return fmt.Sprintf("%s（%s，计为 %s）", text, why, dayText(d.Served, day.Year))
}

// breaks names what lies between the served day and the last day and is not an
// ordinary weekday: days off, which do not count, and make-up days, which do.
func (c *Calendar) breaks(d Deadline) []string {
	var parts []string
	year := DateOf(d.Start).Year
	end := DateOf(d.Due).number()
	for day := d.Served.number() + 1; day <= end; {
		next, word := c.run(day)
		if word != "" {
			text := dayText(dateOf(day), year)
			if next > day+1 {
				text += "…" + dayText(dateOf(next-1), year)
			}
			parts = append(parts, text+" "+word)
		}
		day = next
	}
	return parts
}

// run gives the end of the run of alike days that begins on a day, and its
// word. A weekend next to a holiday is part of that holiday (INS-401).
func (c *Calendar) run(day int) (next int, word string) {
	first := c.kindAt(day)
	if first == weekend || first == holiday {
		word = "周末"
		for next = day; c.kindAt(next) == weekend || c.kindAt(next) == holiday; next++ {
			if c.kindAt(next) == holiday {
				word = "放假"
			}
		}
		return next, word
	}
	for next = day; c.kindAt(next) == first; next++ {
	}
	return next, map[kind]string{makeup: "调休上班", closure: "停办"}[first]
}

func minuteText(t time.Time) string { return MomentText("zh", t) }

// dayText leaves the year out where it is the year of the whole line.
func dayText(d Date, year int) string {
	if d.Year == year {
		return DayText("zh", d)[len("2006-"):]
	}
	return DayText("zh", d)
}
