package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
)

// errUnknownToken means that no address of ours has this token.
var errUnknownToken = fault.Refuse(fault.NotFound, "address_unknown",
	"没有这个收件地址。请核对通知上的回复地址。",
	"There is no such address. Check the reply address on the notice.")

// Receive keeps one mail for one tokened address of ours and returns when it is
// committed: only then may the edge say 250 (ICA-89). Raw bytes, hash and
// received_at are stored first of all; what the mail is, is judged afterwards,
// and everything that is not plainly a report or an automatic answer goes to a
// person and holds (DEC-1).
//
// Refuses with address_unknown; any other error means "not kept, come again".
// The same mail seen twice is kept once (ICA-91).
func (d *Desk) Receive(ctx context.Context, e Envelope, raw []byte) error {
	token, err := d.owner(ctx, e.Rcpt)
	if err != nil {
		return err
	}
	if token.Kind == tokenCanary {
		return d.canaryArrived(ctx, token, e.ReceivedAt)
	}
	in := newInbound(token, e, raw)
	in.read(token.Kind, raw)
	return d.keep(ctx, in)
}

// ReceiveTooBig records that a mail for a known address was refused for its
// size: it may have been an answer, so a person has to look (ICA-89). head is
// what was read of it.
func (d *Desk) ReceiveTooBig(ctx context.Context, e Envelope, head []byte) error {
	token, err := d.owner(ctx, e.Rcpt)
	if err != nil || token.Kind == tokenCanary {
		return err
	}
	in := newInbound(token, e, head[:min(len(head), headKept)])
	in.Class, in.State, in.Reason, in.Size = ClassTooBig, Held, "too_big", len(head)
	in.Print = in.ID // nothing to compare by; each one is looked at
	return d.keep(ctx, in)
}

// headKept is how much is kept of a mail over the size limit.
const headKept = 64 << 10

// owner finds whose address a recipient is.
func (d *Desk) owner(ctx context.Context, rcpt string) (mailToken, error) {
	kind, hash, ok := d.Addresses.read(rcpt)
	if !ok {
		return mailToken{}, errUnknownToken
	}
	var token mailToken
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		token, err = findToken(ctx, q, kind, hash)
		return err
	})
	return token, err
}

func newInbound(token mailToken, e Envelope, raw []byte) Inbound {
	sum, print := sha256.Sum256(raw), sha256.Sum256(withoutTrace(raw))
	in := Inbound{
		ID: newID(), TokenKind: token.Kind, TokenHash: token.Hash, Subject: token.Subject, Contact: token.Contact,
		Stream: token.Stream, ReceivedAt: e.ReceivedAt.UTC().Truncate(time.Millisecond),
		MailFrom: clean(e.MailFrom), Peer: clean(e.Peer),
		Size: len(raw), Raw: raw, SHA256: hex.EncodeToString(sum[:]), Print: hex.EncodeToString(print[:]),
		Class: ClassUnparsed, State: Held, Reason: "unparsed",
	}
	if token.Kind == tokenBounce {
		in.Outbox = token.Subject
	}
	return in
}

// keep commits an inbound mail with its leaf and its consequences. When a
// consequence fails for a reason that will not pass, the mail is kept all the
// same, unsorted: P6 counts it, so nobody is deemed over it (INS-906).
func (d *Desk) keep(ctx context.Context, in Inbound) error {
	err := d.guard(in.ID, func() error {
		return d.DB.Write(ctx, func(tx bun.IDB) error { return d.keepIn(ctx, tx, in, d.consequence) })
	})
	if err == nil || ctx.Err() != nil || fault.KindOf(err) == fault.Unavailable {
		return err
	}
	d.Log.Error("inbound mail kept without its consequences", "inbound", in.ID, "error", err)
	in.Class, in.State, in.Reason = ClassUnparsed, Held, "unparsed"
	return d.DB.Write(ctx, func(tx bun.IDB) error { return d.keepIn(ctx, tx, in, nil) })
}

func (d *Desk) keepIn(ctx context.Context, tx bun.IDB, in Inbound, then func(context.Context, bun.IDB, Inbound) error) error {
	if in.Outbox != "" { // a b+ address belongs to a message, and that to a notice
		m, err := FindMessage(ctx, tx, in.Outbox)
		if err != nil {
			return err
		}
		in.Subject = m.Subject
	}
	fresh, err := insertInbound(ctx, tx, in)
	if err != nil || !fresh {
		return err
	}
	if then != nil { // before the leaf: the domain's locks come first (DB-12)
		if err := then(ctx, tx, in); err != nil {
			return err
		}
	}
	if in.Stream == "" {
		return nil
	}
	return audit.Record(ctx, tx, inboundLeaf(in))
}

func inboundLeaf(in Inbound) audit.Leaf {
	return audit.Leaf{Type: "mail_received", Stream: in.Stream, Actor: actor, At: in.ReceivedAt, Fields: map[string]any{
		"inbound": in.ID, "subject": in.Subject, "contact": in.Contact, "sha256": in.SHA256,
		"size": in.Size, "class": in.Class, "state": in.State, "reason": in.Reason,
	}}
}

// consequence is what follows from an inbound mail in the transaction that
// keeps it.
func (d *Desk) consequence(ctx context.Context, tx bun.IDB, in Inbound) error {
	switch {
	case in.State == Held:
		return d.Inbound(ctx, tx, in)
	case in.Class == ClassReport:
		return d.reported(ctx, tx, in)
	}
	return nil
}

// outcomes are what a person may find an inbound mail to be (ICA-61, ICA-66).
var outcomes = map[string]bool{
	"applied": true, "superseded": true, "late": true, "duplicate": true, "not_an_answer": true, "phoned": true,
}

// Classify writes a person's verdict on the caller's transaction, which also
// applies the answer and ends the hold. Refuses with outcome_invalid,
// reason_missing, inbound_unknown, or inbound_sorted when somebody was faster.
func Classify(ctx context.Context, tx bun.IDB, v Verdict) (Inbound, error) {
	if !outcomes[v.Outcome] {
		return Inbound{}, fault.Refuse(fault.Invalid, "outcome_invalid",
			"没有这种处理结果。请选择：采纳、非答复、已电话核实等。",
			"There is no such outcome. Choose one of applied, superseded, late, duplicate, not_an_answer, phoned.")
	}
	if v.Reason == "" {
		return Inbound{}, errReason
	}
	in, err := FindInbound(ctx, tx, v.ID)
	if err != nil {
		return in, err
	}
	in.State, in.Outcome, in.SortedBy, in.SortedAt, in.SortedWhy = Sorted, v.Outcome, v.By, v.At, v.Reason
	ok, err := sortInbound(ctx, tx, in)
	if err == nil && !ok {
		err = fault.Refuse(fault.Conflict, "inbound_sorted",
			"这封邮件已有人处理。请刷新后查看结果。",
			"Somebody has already dealt with this mail. Reload to see the outcome.")
	}
	if err != nil || in.Stream == "" {
		return in, err
	}
	return in, audit.Record(ctx, tx, audit.Leaf{Type: "mail_sorted", Stream: in.Stream, Actor: v.By, At: v.At, Fields: map[string]any{
		"inbound": in.ID, "subject": in.Subject, "outcome": v.Outcome,
	}})
}

var errReason = fault.Refuse(fault.Invalid, "reason_missing",
	"请填写理由。", "Give a reason.")
