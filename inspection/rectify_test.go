package inspection

import (
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/internal/paper/papertest"
)

// rectified is a visit that closed with two items of fire, one of urban, and no
// word of amr, which was deemed to agree.
func (w *testWorld) rectified() Visit {
	w.t.Helper()
	return w.rectifiedWith([]RectifyItem{
		{Finding: "疏散通道堆放杂物", Clause: "消防法第二十八条", Verify: VerifyVisit, Days: 5},
		{Finding: "灭火器已过检验期", Clause: "GB 50444-2008", Verify: VerifyPhoto, Days: 3},
	})
}

// rectifiedWith is rectified with other items of fire.
func (w *testWorld) rectifiedWith(items []RectifyItem) Visit {
	w.t.Helper()
	v := w.served()
	for _, system := range []string{"fire", "urban"} {
		w.reply(v, system, ReplyAccept)
	}
	w.deemedAt(v, "amr")
	w.wait(v.Start)
	v, err := w.Start(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	for _, system := range []string{"fire", "urban"} {
		w.comes(v, system, 1, 2)
	}
	w.hosts(v)
	w.opines(v, w.inspector("fire"), "fire", OpinionRequest{Kind: Rectify, Items: items})
	w.opines(v, w.inspector("urban"), "urban", OpinionRequest{Kind: Rectify, Items: []RectifyItem{
		{Finding: "店招超出檐口", Clause: "市容条例第十一条", Verify: VerifyVisit, Days: 10},
	}})
	w.allSee(v)
	_, err = w.EndSite(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	_, err = w.Close(w.t.Context(), w.clerk, v.ID, once.Key{})
	w.must(err)
	return w.visitNow(v)
}

func (w *testWorld) visitNow(v Visit) Visit { return w.viewNow(v).Visit }

func (w *testWorld) viewNow(v Visit) VisitView {
	w.t.Helper()
	found, err := w.FindVisit(w.t.Context(), w.clerk, v.ID)
	w.must(err)
	return found
}

// handOver is a list that the applicant signs for now.
func (w *testWorld) handOver(v Visit, n int) GiveRequest {
	return GiveRequest{VisitID: v.ID, List: n, Handed: Handed{How: GivenSigned, Receiver: "李梅", At: w.now(), Scan: w.image()}}
}

func (w *testWorld) given(v Visit, n int) RectifyList {
	w.t.Helper()
	list, err := w.GiveList(w.t.Context(), w.clerk, w.handOver(v, n))
	w.must(err)
	return list
}

func TestTheItemsOfAllDepartmentsAreOneListGivenOnceInWriting(t *testing.T) { // INS-1107
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectified()
		r := w.viewNow(v).Rectification
		if r == nil || len(r.Lists) != 1 || len(r.Items) != 3 || w.count("tasks", "kind = 'give_list' AND done_at IS NULL") != 1 {
			t.Fatalf("not one list of three items with its task: %+v", r)
		}
		for _, item := range r.Items {
			if item.State != ItemOpen || !item.DueAt.IsZero() || item.List != 1 {
				t.Errorf("before it is given: %+v", item)
			}
		}
		w.clock.forward(time.Hour)
		for code, change := range map[string]func(*GiveRequest){
			"list_unknown": func(r *GiveRequest) { r.List = 2 }, "receiver_missing": func(r *GiveRequest) { r.Receiver = " " },
			"given_how": func(r *GiveRequest) { r.How = "told" }, "scan_missing": func(r *GiveRequest) { r.Scan = Scan{} },
			"given_time":     func(r *GiveRequest) { r.At = w.now().Add(time.Minute) },
			"reason_missing": func(r *GiveRequest) { r.How = GivenRefused },
			"witnesses": func(r *GiveRequest) {
				r.How, r.Reason, r.Witnesses = GivenRefused, "不认可", []string{"周强", " 周强 "}
			},
			"scan_type": func(r *GiveRequest) { r.Scan.Bytes = []byte("%PDF-1.7") },
		} {
			request := w.handOver(v, 1)
			change(&request)
			_, err := w.GiveList(ctx, w.clerk, request)
			w.refused(err, code)
		}
		early := w.handOver(v, 1)
		early.At = v.ClosedAt.Add(-time.Hour)
		_, err := w.GiveList(ctx, w.clerk, early)
		w.refused(err, "given_time")
		for _, by := range []auth.Actor{w.inspector("fire"), {Kind: auth.KindLink, ID: "x"}, {Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}} {
			_, err := w.GiveList(ctx, by, w.handOver(v, 1))
			w.refused(err, "not_a_window")
		}

		list := w.given(v, 1)
		_, err = w.GiveList(ctx, w.boss, w.handOver(v, 1))
		w.refused(err, "list_given")
		r = w.viewNow(v).Rectification
		if got := r.Lists[0]; got.How != GivenSigned || !got.GivenAt.Equal(list.GivenAt) || got.Receiver != "李梅" || got.Scan == "" {
			t.Errorf("what is known of the giving: %+v", got)
		}
		for i, want := range []time.Time{at(26, 17, 30), at(24, 17, 30), time.Date(2026, 12, 3, 9, 30, 0, 0, time.UTC)} {
			if item := r.Items[i]; !item.DueAt.Equal(want) || item.Deadline.CalendarVersion == 0 || !strings.HasPrefix(item.Deadline.Line, "送达 2026-11-19") {
				t.Errorf("item %d is due %v by %+v, want %v", i+1, item.DueAt, item.Deadline, want)
			}
		}
		if w.count("tasks", "kind = 'give_list' AND done_at IS NULL") != 0 {
			t.Error("the window is still asked to give the list")
		}
		text, _ := w.printed(w.clerk, v, DocRectify, "")
		wantWords(t, text, "整改通知书", "疏散通道堆放杂物", "灭火器已过检验期", "店招超出檐口", "看照片", "现场复勘", "5个工作日内", "各部门不再追加")
	})
}

func TestAListThatIsRefusedIsGivenBeforeTwoWitnesses(t *testing.T) { // INS-1012, INS-413
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.rectified()
		w.wait(at(20, 17, 45)) // Friday after office hours
		r := w.handOver(v, 1)
		r.How, r.Reason, r.Witnesses = GivenRefused, "申请人认为消防意见有误", []string{"周强", "唐芳"}
		list, err := w.GiveList(t.Context(), w.clerk, r)
		w.must(err)
		if list.How != GivenRefused || len(list.Witnesses) != 2 {
			t.Errorf("%+v", list)
		}
		if due := w.viewNow(v).Rectification.Items[1].DueAt; !due.Equal(at(26, 17, 30)) { // counts from Monday
			t.Errorf("three working days end %v", due)
		}
	})
}

// adds is what a department wants on top of its list.
func (w *testWorld) adds(v Visit, system string, ground AddGround) AddRequest {
	return AddRequest{
		ParticipantID: w.part(v.ID, system).ID, Ground: ground, Reason: "整改期间新增燃气灶",
		Item: RectifyItem{Finding: "燃气管道未设切断阀", Clause: "GB 50028-2006", Verify: VerifyVisit, Days: 3},
	}
}

func TestALaterItemIsAnExceptionByTwoPersonsAndAnEntryOfTheLedger(t *testing.T) { // INS-1107, K05
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectified()
		w.given(v, 1)
		fire := w.inspector("fire")
		for code, change := range map[string]func(*AddRequest){
			"add_ground": func(r *AddRequest) { r.Ground = "forgotten" }, "reason_missing": func(r *AddRequest) { r.Reason = "" },
			"opinion_items": func(r *AddRequest) { r.Item.Clause = "" }, "item_verify": func(r *AddRequest) { r.Item.Verify = "call" },
			"item_days": func(r *AddRequest) { r.Item.Days = 61 },
		} {
			request := w.adds(v, "fire", GroundChanged)
			change(&request)
			_, err := w.ProposeItem(ctx, fire, request)
			w.refused(err, code)
		}
		_, err := w.ProposeItem(ctx, w.inspector("urban"), w.adds(v, "fire", GroundChanged))
		w.refused(err, "not_your_department")
		_, err = w.ProposeItem(ctx, w.inspector("amr"), w.adds(v, "amr", GroundHidden)) // its silence counted as consent
		w.refused(err, "not_seen")

		a, err := w.ProposeItem(ctx, fire, w.adds(v, "fire", GroundChanged))
		w.must(err)
		if n := len(w.viewNow(v).Rectification.Items); n != 3 {
			t.Fatalf("one person alone made %d items", n)
		}
		own := w.boss
		own.ID = fire.ID
		w.refused(w.DecideItem(ctx, own, v.ID, a.ID, true, ""), "two_persons")
		w.refused(w.DecideItem(ctx, w.clerk, v.ID, a.ID, true, ""), "not_supervisor")
		w.refused(w.DecideItem(ctx, fire, v.ID, a.ID, true, ""), "not_a_window")
		w.refused(w.DecideItem(ctx, w.boss, v.ID, a.ID, false, ""), "reason_missing")
		w.must(w.DecideItem(ctx, w.boss, v.ID, a.ID, true, ""))
		w.refused(w.DecideItem(ctx, w.boss, v.ID, a.ID, true, ""), "proposal_decided")

		r := w.viewNow(v).Rectification
		if len(r.Lists) != 2 || len(r.Items) != 4 || r.Items[3].List != 2 || !r.Items[3].DueAt.IsZero() {
			t.Fatalf("after the second person: %+v", r)
		}
		if !strings.Contains(w.leaves(v, "fire"), "item_proposed item_added item_listed") {
			t.Errorf("leaves: %s", w.leaves(v, "fire"))
		}
		w.given(v, 2)
		if due := w.viewNow(v).Rectification.Items[3].DueAt; due.IsZero() {
			t.Error("its term does not run")
		}
		doc, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocRectify, N: 2})
		w.must(err)
		if !strings.Contains(doc.Name, "补充整改通知书") {
			t.Errorf("the second list prints as %s", doc.Name)
		}
		first, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocRectify, N: 1})
		w.must(err)
		if text := papertest.Flat(papertest.Read(t, first.PDF)); strings.Contains(text, "切断阀") {
			t.Error("the first list has changed")
		}

		danger, err := w.ProposeItem(ctx, w.inspector("amr"), w.adds(v, "amr", GroundDanger))
		w.must(err)
		w.must(w.DecideItem(ctx, w.boss, v.ID, danger.ID, false, "已由应急部门处置"))
		if n := len(w.viewNow(v).Rectification.Items); n != 4 {
			t.Errorf("a refused item stands among %d", n)
		}
	})
}

func TestAVisitThatPassedHasNoListToAddTo(t *testing.T) { // INS-1107
	w := newWorld(t, town.SQLite(t))
	v := w.newVisit()
	w.closeWith(v, Agree)
	if w.viewNow(v).Rectification != nil || w.count("tasks", "kind = 'give_list'") != 0 {
		t.Error("there is a list")
	}
	_, err := w.ProposeItem(t.Context(), w.inspector("fire"), w.adds(v, "fire", GroundDanger))
	w.refused(err, "no_list")
	_, err = w.GiveList(t.Context(), w.clerk, w.handOver(v, 1))
	w.refused(err, "list_unknown")
}

func TestAWordInWritingFromWhoDidNotComeHasSeenNothing(t *testing.T) { // INS-1107
	for _, c := range []struct {
		opinion    OpinionState
		attendance Attendance
		saw        bool
	}{
		{OpinionGiven, AttendancePresent, true}, {OpinionGiven, AttendanceLate, true},
		{OpinionGiven, AttendanceAbsent, false}, {OpinionGiven, AttendanceAbsentProv, false},
		{OpinionDeemed, AttendancePresent, false}, {OpinionNone, AttendancePresent, false},
	} {
		if p := (Participant{Opinion: c.opinion, Attendance: c.attendance}); p.Saw() != c.saw {
			t.Errorf("%s and %s: saw is %v", c.opinion, c.attendance, p.Saw())
		}
	}
}

// INS-1107: whatever anybody calls, in whatever order, the items of a list are
// those that the departments signed at the visit, and the exceptions that two
// different persons decided on.
func TestNoSequenceOfCallsAddsAnItemToAListThatIsMade(t *testing.T) {
	seeds(t, choose(4, 80), func(t *testing.T, seed uint64) {
		w, r := newWorld(t, town.SQLite(t)), newDice(seed, 31)
		ctx := t.Context()
		v := w.rectified()
		was := w.viewNow(v).Rectification.Items
		systems := []string{"amr", "fire", "urban"}
		actors := []auth.Actor{
			w.clerk, w.boss, w.nth("amr", 1), w.nth("fire", 1), w.nth("fire", 2), w.nth("urban", 1),
			{Kind: auth.KindPerson, ID: "head", Name: "队长", Roles: []auth.Role{auth.Head}, Department: w.department("fire")},
			{Kind: auth.KindPerson, ID: "fire1", Roles: []auth.Role{auth.Supervisor}, Centre: w.centre.ID, Department: w.department("fire")}, // two hats
			{Kind: auth.KindLink, ID: "link"}, {Kind: auth.KindPerson, ID: "auditor", Roles: []auth.Role{auth.Auditor}},
		}
		var proposals []string
		for range 120 {
			by, system := actors[r.IntN(len(actors))], systems[r.IntN(3)]
			part := w.part(v.ID, system).ID
			items := []RectifyItem{{Finding: "另一项", Clause: "另一条", Verify: VerifyVisit, Days: 2}}
			switch r.IntN(8) {
			case 0:
				_, _ = w.Opine(ctx, by, OpinionRequest{ParticipantID: part, Kind: Rectify, Items: items})
			case 1:
				_, _ = w.GiveList(ctx, by, w.handOver(v, 1+r.IntN(3)))
			case 2, 3:
				request := w.adds(v, system, []AddGround{GroundDanger, GroundHidden, GroundChanged, "late"}[r.IntN(4)])
				if a, err := w.ProposeItem(ctx, by, request); err == nil {
					proposals = append(proposals, a.ID)
				}
			case 4, 5:
				if len(proposals) > 0 {
					_ = w.DecideItem(ctx, by, v.ID, proposals[r.IntN(len(proposals))], r.likely(2), "现场核实")
				}
			case 6:
				_, _ = w.Close(ctx, by, v.ID, once.Key{})
				_, _ = w.Start(ctx, by, v.ID)
			case 7:
				w.clock.forward(time.Duration(r.IntN(20)) * time.Hour)
				w.tick()
			}
		}
		now := w.viewNow(v).Rectification
		agreed := 0
		for _, a := range now.Proposals {
			if a.Agreed {
				agreed++
			}
			if a.Agreed && (a.DecidedBy == a.ProposedBy || a.DecidedBy == "" || a.Reason == "") {
				t.Errorf("not two persons: %+v", a)
			}
		}
		if len(now.Items) != len(was)+agreed || len(now.Lists) != 1+agreed {
			t.Errorf("%d items in %d lists after %d exceptions to %d", len(now.Items), len(now.Lists), agreed, len(was))
		}
		for i, item := range was {
			if now.Items[i].print() != item.print() || now.Items[i].Department != item.Department {
				t.Errorf("item %d was %+v and is %+v", i+1, item, now.Items[i])
			}
		}
	})
}

func TestAnItemThatIsChangedByHandShowsInTheLog(t *testing.T) { // EV-12, INS-1107
	w := newWorld(t, town.SQLite(t))
	v := w.rectified()
	w.given(v, 1)
	a, err := w.ProposeItem(t.Context(), w.inspector("fire"), w.adds(v, "fire", GroundHidden))
	w.must(err)
	w.must(w.DecideItem(t.Context(), w.boss, v.ID, a.ID, false, "勘验时已经看到"))
	for _, deed := range []string{
		"UPDATE rectify_items SET finding = '没有问题' WHERE n = 1", "DELETE FROM rectify_items WHERE n = 3", "UPDATE rectify_items SET state = 'settled' WHERE n = 2",
		"UPDATE rectify_lists SET given_at = recorded_at, how = 'refused'", "UPDATE item_proposals SET agreed = TRUE",
		"UPDATE rectify_items SET verify = 'photo' WHERE n = 1",
	} {
		if told := w.afterDeed(deed); len(told) == 0 {
			t.Errorf("nobody sees %s", deed)
		}
	}
}
