package notify

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// TextLimits bounds what goes to one telephone.
type TextLimits struct {
	PerDay   int // texts to one number in 24 h, sms.per_number_day (ICA-104)
	SameText int // equal texts to one number in 24 h, sms.same_text_day
}

// DefaultTextLimits are the house's own (ICA-104): three in all, two equal.
var DefaultTextLimits = TextLimits{PerDay: 3, SameText: 2}

// The quiet hours of telephones, hours of the day in China (ICA-105).
const (
	quietFrom, quietTo = 20, 8
	urgentBefore       = 12 // a deadline before noon does not wait
)

// china is where telephones ring; the zone has had one offset since 1991, so
// the zone database is not needed for it.
var china = time.FixedZone("CST", 8*60*60)

// quietUntil reports until when a text waits: to 08:00, unless what it speaks of is
// due before noon of that day.
func quietUntil(now, validUntil time.Time) (until time.Time, quiet bool) {
	local := now.In(china)
	if local.Hour() >= quietTo && local.Hour() < quietFrom {
		return time.Time{}, false
	}
	y, m, day := local.Date()
	if local.Hour() >= quietFrom {
		day++
	}
	if validUntil.Before(time.Date(y, m, day, urgentBefore, 0, 0, 0, china)) {
		return time.Time{}, false
	}
	return time.Date(y, m, day, quietTo, 0, 0, 0, china).UTC(), true
}

// overBudget drops a text its number has no room for; the letter goes anyway
// (ICA-104).
func (d *Desk) overBudget(ctx context.Context, tx bun.IDB, m Message, now time.Time) (bool, error) {
	all, same, err := sentTexts(ctx, tx, m.Address, m.Text, now.Add(-24*time.Hour))
	limits := orElse(d.Texts, DefaultTextLimits)
	if err != nil || all < limits.PerDay && same < limits.SameText {
		return false, err
	}
	m.State, m.SettledAt, m.Detail = Dropped, now, "budget of the number is spent"
	return settle(ctx, tx, &m)
}

// segmentsMax is our cap on the parts of one text (ICA-103).
const segmentsMax = 2

// Segments counts the parts a text is sent and paid in: 70 UTF-16 units alone
// and 67 each when several, or 160 and 153 when all of it is in the GSM 7-bit
// alphabet (ICA-103, FAC-26).
func Segments(text string) int {
	units, alone, each := 0, 70, 67
	if n, ok := septets(text); ok {
		units, alone, each = n, 160, 153
	} else {
		units = len(utf16.Encode([]rune(text)))
	}
	if units <= alone {
		return 1
	}
	return (units + each - 1) / each
}

// The GSM 03.38 default alphabet; the second set takes two septets.
const (
	gsm7      = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7Extra = "^{}\\[~]|€"
)

func septets(text string) (n int, ok bool) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsm7, r):
			n++
		case strings.ContainsRune(gsm7Extra, r):
			n += 2
		default:
			return 0, false
		}
	}
	return n, true
}

// checkText refuses what must not go to a telephone: too long, a link, a
// control or direction mark (SEC-22, ICA-102).
func checkText(text string) error {
	switch {
	case text == "" || strings.ContainsFunc(text, unprintable):
		return fault.Refuse(fault.Invalid, "text_unfit",
			"短信内容为空或含控制字符，未发送。请改用邮件或电话。",
			"The text is empty or has control characters and was not sent. Use mail or the telephone.")
	case strings.Contains(text, "://") || strings.Contains(text, "www."):
		return fault.Refuse(fault.Invalid, "text_has_link",
			"短信不得含链接，未发送。请修改短信模板。",
			"A text must not carry a link and was not sent. Change the template.")
	case Segments(text) > segmentsMax:
		return fault.Refuse(fault.Invalid, "text_too_long",
			"短信超过 %d 条的长度，未发送。请缩短名称。",
			"The text is longer than %d parts and was not sent. Shorten the names in it.", segmentsMax)
	}
	return nil
}

func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}
