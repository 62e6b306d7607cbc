package delivery

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/paper"
	"lianban/notify"
)

// PrintTaken prints the applicant's own 收件凭据: what was handed in and who keeps
// it, what the case leads to, and the link as a code (DEL-1110, DEL-1201). Each copy
// has a new link; the copy before opens nothing any more. Refusals:
// not_receiving_window.
func (d *Desk) PrintTaken(ctx context.Context, by auth.Actor, a Applicant) (Print, error) {
	d = d.still()
	if err := mayReceive(by, a.CentreID); err != nil {
		return Print{}, err
	}
	var s sheet
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		if err := Know(ctx, tx, a); err != nil {
			return err
		}
		link, err := d.linkFor(ctx, tx, a.CaseID, linkOnPaper, by.String())
		if err != nil {
			return err
		}
		centre, err := office.FindCentre(ctx, tx, a.CentreID)
		if err != nil {
			return err
		}
		if s, err = takenSheet(ctx, tx, a, centre, link); err != nil {
			return err
		}
		p := Paper{Kind: PaperTaken, Subject: a.CaseID, CentreID: a.CentreID}
		if p.Number, err = NewNumber(centreSign(centre.Division), rand.Reader); err != nil {
			return err
		}
		return d.issueSheet(ctx, tx, by, &s, p, Stream(a.CaseID))
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

func takenSheet(ctx context.Context, q bun.IDB, a Applicant, centre office.Centre, link string) (sheet, error) {
	materials, err := materialsOfCase(ctx, q, a.CaseID)
	if err != nil {
		return sheet{}, err
	}
	s := sheetOf(centre.Name)
	s.Add(paper.Part{Facts: []paper.Fact{
		{Name: "办件编号", Value: a.CaseNumber}, {Name: "事项", Value: a.MatterName}, {Name: "申请人", Value: a.Name},
		{Name: "受理窗口", Value: centre.Name + "，电话 " + centre.Phone},
	}})
	t := &paper.Table{Columns: []paper.Column{{Title: "序", Width: 10, Align: paper.Center}, {Title: "已收材料原件"}, {Title: "留存单位", Width: 60}, {Title: "收件时间", Width: 40}}}
	for _, m := range materials {
		if m.original() {
			t.Rows = append(t.Rows, []string{fmt.Sprint(len(t.Rows) + 1), m.Item.Title, m.Keeper, dayMoment("zh", m.Item.RegisteredAt)})
		}
	}
	if len(t.Rows) > 0 {
		s.Add(paper.Part{Section: "已收材料", Table: t})
		s.Add(paper.Part{Text: []string{"上列材料已收，其他部门办理本事项时由窗口提供复印件或收件凭据，不再向您要。"}})
	}
	if a.WindowOnly { // DEL-204
		s.Add(paper.Part{Section: "领取方式", Text: []string{"本事项的结果须到窗口领取，不派送，也不网上传输；请带身份证件到" + centre.Name + "领取。"}})
	}
	s.Add(paper.Part{Section: "查询和办理", Code: link, Text: []string{
		"用手机扫描下面的二维码，可以查看各部门办到哪一步、结果何时送到，确认或更正收件地址，选择等齐或先送、派送或自取，改约时间，委托代办人。",
		"二维码等同于钥匙，请不要转借或拍照外传。重新打印后，以前的凭据上的二维码即停用。",
	}})
	return s, nil
}

// MailLink sends the applicant the link by mail: at the next sending a new one is
// made, and the mail before opens nothing any more. Refusals: not_receiving_window,
// applicant_no_mail.
func (d *Desk) MailLink(ctx context.Context, by auth.Actor, a Applicant, address string) error {
	d = d.still()
	if err := mayReceive(by, a.CentreID); err != nil {
		return err
	}
	if address == "" {
		return fault.Refuse(fault.Conflict, "applicant_no_mail",
			"这个办件没有登记邮箱；请打印收件凭据交给申请人", "no mail address is on record for this case; print the receipt for the applicant")
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error { return QueueLink(ctx, tx, d.now(), a, address) })
}

// QueueLink queues the mail with the link, on the caller's transaction: at
// acceptance, where the applicant gave an address (DEL-1201).
func QueueLink(ctx context.Context, tx bun.IDB, now time.Time, a Applicant, address string) error {
	if err := Know(ctx, tx, a); err != nil {
		return err
	}
	facts, err := json.Marshal(messageFacts{Case: a.CaseID})
	if err != nil {
		return err
	}
	return notify.Replace(ctx, tx, now, []string{linkSubject(a.CaseID)}, notify.Message{
		Key: notify.PurposeTrack + "/" + a.CaseID + "/" + applicantContact + "/" + notify.Mail + "/" + newID(), Purpose: notify.PurposeTrack,
		Channel: notify.Mail, Address: address, Lang: "zh", Subject: linkSubject(a.CaseID), Contact: applicantContact, Stream: Stream(a.CaseID), Facts: facts,
	})
}

func linkSubject(caseID string) string { return caseID + "/link" }

// composeLink writes that mail when it is sent, with a new link.
func (d *Desk) composeLink(ctx context.Context, tx bun.IDB, m notify.Message, facts messageFacts) (notify.Body, error) {
	a, err := findApplicant(ctx, tx, facts.Case)
	if err != nil {
		return notify.Body{}, err
	}
	centre, err := office.FindCentre(ctx, tx, a.CentreID)
	if err != nil {
		return notify.Body{}, err
	}
	out := notify.Facts{Case: a.CaseNumber, Matter: a.MatterName, Centre: centre.Name, Phone: centre.Phone, Signature: d.Signature}
	if out.Link, err = d.linkFor(ctx, tx, a.CaseID, linkByMail, "message:"+m.ID); err != nil {
		return notify.Body{}, err
	}
	body, err := notify.Render(m.Lang, m.Purpose, out)
	body.SMS, body.From, body.FromName = "", d.MailFrom, centre.Name
	return body, err
}
