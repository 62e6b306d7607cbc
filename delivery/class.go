package delivery

import (
	"bytes"
	_ "embed"
	"io"
	"slices"
	"strings"
	"time"

	"lianban/internal/fault"
)

// Class says what an Item is, and with it who may receive it and on which
// proof (DEL §2.1).
type Class string

// The seven classes. The first four go out to the applicant, the next two go
// round between window and departments, a voucher does either.
const (
	ClassCertificate Class = "certificate" // 证照
	ClassApproval    Class = "approval"    // 批准文书
	ClassSeal        Class = "seal"        // 印章
	ClassInvoice     Class = "invoice"     // 发票
	ClassOriginal    Class = "original"    // 原件
	ClassCopy        Class = "copy"        // 复印件
	ClassVoucher     Class = "voucher"     // 收件凭据
)

// Classes lists every Class in the order of screens.
var Classes = [...]Class{ClassCertificate, ClassApproval, ClassSeal, ClassInvoice, ClassOriginal, ClassCopy, ClassVoucher}

// Receiver is a kind of person or place that takes a parcel.
type Receiver string

// The kinds of receiver. The legal representative acts for the company (民法典
// art. 61) and so stands in the shipped table wherever the applicant does.
const (
	ReceiverRecipient  Receiver = "recipient"            // the applicant
	ReceiverLegal      Receiver = "legal_representative" // of the applicant's company
	ReceiverNamedAgent Receiver = "named_agent"          // named before dispatch
	ReceiverMailRoom   Receiver = "mail_room"            // of the applicant's company
	ReceiverProxy      Receiver = "proxy"                // 代收
	ReceiverLocker     Receiver = "locker"               // locker or station
	ReceiverDepartment Receiver = "department"           // registered receiver of a department
)

// Receivers lists every Receiver in the order of screens.
var Receivers = [...]Receiver{
	ReceiverRecipient, ReceiverLegal, ReceiverNamedAgent, ReceiverMailRoom, ReceiverProxy, ReceiverLocker, ReceiverDepartment,
}

// NeedsConsent reports whether taking a parcel so needs the recipient's recorded
// consent (DEL-205). That is the law and not a setting: 快递市场管理办法 art. 28.
func (r Receiver) NeedsConsent() bool {
	return r == ReceiverMailRoom || r == ReceiverProxy || r == ReceiverLocker
}

// Proof is one thing that shows that a parcel reached the right hands.
type Proof string

// The kinds of proof.
const (
	ProofName          Proof = "receiver_name"
	ProofCode          Proof = "code"           // 收货码
	ProofID            Proof = "id_last4"       // last four of the document, seen on the card
	ProofSignature     Proof = "signature"      // on the pad
	ProofBagPhoto      Proof = "bag_photo"      // the sealed bag, intact
	ProofReceiverPhoto Proof = "receiver_photo" // the receiver with the sealed bag (DEL-622)
	ProofTransfer      Proof = "transfer"       // both sides of a Transfer
	ProofAtWindow      Proof = "at_window"      // handed over at the window
)

// Proofs lists every Proof in the order in which they are taken.
var Proofs = [...]Proof{
	ProofName, ProofCode, ProofID, ProofSignature, ProofBagPhoto, ProofReceiverPhoto, ProofTransfer, ProofAtWindow,
}

// ProofSet is what has to be shown: all of any one of its alternatives.
type ProofSet [][]Proof

// MetBy reports whether what was shown is enough.
func (s ProofSet) MetBy(shown []Proof) bool { return len(s) > 0 && len(s.Missing(shown)) == 0 }

// Missing gives what is still lacking of the alternative that is nearest to
// being complete, the first of several.
func (s ProofSet) Missing(shown []Proof) []Proof {
	var least []Proof
	for i, alternative := range s {
		lacking := slices.DeleteFunc(slices.Clone(alternative), func(p Proof) bool { return slices.Contains(shown, p) })
		if i == 0 || len(lacking) < len(least) {
			least = lacking
		}
	}
	return least
}

// and gives the set that asks for both (DEL-201).
func (s ProofSet) and(t ProofSet) ProofSet {
	var both ProofSet
	for _, a := range s {
		for _, b := range t {
			both = append(both, proofsInOrder(slices.Concat(a, b)))
		}
	}
	return both.simple()
}

// simple leaves out what asks for more than another alternative does, and puts
// the shortest first.
func (s ProofSet) simple() ProofSet {
	slices.SortStableFunc(s, func(a, b []Proof) int { return len(a) - len(b) })
	var kept ProofSet
	for _, alternative := range s {
		if !kept.MetBy(alternative) {
			kept = append(kept, alternative)
		}
	}
	return kept
}

func proofsInOrder(proofs []Proof) []Proof {
	return slices.DeleteFunc(slices.Clone(Proofs[:]), func(p Proof) bool { return !slices.Contains(proofs, p) })
}

// WithoutDocument is the set for a receiver of whose document no number is on
// file: the code and a photo of the receiver holding the sealed bag stand in for
// the last four, and no document is ever photographed (DEL-622).
func (s ProofSet) WithoutDocument() ProofSet {
	var instead ProofSet
	for _, alternative := range s {
		if slices.Contains(alternative, ProofID) {
			rest := slices.DeleteFunc(slices.Clone(alternative), func(p Proof) bool { return p == ProofID })
			alternative = proofsInOrder(append(rest, ProofCode, ProofReceiverPhoto))
		}
		instead = append(instead, alternative)
	}
	return instead.simple()
}

// In says the set in words: 收件人姓名、收货码；或者收件人姓名、证件号后四位、签名.
func (s ProofSet) In(lang string) string {
	comma, or := bilingual{"、", ", "}.in(lang), bilingual{"；或者", "; or "}.in(lang)
	alternatives := make([]string, len(s))
	for i, alternative := range s {
		parts := make([]string, len(alternative))
		for j, p := range alternative {
			parts[j] = p.In(lang)
		}
		alternatives[i] = strings.Join(parts, comma)
	}
	return strings.Join(alternatives, or)
}

// Allowance is one kind of receiver and what it takes besides the proofs.
type Allowance struct {
	Receiver      Receiver `json:"receiver"`
	Consent       bool     `json:"consent,omitempty"`       // recorded consent of the recipient (DEL-205)
	Authorisation bool     `json:"authorisation,omitempty"` // 授权委托书, named before dispatch
}

// Content is what the rules need to know of one Item of a parcel.
type Content struct {
	Class Class
	Owner string // whose it is: the company's credit code, or the applicant of the case
}

// Demand is what a parcel asks for at the door.
type Demand struct {
	Version   int         `json:"version"` // of the proof sets
	Receivers []Allowance `json:"receivers"`
	Proofs    ProofSet    `json:"proofs"`
}

// Check refuses a receiver before the act. Refusals: receiver_not_allowed,
// receiver_consent_missing, receiver_unauthorised.
func (d Demand) Check(r Receiver, consent, authorisation bool) error {
	i := slices.IndexFunc(d.Receivers, func(a Allowance) bool { return a.Receiver == r })
	switch {
	case i < 0:
		return fault.Refuse(fault.Invalid, "receiver_not_allowed",
			"%[1]s不能签收这件邮件（快递市场管理办法第二十八条）：请交给%[2]s，或者改约、退回窗口",
			"this parcel cannot be handed to: %[3]s (快递市场管理办法 art. 28); hand it to: %[4]s, or agree another time or bring it back",
			r.In("zh"), d.receiversIn("zh"), r.In("en"), d.receiversIn("en"))
	case d.Receivers[i].Consent && !consent:
		return fault.Refuse(fault.Invalid, "receiver_consent_missing",
			"没有收件人同意由%[1]s收取的记录（快递市场管理办法第二十八条）：请先征得同意并登记，或者交给本人",
			"no consent to %[2]s is on record (快递市场管理办法 art. 28); obtain and record it first, or hand the parcel to the recipient",
			r.In("zh"), r.In("en"))
	case d.Receivers[i].Authorisation && !authorisation:
		return fault.Refuse(fault.Invalid, "receiver_unauthorised",
			"%[1]s须在寄出前登记并持授权委托书：请交给法定代表人，或者退回窗口",
			"%[2]s must be named before dispatch with a power of attorney; hand the parcel to the legal representative or bring it back",
			r.In("zh"), r.In("en"))
	}
	return nil
}

func (d Demand) receiversIn(lang string) string {
	names := make([]string, len(d.Receivers))
	for i, a := range d.Receivers {
		names[i] = a.Receiver.In(lang)
	}
	return strings.Join(names, bilingual{"、", ", "}.in(lang))
}

// ProofsOf gives what a receiver has to show. A proxy's name and last four are
// always taken, also with consent (DEL-206).
func (d Demand) ProofsOf(r Receiver) ProofSet {
	if r == ReceiverProxy {
		return d.Proofs.and(ProofSet{{ProofName, ProofID}})
	}
	return d.Proofs
}

// ProofRules say for each Class who may receive it and on which proof, in all
// versions (setting proof.sets).
type ProofRules struct{ table dated[Class, classRule] }

type classRule struct {
	receivers []Allowance
	proofs    ProofSet
}

//go:embed data/proof_sets.csv
var shippedProofRules []byte

// ShippedProofRules gives the table of DEL §2.1 that ships with the program.
func ShippedProofRules() (ProofRules, error) {
	return ReadProofRules(bytes.NewReader(shippedProofRules))
}

// ReadProofRules reads a file like data/proof_sets.csv. Refusals:
// dated_table_columns, dated_table_rows.
func ReadProofRules(file io.Reader) (ProofRules, error) {
	table, err := readDated(file, "class,receivers,proofs", parseClassRule)
	return ProofRules{table}, err
}

// Demand gives what a parcel with those contents asks for under the rules in
// force at an instant: the union of the proofs, the receivers that all have in
// common (DEL-201). Refusals: parcel_empty, class_unknown,
// parcel_owners_differ, parcel_no_receiver.
func (r ProofRules) Demand(contents []Content, at time.Time) (Demand, error) {
	if len(contents) == 0 {
		return Demand{}, fault.Refuse(fault.Invalid, "parcel_empty",
			"邮件里还没有物料：请先扫描要寄出的物料", "nothing is in the parcel; scan the items first")
	}
	if err := checkOwners(contents); err != nil {
		return Demand{}, err
	}
	rules := r.table.at(at)
	d := Demand{Version: rules.version}
	for i, c := range contents {
		rule, ok := rules.rows[c.Class]
		if !ok {
			return Demand{}, fault.Refuse(fault.Invalid, "class_unknown",
				"物料类别 %q 没有签收规定：请核对类别，或者在凭证规则中补上", "no rule says who may receive the class %q; correct the class or add it to the proof sets", c.Class)
		}
		if i == 0 {
			d.Receivers, d.Proofs = slices.Clone(rule.receivers), rule.proofs
			continue
		}
		d.Receivers, d.Proofs = commonReceivers(d.Receivers, rule.receivers), d.Proofs.and(rule.proofs)
	}
	if len(d.Receivers) == 0 {
		return Demand{}, fault.Refuse(fault.Invalid, "parcel_no_receiver",
			"这几类物料没有共同的收件人，不能装在一件里：请分开封装", "nobody may receive all of these together; split the parcel")
	}
	return d, nil
}

// commonReceivers gives who stands on both lists, with what either asks for.
func commonReceivers(a, b []Allowance) (common []Allowance) {
	for _, one := range a {
		i := slices.IndexFunc(b, func(other Allowance) bool { return other.Receiver == one.Receiver })
		if i < 0 {
			continue
		}
		one.Consent = one.Consent || b[i].Consent
		one.Authorisation = one.Authorisation || b[i].Authorisation
		common = append(common, one)
	}
	return common
}

// checkOwners keeps the seals and certificates of two owners apart (DEL-202).
// An owner who is not named may be anybody.
func checkOwners(contents []Content) error {
	apart := slices.DeleteFunc(slices.Clone(contents), func(c Content) bool {
		return c.Class != ClassSeal && c.Class != ClassCertificate
	})
	for i, c := range apart {
		if i > 0 && (c.Owner == "" || c.Owner != apart[0].Owner) {
			return fault.Refuse(fault.Invalid, "parcel_owners_differ",
				"两家的印章或证照不能装在一件里：请按企业分开封装", "seals or certificates of two owners never share a parcel; split it by owner")
		}
	}
	return nil
}

// parseClassRule reads class, receivers and proofs: "recipient
// named_agent:authorisation" and "receiver_name+code | receiver_name+signature".
func parseClassRule(cells []string) (Class, classRule, *rowProblem) {
	class := Class(cells[0])
	if !slices.Contains(Classes[:], class) {
		return "", classRule{}, wrongRow("没有类别 %q", "there is no class %q", class)
	}
	receivers, problem := parseAllowances(class, cells[1])
	if problem != nil {
		return "", classRule{}, problem
	}
	proofs, problem := parseProofSet(cells[2])
	return class, classRule{receivers, proofs}, problem
}

func parseAllowances(class Class, text string) (all []Allowance, problem *rowProblem) {
	for word := range strings.FieldsSeq(text) {
		name, need, asks := strings.Cut(word, ":")
		a := Allowance{Receiver: Receiver(name), Authorisation: need == "authorisation"}
		a.Consent = a.Receiver.NeedsConsent()
		same := func(other Allowance) bool { return other.Receiver == a.Receiver }
		switch {
		case !slices.Contains(Receivers[:], a.Receiver) || slices.ContainsFunc(all, same):
			return nil, wrongRow("收件人 %q 未知或重复", "the receiver %q is unknown or doubled", name)
		case asks && !a.Authorisation:
			return nil, wrongRow("收件人条件 %q 未知", "the condition %q on a receiver is unknown", need)
		case class == ClassSeal && a.Consent: // DEL §2.1: never
			return nil, wrongRow("印章不得由%[1]s收取", "a seal is never handed to: %[2]s", a.Receiver.In("zh"), a.Receiver.In("en"))
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, wrongRow("没有收件人", "no receiver")
	}
	return all, nil
}

func parseProofSet(text string) (ProofSet, *rowProblem) {
	var set ProofSet
	for part := range strings.SplitSeq(text, "|") {
		var alternative []Proof
		for word := range strings.SplitSeq(part, "+") {
			p := Proof(strings.TrimSpace(word))
			if !slices.Contains(Proofs[:], p) || slices.Contains(alternative, p) {
				return nil, wrongRow("凭证 %q 未知或重复", "the proof %q is unknown or doubled", p)
			}
			alternative = append(alternative, p)
		}
		set = append(set, proofsInOrder(alternative))
	}
	return set.simple(), nil
}
