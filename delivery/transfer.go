package delivery

import (
	"context"
	"crypto/rand"
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

// TransferState says how far a Transfer is (DEL §9.2). That nobody has signed in
// time is no state: it follows from DueAt.
type TransferState string

// States of a Transfer. It is made by its release.
const (
	Released        TransferState = "released"
	Accepted        TransferState = "accepted"
	AcceptedPartial TransferState = "accepted_partial"
	RefusedTransfer TransferState = "refused"
)

// Finding says what the receiving side found of one Item.
type Finding string

// Findings. For what is missing or damaged the giver stays responsible.
const (
	FoundGood    Finding = "accepted"
	FoundMissing Finding = "missing"
	FoundDamaged Finding = "damaged"
)

// Transfer (移交) passes a department's results of one case to the window. The
// giver signs by releasing it, the receiver by its own act; until then the giver
// answers for everything in it (DEL-910).
type Transfer struct {
	bun.BaseModel `bun:"table:transfers" json:"-"`

	ID           string        `bun:"id,pk" json:"id"`
	Number       string        `json:"number"`
	CaseID       string        `json:"case_id"`
	CaseNumber   string        `json:"case_number"`
	LineID       string        `json:"line_id"`
	CentreID     string        `json:"centre_id"`
	FromKind     KeeperKind    `json:"from_kind"`
	FromID       string        `json:"from_id"`
	FromName     string        `json:"from_name"`
	ToKind       KeeperKind    `json:"to_kind"`
	ToID         string        `json:"to_id"`
	ToName       string        `json:"to_name"`
	State        TransferState `json:"state"`
	DecidedOn    string        `json:"decided_on"` // ISO date of the department's decision
	RefusedGrant bool          `json:"refused_grant"`
	PartialWhy   string        `json:"partial_why,omitempty"` // reason code when more is to come
	PartialNote  string        `json:"partial_note,omitempty"`
	Paper        bool          `json:"paper"`           // from the signed slip (DEL-950)
	Giver        string        `json:"giver,omitempty"` // who handed it over
	ReleasedAt   time.Time     `json:"released_at"`
	ReleasedBy   string        `json:"released_by"`
	DueAt        time.Time     `json:"due_at"` // to be signed by (DEL-912)
	EndedAt      time.Time     `bun:",nullzero" json:"ended_at,omitzero"`
	EndedBy      string        `json:"ended_by,omitempty"`
	EndedName    string        `json:"ended_name,omitempty"`
	Note         string        `json:"note,omitempty"`
	Version      int           `json:"version"`
}

// Overdue reports whether nobody has signed in time; the giver still answers
// for the things (DEL-912).
func (t Transfer) Overdue(now time.Time) bool { return t.State == Released && now.After(t.DueAt) }

// TransferItem is one Item of a Transfer and what became of it there.
type TransferItem struct {
	bun.BaseModel `bun:"table:transfer_items" json:"-"`

	TransferID string  `bun:",pk" json:"transfer_id"`
	ItemID     string  `bun:",pk" json:"item_id"`
	Outcome    Finding `json:"outcome,omitempty"`
	Note       string  `json:"note,omitempty"`

	Item *Item `bun:"rel:belongs-to,join:item_id=id" json:"item,omitempty"`
}

// TransferView is a transfer with its items.
type TransferView struct {
	Transfer
	Items []TransferItem `json:"items"`
}

// signInAt is the minute of the next working day by which the window signs
// (DEL-912).
const signInAt = 12 * 60

// partialReasons are why a department may hand over less than all (DEL-301).
var partialReasons = []string{"in_production", "to_be_signed", "to_be_corrected", "other"}

// PartialReasons lists the reason codes, for forms.
func PartialReasons() []string { return slices.Clone(partialReasons) }

// ReleaseRequest is what a department hands over.
type ReleaseRequest struct {
	LineID       string
	DecidedOn    string    // ISO date
	RefusedGrant bool      // the result is a refusal of the permit
	New          []NewItem // handed over for the first time
	Again        []string  // ids of items that came back or never arrived
	PartialWhy   string    // reason code when more is to come
	PartialNote  string
	Paper        bool   // the window records the department's signed slip
	Giver        string // on paper: who signed it
	Once         once.Key
}

func (r *ReleaseRequest) check(today workday.Date) error {
	r.Giver, r.PartialNote = strings.TrimSpace(r.Giver), strings.TrimSpace(r.PartialNote)
	decided, err := workday.ParseDate(r.DecidedOn)
	if err != nil || today.Before(decided) {
		return fault.Refuse(fault.Invalid, "decision_date",
			"请填写作出决定的日期，不能晚于今天", "give the date of the decision, not after today")
	}
	if len(r.New)+len(r.Again) == 0 {
		return fault.Refuse(fault.Invalid, "transfer_empty",
			"请至少登记一件要送交的结果", "list at least one thing that is handed over")
	}
	if len(r.New)+len(r.Again) > maxItems {
		return fault.Refuse(fault.Invalid, "transfer_too_long",
			"一次最多送交 %d 件，请注明“分批送交”后分次办理", "at most %d things in one transfer; mark it as partial and hand the rest over next", maxItems)
	}
	for i := range r.New {
		if err := r.New[i].check(); err != nil {
			return err
		}
	}
	if r.PartialWhy != "" && (!slices.Contains(partialReasons, r.PartialWhy) || r.PartialWhy == "other" && r.PartialNote == "") {
		return fault.Refuse(fault.Invalid, "partial_reason",
			"分批送交请从列表中选择原因；选“其他”时请写明", "a partial hand-over needs a reason of the list, in words for “other”") // DEL-301
	}
	if r.Paper && r.Giver == "" {
		return fault.Refuse(fault.Invalid, "giver_missing",
			"请填写在流转单上签字的部门人员", "give the name of who signed the slip for the department") // DEL-950
	}
	if err := checkOptional("partial_note", r.PartialNote); err != nil {
		return err
	}
	return office.CheckLines(line("giver", r.Giver))
}

// maxItems is how many things one transfer may have.
const maxItems = 50

// Release hands a department's results of a case over to the window, all in one
// (DEL-301). A signed-in person of the department does it, or the window from
// the slip that was signed on paper. The things are in the register from now on;
// the department answers for them until the window has signed (DEL-910).
// Refusals: not_found, not_your_department, not_receiving_window, decision_date,
// transfer_empty, transfer_too_long, item_incomplete, seal_facts,
// seal_facts_elsewhere, partial_reason, giver_missing, text_invalid,
// line_settled, transfer_open, item_elsewhere.
func (d *Desk) Release(ctx context.Context, by auth.Actor, r ReleaseRequest) (TransferView, error) {
	d = d.still()
	r.New = slices.Clone(r.New)
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (TransferView, error) { return d.release(ctx, tx, by, r) })
}

func (d *Desk) release(ctx context.Context, tx bun.IDB, by auth.Actor, r ReleaseRequest) (TransferView, error) {
	l, err := lockLine(ctx, tx, r.LineID)
	if err != nil {
		return TransferView{}, err
	}
	if !mayReadResult(by, l.CentreID, l.DepartmentID) {
		return TransferView{}, notFound()
	}
	if err := mayHandOver(by, l, r.Paper); err != nil {
		return TransferView{}, err
	}
	if err := r.check(workday.DateOf(d.now())); err != nil {
		return TransferView{}, err
	}
	if !l.open() {
		return TransferView{}, lineSettled()
	}
	if err := nothingUnderWay(ctx, tx, l); err != nil {
		return TransferView{}, err
	}
	centre, err := office.FindCentre(ctx, tx, l.CentreID)
	if err != nil {
		return TransferView{}, err
	}
	sign := centreSign(centre.Division)
	t, err := d.newTransfer(ctx, tx, by, l, r)
	if err != nil {
		return TransferView{}, err
	}
	t.ToName = centre.Name
	if t.Number, err = NewNumber(sign, rand.Reader); err != nil {
		return TransferView{}, err
	}
	fresh, err := d.register(by, l, sign, r.New)
	if err != nil {
		return TransferView{}, err
	}
	return d.fill(ctx, tx, by, t, fresh, r.Again)
}

// nothingUnderWay refuses while the window has not answered the last transfer.
func nothingUnderWay(ctx context.Context, tx bun.IDB, l ResultLine) error {
	open, err := openTransferOf(ctx, tx, l.ID)
	if err != nil || open == "" {
		return err
	}
	return fault.Refuse(fault.Conflict, "transfer_open",
		"该部门的结果已送出（%s），等待窗口签收；签收或拒收后再办理", "the results are on their way (%s) and wait for the window; go on when it has signed or refused", open).With("number", open)
}

func (d *Desk) newTransfer(ctx context.Context, tx bun.IDB, by auth.Actor, l ResultLine, r ReleaseRequest) (Transfer, error) {
	t := Transfer{
		ID: newID(), CaseID: l.CaseID, CaseNumber: l.CaseNumber, LineID: l.ID, CentreID: l.CentreID,
		FromKind: AtDepartment, FromID: l.DepartmentID, FromName: l.Department, ToKind: AtWindow, ToID: l.CentreID,
		State: Released, DecidedOn: r.DecidedOn, RefusedGrant: r.RefusedGrant, PartialWhy: r.PartialWhy, PartialNote: r.PartialNote,
		Paper: r.Paper, Giver: r.Giver, ReleasedAt: d.now(), ReleasedBy: by.String(), Version: 1,
	}
	if !r.Paper {
		t.Giver = by.Name
	}
	cal, err := office.CalendarOf(ctx, tx, l.CentreID, d.now())
	if err != nil {
		return Transfer{}, err
	}
	due, err := cal.Add(workday.DateOf(d.now()), 1)
	t.DueAt = due.At(signInAt).UTC()
	return t, err
}

// fill puts the things into the transfer: what is new, and what is handed over
// once more.
func (d *Desk) fill(ctx context.Context, tx bun.IDB, by auth.Actor, t Transfer, fresh []Item, ids []string) (TransferView, error) {
	again, err := atGiver(ctx, tx, t, ids)
	if err != nil {
		return TransferView{}, err
	}
	if err := insertTransfer(ctx, tx, &t); err != nil {
		return TransferView{}, err
	}
	var steps []CustodyEvent
	for i := range fresh {
		fresh[i].TransferID = t.ID
		steps = append(steps, registered(d.step(fresh[i], CustodyRegistered, by, "", "")))
	}
	for i := range again {
		again[i].TransferID = t.ID
		if err := updateItem(ctx, tx, &again[i], "transfer_id"); err != nil {
			return TransferView{}, err
		}
	}
	if err := insertItems(ctx, tx, fresh); err != nil {
		return TransferView{}, err
	}
	out := TransferView{Transfer: t}
	for _, i := range append(again, fresh...) {
		steps = append(steps, d.step(i, CustodyReleased, by, t.ID, ""))
		out.Items = append(out.Items, TransferItem{TransferID: t.ID, ItemID: i.ID, Item: &i})
	}
	if err := insertSteps(ctx, tx, steps); err != nil {
		return TransferView{}, err
	}
	if err := insertTransferItems(ctx, tx, out.Items); err != nil {
		return TransferView{}, err
	}
	return out, audit.Record(ctx, tx, d.transferLeaf("transfer_released", out, by, map[string]any{
		"partial": t.PartialWhy, "paper": t.Paper, "decided_on": t.DecidedOn, "refused_grant": t.RefusedGrant,
	}))
}

// atGiver gives the things that are handed over once more; each has to be in
// the giver's hands and in no other transfer.
func atGiver(ctx context.Context, tx bun.IDB, t Transfer, ids []string) ([]Item, error) {
	items, err := lockItems(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	elsewhere := func(i Item) bool {
		return i.LineID != t.LineID || i.keeper() != (Keeper{t.FromKind, t.FromID}) || i.TransferID != ""
	}
	if len(items) != len(ids) || slices.ContainsFunc(items, elsewhere) {
		return nil, fault.Refuse(fault.Conflict, "item_elsewhere",
			"所选物料不在本部门，不能再次送交，请刷新后核对", "one of these things is not with the department; reload and check")
	}
	return items, nil
}

// registered is the first step of a history: it comes from nobody.
func registered(e CustodyEvent) CustodyEvent {
	e.FromKind, e.FromID = "", ""
	return e
}

func (d *Desk) transferLeaf(what string, t TransferView, by auth.Actor, more map[string]any) audit.Leaf {
	items := make([]string, len(t.Items))
	for n, i := range t.Items {
		items[n] = i.ItemID
	}
	fields := map[string]any{"transfer": t.ID, "number": t.Number, "department": t.FromID, "items": items}
	for name, value := range more {
		fields[name] = value
	}
	return audit.Leaf{Type: what, Stream: Stream(t.CaseID), Actor: by.String(), At: d.now(), Fields: fields}
}

// Found is what the window says of one item that it does not simply accept.
type Found struct {
	ItemID  string
	Outcome Finding
	Note    string
}

// AcceptRequest is the window's signature. What Found does not name is accepted.
type AcceptRequest struct {
	TransferID string
	Count      int // things counted by hand, without those found missing or damaged
	Found      []Found
	Note       string // whatever else was noticed, such as something extra (DEL-911)
}

func (r AcceptRequest) check(t TransferView) error {
	seen := map[string]bool{}
	for _, f := range r.Found {
		listed := slices.ContainsFunc(t.Items, func(i TransferItem) bool { return i.ItemID == f.ItemID })
		if !listed || seen[f.ItemID] || !slices.Contains([]Finding{FoundGood, FoundMissing, FoundDamaged}, f.Outcome) {
			return fault.Refuse(fault.Invalid, "outcome_invalid",
				"逐件核对有误：只能对本次移交中的物料各填一个结果（签收、缺件或破损）", "name each thing of this transfer at most once, as accepted, missing or damaged")
		}
		seen[f.ItemID] = true
		if f.Outcome == FoundGood {
			continue
		}
		if err := checkReason("note", f.Note); err != nil {
			return err
		}
	}
	return checkOptional("note", r.Note)
}

// Accept is the window's signature under a transfer, bound to the person who
// gives it: a department cannot accept for the window (DEL-910). All that was
// found passes into the window's keeping; for what is missing or damaged the
// department goes on answering. The line is received when the department said
// that this is all and all of it came. Refusals: not_found,
// not_receiving_window, transfer_over, outcome_invalid, reason_missing,
// text_invalid, count_differs.
func (d *Desk) Accept(ctx context.Context, by auth.Actor, r AcceptRequest) (TransferView, error) {
	d = d.still()
	return d.onTransfer(ctx, by, r.TransferID, func(tx bun.IDB, l *ResultLine, t *TransferView) ([]audit.Leaf, error) {
		if err := r.check(*t); err != nil {
			return nil, err
		}
		good := t.apply(r.Found)
		if good != r.Count {
			return nil, fault.Refuse(fault.Invalid, "count_differs",
				"清点数 %d 与勾选签收的 %d 件不一致，请重新清点；缺件、破损请逐件标明", "you counted %d but accept %d; count again and mark what is missing or damaged", r.Count, good)
		}
		if good == 0 {
			return nil, fault.Refuse(fault.Invalid, "nothing_accepted",
				"一件也没有签收，请改用“拒收”并写明理由", "nothing is accepted; refuse the transfer instead and say why")
		}
		act := "Accept"
		if good < len(t.Items) {
			act = "Accept some"
		}
		t.Note = strings.TrimSpace(r.Note)
		if err := d.endTransfer(ctx, tx, by, t, act); err != nil {
			return nil, err
		}
		if err := d.receive(ctx, tx, l, t.Transfer); err != nil {
			return nil, err
		}
		return []audit.Leaf{d.transferLeaf("transfer_"+string(t.State), *t, by, map[string]any{
			"accepted": good, "line": l.ID, "line_state": string(l.State),
		})}, nil
	})
}

// apply writes what was found to the items and counts what is accepted.
func (t *TransferView) apply(found []Found) (good int) {
	for i := range t.Items {
		t.Items[i].Outcome = FoundGood
		for _, f := range found {
			if f.ItemID == t.Items[i].ItemID {
				t.Items[i].Outcome, t.Items[i].Note = f.Outcome, strings.TrimSpace(f.Note)
			}
		}
		if t.Items[i].Outcome == FoundGood {
			good++
		}
	}
	return good
}

// Refuse sends a transfer back with the reason; everything in it stays the
// department's to answer for (DEL-910). Refusals: not_found,
// not_receiving_window, transfer_over, reason_missing, text_invalid.
func (d *Desk) Refuse(ctx context.Context, by auth.Actor, transferID, reason string) (TransferView, error) {
	d = d.still()
	return d.onTransfer(ctx, by, transferID, func(tx bun.IDB, _ *ResultLine, t *TransferView) ([]audit.Leaf, error) {
		if err := checkReason("reason", reason); err != nil {
			return nil, err
		}
		t.Note = strings.TrimSpace(reason)
		if err := d.endTransfer(ctx, tx, by, t, "Refuse"); err != nil {
			return nil, err
		}
		return []audit.Leaf{d.transferLeaf("transfer_refused", *t, by, nil)}, nil
	})
}

// onTransfer runs one act of the receiving window on an open transfer: lock the
// line, then the transfer (DB-12), act, record.
func (d *Desk) onTransfer(ctx context.Context, by auth.Actor, id string, act func(tx bun.IDB, l *ResultLine, t *TransferView) ([]audit.Leaf, error)) (out TransferView, err error) {
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		l, t, err := lockTransfer(ctx, tx, id)
		if err != nil {
			return err
		}
		if !mayReadResult(by, t.CentreID, t.FromID) {
			return notFound()
		}
		if err := mayReceive(by, t.CentreID); err != nil {
			return err
		}
		if t.State != Released {
			return transferOver(t.Transfer)
		}
		leaves, err := act(tx, &l, &t)
		if err != nil {
			return err
		}
		out = t
		return audit.Record(ctx, tx, leaves...)
	})
	return out, err
}

// transferOver says what became of a transfer that somebody wants to answer
// once more (DEL-914).
func transferOver(t Transfer) *fault.Error {
	word := map[TransferState][2]string{
		Accepted: {"全部签收", "accepted"}, AcceptedPartial: {"部分签收", "accepted in part"}, RefusedTransfer: {"拒收", "refused"},
	}[t.State]
	return fault.Refuse(fault.Conflict, "transfer_over",
		"移交 %[1]s 已由%[2]s于 %[3]s %[4]s，不能再次办理；请刷新后核对", "transfer %[1]s was %[5]s by %[2]s at %[3]s; reload and check",
		t.Number, t.EndedName, t.EndedAt.In(workday.Shanghai).Format("2006-01-02 15:04"), word[0], word[1]).With("state", t.State)
}

// endTransfer moves a transfer and every item of it.
func (d *Desk) endTransfer(ctx context.Context, tx bun.IDB, by auth.Actor, t *TransferView, act string) error {
	t.EndedAt, t.EndedBy, t.EndedName = d.now(), by.String(), by.Name
	if err := moveTransfer(ctx, tx, &t.Transfer, act); err != nil {
		return err
	}
	if err := updateOutcomes(ctx, tx, t.Items); err != nil {
		return err
	}
	for n := range t.Items {
		ti := &t.Items[n]
		e := CustodyEvent{ID: newID(), Kind: custodyOf[ti.Outcome], TransferID: t.ID, Note: ti.Note, Actor: by.String(), At: d.now()}
		to := ti.Item.keeper()
		switch {
		case t.State == RefusedTransfer:
			e.Kind, e.Note = CustodyRefused, t.Note
		case ti.Outcome == FoundGood:
			to = Keeper{t.ToKind, t.ToID}
		}
		ti.Item.TransferID = ""
		if err := pass(ctx, tx, ti.Item, to, e); err != nil {
			return err
		}
	}
	return nil
}

var custodyOf = map[Finding]CustodyKind{
	FoundGood: CustodyAccepted, FoundMissing: CustodyMissing, FoundDamaged: CustodyDamaged,
}

// receive brings the line to what was accepted: the earliest decision starts
// the clock of art. 44 (DEL-107), and only all of it settles the line.
func (d *Desk) receive(ctx context.Context, tx bun.IDB, l *ResultLine, t Transfer) error {
	if l.DecidedOn == "" || t.DecidedOn < l.DecidedOn {
		l.DecidedOn = t.DecidedOn
	}
	l.RefusedGrant = l.RefusedGrant || t.RefusedGrant
	if t.State != Accepted || t.PartialWhy != "" {
		return updateLine(ctx, tx, l, "decided_on", "refused_grant")
	}
	l.ReceivedAt = d.now()
	return moveLine(ctx, tx, l, "Accept", "decided_on", "refused_grant", "received_at")
}

// FindTransfer gives a transfer the actor may read. Refusal: not_found.
func (d *Desk) FindTransfer(ctx context.Context, by auth.Actor, id string) (out TransferView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		if out, err = findTransfer(ctx, q, id); err != nil {
			return err
		}
		if !mayReadResult(by, out.CentreID, out.FromID) {
			return notFound()
		}
		return nil
	})
	if err != nil {
		return TransferView{}, err
	}
	return out, nil
}

// ScanTransfer finds the transfer that a scanned or typed number belongs to: its
// own number, or that of an item in it. Refusals: own_number_invalid,
// scan_unknown.
func (d *Desk) ScanTransfer(ctx context.Context, by auth.Actor, number string) (out Transfer, err error) {
	plain, err := ParseNumber(number)
	if err != nil {
		return Transfer{}, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		var err error
		out, err = scanTransfer(ctx, q, plain)
		return err
	})
	if err == nil && mayReadResult(by, out.CentreID, out.FromID) {
		return out, nil
	}
	if err == nil || fault.KindOf(err) == fault.NotFound {
		err = fault.Refuse(fault.Invalid, "scan_unknown",
			"没有编号为 %s 的移交或物料，请核对流转单后重新扫描", "no transfer and no item here has the number %s; check the slip and scan again", plain)
	}
	return Transfer{}, err
}

// TransferQuery narrows ListTransfers. Limit is at most 200, 0 means 50.
type TransferQuery struct {
	Search string
	State  TransferState
	Limit  int
}

// ListTransfers gives the transfers that the actor may read: open ones first,
// the most urgent on top, then the others, newest first.
func (d *Desk) ListTransfers(ctx context.Context, by auth.Actor, query TransferQuery) (out []TransferView, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = listTransfers(ctx, q, by, query)
		return err
	})
	return out, err
}
