package inspection

import (
	"context"
	"errors"
	"fmt"
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
	"lianban/scheduler/workday"
)

// RevisitRequest (复勘申请) is the applicant's word that things are put right, or a
// supervisor's decision that somebody looks. DueAt is T6: the revisit is held by
// then.
type RevisitRequest struct {
	bun.BaseModel `bun:"table:revisit_requests" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	VisitID    string    `json:"visit_id"`
	Channel    string    `json:"channel"` // window, phone or supervisor
	Person     string    `json:"person"`
	Note       string    `json:"note,omitempty"`
	AskedAt    time.Time `json:"asked_at"`
	DueAt      time.Time `json:"due_at"`
	RecordedBy string    `json:"recorded_by"`
	RevisitID  string    `json:"revisit_id,omitempty"` // that answered it
	DoneAt     time.Time `bun:",nullzero" json:"done_at,omitzero"`
}

// bySupervisor is the channel of a supervisor's decision.
const bySupervisor = "supervisor"

// AskRequest records that the applicant asks for the revisit of a visit, at the
// window or by telephone.
type AskRequest struct {
	VisitID string
	Channel string
	Person  string
	Note    string
	Once    once.Key
}

// RequestRevisit takes the applicant's request down; T6 runs from it unless it ran
// before (INS-1109). Refusals: not_found, not_a_window, wrong_window, ask_channel,
// name_missing, no_list, list_not_given, nothing_to_revisit, revisit_asked,
// text_invalid.
func (d *Desk) RequestRevisit(ctx context.Context, by auth.Actor, r AskRequest) (RevisitRequest, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (out RevisitRequest, err error) {
		_, err = actOnVisit(ctx, tx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
			if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
				return nil, err
			}
			if err := r.check(); err != nil {
				return nil, err
			}
			out = RevisitRequest{Channel: r.Channel, Person: strings.TrimSpace(r.Person), Note: r.Note}
			return d.askFor(ctx, tx, by, *v, &out)
		})
		return out, err
	})
}

func (r AskRequest) check() error {
	if r.Channel != "window" && r.Channel != "phone" {
		return fault.Refuse(fault.Invalid, "ask_channel", "请选择申请方式：到窗口或电话", "say how the applicant asked: at the window or by telephone")
	}
	if strings.TrimSpace(r.Person) == "" {
		return fault.Refuse(fault.Invalid, "name_missing", "请填写申请人姓名", "name the person who asks")
	}
	if err := office.CheckLines(line("person", r.Person)); err != nil {
		return err
	}
	return office.CheckText("note", r.Note, reasonLength)
}

// askFor opens a request, starts T6 and asks the window to plan.
func (d *Desk) askFor(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, r *RevisitRequest) ([]audit.Leaf, error) {
	if _, err := revisitable(ctx, tx, v); err != nil {
		return nil, err
	}
	due, err := d.startRevisitClock(ctx, tx, v, d.now())
	if err != nil {
		return nil, err
	}
	r.ID, r.VisitID, r.AskedAt, r.DueAt, r.RecordedBy = newID(), v.ID, d.now(), due, by.String()
	fresh, err := insertNew(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, fault.Refuse(fault.Conflict, "revisit_asked",
			"复勘申请已经登记，请按期安排复勘", "a revisit has been asked for already; plan it in time")
	}
	done := Task{Subject: v.ID, DoneAt: d.now(), DoneBy: by.String(), Note: "已申请复勘"}
	if err := finishTask(ctx, tx, askTasks, done); err != nil {
		return nil, err
	}
	leaf := visitLeaf("revisit_requested", v, by.String(), d.now(), map[string]any{"request": r.ID, "channel": r.Channel, "t6": stamp(due)})
	return []audit.Leaf{leaf}, renewTask(ctx, tx, v, Task{
		Kind: TaskRevisit, Subject: v.ID, CreatedAt: d.now(), DueAt: due, Detail: "办件 " + v.CaseNumber + " 已申请复勘，请约定时间，并在期限内完成",
	})
}

// askTasks end when a revisit has been asked for.
var askTasks = []TaskKind{TaskAskApplicant, TaskRectifyOver}

// revisitable gives the items that a revisit of a visit would look at: those that
// are seen on the site and not put right yet.
func revisitable(ctx context.Context, q bun.IDB, v Visit) ([]ListedItem, error) {
	if err := addable(ctx, q, v); err != nil {
		return nil, err
	}
	lists, err := listLists(ctx, q, v.ID)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(lists, func(l RectifyList) bool { return l.GivenAt.IsZero() }) {
		return nil, listNotGiven()
	}
	items, err := openItems(ctx, q, v.ID, VerifyVisit)
	if err == nil && len(items) == 0 {
		err = fault.Refuse(fault.Conflict, "nothing_to_revisit",
			"没有需要现场复勘的整改事项，不用复勘", "no item is left that has to be seen on the site; there is nothing to revisit")
	}
	return items, err
}

func listNotGiven() error {
	return fault.Refuse(fault.Conflict, "list_not_given",
		"整改通知书尚未送达申请人，请先登记送达", "a list has not been given to the applicant; record that first")
}

// startRevisitClock starts T6 from an instant. One that runs already was started
// earlier and counts: whichever comes first (INS-1109).
func (d *Desk) startRevisitClock(ctx context.Context, tx bun.IDB, v Visit, from time.Time) (time.Time, error) {
	row, err := findDeadline(ctx, tx, v.ID, 1, DeadlineRevisit)
	if err == nil {
		return row.DueAt, nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return time.Time{}, err
	}
	g, err := d.ground(ctx, tx, v, "")
	if err != nil {
		return time.Time{}, err
	}
	due, err := g.cal.Following(from, g.rules.RevisitWithin, g.hours)
	if err != nil {
		return time.Time{}, err
	}
	return due.Due, upsertDeadlines(ctx, tx, countedRow(DeadlineRevisit, v.ID, due))
}

// countedRow is the row of a deadline that is about no round.
func countedRow(kind DeadlineKind, subject string, due workday.Deadline) DeadlineRow {
	return DeadlineRow{
		Kind: kind, Subject: subject, Round: 1, DueAt: due.Due, NextAt: due.Due, CalendarVersion: due.CalendarVersion,
		Detail: DeadlineDetail{Counted: &due},
	}
}

// PlanRevisit opens the draft of a revisit (复勘): a Visit of the departments that
// have something to look at, and of nobody else; one alone is allowed here and only
// here (INS-1109, INS-1201). It needs the applicant's request, or a supervisor's
// decision after the term. Minutes 0 takes the setting. Refusals: not_found,
// not_a_window, wrong_window, no_list, list_not_given, nothing_to_revisit,
// revisit_not_asked, revisit_exists, visit_minutes, applicant_absent_again.
func (d *Desk) PlanRevisit(ctx context.Context, by auth.Actor, visitID string, minutes int, key once.Key) (Visit, error) {
	d = d.still()
	out, err := once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (out Visit, err error) {
		_, err = actOnVisit(ctx, tx, visitID, func(tx bun.IDB, first *Visit) ([]audit.Leaf, error) {
			if out, err = d.planRevisit(ctx, tx, by, *first, minutes); err != nil {
				return nil, err
			}
			return []audit.Leaf{visitLeaf("visit_planned", out, by.String(), d.now(), map[string]any{"revisit_of": first.ID})}, nil
		})
		return out, err
	})
	return out, d.recordRefusal(ctx, by, "plan_revisit", visitID, err)
}

func (d *Desk) planRevisit(ctx context.Context, tx bun.IDB, by auth.Actor, first Visit, minutes int) (Visit, error) {
	if err := mayOrganise(ctx, tx, by, first.CentreID); err != nil {
		return Visit{}, err
	}
	items, err := revisitable(ctx, tx, first)
	if err != nil {
		return Visit{}, err
	}
	asked, err := askedFor(ctx, tx, first.ID)
	if err != nil {
		return Visit{}, err
	}
	if !asked {
		return Visit{}, fault.Refuse(fault.Conflict, "revisit_not_asked",
			"申请人还没有申请复勘；整改期满仍未申请的，由主管决定", "the applicant has not asked for a revisit; when the term is over a supervisor decides")
	}
	c, err := findCase(ctx, tx, first.CaseID)
	if err != nil {
		return Visit{}, err
	}
	g, err := groundAt(ctx, tx, first.CentreID, office.Scope{Centre: first.CentreID, Matter: first.MatterCode}, d.now())
	if err != nil {
		return Visit{}, err
	}
	if err := mayTryAgain(ctx, tx, by, c, g); err != nil {
		return Visit{}, err
	}
	required := lookingAt(c, items).Departments
	v, err := d.draft(c, PlanRequest{Kind: KindSite, Minutes: minutes}, required, g)
	if err != nil {
		return Visit{}, err
	}
	v.RevisitOf, v.CreatedBy = first.ID, by.String()
	if first.Kind == KindSite {
		v.Place, v.MovedTo = first.Place, first.MovedTo
	}
	v.require(required)
	fresh, err := insertNew(ctx, tx, &v)
	if err == nil && !fresh {
		err = fault.Refuse(fault.Conflict, "revisit_exists",
			"复勘已在安排中，请在该次复勘中办理", "a revisit is under way already; work on that one")
	}
	return v, err
}

// lookingAt is a case as a revisit sees it: the departments that asked for these
// items, all of them required, and no other (INS-1109).
func lookingAt(c Case, items []ListedItem) Case {
	var rows []CaseDepartment
	for _, row := range c.Departments {
		if slices.ContainsFunc(items, func(i ListedItem) bool { return i.DepartmentID == row.DepartmentID }) {
			row.Included, row.BecauseUnknown, row.Attendance, row.CheckKind = true, false, string(Required), string(CheckBoth)
			rows = append(rows, row)
		}
	}
	if len(rows) > 0 && !slices.ContainsFunc(rows, func(r CaseDepartment) bool { return r.Lead }) {
		rows[0].Lead = true // somebody leads, if who led the first visit has nothing to look at
	}
	c.Departments = rows
	return c
}

// caseOf is the case of a visit as that visit sees it: a revisit has its own
// departments, and is held by T6.
func caseOf(ctx context.Context, q bun.IDB, v Visit) (Case, error) {
	c, err := findCase(ctx, q, v.CaseID)
	if err != nil || v.RevisitOf == "" {
		return c, err
	}
	items, err := openItems(ctx, q, v.RevisitOf, VerifyVisit)
	if err != nil {
		return c, err
	}
	due, err := revisitDue(ctx, q, v.RevisitOf)
	if !due.IsZero() {
		c.LimitDate = dateOf(due).String()
	}
	return lookingAt(c, items), err
}

// root is the visit whose list counts: of a revisit the first one.
func (v Visit) root() string {
	if v.RevisitOf != "" {
		return v.RevisitOf
	}
	return v.ID
}

// Sort is the kind of a visit as people call it: a revisit is one of its own.
func (v Visit) Sort() string {
	if v.RevisitOf != "" {
		return "revisit"
	}
	return string(v.Kind)
}

// onList makes an opinion of a revisit speak of the items it looks at and of no
// other, and keeps a list that is made from growing when a visit is opened again
// (INS-1107, INS-1109).
func (r *OpinionRequest) onList(ctx context.Context, q bun.IDB, p Participant, v Visit) error {
	if r.Kind != Rectify {
		r.Items = nil
		return nil
	}
	if v.RevisitOf == "" {
		_, err := findList(ctx, q, v.ID, 1)
		if err == nil {
			return listLocked()
		}
		if !fault.Is(err, "list_unknown") {
			return err
		}
		return checkItems(r.Items)
	}
	items, err := openItems(ctx, q, v.RevisitOf, VerifyVisit)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, item := range r.Items {
		at := slices.IndexFunc(items, func(l ListedItem) bool { return l.ID == item.ID && l.DepartmentID == p.DepartmentID })
		if at < 0 || seen[item.ID] {
			return listLocked()
		}
		seen[item.ID] = true
		r.Items[i] = RectifyItem{ID: item.ID, Finding: items[at].Finding, Clause: items[at].Clause, Verify: VerifyVisit, Days: item.Days}
	}
	return checkItems(r.Items)
}

func listLocked() error {
	return fault.Refuse(fault.Conflict, "list_locked",
		"整改通知书已经一次列明，这里只能说明其中尚未整改的事项；确需追加的，请说明理由，由主管决定", "the list is settled: only its own items can be said to be open. Ask for a later item with its ground; a supervisor decides")
}

// RectifyDue follows the clocks after a list was given: the end of the terms (T5),
// of the time for the revisit (T6) and of that for the answer to a photo.
func (d *Desk) RectifyDue(ctx context.Context) error {
	return errors.Join(
		d.eachDue(ctx, []DeadlineKind{DeadlineRectify, DeadlineRevisit}, d.rectifyDue),
		d.eachDue(ctx, []DeadlineKind{DeadlinePhoto}, d.photoLate),
	)
}

func (d *Desk) rectifyDue(ctx context.Context, tx bun.IDB, row DeadlineRow) error {
	d = d.still()
	_, err := actOnVisit(ctx, tx, row.Subject, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := endDeadlines(ctx, tx, v.ID, row.Round, row.Kind); err != nil {
			return nil, err
		}
		items, err := openItems(ctx, tx, v.ID)
		if err != nil || len(items) == 0 || v.Result != ResultRectify {
			return nil, err
		}
		asked, err := askedFor(ctx, tx, v.ID)
		if err != nil {
			return nil, err
		}
		if row.Kind == DeadlineRevisit {
			return d.revisitLate(ctx, tx, *v, row, asked)
		}
		if asked {
			return nil, nil
		}
		return d.termOver(ctx, tx, *v, row)
	})
	return err
}

// termOver: the terms ended and nobody asked for the revisit. T6 runs from here;
// the applicant is asked, once, and afterwards the supervisor decides (INS-1109).
func (d *Desk) termOver(ctx context.Context, tx bun.IDB, v Visit, row DeadlineRow) ([]audit.Leaf, error) {
	list, err := findList(ctx, tx, v.ID, 1)
	if err != nil {
		return nil, err
	}
	if !list.AskedAt.IsZero() {
		return d.overTo(ctx, tx, v, row)
	}
	due, err := d.startRevisitClock(ctx, tx, v, row.DueAt)
	if err != nil {
		return nil, err
	}
	if err := markAsked(ctx, tx, list, d.now()); err != nil {
		return nil, err
	}
	if err := d.queueApplicant(ctx, tx, v, notify.PurposeTermOver, due); err != nil {
		return nil, err
	}
	leaf := visitLeaf("term_over", v, systemActor.String(), d.now(), map[string]any{"due": stamp(row.DueAt), "t6": stamp(due)})
	return []audit.Leaf{leaf}, raiseTask(ctx, tx, v, Task{
		Kind: TaskAskApplicant, Subject: v.ID, CreatedAt: d.now(), DueAt: due,
		Detail: "办件 " + v.CaseNumber + " 的整改期限已满，申请人尚未申请复勘；已发告知，请电话询问并登记",
	})
}

// revisitLate: T6 is over. Where a revisit was asked for it is the window's delay;
// where the applicant kept silent the supervisor decides.
func (d *Desk) revisitLate(ctx context.Context, tx bun.IDB, v Visit, row DeadlineRow, asked bool) ([]audit.Leaf, error) {
	if !asked {
		return d.overTo(ctx, tx, v, row)
	}
	leaf := visitLeaf("revisit_late", v, systemActor.String(), d.now(), map[string]any{"due": stamp(row.DueAt)})
	return []audit.Leaf{leaf}, raiseTask(ctx, tx, v, Task{
		Kind: TaskRevisitLate, Subject: v.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: "办件 " + v.CaseNumber + " 的复勘未在期限内完成，请督办",
	})
}

// overTo hands the decision to the supervisor.
func (d *Desk) overTo(ctx context.Context, tx bun.IDB, v Visit, row DeadlineRow) ([]audit.Leaf, error) {
	done := Task{Subject: v.ID, DoneAt: d.now(), DoneBy: systemActor.String(), Note: "已转主管"}
	if err := finishTask(ctx, tx, []TaskKind{TaskAskApplicant}, done); err != nil {
		return nil, err
	}
	leaf := visitLeaf("rectify_undecided", v, systemActor.String(), d.now(), map[string]any{"due": stamp(row.DueAt)})
	return []audit.Leaf{leaf}, raiseTask(ctx, tx, v, Task{
		Kind: TaskRectifyOver, Subject: v.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
		Detail: "办件 " + v.CaseNumber + " 整改期满，经询问申请人仍未申请复勘，请决定直接复勘，或者延长整改期限",
	})
}

// TermDecision is what a supervisor decides about a term that is over: a revisit
// all the same, or so many working days more.
type TermDecision struct {
	VisitID string
	Revisit bool
	Days    int // if not
	Reason  string
}

// DecideTerm is that decision. Refusals: not_found, not_supervisor, wrong_window,
// nothing_to_decide, item_days, and those of RequestRevisit.
func (d *Desk) DecideTerm(ctx context.Context, by auth.Actor, r TermDecision) error {
	d = d.still()
	_, err := d.onVisit(ctx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := maySupervise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		waits, err := hasTask(ctx, tx, TaskRectifyOver, v.ID)
		if err != nil {
			return nil, err
		}
		if !waits {
			return nil, fault.Refuse(fault.Conflict, "nothing_to_decide",
				"没有待决定的整改期限，请刷新后核对", "no term waits for a decision; reload and check")
		}
		if err := checkText("reason", r.Reason, reasonLength); err != nil {
			return nil, err
		}
		if r.Revisit {
			return d.askFor(ctx, tx, by, *v, &RevisitRequest{Channel: bySupervisor, Person: by.Name, Note: r.Reason})
		}
		return d.longer(ctx, tx, by, *v, r)
	})
	return err
}

// longer gives every open item a new term from now on.
func (d *Desk) longer(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, r TermDecision) ([]audit.Leaf, error) {
	if r.Days < 1 || r.Days > mostDays {
		return nil, itemDays()
	}
	items, err := openItems(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if err := d.setTerm(ctx, tx, v, item, d.now(), r.Days); err != nil {
			return nil, err
		}
	}
	if err := finishTasks(ctx, tx, TaskRectifyOver, v.ID, d.now(), by.String(), r.Reason); err != nil {
		return nil, err
	}
	leaf := visitLeaf("term_extended", v, by.String(), d.now(), map[string]any{"days": r.Days})
	return []audit.Leaf{leaf}, d.startRectifyClock(ctx, tx, v)
}

// setTerm counts the term of an item from an instant.
func (d *Desk) setTerm(ctx context.Context, tx bun.IDB, v Visit, item ListedItem, from time.Time, days int) error {
	g, err := d.ground(ctx, tx, v, item.DepartmentID)
	if err != nil {
		return err
	}
	counted, err := g.cal.Reply(from, days, g.hours) // too late in the day counts for the next (INS-413)
	if err != nil {
		return err
	}
	item.DueAt, item.Deadline = counted.Due, &counted
	return updateTerm(ctx, tx, item)
}

// startRectifyClock sets T5 to the last of the terms that run: a revisit looks at
// all items at once.
func (d *Desk) startRectifyClock(ctx context.Context, tx bun.IDB, v Visit) error {
	items, err := openItems(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	var last *workday.Deadline
	for _, item := range items {
		if item.Deadline != nil && (last == nil || item.Deadline.Due.After(last.Due)) {
			last = item.Deadline
		}
	}
	if last == nil {
		return endDeadlines(ctx, tx, v.ID, 1, DeadlineRectify)
	}
	return upsertDeadlines(ctx, tx, countedRow(DeadlineRectify, v.ID, *last))
}

// lookText says in a notice what a revisit looks at.
func lookText(items []ListedItem, department string) string {
	var out []string
	for _, i := range items {
		if i.DepartmentID == department {
			out = append(out, fmt.Sprintf("%d. %s", i.N, i.Finding))
		}
	}
	return "本次只核查整改通知书中的下列事项：" + strings.Join(out, "；")
}
