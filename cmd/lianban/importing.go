package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

// importCommand takes data of the office in.
type importCommand struct {
	Kind      string `arg:"" enum:"centres,departments,people,matters,holidays" help:"centres、departments、people、matters（CSV）或 holidays（放假安排，本项目或 holiday-cn 格式）|centres, departments, people, matters (CSV) or holidays (own form or holiday-cn)."`
	File      string `arg:"" help:"文件|The file." type:"existingfile"`
	Check     bool   `help:"只检查，不写入|Check only, keep nothing."`
	By        string `help:"办理人的登录名：人员须由安全管理员导入，放假安排须由另一人审核|Login of who does it: a security administrator for people; holidays need a second person." placeholder:"LOGIN"`
	Passwords string `help:"存放新账号初始密码的新文件|New file for the first passwords of new accounts." placeholder:"FILE" type:"path"`
}

// Run imports or checks the file; lines that are refused are named and nothing
// is kept.
func (c *importCommand) Run(a *app) error {
	content, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	return a.withHouse(func(ctx context.Context, h *house) error {
		if err := h.install(ctx); err != nil {
			return err
		}
		switch c.Kind {
		case "holidays":
			return c.holidays(ctx, a, h, content)
		case "matters":
			return c.matters(ctx, a, h, content)
		}
		return c.office(ctx, a, h, content)
	})
}

func (c *importCommand) matters(ctx context.Context, a *app, h *house, content []byte) error {
	report, err := h.inspection.ImportMatters(ctx, inspection.MatterImport{
		File: bytes.NewReader(content), Actor: terminalActor.String(), Check: c.Check,
	})
	for _, p := range report.Problems {
		fmt.Fprintln(a.err, p.In(a.lang))
	}
	for _, w := range report.Warnings {
		a.say("第 %d 行，提醒：%s", "line %d, note: %s", w.Line, w.Text.In(a.lang))
	}
	switch {
	case len(report.Problems) > 0:
		a.say("%d 行有误，未导入任何内容", "%d lines are refused; nothing was imported", len(report.Problems))
		return exit(exitFailure)
	case err != nil:
		return err
	case c.Check:
		a.say("检查通过：将发布 %d 项，%d 项无变化；未写入", "checked: %d to publish, %d unchanged; nothing was written",
			len(report.Published), len(report.Unchanged))
	default:
		a.say("已发布 %d 项，%d 项无变化", "published %d, %d unchanged", len(report.Published), len(report.Unchanged))
	}
	return nil
}

// holidays proposes the years of a notice. They count once a second person has
// approved them (INS-404, SEC-4).
func (c *importCommand) holidays(ctx context.Context, a *app, h *house, content []byte) error {
	if c.Check {
		return c.checkHolidays(ctx, a, h, content)
	}
	by, err := h.personByLogin(ctx, c.By)
	if err != nil {
		return err
	}
	proposed, err := h.office.ImportCalendar(ctx, content, by.Actor().String(), once.Key{})
	if err != nil {
		return err
	}
	a.changes(proposed.Changes)
	a.say("已提出（编号 %s），请由另一名人员在“设置”页面审核后生效", "proposed as %s; it counts once a second person has approved it on the settings page", proposed.ID)
	return nil
}

func (c *importCommand) checkHolidays(ctx context.Context, a *app, h *house, content []byte) error {
	years, err := workday.Parse(content)
	if err != nil {
		return err
	}
	updated, err := workday.New(0, years)
	if err != nil {
		return err
	}
	var present *workday.Calendar
	err = h.db.Read(ctx, func(q bun.IDB) (err error) {
		present, err = office.Calendar(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	var touched []workday.Change
	for _, change := range workday.Diff(present, updated) {
		if _, in := years[change.Year]; in {
			touched = append(touched, change)
		}
	}
	a.changes(touched)
	a.say("检查通过，未写入", "checked; nothing was written")
	return nil
}

// changes lists what a calendar would change.
func (a *app) changes(changes []workday.Change) {
	for _, change := range changes {
		what := fmt.Sprint(change.Year)
		if !change.Date.IsZero() {
			what = dayText(change.Date)
		}
		fmt.Fprintf(a.out, "  %s  %s → %s\n", what, change.From, change.To)
	}
}

// personByLogin finds the account somebody acts under at the terminal.
func (h *house) personByLogin(ctx context.Context, login string) (auth.Person, error) {
	var people []auth.Person
	err := h.db.Read(ctx, func(q bun.IDB) (err error) {
		people, err = auth.ListPeople(ctx, q, auth.PersonQuery{Enabled: true})
		return err
	})
	if err != nil {
		return auth.Person{}, err
	}
	for _, p := range people {
		if strings.EqualFold(p.Login, login) {
			return p, nil
		}
	}
	return auth.Person{}, misuse{
		"请用 --by 写明办理人的登录名（须是已有账号）", "name who does this with --by LOGIN; it must be an account",
	}
}
