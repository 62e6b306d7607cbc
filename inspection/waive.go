package inspection

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/notify"
)

// Waiver (不再等候意见) lets the joint opinion be issued without a department whose
// opinion does not come though its silence may not be deemed: a matter that never
// deems, an absence nobody attests, too few people, a consent that was taken back. Two
// supervisors of the organising centre are needed (INS-1101). It is no consent and no
// permit: the joint opinion says that the department gave none, and why.
type Waiver struct {
	bun.BaseModel `bun:"table:waivers" json:"-"`

	ID            string    `bun:"id,pk" json:"id"`
	ParticipantID string    `json:"participant_id"`
	Round         int       `json:"round"`
	Reason        string    `json:"reason"`
	ProposedBy    string    `json:"proposed_by"`
	ProposedName  string    `json:"proposed_name"`
	ProposedAt    time.Time `json:"proposed_at"`
	Decision      string    `json:"decision,omitempty"` // in the second person's words
	DecidedBy     string    `json:"decided_by,omitempty"`
	DecidedName   string    `json:"decided_name,omitempty"`
	DecidedAt     time.Time `bun:",nullzero" json:"decided_at,omitzero"`
}

// Waive proposes to wait no longer for a department's opinion; called by a second
// supervisor it decides. That is the way out when neither the department speaks nor
// silence counts (INS-1101, O11). Whether it came and what it answered stays as it is,
// and until the joint opinion is issued its own word still counts. Refusals:
// not_found, not_a_window, wrong_window, not_supervisor, reason_missing,
// text_invalid, bad_move, opinion_not_owed, opinion_term_runs, nobody_left,
// two_persons.
func (d *Desk) Waive(ctx context.Context, by auth.Actor, participantID, reason string) error {
	d = d.still()
	if err := checkText("reason", reason, reasonLength); err != nil {
		return err
	}
	return d.onParticipant(ctx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if err := d.waivable(ctx, tx, p, v); err != nil {
			return nil, err
		}
		w, waiting, err := openWaiver(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if !waiting {
			return d.proposeWaiver(ctx, tx, by, p, v, reason)
		}
		if w.ProposedBy == by.String() {
			return nil, fault.Refuse(fault.Forbidden, "two_persons",
				"您已提出不再等候，还须本中心另一名主管同意", "you have proposed it; another supervisor of this centre has to agree")
		}
		w.Decision, w.DecidedBy, w.DecidedName, w.DecidedAt = reason, by.String(), by.Name, d.now()
		return d.waive(ctx, tx, by, p, v, w)
	})
}

// waivable: the site part is over, the department owes its opinion and its term has
// ended. One under review is decided there, and somebody's opinion has to be left.
func (d *Desk) waivable(ctx context.Context, tx bun.IDB, p Participant, v Visit) error {
	if v.State != VisitCollecting {
		return movedOn("bad_move")
	}
	if !p.mayBeWaived() {
		return fault.Refuse(fault.Conflict, "opinion_not_owed",
			"该部门已有意见，或者正在复核，不用这样办理；请刷新后核对", "this department has given its opinion, or is under review, so there is nothing to wait for; reload and check")
	}
	row, err := findDeadline(ctx, tx, p.ID, p.Round, DeadlineNoShow, DeadlineOpinion)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if err == nil && d.now().Before(row.DueAt) {
		return fault.Refuse(fault.Conflict, "opinion_term_runs",
			"该部门的期限到 %[1]s 才届满，期满仍无意见的再办理", "the department still has time until %[2]s; come back when that is over", minute(row.DueAt), minuteEnglish(row.DueAt))
	}
	tracks, err := listParticipants(ctx, tx, v.ID)
	if err != nil || v.RevisitOf != "" { // whose items then stay open
		return err
	}
	if !slices.ContainsFunc(tracks, func(t Participant) bool { return t.ID != p.ID && t.Required && t.Opinion != OpinionWaived }) {
		return fault.Refuse(fault.Conflict, "nobody_left",
			"只剩这一个部门的意见，没有它就无从出具联合意见书；请该部门出具意见", "no other department's opinion would be left to issue; this one has to give its opinion")
	}
	return nil
}

// mayBeWaived: required, and neither spoken nor deemed nor under review.
func (p Participant) mayBeWaived() bool {
	return p.Required && (p.Opinion == OpinionNone || p.Opinion == OpinionDraft || p.Opinion == OpinionDeferred)
}

func (d *Desk) proposeWaiver(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, reason string) ([]audit.Leaf, error) {
	w := Waiver{ID: newID(), ParticipantID: p.ID, Round: p.Round, Reason: reason, ProposedBy: by.String(), ProposedName: by.Name, ProposedAt: d.now()}
	if _, err := insertNew(ctx, tx, &w); err != nil {
		return nil, err
	}
	err := raiseTask(ctx, tx, v, Task{
		Kind: TaskWaive, Subject: p.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: "拟不再等候" + p.Name + "的意见，请另一名主管决定：" + reason,
	})
	return []audit.Leaf{participantLeaf("waiver_proposed", p, by.String(), d.now(), map[string]any{"waiver": w.ID})}, err
}

// waive is move O11 for a department that was waited for in vain. The word that lacks
// signatures stays on record as dropped; doubts and clocks about it end.
func (d *Desk) waive(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, w Waiver) ([]audit.Leaf, error) {
	if err := closeWaiver(ctx, tx, w); err != nil {
		return nil, err
	}
	if err := setOpinion(ctx, tx, p, p.Opinion, OpinionWaived); err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{participantLeaf("opinion_waived", p, by.String(), d.now(), map[string]any{"waiver": w.ID, "proposed_by": w.ProposedBy})}
	draft, found, err := openDraft(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	if found {
		if err := dropOpinion(ctx, tx, draft, by.String(), "两名主管决定不再等候", d.now()); err != nil {
			return nil, err
		}
		leaves = append(leaves, participantLeaf("opinion_dropped", p, by.String(), d.now(), map[string]any{"opinion": draft.ID}))
	}
	if err := endDeadlines(ctx, tx, p.ID, p.Round, DeadlineNoShow, DeadlineOpinion); err != nil {
		return nil, err
	}
	ended, err := d.endWait(ctx, tx, by, p, v)
	if err != nil {
		return nil, err
	}
	if err := d.dueToClose(ctx, tx, v.ID); err != nil {
		return nil, err
	}
	return append(leaves, ended...), d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposeWaived, key: w.ID, only: []string{notify.Portal, notify.Mail},
		until: d.now().Add(7 * 24 * time.Hour), facts: messageFacts{Reason: w.Reason},
	})
}

// endWait ends tasks, doubts and contradictions that hang on an opinion which nobody
// waits for any more.
func (d *Desk) endWait(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit) ([]audit.Leaf, error) {
	done := Task{Subject: p.ID, DoneAt: d.now(), DoneBy: by.String(), Note: "两名主管决定不再等候"}
	if err := finishTask(ctx, tx, slices.Concat(silenceTasks, dutyTasks, []TaskKind{TaskMissing, TaskAbsence}), done); err != nil {
		return nil, err
	}
	leaves, err := d.endDoubts(ctx, tx, by, p, "waived")
	if err != nil {
		return nil, err
	}
	pairs, err := d.endPairs(ctx, tx, v)
	return append(leaves, pairs...), err
}

// lineWaived is the source of a line that says nothing.
const lineWaived = "waived"

// waivedLine is the line of a department that said nothing, with the reason for which
// two supervisors did not wait.
func waivedLine(ctx context.Context, q bun.IDB, p Participant, line JointLine) (JointLine, error) {
	rows, err := listWaivers(ctx, q, []string{p.ID})
	for _, w := range rows {
		if !w.DecidedAt.IsZero() {
			line.Source, line.Waived, line.At = lineWaived, w.Reason, w.DecidedAt
		}
	}
	return line, err
}
