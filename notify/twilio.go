package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
	openapi "github.com/twilio/twilio-go/rest/api/v2010"
)

// Twilio sends texts through Twilio's REST API. To mainland China that is
// one-way, without links and with registered signature and templates: a text is
// a reminder, never the Service (OUT-10, FAC-27).
type Twilio struct {
	AccountSID string
	AuthToken  string
	From       string // a number, or
	Service    string // a messaging service
	BaseURL    string // LIANBAN_TWILIO_BASE_URL; empty means https://api.twilio.com
	Callback   string // public address of the status hook, without query
	HTTP       *http.Client
	Now        func() time.Time
}

// Send posts one text. There is no idempotency key (STK-30), so the callback
// address carries message and attempt: a lost 201 still brings its SID home
// (OUT-5).
func (t *Twilio) Send(ctx context.Context, m Message) Outcome {
	caller := &twilioCaller{ctx: ctx, twilio: t}
	api := openapi.NewApiService(&client.RequestHandler{Client: caller}) // without the environment's edge and region (STK-31)
	got, err := api.CreateMessage(t.params(m))
	out := Outcome{Source: "provider", Peer: caller.host, Line: caller.line()}
	switch {
	case caller.status == http.StatusCreated && err == nil && got.Sid != nil:
		out.Result, out.ProviderID = Yes, clean(*got.Sid)
	case caller.status == 0 && !caller.wrote.Load():
		out.Result, out.Detail = Retry, "connect"
	default:
		out.Result, out.Detail = twilioResult(caller.status), "status "+strconv.Itoa(caller.status)
		out.RetryAfter = caller.retryAfter
	}
	return out
}

// Ask fetches what became of a text by its SID (OUT-9).
func (t *Twilio) Ask(ctx context.Context, sid string) (Word, error) {
	caller := &twilioCaller{ctx: ctx, twilio: t}
	api := openapi.NewApiService(&client.RequestHandler{Client: caller})
	got, err := api.FetchMessage(url.PathEscape(sid), nil)
	switch {
	case caller.status == http.StatusNotFound: // deleted there
		return Word{}, nil
	case err != nil:
		return Word{}, fmt.Errorf("ask Twilio: %w %s", err, caller.line())
	case got.Status == nil:
		return Word{}, errors.New("ask Twilio: no status in its answer")
	}
	word := Word{Status: clean(*got.Status)}
	if got.ErrorCode != nil {
		word.Code = strconv.Itoa(*got.ErrorCode)
	}
	return word, nil
}

// twilioResult is OUT-4's row. A 2xx that cannot be read, a 5xx and silence say
// nothing about whether the text went out.
func twilioResult(status int) Result {
	switch {
	case status == http.StatusTooManyRequests: // 20429 was never processed
		return Retry
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Halt
	case status >= 400 && status < 500:
		return Refused
	}
	return Unclear
}

func (t *Twilio) params(m Message) *openapi.CreateMessageParams {
	p := &openapi.CreateMessageParams{}
	p.SetTo(m.Address)
	p.SetBody(string(m.Body))
	if t.Service != "" {
		p.SetMessagingServiceSid(t.Service)
	} else {
		p.SetFrom(t.From)
	}
	if t.Callback != "" {
		p.SetStatusCallback(t.Callback + "?" + url.Values{"m": {m.ID}, "n": {strconv.Itoa(m.Attempt)}}.Encode())
	}
	// No text arrives after its own deadline (ICA-100). Twilio takes 1 s to 10 h.
	left := int(m.ValidUntil.Sub(t.Now()) / time.Second)
	p.SetValidityPeriod(min(max(left, 1), 36000))
	return p
}

// twilioCaller is the part of twilio-go that speaks HTTP, made ours for one
// call: the stock one has no context, fixed host names, loses the status of an
// error that is not JSON, and may send a request twice (STK-29).
type twilioCaller struct {
	ctx    context.Context
	twilio *Twilio

	host       string
	status     int
	code       int // Twilio's error number
	retryAfter time.Duration
	wrote      atomic.Bool // the request went out, at least in part
}

var errTwilio = errors.New("twilio refused")

// SendRequest makes the one request of this call.
func (c *twilioCaller) SendRequest(method, rawURL string, data url.Values, _ map[string]any, _ ...byte) (*http.Response, error) {
	to, err := c.rebase(rawURL)
	if err != nil {
		return nil, err
	}
	trace := &httptrace.ClientTrace{WroteHeaders: func() { c.wrote.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(c.ctx, trace), method, to.String(), strings.NewReader(data.Encode()))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // net/http may not send it a second time on its own
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(c.twilio.AccountSID, c.twilio.AuthToken)
	res, err := c.twilio.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	c.host, c.status = to.Host, res.StatusCode
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		c.retryAfter = min(time.Duration(seconds)*time.Second, time.Hour)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	var problem struct{ Code int }
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	_ = json.Unmarshal(body, &problem) // an HTML page from a proxy has no code; the status is enough
	c.code = problem.Code
	return nil, errTwilio
}

func (c *twilioCaller) rebase(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil || c.twilio.BaseURL == "" {
		return u, err
	}
	base, err := url.Parse(c.twilio.BaseURL)
	if err != nil {
		return nil, err
	}
	u.Scheme, u.Host = base.Scheme, base.Host
	return u, nil
}

func (c *twilioCaller) line() string {
	if c.status == 0 {
		return ""
	}
	line := "HTTP " + strconv.Itoa(c.status)
	if c.code != 0 {
		line += " code " + strconv.Itoa(c.code)
	}
	return line
}

// AccountSid and the rest complete client.BaseClient.
func (c *twilioCaller) AccountSid() string       { return c.twilio.AccountSID }
func (c *twilioCaller) SetTimeout(time.Duration) {}
func (c *twilioCaller) SetOauth(client.OAuth)    {}
func (c *twilioCaller) OAuth() client.OAuth      { return nil }

// NewTwilioHTTP is an HTTP client for Twilio: no redirects, and patience for
// the 26 s its provider may take to give up (twilio-ruby#519).
func NewTwilioHTTP() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     time.Minute,
			Proxy:               http.ProxyFromEnvironment,
		},
	}
}
