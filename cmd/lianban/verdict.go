package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lianban/internal/audit"
	"lianban/scheduler/workday"
)

// verdict prints what a bundle says in the six lines of EV-11, every check that
// was made, and the result.
func (a *app) verdict(b *audit.Bundle, r *audit.Report) {
	about := b.About()
	a.say("办件 %s  部门 %s  第 %s 轮", "case %s  department %s  round %s", about["case"], about["department"], about["round"])
	for _, line := range a.summary(b.Entries()) {
		fmt.Fprintln(a.out, line)
	}
	a.say("存证  %d 条记录，日志 %d 条，公钥 %s…", "record    %d leaves, tree %d, key %s…",
		len(b.Entries()), r.Checkpoint.Size, audit.Fingerprint(r.Key)[:16])
	for _, line := range r.Lines {
		mark := "ok"
		if line.Code != "" {
			mark = "FAIL " + line.Code
		}
		fmt.Fprintf(a.out, "  %2d  %s  %s\n", line.Check, mark, line.In(a.lang))
	}
	if !r.Pinned {
		a.say("公钥未经核对：请与部门留存的公钥 %s 比对，或加 --key 再核验", "the key is not pinned: compare it with the one you hold, %s, or verify again with --key", r.Key)
	}
	a.say("结论  %s", "RESULT    %s", r.Result())
}

// summary reads service, deadline, inbox and outcome from the leaves.
func (a *app) summary(entries []audit.Entry) []string {
	var lines []string
	line := func(zh, en string, args ...any) { lines = append(lines, fmt.Sprintf(a.text(zh, en), args...)) }
	if e, ok := last(entries, "arrived"); ok {
		line("送达  %s 类  %s  %s", "service   %s  %s  %s", e.Text("class"), second(e.Time("served_at")), a.plain(e.Text("channel")))
	}
	if e, ok := last(entries, "deadline_set"); ok {
		line("期限  %s  日历版本 %d", "deadline  %s  calendar %d", second(e.Time("t2")), e.Int("calendar_version"))
	}
	deemed, ok := last(entries, "deemed")
	if ok {
		line("收件  期限之后已收取：%s", "inbox     read after deadline: %s", a.inbox(deemed))
	}
	reply, answered := last(entries, "reply_received")
	switch {
	case ok:
		line("结果  视为同意（%s），%s，%s", "outcome   视为同意 (%s) at %s, %s", a.plain(deemed.Text("reason")), second(deemed.At), deemed.Text("number"))
	case answered:
		line("结果  已反馈（%s），%s", "outcome   answered (%s) at %s", a.plain(reply.Text("kind")), second(reply.Time("received_at")))
	default:
		line("结果  尚无反馈，也没有视为同意", "outcome   no answer and no deemed consent")
	}
	return lines
}

// chineseWords say for people what leaves name by a code: ways in and out,
// answers, and the reason of a deemed consent. English keeps the codes (EV-11).
var chineseWords = map[string]string{
	"portal": "收件页", "mail": "邮件", "sms": "短信", "link": "邮件链接", "phone": "电话", "paper": "书面送达",
	"accept": "应约", "decline": "不能应约", "counter": "提出改期", "excuse": "提出正当理由", "delegate": "委派",
	"no_reply": "逾期未反馈",
}

// plain is the word for a code; one that has none is printed as it is.
func (a *app) plain(code string) string {
	if word := chineseWords[code]; word != "" {
		return a.text(word, code)
	}
	return code
}

// last finds the newest entry of a type; of arrivals the first that counts.
func last(entries []audit.Entry, kind string) (found audit.Entry, ok bool) {
	for _, e := range entries {
		weak := kind == "arrived" && e.Text("class") != "A" && e.Text("class") != "B"
		if e.Type == kind && !weak && !(ok && kind == "arrived") {
			found, ok = e, true
		}
	}
	return found, ok
}

// inbox says until when each way in was seen alive.
func (a *app) inbox(deemed audit.Entry) string {
	channels, _ := deemed.Fields["inbox"].(map[string]any)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(channels)) {
		state, _ := channels[name].(map[string]any)
		alive, _ := state["alive_through"].(string)
		if t, err := time.Parse(time.RFC3339, alive); err == nil {
			alive = second(t)
		}
		parts = append(parts, a.plain(name)+" "+alive)
	}
	return strings.Join(parts, ", ")
}

// second is an instant in Shanghai, to the second.
func second(t time.Time) string { return t.In(workday.Shanghai).Format("2006-01-02 15:04:05") }
