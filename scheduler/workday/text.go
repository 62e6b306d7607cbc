package workday

import "time"

// DayText writes a day for people, with its weekday: 2026-11-18 周三, in English
// Wed 2026-11-18.
func DayText(lang string, d Date) string {
	at := d.Midnight().In(Shanghai)
	if lang == "en" {
		return at.Format("Mon 2006-01-02")
	}
	return d.String() + " " + weekdays[at.Weekday()]
}

// MomentText is DayText with the time of the day, to the minute.
func MomentText(lang string, t time.Time) string {
	return DayText(lang, DateOf(t)) + t.In(Shanghai).Format(" 15:04")
}

var weekdays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}
