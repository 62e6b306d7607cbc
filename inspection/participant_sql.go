package inspection

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

func listParticipants(ctx context.Context, q bun.IDB, visitID string) (out []Participant, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("lead DESC", "system").Scan(ctx)
	return out, err
}

func insertParticipants(ctx context.Context, tx bun.IDB, ps []Participant) error {
	_, err := tx.NewInsert().Model(&ps).Exec(ctx)
	return err
}

// departmentsAsked are those that any visit of a case was offered to.
func departmentsAsked(ctx context.Context, q bun.IDB, caseID string) (out []string, err error) {
	err = q.NewSelect().Model((*Participant)(nil)).Distinct().Column("department_id").Where("case_id = ?", caseID).Scan(ctx, &out)
	return out, err
}

// putParticipants is move C1 for departments that join: a new row, or the one that
// was withdrawn.
func putParticipants(ctx context.Context, tx bun.IDB, ps []Participant) error {
	for _, p := range ps {
		res, err := tx.NewInsert().Model(&p).On("CONFLICT (visit_id, department_id) DO UPDATE").
			Set("round = EXCLUDED.round").Set("lead = EXCLUDED.lead").Set("required = EXCLUDED.required").
			Set("never_deemed = EXCLUDED.never_deemed").Set("staff_min = EXCLUDED.staff_min").Set("basis = EXCLUDED.basis").
			Set("consent = EXCLUDED.consent").Set("attendance = EXCLUDED.attendance").Set("opinion = EXCLUDED.opinion").
			Set("service_class = ''").Set("served_at = NULL").Set("respond_by = NULL").Set("deadline = NULL").Set("at_risk = EXCLUDED.at_risk").
			Where("participant.consent = ?", ConsentWithdrawn).Exec(ctx)
		if err := exactlyOne(res, err, "bad_move"); err != nil {
			return err
		}
	}
	return nil
}

// supersedeReplies: what a department said before it was let go answers no notice
// that it gets when it is asked again.
func supersedeReplies(ctx context.Context, tx bun.IDB, p Participant) error {
	_, err := tx.NewUpdate().Model((*Reply)(nil)).Set("outcome = ?", OutcomeSuperseded).
		Where("participant_id = ? AND round = ? AND outcome <> ?", p.ID, p.Round, OutcomeNoted).Exec(ctx)
	return err
}

// startParticipant is move C2, C10 or C11, guarded by the state it was read in and
// the round; the clock is set in p.
func startParticipant(ctx context.Context, tx bun.IDB, p Participant) error {
	from := p.Consent
	p.Consent = ConsentAwaiting
	res, err := tx.NewUpdate().Model(&p).Column("consent", "service_class", "served_at", "respond_by", "deadline", "at_risk").
		Where("id = ? AND round = ? AND consent = ?", p.ID, p.Round, from).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// clearClock is move C9: the erased values stay in the leaves.
func clearClock(ctx context.Context, tx bun.IDB, p Participant) (Participant, error) {
	p.Consent, p.ServiceClass, p.ServedAt, p.RespondBy, p.Deadline, p.AtRisk = ConsentUnserved, "", time.Time{}, time.Time{}, nil, false
	res, err := tx.NewUpdate().Model(&p).Column("consent", "service_class", "served_at", "respond_by", "deadline", "at_risk").
		Where("id = ? AND round = ? AND consent = ?", p.ID, p.Round, ConsentAwaiting).Exec(ctx)
	if err := exactlyOne(res, err, "bad_move"); err != nil {
		return p, err
	}
	return p, endDeadlines(ctx, tx, p.ID, p.Round, DeadlineReply, DeadlineRemindReply)
}

func markAtRisk(ctx context.Context, tx bun.IDB, p Participant) error {
	_, err := tx.NewUpdate().Model((*Participant)(nil)).Set("at_risk = ?", true).Where("id = ?", p.ID).Exec(ctx)
	return err
}

// setConsent is a move of the consent track, guarded by the state it was read in.
func setConsent(ctx context.Context, tx bun.IDB, p Participant, to Consent) error {
	res, err := tx.NewUpdate().Model((*Participant)(nil)).Set("consent = ?", to).
		Where("id = ? AND round = ? AND consent = ?", p.ID, p.Round, p.Consent).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func setOpinion(ctx context.Context, tx bun.IDB, p Participant, was, to OpinionState) error {
	res, err := tx.NewUpdate().Model((*Participant)(nil)).Set("opinion = ?", to).
		Where("id = ? AND opinion = ?", p.ID, was).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// settleDeemed is the move that an outcome makes. No reply is moves C13 and O4,
// with attendance optional from then on; of the visit day only the opinion moves
// (O5, O6).
func settleDeemed(ctx context.Context, tx bun.IDB, p Participant, reason DeemedReason) error {
	if reason != NoReply {
		res, err := tx.NewUpdate().Model((*Participant)(nil)).Set("opinion = ?", OpinionDeemed).
			Where("id = ? AND round = ? AND attendance = ? AND consent = ? AND opinion = ?", p.ID, p.Round, p.Attendance, p.Consent, p.Opinion).
			Where("opinion IN (?)", bun.List([]OpinionState{OpinionNone, OpinionDraft, OpinionDeferred})).Exec(ctx)
		return exactlyOne(res, err, "bad_move")
	}
	res, err := tx.NewUpdate().Model((*Participant)(nil)).
		Set("consent = ?", ConsentDeemed).Set("opinion = ?", OpinionDeemed).Set("attendance = ?", AttendanceOptional).
		Where("id = ? AND round = ? AND consent = ? AND opinion = ?", p.ID, p.Round, ConsentAwaiting, OpinionNone).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// withdrawParticipant is moves C14 and O11.
func withdrawParticipant(ctx context.Context, tx bun.IDB, p Participant) error {
	res, err := tx.NewUpdate().Model((*Participant)(nil)).
		Set("consent = ?", ConsentWithdrawn).Set("opinion = ?", OpinionWaived).Set("attendance = ?", AttendanceOptional).
		Where("id = ? AND round = ? AND consent = ?", p.ID, p.Round, p.Consent).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// renewParticipants is moves C15 and C1 for a new round: whatever was answered or
// deemed is void and every clock is erased; a signed opinion stays (O11).
func renewParticipants(ctx context.Context, tx bun.IDB, v Visit) error {
	_, err := tx.NewUpdate().Model(&Participant{Round: v.Round, Consent: ConsentUnserved}).
		Column("round", "consent", "service_class", "served_at", "respond_by", "deadline", "at_risk").
		Set("attendance = CASE WHEN required THEN ? ELSE ? END", AttendanceExpected, AttendanceOptional).
		Set("opinion = CASE WHEN opinion = ? THEN opinion ELSE ? END", OpinionGiven, OpinionNone).
		Where("visit_id = ? AND consent <> ?", v.ID, ConsentWithdrawn).Exec(ctx)
	return err
}

func voidParticipants(ctx context.Context, tx bun.IDB, visitID string) error {
	_, err := tx.NewUpdate().Model((*Participant)(nil)).
		Set("consent = ?", ConsentVoid).Set("opinion = ?", OpinionWaived).
		Where("visit_id = ? AND consent <> ?", visitID, ConsentWithdrawn).Exec(ctx)
	return err
}

func waiveParticipants(ctx context.Context, tx bun.IDB, visitID string) error {
	_, err := tx.NewUpdate().Model((*Participant)(nil)).
		Set("consent = ?", ConsentVoid).Set("opinion = ?", OpinionWaived).Set("attendance = ?", AttendanceNotHeld).
		Where("visit_id = ? AND consent <> ?", visitID, ConsentWithdrawn).Exec(ctx)
	return err
}

// insertService stores a proof once; the same source is the same proof.
func insertService(ctx context.Context, tx bun.IDB, s *Service) (fresh bool, err error) {
	if s.Detail == nil {
		s.Detail = map[string]string{}
	}
	return insertNew(ctx, tx, s)
}

// insertNew inserts and reports whether the row was new (STY-30).
func insertNew(ctx context.Context, tx bun.IDB, model any) (bool, error) {
	res, err := tx.NewInsert().Model(model).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// stopClock erases T1 and T2 of a department whose answer was refused: they count
// anew from the refusal's arrival (C10, C11).
func stopClock(ctx context.Context, tx bun.IDB, p Participant) error {
	p.ServiceClass, p.ServedAt, p.RespondBy, p.Deadline, p.AtRisk = "", time.Time{}, time.Time{}, nil, false
	res, err := tx.NewUpdate().Model(&p).Column("service_class", "served_at", "respond_by", "deadline", "at_risk").
		Where("id = ? AND round = ? AND consent = ?", p.ID, p.Round, p.Consent).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// excuse is move C12: who is let off need not come.
func excuse(ctx context.Context, tx bun.IDB, p Participant) error {
	res, err := tx.NewUpdate().Model((*Participant)(nil)).Set("consent = ?", ConsentExcused).Set("attendance = ?", AttendanceOptional).
		Where("id = ? AND round = ? AND consent = ?", p.ID, p.Round, ConsentExcuse).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// standingServices are the proofs that have not fallen, the first one first: of the
// notice that counts, or of the word that an opinion is due.
func standingServices(ctx context.Context, q bun.IDB, p Participant, about string) (out []Service, err error) {
	s := q.NewSelect().Model(&out).Where("participant_id = ? AND round = ? AND about = ? AND fallen_at IS NULL", p.ID, p.Round, about)
	if about == AboutNotice {
		n, err := findNotice(ctx, q, p)
		if err != nil {
			return nil, err
		}
		s = s.Where("notice_id = ?", n.ID)
	}
	err = s.Order("served_at", "id").Scan(ctx)
	return out, err
}

func listServices(ctx context.Context, q bun.IDB, participants []string) (out []Service, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("served_at").Scan(ctx)
	return out, err
}

// markFallen takes away what a message had proved, and says about what.
func markFallen(ctx context.Context, tx bun.IDB, p Participant, messageID string, now time.Time, why string) (fell int, about string, err error) {
	var was Service
	err = tx.NewSelect().Model(&was).Column("about").Where("participant_id = ? AND message_id = ? AND fallen_at IS NULL", p.ID, messageID).Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	s := Service{FallenAt: now, FallenWhy: why}
	res, err := tx.NewUpdate().Model(&s).Column("fallen_at", "fallen_why").
		Where("participant_id = ? AND message_id = ? AND fallen_at IS NULL", p.ID, messageID).Exec(ctx)
	if err != nil {
		return 0, "", err
	}
	n, err := res.RowsAffected()
	return int(n), was.About, err
}

func insertReply(ctx context.Context, tx bun.IDB, r *Reply) error {
	if r.Proposals == nil {
		r.Proposals = []time.Time{}
	}
	_, err := tx.NewInsert().Model(r).Exec(ctx)
	return err
}

func findReply(ctx context.Context, q bun.IDB, id string) (r Reply, err error) {
	err = q.NewSelect().Model(&r).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, notFound()
	}
	return r, err
}

// lastLate is the last answer that came too late for a deadline that has moved
// on since, if it is in time for the one that counts now.
func lastLate(ctx context.Context, q bun.IDB, p Participant, start time.Time) (r Reply, found bool, err error) {
	s := q.NewSelect().Model(&r).Where("participant_id = ? AND round = ? AND outcome = ?", p.ID, p.Round, OutcomeLate).
		Where("kind <> ? AND received_at < ?", ReplyDelegate, start)
	if !p.RespondBy.IsZero() {
		s = s.Where("received_at <= ?", p.RespondBy)
	}
	err = s.Order("received_at DESC", "recorded_at DESC", "id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// decideReply writes what a person decided about an answer that counted so far.
func decideReply(ctx context.Context, tx bun.IDB, r Reply) error {
	res, err := tx.NewUpdate().Model(&r).Column("outcome", "decision", "decided_by", "decided_at").
		Where("id = ? AND outcome = ?", r.ID, OutcomeApplied).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func reviseReply(ctx context.Context, tx bun.IDB, r Reply) error {
	res, err := tx.NewUpdate().Model(&r).Column("outcome").Where("id = ? AND outcome = ?", r.ID, OutcomeLate).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// lastApplied is the answer that counts so far in the current round, nil if
// none: the one received last, whenever it was read (INS-802, INS-805).
func lastApplied(ctx context.Context, q bun.IDB, p Participant) (*Reply, error) {
	var r Reply
	err := q.NewSelect().Model(&r).
		Where("participant_id = ? AND round = ? AND outcome = ?", p.ID, p.Round, OutcomeApplied).
		Order("received_at DESC", "recorded_at DESC", "id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &r, err
}

// hasCountered reports whether the department has proposed other times for this
// visit before, in any round (INS-810).
func hasCountered(ctx context.Context, q bun.IDB, p Participant) (bool, error) {
	return q.NewSelect().Model((*Reply)(nil)).
		Where("participant_id = ? AND kind = ? AND outcome IN (?)", p.ID, ReplyCounter, bun.List([]ReplyOutcome{OutcomeApplied, OutcomeRefused})).Exists(ctx)
}

func listReplies(ctx context.Context, q bun.IDB, participants []string) (out []Reply, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("received_at", "id").Scan(ctx)
	return out, err
}

// outcomeOf tells whether an outcome row exists for the round, and whether an
// answer received by T2 does, whatever became of it (INS-901, PRO-5). A yes that a
// refused counter or excuse had replaced is none: the department owes its answer
// anew (INS-805, C10, C11).
func outcomeOf(ctx context.Context, q bun.IDB, p Participant) (outcome, answered bool, err error) {
	outcome, err = q.NewSelect().Model((*Deemed)(nil)).Column("id").
		Where("visit_id = ? AND department_id = ? AND round = ?", p.VisitID, p.DepartmentID, p.Round).Exists(ctx)
	if err != nil {
		return false, false, err
	}
	refused := q.NewSelect().TableExpr("replies AS later").ColumnExpr("1").
		Where("later.participant_id = r.participant_id AND later.round = r.round AND later.outcome = ? AND later.received_at > r.received_at", OutcomeRefused)
	answered, err = q.NewSelect().Model((*Reply)(nil)).ModelTableExpr("replies AS r").ColumnExpr("r.id").
		Where("r.participant_id = ? AND r.round = ? AND r.received_at <= ?", p.ID, p.Round, p.RespondBy).
		Where("r.kind <> ? AND r.outcome IN (?)", ReplyDelegate, bun.List([]ReplyOutcome{OutcomeApplied, OutcomeLate, OutcomeHeld})).
		Where("NOT (r.kind = ? AND r.outcome = ? AND EXISTS (?))", ReplyAccept, OutcomeApplied, refused).Exists(ctx)
	return outcome, answered, err
}

func insertDeemed(ctx context.Context, tx bun.IDB, row *Deemed) error {
	fresh, err := insertNew(ctx, tx, row)
	if err == nil && !fresh {
		return movedOn("bad_move") // PRO-2
	}
	return err
}

func findDeemed(ctx context.Context, q bun.IDB, p Participant) (row Deemed, err error) {
	err = q.NewSelect().Model(&row).
		Where("visit_id = ? AND department_id = ? AND round = ?", p.VisitID, p.DepartmentID, p.Round).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, notFound()
	}
	return row, err
}

func listDeemed(ctx context.Context, q bun.IDB, visitID string) (out []Deemed, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("decided_at").Scan(ctx)
	return out, err
}

func suspend(ctx context.Context, tx bun.IDB, p Participant, now time.Time) error {
	row := Deemed{SuspendedAt: now}
	_, err := tx.NewUpdate().Model(&row).Column("suspended_at").
		Where("visit_id = ? AND department_id = ? AND round = ? AND suspended_at IS NULL", p.VisitID, p.DepartmentID, p.Round).Exec(ctx)
	return err
}

// lateExcuses are the excuses that came with the visit under way and that nobody
// has decided: those whose hold has not been ended (INS-924).
func lateExcuses(ctx context.Context, q bun.IDB, p Participant, start time.Time) (out []Reply, err error) {
	decided := q.NewSelect().Model((*HoldRow)(nil)).ColumnExpr("1").
		Where("source = r.id AND reason = ? AND ended_at IS NOT NULL", HoldLateExcuse)
	err = q.NewSelect().Model(&out).ModelTableExpr("replies AS r").ColumnExpr("r.*").
		Where("r.participant_id = ? AND r.round = ? AND r.kind = ? AND r.outcome = ? AND r.received_at >= ?", p.ID, p.Round, ReplyExcuse, OutcomeLate, start).
		Where("NOT EXISTS (?)", decided).Order("received_at").Scan(ctx)
	return out, err
}
