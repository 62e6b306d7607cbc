package delivery

// ExceptionCode names what somebody has to look at. An exception is a record on
// the Parcel and never a state (DEL-400).
type ExceptionCode string

// Exceptions that the fold finds. They follow from the set of events, so one
// may go away again when a late event explains it.
const (
	ExceptionGap             ExceptionCode = "inferred_gap"             // a predecessor is missing (DEL-523)
	ExceptionStepBack        ExceptionCode = "step_back"                // an earlier stage reported later; the state stays
	ExceptionConflict        ExceptionCode = "conflict"                 // contradicts a delivery or an end (DEL-524, 525)
	ExceptionProof           ExceptionCode = "proof_incomplete"         // handed over, not verified (DEL-602)
	ExceptionOutcome         ExceptionCode = "outcome_unknown"          // a failure with a code nobody knows
	ExceptionOutcomeText     ExceptionCode = "outcome_text_missing"     // DEL-410
	ExceptionOutcomeEvidence ExceptionCode = "outcome_evidence_missing" // DEL-410
)

// Exceptions that are found when an event comes in and stay with it.
const (
	ExceptionSeqReused          ExceptionCode = "seq_reused" // DEL-505
	ExceptionReassigned         ExceptionCode = "reassigned" // DEL-508
	ExceptionBeforeParcel       ExceptionCode = "before_parcel"
	ExceptionTime               ExceptionCode = "time_in_doubt"           // grade C
	ExceptionReceiver           ExceptionCode = "receiver_not_allowed"    // DEL-205
	ExceptionNotReceived        ExceptionCode = "not_received"            // as the applicant says (DEL-1205)
	ExceptionCarrierCode        ExceptionCode = "carrier_code_unknown"    // DEL-420
	ExceptionCarrierTime        ExceptionCode = "carrier_time_unreadable" // the time of receipt counts
	ExceptionCarrierTrouble     ExceptionCode = "carrier_trouble"         // 疑难, 派件异常
	ExceptionCarrierCancelled   ExceptionCode = "carrier_cancelled"
	ExceptionCarrierPickup      ExceptionCode = "carrier_pickup_failed"
	ExceptionCarrierAfter       ExceptionCode = "carrier_after_trouble" // signed for after an exception
	ExceptionCarrierForwarded   ExceptionCode = "carrier_forwarded"
	ExceptionCarrierNotSameCity ExceptionCode = "carrier_not_same_city" // customs
	ExceptionCarrierReturned    ExceptionCode = "carrier_says_returned" // without our scan (DEL-425)
	ExceptionCarrierStopped     ExceptionCode = "carrier_stopped"       // tracking ended without an end
)

var exceptionWords = map[ExceptionCode]bilingual{
	ExceptionGap:             {"缺少前一步记录", "an earlier step is not recorded"},
	ExceptionStepBack:        {"后到的记录称邮件在更早的环节，状态未改", "a later record speaks of an earlier stage; the state stays"},
	ExceptionConflict:        {"与已有的妥投或办结记录冲突，请核对后更正", "contradicts a delivery or an end on record; compare and correct"},
	ExceptionProof:           {"妥投凭证不全或未核验", "proof of delivery incomplete or not verified"},
	ExceptionOutcome:         {"未能投递的原因代码无法识别", "unknown code for a failed attempt"},
	ExceptionOutcomeText:     {"未写明具体情况，请补充", "what happened was not written down; add it"},
	ExceptionOutcomeEvidence: {"拒收缺少照片或通话记录，或污损缺少照片，请补充", "a refusal without photo or call note, or damage without photo; add one"},

	ExceptionSeqReused:          {"手机记录序号重复", "the device used a sequence number twice"},
	ExceptionReassigned:         {"邮件改派后原派送员上传的记录", "recorded by a courier who no longer has the parcel"},
	ExceptionBeforeParcel:       {"记录时间早于邮件封装", "older than the parcel itself"},
	ExceptionTime:               {"记录时间存疑，暂按接收时间计", "the device's time is in doubt; the time of receipt counts for now"},
	ExceptionReceiver:           {"签收人不在允许范围内，请电话核实", "the receiver is not one of those allowed; telephone to verify"},
	ExceptionNotReceived:        {"申请人反映没有收到，请联系核实", "the applicant says that it did not arrive; call and verify"},
	ExceptionCarrierCode:        {"承运方状态代码未收录，原文已留存，状态未改", "the carrier's code is not known; its text is kept, the state stays"},
	ExceptionCarrierTime:        {"承运方时间无法识别，按接收时间计", "the carrier's time cannot be read; the time of receipt counts"},
	ExceptionCarrierTrouble:     {"承运方报告派送异常，请联系承运方", "the carrier reports trouble; get in touch with it"},
	ExceptionCarrierCancelled:   {"承运方已取消订单，请另行安排", "the carrier cancelled the order; arrange another way"},
	ExceptionCarrierPickup:      {"承运方取件失败，邮件仍在窗口", "the carrier did not collect; the parcel is still at the window"},
	ExceptionCarrierAfter:       {"异常后签收，请电话核实", "signed for after trouble; telephone to verify"},
	ExceptionCarrierForwarded:   {"承运方已转投其他网点或公司，请核对运单", "forwarded by the carrier; check the waybill"},
	ExceptionCarrierNotSameCity: {"承运方报告清关，不像同城件，请核对运单", "the carrier speaks of customs; check that the waybill is the right one"},
	ExceptionCarrierReturned:    {"承运方称已退回，窗口尚未扫描签入", "returned as the carrier says, not yet scanned in by the window"},
	ExceptionCarrierStopped:     {"承运方停止跟踪，请核对单号后重新查询", "the carrier stopped tracking; check the number and ask again"},
}

// Known reports whether c is one of the codes.
func (c ExceptionCode) Known() bool { _, ok := exceptionWords[c]; return ok }

// Word says the exception as the work-list does.
func (c ExceptionCode) Word(lang string) string { return exceptionWords[c].in(lang) }

// Exception is one thing to look at, keyed by code and event.
type Exception struct {
	Code    ExceptionCode
	EventID string
	Against string // of a conflict: the event it contradicts
}
