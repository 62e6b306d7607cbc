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
	"lianban/scheduler/workday"
)

// Verify says how it is seen that something was put right (INS-1008).
type Verify string

// Ways to verify an item.
const (
	VerifyPhoto Verify = "photo" // by photos that the applicant sends (INS-1108)
	VerifyVisit Verify = "visit" // on the site, at a revisit (INS-1109)
)

// mostDays is the longest term of an item, in working days. The plan gives no
// figure (house rule).
const mostDays = 60

// RectifyItem is one thing to put right: what was found, on what ground, how it is
// seen that it was done, and within how many working days from the day on which
// the applicant has the list.
type RectifyItem struct {
	Finding string `json:"finding"`
	Clause  string `json:"clause"`
	Verify  Verify `json:"verify,omitempty"`
	Days    int    `json:"days,omitempty"`
	Term    string `json:"term,omitempty"`    // ISO date, of opinions from before terms were counted
	ID      string `json:"item_id,omitempty"` // of the list, at a revisit

	Outcome   ItemState `json:"outcome,omitempty"` // in a later version of the joint opinion
	Left      string    `json:"left,omitempty"`    // in a joint opinion: why it is not on the list (INS-1011)
	Stands    *Standing `json:"stands,omitempty"`  // in its place; a page says Left in its own language
	SettledAt time.Time `json:"settled_at,omitzero"`
}

// Standing is the item of another department that stands in the place of one that
// asks for the same (INS-1011).
type Standing struct {
	DepartmentID string `json:"department_id"`
	Department   string `json:"department"`
	N            int    `json:"n"` // in that department's opinion
}

func checkItems(items []RectifyItem) error {
	if len(items) == 0 {
		return itemIncomplete()
	}
	for _, item := range items {
		if err := item.check(); err != nil {
			return err
		}
	}
	return nil
}

func itemIncomplete() error {
	return fault.Refuse(fault.Invalid, "opinion_items",
		"整改意见至少列一项，写明问题和依据", "list at least one item to put right, with its finding and clause")
}

func (i RectifyItem) check() error {
	if strings.TrimSpace(i.Finding) == "" || strings.TrimSpace(i.Clause) == "" {
		return itemIncomplete()
	}
	if i.Verify != VerifyPhoto && i.Verify != VerifyVisit {
		return fault.Refuse(fault.Invalid, "item_verify",
			"请逐项选择核查方式：看照片，或现场复勘", "choose for each item how it is verified: by photo or by a visit")
	}
	if i.Days < 1 || i.Days > mostDays {
		return itemDays()
	}
	return office.CheckText("items", i.Finding+i.Clause, textLength)
}

// toBeSeen reports whether an item of them wants another visit.
func toBeSeen(items []RectifyItem) bool {
	return slices.ContainsFunc(items, func(i RectifyItem) bool { return i.Verify == VerifyVisit })
}

// mayLookAgain refuses a department that was absent to have an item seen on the site:
// it may not cause a second visit, and has it shown by photo (INS-1109).
func (d *Desk) mayLookAgain(ctx context.Context, q bun.IDB, p Participant, v Visit) error {
	if !p.Missing() {
		return nil
	}
	g, err := d.ground(ctx, q, v, p.DepartmentID)
	if err != nil {
		return err
	}
	return fault.Refuse(fault.Conflict, "absent_by_photo",
		"本部门没有到场，不得要求现场复勘（%s）；请改为看照片核查，人已到场的请先签到", "the department did not come, so it may not ask for another visit (%s); have it shown by photo, or check in first if somebody is there", g.rules.Citation)
}

func itemDays() error {
	return fault.Refuse(fault.Invalid, "item_days",
		"整改期限应为 1 至 %d 个工作日，请逐项填写", "the term of an item is 1 to %d working days; give one for each item", mostDays)
}

// until says by when, as a document does: the day is known once the list has been
// given, so what is issued before names the term.
func (i RectifyItem) until() string {
	if i.Days == 0 {
		return i.Term + " 前"
	}
	return fmt.Sprintf("收到整改通知书后 %d 个工作日内", i.Days)
}

// ItemState says how far an item of a list is.
type ItemState string

// States of a ListedItem.
const (
	ItemOpen    ItemState = "open"
	ItemSettled ItemState = "settled"
)

// RectifyList (整改通知书) is what the applicant is given in writing. N is 1 for
// the one list of a visit; each later one holds an item that two persons found to
// be an exception (INS-1107). GivenAt is when the applicant had it.
type RectifyList struct {
	bun.BaseModel `bun:"table:rectify_lists" json:"-"`

	ID         string    `bun:"id,pk" json:"-"`
	VisitID    string    `json:"visit_id"`
	N          int       `json:"n"`
	Joint      int       `json:"joint_version"` // of the joint opinion whose items it lists
	MadeAt     time.Time `json:"made_at"`
	How        GivenHow  `json:"how,omitempty"`
	Receiver   string    `json:"receiver,omitempty"`
	Reason     string    `json:"reason,omitempty"` // of a refusal to sign
	Witnesses  []string  `bun:"type:jsonb" json:"witnesses,omitempty"`
	Scan       string    `json:"scan,omitempty"`
	GivenAt    time.Time `bun:",nullzero" json:"given_at,omitzero"`
	RecordedAt time.Time `bun:",nullzero" json:"recorded_at,omitzero"`
	RecordedBy string    `json:"recorded_by,omitempty"`
	AskedAt    time.Time `bun:",nullzero" json:"asked_at,omitzero"` // the term was over, the applicant was asked (INS-1109)
}

// GivenHow says how the applicant got a list.
type GivenHow string

// Ways to give a list.
const (
	GivenSigned  GivenHow = "signed"  // handed over, the copy is signed
	GivenRefused GivenHow = "refused" // handed over, the signature was refused (INS-1012)
)

// ListedItem is one item of a list. What it says never changes; its state does.
// DueAt is counted when the list is given (T5), Deadline keeps how (INS-408).
type ListedItem struct {
	bun.BaseModel `bun:"table:rectify_items" json:"-"`

	ID            string            `bun:"id,pk" json:"id"`
	VisitID       string            `json:"visit_id"`
	List          int               `json:"list"`
	N             int               `json:"n"`
	ParticipantID string            `json:"-"`
	DepartmentID  string            `json:"department_id"`
	Department    string            `json:"department"`
	Finding       string            `json:"finding"`
	Clause        string            `json:"clause"`
	Verify        Verify            `json:"verify"`
	Days          int               `json:"days"`
	State         ItemState         `json:"state"`
	DueAt         time.Time         `bun:",nullzero" json:"due_at,omitzero"`
	Deadline      *workday.Deadline `bun:"type:jsonb" json:"deadline,omitempty"`
	SettledAt     time.Time         `bun:",nullzero" json:"settled_at,omitzero"`
	SettledBy     string            `json:"settled_by,omitempty"`
	SettledHow    Verify            `json:"settled_how,omitempty"`
}

// print is the hash of what an item asks for. It stands in the leaf, so that a row
// that says something else shows (EV-12).
func (i ListedItem) print() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", i.Finding, i.Clause, i.List))
	return hex.EncodeToString(sum[:])
}

// Rectification is all that follows from a visit that ended in rectify.
type Rectification struct {
	Lists     []RectifyList  `json:"lists"`
	Items     []ListedItem   `json:"items"`
	Proposals []ItemProposal `json:"proposals,omitempty"`

	Photos   []ItemPhoto      `json:"photos,omitempty"`
	Requests []RevisitRequest `json:"requests,omitempty"`
	Revisits []Visit          `json:"revisits,omitempty"`
	DueAt    time.Time        `json:"revisit_due_at,omitzero"` // T6, once it has started
}

// Left is how many items are still to be put right.
func (r Rectification) Left() (n int) {
	for _, item := range r.Items {
		if item.State == ItemOpen {
			n++
		}
	}
	return n
}

// drawUp makes the one list of all departments when a visit closes with rectify
// (INS-1107). It is settled from then on; the window gives it to the applicant.
func (d *Desk) drawUp(ctx context.Context, tx bun.IDB, v Visit, j JointOpinion) ([]audit.Leaf, error) {
	if j.Result != ResultRectify {
		return nil, nil
	}
	tracks, err := listParticipants(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	g, err := d.ground(ctx, tx, v, "")
	if err != nil {
		return nil, err
	}
	list := RectifyList{ID: newID(), VisitID: v.ID, N: 1, Joint: j.Version, MadeAt: d.now(), Witnesses: []string{}}
	left, err := leftOutOf(ctx, tx, tracks)
	if err != nil {
		return nil, err
	}
	var items []ListedItem
	for _, p := range tracks {
		o, found, err := lastOpinion(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if !found || o.Kind != Rectify || p.Opinion != OpinionGiven { // what did not convince the supervisor is no item (INS-915)
			continue
		}
		for i, item := range o.Items {
			if !left.has(p, i) {
				items = append(items, listed(p, item.whole(g), list, len(items)+1))
			}
		}
	}
	return d.putList(ctx, tx, v, list, items)
}

// whole gives an item of an opinion from before terms were counted its way and
// its term.
func (i RectifyItem) whole(g ground) RectifyItem {
	if i.Days > 0 {
		return i
	}
	i.Verify, i.Days = VerifyVisit, 1
	if day, err := workday.ParseDate(i.Term); err == nil {
		if n, err := g.cal.Between(dateOf(g.at), day); err == nil {
			i.Days = min(max(n, 1), mostDays)
		}
	}
	return i
}

func listed(p Participant, item RectifyItem, list RectifyList, n int) ListedItem {
	return ListedItem{
		ID: newID(), VisitID: list.VisitID, List: list.N, N: n, ParticipantID: p.ID, DepartmentID: p.DepartmentID, Department: p.Name,
		Finding: item.Finding, Clause: item.Clause, Verify: item.Verify, Days: item.Days, State: ItemOpen,
	}
}

// putList writes a list with its items, and asks the window to give it.
func (d *Desk) putList(ctx context.Context, tx bun.IDB, v Visit, list RectifyList, items []ListedItem) ([]audit.Leaf, error) {
	if err := insertList(ctx, tx, &list, items); err != nil {
		return nil, err
	}
	leaves := make([]audit.Leaf, len(items))
	for i, item := range items {
		leaves[i] = itemLeaf("item_listed", v, item, systemActor.String(), d.now(), map[string]any{
			"list": item.List, "print": item.print(), "verify": string(item.Verify), "days": item.Days,
		})
	}
	detail := fmt.Sprintf("办件 %s 的整改通知书（共 %d 项）待送达申请人；送达后期限起算", v.CaseNumber, len(items))
	if list.N > 1 {
		detail = fmt.Sprintf("办件 %s 的补充整改通知书待送达申请人；送达后期限起算", v.CaseNumber)
	}
	return leaves, renewTask(ctx, tx, v, Task{Kind: TaskGiveList, Subject: v.ID, CreatedAt: d.now(), Detail: detail})
}

// itemLeaf is a leaf of the asking department's stream about an item.
func itemLeaf(kind string, v Visit, item ListedItem, actor string, at time.Time, more map[string]any) audit.Leaf {
	p := Participant{VisitID: v.ID, CaseID: v.CaseID, DepartmentID: item.DepartmentID, Round: v.Round}
	leaf := participantLeaf(kind, p, actor, at, more)
	leaf.Fields["item"], leaf.Fields["n"] = item.ID, item.N
	return leaf
}

// Handed is how the applicant, or an agent, took a paper. Of a refusal to sign, Reason
// says why and Witnesses name the two inspectors who signed the note (INS-1012).
// Scan is what was signed, by the applicant or by them.
type Handed struct {
	How       GivenHow
	Receiver  string
	At        time.Time
	Reason    string
	Witnesses []string
	Scan      Scan
}

// GiveRequest records that the applicant has a list.
type GiveRequest struct {
	VisitID string
	List    int
	Handed
	Once once.Key
}

// GiveList records the one time at which the applicant is given a list in writing;
// from then on the terms run (T5, INS-1107). Refusals: not_found, not_a_window,
// wrong_window, list_unknown, list_given, given_how, receiver_missing,
// reason_missing, witnesses, given_time, scan_missing, scan_type, scan_size,
// text_invalid.
func (d *Desk) GiveList(ctx context.Context, by auth.Actor, r GiveRequest) (RectifyList, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (RectifyList, error) { return d.giveList(ctx, tx, by, r) })
}

func (d *Desk) giveList(ctx context.Context, tx bun.IDB, by auth.Actor, r GiveRequest) (out RectifyList, err error) {
	_, err = actOnVisit(ctx, tx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
			return nil, err
		}
		if out, err = findList(ctx, tx, v.ID, r.List); err != nil {
			return nil, err
		}
		if !out.GivenAt.IsZero() {
			return nil, fault.Refuse(fault.Conflict, "list_given",
				"这份整改通知书已于 %[1]s 送达，只送达一次", "this list was given at %[2]s; it is given once", minute(out.GivenAt), minuteEnglish(out.GivenAt))
		}
		if err := d.checkGiving(out, &r); err != nil {
			return nil, err
		}
		scan, err := storeScan(ctx, tx, v.ID, r.Scan, by.String(), d.now())
		if err != nil {
			return nil, err
		}
		out.How, out.Receiver, out.Reason, out.Witnesses, out.Scan = r.How, r.Receiver, r.Reason, r.Witnesses, scan.ID
		out.GivenAt, out.RecordedAt, out.RecordedBy = r.At, d.now(), by.String()
		if err := markGiven(ctx, tx, out); err != nil {
			return nil, err
		}
		if err := d.startTerms(ctx, tx, *v, out); err != nil {
			return nil, err
		}
		return []audit.Leaf{visitLeaf("list_given", *v, by.String(), d.now(), map[string]any{
			"list": out.N, "how": string(out.How), "given_at": stamp(out.GivenAt), "scan_sha256": scan.SHA256,
		})}, d.endGiveTask(ctx, tx, *v, by)
	})
	return out, err
}

// checkGiving refuses what cannot be true of a list that is handed over.
func (d *Desk) checkGiving(list RectifyList, r *GiveRequest) error {
	if err := r.check(); err != nil {
		return err
	}
	if !r.between(list.MadeAt, d.now()) {
		return fault.Refuse(fault.Invalid, "given_time",
			"送达时间应在通知书作出之后、现在之前，请按签收日期填写", "a list is given after it was made and not in the future; enter the time that was signed")
	}
	return nil
}

// between: people write down minutes.
func (h Handed) between(from, to time.Time) bool {
	return !h.At.Before(from.Truncate(time.Minute)) && !h.At.After(to)
}

// check refuses a paper of which nobody says who took it and how, and drops what
// belongs to a refusal from one that is signed.
func (h *Handed) check() error {
	h.Receiver, h.At = strings.TrimSpace(h.Receiver), h.At.UTC().Truncate(time.Millisecond)
	if h.Receiver == "" {
		return fault.Refuse(fault.Invalid, "receiver_missing", "请填写接收人或签字人姓名", "name the person who received or signed it")
	}
	switch h.How {
	case GivenSigned:
		h.Reason, h.Witnesses = "", []string{}
	case GivenRefused:
		if err := checkText("reason", h.Reason, reasonLength); err != nil {
			return err
		}
		if err := twoWitnesses(&h.Witnesses); err != nil {
			return err
		}
	default:
		return fault.Refuse(fault.Invalid, "given_how",
			"请选择已签字（签收）或拒绝签字", "say whether the applicant signed or refused to sign")
	}
	if len(h.Scan.Bytes) == 0 {
		return scanMissing()
	}
	return office.CheckLines(line("receiver", h.Receiver), line("name", h.Scan.Name))
}

// twoWitnesses: a refusal is noted by two inspectors (INS-1012).
func twoWitnesses(names *[]string) error {
	var out []string
	for _, name := range *names {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
		if err := office.CheckLines(line("witnesses", name)); err != nil {
			return err
		}
	}
	if len(out) != 2 {
		return fault.Refuse(fault.Invalid, "witnesses",
			"拒绝签字的，请填写两名在场勘验人员的姓名", "a refusal to sign is noted by two different inspectors who were there; name both")
	}
	*names = out
	return nil
}

// startTerms counts the term of every item of a list from the moment the applicant
// has it.
func (d *Desk) startTerms(ctx context.Context, tx bun.IDB, v Visit, list RectifyList) error {
	items, err := listItems(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	for _, item := range items {
		if item.List != list.N {
			continue
		}
		if err := d.setTerm(ctx, tx, v, item, list.GivenAt, item.Days); err != nil {
			return err
		}
	}
	return d.startRectifyClock(ctx, tx, v)
}

// endGiveTask ends the window's task once every list has been given.
func (d *Desk) endGiveTask(ctx context.Context, tx bun.IDB, v Visit, by auth.Actor) error {
	lists, err := listLists(ctx, tx, v.ID)
	if err != nil || slices.ContainsFunc(lists, func(l RectifyList) bool { return l.GivenAt.IsZero() }) {
		return err
	}
	return finishTasks(ctx, tx, TaskGiveList, v.ID, d.now(), by.String(), "")
}
