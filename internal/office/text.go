package office

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"lianban/internal/fault"
)

// Line is one single-line text of a form, with the most characters it may have.
type Line struct {
	Field, Value string
	Max          int
	Optional     bool
}

// CheckLines refuses texts that are empty, too long, not UTF-8 or hold control
// characters, naming all such fields (text_invalid). Rare characters and
// right-to-left writing pass: a name is kept as its owner writes it (SEC-16, 24).
func CheckLines(lines ...Line) error {
	var bad []fault.Field
	for _, l := range lines {
		if text := l.fault(); text != "" {
			bad = append(bad, fault.Field{Name: l.Field, Code: "text_invalid", Text: text})
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return textInvalid(bad...)
}

func textInvalid(fields ...fault.Field) error {
	e := fault.Refuse(fault.Invalid, "text_invalid",
		"有文字不能保存：不能为空、过长、首尾留空格或含控制字符，请改正后再提交",
		"some text cannot be stored: it is empty, too long, padded with blanks or holds control characters; correct it and send again")
	e.Fields = fields
	return e
}

func (l Line) fault() string {
	switch n := utf8.RuneCountInString(l.Value); {
	case !utf8.ValidString(l.Value):
		return "不是有效的 UTF-8 文字"
	case strings.ContainsFunc(l.Value, breaksLine):
		return "含有换行或控制字符"
	case strings.TrimSpace(l.Value) != l.Value:
		return "首尾有空格"
	case n == 0 && !l.Optional:
		return "不能为空"
	case n > l.Max:
		return fmt.Sprintf("超过 %d 个字", l.Max)
	}
	return ""
}

// CheckText refuses a text of any number of lines that no page, letter or
// database takes: control characters apart from line breaks and tabs, broken
// UTF-8, more than so many characters (text_invalid). An empty one passes.
func CheckText(field, text string, most int) error {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }
	if utf8.ValidString(text) && !strings.ContainsFunc(text, control) && utf8.RuneCountInString(text) <= most {
		return nil
	}
	return textInvalid(fault.Field{Name: field, Code: "text_invalid", Text: fmt.Sprintf("含有控制字符，或超过 %d 个字", most)})
}

// breaksLine reports the runes that could end a header or a line in some sink:
// C0, DEL, C1, and the two Unicode separators.
func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

var mobileForm = regexp.MustCompile(`^1[3-9]\d{9}$`)

// Mobile gives the eleven digits of a mobile number written in any of the usual
// ways, or refuses with mobile_invalid (FAC-24).
func Mobile(text string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == ' ' || r == '-' || r == '\u3000':
			return -1
		}
		return r
	}, text)
	for _, prefix := range []string{"+86", "0086", "86"} {
		if rest, found := strings.CutPrefix(digits, prefix); found {
			digits = rest
			break
		}
	}
	if !mobileForm.MatchString(digits) {
		return "", fault.Refuse(fault.Invalid, "mobile_invalid",
			"手机号码无法识别，请填写 11 位手机号，如 13800001234",
			"this is not a mobile number; write eleven digits such as 13800001234")
	}
	return digits, nil
}

var mailForm = regexp.MustCompile(`^[\w!#$%&'*+/=?^{|}~.-]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$`)

// MailAddress checks a bare e-mail address of one recipient, or refuses with
// mail_invalid. Addresses outside ASCII are refused: few servers take them.
func MailAddress(text string) (string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || len(text) > 254 || !mailForm.MatchString(text) {
		return "", fault.Refuse(fault.Invalid, "mail_invalid",
			"电子邮箱无法识别，请只填一个地址，如 xf@example.gov.cn",
			"this is not an e-mail address; write just one, such as xf@example.gov.cn")
	}
	return text, nil
}
