package inspection

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// Task is something a person has to do (DEC-7): every hold, dead notice and
// overdue duty shows up as one. Subject names what it is about; one task of a
// kind is open for a subject at a time.
type Task struct {
	bun.BaseModel `bun:"table:tasks" json:"-"`

	ID        string    `bun:"id,pk" json:"id"`
	Kind      TaskKind  `json:"kind"`
	Subject   string    `json:"subject"`
	VisitID   string    `json:"visit_id,omitempty"`
	CentreID  string    `json:"centre_id"`
	ForRole   string    `json:"for_role"` // clerk or supervisor
	Detail    string    `json:"detail"`
	CreatedAt time.Time `json:"created_at"`
	DueAt     time.Time `bun:",nullzero" json:"due_at,omitzero"`
	DoneAt    time.Time `bun:",nullzero" json:"done_at,omitzero"`
	DoneBy    string    `json:"done_by,omitempty"`
	Note      string    `json:"note,omitempty"`
}

// TaskKind says what has to be done.
type TaskKind string

// Kinds of task.
const (
	TaskServeByHand  TaskKind = "serve_by_hand"  // no way left to deliver the notice
	TaskReadMail     TaskKind = "read_mail"      // a mail waits in the person queue
	TaskAnswerHold   TaskKind = "answer_hold"    // something may be an answer
	TaskCounter      TaskKind = "answer_counter" // a department proposed other times
	TaskExcuse       TaskKind = "decide_excuse"
	TaskOverdue      TaskKind = "duty_missed"      // a counter or an excuse that nobody answered in time (K09)
	TaskLeave        TaskKind = "leave_visit"      // somebody who is booked cannot come (INS-611)
	TaskNoPeople     TaskKind = "no_people"        // a department that was added has too few people then (INS-308)
	TaskTrip         TaskKind = "trip_changed"     // a visit has left its trip by itself (INS-609)
	TaskObjection    TaskKind = "decide_objection" // a department objects to the case itself (INS-814)
	TaskContest      TaskKind = "decide_contest"   // a department says that its service was not as it is on record (INS-712)
	TaskContested    TaskKind = "contest_decided"  // the window is told what was decided about that
	TaskExtension    TaskKind = "decide_extension" // the approval of an extension is to be recorded (INS-1115)
	TaskTellExtended TaskKind = "tell_extension"   // the applicant could not be told of one
	TaskDeclined     TaskKind = "call_declined"    // a department says it does not come
	TaskAtRisk       TaskKind = "visit_at_risk"
	TaskHoliday      TaskKind = "visit_on_holiday"
	TaskUnopened     TaskKind = "notice_unopened" // served, and nobody has looked at half of the term
	TaskNeverDeemed  TaskKind = "never_deemed"
	TaskConfirm      TaskKind = "confirm_deemed"
	TaskConfirmLate  TaskKind = "confirm_late" // nobody has confirmed it in time (INS-910)
	TaskReview       TaskKind = "review_opinion"
	TaskReverse      TaskKind = "reverse_deemed" // a second person decides
	TaskWaive        TaskKind = "waive_opinion"  // a second supervisor decides whether to wait any longer (INS-1101)
	TaskIssue        TaskKind = "issue_opinion"  // nobody's opinion is lacking any more (T4)
	TaskLink         TaskKind = "link_locked"
	TaskDeemed       TaskKind = "deemed_recorded"     // the supervisor is told of a deemed consent (INS-918)
	TaskMissing      TaskKind = "call_missing"        // nobody of a department is on the site
	TaskAbsence      TaskKind = "decide_absence"      // it did not come, and two roles do not attest it
	TaskCorrect      TaskKind = "correct_attendance"  // a second person decides
	TaskApplicant    TaskKind = "applicant_absent"    // the applicant did not come again
	TaskBook         TaskKind = "book_visit"          // a case was handed over to this window
	TaskLoan         TaskKind = "loan_due"            // an original is due back at its keeper
	TaskTellAddress  TaskKind = "tell_address"        // a department hears on paper that its address changes
	TaskElectronic   TaskKind = "electronic_unserved" // a result sent as a file was not opened, or its mail is lost
	TaskGiveList     TaskKind = "give_list"           // a list of what to put right is not given yet (INS-1107)
	TaskDecideItem   TaskKind = "decide_item"         // a department asks for an item after that
	TaskRevisit      TaskKind = "plan_revisit"        // a revisit was asked for (INS-1109)
	TaskAskedAgain   TaskKind = "revisit_wanted"      // by a department
	TaskAskApplicant TaskKind = "ask_applicant"       // the term is over, and nobody asked for the revisit
	TaskRectifyOver  TaskKind = "decide_term"         // nor after the applicant was asked
	TaskRevisitLate  TaskKind = "revisit_late"        // it was asked for, and is not over in time
	TaskPhotoRefused TaskKind = "photo_refused"       // a department wants another photo, or to see an item on the site
	TaskPhotoLate    TaskKind = "photo_late"          // a department did not answer a photo in time (INS-1108)
	TaskConclude     TaskKind = "conclude_rectify"    // every item is put right; the opinion is to be issued anew
	TaskBreach       TaskKind = "decide_breach"       // an entry of the ledger waits for the supervisor
	TaskDanger       TaskKind = "danger"              // an immediate danger is not cleared (INS-1015)
	TaskPair         TaskKind = "decide_pair"         // two departments ask for what contradicts each other (INS-1011)
	TaskAnswerBreach TaskKind = "answer_breach"       // it is about the window, which may answer
)

// raiseTask opens a task unless one of the kind is open for the subject, on
// the caller's transaction.
func raiseTask(ctx context.Context, tx bun.IDB, v Visit, t Task) error {
	t.ID, t.VisitID, t.CentreID = newID(), v.ID, v.CentreID
	if t.ForRole == "" {
		t.ForRole = string(auth.Clerk)
	}
	return insertTask(ctx, tx, &t)
}

// Done marks a task done with a note, which a visit kept at risk must have.
// Refusals: not_found, wrong_window, task_done, reason_missing.
func (d *Desk) Done(ctx context.Context, by auth.Actor, taskID, note string) error {
	now := d.now()
	if err := office.CheckText("note", note, reasonLength); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		t, err := findTask(ctx, tx, taskID)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, tx, by, t.CentreID); err != nil {
			return err
		}
		if !t.DoneAt.IsZero() {
			return fault.Refuse(fault.Conflict, "task_done", "该事项已办结", "this task is done already")
		}
		if t.Kind == TaskAtRisk { // INS-606: the window keeps the time with a reason, or lets it go
			if err := checkText("note", note, reasonLength); err != nil {
				return err
			}
		}
		return finishTasks(ctx, tx, t.Kind, t.Subject, now, by.String(), note)
	})
}
