package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/paper"
	"lianban/scheduler/workday"
)

// PaperKind names a printed document (DEL §11).
type PaperKind string

// Documents of a parcel, a courier's round and a transfer.
const (
	PaperLabel    PaperKind = "label"    // 面单
	PaperContents PaperKind = "contents" // 装箱清单, lies in the bag
	PaperReceipt  PaperKind = "receipt"  // 签收单, the manual twin of the proof
	PaperPickUp   PaperKind = "pickup"   // 取件单, on the shelf
	PaperProof    PaperKind = "proof"    // 妥投证明
	PaperReturn   PaperKind = "return"   // 退回通知
	PaperRound    PaperKind = "round"    // 派件清单
	PaperSlip     PaperKind = "slip"     // 流转单
	PaperDemand   PaperKind = "demand"   // 催办单, of a case
	PaperBag      PaperKind = "bag"      // 交接清单
	PaperCopy     PaperKind = "copy"     // 复印件留存注记
	PaperVoucher  PaperKind = "voucher"  // 收件凭据
	PaperRun      PaperKind = "run"      // 班车交接清单
	PaperFetch    PaperKind = "fetch"    // 网上领取凭条
	PaperTaken    PaperKind = "taken"    // 收件凭据 of the applicant, with the link as a code
)

// paperKinds has each document's title and the letter that stands for it in its
// code.
var paperKinds = map[PaperKind]struct{ title, letter string }{
	PaperLabel:    {"面单", "M"},
	PaperContents: {"装箱清单", "Z"},
	PaperReceipt:  {"签收单", "Q"},
	PaperPickUp:   {"取件单", "J"},
	PaperProof:    {"妥投证明", "T"},
	PaperReturn:   {"退回通知", "B"},
	PaperRound:    {"派件清单", "P"},
	PaperSlip:     {"流转单", "D"},
	PaperDemand:   {"催办单", "C"},
	PaperBag:      {"交接清单", "H"},
	PaperCopy:     {"复印件留存注记", "F"},
	PaperVoucher:  {"收件凭据", "S"},
	PaperRun:      {"班车交接清单", "N"},
	PaperFetch:    {"网上领取凭条", "W"},
	PaperTaken:    {"收件凭据", "A"},
}

// Title is what stands on top of the document.
func (k PaperKind) Title() string { return paperKinds[k].title }

// Paper is the register of what was printed (DEL-1116): a document keeps its
// number, and each copy says which it is.
type Paper struct {
	bun.BaseModel `bun:"table:papers" json:"-"`

	Kind      PaperKind `bun:",pk" json:"kind"`
	Subject   string    `bun:",pk" json:"subject"` // parcel, transfer, or courier and day
	Number    string    `json:"number"`
	CentreID  string    `json:"centre_id"`
	Data      string    `json:"data"` // version of what it says: the beginning of its hash
	Copies    int       `json:"copies"`
	PrintedAt time.Time `json:"printed_at"`
	PrintedBy string    `json:"printed_by"`
}

// note is the foot of each page: version of the data, and which copy.
func (p Paper) note() string {
	note := "数据版本 " + p.Data
	if p.Copies > 1 {
		note += fmt.Sprintf("　补打 %d", p.Copies-1)
	}
	return note
}

// Print is a document as it leaves the printer.
type Print struct {
	Name string // of the file
	PDF  []byte
	Rare []paper.Rare // characters flagged on it, to be written in by hand (DEL-1105)
}

// tagLength of the sign behind a number in a QR code: 40 bits, more than anybody
// guesses at a counter.
const tagLength = 8

// paperCode is what the QR code of a document says: the number, and a tag that only
// this house can make. Nothing of the receiver is in it (DEL-1102).
func (d *Desk) paperCode(kind PaperKind, number string) string {
	mac := hmac.New(sha256.New, d.Key)
	_, _ = fmt.Fprintf(mac, "paper\n%s\n%s", kind, number)
	tag := paperKinds[kind].letter
	for _, b := range mac.Sum(nil)[:tagLength] {
		tag += string(issuedSigns[int(b)%len(issuedSigns)])
	}
	return number + "." + tag
}

// issue enters one more copy of each paper, on the caller's transaction. facts
// are what each will say.
func (d *Desk) issue(ctx context.Context, tx bun.IDB, by auth.Actor, papers []Paper, facts []any) error {
	for i := range papers {
		version, err := paper.Version(facts[i])
		if err != nil {
			return err
		}
		papers[i].Data = version
		papers[i].Copies, papers[i].PrintedAt, papers[i].PrintedBy = 1, d.now(), by.String()
	}
	return upsertPapers(ctx, tx, papers)
}

// paperLeaf records a copy in the stream of its case: who has put what on paper.
func (d *Desk) paperLeaf(p Paper, stream string, by auth.Actor) audit.Leaf {
	return audit.Leaf{Type: "paper_printed", Stream: stream, Actor: by.String(), At: d.now(), Fields: map[string]any{
		"kind": string(p.Kind), "number": p.Number, "copy": p.Copies, "data": p.Data,
	}}
}

// maxLabels is how many labels one print has at most: a city's busiest hour.
const maxLabels = 1000

// PrintLabels prints the labels of parcels, one page each, in the order asked
// for. The window that sealed them prints them, as often as a label is spoilt.
// Refusals: not_found, not_receiving_window, labels_none, labels_many,
// paper_not_now.
func (d *Desk) PrintLabels(ctx context.Context, by auth.Actor, ids []string) (Print, error) {
	d = d.still()
	ids = unique(ids)
	if err := checkLabels(len(ids)); err != nil {
		return Print{}, err
	}
	var facts []label
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		facts, err = d.issueLabels(ctx, tx, by, ids)
		return err
	})
	if err != nil {
		return Print{}, err
	}
	return printLabels(facts)
}

func noteOriginal() *fault.Error {
	return fault.Refuse(fault.Invalid, "note_original",
		"原件没有注记；请在它的复印件或收件凭据上打印", "an original has no note; print it for one of its copies or vouchers")
}

// unique leaves out what stands twice, keeping the order.
func unique(ids []string) (out []string) {
	seen := map[string]bool{}
	for _, id := range ids {
		if !seen[id] {
			seen[id], out = true, append(out, id)
		}
	}
	return out
}

func checkLabels(n int) error {
	switch {
	case n == 0:
		return fault.Refuse(fault.Invalid, "labels_none",
			"没有选中邮件；请至少选择一件", "no parcel is chosen; choose at least one")
	case n > maxLabels:
		return fault.Refuse(fault.Invalid, "labels_many",
			"一次最多打印 %[1]d 张面单，请分批打印", "at most %[1]d labels in one print; print them in parts", maxLabels)
	}
	return nil
}

func (d *Desk) issueLabels(ctx context.Context, tx bun.IDB, by auth.Actor, ids []string) ([]label, error) {
	parcels, err := parcelsByID(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	items, err := itemsIn(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	waybills, err := waybillNumbers(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	centre := office.Centre{}
	out := make([]label, len(ids))
	papers, facts := make([]Paper, len(ids)), make([]any, len(ids))
	for i, id := range ids {
		p := parcels[id]
		if err := mayPrint(by, p); err != nil {
			return nil, err
		}
		if p.State.Terminal() {
			return nil, paperNotNow(PaperLabel, p)
		}
		if centre.ID != p.CentreID {
			if centre, err = office.FindCentre(ctx, tx, p.CentreID); err != nil {
				return nil, err
			}
		}
		out[i] = labelOf(p, items[id], centre)
		out[i].Code, out[i].Waybill = d.paperCode(PaperLabel, p.Number), waybills[id]
		papers[i], facts[i] = p.paper(PaperLabel), out[i]
	}
	if err := d.issue(ctx, tx, by, papers, facts); err != nil {
		return nil, err
	}
	leaves := make([]audit.Leaf, len(ids))
	for i, id := range ids {
		out[i].Note = papers[i].note()
		leaves[i] = d.paperLeaf(papers[i], Stream(parcels[id].CaseID), by)
	}
	return out, audit.Record(ctx, tx, leaves...)
}

// mayPrint: whoever may not read a parcel learns nothing of it, and of those who
// may only its window puts it on paper.
func mayPrint(by auth.Actor, p Parcel) error {
	if p.ID == "" || !mayReadParcel(by, p) {
		return notFound()
	}
	return mayReceive(by, p.CentreID)
}

func (p Parcel) paper(kind PaperKind) Paper {
	return Paper{Kind: kind, Subject: p.ID, Number: p.Number, CentreID: p.CentreID}
}

func paperNotNow(kind PaperKind, p Parcel) *fault.Error {
	return fault.Refuse(fault.Conflict, "paper_not_now",
		"邮件 %[1]s 目前是“%[2]s”，不能打印%[3]s；请到邮件页面查看可以打印的单据",
		"parcel %[1]s is %[4]q now, and that paper cannot be printed; its page offers those that can",
		p.Number, p.State.Word("zh"), kind.Title(), p.State.Word("en"))
}

// Papers are the documents that a parcel in this state can be printed as.
func (p Parcel) Papers() (out []PaperKind) {
	for _, kind := range []PaperKind{PaperLabel, PaperContents, PaperReceipt, PaperPickUp, PaperProof, PaperReturn} {
		if p.prints(kind) {
			out = append(out, kind)
		}
	}
	return out
}

func (p Parcel) prints(kind PaperKind) bool {
	ended := p.State.Terminal()
	switch kind {
	case PaperLabel, PaperReceipt:
		return !ended && p.Way != WayElectronic
	case PaperContents:
		return true
	case PaperPickUp:
		return slices.Contains(heldStates, p.State)
	case PaperReturn:
		return p.State == ParcelReturned
	case PaperProof:
		return p.State == ParcelDelivered || p.State == ParcelCollected
	}
	return false
}

// PrintParcel prints one document of a parcel. Refusals: not_found,
// not_receiving_window, paper_unknown, paper_not_now.
func (d *Desk) PrintParcel(ctx context.Context, by auth.Actor, parcelID string, kind PaperKind) (Print, error) {
	if kind == PaperLabel {
		return d.PrintLabels(ctx, by, []string{parcelID})
	}
	d = d.still()
	var s sheet
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		p, err := findParcel(ctx, tx, parcelID)
		if err != nil {
			return err
		}
		if err := mayPrint(by, p); err != nil {
			return err
		}
		if _, known := paperKinds[kind]; !known {
			return paperUnknown()
		}
		if !p.prints(kind) {
			return paperNotNow(kind, p)
		}
		if s, err = d.parcelSheet(ctx, tx, by, p, kind); err != nil {
			return err
		}
		return d.issueSheet(ctx, tx, by, &s, p.paper(kind), Stream(p.CaseID))
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

func paperUnknown() *fault.Error {
	return fault.Refuse(fault.Invalid, "paper_unknown",
		"没有这种单据；请从邮件页面选择", "there is no such paper; choose one on the parcel's page")
}

// issueSheet enters a copy of a document and completes its head.
func (d *Desk) issueSheet(ctx context.Context, tx bun.IDB, by auth.Actor, s *sheet, p Paper, stream string) error {
	papers := []Paper{p}
	if err := d.issue(ctx, tx, by, papers, []any{s.Sheet}); err != nil {
		return err
	}
	s.Head = paper.Head{
		Issuer: s.Head.Issuer, Title: p.Kind.Title(), Number: papers[0].Number, Code: d.paperCode(p.Kind, papers[0].Number), Note: papers[0].note(),
	}
	return audit.Record(ctx, tx, d.paperLeaf(papers[0], stream, by))
}

// PrintRound prints a courier's open parcels of the window's centre, to be signed
// both ways (DEL-1109). The list of a courier and a day keeps its number.
// Refusals: not_found, round_empty.
func (d *Desk) PrintRound(ctx context.Context, by auth.Actor, courierID string) (Print, error) {
	d = d.still()
	if !atWindow(by) {
		return Print{}, notFound()
	}
	var s sheet
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		courier, err := auth.FindPerson(ctx, tx, courierID)
		if err != nil || !slices.Contains(courier.Roles, auth.Courier) || courier.Centre != by.Centre {
			return notFound()
		}
		parcels, err := roundOf(ctx, tx, courierID)
		if err != nil {
			return err
		}
		if len(parcels) == 0 {
			return fault.Refuse(fault.Conflict, "round_empty",
				"%[1]s手上没有邮件；请先在邮件页面交给派送员", "%[1]s has no parcels; give some over on their pages first", courier.Name)
		}
		if s, err = d.roundSheet(ctx, tx, courier.Name, by.Centre, parcels); err != nil {
			return err
		}
		centre, err := office.FindCentre(ctx, tx, by.Centre)
		if err != nil {
			return err
		}
		p := Paper{Kind: PaperRound, Subject: courierID + "/" + workday.DateOf(d.now()).String(), CentreID: by.Centre}
		if p.Number, err = NewNumber(centreSign(centre.Division), rand.Reader); err != nil {
			return err
		}
		return d.issueSheet(ctx, tx, by, &s, p, "round/"+courierID)
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

// PrintSlip prints the slip that goes with a transfer, for departments without an
// account or network (DEL-950, DEL-1112). Whoever may read the transfer prints it.
// Refusal: not_found.
func (d *Desk) PrintSlip(ctx context.Context, by auth.Actor, transferID string) (Print, error) {
	d = d.still()
	var s sheet
	err := d.DB.Write(ctx, func(tx bun.IDB) error {
		t, err := findTransfer(ctx, tx, transferID)
		if err != nil {
			return err
		}
		if !mayReadResult(by, t.CentreID, t.FromID) {
			return notFound()
		}
		s = slipSheet(t)
		p := Paper{Kind: PaperSlip, Subject: t.ID, Number: t.Number, CentreID: t.CentreID}
		return d.issueSheet(ctx, tx, by, &s, p, Stream(t.CaseID))
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

// PrintDemand prints what departments still owe a case, for how long, and on what
// ground they owe it (DEL-1114). Refusals: not_found, not_receiving_window,
// demand_none.
func (d *Desk) PrintDemand(ctx context.Context, by auth.Actor, caseID string) (Print, error) {
	d = d.still()
	set, err := d.FindSet(ctx, by, caseID)
	if err != nil {
		return Print{}, err
	}
	if err := mayReceive(by, set.CentreID); err != nil {
		return Print{}, err
	}
	if len(set.Blocking) == 0 {
		return Print{}, fault.Refuse(fault.Conflict, "demand_none",
			"没有部门还欠结果，不用催办", "no department owes a result any more; there is nothing to demand")
	}
	var s sheet
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		centre, err := office.FindCentre(ctx, tx, set.CentreID)
		if err != nil {
			return err
		}
		s = demandSheet(set, centre)
		p := Paper{Kind: PaperDemand, Subject: caseID, CentreID: set.CentreID}
		if p.Number, err = NewNumber(centreSign(centre.Division), rand.Reader); err != nil {
			return err
		}
		return d.issueSheet(ctx, tx, by, &s, p, Stream(caseID))
	})
	if err != nil {
		return Print{}, err
	}
	return s.print()
}

// NewLabels gives the parcels at the actor's window that are sealed and have no
// label yet, the most urgent first. Refusal: not_receiving_window.
func (d *Desk) NewLabels(ctx context.Context, by auth.Actor) (ids []string, err error) {
	if err := mayReceive(by, by.Centre); err != nil {
		return nil, err
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		ids, err = unlabelled(ctx, q, by.Centre)
		return err
	})
	return ids, err
}

// CheckPaper tells what a scanned code stands for: whether this house made it,
// and what the register says of the paper now (DEL-1116). It shows nothing of the
// receiver. Refusals: not_found, paper_forged.
func (d *Desk) CheckPaper(ctx context.Context, by auth.Actor, code string) (out Paper, err error) {
	number, tag, found := strings.Cut(foldNumber(code), ".")
	kind := PaperKind("")
	for k, one := range paperKinds {
		if found && strings.HasPrefix(tag, one.letter) {
			kind = k
		}
	}
	if kind == "" {
		return Paper{}, notFound()
	}
	if !hmac.Equal([]byte(d.paperCode(kind, number)), []byte(number+"."+tag)) {
		return Paper{}, fault.Refuse(fault.Conflict, "paper_forged",
			"这个二维码不是本系统打印的：请留下单据，按编号 %[1]s 核对原件并报告主管",
			"this code was not printed by this system; keep the paper, compare it with the original by the number %[1]s and tell the supervisor", number)
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		out, err = findPaper(ctx, q, kind, number)
		if err == nil && !mayCheck(by, out.CentreID) {
			err = notFound()
		}
		return err
	})
	return out, err
}

// PaperUnread is the refusal for a page whose reader scanned something that is no
// paper of this house: wrong, unknown and out of scope look the same.
func PaperUnread() *fault.Error {
	return fault.Refuse(fault.Invalid, "paper_unread",
		"没有查到这张单据：请完整扫描右上角或右下角的二维码，不要手工输入；仍查不到的，请联系打印单据的窗口",
		"no such paper: scan the whole QR code rather than typing it; if it is still not found, ask the window that printed it")
}

// mayCheck: the window and couriers of the centre, and auditors.
func mayCheck(by auth.Actor, centre string) bool {
	return by.Is(auth.Auditor) || by.Centre == centre && (atWindow(by) || by.Is(auth.Courier))
}
