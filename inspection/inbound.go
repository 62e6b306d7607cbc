package inspection

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
)

// The functions of this file are what package notify calls, wired in cmd
// (STY-3): each runs on the transaction that keeps the mail or the receipt.

// aboutOf are the purposes whose arrival proves something: the notice itself, and
// the word that an opinion is due (INS-933).
var aboutOf = map[string]string{notify.PurposeNotice: AboutNotice, notify.PurposeOpinionDue: AboutOpinion}

// Served takes an arrival from the outbox. Only legal words prove
// service; the transport's class is lowered when the address is not confirmed
// or nobody can open the inbox (INS-705, INS-706).
func (d *Desk) Served(ctx context.Context, tx bun.IDB, a notify.Arrival) error {
	d = d.still()
	about := aboutOf[a.Message.Purpose]
	if about == "" {
		return nil
	}
	p, v, err := lockParticipant(ctx, tx, a.Message.Subject)
	if err != nil {
		return err
	}
	n := Notice{Round: p.Round}
	if about == AboutNotice {
		if n, err = noticeOfMessage(ctx, tx, a.Message); err != nil {
			return err
		}
	}
	class, err := d.classOf(ctx, tx, p, v, a)
	if err != nil {
		return err
	}
	leaves, err := d.recordService(ctx, tx, p, v, Service{
		NoticeID: n.ID, About: about, Round: n.Round, Class: class, Channel: a.Message.Channel, ServedAt: a.At,
		MessageID: a.Message.ID, Source: fmt.Sprintf("%s/%s/%d", a.Source, a.Message.ID, a.Message.Attempt),
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
	d = d.still()
	if f.Message.Purpose == purposeExtension {
		return d.extensionUntold(ctx, tx, f.Message)
	}
	if aboutOf[f.Message.Purpose] == "" {
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
// hand (OUT-8), or tells the applicant why the limit was extended. Other messages are
// shown in the outbox and need nobody.
func (d *Desk) Dead(ctx context.Context, tx bun.IDB, m notify.Message) error {
	d = d.still()
	if m.Purpose == purposeExtension {
		return d.extensionUntold(ctx, tx, m)
	}
	about := aboutOf[m.Purpose]
	if about == "" {
		return nil
	}
	p, v, err := lockParticipant(ctx, tx, m.Subject)
	if err != nil {
		return err
	}
	if wanted, err := d.stillWanted(ctx, tx, p, v, m); err != nil || !wanted {
		return err
	}
	what := map[string]string{AboutNotice: "的通知（", AboutOpinion: "的出具意见的通知（"}[about]
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskServeByHand, Subject: p.ID, CreatedAt: d.now(),
		Detail: "给" + p.Name + what + wayWords[m.Channel] + "）未能送出，请改用其他方式送达",
	})
}

// stillWanted: the notice is of the present round (INS-607); or an opinion is due,
// and no other way has brought the word of it (INS-933).
func (d *Desk) stillWanted(ctx context.Context, tx bun.IDB, p Participant, v Visit, m notify.Message) (bool, error) {
	if aboutOf[m.Purpose] == AboutNotice {
		n, err := noticeOfMessage(ctx, tx, m)
		return n.Round == v.Round, err
	}
	_, err := findDeadline(ctx, tx, p.ID, p.Round, DeadlineOpinion)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	stands, err := d.proofStands(ctx, tx, p, v, AboutOpinion)
	return !stands, err
}

// MailCame takes a mail that could be an answer. Until a person has looked at
// it the participant is held: nobody who pressed "decline" anywhere may be
// deemed (DEC-1, INS-807, ICA-01).
func (d *Desk) MailCame(ctx context.Context, tx bun.IDB, in notify.Inbound) error {
	d = d.still()
	p, v, err := lockParticipant(ctx, tx, in.Subject)
	if fault.KindOf(err) == fault.NotFound {
		return d.applicantWrote(ctx, tx, in)
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

// applicantWrote: an answer to the applicant's own notice holds nobody, but
// somebody has to read it (INS-714).
func (d *Desk) applicantWrote(ctx context.Context, tx bun.IDB, in notify.Inbound) error {
	v, err := findVisit(ctx, tx, in.Subject)
	if fault.KindOf(err) == fault.NotFound {
		return nil // an answer to a message about an address: shown in the queue
	}
	if err != nil {
		return err
	}
	return raiseTask(ctx, tx, v, Task{Kind: TaskReadMail, Subject: in.ID, CreatedAt: d.now(), Detail: "申请人来信待查看"})
}

func (d *Desk) mailTask(ctx context.Context, tx bun.IDB, p Participant, v Visit, in notify.Inbound) error {
	t := Task{Kind: TaskReadMail, Subject: in.ID, CreatedAt: d.now(), Detail: p.Name + "来信待查看"}
	if p.Opinion == OpinionDeemed { // DL-14: it may show that the department did answer
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
	Round     int    // that it answers; 0 for the one offered when it came
	Why       string // the person's own reason for the decision
	Once      once.Key
}

// Sort classifies a waiting mail with a reason: applied as the answer it is,
// received when it arrived (INS-802), or not an answer. The hold that hung on
// it ends; T2 then moves to the end of the next working day at least (C8).
// Refusals: not_found, inbound_sorted, not_a_window, wrong_window,
// reason_missing, and those of Reply.
func (d *Desk) Sort(ctx context.Context, by auth.Actor, r SortRequest) error {
	d = d.still()
	if err := checkText("reason", r.Why, reasonLength); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, d.sort(ctx, tx, by, r)
	})
	return err
}

func (d *Desk) sort(ctx context.Context, tx bun.IDB, by auth.Actor, r SortRequest) error {
	in, err := notify.FindInbound(ctx, tx, r.MailID)
	if err != nil {
		return err
	}
	p, v, err := lockParticipant(ctx, tx, in.Subject)
	if fault.KindOf(err) == fault.NotFound {
		return d.sortOther(ctx, tx, by, r, in)
	}
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
		outcome, leaves = verdictWord(reply.Outcome), more
	}
	ended, err := endHoldsOf(ctx, tx, s.p, s.in.ID, d.now(), by.String(), s.r.Why)
	if err != nil {
		return nil, err
	}
	for _, h := range ended {
		leaves = append(leaves, holdEnded(s.p, h, by.String(), outcome, d.now()))
	}
	if s.r.Answer == "" || outcome == "superseded" {
		moved, err := d.extendAfterDoubt(ctx, tx, s.p, s.v)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, moved...)
	}
	return leaves, d.classify(ctx, tx, by, s.r, outcome)
}

// classify closes the mail in the queue, with its task.
func (d *Desk) classify(ctx context.Context, tx bun.IDB, by auth.Actor, r SortRequest, outcome string) error {
	if err := finishTasks(ctx, tx, TaskReadMail, r.MailID, d.now(), by.String(), r.Why); err != nil {
		return err
	}
	_, err := notify.Classify(ctx, tx, notify.Verdict{ID: r.MailID, By: by.String(), At: d.now(), Outcome: outcome, Reason: r.Why})
	return err
}

// sortOther closes a mail that no department of a visit wrote: it can be no
// answer, but it must not lie in the queue for ever.
func (d *Desk) sortOther(ctx context.Context, tx bun.IDB, by auth.Actor, r SortRequest, in notify.Inbound) error {
	v, err := findVisit(ctx, tx, in.Subject)
	switch {
	case err == nil:
		err = mayOrganise(ctx, tx, by, v.CentreID)
	case fault.KindOf(err) == fault.NotFound && atWindow(by):
		err = nil
	}
	if err != nil {
		return err
	}
	if r.Answer != "" {
		return fault.Refuse(fault.Invalid, "reply_kind",
			"这封来信不是参加部门的答复，请登记为“不是答复”", "no invited department wrote this mail; sort it as no answer")
	}
	return d.classify(ctx, tx, by, r, "not_an_answer")
}

// mailReply stores the mail as the answer a person read in it. Strength is L1:
// an accept counts for attendance only (INS-804). It answers the round that was
// offered when it came, or an older one if that is what the person read
// (INS-801).
func (d *Desk) mailReply(ctx context.Context, tx bun.IDB, by auth.Actor, s sorting) (Reply, []audit.Leaf, error) {
	times, err := parseTimes(s.r.Proposals)
	if err != nil {
		return Reply{}, nil, err
	}
	round, err := roundAt(ctx, tx, s.v, s.in.ReceivedAt)
	if err != nil {
		return Reply{}, nil, err
	}
	if s.r.Round > 0 {
		round = min(round, s.r.Round)
	}
	request := ReplyRequest{
		Round: round, Kind: s.r.Answer, Reason: s.r.Words, Proposals: times, GivenBy: s.r.GivenBy, Channel: "mail",
		ReceivedAt: s.in.ReceivedAt,
	}
	if err := d.checkReply(ctx, tx, s.p, s.v, request); err != nil {
		return Reply{}, nil, err
	}
	reply := request.reply(s.p, s.v, L1)
	reply.RecordedBy, reply.RecordedAt = by.String(), d.now()
	leaves, err := d.applyReply(ctx, tx, s.p, s.v, &reply)
	return reply, leaves, err
}

// roundAt is the round of a visit that was offered at an instant.
func roundAt(ctx context.Context, q bun.IDB, v Visit, at time.Time) (int, error) {
	rounds, err := listRounds(ctx, q, v.ID)
	for i := len(rounds) - 1; i > 0; i-- {
		if !at.Before(rounds[i].OfferedAt) {
			return rounds[i].N, err
		}
	}
	return min(v.Round, 1), err
}

// verdictWord is an outcome in the mail queue's words.
func verdictWord(outcome ReplyOutcome) string {
	switch outcome {
	case OutcomeLate:
		return "late"
	case OutcomeSuperseded, OutcomeNoted:
		return "superseded"
	default:
		return "applied"
	}
}

// LinkLocked is wired to auth: five wrong codes hold the participant (SEC-11).
func (d *Desk) LinkLocked(ctx context.Context, tx bun.IDB, l auth.Link) error {
	d = d.still()
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
