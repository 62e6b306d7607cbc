package inspection

import (
	"fmt"
	"strconv"
	"strings"

	"lianban/internal/fault"
)

// Decimal is an exact number with up to three places, counted in thousandths:
// 300.5 is 300500. Thresholds are legal limits, so they are never rounded
// (INS-306).
type Decimal int64

const (
	thousand      = 1000
	places        = 3
	maxWholeDigit = 13 // with three places still far inside an int64
)

// ParseDecimal reads digits with at most three places, such as 300 or 300.5.
// No sign, exponent or grouping. Refusal: number_invalid.
func ParseDecimal(text string) (Decimal, error) {
	whole, fraction, dotted := strings.Cut(text, ".")
	if !digits(whole) || len(whole) > maxWholeDigit || dotted && (!digits(fraction) || len(fraction) > places) {
		return 0, fault.Refuse(fault.Invalid, "number_invalid",
			"“%s”不是数字：请只写数字，最多三位小数，例如 300.5", "%q is not a number: write digits with at most three places, such as 300.5", text)
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", places-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read number %q: %w", text, err)
	}
	return Decimal(n), nil
}

// String gives the shortest form that ParseDecimal reads back.
func (d Decimal) String() string {
	whole := strconv.FormatInt(int64(d)/thousand, 10)
	rest := strings.TrimRight(fmt.Sprintf("%03d", int64(d)%thousand), "0")
	if rest == "" {
		return whole
	}
	return whole + "." + rest
}

// MarshalJSON writes the form of String, as a number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
