package notify

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
)

const (
	testSID    = "AC00000000000000000000000000000001"
	testToken  = "0123456789abcdef0123456789abcdef"
	testPublic = "https://lianban.example"
)

// provider speaks enough of Twilio's REST API to send texts, fails on demand
// and signs its callbacks.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter) // nil says 201
	texts  []url.Values
	words  map[string]string // by SID, the JSON that a question gets; without one 404
	asked  int
}

func newProvider(t *testing.T) *provider {
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	path, known := strings.CutPrefix(r.URL.Path, "/2010-04-01/Accounts/"+testSID+"/Messages")
	switch {
	case !known || user != testSID || password != testToken:
		http.Error(w, "{}", http.StatusNotFound)
	case r.Method == http.MethodPost && path == ".json":
		p.take(w, r)
	case r.Method == http.MethodGet:
		p.tell(w, strings.TrimSuffix(strings.TrimPrefix(path, "/"), ".json"))
	}
}

func (p *provider) tell(w http.ResponseWriter, sid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	word, known := p.words[sid]
	switch {
	case p.answer != nil:
		p.answer(w)
	case known:
		fmt.Fprint(w, word)
	default:
		http.Error(w, `{"code":20404}`, http.StatusNotFound)
	}
}

func (p *provider) take(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	p.texts = append(p.texts, r.PostForm)
	n, answer := len(p.texts), p.answer
	p.mu.Unlock()
	if answer != nil {
		answer(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"sid":%q,"status":"queued"}`, sidOf(n))
}

func sidOf(n int) string { return fmt.Sprintf("SM%032d", n) }

func (p *provider) then(answer func(w http.ResponseWriter)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.texts)
}

func status_(code int, header, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// hangUp takes the text and closes without a word.
func hangUp(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// callback is a status callback as the provider would post it: path, body and
// signature.
func (p *provider) callback(n int, status string, more ...string) (uri string, body []byte, signature string) {
	p.mu.Lock()
	to := strings.TrimPrefix(p.texts[n-1].Get("StatusCallback"), testPublic)
	p.mu.Unlock()
	form := url.Values{"MessageSid": {sidOf(n)}, "MessageStatus": {status}}
	for i := 0; i < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	return to, []byte(form.Encode()), sign(testPublic+to, form)
}

func sign(address string, form url.Values) string { return signWith(testToken, address, form) }

func signWith(token, address string, form url.Values) string {
	for _, key := range slices.Sorted(maps.Keys(form)) {
		address += key + form.Get(key)
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// withProvider wires a world to a provider.
func withProvider(t *testing.T, d *db.DB) (*world, *provider) {
	w, p := newWorld(t, d), newProvider(t)
	client := NewTwilioHTTP()
	t.Cleanup(client.CloseIdleConnections)
	w.Channels[SMS] = &Twilio{
		AccountSID: testSID, AuthToken: testToken, From: "+15550000000", BaseURL: p.URL,
		Callback: testPublic + "/hooks/twilio/status", HTTP: client, Now: w.clock,
	}
	w.Callbacks = &CallbackCheck{PublicURL: testPublic, AuthToken: testToken}
	return w, p
}

func (w *world) hear(uri string, body []byte, signature string) {
	w.t.Helper()
	if err := w.ReceiveStatus(w.t.Context(), uri, body, signature); err != nil {
		w.t.Fatal(err)
	}
}

func TestTextIsPostedOnceWithItsWayHome(t *testing.T) { // OUT-5, ICA-100
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withProvider(t, d)
		id := w.queue(newMessage(bySMS, func(m *Message) { m.ValidUntil = morning.Add(90 * time.Minute) }))
		w.send()
		m := w.wantState(id, Accepted)
		if m.ProviderID != sidOf(1) || p.count() != 1 {
			t.Fatalf("SID %q after %d posts", m.ProviderID, p.count())
		}
		form := p.texts[0]
		want := testPublic + "/hooks/twilio/status?m=" + id + "&n=1"
		if form.Get("StatusCallback") != want || form.Get("ValidityPeriod") != "5400" || form.Get("Body") != m.Text || form.Get("To") != m.Address {
			t.Errorf("posted %v", form)
		}
		if len(w.served) != 1 || w.served[0].Class != ClassD {
			t.Errorf("arrivals %+v, want one of class D", w.served)
		}
	})
}

func TestAnswersOfTheProvider(t *testing.T) { // OUT-4, ICA-100
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		want   Result
		wait   time.Duration
	}{
		"201":                       {nil, Yes, 0},
		"201 that cannot be read":   {status_(201, "", "<html>"), Unclear, 0},
		"429":                       {status_(429, "Retry-After: 17", `{"code":20429}`), Retry, 17 * time.Second},
		"401":                       {status_(401, "", `{"code":20003}`), Halt, 0},
		"403":                       {status_(403, "", `{}`), Halt, 0},
		"400":                       {status_(400, "", `{"code":21211,"message":"bad number"}`), Refused, 0},
		"500":                       {status_(500, "", `{"code":20500}`), Unclear, 0},
		"502 page of a proxy":       {status_(502, "", "<html>bad gateway</html>"), Unclear, 0},
		"redirect is not followed":  {status_(307, "Location: /elsewhere", ""), Unclear, 0},
		"hung up after the request": {hangUp, Unclear, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.then(c.answer)
			client := NewTwilioHTTP()
			defer client.CloseIdleConnections()
			tw := &Twilio{AccountSID: testSID, AuthToken: testToken, From: "+1", BaseURL: p.URL, HTTP: client, Now: func() time.Time { return morning }}
			out := tw.Send(t.Context(), newMessage(bySMS))
			if out.Result != c.want || out.RetryAfter != c.wait {
				t.Errorf("%s, wait %v (%s); want %s, %v", out.Result, out.RetryAfter, out.Detail, c.want, c.wait)
			}
			if p.count() != 1 { // STK-29: never a second time by itself
				t.Errorf("posted %d times", p.count())
			}
		})
	}
}

func TestSilentOrUnreachableProvider(t *testing.T) { // OUT-4
	p := newProvider(t)
	release := make(chan struct{})
	p.then(func(http.ResponseWriter) { <-release })
	client := &http.Client{Timeout: 50 * time.Millisecond, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	tw := &Twilio{AccountSID: testSID, AuthToken: testToken, From: "+1", BaseURL: p.URL, HTTP: client, Now: func() time.Time { return morning }}
	if out := tw.Send(t.Context(), newMessage(bySMS)); out.Result != Unclear {
		t.Errorf("silent: %s, want unclear", out.Result)
	}
	close(release)
	p.Close()
	client.CloseIdleConnections()
	if out := tw.Send(t.Context(), newMessage(bySMS)); out.Result != Retry {
		t.Errorf("unreachable: %s (%s), want retry", out.Result, out.Detail)
	}
}

func TestEnvironmentCannotMoveTheProvider(t *testing.T) { // STK-31
	t.Setenv("TWILIO_EDGE", "evil")
	t.Setenv("TWILIO_REGION", "evil")
	p := newProvider(t)
	client := NewTwilioHTTP()
	defer client.CloseIdleConnections()
	tw := &Twilio{AccountSID: testSID, AuthToken: testToken, From: "+1", BaseURL: p.URL, HTTP: client, Now: func() time.Time { return morning }}
	if out := tw.Send(t.Context(), newMessage(bySMS)); out.Result != Yes {
		t.Errorf("result %s (%s)", out.Result, out.Detail)
	}
}

func TestCallbackBringsALostSIDHomeAndNothingIsSentTwice(t *testing.T) { // OUT-5, ICA-100
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withProvider(t, d)
		p.then(hangUp)
		id := w.queue(newMessage(bySMS))
		w.send()
		w.wantState(id, Unknown)
		w.hear(p.callback(1, "sent"))
		if m := w.wantState(id, Accepted); m.ProviderID != sidOf(1) {
			t.Errorf("SID %q", m.ProviderID)
		}
		w.later(time.Hour)
		w.ask()
		w.send()
		if p.count() != 1 {
			t.Errorf("posted %d times", p.count())
		}
		w.hear(p.callback(1, "delivered"))
		w.wantState(id, Delivered)
		if last := w.served[len(w.served)-1]; last.Class != ClassC || last.Source != "callback" {
			t.Errorf("arrival %+v, want class C", last)
		}
	})
}

func TestCallbackFasterThanThe201(t *testing.T) { // OUT-9
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withProvider(t, d)
		id := w.queue(newMessage(bySMS))
		p.then(func(rw http.ResponseWriter) {
			w.hear(p.callback(1, "delivered"))
			status_(201, "", `{"sid":"`+sidOf(1)+`"}`)(rw)
		})
		w.send()
		w.wantState(id, Delivered)
	})
}

func TestStatesOnlyMoveForward(t *testing.T) { // OUT-9
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withProvider(t, d)
		id := w.queue(newMessage(bySMS))
		w.send()
		w.hear(p.callback(1, "delivered"))
		arrivals := len(w.served)
		w.hear(p.callback(1, "delivered")) // doubled
		w.hear(p.callback(1, "sent"))      // late
		w.hear(p.callback(1, "failed"))    // contradicting
		w.wantState(id, Delivered)
		if len(w.served) != arrivals || len(w.failed) != 0 {
			t.Errorf("arrivals %d → %d, failures %d", arrivals, len(w.served), len(w.failed))
		}
	})
}

func TestUndeliveredTextIsReportedOnce(t *testing.T) { // INS-708
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withProvider(t, d)
		id := w.queue(newMessage(bySMS))
		w.send()
		w.hear(p.callback(1, "undelivered", "ErrorCode", "30003"))
		w.hear(p.callback(1, "failed", "ErrorCode", "30003"))
		w.wantState(id, Undelivered)
		if len(w.failed) != 1 || w.failed[0].Status != "30003" {
			t.Errorf("failures %+v", w.failed)
		}
	})
}

func TestOldAttemptsFailureDoesNotSpeakForTheNewOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withProvider(t, d)
		p.then(hangUp)
		id := w.queue(newMessage(bySMS))
		w.send()
		w.later(time.Minute)
		w.ask()
		p.then(nil)
		w.send()
		w.wantState(id, Accepted)
		w.hear(p.callback(1, "undelivered"))
		w.wantState(id, Accepted)
		w.hear(p.callback(1, "delivered")) // whichever arrived, it arrived
		w.wantState(id, Delivered)
	})
}

func TestForgedOrAmbiguousCallbacksChangeNothing(t *testing.T) { // SEC-27
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, p := withProvider(t, d)
		id := w.queue(newMessage(bySMS))
		w.send()
		uri, body, signature := p.callback(1, "delivered")
		try := func(name, code, uri string, body []byte, signature string) {
			t.Helper()
			if err := w.ReceiveStatus(t.Context(), uri, body, signature); !fault.Is(err, code) {
				t.Errorf("%s: %v, want %s", name, err, code)
			}
			w.wantState(id, Accepted)
		}
		try("no signature", "callback_signature", uri, body, "")
		try("other body", "callback_signature", uri, []byte(strings.Replace(string(body), "delivered", "failed", 1)), signature)
		try("other message", "callback_signature", strings.Replace(uri, "n=1", "n=2", 1), body, signature)
		try("address of another host", "callback_signature", "https://evil.example"+uri, body, signature)
		try("repeated key", "callback_form", uri, append(body, "&MessageStatus=failed"...), signature)
		try("repeated query key", "callback_form", uri+"&n=2", body, signature)
		try("not a form", "callback_form", uri, []byte("%zz"), signature)
		form := url.Values{"MessageSid": {sidOf(1)}, "MessageStatus": {"delivered"}}
		try("unknown message", "message_unknown", "/hooks/twilio/status?m=x&n=1", []byte(form.Encode()), sign(testPublic+"/hooks/twilio/status?m=x&n=1", form))
		form = url.Values{"MessageSid": {sidOf(1)}, "MessageStatus": {"delivered"}}
		w.Callbacks = &CallbackCheck{PublicURL: testPublic} // anybody can sign with the empty token
		try("no token configured", "callback_signature", uri, body, signWith("", testPublic+uri, form))
		w.Callbacks = nil
		try("callbacks not configured", "callback_signature", uri, body, signature)
	})
}

func FuzzCallback(f *testing.F) {
	f.Add("/hooks/twilio/status?m=abc&n=1", []byte("MessageSid=SM1&MessageStatus=sent"))
	f.Add("/x?m=a&m=b", []byte("MessageSid=1&MessageSid=2"))
	f.Add("//host/?n=9", []byte("%"))
	f.Fuzz(func(t *testing.T, uri string, body []byte) {
		s, err := readStatus(uri, body)
		if err == nil && (s.Message == "" || s.SID == "" || s.Word == "" || s.SID != clean(s.SID)) {
			t.Errorf("took %+v", s)
		}
		if (&CallbackCheck{PublicURL: testPublic, AuthToken: testToken}).signed(uri, body, "AAAA") {
			t.Error("took a made-up signature")
		}
	})
}
