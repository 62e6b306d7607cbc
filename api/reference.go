package api

import (
	"bytes"
	"cmp"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lianban/internal/auth"
)

//go:embed reference.html
var referenceHTML string

//go:embed reference.css
var referenceCSS []byte

// reference registers the page that explains the interface, made by the server
// in both languages, without script and without any outside host (STK-42).
func (s *Server) reference() error {
	page, err := template.New("reference").Parse(referenceHTML)
	if err != nil {
		return err
	}
	made := map[string][]byte{}
	for _, lang := range []string{"zh", "en"} {
		var out bytes.Buffer
		if err := page.Execute(&out, s.explain(lang)); err != nil {
			return err
		}
		made[lang] = out.Bytes()
	}
	s.plain(Route{Method: http.MethodGet, Path: "/docs", Act: "reference", Who: anyone}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(made[exchangeOf(r).lang])
	})
	s.plain(Route{Method: http.MethodGet, Path: "/docs/style.css", Act: "referenceStyle", Who: anyone}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(referenceCSS)
	})
	return nil
}

// explanation is what the reference page shows.
type explanation struct {
	Lang   string
	Say    map[string]string
	Groups []explainedGroup
	Types  []explainedType
	Rules  []explainedField // texts of each rule
}

type explainedGroup struct {
	Name       string
	Operations []explainedOperation
}

type explainedOperation struct {
	Method, Path, Act, Title string
	Who, Scope               string
	Fields                   []explainedField
	Answer                   explainedField
}

type explainedType struct {
	Name   string
	Fields []explainedField
}

// explainedField is a parameter or property. Ref is the type it links to.
type explainedField struct {
	In, Name, Type, Ref, Doc string
	Required                 bool
}

func (s *Server) explain(lang string) explanation {
	out := explanation{Lang: lang, Say: map[string]string{}}
	for key, text := range referenceWords {
		out.Say[key] = text.in(lang)
	}
	at := map[string]int{}
	for _, line := range s.routes {
		if line.in == nil {
			continue
		}
		tag := tagOfPath(line.Path)
		i, ok := at[tag]
		if !ok {
			i = len(out.Groups)
			at[tag] = i
			out.Groups = append(out.Groups, explainedGroup{Name: tag})
		}
		out.Groups[i].Operations = append(out.Groups[i].Operations, s.explainOperation(line, lang))
	}
	schemas := s.doc.OpenAPI().Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		out.Types = append(out.Types, explainedType{name, explainProperties(schemas[name])})
	}
	for _, tag := range slices.Sorted(maps.Keys(texts)) {
		out.Rules = append(out.Rules, explainedField{Name: tag, Doc: texts[tag].with("n").in(lang)})
	}
	return out
}

func (s *Server) explainOperation(line Route, lang string) explainedOperation {
	op := s.operation(line)
	out := explainedOperation{
		Method: line.Method, Path: line.Path, Act: line.Act, Title: line.Title.in(lang), Who: whoInWords(line.Who, lang), Scope: line.Scope,
	}
	for _, p := range op.Parameters {
		f := explainSchema(p.Schema)
		f.In, f.Name, f.Required, f.Doc = p.In, p.Name, p.Required, p.Description
		out.Fields = append(out.Fields, f)
	}
	if op.RequestBody != nil {
		for media, body := range op.RequestBody.Content {
			f := explainSchema(body.Schema)
			f.In, f.Name, f.Required = "body", media, true
			out.Fields = append(out.Fields, f)
		}
	}
	for status, answer := range op.Responses {
		if status == "default" || status == strconv.Itoa(http.StatusNotModified) {
			continue
		}
		out.Answer.Name = status
		for _, body := range answer.Content {
			f := explainSchema(body.Schema)
			out.Answer.Type, out.Answer.Ref = f.Type, f.Ref
		}
	}
	return out
}

// operation finds the document's part of a line.
func (s *Server) operation(line Route) *huma.Operation {
	item := s.doc.OpenAPI().Paths[line.Path]
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[line.Method]
}

func explainProperties(s *huma.Schema) (out []explainedField) {
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		f := explainSchema(s.Properties[name])
		f.Name, f.Doc, f.Required = name, s.Properties[name].Description, slices.Contains(s.Required, name)
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b explainedField) int { return -cmp.Compare(btoi(a.Required), btoi(b.Required)) })
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// explainSchema writes a type in one line: "string · line · ≤ 80".
func explainSchema(s *huma.Schema) explainedField {
	if s.Ref != "" {
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return explainedField{Type: name, Ref: name}
	}
	if s.Type == huma.TypeArray {
		f := explainSchema(s.Items)
		f.Type = "[" + f.Type + "]"
		return f
	}
	parts := []string{cmp.Or(s.Type, "any")}
	if s.Format != "" && s.Format != "int64" && s.Format != "double" {
		parts = append(parts, s.Format)
	}
	for _, option := range s.Enum {
		parts = append(parts, option.(string))
	}
	parts = append(parts, limitsOf(s)...)
	return explainedField{Type: strings.Join(parts, " · ")}
}

func limitsOf(s *huma.Schema) (out []string) {
	add := func(sign string, n *int) {
		if n != nil {
			out = append(out, sign+" "+strconv.Itoa(*n))
		}
	}
	add("≥", s.MinLength)
	add("≤", s.MaxLength)
	for sign, x := range map[string]*float64{"≥": s.Minimum, "≤": s.Maximum} {
		if x != nil {
			out = append(out, sign+" "+strconv.FormatFloat(*x, 'f', -1, 64))
		}
	}
	slices.Sort(out)
	slices.Reverse(out) // ≥ before ≤
	return out
}

var roleWords = map[auth.Role]words{
	auth.Clerk: {"窗口人员", "clerk"}, auth.Supervisor: {"中心主管", "supervisor"}, auth.Inspector: {"勘验人员", "inspector"},
	auth.Head: {"部门负责人", "head of department"}, auth.Courier: {"派送员", "courier"}, auth.Auditor: {"审计员", "auditor"},
	auth.Admin: {"系统管理员", "administrator"}, auth.Security: {"安全管理员", "security administrator"},
}

// whoInWords says who may, as the registry has it.
func whoInWords(who Who, lang string) string {
	if len(who.Roles) == len(everyRole) {
		return words{"所有登录人员", "everybody who is signed in"}.in(lang)
	}
	names := func(roles []auth.Role) string {
		var out []string
		for _, r := range roles {
			out = append(out, roleWords[r].in(lang))
		}
		return strings.Join(out, words{"、", ", "}.in(lang))
	}
	parts := []string{names(who.Roles)}
	if len(who.Own) > 0 {
		parts = append(parts, words{"本中心或本部门的", "of the centre or department concerned: "}.in(lang)+names(who.Own))
	}
	return strings.Trim(strings.Join(parts, "；"), "；")
}

var referenceWords = map[string]words{
	"title":  {"接口说明", "Interface reference"},
	"intro":  {"以下为联办系统的 JSON 接口。机器可读的版本：", "This is the JSON interface of Lianban. For machines: "},
	"key":    {"程序使用 Authorization: Bearer lb_…；人员使用登录后的会话，修改类请求还须带 X-CSRF-Token。", "Programs send Authorization: Bearer lb_…; people use their session, and send X-CSRF-Token with every change."},
	"once":   {"标有 Idempotency-Key 的请求可以放心重发：同一编号只办一次，重复时返回第一次的结果和 Idempotency-Replayed: true；同一编号换了内容为 409。", "A request with an Idempotency-Key may be sent again: it is done once, and a repeat brings the first answer with Idempotency-Replayed: true. Another request under the same key is 409."},
	"tag":    {"办件带有 ETag；修改时放入 If-Match：缺少为 428，已过时为 412。", "A case has an ETag; send it as If-Match to change it. Missing is 428, out of date is 412."},
	"pages":  {"列表每页默认 50 条，最多 200 条；下一页的位置在 next 和 Link 中。", "Lists come by 50, at most 200 a page; the next page is in next and in Link."},
	"errors": {"拒绝一律为 application/problem+json，含 code、detail、errors、request_id；语言随 Accept-Language。", "Every refusal is application/problem+json with code, detail, errors and request_id, in the language of Accept-Language."},
	"rate":   {"每个密钥每秒 20 次，瞬时 40 次；超过为 429 和 Retry-After。", "20 requests a second for each key, 40 at once; beyond that 429 with Retry-After."},
	"who":    {"谁可以", "who may"}, "scope": {"密钥权限", "scope of a key"}, "answer": {"结果", "answer"},
	"field": {"字段", "field"}, "type": {"类型", "type"}, "needed": {"必填", "needed"}, "doc": {"说明", "meaning"},
	"types": {"类型", "Types"}, "rules": {"填写规则", "Rules of fields"}, "contents": {"目录", "Contents"},
}
