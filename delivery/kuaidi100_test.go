package delivery

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"lianban/internal/fault"
)

// The sum was made with md5sum over param + "pepper".
const (
	signedParam = `{"status":"polling","message":"汉字 + & ="}`
	signOfParam = "D196B922289093C8C3A205578F6D405D"
)

func pushForm(param, sign string) string {
	return url.Values{"param": {param}, "sign": {sign}}.Encode()
}

// DEL-1411.
func TestAPushIsTakenOnlyWithItsSignature(t *testing.T) {
	param, err := VerifyKuaidi100Push([]byte(pushForm(signedParam, signOfParam)), "pepper")
	if err != nil || string(param) != signedParam {
		t.Fatalf("%s, %v", param, err)
	}
	for name, c := range map[string]struct{ body, salt string }{
		"another salt":            {pushForm(signedParam, signOfParam), "salt"},
		"no salt set":             {pushForm(signedParam, kuaidi100Sign(signedParam)), ""},
		"lower-case sum":          {pushForm(signedParam, strings.ToLower(signOfParam)), "pepper"},
		"no signature":            {url.Values{"param": {signedParam}}.Encode(), "pepper"},
		"empty signature":         {pushForm(signedParam, ""), "pepper"},
		"no param":                {url.Values{"sign": {kuaidi100Sign("pepper")}}.Encode(), "pepper"},
		"one blank more":          {pushForm(signedParam+" ", signOfParam), "pepper"},
		"param twice":             {pushForm(signedParam, signOfParam) + "&param=%7B%7D", "pepper"},
		"sign twice":              {"sign=x&" + pushForm(signedParam, signOfParam), "pepper"},
		"another key twice":       {pushForm(signedParam, signOfParam) + "&a=1&a=2", "pepper"},
		"a semicolon between":     {strings.Replace(pushForm(signedParam, signOfParam), "&", ";", 1), "pepper"},
		"broken percent":          {pushForm(signedParam, signOfParam) + "&a=%zz", "pepper"},
		"too long":                {pushForm(strings.Repeat("a", kuaidi100BytesMost), kuaidi100Sign(strings.Repeat("a", kuaidi100BytesMost), "pepper")), "pepper"},
		"nothing":                 {"", "pepper"},
		"JSON instead of a form":  {`{"param":"x"}`, "pepper"},
		"the signature of others": {pushForm(`{}`, signOfParam), "pepper"},
	} {
		if param, err := VerifyKuaidi100Push([]byte(c.body), c.salt); !fault.Is(err, "carrier_sign_wrong") || param != nil {
			t.Errorf("%s: %s, %v", name, param, err)
		}
	}
}

const kuaidi100Push = `{"status":"polling","billstatus":"got","message":"","lastResult":{"message":"ok","state":"3","status":"200","condition":"F00","ischeck":"1","com":"ems","nu":"1136281381675","data":[
 {"context":"已签收，签收人：王𡈼","time":"2026-11-24 11:30:00","ftime":"2026-11-24 11:30:00","status":"签收"},
 {"context":"正在派件","time":"2026-11-24 10:00","ftime":"2026-11-24 10:00:00","status":"派件","statusCode":"5"},
 {"context":"到达派件城市","ftime":"2026-11-24 09:00:00","statusCode":1001},
 {"context":"离开\u0000揽投部","ftime":"2026-11-24 08:30:00","status":"在途"}]}}`

func TestAPushIsReadOldestFirst(t *testing.T) {
	track, err := ReadKuaidi100Push([]byte(kuaidi100Push))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range track.Reports {
		got = append(got, r.Code+" "+r.Time)
	}
	// The oldest has no code and stays a text; the newest has the track's.
	want := "1001 2026-11-24 09:00:00, 5 2026-11-24 10:00:00, 3 2026-11-24 11:30:00"
	if strings.Join(got, ", ") != want || track.Company != "ems" || track.Waybill != "1136281381675" || track.Stopped() {
		t.Errorf("%v, %+v", got, track)
	}
	f := Fold(append(theWay()[:2], shippedCodes(t).Events(track.Reports, at(11, 31))...))
	if f.State != ParcelUnverified {
		t.Errorf("%s", f.State)
	}
}

func TestAnAbortedPushSaysThatTrackingStopped(t *testing.T) {
	track, err := ReadKuaidi100Push([]byte(`{"status":"abort","message":"3天查询无记录","lastResult":{"state":"0","com":"ems","nu":"1","data":[]}}`))
	if err != nil || !track.Stopped() || len(track.Reports) != 0 {
		t.Errorf("%+v, %v", track, err)
	}
}

func TestAnAnswerIsReadLikeAPush(t *testing.T) {
	body := strings.TrimSuffix(kuaidi100Push[strings.Index(kuaidi100Push, `{"message":"ok"`):], "}")
	answer, err := ReadKuaidi100Answer([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	push, err := ReadKuaidi100Push([]byte(kuaidi100Push))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range push.Reports { // DEL-528: push and poll meet
		if answer.Reports[i].EventID() != r.EventID() {
			t.Errorf("%+v and %+v", answer.Reports[i], r)
		}
	}
	none, err := ReadKuaidi100Answer([]byte(`{"result":false,"returnCode":"500","message":"查询无结果，请隔段时间再查"}`))
	if err != nil || len(none.Reports) != 0 {
		t.Errorf("no result yet: %+v, %v", none, err)
	}
	for _, code := range []string{`"503"`, `601`, `"400"`} {
		if _, err := ReadKuaidi100Answer([]byte(`{"result":"false","returnCode":` + code + `}`)); !fault.Is(err, "carrier_query_refused") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestHostileCarrierDataIsRefused(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":          "",
		"no JSON":          "<html>",
		"a list":           "[]",
		"data as text":     `{"lastResult":{"data":"x"}}`,
		"state as object":  `{"lastResult":{"state":{}}}`,
		"too many records": `{"lastResult":{"data":[` + strings.Repeat("{},", kuaidi100RecordsMost) + `{}]}}`,
		"too long":         `{"lastResult":{"com":"` + strings.Repeat("a", kuaidi100BytesMost) + `"}}`,
		"deep":             strings.Repeat(`{"lastResult":`, 20_000) + "{}" + strings.Repeat("}", 20_000),
	} {
		if _, err := ReadKuaidi100Push([]byte(body)); !fault.Is(err, "carrier_answer_malformed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The sum was made with md5sum over param + key + customer.
func TestAQueryIsSigned(t *testing.T) {
	form, err := Kuaidi100Query(Kuaidi100Ask{Company: "ems", Waybill: "1136281381675"}, "cust", "key")
	if err != nil {
		t.Fatal(err)
	}
	values, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	if values.Get("sign") != "0E34BE78156C2D9FA5C8E03011311DC6" || values.Get("customer") != "cust" || values.Has("key") {
		t.Errorf("%v", values)
	}
	if want := `{"com":"ems","num":"1136281381675","resultv2":"4","show":"0","order":"desc"}`; values.Get("param") != want {
		t.Errorf("%s", values.Get("param"))
	}
}

func FuzzKuaidi100(f *testing.F) {
	f.Add([]byte(kuaidi100Push))
	f.Add([]byte(`{"lastResult":{"nu":null,"data":[{"ftime":"x"},{"time":true,"statusCode":1e9}]}}`))
	f.Add([]byte(pushForm(signedParam, signOfParam)))
	codes := shippedCodes(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		if param, err := VerifyKuaidi100Push(body, "pepper"); err == nil && !strings.Contains(string(body), kuaidi100Sign(string(param), "pepper")) {
			t.Fatal("taken without its signature")
		}
		push, err := ReadKuaidi100Push(body)
		answer, err2 := ReadKuaidi100Answer(body)
		for _, err := range []error{err, err2} {
			if _, ok := fault.From(err); err != nil && !ok {
				t.Fatalf("%v is no refusal", err)
			}
		}
		for _, track := range []Kuaidi100Track{push, answer} {
			for _, r := range track.Reports {
				if r.Code == "" || strings.ContainsFunc(r.Waybill+r.Code+r.Text+r.Time, unicode.IsControl) {
					t.Fatalf("%+v", r)
				}
				if _, err := json.Marshal(r); err != nil {
					t.Fatal(err)
				}
			}
			for _, e := range codes.Events(track.Reports, at(12, 0)) {
				if e.Effective.After(at(12, 0)) || !e.Type.Known() || e.Type == EventReturned || e.ProofComplete {
					t.Fatalf("%+v", e)
				}
			}
			Fold(codes.Events(track.Reports, at(12, 0)))
		}
	})
}
