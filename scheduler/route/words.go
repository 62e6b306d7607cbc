package route

import (
	"fmt"
	"strings"
	"time"

	"lianban/scheduler/workday"
)

// Namer gives the name that people know a stop by.
type Namer func(id string) string

// In says why a stop has its place, in Chinese unless lang is "en".
func (w Why) In(lang string, name Namer) string {
	minutes := (w.Seconds + 30) / 60
	switch w.Code {
	case Kept:
		return pick(lang, "按指定顺序，不再调整", "stays where it was put")
	case NoPoint:
		return pick(lang, "地址没有坐标，排在其他站之后", "no coordinates, so it comes after the others")
	case Nearest:
		return pick(lang, "剩下各站中离得最近", "nearest of those that are left")
	case ForDue:
		return fmt.Sprintf(pick(lang, "先去更近的 %s 会有邮件超时", "going to %s first, which is nearer, would make a parcel late"), name(w.Instead))
	case Shorter:
		if minutes > 0 {
			return fmt.Sprintf(pick(lang, "先去更近的 %s，全程要多走 %d 分钟", "going to %s first, which is nearer, would take %d min more in all"), name(w.Instead), minutes)
		}
		return fmt.Sprintf(pick(lang, "先去更近的 %s，全程并不更快", "going to %s first, which is nearer, would save nothing in all"), name(w.Instead))
	}
	return ""
}

// In says why a stop is late and what a person can check, in Chinese unless lang
// is "en"; nothing for one in time.
func (l Late) In(lang string, name Namer) string {
	minutes := (l.Seconds + 59) / 60
	switch {
	case l.Code == ShiftEnd:
		return fmt.Sprintf(pick(lang, "下班后 %d 分钟才能到", "reached %d min after the shift has ended"), minutes)
	case l.Code == TooFar:
		return fmt.Sprintf(pick(lang, "将超时 %d 分钟：现在直接前往，最早也要 %s 到", "%d min late: going straight there, the earliest is %s"), minutes, clock(l.Earliest))
	case l.Code == NoTime && len(l.Ahead) > 0:
		return fmt.Sprintf(pick(lang, "将超时 %d 分钟：最先去可在 %s 到，时间给了前面的 %s", "%d min late: going there first it would be %s, but %s stand ahead of it"),
			minutes, clock(l.Earliest), names(lang, l.Ahead, name))
	case l.Code == NoTime:
		return fmt.Sprintf(pick(lang, "将超时 %d 分钟：出发时已过承诺时间，最早 %s 到", "%d min late: it was due before the courier sets out; the earliest is %s"), minutes, clock(l.Earliest))
	}
	return ""
}

// names lists the first few stops.
func names(lang string, ids []string, name Namer) string {
	const few = 3
	var out []string
	for _, id := range ids[:min(few, len(ids))] {
		out = append(out, name(id))
	}
	text := strings.Join(out, pick(lang, "、", ", "))
	if more := len(ids) - few; more > 0 {
		text += fmt.Sprintf(pick(lang, "等 %d 站", " and %d more"), map[bool]int{true: more, false: len(ids)}[lang == "en"])
	}
	return text
}

func clock(t time.Time) string { return t.In(workday.Shanghai).Format("15:04") }

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

// In says what is wrong with a field, in Chinese unless lang is "en".
func (f Flaw) In(lang string) string {
	switch f.Code {
	case FlawMissing:
		return pick(lang, "不能为空", "is missing")
	case FlawTwice:
		return pick(lang, "与前面重复", "has been there before")
	case FlawUnknown:
		return pick(lang, "不是本趟的站点编号", "is the id of no stop of this round")
	case FlawMany:
		return fmt.Sprintf(pick(lang, "一趟最多 %d 站，请拆成几趟", "a round has at most %d stops; split it"), MaxStops)
	}
	return pick(lang, "超出允许范围", "is outside of what can be")
}
