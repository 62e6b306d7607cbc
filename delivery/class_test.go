package delivery

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

func shippedProofs(t testing.TB) ProofRules {
	t.Helper()
	r, err := ShippedProofRules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// when reads Shanghai time as worked examples write it.
func when(t testing.TB, text string) time.Time {
	t.Helper()
	layout := "2006-01-02 15:04"
	if len(text) > len(layout) {
		layout += ":05"
	}
	at, err := time.ParseInLocation(layout, text, workday.Shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// of makes contents of one owner.
func of(classes ...Class) (contents []Content) {
	for _, c := range classes {
		contents = append(contents, Content{c, "91431100MA4L0001XX"})
	}
	return contents
}

func demand(t *testing.T, classes ...Class) Demand {
	t.Helper()
	d, err := shippedProofs(t).Demand(of(classes...), when(t, "2026-11-24 10:20"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEachClassAsksForItsReceiversAndProofs(t *testing.T) { // DEL §2.1
	for class, want := range map[Class]struct{ receivers, proofs string }{
		ClassCertificate: {"recipient legal_representative named_agent proxy:consent", "receiver_name+code | receiver_name+id_last4+signature"},
		ClassApproval:    {"recipient legal_representative named_agent proxy:consent", "receiver_name+code | receiver_name+id_last4+signature"},
		ClassSeal:        {"legal_representative named_agent:authorisation", "code+id_last4+signature+bag_photo"},
		ClassInvoice:     {"recipient legal_representative named_agent mail_room:consent", "receiver_name+code | receiver_name+signature"},
		ClassOriginal:    {"department", "transfer"},
		ClassCopy:        {"department", "transfer"},
		ClassVoucher:     {"recipient legal_representative named_agent department", "transfer | at_window"},
	} {
		d := demand(t, class)
		if got := receiversText(d); got != want.receivers {
			t.Errorf("%s goes to %s, want %s", class, got, want.receivers)
		}
		if got := proofsText(d.Proofs); got != want.proofs {
			t.Errorf("%s asks for %s, want %s", class, got, want.proofs)
		}
		if d.Version != 1 {
			t.Errorf("%s: version %d of the proof sets, want 1", class, d.Version)
		}
	}
}

func receiversText(d Demand) string {
	var words []string
	for _, a := range d.Receivers {
		word := string(a.Receiver)
		if a.Consent {
			word += ":consent"
		}
		if a.Authorisation {
			word += ":authorisation"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func proofsText(s ProofSet) string {
	var alternatives []string
	for _, a := range s {
		var words []string
		for _, p := range a {
			words = append(words, string(p))
		}
		alternatives = append(alternatives, strings.Join(words, "+"))
	}
	return strings.Join(alternatives, " | ")
}

func TestParcelUnitesProofsAndIntersectsReceivers(t *testing.T) { // DEL-201
	for _, tt := range []struct {
		classes           []Class
		receivers, proofs string
	}{
		{
			[]Class{ClassCertificate, ClassSeal}, "legal_representative named_agent:authorisation",
			"receiver_name+code+id_last4+signature+bag_photo",
		},
		{
			[]Class{ClassCertificate, ClassInvoice}, "recipient legal_representative named_agent",
			"receiver_name+code | receiver_name+id_last4+signature",
		},
		{
			[]Class{ClassCertificate, ClassApproval, ClassCertificate}, "recipient legal_representative named_agent proxy:consent",
			"receiver_name+code | receiver_name+id_last4+signature",
		},
		{[]Class{ClassCopy, ClassVoucher}, "department", "transfer"},
	} {
		d := demand(t, tt.classes...)
		if receiversText(d) != tt.receivers || proofsText(d.Proofs) != tt.proofs {
			t.Errorf("%v goes to %s on %s\nwant %s on %s", tt.classes, receiversText(d), proofsText(d.Proofs), tt.receivers, tt.proofs)
		}
	}
}

func TestParcelThatNobodyMayReceiveIsToBeSplit(t *testing.T) { // DEL-201: parcel_no_receiver
	rules, at := shippedProofs(t), when(t, "2026-11-24 10:20")
	for _, classes := range [][]Class{{ClassCertificate, ClassOriginal}, {ClassSeal, ClassCopy}} {
		_, err := rules.Demand(of(classes...), at)
		refusal, ok := fault.From(err)
		if !ok || refusal.Code != "parcel_no_receiver" || !strings.Contains(refusal.In("zh"), "分开封装") || !strings.Contains(refusal.In("en"), "split") {
			t.Errorf("%v: %v, want parcel_no_receiver that says to split", classes, err)
		}
	}
	if _, err := rules.Demand(nil, at); !fault.Is(err, "parcel_empty") {
		t.Errorf("empty parcel: %v", err)
	}
	if _, err := rules.Demand(of("gold"), at); !fault.Is(err, "class_unknown") {
		t.Errorf("unknown class: %v", err)
	}
	if _, err := rules.Demand(of(ClassSeal), when(t, "2023-12-31 23:59")); !fault.Is(err, "class_unknown") {
		t.Errorf("before the first version: %v", err)
	}
}

func TestSealsAndCertificatesOfTwoCompaniesNeverShareAParcel(t *testing.T) { // DEL-202
	rules, at := shippedProofs(t), when(t, "2026-11-24 10:20")
	for _, tt := range []struct {
		contents []Content
		refused  bool
	}{
		{[]Content{{ClassSeal, "A"}, {ClassSeal, "A"}}, false},
		{[]Content{{ClassSeal, "A"}, {ClassSeal, "B"}}, true},
		{[]Content{{ClassCertificate, "A"}, {ClassInvoice, "A"}, {ClassSeal, "B"}}, true},
		{[]Content{{ClassCertificate, "A"}, {ClassInvoice, "B"}}, false}, // an invoice harms nobody
		{[]Content{{ClassCertificate, ""}}, false},
		{[]Content{{ClassCertificate, ""}, {ClassCertificate, ""}}, true}, // may be anybody's
	} {
		if _, err := rules.Demand(tt.contents, at); fault.Is(err, "parcel_owners_differ") != tt.refused {
			t.Errorf("%v: %v, want refused %v", tt.contents, err, tt.refused)
		}
	}
}

func TestReceiverIsRefusedBeforeTheAct(t *testing.T) { // DEL-205
	for _, tt := range []struct {
		class                  Class
		receiver               Receiver
		consent, authorisation bool
		code                   string
	}{
		{ClassCertificate, ReceiverRecipient, false, false, ""},
		{ClassCertificate, ReceiverProxy, false, false, "receiver_consent_missing"},
		{ClassCertificate, ReceiverProxy, true, false, ""},
		{ClassCertificate, ReceiverLocker, true, true, "receiver_not_allowed"},
		{ClassSeal, ReceiverRecipient, true, true, "receiver_not_allowed"}, // a company's own person only
		{ClassSeal, ReceiverProxy, true, true, "receiver_not_allowed"},
		{ClassSeal, ReceiverLocker, true, true, "receiver_not_allowed"},
		{ClassSeal, ReceiverMailRoom, true, true, "receiver_not_allowed"},
		{ClassSeal, ReceiverNamedAgent, true, false, "receiver_unauthorised"},
		{ClassSeal, ReceiverNamedAgent, false, true, ""},
		{ClassSeal, ReceiverLegal, false, false, ""},
		{ClassInvoice, ReceiverMailRoom, false, false, "receiver_consent_missing"},
		{ClassInvoice, ReceiverMailRoom, true, false, ""},
		{ClassOriginal, ReceiverDepartment, false, false, ""},
	} {
		err := demand(t, tt.class).Check(tt.receiver, tt.consent, tt.authorisation)
		refusal, refused := fault.From(err)
		if refused != (tt.code != "") || refused && refusal.Code != tt.code {
			t.Errorf("%s to %s: %v, want %q", tt.class, tt.receiver, err, tt.code)
		}
		if refused && (strings.Contains(refusal.In("zh")+refusal.In("en"), "%!") ||
			tt.code != "receiver_unauthorised" && !strings.Contains(refusal.In("zh"), "第二十八条")) {
			t.Errorf("%s to %s is refused with %s / %s", tt.class, tt.receiver, refusal.In("zh"), refusal.In("en"))
		}
	}
}

func TestProxyAlwaysGivesNameAndLastFour(t *testing.T) { // DEL-206
	d := demand(t, ClassCertificate)
	if got, want := proofsText(d.ProofsOf(ReceiverProxy)), "receiver_name+code+id_last4 | receiver_name+id_last4+signature"; got != want {
		t.Errorf("a proxy shows %s, want %s", got, want)
	}
	if got := d.ProofsOf(ReceiverRecipient); !reflect.DeepEqual(got, d.Proofs) {
		t.Errorf("the recipient shows %s", proofsText(got))
	}
}

func TestCodeAndPhotoStandInForADocumentNotOnFile(t *testing.T) { // DEL-622
	for class, want := range map[Class]string{
		ClassSeal:        "code+signature+bag_photo+receiver_photo",
		ClassCertificate: "receiver_name+code",
		ClassInvoice:     "receiver_name+code | receiver_name+signature",
	} {
		if got := proofsText(demand(t, class).Proofs.WithoutDocument()); got != want {
			t.Errorf("%s without a document asks for %s, want %s", class, got, want)
		}
	}
}

func TestMissingProofsAreThoseOfTheNearestAlternative(t *testing.T) { // DEL-602
	s := demand(t, ClassCertificate).Proofs
	for _, tt := range []struct {
		shown   []Proof
		missing []Proof
	}{
		{nil, []Proof{ProofName, ProofCode}},
		{[]Proof{ProofName}, []Proof{ProofCode}},
		{[]Proof{ProofID, ProofSignature}, []Proof{ProofName}},
		{[]Proof{ProofName, ProofSignature}, []Proof{ProofCode}},
		{[]Proof{ProofName, ProofCode}, nil},
		{[]Proof{ProofSignature, ProofBagPhoto, ProofID, ProofName}, nil},
	} {
		if got := s.Missing(tt.shown); !slices.Equal(got, tt.missing) || s.MetBy(tt.shown) != (tt.missing == nil) {
			t.Errorf("with %v %v is missing, want %v", tt.shown, got, tt.missing)
		}
	}
	if (ProofSet{}).MetBy(Proofs[:]) {
		t.Error("a set without alternatives was met")
	}
	if got, want := s.In("zh"), "收件人姓名、收货码；或者收件人姓名、证件号后四位、签名"; got != want {
		t.Errorf("in words %s, want %s", got, want)
	}
}

// A parcel is proven exactly when each of its items would be, and everyone who
// may receive it may receive each of them.
func TestParcelIsProvenWhenEachItemIs(t *testing.T) { // DEL-201
	rules, at := shippedProofs(t), when(t, "2026-11-24 10:20")
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.SliceOfN(rapid.SampledFrom(Classes[:]), 1, 5).Draw(t, "classes")
		shown := rapid.SliceOf(rapid.SampledFrom(Proofs[:])).Draw(t, "shown")
		receiver := rapid.SampledFrom(Receivers[:]).Draw(t, "receiver")
		parcel, err := rules.Demand(of(classes...), at)
		each, allowed := true, true
		for _, c := range classes {
			one, err := rules.Demand(of(c), at)
			if err != nil {
				t.Fatal(err)
			}
			each = each && one.Proofs.MetBy(shown)
			allowed = allowed && one.Check(receiver, true, true) == nil
		}
		if err != nil {
			if allowed || !fault.Is(err, "parcel_no_receiver") {
				t.Fatalf("%v refused with %v, yet %s may receive each", classes, err, receiver)
			}
			return
		}
		if parcel.Proofs.MetBy(shown) != each || (parcel.Check(receiver, true, true) == nil) != allowed {
			t.Fatalf("%v to %s with %v: proven %v, each %v", classes, receiver, shown, parcel.Proofs.MetBy(shown), each)
		}
	})
}

func TestProofSetsInForceAreThoseOfTheDay(t *testing.T) {
	rules, err := ReadProofRules(strings.NewReader(`version,effective_from,class,receivers,proofs
1,2026-01-01,seal,legal_representative,code
3,2026-06-01,seal,legal_representative,code+signature
`))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]int{"2026-01-01 00:00": 1, "2026-05-31 23:59": 1, "2026-06-01 00:00": 3} {
		if d, err := rules.Demand(of(ClassSeal), when(t, at)); err != nil || d.Version != want {
			t.Errorf("%s: version %d (%v), want %d", at, d.Version, err, want)
		}
	}
}

func TestProofSetsWithABadRowAreRefusedByLine(t *testing.T) { // dated_table_rows, dated_table_columns
	const head = "version,effective_from,class,receivers,proofs\n"
	const good = "1,2026-01-01,seal,legal_representative,code\n"
	for _, tt := range []struct{ file, line, says string }{
		{head + good + "1,2026-01-01,gold,recipient,code\n", "line 3", "gold"},
		{head + good + good, "line 3", "重复"},
		{head + good + "1,2026-02-01,copy,department,transfer\n", "line 3", "一同递增"},
		{head + good + "2,2026-01-01,copy,department,transfer\n", "line 3", "一同递增"},
		{head + good + "0,2026-02-01,copy,department,transfer\n", "line 3", "正整数"},
		{head + good + "2,2026-2-1,copy,department,transfer\n", "line 3", "生效日期"},
		{head + "1,2026-01-01,copy,department\n", "line 2", "CSV"},
		{head + "1,2026-01-01,copy,nobody,transfer\n", "line 2", "nobody"},
		{head + "1,2026-01-01,copy,department department,transfer\n", "line 2", "重复"},
		{head + "1,2026-01-01,copy,department:please,transfer\n", "line 2", "please"},
		{head + "1,2026-01-01,copy,,transfer\n", "line 2", "没有收件人"},
		{head + "1,2026-01-01,copy,department,\n", "line 2", "凭证"},
		{head + "1,2026-01-01,copy,department,transfer+transfer\n", "line 2", "凭证"},
		{head + "1,2026-01-01,seal,legal_representative proxy,code\n", "line 2", "印章不得由代收人收取"}, // DEL §2.1: never
	} {
		_, err := ReadProofRules(strings.NewReader(tt.file))
		refusal, ok := fault.From(err)
		if !ok || refusal.Code != "dated_table_rows" || len(refusal.Fields) != 1 {
			t.Errorf("%q: %v, want dated_table_rows", tt.file, err)
			continue
		}
		if f := refusal.Fields[0]; f.Name != tt.line || !strings.Contains(f.Text, tt.says) || strings.Contains(f.Text, "%!") {
			t.Errorf("%q: refused at %s with %s, want %s, %s", tt.file, f.Name, f.Text, tt.line, tt.says)
		}
	}
	for _, file := range []string{"", "class,receivers,proofs\n", "version;effective_from\n"} {
		if _, err := ReadProofRules(strings.NewReader(file)); !fault.Is(err, "dated_table_columns") {
			t.Errorf("%q: %v, want dated_table_columns", file, err)
		}
	}
	if _, err := ReadProofRules(strings.NewReader(head)); !fault.Is(err, "dated_table_rows") {
		t.Errorf("no rows: %v", err)
	}
}

func TestEveryClassReceiverProofAndWayHasWords(t *testing.T) {
	check := func(name string, in func(string) string) {
		if in("zh") == "" || in("en") == "" || in("zh") == in("en") {
			t.Errorf("%s has no words", name)
		}
	}
	for _, v := range Classes {
		check(string(v), v.In)
	}
	for _, v := range Receivers {
		check(string(v), v.In)
	}
	for _, v := range Proofs {
		check(string(v), v.In)
	}
	for _, v := range Ways {
		check(string(v), v.In)
	}
}

func FuzzReadProofRules(f *testing.F) {
	f.Add(string(shippedProofRules))
	f.Fuzz(func(t *testing.T, file string) {
		if _, err := ReadProofRules(strings.NewReader(file)); err != nil {
			if _, ok := fault.From(err); !ok {
				t.Errorf("%q: %v is no refusal", file, err)
			}
		}
	})
}
