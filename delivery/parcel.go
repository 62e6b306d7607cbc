package delivery

import (
	"slices"
	"strings"
	"unicode/utf8"

	"lianban/internal/fault"
)

// ParcelState is where a Parcel stands (DEL §4.1): the fold of its events and
// never an edit. An open exception is a record beside it and hides nothing.
type ParcelState string

// States of a Parcel.
const (
	ParcelDrafted       ParcelState = "drafted"
	ParcelSealed        ParcelState = "sealed"
	ParcelHandedOver    ParcelState = "handed_over" // collected and on the way both (DEL-401)
	ParcelOut           ParcelState = "out_for_delivery"
	ParcelArrived       ParcelState = "arrived" // at the door, or in a locker
	ParcelDelivered     ParcelState = "delivered"
	ParcelUnverified    ParcelState = "delivered_unverified"
	ParcelAttemptFailed ParcelState = "attempt_failed"
	ParcelRescheduled   ParcelState = "rescheduled"
	ParcelOnHold        ParcelState = "on_hold"
	ParcelReturning     ParcelState = "returning"
	ParcelReturned      ParcelState = "returned" // by the window's own scan only (DEL-425)
	ParcelCollected     ParcelState = "collected_at_window"
	ParcelLost          ParcelState = "lost"
	ParcelDamaged       ParcelState = "damaged"
	ParcelWrittenOff    ParcelState = "written_off" // DEC-19
	ParcelCancelled     ParcelState = "cancelled"
)

// bilingual is one text in both languages.
type bilingual struct{ zh, en string }

// in gives the text in the language asked for: "en" is English, all else Chinese.
func (b bilingual) in(lang string) string {
	if lang == "en" {
		return b.en
	}
	return b.zh
}

// StateRow is one line of the table of states.
type StateRow struct {
	State  ParcelState
	Next   []ParcelState // moves that need no remark (DEL-400); none: terminal
	word   bilingual     // for the office
	public bilingual     // for the applicant
}

// ParcelStates are the states with their moves, in the order of a parcel's way.
// A correction is no move: the fold leaves the declared event out (DEL-526).
var ParcelStates = []StateRow{
	{ParcelDrafted, []ParcelState{ParcelSealed, ParcelCancelled},
		bilingual{"待出件", "drafted"}, bilingual{"正在备齐", "being put together"}},
	{ParcelSealed, []ParcelState{ParcelHandedOver, ParcelCollected, ParcelCancelled, ParcelDrafted, ParcelLost, ParcelDamaged},
		bilingual{"已封装", "sealed"}, bilingual{"已封装", "sealed"}},
	{ParcelHandedOver, []ParcelState{ParcelOut, ParcelOnHold, ParcelReturning, ParcelLost, ParcelDamaged},
		bilingual{"已交寄", "handed over"}, bilingual{"已交寄", "handed to the courier"}},
	{ParcelOut, []ParcelState{ParcelArrived, ParcelDelivered, ParcelUnverified, ParcelAttemptFailed, ParcelOnHold, ParcelReturning, ParcelLost, ParcelDamaged},
		bilingual{"派送中", "out for delivery"}, bilingual{"派送中", "out for delivery"}},
	{ParcelArrived, []ParcelState{ParcelDelivered, ParcelUnverified, ParcelAttemptFailed, ParcelReturning, ParcelLost, ParcelDamaged},
		bilingual{"已到达", "arrived"}, bilingual{"已到达", "arrived"}},
	{ParcelDelivered, nil,
		bilingual{"妥投", "delivered"}, bilingual{"已妥投", "delivered"}},
	{ParcelUnverified, []ParcelState{ParcelDelivered},
		bilingual{"妥投待核验", "delivered, to be verified"}, bilingual{"妥投核验中", "delivery being verified"}},
	{ParcelAttemptFailed, []ParcelState{ParcelOut, ParcelRescheduled, ParcelReturning, ParcelOnHold, ParcelLost, ParcelDamaged},
		bilingual{"投递失败", "attempt failed"}, bilingual{"未能投递", "could not be delivered"}},
	{ParcelRescheduled, []ParcelState{ParcelOut, ParcelReturning},
		bilingual{"改约", "rescheduled"}, bilingual{"已改约", "a new time is agreed"}},
	{ParcelOnHold, []ParcelState{ParcelHandedOver, ParcelOut, ParcelArrived, ParcelAttemptFailed, ParcelRescheduled, ParcelReturning, ParcelCancelled},
		bilingual{"暂停", "on hold"}, bilingual{"等待处理", "waiting for a decision"}},
	{ParcelReturning, []ParcelState{ParcelReturned, ParcelLost, ParcelDamaged},
		bilingual{"退回中", "returning"}, bilingual{"退回中", "on its way back to the window"}},
	{ParcelReturned, nil,
		bilingual{"已退回窗口", "returned to the window"}, bilingual{"已退回窗口", "back at the window"}},
	{ParcelCollected, nil,
		bilingual{"窗口自取", "collected at the window"}, bilingual{"已自取", "collected"}},
	{ParcelLost, []ParcelState{ParcelReturning, ParcelWrittenOff},
		bilingual{"遗失", "lost"}, bilingual{"正在处理", "being looked into"}},
	{ParcelDamaged, []ParcelState{ParcelReturning, ParcelWrittenOff},
		bilingual{"污损", "damaged"}, bilingual{"正在处理", "being looked into"}},
	{ParcelWrittenOff, nil,
		bilingual{"已核销", "written off"}, bilingual{"已结束，将另行补办", "closed; a replacement is arranged"}},
	{ParcelCancelled, nil,
		bilingual{"撤回", "withdrawn"}, bilingual{"已撤回", "withdrawn"}},
}

func (s ParcelState) row() StateRow {
	for _, r := range ParcelStates {
		if r.State == s {
			return r
		}
	}
	return StateRow{}
}

// Known reports whether s is one of the states.
func (s ParcelState) Known() bool { return s.row().State != "" }

// Word is the office's word for the state.
func (s ParcelState) Word(lang string) string { return s.row().word.in(lang) }

// Public is what the applicant reads; the page adds reason or slot.
func (s ParcelState) Public(lang string) string { return s.row().public.in(lang) }

// Terminal reports whether only a correction leads out of the state.
func (s ParcelState) Terminal() bool {
	switch s {
	case ParcelDelivered, ParcelReturned, ParcelCollected, ParcelWrittenOff, ParcelCancelled:
		return true
	}
	return false
}

// MayFollow reports whether to follows s without a remark (DEL-400).
func (s ParcelState) MayFollow(to ParcelState) bool { return slices.Contains(s.row().Next, to) }

// step is how far along the way out a state is. States beside the way count as
// beyond it, so that a late "on the way" does not undo them.
func (s ParcelState) step() int {
	switch s {
	case ParcelDrafted:
		return 0
	case ParcelSealed:
		return 1
	case ParcelHandedOver:
		return 2
	}
	return 3
}

// Fault says on whose side a failure lies. Only the applicant's side and force
// majeure may pause the promise (DEL-720).
type Fault string

// The sides of a failure.
const (
	FaultOurs      Fault = "ours"
	FaultApplicant Fault = "applicant"
	FaultCarrier   Fault = "carrier"
	FaultMajeure   Fault = "force_majeure"
)

// Known reports whether f is one of the four sides.
func (f Fault) Known() bool {
	return f == FaultOurs || f == FaultApplicant || f == FaultCarrier || f == FaultMajeure
}

// Outcome is how an attempt ended (DEL §4.2): to whom, or why not.
type Outcome string

// Outcomes of a hand-over: to which Receiver. The legal representative signs as
// the recipient.
const (
	ToRecipient Outcome = "recipient"
	ToAgent     Outcome = "named_agent"
	ToMailRoom  Outcome = "mail_room"
	ToProxy     Outcome = "proxy"
	ToLocker    Outcome = "locker"
	ToUnstated  Outcome = "unstated"
)

// Outcomes of a failure.
const (
	NotHome          Outcome = "not_home"
	NoAnswer         Outcome = "no_answer"
	PhoneWrong       Outcome = "phone_wrong"
	Refused          Outcome = "refused"
	AskedLater       Outcome = "asked_later"
	PersonAbsent     Outcome = "named_person_absent"
	IDMismatch       Outcome = "id_mismatch"
	CodeFailed       Outcome = "code_failed"
	AddressWrong     Outcome = "address_wrong"
	NoTime           Outcome = "no_time"
	ParcelMissing    Outcome = "parcel_missing"
	MisSorted        Outcome = "mis_sorted"
	AddressUnclear   Outcome = "address_unclear"
	VehicleTrouble   Outcome = "vehicle"
	ProofNotPossible Outcome = "proof_not_possible"
	CarrierCancelled Outcome = "carrier_cancelled"
	NoRider          Outcome = "no_rider"
	OutOfArea        Outcome = "out_of_area"
	CarrierDelayed   Outcome = "delayed"
	BadWeather       Outcome = "weather"
	TrafficClosure   Outcome = "traffic_closure"
	NoEntry          Outcome = "no_entry"
	OutcomeLost      Outcome = "lost"
	OutcomeDamaged   Outcome = "damaged"
	WrongReceiver    Outcome = "wrong_receiver"
	OtherOutcome     Outcome = "other"
)

// OutcomeRow is one line of the table of outcomes.
type OutcomeRow struct {
	Outcome Outcome
	Fault   Fault // default side (DEL-411); empty for a hand-over
	Action  bool  // somebody at the window has to act now
	word    bilingual
}

// Outcomes are the codes of DEL §4.2. The default side of the last group is
// ours: nothing there may pause the promise before a supervisor has looked.
var Outcomes = []OutcomeRow{
	{ToRecipient, "", false, bilingual{"本人签收", "the recipient"}},
	{ToAgent, "", false, bilingual{"经办人签收", "the named agent"}},
	{ToMailRoom, "", false, bilingual{"单位收发签收", "the company's mail room"}},
	{ToProxy, "", false, bilingual{"代收", "a proxy"}},
	{ToLocker, "", false, bilingual{"快递柜或驿站", "a locker or station"}},
	{ToUnstated, "", false, bilingual{"未说明签收人", "receiver not stated"}},

	{NotHome, FaultApplicant, false, bilingual{"无人在场", "nobody there"}},
	{NoAnswer, FaultApplicant, false, bilingual{"电话无人接听", "the phone is not answered"}},
	{PhoneWrong, FaultApplicant, true, bilingual{"电话号码有误", "wrong phone number"}},
	{Refused, FaultApplicant, true, bilingual{"拒收", "refused"}},
	{AskedLater, FaultApplicant, false, bilingual{"要求改时间", "asked for another time"}},
	{PersonAbsent, FaultApplicant, false, bilingual{"指定的人不在", "the named person is absent"}},
	{IDMismatch, FaultApplicant, true, bilingual{"证件核对不符", "the ID does not match"}},
	{CodeFailed, FaultApplicant, true, bilingual{"收货码核对未通过", "the code did not pass"}},
	{AddressWrong, FaultApplicant, true, bilingual{"地址有误", "wrong address"}},

	{NoTime, FaultOurs, true, bilingual{"来不及投递", "no time left"}},
	{ParcelMissing, FaultOurs, true, bilingual{"车上没有此件", "the parcel is not on board"}},
	{MisSorted, FaultOurs, true, bilingual{"分拣错误", "sorted wrongly"}},
	{AddressUnclear, FaultOurs, true, bilingual{"地址写得不清", "the address is unclear"}},
	{VehicleTrouble, FaultOurs, true, bilingual{"车辆故障", "trouble with the vehicle"}},
	{ProofNotPossible, FaultOurs, true, bilingual{"无法取得凭证", "no proof could be taken"}},

	{CarrierCancelled, FaultCarrier, true, bilingual{"承运方取消", "cancelled by the carrier"}},
	{NoRider, FaultCarrier, true, bilingual{"没有骑手接单", "no rider took it"}},
	{OutOfArea, FaultCarrier, true, bilingual{"超出派送范围", "outside the carrier's area"}},
	{CarrierDelayed, FaultCarrier, false, bilingual{"承运方延迟", "delayed by the carrier"}},

	{BadWeather, FaultMajeure, false, bilingual{"天气原因", "weather"}},
	{TrafficClosure, FaultMajeure, false, bilingual{"交通管制", "roads closed"}},
	{NoEntry, FaultMajeure, false, bilingual{"楼宇封闭，无法进入", "the building is closed"}},

	{OutcomeLost, FaultOurs, true, bilingual{"遗失", "lost"}},
	{OutcomeDamaged, FaultOurs, true, bilingual{"污损", "damaged"}},
	{WrongReceiver, FaultOurs, true, bilingual{"错投", "given to the wrong person"}},
	{OtherOutcome, FaultOurs, true, bilingual{"其他", "other"}},
}

func (o Outcome) row() OutcomeRow {
	for _, r := range Outcomes {
		if r.Outcome == o {
			return r
		}
	}
	return OutcomeRow{}
}

// Known reports whether o is one of the codes.
func (o Outcome) Known() bool { return o.row().Outcome != "" }

// Word says the outcome as people do.
func (o Outcome) Word(lang string) string { return o.row().word.in(lang) }

// HandOver reports whether o says to whom the parcel was given.
func (o Outcome) HandOver() bool { return o.Known() && o.row().Fault == "" }

// Fault is the default side of a failure (DEL-411). An unknown code counts as
// ours, which never pauses the promise.
func (o Outcome) Fault() Fault {
	r := o.row()
	if r.Outcome == "" {
		return FaultOurs
	}
	return r.Fault
}

// ActionRequired reports whether somebody has to act now.
func (o Outcome) ActionRequired() bool { return !o.Known() || o.row().Action }

// CheckFailure refuses a failure without what its code asks for (DEL-410): five
// characters for other; for refused a reason and a photo or a call note; for damaged a photo. It is
// for people who can still add it; an event that has happened is flagged
// instead (DEL-507). Refusals: outcome_unknown, outcome_text_missing,
// outcome_evidence_missing, harm_photo.
func CheckFailure(o Outcome, reason, callNote string, photos int) error {
	switch {
	case !o.Known() || o.HandOver():
		return fault.Refuse(fault.Invalid, "outcome_unknown",
			"请从列表中选择未能投递的原因", "choose from the list why it could not be delivered")
	case !outcomeTextEnough(o, reason):
		return fault.Refuse(fault.Invalid, "outcome_text_missing",
			"请写明“%[1]s”的具体情况（选“其他”时不少于 5 个字）", "say what happened for %[2]q (at least 5 characters for other)",
			o.Word("zh"), o.Word("en"))
	case o == OutcomeDamaged && photos == 0: // DEL-808
		return damagePhoto()
	case o == Refused && photos == 0 && strings.TrimSpace(callNote) == "":
		return fault.Refuse(fault.Invalid, "outcome_evidence_missing",
			"拒收请附一张照片，或填写通话记录", "for a refusal add a photo or a note of the call")
	}
	return nil
}

// callFirst are the outcomes before which the receiver is called: who is there needs
// no call, and what is our own fault no receiver can mend.
var callFirst = append([]Outcome{NoEntry, AddressWrong, AddressUnclear}, nobodyThere...)

// CheckCall refuses to end an attempt at the door without a call to the receiver, or
// the reason why nobody can telephone there (DEL-803). It is for whoever still stands
// there: what is reported later has happened. Refusal: call_missing.
func CheckCall(o Outcome, callNote string) error {
	if !slices.Contains(callFirst, o) || strings.TrimSpace(callNote) != "" {
		return nil
	}
	return fault.Refuse(fault.Invalid, "call_missing",
		"请先打一次收件人电话，写下几点打的、对方怎么说，如“10:20 拨打两次，无人接听”；这里不能打电话的，写明原因",
		"call the receiver first and write down when and what was said, such as “10:20, called twice, no answer”; where nobody can telephone, say why")
}

func outcomeTextEnough(o Outcome, reason string) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(reason))
	switch o {
	case OtherOutcome:
		return n >= 5
	case Refused:
		return n > 0
	}
	return true
}
