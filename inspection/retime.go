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

// RetimeRequest moves an offered visit. Without a choice it keeps its time and
// people, without a place its place; one of the two has to change. Code is one of
// EndReasons("Retime").
type RetimeRequest struct {
	VisitID      string
	Choice       SlotChoice
	Place        Site // Address, and the point if it is known; the division stays
	Code, Reason string
	PastLimitWhy string
	Round        int // the one that a plan showed; 0: whichever it is
	Once         once.Key
}

// Retime offers another time or place to everybody (V6): a new Round with its
// reason. In one transaction the old occupations go and the new ones are taken
// under the same constraint, what was answered or deemed becomes void, what was
// still to be sent of the old round is dropped, and every department gets a new
// notice with a clock of its own (INS-607, INS-602, INS-603). Refusals:
// not_found, not_a_window, wrong_window, bad_move, reason_code, reason_missing,
// text_invalid, point_invalid, not_supervisor, nothing_moves, past_limit, plan_stale, slot_taken with
// alternatives, and the other codes of INS-502.
func (d *Desk) Retime(ctx context.Context, by auth.Actor, r RetimeRequest) (Visit, error) {
	d = d.still()
	if err := r.check(); err != nil {
		return Visit{}, err
	}
	out, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Visit, error) { return d.retime(ctx, tx, by, r) })
	if err == nil {
		return out, nil
	}
	return out, d.recordRefusal(ctx, by, "retime", r.VisitID, d.withAlternatives(ctx, by, r.VisitID, err))
}

func (r *RetimeRequest) check() error {
	if err := (ending{act: "Retime", code: r.Code, reason: r.Reason}).check(); err != nil { // INS-608
		return err
	}
	if err := office.CheckText("past_limit_reason", r.PastLimitWhy, reasonLength); err != nil {
		return err
	}
	r.Place.Address = strings.TrimSpace(r.Place.Address)
	if err := office.CheckLines(line("address", r.Place.Address)); err != nil {
		return err
	}
	return r.Place.checkPoint()
}

func (d *Desk) retime(ctx context.Context, tx bun.IDB, by auth.Actor, r RetimeRequest) (Visit, error) {
	if err := d.dropUnsent(ctx, tx, r.VisitID); err != nil { // messages before the visit, as a sending locks them (DB-12)
		return Visit{}, err
	}
	v, err := lockVisit(ctx, tx, r.VisitID)
	if err != nil {
		return v, err
	}
	if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
		return v, err
	}
	if err := stale(v, r.Round); err != nil {
		return v, err
	}
	upheld, err := d.upholdExcuses(ctx, tx, by, v, r)
	if err != nil {
		return v, err
	}
	v, leaves, err := d.moveRound(ctx, tx, by, v, r)
	if err != nil {
		return v, err
	}
	leaves = append(upheld, leaves...)
	return v, audit.Record(ctx, tx, leaves...)
}

// upholdExcuses: a visit moved for an excuse upholds it, which is a supervisor's
// decision (INS-812).
func (d *Desk) upholdExcuses(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, r RetimeRequest) (leaves []audit.Leaf, err error) {
	if r.Code != "department_excused" {
		return nil, nil
	}
	if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
		return nil, err
	}
	participants, err := listParticipants(ctx, tx, v.ID)
	for _, p := range participants {
		if p.Consent != ConsentExcuse {
			continue
		}
		reply, err := excuseOf(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		reply.Decision, reply.DecidedBy, reply.DecidedAt = r.Reason, by.String(), d.now()
		if err := decideReply(ctx, tx, reply); err != nil {
			return nil, err
		}
		leaves = append(leaves, participantLeaf("excuse_upheld", p, by.String(), d.now(), map[string]any{"reply": reply.ID}))
	}
	return leaves, err
}

// moveRound is the new Round of a locked visit, with all that follows from it.
func (d *Desk) moveRound(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, r RetimeRequest) (Visit, []audit.Leaf, error) {
	if v.State != VisitOffered && v.State != VisitConfirmed {
		return v, nil, movedOn("bad_move")
	}
	if err := d.dropUnsent(ctx, tx, v.ID); err != nil { // what was queued before the visit was locked (INS-713)
		return v, nil, err
	}
	choice, err := keptOr(ctx, tx, v, r)
	if err != nil {
		return v, nil, err
	}
	left, err := d.leaveTrip(ctx, tx, by, v, leftMoved)
	if err != nil {
		return v, nil, err
	}
	was := v
	if r.Place.Address != "" && r.Place.Address != v.Place {
		moved := r.Place
		moved.Division = v.Division // another one has another window (INS-202, ICA-38)
		v.Place, v.MovedTo = moved.Address, &moved
	}
	s, err := d.seize(ctx, tx, by, v, choice, time.Time{})
	if err != nil {
		return v, nil, err
	}
	if !v.Start.Equal(choice.Start) { // a later day than the limit was settled for this time
		if err := pastLimit(s, by, r.PastLimitWhy); err != nil {
			return v, nil, err
		}
		s.v.PastLimitWhy = r.PastLimitWhy
	}
	void, err := d.voidRound(ctx, tx, by, was)
	if err != nil {
		return v, nil, err
	}
	offered, err := d.offerAgain(ctx, tx, by, &s, was, r)
	return s.v, slices.Concat(left, void, offered), err
}

// keptOr is the choice of the request, or the time and people that the visit has.
func keptOr(ctx context.Context, tx bun.IDB, v Visit, r RetimeRequest) (SlotChoice, error) {
	choice := r.Choice
	if choice.Start.IsZero() {
		rows, err := listBookings(ctx, tx, v.ID)
		if err != nil {
			return choice, err
		}
		choice.Start = v.Start
		for _, b := range rows {
			choice.Resources = append(choice.Resources, b.ResourceID)
		}
	}
	if choice.Start.Equal(v.Start) && (r.Place.Address == "" || r.Place.Address == v.Place) {
		return choice, fault.Refuse(fault.Invalid, "nothing_moves",
			"时间和地点都没有变化；请另选时间或填写新地点，只换人员不用改期", "neither time nor place changes; choose another time or enter the new place. Replacing people needs no new round")
	}
	return choice, nil
}

// openWords are what somebody still has to read: they hold on in the new round
// until then, since they may be an answer (INS-801, INS-807).
var (
	openWords     = []HoldReason{HoldMail, HoldSuperseded, HoldWeaker, HoldFreeText, HoldObjection}
	openWordTasks = []TaskKind{TaskReadMail, TaskAnswerHold, TaskObjection}
)

// voidRound ends all that runs for the round that v is in, and says for each
// department what was void (C15, INS-920). What a department wrote and nobody
// has read holds on.
func (d *Desk) voidRound(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit) ([]audit.Leaf, error) {
	if err := endVisitDeadlines(ctx, tx, v.ID); err != nil {
		return nil, err
	}
	if err := finishVisitTasks(ctx, tx, v.ID, Task{DoneAt: d.now(), DoneBy: by.String(), Note: "已改期"}, openWordTasks...); err != nil {
		return nil, err
	}
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, p := range staying(participants) {
		ended, err := d.closeHolds(ctx, tx, p, "new_round", func(r HoldReason) bool { return !slices.Contains(openWords, r) })
		if err != nil {
			return nil, err
		}
		contests, err := d.endContests(ctx, tx, by, p)
		if err != nil {
			return nil, err
		}
		leaves = slices.Concat(leaves, ended, contests)
		leaves = append(leaves, participantLeaf("round_void", p, by.String(), d.now(), map[string]any{
			"consent": string(p.Consent), "opinion": string(p.Opinion),
		}))
	}
	return leaves, nil
}

// offerAgain moves the visit and writes all that follows from its new time, on
// its transaction. s has the visit with its new place, was the one that it was.
func (d *Desk) offerAgain(ctx context.Context, tx bun.IDB, by auth.Actor, s *chosen, was Visit, r RetimeRequest) ([]audit.Leaf, error) {
	v := &s.v
	v.Round, v.Sequence = v.Round+1, v.Sequence+1 // ICA-28
	v.Start, v.End = s.choice.Start.UTC(), s.choice.Start.UTC().Add(time.Duration(v.Minutes)*time.Minute)
	if err := moveVisit(ctx, tx, v, "Retime", "round", "sequence", "start_at", "end_at", "place", "moved_to", "past_limit_why"); err != nil {
		return nil, err
	}
	round := Round{
		VisitID: v.ID, N: v.Round, Start: v.Start, End: v.End, Place: v.Place, FirstSequence: v.Sequence,
		OfferedAt: d.now(), OfferedBy: by.String(), ReasonCode: r.Code, Reason: r.Reason,
	}
	if err := insertRound(ctx, tx, &round); err != nil {
		return nil, err
	}
	if err := renewParticipants(ctx, tx, *v); err != nil {
		return nil, err
	}
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	participants = staying(participants)
	if err := d.announce(ctx, tx, participants, *s); err != nil {
		return nil, err
	}
	leaf := visitLeaf("visit_retimed", *v, by.String(), d.now(), map[string]any{
		"was": stamp(was.Start), "start": stamp(v.Start), "end": stamp(v.End), "moved": v.Place != was.Place,
		"reason_code": r.Code, "resources": s.choice.Resources, "past_limit": v.PastLimitWhy != "",
	})
	if s.agreed != nil {
		leaf.Fields["agreements"] = s.agreed
	}
	return append([]audit.Leaf{leaf}, invitedLeaves(participants, by, d.now())...), nil
}

// invitedLeaves say of each department that it was invited to the round it is in.
func invitedLeaves(participants []Participant, by auth.Actor, now time.Time) []audit.Leaf {
	out := make([]audit.Leaf, len(participants))
	for i, p := range participants {
		out[i] = participantLeaf("invited", p, by.String(), now, map[string]any{"required": p.Required, "never_deemed": p.NeverDeemed})
	}
	return out
}

// changed says in a notice what is new since the round before, empty for the
// first one.
func changed(rounds []Round, n int) string {
	if n < 2 || len(rounds) < n {
		return ""
	}
	was, is := rounds[n-2], rounds[n-1]
	var parts []string
	if !was.Start.Equal(is.Start) {
		parts = append(parts, "时间由"+minute(was.Start)+"改为"+minute(is.Start))
	}
	if was.Place != is.Place {
		parts = append(parts, "地点由"+was.Place+"改为"+is.Place)
	}
	return strings.Join(append(parts, "原因："+is.Reason), "；") + "。此前的反馈不再有效，请重新反馈"
}

// keptOnChange are the messages that go out whatever becomes of a round: every
// answer gets its receipt (INS-809), and who was withdrawn is told (INS-608).
var keptOnChange = []string{notify.PurposeReceipt, notify.PurposeCancel}
