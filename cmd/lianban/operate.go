package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
)

// terminalActor is the author of what an operator does at the terminal.
var terminalActor = auth.System("terminal")

// withHouse runs an act of the operator on a database that no other process
// serves.
func (a *app) withHouse(act func(ctx context.Context, h *house) error) error {
	a.home()
	h, err := a.openHouse(slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	err = h.clock.Check(a.ctx)
	if err == nil {
		err = act(a.ctx, h)
	}
	return errors.Join(err, h.db.Close())
}

// withReadOnly runs a look at a database that may be served meanwhile (DEC-10).
func (a *app) withReadOnly(look func(ctx context.Context, d *db.DB) error) error {
	a.home()
	if err := a.needsFile(); err != nil {
		return err
	}
	d, err := db.OpenReadOnly(a.ctx, a.cfg.database())
	if err != nil {
		return err
	}
	return errors.Join(look(a.ctx, d), d.Close())
}

// needsFile refuses to look at an SQLite file that is not there: most often the
// directory is misspelt.
func (a *app) needsFile() error {
	path := strings.TrimPrefix(a.cfg.database(), "sqlite:")
	if _, err := os.Stat(path); strings.Contains(path, "://") || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return misuse{
		fmt.Sprintf("找不到数据库 %s。请用 --data 指明数据目录，或用 --db 指明数据库", path),
		fmt.Sprintf("there is no database %s; name the data directory with --data, or the database with --db", path),
	}
}

// migrateCommand brings the schema up to date.
type migrateCommand struct{}

// Run migrates; an SQLite file is backed up first (DB-16).
func (c *migrateCommand) Run(a *app) error {
	a.home()
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return err
	}
	d, err := db.Open(a.ctx, a.cfg.database())
	if err != nil {
		return err
	}
	applied, err := d.Migrate(a.ctx)
	for _, name := range applied {
		a.say("已升级 %s", "applied %s", name)
	}
	if err == nil && len(applied) == 0 {
		a.say("数据库已是最新", "the database is up to date")
	}
	return errors.Join(err, d.Close())
}

// backupCommand copies the database while it may be served. What lies in proofs
// never changes under its name and is copied afterwards, by any tool.
type backupCommand struct {
	File string `arg:"" help:"备份文件，不能已存在|The copy; it must not exist yet." type:"path"`
}

// Run makes the copy; it appears under its name only when it is whole.
func (c *backupCommand) Run(a *app) error {
	return a.withReadOnly(func(ctx context.Context, d *db.DB) error {
		begin := wall()
		if err := d.Backup(ctx, c.File); err != nil {
			return err
		}
		info, err := os.Stat(c.File)
		if err != nil {
			return err
		}
		a.say("已备份到 %s（%s，%.1f 秒）。其中没有派送影像和密钥：请接着复制数据目录中的 proofs，密钥另行保管。",
			"backed up to %s (%s, %.1f s). Photos of deliveries and keys are not in it: now copy proofs in the data directory, and keep the keys apart.",
			c.File, humanize.IBytes(uint64(info.Size())), wall().Sub(begin).Seconds()) //nolint:gosec // sizes are positive
		return nil
	})
}

// auditCommand checks the whole evidence log against its leaves and roots, and
// that each thing in the register has one keeper.
type auditCommand struct{}

// Run recomputes every leaf, chain, tree hash and checkpoint (EV-5, EV-12), and
// walks through every thing's custody (DEL-901).
func (c *auditCommand) Run(a *app) error {
	return a.withReadOnly(func(ctx context.Context, d *db.DB) error {
		key, err := audit.LoadKey(a.cfg.file("log.key"))
		if err != nil {
			return err
		}
		begin := wall()
		desk := &audit.Desk{DB: d, Now: wall, Key: key, File: a.cfg.file("checkpoints.txt")}
		if err := desk.Verify(ctx); err != nil {
			fmt.Fprintln(a.err, a.text("证据日志核验不通过：", "the evidence log does not verify: ")+err.Error())
			return exit(exitFailure)
		}
		var size int64
		var latest audit.Checkpoint
		err = d.Read(ctx, func(q bun.IDB) (err error) {
			if size, err = audit.Size(ctx, q); err == nil {
				latest, err = audit.Latest(ctx, q)
			}
			return err
		})
		if err != nil {
			return err
		}
		a.say("核验通过：%d 条记录，最新校验点 %d 条，用时 %.1f 秒", "verified: %d leaves, latest checkpoint at %d, in %.1f s",
			size, latest.Size, wall().Sub(begin).Seconds())
		return errors.Join(a.auditCases(ctx, d), a.auditCustody(ctx, d))
	})
}

// auditCases holds the tables of every case against the log (EV-12).
func (a *app) auditCases(ctx context.Context, d *db.DB) error {
	mismatches, cases := 0, 0
	err := d.Read(ctx, func(q bun.IDB) (err error) {
		cases, err = inspection.CheckLog(ctx, q, func(m inspection.Mismatch) {
			mismatches++
			format := a.text("办件 %s：日志有记载、数据库没有：%s\n", "case %s: in the log and not in the database: %s\n")
			if m.InRows {
				format = a.text("办件 %s：数据库有、日志没有记载：%s\n", "case %s: in the database and not in the log: %s\n")
			}
			fmt.Fprintf(a.err, format, m.Case, m.Told)
		})
		return err
	})
	if err != nil {
		return err
	}
	if mismatches > 0 {
		a.hint("日志为准：请先停止服务、保留现场，再查是谁改了数据库；需要时从备份恢复", "the log is what holds: stop the service, keep everything as it is, and find out who changed the database; restore a backup if need be")
		return exit(exitFailure)
	}
	a.say("%d 个办件的数据与日志一致", "%d cases: the tables say what the log says", cases)
	return nil
}

func (a *app) auditCustody(ctx context.Context, d *db.DB) error {
	var breaks []delivery.CustodyBreak
	var held map[delivery.KeeperKind]int
	err := d.Read(ctx, func(q bun.IDB) (err error) {
		breaks, held, err = delivery.CheckCustody(ctx, q)
		return err
	})
	if err != nil {
		return err
	}
	for _, b := range breaks {
		fmt.Fprintf(a.err, a.text("物料 %s 的保管记录不连续：%s\n", "custody of item %s is broken: %s\n"), b.ItemID, b.What)
	}
	if len(breaks) > 0 {
		return exit(exitFailure)
	}
	things := 0
	for _, n := range held {
		things += n
	}
	a.say("物料 %d 件，每件都有且只有一个保管人", "%d items, each with exactly one keeper", things)
	return nil
}

// rebuildCommand makes the projection of every parcel anew (DEL-520).
type rebuildCommand struct {
	DryRun bool `help:"只比较，不改写|Compare only, change nothing."`
}

// Run makes every parcel's row anew from its events and names those that differ.
func (c *rebuildCommand) Run(a *app) error {
	return a.withHouse(func(ctx context.Context, h *house) error {
		found, err := h.delivery.Rebuild(ctx, !c.DryRun)
		if err != nil {
			return err
		}
		for _, number := range found.Differ {
			fmt.Fprintf(a.err, a.text("邮件 %s 的状态与事件记录不符\n", "parcel %s does not say what its events do\n"), number)
		}
		switch {
		case len(found.Differ) == 0:
			a.say("%d 件邮件的状态都与事件记录一致", "%d parcels say what their events do", found.Parcels)
		case c.DryRun:
			return exit(exitFailure)
		default:
			a.say("%d 件邮件中改正了 %d 件", "of %d parcels %d were put right", found.Parcels, len(found.Differ))
		}
		return nil
	})
}

// clockCommand holds the acts on the trusted clock.
type clockCommand struct {
	Accept clockAcceptCommand `cmd:"" help:"确认现在的系统时间是正确的，恢复有法律效力的流转|Declare the present time right; legal steps go on."`
}

type clockAcceptCommand struct {
	Reason string `required:"" help:"理由，记入证据日志|Why; it goes on record."`
}

// Run accepts every open finding about the clock (DL-18).
func (c *clockAcceptCommand) Run(a *app) error {
	return a.withHouse(func(ctx context.Context, h *house) error {
		if err := h.clock.Accept(ctx, terminalActor.String(), c.Reason); err != nil {
			return err
		}
		a.say("已确认，现在是 %s", "accepted; it is %s", second(h.clock.Now()))
		return nil
	})
}

// adminCommand holds what has to be done before anybody can sign in.
type adminCommand struct {
	Create adminCreateCommand `cmd:"" help:"新建账号，缺省为安全管理员，由其再建其他账号|Make an account, by default a security administrator, who makes the others."`
}

type adminCreateCommand struct {
	Login        string   `arg:"" help:"登录名|Login."`
	Name         string   `help:"姓名，缺省同登录名|Name, by default the login."`
	Role         []string `help:"角色：clerk supervisor inspector head courier auditor admin security|Roles." default:"security"`
	Centre       string   `help:"中心编号|Centre."`
	Window       string   `help:"窗口编号|Window."`
	Department   string   `help:"部门编号|Department."`
	PasswordFile string   `help:"存放初始密码的文件，- 为标准输入；不给则生成一个|File with the password, - for standard input; without it one is made." placeholder:"FILE"`
}

// Run makes the account.
func (c *adminCreateCommand) Run(a *app) error {
	password, err := c.password(a)
	if err != nil {
		return err
	}
	return a.withHouse(func(ctx context.Context, h *house) error {
		if err := h.install(ctx); err != nil {
			return err
		}
		n := auth.NewPerson{Login: c.Login, Name: c.Name, Password: password, Post: auth.Post{
			Centre: c.Centre, Window: c.Window, Department: c.Department,
		}}
		if n.Name == "" {
			n.Name = c.Login
		}
		for _, role := range c.Role {
			n.Roles = append(n.Roles, auth.Role(role))
		}
		p, err := h.auth.AddPerson(ctx, terminalActor, n)
		if err != nil {
			return err
		}
		a.say("已新建账号 %s（%s）", "account %s (%s) made", p.Login, strings.Join(c.Role, ", "))
		if c.PasswordFile == "" {
			a.say("初始密码 %s，只显示这一次，请登录后修改", "its password is %s; it is shown only now, change it after signing in", password)
		}
		return nil
	})
}

func (c *adminCreateCommand) password(a *app) (string, error) {
	switch c.PasswordFile {
	case "":
		return firstPassword(c.Login), nil
	case "-":
		text, err := io.ReadAll(io.LimitReader(a.in, 1<<10))
		return strings.TrimSpace(string(text)), err
	}
	return secret(c.PasswordFile)
}
