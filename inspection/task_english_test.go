package inspection

import (
	"regexp"
	"strings"
	"testing"
)

// STK-57: the program's own words follow the page, what people typed stays.
func TestATaskReadsInEnglishWithNamesDatesAndPeoplesOwnWords(t *testing.T) {
	names := map[string]string{"冷水滩区消防救援": "Fire and Rescue", "冷水滩区城市管理": "Urban Management"}
	for zh, want := range map[string]string{
		"冷水滩区消防救援回复不能应约，请联系核实：人手不足，$1 不行":                                    "Fire and Rescue says that it cannot come; call it: 人手不足，$1 不行",
		"办件431103-2026-000001：冷水滩区消防救援第 1 项与冷水滩区城市管理第 2 项相互矛盾，请决定保留哪一项。一个要开": "Case 431103-2026-000001: item 1 of Fire and Rescue and item 2 of Urban Management contradict each other; decide which stands. 一个要开",
		"张三不能参加2026年11月25日 周三 14:00 的勘验，请安排换人或改期":                            "张三 cannot come to the visit of Wed 2026-11-25 14:00; send somebody else or move it",
		"给冷水滩区消防救援的通知（邮件）未能送出，请改用其他方式送达":                                     "The notice to Fire and Rescue (mail) could not be sent; serve it another way",
		"办件A1的勘验已改期，退出 2026-11-25上午的行程；其余A2、A3不变，请核对先后和用车":                   "The visit of case A1 was moved and has left the trip of Wed 2026-11-25, morning; the others (A2, A3) stay. See to the order and the vehicle",
		"这句话程序不认识": "",
	} {
		if got := (Task{Detail: zh}).English(names); got != want {
			t.Errorf("%s:\n%s\nwant %s", zh, got, want)
		}
	}
}

// Each sentence is found under its own words, and its English has the same gaps.
func TestEverySentenceOfATaskHasItsGapsInEnglish(t *testing.T) {
	digit := regexp.MustCompile(`\$[1-6]`)
	for _, s := range taskSentences {
		found := map[string]bool{}
		for _, m := range digit.FindAllString(s.EN, -1) {
			found[m] = true
		}
		gaps := strings.Count(s.ZH, "*")
		if strings.HasPrefix(s.ZH, "请书面告知") {
			gaps-- // whom to ring is on the task's own paper
		}
		if len(found) != gaps {
			t.Errorf("%s has %d gaps, its English %d", s.ZH, gaps, len(found))
		}
		if got := (Task{Detail: strings.ReplaceAll(s.ZH, "*", "甲")}).English(nil); got == "" {
			t.Errorf("%s is not found", s.ZH)
		}
	}
}
