package inspection

import (
	"bytes"
	"html/template"
	"time"

	"lianban/scheduler/workday"
)

// evidencePage is the page in a bundle for people: plain, no script, no
// outside address. It says what the bundle proves and what not (EV-13).
func evidencePage(v VisitView, p ParticipantView) ([]byte, error) {
	var out bytes.Buffer
	err := evidenceTemplate.Execute(&out, struct {
		V VisitView
		P ParticipantView
	}{v, p})
	return out.Bytes(), err
}

var evidenceTemplate = template.Must(template.New("evidence").Funcs(template.FuncMap{
	"local": func(t time.Time) string {
		if t.IsZero() {
			return "—"
		}
		return workday.DayText("zh", workday.DateOf(t)) + t.In(workday.Shanghai).Format(" 15:04:05")
	},
}).Parse(`<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><title>证据包 {{.V.CaseNumber}} {{.P.Name}}</title>
<style>body{font:16px/1.7 "PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ccc;vertical-align:top}th{width:9rem;font-weight:600}</style>
<h1>证据包</h1>
<p>办件 {{.V.CaseNumber}}，{{.P.Name}}，第 {{.V.Round}} 轮。</p>
<table>
<tr><th>事项</th><td>{{.V.MatterName}}</td></tr>
<tr><th>时间</th><td>{{local .V.Start}} 至 {{local .V.End}}</td></tr>
<tr><th>地点</th><td>{{.V.Place}}</td></tr>
{{with .P.Notice}}<tr><th>通知书</th><td>{{.Number}}，生成于 {{local .ComposedAt}}</td></tr>{{end}}
{{range .P.Services}}<tr><th>送达</th><td>{{.Class}} 类，{{.Channel}}，{{local .ServedAt}}{{if not .FallenAt.IsZero}}（后被退回：{{.FallenWhy}}）{{end}}</td></tr>{{end}}
<tr><th>答复期限</th><td>{{local .P.RespondBy}}{{with .P.Deadline}}<br>{{.Line}}{{end}}</td></tr>
{{range .P.Replies}}<tr><th>反馈</th><td>{{.Kind}}，收到于 {{local .ReceivedAt}}，回执 {{.Receipt}}</td></tr>{{end}}
{{with .P.Deemed}}<tr><th>视为同意</th><td>{{.Number}}，记录于 {{local .DecidedAt}}{{if not .SuspendedAt.IsZero}}（效力已中止）{{end}}<br>依据：{{.Citation}}<br>这是该部门对本次勘验的意见，不是行政许可决定。</td></tr>{{end}}
{{range .P.Opinions}}<tr><th>意见</th><td>{{.Kind}}，{{.GivenName}}，{{local .GivenAt}}<br>{{.Text}}</td></tr>{{end}}
</table>
<h2>能证明什么</h2>
<p>本包证明系统记录了什么、不晚于何时记录，以及此后没有改动或删除。它不证明某个人读过通知，也不证明录入的内容真实；这些要看送达类别、回执和外部见证。本包止于其中最后一条记录，此后的更正不在其中；使用前请索取最新的证据包。</p>
<p>核验：<code>lianban verify 文件名 --key 公钥文件</code></p>
</html>
`))
