package inspection

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// vectors reads value, valid, note without the header.
func vectors(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatal(len(rows), err)
	}
	return rows[1:]
}

// checkVectors: a vector judges the string as given; what its note calls valid
// after a change has to pass in that form (FAC-25).
func checkVectors(t *testing.T, rows [][]string, check func(string) (string, error)) {
	t.Helper()
	for _, row := range rows {
		value, valid, note := row[0], row[1] == "true", row[2]
		normal, err := check(value)
		if got := err == nil && normal == value; got != valid {
			t.Errorf("%q (%s): valid is %v, %v", value, note, got, err)
		}
		if repairable := strings.Contains(note, "valid after"); !valid && repairable != (err == nil) {
			t.Errorf("%q (%s): %q, %v", value, note, normal, err)
		}
	}
}

func TestCreditCodeVectors(t *testing.T) { // FAC-22, FAC-25
	t.Parallel()
	rows := vectors(t, "uscc_vectors.csv")
	checkVectors(t, rows, CheckCreditCode)
	if len(rows) != 23 {
		t.Errorf("%d vectors", len(rows))
	}
}

func TestCreditCodeWithAWrongCheckCharacterMayBeOverridden(t *testing.T) { // FAC-22
	t.Parallel()
	code, err := CheckCreditCode("91350211m0000xuf46") // met in real use
	if code != "91350211M0000XUF46" || !fault.Is(err, "credit_code_check") {
		t.Errorf("got %q, %v", code, err)
	}
	code, err = CheckCreditCode("91350100MO00100Y43") // a letter O is no credit code
	if code != "" || !fault.Is(err, "credit_code_invalid") {
		t.Errorf("got %q, %v", code, err)
	}
}

func TestIdentityNumberVectors(t *testing.T) { // FAC-23, FAC-25
	t.Parallel()
	rows := vectors(t, "id_vectors.csv")
	checkVectors(t, rows, func(s string) (string, error) {
		return CheckIDNumber(s, workday.Date{Year: 2026, Month: 3, Day: 2})
	})
	if len(rows) != 21 {
		t.Errorf("%d vectors", len(rows))
	}
}

func TestNobodyIsBornTomorrow(t *testing.T) { // FAC-23
	t.Parallel()
	const number = "11010519491231002X"
	birthday := workday.Date{Year: 1949, Month: 12, Day: 31}
	if _, err := CheckIDNumber(number, birthday); err != nil {
		t.Errorf("on the day of birth: %v", err)
	}
	if _, err := CheckIDNumber(number, birthday.AddDays(-1)); !fault.Is(err, "id_number_invalid") {
		t.Errorf("on the day before: %v", err)
	}
}

func TestMobileNumbers(t *testing.T) { // FAC-24
	t.Parallel()
	for _, good := range []string{"13800001234", "+86 138-0000-1234", "１３８００００１２３４", "0086 13800001234", "8613800001234", "138 0000—1234"} {
		if got, err := CheckMobile(good); err != nil || got != "13800001234" {
			t.Errorf("%q: %q, %v", good, got, err)
		}
	}
	for _, bad := range []string{"", "12800001234", "1380000123", "138000012345", "+1 13800001234", "1380000123x", "0746-8322222"} {
		if got, err := CheckMobile(bad); !fault.Is(err, "mobile_invalid") {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
}

func TestTelephoneNumbers(t *testing.T) { // FAC-24
	t.Parallel()
	for text, want := range map[string]string{
		"0746-8322222": "0746-8322222", "（0746）8322222": "0746-8322222", "07468322222": "0746-8322222",
		"010 65123456": "010-65123456", "0731-88123456": "0731-88123456", "138 0000 1234": "13800001234",
	} {
		if got, err := CheckPhone(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "8322222", "0746-832222", "0746-83222222", "0746-1322222", "110", "12800001234"} {
		if got, err := CheckPhone(bad); !fault.Is(err, "phone_invalid") {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
}
