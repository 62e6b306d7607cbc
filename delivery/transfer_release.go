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
	Paper        bool      // the window records the department's signed slip
	Giver        string    // on paper: who signed it
	SignedAt     time.Time // on paper: when
	Slip         string    // on paper: SHA-256 of the scan
	Once         once.Key

	table bool // read from a filled table, which is its own proof (DEL-951)
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
	if err := office.CheckText("partial_note", r.PartialNote, reasonLength); err != nil {
		return err
	}
	return office.CheckLines(line("giver", r.Giver))
}

// checkSlip wants the department's signed slip for what the window records of it
// (DEL-950).
func (r *ReleaseRequest) checkSlip(ctx context.Context, tx bun.IDB, l ResultLine, now time.Time) error {
	if !r.Paper || r.table {
		return nil
	}
	return signedSlip{r.Giver, r.SignedAt, r.Slip}.check(ctx, tx, l.ExpectedAt, now)
}

// maxItems is how many things one transfer may have.
const maxItems = 50

// Release hands a department's results of a case over to the window, all in one
// (DEL-301). A signed-in person of the department does it, or the window from
// the slip that was signed on paper: who signed, when, and its scan (DEL-950). The
// things are in the register from now on; the department answers for them until the
// window has signed (DEL-910).
// Refusals: not_found, not_your_department, not_receiving_window, decision_date,
// transfer_empty, transfer_too_long, item_incomplete, seal_facts,
// seal_facts_elsewhere, partial_reason, giver_missing, slip_incomplete,
// scan_not_uploaded, text_invalid, line_settled, transfer_open,
// electronic_standing, item_elsewhere.
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
	if err := r.checkSlip(ctx, tx, l, d.now()); err != nil {
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

// nothingUnderWay refuses while the window has not answered the last transfer, or
// a file stands for the paper.
func nothingUnderWay(ctx context.Context, tx bun.IDB, l ResultLine) error {
	files, err := filesOfLine(ctx, tx, l.ID)
	if err != nil {
		return err
	}
	if standingFile(files, l.ID) != nil {
		return electronicStanding()
	}
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
	switch {
	case !r.Paper:
		t.Giver = by.Name
	case !r.table:
		t.SignedAt, t.Slip = r.SignedAt, r.Slip
	}
	term, err := d.signBy(ctx, tx, l.CentreID, Keeper{t.FromKind, t.FromID}, Keeper{t.ToKind, t.ToID})
	t.DueAt, t.SignHours = term.Due, term.Hours
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
	if _, err := d.join(ctx, tx, t.CentreID, out.entry(), d.now().Add(joinBefore)); err != nil {
		return TransferView{}, err
	}
	return out, audit.Record(ctx, tx, d.transferLeaf("transfer_released", out, by, map[string]any{
		"partial": t.PartialWhy, "paper": t.Paper, "slip": t.Slip, "decided_on": t.DecidedOn, "refused_grant": t.RefusedGrant,
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
		return i.LineID != t.LineID || i.keeper() != (Keeper{t.FromKind, t.FromID}) || !i.free()
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
