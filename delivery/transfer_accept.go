package delivery

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

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
	Extras     []Extra // what lay in it without being listed (DEL-911)
	Note       string  // whatever else was noticed
}

func (r AcceptRequest) check(t TransferView) error {
	listed := make([]string, len(t.Items))
	for n, i := range t.Items {
		listed[n] = i.ItemID
	}
	if err := checkFound(r.Found, listed); err != nil {
		return err
	}
	return office.CheckText("note", r.Note, reasonLength)
}

// checkFound wants each listed thing named at most once, and a note for what is
// missing or damaged.
func checkFound(found []Found, listed []string) error {
	seen := map[string]bool{}
	for _, f := range found {
		known := slices.Contains(listed, f.ItemID)
		if !known || seen[f.ItemID] || !slices.Contains([]Finding{FoundGood, FoundMissing, FoundDamaged}, f.Outcome) {
			return fault.Refuse(fault.Invalid, "outcome_invalid",
				"逐件核对有误：只能对本次移交中的物料各填一个结果（签收、缺件或破损）", "name each thing of this transfer at most once, as accepted, missing or damaged")
		}
		seen[f.ItemID] = true
		if f.Outcome == FoundGood {
			continue
		}
		if strings.TrimSpace(f.Note) == "" { // of this thing, not of the whole
			return reasonMissing().With("item", f.ItemID)
		}
		if err := checkReason("note", f.Note); err != nil {
			return err
		}
	}
	return nil
}

func countDiffers(counted, listed int) *fault.Error {
	return fault.Refuse(fault.Invalid, "count_differs",
		"清点数 %d 与勾选签收的 %d 件不一致，请重新清点；缺件、破损请逐件标明", "you counted %d but accept %d; count again and mark what is missing or damaged", counted, listed)
}

func nothingAccepted() *fault.Error {
	return fault.Refuse(fault.Invalid, "nothing_accepted",
		"一件也没有签收：请改用“拒收”并写明理由；里面装的是清单之外的东西的，请拍照登记后再签收",
		"nothing is accepted: refuse it instead and say why; if what lay in it is not listed, record that with a photo and then sign")
}

// Accept is the window's signature under a transfer, bound to the person who
// gives it: a department cannot accept for the window (DEL-910). All that was
// found passes into the window's keeping; for what is missing or damaged the
// department goes on answering; what nobody listed is found (DEL-911), also where
// nothing else lay in it. The line is received when the department said that this is
// all and all of it came. Refusals: not_found, not_receiving_window, transfer_over,
// outcome_invalid, reason_missing, text_invalid, count_differs, nothing_accepted,
// extra_incomplete, scan_not_uploaded.
func (d *Desk) Accept(ctx context.Context, by auth.Actor, r AcceptRequest) (TransferView, error) {
	d = d.still()
	return d.onTransfer(ctx, by, r.TransferID, func(tx bun.IDB, l *ResultLine, t *TransferView) ([]audit.Leaf, error) {
		if err := r.check(*t); err != nil {
			return nil, err
		}
		if err := checkExtras(ctx, tx, r.Extras); err != nil {
			return nil, err
		}
		good := t.apply(r.Found)
		if good != r.Count {
			return nil, countDiffers(r.Count, good)
		}
		if good == 0 && len(r.Extras) == 0 {
			return nil, nothingAccepted()
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
		if err := d.foundExtras(ctx, tx, by, t, r.Extras); err != nil {
			return nil, err
		}
		return []audit.Leaf{d.transferLeaf("transfer_"+string(t.State), *t, by, map[string]any{
			"accepted": good, "extras": len(t.Extras), "line": l.ID, "line_state": string(l.State),
		})}, nil
	})
}

// apply writes what was found to the items and counts what is accepted.
func (t *TransferView) apply(found []Found) (good int) {
	for i := range t.Items {
		t.Items[i].Outcome, t.Items[i].Note = findingOf(found, t.Items[i].ItemID)
		if t.Items[i].Outcome == FoundGood {
			good++
		}
	}
	return good
}

// findingOf is what was said of one thing; what nobody names was found good.
func findingOf(found []Found, itemID string) (outcome Finding, note string) {
	for _, f := range found {
		if f.ItemID == itemID {
			return f.Outcome, strings.TrimSpace(f.Note)
		}
	}
	return FoundGood, ""
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
		"移交 %[1]s 已由%[2]s于 %[3]s %[4]s，不能再次办理；请刷新后核对", "transfer %[1]s was %[5]s by %[2]s at %[6]s; reload and check",
		t.Number, t.EndedName, dayMoment("zh", t.EndedAt), word[0], word[1], dayMoment("en", t.EndedAt)).With("state", t.State)
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
	if err := d.signed(ctx, tx, by, t.ID); err != nil {
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
