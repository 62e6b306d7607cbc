package inspection

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
)

// VisitView is a visit with all that its page shows.
type VisitView struct {
	Visit
	Case         Case              `json:"case"`
	Centre       office.Centre     `json:"centre"`
	Rounds       []Round           `json:"rounds"`
	Participants []ParticipantView `json:"participants"`
	Bookings     []Booking         `json:"bookings"`
	Resources    []Resource        `json:"resources"`
	Tasks        []Task            `json:"tasks"`
	Agreements   []Agreement       `json:"agreements,omitempty"`
	CheckIns     []CheckIn         `json:"check_ins,omitempty"`
	Signing      *SignedRecord     `json:"signed_record,omitempty"`  // the applicant's word under the record (INS-1012)
	Trip         string            `json:"trip_id,omitempty"`        // that it is in (INS-609)
	Joint        *JointOpinion     `json:"joint_opinion,omitempty"`  // the one that counts
	Versions     []JointOpinion    `json:"joint_versions,omitempty"` // all that were issued, the first one first (INS-1104)

	Rectification *Rectification `json:"rectification,omitempty"`  // what the applicant has to put right
	Dangers       []Danger       `json:"dangers,omitempty"`        // found by anybody, cleared or not (INS-1015)
	Proposed      []ProposedItem `json:"proposed_items,omitempty"` // asked for before the list is made (INS-1011)
	Pairs         []ItemPair     `json:"item_pairs,omitempty"`
	Breaches      []Breach       `json:"breaches,omitempty"`     // entries of the ledger (INS-1205)
	SilenceHeld   bool           `json:"silence_held,omitempty"` // a revisit, whose silence is no consent (INS-919)
}

// ParticipantView is one department's part with its history.
type ParticipantView struct {
	Participant
	Notice   *Notice   `json:"notice,omitempty"`
	Services []Service `json:"services"`
	Replies  []Reply   `json:"replies"`
	Holds    []HoldRow `json:"holds"`
	Deemed   *Deemed   `json:"deemed,omitempty"`
	// DeemedBefore are those of earlier rounds: silence, no consent (INS-920).
	DeemedBefore []Deemed   `json:"deemed_before,omitempty"`
	Reversals    []Reversal `json:"reversals,omitempty"` // proposed and decided, of all rounds
	Waivers      []Waiver   `json:"waivers,omitempty"`   // proposed and decided (INS-1101)
	Opinions     []Opinion  `json:"opinions"`
	People       []Resource `json:"people"`
	// Substituted are the changes of who comes, in all rounds (INS-610).
	Substituted []Substitution `json:"substituted,omitempty"`
	Objections  []Objection    `json:"objections,omitempty"`
	Contests    []Contest      `json:"contests,omitempty"` // of when its notices were served, in all rounds (INS-712)
	// ContestUntil is until when the department may contest the service; zero if it
	// may not.
	ContestUntil time.Time `json:"contest_until,omitzero"`

	OpinionDue   time.Time     `json:"opinion_due,omitzero"` // T3, while it runs
	Draft        *Draft        `json:"draft,omitempty"`
	Record       *SiteRecord   `json:"site_record,omitempty"`
	Attestations []Attestation `json:"attestations,omitempty"`
	Corrections  []Correction  `json:"corrections,omitempty"`
}

// OpenHolds are the holds that stand now.
func (p ParticipantView) OpenHolds() []HoldRow {
	var out []HoldRow
	for _, h := range p.Holds {
		if h.EndedAt.IsZero() {
			out = append(out, h)
		}
	}
	return out
}

// FindCase gives a case the actor may read, with the applicant masked.
// Refusal: not_found.
func (d *Desk) FindCase(ctx context.Context, by auth.Actor, id string) (Case, error) {
	var c Case
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if c, err = findCase(ctx, q, id); err != nil {
			return err
		}
		return d.addLimits(ctx, q, &c)
	})
	if err != nil {
		return Case{}, err
	}
	if !MayRead(by, c) {
		return Case{}, notFound()
	}
	c.Applicant = c.Applicant.Masked()
	return c, nil
}

// CaseQuery narrows ListCases. Before is the id of the last row seen (keyset);
// Limit is at most 200, 0 means 50.
type CaseQuery struct {
	Search string
	State  CaseState
	Before string
	Limit  int
}

// ListCases gives the cases the actor may read, newest first, masked.
func (d *Desk) ListCases(ctx context.Context, by auth.Actor, query CaseQuery) (out []Case, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listCases(ctx, q, by, query)
		return err
	})
	for i := range out {
		out[i].Applicant = out[i].Applicant.Masked()
	}
	return out, err
}

// FindVisit gives a visit the actor may read with everything about it. A
// department sees its own part only, apart from who else is invited.
// Refusal: not_found.
func (d *Desk) FindVisit(ctx context.Context, by auth.Actor, id string) (VisitView, error) {
	var v VisitView
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if v, err = viewVisit(ctx, q, id); err != nil {
			return err
		}
		if err := d.addLimits(ctx, q, &v.Case); err != nil {
			return err
		}
		if err := d.contestLimit(ctx, q, by, &v); err != nil || v.RevisitOf == "" {
			return err
		}
		rules, err := office.RulesAt(ctx, q, d.now(), office.Scope{Centre: v.CentreID, Matter: v.MatterCode})
		v.SilenceHeld = rules.DeemRevisit == office.RevisitHold
		return err
	})
	if err != nil {
		return VisitView{}, err
	}
	if !MayRead(by, v.Case) {
		return VisitView{}, notFound()
	}
	v.Case.Applicant = v.Case.Applicant.Masked()
	v.hidePlaces(by)
	if by.Department != "" && !atWindow(by) {
		v.narrow(by)
	}
	return v, nil
}

// narrow keeps from others' parts only that they are invited (SEC §6.1).
func (v *VisitView) narrow(by auth.Actor) {
	department := by.Department
	v.Tasks, v.Bookings, v.Agreements, v.Trip = nil, nil, nil, ""
	v.Resources = slices.DeleteFunc(v.Resources, func(r Resource) bool { return r.DepartmentID != "" && r.DepartmentID != department })
	own := slices.IndexFunc(v.Participants, func(p ParticipantView) bool { return p.DepartmentID == department })
	onSite := own >= 0 && v.Participants[own].Attendance.here() // they see who else is there
	for i, p := range v.Participants {
		if p.DepartmentID == department {
			continue
		}
		v.Participants[i] = ParticipantView{Participant: Participant{
			ID: p.ID, DepartmentID: p.DepartmentID, System: p.System, Name: p.Name, Lead: p.Lead, Required: p.Required,
		}}
		if onSite {
			v.Participants[i].Attendance = p.Attendance
			v.Participants[i].Attestations = slices.DeleteFunc(p.Attestations, func(a Attestation) bool { return a.Person != by.ID })
		}
	}
	v.CheckIns = slices.DeleteFunc(v.CheckIns, func(c CheckIn) bool { return own < 0 || c.Party != v.Participants[own].ID })
	v.Breaches = slices.DeleteFunc(v.Breaches, func(b Breach) bool { return !b.reads(by, v.Case) })
	if !onSite { // who came sees what all ask for (INS-1011)
		v.Signing = v.Signing.narrowed()
		v.Proposed = slices.DeleteFunc(v.Proposed, func(i ProposedItem) bool { return i.DepartmentID != department })
		v.Pairs = slices.DeleteFunc(v.Pairs, func(x ItemPair) bool { return x.Item.DepartmentID != department && x.Other.DepartmentID != department })
	}
	for i, d := range v.Dangers { // everybody is to know what is dangerous
		if d.DepartmentID != department {
			v.Dangers[i].Scan, v.Dangers[i].SHA256 = "", ""
		}
	}
	for i := range v.Breaches {
		v.Breaches[i] = v.Breaches[i].unnamed()
	}
	if v.Rectification != nil {
		v.Rectification.narrow(department)
	}
}

// narrow leaves a department what is on the list, which the joint opinion shows to
// all, and of the rest its own.
func (r *Rectification) narrow(department string) {
	for i, l := range r.Lists {
		r.Lists[i] = RectifyList{VisitID: l.VisitID, N: l.N, Joint: l.Joint, MadeAt: l.MadeAt, How: l.How, GivenAt: l.GivenAt}
	}
	r.Photos = slices.DeleteFunc(r.Photos, func(photo ItemPhoto) bool {
		return !slices.ContainsFunc(r.Items, func(i ListedItem) bool { return i.ID == photo.ItemID && i.DepartmentID == department })
	})
	for i := range r.Requests {
		r.Requests[i].Person, r.Requests[i].Note = "", ""
	}
	r.Proposals = slices.DeleteFunc(r.Proposals, func(a ItemProposal) bool { return a.DepartmentID != department })
}

// Came are those who checked in for a party.
func (v VisitView) Came(party string) (out []CheckIn) {
	for _, c := range v.CheckIns {
		if c.Party == party {
			out = append(out, c)
		}
	}
	return out
}

// OpinionsOpen reports whether an opinion is missing that the joint opinion needs.
func (v VisitView) OpinionsOpen() bool {
	return slices.ContainsFunc(v.Participants, func(p ParticipantView) bool { return p.owesOpinion() })
}

// Reversed reports whether a deemed consent of the department was taken back, in
// whichever round: silence is not deemed again (INS-917).
func (p ParticipantView) Reversed() bool {
	return slices.ContainsFunc(p.Reversals, func(r Reversal) bool { return !r.DecidedAt.IsZero() })
}

// Waiver is why nobody waits for the department's opinion, or the proposal of that
// which a second supervisor decides; nil if there is neither.
func (p ParticipantView) Waiver() *Waiver {
	for i, w := range p.Waivers {
		if p.Opinion == OpinionWaived && !w.DecidedAt.IsZero() || p.mayBeWaived() && w.DecidedAt.IsZero() {
			return &p.Waivers[i]
		}
	}
	return nil
}

// MayBeWaived reports whether two supervisors can decide to wait no longer for the
// department's opinion, now (INS-1101).
func (p ParticipantView) MayBeWaived(v Visit, now time.Time) bool {
	return v.State == VisitCollecting && p.mayBeWaived() && !now.Before(p.OpinionDue)
}

// OnSite reports whether people of the department have checked in.
func (p ParticipantView) OnSite() bool { return p.Attendance.here() }

// Standing are the attestations that nobody has taken back.
func (p ParticipantView) Standing() (out []Attestation) {
	for _, a := range p.Attestations {
		if a.WithdrawnAt.IsZero() && a.Round == p.Round {
			out = append(out, a)
		}
	}
	return out
}

// Position is where a page of a list ended: what its last row was ordered by. It
// holds values, not the row, so the next page starts right even when the row
// has moved since. The zero Position is the start of the list.
type Position struct {
	Rank int // of the row's group in the list, the first is 0
	At   time.Time
	ID   string
}

// Position of a visit among all: by start, drafts last, oldest first.
func (v Visit) Position() Position {
	if v.Start.IsZero() {
		return Position{Rank: 1, ID: v.ID}
	}
	return Position{At: v.Start, ID: v.ID}
}

// Position of a task among those of its window: oldest first.
func (t Task) Position() Position { return Position{At: t.CreatedAt, ID: t.ID} }

// Position of an invitation in the inbox: unanswered first, latest start first.
func (l InboxLine) Position() Position {
	p := Position{At: l.Start, ID: l.ID}
	if !slices.Contains(open, l.Consent) {
		p.Rank = 1
	}
	return p
}

// VisitQuery narrows ListVisits. Times are the visit's start, half-open. Limit
// is at most 200, 0 means 50.
type VisitQuery struct {
	CaseID   string
	Search   string
	State    VisitState
	Ahead    bool // only those that have not ended
	Over     bool // only those that have, the latest first; not with After
	From, To time.Time
	After    Position
	Limit    int
}

// ListVisits gives the visits the actor may read, by start, drafts last.
func (d *Desk) ListVisits(ctx context.Context, by auth.Actor, query VisitQuery) (out []Visit, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listVisits(ctx, q, by, query)
		return err
	})
	return out, err
}

// Waiting is one department that has not answered yet, or is held.
type Waiting struct {
	Participant
	CaseNumber string       `json:"case_number"`
	MatterCode string       `json:"matter_code"`
	MatterName string       `json:"matter_name"`
	Start      time.Time    `bun:"start_at" json:"start_at"`
	Reasons    []HoldReason `bun:"-" json:"holds,omitempty"`
}

// Today is what the desk shows a window first.
type Today struct {
	Unbooked   []Case    `json:"unbooked"`
	Visits     []Visit   `json:"visits"`
	Unfinished []Visit   `json:"unfinished"` // of earlier days
	Waiting    []Waiting `json:"waiting"`
	Held       []Waiting `json:"held"`
	Tasks      []Task    `json:"tasks"`
}

// Today gathers the actor's own centre's day: cases to book, today's visits,
// those of earlier days that nobody has finished, departments that are waited for with their deadline, holds, and tasks.
func (d *Desk) Today(ctx context.Context, by auth.Actor) (t Today, err error) {
	if !atWindow(by) {
		return t, notAWindow()
	}
	now := d.now()
	day := dateOf(now)
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if t.Unbooked, err = listUnbooked(ctx, q, by.Centre); err != nil {
			return err
		}
		window := VisitQuery{From: day.Midnight(), To: day.AddDays(1).Midnight(), Limit: 200}
		if t.Visits, err = listVisits(ctx, q, by, window); err != nil {
			return err
		}
		if t.Unfinished, err = listUnfinished(ctx, q, by.Centre, day.Midnight()); err != nil {
			return err
		}
		if t.Waiting, t.Held, err = listWaiting(ctx, q, by.Centre); err != nil {
			return err
		}
		t.Tasks, err = listTasks(ctx, q, by.Centre, Position{}, 200)
		return err
	})
	for i := range t.Unbooked {
		t.Unbooked[i].Applicant = t.Unbooked[i].Applicant.Masked()
	}
	return t, err
}

// ListTasks gives what the actor's own window has to do, oldest first. Limit is
// at most 200, 0 means 50. Refusal: not_a_window.
func (d *Desk) ListTasks(ctx context.Context, by auth.Actor, after Position, limit int) (out []Task, err error) {
	if !atWindow(by) {
		return nil, notAWindow()
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listTasks(ctx, q, by.Centre, after, limit)
		return err
	})
	return out, err
}

// InboxLine is one invitation in a department's inbox.
type InboxLine struct {
	Participant
	CaseNumber string     `json:"case_number"`
	MatterCode string     `json:"matter_code"`
	MatterName string     `json:"matter_name"`
	Kind       VisitKind  `json:"kind"`
	RevisitOf  string     `json:"revisit_of,omitempty"`
	Place      string     `json:"place"`
	Start      time.Time  `bun:"start_at" json:"start_at"`
	End        time.Time  `bun:"end_at" json:"end_at"`
	State      VisitState `json:"state"`
	OpinionDue time.Time  `bun:"-" json:"opinion_due,omitzero"` // T3, while it runs
}

// InboxQuery narrows Inbox. Participant asks for one invitation only. Limit is
// at most 200, 0 means 50.
type InboxQuery struct {
	Participant string
	After       Position
	Limit       int
}

// Inbox lists the invitations of the actor's department, unanswered first.
func (d *Desk) Inbox(ctx context.Context, by auth.Actor, query InboxQuery) (out []InboxLine, err error) {
	if by.Department == "" {
		return nil, mayAnswer(by, "-")
	}
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		if out, err = listInbox(ctx, q, by.Department, query); err != nil {
			return err
		}
		return addOpinionDue(ctx, q, out)
	})
	return out, err
}

// addOpinionDue fills in by when the opinions are due that are still to be given.
func addOpinionDue(ctx context.Context, q bun.IDB, lines []InboxLine) error {
	index := map[string]*InboxLine{}
	for i, l := range lines {
		if l.State == VisitCollecting {
			index[l.ID] = &lines[i]
		}
	}
	if len(index) == 0 {
		return nil
	}
	due, err := pendingDeadlines(ctx, q, DeadlineOpinion, slices.Collect(maps.Keys(index)))
	for _, row := range due {
		index[row.Subject].OpinionDue = row.DueAt
	}
	return err
}

// Timeline is the recorded history of a visit's case as the actor may see it:
// the evidence log itself, so nothing is shown that is not on record.
func (d *Desk) Timeline(ctx context.Context, by auth.Actor, visitID string) (out []audit.Entry, err error) {
	v, err := d.FindVisit(ctx, by, visitID)
	if err != nil {
		return nil, err
	}
	streams := []string{caseStream(v.CaseID)}
	for _, p := range v.Participants {
		if by.Department == "" || by.Department == p.DepartmentID {
			streams = append(streams, departmentStream(v.CaseID, p.DepartmentID))
		}
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		for _, s := range streams {
			entries, err := audit.Stream(ctx, q, s)
			if err != nil {
				return err
			}
			out = append(out, entries...)
		}
		return nil
	})
	sortEntries(out)
	return out, err
}
