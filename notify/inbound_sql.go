package notify

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

// mailToken is an address of ours; only its hash is kept (ICA-41). It never
// ends: an old Round's address still finds its participant.
type mailToken struct {
	bun.BaseModel `bun:"table:mail_tokens"`

	Hash    string    `bun:"hash,pk"`
	Kind    string    `bun:"kind"`
	Subject string    `bun:"subject"`
	Contact string    `bun:"contact"`
	Stream  string    `bun:"stream"`
	MadeAt  time.Time `bun:"made_at"`
}

func insertToken(ctx context.Context, tx bun.IDB, t *mailToken) error {
	_, err := tx.NewInsert().Model(t).On("CONFLICT (hash) DO NOTHING").Exec(ctx)
	return err
}

func findToken(ctx context.Context, q bun.IDB, kind, hash string) (mailToken, error) {
	var t mailToken
	err := q.NewSelect().Model(&t).Where("hash = ? AND kind = ?", hash, kind).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return t, errUnknownToken
	}
	return t, err
}

// insertInbound reports false for a mail that is here already (ICA-91).
func insertInbound(ctx context.Context, tx bun.IDB, in Inbound) (bool, error) {
	res, err := tx.NewInsert().Model(&in).On("CONFLICT (token_hash, print) DO NOTHING").Exec(ctx)
	return hit(res, err)
}

func sortInbound(ctx context.Context, tx bun.IDB, in Inbound) (bool, error) {
	res, err := tx.NewUpdate().Model(&in).Column("state", "outcome", "sorted_by", "sorted_at", "sorted_why").
		Where("id = ? AND state = ?", in.ID, Held).Exec(ctx)
	return hit(res, err)
}

// FindInbound gives one inbound mail with its raw bytes. Refuses with
// inbound_unknown.
func FindInbound(ctx context.Context, q bun.IDB, id string) (Inbound, error) {
	var in Inbound
	err := q.NewSelect().Model(&in).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return in, fault.Refuse(fault.NotFound, "inbound_unknown",
			"没有这封来信。请从待处理列表重新打开。", "There is no such mail. Open it again from the queue.")
	}
	return in, err
}

// ListInbound gives inbound mail without raw bytes, newest first.
func ListInbound(ctx context.Context, q bun.IDB, by InboundQuery) ([]Inbound, error) {
	var ins []Inbound
	sel := q.NewSelect().Model(&ins).ExcludeColumn("raw")
	if by.State != "" {
		sel = sel.Where("state = ?", by.State)
	}
	if len(by.Subjects) > 0 {
		sel = sel.Where("subject IN (?)", bun.List(by.Subjects))
	}
	if by.Before != "" {
		sel = sel.Where("(received_at, id) < (SELECT received_at, id FROM inbound WHERE id = ?)", by.Before)
	}
	err := sel.OrderExpr("received_at DESC, id DESC").Limit(page(by.Limit)).Scan(ctx)
	return ins, err
}

// UnsortedBefore counts what reached the addresses of the given subjects by an
// instant and still waits for a person: condition P6 of deemed consent
// (INS-906) is that there is none.
func UnsortedBefore(ctx context.Context, q bun.IDB, instant time.Time, subjects ...string) (int, error) {
	if len(subjects) == 0 {
		return 0, errors.New("notify: UnsortedBefore without a subject")
	}
	n, err := q.NewSelect().Model((*Inbound)(nil)).
		Where("subject IN (?) AND state = ? AND received_at <= ?", bun.List(subjects), Held, instant).Count(ctx)
	return int(n), err
}

// page bounds the length of a list.
func page(limit int) int64 {
	if limit <= 0 {
		return 50
	}
	return int64(min(limit, 200))
}

// purgeTokens forgets canaries sent before an instant. Tokens of people are
// never forgotten: an old answer must find its participant (ICA-41).
func purgeTokens(ctx context.Context, tx bun.IDB, before time.Time) error {
	_, err := tx.NewDelete().Model((*mailToken)(nil)).Where("kind = ? AND made_at < ?", tokenCanary, before).Exec(ctx)
	return err
}
