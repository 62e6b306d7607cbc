package inspection

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection/invite"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/notify"
)

// letter is one message being composed, with all it may say.
type letter struct {
	m       notify.Message
	facts   messageFacts
	v       Visit
	g       ground
	p       Participant   // zero for the applicant
	invited []Participant // everybody of the visit
	out     notify.Facts
}

// Compose makes the text and calendar of a message when it is sent (SIM-5). It
// is wired into notify and runs on the transaction that stores the bytes.
func (d *Desk) Compose(ctx context.Context, tx bun.IDB, m notify.Message) (notify.Body, error) {
	if m.Purpose == purposeAddress {
		return d.composeAddress(m)
	}
	if m.Purpose == purposeDanger {
		return d.composeDanger(m)
	}
	if m.Purpose == purposeLedger {
		return d.composeBreach(m)
	}
	if m.Purpose == purposeExtension {
		return d.composeExtension(m)
	}
	l, err := d.open(ctx, tx, m)
	if err != nil {
		return notify.Body{}, err
	}
	if err := d.say(ctx, tx, &l); err != nil {
		return notify.Body{}, err
	}
	body, err := notify.Render(m.Lang, m.Purpose, l.out)
	if err != nil {
		return notify.Body{}, err
	}
	body.FromName, body.From = l.g.centre.Name+"综合窗口", d.Mail.From
	body.Answers = m.Purpose == notify.PurposeReceipt
	if l.p.ID == "" || m.Channel != notify.Mail || m.Purpose == notify.PurposeRoster { // a person of a department answers for nobody
		return body, nil
	}
	err = d.attach(ctx, tx, l, &body)
	return body, err
}

// applicantContact is the contact of messages to the applicant; all others go
// to a participant.
const applicantContact = "applicant"

// open reads what every letter says: visit, place, time, who is invited. It
// takes no lock: the message is locked already, and acts lock the other way
// round (DB-12).
func (d *Desk) open(ctx context.Context, tx bun.IDB, m notify.Message) (letter, error) {
	l := letter{m: m}
	if err := json.Unmarshal(m.Facts, &l.facts); err != nil {
		return l, fmt.Errorf("facts of message %s: %w", m.ID, err)
	}
	var err error
	visit := m.Subject
	if m.Contact != applicantContact {
		if l.p, err = findParticipant(ctx, tx, m.Subject); err != nil {
			return l, err
		}
		visit = l.p.VisitID
	}
	if l.v, err = findVisit(ctx, tx, visit); err != nil {
		return l, err
	}
	if l.g, err = d.ground(ctx, tx, l.v, l.p.DepartmentID); err != nil {
		return l, err
	}
	if l.invited, err = listParticipants(ctx, tx, l.v.ID); err != nil {
		return l, err
	}
	l.invited = staying(l.invited)
	err = d.common(ctx, tx, &l)
	return l, err
}

func (d *Desk) common(ctx context.Context, tx bun.IDB, l *letter) error {
	division, err := office.FindDivision(ctx, tx, l.v.Division)
	if err != nil {
		return err
	}
	window, err := office.FindWindow(ctx, tx, l.v.WindowID)
	if err != nil {
		return err
	}
	reversed, err := wasReversed(ctx, tx, l.p)
	if err != nil {
		return err
	}
	l.out = notify.Facts{
		Round: l.v.Round, Case: l.v.CaseNumber, Matter: l.v.MatterName, Kind: string(l.v.Kind),
		Site: l.v.Place, District: division.Name, Start: l.v.Start, End: l.v.End,
		Department: l.p.Name, StaffMin: l.p.StaffMin, Revisit: l.v.RevisitOf != "", NeverDeemed: l.p.NeverDeemed || reversed || l.holdsSilence(),
		Centre: l.g.centre.Name, Window: window.Number, Phone: l.g.centre.Phone,
		RespondBy: l.p.RespondBy, Citation: l.g.rules.Citation, Reason: l.facts.Reason, Withdrawn: l.facts.Withdrawn,
		Signature: d.Mail.Signature, Reference: reference(l.m.ID), Link: d.Mail.PublicURL,
	}
	for _, p := range l.invited {
		l.out.Departments = append(l.out.Departments, p.Name)
		if p.Lead {
			l.out.Lead = p.Name
		}
	}
	latest, err := audit.Latest(ctx, tx)
	if latest.Size > 0 {
		l.out.Checkpoint = latest.Footer() // ICA-70
	}
	return err
}

// holdsSilence: on a revisit silence is held, unless a setting says otherwise
// (INS-919), and no letter threatens with more.
func (l letter) holdsSilence() bool {
	return l.v.RevisitOf != "" && l.g.rules.DeemRevisit == office.RevisitHold
}

// reference is four characters that make texts differ and can be read aloud.
func reference(id string) string {
	const letters = "ABCDEFGHJKLMNPQRTUVWXY346789"
	var out strings.Builder
	for i := range 4 {
		out.WriteByte(letters[int(id[len(id)-1-i])%len(letters)])
	}
	return out.String()
}

// say adds what only this purpose says.
func (d *Desk) say(ctx context.Context, tx bun.IDB, l *letter) error {
	switch l.m.Purpose {
	case notify.PurposeNotice:
		return d.sayNotice(ctx, tx, l)
	case notify.PurposeDeemed:
		return sayDeemed(ctx, tx, l)
	case notify.PurposeOpinionDue:
		l.out.RespondBy, l.out.OpinionDue = l.facts.Due, true
	case notify.PurposeReceipt:
		return sayReceipt(ctx, tx, l)
	case notify.PurposeObjection:
		if l.p.Consent != ConsentAwaiting { // it has answered, or the visit has begun
			l.out.RespondBy = time.Time{}
		}
	case notify.PurposeContest:
		return sayContest(ctx, tx, l)
	case notify.PurposeRoster:
		return sayRoster(ctx, tx, l)
	case notify.PurposeConfirmed:
		for _, p := range l.invited {
			if p.Consent == ConsentDeemed {
				l.out.Silent = append(l.out.Silent, p.Name)
			} else if p.Consent == ConsentAccepted {
				l.out.Coming = append(l.out.Coming, p.Name)
			}
		}
	case notify.PurposePhoto:
		l.out.Due = l.facts.Due
	case notify.PurposeTermOver:
		due, err := revisitDue(ctx, tx, l.v.ID)
		l.out.Due = due
		return err
	case notify.PurposeApplicant:
		l.out.Prepare = "营业执照、场所平面图及与本事项有关的申请材料原件"
		l.out.Attend = "请经营者本人或委托代理人到场"
		l.out.Changes = l.facts.Changes
	}
	return nil
}

// sayNotice fixes the printed deadline, counted as if the notice arrived at
// the moment of sending (INS-703), and makes the answer link with its code.
func (d *Desk) sayNotice(ctx context.Context, tx bun.IDB, l *letter) error {
	n, err := noticeOfMessage(ctx, tx, l.m)
	if err != nil {
		return err
	}
	if n.ComposedAt.IsZero() {
		counted, err := l.g.cal.Reply(l.m.ComposedAt, l.g.rules.ReplyTerm, l.g.hours)
		if err != nil {
			return err
		}
		n.ComposedAt, n.PrintedDue, n.Deadline = l.m.ComposedAt, counted.Due, &counted
		if err := markComposed(ctx, tx, &n); err != nil {
			return err
		}
	}
	l.out.Notice, l.out.RespondBy = n.Number, n.PrintedDue
	l.out.Provisional = n.Deadline.Provisional // INS-405
	l.out.Bring = l.p.Basis
	if l.v.RevisitOf != "" {
		items, err := openItems(ctx, tx, l.v.RevisitOf, VerifyVisit)
		if err != nil {
			return err
		}
		l.out.Bring = lookText(items, l.p.DepartmentID)
	}
	rounds, err := listRounds(ctx, tx, l.v.ID)
	if err != nil {
		return err
	}
	known, err := hasNotice(ctx, tx, l.p.ID, n.Round-1)
	if err != nil {
		return err
	}
	if known { // who was added since knows of no other time (INS-308)
		l.out.Changes = changed(rounds, n.Round)
	}
	if n.Refuses != "" {
		refused, err := findReply(ctx, tx, n.Refuses)
		if err != nil {
			return err
		}
		l.out.Refused, l.out.Reason, l.out.Changes = string(refused.Kind), refused.Decision, ""
	}
	if l.m.Channel != notify.Mail { // no link in an SMS (INS-710); the inbox needs none
		return nil
	}
	token, code, err := auth.NewLink(ctx, tx, auth.Link{
		Purpose: linkReply, Subject: l.p.ID, Contact: l.m.Contact, CreatedAt: l.m.ComposedAt, ExpiresAt: l.v.Start,
	})
	l.out.Link, l.out.Code = d.Mail.PublicURL+"/r/"+token, code
	return err
}

func sayDeemed(ctx context.Context, tx bun.IDB, l *letter) error {
	row, err := findDeemed(ctx, tx, l.p)
	if err != nil {
		return err
	}
	l.out.Record, l.out.DecidedAt, l.out.RespondBy = row.Number, row.DecidedAt, row.DueAt
	if l.out.ServedAt, err = time.Parse(time.RFC3339Nano, row.Findings["t1"]); err != nil {
		return fmt.Errorf("T1 of record %s: %w", row.Number, err)
	}
	l.out.Proof = "送达类别 " + row.Findings["class"]
	l.out.Reason = deemedWords[row.Reason]
	if l.facts.Superior != "" {
		l.out.About, l.out.Department = l.out.Department, l.facts.Superior
	}
	l.out.VisitOver, l.out.OpinionDue = row.Reason != NoReply, row.Reason == NoOpinion
	return nil
}

var replyWords = map[ReplyKind]string{
	ReplyAccept: "应约", ReplyDecline: "不能应约", ReplyCounter: "提出改期", ReplyExcuse: "正当理由", ReplyDelegate: "委派",
}

func sayReceipt(ctx context.Context, tx bun.IDB, l *letter) error {
	r, err := findReply(ctx, tx, l.facts.Reply)
	if err != nil {
		return err
	}
	l.out.Answer, l.out.ReceivedAt, l.out.Late = replyWords[r.Kind], r.ReceivedAt, r.Outcome == OutcomeLate
	l.out.Record = r.Receipt
	l.out.Expected = r.Kind == ReplyDecline && r.Outcome == OutcomeApplied && l.p.Required
	l.out.Written = r.OpinionID != ""
	return l.ofRound(ctx, tx, r.Round)
}

// ofRound makes a letter speak of the round that was answered, which may be over
// (INS-809).
func (l *letter) ofRound(ctx context.Context, q bun.IDB, n int) error {
	rounds, err := listRounds(ctx, q, l.v.ID)
	if err != nil || n == l.v.Round || n < 1 || n > len(rounds) {
		return err
	}
	r := rounds[n-1]
	l.out.Round, l.out.Start, l.out.End, l.out.Site, l.out.Over = n, r.Start, r.End, r.Place, true
	return nil
}

// attach adds the tokened addresses and, on notice and cancellation, the
// calendar object (SIM-3): REQUEST of the round, or CANCEL to all.
func (d *Desk) attach(ctx context.Context, tx bun.IDB, l letter, body *notify.Body) error {
	address, err := d.Addresses.AnswerTo(ctx, tx, l.m.ComposedAt, notify.Owner{
		Subject: l.p.ID, Contact: l.m.Contact, Stream: l.m.Stream,
	})
	if err != nil {
		return err
	}
	body.ReplyTo = address
	switch l.m.Purpose {
	case notify.PurposeNotice:
		body.Calendar, err = invite.Request(l.event(address))
		body.Method = string(invite.MethodRequest)
	case notify.PurposeCancel:
		if l.facts.Withdrawn { // the visit takes place without this department (ICA-32)
			body.Calendar, err = invite.CancelSome(l.event(address), l.facts.Reason)
		} else {
			body.Calendar, err = invite.CancelAll(l.event(address), l.v.Reason)
		}
		body.Method = string(invite.MethodCancel)
	}
	return err
}

// event is the visit as a calendar sees it. No personal data: kind, case
// number and district (ICA-10). DTSTAMP grows with SEQUENCE, so that two
// objects made in one second still differ (ICA-24).
func (l letter) event(organizer string) invite.Event {
	e := invite.Event{
		UID: l.v.UID, Sequence: l.v.Sequence, Stamp: l.m.ComposedAt.Truncate(time.Second).Add(time.Duration(l.v.Sequence) * time.Second),
		Start: l.v.Start, End: l.v.End, Round: l.v.Round, RespondBy: l.out.RespondBy,
		Summary:   kindWords[l.v.Sort()] + " 办件" + l.v.CaseNumber + " " + l.out.District,
		Location:  l.v.Place,
		Organizer: invite.Party{Name: l.g.centre.Name + "综合窗口", Address: organizer},
		Attendees: []invite.Party{{Name: l.p.Name, Address: l.m.Address, PartStat: invite.NeedsAction}},
		Description: fmt.Sprintf("事项：%s\n牵头部门：%s\n邀请部门：%s\n联系电话：%s",
			l.v.MatterName, l.out.Lead, strings.Join(l.out.Departments, "、"), l.g.centre.Phone),
	}
	return e
}

var kindWords = map[string]string{"site": "联合踏勘", "review": "联合评审", "revisit": "联合复勘"}
