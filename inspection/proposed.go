package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// ProposedItem (拟提整改事项) is an item of a department's present opinion, signed or
// not, before the one list is made. The id is a hash of what it says: a corrected
// opinion keeps the ids of the items it did not change.
type ProposedItem struct {
	ID            string `json:"id"`
	ParticipantID string `json:"-"`
	DepartmentID  string `json:"department_id"`
	Department    string `json:"department"`
	N             int    `json:"n"` // in the department's opinion
	Finding       string `json:"finding"`
	Clause        string `json:"clause"`
	Verify        Verify `json:"verify,omitempty"`
	Days          int    `json:"days,omitempty"`
}

// name is how a text speaks of an item: the department, and the number it gave it.
func (i ProposedItem) name() string { return fmt.Sprintf("%s第 %d 项", i.Department, i.N) }

// leftOut gives for each item that does not stand the one that stands in its place.
// One whose place is empty, since that department asks for it no more, stands again.
// Of a ring, which departments can only come to by taking items back and asking for
// them again, the pair that would close it counts for nothing.
func leftOut(items []ProposedItem, pairs []ItemPair) map[string]ProposedItem {
	now, direct := map[string]ProposedItem{}, map[string]ProposedItem{}
	for _, i := range items {
		now[i.ID] = i
	}
	last := func(i ProposedItem) ProposedItem {
		for next, out := direct[i.ID]; out; next, out = direct[i.ID] {
			i = next
		}
		return i
	}
	for _, x := range pairs {
		item, stands, fallen := x.falls()
		if fallen && proposed(items, item.ID) && proposed(items, stands.ID) && last(stands).ID != item.ID {
			direct[item.ID] = now[stands.ID] // its number may have changed since
		}
	}
	out := map[string]ProposedItem{}
	for id, stands := range direct {
		out[id] = last(stands)
	}
	return out
}

// place is where an item stands: in whose opinion, and at which place, from 0.
type place struct {
	participant string
	n           int
}

// leftItems gives for an item of an opinion that is not on the list the one that is.
type leftItems map[place]ProposedItem

func (l leftItems) has(p Participant, n int) bool {
	_, out := l[place{p.ID, n}]
	return out
}

// say writes into a department's items why they are not on the list: as the Chinese
// paper says it, and as facts for a page in another language.
func (l leftItems) say(p Participant, items []RectifyItem) {
	for n := range items {
		if stands, out := l[place{p.ID, n}]; out {
			items[n].Left = "不单独列入，以" + stands.name() + "为准"
			items[n].Stands = &Standing{DepartmentID: stands.DepartmentID, Department: stands.Department, N: stands.N}
		}
	}
}

// leftOutOf says what is left out of the list of what these departments ask for.
func leftOutOf(ctx context.Context, q bun.IDB, tracks []Participant) (leftItems, error) {
	if len(tracks) == 0 {
		return nil, nil
	}
	pairs, err := listPairs(ctx, q, tracks[0].VisitID)
	if err != nil || len(pairs) == 0 {
		return nil, err
	}
	var items []ProposedItem
	for _, p := range tracks {
		o, _, err := lastOpinion(ctx, q, p)
		if err != nil {
			return nil, err
		}
		if p.Opinion == OpinionGiven {
			items = append(items, itemsOf(p, o)...)
		}
	}
	left, out := leftOut(items, pairs), leftItems{}
	for _, i := range items {
		if stands, gone := left[i.ID]; gone {
			out[place{i.ParticipantID, i.N - 1}] = stands
		}
	}
	return out, nil
}

// LeftOut says for each item that is not listed by itself which one stands.
func (v VisitView) LeftOut() map[string]ProposedItem { return leftOut(v.Proposed, v.Pairs) }

func findProposed(items []ProposedItem, id string) (ProposedItem, bool) {
	at := slices.IndexFunc(items, func(i ProposedItem) bool { return i.ID == id })
	if at < 0 {
		return ProposedItem{}, false
	}
	return items[at], true
}

func proposed(items []ProposedItem, id string) bool {
	_, found := findProposed(items, id)
	return found
}

// itemsOf are the items of an opinion that ask for something new: at a revisit they
// are those of the list.
func itemsOf(p Participant, o Opinion) (out []ProposedItem) {
	for i, item := range o.Items {
		if o.Kind != Rectify || item.ID != "" {
			continue
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d", p.ID, item.Finding, item.Clause, item.Verify, item.Days))
		out = append(out, ProposedItem{
			ID: hex.EncodeToString(sum[:16]), ParticipantID: p.ID, DepartmentID: p.DepartmentID, Department: p.Name, N: i + 1,
			Finding: item.Finding, Clause: item.Clause, Verify: item.Verify, Days: item.Days,
		})
	}
	return out
}

// Foreign are the ids of what the others ask for, as a department has to see it.
func Foreign(items []ProposedItem, department string) (ids []string) {
	for _, i := range items {
		if i.DepartmentID != department {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// printSeen is the hash of items that were seen, in whatever order; empty for none.
func printSeen(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(ids)), "\x00")))
	return hex.EncodeToString(sum[:])
}

// SeeRequest says that a department has seen the others' items: Seen are the ids of
// those that were on the page, so that one that came in between is not taken for
// seen. CheckInID is who was shown them on the window's screen, empty for whoever is
// signed in.
type SeeRequest struct {
	ParticipantID string
	Seen          []string
	CheckInID     string
}

// SeeItems records that a department on the site has seen what the others ask for,
// by its signed-in person, or by the window for one of it who has checked in
// (INS-1011). Refusals: not_found, not_your_department, not_a_window, wrong_window,
// visit_not_running, not_checked_in, items_changed.
func (d *Desk) SeeItems(ctx context.Context, by auth.Actor, r SeeRequest) error {
	d = d.still()
	return d.onParticipant(ctx, r.ParticipantID, func(tx bun.IDB, p Participant, v Visit) ([]audit.Leaf, error) {
		name, err := whoSees(ctx, tx, by, p, v, r.CheckInID)
		if err != nil {
			return nil, err
		}
		if err := takesOpinions(v); err != nil {
			return nil, err
		}
		items, err := proposedItems(ctx, tx, v)
		if err != nil {
			return nil, err
		}
		now := printSeen(Foreign(items, p.DepartmentID))
		if now == "" || now != printSeen(r.Seen) {
			return nil, itemsChanged()
		}
		p.ItemsSeen, p.ItemsSeenAt, p.ItemsSeenName = now, d.now(), name
		return []audit.Leaf{participantLeaf("items_seen", p, by.String(), d.now(), map[string]any{"print": now})}, markItemsSeen(ctx, tx, p)
	})
}

func itemsChanged() error {
	return fault.Refuse(fault.Conflict, "items_changed",
		"整改事项刚有变化，请刷新页面，看过最新内容再操作", "the items have just changed; reload the page and look at what they are now")
}

// whoSees names the person who has seen the items.
func whoSees(ctx context.Context, tx bun.IDB, by auth.Actor, p Participant, v Visit, checkIn string) (string, error) {
	if !atWindow(by) {
		return by.Name, mayAnswer(by, p.DepartmentID)
	}
	if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
		return "", err
	}
	shown, err := thereAs(ctx, tx, p, v, checkIn)
	return shown.Name, err
}

// Unseen are the departments on the site that have not seen what the others ask
// for: those of whom somebody has checked in and not left.
func (v VisitView) Unseen() (out []Participant) {
	for _, p := range v.Participants {
		if unseen(p.Participant, v.CheckIns, v.Proposed) {
			out = append(out, p.Participant)
		}
	}
	return out
}

func unseen(p Participant, people []CheckIn, items []ProposedItem) bool {
	there := slices.ContainsFunc(people, func(c CheckIn) bool { return c.Party == p.ID && c.LeftAt.IsZero() })
	hash := printSeen(Foreign(items, p.DepartmentID))
	return there && hash != "" && hash != p.ItemsSeen
}

// itemsShared refuses to end the site part while somebody on the site has not seen
// the others' items, or two items contradict each other and nobody has settled it
// or sent it to the supervisor (INS-1011). Refusals: items_unseen, items_contrary.
func itemsShared(ctx context.Context, tx bun.IDB, v Visit) error {
	tracks, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	people, err := listCheckIns(ctx, tx, v)
	if err != nil {
		return err
	}
	items, err := proposedItems(ctx, tx, v)
	if err != nil {
		return err
	}
	var names []string
	for _, p := range tracks {
		if unseen(p, people, items) {
			names = append(names, p.Name)
		}
	}
	if len(names) > 0 {
		return fault.Refuse(fault.Conflict, "items_unseen",
			"这些部门还没有看过其他部门提出的整改事项：%s。请其在收件箱中点“已看过”，或者由窗口当面出示后登记，再结束",
			"these departments have not seen what the others ask to be put right: %s; they say so on their page, or the window shows it to them and records it, then it can end",
			strings.Join(names, "、")).With("departments", names)
	}
	return noneContrary(ctx, tx, v, PairOpen)
}
