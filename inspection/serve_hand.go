package inspection

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
)

// HandServiceRequest is a service made by a person (INS-707): of the notice, or of
// the word that an opinion is due (INS-933). Paper needs the signed slip's scan and
// counts as class A; a telephone call is class C.
type HandServiceRequest struct {
	ParticipantID string
	About         string // AboutNotice or AboutOpinion; empty is the notice
	Channel       string // paper or phone
	Receiver      string
	Post          string
	At            time.Time // when it was signed, or the call was made
	Said          string    // what was read out, for a call
	Scan          Scan      // the signed slip, for paper
	Once          once.Key
}

// ServeByHand records a notice, or the word that an opinion is due, served on paper
// or by telephone. Refusals: wrong_window, opinion_not_due, service_time (before it
// was made or in the future), scan_missing, receiver_missing, scan_type, scan_size,
// service_channel, service_about.
func (d *Desk) ServeByHand(ctx context.Context, by auth.Actor, r HandServiceRequest) error {
	d = d.still()
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, d.serveByHand(ctx, tx, by, r)
	})
	return err
}

func (d *Desk) serveByHand(ctx context.Context, tx bun.IDB, by auth.Actor, r HandServiceRequest) error {
	return actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		s, madeAt, err := handed(ctx, tx, p, r.About)
		if err != nil {
			return nil, err
		}
		if err := d.checkHand(r, madeAt); err != nil {
			return nil, err
		}
		scan := scanRow{}
		s.Class, s.Channel, s.ServedAt = "C", r.Channel, r.At.UTC().Truncate(time.Millisecond)
		if r.Channel == "paper" {
			s.Class = "A"
			if scan, err = storeScan(ctx, tx, p.ID, r.Scan, by.String(), d.now()); err != nil {
				return nil, err
			}
		}
		s.Source, s.by, s.scanSum = r.Channel+"/"+newID(), by, scan.SHA256
		s.Detail = map[string]string{"receiver": r.Receiver, "post": r.Post, "said": r.Said, "scan": scan.ID, "clerk": by.ID}
		return d.recordService(ctx, tx, p, v, s)
	})
}

// handed is what a person serves, and since when it has existed. A slip may have
// been signed before T3 moved, so the first word on an opinion counts.
func handed(ctx context.Context, tx bun.IDB, p Participant, about string) (s Service, madeAt time.Time, err error) {
	switch about {
	case "", AboutNotice:
		n, err := findNotice(ctx, tx, p)
		return Service{NoticeID: n.ID, About: AboutNotice, Round: p.Round}, n.ComposedAt, err
	case AboutOpinion:
	default:
		return s, madeAt, fault.Refuse(fault.Invalid, "service_about",
			"送达的只能是应约通知或者出具意见的通知", "serve the notice of the visit, or the word that an opinion is due")
	}
	_, err = findDeadline(ctx, tx, p.ID, p.Round, DeadlineOpinion)
	if fault.KindOf(err) == fault.NotFound {
		return s, madeAt, fault.Refuse(fault.Conflict, "opinion_not_due",
			"该部门没有待出具的意见，不用送达；请刷新页面", "no opinion of this department is due, so there is nothing to serve; load the page again")
	}
	if err != nil {
		return s, madeAt, err
	}
	words, err := inboxWords(ctx, tx, p.ID, notify.PurposeOpinionDue)
	if len(words) > 0 {
		madeAt = words[0].ComposedAt
	}
	return Service{About: AboutOpinion, Round: p.Round}, madeAt, err
}

// inboxWords are the letters of a purpose as a department's inbox has them, oldest
// first. They carry no link and no code, so they are what is printed (INS-1106).
func inboxWords(ctx context.Context, q bun.IDB, participantID, purpose string) ([]notify.Message, error) {
	sent, err := notify.ListBySubject(ctx, q, participantID, purpose)
	return slices.DeleteFunc(sent, func(m notify.Message) bool { return m.Channel != notify.Portal || m.Text == "" }), err
}

// checkHand refuses a served time in the future or before what was served had been
// made (INS-707).
func (d *Desk) checkHand(r HandServiceRequest, madeAt time.Time) error {
	switch {
	case r.Channel != "paper" && r.Channel != "phone":
		return fault.Refuse(fault.Invalid, "service_channel", "送达方式只能是书面或电话", "serve by paper or by phone")
	case strings.TrimSpace(r.Receiver) == "":
		return fault.Refuse(fault.Invalid, "receiver_missing", "请填写签收人或接听人姓名", "name the person who received it")
	case madeAt.IsZero() || r.At.Before(madeAt) || r.At.After(d.now()):
		return fault.Refuse(fault.Invalid, "service_time",
			"送达时间不能早于通知生成时间，也不能晚于现在", "the time of service must lie between the making of the notice and now")
	case r.Channel == "paper" && len(r.Scan.Bytes) == 0:
		return scanMissing()
	}
	if err := office.CheckLines(line("receiver", r.Receiver), line("post", r.Post), line("name", r.Scan.Name)); err != nil {
		return err
	}
	return office.CheckText("said", r.Said, textLength)
}

// wordArrived ends the task to serve the word by hand once a proof of it counts
// (INS-933). T3 does not start with it, so nothing else changes.
func (d *Desk) wordArrived(ctx context.Context, tx bun.IDB, p Participant, v Visit, s Service) error {
	g, err := d.ground(ctx, tx, v, p.DepartmentID)
	if err != nil || !classCounts(s.Class, g.rules.ServiceMinClass) {
		return err
	}
	return finishTasks(ctx, tx, TaskServeByHand, p.ID, d.now(), s.recordedBy(), "出具意见的通知已送达")
}
