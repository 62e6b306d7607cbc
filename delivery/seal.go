package delivery

import (
	"context"
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
)

// Tables that ship with the program, read once.
var (
	shippedRules = sync.OnceValues(ShippedProofRules)
	shippedTable = sync.OnceValues(ShippedGate)
)

var (
	mobile   = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	lastFour = regexp.MustCompile(`^[0-9A-Z]{4}$`) // of a card or, with letters, of another document
)

func (a *Addressee) check(way Way) error {
	for _, text := range []*string{&a.Name, &a.Phone, &a.Address, &a.Agent} {
		*text = strings.TrimSpace(*text)
	}
	if a.Name == "" || !mobile.MatchString(a.Phone) || a.Address == "" && way != WayWindow {
		return fault.Refuse(fault.Invalid, "addressee_incomplete",
			"请填写收件人姓名、11 位手机号码和收件地址（窗口自取可不填地址）；收货码发到这个手机号码",
			"give the receiver's name, an 11-digit mobile number and the address (none for pick-up); the code goes to that number")
	}
	for _, c := range a.Consents {
		if !c.Receiver.NeedsConsent() || strings.TrimSpace(c.GivenBy) == "" || c.Channel != "window" && c.Channel != "phone" {
			return fault.Refuse(fault.Invalid, "consent_incomplete",
				"代收、单位收发或快递柜的同意记录要写明同意人和方式（窗口或电话）", "a consent names the receiver, who gave it and how (window, phone)") // DEL-205
		}
		if err := office.CheckLines(line("given_by", c.GivenBy)); err != nil {
			return err
		}
	}
	return office.CheckLines(line("name", a.Name), line("address", a.Address), line("agent", a.Agent))
}

func (r *SealRequest) check() error {
	r.IDLast4, r.Bag = plainSecret(r.IDLast4), strings.TrimSpace(r.Bag)
	if r.IDLast4 != "" && !lastFour.MatchString(r.IDLast4) {
		return fault.Refuse(fault.Invalid, "id_last4_form",
			"证件号后四位应为四位数字或字母（末位可为 X）；没有登记证件的请留空", "the last four of the document are four digits or letters; leave it empty if none is on file")
	}
	if r.Bag == "" && r.Way != WayWindow {
		return fault.Refuse(fault.Invalid, "bag_missing",
			"请扫描或填写封袋编号", "scan or type the number of the bag's seal")
	}
	if err := r.To.check(r.Way); err != nil {
		return err
	}
	return office.CheckLines(line("bag", r.Bag))
}

// Seal packs items of a case into a parcel for one receiver: the set is complete
// or split by the applicant, the way is open to every class, one receiver and
// one set of proofs fit all of it, and the promise starts. A parcel with a seal
// takes a second person (DEL-203). The receiver is sent a code. Refusals:
// not_found, not_receiving_window, set_incomplete, item_not_here,
// carrier_not_allowed, way_unsupported, addressee_incomplete, consent_incomplete,
// id_last4_form, bag_missing, text_invalid, second_person_missing,
// second_person_same, sign_in_failed, redelivery_unknown, and those of
// ProofRules.Demand and MakePromise.
func (d *Desk) Seal(ctx context.Context, by auth.Actor, r SealRequest) (Parcel, error) {
	d = d.still()
	r.Items, r.To.Consents = slices.Clone(r.Items), slices.Clone(r.To.Consents)
	second, err := d.second(ctx, by, r.Second)
	if err != nil {
		return Parcel{}, err
	}
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (Parcel, error) { return d.seal(ctx, tx, by, second, r) })
}

// second is the person beside the first, the zero Actor if there is none. A
// password is checked before the transaction begins: that takes its time.
func (d *Desk) second(ctx context.Context, by auth.Actor, c auth.Credentials) (auth.Actor, error) {
	if c.Login == "" || !atWindow(by) {
		return auth.Actor{}, nil
	}
	second, err := d.Auth.Second(ctx, by, c)
	if err == nil && (!atWindow(second) || second.Centre != by.Centre) {
		err = secondMissing()
	}
	return second, err
}

func secondMissing() *fault.Error {
	return fault.Refuse(fault.Invalid, "second_person_missing",
		"封装印章须两人在场：请本窗口另一名工作人员输入账号和密码", "a seal is packed by two: let another person of this window enter account and password")
}

func (d *Desk) seal(ctx context.Context, tx bun.IDB, by, second auth.Actor, r SealRequest) (Parcel, error) {
	blockers, lines, err := d.blocking(ctx, tx, r.CaseID)
	if err != nil {
		return Parcel{}, err
	}
	if !seesSet(by, lines) {
		return Parcel{}, notFound()
	}
	if err := mayReceive(by, lines[0].CentreID); err != nil {
		return Parcel{}, err
	}
	if len(blockers) > 0 {
		return Parcel{}, setIncomplete(blockers)
	}
	items, err := onShelf(ctx, tx, lines[0].CentreID, r)
	if err != nil {
		return Parcel{}, err
	}
	p, err := d.newParcel(ctx, tx, by, lines, items, r)
	if err != nil {
		return Parcel{}, err
	}
	if slices.ContainsFunc(items, func(i Item) bool { return i.Class == ClassSeal }) {
		if second.ID == "" {
			return Parcel{}, secondMissing()
		}
		p.SealedWith = second.String()
	}
	return d.close(ctx, tx, by, p, lines, items, r)
}

// onShelf gives the items to pack: all of them lie at this window, free.
func onShelf(ctx context.Context, tx bun.IDB, centre string, r SealRequest) ([]Item, error) {
	items, err := lockItems(ctx, tx, r.Items)
	if err != nil {
		return nil, err
	}
	elsewhere := func(i Item) bool {
		return i.CaseID != r.CaseID || i.keeper() != (Keeper{AtWindow, centre}) || i.TransferID != "" || i.ParcelID != ""
	}
	if len(items) != len(r.Items) || slices.ContainsFunc(items, elsewhere) {
		return nil, fault.Refuse(fault.Conflict, "item_not_here",
			"所选物料不在本窗口货架上，或已装入其他邮件，请刷新后重新扫描", "one of these things is not on this window's shelf or is in another parcel; reload and scan again")
	}
	return items, nil
}

// newParcel decides everything that is frozen at sealing.
func (d *Desk) newParcel(ctx context.Context, tx bun.IDB, by auth.Actor, lines []ResultLine, items []Item, r SealRequest) (Parcel, error) {
	p := Parcel{
		ID: newID(), CaseID: r.CaseID, CaseNumber: lines[0].CaseNumber, CentreID: lines[0].CentreID, Way: r.Way,
		SealedAt: d.now(), SealedBy: by.String(), RedeliveryOf: r.RedeliveryOf, State: ParcelDrafted, Since: d.now(), Result: ResultNone, Version: 1,
	}
	var err error
	if p.Demand, p.Ground, err = d.demand(items, r.CaseID, r.Way); err != nil {
		return Parcel{}, err
	}
	if r.Way != WayOwnCourier && r.Way != WayWindow {
		return Parcel{}, fault.Refuse(fault.Invalid, "way_unsupported",
			"目前只能由中心派送员送达或到窗口自取，请改选", "for now parcels go by the centre's own courier or are collected at the window; choose one of them")
	}
	if err := r.check(); err != nil {
		return Parcel{}, err
	}
	for i := range r.To.Consents {
		r.To.Consents[i].At = d.now()
	}
	p.Receiver, p.Bag = r.To, r.Bag
	if r.IDLast4 == "" {
		p.Demand.Proofs = p.Demand.Proofs.WithoutDocument()
	}
	if err := d.checkRedelivery(ctx, tx, r); err != nil {
		return Parcel{}, err
	}
	return p, d.promise(ctx, tx, &p, lines, items)
}

// demand gives what the contents ask for at the door and on which grounds they
// may go that way.
func (d *Desk) demand(items []Item, owner string, way Way) (Demand, []Ground, error) {
	rules, err := shippedRules()
	if err != nil {
		return Demand{}, nil, err
	}
	gate, err := shippedTable()
	if err != nil {
		return Demand{}, nil, err
	}
	contents, classes := make([]Content, len(items)), make([]Class, len(items))
	for n, i := range items {
		contents[n], classes[n] = Content{Class: i.Class, Owner: owner}, i.Class
	}
	demand, err := rules.Demand(contents, d.now())
	if err != nil {
		return Demand{}, nil, err
	}
	grounds, err := gate.Permit(classes, way, time.Time{}, d.now())
	return demand, grounds, err
}

// checkRedelivery wants a parcel of the case that came back (DEL-805).
func (d *Desk) checkRedelivery(ctx context.Context, tx bun.IDB, r SealRequest) error {
	if r.RedeliveryOf == "" {
		return nil
	}
	old, err := findParcel(ctx, tx, r.RedeliveryOf)
	if err == nil && old.CaseID == r.CaseID && old.State == ParcelReturned {
		return nil
	}
	if err != nil && !fault.Is(err, "not_found") {
		return err
	}
	return fault.Refuse(fault.Invalid, "redelivery_unknown",
		"重新投递要选本办件中已退回窗口的邮件", "a second delivery names a parcel of this case that came back to the window")
}

// promise starts the clock and numbers the parcel. What is collected at the
// window has no promise: when it ends is the applicant's to say.
func (d *Desk) promise(ctx context.Context, tx bun.IDB, p *Parcel, lines []ResultLine, items []Item) error {
	centre, err := office.FindCentre(ctx, tx, p.CentreID)
	if err != nil {
		return err
	}
	if p.Number, err = NewNumber(centreSign(centre.Division), rand.Reader); err != nil {
		return err
	}
	cal, err := office.CalendarOf(ctx, tx, p.CentreID, d.now())
	if err != nil {
		return err
	}
	terms := DefaultPromiseTerms()
	terms.Hall = centre.Hours
	if p.Way == WayWindow {
		terms.Policy = PolicyNone
	}
	parts := PromiseStart{Confirmed: d.now(), Carrier: d.now()}
	for _, l := range lines {
		if slices.ContainsFunc(items, func(i Item) bool { return i.LineID == l.ID }) {
			parts.Set = laterTime(parts.Set, l.ReceivedAt)
		}
	}
	if parts.Set.IsZero() { // of a line that is still owed more
		parts.Set = d.now()
	}
	if p.Promise, err = MakePromise(cal, terms, parts); err != nil {
		return err
	}
	marks, err := p.Promise.Marks(cal, nil, time.Time{})
	p.DueAt, p.HandOverBy = marks.Due, marks.HandOverBy
	return err
}

// close writes the parcel with its event, its code, and the keeping of what is
// inside.
func (d *Desk) close(ctx context.Context, tx bun.IDB, by auth.Actor, p Parcel, lines []ResultLine, items []Item, r SealRequest) (Parcel, error) {
	if err := insertParcel(ctx, tx, &p); err != nil {
		return Parcel{}, err
	}
	for n := range items {
		items[n].ParcelID = p.ID
		e := CustodyEvent{ID: newID(), Kind: CustodySealed, ParcelID: p.ID, Actor: by.String(), At: d.now()}
		if err := pass(ctx, tx, &items[n], items[n].keeper(), e); err != nil {
			return Parcel{}, err
		}
	}
	if err := d.sendLines(ctx, tx, p, lines); err != nil {
		return Parcel{}, err
	}
	if r.IDLast4 != "" {
		s := Secret{ParcelID: p.ID, Kind: SecretID, Hash: d.hide(p.ID, SecretID, r.IDLast4), MadeAt: d.now()}
		if err := insertSecret(ctx, tx, &s); err != nil {
			return Parcel{}, err
		}
	}
	phone := Secret{ParcelID: p.ID, Kind: SecretPhone, Hash: d.hide(p.ID, SecretPhone, phoneEnding(p.Receiver.Phone)), MadeAt: d.now()}
	code := Secret{ParcelID: p.ID, Kind: SecretCode, MadeAt: d.now()} // the value is made when its text is
	for _, s := range []*Secret{&phone, &code} {
		if err := insertSecret(ctx, tx, s); err != nil {
			return Parcel{}, err
		}
	}
	if err := d.queueCode(ctx, tx, p, 0); err != nil {
		return Parcel{}, err
	}
	return p, d.happened(ctx, tx, by, &p, EventSealed, Facts{}, map[string]any{
		"way": string(p.Way), "bag": p.Bag, "items": r.Items, "second": p.SealedWith, "due": audit.Instant(p.DueAt),
	})
}

// sendLines marks the lines of which nothing is left on the shelf.
func (d *Desk) sendLines(ctx context.Context, tx bun.IDB, p Parcel, lines []ResultLine) error {
	all, err := itemsOfCase(ctx, tx, p.CaseID)
	if err != nil {
		return err
	}
	for n := range lines {
		l := &lines[n]
		here := func(i Item) bool { return i.LineID == l.ID && i.ParcelID == p.ID }
		waits := func(i Item) bool { return i.LineID == l.ID && i.CustodianKind == AtWindow && i.ParcelID == "" }
		if l.State != LineReceived || !slices.ContainsFunc(all, here) || slices.ContainsFunc(all, waits) {
			continue
		}
		l.ParcelID = p.ID
		if err := updateLine(ctx, tx, l, "parcel_id"); err != nil {
			return err
		}
	}
	return nil
}

// deskDevice is the device of acts at a desk, under our own clock.
const deskDevice = "desk"

// happened appends one act of a desk to a parcel's events, folds them, and
// records its leaf as the last step (STY-31).
func (d *Desk) happened(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, what EventType, facts Facts, more map[string]any) error {
	e, err := d.deskEvent(by, p, what, facts)
	if err != nil {
		return err
	}
	return d.appended(ctx, tx, by, p, e, more)
}

func (d *Desk) appended(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, e EventRow, more map[string]any) error {
	if err := insertEvents(ctx, tx, []EventRow{e}); err != nil {
		return err
	}
	if _, err := d.refold(ctx, tx, by, []*Parcel{p}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.parcelLeaf("parcel_"+string(e.Type), *p, by, more))
}

func (d *Desk) parcelLeaf(what string, p Parcel, by auth.Actor, more map[string]any) audit.Leaf {
	fields := map[string]any{"parcel": p.ID, "number": p.Number, "state": string(p.State)}
	for name, value := range more {
		fields[name] = value
	}
	return audit.Leaf{Type: what, Stream: Stream(p.CaseID), Actor: by.String(), At: d.now(), Fields: fields}
}

// onParcel runs one act of the window on a parcel.
func (d *Desk) onParcel(ctx context.Context, by auth.Actor, id string, act func(tx bun.IDB, p *Parcel) error) (out Parcel, err error) {
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		p, err := lockParcel(ctx, tx, id)
		if err != nil {
			return err
		}
		if !mayReadParcel(by, p) {
			return notFound()
		}
		if err := mayReceive(by, p.CentreID); err != nil {
			return err
		}
		if err := act(tx, &p); err != nil {
			return err
		}
		out = p
		return nil
	})
	return out, err
}

// mayReadParcel: its window, auditors, and the courier who has it (DEL-108).
func mayReadParcel(by auth.Actor, p Parcel) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case by.Is(auth.Courier):
		return p.CourierID == by.ID
	}
	return atWindow(by) && by.Centre == p.CentreID
}

// wantState refuses an act that does not fit where the parcel is.
func (p Parcel) wantState(states ...ParcelState) error {
	if slices.Contains(states, p.State) {
		return nil
	}
	return fault.Refuse(fault.Conflict, "parcel_state",
		"邮件 %[1]s 目前是“%[2]s”，不能这样办理；请刷新后核对", "parcel %[1]s is %[3]q now and that cannot be done; reload and check",
		p.Number, p.State.Word("zh"), p.State.Word("en")).With("state", p.State)
}

// CancelParcel takes a parcel back that the window still holds; what is in it
// lies on the shelf again (DEL-806). Refusals: not_found, not_receiving_window,
// parcel_state, reason_missing, text_invalid.
func (d *Desk) CancelParcel(ctx context.Context, by auth.Actor, parcelID, reason string) (Parcel, error) {
	d = d.still()
	return d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) error {
		if err := checkReason("reason", reason); err != nil {
			return err
		}
		if err := p.wantState(heldStates...); err != nil {
			return err
		}
		if err := d.stopCode(ctx, tx, p.ID); err != nil {
			return err
		}
		return d.happened(ctx, tx, by, p, EventCancelled, Facts{Reason: reason}, nil)
	})
}

// Dispatch assigns a sealed parcel to a courier of the centre, on the caller's
// transaction. The window answers for it until the courier has taken it over
// (DEL-910). The gate is asked again: a stricter rule reaches sealed parcels
// (DEL-213). The caller records the leaves last. Refusals: not_found,
// not_receiving_window, parcel_state, parcel_for_window, carrier_not_allowed,
// courier_unknown.
func (d *Desk) Dispatch(ctx context.Context, tx bun.IDB, by auth.Actor, parcelID, courierID string) (Parcel, []audit.Leaf, error) {
	d = d.still()
	p, err := lockParcel(ctx, tx, parcelID)
	if err == nil && !mayReadParcel(by, p) {
		err = notFound()
	}
	if err != nil {
		return Parcel{}, nil, err
	}
	if err := d.mayDispatch(ctx, tx, by, p, courierID); err != nil {
		return Parcel{}, nil, err
	}
	a := assignment{ID: newID(), ParcelID: p.ID, CourierID: courierID, AssignedAt: d.now(), AssignedBy: by.String()}
	if err := assign(ctx, tx, &a); err != nil {
		return Parcel{}, nil, err
	}
	p.CourierID = courierID
	if err := updateParcel(ctx, tx, &p); err != nil {
		return Parcel{}, nil, err
	}
	return p, []audit.Leaf{d.parcelLeaf("parcel_assigned", p, by, map[string]any{"courier": courierID})}, nil
}

func (d *Desk) mayDispatch(ctx context.Context, tx bun.IDB, by auth.Actor, p Parcel, courierID string) error {
	if err := mayReceive(by, p.CentreID); err != nil {
		return err
	}
	if err := p.wantState(ParcelSealed); err != nil {
		return err
	}
	if p.Way != WayOwnCourier {
		return fault.Refuse(fault.Conflict, "parcel_for_window",
			"这件邮件是窗口自取，不交派送员；要改为派送请撤回后重新封装", "this parcel is for pick-up; withdraw it and seal it anew to have it delivered")
	}
	items, err := itemsIn(ctx, tx, []string{p.ID})
	if err != nil {
		return err
	}
	gate, err := shippedTable()
	if err != nil {
		return err
	}
	if _, err := gate.Permit(classesOf(items[p.ID]), p.Way, p.SealedAt, d.now()); err != nil {
		return err
	}
	courier, err := auth.FindPerson(ctx, tx, courierID)
	if err != nil && !fault.Is(err, "person_unknown") {
		return err
	}
	if err != nil || !courier.DisabledAt.IsZero() || !slices.Contains(courier.Roles, auth.Courier) || courier.Centre != p.CentreID {
		return fault.Refuse(fault.Invalid, "courier_unknown",
			"请从本中心的派送员中选择", "choose one of this centre's couriers")
	}
	return nil
}

func classesOf(items []Item) (out []Class) {
	for _, i := range items {
		if !slices.Contains(out, i.Class) {
			out = append(out, i.Class)
		}
	}
	return out
}

// AllOut reports, on the caller's transaction, whether nothing of a case waits
// at the window any more: every result is waived or in a parcel that a courier
// has or that has ended.
func AllOut(ctx context.Context, tx bun.IDB, caseID string) (bool, error) {
	lines, err := lockLines(ctx, tx, caseID)
	if err != nil || len(lines) == 0 {
		return false, err
	}
	parcels, err := parcelsOfCase(ctx, tx, caseID)
	if err != nil {
		return false, err
	}
	for _, l := range lines {
		out := func(p Parcel) bool {
			return p.ID == l.ParcelID && (p.CourierID != "" || !slices.Contains(heldStates, p.State))
		}
		if l.State != LineWaived && !slices.ContainsFunc(parcels, out) {
			return false, nil
		}
	}
	return true, nil
}

// takeOverMost is how many numbers one scan may bring.
const takeOverMost = 200

// TakeOver is the courier's own signature: the parcels with those numbers were
// given to this courier and are now in its hands (DEL-910). A number that is
// unknown or somebody else's is named in the answer and stops nothing. Refusals:
// not_a_courier, batch_size.
func (d *Desk) TakeOver(ctx context.Context, by auth.Actor, numbers []string) (out []TakenOver, err error) {
	d = d.still()
	if !by.Is(auth.Courier) {
		return nil, notACourier()
	}
	if len(numbers) == 0 || len(numbers) > takeOverMost {
		return nil, batchSize()
	}
	err = d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		out, err = d.takeOver(ctx, tx, by, numbers)
		return err
	})
	return out, err
}

func notACourier() *fault.Error {
	return fault.Refuse(fault.Forbidden, "not_a_courier",
		"只有派送员可以在手机上接收邮件和上传记录", "only couriers take parcels over and send records")
}

func batchSize() *fault.Error {
	return fault.Refuse(fault.Invalid, "batch_size",
		"一次请提交 1 到 %d 条，多的分次提交", "send 1 to %d at once, the rest afterwards", eventsMost)
}

func (d *Desk) takeOver(ctx context.Context, tx bun.IDB, by auth.Actor, numbers []string) ([]TakenOver, error) {
	out := make([]TakenOver, len(numbers))
	var plain []string
	for i, n := range numbers {
		number, err := ParseNumber(n)
		if err != nil {
			number = foldNumber(n)
		}
		out[i] = TakenOver{Number: number}
		plain = append(plain, number)
	}
	parcels, err := lockParcels(ctx, tx, "number", plain)
	if err != nil {
		return nil, err
	}
	var mine []*Parcel
	var rows []EventRow
	for i := range parcels {
		p := &parcels[i]
		if p.CourierID != by.ID || p.State != ParcelSealed {
			continue
		}
		e, err := d.deskEvent(by, p, EventHandedOver, Facts{})
		if err != nil {
			return nil, err
		}
		mine, rows = append(mine, p), append(rows, e)
	}
	if err := insertEvents(ctx, tx, rows); err != nil {
		return nil, err
	}
	if len(mine) > 0 {
		if _, err := d.refold(ctx, tx, by, mine); err != nil {
			return nil, err
		}
	}
	var leaves []audit.Leaf
	for _, p := range mine {
		leaves = append(leaves, d.parcelLeaf("parcel_handed_over", *p, by, map[string]any{"courier": by.ID}))
	}
	for i := range out {
		out[i].answer(by, parcels)
	}
	return out, audit.Record(ctx, tx, leaves...)
}

// answer says what became of one number.
func (t *TakenOver) answer(by auth.Actor, parcels []Parcel) {
	n := slices.IndexFunc(parcels, func(p Parcel) bool { return p.Number == t.Number && p.CourierID == by.ID })
	if n < 0 {
		t.Code, t.Text = "not_found", "没有交给您的这件邮件，请核对面单或问窗口"
		return
	}
	if p := parcels[n]; p.State != ParcelHandedOver {
		t.Code, t.Text = "parcel_state", "这件邮件目前是“"+p.State.Word("zh")+"”，不用再接收"
		return
	}
	t.Parcel = &parcels[n]
}

// deskEvent is an act under our own clock.
func (d *Desk) deskEvent(by auth.Actor, p *Parcel, what EventType, facts Facts) (EventRow, error) {
	payload, err := canonicalFacts(facts)
	if err != nil {
		return EventRow{}, err
	}
	t := GradeOnline(d.now())
	e := EventRow{
		ID: newID(), ParcelID: p.ID, DeviceID: deskDevice, Actor: by.String(), Type: what, Occurred: d.now().Format(time.RFC3339Nano),
		ClaimedAt: t.Claimed, ReceivedAt: t.Received, EffectiveAt: t.Effective, Quality: t.Quality, Payload: payload, Proofs: []string{},
	}
	if by.Is(auth.Courier) {
		e.CourierID = by.ID
	}
	return e, nil
}
