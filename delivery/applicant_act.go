package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// ChooseByLink is Choose by the applicant's own hand: to wait for the whole set,
// or to have sent what is there and not wait for what is missing now (DEL-303,
// DEL-1205). The same choice again changes nothing. Refusals: applicant_link,
// choice_by_link, choice_late.
func (d *Desk) ChooseByLink(ctx context.Context, token, choice string) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		if choice != ChooseWait && choice != ChooseSplit { // no answer is the window's to record
			return fault.Refuse(fault.Invalid, "choice_by_link",
				"请选择“等齐一起送”或“到了的先送”", "choose to wait for everything, or to have sent what is there")
		}
		r := ChoiceRequest{CaseID: h.CaseID, Choice: choice, GivenBy: h.Name, Channel: ChannelLink}
		var owed []string
		for _, l := range h.lines {
			if l.open() {
				owed = append(owed, l.ID)
			}
		}
		if len(owed) == 0 {
			return fault.Refuse(fault.Conflict, "choice_late",
				"结果已经到齐，不用再选了；有疑问，请致电窗口 %[1]s", "everything has come and there is nothing left to choose; with questions call the window, %[1]s", h.centre.Phone)
		}
		if choice == ChooseSplit {
			r.Lines = owed
		}
		same, err := d.saidLast(ctx, tx, r)
		if err != nil || same {
			return err
		}
		_, err = d.choose(ctx, tx, h.by, h.lines, r)
		return err
	})
}

// saidLast reports whether a choice only repeats the last one on record.
func (d *Desk) saidLast(ctx context.Context, q bun.IDB, r ChoiceRequest) (bool, error) {
	all, err := choicesOf(ctx, q, []string{r.CaseID})
	if err != nil || len(all) == 0 {
		return false, err
	}
	last := all[len(all)-1]
	owed := func(id string) bool { return slices.Contains(last.Lines, id) }
	return last.Choice == r.Choice && len(last.Lines) == len(r.Lines) && !slices.ContainsFunc(r.Lines, func(id string) bool { return !owed(id) }), nil
}

// ConsentByLink is ConsentElectronic by the applicant's own hand, for all that is
// still owed and does not have to be collected (DEL-204, DEL-240, DEL-1205). Refusals: applicant_link, consent_late, those of
// ConsentElectronic.
func (d *Desk) ConsentByLink(ctx context.Context, token string, r ElectronicConsentRequest, key once.Key) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		key.Actor = h.by.String()
		_, _, err := once.Do(ctx, tx, key, d.now(), func() (ElectronicConsent, error) {
			r.CaseID, r.Channel, r.Lines = h.CaseID, ChannelLink, nil
			for _, l := range h.lines {
				if l.open() && !l.WindowOnly {
					r.Lines = append(r.Lines, l.ID)
				}
			}
			if len(r.Lines) == 0 {
				return ElectronicConsent{}, fault.Refuse(fault.Conflict, "consent_late",
					"没有还可以改为网上传输的结果，请致电窗口 %[1]s", "no result is left that could still go as a file; call the window, %[1]s", h.centre.Phone)
			}
			if r.Method == BySystem {
				return ElectronicConsent{}, fault.Refuse(fault.Conflict, "consent_system",
					"要送进指定系统的，须在窗口登记，请致电窗口 %[1]s", "delivery into a named system is recorded at the window; call the window, %[1]s", h.centre.Phone)
			}
			return d.consentElectronic(ctx, tx, h.by, h.lines, r)
		})
		return err
	})
}

// RevokeByLink is RevokeElectronic by the applicant's own hand, for every consent
// that stands (DEL-240, DEL-1205). Without one that stands nothing changes.
// Refusal: applicant_link.
func (d *Desk) RevokeByLink(ctx context.Context, token string) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		all, err := electronicConsentsOf(ctx, tx, []string{h.CaseID})
		if err != nil {
			return err
		}
		var leaves []audit.Leaf
		for i := range all {
			if !all[i].RevokedAt.IsZero() {
				continue
			}
			more, err := d.revoke(ctx, tx, &all[i], h.by.String(), ChannelLink)
			if err != nil {
				return err
			}
			leaves = append(leaves, more...)
		}
		if len(leaves) == 0 {
			return nil
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

// SlotRequest asks for another time for a parcel: a working day, before noon or
// after.
type SlotRequest struct {
	Number    string // of the parcel
	Day       workday.Date
	Afternoon bool
}

// AskSlot lets the applicant ask for another time. Where the promise may stand
// still it does, as if the window had recorded the agreement (DEL §7.3, DEL-720);
// else the window is given the task to call. The same time again changes nothing.
// Refusals: applicant_link, not_found, slot_late, pause_slot, slot_closed, and that
// of Pause for a parcel that has moved on.
func (d *Desk) AskSlot(ctx context.Context, token string, r SlotRequest) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		p, err := h.parcel(r.Number)
		if err != nil {
			return err
		}
		if p.State.Terminal() && p.State != ParcelReturned || p.State == ParcelUnverified || p.State == ParcelLost || p.State == ParcelDamaged {
			return fault.Refuse(fault.Conflict, "slot_late",
				"这件邮件目前不能改约，请致电窗口 %[1]s", "the time of this parcel cannot be changed now; call the window, %[1]s", h.centre.Phone)
		}
		at, err := d.slotAt(ctx, tx, *p, r)
		if err != nil {
			return err
		}
		return d.askSlot(ctx, tx, h, p, at)
	})
}

// parcel is one of the case; what belongs to somebody else does not exist (SEC-3).
func (h caller) parcel(number string) (*Parcel, error) {
	i := slices.IndexFunc(h.parcels, func(p Parcel) bool { return p.Number == foldNumber(number) })
	if i < 0 {
		return nil, notFound()
	}
	return &h.parcels[i], nil
}

// slotAt is the begin of the time asked for: of the hall's morning or afternoon,
// on a day on which parcels are brought.
func (d *Desk) slotAt(ctx context.Context, q bun.IDB, p Parcel, r SlotRequest) (time.Time, error) {
	cal, err := office.CalendarOf(ctx, q, p.CentreID, d.now())
	if err != nil {
		return time.Time{}, err
	}
	hall := p.Promise.Terms.Hall
	at := hall.Opens(r.Day)
	if r.Afternoon {
		at = r.Day.At(hall[len(hall)-1].From)
	}
	ask := PauseRequest{GivenBy: "applicant", Channel: ChannelLink, Slot: at}
	if err := ask.checkAsked(auth.Actor{Kind: auth.KindLink}, d.now()); err != nil {
		return time.Time{}, err
	}
	open, err := cal.IsWorkday(r.Day)
	if err == nil && !open {
		err = fault.Refuse(fault.Invalid, "slot_closed",
			"这一天不派送，请选择工作日", "nothing is delivered on that day; choose a working day")
	}
	return at.UTC(), err
}

// askSlot lets the clock stand still until a time, or gives the window a task.
func (d *Desk) askSlot(ctx context.Context, tx bun.IDB, h *caller, p *Parcel, at time.Time) error {
	f, err := readFolding(ctx, tx, []Parcel{*p})
	if err != nil {
		return err
	}
	agreed := func(o PauseRow) bool { return o.Reason == PauseApplicantAsked && o.To.After(d.now()) }
	if n := slices.IndexFunc(f.pauses[p.ID], agreed); n >= 0 {
		if f.pauses[p.ID][n].To.Equal(at) {
			return nil
		}
		return d.slotTask(ctx, tx, h, p, at) // two agreed times: somebody has to say which counts
	}
	ask := PauseRequest{ParcelID: p.ID, Reason: PauseApplicantAsked, GivenBy: h.Name, Channel: ChannelLink, Slot: at}
	if p.Pausable() {
		row, err := d.newPause(h.by, *p, f, ask)
		if err == nil {
			return d.paused(ctx, tx, h.by, p, row)
		}
		if !fault.Is(err, "promise_none") && !fault.Is(err, "pause_late") && !fault.Is(err, "pause_open") {
			return err
		}
	}
	return d.slotTask(ctx, tx, h, p, at)
}

// slotTask gives the window the task to agree on a time with the applicant.
func (d *Desk) slotTask(ctx context.Context, tx bun.IDB, h *caller, p *Parcel, at time.Time) error {
	a := d.alertOf(AlertSlotAsked, *p)
	a.AskedFor = at
	leaves, err := d.raise(ctx, tx, []Alert{a})
	if err != nil {
		return err
	}
	if len(leaves) == 0 { // it is open already: the last word counts
		same, err := reviseSlot(ctx, tx, a)
		if err != nil || same {
			return err
		}
	}
	return audit.Record(ctx, tx, append(leaves, d.parcelLeaf("applicant_slot", *p, h.by, map[string]any{"asked_for": audit.Instant(at)}))...)
}

// arrivedStates are those in which a parcel is said to have arrived.
var arrivedStates = []ParcelState{ParcelDelivered, ParcelUnverified, ParcelCollected}

// missingWithin are the minutes of the hall in which the window has to see to a
// parcel that did not arrive, before its supervisor hears of it (house rule).
const missingWithin = 4 * 60

// ReportMissing takes the applicant's word that a parcel did not arrive, although
// it is on record as delivered: an exception opens at once, and a task at the
// window with its term (DEL-1205). While that is open nothing is added by saying
// it again. Refusals: applicant_link, not_found, missing_early.
func (d *Desk) ReportMissing(ctx context.Context, token, number string) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		p, err := h.parcel(number)
		if err != nil {
			return err
		}
		if !slices.Contains(arrivedStates, p.State) {
			return fault.Refuse(fault.Conflict, "missing_early",
				"这件邮件还没有送达记录，目前是“%[1]s”；有疑问请致电窗口 %[3]s",
				"this parcel is not on record as delivered, it is %[2]q; with questions call the window, %[3]s",
				p.State.Public("zh"), p.State.Public("en"), h.centre.Phone)
		}
		a := d.alertOf(AlertMissing, *p)
		cal, err := office.CalendarOf(ctx, tx, p.CentreID, d.now())
		if err != nil {
			return err
		}
		if a.NextAt, err = cal.AddMinutes(d.now(), missingWithin, h.centre.Hours); err != nil {
			return err
		}
		leaves, err := d.raise(ctx, tx, []Alert{a})
		if err != nil || len(leaves) == 0 {
			return err
		}
		e, err := d.deskEvent(h.by, p, EventNote, Facts{Reason: "申请人反映没有收到"})
		if err != nil {
			return err
		}
		e.Checked.Flags = []ExceptionCode{ExceptionNotReceived}
		if err := d.append(ctx, tx, h.by, p, e); err != nil {
			return err
		}
		return audit.Record(ctx, tx, append(leaves, d.parcelLeaf("applicant_missing", *p, h.by, map[string]any{"event": e.ID}))...)
	})
}

// missingSettled ends the exception of a report with the alert about it: what the
// applicant said stays in the history, and who found out what.
func (d *Desk) missingSettled(ctx context.Context, tx bun.IDB, by auth.Actor, a Alert, note string) ([]audit.Leaf, error) {
	p, err := lockParcel(ctx, tx, a.ParcelID)
	if err != nil {
		return nil, err
	}
	f, err := readFolding(ctx, tx, []Parcel{p})
	if err != nil {
		return nil, err
	}
	for _, x := range f.fold(p).Exceptions {
		if x.Code != ExceptionNotReceived {
			continue
		}
		e, err := d.deskEvent(by, &p, EventErrorDeclared, Facts{Refers: x.EventID, Error: IncorrectData, Reason: note})
		if err != nil {
			return nil, err
		}
		if err := d.append(ctx, tx, by, &p, e); err != nil {
			return nil, err
		}
	}
	open, err := openAlertsOf(ctx, tx, []string{p.ID})
	if err != nil {
		return nil, err
	}
	late := slices.DeleteFunc(open, func(o Alert) bool { return o.Kind != AlertMissingLate })
	return []audit.Leaf{d.parcelLeaf("applicant_missing_settled", p, by, nil)}, d.end(ctx, tx, late, by, note)
}

// watchMissing tells the supervisor of reports that nobody has seen to in time.
func (d *Desk) watchMissing(ctx context.Context) error {
	var late []string
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		late, err = missingLate(ctx, q, d.now())
		return err
	})
	if err != nil || len(late) == 0 {
		return err
	}
	return d.raiseOf(ctx, late, func(Parcel) []AlertKind { return []AlertKind{AlertMissingLate} })
}
