package inspection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// PublishMatter stores a new version of a matter, made from version m.Version (0
// for a new matter), and gives it back with what a person should look at. The
// caller has checked that actor may. Refusals: those of Matter.Check,
// matter_changed when a newer version exists, matter_backdated for a change
// dated before today.
func (d *Desk) PublishMatter(ctx context.Context, actor string, m Matter) (Matter, []Warning, error) {
	now := d.now()
	if problems := m.Check(); len(problems) > 0 {
		return Matter{}, nil, problems[0].With("problems", len(problems))
	}
	var published Matter
	err := d.DB.Write(ctx, func(tx bun.IDB) (err error) {
		if published, err = publish(ctx, tx, m, author{actor, now}); err != nil {
			return err
		}
		return audit.Record(ctx, tx, published.leaf())
	})
	return published, m.Warnings(), err
}

// author is who publishes, and when.
type author struct {
	actor string
	at    time.Time
}

// publish numbers and inserts a checked version on the caller's transaction.
func publish(ctx context.Context, tx bun.IDB, m Matter, by author) (Matter, error) {
	latest, err := latestVersion(ctx, tx, m.Code)
	if err != nil {
		return Matter{}, err
	}
	if latest != m.Version {
		return Matter{}, matterChanged(m.Code)
	}
	today := workday.DateOf(by.at)
	if latest > 0 && m.EffectiveFrom.Before(today) { // it would rewrite what was in force (INS-301)
		return Matter{}, fault.Refuse(fault.Invalid, "matter_backdated",
			"事项 %[1]s 的修改不能从过去的 %[2]s 起生效，最早为今天 %[3]s", "a change of matter %[1]s cannot take effect on %[2]s in the past; the earliest day is today, %[3]s", m.Code, m.EffectiveFrom, today)
	}
	hash, err := m.contentHash()
	if err != nil {
		return Matter{}, err
	}
	m.Version, m.Hash, m.Search = latest+1, hash, m.searchText()
	m.PublishedAt, m.PublishedBy = by.at, by.actor
	rules := make([]Rule, len(m.Rules))
	for i, r := range m.Rules {
		r.MatterCode, r.MatterVersion, r.Position = m.Code, m.Version, i+1
		rules[i] = r
	}
	m.Rules = rules
	err = insertMatter(ctx, tx, &m)
	return m, err
}

// contentHash covers what a version says, not when and by whom: equal hashes
// mean that there is nothing to publish.
func (m Matter) contentHash() (string, error) {
	m.Version, m.EffectiveFrom, m.Hash = 0, workday.Date{}, ""
	m.PublishedAt, m.PublishedBy = time.Time{}, ""
	b, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("hash matter %s: %w", m.Code, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func (m Matter) searchText() string {
	return strings.ToLower(strings.Join(append([]string{m.Code, m.NameZH, m.NameEN}, m.Permits...), " "))
}

func (m Matter) leaf() audit.Leaf {
	return audit.Leaf{
		Type: "matter_published", Stream: "system", Actor: m.PublishedBy, At: m.PublishedAt,
		Fields: map[string]any{
			"code": m.Code, "version": m.Version, "effective_from": m.EffectiveFrom.String(), "sha256": m.Hash,
		},
	}
}
