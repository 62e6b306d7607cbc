package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
)

// PairKind says what two departments' items have to do with each other.
type PairKind string

// Kinds of ItemPair.
const (
	PairSame     PairKind = "same"     // both ask for one thing: one of them stands
	PairContrary PairKind = "contrary" // what one asks for, the other forbids
)

// Keep says which item of a pair stands.
type Keep string

// Outcomes of an ItemPair.
const (
	KeepItem    Keep = "item"
	KeepOther   Keep = "other"
	KeepBoth    Keep = "both"    // they can be done together after all
	KeepChanged Keep = "changed" // one of them is not asked for any more
)

// ItemPair (事项比对) is two items of two departments that somebody on the site has
// put side by side (INS-1011). What they said is kept, whatever the departments
// write later.
type ItemPair struct {
	bun.BaseModel `bun:"table:item_pairs" json:"-"`

	ID          string       `bun:"id,pk" json:"id"`
	VisitID     string       `json:"visit_id"`
	Kind        PairKind     `json:"kind"`
	Item        ProposedItem `bun:"type:jsonb" json:"item"`
	Other       ProposedItem `bun:"type:jsonb" json:"other"`
	Note        string       `json:"note,omitempty"` // what contradicts what
	RaisedAt    time.Time    `json:"raised_at"`
	RaisedBy    string       `json:"raised_by"`
	RaisedName  string       `json:"raised_name"`
	SentAt      time.Time    `bun:",nullzero" json:"sent_at,omitzero"` // to the supervisor
	SentBy      string       `json:"sent_by,omitempty"`
	Keep        Keep         `json:"keep,omitempty"`
	How         string       `json:"how,omitempty"`
	SettledAt   time.Time    `bun:",nullzero" json:"settled_at,omitzero"`
	SettledBy   string       `json:"settled_by,omitempty"`
	SettledName string       `json:"settled_name,omitempty"`
}

// PairState says how far an ItemPair is.
type PairState string

// States of an ItemPair.
const (
	PairOpen    PairState = "open"
	PairSent    PairState = "sent"
	PairSettled PairState = "settled"
)

// State follows from who has settled or sent it.
func (x ItemPair) State() PairState {
	switch {
	case x.Keep != "":
		return PairSettled
	case !x.SentAt.IsZero():
		return PairSent
	}
	return PairOpen
}

// falls is the item that does not stand and the one that does; false for a pair
// that leaves both.
func (x ItemPair) falls() (out, stands ProposedItem, fallen bool) {
	switch x.Keep {
	case KeepItem:
		return x.Other, x.Item, true
	case KeepOther:
		return x.Item, x.Other, true
	default:
		return out, stands, false
	}
}

// about reports whether a pair compares these two items, in whatever order.
func (x ItemPair) about(a, b string) bool {
	return x.Item.ID == a && x.Other.ID == b || x.Item.ID == b && x.Other.ID == a
}

// print is the hash of what people wrote, so that a row that says something else
// than the log shows (EV-12).
func (x ItemPair) print() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%s", x.Item.ID, x.Other.ID, x.Note, x.Keep, x.How))
	return hex.EncodeToString(sum[:])
}

// leaves put the pair into the streams of both departments.
func (x ItemPair) leaves(v Visit, actor string, at time.Time) []audit.Leaf {
	out := make([]audit.Leaf, 2)
	for i, item := range [...]ProposedItem{x.Item, x.Other} {
		p := Participant{VisitID: v.ID, CaseID: v.CaseID, DepartmentID: item.DepartmentID, Round: v.Round}
		out[i] = participantLeaf("item_pair", p, actor, at, map[string]any{"pair": x.ID, "kind": string(x.Kind), "now": string(x.State()), "print": x.print()})
	}
	return out
}

// PairRequest puts two items side by side. Of two that ask for the same, Keep says
// which stands; of two that contradict each other, Note says how.
type PairRequest struct {
	VisitID     string
	Kind        PairKind
	Item, Other string
	Keep        Keep
	Note        string
	Once        once.Key
}

// PairItems merges two items of two departments that ask for the same, or notes that
// they contradict each other (INS-1011), while the visit runs or opinions are
// collected. A department does it with its own item, and gives up none but that; the
// window does it on their word. Refusals: not_found, not_a_window, wrong_window,
// not_your_department, visit_not_running, pair_kind, pair_departments, pair_exists,
// items_changed, item_left_out, keep_unknown, reason_missing, text_invalid.
func (d *Desk) PairItems(ctx context.Context, by auth.Actor, r PairRequest) (ItemPair, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (out ItemPair, err error) {
		_, err = actOnVisit(ctx, tx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
			if out, err = d.pair(ctx, tx, by, *v, r); err != nil {
				return nil, err
			}
			return out.leaves(*v, by.String(), d.now()), insertPair(ctx, tx, &out)
		})
		return out, err
	})
}

func (d *Desk) pair(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, r PairRequest) (ItemPair, error) {
	x := ItemPair{
		ID: newID(), VisitID: v.ID, Kind: r.Kind, Note: strings.TrimSpace(r.Note), RaisedAt: d.now(), RaisedBy: by.String(), RaisedName: by.Name,
	}
	if err := mayCompare(ctx, tx, by, v); err != nil {
		return x, err
	}
	if err := takesOpinions(v); err != nil {
		return x, err
	}
	items, err := proposedItems(ctx, tx, v)
	if err != nil {
		return x, err
	}
	one, found := findProposed(items, r.Item)
	other, both := findProposed(items, r.Other)
	if !found || !both {
		return x, itemsChanged()
	}
	x.Item, x.Other = one, other
	if by.Department != x.Item.DepartmentID && by.Department != x.Other.DepartmentID {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return x, err
		}
	}
	if err := mayPair(ctx, tx, x, items); err != nil {
		return x, err
	}
	if x.Kind == PairContrary {
		return x, checkText("note", x.Note, reasonLength)
	}
	if r.Keep == KeepBoth {
		return x, keepUnknown()
	}
	if err := office.CheckText("note", x.Note, reasonLength); err != nil {
		return x, err
	}
	return x, d.keepOf(ctx, tx, by, v, &x, r.Keep, x.Note)
}

// mayCompare: people of the departments on the site, and the window.
func mayCompare(ctx context.Context, q bun.IDB, by auth.Actor, v Visit) error {
	if by.Is(auth.Inspector) || by.Is(auth.Head) {
		return nil
	}
	return mayOrganise(ctx, q, by, v.CentreID)
}

// mayPair refuses two items that there is nothing to compare of.
func mayPair(ctx context.Context, q bun.IDB, x ItemPair, items []ProposedItem) error {
	if x.Kind != PairSame && x.Kind != PairContrary {
		return fault.Refuse(fault.Invalid, "pair_kind", "请选择重复或者矛盾", "say whether they ask for the same or contradict each other")
	}
	if x.Item.DepartmentID == x.Other.DepartmentID {
		return fault.Refuse(fault.Invalid, "pair_departments",
			"请选择两个不同部门的整改事项；本部门内的请更正意见", "choose items of two departments; within one, correct the opinion")
	}
	pairs, err := listPairs(ctx, q, x.VisitID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(pairs, func(one ItemPair) bool { return one.about(x.Item.ID, x.Other.ID) && one.Keep != KeepChanged }) {
		return fault.Refuse(fault.Conflict, "pair_exists", "这两项已经登记过，请在页面上查看处理情况", "these two have been put side by side already; the page says what came of it")
	}
	return stillStand(x, leftOut(items, pairs))
}

// stillStand: an item that has been left out is compared with nothing more, so that
// of any number of items that were merged one stands.
func stillStand(x ItemPair, left map[string]ProposedItem) error {
	for _, item := range [...]ProposedItem{x.Item, x.Other} {
		if stands, out := left[item.ID]; out {
			return fault.Refuse(fault.Conflict, "item_left_out",
				"%s已不单独列入，请与%s比对", "%s is not listed by itself any more; compare with %s", item.name(), stands.name())
		}
	}
	return nil
}

func keepUnknown() error {
	return fault.Refuse(fault.Invalid, "keep_unknown", "请选择保留哪一项", "say which of the two stands")
}

// SettlePair says which of two items that contradict each other stands, and why: a
// department that gives up its own, the window with what both agreed on, or the
// supervisor it was sent to (INS-1011). Refusals: not_found, not_a_window,
// wrong_window, not_supervisor, visit_not_running, pair_settled, item_left_out,
// keep_unknown, reason_missing, text_invalid.
func (d *Desk) SettlePair(ctx context.Context, by auth.Actor, visitID, pairID string, keep Keep, how string) error {
	d = d.still()
	return d.onPair(ctx, by, visitID, pairID, func(tx bun.IDB, v Visit, x *ItemPair) error {
		if err := checkText("how", how, reasonLength); err != nil {
			return err
		}
		items, err := proposedItems(ctx, tx, v)
		if err != nil {
			return err
		}
		pairs, err := listPairs(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if err := stillStand(*x, leftOut(items, pairs)); err != nil {
			return err
		}
		return d.keepOf(ctx, tx, by, v, x, keep, strings.TrimSpace(how))
	})
}

// keepOf ends a pair. Nobody gives up an item of another department but the
// supervisor whom it was sent to; the window writes down what both have agreed on.
func (d *Desk) keepOf(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, x *ItemPair, keep Keep, how string) error {
	sent := x.State() == PairSent
	x.Keep, x.How, x.SettledAt, x.SettledBy, x.SettledName = keep, how, d.now(), by.String(), by.Name
	out, _, fallen := x.falls()
	switch {
	case !fallen && keep != KeepBoth:
		return keepUnknown()
	case fallen && mayAnswer(by, out.DepartmentID) == nil:
		return nil
	case sent:
		return maySupervise(ctx, tx, by, v.CentreID)
	case by.Department != "" && !atWindow(by) && fallen:
		return mayAnswer(by, out.DepartmentID)
	}
	return mayOrganise(ctx, tx, by, v.CentreID)
}

// SendPair sends two items that contradict each other to the supervisor, by either
// department or the window (INS-1011). Refusals: not_found, not_a_window,
// wrong_window, visit_not_running, pair_settled, pair_sent.
func (d *Desk) SendPair(ctx context.Context, by auth.Actor, visitID, pairID string) error {
	d = d.still()
	return d.onPair(ctx, by, visitID, pairID, func(tx bun.IDB, v Visit, x *ItemPair) error {
		if mayAnswer(by, x.Item.DepartmentID) != nil && mayAnswer(by, x.Other.DepartmentID) != nil {
			if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
				return err
			}
		}
		if x.State() == PairSent {
			return fault.Refuse(fault.Conflict, "pair_sent", "已经报请主管，等待主管决定", "it has been sent to the supervisor already, who decides")
		}
		x.SentAt, x.SentBy = d.now(), by.String()
		return raiseTask(ctx, tx, v, Task{
			Kind: TaskPair, Subject: x.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
			Detail: fmt.Sprintf("办件%s：%s与%s相互矛盾，请决定保留哪一项。%s", v.CaseNumber, x.Item.name(), x.Other.name(), x.Note),
		})
	})
}

// onPair runs an act on a pair that is not settled.
func (d *Desk) onPair(ctx context.Context, by auth.Actor, visitID, pairID string, act func(tx bun.IDB, v Visit, x *ItemPair) error) error {
	_, err := d.onVisit(ctx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayCompare(ctx, tx, by, *v); err != nil {
			return nil, err
		}
		if err := takesOpinions(*v); err != nil {
			return nil, err
		}
		x, err := findPair(ctx, tx, v.ID, pairID)
		if err != nil {
			return nil, err
		}
		if x.State() == PairSettled {
			return nil, fault.Refuse(fault.Conflict, "pair_settled", "这两项已经处理完毕，请刷新页面查看", "these two have been settled already; reload the page")
		}
		before := x.State()
		if err := act(tx, *v, &x); err != nil {
			return nil, err
		}
		return d.movePair(ctx, tx, *v, x, before, by.String())
	})
	return err
}

func (d *Desk) movePair(ctx context.Context, tx bun.IDB, v Visit, x ItemPair, before PairState, actor string) ([]audit.Leaf, error) {
	if err := updatePair(ctx, tx, x, before); err != nil {
		return nil, err
	}
	if x.State() != PairSettled {
		return x.leaves(v, actor, d.now()), nil
	}
	return x.leaves(v, actor, d.now()), finishTasks(ctx, tx, TaskPair, x.ID, d.now(), actor, x.How)
}

// endPairs ends what contradicted an item that a department asks for no more, when
// it has written another opinion or taken one back.
func (d *Desk) endPairs(ctx context.Context, tx bun.IDB, v Visit) (leaves []audit.Leaf, err error) {
	pairs, err := listPairs(ctx, tx, v.ID)
	if err != nil || len(pairs) == 0 {
		return nil, err
	}
	items, err := proposedItems(ctx, tx, v)
	if err != nil {
		return nil, err
	}
	for _, x := range pairs {
		if x.State() == PairSettled || proposed(items, x.Item.ID) && proposed(items, x.Other.ID) {
			continue
		}
		before := x.State()
		x.Keep, x.SettledAt, x.SettledBy = KeepChanged, d.now(), systemActor.String()
		moved, err := d.movePair(ctx, tx, v, x, before, systemActor.String())
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, moved...)
	}
	return leaves, nil
}

// noneContrary refuses while a pair is in one of these states: before the site part
// ends none may be open, before the joint opinion none undecided.
func noneContrary(ctx context.Context, q bun.IDB, v Visit, states ...PairState) error {
	pairs, err := listPairs(ctx, q, v.ID)
	if err != nil {
		return err
	}
	var names []string
	for _, x := range pairs {
		if slices.Contains(states, x.State()) {
			names = append(names, x.Item.name()+"与"+x.Other.name())
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fault.Refuse(fault.Conflict, "items_contrary",
		"这些整改事项相互矛盾，还没有协调一致：%s。请登记协调结果或者报请主管，主管决定后再出具联合意见",
		"these items contradict each other and nobody has settled it: %s; record what was agreed or send it to the supervisor, who decides before the joint opinion is issued",
		strings.Join(names, "；")).With("item_pairs", names)
}
