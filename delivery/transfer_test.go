package delivery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/once"
)

// DEL-301, DEL-910, DEL-307: a department hands over everything at once, the
// window signs, and only then the line is received.
func TestResultsPassIntoTheWindowsKeepingByItsSignatureOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.newSet("amr", "fire")
		l := w.line(s.CaseID, "amr")
		seal := NewItem{Class: "seal", Title: "公章", Seal: SealFacts{Kind: "公章", Code: "4311030012345", Filing: "冷公备〔2026〕18号", Bag: "MF000871"}}
		tr := w.handOver(l, certificate("营业执照正本"), seal)
		if held := w.sound(); held[AtDepartment] != 2 || held[AtWindow] != 0 {
			t.Errorf("before the signature: %v", held)
		}
		if got := w.line(s.CaseID, "amr"); got.State != LineExpected || got.DecidedOn != "" {
			t.Errorf("line before the signature: %+v", got)
		}
		w.at = w.at.Add(time.Hour)
		got := w.receiveAll(tr)
		if got.State != Accepted || got.EndedName != w.clerk.Name {
			t.Errorf("transfer: %+v", got.Transfer)
		}
		if held := w.sound(); held[AtWindow] != 2 {
			t.Errorf("after the signature: %v", held)
		}
		if got := w.line(s.CaseID, "amr"); got.State != LineReceived || !got.ReceivedAt.Equal(w.at) || got.DecidedOn != "2026-11-23" {
			t.Errorf("line after the signature: %+v", got)
		}
		if got := w.leaves(s.CaseID); got != "results_expected transfer_released transfer_accepted" {
			t.Errorf("recorded: %s", got)
		}
	})
}

// DEL-912: what is released today is signed by noon of the next working day.
func TestTransferIsDueByNoonOfTheNextWorkingDay(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	w.at = time.Date(2026, 11, 27, 8, 59, 0, 0, time.UTC) // Friday 16:59
	s := w.newSet("amr")
	tr := w.handOver(s.Lines[0], certificate("许可证"))
	if want := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC); !tr.DueAt.Equal(want) {
		t.Errorf("due %v, want Monday noon", tr.DueAt)
	}
	if tr.Overdue(tr.DueAt) || !tr.Overdue(tr.DueAt.Add(time.Millisecond)) {
		t.Error("a transfer is overdue from its limit on, not before")
	}
}

// DEL-914, DEL-910: a second answer, an answer of the wrong side and one without
// release are refused, and nothing is lost.
func TestTransferIsAnsweredOnceAndByTheOtherSide(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr", "fire")
		tr := w.handOver(w.line(s.CaseID, "amr"), certificate("许可证"))
		_, err := w.Accept(ctx, w.inspector("amr"), AcceptRequest{TransferID: tr.ID, Count: 1})
		w.refused(err, "not_receiving_window")
		_, err = w.Accept(ctx, w.inspector("fire"), AcceptRequest{TransferID: tr.ID, Count: 1})
		w.refused(err, "not_found")
		_, err = w.Accept(ctx, w.elsewhere(), AcceptRequest{TransferID: tr.ID, Count: 1})
		w.refused(err, "not_found")
		_, err = w.Accept(ctx, w.clerk, AcceptRequest{TransferID: "none", Count: 1})
		w.refused(err, "not_found")
		_, err = w.Release(ctx, w.inspector("amr"), ReleaseRequest{LineID: tr.LineID, DecidedOn: "2026-11-23", New: []NewItem{certificate("副本")}})
		w.refused(err, "transfer_open")
		w.receiveAll(tr)
		_, err = w.Accept(ctx, w.clerk, AcceptRequest{TransferID: tr.ID, Count: 1})
		w.refused(err, "transfer_over")
		_, err = w.Refuse(ctx, w.clerk, tr.ID, "重复")
		w.refused(err, "transfer_over")
		_, err = w.Release(ctx, w.inspector("amr"), ReleaseRequest{LineID: tr.LineID, DecidedOn: "2026-11-23", New: []NewItem{certificate("副本")}})
		w.refused(err, "line_settled")

		back := w.handOver(w.line(s.CaseID, "fire"), certificate("合格证"))
		_, err = w.Refuse(ctx, w.clerk, back.ID, "公章不清晰，请重新盖章")
		w.must(err)
		_, err = w.Accept(ctx, w.clerk, AcceptRequest{TransferID: back.ID, Count: 1})
		w.refused(err, "transfer_over")
		if held := w.sound(); held[AtWindow] != 1 || held[AtDepartment] != 1 {
			t.Errorf("held: %v", held)
		}
	})
}

// DEL-910: for what is missing or damaged the department goes on answering, and
// it hands the same thing over again.
func TestWhatIsMissingStaysWithTheDepartment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr")
		l := s.Lines[0]
		tr := w.handOver(l, certificate("正本"), certificate("副本"))
		gone := tr.Items[1].ItemID
		found := []Found{{ItemID: gone, Outcome: FoundMissing, Note: "袋内只有正本"}}
		_, err := w.Accept(ctx, w.clerk, AcceptRequest{TransferID: tr.ID, Count: 2, Found: found})
		w.refused(err, "count_differs")
		_, err = w.Accept(ctx, w.clerk, AcceptRequest{TransferID: tr.ID, Count: 1, Found: []Found{{ItemID: gone, Outcome: FoundMissing}}})
		w.refused(err, "reason_missing")
		_, err = w.Accept(ctx, w.clerk, AcceptRequest{TransferID: tr.ID, Count: 1, Found: []Found{{ItemID: "x", Outcome: FoundMissing, Note: "x"}}})
		w.refused(err, "outcome_invalid")
		got, err := w.Accept(ctx, w.clerk, AcceptRequest{TransferID: tr.ID, Count: 1, Found: found})
		w.must(err)
		if got.State != AcceptedPartial {
			t.Errorf("state %s", got.State)
		}
		if l := w.line(s.CaseID, "amr"); l.State != LineExpected || l.DecidedOn != "2026-11-23" {
			t.Errorf("line: %+v", l)
		}
		if held := w.sound(); held[AtWindow] != 1 || held[AtDepartment] != 1 {
			t.Errorf("held: %v", held)
		}
		_, err = w.Release(ctx, w.inspector("amr"), ReleaseRequest{LineID: l.ID, DecidedOn: "2026-11-23", Again: []string{tr.Items[0].ItemID}})
		w.refused(err, "item_elsewhere")
		again, err := w.Release(ctx, w.inspector("amr"), ReleaseRequest{LineID: l.ID, DecidedOn: "2026-11-24", Again: []string{gone}})
		w.must(err)
		w.receiveAll(again)
		if l := w.line(s.CaseID, "amr"); l.State != LineReceived || l.DecidedOn != "2026-11-23" {
			t.Errorf("line at the end: %+v", l)
		}
		w.sound()
		i, err := w.FindItem(ctx, w.auditor, gone)
		w.must(err)
		var steps []CustodyKind
		for _, s := range i.History {
			steps = append(steps, s.Kind)
		}
		if want := []CustodyKind{CustodyRegistered, CustodyReleased, CustodyMissing, CustodyReleased, CustodyAccepted}; !slices.Equal(steps, want) {
			t.Errorf("history %v", steps)
		}
	})
}

// DEL-301: less than all needs a reason, and does not settle the line.
func TestPartialHandOverNeedsAReasonAndLeavesTheLineOpen(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t)), t.Context()
	s := w.newSet("amr")
	r := ReleaseRequest{LineID: s.Lines[0].ID, DecidedOn: "2026-11-24", New: []NewItem{certificate("决定书")}, PartialWhy: "other"}
	_, err := w.Release(ctx, w.inspector("amr"), r)
	w.refused(err, "partial_reason")
	r.PartialNote = "公章明日刻好"
	tr, err := w.Release(ctx, w.inspector("amr"), r)
	w.must(err)
	w.receiveAll(tr)
	if s := w.set(s.CaseID); s.Complete() || len(s.Blocking) != 1 || s.Blocking[0].Line.State != LineExpected {
		t.Errorf("set: %+v", s.Blocking)
	}
	w.receiveAll(w.handOver(s.Lines[0], certificate("公章回执")))
	if !w.set(s.CaseID).Complete() {
		t.Error("the rest came and the set is not complete")
	}
}

// DEL-103, DEL-950: for a department without accounts the window records the
// slip with who signed it, when, and its scan; its own signature is still a second
// act.
func TestPaperDepartmentHandsOverByItsSignedSlip(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr")
		expected := s.Lines[0].ExpectedAt
		w.at = w.at.Add(2 * time.Hour)
		r := ReleaseRequest{LineID: s.Lines[0].ID, DecidedOn: "2026-11-24", New: []NewItem{certificate("决定书")}}
		_, err := w.Release(ctx, w.clerk, r)
		w.refused(err, "not_your_department")
		r.Paper = true
		_, err = w.Release(ctx, w.clerk, r)
		w.refused(err, "giver_missing")
		_, err = w.Release(ctx, w.inspector("amr"), r)
		w.refused(err, "not_receiving_window")
		r.Giver, r.SignedAt, r.Slip = " 雷鸣 ", w.at.Add(-time.Hour), w.photo()
		for code, change := range map[string][]func(r *ReleaseRequest){
			"slip_incomplete": {
				func(r *ReleaseRequest) { r.SignedAt = time.Time{} },
				func(r *ReleaseRequest) { r.SignedAt = expected.Add(-time.Hour) },
				func(r *ReleaseRequest) { r.SignedAt = w.at.Add(time.Minute) },
				func(r *ReleaseRequest) { r.Slip = "" },
			},
			"scan_not_uploaded": {func(r *ReleaseRequest) { r.Slip = strings.Repeat("a", 64) }},
		} {
			for n, change := range change {
				bad := r
				change(&bad)
				if _, err := w.Release(ctx, w.clerk, bad); !fault.Is(err, code) {
					t.Errorf("%s %d: %v", code, n, err)
				}
			}
		}
		if held := w.sound(); len(held) != 0 {
			t.Errorf("something was registered: %v", held)
		}
		released, err := w.Release(ctx, w.clerk, r)
		w.must(err)
		tr, err := w.FindTransfer(ctx, w.inspector("amr"), released.ID)
		w.must(err)
		if !tr.Paper || tr.Giver != "雷鸣" || tr.State != Released || !tr.SignedAt.Equal(r.SignedAt) || tr.Slip != r.Slip || !tr.ReleasedAt.Equal(w.at) {
			t.Errorf("transfer: %+v", tr.Transfer)
		}
		if _, body, err := w.OpenTransferBlob(ctx, w.inspector("amr"), tr.ID, r.Slip); err != nil || len(body) == 0 {
			t.Errorf("scan: %v", err)
		}
		for by, sum := range map[string]string{"fire": r.Slip, "amr": ""} {
			_, _, err = w.OpenTransferBlob(ctx, w.inspector(by), tr.ID, sum)
			w.refused(err, "not_found")
		}
		w.receiveAll(tr)
	})
}

// DEL-910: who hands over signed in needs no slip, and what is said of one stays out
// of the record.
func TestReleaseBySignInKeepsNoSlip(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	l := w.newSet("amr").Lines[0]
	tr, err := w.Release(t.Context(), w.inspector("amr"), ReleaseRequest{
		LineID: l.ID, DecidedOn: "2026-11-24", New: []NewItem{certificate("决定书")}, Giver: "雷鸣", SignedAt: w.at, Slip: w.photo(),
	})
	w.must(err)
	if tr.Paper || tr.Giver != w.inspector("amr").Name || !tr.SignedAt.IsZero() || tr.Slip != "" {
		t.Errorf("transfer: %+v", tr.Transfer)
	}
}

// Whatever is wrong with what is handed over is refused by its code.
func TestIncompleteHandOverIsRefusedByItsCode(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t)), t.Context()
	l := w.newSet("amr").Lines[0]
	for code, change := range map[string]func(r *ReleaseRequest){
		"decision_date":        func(r *ReleaseRequest) { r.DecidedOn = "2026-11-25" },
		"transfer_empty":       func(r *ReleaseRequest) { r.New = nil },
		"transfer_too_long":    func(r *ReleaseRequest) { r.New = slices.Repeat(r.New, maxItems+1) },
		"item_incomplete":      func(r *ReleaseRequest) { r.New[0].Class = "voucher" },
		"seal_facts":           func(r *ReleaseRequest) { r.New[0].Class = "seal" },
		"seal_facts_elsewhere": func(r *ReleaseRequest) { r.New[0].Seal.Code = "4311030012345" },
		"partial_reason":       func(r *ReleaseRequest) { r.PartialWhy = "tired" },
		"text_invalid":         func(r *ReleaseRequest) { r.New[0].Title = "正本\x1b[2J" },
		"item_elsewhere":       func(r *ReleaseRequest) { r.Again = []string{"none"} },
		"not_found":            func(r *ReleaseRequest) { r.LineID = "none" },
	} {
		r := ReleaseRequest{LineID: l.ID, DecidedOn: "2026-11-24", New: []NewItem{certificate("正本")}}
		change(&r)
		if _, err := w.Release(ctx, w.inspector("amr"), r); !fault.Is(err, code) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	if held := w.sound(); len(held) != 0 {
		t.Errorf("something was registered: %v", held)
	}
}

// SEC-9: sending the form twice hands over once.
func TestRepeatedReleaseGetsTheFirstAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		r := ReleaseRequest{
			LineID: w.newSet("amr").Lines[0].ID, DecidedOn: "2026-11-24", New: []NewItem{certificate("正本")},
			Once: once.Key{Actor: "person:amr1", Value: "k", Print: "p"},
		}
		first, err := w.Release(ctx, w.inspector("amr"), r)
		w.must(err)
		second, err := w.Release(ctx, w.inspector("amr"), r)
		w.must(err)
		if first.ID != second.ID || first.Items[0].Item.Number != second.Items[0].Item.Number {
			t.Errorf("%s and %s", first.ID, second.ID)
		}
	})
}

// DEL-914: of two who sign at once one signs.
func TestOfTwoSignaturesAtOnceOneCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 5 {
			s := w.newSet("amr")
			tr := w.handOver(s.Lines[0], certificate("正本"))
			answers := make(chan error)
			for _, by := range []auth.Actor{w.clerk, w.boss} {
				go func() {
					_, err := w.Accept(t.Context(), by, AcceptRequest{TransferID: tr.ID, Count: 1})
					answers <- err
				}()
			}
			one, two := <-answers, <-answers
			if one != nil {
				one, two = two, one
			}
			w.must(one)
			w.refused(two, "transfer_over")
		}
		if held := w.sound(); held[AtWindow] != 5 {
			t.Errorf("held: %v", held)
		}
	})
}

// A number that a scanner reads leads to its transfer, in whatever form.
func TestScannedNumberLeadsToItsTransfer(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t)), t.Context()
	tr := w.handOver(w.newSet("amr").Lines[0], certificate("正本"))
	for _, number := range []string{tr.Number, tr.Items[0].Item.Number, " " + tr.Number[:4] + " " + tr.Number[4:] + "\r\n", strings.ToLower(tr.Number), "ＬＢ" + tr.Number[2:]} {
		got, err := w.ScanTransfer(ctx, w.clerk, number)
		if err != nil || got.ID != tr.ID {
			t.Errorf("%q: %v", number, err)
		}
	}
	for _, by := range []auth.Actor{w.elsewhere(), w.inspector("fire")} {
		_, err := w.ScanTransfer(ctx, by, tr.Number)
		w.refused(err, "scan_unknown")
	}
	unknown, err := NewNumber("03", strings.NewReader("nobody has this"))
	w.must(err)
	_, err = w.ScanTransfer(ctx, w.clerk, unknown)
	w.refused(err, "scan_unknown")
	_, err = w.ScanTransfer(ctx, w.clerk, "LB03")
	w.refused(err, "own_number_invalid")
}

// walker makes random moves, right ones and wrong ones, and knows what the
// register must hold.
type walker struct {
	*testWorld
	dice       *rand.Rand
	lines      []ResultLine
	open       []TransferView
	registered int
	window     int
}

// DEL-901: whatever is tried in whatever order, everything registered is in
// exactly one keeping, and each history is unbroken.
func TestRandomMovesLoseNothingAndDoubleNothing(t *testing.T) {
	walks, moves := 2, 300
	if nightly() {
		walks, moves = 10, 10_000
	}
	for seed := range walks {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			w := &walker{testWorld: newWorld(t, dbtest.SQLite(t)), dice: rand.New(rand.NewPCG(uint64(seed), 11))}
			w.walk(moves)
		})
	}
}

func (w *walker) walk(moves int) {
	w.t.Helper()
	for n := range moves {
		if len(w.lines) == 0 || w.dice.IntN(12) == 0 {
			w.lines = append(w.lines, w.newSet("amr", "fire", "urban").Lines...)
		}
		w.at = w.at.Add(time.Duration(1+w.dice.IntN(900)) * time.Millisecond)
		w.move()
		if n%(moves/10) == 0 {
			w.balance(n)
		}
	}
	w.balance(moves)
}

func (w *walker) balance(n int) {
	w.t.Helper()
	held := w.sound()
	if held[AtWindow] != w.window || held[AtDepartment] != w.registered-w.window {
		w.t.Fatalf("after %d moves: %v, want %d of %d at the window", n, held, w.window, w.registered)
	}
}

// move tries one act on something picked at random. What must be refused is
// refused without a trace.
func (w *walker) move() {
	w.t.Helper()
	ctx := w.t.Context()
	if len(w.open) > 0 && w.dice.IntN(2) == 0 {
		n := w.dice.IntN(len(w.open))
		t := w.open[n]
		switch w.dice.IntN(5) {
		case 0:
			_, err := w.Refuse(ctx, w.clerk, t.ID, "退回补正")
			w.must(err)
		case 1:
			_, err := w.Accept(ctx, w.inspector(t.FromID), AcceptRequest{TransferID: t.ID, Count: len(t.Items)})
			w.refused(err, "not_receiving_window")
			return
		case 2:
			w.acceptSome(t)
		default:
			w.receiveAll(t)
			w.window += len(t.Items)
		}
		w.open = slices.Delete(w.open, n, n+1)
		_, err := w.Accept(ctx, w.boss, AcceptRequest{TransferID: t.ID, Count: len(t.Items)})
		w.refused(err, "transfer_over")
		return
	}
	w.give()
}

// acceptSome finds the first thing damaged.
func (w *walker) acceptSome(t TransferView) {
	w.t.Helper()
	found := []Found{{ItemID: t.Items[0].ItemID, Outcome: FoundDamaged, Note: "封面破损"}}
	_, err := w.Accept(w.t.Context(), w.clerk, AcceptRequest{TransferID: t.ID, Count: len(t.Items) - 1, Found: found})
	if len(t.Items) == 1 {
		w.refused(err, "nothing_accepted")
		w.receiveAll(t)
		w.window++
		return
	}
	w.must(err)
	w.window += len(t.Items) - 1
}

func (w *walker) give() {
	w.t.Helper()
	n := w.dice.IntN(len(w.lines))
	l := w.lines[n]
	r := ReleaseRequest{LineID: l.ID, DecidedOn: "2026-11-23"}
	for range w.dice.IntN(4) {
		r.New = append(r.New, certificate(fmt.Sprint("证照", w.registered)))
	}
	have, err := w.FindResult(w.t.Context(), w.inspector(l.DepartmentID), l.ID)
	w.must(err)
	for _, i := range have.Items {
		if i.CustodianKind == AtDepartment {
			r.Again = append(r.Again, i.ID)
		}
	}
	if w.dice.IntN(3) == 0 {
		r.PartialWhy = "in_production"
	}
	t, err := w.Release(w.t.Context(), w.inspector(l.DepartmentID), r)
	switch {
	case err == nil:
		w.registered += len(r.New)
		w.open = append(w.open, t)
	case fault.Is(err, "line_settled"):
		w.lines = slices.Delete(w.lines, n, n+1)
	case !fault.Is(err, "transfer_open") && !fault.Is(err, "transfer_empty"):
		w.t.Fatal(err)
	}
}

// DEL-901: the check finds what it is there to find.
func TestCustodyCheckFindsEachKindOfBreak(t *testing.T) {
	good := Item{ID: "i", CustodianKind: AtWindow, Custodian: "c"}
	chain := []CustodyEvent{
		{ItemID: "i", Kind: CustodyRegistered, ToKind: AtDepartment, ToID: "amr"},
		{ItemID: "i", Kind: CustodyAccepted, FromKind: AtDepartment, FromID: "amr", ToKind: AtWindow, ToID: "c"},
	}
	if got := breaksOf([]Item{good}, chain, nil, nil); len(got) != 0 {
		t.Errorf("a sound history breaks: %v", got)
	}
	lost, inTransfer := good, good
	lost.Custodian = ""
	inTransfer.TransferID = "t"
	inBag := good
	inBag.BagID = "b"
	for what, got := range map[string][]CustodyBreak{
		"nobody has it":         breaksOf([]Item{lost}, chain, nil, nil),
		"no registration":       breaksOf([]Item{good}, chain[1:], nil, nil),
		"a step is missing":     breaksOf([]Item{good}, []CustodyEvent{chain[0], {ItemID: "i", Kind: CustodyAccepted, FromKind: AtCourier, FromID: "k", ToKind: AtWindow, ToID: "c"}}, nil, nil),
		"the row says other":    breaksOf([]Item{good}, chain[:1], nil, nil),
		"two open transfers":    breaksOf([]Item{inTransfer}, chain, map[string][]string{"i": {"t", "u"}}, nil),
		"two open bags":         breaksOf([]Item{good}, chain, nil, map[string][]string{"i": {"b", "c"}}),
		"no bag says so":        breaksOf([]Item{inBag}, chain, nil, nil),
		"no transfer says so":   breaksOf([]Item{inTransfer}, chain, nil, nil),
		"the row knows of none": breaksOf([]Item{good}, chain, map[string][]string{"i": {"t"}}, nil),
	} {
		if len(got) != 1 {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// The row and its history are written together or not at all: a stale version
// passes nothing.
func TestStaleItemIsNotPassed(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	tr := w.handOver(w.newSet("amr").Lines[0], certificate("正本"))
	err := w.DB.Write(t.Context(), func(tx bun.IDB) error {
		i := *tr.Items[0].Item
		i.Version = 9
		return pass(t.Context(), tx, &i, Keeper{AtWindow, w.centre.ID}, CustodyEvent{ID: newID(), Kind: CustodyAccepted, Actor: "x", At: w.at})
	})
	w.refused(err, "item_moved")
	w.sound()
}
