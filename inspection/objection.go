package inspection

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
)

// Objection (异议) is what a department says against the Case itself before the
// visit: a draft of its opinion, which needs no signature. Until it is withdrawn or
// settled, no silence of the department in this visit counts (INS-814).
type Objection struct {
	bun.BaseModel `bun:"table:objections" json:"-"`

	ID            string           `bun:"id,pk" json:"id"`
	ParticipantID string           `json:"participant_id"`
	VisitID       string           `json:"visit_id"`
	Round         int              `json:"round"`
	Text          string           `json:"text"`
	Channel       string           `json:"channel"` // portal link phone
	Strength      int              `json:"strength"`
	GivenBy       string           `json:"given_by"`
	RaisedAt      time.Time        `json:"raised_at"`
	RecordedBy    string           `json:"recorded_by"`
	Outcome       ObjectionOutcome `json:"outcome,omitempty"`
	Decision      string           `json:"decision,omitempty"`
	EndedBy       string           `json:"ended_by,omitempty"`
	EndedAt       time.Time        `bun:",nullzero" json:"ended_at,omitzero"`
}

// Open reports whether it still stands against every silence.
func (o Objection) Open() bool { return o.EndedAt.IsZero() }

// ObjectionOutcome says what ended an Objection.
type ObjectionOutcome string

// Outcomes of an Objection.
const (
	ObjectionSettled   ObjectionOutcome = "settled"   // by a supervisor, with a reason
	ObjectionWithdrawn ObjectionOutcome = "withdrawn" // by the department
	ObjectionOpined    ObjectionOutcome = "opined"    // the department signed its opinion
	ObjectionOver      ObjectionOutcome = "over"      // the visit is over, or goes on without the department
)

// ObjectionRequest is what a department objects. GivenBy is who rang, when the
// window enters a call.
type ObjectionRequest struct {
	ParticipantID string
	Text          string
	Channel       string // portal, or phone
	GivenBy       string
	Once          once.Key

	link auth.Link // set by ObjectByLink alone
}

// ObjectByLink takes an objection from the page behind an answer link, with its
// code: like a no it can only cause a telephone call (INS-804). Refusals: those of
// auth.UseLink and of Object.
func (d *Desk) ObjectByLink(ctx context.Context, token, code string, r ObjectionRequest) (Objection, error) {
	link, err := d.Auth.UseLink(ctx, token, code)
	if err != nil {
		return Objection{}, err
	}
	if link.Purpose != linkReply {
		return Objection{}, notFound()
	}
	r.link, r.ParticipantID, r.Channel = link, link.Subject, "link"
	return d.Object(ctx, link.Actor(), r)
}

// Object records what a department says against the Case itself before the visit,
// with a hold and a task for the supervisor (INS-814, O1). It answers
// nothing: whether the department comes is asked all the same. Somebody of the
// department may, the holder of an answer link, and a clerk on a call. Refusals:
// not_found, not_your_department, not_a_window, wrong_window, receiver_missing,
// reason_missing, text_invalid, visit_over.
func (d *Desk) Object(ctx context.Context, by auth.Actor, r ObjectionRequest) (Objection, error) {
	d = d.still()
	if err := checkText("objection", r.Text, textLength); err != nil {
		return Objection{}, err
	}
	if err := office.CheckLines(line("given_by", r.GivenBy)); err != nil {
		return Objection{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (o Objection, err error) {
		err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) (leaves []audit.Leaf, err error) {
			o, leaves, err = d.object(ctx, tx, by, p, v, r)
			return leaves, err
		})
		return o, err
	})
}

func (d *Desk) object(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, r ObjectionRequest) (Objection, []audit.Leaf, error) {
	strength, err := d.strength(ctx, tx, by, p, v, ReplyRequest{Channel: r.Channel, GivenBy: r.GivenBy, link: r.link})
	if err != nil {
		return Objection{}, nil, err
	}
	if !v.booked() || p.Consent == ConsentWithdrawn {
		return Objection{}, nil, fault.Refuse(fault.Conflict, "visit_over",
			"勘验已开始或已结束，请在出具意见时写明", "the visit has begun or ended; say it with your opinion instead")
	}
	o := Objection{
		ID: newID(), ParticipantID: p.ID, VisitID: v.ID, Round: v.Round, Text: r.Text, Channel: r.Channel, Strength: strength,
		GivenBy: r.GivenBy, RaisedAt: d.now(), RecordedBy: by.String(),
	}
	if o.GivenBy == "" {
		o.GivenBy = by.Name
	}
	if err := insertObjection(ctx, tx, &o); err != nil {
		return o, nil, err
	}
	leaf := participantLeaf("objection", p, by.String(), d.now(), map[string]any{
		"objection": o.ID, "channel": o.Channel, "strength": strength,
	})
	held, err := d.holdObjection(ctx, tx, p, v, o)
	return o, append([]audit.Leaf{leaf}, held...), err
}

// holdObjection puts it before the supervisor. One against a deemed consent opens
// its review (O8).
func (d *Desk) holdObjection(ctx context.Context, tx bun.IDB, p Participant, v Visit, o Objection) ([]audit.Leaf, error) {
	leaves, err := raiseHold(ctx, tx, p, HoldRow{Reason: HoldObjection, Source: o.ID, Detail: o.Text, Since: d.now()})
	if err != nil {
		return nil, err
	}
	err = raiseTask(ctx, tx, v, Task{
		Kind: TaskObjection, Subject: o.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: p.Name + "对办件提出异议，请主管办理；办结前不会视为同意：" + o.Text,
	})
	switch {
	case err != nil:
	case p.Opinion == OpinionNone:
		err = setOpinion(ctx, tx, p, OpinionNone, OpinionDraft) // O1
	case p.Opinion == OpinionDeemed:
		err = d.review(ctx, tx, p, v, p.Name+"已视为同意，又对办件提出异议，请主管复核")
	}
	return leaves, err
}

// WithdrawObjection takes back what a department objects. Like a yes it needs a
// signed-in person of the department (INS-804). Refusals: not_found,
// not_your_department, no_objection.
func (d *Desk) WithdrawObjection(ctx context.Context, by auth.Actor, participantID string, key once.Key) error {
	d = d.still()
	return d.settleObjections(ctx, participantID, key, func(tx bun.IDB, p Participant, _ Visit) ([]audit.Leaf, error) {
		if err := mayAnswer(by, p.DepartmentID); err != nil {
			return nil, err
		}
		return d.endObjections(ctx, tx, by, p, objectionEnd{outcome: ObjectionWithdrawn})
	})
}

// SettleObjection is the supervisor's answer to what a department objects, with the
// reason that it is told. The visit goes on; the department has at least until the
// end of the next working day to answer (C8). To follow the objection instead the
// visit is cancelled or the department withdrawn. Refusals: not_found,
// not_a_window, wrong_window, not_supervisor, no_objection, reason_missing,
// text_invalid.
func (d *Desk) SettleObjection(ctx context.Context, by auth.Actor, r RefuseRequest) error {
	d = d.still()
	if err := checkText("reason", r.Reason, reasonLength); err != nil {
		return err
	}
	return d.settleObjections(ctx, r.ParticipantID, r.Once, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		leaves, err := d.endObjections(ctx, tx, by, p, objectionEnd{outcome: ObjectionSettled, decision: r.Reason})
		if err != nil || len(leaves) == 0 {
			return nil, err
		}
		return leaves, d.queueTo(ctx, tx, p, outgoing{
			purpose: notify.PurposeObjection, key: newID(), only: []string{notify.Portal, notify.Mail},
			until: latest(v.Start, d.now()).Add(24 * time.Hour), facts: messageFacts{Reason: r.Reason},
		})
	})
}

// settleObjections ends what is open, and gives the department the time that it had
// not while the doubt stood.
func (d *Desk) settleObjections(ctx context.Context, participantID string, key once.Key, end func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error)) error {
	_, err := once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnParticipant(ctx, tx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
			leaves, err := end(tx, p, v)
			if err != nil {
				return nil, err
			}
			if len(leaves) == 0 {
				return nil, fault.Refuse(fault.Conflict, "no_objection",
					"该部门没有待办理的异议，请刷新后核对", "no objection of this department is open; reload and check")
			}
			moved, err := d.extendAfterDoubt(ctx, tx, p, v)
			return append(leaves, moved...), err
		})
	})
	return err
}

// objectionEnd is how objections end.
type objectionEnd struct {
	outcome  ObjectionOutcome
	decision string
}

// endObjections ends the open ones of a department with their holds and tasks. Their
// words stay on record.
func (d *Desk) endObjections(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, end objectionEnd) ([]audit.Leaf, error) {
	rows, err := listObjections(ctx, tx, []string{p.ID})
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, o := range rows {
		if !o.Open() {
			continue
		}
		o.Outcome, o.Decision, o.EndedBy, o.EndedAt = end.outcome, end.decision, by.String(), d.now()
		if err := closeObjection(ctx, tx, o); err != nil {
			return nil, err
		}
		if err := finishTasks(ctx, tx, TaskObjection, o.ID, d.now(), by.String(), end.decision); err != nil {
			return nil, err
		}
		leaves = append(leaves, participantLeaf("objection_ended", p, by.String(), d.now(), map[string]any{
			"objection": o.ID, "outcome": string(end.outcome),
		}))
	}
	if len(leaves) == 0 {
		return nil, nil
	}
	ended, err := d.closeHolds(ctx, tx, p, string(end.outcome), func(r HoldReason) bool { return r == HoldObjection })
	if err != nil {
		return nil, err
	}
	return append(leaves, ended...), endDraft(ctx, tx, p)
}

// endDraft takes the track back to none where the objection was all there was.
func endDraft(ctx context.Context, tx bun.IDB, p Participant) error {
	now, err := findParticipant(ctx, tx, p.ID)
	if err != nil || now.Opinion != OpinionDraft {
		return err
	}
	if _, other, err := openDraft(ctx, tx, p); err != nil || other {
		return err
	}
	return setOpinion(ctx, tx, p, OpinionDraft, OpinionNone)
}
