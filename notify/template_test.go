package notify

import (
	"fmt"
	"testing"
	"time"
)

func TestPrint(t *testing.T) {
	f := Facts{Notice: "应约〔2026〕431103-000317", Round: 1, Case: "431103-2026-000317", Matter: "我要开饭店", Kind: "site", Site: "冷水滩区梧桐路 18 号", District: "冷水滩区",
		Start: time.Date(2026, 12, 10, 1, 30, 0, 0, time.UTC), End: time.Date(2026, 12, 10, 3, 0, 0, 0, time.UTC), Department: "冷水滩区消防救援大队",
		Departments: []string{"区市场监管局", "区消防救援大队"}, Lead: "区市场监管局", StaffMin: 2, Centre: "永州市政务服务中心", Window: "A03", Phone: "0746-8350000",
		RespondBy: time.Date(2026, 12, 8, 9, 30, 0, 0, time.UTC), Citation: "《永州市市场准入涉照事项“一件事一次办”改革实施方案（试行）》三（三）3-四",
		Link: "https://lianban.example/r/abc", Code: "482913", Reference: "K7Q2", Signature: "永州政务", Reason: "收到通知后在期限内未反馈意见", Record: "视同〔2026〕1",
		DecidedAt: time.Date(2026, 12, 8, 9, 35, 0, 0, time.UTC), ServedAt: time.Date(2026, 12, 7, 1, 35, 0, 0, time.UTC), Proof: "x", Coming: []string{"a", "b"}, Silent: []string{"c"},
		ReceivedAt: time.Date(2026, 12, 8, 9, 29, 59, 0, time.UTC), Answer: "应约", Prepare: "材料", Attend: "经营者", Checkpoint: "校验点 lianban.example 88 abc=\n— lianban.example xyz"}
	for _, lang := range []string{"zh", "en"} {
		for _, p := range []string{"notice", "reminder", "morning", "cancel", "confirmed", "deemed", "receipt", "applicant"} {
			b, err := Render(lang, p, f)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println("=====", b.Subject, len([]rune(b.Subject)), "\n"+b.Text, "\nSMS", Segments(b.SMS), b.SMS)
			if p == "deemed" && lang == "zh" {
				fmt.Println(b.HTML)
			}
		}
	}
}
