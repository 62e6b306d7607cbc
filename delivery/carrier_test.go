package delivery

import (
	"bytes"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func shippedCodes(t testing.TB) CarrierCodes {
	t.Helper()
	codes, err := ShippedCarrierCodes()
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// carriersOfTheRule is DEL §4.3 once more, as the rule writes it: codes, state
// or "-", outcome, exception. The 2xx codes of 快递100 are its vendor's.
const carriersOfTheRule = `
kuaidi100: 0 1001 1002 1003 = handed_over; 101 102 = sealed; 1 103 = handed_over; 5 = out_for_delivery; 501 = arrived locker;
 3 = delivered unstated; 301 = delivered recipient; 302 = delivered unstated carrier_after_trouble; 303 = delivered proxy; 304 = delivered locker;
 2 201 202 204 208 = - - carrier_trouble; 4 14 203 = attempt_failed refused; 205 = attempt_failed not_home; 206 = attempt_failed no_answer;
 207 = attempt_failed out_of_area; 209 = damaged damaged; 210 401 = - - carrier_cancelled; 6 = returning; 7 = handed_over - carrier_forwarded;
 8 10 11 12 13 = - - carrier_not_same_city
kdniao: 10 = sealed; 1 2 201 204 205 206 = handed_over; 202 = out_for_delivery; 211 = arrived locker; 3 = delivered unstated; 301 = delivered recipient;
 304 = delivered proxy; 311 = delivered locker; 404 = attempt_failed refused; 4 405 = - - carrier_trouble; 406 = returning - carrier_says_returned;
 412 = attempt_failed not_home; 416 = attempt_failed no_answer; 417 = handed_over delayed; 419 = out_for_delivery; 420 = attempt_failed address_wrong;
 421 = attempt_failed phone_wrong; 422 = attempt_failed mis_sorted; 423 = attempt_failed out_of_area
sf_city: 10 12 = sealed; 15 = out_for_delivery; 17 = delivered unstated; 2 = - - carrier_cancelled
dada: 1 8 2 100 = sealed; 3 = out_for_delivery; 4 = delivered unstated; 5 1000 = - - carrier_cancelled; 9 = returning; 10 = returning - carrier_says_returned
shansong: 20 30 = sealed; 40 = out_for_delivery; 50 = delivered unstated; 60 = - - carrier_cancelled
meituan: 0 20 = sealed; 30 = out_for_delivery; 50 = delivered unstated; 99 = - - carrier_cancelled
wechat: 101 102 103 201 = sealed; 202 = handed_over; 203 204 205 = sealed - carrier_pickup_failed; 301 = out_for_delivery; 302 = delivered unstated;
 303 = returning; 304 = returning no_answer; 305 = returning refused; 401 = returning - carrier_says_returned; 501 = - - carrier_cancelled
sf_express: 50 30 31 130 = handed_over; 80 8000 = delivered unstated; 648 99 631 = returning`

// DEL-420: every listed code has one meaning, and nothing else is listed.
func TestEveryCarrierCodeMapsAsTheRuleSays(t *testing.T) {
	codes := shippedCodes(t)
	n := 0
	for _, block := range strings.Split(strings.ReplaceAll(strings.TrimSpace(carriersOfTheRule), "\n ", " "), "\n") {
		carrier, list, _ := strings.Cut(block, ":")
		for _, item := range strings.Split(list, ";") {
			left, right, _ := strings.Cut(item, "=")
			want := append(strings.Fields(strings.ReplaceAll(right, "-", "")), "", "", "")
			if strings.Contains(right, "-") { // keep the places
				want = append(strings.Fields(right), "", "", "")
			}
			for i := range want {
				want[i] = strings.TrimPrefix(want[i], "-")
			}
			for _, code := range strings.Fields(left) {
				n++
				got := codes.Find(carrier, code)
				if got.Meaning == "" || got.State != ParcelState(want[0]) || got.Outcome != Outcome(want[1]) || got.Exception != ExceptionCode(want[2]) {
					t.Errorf("%s %s: %+v, want %q", carrier, code, got, want[:3])
				}
			}
		}
	}
	if n != len(codes.rows) {
		t.Errorf("the rule lists %d codes, the file %d", n, len(codes.rows))
	}
}

// The table is read by the program as any CSV reader reads it.
func TestEveryLineOfTheCarrierFileIsUsed(t *testing.T) {
	file, err := os.ReadFile("data/carriers.csv")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(shippedCodes(t).rows); got != len(lines)-1 {
		t.Errorf("%d lines, %d codes", len(lines)-1, got)
	}
	for name, line := range map[string]string{
		"twice":               "kuaidi100,0,在途,handed_over,,\nkuaidi100,0,在途,handed_over,,",
		"no meaning to us":    "kuaidi100,0,在途,,,",
		"an unknown state":    "kuaidi100,0,在途,flying,,",
		"the window's act":    "kuaidi100,0,退回,returned,,", // DEL-425
		"delivered to nobody": "kuaidi100,0,签收,delivered,,",
		"failed without why":  "kuaidi100,0,失败,attempt_failed,,",
		"unknown exception":   "kuaidi100,0,在途,,,ghost",
		"too few cells":       "kuaidi100,0",
	} {
		if _, err := readCarrierCodes([]byte("carrier,code,meaning,state,outcome,exception\n" + line + "\n")); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func report(code, text, when string) CarrierReport {
	return CarrierReport{Carrier: Kuaidi100, Waybill: "1136281381675", Code: code, Text: text, Time: when}
}

// DEL-420, DEL-421: the text says delivered and is not listened to.
func TestAnUnknownCarrierCodeChangesNothing(t *testing.T) {
	events := shippedCodes(t).Events([]CarrierReport{
		report("5", "派件", "2026-11-24 10:00:00"), report("99999", "已签收，本人签收", "2026-11-24 11:00:00"),
	}, at(11, 5))
	f := Fold(append(theWay()[:2], events...))
	if f.State != ParcelOut || !slices.Contains(exceptionsOf(f), "carrier_code_unknown "+events[1].EventID) {
		t.Errorf("%s %v", f.State, exceptionsOf(f))
	}
}

// DEL-422: a carrier's delivered is a claim.
func TestACarriersDeliveryIsUnverifiedUntilOurRulesSaySo(t *testing.T) {
	events := shippedCodes(t).Events([]CarrierReport{
		report("5", "派件", "2026-11-24 10:00:00"), report("304", "投柜", "2026-11-24 11:00:00"), report("301", "本人签收", "2026-11-24 11:30:00"),
	}, at(11, 35))
	f := Fold(append(theWay()[:2], events...))
	if f.State != ParcelUnverified || !f.Closing.At.Equal(at(11, 0)) || f.Attempts[0].Outcome != ToLocker {
		t.Errorf("%+v", f)
	}
	if !Receiver(events[1].Facts.Outcome).NeedsConsent() || Receiver(events[2].Facts.Outcome).NeedsConsent() {
		t.Error("the consent check would look at the wrong one") // DEL-205
	}
}

// DEL-523: a day's records in one late answer still tell the day in order.
func TestACarriersRecordsKeepTheirOrderWhenAllComeLate(t *testing.T) {
	reports := []CarrierReport{
		report("101", "已下单", "2026-11-24 08:00:00"), report("1", "揽收", "2026-11-24 08:30:00"), report("0", "在途", "2026-11-24 08:30:00"),
		report("5", "派件", "2026-11-24 09:30:00"), report("206", "无法联系", "2026-11-24 10:00:00"),
		report("5", "派件", "2026-11-24 14:00:00"), report("301", "签收", "2026-11-24 14:00:00"),
	}
	events := shippedCodes(t).Events(append(reports, reports...), at(23, 0))
	if len(events) != len(reports) {
		t.Fatalf("%d events of %d records", len(events), len(reports))
	}
	for _, e := range events {
		if e.Quality != QualityC || !e.Effective.Equal(at(23, 0)) {
			t.Errorf("%+v", e)
		}
	}
	slices.Reverse(events)
	f := Fold(events)
	if f.State != ParcelUnverified || len(f.Attempts) != 2 || f.Attempts[0].Outcome != NoAnswer || f.Attempts[0].Fault != FaultApplicant {
		t.Errorf("%s %+v", f.State, f.Attempts)
	}
	for _, x := range f.Exceptions {
		if x.Code == ExceptionGap || x.Code == ExceptionConflict || x.Code == ExceptionStepBack {
			t.Errorf("%+v", x)
		}
	}
}

// DEL-528: push and poll meet, and what differs stays apart.
func TestTheNaturalKeyOfARecordIsItsContent(t *testing.T) {
	one := report("5", "派件", "2026-11-24 10:00:00")
	if one.EventID() != report("5", "派件", "2026-11-24 10:00:00").EventID() || len(one.EventID()) != 36 {
		t.Error("the same record has two keys")
	}
	keys := map[string]bool{one.EventID(): true}
	for _, other := range []CarrierReport{
		report("501", "派件", "2026-11-24 10:00:00"), report("5", "派件中", "2026-11-24 10:00:00"), report("5", "派件", "2026-11-24 10:00:01"),
		{Carrier: "kdniao", Waybill: one.Waybill, Code: "5", Text: "派件", Time: one.Time},
		{Carrier: Kuaidi100, Waybill: "1", Code: "5", Text: "派件", Time: one.Time},
		{Carrier: Kuaidi100, Waybill: one.Waybill, RecordID: "5"},
	} {
		if keys[other.EventID()] {
			t.Errorf("%+v shares its key", other)
		}
		keys[other.EventID()] = true
	}
}

// DEL-423.
func TestACarriersTimeWithoutOffsetIsShanghaiTime(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-11-24 10:00:00":       at(10, 0),
		" 2026-11-24 10:00:00 ":     at(10, 0),
		"2026-11-24 10:00":          at(10, 0),
		"2026/11/24 10:00:00":       at(10, 0),
		"2026-11-24T10:00:00":       at(10, 0),
		"2026-11-24T10:00:00Z":      at(18, 0),
		"2026-11-24T10:00:00+09:00": at(9, 0),
	} {
		if got, ok := ReadCarrierTime(text); !ok || !got.Equal(want) {
			t.Errorf("%s: %v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "昨天", "2026-13-01 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59"} {
		if got, ok := ReadCarrierTime(text); ok {
			t.Errorf("%s: %v", text, got)
		}
	}
	e := shippedCodes(t).Events([]CarrierReport{report("5", "派件", "昨天")}, at(10, 0))[0]
	if !e.Effective.Equal(at(10, 0)) || !slices.Contains(e.Flags, ExceptionCarrierTime) || e.Quality == QualityA {
		t.Errorf("%+v", e)
	}
}
