package inspection

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/paper/papertest"
	"lianban/notify"
)

// printed prints a document and reads it back; it stays within its page and
// writes nothing over anything.
func (w *testWorld) printed(by auth.Actor, v Visit, kind DocumentKind, system string) (string, Document) {
	w.t.Helper()
	department := ""
	if system != "" {
		department = w.department(system)
	}
	doc, err := w.Document(w.t.Context(), by, DocumentRequest{VisitID: v.ID, Kind: kind, Department: department})
	w.must(err)
	if dir := os.Getenv("LIANBAN_KEEP_PRINTS"); dir != "" {
		w.must(os.WriteFile(filepath.Join(dir, doc.Name), doc.PDF, 0o600))
	}
	pages := papertest.Read(w.t, doc.PDF)
	for i, p := range pages {
		if over, out := p.Overlaps(), p.Beyond(8); len(over)+len(out) > 0 {
			w.t.Errorf("%s, page %d: written over each other %q, beyond the edge %q", doc.Name, i+1, over, out)
		}
	}
	return papertest.Flat(pages), doc
}

// wantWords wants all of the words in a document.
func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %s:\n%s", want, text)
		}
	}
}

func TestThePapersOfAReviewSayNothingOfASite(t *testing.T) { // INS-1014
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.review()
		papers := map[DocumentKind]string{DocLaunch: "", DocSignIn: "", DocTask: "fire", DocNotice: "fire"}
		for kind, of := range papers {
			text, _ := w.printed(w.clerk, v, kind, of)
			wantWords(t, text, v.CaseNumber)
			for _, wrong := range []string{"现场", "勘验", "踏勘"} {
				if strings.Contains(text, wrong) {
					t.Errorf("%s of a review says %s:\n%s", kind, wrong, text)
				}
			}
		}
	})
}

// INS-1102, INS-1104…1106: the whole of the main job on paper.
func TestDocumentsOfAVisitSayWhatTheRecordSays(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.newVisit()
		w.tick()
		for _, kind := range []DocumentKind{DocOpinion, DocRectify, DocEnded} {
			_, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: kind, Department: ""})
			w.refused(err, "document_not_yet")
		}
		for _, kind := range []DocumentKind{DocReply, DocDeemed} {
			_, err := w.Document(ctx, w.clerk, DocumentRequest{VisitID: v.ID, Kind: kind, Department: w.department("fire")})
			w.refused(err, "document_not_yet")
		}
		launch, _ := w.printed(w.clerk, v, DocLaunch, "")
		wantWords(t, launch, "联合踏勘发起单", v.CaseNumber, v.MatterName, "牵头", "应当参加", "窗口负责人")
		notice, _ := w.printed(w.clerk, v, DocNotice, "amr")
		wantWords(t, notice, "应约通知书", w.part(v.ID, "amr").Notice.Number, "送达回执", "视为同意", "单位盖章")
		task, _ := w.printed(w.inspector("fire"), v, DocTask, "fire")
		wantWords(t, task, "现场勘验任务单", w.part(v.ID, "fire").People[0].Name, "执法证号", "整改后复勘")
		sheet, _ := w.printed(w.clerk, v, DocSignIn, "")
		wantWords(t, sheet, "签到表", w.part(v.ID, "urban").People[0].Name, "申请人或代办人")

		for _, system := range []string{"fire", "urban"} {
			_, err := w.Reply(ctx, w.inspector(system), ReplyRequest{ParticipantID: w.part(v.ID, system).ID, Round: 1, Kind: ReplyAccept, Channel: "portal"})
			w.must(err)
		}
		answer, _ := w.printed(w.clerk, v, DocReply, "fire")
		wantWords(t, answer, "反馈函", "反馈1", "应约", "收件箱", w.part(v.ID, "fire").Replies[0].Receipt)
		service, _ := w.printed(w.clerk, v, DocService, "amr")
		wantWords(t, service, "送达凭证", "送达记录", "B类", "反馈期限")

		w.until(w.part(v.ID, "amr").RespondBy.Add(11 * time.Minute))
		deemed, _ := w.printed(w.clerk, v, DocDeemed, "amr")
		row := w.part(v.ID, "amr").Deemed
		wantWords(t, deemed, "视为同意记录单", row.Number, "收到通知后在期限内未反馈意见", "不是行政许可决定", "未发现该部门的反馈", flat(row.Citation))
		w.holdVisit(v)
		opinion, _ := w.printed(w.clerk, v, DocOpinion, "")
		wantWords(t, opinion, "联合勘验意见书", "联勘〔2026〕431103-000001", "视为同意", "记录单"+row.Number, "符合要求", "通过", "不是行政许可决定", v.CaseNumber)

		for _, text := range []string{launch, notice, task, sheet, answer, service, deemed, opinion} {
			if a := restaurant().Applicant; strings.Contains(text, a.Phone) { // INS-1106
				t.Errorf("a document shows the applicant's telephone:\n%s", text)
			}
		}
	})
}

func flat(text string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(text) }

// INS-1105: also after a restart, which has nothing but the record.
func TestADocumentIsMadeAgainByteForByte(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.closeWith(v, Rectify)
		for _, kind := range []DocumentKind{DocOpinion, DocRectify, DocLaunch} {
			_, first := w.printed(w.clerk, v, kind, "")
			w.clock.forward(72 * time.Hour)
			_, again := w.printed(auth.Actor{Kind: auth.KindPerson, ID: "a", Roles: []auth.Role{auth.Auditor}}, v, kind, "")
			if !bytes.Equal(first.PDF, again.PDF) || first.Name != again.Name {
				t.Errorf("%s differs when it is printed again", first.Name)
			}
		}
		text, _ := w.printed(w.clerk, v, DocRectify, "")
		wantWords(t, text, "整改通知书", "各部门不再追加", "申请人签收", "疏散通道堆放杂物", "消防法第二十八条", "5个工作日内")
	})
}

// DEC-20.
func TestTheApplicantIsToldOnceOnPaper(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		c := w.newCase()
		doc, err := w.OnceNotice(t.Context(), w.clerk, c.ID)
		w.must(err)
		if dir := os.Getenv("LIANBAN_KEEP_PRINTS"); dir != "" {
			w.must(os.WriteFile(filepath.Join(dir, doc.Name), doc.PDF, 0o600))
		}
		text := papertest.Flat(papertest.Read(t, doc.PDF))
		wantWords(t, text, "一次性告知书", c.Number, "市场监管", "消防救援", "到场", "不需要", "面积", c.LimitDate, "申请人签收", "0746-8322222")
		if strings.Contains(text, c.Applicant.Phone) {
			t.Errorf("it shows the applicant's telephone:\n%s", text)
		}
		_, err = w.OnceNotice(t.Context(), auth.Actor{Kind: auth.KindPerson, ID: "x", Roles: []auth.Role{auth.Courier}}, c.ID)
		w.refused(err, "not_found")
	})
}

// INS-607: on paper too.
func TestACancelledVisitIsToldOnPaper(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		_, err := w.Cancel(t.Context(), w.clerk, v.ID, "weather", "大雨，道路积水")
		w.must(err)
		text, _ := w.printed(w.clerk, v, DocEnded, "")
		wantWords(t, text, "取消通知书", "天气原因", "大雨，道路积水", "各部门不再到场")
	})
}

// SEC-3: a department sees its own part and no other; strangers see nothing.
func TestDocumentsOfOtherDepartmentsAreNotThere(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.newVisit()
		w.tick()
		for _, kind := range DocumentKinds {
			if kind.OfDepartment() {
				_, err := w.Document(t.Context(), w.inspector("fire"), DocumentRequest{VisitID: v.ID, Kind: kind, Department: w.department("amr")})
				w.refused(err, "not_found")
			}
			_, err := w.Document(t.Context(), auth.Actor{Kind: auth.KindPerson, ID: "x", Roles: []auth.Role{auth.Courier}}, DocumentRequest{VisitID: v.ID, Kind: kind, Department: w.department("amr")})
			w.refused(err, "not_found")
		}
		_, err := w.Document(t.Context(), w.clerk, DocumentRequest{VisitID: v.ID, Kind: "poem", Department: ""})
		w.refused(err, "document_unknown")
		_, err = w.Document(t.Context(), w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocNotice, Department: "nobody"})
		w.refused(err, "not_found")
	})
}

// A code that is added needs its words on paper.
func TestEveryCodeOnADocumentHasItsWords(t *testing.T) {
	for _, act := range []string{"Cancel", "NotHeld"} {
		for _, code := range EndReasons(act) {
			if endWords[code] == "" {
				t.Errorf("no words for %s", code)
			}
		}
	}
	for _, kind := range DocumentKinds {
		if (VisitView{}).documentTitle(kind) == "" {
			t.Errorf("no title for %s", kind)
		}
	}
	for _, result := range []string{ResultPassed, ResultRectify, ResultFailed} {
		if resultWords[result] == "" {
			t.Errorf("no words for %s", result)
		}
	}
	if slices.Contains([]string{opinionWords[Agree], opinionWords[Rectify], opinionWords[Disagree]}, "") {
		t.Error("no words for an opinion")
	}
}

// INS-1104: the notice is printed as the inbox has it; while that copy is on the
// way, nothing empty is printed in its place.
func TestANoticeIsNotPrintedBeforeItsInboxCopyIsMade(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	v := w.newVisit()
	w.must(w.outbox.SendDue(t.Context(), notify.Mail))
	_, err := w.Document(t.Context(), w.clerk, DocumentRequest{VisitID: v.ID, Kind: DocNotice, Department: w.department("amr")})
	w.refused(err, "document_not_yet")
	w.must(w.outbox.SendDue(t.Context(), notify.Portal))
	if text, _ := w.printed(w.clerk, v, DocNotice, "amr"); !strings.Contains(text, "应约") {
		t.Errorf("the notice says %s", text)
	}
}
