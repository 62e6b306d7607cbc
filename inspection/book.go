package inspection

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
)

// PlanRequest opens a draft visit for a case. Minutes 0 takes the setting.
type PlanRequest struct {
	CaseID  string
	Kind    VisitKind
	Minutes int
	Once    once.Key
}

// Plan opens a draft visit (V1). Only the window of the site's centre may
// (INS-202). Refusals: not_found, not_a_window, wrong_window, no_visit_needed,
// visit_exists, facts_missing, visit_kind, visit_minutes, applicant_absent_again.
func (d *Desk) Plan(ctx context.Context, by auth.Actor, r PlanRequest) (Visit, error) {
	d = d.still()
	var out Visit
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		v, _, err := once.Do(ctx, tx, r.Once, d.now(), func() (Visit, error) { return d.plan(ctx, tx, by, r) })
		out = v
		return err
	})
	return out, d.recordRefusal(ctx, by, "plan", r.CaseID, err)
}

func (d *Desk) plan(ctx context.Context, tx bun.IDB, by auth.Actor, r PlanRequest) (Visit, error) {
	c, err := findCase(ctx, tx, r.CaseID)
	if err != nil {
		return Visit{}, err
	}
	if err := mayOrganise(ctx, tx, by, c.OrganiserCentre); err != nil {
		return Visit{}, err
	}
	if r.Kind != KindSite && r.Kind != KindReview {
		return Visit{}, fault.Refuse(fault.Invalid, "visit_kind", "请选择联合踏勘或联合评审", "choose a site visit or a review")
	}
	required := comingTo(c, r.Kind)
	if err := plannable(c, required); err != nil {
		return Visit{}, err
	}
	g, err := groundAt(ctx, tx, c.OrganiserCentre, office.Scope{Centre: c.OrganiserCentre, Matter: c.MatterCode}, d.now())
	if err != nil {
		return Visit{}, err
	}
	if err := mayTryAgain(ctx, tx, by, c, g); err != nil {
		return Visit{}, err
	}
	v, err := d.draft(c, r, required, g)
	if err != nil {
		return Visit{}, err
	}
	v.CreatedBy = by.String()
	if err := insertVisit(ctx, tx, &v); err != nil {
		return Visit{}, err
	}
	return v, audit.Record(ctx, tx, visitLeaf("visit_planned", v, by.String(), d.now(), nil))
}

func (d *Desk) draft(c Case, r PlanRequest, required []CaseDepartment, g ground) (Visit, error) {
	v := Visit{
		ID: newID(), CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName,
		Kind: r.Kind, State: VisitDraft, UID: uuid.NewString(), CentreID: c.OrganiserCentre, WindowID: c.OrganiserWindow,
		Division: c.Division, Place: c.Site.Address, Minutes: r.Minutes,
		CreatedAt: d.now(), Version: 1,
	}
	if v.Minutes == 0 {
		v.Minutes = g.rules.DurationSite
		if r.Kind == KindReview {
			v.Minutes = g.rules.DurationReview
		}
	}
	if v.Minutes < 15 || v.Minutes > 240 || v.Minutes%5 != 0 {
		return v, fault.Refuse(fault.Invalid, "visit_minutes",
			"勘验时长应为 15 至 240 分钟，按 5 分钟递增", "a visit takes 15 to 240 minutes, in steps of five")
	}
	v.require(required)
	return v, nil
}

// require sets what follows from the required departments.
func (v *Visit) require(required []CaseDepartment) {
	v.SingleByRule = len(required) == 1 && v.RevisitOf == "" // INS-309
	v.LeadDepartment = required[0].DepartmentID
	for _, row := range required {
		if row.Lead {
			v.LeadDepartment = row.DepartmentID
		}
	}
}

// comingTo lists the required departments of a kind of visit.
func comingTo(c Case, kind VisitKind) []CaseDepartment {
	return slices.DeleteFunc(invitedTo(c, kind), func(r CaseDepartment) bool { return r.Attendance != string(Required) })
}

// invitedTo lists the departments of a kind of visit, required or not.
func invitedTo(c Case, kind VisitKind) []CaseDepartment {
	var out []CaseDepartment
	for _, r := range c.Departments {
		if r.Included && CheckKind(r.CheckKind).Covers(kind) {
			out = append(out, r)
		}
	}
	return out
}

func plannable(c Case, required []CaseDepartment) error {
	if err := answered(c); err != nil {
		return err
	}
	if len(required) == 0 { // INS-309
		return fault.Refuse(fault.Conflict, "no_visit_needed",
			"按本事项规则，没有部门需要到场，无需约定", "by the rules of this matter no department has to come; there is nothing to book")
	}
	return nil
}

func missingFacts(c Case) []string {
	var out []string
	for _, r := range c.Departments {
		if r.open() {
			out = append(out, r.Missing...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func visitExists() *fault.Error {
	return fault.Refuse(fault.Conflict, "visit_exists",
		"该办件已有一次同类勘验，请在原勘验中办理", "this case has a visit of this kind already; work on that one") // INS-1202
}

// SlotChoice is a start and the people and things that come.
type SlotChoice struct {
	Start     time.Time
	Resources []string
}

// HoldSlot reserves every resource of a choice for hold.ttl while the clerk
// decides (INS-510, SIM-2). A visit holds one slot at a time; choosing again
// gives the old one up. It gives the instant the hold runs out. Refusals:
// not_found, wrong_window, bad_move, slot_taken with alternatives, and the
// codes of INS-502.
func (d *Desk) HoldSlot(ctx context.Context, by auth.Actor, visitID string, choice SlotChoice) (time.Time, error) {
	d = d.still()
	var expires time.Time
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		v, err := d.lockDraft(ctx, tx, by, visitID)
		if err != nil {
			return err
		}
		g, err := d.ground(ctx, tx, v, "")
		if err != nil {
			return err
		}
		expires = d.now().Add(g.rules.HoldTTL)
		_, err = d.seize(ctx, tx, by, v, choice, expires)
		return err
	})
	if err == nil {
		return expires, nil
	}
	return expires, d.recordRefusal(ctx, by, "hold", visitID, d.withAlternatives(ctx, by, visitID, err))
}

// ReleaseSlot gives a held slot back. Refusals: not_found, wrong_window, bad_move.
func (d *Desk) ReleaseSlot(ctx context.Context, by auth.Actor, visitID string) error {
	d = d.still()
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		v, err := lockVisit(ctx, tx, visitID)
		if err != nil {
			return err
		}
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return err
		}
		if v.State != VisitDraft {
			return movedOn("bad_move")
		}
		return freeResources(ctx, tx, v.ID)
	})
}

// BookRequest books a draft visit. Without a choice the held slot is booked.
// PastLimitWhy is a supervisor's reason to book after the limit date (INS-612).
type BookRequest struct {
	VisitID      string
	Choice       SlotChoice
	PastLimitWhy string
	Once         once.Key
}

// Book offers the time to all departments (V4): visit, round, occupied
// resources, participants, notices, reminders and evidence commit together or
// not at all (INS-601). Of any number of requests for one person and time one
// wins; the others get slot_taken with alternatives (INS-602). Refusals:
// not_found, wrong_window, bad_move, hold_expired, slot_taken, lead_time,
// past_limit, not_supervisor, and the other codes of INS-502.
func (d *Desk) Book(ctx context.Context, by auth.Actor, r BookRequest) (Visit, error) {
	d = d.still()
	if err := office.CheckText("past_limit_reason", r.PastLimitWhy, reasonLength); err != nil {
		return Visit{}, err
	}
	var out Visit
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		v, _, err := once.Do(ctx, tx, r.Once, d.now(), func() (Visit, error) { return d.book(ctx, tx, by, r) })
		out = v
		return err
	})
	if err == nil {
		return out, nil
	}
	return out, d.recordRefusal(ctx, by, "book", r.VisitID, d.withAlternatives(ctx, by, r.VisitID, err))
}

func (d *Desk) book(ctx context.Context, tx bun.IDB, by auth.Actor, r BookRequest) (Visit, error) {
	locked, err := d.lockDraft(ctx, tx, by, r.VisitID)
	if err != nil {
		return Visit{}, err
	}
	choice, err := d.heldOr(ctx, tx, by, r)
	if err != nil {
		return Visit{}, err
	}
	s, err := d.seize(ctx, tx, by, locked, choice, time.Time{})
	if err != nil {
		return Visit{}, err
	}
	if err := pastLimit(s, by, r.PastLimitWhy); err != nil {
		return Visit{}, err
	}
	v := &s.v
	v.require(comingTo(s.c, v.Kind)) // facts may have changed since the draft
	v.Round, v.PastLimitWhy = v.Round+1, r.PastLimitWhy
	v.Start, v.End = choice.Start.UTC(), choice.Start.UTC().Add(time.Duration(v.Minutes)*time.Minute)
	if err := moveVisit(ctx, tx, v, "Book", "round", "start_at", "end_at", "past_limit_why", "single_by_rule", "lead_department"); err != nil {
		return Visit{}, err
	}
	leaves, err := d.offer(ctx, tx, by, s)
	if err != nil {
		return Visit{}, err
	}
	return *v, audit.Record(ctx, tx, leaves...)
}

// heldOr is the choice of the request, or the slot that the same person holds
// for the visit: nobody books a time they have not seen. A supervisor confirms
// what a clerk holds (INS-612).
func (d *Desk) heldOr(ctx context.Context, tx bun.IDB, by auth.Actor, r BookRequest) (SlotChoice, error) {
	if !r.Choice.Start.IsZero() {
		return r.Choice, nil
	}
	rows, err := listBookings(ctx, tx, r.VisitID)
	if err != nil {
		return SlotChoice{}, err
	}
	var choice SlotChoice
	for _, b := range rows {
		held, own := !b.ExpiresAt.IsZero(), b.HeldBy == by.String() || by.Is(auth.Supervisor)
		if held && (!own || !b.ExpiresAt.After(d.now())) { // by the clock (INS-510)
			choice = SlotChoice{}
			break
		}
		choice.Start, choice.Resources = b.Start, append(choice.Resources, b.ResourceID)
	}
	if choice.Start.IsZero() {
		return choice, fault.Refuse(fault.Conflict, "hold_expired",
			"占位已过期或未选择时间，请重新选择", "the slot is not held any more; choose a time again")
	}
	return choice, nil
}

// pastLimit: beyond the limit date only a supervisor books, with a reason
// (INS-612).
func pastLimit(s chosen, by auth.Actor, why string) error {
	if dateOf(s.choice.Start).String() <= s.c.LimitDate {
		return nil
	}
	if why == "" || !by.Is(auth.Supervisor) {
		return fault.Refuse(fault.Forbidden, "past_limit",
			"该日期超过办理时限 %s，须由主管说明理由后约定", "this day is after the limit date %s; a supervisor may book it with a reason", s.c.LimitDate)
	}
	return nil
}

// withAlternatives adds three other times to a refusal for a taken slot
// (INS-512, INS-602); they are searched after the rollback.
func (d *Desk) withAlternatives(ctx context.Context, by auth.Actor, visitID string, err error) error {
	refusal, ok := fault.From(err)
	if !ok || refusal.Code != "slot_taken" && refusal.Code != "overlap" {
		return err
	}
	answer, searchErr := d.Slots(ctx, by, SlotRequest{VisitID: visitID, Limit: 3})
	if searchErr != nil {
		return errors.Join(err, searchErr)
	}
	return slotTaken().With("alternatives", answer.Offers)
}

// offer writes all that follows from a booked time, on its transaction.
func (d *Desk) offer(ctx context.Context, tx bun.IDB, by auth.Actor, s chosen) ([]audit.Leaf, error) {
	v := s.v
	round := Round{
		VisitID: v.ID, N: v.Round, Start: v.Start, End: v.End, Place: v.Place, FirstSequence: v.Sequence,
		OfferedAt: d.now(), OfferedBy: by.String(),
	}
	if err := insertRound(ctx, tx, &round); err != nil {
		return nil, err
	}
	participants := participantsOf(s)
	if err := insertParticipants(ctx, tx, participants); err != nil {
		return nil, err
	}
	if err := d.announce(ctx, tx, participants, s); err != nil {
		return nil, err
	}
	if err := finishTasks(ctx, tx, TaskBook, v.CaseID, d.now(), by.String(), ""); err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{visitLeaf("visit_offered", v, by.String(), d.now(), map[string]any{
		"start": stamp(v.Start), "end": stamp(v.End), "resources": s.choice.Resources, "past_limit": v.PastLimitWhy != "",
	})}
	if s.agreed != nil {
		leaves[0].Fields["agreements"] = s.agreed
	}
	return append(leaves, invitedLeaves(participants, by, d.now())...), bookCase(ctx, tx, s.c)
}

// announce queues notices, the applicant's word and the morning reminder, and
// starts the steps for a notice that does not arrive.
func (d *Desk) announce(ctx context.Context, tx bun.IDB, participants []Participant, s chosen) error {
	letters, err := d.notices(ctx, tx, participants, s.v)
	if err != nil {
		return err
	}
	applicant, err := toApplicant(s.c, s.v, notify.PurposeApplicant, s.v.Start)
	if err != nil {
		return err
	}
	if err := notify.Queue(ctx, tx, d.now(), append(letters, applicant...)...); err != nil {
		return err
	}
	morning := dateOf(s.v.Start).At(reminderFirstVisitAt).UTC()
	var rows []DeadlineRow
	for _, p := range participants {
		first, err := firstEscalation(p, s.v, s.g, d.now())
		if err != nil {
			return err
		}
		rows = append(rows, first,
			DeadlineRow{Kind: DeadlineRemindVisit, Subject: p.ID, Round: s.v.Round, DueAt: morning, NextAt: morning})
	}
	return upsertDeadlines(ctx, tx, rows...)
}

func participantsOf(s chosen) []Participant {
	var out []Participant
	for _, row := range invitedTo(s.c, s.v.Kind) {
		department, g := s.offices[row.DepartmentID], s.g.under(row.DepartmentID)
		p := Participant{
			ID: newID(), VisitID: s.v.ID, CaseID: s.c.ID, DepartmentID: department.ID, System: row.System, Name: department.Name,
			Round: s.v.Round, Lead: row.Lead, Required: row.Attendance == string(Required), NeverDeemed: row.NeverDeemed,
			StaffMin: staffMin(g.rules, s.v.Kind), Basis: row.Basis,
			Consent: ConsentUnserved, Attendance: AttendanceExpected, Opinion: OpinionNone,
		}
		if !p.Required {
			p.Attendance = AttendanceOptional
		}
		out = append(out, p)
	}
	return out
}

func staffMin(r office.Rules, kind VisitKind) int {
	if kind == KindReview {
		return r.StaffReview
	}
	return r.StaffSite
}

// attemptCodes are the refusals of what is the window's alone (INS-201), and of what
// would be an inspection outside its visit (INS-1201).
var attemptCodes = []string{"not_a_window", "wrong_window", "visit_not_running"}

// recordRefusal puts an attempt that was not the caller's to make into the
// log (INS-1204), and gives the refusal back.
func (d *Desk) recordRefusal(ctx context.Context, by auth.Actor, act, subject string, err error) error {
	refusal, ok := fault.From(err)
	if !ok || !slices.Contains(attemptCodes, refusal.Code) {
		return err
	}
	logged := d.DB.Write(ctx, func(tx bun.IDB) error {
		return audit.Record(ctx, tx, audit.Leaf{
			Type: "attempt_refused", Stream: attemptStream, Actor: by.String(), At: d.now(),
			Fields: map[string]any{"act": act, "subject": subject, "code": refusal.Code},
		})
	})
	if logged != nil {
		return errors.Join(err, logged)
	}
	return err
}

// PassOn passes a case to the window that has to organise its visit, as a
// task there (INS-203). Refusals: not_found, not_a_window.
func (d *Desk) PassOn(ctx context.Context, by auth.Actor, caseID, note string, key once.Key) error {
	d = d.still()
	if err := office.CheckText("note", note, reasonLength); err != nil {
		return err
	}
	_, err := once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, d.passOn(ctx, tx, by, caseID, note)
	})
	return err
}

func (d *Desk) passOn(ctx context.Context, tx bun.IDB, by auth.Actor, caseID, note string) error {
	c, err := findCase(ctx, tx, caseID)
	if err != nil {
		return err
	}
	if err := d.mayWorkOn(ctx, tx, by, c); err != nil {
		return err
	}
	err = raiseTask(ctx, tx, Visit{CentreID: c.OrganiserCentre}, Task{
		Kind: TaskBook, Subject: c.ID, CreatedAt: d.now(), Detail: "办件 " + c.Number + " 待约定勘验：" + note,
	})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Leaf{
		Type: "case_handed_over", Stream: caseStream(c.ID), Actor: by.String(), At: d.now(),
		Fields: map[string]any{"to": c.OrganiserCentre},
	})
}

// visitLeaf is a leaf of the case's common stream about a visit.
func visitLeaf(kind string, v Visit, actor string, at time.Time, more map[string]any) audit.Leaf {
	fields := map[string]any{"visit": v.ID, "round": v.Round, "state": string(v.State), "sequence": v.Sequence}
	maps.Copy(fields, more)
	return audit.Leaf{Type: kind, Stream: caseStream(v.CaseID), Actor: actor, At: at, Fields: fields}
}

// participantLeaf is a leaf of a department's own stream about one visit. It
// names the visit: rounds are counted for each visit anew, and the stream goes
// through all visits of the case.
func participantLeaf(kind string, p Participant, actor string, at time.Time, more map[string]any) audit.Leaf {
	fields := map[string]any{"visit": p.VisitID, "round": p.Round}
	maps.Copy(fields, more)
	return audit.Leaf{Type: kind, Stream: departmentStream(p.CaseID, p.DepartmentID), Actor: actor, At: at, Fields: fields}
}
