package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

// A callback comes within seconds, after few retries, or never. No text lives
// longer than ten hours (ICA-100), so after a day no word is left to wait for.
const (
	callbackTime = 10 * time.Minute
	wordTime     = 24 * time.Hour
)

// Word is what the provider says of a text when it is asked.
type Word struct {
	Status string // as in a callback; empty when the provider does not know the text
	Code   string // carrier's error number
}

// Reconcile asks the provider about the texts it took and has said nothing
// final about, since callbacks get lost (OUT-9). An answer counts as its
// callback would have. A question that is not answered ends the run; the next
// one asks again. It runs as the sweep notify.reconcile.
func (d *Desk) Reconcile(ctx context.Context) error {
	if d.AskProvider == nil {
		return nil
	}
	now := d.now()
	var open []Message
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		open, err = openTexts(ctx, q, now.Add(-wordTime), now.Add(-callbackTime))
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range open {
		if err := d.guard(m.ID, func() error { return d.reconcile(ctx, m) }); err != nil {
			return fmt.Errorf("reconcile %s: %w", m.ID, err)
		}
	}
	return nil
}

func (d *Desk) reconcile(ctx context.Context, m Message) error {
	word, err := d.AskProvider(ctx, m.ProviderID)
	if err != nil || word.Status == "" {
		return err
	}
	s := status{Message: m.ID, N: m.Attempt, SID: m.ProviderID, Word: word.Status, Code: word.Code, Source: "asked"}
	now := d.now()
	return d.DB.Write(ctx, func(tx bun.IDB) error { return d.apply(ctx, tx, s, now) })
}
