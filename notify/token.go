package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// Kinds of token, the first letter of an address of ours (ICA-40, SIM-4).
const (
	tokenAnswer = "v"      // ORGANIZER and Reply-To, per participant and contact, for the visit's life
	tokenBounce = "b"      // MAIL FROM, per message
	tokenCanary = "canary" // proof of the way in (ICA-93)
)

// Addresses makes the tokened mail addresses and reads them back. A token is
// 128 bits of HMAC over its owner, so the same owner always gets the same
// address while the table holds only hashes (ICA-41).
type Addresses struct {
	Domain    string // mail domain of the service, mail.domain
	Separator string // "+" or "-" (mail.token_separator)
	Key       []byte // secret, at least 32 bytes, the same on every instance
}

// Owner says whom a token belongs to.
type Owner struct {
	Subject string // participant for answers, message for bounces
	Contact string // internal id of the contact
	Stream  string // evidence stream for what arrives
}

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func (a Addresses) check() error {
	switch {
	case a.Domain == "" || strings.ContainsAny(a.Domain, "@ \r\n<>"):
		return errors.New("notify: Addresses.Domain must be a mail domain")
	case a.Separator != "+" && a.Separator != "-":
		return errors.New(`notify: Addresses.Separator must be "+" or "-"`)
	case len(a.Key) < 32:
		return errors.New("notify: Addresses.Key must have 32 bytes")
	}
	return nil
}

// AnswerTo gives the address an owner's answers come back to, on the caller's
// transaction. It is stable over Rounds: a changed ORGANIZER would make
// calendar programs see another meeting (ICA-40).
func (a Addresses) AnswerTo(ctx context.Context, tx bun.IDB, now time.Time, o Owner) (string, error) {
	return a.address(ctx, tx, now, tokenAnswer, o)
}

func (a Addresses) address(ctx context.Context, tx bun.IDB, now time.Time, kind string, o Owner) (string, error) {
	token := a.token(kind, o)
	row := &mailToken{Hash: hashToken(token), Kind: kind, Subject: o.Subject, Contact: o.Contact, Stream: o.Stream, MadeAt: now}
	if err := insertToken(ctx, tx, row); err != nil {
		return "", err
	}
	return kind + a.Separator + token + "@" + a.Domain, nil
}

func (a Addresses) token(kind string, o Owner) string {
	mac := hmac.New(sha256.New, a.Key)
	for _, part := range []string{kind, o.Subject, o.Contact} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return base32Lower.EncodeToString(mac.Sum(nil)[:16])
}

// read splits an address of ours into kind and token hash. Case does not
// matter: mailboxes on the way may fold it.
func (a Addresses) read(address string) (kind, hash string, ok bool) {
	local, domain, found := strings.Cut(strings.ToLower(strings.Trim(address, "<> ")), "@")
	if !found || domain != strings.ToLower(a.Domain) {
		return "", "", false
	}
	kind, token, found := strings.Cut(local, a.Separator)
	if !found || len(token) != 26 {
		return "", "", false
	}
	if kind != tokenAnswer && kind != tokenBounce && kind != tokenCanary {
		return "", "", false
	}
	return kind, hashToken(token), true
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
