package inspection

import (
	"time"

	"lianban/internal/fault"
	"lianban/scheduler/slot"
	"lianban/scheduler/workday"
)

// slotWords says each hard rule of INS-502 as the booking board does.
var slotWords = map[slot.Code]Words{
	slot.NotWorkday:    {"不是工作日", "not a working day"},
	slot.DeptClosed:    {"部门当天不办公", "the department is closed"},
	slot.OutsideHours:  {"不在办公时间内", "outside opening hours"},
	slot.Lunch:         {"跨越午休", "crosses the midday break"},
	slot.OtherBand:     {"不在所选半天", "not in the half-day asked for"},
	slot.LeadTime:      {"早于最短提前期", "earlier than the lead time"},
	slot.PastLimit:     {"超过办理时限", "after the limit date"},
	slot.NotQualified:  {"具备资格的人员不足", "too few qualified people"},
	slot.Recused:       {"人员回避", "recused"},
	slot.OnLeave:       {"人员休假或外出", "on leave"},
	slot.Busy:          {"人员已有安排", "busy"},
	slot.DayFull:       {"人员当天已排满", "daily limit reached"},
	slot.TeamFull:      {"当天没有可派的组", "no team left"},
	slot.Buffer:        {"与前后安排间隔不足", "too close to another engagement"},
	slot.Travel:        {"路上来不及", "not enough time to travel"},
	slot.NoVehicle:     {"没有空闲车辆", "no vehicle free"},
	slot.NoRoom:        {"没有空闲会议室", "no room free"},
	slot.ApplicantAway: {"申请人不在", "the applicant is away"},
	slot.Reserved:      {"其他窗口正在占用", "held by another clerk"},
	slot.CentreFull:    {"中心本半天已约满", "the centre's half-day is full"},
}

// SlotWord says why a start is not offered, in the language asked for.
func SlotWord(code slot.Code, lang string) string { return slotWords[code].In(lang) }

// parseTimes reads proposed times as a person typed them into a form:
// 2026-12-10T14:00, Shanghai time, or RFC 3339.
func parseTimes(texts []string) ([]time.Time, error) {
	var out []time.Time
	for _, text := range texts {
		if text == "" {
			continue
		}
		t, err := ParseTime(text)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// ParseTime reads an instant from a form (Shanghai wall time) or from a
// program (RFC 3339). Refusal: time_unreadable.
func ParseTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(form, text, workday.Shanghai); err == nil {
			return t.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, fault.Refuse(fault.Invalid, "time_unreadable",
		"时间格式应为 2026-12-10 14:00", "write a time as 2026-12-10T14:00 or with its offset")
}
