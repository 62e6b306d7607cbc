package api

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"

	"lianban/inspection"
	"lianban/internal/fault"
)

// texts says for each rule what a field has to look like. {} is the rule's
// parameter, which stands in our code: nothing that was sent is repeated. Rules
// that read differently for texts and lists have a line of their own (STK-26).
var texts = map[string]words{
	"required": {"请填写", "this is needed"},
	"type":     {"类型不对，请查看接口说明 /docs", "this has the wrong type; see /docs"},
	"min":      {"不能小于 {}", "at least {}"},
	"min text": {"至少 {} 个字", "at least {} characters"},
	"min list": {"至少 {} 项", "at least {} of them"},
	"max":      {"不能大于 {}", "at most {}"},
	"max text": {"最多 {} 个字", "at most {} characters"},
	"max list": {"最多 {} 项", "at most {} of them"},
	"oneof":    {"应为以下之一：{}", "one of: {}"},
	"unique":   {"不能有重复", "no two may be equal"},

	"nonul":     {"含有不能保存的字符，请删除后重新填写", "it holds a character that cannot be stored; type it again without"},
	"line":      {"应为一行文字，最多 {} 个字，首尾不留空格，不含控制字符", "one line of at most {} characters, without blanks at the ends and without control characters"},
	"code":      {"应为编号：字母、数字、点、下划线、连字符，最多 64 位", "an id: letters, digits, dots, underscores and hyphens, at most 64"},
	"division":  {"应为区划代码，如 431103", "the code of a division such as 431103"},
	"cursor":    {"应为上一页给出的 next", "what the page before gave as next"},
	"workday":   {"应为日期，如 2026-03-02", "a date such as 2026-03-02"},
	"instant":   {"应为带时区的时间，如 2026-03-02T09:30:00+08:00", "an instant with its offset such as 2026-03-02T09:30:00+08:00"},
	"mail":      {"应为一个电子邮箱地址", "one e-mail address"},
	"cn_mobile": {"应为 11 位手机号码", "a mobile number of eleven digits"},
	"cn_phone":  {"应为 11 位手机号码，或带区号的固定电话，如 0746-8322222", "a mobile number of eleven digits, or a landline with area code such as 0746-8322222"},
	"idno":      {"应为 18 位身份证件号码，请逐位核对", "an identity number of 18 digits; compare digit by digit"},
	"uscc":      {"应为 18 位统一社会信用代码，请核对营业执照", "a credit code of 18 characters; compare it with the licence"},
}

// domainTexts are for fields that a domain names, in one language and with what
// was sent: here neither.
var domainTexts = map[string]words{
	"text_invalid":      {"不能为空、过长、首尾留空格或含控制字符", "it may not be empty, too long, padded with blanks or hold control characters"},
	"attribute_unknown": {"没有这个属性，请从事项的问题中选用", "there is no such attribute; use those of the matter's questions"},
	"number_invalid":    {"应为数字，最多三位小数", "a number with at most three places"},
}

// spellTag says what a field that failed has to look like.
func spellTag(w validator.FieldError, lang string) string {
	tag := w.Tag()
	switch w.Kind() {
	case reflect.String:
		tag += " text"
	case reflect.Slice, reflect.Map:
		tag += " list"
	}
	text, ok := texts[tag]
	if !ok {
		text = texts[w.Tag()]
	}
	param := strings.Join(strings.Fields(w.Param()), "、")
	if lang == "en" {
		param = strings.Join(strings.Fields(w.Param()), ", ")
	}
	return labelled(w.Field(), text.with(param), lang)
}

// spell gives the fields that a domain named the words of the edge, in the
// language asked for.
func (c *checks) spell(fields []fault.Field, lang string) []fault.Field {
	out := make([]fault.Field, len(fields))
	for i, f := range fields {
		if text, ok := domainTexts[f.Code]; ok {
			f.Text = labelled(f.Name, text, lang)
		}
		if a, err := inspection.FindAttribute(f.Name); err == nil && f.Code == "answer_invalid" {
			f.Text = labelled(f.Name, answersOf(a), lang)
		}
		out[i] = f
	}
	return out
}

// answersOf says what an answer about the premises has to look like.
func answersOf(a inspection.Attribute) words {
	switch a.Kind {
	case inspection.NumberAttribute:
		return words{
			fmt.Sprintf("应为 %s 到 %s 的数字，最多 %d 位小数", a.Min, a.Max, a.Places),
			fmt.Sprintf("a number from %s to %s with at most %d places", a.Min, a.Max, a.Places),
		}
	case inspection.YesNoAttribute:
		return words{"应为 true 或 false", "true or false"}
	}
	var codes []string
	for _, o := range a.Options {
		codes = append(codes, o.Code)
	}
	return texts["oneof"].with(strings.Join(codes, " "))
}

func separator(lang string) string { return words{"：", ": "}.in(lang) }

// labelled puts the field's name before what is wrong with it.
func labelled(name string, text words, lang string) string {
	name, _, _ = strings.Cut(name, "[")
	label, ok := labels[name]
	if a, err := inspection.FindAttribute(name); !ok && err == nil {
		label, ok = words{a.Label.ZH, a.Label.EN}, true
	}
	if !ok {
		return text.in(lang)
	}
	return label.in(lang) + separator(lang) + text.in(lang)
}
