package delivery

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"lianban/internal/fault"
)

// Kuaidi100Account is the house's account with 快递100. Without one the house has
// no carrier but its own couriers.
type Kuaidi100Account struct {
	Customer string
	Key      string // signs queries
	Salt     string // signs pushes (DEL-1411)
	BaseURL  string // https://poll.kuaidi100.com, or a server of tests
	HTTP     *http.Client
}

// NewKuaidi100HTTP gives the client for queries: no redirects, and an end to
// waiting (DEL-1403).
func NewKuaidi100HTTP() *http.Client {
	return &http.Client{
		Timeout:       15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     time.Minute,
			Proxy:               http.ProxyFromEnvironment,
		},
	}
}

// Query asks about one waybill and gives the answer as it came. Who calls it
// keeps to Kuaidi100Pause. Refusal: carrier_away.
func (a *Kuaidi100Account) Query(ctx context.Context, ask Kuaidi100Ask) ([]byte, error) {
	form, err := Kuaidi100Query(ask, a.Customer, a.Key)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(a.BaseURL, "/")+"/poll/query.do", strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("ask 快递100: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := a.HTTP.Do(r)
	if err != nil {
		return nil, carrierAway().Because(err)
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK {
		return nil, carrierAway().Because(fmt.Errorf("status %d", got.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(got.Body, kuaidi100BytesMost+1))
	if err != nil {
		return nil, carrierAway().Because(err)
	}
	return body, nil
}

func carrierAway() *fault.Error {
	return fault.Refuse(fault.Unavailable, "carrier_away",
		"暂时连不上快递100，系统半小时后会自动再查；急用请电话询问承运方", "the carrier's service cannot be reached; it is asked again in half an hour. If it is urgent, telephone the carrier")
}
