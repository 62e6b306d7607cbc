package inspection

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// Why a joint opinion was issued anew (V12). The one before stays to be read and
// to be printed (INS-1104, INS-1105).
const (
	whyRevisit  = "revisit"
	whyPhotos   = "photos"
	whyReversal = "reversal"
)

// issueAgain issues the next version of a visit's joint opinion under the same
// number (INS-1103), moves the result of the visit with it and, if it has passed
// now, lets the departments owe their results. The caller has locked the visit,
// which is closed.
func (d *Desk) issueAgain(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, why string) (JointOpinion, []audit.Leaf, error) {
	before := v.Result
	j, err := d.nextVersion(ctx, tx, by, v, why)
	if err != nil {
		return j, nil, err
	}
	v.Result = j.Result
	if err := changeVisit(ctx, tx, &v, "result"); err != nil {
		return j, nil, err
	}
	leaves := []audit.Leaf{visitLeaf("joint_opinion", v, by.String(), d.now(), map[string]any{
		"number": j.Number, "version": j.Version, "result": j.Result, "why": why,
	})}
	if v.Result != ResultPassed || before == ResultPassed {
		return j, leaves, nil
	}
	c, err := findCase(ctx, tx, v.CaseID)
	if err != nil {
		return j, nil, err
	}
	owed, err := d.expectResults(ctx, tx, c, by)
	return j, append(leaves, owed...), err
}

// closeAgain closes a visit that a reversal had opened (V12). What a department asks
// for now makes the list if there was none; a list that was made does not grow
// (INS-1107).
func (d *Desk) closeAgain(ctx context.Context, tx bun.IDB, by auth.Actor, v *Visit, issued int) (JointOpinion, []audit.Leaf, error) {
	_, result, err := finalLines(ctx, tx, *v)
	if err != nil {
		return JointOpinion{}, nil, err
	}
	v.ClosedAt = d.now()
	if err := moveVisit(ctx, tx, v, "Close", "closed_at"); err != nil {
		return JointOpinion{}, nil, err
	}
	leaves, err := d.endVisit(ctx, tx, by, *v)
	if err != nil {
		return JointOpinion{}, nil, err
	}
	if _, err := findList(ctx, tx, v.ID, 1); fault.Is(err, "list_unknown") {
		listed, err := d.drawUp(ctx, tx, *v, JointOpinion{Result: result, Version: issued + 1})
		if err != nil {
			return JointOpinion{}, nil, err
		}
		leaves = append(leaves, listed...)
	} else if err != nil {
		return JointOpinion{}, nil, err
	}
	j, again, err := d.issueAgain(ctx, tx, by, *v, whyReversal)
	return j, append(leaves, again...), err
}

// nextVersion makes a version of what every department says now: its last word,
// at a revisit or before, and how far each of its items is.
func (d *Desk) nextVersion(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, why string) (JointOpinion, error) {
	issued, err := listJointOpinions(ctx, tx, v.ID)
	if err != nil {
		return JointOpinion{}, err
	}
	last := issued[len(issued)-1]
	content, err := jointHead(ctx, tx, v)
	if err != nil {
		return JointOpinion{}, err
	}
	content.Clerk, content.Why, content.Replaces = by.Name, why, last.FullNumber()
	result := ""
	if content.Departments, result, err = linesNow(ctx, tx, v); err != nil {
		return JointOpinion{}, err
	}
	if content.Dangers, err = dangersIn(ctx, tx, v, result); err != nil {
		return JointOpinion{}, err
	}
	j := JointOpinion{
		ID: newID(), VisitID: v.ID, Number: last.Number, Version: last.Version + 1, Result: result, Content: content.JointContent,
		IssuedAt: d.now(), IssuedBy: by.String(),
	}
	err = insertJointOpinion(ctx, tx, &j)
	return j, err
}

// linesNow are the lines of the first visit, each with the department's last word
// and with its items as they stand. Any no fails; an item that is open has to be
// put right; else it has passed (INS-1101).
func linesNow(ctx context.Context, q bun.IDB, v Visit) ([]JointLine, string, error) {
	tracks, err := listParticipants(ctx, q, v.ID)
	if err != nil {
		return nil, "", err
	}
	lines, _, err := jointLines(ctx, q, tracks)
	if err != nil {
		return nil, "", err
	}
	items, err := listItems(ctx, q, v.ID)
	if err != nil {
		return nil, "", err
	}
	words, err := wordsAtRevisits(ctx, q, v.ID)
	if err != nil {
		return nil, "", err
	}
	result := ResultPassed
	for i := range lines {
		lines[i].update(items, words)
		switch {
		case lines[i].Source == "given" && lines[i].Kind == Disagree:
			result = ResultFailed
		case result == ResultPassed && slices.ContainsFunc(lines[i].Items, RectifyItem.open):
			result = ResultRectify
		}
	}
	for i := range lines { // whose own items were left out for another's (INS-1011)
		if result == ResultPassed && lines[i].Kind == Rectify {
			lines[i].Kind = Agree
		}
	}
	return lines, result, nil
}

// wordsAtRevisits gives the last line of each department at the revisits that are
// over, by department.
func wordsAtRevisits(ctx context.Context, q bun.IDB, visitID string) (map[string]JointLine, error) {
	revisits, err := listRevisits(ctx, q, visitID)
	if err != nil {
		return nil, err
	}
	out := map[string]JointLine{}
	for _, v := range revisits {
		if v.State != VisitClosed {
			continue
		}
		tracks, err := listParticipants(ctx, q, v.ID)
		if err != nil {
			return nil, err
		}
		lines, _, err := jointLines(ctx, q, tracks)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			if l.Source != lineWaived { // its word of before stays the last one
				out[l.DepartmentID] = l
			}
		}
	}
	return out, nil
}

// update puts what became of a department's items into its line, and its word at
// the last revisit in place of the one before.
func (l *JointLine) update(items []ListedItem, words map[string]JointLine) {
	left := slices.DeleteFunc(slices.Clone(l.Items), func(i RectifyItem) bool { return i.Left == "" })
	var mine []RectifyItem
	for _, i := range items {
		if i.DepartmentID == l.DepartmentID {
			item := i.asked()
			item.Outcome, item.SettledAt = i.State, i.SettledAt
			mine = append(mine, item)
		}
	}
	if len(mine) > 0 {
		l.Items = append(slices.Clone(mine), left...)
	}
	if w, ok := words[l.DepartmentID]; ok {
		l.Source, l.Kind, l.Text, l.By, l.At, l.Record = w.Source, w.Kind, w.Text, w.By, w.At, w.Record
	}
	if l.Kind == Rectify && len(mine) > 0 && !slices.ContainsFunc(mine, RectifyItem.open) {
		l.Kind = Agree
	}
}

// open reports whether an item of an issued opinion is still to be put right.
func (i RectifyItem) open() bool { return i.Outcome == ItemOpen }
