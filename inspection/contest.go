package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/notify"
)

// Contest (送达异议) is what a department says against the instant at which its
// notice is on record as served. Until a supervisor has decided, its silence counts
// for nothing (INS-712). The times as they stood and those that count since are kept.
type Contest struct {
	bun.BaseModel `bun:"table:contests" json:"-"`

	ID            string         `bun:"id,pk" json:"id"`
	ParticipantID string         `json:"participant_id"`
	VisitID       string         `json:"visit_id"`
	Round         int            `json:"round"`
	Reason        string         `json:"reason"`
	SaidAt        time.Time      `bun:",nullzero" json:"said_at,omitzero"` // when it says that the notice arrived
	ServedAt      time.Time      `json:"served_at"`                        // T1 as it stood
	RespondBy     time.Time      `json:"respond_by"`                       // T2 as it stood
	Class         string         `json:"class"`                            // of the proof behind T1
	Channel       string         `json:"channel"`
	RaisedBy      string         `json:"raised_by"`
	RaisedName    string         `json:"raised_name"`
	RaisedAt      time.Time      `json:"raised_at"`
	Outcome       ContestOutcome `json:"outcome,omitempty"`
	Decision      string         `json:"decision,omitempty"`
	NewServedAt   time.Time      `bun:",nullzero" json:"new_served_at,omitzero"`  // T1 since; none where the service is void
	NewRespondBy  time.Time      `bun:",nullzero" json:"new_respond_by,omitzero"` // T2 since
	EndedBy       string         `json:"ended_by,omitempty"`
	EndedName     string         `json:"ended_name,omitempty"`
	EndedAt       time.Time      `bun:",nullzero" json:"ended_at,omitzero"`
}

// Open reports whether it still waits for its decision.
func (c Contest) Open() bool { return c.EndedAt.IsZero() }

// Decided reports whether a supervisor has decided it.
func (c Contest) Decided() bool { return !c.Open() && c.Outcome != ContestOver }

// ContestOutcome says what ended a Contest.
type ContestOutcome string

// Outcomes of a Contest.
const (
	ContestRejected ContestOutcome = "rejected" // T1 stands
	ContestLater    ContestOutcome = "later"    // upheld: served, but later than on record
	ContestVoid     ContestOutcome = "void"     // upheld: not served; the notice goes out again
	ContestOver     ContestOutcome = "over"     // nobody decided: the department answered, or the round is over
)

// ContestRequest is what a department contests. Round is the one that it speaks of,
// SaidAt when by its own account the notice arrived; zero says nothing.
type ContestRequest struct {
	ParticipantID string
	Round         int
	Reason        string
	SaidAt        time.Time
	Once          once.Key
}

// ContestService records what a department says against T1, with a hold and a task
// for the supervisor (INS-712). An inspector or the head of the department may, once
// for each T1, until a working day after T2 (DEC-18). A deemed consent that rests on
// it comes under review (O8). Refusals: not_found, not_your_department,
// reason_missing, text_invalid, bad_move for another round, contest_open,
// nothing_served, contest_needless, contest_settled, contest_late, contest_time.
func (d *Desk) ContestService(ctx context.Context, by auth.Actor, r ContestRequest) (Contest, error) {
	d = d.still()
	if err := checkText("reason", r.Reason, textLength); err != nil {
		return Contest{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (c Contest, err error) {
		err = actOnParticipant(ctx, tx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) (leaves []audit.Leaf, err error) {
			if err := mayAnswer(by, p.DepartmentID); err != nil {
				return nil, err
			}
			c, leaves, err = d.contest(ctx, tx, by, p, v, r)
			return leaves, err
		})
		return c, err
	})
}

func (d *Desk) contest(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, r ContestRequest) (Contest, []audit.Leaf, error) {
	if r.Round != v.Round || p.Consent == ConsentWithdrawn {
		return Contest{}, nil, movedOn("bad_move")
	}
	if err := d.mayContest(ctx, tx, p, v); err != nil {
		return Contest{}, nil, err
	}
	c := Contest{
		ID: newID(), ParticipantID: p.ID, VisitID: v.ID, Round: p.Round, Reason: r.Reason, SaidAt: r.SaidAt.UTC().Truncate(time.Millisecond),
		ServedAt: p.ServedAt, RespondBy: p.RespondBy, Class: p.ServiceClass, RaisedBy: by.String(), RaisedName: by.Name, RaisedAt: d.now(),
	}
	if !r.SaidAt.IsZero() {
		if err := c.checkTime(r.SaidAt, d.now()); err != nil {
			return c, nil, err
		}
	}
	var err error
	if c.Channel, err = channelOfT1(ctx, tx, p); err != nil {
		return c, nil, err
	}
	if err := insertContest(ctx, tx, &c); err != nil {
		return c, nil, err
	}
	leaf := participantLeaf("service_contested", p, by.String(), d.now(), map[string]any{
		"contest": c.ID, "t1": stamp(c.ServedAt), "t2": stamp(c.RespondBy), "said": stamp(c.SaidAt),
	})
	held, err := d.holdContest(ctx, tx, p, v, c)
	return c, append([]audit.Leaf{leaf}, held...), err
}

// channelOfT1 is the way on which the notice came that started the clock.
func channelOfT1(ctx context.Context, tx bun.IDB, p Participant) (string, error) {
	standing, err := standingServices(ctx, tx, p, AboutNotice)
	if err != nil || len(standing) == 0 {
		return notify.Portal, err
	}
	i := slices.IndexFunc(standing, func(s Service) bool { return s.ServedAt.Equal(p.ServedAt) && s.Class == p.ServiceClass })
	return standing[max(i, 0)].Channel, nil
}

// holdContest puts it before the supervisor, and a deemed consent with it (O8).
func (d *Desk) holdContest(ctx context.Context, tx bun.IDB, p Participant, v Visit, c Contest) ([]audit.Leaf, error) {
	leaves, err := raiseHold(ctx, tx, p, HoldRow{Reason: HoldContest, Source: c.ID, Detail: c.Reason, Since: d.now()})
	if err != nil {
		return nil, err
	}
	err = raiseTask(ctx, tx, v, Task{
		Kind: TaskContest, Subject: p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: p.Name + "对通知的送达时间有异议，请核对送达记录后决定；决定前不会视为同意：" + c.Reason,
	})
	if err != nil || p.Consent != ConsentDeemed {
		return leaves, err
	}
	return leaves, d.review(ctx, tx, p, v, p.Name+"已视为同意，又对通知的送达时间提出异议；请先决定异议，再复核")
}

// mayContest refuses what cannot be contested now.
func (d *Desk) mayContest(ctx context.Context, q bun.IDB, p Participant, v Visit) error {
	earlier, err := listContests(ctx, q, []string{p.ID})
	if err != nil {
		return err
	}
	deemed, err := effective(ctx, q, p)
	if err != nil {
		return err
	}
	if err := contestable(p, v, deemed, earlier); err != nil {
		return err
	}
	until, err := d.contestableUntil(ctx, q, p, v)
	if err == nil && !d.now().Before(until) {
		err = fault.Refuse(fault.Conflict, "contest_late",
			"送达异议须在反馈期限后一个工作日内（%[1]s 前）提出；已视为同意的，可请主管办理撤销", "service can be contested until a working day after the deadline, %[1]s; a deemed consent can still be reversed by supervisors", minute(until))
	}
	return err
}

// contestable refuses where there is nothing, or nothing more, to contest. deemed
// says that a deemed consent of the round has its effect.
func contestable(p Participant, v Visit, deemed bool, earlier []Contest) error {
	switch {
	case slices.ContainsFunc(earlier, Contest.Open):
		return fault.Refuse(fault.Conflict, "contest_open",
			"贵部门已提出送达异议，请等待主管决定；决定前不会视为同意", "your department contests this service already; wait for the supervisor's decision, and until then nothing is deemed")
	case p.ServedAt.IsZero():
		return fault.Refuse(fault.Conflict, "nothing_served",
			"本轮通知还没有送达记录，期限没有起算，不用提出异议", "no service of this round's notice is on record, so no term runs; there is nothing to contest")
	case !p.restsOnT1(v, deemed):
		return fault.Refuse(fault.Conflict, "contest_needless",
			"送达时间已不影响贵部门：已经答复、不作视为同意，或者勘验已经办结；仍有意见的，请联系综合窗口",
			"nothing rests on the time of service any more: your department has answered, is never deemed to consent, or the visit is closed; call the window if something is wrong all the same")
	case slices.ContainsFunc(earlier, func(c Contest) bool { return c.settles(p) }):
		return fault.Refuse(fault.Conflict, "contest_settled",
			"这一送达时间主管已经决定过，不能再次提出；仍有意见的，请联系综合窗口", "a supervisor has decided about this time of service already; call the window if something is wrong all the same")
	}
	return nil
}

// contestLimit fills in until when the reader's department may contest its service.
func (d *Desk) contestLimit(ctx context.Context, q bun.IDB, by auth.Actor, v *VisitView) error {
	for i, p := range v.Participants {
		deemed := p.Deemed != nil && p.Deemed.SuspendedAt.IsZero()
		if mayAnswer(by, p.DepartmentID) != nil || contestable(p.Participant, v.Visit, deemed, p.Contests) != nil {
			continue
		}
		until, err := d.contestableUntil(ctx, q, p.Participant, v.Visit)
		if err != nil {
			return err
		}
		if d.now().Before(until) {
			v.Participants[i].ContestUntil = until
		}
	}
	return nil
}

// restsOnT1: its silence counts, or has counted, from the arrival of the notice.
func (p Participant) restsOnT1(v Visit, deemed bool) bool {
	waits := p.Consent == ConsentAwaiting && v.booked()
	return p.Required && (waits || p.Consent == ConsentDeemed && deemed && v.State != VisitClosed)
}

// settles: it was decided about the T1 that the department has, or made it.
func (c Contest) settles(p Participant) bool {
	return c.Decided() && c.Round == p.Round && (c.ServedAt.Equal(p.ServedAt) || c.NewServedAt.Equal(p.ServedAt))
}

// contestableUntil is the end of the working day after T2, zero without one.
func (d *Desk) contestableUntil(ctx context.Context, q bun.IDB, p Participant, v Visit) (time.Time, error) {
	if p.RespondBy.IsZero() {
		return time.Time{}, nil
	}
	g, err := d.ground(ctx, q, v, p.DepartmentID)
	if err != nil {
		return time.Time{}, err
	}
	next, err := g.cal.Following(p.RespondBy, 1, g.hours)
	return next.Due, err
}

// checkTime wants an instant of service after the one on record that has come.
func (c Contest) checkTime(at, now time.Time) error {
	if at.After(c.ServedAt) && !at.After(now) {
		return nil
	}
	return fault.Refuse(fault.Invalid, "contest_time",
		"送达时间应晚于原记录的 %[1]s，且不晚于现在", "give a time of service after the one on record, %[1]s, and not in the future", minute(c.ServedAt))
}

// endContests ends what nobody has decided, because the department has answered or
// the round is over.
func (d *Desk) endContests(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant) ([]audit.Leaf, error) {
	c, open, err := openContest(ctx, tx, p)
	if err != nil || !open {
		return nil, err
	}
	c.Outcome = ContestOver
	ended, err := d.endContest(ctx, tx, by, p, c)
	return append([]audit.Leaf{d.contestEnded(by, p, c)}, ended...), err
}

// endContest ends one with its hold and task.
func (d *Desk) endContest(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, c Contest) ([]audit.Leaf, error) {
	c.EndedBy, c.EndedName, c.EndedAt = by.String(), by.Name, d.now()
	if err := closeContest(ctx, tx, c); err != nil {
		return nil, err
	}
	if err := finishTasks(ctx, tx, TaskContest, p.ID, d.now(), by.String(), c.Decision); err != nil {
		return nil, err
	}
	rows, err := endHoldsOf(ctx, tx, p, c.ID, d.now(), by.String(), c.Decision)
	var leaves []audit.Leaf
	for _, h := range rows {
		leaves = append(leaves, holdEnded(p, h, by.String(), string(c.Outcome), d.now()))
	}
	return leaves, err
}

func (d *Desk) contestEnded(by auth.Actor, p Participant, c Contest) audit.Leaf {
	return participantLeaf("contest_ended", p, by.String(), d.now(), map[string]any{
		"contest": c.ID, "outcome": string(c.Outcome), "t1": stamp(c.NewServedAt), "t2": stamp(c.NewRespondBy),
	})
}
