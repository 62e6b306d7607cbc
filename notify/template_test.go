package notify

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the difference")

var purposes = []string{
	PurposeNotice, PurposeReminder, PurposeDemand, PurposeMorning, PurposeCancel, PurposeConfirmed, PurposeDeemed, PurposeReceipt, PurposeApplicant, PurposeTermOver, PurposePhoto,
	PurposeOpinionDue, PurposeReleased, PurposeWaived, PurposeRoster, PurposeObjection, PurposeContest,
}

func eachLetter(t *testing.T, f Facts, do func(lang, purpose string, b Body)) {
	t.Helper()
	for _, lang := range []string{"zh", "en"} {
		for _, purpose := range purposes {
			b, err := Render(lang, purpose, f)
			if err != nil {
				t.Fatal(err)
			}
			do(lang, purpose, b)
		}
	}
}

func TestLettersReadAsWritten(t *testing.T) { // STY-62
	all := map[string]*strings.Builder{"zh": {}, "en": {}}
	eachLetter(t, someFacts(), func(lang, purpose string, b Body) {
		fmt.Fprintf(all[lang], "======== %s\n%s\n\n%s\nSMS: %s\n\n", purpose, b.Subject, b.Text, b.SMS)
	})
	for lang, got := range all {
		file := filepath.Join("testdata", "letters_"+lang+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s differs; run with -update and read the difference", file)
		}
	}
}

func TestTextAndHTMLStateTheSameFacts(t *testing.T) { // ICA-71
	for _, change := range []func(*Facts){func(*Facts) {}, func(f *Facts) { f.NeverDeemed = true }, func(f *Facts) { f.Round, f.Provisional = 2, true }} {
		f := someFacts()
		change(&f)
		eachLetter(t, f, func(lang, purpose string, b Body) {
			plain := visible(b.HTML)
			facts := []string{f.Case, "09:30", "11:00", "校验点 lianban.example/log 88 abc="}
			if purpose == PurposeNotice || purpose == PurposeReminder {
				facts = append(facts, b.Must.Deadline, b.Must.Consequence)
			}
			if purpose == PurposeNotice {
				facts = append(facts, f.Citation, f.Code, f.Link, f.Phone, f.Lead, f.Notice)
			}
			for _, fact := range facts {
				if fact == "" || !strings.Contains(b.Text, fact) || !strings.Contains(plain, fact) {
					t.Errorf("%s %s: %q is not in both text and HTML", lang, purpose, fact)
				}
			}
		})
	}
}

func TestNoticeSaysItsThingsInOrder(t *testing.T) { // ICA-69
	b, err := Render("zh", PurposeNotice, someFacts())
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, words := range []string{
		"根据《", "时　　间：12月10日（周四）09:30—11:00", "地　　点：", "办件编号：", "参加单位：", "牵头单位：",
		"请于12月8日（周二）17:30 前反馈", "逾期未反馈或不参加的，按规定视为同意", "反馈方式", "https://lianban.example/r/abc",
		"电话", "回执", "反馈码：482913", "第1轮", "————", "正文校验：", "校验点 ",
	} {
		i := strings.Index(b.Text[at+1:], words)
		if i < 0 {
			t.Fatalf("%q is missing or too early", words)
		}
		at += 1 + i
	}
}

func TestNeverDeemedDepartmentIsToldSo(t *testing.T) { // INS-702, ICA-69
	f := someFacts()
	f.NeverDeemed = true
	for _, purpose := range []string{PurposeNotice, PurposeReminder, PurposeMorning} {
		b, err := Render("zh", purpose, f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.Text, "本事项不适用视为同意") || strings.Contains(b.Text, "按规定视为同意") || strings.Contains(visible(b.HTML), "按规定视为同意") {
			t.Errorf("%s threatens a department that is never deemed", purpose)
		}
	}
}

func TestDeemedLetterSaysThatItIsNoPermit(t *testing.T) { // INS-914, INS-918
	b, err := Render("zh", PurposeDeemed, someFacts())
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"不是行政许可决定", "异议", "视同〔2026〕431103-000001", someFacts().Citation} {
		if !strings.Contains(b.Text, words) || !strings.Contains(visible(b.HTML), words) {
			t.Errorf("%q is missing", words)
		}
	}
}

func TestSubjectsFitAndNameNobody(t *testing.T) { // ICA-68, FAC-21
	f := someFacts()
	f.Case, f.Round, f.District = strings.Repeat("9", 40), 12, strings.Repeat("区", 40)
	eachLetter(t, f, func(lang, purpose string, b Body) {
		if n := utf8.RuneCountInString(b.Subject); n > titleMax {
			t.Errorf("%s %s: %d characters: %s", lang, purpose, n, b.Subject)
		}
	})
}

func TestTextsCarryNoLinkNorClauseNorPlace(t *testing.T) { // INS-710, FAC-21
	f := someFacts()
	eachLetter(t, f, func(lang, purpose string, b Body) {
		for _, words := range []string{"http", "视为同意", f.Code, f.Site, f.Department, f.Matter, "deemed"} {
			if strings.Contains(b.SMS, words) {
				t.Errorf("%s %s: text holds %q", lang, purpose, words)
			}
		}
		if purpose == PurposeNotice && (!strings.Contains(b.SMS, "0317") || !strings.Contains(b.SMS, f.Phone) || !strings.Contains(b.SMS, "17:30")) {
			t.Errorf("%s: text lacks case, deadline or telephone: %s", lang, b.SMS)
		}
	})
}

func TestHostileNamesStayWords(t *testing.T) { // SEC-20, SEC-24
	f := someFacts()
	f.Department, f.Matter, f.Link = "<script>alert(1)</script>", "𠮷野家 & “分店”", "javascript:alert(1)"
	b, err := Render("zh", PurposeNotice, f)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.HTML, "<script>") || strings.Contains(b.HTML, `href="javascript:`) {
		t.Error("a name became markup")
	}
	if !strings.Contains(b.Text, f.Matter) || !strings.Contains(visible(b.HTML), f.Matter) {
		t.Error("a rare character was lost")
	}
}

func TestTemplatesExistInBothLanguages(t *testing.T) {
	for lang, parse := range languages {
		s, err := parse()
		if err != nil {
			t.Fatal(err)
		}
		for _, purpose := range purposes {
			for _, part := range []string{".subject", ".text", ".sms"} {
				if s.text.Lookup(purpose+part) == nil {
					t.Errorf("%s has no %s%s", lang, purpose, part)
				}
			}
			if s.html.Lookup(purpose+".html") == nil {
				t.Errorf("%s has no page for %s", lang, purpose)
			}
		}
	}
	if _, err := Render("fr", PurposeNotice, someFacts()); err == nil {
		t.Error("rendered in a language that has no templates")
	}
}

// DEL-610, SIM-5: what an applicant reads of a parcel fits a text and carries
// the code once.
func TestParcelTextsFitAnSMS(t *testing.T) {
	facts := Facts{
		Parcel: "LB0301A7K3GX2", Code: "042317", Due: time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC), Centre: "永州市冷水滩区政务服务中心",
		Case: "431103-2026-000017", Department: "冷水滩区市场监督管理局", Phone: "0746-8322222", Signature: "永州政务", Reason: "楼宇封闭，无法进入",
	}
	for _, lang := range []string{"zh", "en"} {
		for _, purpose := range []string{PurposeCode, PurposeDelivered, PurposeAttempt, PurposePaused, PurposeResumed, PurposeOwed, PurposeBack, PurposeHarm, PurposeGone, PurposeAlert, PurposeFile, PurposeRate} {
			for _, pickup := range []bool{false, true} {
				several := facts // DEL-402: what a sending of three says (ICA-103)
				several.Pickup, several.Codes = pickup, []string{"042317", "042318", "042319"}
				if b, err := RenderSMS(lang, purpose, several); err != nil || checkText(b.SMS) != nil {
					t.Errorf("%s %s of three: %q %v %v", lang, purpose, b.SMS, err, checkText(b.SMS))
				}
				facts.Pickup, facts.ByMail, facts.BySlip = pickup, pickup, !pickup
				b, err := RenderSMS(lang, purpose, facts)
				if err != nil || checkText(b.SMS) != nil {
					t.Errorf("%s %s: %q %v %v", lang, purpose, b.SMS, err, checkText(b.SMS))
				}
				// DEL-1202: the page by its name and the number to enter there, no link.
				if page := map[string]string{"zh": "查询邮件", "en": "Track a parcel"}[lang]; (purpose == PurposeCode || purpose == PurposeRate) &&
					(!strings.Contains(b.SMS, page) || !strings.Contains(b.SMS, facts.Parcel)) {
					t.Errorf("%s %s does not tell where to follow the parcel: %s", lang, purpose, b.SMS)
				}
				if n := strings.Count(b.SMS, facts.Code); purpose == PurposeCode && n != 1 || purpose != PurposeCode && n != 0 {
					t.Errorf("%s %s names the code %d times: %s", lang, purpose, n, b.SMS)
				}
			}
		}
	}
}

func TestTheApplicantIsToldWhoComesInstead(t *testing.T) { // INS-308, INS-714
	f := someFacts()
	f.Department, f.Changes = "", "新增区生态环境局，区消防救援大队不再到场"
	for lang, want := range map[string][2]string{"zh": {"到场的部门有变化：", "到场部门有变化"}, "en": {"Who comes has changed: ", "other departments come"}} {
		b, err := Render(lang, PurposeApplicant, f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.Text, want[0]+f.Changes) || !strings.Contains(visible(b.HTML), want[0]+f.Changes) || !strings.Contains(b.SMS, want[1]) {
			t.Errorf("%s: %s\n%s", lang, b.Text, b.SMS)
		}
		if n, most := Segments(b.SMS), 2; n > most { // ICA-103
			t.Errorf("%s: %d segments: %s", lang, n, b.SMS)
		}
	}
}
