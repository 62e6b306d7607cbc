package delivery

import (
	"bytes"
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"lianban/internal/fault"
)

// Kuaidi100 is the name of the 快递100 adapter in the table of codes.
const Kuaidi100 = "kuaidi100"

// Kuaidi100Pause is how long one number must not be asked about again; the
// service locks a key that does (DEL-1412).
const Kuaidi100Pause = 30 * time.Minute

// Bounds of what is read from 快递100. A push of a same-city parcel has about
// ten records.
const (
	kuaidi100BytesMost   = 512 << 10
	kuaidi100RecordsMost = 500
	kuaidi100TextLongest = 500
	kuaidi100NameLongest = 64
)

// VerifyKuaidi100Push checks the form of a push and gives its param, the very
// bytes that were signed: sign is md5(param + salt) in capital hex (DEL-1411).
// Nothing of the body has been interpreted before. A key given twice is
// refused, since two readers could take different ones; so is every push while
// no salt is set. Refusal: carrier_sign_wrong.
func VerifyKuaidi100Push(body []byte, salt string) (param []byte, err error) {
	if len(body) > kuaidi100BytesMost || salt == "" {
		return nil, carrierSignWrong()
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, carrierSignWrong()
	}
	for _, values := range form {
		if len(values) != 1 {
			return nil, carrierSignWrong()
		}
	}
	if !form.Has("param") || subtle.ConstantTimeCompare([]byte(kuaidi100Sign(form.Get("param"), salt)), []byte(form.Get("sign"))) != 1 {
		return nil, carrierSignWrong()
	}
	return []byte(form.Get("param")), nil
}

func kuaidi100Sign(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, "")))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func carrierSignWrong() error {
	return fault.Refuse(fault.Unauthenticated, "carrier_sign_wrong",
		"推送签名不正确，已拒绝；请核对快递100的签名密钥（salt）设置", "the push is not signed rightly and was refused; check the salt agreed with the carrier")
}

// Kuaidi100Track is what 快递100 knows of one waybill.
type Kuaidi100Track struct {
	Company string // its code of the carrier, ems for one
	Waybill string
	Monitor string // of a push: polling, shutdown, abort, updateall
	// Reports are the records with a code, oldest first. Records without one
	// are steps on the way whose text is in the raw body; nothing is guessed
	// from it (DEL-420).
	Reports []CarrierReport
}

// Stopped reports whether 快递100 gave up before an end: number wrong, or no
// news for too long. It has to be checked and subscribed again.
func (t Kuaidi100Track) Stopped() bool { return t.Monitor == "abort" }

// looseText reads a JSON string, number or bool alike: 快递100 writes codes
// both ways.
type looseText string

// UnmarshalJSON takes any scalar; null is empty.
func (l *looseText) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("null")):
		return nil
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, (*string)(l))
	case len(b) > 0 && (b[0] == '{' || b[0] == '['):
		return carrierAnswerMalformed()
	}
	*l = looseText(b)
	return nil
}

type kuaidi100Result struct {
	Company looseText         `json:"com"`
	Waybill looseText         `json:"nu"`
	State   looseText         `json:"state"`
	Data    []kuaidi100Record `json:"data"`

	// of a failed query only
	Result     looseText `json:"result"`
	ReturnCode looseText `json:"returnCode"`
}

type kuaidi100Record struct {
	Context    looseText `json:"context"`
	Time       looseText `json:"time"`
	Formatted  looseText `json:"ftime"`
	StatusCode looseText `json:"statusCode"`
}

// ReadKuaidi100Push reads the param of a verified push. Refusal:
// carrier_answer_malformed.
func ReadKuaidi100Push(param []byte) (Kuaidi100Track, error) {
	var push struct {
		Status looseText       `json:"status"`
		Last   kuaidi100Result `json:"lastResult"`
	}
	if err := readCarrierJSON(param, &push); err != nil {
		return Kuaidi100Track{}, err
	}
	t, err := push.Last.track()
	t.Monitor = carrierText(string(push.Status), kuaidi100NameLongest)
	return t, err
}

// ReadKuaidi100Answer reads the answer to a query. A waybill that nobody has
// scanned yet is a track without records. Refusals: carrier_answer_malformed;
// carrier_query_refused for a key, customer or signature that is not accepted.
func ReadKuaidi100Answer(body []byte) (Kuaidi100Track, error) {
	var answer kuaidi100Result
	if err := readCarrierJSON(body, &answer); err != nil {
		return Kuaidi100Track{}, err
	}
	switch {
	case answer.Result != "false":
		return answer.track()
	case answer.ReturnCode == "500": // no result for this number
		return Kuaidi100Track{}, nil
	}
	return Kuaidi100Track{}, fault.Refuse(fault.Unavailable, "carrier_query_refused",
		"快递100拒绝了查询（代码 %[1]s），请核对授权码与账户余额，半小时后重试", "the carrier's service refused the query (code %[1]s); check key and balance and try again in half an hour",
		carrierText(string(answer.ReturnCode), kuaidi100NameLongest))
}

func readCarrierJSON(body []byte, into any) error {
	if len(body) > kuaidi100BytesMost {
		return carrierAnswerMalformed()
	}
	if err := json.Unmarshal(body, into); err != nil {
		return carrierAnswerMalformed().Because(err)
	}
	return nil
}

func carrierAnswerMalformed() *fault.Error {
	return fault.Refuse(fault.Invalid, "carrier_answer_malformed",
		"承运方数据无法识别，原文已留存，请联系管理员核对接口版本", "the carrier's data cannot be read; it was kept, ask the administrator to check the version of the interface")
}

// track takes the records oldest first. Only the newest may borrow the code of
// the whole track, which is its own when records carry none.
func (r kuaidi100Result) track() (Kuaidi100Track, error) {
	if len(r.Data) > kuaidi100RecordsMost {
		return Kuaidi100Track{}, carrierAnswerMalformed()
	}
	t := Kuaidi100Track{
		Company: carrierText(string(r.Company), kuaidi100NameLongest),
		Waybill: carrierText(string(r.Waybill), kuaidi100NameLongest),
	}
	records := r.Data
	slices.Reverse(records) // the service lists the newest first
	slices.SortStableFunc(records, func(a, b kuaidi100Record) int { return a.when().Compare(b.when()) })
	for n, record := range records {
		code := record.StatusCode
		if code == "" && n == len(records)-1 {
			code = r.State
		}
		if code == "" {
			continue
		}
		t.Reports = append(t.Reports, CarrierReport{
			Carrier: Kuaidi100, Waybill: t.Waybill, Code: carrierText(string(code), kuaidi100NameLongest),
			Text: carrierText(string(record.Context), kuaidi100TextLongest), Time: carrierText(record.written(), kuaidi100NameLongest),
		})
	}
	return t, nil
}

// written is the record's time in the service's own form, if it has one.
func (r kuaidi100Record) written() string {
	if r.Formatted != "" {
		return string(r.Formatted)
	}
	return string(r.Time)
}

// when is the zero time if it cannot be read: such records sort first.
func (r kuaidi100Record) when() time.Time {
	t, _ := ReadCarrierTime(r.written())
	return t
}

// Kuaidi100Ask is a question about one waybill.
type Kuaidi100Ask struct {
	Company string `json:"com"`
	Waybill string `json:"num"`
	Phone   string `json:"phone,omitempty"` // of receiver or sender; some carriers want it
}

// Kuaidi100Query is the form of a query, signed md5(param + key + customer).
// It asks for a code with every record.
func Kuaidi100Query(ask Kuaidi100Ask, customer, key string) (string, error) {
	param, err := json.Marshal(struct {
		Kuaidi100Ask
		Areas string `json:"resultv2"`
		Form  string `json:"show"`
		Order string `json:"order"`
	}{ask, "4", "0", "desc"})
	if err != nil {
		return "", err
	}
	return url.Values{
		"customer": {customer}, "param": {string(param)}, "sign": {kuaidi100Sign(string(param), key, customer)},
	}.Encode(), nil
}
