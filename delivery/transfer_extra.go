package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

// ExtraAnswer says what an unlisted thing turned out to be.
type ExtraAnswer string

// Answers.
const (
	ExtraKnown    ExtraAnswer = "known"    // a thing of the register
	ExtraNew      ExtraAnswer = "new"      // a result that was registered with this answer
	ExtraReturned ExtraAnswer = "returned" // given back to the department
)

// ExtraAnswers are the answers, as forms offer them.
var ExtraAnswers = []ExtraAnswer{ExtraKnown, ExtraNew, ExtraReturned}

// TransferExtra is what lay in a hand-over without being listed. The window cannot
// accept what nobody released: the thing is found, with a photo, and stays with the
// window until that says what it is (DEL-911).
type TransferExtra struct {
	bun.BaseModel `bun:"table:transfer_extras" json:"-"`

	ID            string      `bun:"id,pk" json:"id"`
	TransferID    string      `json:"transfer_id"`
	Number        string      `json:"number,omitempty"` // as it was written or scanned
	ItemID        string      `json:"item_id,omitempty"`
	Title         string      `json:"title"`
	Note          string      `json:"note,omitempty"`
	Photo         string      `json:"photo"` // SHA-256
	FoundAt       time.Time   `json:"found_at"`
	FoundBy       string      `json:"found_by"`
	Finder        string      `json:"finder"` // name
	Answer        ExtraAnswer `json:"answer,omitempty"`
	ExplainedAt   time.Time   `bun:",nullzero" json:"explained_at,omitzero"`
	ExplainedBy   string      `json:"explained_by,omitempty"`
	ExplainedName string      `json:"explained_name,omitempty"`
	Explanation   string      `json:"explanation,omitempty"`
}

// Open reports whether nobody has said yet what it is.
func (e TransferExtra) Open() bool { return e.ExplainedAt.IsZero() }

// foundExtras records what was not listed; nothing of the register moves.
func (d *Desk) foundExtras(ctx context.Context, tx bun.IDB, by auth.Actor, t *TransferView, extras []Extra) error {
	for _, e := range extras {
		t.Extras = append(t.Extras, TransferExtra{
			ID: newID(), TransferID: t.ID, Number: plainNumber(e.Number), Title: strings.TrimSpace(e.Title), Note: strings.TrimSpace(e.Note), Photo: e.Photo,
			FoundAt: d.now(), FoundBy: by.String(), Finder: by.Name,
		})
	}
	return insertTransferExtras(ctx, tx, t.Extras)
}

// plainNumber is an own number as the register writes it, anything else as it was
// written.
func plainNumber(text string) string {
	if number, err := ParseNumber(text); err == nil {
		return number
	}
	return strings.TrimSpace(text)
}

// ExtraExplained is the window's answer to one unlisted thing.
type ExtraExplained struct {
	ID     string
	Answer ExtraAnswer
	Number string // of ExtraKnown
	Class  Class  // of ExtraNew
	Title  string // of ExtraNew; empty: as it was written down
	Text   string // why it was not listed, and what was done
}

func (r ExtraExplained) check() error {
	if !slices.Contains(ExtraAnswers, r.Answer) {
		return fault.Refuse(fault.Invalid, "extra_answer",
			"请选择这件东西是什么：登记簿上的一件、新登记一件，或已退回部门", "choose what it is: a thing of the register, a new one, or given back")
	}
	if err := checkReason("explanation", r.Text); err != nil {
		return err
	}
	return office.CheckLines(line("number", r.Number), line("title", r.Title))
}

// ExplainTransferExtra says what an unlisted thing is, once: which one of the
// register, a new result of the same department and case, or that it was given back
// (DEL-911). What it is of this result passes into the window's keeping from then
// on, and the result is received when nothing of it is missing any more. Refusals:
// not_found, not_receiving_window, extra_answer, reason_missing, text_invalid,
// extra_explained, own_number_invalid, scan_unknown, extra_elsewhere,
// extra_line_left, item_incomplete, seal_facts.
func (d *Desk) ExplainTransferExtra(ctx context.Context, by auth.Actor, r ExtraExplained) (out TransferExtra, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		e, err := findTransferExtra(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		l, t, err := lockTransfer(ctx, tx, e.TransferID)
		if err != nil {
			return err
		}
		if !mayReadResult(by, t.CentreID, t.FromID) {
			return notFound()
		}
		if err := mayReceive(by, t.CentreID); err != nil {
			return err
		}
		if err := r.check(); err != nil {
			return err
		}
		e.Answer, e.Explanation = r.Answer, strings.TrimSpace(r.Text)
		e.ExplainedAt, e.ExplainedBy, e.ExplainedName = d.now(), by.String(), by.Name
		if err := d.identify(ctx, tx, by, r, &e, l, t.Transfer); err != nil {
			return err
		}
		if err := explainTransferExtra(ctx, tx, &e); err != nil {
			return err
		}
		out = e
		return audit.Record(ctx, tx, d.transferLeaf("transfer_extra_explained", t, by, map[string]any{
			"extra": e.ID, "answer": string(e.Answer), "item": e.ItemID, "reason": e.Explanation,
		}))
	})
	if err != nil {
		return TransferExtra{}, err
	}
	return out, nil
}

// identify finds or makes the thing of the register that an extra is.
func (d *Desk) identify(ctx context.Context, tx bun.IDB, by auth.Actor, r ExtraExplained, e *TransferExtra, l ResultLine, t Transfer) error {
	switch r.Answer {
	case ExtraKnown:
		number, err := ParseNumber(r.Number)
		if err != nil {
			return err
		}
		i, err := itemByNumber(ctx, tx, number)
		if err != nil {
			return scanUnknown(err, number)
		}
		e.ItemID, e.Number = i.ID, number
		return d.takeFound(ctx, tx, by, i.ID, *e, l, t)
	case ExtraNew:
		return d.registerFound(ctx, tx, by, r, e, l, t)
	default:
		return nil
	}
}

// takeFound brings a known thing into the window's keeping: one of this result that
// the register still has with its department. What lies here already stays; what is
// of another case comes by a hand-over of that case (DEL-910).
func (d *Desk) takeFound(ctx context.Context, tx bun.IDB, by auth.Actor, itemID string, e TransferExtra, l ResultLine, t Transfer) error {
	items, err := lockItems(ctx, tx, []string{itemID})
	if err != nil || len(items) != 1 {
		return orElse(err, notFound())
	}
	i, here := items[0], Keeper{t.ToKind, t.ToID}
	switch {
	case i.keeper() == here:
		return nil
	case i.LineID != l.ID || i.keeper() != (Keeper{t.FromKind, t.FromID}) || !i.free():
		return fault.Refuse(fault.Conflict, "extra_elsewhere",
			"登记簿上 %s 不属于本项结果，或正由别处保管；请退回送交的部门，由其按所属办件移交，并在这里登记“已退回”",
			"by the register %s is not of this result, or somebody else has it; give it back, let the department hand it over for its own case, and record here that it was given back", i.Number)
	}
	if err := pass(ctx, tx, &i, here, d.foundStep(by, e)); err != nil {
		return err
	}
	return d.completed(ctx, tx, l)
}

func (d *Desk) foundStep(by auth.Actor, e TransferExtra) CustodyEvent {
	return CustodyEvent{ID: newID(), Kind: CustodyFound, TransferID: e.TransferID, Note: e.Explanation, Actor: by.String(), At: d.now()}
}

// registerFound makes an unlisted thing a result of the same line, in the window's
// keeping.
func (d *Desk) registerFound(ctx context.Context, tx bun.IDB, by auth.Actor, r ExtraExplained, e *TransferExtra, l ResultLine, t Transfer) error {
	if l.ParcelID != "" || l.State == LineWaived {
		return fault.Refuse(fault.Conflict, "extra_line_left",
			"本项结果已经寄出或不再送交；请退回部门，需要寄给申请人的，先增加一项结果再由部门送交",
			"this result has left or is not sent at all; give the thing back, and if the applicant is to have it add a result that the department hands over")
	}
	n := NewItem{Class: r.Class, Title: r.Title}
	if strings.TrimSpace(n.Title) == "" {
		n.Title = e.Title
	}
	if err := n.check(); err != nil {
		return err
	}
	centre, err := office.FindCentre(ctx, tx, l.CentreID)
	if err != nil {
		return err
	}
	items, err := d.register(by, l, centreSign(centre.Division), []NewItem{n})
	if err != nil {
		return err
	}
	if err := insertItems(ctx, tx, items); err != nil {
		return err
	}
	if err := insertSteps(ctx, tx, []CustodyEvent{d.step(items[0], CustodyRegistered, by, t.ID, "")}); err != nil {
		return err
	}
	e.ItemID, e.Number = items[0].ID, items[0].Number
	return pass(ctx, tx, &items[0], Keeper{t.ToKind, t.ToID}, d.foundStep(by, *e))
}

// completed settles a line of which the last missing thing has turned up: its
// department said with the last hand-over that this is all.
func (d *Desk) completed(ctx context.Context, tx bun.IDB, l ResultLine) error {
	items, err := itemsOfLine(ctx, tx, l.ID)
	if err != nil {
		return err
	}
	transfers, err := transfersOfLine(ctx, tx, l.ID)
	if err != nil || len(transfers) == 0 {
		return err
	}
	away := func(i Item) bool { return i.CustodianKind == AtDepartment }
	last := transfers[0].Transfer
	if !l.open() || slices.ContainsFunc(items, away) || last.State != AcceptedPartial || last.PartialWhy != "" {
		return nil
	}
	last.State = Accepted // of all that it said it was
	return d.receive(ctx, tx, &l, last)
}

// OpenTransferBlob gives the scan of the department's signed slip, or the photo of
// something that was not listed, to who may read the transfer. Refusal: not_found.
func (d *Desk) OpenTransferBlob(ctx context.Context, by auth.Actor, transferID, sum string) (b Blob, body []byte, err error) {
	t, err := d.FindTransfer(ctx, by, transferID)
	if err != nil {
		return b, nil, err
	}
	if sum == "" || sum != t.Slip && !slices.ContainsFunc(t.Extras, func(e TransferExtra) bool { return e.Photo == sum }) {
		return b, nil, notFound()
	}
	return d.readKept(ctx, sum)
}
