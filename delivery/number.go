package delivery

import (
	"fmt"
	"io"
	"strings"

	"lianban/internal/fault"
)

// An own number is LB, two characters of the centre, eight random ones and a
// check character: LBYZ0001A7K3G (DEL-1101).
const (
	numberPrefix = "LB"
	numberLength = 13

	// numberSigns are those of ISO 7064 mod 37,36 in the order of their values.
	numberSigns = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

	// misreadSigns look like 1, 1, 0 and V and are never issued after the prefix.
	misreadSigns = "ILOU"
)

// issuedSigns are what a number is made of after its prefix.
var issuedSigns = strings.Map(func(r rune) rune {
	if strings.ContainsRune(misreadSigns, r) {
		return -1
	}
	return r
}, numberSigns)

// NewNumber makes an own number for a centre of two characters from a source of
// randomness (crypto/rand in the house). It does not know which numbers exist:
// uniqueness is the table's. Refusal: number_centre.
func NewNumber(centre string, random io.Reader) (string, error) {
	if len(centre) != 2 || !onlyIssued(centre) {
		return "", fault.Refuse(fault.Invalid, "number_centre",
			"中心代号 %q 不能用于编号：请在设置中改为两位数字或大写字母（不含 I、L、O、U）",
			"the centre's sign %q cannot stand in a number; set two digits or capitals without I, L, O and U", centre)
	}
	for {
		serial, err := randomSigns(random, numberLength-len(numberPrefix)-len(centre)-1)
		if err != nil {
			return "", fmt.Errorf("make a number: %w", err)
		}
		body := numberPrefix + centre + serial
		if check := checkSign(body); !strings.ContainsRune(misreadSigns, rune(check)) { // such a number is not issued
			return body + string(check), nil
		}
	}
}

// randomSigns draws evenly, because 32 signs divide the 256 values of a byte.
func randomSigns(random io.Reader, n int) (string, error) {
	drawn := make([]byte, n)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return "", err
	}
	for i, b := range drawn {
		drawn[i] = issuedSigns[int(b)%len(issuedSigns)]
	}
	return string(drawn), nil
}

// checkSign is the check character of ISO 7064 mod 37,36 over body, which holds
// numberSigns only.
func checkSign(body string) byte {
	p := 36
	for i := range len(body) {
		p = (p + strings.IndexByte(numberSigns, body[i])) % 36
		if p == 0 {
			p = 36
		}
		p = p * 2 % 37
	}
	return numberSigns[(37-p)%36]
}

// ParseNumber reads an own number as people and scanners enter it: capitals or
// not, with spaces or hyphens, in full-width forms, or as the QR code of a paper
// with its tag behind a dot. Refusal: own_number_invalid. A
// number that would be right with O read as 0, and I and L as 1, is refused too;
// the suggestion is in the text and in the detail "suggestion", for a person to
// confirm.
func ParseNumber(text string) (string, error) {
	number, _, _ := strings.Cut(foldNumber(text), ".")
	if validNumber(number) {
		return number, nil
	}
	if guess := untangle(number); validNumber(guess) {
		return "", fault.Refuse(fault.Invalid, "own_number_invalid",
			"编号 %s 不正确，是否为 %s？请对照面单确认", "the number %s is not right; is it %s? Compare with the label", number, guess).
			With("suggestion", guess)
	}
	return "", fault.Refuse(fault.Invalid, "own_number_invalid",
		"编号 %s 不正确：应为 LB 开头的 13 位，请对照面单重新输入",
		"the number %s is not right: it has 13 characters from LB on; type it again from the label", number)
}

// foldNumber folds full-width forms and case and drops spaces and hyphens.
func foldNumber(text string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // the full-width forms of ASCII
			r -= '！' - '!'
		}
		if r == ' ' || r == '\u3000' || r == '\u00a0' || r == '\t' || r == '-' {
			return -1
		}
		return r
	}, strings.TrimSpace(text)))
}

// untangle reads what follows the prefix as its look-alikes. A U has none that
// anybody agrees on.
func untangle(number string) string {
	rest, ours := strings.CutPrefix(number, numberPrefix)
	if !ours {
		return ""
	}
	return numberPrefix + strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(rest)
}

func validNumber(number string) bool {
	rest, ours := strings.CutPrefix(number, numberPrefix)
	last := numberLength - 1
	return ours && len(number) == numberLength && onlyIssued(rest) && checkSign(number[:last]) == number[last]
}

func onlyIssued(text string) bool { return strings.Trim(text, issuedSigns) == "" }

// NumberDoubt is why an EMS number looks wrong; "" is no doubt. It warns and
// never refuses: S10 misses one slip in fifty, and domestic forms may differ
// (DEL-214).
type NumberDoubt string

// What may be wrong with an EMS number.
const (
	DoubtForm  NumberDoubt = "form"  // not two letters, nine digits, two letters
	DoubtCheck NumberDoubt = "check" // the ninth digit does not fit
)

// In says what to do about the doubt, "" if there is none.
func (d NumberDoubt) In(lang string) string { return numberDoubts[d].in(lang) }

var numberDoubts = map[NumberDoubt]bilingual{
	DoubtForm:  {"不是国际通用的邮件号码格式，无法校验，请与面单核对一遍", "not an S10 number and cannot be checked; compare it with the label once more"},
	DoubtCheck: {"校验位不符，可能输错一位，请与面单核对一遍", "the check digit does not fit; compare it with the label once more"},
}

// DoubtEMS checks a number of EMS as UPU S10 does: EE473124829CN.
func DoubtEMS(text string) NumberDoubt {
	number := foldNumber(text)
	if len(number) != 13 || !allIn(number[:2]+number[11:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") || !allIn(number[2:11], "0123456789") {
		return DoubtForm
	}
	if s10Check(number[2:10]) != number[10] {
		return DoubtCheck
	}
	return ""
}

func allIn(text, signs string) bool { return strings.Trim(text, signs) == "" }

// s10Check is the check digit over eight digits: UPU S10 section 5.
func s10Check(serial string) byte {
	sum := 0
	for i, weight := range []int{8, 6, 4, 2, 3, 5, 9, 7} {
		sum += weight * int(serial[i]-'0')
	}
	switch c := 11 - sum%11; c {
	case 10:
		return '0'
	case 11:
		return '5'
	default:
		return byte('0' + c)
	}
}
