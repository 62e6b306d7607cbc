package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/uptrace/bun"

	"lianban/api/web"
	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/office"
	"lianban/notify"
)

// wordsOfType says which words the values of a type need, by package folder.
var wordsOfType = map[string]map[string][]string{
	"../inspection": {
		"TaskKind": {"task"}, "HoldReason": {"hold", "hold_do"}, "VisitState": {"visit_state"}, "CaseState": {"case_state"},
		"Consent": {"consent"}, "Attendance": {"attendance"}, "OpinionState": {"opinion"}, "OpinionKind": {"opinion_kind"},
		"ReplyKind": {"reply_kind"}, "ReplyOutcome": {"reply_outcome", "reply_says"}, "VisitKind": {"visit_kind", "joint_kind"},
		"DeemedReason": {"deemed_reason"}, "ResourceKind": {"resource"}, "DocumentKind": {"document"},
		"Verify": {"verify", "verify_by"}, "ItemState": {"item_state"}, "GivenHow": {"given_how", "record_how"}, "AddGround": {"add_ground"}, "BreachState": {"breach_state"}, "ExtensionOutcome": {"extension_outcome"}, "DangerState": {"danger_state"}, "PairKind": {"pair_kind"}, "Keep": {"keep"}, "PairState": {"pair_state"}, "BreachChannel": {"breach_channel"}, "PhotoAnswer": {"photo_answer"},
	},
	"../scheduler/slot": {"Code": {"why"}, "Kind": {"alternative"}},
	"../internal/auth":  {"Role": {"role"}},
	"../notify":         {"Result": {"attempt"}},
	"../delivery": {
		"EventType": {"parcel_event"}, "Verdict": {"step_verdict"}, "Fault": {"fault"}, "PromiseColour": {"parcel_colour"},
		"LineState": {"line_state"}, "TransferState": {"transfer_state"}, "Finding": {"finding_of"}, "BagState": {"bag_state"}, "LoanState": {"loan_state"}, "KeeperKind": {"keeper"}, "CustodyKind": {"custody"},
		"PaperKind": {"paper"}, "ScanLevel": {"scan_level"}, "TableStatus": {"table_status"}, "RunState": {"run_state"}, "Fate": {"run_fate"}, "EntryKind": {"run_kind"},
		"DamageState": {"damage_state"}, "ExtraAnswer": {"extra_answer"}, "FileState": {"file_state"}, "ElectronicMethod": {"electronic_method"},
	},
}

// A state that is added to a domain needs its words, in both languages.
func TestEveryStateHasItsWords(t *testing.T) {
	set, err := web.New()
	if err != nil {
		t.Fatal(err)
	}
	want := func(kind, value string) {
		if !set.Has(kind + "." + value) {
			t.Errorf("no words for %s.%s", kind, value)
		}
	}
	for folder, types := range wordsOfType {
		found := 0
		for name, values := range constants(t, folder) {
			for _, kind := range types[name] {
				for _, value := range values {
					found++
					want(kind, value)
				}
			}
		}
		if found < len(types) {
			t.Errorf("%s: %d values of %d types; were they renamed?", folder, found, len(types))
		}
	}
	for _, act := range []string{"Cancel", "NotHeld"} {
		for _, code := range inspection.EndReasons(act) {
			want("end_reason", code)
		}
	}
	for _, reason := range delivery.PartialReasons() {
		want("partial", reason)
	}
	for _, state := range []string{
		notify.Pending, notify.Attempting, notify.Unknown, notify.Accepted, notify.Delivered, notify.Undelivered,
		notify.Failed, notify.Dead, notify.Expired, notify.Cancelled, notify.Dropped,
	} {
		want("message_state", state)
	}
	for _, purpose := range []string{
		notify.PurposeNotice, notify.PurposeReminder, notify.PurposeMorning, notify.PurposeCancel, notify.PurposeConfirmed,
		notify.PurposeDeemed, notify.PurposeReceipt, notify.PurposeApplicant, notify.PurposeTermOver, notify.PurposePhoto,
		notify.PurposeCode, notify.PurposeDelivered, notify.PurposeAttempt, notify.PurposePaused, notify.PurposeResumed, notify.PurposeOwed, notify.PurposeBack, notify.PurposeHarm, notify.PurposeGone, notify.PurposeAlert, notify.PurposeFile,
	} {
		want("purpose", purpose)
	}
	s := newWorld(t)
	s.must(s.Read(t.Context(), func(q bun.IDB) error {
		lines, err := office.ListSettings(t.Context(), q, s.Now(), office.Scope{})
		for _, l := range lines {
			want("setting", l.Key)
		}
		return err
	}))
}

// constants gives the text constants of a package by their type.
func constants(t *testing.T, folder string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	names, err := filepath.Glob(folder + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			block, ok := d.(*ast.GenDecl)
			if !ok || block.Tok != token.CONST {
				continue
			}
			for _, spec := range block.Specs {
				addConstant(out, spec.(*ast.ValueSpec))
			}
		}
	}
	return out
}

func addConstant(out map[string][]string, spec *ast.ValueSpec) {
	kind, ok := spec.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, value := range spec.Values {
		if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, _ := strconv.Unquote(lit.Value)
			out[kind.Name] = append(out[kind.Name], text)
		}
	}
}
