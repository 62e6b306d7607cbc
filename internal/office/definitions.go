package office

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lianban/internal/fault"
)

// definition is what may be set under a key. The figures of the plan's gaps
// stand here as data, each with its basis, and nowhere else (INS-103).
type definition struct {
	key      string
	standard string // the default
	two      bool   // † of INS-1301: a change takes two persons
	basis    string
	form
}

// form reads a value into its place in Rules. put reports false for what is
// outside the bounds, which are written as the page and the refusal show them.
type form struct {
	bounds string
	put    func(r *Rules, value string) bool
}

const (
	citation = "《永州市市场准入涉照事项“一件事一次办”改革实施方案（试行）》三（三）3-四"
	estimate = "estimate"
	ownRule  = "house rule"

	alone, both = false, true // how many persons a change takes
)

// definitions lists every setting, in the order of the settings page.
var definitions = []definition{
	{"appointment.send_within", "1", alone, estimate, count(1, 3, "工作日", func(r *Rules) *int { return &r.SendWithin })},
	{"reply.term", "1", both, "plan: 及时 only; estimate", count(1, 5, "工作日", func(r *Rules) *int { return &r.ReplyTerm })},
	{"visit.lead", "2", alone, "between 常州 2 and 兰州 5; INS-605: never below 2 by a setting", count(2, 10, "工作日", func(r *Rules) *int { return &r.Lead })},
	{"visit.limit", "5", alone, "兰州 5", count(1, 20, "工作日", func(r *Rules) *int { return &r.Limit })},
	{"opinion.term", "1", both, "晋城 次日", count(0, 2, "工作日", func(r *Rules) *int { return &r.OpinionTerm })},
	{"counter.answer", "1", both, ownRule, count(1, 2, "工作日", func(r *Rules) *int { return &r.CounterAnswer })},
	{"excuse.answer", "1", both, ownRule, count(1, 2, "工作日", func(r *Rules) *int { return &r.ExcuseAnswer })},
	{"review.decide", "1", alone, ownRule, count(1, 3, "工作日", func(r *Rules) *int { return &r.ReviewDecide })},
	{"joint_opinion.within", "1", alone, estimate, count(1, 3, "工作日", func(r *Rules) *int { return &r.JointWithin })},
	{"rectify.verify_photo", "1", alone, ownRule, count(1, 3, "工作日", func(r *Rules) *int { return &r.VerifyPhoto })},
	{"ledger.answer", "3", alone, ownRule, count(1, 10, "工作日", func(r *Rules) *int { return &r.LedgerAnswer })},
	{"revisit.within", "3", alone, "fire rule", count(1, 10, "工作日", func(r *Rules) *int { return &r.RevisitWithin })},

	{LimitAlone, "20", both, "行政许可法 art. 42 ¶1", count(1, 20, "工作日", func(r *Rules) *int { return &r.LimitAlone })},
	{LimitJoint, "45", both, "行政许可法 art. 42 ¶2", count(1, 45, "工作日", func(r *Rules) *int { return &r.LimitJoint })},
	{PromiseAlone, "10", both, "plan 二: at most half of the legal limit", count(1, 10, "工作日", func(r *Rules) *int { return &r.PromiseAlone })},
	{PromiseJoint, "22", both, "plan 二: at most half of the legal limit", count(1, 22, "工作日", func(r *Rules) *int { return &r.PromiseJoint })},

	{"staff.min_site", "2", both, "晋城; food rule", count(1, 5, "人", func(r *Rules) *int { return &r.StaffSite })},
	{"staff.min_review", "1", alone, "晋城", count(1, 5, "人", func(r *Rules) *int { return &r.StaffReview })},
	{"staff.window_site", "1", alone, "晋城 asks 2", count(1, 5, "人", func(r *Rules) *int { return &r.WindowStaff })},

	{"service.min_class", "B", both, "电子签名法 art. 11; 宜春", choice(func(r *Rules) *string { return &r.ServiceMinClass }, "A", "B")},
	{"service.portal_alive", "30", alone, ownRule, span(7, 90, day, func(r *Rules) *time.Duration { return &r.PortalAlive })},
	{"deem.mode", DeemAuto, both, "plan 三(三)3-四", choice(func(r *Rules) *string { return &r.DeemMode }, DeemAuto, DeemConfirm)},
	{"deem.revisit", RevisitHold, both, ownRule, choice(func(r *Rules) *string { return &r.DeemRevisit }, RevisitHold, RevisitAuto)},
	{"deem.grace", "5", both, estimate, span(1, 60, time.Minute, func(r *Rules) *time.Duration { return &r.DeemGrace })},
	{"inbound.max_gap", "30", both, estimate, span(5, 120, time.Minute, func(r *Rules) *time.Duration { return &r.InboundMaxGap })},
	{"visit.no_show_grace", "30", both, "range 15–30; longer is safer", span(15, 60, time.Minute, func(r *Rules) *time.Duration { return &r.NoShowGrace })},
	{"applicant.absence_limit", "2", alone, ownRule, count(1, 5, "次", func(r *Rules) *int { return &r.AbsenceLimit })},
	{"address.change_delay", "24", both, ownRule, span(12, 168, time.Hour, func(r *Rules) *time.Duration { return &r.AddressDelay })},
	{"rule.citation", citation, both, "plan", words(200, func(r *Rules) *string { return &r.Citation })},

	{"hold.ttl", "15", alone, estimate, span(5, 60, time.Minute, func(r *Rules) *time.Duration { return &r.HoldTTL })},
	{"escalate.channel", "120", alone, estimate, span(30, 480, time.Minute, func(r *Rules) *time.Duration { return &r.EscalateChannel })},
	{"escalate.telephone", "240", alone, estimate, span(30, 480, time.Minute, func(r *Rules) *time.Duration { return &r.EscalateTelephone })},
	{"sms.per_number_day", "3", alone, "provider rules", count(1, 5, "条", func(r *Rules) *int { return &r.SMSPerDay })},

	{"visit.duration_site", "60", alone, estimate, count(15, 240, "分钟", func(r *Rules) *int { return &r.DurationSite })},
	{"visit.duration_review", "90", alone, estimate, count(15, 240, "分钟", func(r *Rules) *int { return &r.DurationReview })},
	{"buffer.before", "0", alone, estimate, count(0, 120, "分钟", func(r *Rules) *int { return &r.BufferBefore })},
	{"buffer.after", "15", alone, estimate, count(0, 120, "分钟", func(r *Rules) *int { return &r.BufferAfter })},
	{"travel.speed_kmh", "30", alone, estimate, count(5, 120, "km/h", func(r *Rules) *int { return &r.TravelSpeed })},
	{"travel.detour", "1.4", alone, estimate, ratio(1, 3, func(r *Rules) *float64 { return &r.TravelDetour })},
	{"travel.park", "10", alone, estimate, count(0, 120, "分钟", func(r *Rules) *int { return &r.TravelPark })},
	{"travel.unknown", "30", alone, estimate, count(0, 120, "分钟", func(r *Rules) *int { return &r.TravelUnknown })},

	{"inspector.max_per_day", "4", alone, estimate, count(1, 12, "次", func(r *Rules) *int { return &r.PerDay })},
	{"centre.max_per_halfday", "0", alone, "0 = 不限; estimate", count(0, 200, "次", func(r *Rules) *int { return &r.CentrePerHalfDay })},
	{"custody.keeper", "amr", alone, "plan 三(三)3-五", words(20, func(r *Rules) *string { return &r.Keeper })},
	{"loan.days", "5", alone, estimate, count(1, 30, "工作日", func(r *Rules) *int { return &r.LoanDays })},
	{"transfer.signin_hours", "4", alone, "一栋楼内移交的签收时限; estimate", count(1, 16, "办公小时", func(r *Rules) *int { return &r.SignInHours })},
	{"transfer.signin_next", "12:00", alone, "不在一处的，次一工作日; estimate", hour("08:00", "18:00", func(r *Rules) *int { return &r.SignInNext })},
	{"runs.circulation", "09:30, 14:30", alone, estimate, dayTimes(func(r *Rules) *RunTimes { return &r.CirculationRuns })},
	{"delivery.payer", PayerCentre, both, "湖北 2018", choice(func(r *Rules) *string { return &r.Payer }, PayerCentre, PayerApplicant)},
	{"edelivery.link_days", "30", alone, estimate, count(1, 90, "天", func(r *Rules) *int { return &r.LinkDays })},
	{"track.link_days", "30", alone, estimate, count(1, 90, "天", func(r *Rules) *int { return &r.TrackDays })},
	{"batch.radius_km", "3", alone, "“一车踏勘”, 郯城; 0 = 不提示; estimate", count(0, 20, "km", func(r *Rules) *int { return &r.BatchRadius })},
	{"vehicle.policy", VehicleOptional, alone, "天津", choice(func(r *Rules) *string { return &r.VehiclePolicy }, VehicleNone, VehicleOptional, VehicleRequired)},
}

const day = 24 * time.Hour // of portal sign-ins only; working days are workday's

// count is a whole number of something.
func count(low, high int, of string, field func(*Rules) *int) form {
	return form{fmt.Sprintf("%d–%d %s", low, high, of), func(r *Rules, value string) bool {
		n, ok := whole(value)
		*field(r) = n
		return ok && low <= n && n <= high
	}}
}

// span is a whole number of minutes, hours or days.
func span(low, high int, unit time.Duration, field func(*Rules) *time.Duration) form {
	of := map[time.Duration]string{time.Minute: "分钟", time.Hour: "小时", day: "天"}[unit]
	return form{fmt.Sprintf("%d–%d %s", low, high, of), func(r *Rules, value string) bool {
		n, ok := whole(value)
		*field(r) = time.Duration(n) * unit
		return ok && low <= n && n <= high
	}}
}

func ratio(low, high float64, field func(*Rules) *float64) form {
	return form{fmt.Sprintf("%g–%g", low, high), func(r *Rules, value string) bool {
		x, err := strconv.ParseFloat(value, 64)
		*field(r) = x
		return err == nil && low <= x && x <= high // false for NaN
	}}
}

func choice(field func(*Rules) *string, options ...string) form {
	return form{strings.Join(options, "/"), func(r *Rules, value string) bool {
		*field(r) = value
		return slices.Contains(options, value)
	}}
}

func words(most int, field func(*Rules) *string) form {
	return form{fmt.Sprintf("1–%d 字", most), func(r *Rules, value string) bool {
		*field(r) = value
		return Line{Value: value, Max: most}.fault() == ""
	}}
}

// dayTimes are hours of the day in their order, as the settings page shows them.
func dayTimes(field func(*Rules) *RunTimes) form {
	return form{fmt.Sprintf("1–%d 个时刻，如 09:30, 14:30", maxRuns), func(r *Rules, value string) bool {
		*field(r) = RunTimes(value)
		minutes := RunTimes(value).Minutes()
		return len(minutes) > 0 && len(minutes) <= maxRuns && slices.IsSorted(minutes) && len(slices.Compact(minutes)) == len(strings.Split(value, ","))
	}}
}

// hour is an hour of the day, kept in minutes after midnight.
func hour(low, high string, field func(*Rules) *int) form {
	return form{low + "–" + high, func(r *Rules, value string) bool {
		minutes := RunTimes(value).Minutes()
		if len(minutes) != 1 || len(value) != len(low) || value < low || high < value {
			return false
		}
		*field(r) = minutes[0]
		return true
	}}
}

// whole reads a number in its one plain form: no sign, no leading zero.
func whole(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && strconv.Itoa(n) == text
}

// define finds the definition of a key, or refuses with setting_unknown.
func define(key string) (definition, error) {
	i := slices.IndexFunc(definitions, func(d definition) bool { return d.key == key })
	if i < 0 {
		return definition{}, fault.Refuse(fault.NotFound, "setting_unknown",
			"没有名为 %s 的设置，请从设置页选择", "there is no setting %s; choose one from the settings page", key)
	}
	return definitions[i], nil
}

// check refuses a value outside the bounds and names them (INS-1302).
func (d definition) check(value string) error {
	if d.put(&Rules{}, value) {
		return nil
	}
	return fault.Refuse(fault.Invalid, "setting_out_of_bounds",
		"设置 %s 的取值范围是 %s，请在范围内填写", "setting %s takes %s; give a value within these bounds", d.key, d.bounds).
		With("bounds", d.bounds)
}
