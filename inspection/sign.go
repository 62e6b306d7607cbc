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
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// Signature (签署) is one person's under an opinion (INS-1008): by the own account,
// or on paper, entered by the window with its scan.
type Signature struct {
	bun.BaseModel `bun:"table:signatures" json:"-"`

	ID         string    `bun:"id,pk" json:"id"`
	OpinionID  string    `json:"opinion_id"`
	Signer     string    `json:"signer"` // check-in, else account
	Name       string    `json:"name"`
	Capacity   Capacity  `json:"capacity"`
	Scan       string    `json:"scan,omitempty"`
	SignedAt   time.Time `json:"signed_at"`
	RecordedBy string    `json:"recorded_by"`
}

// Capacity says in what capacity somebody signs for a department.
type Capacity string

// Capacities. The second and the third make the opinion of a department valid
// that came with too few people (INS-1003); a colleague who only wrote it does not.
const (
	CapacityPresent   Capacity = "present"   // has checked in
	CapacityQualified Capacity = "qualified" // another inspector who may see this matter
	CapacityHead      Capacity = "head"      // confirms it for the department
	CapacityColleague Capacity = "colleague"
)

// SignaturesDue is what an opinion lacks before it counts.
type SignaturesDue struct {
	Names  []string `json:"names,omitempty"`  // of those who were there and have not signed
	Second bool     `json:"second,omitempty"` // too few came: one more qualified person, or the head
}

// Draft is an opinion that does not count yet, with what it lacks.
type Draft struct {
	Opinion
	SignaturesDue
}

// Whole reports whether nothing is lacking.
func (s SignaturesDue) Whole() bool { return len(s.Names) == 0 && !s.Second }

// signaturesDue compares who was there for a department with who has signed
// (INS-1008, INS-1003). Who signed by account before checking in is one person and
// not two.
func signaturesDue(there []CheckIn, signed []Signature, attendance Attendance) SignaturesDue {
	due := SignaturesDue{Second: attendance == AttendanceShort}
	for _, c := range there {
		if !slices.ContainsFunc(signed, c.signed) {
			due.Names = append(due.Names, c.Name)
		}
	}
	for _, s := range signed {
		outside := !slices.ContainsFunc(there, func(c CheckIn) bool { return c.signed(s) })
		if outside && (s.Capacity == CapacityQualified || s.Capacity == CapacityHead) {
			due.Second = false
		}
	}
	return due
}

// signed reports whether a signature is that of the person who checked in.
func (c CheckIn) signed(s Signature) bool {
	return s.Signer == c.ID || c.PersonID != "" && s.Signer == c.PersonID
}

// lackSignatures says of each opinion that does not count yet what it lacks.
func (v *VisitView) lackSignatures() {
	for i := range v.Participants {
		p := &v.Participants[i]
		for _, o := range p.Opinions {
			if o.SignedAt.IsZero() && o.DroppedAt.IsZero() {
				p.Draft = &Draft{o, signaturesDue(v.Came(p.ID), o.Signatures, p.Attendance)}
			}
		}
	}
}

// Sign puts a signed-in person's name under an opinion that lacks it; the last
// one makes it the department's (O2). Refusals: not_found, not_your_department,
// visit_not_running, opinion_settled, not_a_signer, already_signed.
func (d *Desk) Sign(ctx context.Context, by auth.Actor, participantID, opinionID string) error {
	d = d.still()
	may := func(_ bun.IDB, p Participant, _ Visit) error { return mayAnswer(by, p.DepartmentID) }
	return d.onDraft(ctx, participantID, opinionID, may, func(tx bun.IDB, p Participant, v Visit, o Opinion) ([]audit.Leaf, error) {
		s, err := signerOf(ctx, tx, by, p, v)
		if err != nil {
			return nil, err
		}
		if s.Capacity == CapacityColleague || s.Capacity != CapacityPresent && p.Attendance != AttendanceShort {
			return nil, fault.Refuse(fault.Forbidden, "not_a_signer",
				"意见由到场签到的人员会签；到场人数不足的，由本部门另一名有资格的人员会签或负责人确认",
				"those who checked in sign the opinion; where too few came, another qualified inspector or the head of the department does")
		}
		s.RecordedBy = by.String()
		signed, err := listSignatures(ctx, tx, o.ID)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(signed, func(one Signature) bool { return one.Signer == by.ID }) { // before checking in
			return nil, alreadySigned(s)
		}
		return d.sign(ctx, tx, p, v, &o, s)
	})
}

func alreadySigned(s Signature) error {
	return fault.Refuse(fault.Conflict, "already_signed", "%s已经签署，不用再签", "%s has signed already", s.Name)
}

// PaperSignature is a signature that somebody made on paper.
type PaperSignature struct {
	ParticipantID, OpinionID string
	CheckInID                string // whose it is
	Scan                     Scan
	Once                     once.Key
}

// SignOnPaper enters the signature of somebody who checked in and signed on
// paper: the manual twin of Sign. Refusals: not_found, not_a_window,
// wrong_window, visit_not_running, opinion_settled, not_checked_in,
// already_signed, scan_missing, scan_type, scan_size.
func (d *Desk) SignOnPaper(ctx context.Context, by auth.Actor, r PaperSignature) error {
	d = d.still()
	may := func(tx bun.IDB, _ Participant, v Visit) error { return mayOrganise(ctx, tx, by, v.CentreID) }
	_, err := once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (struct{}, error) {
		return struct{}{}, actOnDraft(ctx, tx, r.ParticipantID, r.OpinionID, may, func(tx bun.IDB, p Participant, v Visit, o Opinion) ([]audit.Leaf, error) {
			return d.signOnPaper(ctx, tx, by, p, v, o, r)
		})
	})
	return err
}

func (d *Desk) signOnPaper(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, o Opinion, r PaperSignature) ([]audit.Leaf, error) {
	if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
		return nil, err
	}
	signer, err := thereAs(ctx, tx, p, v, r.CheckInID)
	if err != nil {
		return nil, err
	}
	if len(r.Scan.Bytes) == 0 {
		return nil, scanMissing()
	}
	scan, err := storeScan(ctx, tx, p.ID, r.Scan, by.String(), d.now())
	if err != nil {
		return nil, err
	}
	leaves, err := d.sign(ctx, tx, p, v, &o, Signature{
		Signer: signer.ID, Name: signer.Name, Capacity: CapacityPresent, Scan: scan.ID, RecordedBy: by.String(),
	})
	if err != nil {
		return nil, err
	}
	leaves[0].Fields["scan_sha256"] = scan.SHA256
	return leaves, nil
}

// DropOpinion takes back an opinion that lacks signatures. The department may at
// any time; a supervisor may clear away what stands in the way of closing, but
// not the only word of a department: that would make room for deeming (INS-913).
// Refusals: not_found, not_your_department, visit_not_running, opinion_settled,
// reason_missing, text_invalid.
func (d *Desk) DropOpinion(ctx context.Context, by auth.Actor, participantID, opinionID, reason string) error {
	d = d.still()
	may := func(tx bun.IDB, p Participant, v Visit) error { return mayDrop(ctx, tx, by, p, v) }
	return d.onDraft(ctx, participantID, opinionID, may, func(tx bun.IDB, p Participant, v Visit, o Opinion) ([]audit.Leaf, error) {
		if err := checkText("reason", reason, reasonLength); err != nil {
			return nil, err
		}
		if err := dropOpinion(ctx, tx, o, by.String(), reason, d.now()); err != nil {
			return nil, err
		}
		leaf := participantLeaf("opinion_dropped", p, by.String(), d.now(), map[string]any{"opinion": o.ID})
		ended, err := d.endPairs(ctx, tx, v)
		leaves := append([]audit.Leaf{leaf}, ended...)
		if err != nil || p.Opinion != OpinionDraft {
			return leaves, err
		}
		return leaves, setOpinion(ctx, tx, p, OpinionDraft, OpinionNone)
	})
}

// replaceDraft drops an opinion that waited for signatures when the department
// writes another.
func (d *Desk) replaceDraft(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant) ([]audit.Leaf, error) {
	o, found, err := openDraft(ctx, tx, p)
	if err != nil || !found {
		return nil, err
	}
	leaf := participantLeaf("opinion_dropped", p, by.String(), d.now(), map[string]any{"opinion": o.ID})
	return []audit.Leaf{leaf}, dropOpinion(ctx, tx, o, by.String(), "已重新出具", d.now())
}

func mayDrop(ctx context.Context, q bun.IDB, by auth.Actor, p Participant, v Visit) error {
	if p.Opinion != OpinionDraft && atWindow(by) {
		return maySupervise(ctx, q, by, v.CentreID)
	}
	return mayAnswer(by, p.DepartmentID)
}

// onDraft runs an act on the opinion that waits for signatures, for those who may.
func (d *Desk) onDraft(ctx context.Context, participantID, opinionID string, may mayDraft, act draftAct) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error { return actOnDraft(ctx, tx, participantID, opinionID, may, act) })
}

type (
	mayDraft func(tx bun.IDB, p Participant, v Visit) error
	draftAct func(tx bun.IDB, p Participant, v Visit, o Opinion) ([]audit.Leaf, error)
)

// actOnDraft is onDraft on the caller's transaction.
func actOnDraft(ctx context.Context, tx bun.IDB, participantID, opinionID string, may mayDraft, act draftAct) error {
	return actOnParticipant(ctx, tx, participantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		if err := may(tx, p, v); err != nil {
			return nil, err
		}
		if err := takesOpinions(v); err != nil {
			return nil, err
		}
		o, found, err := openDraft(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if !found || o.ID != opinionID {
			return nil, fault.Refuse(fault.Conflict, "opinion_settled",
				"这份意见已签署完成、已更正或已撤回；请刷新页面查看最新意见", "this opinion has been signed, corrected or taken back; reload the page to see the present one")
		}
		return act(tx, p, v, o)
	})
}

// sign writes one signature and, when nothing is lacking any more, makes the
// opinion the department's.
func (d *Desk) sign(ctx context.Context, tx bun.IDB, p Participant, v Visit, o *Opinion, s Signature) ([]audit.Leaf, error) {
	s.ID, s.OpinionID, s.SignedAt = newID(), o.ID, d.now()
	fresh, err := insertNew(ctx, tx, &s)
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, alreadySigned(s)
	}
	due, err := d.lacking(ctx, tx, p, v, *o)
	if err != nil {
		return nil, err
	}
	leaves := []audit.Leaf{participantLeaf("opinion_signed", p, s.RecordedBy, d.now(), map[string]any{
		"opinion": o.ID, "signature": s.ID, "capacity": string(s.Capacity),
	})}
	if !due.Whole() {
		return leaves, d.awaitSignatures(ctx, tx, p)
	}
	o.SignedAt = d.now()
	if err := markSigned(ctx, tx, *o); err != nil {
		return nil, err
	}
	given := participantLeaf("opinion_given", p, s.RecordedBy, d.now(), map[string]any{"opinion": o.ID, "kind": string(o.Kind)})
	leaves = append(leaves, given)
	if err := d.moveOpinion(ctx, tx, p, v, o.Kind); err != nil || o.Kind == Deferred {
		return leaves, err
	}
	ended, err := d.endObjections(ctx, tx, systemActor, p, objectionEnd{outcome: ObjectionOpined}) // its own word is there now
	if err != nil {
		return nil, err
	}
	return append(leaves, ended...), d.dueToClose(ctx, tx, v.ID)
}

// lacking: a deferral is no opinion yet, so its author's signature will do.
func (d *Desk) lacking(ctx context.Context, q bun.IDB, p Participant, v Visit, o Opinion) (SignaturesDue, error) {
	if o.Kind == Deferred {
		return SignaturesDue{}, nil
	}
	there, err := listThere(ctx, q, p, v)
	if err != nil {
		return SignaturesDue{}, err
	}
	signed, err := listSignatures(ctx, q, o.ID)
	return signaturesDue(there, signed, p.Attendance), err
}

// awaitSignatures is move O1. What counted before goes on counting.
func (d *Desk) awaitSignatures(ctx context.Context, tx bun.IDB, p Participant) error {
	if p.Opinion != OpinionNone && p.Opinion != OpinionDeferred {
		return nil
	}
	return setOpinion(ctx, tx, p, p.Opinion, OpinionDraft)
}

// signerOf says in what capacity a person of the department signs.
func signerOf(ctx context.Context, q bun.IDB, by auth.Actor, p Participant, v Visit) (Signature, error) {
	s := Signature{Signer: by.ID, Name: by.Name, Capacity: CapacityColleague}
	there, err := listThere(ctx, q, p, v)
	if err != nil {
		return s, err
	}
	inspector, err := inspectorOf(ctx, q, p.DepartmentID, by.ID)
	if err != nil {
		return s, err
	}
	for _, c := range there {
		if c.PersonID == by.ID || inspector.Certificate != "" && c.Certificate == inspector.Certificate {
			s.Signer, s.Name, s.Capacity = c.ID, c.Name, CapacityPresent
			return s, nil
		}
	}
	ancestors, err := ancestorCodes(ctx, q, v.Division)
	switch {
	case err != nil:
		return s, err
	case by.Is(auth.Head):
		s.Capacity = CapacityHead
	case inspector.Qualified(v.MatterCode, ancestors, workday.DateOf(v.Start)):
		s.Capacity = CapacityQualified
	}
	return s, nil
}

// allSigned refuses to close while a word of a department waits for signatures:
// one that asks for more must not get lost (INS-913, INS-1107). So does one that
// was written on the day before anybody of the department checked in, when those
// who came then have not signed it or are too few (INS-1003).
func allSigned(ctx context.Context, tx bun.IDB, v Visit, tracks []Participant) error {
	var waiting []string
	for _, p := range tracks {
		_, waits, err := openDraft(ctx, tx, p)
		if err == nil && !waits {
			waits, err = outrun(ctx, tx, v, p)
		}
		if err != nil {
			return err
		}
		if waits {
			waiting = append(waiting, p.Name)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	return fault.Refuse(fault.Conflict, "opinion_unsigned",
		"这些部门的意见尚未由到场人员签齐：%s。请其签完、撤回，或由到场人员重新出具，再出具联合意见",
		"opinions lack signatures of those who came: %s; have them signed, taken back, or written anew by who came, then close the visit",
		strings.Join(waiting, "、")).With("departments", waiting)
}

// outrun reports whether an opinion counted before its department's people came,
// and none of them, or too few, stand behind it.
func outrun(ctx context.Context, q bun.IDB, v Visit, p Participant) (bool, error) {
	o, found, err := lastOpinion(ctx, q, p)
	if err != nil || !found || p.Opinion != OpinionGiven || o.GivenAt.Before(v.StartedAt) {
		return false, err // what was written before the day stands (INS-813)
	}
	there, err := listThere(ctx, q, p, v)
	if err != nil || len(there) == 0 {
		return false, err
	}
	signed, err := listSignatures(ctx, q, o.ID)
	due := signaturesDue(there, signed, p.Attendance)
	return due.Second || len(due.Names) == len(there), err
}
