package inspection

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// Service (送达) is the proof that a Notice arrived. Class A: a person of the
// department saw it. B: it arrived in the department's confirmed system. C: an
// SMS was reported delivered, or a telephone call. D: only handed to a relay
// (INS-704). A service that falls keeps its row.
type Service struct {
	bun.BaseModel `bun:"table:services" json:"-"`

	ID            string            `bun:"id,pk" json:"id"`
	ParticipantID string            `json:"participant_id"`
	NoticeID      string            `json:"notice_id"`
	Round         int               `json:"round"`
	Class         string            `json:"class"`
	Channel       string            `json:"channel"` // portal mail sms paper phone link
	ServedAt      time.Time         `json:"served_at"`
	RecordedAt    time.Time         `json:"recorded_at"`
	MessageID     string            `json:"message_id,omitempty"`
	Source        string            `json:"source"` // what proves it, such as a queue id or a person's id
	Detail        map[string]string `bun:"type:jsonb" json:"detail,omitempty"`
	FallenAt      time.Time         `bun:",nullzero" json:"fallen_at,omitzero"`
	FallenWhy     string            `json:"fallen_why,omitempty"`
}

// recordService stores one proof of arrival on the caller's transaction and
// starts the reply clock when it is the first that counts (INS-101, INS-704).
// A proof that is already there changes nothing.
func (d *Desk) recordService(ctx context.Context, tx bun.IDB, p Participant, v Visit, s Service) ([]audit.Leaf, error) {
	s.ID, s.ParticipantID, s.RecordedAt = newID(), p.ID, d.now()
	fresh, err := insertService(ctx, tx, &s)
	if err != nil || !fresh {
		return nil, err
	}
	leaves := []audit.Leaf{{
		Type: "arrived", Stream: departmentStream(p.CaseID, p.DepartmentID), Actor: systemActor.String(), At: s.RecordedAt,
		Fields: map[string]any{
			"notice": s.NoticeID, "round": s.Round, "class": s.Class, "channel": s.Channel,
			"served_at": stamp(s.ServedAt), "source": s.Source,
		},
	}}
	if s.Round != p.Round || p.Consent != ConsentUnserved {
		return leaves, nil
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	if !classCounts(s.Class, g.rules.ServiceMinClass) {
		return leaves, nil
	}
	started, err := d.startClock(ctx, tx, clockStart{p: p, v: v, g: g, s: s})
	return append(leaves, started...), err
}

type clockStart struct {
	p Participant
	v Visit
	g ground
	s Service
}

// startClock fixes T1 and T2 (C2). T2 is the later of the printed deadline and
// the one counted from T1 (INS-703, INS-413). An invited department has no
// deadline: it is never deemed (INS-912).
func (d *Desk) startClock(ctx context.Context, tx bun.IDB, c clockStart) ([]audit.Leaf, error) {
	counted, err := c.g.cal.Reply(c.s.ServedAt, c.g.rules.ReplyTerm, c.g.hours)
	if err != nil {
		return nil, err
	}
	printed, err := printedDue(ctx, tx, c.s.NoticeID)
	if err != nil {
		return nil, err
	}
	t2 := latest(counted.Due, printed)
	atRisk := !t2.Before(c.v.Start) // INS-606
	if err := startParticipant(ctx, tx, c.p, c.s, counted, t2, atRisk); err != nil {
		return nil, err
	}
	if err := finishTasks(ctx, tx, TaskServeByHand, c.p.ID, d.now(), systemActor.String(), "已送达"); err != nil {
		return nil, err
	}
	if err := endDeadlines(ctx, tx, c.p.ID, c.p.Round, DeadlineEscalate); err != nil {
		return nil, err
	}
	if c.p.Required {
		if err := d.scheduleReply(ctx, tx, c, counted.CalendarVersion, DeadlineDetail{Counted: &counted}, t2); err != nil {
			return nil, err
		}
	}
	if atRisk {
		err = raiseTask(ctx, tx, c.v, Task{
			Kind: TaskAtRisk, Subject: c.p.ID, CreatedAt: d.now(),
			Detail: c.p.Name + "的答复期限不早于勘验开始时间，本轮不会视为同意",
		})
	}
	if err != nil {
		return nil, err
	}
	off, work, err := exceptions(c.g.cal, counted)
	return []audit.Leaf{{
		Type: "deadline_set", Stream: departmentStream(c.p.CaseID, c.p.DepartmentID), Actor: systemActor.String(), At: d.now(),
		Fields: map[string]any{
			"round": c.p.Round, "t1": stamp(c.s.ServedAt), "t2": stamp(t2), "printed": stamp(printed),
			"term": counted.Term, "calendar_version": counted.CalendarVersion, "provisional": counted.Provisional,
			"class": c.s.Class, "line": counted.Line, "at_risk": atRisk, "hours": counted.Hours.String(),
			"off": off, "work": work,
		},
	}}, err
}

// exceptions are the days of a term that are not what their weekday says, so
// that anyone can count it again from the leaf alone (INS-408, EV-11 check 9).
func exceptions(cal *workday.Calendar, counted workday.Deadline) (off, work []string, err error) {
	last := workday.DateOf(counted.Due)
	for day := workday.DateOf(counted.Start); !last.Before(day); day = day.AddDays(1) {
		open, err := cal.IsWorkday(day)
		if err != nil {
			return nil, nil, err
		}
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		switch {
		case open && weekend:
			work = append(work, day.String())
		case !open && !weekend:
			off = append(off, day.String())
		}
	}
	return off, work, nil
}

// scheduleReply writes the rows that will act: T2, and the reminder at half of
// the term (INS-713).
func (d *Desk) scheduleReply(ctx context.Context, tx bun.IDB, c clockStart, calendar int, detail DeadlineDetail, t2 time.Time) error {
	reply := DeadlineRow{
		Kind: DeadlineReply, Subject: c.p.ID, Round: c.p.Round, DueAt: t2, NextAt: t2.Add(c.g.rules.DeemGrace),
		CalendarVersion: calendar, Detail: detail,
	}
	half := c.s.ServedAt.Add(t2.Sub(c.s.ServedAt) / 2).Truncate(time.Millisecond)
	remind := DeadlineRow{
		Kind: DeadlineRemindReply, Subject: c.p.ID, Round: c.p.Round, DueAt: half, NextAt: half, CalendarVersion: calendar,
	}
	return upsertDeadlines(ctx, tx, reply, remind)
}

// fellService withdraws the class that a channel gave, because a failure
// report arrived (INS-708). If no other proof stands, the participant goes
// back to unserved and the clock is erased (C9); the leaves keep the values.
func (d *Desk) fellService(ctx context.Context, tx bun.IDB, p Participant, v Visit, messageID, why string) ([]audit.Leaf, error) {
	now := d.now()
	fell, err := markFallen(ctx, tx, p, messageID, now, why)
	if err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{{
		Type: "delivery_failed", Stream: departmentStream(p.CaseID, p.DepartmentID), Actor: systemActor.String(), At: now,
		Fields: map[string]any{"round": p.Round, "message": messageID, "why": why, "fell": fell},
	}}
	if fell == 0 {
		return leaves, nil
	}
	stands, err := d.proofStands(ctx, tx, p, v)
	if err != nil || stands {
		return leaves, err
	}
	switch p.Consent {
	case ConsentAwaiting:
		err = d.unserve(ctx, tx, p, v)
	case ConsentDeemed: // the only proof under a deemed consent fell: review
		var more []audit.Leaf
		more, err = d.suspendDeemed(ctx, tx, p, v, "service_fell")
		leaves = append(leaves, more...)
	}
	return leaves, err
}

func (d *Desk) proofStands(ctx context.Context, tx bun.IDB, p Participant, v Visit) (bool, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return false, err
	}
	classes, err := standingClasses(ctx, tx, p)
	return Evidence{Classes: classes, MinClass: g.rules.ServiceMinClass}.proved(), err
}

func (d *Desk) unserve(ctx context.Context, tx bun.IDB, p Participant, v Visit) error {
	if err := clearClock(ctx, tx, p); err != nil {
		return err
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskServeByHand, Subject: p.ID, CreatedAt: d.now(),
		Detail: "送达" + p.Name + "的通知被退回，请改用其他方式送达",
	})
}

// Opened records that a signed-in person of the department opened the notice:
// class A (INS-704). Opening it again changes nothing. Refusals: not_found,
// not_your_department.
func (d *Desk) Opened(ctx context.Context, by auth.Actor, participantID string) error {
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := mayAnswer(by, p.DepartmentID); err != nil {
			return nil, err
		}
		n, err := findNotice(ctx, tx, p)
		if err != nil || n.ComposedAt.IsZero() { // nothing has been served that could be opened
			return nil, err
		}
		return d.recordService(ctx, tx, p, v, Service{
			NoticeID: n.ID, Round: p.Round, Class: "A", Channel: "portal", ServedAt: d.now(), Source: by.String(),
		})
	})
}

// HandServiceRequest is a service made by a person (INS-707). Paper needs the
// signed slip's scan and counts as class A; a telephone call is class C.
type HandServiceRequest struct {
	ParticipantID string
	Channel       string // paper or phone
	Receiver      string
	Post          string
	At            time.Time // when it was signed, or the call was made
	Said          string    // what was read out, for a call
	Scan          Scan      // the signed slip, for paper
}

// ServeByHand records a notice served on paper or by telephone. Refusals:
// wrong_window, service_time (before the notice or in the future),
// scan_missing, receiver_missing, scan_type, scan_size.
func (d *Desk) ServeByHand(ctx context.Context, by auth.Actor, r HandServiceRequest) error {
	return d.onParticipant(ctx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		n, err := findNotice(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if err := d.checkHand(r, n); err != nil {
			return nil, err
		}
		class, scan := "C", ""
		if r.Channel == "paper" {
			class = "A"
			if scan, err = storeScan(ctx, tx, p.ID, r.Scan, by.String(), d.now()); err != nil {
				return nil, err
			}
		}
		return d.recordService(ctx, tx, p, v, Service{
			NoticeID: n.ID, Round: p.Round, Class: class, Channel: r.Channel, ServedAt: r.At.UTC().Truncate(time.Millisecond),
			Source: fmt.Sprintf("%s/%s", r.Channel, newID()),
			Detail: map[string]string{"receiver": r.Receiver, "post": r.Post, "said": r.Said, "scan": scan, "clerk": by.ID},
		})
	})
}

// checkHand refuses a served time in the future or before the notice was
// printed (INS-707).
func (d *Desk) checkHand(r HandServiceRequest, n Notice) error {
	switch {
	case r.Channel != "paper" && r.Channel != "phone":
		return fault.Refuse(fault.Invalid, "service_channel", "送达方式只能是书面或电话", "serve by paper or by phone")
	case r.Receiver == "":
		return fault.Refuse(fault.Invalid, "receiver_missing", "请填写签收人或接听人姓名", "name the person who received it")
	case n.ComposedAt.IsZero() || r.At.Before(n.ComposedAt) || r.At.After(d.now()):
		return fault.Refuse(fault.Invalid, "service_time",
			"送达时间不能早于通知生成时间，也不能晚于现在", "the time of service must lie between the making of the notice and now")
	case r.Channel == "paper" && len(r.Scan.Bytes) == 0:
		return fault.Refuse(fault.Invalid, "scan_missing", "书面送达请上传回执扫描件", "upload the scan of the signed slip")
	}
	return nil
}
