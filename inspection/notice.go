package inspection

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// Notice (应约通知) is the legal notice to one Participant for one Round. It
// goes by several channels; its bytes are made once per channel when they are
// sent (SIM-5). PrintedDue assumes service on the sending day (INS-703).
type Notice struct {
	bun.BaseModel `bun:"table:notices" json:"-"`

	ID            string            `bun:"id,pk" json:"id"`
	ParticipantID string            `json:"participant_id"`
	VisitID       string            `json:"visit_id"`
	Round         int               `json:"round"`
	Version       int               `json:"version"`           // of the round's notice to this department, from 1
	Refuses       string            `json:"refuses,omitempty"` // the reply that it tells refused (INS-811, INS-812)
	Number        string            `json:"number"`
	QueuedAt      time.Time         `json:"queued_at"`
	ComposedAt    time.Time         `bun:",nullzero" json:"composed_at,omitzero"`
	PrintedDue    time.Time         `bun:",nullzero" json:"printed_due,omitzero"`
	Deadline      *workday.Deadline `bun:"type:jsonb" json:"deadline,omitempty"`
}

// messageFacts is what an act leaves for the sending sweep: ids and words that
// are in no row. Everything else is read from the rows when the bytes are made.
type messageFacts struct {
	Notice   string    `json:"notice,omitempty"`
	Reply    string    `json:"reply,omitempty"`
	Superior string    `json:"superior,omitempty"` // who is told of a deemed consent, besides
	Reason   string    `json:"reason,omitempty"`   // or the decision on an objection
	Due      time.Time `json:"due,omitzero"`       // of an opinion
	Changes  string    `json:"changes,omitempty"`  // to the applicant: who comes, as it changed
	Contest  string    `json:"contest,omitempty"`  // that was decided

	Withdrawn    bool   `json:"withdrawn,omitempty"`    // a cancellation to one department alone
	Substitution string `json:"substitution,omitempty"` // to the people whom it concerns
}

// noticeNumber is how notices are numbered.
const noticeNumber = "应约〔%[2]d〕%[1]s-%06[3]d"

// notices writes the notice of each participant, on the booking's transaction
// (PRO-3), and gives one message for each way to its department (INS-701).
func (d *Desk) notices(ctx context.Context, tx bun.IDB, ps []Participant, v Visit) ([]notify.Message, error) {
	numbers, err := nextNumbers(ctx, tx, "notice/"+v.Division, d.now(), noticeNumber, len(ps))
	if err != nil {
		return nil, err
	}
	rows := make([]Notice, len(ps))
	for i, p := range ps {
		rows[i] = Notice{ID: newID(), ParticipantID: p.ID, VisitID: v.ID, Round: v.Round, Version: 1, Number: numbers[i], QueuedAt: d.now()}
	}
	if err := insertNotices(ctx, tx, rows); err != nil {
		return nil, err
	}
	return d.letters(ctx, tx, ps, func(i int) outgoing {
		n := rows[i].ID
		return outgoing{purpose: notify.PurposeNotice, key: n, legal: true, until: v.Start, facts: messageFacts{Notice: n}}
	})
}

// outgoing is one thing to tell one department, whatever the channels.
type outgoing struct {
	purpose string
	key     string
	legal   bool
	only    []string // channels, empty = all
	at      time.Time
	until   time.Time
	facts   messageFacts
}

// queueTo tells one department.
func (d *Desk) queueTo(ctx context.Context, tx bun.IDB, p Participant, o outgoing) error {
	return d.queueToAll(ctx, tx, []Participant{p}, o)
}

// queueToAll tells the same to all.
func (d *Desk) queueToAll(ctx context.Context, tx bun.IDB, ps []Participant, o outgoing) error {
	out, err := d.letters(ctx, tx, ps, func(int) outgoing { return o })
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), out...)
}

// letters makes the messages of what each department is told.
func (d *Desk) letters(ctx context.Context, q bun.IDB, ps []Participant, tell func(i int) outgoing) ([]notify.Message, error) {
	departments := make([]string, len(ps))
	for i, p := range ps {
		departments[i] = p.DepartmentID
	}
	all, err := office.AddressesOf(ctx, q, departments, d.now())
	if err != nil {
		return nil, err
	}
	of := map[string][]office.Address{}
	for _, a := range all {
		of[a.Department] = append(of[a.Department], a)
	}
	var out []notify.Message
	for i, p := range ps {
		ms, err := tell(i).to(p, of[p.DepartmentID])
		if err != nil {
			return nil, err
		}
		out = append(out, ms...)
	}
	return out, nil
}

// to makes a message to every confirmed address of the department, and always
// to its inbox here. Key: purpose/notice/contact/channel (DEC-3).
func (o outgoing) to(p Participant, confirmed []office.Address) ([]notify.Message, error) {
	facts, err := json.Marshal(o.facts)
	if err != nil {
		return nil, err
	}
	var out []notify.Message
	for _, a := range withPortal(confirmed, p.DepartmentID) {
		if a.Channel == office.Paper || !o.wants(string(a.Channel)) {
			continue
		}
		m := notify.Message{
			Key:     o.purpose + "/" + o.key + "/" + a.ID + "/" + string(a.Channel),
			Purpose: o.purpose, Channel: string(a.Channel), Address: a.Value, Lang: "zh", Legal: o.legal,
			Subject: p.ID, Contact: a.ID, Stream: departmentStream(p.CaseID, p.DepartmentID),
			Facts: facts, NextAt: o.at, ValidUntil: o.until,
		}
		if m.Channel == notify.Portal {
			m.Address = p.DepartmentID
		}
		out = append(out, m)
	}
	return out, nil
}

func (o outgoing) wants(channel string) bool {
	return len(o.only) == 0 || slices.Contains(o.only, channel)
}

// withPortal adds the inbox when it is not confirmed: it then proves nothing
// by itself, but the department can still read and answer there.
func withPortal(addresses []office.Address, department string) []office.Address {
	if slices.ContainsFunc(addresses, func(a office.Address) bool { return a.Channel == office.Portal }) {
		return addresses
	}
	return append(addresses, office.Address{ID: "inbox-" + department, Department: department, Channel: office.Portal})
}

// dropUnsent takes back what is still unsent of a visit (INS-713), but for what
// is owed whatever becomes of it.
func (d *Desk) dropUnsent(ctx context.Context, tx bun.IDB, visitID string) error {
	participants, err := listParticipants(ctx, tx, visitID)
	if err != nil {
		return err
	}
	for _, p := range participants {
		if err := notify.Cancel(ctx, tx, d.now(), p.ID, keptOnChange...); err != nil {
			return err
		}
	}
	return notify.Cancel(ctx, tx, d.now(), visitID) // the applicant's messages
}

// queueCancel tells everyone who was sent anything, served or not (INS-608).
func (d *Desk) queueCancel(ctx context.Context, tx bun.IDB, v Visit) error {
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	participants = staying(participants) // who was withdrawn has been told
	until := latest(v.Start, d.now()).Add(24 * time.Hour)
	err = d.queueToAll(ctx, tx, participants, outgoing{
		purpose: notify.PurposeCancel, key: v.ID, until: until, facts: messageFacts{Reason: v.Reason},
	})
	if err != nil {
		return err
	}
	return d.queueApplicant(ctx, tx, v, notify.PurposeCancel, until)
}

// queueDemand asks the department's head for the real opinion where silence does
// not count (INS-911).
func (d *Desk) queueDemand(ctx context.Context, tx bun.IDB, p Participant, v Visit) error {
	return d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeDemand, key: fmt.Sprintf("%s.%d", v.ID, p.Round), until: latest(v.Start, d.now()).Add(24 * time.Hour),
	})
}

// queueReceipt answers every reply at once (INS-809).
func (d *Desk) queueReceipt(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) error {
	return d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeReceipt, key: r.ID, only: []string{notify.Portal, notify.Mail},
		until: latest(v.Start, d.now()).Add(7 * 24 * time.Hour), facts: messageFacts{Reply: r.ID},
	})
}

// queueReleased tells a department that it need not come and owes its opinion in
// writing (INS-812).
func (d *Desk) queueReleased(ctx context.Context, tx bun.IDB, p Participant, v Visit, r Reply) error {
	return d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeReleased, key: r.ID, only: []string{notify.Portal, notify.Mail},
		until: latest(v.Start, d.now()).Add(24 * time.Hour), facts: messageFacts{Reason: r.Decision},
	})
}

// queueApplicant tells the applicant time and place, or that the visit is
// cancelled (INS-714). The applicant's silence has no legal effect.
func (d *Desk) queueApplicant(ctx context.Context, tx bun.IDB, v Visit, purpose string, until time.Time) error {
	c, err := findCase(ctx, tx, v.CaseID)
	if err != nil {
		return err
	}
	out, err := toApplicant(c, v, purpose, until)
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), out...)
}

// toApplicant makes the messages to a phone and a mail address, where given.
func toApplicant(c Case, v Visit, purpose string, until time.Time) ([]notify.Message, error) {
	return applicantLetters(c, v, outgoing{
		purpose: purpose, key: fmt.Sprintf("%s.%d", v.ID, v.Round), until: until, facts: messageFacts{Reason: v.Reason},
	})
}

func applicantLetters(c Case, v Visit, o outgoing) ([]notify.Message, error) {
	facts, err := json.Marshal(o.facts)
	if err != nil {
		return nil, err
	}
	var out []notify.Message
	for _, to := range [][2]string{{notify.SMS, c.Applicant.Phone}, {notify.Mail, c.Applicant.Email}} {
		if to[1] == "" {
			continue
		}
		out = append(out, notify.Message{
			Key: fmt.Sprintf("%s/%s/applicant/%s", o.purpose, o.key, to[0]), Purpose: o.purpose, Channel: to[0], Address: to[1],
			Lang: "zh", Subject: v.ID, Contact: applicantContact, Stream: caseStream(v.CaseID), Facts: facts, ValidUntil: o.until,
		})
	}
	return out, nil
}

// settle confirms the visit once every required department is settled and the
// lead has not declined (V5, DEC-4), and gives those who are to be told who comes.
func (d *Desk) settle(ctx context.Context, tx bun.IDB, v Visit) ([]Participant, []audit.Leaf, error) {
	if v.State != VisitOffered {
		return nil, nil, nil
	}
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil || !allSettled(participants) {
		return nil, nil, err
	}
	if err := moveVisit(ctx, tx, &v, "settle"); err != nil {
		return nil, nil, err
	}
	participants = staying(participants)
	return participants, []audit.Leaf{visitLeaf("visit_confirmed", v, systemActor.String(), d.now(), nil)}, nil
}

// confirmedWord says who comes, each time the visit is confirmed: a department that
// was added makes it wait again (INS-308).
func confirmedWord(v Visit) outgoing {
	return outgoing{
		purpose: notify.PurposeConfirmed, key: fmt.Sprintf("%s.%d.%d", v.ID, v.Round, v.Version), only: []string{notify.Portal, notify.Mail}, until: v.Start,
	}
}

func allSettled(participants []Participant) bool {
	for _, p := range participants {
		if !p.Required {
			continue
		}
		switch p.Consent {
		case ConsentAccepted, ConsentDeemed, ConsentWithdrawn:
		case ConsentDeclined, ConsentExcused:
			if p.Lead {
				return false
			}
		default:
			return false
		}
	}
	return true
}
