package inspection

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// dueDeadlines are the rows a sweep has to look at now, oldest first.
func (d *Desk) dueDeadlines(ctx context.Context, kinds ...DeadlineKind) (out []DeadlineRow, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		return q.NewSelect().Model(&out).Where("kind IN (?) AND state = 'pending' AND next_at <= ?", bun.List(kinds), d.now()).
			Order("next_at").Limit(deemBatch).Scan(ctx)
	})
	return out, err
}

// dueSilences are all rows at which somebody's silence or absence is judged.
func (d *Desk) dueSilences(ctx context.Context) ([]DeadlineRow, error) {
	due, err := d.dueReplies(ctx)
	if err != nil || len(due) == deemBatch {
		return due, err
	}
	onSite, err := d.dueDeadlines(ctx, siteKinds...)
	return append(due, onSite...), err
}

// dueReplies are the reply deadlines to look at now, and those that no look has
// counted by the newest calendar yet (INS-409). Two questions, each with an
// index of its own: the two in one read every open row.
func (d *Desk) dueReplies(ctx context.Context) (due []DeadlineRow, err error) {
	due, err = d.dueDeadlines(ctx, DeadlineReply)
	if err != nil || len(due) == deemBatch {
		return due, err
	}
	var old []DeadlineRow
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		version, err := office.CalendarVersionNow(ctx, q)
		if err != nil {
			return err
		}
		return q.NewSelect().Model(&old).Where("kind = ? AND state = 'pending'", DeadlineReply).
			Where("calendar_version < ? AND next_at > ?", version, d.now()).
			Order("calendar_version").Limit(int64(deemBatch - len(due))).Scan(ctx)
	})
	return append(due, old...), err
}

// findDeadline is the pending one of some kinds.
func findDeadline(ctx context.Context, q bun.IDB, subject string, round int, kinds ...DeadlineKind) (row DeadlineRow, err error) {
	err = q.NewSelect().Model(&row).Where("kind IN (?) AND subject = ? AND round = ?", bun.List(kinds), subject, round).
		Where("state = 'pending'").Order("due_at").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, notFound()
	}
	return row, err
}

// upsertDeadlines writes deadlines; one that was void because a proof of
// service fell runs again under the same key (DEC-6).
func upsertDeadlines(ctx context.Context, tx bun.IDB, rows ...DeadlineRow) error {
	for i := range rows {
		rows[i].ID, rows[i].State = newID(), deadlinePending
		rows[i].DueAt = rows[i].DueAt.UTC().Truncate(time.Millisecond)
		rows[i].NextAt = rows[i].NextAt.UTC().Truncate(time.Millisecond)
	}
	_, err := tx.NewInsert().Model(&rows).
		On("CONFLICT (kind, subject, round) DO UPDATE").
		Set("due_at = EXCLUDED.due_at").Set("next_at = EXCLUDED.next_at").Set("state = EXCLUDED.state").
		Set("calendar_version = EXCLUDED.calendar_version").Set("detail = EXCLUDED.detail").Set("held = EXCLUDED.held").
		Exec(ctx)
	return err
}

// lookAgain moves the instant of the next look; it never touches due_at.
func lookAgain(ctx context.Context, tx bun.IDB, row DeadlineRow, at time.Time, held bool) error {
	row.NextAt, row.Held = at, held
	_, err := tx.NewUpdate().Model(&row).Column("next_at", "held", "calendar_version").
		Where("id = ? AND state = 'pending'", row.ID).Exec(ctx)
	return err
}

// lookNow brings the reply deadline of a participant before the sweep.
func lookNow(ctx context.Context, tx bun.IDB, p Participant, now time.Time) error {
	_, err := tx.NewUpdate().Model((*DeadlineRow)(nil)).Set("next_at = ?", now).
		Where("kind = ? AND subject = ? AND round = ? AND state = 'pending'", DeadlineReply, p.ID, p.Round).Exec(ctx)
	return err
}

// moveRespondBy moves T2 later than it was: participant and deadline row
// together.
func moveRespondBy(ctx context.Context, tx bun.IDB, p Participant, was, next time.Time, why string) error {
	res, err := tx.NewUpdate().Model(&p).Column("respond_by", "deadline", "served_at", "service_class", "at_risk").
		Where("id = ? AND round = ? AND consent = ? AND respond_by < ?", p.ID, p.Round, ConsentAwaiting, p.RespondBy).Exec(ctx)
	if err := exactlyOne(res, err, "bad_move"); err != nil {
		return err
	}
	row := DeadlineRow{
		DueAt: p.RespondBy, NextAt: next, CalendarVersion: p.Deadline.CalendarVersion,
		Detail: DeadlineDetail{Counted: p.Deadline, MovedFrom: was, Why: why},
	}
	_, err = tx.NewUpdate().Model(&row).Column("due_at", "next_at", "calendar_version", "detail", "held").
		Where("kind = ? AND subject = ? AND round = ? AND state = 'pending'", DeadlineReply, p.ID, p.Round).Exec(ctx)
	return err
}

// pendingDeadlines are those of a kind that still run for some participants.
func pendingDeadlines(ctx context.Context, q bun.IDB, kind DeadlineKind, subjects []string) (out []DeadlineRow, err error) {
	err = q.NewSelect().Model(&out).Where("kind = ? AND subject IN (?) AND state = 'pending'", kind, bun.List(subjects)).Scan(ctx)
	return out, err
}

// moveDue moves the instant at which a silence of the visit day is judged, later
// than it was.
func moveDue(ctx context.Context, tx bun.IDB, row DeadlineRow) error {
	row.Held = false
	res, err := tx.NewUpdate().Model(&row).Column("due_at", "next_at", "calendar_version", "detail", "held").
		Where("id = ? AND state = 'pending' AND due_at < ?", row.ID, row.DueAt).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func endDeadlines(ctx context.Context, tx bun.IDB, subject string, round int, kinds ...DeadlineKind) error {
	_, err := tx.NewUpdate().Model((*DeadlineRow)(nil)).Set("state = ?", deadlineDone).
		Where("subject = ? AND round = ? AND kind IN (?)", subject, round, bun.List(kinds)).
		Where("state = 'pending'").Exec(ctx)
	return err
}

// endParticipantDeadlines stops every clock of one participant.
func endParticipantDeadlines(ctx context.Context, tx bun.IDB, participant string) error {
	_, err := tx.NewUpdate().Model((*DeadlineRow)(nil)).Set("state = ?", deadlineVoid).
		Where("kind IN (?) AND subject = ? AND state = 'pending'", bun.List(deadlineKinds), participant).Exec(ctx)
	return err
}

// endVisitDeadlines stops every clock of a visit's participants.
func endVisitDeadlines(ctx context.Context, tx bun.IDB, visitID string) error {
	_, err := tx.NewUpdate().Model((*DeadlineRow)(nil)).Set("state = ?", deadlineVoid).
		Where("kind IN (?)", bun.List(deadlineKinds)). // as the index begins
		Where("subject IN (?)", tx.NewSelect().Model((*Participant)(nil)).Column("id").Where("visit_id = ?", visitID)).
		Where("state = 'pending'").Exec(ctx)
	return err
}

func insertHold(ctx context.Context, tx bun.IDB, h *HoldRow) (bool, error) {
	return insertNew(ctx, tx, h)
}

func closeHold(ctx context.Context, tx bun.IDB, id string, now time.Time, by, reason string) error {
	h := HoldRow{EndedAt: now, EndedBy: by, EndReason: reason}
	res, err := tx.NewUpdate().Model(&h).Column("ended_at", "ended_by", "end_reason").
		Where("id = ? AND ended_at IS NULL", id).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func openHolds(ctx context.Context, q bun.IDB, p Participant) (out []HoldRow, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id = ? AND ended_at IS NULL", p.ID).Order("since").Scan(ctx)
	return out, err
}

func openHoldReasons(ctx context.Context, q bun.IDB, p Participant) (out []HoldReason, err error) {
	rows, err := openHolds(ctx, q, p)
	for _, h := range rows {
		out = append(out, h.Reason)
	}
	return out, err
}

func hasOpenHold(ctx context.Context, q bun.IDB, p Participant) (bool, error) {
	return q.NewSelect().Model((*HoldRow)(nil)).Where("participant_id = ? AND ended_at IS NULL", p.ID).Exists(ctx)
}

func selfEnding(r HoldReason) bool { return slices.Contains(endsItself, r) }

func findHold(ctx context.Context, tx bun.IDB, id string) (HoldRow, Participant, Visit, error) {
	var h HoldRow
	err := tx.NewSelect().Model(&h).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return h, Participant{}, Visit{}, notFound()
	}
	if err != nil {
		return h, Participant{}, Visit{}, err
	}
	p, v, err := lockParticipant(ctx, tx, h.ParticipantID)
	return h, p, v, err
}

// endHoldsOf ends the holds that hang on one source, such as a mail.
func endHoldsOf(ctx context.Context, tx bun.IDB, p Participant, source string, now time.Time, by, reason string) ([]HoldRow, error) {
	var rows []HoldRow
	err := tx.NewSelect().Model(&rows).Where("participant_id = ? AND source = ? AND ended_at IS NULL", p.ID, source).Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range rows {
		if err := closeHold(ctx, tx, h.ID, now, by, reason); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func listHolds(ctx context.Context, q bun.IDB, participants []string) (out []HoldRow, err error) {
	err = q.NewSelect().Model(&out).Where("participant_id IN (?)", bun.List(participants)).Order("since").Scan(ctx)
	return out, err
}

func insertTask(ctx context.Context, tx bun.IDB, t *Task) error {
	_, err := insertNew(ctx, tx, t)
	return err
}

// renewTask opens a task, or says anew in the open one what to do.
func renewTask(ctx context.Context, tx bun.IDB, v Visit, t Task) error {
	res, err := tx.NewUpdate().Model(&t).Column("detail").
		Where("kind = ? AND subject = ? AND done_at IS NULL", t.Kind, t.Subject).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return raiseTask(ctx, tx, v, t)
}

// openTask is the open task of a kind about a subject.
func openTask(ctx context.Context, q bun.IDB, kind TaskKind, subject string) (t Task, err error) {
	err = q.NewSelect().Model(&t).Where("kind = ? AND subject = ? AND done_at IS NULL", kind, subject).Scan(ctx)
	return t, err
}

func findTask(ctx context.Context, q bun.IDB, id string) (t Task, err error) {
	err = q.NewSelect().Model(&t).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return t, notFound()
	}
	return t, err
}

func finishTasks(ctx context.Context, tx bun.IDB, kind TaskKind, subject string, now time.Time, by, note string) error {
	return finishTask(ctx, tx, []TaskKind{kind}, Task{Subject: subject, DoneAt: now, DoneBy: by, Note: note})
}

// finishTask ends the open tasks of some kinds about done.Subject.
func finishTask(ctx context.Context, tx bun.IDB, kinds []TaskKind, done Task) error {
	_, err := tx.NewUpdate().Model(&done).Column("done_at", "done_by", "note").
		Where("kind IN (?) AND subject = ? AND done_at IS NULL", bun.List(kinds), done.Subject).Exec(ctx)
	return err
}

// outliving are tasks that a visit's end does not end: what is about the conduct of
// somebody, or a danger, is not over with the visit.
var outliving = []TaskKind{TaskBreach, TaskAnswerBreach, TaskDanger}

// finishVisitTasks ends what was to be done about a visit, but for some kinds: a
// mail still has to be read.
func finishVisitTasks(ctx context.Context, tx bun.IDB, visitID string, done Task, keep ...TaskKind) error {
	_, err := tx.NewUpdate().Model(&done).Column("done_at", "done_by", "note").
		Where("visit_id = ? AND kind NOT IN (?) AND done_at IS NULL", visitID, bun.List(append(keep, outliving...))).Exec(ctx)
	return err
}

// dateOf is today in Shanghai.
func dateOf(t time.Time) workday.Date { return workday.DateOf(t) }

// openSubjects are what the open tasks of a kind are about.
func openSubjects(ctx context.Context, q bun.IDB, kind TaskKind) (out []string, err error) {
	err = q.NewSelect().Model((*Task)(nil)).Column("subject").Where("kind = ? AND done_at IS NULL", kind).Order("subject").Scan(ctx, &out)
	return out, err
}
