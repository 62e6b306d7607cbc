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
)

// EarlyStart is how long before its time the window may start a visit (V8).
const EarlyStart = 60 * time.Minute

// OpinionKind is what a department says after the visit (INS-1008).
type OpinionKind string

// Kinds of Opinion.
const (
	Agree    OpinionKind = "agree"
	Rectify  OpinionKind = "rectify" // with at least one item
	Disagree OpinionKind = "disagree"
	Deferred OpinionKind = "deferred" // with a ground: no opinion yet, due at T3 all the same (O3)
)

// Grounds of a deferral; there is no other (INS-1010).
const (
	GroundCollective = "collective_decision"
	GroundTest       = "test_result"
)

// Opinion is what one department says about the visit, in its own words.
type Opinion struct {
	bun.BaseModel `bun:"table:opinions" json:"-"`

	ID            string        `bun:"id,pk" json:"id"`
	ParticipantID string        `json:"participant_id"`
	VisitID       string        `json:"visit_id"`
	Round         int           `json:"round"`
	Kind          OpinionKind   `json:"kind"`
	Text          string        `json:"text"`
	Items         []RectifyItem `bun:"type:jsonb" json:"items,omitempty"`
	GivenBy       string        `json:"given_by"`
	GivenName     string        `json:"given_name"`
	GivenAt       time.Time     `json:"given_at"`
	Ground        string        `json:"ground,omitempty"`                   // of a deferral
	SignedAt      time.Time     `bun:",nullzero" json:"signed_at,omitzero"` // by everybody who has to; before it is a draft
	DroppedAt     time.Time     `bun:",nullzero" json:"dropped_at,omitzero"`
	DroppedBy     string        `json:"dropped_by,omitempty"`
	DroppedWhy    string        `json:"dropped_why,omitempty"`

	Signatures []Signature `bun:"-" json:"signatures,omitempty"` // when a view reads them
}

// Start begins the visit on site (V8), not earlier than an hour before its
// time. From then on nobody's silence counts any more, so the clocks stop and
// the doubts about it end. Refusals: not_found, not_a_window, wrong_window,
// bad_move, too_early.
func (d *Desk) Start(ctx context.Context, by auth.Actor, visitID string) (Visit, error) {
	d = d.still()
	return d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if d.now().Before(v.Start.Add(-EarlyStart)) {
			return nil, fault.Refuse(fault.Invalid, "too_early",
				"勘验开始前一小时内才能点“开始”", "a visit can be started from one hour before its time")
		}
		var err error
		v.StartedAt = d.now()
		if v.GraceUntil, err = d.graceUntil(ctx, tx, *v); err != nil {
			return nil, err
		}
		if err := moveVisit(ctx, tx, v, "Start", "started_at", "grace_until"); err != nil {
			return nil, err
		}
		leaves, err := d.endSilences(ctx, tx, *v)
		if err != nil {
			return nil, err
		}
		if err := endVisitDeadlines(ctx, tx, v.ID); err != nil {
			return nil, err
		}
		leaf := visitLeaf("visit_started", *v, by.String(), d.now(), map[string]any{"grace_until": stamp(v.GraceUntil)})
		return append(leaves, leaf), d.expectPeople(ctx, tx, *v)
	})
}

func (d *Desk) endSilences(ctx context.Context, tx bun.IDB, v Visit) ([]audit.Leaf, error) {
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, p := range participants {
		ended, err := d.endSilence(ctx, tx, p, string(v.State))
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, ended...)
	}
	return leaves, nil
}

// EndSite ends the site part (V9): opinions are collected from now on. Everybody on
// the site has seen what all ask for by then (INS-1011). Refusals: wrong_window,
// bad_move, items_unseen, items_contrary.
func (d *Desk) EndSite(ctx context.Context, by auth.Actor, visitID string) (Visit, error) {
	d = d.still()
	return d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if err := itemsShared(ctx, tx, *v); err != nil {
			return nil, err
		}
		v.SiteEndedAt = d.now()
		if err := moveVisit(ctx, tx, v, "EndSite", "site_ended_at"); err != nil {
			return nil, err
		}
		leaves, err := d.endPresence(ctx, tx, *v)
		if err != nil {
			return nil, err
		}
		due, err := d.awaitSilences(ctx, tx, *v)
		if err == nil {
			err = d.dueToClose(ctx, tx, v.ID)
		}
		return slices.Concat([]audit.Leaf{visitLeaf("site_ended", *v, by.String(), d.now(), nil)}, leaves, due), err
	})
}

// NotHeld ends a visit that could not take place (V10): applicant absent, site
// locked, danger. Nobody is deemed for it; the case may be booked again. That
// the applicant is absent can be said once the grace is over (INS-1005).
// Refusals: wrong_window, bad_move, reason_missing, reason_code, applicant_here,
// grace_runs.
func (d *Desk) NotHeld(ctx context.Context, by auth.Actor, visitID, code, reason string) (Visit, error) {
	return d.still().finish(ctx, by, ending{visitID: visitID, act: "NotHeld", code: code, reason: reason})
}

// OpinionRequest is what a department's person signs.
type OpinionRequest struct {
	ParticipantID string
	Kind          OpinionKind
	Text          string
	Items         []RectifyItem
	Ground        string // of a deferral
	Once          once.Key
}

// Opine records a department's opinion with the signature of who writes it, a
// signed-in person of it (L2), while the visit runs or opinions are collected.
// It counts when everybody who was there has signed (O1, O2; sign.go); a second
// one corrects the first (O7). A deemed department may still come: agreement is attached,
// anything else goes to a supervisor (O8, INS-915). Refusals: not_found,
// not_your_department, visit_not_running, opinion_kind, opinion_items,
// absent_by_photo, ground_missing, deferral_ground, deferral_late.
func (d *Desk) Opine(ctx context.Context, by auth.Actor, r OpinionRequest) (Opinion, error) {
	d = d.still()
	o, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Opinion, error) { return d.opine(ctx, tx, by, r) })
	return o, d.recordRefusal(ctx, by, "opine", r.ParticipantID, err)
}

func (d *Desk) opine(ctx context.Context, tx bun.IDB, by auth.Actor, r OpinionRequest) (out Opinion, err error) {
	err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := mayAnswer(by, p.DepartmentID); err != nil {
			return nil, err
		}
		if err := takesOpinions(v); err != nil {
			return nil, err
		}
		if err := r.check(); err != nil {
			return nil, err
		}
		if toBeSeen(r.Items) {
			if err := d.mayLookAgain(ctx, tx, p, v); err != nil {
				return nil, err
			}
		}
		if err := recordComplete(ctx, tx, p, v, r); err != nil {
			return nil, err
		}
		var leaves []audit.Leaf
		out, leaves, err = d.write(ctx, tx, by, p, v, newID(), r)
		return leaves, err
	})
	return out, err
}

// write stores an opinion under an id, in the place of one that waited for
// signatures, with the first signature under it.
func (d *Desk) write(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, id string, r OpinionRequest) (Opinion, []audit.Leaf, error) {
	if err := r.onList(ctx, tx, p, v); err != nil {
		return Opinion{}, nil, err
	}
	o := Opinion{
		ID: id, ParticipantID: p.ID, VisitID: v.ID, Round: v.Round, Kind: r.Kind, Text: r.Text, Items: r.Items,
		GivenBy: by.ID, GivenName: by.Name, GivenAt: d.now(), Ground: r.Ground,
	}
	if r.Kind != Deferred {
		o.Ground = ""
	}
	dropped, err := d.replaceDraft(ctx, tx, by, p)
	if err != nil {
		return o, nil, err
	}
	if err := insertOpinion(ctx, tx, &o); err != nil {
		return o, nil, err
	}
	leaf := participantLeaf("opinion", p, by.String(), d.now(), map[string]any{
		"opinion": o.ID, "kind": string(r.Kind), "items": len(r.Items),
	})
	s, err := signerOf(ctx, tx, by, p, v)
	if err != nil {
		return o, nil, err
	}
	s.RecordedBy = by.String()
	signed, err := d.sign(ctx, tx, p, v, &o, s)
	if err != nil {
		return o, nil, err
	}
	ended, err := d.endPairs(ctx, tx, v)
	return o, slices.Concat(dropped, []audit.Leaf{leaf}, signed, ended), err
}

func (d *Desk) moveOpinion(ctx context.Context, tx bun.IDB, p Participant, v Visit, kind OpinionKind) error {
	if kind == Deferred {
		return deferOpinion(ctx, tx, p)
	}
	switch p.Opinion {
	case OpinionNone, OpinionDraft, OpinionDeferred:
		if err := endDeadlines(ctx, tx, p.ID, p.Round, DeadlineOpinion, DeadlineNoShow); err != nil {
			return err
		}
		done := Task{Subject: p.ID, DoneAt: d.now(), DoneBy: systemActor.String(), Note: "已出具意见"}
		if err := finishTask(ctx, tx, silenceTasks, done); err != nil {
			return err
		}
		return setOpinion(ctx, tx, p, p.Opinion, OpinionGiven)
	case OpinionDeemed:
		if kind == Agree {
			return nil // attached; the deemed row stays
		}
		return d.review(ctx, tx, p, v, p.Name+"已视为同意，到场后提出不同意见，请主管复核")
	case OpinionReview:
		stands, err := effective(ctx, tx, p)
		if err != nil || stands || p.Consent == ConsentDeemed {
			return err // a supervisor decides first (INS-915)
		}
		// It answered in time: its own opinion counts (PRO-5, INS-1101).
		if err := finishTasks(ctx, tx, TaskReview, p.ID, d.now(), systemActor.String(), "已出具意见"); err != nil {
			return err
		}
		return setOpinion(ctx, tx, p, OpinionReview, OpinionGiven)
	case OpinionWaived:
		if p.Consent == ConsentWithdrawn { // from the visit (C14)
			return movedOn("bad_move")
		}
		return setOpinion(ctx, tx, p, OpinionWaived, OpinionGiven) // nobody waited for it any more, and there it is
	default: // given: a correction (O7)
		return nil
	}
}

// deferOpinion is move O3; T3 stays (INS-1010).
func deferOpinion(ctx context.Context, tx bun.IDB, p Participant) error {
	if p.Opinion == OpinionDeferred {
		return nil
	}
	if p.Opinion != OpinionNone && p.Opinion != OpinionDraft {
		return fault.Refuse(fault.Conflict, "deferral_late",
			"已有意见或已作出认定，不能再申请暂缓", "there is an opinion or an outcome already; it cannot be deferred any more")
	}
	return setOpinion(ctx, tx, p, p.Opinion, OpinionDeferred)
}

// effective reports whether a deemed consent of the round has its effect.
func effective(ctx context.Context, q bun.IDB, p Participant) (bool, error) {
	row, err := findDeemed(ctx, q, p)
	if fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil && row.SuspendedAt.IsZero(), err
}

// takesOpinions: from the start of the visit to its joint opinion.
func takesOpinions(v Visit) error {
	if v.State == VisitInProgress || v.State == VisitCollecting {
		return nil
	}
	return fault.Refuse(fault.Conflict, "visit_not_running",
		"勘验开始后才能出具意见", "opinions are given once the visit has started and until it is closed")
}

func (r OpinionRequest) check() error {
	if err := office.CheckText("text", r.Text, textLength); err != nil {
		return err
	}
	switch r.Kind {
	case Agree, Rectify: // its items: onList
		return nil
	case Disagree:
		if strings.TrimSpace(r.Text) == "" {
			return fault.Refuse(fault.Invalid, "ground_missing", "不同意请写明依据和理由", "a disagreement needs its clause and ground")
		}
		return nil
	case Deferred:
		if r.Ground != GroundCollective && r.Ground != GroundTest {
			return fault.Refuse(fault.Invalid, "deferral_ground",
				"暂缓出具意见只能因依法须集体研究，或者须等待检测结果", "an opinion is deferred for a collective decision or a test result, for nothing else")
		}
		return nil
	default:
		return fault.Refuse(fault.Invalid, "opinion_kind",
			"意见只能是同意、整改后复勘、不同意或暂缓出具", "an opinion is agree, rectify, disagree or deferred")
	}
}

// Uphold lets a deemed consent stand after review (O9): a supervisor's
// decision with a reason. One whose effect was suspended cannot stand again: a
// reply came in time, or no proof of service is left (PRO-5, INS-101). Refusals:
// not_supervisor, reason_missing, bad_move, reply_in_time, deemed_suspended.
func (d *Desk) Uphold(ctx context.Context, by auth.Actor, participantID, reason string) error {
	d = d.still()
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if err := checkText("reason", reason, reasonLength); err != nil {
			return nil, err
		}
		if err := upholdable(ctx, tx, p); err != nil {
			return nil, err
		}
		if err := setOpinion(ctx, tx, p, OpinionReview, OpinionDeemed); err != nil {
			return nil, err
		}
		leaf := participantLeaf("override", p, by.String(), d.now(), map[string]any{"decision": "upheld"})
		if err := finishTasks(ctx, tx, TaskReview, p.ID, d.now(), by.String(), reason); err != nil {
			return nil, err
		}
		return []audit.Leaf{leaf}, d.dueToClose(ctx, tx, v.ID)
	})
}

func upholdable(ctx context.Context, tx bun.IDB, p Participant) error {
	row, err := findDeemed(ctx, tx, p)
	if fault.KindOf(err) == fault.NotFound || err == nil && row.Reason == NoReply && p.Consent != ConsentDeemed {
		return fault.Refuse(fault.Conflict, "reply_in_time",
			"该部门没有视为同意，或已在期限内反馈，不能维持", "this department is not deemed to consent, or answered in time; there is nothing to uphold")
	}
	if err == nil && !row.SuspendedAt.IsZero() {
		err = fault.Refuse(fault.Conflict, "deemed_suspended",
			"送达证明已失效，视为同意不能维持；请两人办理撤销，并请该部门出具意见", "its proof of service has fallen, so the deemed consent cannot stand; reverse it by two persons and ask the department for its opinion")
	}
	if err != nil {
		return err
	}
	_, contested, err := openContest(ctx, tx, p)
	if contested {
		err = fault.Refuse(fault.Conflict, "contest_first",
			"该部门的送达异议还没有决定，请先决定异议，再维持或者撤销", "what the department says of its service is not decided; decide that first, then let the deemed consent stand or reverse it")
	}
	return err
}
