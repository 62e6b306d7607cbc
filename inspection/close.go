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
}

// JointLine is one department's part.
type JointLine struct {
	Department string      `json:"department"`
	Lead       bool        `json:"lead"`
	Source     string      `json:"source"` // given or deemed
	Kind       OpinionKind `json:"kind,omitempty"`
	Text       string      `json:"text,omitempty"`
	Items      []Item      `json:"items,omitempty"`
	By         string      `json:"by,omitempty"`
	At         time.Time   `json:"at,omitzero"`
	Record     string      `json:"record,omitempty"` // number of the deemed-consent record
}

// Close issues the joint opinion (V11). It needs every required department's
// opinion given or deemed and none under review (INS-1101). Refusals:
// wrong_window, bad_move, opinions_open with the departments that are missing.
func (d *Desk) Close(ctx context.Context, by auth.Actor, visitID string) (JointOpinion, error) {
	var out JointOpinion
	_, err := d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if v.State != VisitCollecting {
			return nil, movedOn("bad_move")
		}
		tracks, err := listParticipants(ctx, tx, v.ID)
		if err != nil {
			return nil, err
		}
		if err := opinionsFinal(tracks); err != nil {
			return nil, err
		}
		if out, err = d.jointOpinion(ctx, tx, *v, tracks, by); err != nil {
			return nil, err
		}
		v.ClosedAt, v.Result = d.now(), out.Result
		if err := moveVisit(ctx, tx, v, "Close", "closed_at", "result"); err != nil {
			return nil, err
		}
		return []audit.Leaf{visitLeaf("joint_opinion", *v, by.String(), d.now(), map[string]any{
			"number": out.Number, "version": out.Version, "result": out.Result,
		})}, moveCase(ctx, tx, v.CaseID, CaseVisited)
	})
	return out, err
}

func opinionsFinal(tracks []Participant) error {
	var missing []string
	for _, p := range tracks {
		final := p.Opinion == OpinionGiven || p.Opinion == OpinionDeemed || p.Opinion == OpinionWaived
		if p.Required && !final {
			missing = append(missing, p.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, "、")
	return fault.Refuse(fault.Conflict, "opinions_open",
		"还缺这些部门的意见：%s", "opinions are still missing or under review: %s", names).With("departments", missing)
}

// jointOpinion takes the next number in the issuing transaction, so that the
// series of a centre, kind and year has no gaps (INS-1103).
func (d *Desk) jointOpinion(ctx context.Context, tx bun.IDB, v Visit, tracks []Participant, by auth.Actor) (JointOpinion, error) {
	lines, result, err := jointLines(ctx, tx, tracks)
	if err != nil {
		return JointOpinion{}, err
	}
	content, err := jointHead(ctx, tx, v)
	if err != nil {
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
	return j, insertJointOpinion(ctx, tx, &j)
}

// jointLines collects every department's part. A deemed consent counts as
// agree for the result and is shown as deemed (INS-1101).
func jointLines(ctx context.Context, tx bun.IDB, tracks []Participant) ([]JointLine, string, error) {
	var lines []JointLine
	var kinds []OpinionKind
	for _, p := range tracks {
		line := JointLine{Department: p.Name, Lead: p.Lead, Source: "given"}
		if p.Opinion == OpinionDeemed {
			row, err := findDeemed(ctx, tx, p)
			if err != nil {
				return nil, "", err
			}
			line.Source, line.Record, line.At = "deemed", row.Number, row.DecidedAt
		}
		o, found, err := lastOpinion(ctx, tx, p)
		if err != nil {
			return nil, "", err
		}
		if !found && p.Opinion != OpinionDeemed {
			continue // invited and silent
		}
		if found {
			line.Kind, line.Text, line.Items, line.By, line.At = o.Kind, o.Text, o.Items, o.GivenName, o.GivenAt
			kinds = append(kinds, o.Kind)
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
	"Cancel":  {"applicant_asked", "holiday", "weather", "site_not_ready", "case_withdrawn", "error", "other"},
	"NotHeld": {"applicant_absent", "weather", "site_not_ready", "danger", "other"},
}

// EndReasons lists the reason codes for an act, for forms.
func EndReasons(act string) []string { return slices.Clone(endReasons[act]) }

// Cancel ends a visit before it starts (V7). Everyone who was sent anything is
// told, served or not; all slots become free; unsent messages and reminders
// are dropped (INS-608, INS-713). Refusals: wrong_window, bad_move,
// reason_code, reason_missing.
func (d *Desk) Cancel(ctx context.Context, by auth.Actor, visitID, code, reason string) (Visit, error) {
	return d.finish(ctx, by, ending{visitID: visitID, act: "Cancel", code: code, reason: reason})
}

func (d *Desk) finish(ctx context.Context, by auth.Actor, e ending) (Visit, error) {
	return d.onVisit(ctx, e.visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if err := e.check(); err != nil {
			return nil, err
		}
		wasOffered := v.State != VisitDraft
		v.ReasonCode, v.Reason = e.code, e.reason
		if wasOffered && e.act == "Cancel" {
			v.Sequence++ // ICA-29
		}
		if err := moveVisit(ctx, tx, v, e.act, "reason_code", "reason", "sequence"); err != nil {
			return nil, err
		}
		if err := d.release(ctx, tx, *v, e.act); err != nil {
			return nil, err
		}
		if wasOffered && e.act == "Cancel" {
			if err := d.queueCancel(ctx, tx, *v); err != nil {
				return nil, err
			}
		}
		return []audit.Leaf{visitLeaf("visit_"+snake(e.act), *v, by.String(), d.now(), map[string]any{"reason_code": e.code})}, nil
	})
}

func (e ending) check() error {
	if !slices.Contains(endReasons[e.act], e.code) {
		return fault.Refuse(fault.Invalid, "reason_code",
			"请从列表中选择原因", "choose a reason code from the list").With("codes", endReasons[e.act])
	}
	if strings.TrimSpace(e.reason) == "" {
		return reasonMissing()
	}
	return nil
}

// release frees what a visit occupied and stops every clock that runs for it.
func (d *Desk) release(ctx context.Context, tx bun.IDB, v Visit, act string) error {
	if act == "Cancel" {
		if err := voidParticipants(ctx, tx, v.ID); err != nil {
			return err
		}
		if err := freeResources(ctx, tx, v.ID); err != nil {
			return err
		}
	} else if err := waiveParticipants(ctx, tx, v.ID); err != nil {
		return err
	}
	if err := endVisitDeadlines(ctx, tx, v.ID); err != nil {
		return err
	}
	return moveCase(ctx, tx, v.CaseID, CaseAccepted)
}

func snake(act string) string {
	if act == "NotHeld" {
		return "not_held"
	}
	return "cancelled"
}
