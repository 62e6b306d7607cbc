package inspection

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
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
	About         string            `json:"about"`   // the notice, or that an opinion is due
	Channel       string            `json:"channel"` // portal mail sms paper phone link
	ServedAt      time.Time         `json:"served_at"`
	RecordedAt    time.Time         `json:"recorded_at"`
	MessageID     string            `json:"message_id,omitempty"`
	Source        string            `json:"source"` // what proves it, such as a queue id or a person's id
	Detail        map[string]string `bun:"type:jsonb" json:"detail,omitempty"`
	FallenAt      time.Time         `bun:",nullzero" json:"fallen_at,omitzero"`
	FallenWhy     string            `json:"fallen_why,omitempty"`

	by      auth.Actor // who says so; zero for the house itself
	scanSum string     // SHA-256 of the signed slip
}

// What a proof of arrival is about.
const (
	AboutNotice  = "notice"
	AboutOpinion = "opinion" // the word that an opinion is due (INS-933)
)

// ByReply reports whether it is the department's own answer that proves it.
func (s Service) ByReply() bool { return strings.HasPrefix(s.Source, replySource) }

const replySource = "reply/"

func (s Service) recordedBy() string {
	if s.by.ID == "" {
		return systemActor.String()
	}
	return s.by.String()
}

// recordService stores one proof of arrival on the caller's transaction and
// starts the reply clock when it is the first that counts (INS-101, INS-704).
// A proof that is already there changes nothing.
func (d *Desk) recordService(ctx context.Context, tx bun.IDB, p Participant, v Visit, s Service) ([]audit.Leaf, error) {
	s.ID, s.ParticipantID, s.RecordedAt = newID(), p.ID, d.now()
	if s.About == "" {
		s.About = AboutNotice
	}
	fresh, err := insertService(ctx, tx, &s)
	if err != nil || !fresh {
		return nil, err
	}
	leaves := []audit.Leaf{participantLeaf("arrived", p, s.recordedBy(), s.RecordedAt, map[string]any{
		"notice": s.NoticeID, "about": s.About, "round": s.Round, "class": s.Class, "channel": s.Channel,
		"served_at": stamp(s.ServedAt), "source": s.Source, "message": s.MessageID,
	})}
	if s.scanSum != "" { // SEC-15
		leaves[0].Fields["scan_sha256"] = s.scanSum
	}
	if s.Class == "A" {
		if err := finishTasks(ctx, tx, TaskUnopened, p.ID, s.RecordedAt, s.recordedBy(), "已打开"); err != nil {
			return nil, err
		}
	}
	if s.About != AboutNotice {
		return leaves, d.wordArrived(ctx, tx, p, v, s)
	}
	n, err := findNotice(ctx, tx, p)
	if err != nil || !startsClock(p, n, s) {
		return leaves, err
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

// startsClock: the last notice of the present round has arrived, and nothing has
// been answered to it (C2); or it refuses what was answered (C10, C11).
func startsClock(p Participant, n Notice, s Service) bool {
	if s.Round != p.Round || s.NoticeID != n.ID {
		return false
	}
	waits := p.Consent == ConsentCountered || p.Consent == ConsentExcuse
	return p.Consent == ConsentUnserved || waits && n.Refuses != ""
}

type clockStart struct {
	p Participant
	v Visit
	g ground
	s Service
}

// startClock fixes T1 and T2 (C2, C10, C11). T2 is the later of the printed deadline and
// the one counted from T1 (INS-703, INS-413). The deadline of an invited
// department is shown and decides nothing: it is never deemed (INS-912).
func (d *Desk) startClock(ctx context.Context, tx bun.IDB, c clockStart) ([]audit.Leaf, error) {
	counted, err := c.g.cal.Reply(c.s.ServedAt, c.g.rules.ReplyTerm, c.g.hours)
	if err != nil {
		return nil, err
	}
	printed, err := printedDue(ctx, tx, c.s.NoticeID)
	if err != nil {
		return nil, err
	}
	p := c.p
	p.ServiceClass, p.ServedAt, p.RespondBy = c.s.Class, c.s.ServedAt, latest(counted.Due, printed)
	if p.RespondBy.After(counted.Due) {
		counted.Line += "；" + movedWords[movedFullTerm] + " " + minute(p.RespondBy)
	}
	p.Deadline, p.AtRisk = &counted, p.Required && !p.RespondBy.Before(c.v.Start) // INS-606
	if err := startParticipant(ctx, tx, p); err != nil {
		return nil, err
	}
	if err := d.arrived(ctx, tx, p, c.v); err != nil {
		return nil, err
	}
	if p.Required {
		if err := d.scheduleReply(ctx, tx, p, c.g.rules.DeemGrace); err != nil {
			return nil, err
		}
	}
	leaf, err := d.deadlineLeaf(c.g.cal, p, map[string]any{"printed": stamp(printed)})
	return []audit.Leaf{leaf}, err
}

// arrived ends what waited for the notice to arrive.
func (d *Desk) arrived(ctx context.Context, tx bun.IDB, p Participant, v Visit) error {
	if err := finishTasks(ctx, tx, TaskServeByHand, p.ID, d.now(), systemActor.String(), "已送达"); err != nil {
		return err
	}
	if err := endDeadlines(ctx, tx, p.ID, p.Round, DeadlineEscalate); err != nil {
		return err
	}
	return d.taskAtRisk(ctx, tx, p, v)
}

// scheduleReply writes the rows that will act: T2, and the reminder at half of
// the term (INS-713).
func (d *Desk) scheduleReply(ctx context.Context, tx bun.IDB, p Participant, grace time.Duration) error {
	version := p.Deadline.CalendarVersion
	half := p.ServedAt.Add(p.RespondBy.Sub(p.ServedAt) / 2)
	return upsertDeadlines(ctx, tx,
		DeadlineRow{
			Kind: DeadlineReply, Subject: p.ID, Round: p.Round, DueAt: p.RespondBy, NextAt: p.RespondBy.Add(grace),
			CalendarVersion: version, Detail: DeadlineDetail{Counted: p.Deadline},
		},
		DeadlineRow{Kind: DeadlineRemindReply, Subject: p.ID, Round: p.Round, DueAt: half, NextAt: half, CalendarVersion: version})
}

// fellService withdraws the class that a channel gave, because a failure
// report arrived (INS-708). If no other proof stands, the participant goes
// back to unserved and the clock is erased (C9); the leaves keep the values.
func (d *Desk) fellService(ctx context.Context, tx bun.IDB, p Participant, v Visit, messageID, why string) ([]audit.Leaf, error) {
	now := d.now()
	fell, about, err := markFallen(ctx, tx, p, messageID, now, why)
	if err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{participantLeaf("delivery_failed", p, systemActor.String(), now, map[string]any{
		"message": messageID, "why": why, "fell": fell,
	})}
	if fell == 0 {
		return leaves, nil
	}
	stands, err := d.proofStands(ctx, tx, p, v, about)
	if err != nil {
		return nil, err
	}
	if about != AboutNotice || p.Opinion == OpinionDeemed && p.Consent != ConsentDeemed {
		more, err := d.fellUnder(ctx, tx, p, v, about, stands)
		return append(leaves, more...), err
	}
	switch {
	case p.Consent == ConsentAwaiting && stands: // T1 may be another one now
		err = lookNow(ctx, tx, p, now)
	case p.Consent == ConsentAwaiting:
		var late []audit.Leaf
		late, err = d.unserve(ctx, tx, p, v)
		leaves = append(leaves, late...)
	case p.Consent == ConsentDeemed && !stands: // the only proof under a deemed consent fell: review
		var more []audit.Leaf
		more, err = d.suspendDeemed(ctx, tx, p, v, "service_fell")
		leaves = append(leaves, more...)
	}
	return leaves, err
}

// fellUnder suspends what was deemed of the visit day on a proof that fell: of
// the notice for not coming, of the word on the due opinion for a missing one
// (INS-708, INS-909).
func (d *Desk) fellUnder(ctx context.Context, tx bun.IDB, p Participant, v Visit, about string, stands bool) ([]audit.Leaf, error) {
	row, err := findDeemed(ctx, tx, p)
	if fault.KindOf(err) == fault.NotFound || err == nil && (stands || !row.SuspendedAt.IsZero()) {
		return nil, nil
	}
	rests := row.Reason == NoShow && about == AboutNotice || row.Reason == NoOpinion && about == AboutOpinion
	if err != nil || !rests {
		return nil, err
	}
	return d.suspendDeemed(ctx, tx, p, v, "service_fell")
}

func (d *Desk) proofStands(ctx context.Context, tx bun.IDB, p Participant, v Visit, about string) (bool, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return false, err
	}
	standing, err := standingServices(ctx, tx, p, about)
	_, stands := firstProof(standing, g.rules.ServiceMinClass)
	return stands, err
}

// unserve is move C9. An answer that was late for the erased deadline is none
// too late any more: while a department is unserved every answer is taken
// (INS-805).
func (d *Desk) unserve(ctx context.Context, tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
	p, err := clearClock(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	late, err := d.takeLate(ctx, tx, p, v)
	if err != nil || len(late) > 0 {
		return late, err
	}
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return nil, err
	}
	again, err := firstEscalation(p, v, g, d.now()) // INS-709 begins again
	if err != nil {
		return nil, err
	}
	if err := upsertDeadlines(ctx, tx, again); err != nil {
		return nil, err
	}
	return nil, raiseTask(ctx, tx, v, Task{
		Kind: TaskServeByHand, Subject: p.ID, CreatedAt: d.now(),
		Detail: "送达" + p.Name + "的通知被退回，请改用其他方式送达",
	})
}

// Opened records that a signed-in person of the department opened the notice:
// class A (INS-704). Opening it again changes nothing. Refusals: not_found,
// not_your_department.
func (d *Desk) Opened(ctx context.Context, by auth.Actor, participantID string) error {
	d = d.still()
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := mayAnswer(by, p.DepartmentID); err != nil {
			return nil, err
		}
		n, err := findNotice(ctx, tx, p)
		if err != nil || n.ComposedAt.IsZero() { // nothing has been served that could be opened
			return nil, err
		}
		source := by.String()
		if n.Version > 1 { // a further notice of the round is opened on its own
			source += "/" + n.ID
		}
		return d.recordService(ctx, tx, p, v, Service{
			NoticeID: n.ID, Round: p.Round, Class: "A", Channel: "portal", ServedAt: d.now(), Source: source, by: by,
		})
	})
}
