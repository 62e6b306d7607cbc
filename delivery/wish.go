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

// Wish is what an applicant asked for by the link, for what is still to be sealed:
// who receives it, where, by which way, and who else may take it (DEL-230). The
// window packs by it, or says that it has spoken with the applicant since.
type Wish struct {
	Name    string    `json:"name,omitempty"` // empty: nothing was confirmed
	Phone   string    `json:"phone,omitempty"`
	Address string    `json:"address,omitempty"`
	Way     WishedWay `json:"way,omitempty"` // empty: nothing was said

	Agent      string `json:"agent,omitempty"`
	AgentPhone string `json:"agent_phone,omitempty"`
	AgentTie   string `json:"agent_tie,omitempty"`

	At time.Time `json:"at,omitzero"` // of the last change
}

// WishedWay is how an applicant wants to get what is ready.
type WishedWay string

// The two that an applicant chooses between; which carrier brings it is the
// window's to say (DEL-210).
const (
	WishDeliver WishedWay = "deliver"
	WishCollect WishedWay = "collect"
)

// Masked is the wish as the applicant's own page shows it: whoever finds the link
// must not learn where somebody lives (DEL-1201).
func (w Wish) Masked() Wish {
	w.Name, w.Phone, w.Address = MaskName(w.Name), MaskPhone(w.Phone), MaskAddress(w.Address)
	w.Agent, w.AgentPhone = MaskName(w.Agent), MaskPhone(w.AgentPhone)
	return w
}

// Over fills in the addressee of a parcel as the wish has it.
func (w Wish) Over(to Addressee) Addressee {
	if w.Name != "" {
		if w.Address != to.Address {
			to.Lat, to.Lon = 0, 0 // the point is of the other house
		}
		to.Name, to.Phone, to.Address = w.Name, w.Phone, w.Address
	}
	if w.Agent != "" {
		to.Agent, to.AgentPhone, to.AgentTie = w.Agent, w.AgentPhone, w.AgentTie
	}
	return to
}

// waits reports whether something of the case is still to be sealed, so that
// receiver and address may change (DEL-230).
func (h caller) waits() bool {
	return len(h.lines) == 0 || slices.ContainsFunc(h.lines, func(l ResultLine) bool { return l.open() || l.Ready() })
}

// dispatched refuses what nobody at the window can change any more.
func (h caller) dispatched() error {
	if h.waits() || slices.ContainsFunc(h.parcels, Parcel.here) {
		return nil
	}
	return fault.Refuse(fault.Conflict, "wish_dispatched",
		"结果已经交出，领取方式和代办人不能在这里改了，请致电窗口 %[1]s", "the results have been handed over, and how you get them cannot be changed here any more; call the window, %[1]s", h.centre.Phone)
}

// known is the receiver as the house would write on a parcel now.
func (a Applicant) known() Addressee { return a.Wish.Over(a.Receiver) }

// AddressRequest corrects who receives the results and where; what is left empty
// stays as it is known, so a request without anything confirms it.
type AddressRequest struct{ Name, Phone, Address string }

// ConfirmAddress records that the applicant confirms or corrects who receives the
// results and where, until they are sealed (DEL-230, DEL-1205). The same again
// changes nothing. Refusals: applicant_link, wish_sealed, addressee_incomplete,
// text_invalid, wish_moved.
func (d *Desk) ConfirmAddress(ctx context.Context, token string, r AddressRequest) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		if !h.waits() {
			return fault.Refuse(fault.Conflict, "wish_sealed",
				"结果已经封装，收件人和地址不能在这里改了，请致电窗口 %[1]s", "the results are sealed, and who receives them where cannot be changed here any more; call the window, %[1]s", h.centre.Phone)
		}
		to := h.known()
		for of, said := range map[*string]string{&to.Name: r.Name, &to.Phone: r.Phone, &to.Address: r.Address} {
			if said = strings.TrimSpace(said); said != "" {
				*of = said
			}
		}
		if err := to.check(h.by, h.Wish.packing()); err != nil {
			return err
		}
		wish := h.Wish
		wish.Name, wish.Phone, wish.Address = to.Name, to.Phone, to.Address
		return d.wish(ctx, tx, h, wish, "applicant_address", map[string]any{"digest": d.hide(h.CaseID, "receiver", to.Name+"\n"+to.Phone+"\n"+to.Address)})
	})
}

// packing is the way by which the results would be packed for the wish, as far as
// an address is needed for it.
func (w Wish) packing() Way {
	if w.Way == WishCollect {
		return WayWindow
	}
	return WayOwnCourier
}

// wish writes a changed wish with its leaf as the last step.
func (d *Desk) wish(ctx context.Context, tx bun.IDB, h *caller, wish Wish, what string, fields map[string]any, more ...audit.Leaf) error {
	wish.At = h.Wish.At
	if wish == h.Wish && len(more) == 0 {
		return nil
	}
	wish.At = d.now()
	h.Wish = wish
	if err := updateWish(ctx, tx, &h.Applicant); err != nil {
		return err
	}
	return audit.Record(ctx, tx, append(more, d.applicantLeaf(what, *h, fields))...)
}

func wishMoved() *fault.Error {
	return fault.Refuse(fault.Conflict, "wish_moved",
		"刚刚有另一处修改，请刷新页面核对后再提交", "something was changed here a moment ago; reload the page, compare and send again")
}

// ChooseWay records that the applicant fetches the results at the window, or wants
// them brought. What is sealed and given to nobody yet is taken back and packed
// anew, as the window would on the applicant's word (DEL-222, DEL-806); once a
// courier is named it is too late, and what has to be collected at the window stays
// as it is (DEL-204). Refusals: applicant_link, wish_way, wish_dispatched,
// wish_window_only, wish_moved.
func (d *Desk) ChooseWay(ctx context.Context, token string, way WishedWay) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		if way != WishDeliver && way != WishCollect {
			return fault.Refuse(fault.Invalid, "wish_way",
				"请选择“派送上门”或“窗口自取”", "choose delivery or pick-up at the window")
		}
		if err := h.dispatched(); err != nil {
			return err
		}
		if err := h.brought(way); err != nil {
			return err
		}
		leaves, err := d.packAnew(ctx, tx, h, way)
		if err != nil {
			return err
		}
		wish := h.Wish
		wish.Way = way
		return d.wish(ctx, tx, h, wish, "applicant_way", map[string]any{"way": string(way)}, leaves...)
	})
}

// packAnew takes parcels back that were sealed for the other way.
func (d *Desk) packAnew(ctx context.Context, tx bun.IDB, h *caller, way WishedWay) (leaves []audit.Leaf, err error) {
	for i := range h.parcels {
		p := &h.parcels[i]
		if !p.here() || (p.Way == WayWindow) == (way == WishCollect) {
			continue
		}
		stays, err := h.staysPacked(ctx, tx, *p, way)
		if err != nil {
			return nil, err
		}
		if stays {
			continue
		}
		leaf, err := d.takeBack(ctx, tx, h.by, p, "申请人通过链接改为"+way.in("zh"))
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
	}
	return leaves, nil
}

func (w WishedWay) in(lang string) string {
	if w == WishCollect {
		return WayWindow.In(lang)
	}
	return bilingual{"派送上门", "delivery"}.in(lang)
}

// AgentRequest names who may take the results for the applicant.
type AgentRequest struct{ Name, Phone, Tie string }

func (r *AgentRequest) check() error {
	for _, text := range []*string{&r.Name, &r.Phone, &r.Tie} {
		*text = strings.TrimSpace(*text)
	}
	if r.Name == "" || !mobile.MatchString(r.Phone) || r.Tie == "" {
		return fault.Refuse(fault.Invalid, "agent_incomplete",
			"请填写代办人姓名、11 位手机号码和与您的关系（如“店员”）；领取时要核对代办人的身份证件",
			"give the agent's name, an 11-digit mobile number and what the agent is to you, such as employee; the agent's document is checked on receipt")
	}
	return office.CheckLines(line("name", r.Name), line("tie", r.Tie))
}

// NameAgent records who may take the results for the applicant, until they are
// dispatched: for what is still to be sealed, and on parcels that lie sealed at
// the window. Who comes is checked at the door by their document. A seal takes a
// power of attorney on paper, so its agent is named at the window (DEL §2.1).
// Refusals: applicant_link, agent_incomplete, text_invalid, wish_dispatched,
// agent_on_paper, wish_moved.
func (d *Desk) NameAgent(ctx context.Context, token string, r AgentRequest) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		if err := r.check(); err != nil {
			return err
		}
		return d.setAgent(ctx, tx, h, r)
	})
}

// DropAgent takes an agent back that the applicant named by the link, until the
// results are dispatched. Refusals: applicant_link, wish_dispatched,
// agent_on_paper, wish_moved.
func (d *Desk) DropAgent(ctx context.Context, token string) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error { return d.setAgent(ctx, tx, h, AgentRequest{}) })
}

func (d *Desk) setAgent(ctx context.Context, tx bun.IDB, h *caller, r AgentRequest) error {
	if err := h.dispatched(); err != nil {
		return err
	}
	for i := range h.parcels {
		if p := &h.parcels[i]; p.here() {
			if err := nameOn(ctx, tx, *h, p, r); err != nil {
				return err
			}
		}
	}
	wish := h.Wish
	wish.Agent, wish.AgentPhone, wish.AgentTie = r.Name, r.Phone, r.Tie
	return d.wish(ctx, tx, h, wish, "applicant_agent", map[string]any{"named": r.Name != "", "digest": d.hide(h.CaseID, "agent", r.Name+"\n"+r.Phone)})
}

// nameOn writes the agent on a parcel that is sealed already.
func nameOn(ctx context.Context, tx bun.IDB, h caller, p *Parcel, r AgentRequest) error {
	paper := func(a Allowance) bool { return a.Receiver == ReceiverNamedAgent && a.Authorisation }
	if slices.ContainsFunc(p.Demand.Receivers, paper) && r.Name != p.Receiver.Agent {
		return fault.Refuse(fault.Conflict, "agent_on_paper",
			"邮件里有印章，代办人须凭授权委托书在窗口登记，请致电窗口 %[1]s", "the parcel holds a seal, and its agent is named at the window with a power of attorney; call the window, %[1]s", h.centre.Phone)
	}
	p.Receiver.Agent, p.Receiver.AgentPhone, p.Receiver.AgentTie = r.Name, r.Phone, r.Tie
	return updateReceiver(ctx, tx, p)
}

// heed refuses a parcel that is packed otherwise than the applicant asked by the
// link, so that a form opened before does not undo it (DEL-230). A window that has
// spoken with the applicant since says so. What has to be collected at the window
// keeps no other way (DEL-204).
func heed(ctx context.Context, tx bun.IDB, r SealRequest, windowOnly bool) error {
	if r.Agreed {
		return nil
	}
	a, err := findApplicant(ctx, tx, r.CaseID)
	if fault.Is(err, "not_found") {
		return nil
	}
	if err != nil {
		return err
	}
	if windowOnly {
		a.Wish.Way = ""
	}
	other := a.Wish.differs(r)
	if len(other) == 0 {
		return nil
	}
	zh, en := make([]string, len(other)), make([]string, len(other))
	for i, o := range other {
		zh[i], en[i] = o.zh, o.en
	}
	return fault.Refuse(fault.Conflict, "wish_differs",
		"申请人通过链接另有要求：%[1]s。请照此填写；已与申请人另行说定的，请勾选“已与申请人核实”",
		"the applicant asked for something else by the link: %[2]s. Fill that in, or mark that you have agreed otherwise with the applicant since",
		strings.Join(zh, "；"), strings.Join(en, "; "))
}

// differs says what of a wish a parcel does not keep.
func (w Wish) differs(r SealRequest) (out []bilingual) {
	if w.Way != "" && (w.Way == WishCollect) != (r.Way == WayWindow) {
		out = append(out, bilingual{w.Way.in("zh"), w.Way.in("en")})
	}
	want := w.Address
	if r.Way == WayWindow {
		want = ""
	}
	for _, one := range []struct{ want, is, zh, en string }{
		{w.Name, r.To.Name, "收件人 ", "receiver "}, {w.Phone, r.To.Phone, "电话 ", "telephone "},
		{want, r.To.Address, "地址 ", "address "}, {w.Agent, r.To.Agent, "代办人 ", "agent "},
	} {
		if one.want != "" && plainSecret(one.want) != plainSecret(one.is) {
			out = append(out, bilingual{one.zh + one.want, one.en + one.want})
		}
	}
	return out
}

// wishesFor gives what the applicants of cases asked for, as the actor may see it:
// in full at the window that packs, masked for auditors, nothing for others.
func wishesFor(ctx context.Context, q bun.IDB, by auth.Actor, caseIDs []string) (map[string]*Wish, error) {
	rows, err := applicantsOf(ctx, q, caseIDs)
	out := map[string]*Wish{}
	for _, a := range rows {
		wish := a.Wish
		switch {
		case wish.At.IsZero():
			continue
		case by.Is(auth.Auditor):
			wish = wish.Masked()
		case !atWindow(by) || by.Centre != a.CentreID:
			continue
		}
		out[a.CaseID] = &wish
	}
	return out, err
}
