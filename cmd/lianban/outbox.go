package main

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/notify"
)

// outboxCommand holds the operator's acts on what waits to be sent (OUT-11).
type outboxCommand struct {
	List   outboxListCommand   `cmd:"" help:"列出消息|List messages."`
	Pause  outboxPauseCommand  `cmd:"" help:"暂停一个渠道|Stop a channel."`
	Resume outboxResumeCommand `cmd:"" help:"恢复一个渠道|Let a channel send again."`
	Retry  outboxRetryCommand  `cmd:"" help:"重发一条已放弃的消息|Queue a message again that was given up."`
	Drop   outboxDropCommand   `cmd:"" help:"放弃一条待发的消息|Give up a message that waits."`
}

type outboxListCommand struct {
	State   string `help:"只列某一状态，如 pending、dead|Only messages in this state."`
	Channel string `help:"只列某一渠道|Only this channel."`
	Limit   int    `help:"最多几条|How many." default:"50"`
}

// Run lists messages, newest first, with what is stopped. Addresses are not
// shown: a number may be a person's.
func (c *outboxListCommand) Run(a *app) error {
	return a.withReadOnly(func(ctx context.Context, d *db.DB) error {
		var messages []notify.Message
		var paused []notify.Paused
		err := d.Read(ctx, func(q bun.IDB) (err error) {
			if paused, err = notify.ListPaused(ctx, q); err != nil {
				return err
			}
			messages, err = notify.ListMessages(ctx, q, notify.MessageQuery{State: c.State, Channel: c.Channel, Limit: c.Limit})
			return err
		})
		if err != nil {
			return err
		}
		for _, p := range paused {
			a.say("渠道 %s 已暂停：%s（%s）", "channel %s is stopped: %s (%s)", p.Channel, p.Reason, second(p.Since))
		}
		for _, m := range messages {
			fmt.Fprintf(a.out, "%s  %s  %-6s  %-9s  %-11s  %s  %s\n", second(m.CreatedAt), m.ID, m.Channel, m.Purpose, m.State, m.Title, m.Detail)
		}
		a.say("%d 条", "%d messages", len(messages))
		return nil
	})
}

// onChannel is what an act on a channel is given, onMessage one on a message.
type onChannel struct {
	Channel string `arg:"" help:"portal、mail 或 sms|portal, mail or sms."`
	Reason  string `required:"" help:"理由，记入证据日志|Why; it goes on record."`
}

type onMessage struct {
	ID     string `arg:"" help:"消息编号|The message."`
	Reason string `required:"" help:"理由|Why."`
}

type (
	outboxPauseCommand struct {
		onChannel `embed:""`
	}
	outboxResumeCommand struct {
		onChannel `embed:""`
	}
	outboxRetryCommand struct {
		onMessage `embed:""`
	}
	outboxDropCommand struct {
		onMessage `embed:""`
	}
)

// Run stops a channel.
func (c *outboxPauseCommand) Run(a *app) error {
	return a.operate(func(ctx context.Context, d *notify.Desk, by string) error {
		return d.Pause(ctx, by, c.Channel, c.Reason)
	})
}

// Run lets a channel go on.
func (c *outboxResumeCommand) Run(a *app) error {
	return a.operate(func(ctx context.Context, d *notify.Desk, by string) error {
		return d.Resume(ctx, by, c.Channel, c.Reason)
	})
}

// Run queues a message once more.
func (c *outboxRetryCommand) Run(a *app) error {
	return a.operate(func(ctx context.Context, d *notify.Desk, by string) error { return d.Retry(ctx, by, c.ID, c.Reason) })
}

// Run gives a message up.
func (c *outboxDropCommand) Run(a *app) error {
	return a.operate(func(ctx context.Context, d *notify.Desk, by string) error { return d.Drop(ctx, by, c.ID, c.Reason) })
}

// operate runs one act of the operator on the outbox.
func (a *app) operate(act func(ctx context.Context, d *notify.Desk, by string) error) error {
	return a.withHouse(func(ctx context.Context, h *house) error {
		if err := act(ctx, h.notify, terminalActor.String()); err != nil {
			return err
		}
		a.say("完成", "done")
		return nil
	})
}
