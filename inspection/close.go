package inspection

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// Results of a visit (INS-1101).
const (
	ResultPassed  = "passed"
	ResultRectify = "rectify"
	ResultFailed  = "failed"
)

// JointOpinion (联合勘验意见书) is the numbered result of a visit with every
// department's opinion in its own words (INS-1102). Content is frozen when it
// is issued: a change would be a new version.
type JointOpinion struct {
	bun.BaseModel `bun:"table:joint_opinions" json:"-"`

	ID       string       `bun:"id,pk" json:"id"`
	VisitID  string       `json:"visit_id"`
	Number   string       `json:"number"`
	Version  int          `json:"version"`
	Result   string       `json:"result"`
	Content  JointContent `bun:"type:jsonb" json:"content"`
	IssuedAt time.Time    `json:"issued_at"`
	IssuedBy string       `json:"issued_by"`
}

// FullNumber is the number with the version of what is not the first (INS-1103).
func (j JointOpinion) FullNumber() string {
	if j.Version > 1 {
		return j.Number + "-v" + strconv.Itoa(j.Version)
	}
	return j.Number
}

// JointContent is what the print page shows.
type JointContent struct {
	Centre      string      `json:"centre"`
	Window      string      `json:"window"`
	CaseNumber  string      `json:"case_number"`
	Matter      string      `json:"matter"`
	Place       string      `json:"place"`
	Kind        VisitKind   `json:"kind"`
	HeldFrom    time.Time   `json:"held_from"`
	HeldTo      time.Time   `json:"held_to"`
	Clerk       string      `json:"clerk"`
	Departments []JointLine `json:"departments"`
	Why         string      `json:"why,omitempty"`      // it was issued anew (V12)
	Replaces    string      `json:"replaces,omitempty"` // the version before

	Photos  []JointPhoto  `json:"photos,omitempty"`  // made on the site (INS-1102)
	Dangers []JointDanger `json:"dangers,omitempty"` // found, and how each was cleared (INS-1015)
}

// JointPhoto is one line of the index of photos: what shows that a photo is the one
// that was made then.
type JointPhoto struct {
	Department string    `bun:"department" json:"department"`
	Item       int       `bun:"item" json:"item"` // of the department's checklist
	At         time.Time `bun:"answered_at" json:"at"`
	SHA256     string    `bun:"sha256" json:"sha256"`
}

// JointLine is one department's part.
type JointLine struct {
	DepartmentID string        `json:"department_id,omitempty"`
	Department   string        `json:"department"`
	Lead         bool          `json:"lead"`
	Source       string        `json:"source"` // given or deemed, or waived: nothing was said
	Kind         OpinionKind   `json:"kind,omitempty"`
	Text         string        `json:"text,omitempty"`
	Items        []RectifyItem `json:"items,omitempty"`
	By           string        `json:"by,omitempty"`
	At           time.Time     `json:"at,omitzero"`
	Record       string        `json:"record,omitempty"` // number of the deemed-consent record
	Waived       string        `json:"waived,omitempty"` // why two supervisors did not wait for it (INS-1101)
}

// Close issues the joint opinion (V11). It needs every required department's
// opinion given, deemed or waived and none under review (INS-1101). When the visit has
// passed, the departments owe their results (DEL §3). Closing a revisit issues the
// next version of the first visit's, closing a visit that was opened again the next of
// its own (V12). Refusals:
// not_found, not_a_window, wrong_window, bad_move, danger_open, items_contrary,
// opinions_open with the departments that are missing.
func (d *Desk) Close(ctx context.Context, by auth.Actor, visitID string, key once.Key) (JointOpinion, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (JointOpinion, error) { return d.close(ctx, tx, by, visitID) })
}

func (d *Desk) close(ctx context.Context, tx bun.IDB, by auth.Actor, visitID string) (out JointOpinion, err error) {
	_, err = actOnVisit(ctx, tx, visitID, func(tx bun.IDB, v *Visit) (leaves []audit.Leaf, err error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if v.State != VisitCollecting {
			return nil, movedOn("bad_move")
		}
		if err := noneContrary(ctx, tx, *v, PairOpen, PairSent); err != nil {
			return nil, err
		}
		if v.RevisitOf != "" {
			out, leaves, err = d.closeRevisit(ctx, tx, by, v)
			return leaves, err
		}
		issued, err := listJointOpinions(ctx, tx, v.ID)
		if err != nil {
			return nil, err
		}
		if len(issued) > 0 {
			out, leaves, err = d.closeAgain(ctx, tx, by, v, len(issued))
			return leaves, err
		}
		if out, err = d.jointOpinion(ctx, tx, *v, by); err != nil {
			return nil, err
		}
		v.ClosedAt, v.Result = d.now(), out.Result
		if err := moveVisit(ctx, tx, v, "Close", "closed_at", "result"); err != nil {
			return nil, err
		}
		if leaves, err = d.endVisit(ctx, tx, by, *v); err != nil {
			return nil, err
		}
		leaves = append(leaves, visitLeaf("joint_opinion", *v, by.String(), d.now(), map[string]any{
			"number": out.Number, "version": out.Version, "result": out.Result,
		}))
		listed, err := d.drawUp(ctx, tx, *v, out)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, listed...)
		if v.Result != ResultPassed {
			return leaves, nil
		}
		c, err := findCase(ctx, tx, v.CaseID)
		if err != nil {
			return nil, err
		}
		owed, err := d.expectResults(ctx, tx, c, by)
		return append(leaves, owed...), err
	})
	return out, err
}

// endVisit stops every clock that runs for a visit that is over, ends doubts
// and tasks about it, and says where its case stands now. A mail nobody has
// read stays: it may show that a department did answer (DL-14).
func (d *Desk) endVisit(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit) ([]audit.Leaf, error) {
	if err := endVisitDeadlines(ctx, tx, v.ID); err != nil {
		return nil, err
	}
	done := Task{DoneAt: d.now(), DoneBy: by.String(), Note: string(v.State)}
	if err := finishVisitTasks(ctx, tx, v.ID, done, TaskReadMail); err != nil {
		return nil, err
	}
	participants, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	var leaves []audit.Leaf
	for _, p := range participants {
		ended, err := d.endDoubts(ctx, tx, by, p, string(v.State))
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, ended...)
	}
	return leaves, settleCase(ctx, tx, v.CaseID)
}

// owesOpinion: the joint opinion waits for this department's.
func (p Participant) owesOpinion() bool {
	return p.Required && p.Opinion != OpinionGiven && p.Opinion != OpinionDeemed && p.Opinion != OpinionWaived
}

// dueToClose asks the window for the joint opinion once no required opinion is lacking,
// within a term of its own (T4, INS-1102). One that opens again ends the task.
func (d *Desk) dueToClose(ctx context.Context, tx bun.IDB, visitID string) error {
	v, err := findVisit(ctx, tx, visitID)
	if err != nil || v.State != VisitCollecting {
		return err
	}
	tracks, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(tracks, Participant.owesOpinion) {
		return finishTasks(ctx, tx, TaskIssue, v.ID, d.now(), systemActor.String(), "又有意见待定")
	}
	g, err := d.ground(ctx, tx, v, "")
	if err != nil {
		return err
	}
	due, err := g.cal.Following(d.now(), g.rules.JointWithin, g.hours)
	if err != nil {
		return err
	}
	return raiseTask(ctx, tx, v, Task{
		Kind: TaskIssue, Subject: v.ID, CreatedAt: d.now(), DueAt: due.Due, Detail: "办件 " + v.CaseNumber + " 的部门意见已齐，请出具联合意见书",
	})
}

func opinionsFinal(tracks []Participant) error {
	var missing []string
	for _, p := range tracks {
		if p.owesOpinion() {
			missing = append(missing, p.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, "、")
	return fault.Refuse(fault.Conflict, "opinions_open",
		"还缺这些部门的意见：%s。请催办或复核，齐全后再出具；期满仍取不到、又不能视为同意的，可由两名主管决定不再等候", "opinions are still missing or under review: %s; ask for them or review them, then close the visit; where the term is over and silence may not be deemed, two supervisors may decide to wait no longer", names).With("departments", missing)
}

// jointOpinion takes the next number in the issuing transaction, so that the
// series of a centre, kind and year has no gaps (INS-1103).
func (d *Desk) jointOpinion(ctx context.Context, tx bun.IDB, v Visit, by auth.Actor) (JointOpinion, error) {
	lines, result, err := finalLines(ctx, tx, v)
	if err != nil {
		return JointOpinion{}, err
	}
	content, err := jointHead(ctx, tx, v)
	if err != nil {
		return JointOpinion{}, err
	}
	if content.Dangers, err = dangersIn(ctx, tx, v, result); err != nil {
		return JointOpinion{}, err
	}
	content.Departments, content.Clerk = lines, by.Name
	word := map[VisitKind]string{KindSite: "联勘", KindReview: "联审"}[v.Kind]
	number, err := nextNumber(ctx, tx, string(v.Kind)+"/"+content.division, d.now(), word+"〔%[2]d〕%[1]s-%06[3]d")
	if err != nil {
		return JointOpinion{}, err
	}
	j := JointOpinion{
		ID: newID(), VisitID: v.ID, Number: number, Version: 1, Result: result, Content: content.JointContent,
		IssuedAt: d.now(), IssuedBy: by.String(),
	}
	err = insertJointOpinion(ctx, tx, &j)
	return j, err
}

// final refuses to close while somebody's word or signature is lacking.
func final(ctx context.Context, tx bun.IDB, v Visit, tracks []Participant) error {
	if err := opinionsFinal(tracks); err != nil {
		return err
	}
	return allSigned(ctx, tx, v, tracks)
}

// finalLines are the lines of a joint opinion once nobody's word is lacking.
func finalLines(ctx context.Context, tx bun.IDB, v Visit) ([]JointLine, string, error) {
	tracks, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, "", err
	}
	if err := final(ctx, tx, v, tracks); err != nil {
		return nil, "", err
	}
	return jointLines(ctx, tx, tracks)
}

// jointLines collects every department's part. A deemed consent counts as
// agree for the result and is shown as deemed, whatever was said beside it and
// did not convince the supervisor (INS-1101, INS-915).
func jointLines(ctx context.Context, tx bun.IDB, tracks []Participant) ([]JointLine, string, error) {
	var lines []JointLine
	var kinds []OpinionKind
	left, err := leftOutOf(ctx, tx, tracks)
	if err != nil {
		return nil, "", err
	}
	for _, p := range tracks {
		line := JointLine{DepartmentID: p.DepartmentID, Department: p.Name, Lead: p.Lead, Source: "given"}
		o, found, err := lastOpinion(ctx, tx, p)
		if err != nil {
			return nil, "", err
		}
		if found {
			if line.By, err = signedNames(ctx, tx, o); err != nil {
				return nil, "", err
			}
			line.Kind, line.Text, line.Items, line.At = o.Kind, o.Text, o.Items, o.SignedAt
			left.say(p, line.Items)
		}
		switch {
		case p.Opinion == OpinionDeemed:
			row, err := findDeemed(ctx, tx, p)
			if err != nil {
				return nil, "", err
			}
			line.Source, line.Record, line.At = "deemed", row.Number, row.DecidedAt
		case found:
			kinds = append(kinds, o.Kind)
		case p.Opinion == OpinionWaived && p.Consent != ConsentWithdrawn:
			if line, err = waivedLine(ctx, tx, p, line); err != nil {
				return nil, "", err
			}
		default:
			continue // invited and silent
		}
		lines = append(lines, line)
	}
	return lines, resultOf(kinds), nil
}

func resultOf(kinds []OpinionKind) string {
	switch {
	case slices.Contains(kinds, Disagree):
		return ResultFailed
	case slices.Contains(kinds, Rectify):
		return ResultRectify
	}
	return ResultPassed
}

// ending is how a visit ends without a result.
type ending struct {
	visitID, act, code, reason string
}

// endReasons are the codes of INS-608 that fit each act.
var endReasons = map[string][]string{
	"Cancel": {
		"applicant_asked", "department_excused", "counter_accepted", "holiday", "weather", "site_not_ready", "case_withdrawn", "error", "other",
	},
	"Withdraw": {"case_withdrawn", "department_excused", "error", "other"},
	"Retime": {
		"applicant_asked", "department_excused", "counter_accepted", "holiday", "weather", "site_not_ready", "error", "other",
	},
	"NotHeld": {"applicant_absent", "weather", "site_not_ready", "danger", "other"},
}

// EndReasons lists the reason codes for an act, for forms.
func EndReasons(act string) []string { return slices.Clone(endReasons[act]) }

// Cancel ends a visit before it starts (V7). Everyone who was sent anything is
// told, served or not; all slots become free; unsent messages and reminders
// are dropped (INS-608, INS-713). Refusals: not_found, not_a_window,
// wrong_window, bad_move, reason_code, reason_missing, text_invalid.
func (d *Desk) Cancel(ctx context.Context, by auth.Actor, visitID, code, reason string) (Visit, error) {
	v, err := d.still().finish(ctx, by, ending{visitID: visitID, act: "Cancel", code: code, reason: reason})
	return v, d.recordRefusal(ctx, by, "cancel", visitID, err)
}

func (d *Desk) finish(ctx context.Context, by auth.Actor, e ending) (out Visit, err error) {
	if err := e.check(); err != nil {
		return out, err
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		if e.act == "Cancel" { // messages before the visit, as a sending locks them (DB-12)
			if err := d.dropUnsent(ctx, tx, e.visitID); err != nil {
				return err
			}
		}
		v, err := lockVisit(ctx, tx, e.visitID)
		if err != nil {
			return err
		}
		leaves, err := d.finishVisit(ctx, tx, by, &v, e)
		if err != nil {
			return err
		}
		out = v
		return audit.Record(ctx, tx, leaves...)
	})
	return out, err
}

func (d *Desk) finishVisit(ctx context.Context, tx bun.IDB, by auth.Actor, v *Visit, e ending) ([]audit.Leaf, error) {
	if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
		return nil, err
	}
	if err := d.checkApplicantAbsent(ctx, tx, *v, e); err != nil {
		return nil, err
	}
	tell := e.act == "Cancel" && v.State != VisitDraft
	if tell {
		v.Sequence++ // ICA-29
	}
	v.ReasonCode, v.Reason = e.code, e.reason
	if err := moveVisit(ctx, tx, v, e.act, "reason_code", "reason", "sequence"); err != nil {
		return nil, err
	}
	leaves, err := d.endVisit(ctx, tx, by, *v)
	if err != nil {
		return nil, err
	}
	if e.act == "Cancel" { // what was not held was driven to
		left, err := d.leaveTrip(ctx, tx, by, *v, leftCancelled)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, left...)
	}
	if err := release(ctx, tx, *v); err != nil {
		return nil, err
	}
	if tell {
		if err := d.queueCancel(ctx, tx, *v); err != nil {
			return nil, err
		}
	}
	if err := d.countAbsentApplicant(ctx, tx, *v); err != nil {
		return nil, err
	}
	return append(leaves, visitLeaf("visit_"+string(v.State), *v, by.String(), d.now(), map[string]any{"reason_code": e.code})), nil
}

// release voids what the departments answered. A cancelled visit gives its
// people back; one that was not held has taken their time.
func release(ctx context.Context, tx bun.IDB, v Visit) error {
	if v.State == VisitNotHeld {
		return waiveParticipants(ctx, tx, v.ID)
	}
	if err := voidParticipants(ctx, tx, v.ID); err != nil {
		return err
	}
	return freeResources(ctx, tx, v.ID)
}

func (e ending) check() error {
	if !slices.Contains(endReasons[e.act], e.code) {
		return fault.Refuse(fault.Invalid, "reason_code",
			"请从列表中选择原因", "choose a reason code from the list").With("codes", endReasons[e.act])
	}
	return checkText("reason", e.reason, reasonLength)
}
