package api

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the provider's scheme
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lianban/notify"
)

const hook = "/hooks/twilio/status?m=zz&n=1"

// signed is the provider's signature over the public address and the form.
func (w *world) signed(uri string, form url.Values) string {
	text := w.PublicURL + uri
	for _, name := range slices.Sorted(maps.Keys(form)) {
		text += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte("secret"))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (w *world) callback(body, signature string) *reply {
	w.t.Helper()
	return w.do(request{
		method: http.MethodPost, path: hook, body: []byte(body),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature},
	})
}

// SEC-27: repeated keys 400, unsigned 403, and the signature is over the public
// address, never over Host.
func TestStatusCallbacksAreCheckedBeforeTheyCount(t *testing.T) {
	w := newWorld(t)
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}}
	good := w.signed(hook, form)
	w.callback(form.Encode()+"&MessageStatus=failed", good).refused(http.StatusBadRequest, "callback_form")
	w.callback("%zz", good).refused(http.StatusBadRequest, "callback_form")
	w.callback(form.Encode(), "").refused(http.StatusForbidden, "callback_signature")
	w.callback(form.Encode(), good).refused(http.StatusNotFound, "message_unknown")
	w.callback(strings.Repeat("a=b&", 20_000), good).refused(http.StatusRequestEntityTooLarge, "body_too_large")
	if text := w.scrape(); !strings.Contains(text, `lianban_callbacks_total{provider="twilio",result="callback_signature"} 1`) {
		t.Error("callbacks are not counted")
	}
}

// OUT-9: a word on a text of ours is taken with 204, as often as it comes.
func TestStatusCallbackIsTakenWith204(t *testing.T) {
	w := newWorld(t)
	w.newVisit()
	w.tick()
	i := slices.IndexFunc(w.mail.sent, func(m notify.Message) bool { return m.Channel == "sms" })
	if i < 0 {
		t.Fatal("no text was sent")
	}
	uri := "/hooks/twilio/status?m=" + w.mail.sent[i].ID + "&n=1"
	form := url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"delivered"}}
	for range 2 {
		w.do(request{
			method: http.MethodPost, path: uri, body: []byte(form.Encode()),
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": w.signed(uri, form)},
		}).is(http.StatusNoContent)
	}
}
