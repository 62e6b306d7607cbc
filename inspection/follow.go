package inspection

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler/slot"
)

// FactsChange (情况变更) is what other facts make of a case, and of those of its
// visits that are booked (INS-308).
type FactsChange struct {
	Case   Case          `json:"case"` // as it will be
	Visits []VisitChange `json:"visits"`
}

// Moves reports whether any visit gets or loses a department.
func (c FactsChange) Moves() bool {
	return slices.ContainsFunc(c.Visits, func(v VisitChange) bool { return len(v.Added)+len(v.Dropped) > 0 })
}

// VisitChange is what becomes of one booked visit.
type VisitChange struct {
	Visit   Visit     `json:"visit"`
	Added   []Joining `json:"added"`
	Dropped []Leaving `json:"dropped"`
}

// Joining is a department that has to be asked besides. People are who would come,
// nobody if fewer are free than StaffMin: then it is invited all the same, nobody is
// booked, and the window is asked to move the visit.
type Joining struct {
	Participant
	Clause  string     `json:"clause"`
	Because Derived    `json:"-"` // the rule that decided, to say it in words
	People  []Resource `json:"people"`
	Short   bool       `json:"short"`    // too few are free
	TooLate bool       `json:"too_late"` // its answer is not due before the start (INS-606)
	DueAt   time.Time  `json:"due_at"`   // if it is served at once
	asked   Consent    // what it stood at when it was let go before, if it was
}

// Leaving is a department that need not come any more.
type Leaving struct {
	Participant
	Clause  string  `json:"clause"`
	Because Derived `json:"-"`
}

// changeOf compares a booked visit with the list that follows from the facts.
func (d *Desk) changeOf(ctx context.Context, q bun.IDB, c Case, derived []Derived, v Visit) (out VisitChange, err error) {
	out.Visit = v
	known, err := listParticipants(ctx, q, v.ID)
	if err != nil {
		return out, err
	}
	rules := map[string]Derived{}
	for _, r := range derived {
		rules[r.System] = r
	}
	invited := ids(invitedTo(c, v.Kind))
	for _, p := range staying(known) {
		if slices.Contains(invited, p.DepartmentID) {
			continue
		}
		rule := rules[p.System]
		out.Dropped = append(out.Dropped, Leaving{p, rule.Clause, rule})
		if p.Lead {
			return out, leadChanges()
		}
	}
	if len(comingTo(c, v.Kind)) == 0 {
		return out, leadChanges()
	}
	w, err := d.seenAs(ctx, q, c, v)
	if err != nil {
		return out, err
	}
	for _, p := range participantsOf(chosen{world: w}) {
		i := slices.IndexFunc(known, func(k Participant) bool { return k.DepartmentID == p.DepartmentID })
		if i >= 0 && known[i].Consent != ConsentWithdrawn {
			continue
		}
		rule := rules[p.System]
		j := Joining{Participant: p, Clause: rule.Clause, Because: rule}
		if i >= 0 {
			j.ID, j.asked = known[i].ID, known[i].Consent
		}
		if err := d.weighJoining(ctx, q, w, &j); err != nil {
			return out, err
		}
		out.Added = append(out.Added, j)
	}
	return out, nil
}

func leadChanges() error {
	return fault.Refuse(fault.Conflict, "lead_changes",
		"按更正后的情况，原牵头部门不再参加（或没有部门须到场），原勘验不能保留；请先取消勘验，再更正情况、重新约定",
		"by these facts the lead department does not come any more, or nobody has to; cancel the visit first, then correct the facts and book again")
}

// weighJoining finds who could come of a department that joins, and whether its
// answer can be due before the visit.
func (d *Desk) weighJoining(ctx context.Context, q bun.IDB, w world, j *Joining) error {
	if j.asked != "" {
		deemed, _, err := outcomeOf(ctx, q, j.Participant)
		if err != nil {
			return err
		}
		if deemed { // one outcome in a round is all there can be (PRO-2)
			return fault.Refuse(fault.Conflict, "asked_before",
				"%[1]s在本轮已有视为同意的记录，不能在同一轮再次邀请；请先改期（新的一轮），再更正情况",
				"there is a record of deemed consent of %[1]s in this round, so it cannot be asked again in it; move the visit to another time first, then correct the facts", j.Name)
		}
	}
	g := w.g.under(j.DepartmentID)
	counted, err := g.cal.Reply(d.now(), g.rules.ReplyTerm, g.hours)
	if err != nil {
		return err
	}
	j.DueAt, j.TooLate = counted.Due, j.Required && !counted.Due.Before(w.v.Start)
	if !j.Required { // it sends whom it likes (INS-503)
		return nil
	}
	free, err := d.freeOf(ctx, q, w, w.offices[j.DepartmentID])
	if err != nil {
		return err
	}
	if j.Short = len(free) < j.StaffMin; !j.Short {
		j.People = free[:j.StaffMin]
	}
	return nil
}

// freeOf are the people of a department who are qualified and free at the time of a
// booked visit, the least busy first.
func (d *Desk) freeOf(ctx context.Context, q bun.IDB, w world, department office.Department) (out []Resource, err error) {
	of := Resource{DepartmentID: department.ID, Kind: KindInspector}
	if department.Roster == office.Headcount {
		of.Kind = KindTeam
	}
	if err := d.narrowTo(ctx, q, &w, of); err != nil {
		return nil, err
	}
	rows, err := slot.Prepare(w.problem)
	if err != nil {
		return nil, err
	}
	load := map[string]int{}
	for _, x := range w.problem.Departments[0].People {
		load[x.ID] = x.Load
	}
	for _, r := range w.resources {
		if rows.Fits(w.v.Start, []string{r.ID}).Code == "" {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b Resource) int { return load[a.ID] - load[b.ID] })
	return out, nil
}

// followFacts brings the booked visits in line with the case, which it writes. Who
// is added comes first: a visit is not confirmed in between.
func (d *Desk) followFacts(ctx context.Context, tx bun.IDB, by auth.Actor, change *FactsChange) (leaves []audit.Leaf, err error) {
	for _, v := range change.Visits {
		for _, p := range v.Dropped { // messages before the visit, as a sending locks them (DB-12)
			if err := notify.Cancel(ctx, tx, d.now(), p.ID, keptOnChange...); err != nil {
				return nil, err
			}
		}
	}
	for i, v := range change.Visits {
		if change.Visits[i].Visit, err = lockVisit(ctx, tx, v.Visit.ID); err != nil {
			return nil, err
		}
		if now := change.Visits[i].Visit; !now.booked() || now.Round != v.Visit.Round {
			return nil, movedOn("bad_move")
		}
	}
	if err := updateCase(ctx, tx, &change.Case); err != nil { // who changed it meanwhile has the later word (INS-305)
		return nil, err
	}
	for _, v := range change.Visits {
		added, err := d.addAll(ctx, tx, by, change.Case, v)
		if err != nil {
			return nil, err
		}
		dropped, err := d.dropAll(ctx, tx, by, change.Case, v)
		if err != nil {
			return nil, err
		}
		leaves = slices.Concat(leaves, added, dropped)
		if err := d.tellApplicantWho(ctx, tx, change.Case, v); err != nil {
			return nil, err
		}
	}
	return leaves, nil
}

// addAll invites those who join a locked visit (C1) and books their people.
func (d *Desk) addAll(ctx context.Context, tx bun.IDB, by auth.Actor, c Case, change VisitChange) ([]audit.Leaf, error) {
	if len(change.Added) == 0 {
		return nil, nil
	}
	v := change.Visit
	if err := d.bookJoining(ctx, tx, by, c, change); err != nil {
		return nil, err
	}
	var fresh []Participant
	for _, j := range change.Added {
		if j.asked != "" {
			if err := supersedeReplies(ctx, tx, j.Participant); err != nil { // what it said before was not about this notice
				return nil, err
			}
		}
		fresh = append(fresh, j.Participant)
	}
	if err := putParticipants(ctx, tx, fresh); err != nil {
		return nil, err
	}
	for _, j := range change.Added {
		if err := d.inviteAlone(ctx, tx, v, j); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(change.Added, func(j Joining) bool { return j.asked != "" }) {
		v.Sequence++ // a calendar that took the cancellation needs a higher number (ICA-04)
	}
	v.require(comingTo(c, v.Kind))
	columns := []string{"sequence", "single_by_rule", "lead_department"}
	var err error
	if slices.ContainsFunc(fresh, func(p Participant) bool { return p.Required }) {
		err = moveVisit(ctx, tx, &v, "Amend, a department more", columns...) // it waits for an answer again
	} else {
		err = changeVisit(ctx, tx, &v, columns...)
	}
	if err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{visitLeaf("departments_added", v, by.String(), d.now(), nil)}
	for i, leaf := range invitedLeaves(fresh, by, d.now()) {
		leaf.Fields["clause"] = change.Added[i].Clause
		if people := change.Added[i].People; len(people) > 0 {
			leaf.Fields["resources"] = resourceIDs(people)
		}
		leaves = append(leaves, leaf)
	}
	return leaves, nil
}

// bookJoining takes the people of those who join, as replace does: the rows go in
// before the people are locked, then it looks again whether they can come
// (INS-602, DEC-5).
func (d *Desk) bookJoining(ctx context.Context, tx bun.IDB, by auth.Actor, c Case, change VisitChange) error {
	v := change.Visit
	choice := SlotChoice{Start: v.Start}
	for _, j := range change.Added {
		choice.Resources = append(choice.Resources, resourceIDs(j.People)...)
	}
	if len(choice.Resources) == 0 {
		return nil
	}
	rows := bookingsOf(by, v, choice, time.Time{})
	for i := range rows {
		rows[i].Round = v.Round
	}
	if err := d.take(ctx, tx, Visit{}, rows); err != nil { // what the visit has already stays
		return peopleTaken(err)
	}
	if _, err := lockResources(ctx, tx, choice.Resources); err != nil {
		return err
	}
	w, err := d.seenAs(ctx, tx, c, v)
	if err != nil {
		return err
	}
	for _, j := range change.Added {
		free, err := d.freeOf(ctx, tx, w, w.offices[j.DepartmentID])
		if err != nil {
			return err
		}
		for _, r := range j.People {
			if !slices.Contains(resourceIDs(free), r.ID) {
				return peopleTaken(slotTaken())
			}
		}
	}
	return nil
}

func peopleTaken(err error) error {
	if !fault.Is(err, "slot_taken") {
		return err
	}
	return fault.Refuse(fault.Conflict, "people_taken",
		"拟派的人员刚被其他勘验占用，没有作任何更改；请重新核对后再保存", "somebody who was to come has just been booked elsewhere, and nothing was changed; look at the changes again and save once more")
}

func resourceIDs(rs []Resource) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = r.ID
	}
	return out
}

// inviteAlone sends one department its notice, with the morning reminder, and asks
// the window for another time where too few of its people are free.
func (d *Desk) inviteAlone(ctx context.Context, tx bun.IDB, v Visit, j Joining) error {
	if _, err := d.noticeAgain(ctx, tx, j.Participant, v, ""); err != nil {
		return err
	}
	morning := dateOf(v.Start).At(reminderFirstVisitAt).UTC()
	err := upsertDeadlines(ctx, tx, DeadlineRow{Kind: DeadlineRemindVisit, Subject: j.ID, Round: v.Round, DueAt: morning, NextAt: morning})
	if err != nil || !j.Short {
		return err
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskNoPeople, Subject: j.ID, CreatedAt: d.now(), DueAt: v.Start,
		Detail: fmt.Sprintf("%s按更正后的情况须参加，但该时间派不出 %d 名空闲且有资格的人员，未占用任何人；请改期，或与该部门商定到场人员后办结并注明", j.Name, j.StaffMin),
	})
}

// dropAll withdraws those who are not asked any more (C14), each on the visit as
// the one before left it.
func (d *Desk) dropAll(ctx context.Context, tx bun.IDB, by auth.Actor, c Case, change VisitChange) (leaves []audit.Leaf, err error) {
	for _, p := range change.Dropped {
		v, err := lockVisit(ctx, tx, change.Visit.ID)
		if err != nil {
			return nil, err
		}
		out, err := d.takeOut(ctx, tx, by, c, v, p.Participant, WithdrawRequest{
			Code: "other", Reason: "填报情况有更正，按事项规则不再需要参加（" + p.Because.Because("zh") + "）", clause: p.Clause,
		})
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, out...)
	}
	return leaves, nil
}

// tellApplicantWho tells the applicant that other departments come (INS-714).
func (d *Desk) tellApplicantWho(ctx context.Context, tx bun.IDB, c Case, change VisitChange) error {
	words := change.words()
	if words == "" {
		return nil
	}
	v := change.Visit
	out, err := applicantLetters(c, v, outgoing{
		purpose: notify.PurposeApplicant, key: fmt.Sprintf("%s.%d.%d", v.ID, v.Round, c.Version), until: v.Start,
		facts: messageFacts{Changes: words},
	})
	if err != nil {
		return err
	}
	return notify.Queue(ctx, tx, d.now(), out...)
}

// words name who joins and who leaves, as the applicant is told.
func (c VisitChange) words() string {
	var added, dropped, parts []string
	for _, j := range c.Added {
		added = append(added, j.Name)
	}
	for _, l := range c.Dropped {
		dropped = append(dropped, l.Name)
	}
	if len(added) > 0 {
		parts = append(parts, "新增"+strings.Join(added, "、"))
	}
	if len(dropped) > 0 {
		parts = append(parts, strings.Join(dropped, "、")+"不再到场")
	}
	return strings.Join(parts, "，")
}
