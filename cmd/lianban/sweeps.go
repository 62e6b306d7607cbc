package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler"
)

// sweeps are the looks at due rows, in the order of a catch-up: the clock
// first, then what comes in, then what decides, then what goes out
// (reliability rules section 2.1). probe proves that the pages answer.
func (h *house) sweeps(probe func(context.Context) error) []scheduler.Sweep {
	return []scheduler.Sweep{
		{Name: "clock.check", Every: 30 * time.Second, Run: h.clock.Check},
		{Name: "portal.beat", Every: time.Minute, Run: h.beat(probe)},
		{Name: "mailbox.canary", Every: 2 * time.Minute, Run: h.notify.SendCanary},
		{Name: "outbox.portal", Every: 5 * time.Second, Run: h.sendOver(notify.Portal)},
		{Name: "outbox.mail", Every: 5 * time.Second, Run: h.sendOver(notify.Mail)},
		{Name: "outbox.sms", Every: 5 * time.Second, Run: h.sendOver(notify.SMS)},
		{Name: "outbox.ask", Every: 15 * time.Second, Run: h.notify.AskUnknown},
		{Name: "notify.reconcile", Every: 10 * time.Minute, Run: h.notify.Reconcile},
		{Name: "inspection.deem", Every: 5 * time.Second, Run: h.inspection.DeemDue},
		{Name: "inspection.remind", Every: 5 * time.Minute, Run: h.inspection.RemindDue},
		{Name: "inspection.loans", Every: 5 * time.Minute, Run: h.inspection.RemindLoans},
		{Name: "inspection.electronic", Every: 5 * time.Minute, Run: h.inspection.RemindElectronic},
		{Name: "inspection.escalate", Every: time.Minute, Run: h.inspection.EscalateDue},
		{Name: "inspection.rectify", Every: time.Minute, Run: h.inspection.RectifyDue},
		{Name: "delivery.remind", Every: 5 * time.Minute, Run: h.delivery.RemindDue},
		{Name: "delivery.rounds", Every: 30 * time.Second, Run: h.delivery.PlanRounds},
		{Name: "delivery.runs", Every: time.Minute, Run: h.delivery.MissRunsDue},
		{Name: "delivery.watch", Every: time.Minute, Run: h.delivery.Watch},
		{Name: "delivery.shelf", Every: time.Hour, Run: h.delivery.WatchShelf},
		{Name: "delivery.custody", Every: time.Hour, Run: h.delivery.WatchCustody},
		{Name: "delivery.close", Every: time.Minute, Run: h.delivery.CloseDue},
		{Name: "delivery.ask", Every: time.Minute, Run: h.delivery.AskCarriersDue},
		{Name: "evidence.checkpoint", Every: time.Minute, Run: h.audit.Checkpoint},
		{Name: "retention", Every: time.Hour, Run: h.forget},
	}
}

// forget drops what has had its time: sessions, links, refused records and old
// rounds of couriers, and the answers kept for repeated requests (SEC-9, SEC-31, DEL-506).
func (h *house) forget(ctx context.Context) error {
	return errors.Join(h.auth.Purge(ctx), h.delivery.ForgetRefusals(ctx), h.delivery.ForgetRounds(ctx), h.db.Write(ctx, func(tx bun.IDB) error {
		_, err := once.Forget(ctx, tx, h.clock.Now().Add(-once.Kept))
		return err
	}))
}

// runAll runs sweeps once, in order, whatever becomes of each.
func runAll(ctx context.Context, sweeps []scheduler.Sweep) error {
	var errs []error
	for _, s := range sweeps {
		if err := s.Run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// sendOver sends one channel's messages; each channel has a sweep of its own,
// so that a slow gateway holds back nothing else (STY-47).
func (h *house) sendOver(channel string) func(context.Context) error {
	return func(ctx context.Context) error { return h.notify.SendDue(ctx, channel) }
}

// beat writes the portal's heartbeat after the public listener has answered
// (DL-9 P5): a page nobody can reach takes no answers.
func (h *house) beat(probe func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		started := h.clock.Now()
		err := probe(ctx)
		return errors.Join(err, h.notify.Beat(ctx, notify.Portal, started, err == nil))
	}
}

// overdue is what the watchdog asks every 15 s: how old the oldest deadline or
// message is that nobody took, holds left out (DL-7).
func (h *house) overdue(ctx context.Context) (age time.Duration, err error) {
	err = h.db.Read(ctx, func(q bun.IDB) error {
		deadline, err := inspection.OldestDue(ctx, q, h.clock.Now())
		if err != nil {
			return err
		}
		message, err := notify.OldestDue(ctx, q)
		for _, since := range []time.Time{deadline, message} {
			if !since.IsZero() {
				age = max(age, h.clock.Now().Sub(since))
			}
		}
		return err
	})
	return age, err
}

// verifyLog checks the evidence log from the last checkpoint on before the
// first request (DEC-11).
func (h *house) verifyLog(ctx context.Context) error {
	err := h.audit.VerifySince(ctx)
	if errors.Is(err, audit.ErrDamaged) || errors.Is(err, audit.ErrRewound) || errors.Is(err, audit.ErrForeignKey) {
		return fmt.Errorf("evidence log: %w; nothing was started: restore a backup or ask the auditor", err)
	}
	return err
}

// verifyDaily recomputes the whole log in the background, once at the start and
// then every day (EV-5, DEC-11). What it finds is a metric and an alarm.
func (h *house) verifyDaily(ctx context.Context) {
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	for {
		err := h.audit.Verify(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			h.evidence.Store(evidenceBad)
			h.log.Error("evidence log does not verify", "error", err)
		default:
			h.evidence.Store(evidenceGood)
		}
		select {
		case <-ctx.Done():
			return
		case <-day.C:
		}
	}
}
