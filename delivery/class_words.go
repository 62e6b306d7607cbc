package delivery

// In gives the name of the class in the language asked for.
func (c Class) In(lang string) string { return classWords[c].in(lang) }

// In gives the kind of receiver in words.
func (r Receiver) In(lang string) string { return receiverWords[r].in(lang) }

// In gives the proof in words.
func (p Proof) In(lang string) string { return proofWords[p].in(lang) }

// In gives the way in words.
func (w Way) In(lang string) string { return wayWords[w].in(lang) }

var classWords = map[Class]bilingual{
	ClassCertificate: {"证照", "certificate"},
	ClassApproval:    {"批准文书", "approval"},
	ClassSeal:        {"印章", "seal"},
	ClassInvoice:     {"发票", "invoice"},
	ClassOriginal:    {"原件", "original"},
	ClassCopy:        {"复印件", "copy"},
	ClassVoucher:     {"收件凭据", "voucher"},
}

var receiverWords = map[Receiver]bilingual{
	ReceiverRecipient:  {"本人", "recipient"},
	ReceiverLegal:      {"法定代表人", "legal representative"},
	ReceiverNamedAgent: {"事先登记的经办人", "named agent"},
	ReceiverMailRoom:   {"单位收发室", "mail room"},
	ReceiverProxy:      {"代收人", "proxy"},
	ReceiverLocker:     {"快递柜或驿站", "locker or station"},
	ReceiverDepartment: {"部门登记的收件人", "the department's registered receiver"},
}

var proofWords = map[Proof]bilingual{
	ProofName:          {"收件人姓名", "receiver's name"},
	ProofCode:          {"收货码", "delivery code"},
	ProofID:            {"证件号后四位", "last four of the document"},
	ProofSignature:     {"签名", "signature"},
	ProofBagPhoto:      {"封袋完好照片", "photo of the intact sealed bag"},
	ProofReceiverPhoto: {"收件人手持封袋照片", "photo of the receiver with the sealed bag"},
	ProofTransfer:      {"双方移交确认", "transfer acknowledged by both sides"},
	ProofAtWindow:      {"窗口当面递交", "handed over at the window"},
}

var wayWords = map[Way]bilingual{
	WayOwnCourier: {"中心派送员", "own courier"},
	WayEMS:        {"邮政 EMS", "EMS"},
	WayFirm:       {"快递企业", "courier firm"},
	WayInstant:    {"即时配送", "instant delivery"},
	WayWindow:     {"窗口自取", "pick-up at the window"},
	WayElectronic: {"网上传输", "electronic delivery"},
}

// replacements are the way in which a department makes good what was lost
// (DEL-807).
var replacements = map[Class]bilingual{
	ClassCertificate: {"由出具部门补发，原证件公告作废", "issued again by its department; the old one is declared void"},
	ClassApproval:    {"由出具部门重新出具，注明补发", "issued again by its department, marked as a replacement"},
	ClassSeal:        {"先报公安机关并办理备案注销，再重新刻制", "report it to the police, have its filing voided, then make it anew"},
	ClassInvoice:     {"由开具方按规定作废或重开", "voided or issued again by whoever issued it"},
	ClassOriginal:    {"由保管部门登记遗失，用已存的电子件办理", "its keeper records the loss; the stored scan serves meanwhile"},
	ClassCopy:        {"向原件保管部门申请重新复印", "copied again from its keeper's original"},
	ClassVoucher:     {"由窗口补打，注明补打次数", "printed again at the window, marked as a copy"},
}

// Replacement says how what was lost of the class is made good.
func (c Class) Replacement(lang string) string { return replacements[c].in(lang) }
