package delivery

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// kuaidi100Server speaks the query half of 快递100 as its documentation has it:
// it checks the signature and answers with the records that the test has put
// there. It can be away, and it refuses a key.
type kuaidi100Server struct {
	*httptest.Server
	answer string
	away   bool
	asked  []string // numbers
}

func newKuaidi100Server(t *testing.T) *kuaidi100Server {
	s := &kuaidi100Server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := md5.Sum([]byte(r.PostFormValue("param") + "secret-key" + r.PostFormValue("customer")))
		var param struct {
			Com, Num string
		}
		switch {
		case s.away:
			http.Error(w, "busy", http.StatusBadGateway)
		case r.URL.Path != "/poll/query.do" || r.Method != http.MethodPost || json.Unmarshal([]byte(r.PostFormValue("param")), &param) != nil:
			_, _ = w.Write([]byte(`{"result":false,"returnCode":"400","message":"找不到对应公司"}`))
		case strings.ToUpper(hex.EncodeToString(sum[:])) != r.PostFormValue("sign"):
			_, _ = w.Write([]byte(`{"result":false,"returnCode":"503","message":"验证签名失败"}`))
		default:
			s.asked = append(s.asked, param.Com+" "+param.Num)
			_, _ = w.Write([]byte(s.answer))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// postWorld is parcelWorld with an account at 快递100.
type postWorld struct {
	*parcelWorld
	server *kuaidi100Server
}

func newPostWorld(t *testing.T, d *db.DB) *postWorld {
	w := &postWorld{newParcelWorld(t, d), newKuaidi100Server(t)}
	w.Kuaidi100 = &Kuaidi100Account{Customer: "C1", Key: "secret-key", Salt: "pepper", BaseURL: w.server.URL, HTTP: NewKuaidi100HTTP()}
	return w
}

// posted is a parcel in the hands of EMS.
func (w *postWorld) posted(number string) Parcel {
	w.t.Helper()
	r := w.sealRequest(ClassCertificate)
	r.Way = WayEMS
	p, err := w.Seal(w.t.Context(), w.clerk, r)
	w.must(err)
	p, err = w.Post(w.t.Context(), w.clerk, p.ID, number)
	w.must(err)
	return p
}

// track is what the service knows, newest first: code and minute after 10:20.
func (w *postWorld) track(number string, records ...string) string {
	w.t.Helper()
	var data []map[string]any
	for _, r := range records {
		code, minute, _ := strings.Cut(r, "@")
		after, err := time.ParseDuration(minute + "m")
		w.must(err)
		at := morning.Add(after).Add(8 * time.Hour).Format(time.DateTime)
		data = append([]map[string]any{{"context": "记录 " + code, "ftime": at, "statusCode": code}}, data...)
	}
	out, err := json.Marshal(map[string]any{"message": "ok", "nu": number, "com": "ems", "state": "0", "data": data})
	w.must(err)
	return string(out)
}

func (w *postWorld) push(track, salt string) error {
	param := `{"status":"polling","lastResult":` + track + `}`
	form := url.Values{"param": {param}, "sign": {kuaidi100Sign(param, salt)}}
	return w.CarrierPush(w.t.Context(), []byte(form.Encode()))
}

func (w *postWorld) bodies() (n int64) {
	w.t.Helper()
	w.must(w.DB.Read(w.t.Context(), func(q bun.IDB) (err error) {
		n, err = q.NewSelect().Model((*carrierBody)(nil)).Count(w.t.Context())
		return err
	}))
	return n
}

// DEL-1411, PRO-13: a forged push leaves nothing, a replayed one changes nothing,
// and push and query meet on one event for each record (DEL-528).
func TestForgedAndReplayedPushesChangeNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newPostWorld(t, d)
		p := w.posted("ee473124829cn")
		if p.State != ParcelHandedOver || w.sound()[AtCourier] != 1 || !strings.HasSuffix(w.leaves(p.CaseID), "parcel_posted case_results_out") {
			t.Fatalf("posted: %s %v %s", p.State, w.sound(), w.leaves(p.CaseID))
		}
		w.later(60)
		on := w.track("EE473124829CN", "1@10", "5@30")
		w.refused(w.push(on, "salt"), "carrier_sign_wrong")
		if w.bodies() != 0 || w.parcel(p.ID).State != ParcelHandedOver {
			t.Error("a forged push left something")
		}
		w.must(w.push(on, "pepper"))
		before := w.parcel(p.ID)
		if before.State != ParcelOut {
			t.Fatalf("pushed: %s %+v", before.State, before.Open)
		}
		for range 3 {
			w.must(w.push(on, "pepper"))
		}
		w.server.answer = on
		_, err := w.AskCarrier(t.Context(), w.clerk, p.ID)
		w.must(err)
		if after := w.parcel(p.ID); len(after.Steps) != len(before.Steps) || after.State != before.State || w.bodies() != 2 {
			t.Errorf("replayed: %d steps, then %d; %d bodies", len(before.Steps), len(after.Steps), w.bodies())
		}
		w.must(w.push(w.track("XX000000000CN", "3@40"), "pepper")) // not ours
		w.refused(w.push(`"x"`, "pepper"), "carrier_answer_malformed")
	})
}

// DEL-420, DEL-421, DEL-422: a code nobody knows is an exception with the
// carrier's own words and moves nothing; "signed for" is a claim that the window
// settles.
func TestUnknownCodeIsKeptRawAndDeliveredIsAClaim(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newPostWorld(t, d)
		p := w.posted("EE473124829CN")
		w.later(60)
		w.must(w.push(w.track("EE473124829CN", "5@10", "9977@20"), "pepper"))
		v := w.parcel(p.ID)
		last := v.Steps[len(v.Steps)-1]
		if v.State != ParcelOut || len(v.Open) != 1 || v.Open[0].Code != ExceptionCarrierCode || !strings.Contains(string(last.Payload), `"code":"9977"`) {
			t.Fatalf("unknown code: %s %+v %s", v.State, v.Open, last.Payload)
		}
		w.must(w.push(w.track("EE473124829CN", "5@10", "9977@20", "301@50"), "pepper"))
		v = w.parcel(p.ID)
		if v.State != ParcelUnverified || v.Verdict.Result != ResultPending || !v.Waybill.NextAskAt.IsZero() {
			t.Fatalf("claimed: %s %s %+v", v.State, v.Verdict.Result, v.Waybill)
		}
		out, err := w.Confirm(t.Context(), w.clerk, asked(p.ID, v.Steps[len(v.Steps)-1].ID, "电话核实，本人已收"))
		w.must(err)
		if out.State != ParcelDelivered || out.Result != ResultMet {
			t.Errorf("confirmed: %s %s", out.State, out.Result)
		}
		w.must(w.push(`{"nu":"EE473124829CN","com":"ems","state":"0","data":[]}`, "pepper"))
	})
}

// DEL-1412, DEL-1413: a number is asked about at most once in half an hour,
// whoever asks; the sweep fills what pushes lose and outlives an outage.
func TestNumberIsAskedAboutOnceInHalfAnHour(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newPostWorld(t, d)
		ctx := t.Context()
		p := w.posted("EE473124829CN")
		w.server.answer = w.track("EE473124829CN", "5@40")
		w.must(w.AskCarriersDue(ctx))
		if len(w.server.asked) != 0 {
			t.Error("asked at once")
		}
		w.later(31)
		w.server.away = true
		if err := w.AskCarriersDue(ctx); err == nil {
			t.Error("the outage was not reported")
		}
		_, err := w.AskCarrier(ctx, w.clerk, p.ID)
		w.refused(err, "carrier_asked")
		w.server.away = false
		w.later(30)
		for range 2 {
			w.must(w.AskCarriersDue(ctx))
		}
		if len(w.server.asked) != 1 || w.server.asked[0] != "ems EE473124829CN" || w.parcel(p.ID).State != ParcelOut {
			t.Errorf("asked %v, %s", w.server.asked, w.parcel(p.ID).State)
		}
		w.later(31)
		w.Kuaidi100.Key = "old"
		_, err = w.AskCarrier(ctx, w.clerk, p.ID)
		w.refused(err, "carrier_query_refused")
	})
}

// DEL-1413: once the window has the parcel back nobody pays for another query.
func TestReturnedParcelIsNotAskedAboutAnyMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newPostWorld(t, d)
		p := w.posted("EE473124829CN")
		w.later(5)
		_, err := w.Recall(t.Context(), w.clerk, p.ID, "打印有误")
		w.must(err)
		_, err = w.AcceptReturn(t.Context(), w.clerk, ReturnRequest{ParcelID: p.ID, Seal: BagIntact, Count: len(w.parcel(p.ID).Items)})
		w.must(err)
		w.server.answer = w.track("EE473124829CN", "5@1")
		w.later(60)
		w.must(w.AskCarriersDue(t.Context()))
		if len(w.server.asked) != 0 {
			t.Errorf("asked %v", w.server.asked)
		}
	})
}

// DEL-210, DEL-810: what EMS carries was sealed for EMS and is in no courier's
// round to be given to another.
func TestPostedParcelIsNotReassignedToACourier(t *testing.T) {
	w := newPostWorld(t, dbtest.SQLite(t))
	p := w.posted("EE473124829CN")
	_, err := w.Reassign(t.Context(), w.clerk, []string{p.ID}, w.courier.ID, "x")
	w.refused(err, "parcel_state")
}

// DEL-213: a rule that became stricter after sealing keeps a parcel at the
// window, whoever was to carry it.
func TestStricterRuleKeepsASealedParcelAtTheWindow(t *testing.T) {
	w := newPostWorld(t, dbtest.SQLite(t))
	own := w.sealed()
	r := w.sealRequest(ClassCertificate)
	r.Way = WayEMS
	posted, err := w.Seal(t.Context(), w.clerk, r)
	w.must(err)
	gate := shippedTable
	t.Cleanup(func() { shippedTable = gate })
	shippedTable = func() (Gate, error) {
		return ReadGate(strings.NewReader(`version,effective_from,rule,class,way,cell,zh,en
1,2024-01-01,G01,certificate,own_courier,yes,可,yes
1,2024-01-01,G02,certificate,ems,yes,可,yes
2,2026-11-25,G01,certificate,own_courier,no,不可,no
2,2026-11-25,G02,certificate,ems,no,不可,no
`))
	}
	w.later(24 * 60)
	_, err = w.Post(t.Context(), w.clerk, posted.ID, "EE473124829CN")
	w.refused(err, "carrier_not_allowed")
	err = w.DB.Write(t.Context(), func(tx bun.IDB) error {
		_, _, err := w.Dispatch(t.Context(), tx, w.clerk, own.ID, w.courier.ID)
		return err
	})
	w.refused(err, "carrier_not_allowed")
}

// DEL-210, DEL-213: what may be posted, by whom, under which number.
func TestParcelIsPostedOnceUnderItsNumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newPostWorld(t, d)
		ctx := t.Context()
		own := w.sealed()
		_, err := w.Post(ctx, w.clerk, own.ID, "EE473124829CN")
		w.refused(err, "parcel_not_posted")
		r := w.sealRequest(ClassCertificate)
		r.Way = WayEMS
		p, err := w.Seal(ctx, w.clerk, r)
		w.must(err)
		_, err = w.Post(ctx, w.clerk, p.ID, "12")
		w.refused(err, "waybill_number")
		_, err = w.Post(ctx, w.elsewhere(), p.ID, "EE473124829CN")
		w.refused(err, "not_found")
		_, err = w.AskCarrier(ctx, w.clerk, p.ID)
		w.refused(err, "waybill_unknown")
		w.posted("EE473124829CN")
		_, err = w.Post(ctx, w.clerk, p.ID, "EE473124829CN")
		w.refused(err, "waybill_taken")
		w.Kuaidi100 = nil
		_, err = w.Seal(ctx, w.clerk, func() SealRequest { r := w.sealRequest(ClassCertificate); r.Way = WayEMS; return r }())
		w.refused(err, "way_unsupported")
		w.refused(w.CarrierPush(ctx, nil), "carrier_off")
	})
}
