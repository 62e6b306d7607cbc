package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler"
)

// house is the wired program: one database and the desks that work on it.
type house struct {
	cfg        config
	log        *slog.Logger
	db         *db.DB
	clock      *scheduler.Clock
	office     *office.Desk
	auth       *auth.Desk
	audit      *audit.Desk
	notify     *notify.Desk
	inspection *inspection.Desk
	delivery   *delivery.Desk

	evidence atomic.Int32 // verdict of the last full verification, 0 before the first
}

// Verdicts about the evidence log.
const evidenceBad, evidenceGood = 1, 2

// build wires a house on an open database and makes the keys that are missing.
// read gives wall and monotonic time together; the demo hands in a clock that
// can be moved.
func build(cfg config, d *db.DB, log *slog.Logger, read func() scheduler.Reading) (*house, error) {
	h := &house{cfg: cfg, log: log, db: d}
	h.clock = &scheduler.Clock{DB: d, Read: read, Found: recordFinding}
	if d.Postgres() {
		h.clock.Offset = scheduler.DatabaseOffset(d, read)
	}
	addresses, err := cfg.addresses()
	if err != nil {
		return nil, err
	}
	key, err := cfg.logKey()
	if err != nil {
		return nil, err
	}
	// The name of this process among several on one database: random, and the
	// same after a restart, so that the calls a crash left behind are found.
	name, err := keyFile(cfg.file("instance"), func() []byte { return []byte(rand.Text()) })
	if err != nil {
		return nil, err
	}
	h.audit = &audit.Desk{DB: d, Now: h.clock.Now, Key: key, File: cfg.file("checkpoints.txt")}
	h.office = &office.Desk{DB: d, Now: h.clock.Now}
	h.auth = &auth.Desk{DB: d, Now: h.clock.Now}
	h.notify = &notify.Desk{
		DB: d, Now: h.clock.Now, Log: log, Instance: string(name), Jitter: mathrand.Float64, Addresses: addresses,
		Texts: notify.DefaultTextLimits,
	}
	h.inspection = &inspection.Desk{
		DB: d, Now: h.clock.Now, Auth: h.auth, Addresses: addresses, ClockHealthy: h.clock.Healthy,
		Channels: []string{notify.Portal, notify.Mail},
		Mail:     inspection.MailIdentity{From: cfg.MailFrom, PublicURL: cfg.PublicURL, Signature: cfg.SMSSignature},
	}
	secrets, err := cfg.deliveryKey()
	if err != nil {
		return nil, err
	}
	h.delivery = &delivery.Desk{DB: d, Now: h.clock.Now, Auth: h.auth, Key: secrets, Files: cfg.file("proofs"), Signature: cfg.SMSSignature, Site: cfg.PublicURL, MailFrom: cfg.MailFrom, Out: h.inspection.ResultsOut}
	if h.delivery.Kuaidi100, err = cfg.kuaidi100(); err != nil {
		return nil, err
	}
	h.wire()
	return h, errors.Join(h.channels(), h.check())
}

// wire hands the desks the functions that flow against the arrows (STY-3).
func (h *house) wire() {
	in := h.inspection
	h.notify.Compose, h.notify.Served, h.notify.Failed = h.compose, in.Served, in.Bounced
	h.notify.Dead, h.notify.Inbound = in.Dead, in.MailCame
	h.auth.LinkLocked = func(ctx context.Context, tx bun.IDB, l auth.Link, _ time.Time) error {
		return in.LinkLocked(ctx, tx, l)
	}
	h.office.InUse = inspection.HasOpenRound
	h.office.TellOld = in.TellOldAddress
	h.office.DayOff = in.DayOff
}

// compose lets the half whose message it is write the text.
func (h *house) compose(ctx context.Context, tx bun.IDB, m notify.Message) (notify.Body, error) {
	if delivery.Composes(m.Purpose) {
		return h.delivery.Compose(ctx, tx, m)
	}
	return h.inspection.Compose(ctx, tx, m)
}

// check reports the first thing the wiring forgot.
func (h *house) check() error {
	return errors.Join(h.office.Check(), h.auth.Check(), h.audit.Check(), h.notify.Check(), h.inspection.Check(), h.delivery.Check())
}

func (c config) addresses() (notify.Addresses, error) {
	key, err := keyFile(c.file("mail.key"), func() []byte { return []byte(hex.EncodeToString(randomBytes(32))) })
	return notify.Addresses{Domain: c.MailDomain, Separator: c.MailSep, Key: key}, err
}

// deliveryKey keys the hashes of receiving codes: whoever has the database
// without it cannot try them out (DEL-610).
func (c config) deliveryKey() ([]byte, error) {
	text, err := keyFile(c.file("delivery.key"), func() []byte { return []byte(hex.EncodeToString(randomBytes(32))) })
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(strings.TrimSpace(string(text)))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// channels chooses how mail and texts leave the house: through the relay and
// the gateway that are configured, otherwise into files.
func (h *house) channels() error {
	files := &notify.FileChannel{Dir: h.cfg.file("outbox"), Loop: h.notify.Receive}
	h.notify.Channels = map[string]notify.Channel{notify.Mail: files, notify.SMS: files}
	if h.cfg.SMTPURLFile != "" {
		mailer, err := h.cfg.mailer()
		if err != nil {
			return err
		}
		h.notify.Channels[notify.Mail] = mailer
	}
	if h.cfg.TwilioSID != "" {
		token, err := secret(h.cfg.TwilioTokenFile)
		if err != nil {
			return fmt.Errorf("SMS gateway: %w", err)
		}
		gateway := &notify.Twilio{
			AccountSID: h.cfg.TwilioSID, AuthToken: token, From: h.cfg.TwilioFrom, Service: h.cfg.TwilioService,
			BaseURL: h.cfg.TwilioBaseURL, Callback: h.cfg.PublicURL + "/hooks/twilio/status", HTTP: notify.NewTwilioHTTP(), Now: h.clock.Now,
		}
		h.notify.Channels[notify.SMS], h.notify.AskProvider = gateway, gateway.Ask
		h.notify.Callbacks = &notify.CallbackCheck{AuthToken: token, PublicURL: h.cfg.PublicURL}
	}
	return nil
}

// kuaidi100 gives the house's account with 快递100, nil without one.
func (c config) kuaidi100() (*delivery.Kuaidi100Account, error) {
	if c.Kuaidi100Customer == "" {
		return nil, nil
	}
	key, err := secret(c.Kuaidi100KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key of 快递100: %w", err)
	}
	salt, err := secret(c.Kuaidi100SaltFile)
	if err != nil {
		return nil, fmt.Errorf("salt of 快递100: %w", err)
	}
	return &delivery.Kuaidi100Account{
		Customer: c.Kuaidi100Customer, Key: key, Salt: salt, BaseURL: c.Kuaidi100BaseURL, HTTP: delivery.NewKuaidi100HTTP(),
	}, nil
}

func (c config) mailer() (*notify.Mailer, error) {
	text, err := secret(c.SMTPURLFile)
	if err != nil {
		return nil, fmt.Errorf("mail relay: %w", err)
	}
	relay, err := notify.ParseServer(text)
	if err != nil {
		return nil, err
	}
	m := &notify.Mailer{Relay: relay, Direct: map[string]notify.Server{}, Helo: c.MailDomain}
	for domain, address := range c.MailDirect {
		if m.Direct[domain], err = notify.ParseServer(address); err != nil {
			return nil, fmt.Errorf("mail server of %s: %w", domain, err)
		}
	}
	return m, nil
}

// install puts in what ships with the program: divisions, calendar, settings,
// and the matters if there are none. What the office has changed stays.
func (h *house) install(ctx context.Context) error {
	const by = "system:install"
	if err := h.office.Install(ctx, by); err != nil {
		return err
	}
	var known []inspection.Matter
	err := h.db.Read(ctx, func(q bun.IDB) (err error) {
		known, err = inspection.ListMatters(ctx, q, inspection.MatterQuery{At: h.clock.Now()})
		return err
	})
	if err != nil || len(known) > 0 {
		return err
	}
	_, err = h.inspection.ImportMatters(ctx, inspection.MatterImport{File: inspection.ShippedMatters(), Actor: by})
	return err
}

// recordFinding puts a clock finding into the evidence log (DL-18).
func recordFinding(ctx context.Context, tx bun.IDB, f scheduler.Finding) error {
	return audit.Record(ctx, tx, audit.Leaf{
		Type: "clock_jump", Stream: "system", Actor: "system:clock", At: f.At,
		Fields: map[string]any{"drift_ms": f.DriftMS, "accepted_by": f.AcceptedBy},
	})
}
