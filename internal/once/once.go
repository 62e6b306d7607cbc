// Package once answers a repeated request with the first answer. A request that
// carries an Idempotency-Key has its effect and its answer stored in one
// transaction; the same key brings the answer back, and a different request
// under the same key is refused (INS-604, SEC-9).
package once

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// Kept is how long an answer is remembered (SEC-9); [Forget] drops older ones.
const Kept = 7 * 24 * time.Hour

// Key is the Idempotency-Key of one request. The zero Key stands for a request
// without one.
type Key struct {
	Actor string // who asks, as auth.Actor.String gives it; keys of two actors never meet
	Value string // what the client sent
	Print string // hash of method, path and body

	// Replayed, if set, is told whether the answer is an earlier one.
	Replayed *bool
}

// Do runs act, on the caller's transaction, unless k has been used before: then
// it gives the answer of that first time and replayed is true. An act that
// fails leaves no trace, so the client may try again with the same key. T is
// stored as JSON and must survive the round trip.
//
// Refuses with idempotency_mismatch when k was used for another request. Of two
// racers one acts; the other waits for it and gets its answer.
func Do[T any](ctx context.Context, tx bun.IDB, k Key, now time.Time, act func() (T, error)) (out T, replayed bool, err error) {
	if k.Value == "" {
		out, err = act()
		return out, false, err
	}
	row := &keyRow{Actor: k.Actor, Value: k.Value, Print: k.Print, At: now}
	first, err := claim(ctx, tx, row)
	if err != nil {
		return out, false, fmt.Errorf("claim idempotency key: %w", err)
	}
	if k.Replayed != nil {
		*k.Replayed = !first
	}
	if !first {
		out, err = replay[T](ctx, tx, k)
		return out, err == nil, err
	}
	if out, err = act(); err != nil {
		return out, false, err
	}
	if row.Answer, err = json.Marshal(out); err != nil {
		return out, false, fmt.Errorf("store answer: %w", err)
	}
	return out, false, answer(ctx, tx, row)
}

// Act is Do in a transaction of its own; write is db.DB.Write.
func Act[T any](ctx context.Context, write func(context.Context, func(tx bun.IDB) error) error,
	k Key, now time.Time, act func(tx bun.IDB) (T, error),
) (out T, err error) {
	err = write(ctx, func(tx bun.IDB) (err error) {
		out, _, err = Do(ctx, tx, k, now, func() (T, error) { return act(tx) })
		return err
	})
	return out, err
}

func replay[T any](ctx context.Context, tx bun.IDB, k Key) (out T, err error) {
	row, err := find(ctx, tx, k)
	if err != nil {
		return out, fmt.Errorf("find idempotency key: %w", err)
	}
	if row.Print != k.Print {
		return out, fault.Refuse(fault.Conflict, "idempotency_mismatch",
			"这个请求编号已用于另一个内容不同的请求。新的请求请换一个新的请求编号。",
			"This Idempotency-Key was used for a different request. Use a new key for a new request.")
	}
	if err := json.Unmarshal(row.Answer, &out); err != nil {
		return out, fmt.Errorf("read stored answer: %w", err)
	}
	return out, nil
}
