package inspection

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// Bundle writes the evidence of one department in one visit (EV-10): the
// leaves of the case's common stream and of the department's own, their
// proofs, and the exact bytes of the notice. The window, auditors and the
// department itself may have it. Refusal: not_found.
func (d *Desk) Bundle(ctx context.Context, by auth.Actor, log *audit.Desk, r BundleRequest, w io.Writer) error {
	v, err := d.FindVisit(ctx, by, r.VisitID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(v.Participants, func(p ParticipantView) bool { return p.DepartmentID == r.DepartmentID })
	if i < 0 || by.Department != "" && by.Department != r.DepartmentID {
		return notFound()
	}
	p := v.Participants[i]
	files, err := d.bundleFiles(ctx, v, p)
	if err != nil {
		return err
	}
	return log.Bundle(ctx, w, audit.BundleRequest{
		Streams: []string{caseStream(v.CaseID), departmentStream(v.CaseID, p.DepartmentID)},
		About: map[string]string{
			"case": v.CaseNumber, "department": p.Name, "round": fmt.Sprint(v.Round), "visit": v.ID,
		},
		Files: files,
	})
}

// BundleRequest names the visit and the department.
type BundleRequest struct{ VisitID, DepartmentID string }

func (d *Desk) bundleFiles(ctx context.Context, v VisitView, p ParticipantView) (map[string]audit.File, error) {
	files := map[string]audit.File{}
	err := d.DB.Read(ctx, func(q bun.IDB) error {
		sent, err := notify.ListBySubject(ctx, q, p.ID, notify.PurposeNotice)
		for i, m := range sent {
			if len(m.Body) > 0 {
				files[fmt.Sprintf("notice-%d-%s.%s", i+1, m.Channel, extension(m.Channel))] = audit.File{Body: m.Body, Salt: m.BodySalt}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := d.addRecords(ctx, v, p, files); err != nil {
		return nil, err
	}
	page, err := evidencePage(v, p)
	files["page.html"] = audit.File{Body: page}
	return files, err
}

// addRecords puts 视为同意记录单 of each round beside the leaves (INS-937).
func (d *Desk) addRecords(ctx context.Context, v VisitView, p ParticipantView, files map[string]audit.File) error {
	for round := 1; round <= p.Round; round++ {
		record, ok := v.recordOf(p, round)
		if !ok {
			continue
		}
		if err := d.DB.Read(ctx, func(q bun.IDB) error { return record.anchor(ctx, q) }); err != nil {
			return err
		}
		doc, err := record.document()
		if err != nil {
			return err
		}
		files[fmt.Sprintf("records/%d.pdf", round)] = audit.File{Body: doc.PDF}
	}
	return nil
}

func extension(channel string) string {
	if channel == notify.Mail {
		return "eml"
	}
	return "txt"
}

// VerifyBundle adds the field's own checks to a verified bundle: EV-11 numbers
// 5 and 8 to 12. It needs nothing but the leaves.
func VerifyBundle(b *audit.Bundle, report *audit.Report) {
	for _, e := range b.Entries() {
		if e.Type == "deemed" {
			checkDeemed(b.Entries(), e, report)
		}
	}
	if !slices.ContainsFunc(b.Entries(), func(e audit.Entry) bool { return e.Type == "deemed" }) {
		report.Hold(12, "没有视为同意的记录", "no deemed consent is recorded in this bundle")
	}
}

// checkDeemed evaluates one recorded deemed consent again from the leaves that
// lie before it.
func checkDeemed(entries []audit.Entry, deemed audit.Entry, report *audit.Report) {
	before := slices.DeleteFunc(slices.Clone(entries), func(e audit.Entry) bool {
		return e.Seq >= deemed.Seq || !sameRound(e, deemed)
	})
	checkServed(before, deemed, report)
	switch DeemedReason(deemed.Text("reason")) {
	case NoShow:
		checkNoShow(deemed, report)
	case NoOpinion:
		checkOpinionTerm(before, deemed, report)
	default:
		checkTerm(before, deemed, report)
	}
	checkMoment(deemed, report)
	checkInbox(deemed, report)
	checkReplies(entries, deemed, report)
	checkRelies(entries, deemed, report)
}

// sameRound reports whether two entries speak of one department in one Round of
// one visit; a case that is visited again counts its Rounds anew.
func sameRound(a, b audit.Entry) bool {
	return a.Stream == b.Stream && a.Text("visit") == b.Text("visit") && a.Int("round") == b.Int("round")
}

// checkServed is EV-11 check 8: a proof of class A or B stood when the outcome
// was written (INS-902). A failure report takes away what its message had
// proved; the same message may arrive later on another try (INS-708).
func checkServed(before []audit.Entry, deemed audit.Entry, report *audit.Report) {
	var standing []audit.Entry
	wantOpinion := deemed.Text("reason") == string(NoOpinion)
	notice := "" // that refuses an answer: the clock began anew with it (INS-811)
	for _, e := range before {
		class := e.Text("class")
		about := e.Text("about") == AboutOpinion
		switch {
		case e.Type == "answer_refused":
			if !wantOpinion {
				standing, notice = nil, e.Text("notice")
			}
		case e.Type == "contest_ended" && upheld(e): // INS-712: what had arrived until then counts no more
			if !wantOpinion {
				standing = nil
			}
			if again := e.Text("notice"); again != "" {
				notice = again
			}
		case e.Type == "arrived" && about != wantOpinion:
		case e.Type == "arrived" && (class == "A" || class == "B") && (wantOpinion || notice == "" || e.Text("notice") == notice):
			standing = append(standing, e)
		case e.Type == "delivery_failed":
			standing = slices.DeleteFunc(standing, func(a audit.Entry) bool { return a.Text("message") == e.Text("message") })
		}
	}
	if len(standing) == 0 {
		report.Fail(8, "service_missing", "没有 A 类或 B 类送达证明，视为同意不成立", "no proof of service of class A or B; the deemed consent does not stand")
		return
	}
	e := standing[0]
	report.Hold(8, "送达 %s 类，%s（%s）", "service class %s at %s by %s", e.Text("class"), local(e.Time("served_at")), e.Text("channel"))
}

// upheld: the service was void, or was later than on record.
func upheld(contest audit.Entry) bool {
	return contest.Text("outcome") == string(ContestVoid) || contest.Text("outcome") == string(ContestLater)
}

// checkTerm is EV-11 check 9: every T2 counted again from T1, the term, the
// opening hours and the days of the calendar, all from the leaf; moved later
// only (INS-903, INS-409).
func checkTerm(before []audit.Entry, deemed audit.Entry, report *audit.Report) {
	var due time.Time
	for _, e := range before {
		if e.Type != "deadline_set" {
			continue
		}
		t2, was := e.Time("t2"), e.Time("was")
		counted, err := recount(e)
		switch {
		case err != nil:
			report.Fail(9, "term_unreadable", "期限的算法无法复核：%v", "the deadline cannot be counted again: %v", err)
			return
		case t2.Before(counted.Due) || t2.Before(e.Time("printed")):
			report.Fail(9, "term_short", "期限少于规定的工作日", "the deadline is shorter than the term")
			return
		case !was.IsZero() && (t2.Before(was) || !was.Equal(due)):
			report.Fail(9, "term_moved_earlier", "期限被提前", "the deadline was moved earlier")
			return
		}
		due = t2
	}
	if due.IsZero() || !due.Equal(deemed.Time("t2")) {
		report.Fail(9, "term_mismatch", "视为同意所依据的期限与记录不符", "the deemed consent relies on another deadline than the one on record")
		return
	}
	report.Hold(9, "期限 %s（日历版本 %d）", "deadline %s (calendar version %d)", local(due), deemed.Int("calendar_version"))
}

// checkNoShow is EV-11 check 9 for not coming: T2 counted again from the leaf
// itself and before the start, the grace over when the site part ended, the
// absence attested by two roles (INS-922, 923, 927).
func checkNoShow(deemed audit.Entry, report *audit.Report) {
	t2, start := deemed.Time("t2"), deemed.Time("start")
	counted, err := recount(deemed)
	switch {
	case err != nil:
		report.Fail(9, "term_unreadable", "期限的算法无法复核：%v", "the deadline cannot be counted again: %v", err)
		return
	case t2.Before(counted.Due) || !t2.Before(start):
		report.Fail(9, "term_short", "期限少于规定的工作日", "the deadline is shorter than the term")
		return
	case deemed.Time("site_ended").Before(deemed.Time("grace_until")):
		report.Fail(9, "grace_short", "宽限时间届满前已经结束，未到场不成立", "it ended before the grace did; the absence does not stand")
		return
	}
	roles, _ := deemed.Fields["attested"].([]string)
	if !slices.Contains(roles, string(AttestWindow)) || len(roles) < 2 {
		report.Fail(9, "not_attested", "未到场没有两人确认", "the absence is not attested by two persons")
		return
	}
	report.Hold(9, "期限 %s 早于勘验开始；未到场已由两人确认", "deadline %s before the start; the absence is attested by two", local(t2))
}

// checkOpinionTerm is EV-11 check 9 for a missing opinion: T3 as it was last set,
// moved later only, and the word on it arrived before (INS-932, INS-933).
func checkOpinionTerm(before []audit.Entry, deemed audit.Entry, report *audit.Report) {
	var due time.Time
	for _, e := range before {
		if e.Type != "opinion_due" && e.Type != "opinion_moved" {
			continue
		}
		t3 := e.Time("t3")
		if e.Type == "opinion_moved" && (t3.Before(e.Time("was")) || !e.Time("was").Equal(due)) {
			report.Fail(9, "term_moved_earlier", "期限被提前", "the deadline was moved earlier")
			return
		}
		due = t3
	}
	if due.IsZero() || !due.Equal(deemed.Time("t2")) || !deemed.Time("t1").Before(due) {
		report.Fail(9, "term_mismatch", "视为同意所依据的期限与记录不符", "the deemed consent relies on another deadline than the one on record")
		return
	}
	report.Hold(9, "意见期限 %s（日历版本 %d）", "opinion due %s (calendar version %d)", local(due), deemed.Int("calendar_version"))
}

// recount counts a term again from its leaf alone.
func recount(e audit.Entry) (workday.Deadline, error) {
	hours, err := workday.ParseHours(e.Text("hours"))
	if err != nil {
		return workday.Deadline{}, err
	}
	years := map[int]workday.Year{}
	start := e.Time("t1")
	first := workday.DateOf(start).Year
	for year := first - 1; year <= first+1; year++ {
		years[year] = workday.Year{Status: workday.Provisional}
	}
	add := func(field string, put func(workday.Year, workday.Date) workday.Year) error {
		days, _ := e.Fields[field].([]string)
		for _, text := range days {
			day, err := workday.ParseDate(text)
			if err != nil {
				return err
			}
			years[day.Year] = put(years[day.Year], day)
		}
		return nil
	}
	if err := add("off", func(y workday.Year, d workday.Date) workday.Year { y.Off = append(y.Off, d); return y }); err != nil {
		return workday.Deadline{}, err
	}
	if err := add("work", func(y workday.Year, d workday.Date) workday.Year { y.Work = append(y.Work, d); return y }); err != nil {
		return workday.Deadline{}, err
	}
	cal, err := workday.New(int(e.Int("calendar_version")), years)
	if err != nil {
		return workday.Deadline{}, err
	}
	return cal.Reply(start, int(e.Int("term")), hours)
}

// checkMoment is the part of EV-11 check 10 on time: never early (INS-904).
func checkMoment(deemed audit.Entry, report *audit.Report) {
	due := judgedAt(deemed).Add(time.Duration(deemed.Int("grace_seconds")) * time.Second)
	if deemed.At.Before(due) {
		report.Fail(10, "deemed_early", "记录时间早于期限加宽限", "recorded before deadline and grace had passed")
		return
	}
	report.Hold(10, "记录于 %s，期限之后", "recorded at %s, after deadline and grace", local(deemed.At))
}

// judgedAt is the instant after which the silence could be judged.
func judgedAt(deemed audit.Entry) time.Time {
	if deemed.Text("reason") == string(NoShow) {
		return deemed.Time("judged")
	}
	return deemed.Time("t2")
}

// checkInbox is the part of EV-11 check 10 on the way in (INS-905).
func checkInbox(deemed audit.Entry, report *audit.Report) {
	channels, _ := deemed.Fields["inbox"].(map[string]any)
	for name, value := range channels {
		state, _ := value.(map[string]any)
		text, _ := state["alive_through"].(string)
		alive, err := time.Parse(time.RFC3339, text)
		if err != nil || !alive.After(judgedAt(deemed)) {
			report.Fail(10, "inbox_not_read", "渠道 %s 在期限之后没有收取记录", "channel %s was not read after the deadline", name)
			return
		}
	}
	if len(channels) == 0 {
		report.Fail(10, "inbox_not_read", "没有收件渠道的记录", "no inbound channel is on record")
		return
	}
	report.Hold(10, "期限之后各收件渠道均已收取", "every inbound channel was read after the deadline")
}

// checkReplies is EV-11 check 11: no reply received by T2, before or after the
// outcome was written (PRO-5), unless the outcome is suspended on record. A
// delegation is no answer (INS-806).
func checkReplies(entries []audit.Entry, deemed audit.Entry, report *audit.Report) {
	suspended := slices.ContainsFunc(entries, func(e audit.Entry) bool {
		return e.Type == "deemed_suspended" && sameRound(e, deemed)
	})
	if reason := deemed.Text("reason"); reason != "" && reason != string(NoReply) {
		checkOpinions(entries, deemed, suspended, report)
		return
	}
	over := answersOver(entries, deemed)
	for _, e := range entries {
		inTime := e.Type == "reply_received" && sameRound(e, deemed) && !over[e.Text("reply")] &&
			!e.Time("received_at").After(deemed.Time("t2")) &&
			e.Text("outcome") != string(OutcomeSuperseded) && e.Text("kind") != string(ReplyDelegate)
		if inTime && !suspended {
			report.Contradict(11, "reply_in_time_ignored", "有一条期限内的反馈，视为同意不成立", "a reply was received in time; the deemed consent does not stand")
			return
		}
	}
	if suspended {
		report.Hold(11, "该视为同意已中止效力", "this deemed consent is suspended on record")
		return
	}
	report.Hold(11, "期限内没有反馈", "no reply was received in time")
}

// answersOver are the answers of a round that no longer count when it was deemed:
// those decided against, after which the term ran anew (INS-811), and each yes that
// one of them had replaced (INS-805).
func answersOver(entries []audit.Entry, deemed audit.Entry) map[string]bool {
	over := map[string]bool{}
	for _, e := range entries {
		if e.Type == "answer_refused" && sameRound(e, deemed) && e.Seq < deemed.Seq {
			over[e.Text("reply")] = true
		}
	}
	var refused time.Time // when the last of them came
	for _, e := range entries {
		if e.Type == "reply_received" && sameRound(e, deemed) && e.Seq < deemed.Seq && over[e.Text("reply")] {
			refused = latest(refused, e.Time("received_at"))
		}
	}
	for _, e := range entries {
		if e.Type == "reply_received" && sameRound(e, deemed) && e.Seq < deemed.Seq && e.Text("kind") == string(ReplyAccept) &&
			e.Text("outcome") == string(OutcomeApplied) && e.Time("received_at").Before(refused) {
			over[e.Text("reply")] = true
		}
	}
	return over
}

// checkOpinions is EV-11 check 11 for the two silences of the visit day: the
// department had said nothing that stands (INS-926, INS-932).
func checkOpinions(entries []audit.Entry, deemed audit.Entry, suspended bool, report *audit.Report) {
	said := slices.ContainsFunc(entries, func(e audit.Entry) bool {
		return e.Type == "opinion_given" && e.Stream == deemed.Stream && e.Seq < deemed.Seq && e.Text("visit") == deemed.Text("visit") &&
			e.Text("kind") != string(Deferred)
	})
	switch {
	case suspended:
		report.Hold(11, "该视为同意已中止效力", "this deemed consent is suspended on record")
	case said:
		report.Contradict(11, "opinion_ignored", "该部门已出具意见，视为同意不成立", "the department had given its opinion; the deemed consent does not stand")
	default:
		report.Hold(11, "该部门没有出具意见", "the department had given no opinion")
	}
}

// checkRelies is EV-11 check 12: what the outcome relies on exists and is
// earlier.
func checkRelies(entries []audit.Entry, deemed audit.Entry, report *audit.Report) {
	known := map[int64]bool{}
	for _, e := range entries {
		if e.Seq < deemed.Seq {
			known[e.Seq] = true
		}
	}
	relies, _ := deemed.Fields["relies"].([]int64)
	for _, n := range relies {
		if !known[n] {
			report.Fail(12, "relies_missing", "所依据的第 %d 号记录不在证据包中", "record %d that it relies on is not in the bundle", n)
			return
		}
	}
	report.Hold(12, "所依据的 %d 条记录齐全", "all %d records it relies on are here", len(relies))
}

// local is an instant as people read it, in Shanghai.
func local(t time.Time) string { return t.In(workday.Shanghai).Format("2006-01-02 15:04:05") }
