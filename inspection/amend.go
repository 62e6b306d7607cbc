package inspection

import (
	"context"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// AmendRequest changes the answers of a Case, or confirms that departments
// included only because a fact is unknown shall come (INS-305).
type AmendRequest struct {
	CaseID         string
	Answers        Answers // merged over the present ones
	ConfirmUnknown bool
	Version        int // the version the clerk saw
	Once           once.Key
}

// Amend fills in facts and derives the departments anew. Where visits are booked
// their lists follow, which is the organising window's act (INS-201): who is new
// gets a notice, a clock and people of its own, who is not asked any more is told,
// and nobody else's clock moves (INS-308). No supervisor is needed: it is the
// matter's rules that let a department go, and the clause is on record (INS-307).
// Refusals: not_found, not_a_window, wrong_window, answers_invalid, case_changed,
// visit_begun, facts_missing, lead_changes, asked_before, people_taken, bad_move.
func (d *Desk) Amend(ctx context.Context, by auth.Actor, r AmendRequest) (Case, error) {
	d = d.still()
	if err := r.Answers.Check(); err != nil {
		return Case{}, err
	}
	c, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Case, error) { return d.amend(ctx, tx, by, r) })
	return c, d.recordRefusal(ctx, by, "amend", r.CaseID, err)
}

func (d *Desk) amend(ctx context.Context, tx bun.IDB, by auth.Actor, r AmendRequest) (Case, error) {
	change, err := d.foresee(ctx, tx, by, r)
	if err != nil {
		return change.Case, err
	}
	c, leaf := &change.Case, audit.Leaf{Type: "case_amended", Stream: caseStream(r.CaseID), Actor: by.String(), At: d.now()}
	leaf.Fields = map[string]any{"departments": includedSystems(c.Departments), "confirmed_unknown": r.ConfirmUnknown}
	if len(change.Visits) == 0 {
		if err := updateCase(ctx, tx, c); err != nil {
			return *c, err
		}
		return *c, d.recordCase(ctx, tx, by, *c, leaf)
	}
	leaves, err := d.followFacts(ctx, tx, by, &change)
	if err != nil {
		return *c, err
	}
	return *c, audit.Record(ctx, tx, append([]audit.Leaf{leaf}, leaves...)...)
}

// Foresee says what Amend would do, and refuses what it would, without doing it.
// Who would be sent is who is free now.
func (d *Desk) Foresee(ctx context.Context, by auth.Actor, r AmendRequest) (change FactsChange, err error) {
	if err := r.Answers.Check(); err != nil {
		return change, err
	}
	d = d.still()
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		change, err = d.foresee(ctx, q, by, r)
		return err
	})
	change.Case.Applicant = change.Case.Applicant.Masked()
	return change, err
}

func (d *Desk) foresee(ctx context.Context, q bun.IDB, by auth.Actor, r AmendRequest) (change FactsChange, err error) {
	c, err := findCase(ctx, q, r.CaseID)
	if err != nil {
		return change, err
	}
	if err := d.mayWorkOn(ctx, q, by, c); err != nil {
		return change, err
	}
	if c.Version != r.Version {
		return change, fault.Refuse(fault.Conflict, "case_changed",
			"办件已被他人修改，请刷新后再改", "someone else changed this case; read it again and repeat your change")
	}
	first, err := firstVisits(ctx, q, c.ID)
	if err != nil {
		return change, err
	}
	booked, err := d.bookedOf(c, first)
	if err != nil {
		return change, err
	}
	if len(booked) > 0 {
		if err := mayOrganise(ctx, q, by, c.OrganiserCentre); err != nil {
			return change, err
		}
	}
	change.Case = c
	derived, err := rederive(ctx, q, &change.Case, r, by)
	if err != nil || len(booked) == 0 {
		return change, err
	}
	change.Case.State = c.State
	if err := answered(change.Case); err != nil {
		return change, err
	}
	for _, v := range booked {
		one, err := d.changeOf(ctx, q, change.Case, derived, v)
		if err != nil {
			return change, err
		}
		change.Visits = append(change.Visits, one)
	}
	return change, nil
}

// bookedOf are the visits of a case that would follow its facts. Once one has
// begun the list stands: what the departments find on the site is what counts.
func (d *Desk) bookedOf(c Case, first []Visit) (booked []Visit, err error) {
	begun := c.State == CaseVisited || c.State == CaseHandedOver
	for _, v := range first {
		switch v.State {
		case VisitOffered, VisitConfirmed:
			booked, begun = append(booked, v), begun || !d.now().Before(v.Start)
		case VisitInProgress, VisitCollecting, VisitClosed:
			begun = true
		case VisitDraft, VisitCancelled, VisitNotHeld:
		}
	}
	if begun {
		return nil, fault.Refuse(fault.Conflict, "visit_begun",
			"勘验时间已到或已经开始，参加部门不能再变：与填报不符的情况，请到场部门写入核查意见；确需其他部门参加且勘验尚未结束的，请登记“未能进行”（未开始的可改期或取消），再更正情况、重新约定",
			"the visit has begun or its time has come, so who comes is settled: departments on the site write what they find into their opinions. If another department has to see it and the visit is not over, record it as not held (or move or cancel it before it begins), then correct the facts and book again")
	}
	return booked, nil
}

// answered refuses facts that leave open who comes (INS-305).
func answered(c Case) error {
	if !slices.ContainsFunc(c.Departments, CaseDepartment.open) {
		return nil
	}
	return fault.Refuse(fault.Conflict, "facts_missing",
		"还有影响参加部门的问题没有回答，请补填或确认按“需要参加”处理", "answer the open questions first, or confirm that the departments in doubt shall come").With("missing", missingFacts(c))
}

// rederive gives a case other answers and the list of departments that follows.
func rederive(ctx context.Context, q bun.IDB, c *Case, r AmendRequest, by auth.Actor) ([]Derived, error) {
	matter, err := FindMatter(ctx, q, c.MatterCode, c.MatterVersion) // INS-301
	if err != nil {
		return nil, err
	}
	merged := make(Answers, len(c.Answers)+len(r.Answers))
	maps.Copy(merged, c.Answers)
	maps.Copy(merged, r.Answers)
	rows, err := deriveFor(ctx, q, matter, merged, c.Division)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].open() && r.ConfirmUnknown {
			rows[i].ConfirmedBy = by.String()
		}
	}
	asked, err := departmentsAsked(ctx, q, c.ID)
	if err != nil {
		return nil, err
	}
	c.Answers, c.Departments = merged, keepKnown(c.Departments, rows, asked)
	c.State = stateFor(c.Departments)
	return Derive(matter, merged), nil
}

// keepKnown carries over a new derivation what people changed by hand, and the
// departments that were asked once: they read on what they were told.
func keepKnown(old, rows []CaseDepartment, asked []string) []CaseDepartment {
	known := map[string]CaseDepartment{}
	for _, o := range old {
		known[o.System] = o
	}
	for i := range rows {
		r, was := &rows[i], known[rows[i].System]
		if was.ManualReason != "" {
			r.Included, r.ManualReason, r.ChangedBy, r.DepartmentID = was.Included, was.ManualReason, was.ChangedBy, was.DepartmentID
		}
		if !r.Included && slices.Contains(asked, was.DepartmentID) {
			r.DepartmentID = was.DepartmentID
		}
	}
	return rows
}
