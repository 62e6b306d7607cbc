package inspection

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// normalise turns what people type and paste into the form that is checked and
// stored: half-width, upper case, no blanks (FAC-25).
func normalise(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, width.Fold.String(s))
}

const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY" // GB 32100-2015, without I O S V Z

var (
	creditPattern = regexp.MustCompile(`^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$`)
	creditWeights = [17]int{1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28} // 3^(i-1) mod 31
)

// CheckCreditCode normalises a 统一社会信用代码 (FAC-22). Refusals:
// credit_code_invalid for what cannot be one; credit_code_check when the check
// character does not match, which a clerk may override with a reason, because
// real codes that fail exist: the code comes back beside the refusal.
func CheckCreditCode(code string) (string, error) {
	code = normalise(code)
	if !creditPattern.MatchString(code) {
		return "", fault.Refuse(fault.Invalid, "credit_code_invalid",
			"统一社会信用代码应为 18 位数字和大写字母（不含 I、O、S、V、Z），请核对营业执照", "a credit code has 18 digits and capital letters without I, O, S, V, Z; compare it with the business licence")
	}
	sum := 0
	for i, weight := range creditWeights {
		sum += weight * strings.IndexByte(creditAlphabet, code[i])
	}
	if creditAlphabet[(31-sum%31)%31] != code[17] {
		return code, fault.Refuse(fault.Invalid, "credit_code_check",
			"统一社会信用代码的校验位不符，请核对；确与证照一致的，填写理由后可以继续", "the check character of the credit code does not match; compare it, and give a reason if the licence really says so")
	}
	return code, nil
}

var (
	idPattern = regexp.MustCompile(`^[0-9]{17}[0-9X]$`)
	idWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
)

const idCheck = "10X98765432"

// CheckIDNumber normalises an 18-digit number of GB 11643: identity cards and the
// residence permits of the same form (FAC-23). Passports have no such number.
// Refusal: id_number_invalid.
func CheckIDNumber(number string, today workday.Date) (string, error) {
	number = normalise(number)
	if !idPattern.MatchString(number) {
		return "", idInvalid("应为 18 位数字，末位可以是 X", "it has 18 digits, the last may be X")
	}
	birth, err := time.Parse("20060102", number[6:14])
	if err != nil || today.Before(workday.DateOf(birth)) {
		return "", idInvalid("第 7 到 14 位不是有效的出生日期", "digits 7 to 14 are not a date of birth")
	}
	sum := 0
	for i, weight := range idWeights {
		sum += weight * int(number[i]-'0')
	}
	if idCheck[sum%11] != number[17] {
		return "", idInvalid("校验位不符，请逐位核对", "the check digit does not match; compare digit by digit")
	}
	return number, nil
}

func idInvalid(zh, en string) error {
	return fault.Refuse(fault.Invalid, "id_number_invalid",
		"证件号码有误：%[1]s", "the identity number is wrong: %[2]s", zh, en)
}

var (
	mobilePattern   = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	landlinePattern = regexp.MustCompile(`^(010|02[0-9]|0[3-9][0-9]{2})([2-9][0-9]{6,7})$`)
	countryPrefix   = regexp.MustCompile(`^(\+86|0086|86)`)
)

// CheckMobile normalises a mobile number to its eleven digits (FAC-24). An SMS
// goes to nothing else. Refusal: mobile_invalid.
func CheckMobile(number string) (string, error) {
	if n := dialled(number); mobilePattern.MatchString(n) {
		return n, nil
	}
	return "", fault.Refuse(fault.Invalid, "mobile_invalid",
		"手机号码应为 11 位，以 13 到 19 开头，请核对", "a mobile number has 11 digits and begins with 13 to 19; check it")
}

// CheckPhone normalises a mobile number or a landline with its area code, such
// as 0746-8322222. Refusal: phone_invalid.
func CheckPhone(number string) (string, error) {
	n := dialled(number)
	if mobilePattern.MatchString(n) {
		return n, nil
	}
	part := landlinePattern.FindStringSubmatch(n)
	if part != nil && (part[1] != "0746" || len(part[2]) == 7) { // Yongzhou has seven digits
		return part[1] + "-" + part[2], nil
	}
	return "", fault.Refuse(fault.Invalid, "phone_invalid",
		"电话应为 11 位手机号码，或者带区号的固定电话，例如 0746-8322222", "a telephone number is a mobile number of 11 digits or a landline with area code, such as 0746-8322222")
}

// dialled removes what people add for the eye, and the country code.
func dialled(number string) string {
	number = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Pd, r) || strings.ContainsRune("()", r) {
			return -1
		}
		return r
	}, normalise(number))
	return countryPrefix.ReplaceAllString(number, "")
}
