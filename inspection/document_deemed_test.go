package inspection

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/paper/papertest"
)

// record reads the record of a deemed consent as its paper is made.
func (w *testWorld) record(v Visit, system string) DeemedRecord {
	w.t.Helper()
	r, err := w.DeemedRecord(w.t.Context(), w.clerk, v.ID, w.department(system), 0)
	w.must(err)
	return r
}

// Every element of INS-937, for silence.
func TestTheRecordOfASilenceStatesWhatItRestsOn(t *testing.T) { // INS-937, D13
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		served := w.part(v.ID, "amr")
		w.wait(served.ServedAt.Add(served.RespondBy.Sub(served.ServedAt) / 2)) // a reminder is due
		w.tick()
		w.deemedAt(v, "amr")
		r, p := w.record(v, "amr"), w.part(v.ID, "amr")
		text, _ := w.printed(w.clerk, v, DocDeemed, "amr")
		wantWords(t, text, p.Deemed.Number, v.CaseNumber, v.MatterName, flat(v.Place), "联合踏勘，第1轮", p.Name, "收到通知后在期限内未反馈意见", flat(p.Deemed.Citation))
		wantWords(t, text, "起算送达", "B类，已到达", "凭证"+flat(r.T1().Source), flat(p.Deemed.Findings["arithmetic"]), "日历版本")
		wantWords(t, text, "提醒", "收件渠道", "待人工分拣", "未发现该部门的反馈", "系统自动认定", "不是行政许可决定", "如有异议", w.centre.Phone)
		if len(r.Told) != 1 || r.Told[0].Channel != "mail" { // at half of the term; no confirmed number
			t.Fatalf("reminders %v", r.Told)
		}
		wantWords(t, text, "提醒邮件，"+flat(instantText(r.Told[0].At)))
		for _, one := range r.Inbox {
			wantWords(t, text, wayWords[one.Channel]+"，"+flat(instantText(one.At)))
		}
		if len(r.Inbox) != 2 {
			t.Errorf("inbound watermarks %v", r.Inbox)
		}
		wantWords(t, text, fmt.Sprintf("第%d号哈希%s", r.Leaf.Seq, r.Leaf.Hash), "检查点尚未签发")
		if r.Leaf.Text("number") != p.Deemed.Number {
			t.Errorf("the leaf is %v", r.Leaf.Fields)
		}
		w.must(w.log.Checkpoint(t.Context()))
		r = w.record(v, "amr")
		text, first := w.printed(w.clerk, v, DocDeemed, "amr")
		wantWords(t, text, fmt.Sprintf("共%d条，根哈希%s", r.Covered.Size, r.Covered.Root), "test.example/log")
		if packed, _ := w.bundleOf(v, "amr").File("records/1.pdf"); !bytes.Equal(packed, first.PDF) {
			t.Error("the evidence pack has another record than the printer")
		}
		w.clock.forward(72 * time.Hour)
		w.tick()
		w.must(w.log.Checkpoint(t.Context()))
		if _, again := w.printed(w.boss, v, DocDeemed, "amr"); !bytes.Equal(first.PDF, again.PDF) { // INS-1105
			t.Error("it prints otherwise three days later")
		}
		for _, words := range []string{"撤销理由", "已撤销", "效力中止"} {
			if strings.Contains(text, words) {
				t.Errorf("it says %s", words)
			}
		}
	})
}

func TestTheRecordOfAnAbsenceNamesWhoCameAndWhoAttests(t *testing.T) { // INS-937, INS-910
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.set("deem.mode", "confirm")
		v := w.absent("urban")
		w.wait(at(20, 18, 0))
		w.must(w.Confirm(t.Context(), w.clerk, w.part(v.ID, "urban").ID))
		text, _ := w.printed(w.clerk, v, DocDeemed, "urban")
		wantWords(t, text, "未按约定到场", "应到时间", "宽限时间届满"+flat(instantText(v.GraceUntil)), "签到情况", "窗口人员核对后确认，王敏")
		for _, c := range w.viewNow(v).CheckIns {
			wantWords(t, text, flat(c.Name)+"，"+flat(instantText(c.CameAt)))
		}
		standing := w.part(v.ID, "urban").Standing()
		if len(standing) != 2 {
			t.Fatalf("%d attest it", len(standing))
		}
		for _, a := range standing {
			wantWords(t, text, attestWords[a.Role]+flat(a.Name))
		}
	})
}

func TestTheRecordOfAMissingOpinionRestsOnTheWordThatItWasDue(t *testing.T) { // INS-937, INS-933
	w := newWorld(t, town.SQLite(t))
	v := w.unheard()
	w.must(w.ServeByHand(t.Context(), w.clerk, w.byHand(v, w.now())))
	w.wait(at(20, 17, 36))
	r := w.record(v, "urban")
	text, _ := w.printed(w.clerk, v, DocDeemed, "urban")
	wantWords(t, text, "意见期限", "起算送达"+flat(instantText(r.T1().ServedAt))+"，A类，已收悉，书面", "签收人或接听人周科长", "没有另发提醒", "意见登记")
	if slices.ContainsFunc(r.Services, func(s Service) bool { return s.About != AboutOpinion }) {
		t.Error("it rests on the notice of the visit as well")
	}
}

func TestAReversalStandsAtTheHeadOfTheRecordAndInABlockOfItsOwn(t *testing.T) { // INS-937, INS-917
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.closedWith(OpinionRequest{Kind: Agree})
		w.must(w.Reverse(t.Context(), w.boss, w.part(v.ID, "amr").ID, "送达有误"))
		if text, _ := w.printed(w.clerk, v, DocDeemed, "amr"); strings.Contains(text, "撤销理由") {
			t.Error("one person alone has reversed it")
		}
		w.clock.forward(time.Hour)
		second := w.boss
		second.ID, second.Name = "boss2", "赵主任"
		w.must(w.Reverse(t.Context(), second, w.part(v.ID, "amr").ID, "核对属实，同意撤销"))
		r := w.record(v, "amr").Reversal
		text, first := w.printed(w.clerk, v, DocDeemed, "amr")
		head := strings.Index(text, "【已撤销】本记录已于"+flat(instantText(r.DecidedAt)))
		if head < 0 || head > strings.Index(text, "办件编号") {
			t.Errorf("the head does not say that it is reversed:\n%s", text)
		}
		wantWords(t, text, "提出人李主任，"+flat(instantText(r.ProposedAt)), "撤销理由送达有误", "决定人赵主任，"+flat(instantText(r.DecidedAt)), "决定意见核对属实，同意撤销")
		wantWords(t, text, "新的意见期限"+flat(instantText(w.due(v, "amr", DeadlineOpinion)))+"前书面出具意见", "不再自动视为同意")
		w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Agree})
		if _, again := w.printed(w.clerk, v, DocDeemed, "amr"); !bytes.Equal(first.PDF, again.PDF) { // INS-1105
			t.Error("the opinion that came changes the record")
		}
		for deed, fact := range map[string]string{
			"UPDATE reversals SET decided_by = proposed_by":  "deemed_reversed",
			"DELETE FROM reversals":                          "deemed_reversed",
			"UPDATE deemed SET suspended_at = NULL":          "no_effect",
			"UPDATE services SET about = 'opinion'":          "arrived",
			"UPDATE reversals SET decided_at = proposed_at":  "deemed_reversed",
			"UPDATE reversals SET proposed_by = 'person:me'": "deemed_reversed",
		} { // EV-12
			if told := w.afterDeed(deed); !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, "leaves "+fact+" ") }) {
				t.Errorf("%s: %q", deed, told)
			}
		}
	})
}

func TestAReversalBesideAnOwnOpinionGivesNoNewTerm(t *testing.T) { // INS-915, INS-917, INS-937
	w := newWorld(t, town.SQLite(t))
	v := w.served()
	w.deemedAt(v, "amr")
	w.wait(v.Start)
	_, err := w.Start(t.Context(), w.clerk, v.ID)
	w.must(err)
	w.opines(v, w.inspector("amr"), "amr", OpinionRequest{Kind: Disagree, Text: "后厨布局不符"})
	w.takesBack(v, "amr")
	text, _ := w.printed(w.clerk, v, DocDeemed, "amr")
	wantWords(t, text, "已撤销", "新的意见期限该部门已有自己的意见，不另给期限")
}

func TestTheRecordOfARoundThatIsOverStaysToBePrinted(t *testing.T) { // INS-920, INS-937
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.served()
		number := w.deemedAt(v, "amr").Deemed.Number
		w.moved(v)
		_, err := w.Document(t.Context(), w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocDeemed, Department: w.department("amr")})
		w.refused(err, "document_not_yet")
		doc, err := w.Document(t.Context(), w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocDeemed, Department: w.department("amr"), N: 1})
		w.must(err)
		text := papertest.Flat(papertest.Read(t, doc.PDF))
		wantWords(t, text, "【该轮已改期】", number, "第1轮", flat(spanText(v.Start, v.End)))
		_, err = w.DeemedRecord(t.Context(), w.inspector("fire"), v.ID, w.department("amr"), 1) // SEC-3
		w.refused(err, "not_found")
	})
}
