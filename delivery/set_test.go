package delivery

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

func calendarOf2026(t *testing.T) *workday.Calendar {
	t.Helper()
	years, err := workday.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	cal, err := workday.New(1, years)
	if err != nil {
		t.Fatal(err)
	}
	return cal
}

func date(t *testing.T, text string) workday.Date {
	t.Helper()
	d, err := workday.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// DEL-302: a set is complete when nothing is expected any more; the refusal
// names each line, its department and how long it is waited for.
func TestSetIsCompleteWhenNoLineIsExpected(t *testing.T) {
	since := func(text string) time.Time { return date(t, text).At(600).UTC() }
	lines := []ResultLine{
		{ID: "a", Department: "消防", State: LineExpected, ExpectedAt: since("2026-11-20")}, // Friday
		{ID: "b", Department: "城管", State: LineReceived, ExpectedAt: since("2026-11-12"), DecidedOn: "2026-11-13"},
		{ID: "c", Department: "卫健", State: LineExpected, ExpectedAt: since("2026-11-12"), DecidedOn: "2026-11-18"},
		{ID: "d", Department: "公安", State: LineWaived}, {ID: "e", Department: "文旅", State: LineSplit},
	}
	got, err := Blocking(lines, date(t, "2026-11-24"), calendarOf2026(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Line.ID != "c" || got[0].Waiting != 8 || got[0].Decided != 4 || got[1].Line.ID != "a" || got[1].Waiting != 2 {
		t.Errorf("blocking: %+v", got)
	}
	got[1].Line.Permit, got[1].Line.Reminded, got[1].Line.RemindedAt = "消防安全检查合格证", 2, since("2026-11-23")
	refusal := setIncomplete(got)
	want := "还没有齐套，缺：卫健（已等 8 个工作日，决定后 4 个工作日，未催办）；消防（消防安全检查合格证，已等 2 个工作日，已催办 2 次，最近 2026-11-23 周一 10:00）。"
	if !strings.HasPrefix(refusal.In("zh"), want) || refusal.Details["blocking"] == nil {
		t.Errorf("refusal: %s", refusal.In("zh"))
	}
	for i := range lines {
		if lines[i].State == LineExpected {
			lines[i].State = LineReceived
		}
	}
	if got, err = Blocking(lines, date(t, "2026-11-24"), calendarOf2026(t)); err != nil || len(got) != 0 {
		t.Errorf("nothing is expected, and %v blocks (%v)", got, err)
	}
}

// DEL-107, DEL-304: art. 44 counts working days from the earliest decision,
// warns on the seventh and is used up on the tenth.
func TestArticle44CountsFromTheEarliestDecision(t *testing.T) {
	lines := []ResultLine{{DecidedOn: "2026-11-12"}, {DecidedOn: "2026-11-10"}, {}, {DecidedOn: "2026-11-02", ParcelID: "gone"}}
	for _, c := range []struct {
		today     string
		day       int
		warn, red bool
	}{
		{"2026-11-10", 0, false, false},
		{"2026-11-18", 6, false, false},
		{"2026-11-19", 7, true, false},
		{"2026-11-23", 9, true, false},
		{"2026-11-24", 10, true, true},
	} {
		got, err := CeilingOf(lines, date(t, c.today), calendarOf2026(t))
		if err != nil {
			t.Fatal(err)
		}
		if got.Day != c.day || got.Warn() != c.warn || got.Red() != c.red || got.Due.String() != "2026-11-24" {
			t.Errorf("%s: %+v warn %v red %v", c.today, got, got.Warn(), got.Red())
		}
	}
	if got, err := CeilingOf(lines[2:], date(t, "2026-11-24"), calendarOf2026(t)); got != nil || err != nil {
		t.Errorf("without a decision: %v %v", got, err)
	}
}

// STY-18: a department owes a case one line, however often it is said.
func TestExpectingTwiceOwesOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		s := w.newSet("amr", "fire")
		l := s.Lines[0]
		e := Expectation{CaseID: s.CaseID, CaseNumber: s.CaseNumber, CentreID: s.CentreID, By: w.clerk, At: w.now()}
		for _, department := range branches {
			e.Owed = append(e.Owed, Owed{DepartmentID: department, Department: department})
		}
		w.expect(e)
		w.expect(e)
		if got := w.set(s.CaseID); len(got.Lines) != 3 || !slices.ContainsFunc(got.Lines, func(x ResultLine) bool { return x.ID == l.ID && x.Version == 1 }) {
			t.Errorf("lines: %+v", got.Lines)
		}
		if got := w.leaves(s.CaseID); got != "results_expected results_expected" {
			t.Errorf("recorded: %s", got)
		}
	})
}

// DEL §3 waived, DEL-306: a clerk adds and waives with a ground, on record.
func TestClerkAddsAndWaivesALineWithItsGround(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr")
		add := AddLineRequest{CaseID: s.CaseID, DepartmentID: "fire", Permit: "检查合格证", Ground: "申请人同时申办"}
		_, err := w.AddLine(ctx, w.inspector("amr"), add)
		w.refused(err, "not_receiving_window")
		_, err = w.AddLine(ctx, w.elsewhere(), add)
		w.refused(err, "not_found")
		l, err := w.AddLine(ctx, w.clerk, add)
		w.must(err)
		_, err = w.AddLine(ctx, w.clerk, add)
		w.refused(err, "line_exists")
		add.Ground = " "
		_, err = w.AddLine(ctx, w.clerk, add)
		w.refused(err, "reason_missing")
		_, err = w.Waive(ctx, w.inspector("fire"), l.ID, "只出具意见")
		w.refused(err, "not_receiving_window")
		_, err = w.Waive(ctx, w.clerk, l.ID, "")
		w.refused(err, "reason_missing")
		got, err := w.Waive(ctx, w.clerk, l.ID, "只出具意见，无纸质结果")
		w.must(err)
		if got.State != LineWaived || got.Ground != "只出具意见，无纸质结果" {
			t.Errorf("line: %+v", got)
		}
		_, err = w.Waive(ctx, w.clerk, l.ID, "再来一次")
		w.refused(err, "line_settled")
		_, err = w.Remind(ctx, w.clerk, l.ID, once.Key{})
		w.refused(err, "line_settled")
		tr := w.handOver(w.line(s.CaseID, "amr"), certificate("正本"))
		_, err = w.Waive(ctx, w.clerk, tr.LineID, "已送出")
		w.refused(err, "transfer_open")
		if got := w.leaves(s.CaseID); got != "results_expected result_line_added result_waived transfer_released" {
			t.Errorf("recorded: %s", got)
		}
	})
}

// DEL-303, DEL-304: the applicant's own choice, by name and channel, frees the
// others; to wait takes it back; no answer changes nothing and is on record.
func TestApplicantChoosesToWaitOrToSplit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		s := w.newSet("amr", "fire")
		w.receiveAll(w.handOver(w.line(s.CaseID, "amr"), certificate("正本")))
		fire := w.line(s.CaseID, "fire")
		choice := ChoiceRequest{CaseID: s.CaseID, Choice: ChooseSplit, GivenBy: "李老板", Channel: "phone", Lines: []string{fire.ID}}
		for code, change := range map[string]func(r *ChoiceRequest){
			"choice_giver":   func(r *ChoiceRequest) { r.GivenBy = " " },
			"choice_lines":   func(r *ChoiceRequest) { r.Lines = nil },
			"choice_invalid": func(r *ChoiceRequest) { r.Channel = "guess" },
			"line_settled":   func(r *ChoiceRequest) { r.Lines = []string{w.line(s.CaseID, "amr").ID} },
			"not_found":      func(r *ChoiceRequest) { r.CaseID = "none" },
		} {
			r := choice
			change(&r)
			if _, err := w.Choose(ctx, w.boss, r); !fault.Is(err, code) {
				t.Errorf("got %v, want %s", err, code)
			}
		}
		_, err := w.Choose(ctx, w.inspector("fire"), choice)
		w.refused(err, "not_receiving_window")
		if w.set(s.CaseID).Complete() {
			t.Fatal("complete without the applicant's choice")
		}
		_, err = w.Choose(ctx, w.clerk, choice)
		w.must(err)
		if got := w.set(s.CaseID); !got.Complete() || got.Choice().GivenBy != "李老板" || w.line(s.CaseID, "fire").State != LineSplit {
			t.Errorf("after the choice to split: %+v", got)
		}
		_, err = w.Choose(ctx, w.clerk, ChoiceRequest{CaseID: s.CaseID, Choice: ChooseNothing, Channel: "phone", Note: "两次未接"})
		w.must(err)
		if !w.set(s.CaseID).Complete() {
			t.Error("no answer changed the set")
		}
		_, err = w.Choose(ctx, w.clerk, ChoiceRequest{CaseID: s.CaseID, Choice: ChooseWait, GivenBy: "李老板", Channel: "window"})
		w.must(err)
		if w.set(s.CaseID).Complete() || w.line(s.CaseID, "fire").State != LineExpected {
			t.Error("the choice to wait did not put the line back")
		}
		w.receiveAll(w.handOver(fire, certificate("合格证")))
		if !w.set(s.CaseID).Complete() {
			t.Error("everything came and the set is not complete")
		}
	})
}

// A reminder that is sent twice counts once; the next one counts.
func TestReminderCountsOnceForEachRequest(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t)), t.Context()
	l := w.newSet("amr").Lines[0]
	for _, value := range []string{"a", "a", "b"} {
		_, err := w.Remind(ctx, w.clerk, l.ID, once.Key{Actor: w.clerk.String(), Value: value, Print: value})
		w.must(err)
	}
	if got := w.line(l.CaseID, "amr"); got.Reminded != 2 || !got.RemindedAt.Equal(w.at) {
		t.Errorf("reminded %d times, last %v", got.Reminded, got.RemindedAt)
	}
	_, err := w.Remind(ctx, w.inspector("amr"), l.ID, once.Key{})
	w.refused(err, "not_receiving_window")
}

// A result that was not waited for is received all the same, for the next
// parcel.
func TestResultThatWasSplitOutIsStillReceived(t *testing.T) {
	w, ctx := newWorld(t, dbtest.SQLite(t)), t.Context()
	s := w.newSet("amr", "fire")
	fire := w.line(s.CaseID, "fire")
	_, err := w.Choose(ctx, w.clerk, ChoiceRequest{CaseID: s.CaseID, Choice: ChooseSplit, GivenBy: "李老板", Channel: "window", Lines: []string{fire.ID}})
	w.must(err)
	w.receiveAll(w.handOver(fire, certificate("合格证")))
	if got := w.line(s.CaseID, "fire"); !got.Ready() {
		t.Errorf("line: %+v", got)
	}
}

// DEL-305: the board names who keeps cases back, by number and oldest wait, and
// shows a centre its own cases.
func TestBoardNamesWhoKeepsCasesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		first := w.newSet("amr", "fire")
		w.at = w.at.AddDate(0, 0, 2)
		second := w.newSet("fire", "urban")
		w.receiveAll(w.handOver(w.line(first.CaseID, "amr"), certificate("正本")))
		w.at = w.at.Add(time.Hour)
		holders, err := w.ListHolders(ctx, w.clerk)
		w.must(err)
		if len(holders) != 2 || holders[0].DepartmentID != "fire" || holders[0].Cases != 2 || holders[0].Days != 2 || !holders[0].Oldest.Equal(morning) {
			t.Errorf("holders: %+v", holders)
		}
		given := w.handOver(w.line(second.CaseID, "urban"), certificate("招牌"))
		if holders, err = w.ListHolders(ctx, w.clerk); err != nil || len(holders) != 1 {
			t.Errorf("what waits for the window is still blamed on the department: %+v %v", holders, err)
		}
		_, err = w.Refuse(ctx, w.clerk, given.ID, "名称有误")
		w.must(err)
		if holders, err = w.ListHolders(ctx, w.clerk); err != nil || len(holders) != 2 {
			t.Errorf("sent back, it is the department's again: %+v %v", holders, err)
		}
		cases := func(q SetQuery) (out []string) {
			sets, err := w.ListSets(ctx, w.clerk, q)
			w.must(err)
			for _, s := range sets {
				out = append(out, s.CaseID)
			}
			return out
		}
		if got := cases(SetQuery{}); !slices.Equal(got, []string{first.CaseID, second.CaseID}) {
			t.Errorf("board: %v", got)
		}
		_, err = w.Waive(ctx, w.clerk, w.line(first.CaseID, "fire").ID, "无纸质结果")
		w.must(err)
		if got := cases(SetQuery{State: SetReady}); !slices.Equal(got, []string{first.CaseID}) {
			t.Errorf("complete: %v", got)
		}
		if got := cases(SetQuery{State: SetBlocked, Search: "URBAN"}); !slices.Equal(got, []string{second.CaseID}) {
			t.Errorf("kept back: %v", got)
		}
		for _, search := range []string{"%", "_", `\`, "没有"} {
			if got := cases(SetQuery{Search: search}); len(got) != 0 {
				t.Errorf("%q finds %v", search, got)
			}
		}
		if sets, err := w.ListSets(ctx, w.elsewhere(), SetQuery{}); len(sets) != 0 || err != nil {
			t.Errorf("another centre sees %v (%v)", sets, err)
		}
		own, err := w.ListSets(ctx, w.inspector("urban"), SetQuery{})
		if w.must(err); len(own) != 1 || len(own[0].Lines) != 1 || own[0].Lines[0].DepartmentID != "urban" {
			t.Errorf("a department sees %+v", own)
		}
		transfers, err := w.ListTransfers(ctx, w.clerk, TransferQuery{Search: "amr"})
		if w.must(err); len(transfers) != 1 || len(transfers[0].Items) != 1 {
			t.Errorf("transfers: %+v", transfers)
		}
		if got, _ := w.ListTransfers(ctx, w.inspector("fire"), TransferQuery{}); len(got) != 0 {
			t.Errorf("another department sees %v", got)
		}
	})
}

// DEL-306: a result added after dispatch, also of a department that has handed
// one over already, reopens nothing: the parcel goes on under its promise, and
// the new result leaves in a parcel of its own, with a promise from its own set.
func TestResultAddedAfterDispatchFormsASetOfItsOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		p := w.sealed()
		w.later(24 * 60)
		_, err := w.AddLine(ctx, w.clerk, AddLineRequest{CaseID: p.CaseID, DepartmentID: "amr", Permit: "食品经营许可证", Ground: "加办事项"})
		w.must(err)
		v := w.parcel(p.ID)
		if v.State != ParcelSealed || !v.DueAt.Equal(p.DueAt) || w.dispatch(p, w.courier).CourierID == "" {
			t.Errorf("the first parcel: %s due %v, before %v", v.State, v.DueAt, p.DueAt)
		}
		var fresh ResultLine
		for _, l := range w.set(p.CaseID).Lines {
			if l.State == LineExpected {
				fresh = l
			}
		}
		got := w.receiveAll(w.handOver(fresh, certificate("食品经营许可证")))
		second, err := w.Seal(ctx, w.clerk, SealRequest{
			CaseID: p.CaseID, Items: []string{got.Items[0].ItemID}, Way: WayOwnCourier, Bag: "B2", IDLast4: "123x", To: p.Receiver,
		})
		w.must(err)
		if !second.Promise.Parts.Set.Equal(w.now()) || !second.DueAt.After(p.DueAt) || second.RedeliveryOf != "" {
			t.Errorf("the second parcel: %+v due %v", second.Promise.Parts, second.DueAt)
		}
	})
}

// DEL-307: the set is complete when the last result that was needed came in, not
// when it is packed; the printed arithmetic shows that the window let it lie.
func TestSetIsCompleteAtItsLastResultAndNotAtSealing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		s := w.newSet("amr", "fire")
		first := w.receiveAll(w.handOver(w.line(s.CaseID, "amr"), certificate("营业执照")))
		w.later(30)
		complete := w.now()
		last := w.receiveAll(w.handOver(w.line(s.CaseID, "fire"), certificate("合格证")))
		w.later(90)
		p, err := w.Seal(t.Context(), w.clerk, SealRequest{
			CaseID: s.CaseID, Items: []string{first.Items[0].ItemID, last.Items[0].ItemID}, Way: WayOwnCourier, Bag: "B1", IDLast4: "123x",
			To: Addressee{Name: "欧阳修", Phone: "13800001234", Address: "冷水滩区梧桐路12号3栋501"},
		})
		w.must(err)
		if parts := p.Promise.Parts; !parts.Set.Equal(complete) || !parts.Confirmed.Equal(w.now()) {
			t.Errorf("complete at %v, want %v: %+v", parts.Set, complete, parts)
		}
	})
}
