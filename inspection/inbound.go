package inspection

import (
	"context"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/notify"
)

// The functions of this file are what package notify calls, wired in cmd
// (STY-3): each runs on the transaction that keeps the mail or the receipt.

// Served takes an arrival from the outbox. Only the notice itself proves
// service; the transport's class is lowered when the address is not confirmed
// or nobody can open the inbox (INS-705, INS-706).
func (d *Desk) Served(ctx context.Context, tx bun.IDB, a notify.Arrival) error {
	if a.Message.Purpose != notify.PurposeNotice {
		return nil
	}
	p, v, err := lockParticipant(ctx, tx, a.Message.Subject)
	if err != nil {
		return err
	}
	n, err := noticeOfMessage(ctx, tx, a.Message)
	if err != nil {
		return err
	}
	class, err := d.classOf(ctx, tx, p, v, a)
	if err != nil {
		return err
	}
	leaves, err := d.recordService(ctx, tx, p, v, Service{
		NoticeID: n.ID, Round: n.Round, Class: class, Channel: a.Message.Channel, ServedAt: a.At,
		MessageID: a.Message.ID, Source: a.Source + "/" + a.Message.ID,
		Detail: map[string]string{"peer": a.Peer, "proof": a.Proof},
	})
	if err != nil || len(leaves) == 0 {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// classOf judges class B: the address is on a signed form, and the inbox has a
// reader or the mail server is the department's own (INS-704…706).
func (d *Desk) classOf(ctx context.Context, tx bun.IDB, p Participant, v Visit, a notify.Arrival) (string, error) {
	if a.Class != notify.ClassB {
		return a.Class, nil
	}
	confirmed, err := office.ConfirmedAddresses(ctx, tx, p.DepartmentID, a.At)
	if err != nil {
		return "", err
	}
	for _, address := range confirmed {
		if address.ID != a.Message.Contact {
			continue
		}
		if address.Channel == office.Mail && !address.OwnMX {
			return notify.ClassD, nil
		}
		if address.Channel == office.Portal {
			return d.portalClass(ctx, tx, p, v, a)
		}
		return notify.ClassB, nil
	}
	return notify.ClassD, nil
}

// portalClass: an inbox nobody can open is class D (INS-706).
func (d *Desk) portalClass(ctx context.Context, tx bun.IDB, p Participant, v Visit, a notify.Arrival) (string, error) {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil {
		return "", err
	}
	alive, err := auth.PortalAlive(ctx, tx, p.DepartmentID, a.At, g.rules.PortalAlive)
	if err != nil || !alive {
		return notify.ClassD, err
	}
	return notify.ClassB, nil
}

// Bounced takes a failure report: the class its channel gave falls (INS-708).
func (d *Desk) Bounced(ctx context.Context, tx bun.IDB, f notify.Failure) error {
	if f.Message.Purpose != notify.PurposeNotice {
		return nil
	}
	p, v, err := lockParticipant(ctx, tx, f.Message.Subject)
	if err != nil {
		return err
	}
	leaves, err := d.fellService(ctx, tx, p, v, f.Message.ID, f.Source+" "+f.Status)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

// Dead takes a legal message for which no way is left: the window serves by
// hand (OUT-8). Other messages are shown in the outbox and need nobody.
func (d *Desk) Dead(ctx context.Context, tx bun.IDB, m notify.Message) error {
	if m.Purpose != notify.PurposeNotice {
		return nil
	}
	p, v, err := lockParticipant(ctx, tx, m.Subject)
	if err != nil {
		return err
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskServeByHand, Subject: p.ID, CreatedAt: d.now(),
		Detail: "给" + p.Name + "的通知（" + m.Channel + "）未能送出，请改用其他方式送达",
	})
}

// MailCame takes a mail that could be an answer. Until a person has looked at
// it the participant is held: nobody who pressed "decline" anywhere may be
// deemed (DEC-1, INS-807, ICA-01).
func (d *Desk) MailCame(ctx context.Context, tx bun.IDB, in notify.Inbound) error {
	p, v, err := lockParticipant(ctx, tx, in.Subject)
	if fault.KindOf(err) == fault.NotFound {
		return nil // an answer to a message for the applicant: shown in the queue
	}
	if err != nil {
		return err
	}
	leaves, err := raiseHold(ctx, tx, p, HoldRow{Reason: HoldMail, Source: in.ID, Detail: in.Reason, Since: d.now()})
	if err != nil {
		return err
	}
	if err := d.mailTask(ctx, tx, p, v, in); err != nil {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}

func (d *Desk) mailTask(ctx context.Context, tx bun.IDB, p Participant, v Visit, in notify.Inbound) error {
	t := Task{Kind: TaskReadMail, Subject: in.ID, CreatedAt: d.now(), Detail: p.Name + "来信待查看"}
	if p.Consent == ConsentDeemed { // DL-14: it may show that the department did answer
		t.ForRole = string(auth.Supervisor)
		t.Detail = p.Name + "来信，而该部门已记录视为同意，请尽快查看"
	}
	return raiseTask(ctx, tx, v, t)
}

// SortRequest is a person's decision about a mail in the queue. Answer is what
// it says, empty when it is no answer (ICA-66).
type SortRequest struct {
	MailID    string
	Answer    ReplyKind
	GivenBy   string // who wrote it
	Words     string // its reason or text
	Proposals []string
	Why       string // the person's own reason for the decision
}

// Sort classifies a waiting mail with a reason: applied as the answer it is,
// received when it arrived (INS-802), or not an answer. The hold that hung on
// it ends; T2 then moves to the end of the next working day at least (C8).
// Refusals: not_found, mail_sorted, wrong_window, reason_missing, and those of
// Reply.
func (d *Desk) Sort(ctx context.Context, by auth.Actor, r SortRequest) error {
	if r.Why == "" {
		return reasonMissing()
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		in, err := notify.FindInbound(ctx, tx, r.MailID)
		if err != nil {
			return err
		}
		p, v, err := lockParticipant(ctx, tx, in.Subject)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return err
		}
		leaves, err := d.sortMail(ctx, tx, by, sorting{r: r, in: in, p: p, v: v})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

type sorting struct {
	r  SortRequest
	in notify.Inbound
	p  Participant
	v  Visit
}

func (d *Desk) sortMail(ctx context.Context, tx bun.IDB, by auth.Actor, s sorting) ([]audit.Leaf, error) {
	outcome := "not_an_answer"
	var leaves []audit.Leaf
	if s.r.Answer != "" {
		reply, more, err := d.mailReply(ctx, tx, by, s)
		if err != nil {
			return nil, err
		}
		outcome, leaves = string(reply.Outcome), more
	}
	_, err := notify.Classify(ctx, tx, notify.Verdict{
		ID: s.in.ID, By: by.String(), At: d.now(), Outcome: verdictWord(outcome), Reason: s.r.Why,
	})
	if err != nil {
		return nil, err
	}
	ended, err := endHoldsOf(ctx, tx, s.p, s.in.ID, d.now(), by.String(), s.r.Why)
	if err != nil {
		return nil, err
	}
	for _, h := range ended {
		leaves = append(leaves, holdEnded(s.p, h, by.String(), outcome, d.now()))
	}
	if err := finishTasks(ctx, tx, TaskReadMail, s.in.ID, d.now(), by.String(), s.r.Why); err != nil {
		return nil, err
	}
	p, v, err := lockParticipant(ctx, tx, s.p.ID)
	if err != nil || s.r.Answer != "" {
		return leaves, err
	}
	moved, err := d.extendAfterDoubt(ctx, tx, p, v, d.now())
	return append(leaves, moved...), err
}

// mailReply stores the mail as the answer a person read in it. Strength is L1:
// an accept counts for attendance only (INS-804).
func (d *Desk) mailReply(ctx context.Context, tx bun.IDB, by auth.Actor, s sorting) (Reply, []audit.Leaf, error) {
	times, err := parseTimes(s.r.Proposals)
	if err != nil {
		return Reply{}, nil, err
	}
	request := ReplyRequest{Round: s.v.Round, Kind: s.r.Answer, Reason: s.r.Words, Proposals: times, GivenBy: s.r.GivenBy, Channel: "mail"}
	if err := d.checkReply(ctx, tx, s.p, s.v, request); err != nil {
		return Reply{}, nil, err
	}
	reply := Reply{
		ID: newID(), ParticipantID: s.p.ID, VisitID: s.v.ID, Round: s.v.Round, Kind: s.r.Answer, Reason: s.r.Words,
		Proposals: times, Channel: "mail", Strength: L1, GivenBy: s.r.GivenBy, RecordedBy: by.String(),
		ReceivedAt: s.in.ReceivedAt, RecordedAt: d.now(),
	}
	leaves, err := d.applyReply(ctx, tx, s.p, s.v, &reply)
	return reply, leaves, err
}

// verdictWord is the outcome in the mail queue's words.
func verdictWord(outcome string) string {
	switch ReplyOutcome(outcome) {
	case OutcomeApplied, OutcomeSuperseded, OutcomeLate:
		return outcome
	case OutcomeHeld, OutcomeNoted:
		return "applied"
	}
	return outcome
}

// LinkLocked is wired to auth: five wrong codes hold the participant (SEC-11).
func (d *Desk) LinkLocked(ctx context.Context, tx bun.IDB, l auth.Link) error {
	p, v, err := lockParticipant(ctx, tx, l.Subject)
	if err != nil {
		return err
	}
	leaves, err := raiseHold(ctx, tx, p, HoldRow{Reason: HoldLink, Source: l.ID, Detail: "验证码连续输错五次", Since: d.now()})
	if err != nil {
		return err
	}
	err = raiseTask(ctx, tx, v, Task{
		Kind: TaskLink, Subject: l.ID, CreatedAt: d.now(), Detail: p.Name + "的答复链接已锁定，请电话联系该部门",
	})
	if err != nil || len(leaves) == 0 {
		return err
	}
	return audit.Record(ctx, tx, leaves...)
}
