package delivery

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// One mask on screens, labels, lists, exports and webhooks, here and in the
// inspection half; showing the full value is a logged act with a reason (FAC-20).
// A value no rule fits is hidden whole. GB/T 41833-2022 asks that at least one
// character of the name, six digits of the phone and the room number are hidden
// (DEL-1103).

// MaskName keeps the first character: 欧阳修 → 欧**.
func MaskName(name string) string { return mask(strings.TrimSpace(name), 1, 0) }

// MaskPhone keeps the first character and the last four: 13800001234 →
// 1******1234. The usual 138****1234 hides four digits, which is not enough
// (DEL-1103). It serves landlines too.
func MaskPhone(phone string) string { return mask(phone, 1, 4) }

// MaskIDNo keeps the first and the last character of an identity document. The
// last four are asked at the door, so they are never shown.
func MaskIDNo(number string) string { return mask(number, 1, 1) }

// mask keeps so many characters at both ends; a value too short to hide as much
// as it shows is hidden whole.
func mask(s string, head, tail int) string {
	chars := []rune(s)
	hidden := len(chars) - head - tail
	if hidden <= 0 || tail > 0 && hidden < head+tail {
		return strings.Repeat("*", len(chars))
	}
	return string(chars[:head]) + strings.Repeat("*", hidden) + string(chars[len(chars)-tail:])
}

const numeral = `[0-9０-９A-Za-zＡ-Ｚａ-ｚ一二三四五六七八九十百]+`

var (
	building = regexp.MustCompile(numeral + `(?:号楼|[栋幢座])`)
	house    = regexp.MustCompile(numeral + `号`)
	unit     = regexp.MustCompile(numeral + `(?:单元|[室房层户门楼])`)
	road     = regexp.MustCompile(`^[^0-9０-９]*(?:[路街巷弄道村组]|大道)`)
	district = regexp.MustCompile(`^[^0-9０-９]*[省市县区旗镇乡]`)
)

// MaskAddress keeps the address up to the building, else the house number, else
// the street: 某路1号3栋2单元501 → 某路1号3栋***.
func MaskAddress(address string) string {
	before := address
	inside := unit.FindStringIndex(address)
	if inside != nil {
		before = address[:inside[0]]
	}
	end := len(before)
	if at := building.FindStringIndex(before); at != nil {
		end = at[1]
	} else if at := house.FindStringIndex(before); at != nil {
		end = at[1]
	} else if inside == nil {
		end = len(MaskStreet(address))
	}
	if end == len(address) {
		return address
	}
	return address[:end] + "***"
}

// MaskStreet keeps the address up to the street, for SMS and iCalendar (FAC-20,
// FAC-21): 冷水滩区梧桐路12号 → 冷水滩区梧桐路.
func MaskStreet(address string) string {
	if street := road.FindString(address); utf8.RuneCountInString(street) > 1 {
		return street
	}
	return district.FindString(address)
}

// MaskEmail shows the first character and the domain: z***@example.cn.
func MaskEmail(address string) string {
	name, domain, found := strings.Cut(address, "@")
	if !found || name == "" {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(name)
	return string(first) + "***@" + domain
}
