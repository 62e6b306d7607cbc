package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

// Waybill (运单) is a parcel in the hands of a carrier, by the carrier's number.
type Waybill struct {
	bun.BaseModel `bun:"table:waybills" json:"-"`

	ParcelID  string    `bun:"parcel_id,pk" json:"parcel_id"`
	Company   string    `json:"company"` // as 快递100 calls it
	Number    string    `json:"number"`
	PostedAt  time.Time `json:"posted_at"`
	PostedBy  string    `json:"posted_by"`
	AskedAt   time.Time `bun:",nullzero" json:"asked_at,omitzero"`
	NextAskAt time.Time `bun:",nullzero" json:"next_ask_at,omitzero"` // zero: its way has ended

	Doubt NumberDoubt `bun:"-" json:"number_doubt,omitempty"` // why the number may be mistyped (DEL-214)
}

// carrierBody is one push or answer as it came.
type carrierBody struct {
	bun.BaseModel `bun:"table:carrier_bodies"`

	SHA256     string `bun:"sha256,pk"`
	ParcelID   string // empty: nobody's
	Source     string // push or query
	Body       []byte
	ReceivedAt time.Time
}

const companyEMS = "ems"

var waybillForm = regexp.MustCompile(`^[A-Z0-9-]{6,32}$`)

// actorKuaidi100 is who reports what came through 快递100.
var actorKuaidi100 = auth.System(Kuaidi100)

// Post gives a sealed parcel to EMS under the number on its form: the window's
// record of the hand-over, which both sides have signed on the list (DEL-1108).
// The gate is asked again (DEL-213). Refusals: not_found, not_receiving_window,
// parcel_state, parcel_not_posted, carrier_not_allowed, window_only, waybill_number, waybill_taken.
func (d *Desk) Post(ctx context.Context, by auth.Actor, parcelID, number string) (Parcel, error) {
	d = d.still()
	number = foldNumber(number)
	return d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) error {
		if err := p.wantState(ParcelSealed); err != nil {
			return err
		}
		if p.Way != WayEMS {
			return fault.Refuse(fault.Conflict, "parcel_not_posted",
				"这件邮件不走邮政 EMS；要改为邮寄请撤回后重新封装", "this parcel does not go by EMS; withdraw it and seal it anew to post it")
		}
		if err := CheckWaybill(number); err != nil {
			return err
		}
		if err := d.gateAgain(ctx, tx, *p); err != nil {
			return err
		}
		w := Waybill{ParcelID: p.ID, Company: companyEMS, Number: number, PostedAt: d.now(), PostedBy: by.String(), NextAskAt: d.now().Add(Kuaidi100Pause)}
		if err := insertWaybill(ctx, tx, &w); err != nil {
			return err
		}
		return d.posted(ctx, tx, by, p, w)
	})
}

// CheckWaybill refuses what cannot be the number of a carrier's form. Whether it is
// the right one [DoubtEMS] can only guess. Refusal: waybill_number.
func CheckWaybill(number string) error {
	if waybillForm.MatchString(foldNumber(number)) {
		return nil
	}
	return fault.Refuse(fault.Invalid, "waybill_number",
		"请扫描或填写面单上的运单号（6 至 32 位字母和数字）", "scan or type the number on the form, 6 to 32 letters and digits")
}

func (d *Desk) posted(ctx context.Context, tx bun.IDB, by auth.Actor, p *Parcel, w Waybill) error {
	e, err := d.deskEvent(by, p, EventHandedOver, Facts{})
	if err != nil {
		return err
	}
	e.CourierID = carrierCourier
	if err := d.append(ctx, tx, by, p, e); err != nil {
		return err
	}
	out, err := d.Out(ctx, tx, by, p.CaseID)
	if err != nil {
		return err
	}
	leaf := d.parcelLeaf("parcel_posted", *p, by, map[string]any{"company": w.Company, "waybill": w.Number})
	return audit.Record(ctx, tx, append([]audit.Leaf{leaf}, out...)...)
}

// gateAgain asks the gate at hand-over: a stricter rule reaches sealed parcels
// (DEL-213), and so does the word that something has to be collected (DEL-204).
func (d *Desk) gateAgain(ctx context.Context, tx bun.IDB, p Parcel) error {
	items, err := itemsIn(ctx, tx, []string{p.ID})
	if err != nil {
		return err
	}
	gate, err := shippedTable()
	if err != nil {
		return err
	}
	if _, err = gate.Permit(classesOf(items[p.ID]), p.Way, p.SealedAt, d.now()); err != nil {
		return err
	}
	lines, err := linesOf(ctx, tx, p.CaseID)
	if err != nil {
		return err
	}
	return wantWindow(lines, items[p.ID], p.Way)
}

// CarrierPush takes a push of 快递100: verified over the raw bytes before
// anything is read (DEL-1411), kept as it came, and folded into its parcel. The
// same push a second time changes nothing, and neither does one about a number
// that is not ours. Refusals: carrier_off, carrier_sign_wrong,
// carrier_answer_malformed.
func (d *Desk) CarrierPush(ctx context.Context, body []byte) error {
	d = d.still()
	if d.Kuaidi100 == nil {
		return carrierOff()
	}
	param, err := VerifyKuaidi100Push(body, d.Kuaidi100.Salt)
	if err != nil {
		return err
	}
	track, readErr := ReadKuaidi100Push(param)
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		w, err := findWaybill(ctx, tx, track.Company, track.Waybill)
		if err != nil {
			return err
		}
		return d.take(ctx, tx, w, carrierBody{Source: "push", Body: body}, track)
	})
	return errors.Join(err, readErr) // it is kept also when it cannot be read
}

// AskCarrier asks 快递100 about a parcel now; each number at most once in half an
// hour (DEL-1412). Refusals: not_found, not_receiving_window, carrier_off,
// waybill_unknown, carrier_asked, carrier_away, carrier_query_refused,
// carrier_answer_malformed.
func (d *Desk) AskCarrier(ctx context.Context, by auth.Actor, parcelID string) (Parcel, error) {
	var w Waybill
	_, err := d.onParcel(ctx, by, parcelID, func(tx bun.IDB, p *Parcel) (err error) {
		w, err = d.claimAsk(ctx, tx, p.ID)
		return err
	})
	if err != nil {
		return Parcel{}, err
	}
	if err := d.ask(ctx, w); err != nil {
		return Parcel{}, err
	}
	var out Parcel
	err = d.DB.Read(ctx, func(q bun.IDB) (err error) {
		out, err = findParcel(ctx, q, parcelID)
		return err
	})
	return out, err
}

// AskCarriersDue asks about the waybills whose pushes may have been lost
// (DEL-1413). It may run late or in two processes at once: a claimed number is
// not asked about again for half an hour.
func (d *Desk) AskCarriersDue(ctx context.Context) error {
	if d.Kuaidi100 == nil {
		return nil
	}
	var due []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		due, err = waybillsToAsk(ctx, q, d.now())
		return err
	})
	errs := []error{err}
	for _, id := range due {
		var w Waybill
		err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
			w, err = d.claimAsk(ctx, tx, id)
			return err
		})
		if err == nil {
			err = d.ask(ctx, w)
		}
		if err != nil && !fault.Is(err, "carrier_asked") {
			errs = append(errs, fmt.Errorf("ask about parcel %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// claimAsk takes the right to ask about a waybill, before the call is made.
func (d *Desk) claimAsk(ctx context.Context, tx bun.IDB, parcelID string) (Waybill, error) {
	if d.Kuaidi100 == nil {
		return Waybill{}, carrierOff()
	}
	w, err := waybillOf(ctx, tx, parcelID)
	if err != nil {
		return Waybill{}, err
	}
	if w.ParcelID == "" {
		return Waybill{}, fault.Refuse(fault.Conflict, "waybill_unknown",
			"这件邮件还没有交寄，没有运单可查", "this parcel was not posted yet; there is no waybill to ask about")
	}
	err = claimWaybill(ctx, tx, &w, d.now())
	return w, err
}

// ask makes the call outside of any transaction and takes what comes.
func (d *Desk) ask(ctx context.Context, w Waybill) error {
	body, err := d.Kuaidi100.Query(ctx, Kuaidi100Ask{Company: w.Company, Waybill: w.Number})
	if err != nil {
		return err
	}
	d = d.still()
	track, readErr := ReadKuaidi100Answer(body)
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		return d.take(ctx, tx, w, carrierBody{Source: "query", Body: body}, track)
	})
	return errors.Join(err, readErr)
}

// take keeps a body and folds its records into the parcel. Push and query meet
// on the natural keys of the records (DEL-528).
func (d *Desk) take(ctx context.Context, tx bun.IDB, w Waybill, b carrierBody, track Kuaidi100Track) error {
	sum := sha256.Sum256(b.Body)
	b.SHA256, b.ParcelID, b.ReceivedAt = hex.EncodeToString(sum[:]), w.ParcelID, d.now()
	fresh, err := insertCarrierBody(ctx, tx, &b)
	if err != nil || !fresh || w.ParcelID == "" || track.Waybill == "" && !track.Stopped() {
		return err
	}
	p, err := lockParcel(ctx, tx, w.ParcelID)
	if err != nil {
		return err
	}
	rows, err := d.carrierRows(ctx, tx, p, track)
	if err != nil || len(rows) == 0 {
		return err
	}
	if err := insertEvents(ctx, tx, rows); err != nil {
		return err
	}
	if _, err := d.refold(ctx, tx, actorKuaidi100, []*Parcel{&p}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.parcelLeaf("parcel_carrier_events", p, actorKuaidi100, map[string]any{"events": len(rows), "body": b.SHA256}))
}

// carrierCourier answers for what is posted, as couriers do for what they carry.
const carrierCourier = "carrier:" + Kuaidi100

// carrierRows are the records of a track that are not on file yet, each with the
// carrier's own words beside ours (DEL-421).
func (d *Desk) carrierRows(ctx context.Context, tx bun.IDB, p Parcel, track Kuaidi100Track) (rows []EventRow, err error) {
	codes, err := ShippedCarrierCodes()
	if err != nil {
		return nil, err
	}
	reports := map[string]CarrierReport{}
	var ids []string
	for _, r := range track.Reports {
		reports[r.EventID()] = r
		ids = append(ids, r.EventID())
	}
	known, err := storedHashes(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	for _, e := range codes.Events(track.Reports, d.now()) {
		if _, there := known[e.EventID]; !there {
			row, err := d.carrierRow(p, e, reports[e.EventID])
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	if track.Stopped() {
		e, err := d.deskEvent(actorKuaidi100, &p, EventNote, Facts{Reason: "快递100停止跟踪"})
		e.Checked.Flags = []ExceptionCode{ExceptionCarrierStopped}
		return append(rows, e), err
	}
	return rows, nil
}

func (d *Desk) carrierRow(p Parcel, e StoredEvent, r CarrierReport) (EventRow, error) {
	payload, err := json.Marshal(struct {
		Facts
		Report CarrierReport `json:"carrier"`
	}{e.Facts, r})
	if err != nil {
		return EventRow{}, err
	}
	payload, err = CanonicalJSON(payload)
	return EventRow{
		ID: e.EventID, ParcelID: p.ID, DeviceID: e.DeviceID, Seq: e.Seq, CourierID: e.CourierID, Actor: actorKuaidi100.String(), AttemptID: e.AttemptID,
		Type: e.Type, Occurred: r.Time, ClaimedAt: e.Claimed, ReceivedAt: d.now(), EffectiveAt: e.Effective, Quality: e.Quality,
		Payload: payload, Proofs: []string{}, Checked: Checked{Flags: e.Flags},
	}, err
}

// byCarrier reports an event that a carrier's system reported.
func (e EventRow) byCarrier() bool { return strings.HasPrefix(e.DeviceID, "carrier:") }

func carrierOff() *fault.Error {
	return fault.Refuse(fault.Conflict, "carrier_off",
		"本系统没有接入快递100，不能交邮；请改由中心派送员送达，或请管理员配置", "this installation has no account with 快递100; use the centre's courier, or ask the administrator to set it up")
}
