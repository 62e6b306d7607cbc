package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/office"
	"lianban/notify"
	"lianban/scheduler"
	"lianban/scheduler/workday"
)

// doctorCommand looks at everything a serving installation needs (BAK-6).
type doctorCommand struct{}

// mark says how one check went.
type mark string

const (
	good    mark = "OK"
	warn    mark = "WARN"
	fail    mark = "FAIL"
	skipped mark = "SKIPPED"
)

// doctor prints one line for each check and counts the failures.
type doctor struct {
	*app
	failures int
}

func (d *doctor) line(m mark, name, zh, en string, args ...any) {
	if m == fail {
		d.failures++
	}
	fmt.Fprintf(d.out, "%-8s%-10s%s\n", m, name, fmt.Sprintf(d.text(zh, en), args...))
}

// Run makes all checks; the database may be served meanwhile. It ends with 1
// when one failed.
func (c *doctorCommand) Run(a *app) error {
	a.home()
	d := &doctor{app: a}
	d.settings()
	d.disk()
	d.secrets()
	d.mail()
	d.sms()
	d.database()
	d.line(skipped, "backup", "本程序不记录备份时间；请用定时任务运行 lianban backup 并监控其结果", "the age of backups is not kept here; run lianban backup from a timer and watch it")
	if d.failures > 0 {
		return exit(exitFailure)
	}
	return nil
}

func (d *doctor) settings() {
	u, err := url.Parse(d.cfg.PublicURL)
	switch {
	case err != nil || u.Host == "":
		d.line(fail, "settings", "public-url 不是网址：%s", "public-url is no address: %s", d.cfg.PublicURL)
	case u.Scheme != "https" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost":
		d.line(warn, "settings", "对外网址 %s 未用 https，登录信息会明文传输", "%s is not https; sign-ins travel in the open", d.cfg.PublicURL)
	default:
		d.line(good, "settings", "对外网址 %s，时区 Asia/Shanghai", "public address %s, time zone Asia/Shanghai", d.cfg.PublicURL)
	}
}

func (d *doctor) disk() {
	free, known := freeBytes(d.cfg.Data)
	room := humanize.IBytes(free)
	switch {
	case !known:
		d.line(skipped, "disk", "数据目录 %s 还不存在，或无法查询空间", "the data directory %s does not exist yet, or its disk cannot be asked", d.cfg.Data)
	case free < diskReserve:
		d.line(fail, "disk", "只剩 %s，请清理或扩容", "only %s left; free some or add more", room)
	case free < 8*diskReserve:
		d.line(warn, "disk", "剩余 %s", "%s left", room)
	default:
		d.line(good, "disk", "剩余 %s", "%s left", room)
	}
}

// secrets checks that nobody but the owner may read a key (SEC-32).
func (d *doctor) secrets() {
	own := []string{d.cfg.file("log.key"), d.cfg.file("mail.key"), d.cfg.file("delivery.key")}
	for _, path := range append(slices.Clone(own), d.cfg.SMTPURLFile, d.cfg.TwilioTokenFile, d.cfg.Kuaidi100KeyFile, d.cfg.Kuaidi100SaltFile) {
		if path == "" {
			continue
		}
		_, err := secret(path)
		switch {
		case err == nil:
			d.line(good, "keys", "%s 只有所有者可读", "%s is readable by its owner only", path)
		case errors.Is(err, fs.ErrNotExist) && slices.Contains(own, path):
			d.line(skipped, "keys", "%s 还没有，首次运行 serve 时生成", "%s is made by the first serve", path)
		default:
			d.line(fail, "keys", "%v", "%v", err)
		}
	}
}

func (d *doctor) mail() {
	if d.cfg.SMTPURLFile == "" {
		d.line(skipped, "mail", "未配置邮件服务器（smtp-url-file），邮件只写入 outbox 目录", "no relay (smtp-url-file); mail goes to the outbox directory only")
	} else if m, err := d.cfg.mailer(); err != nil {
		d.line(fail, "mail", "%v", "%v", err)
	} else {
		d.reach("mail", net.JoinHostPort(m.Relay.Host, fmt.Sprint(m.Relay.Port)))
	}
	switch {
	case d.cfg.LMTP != "":
		d.reach("mail-in", d.cfg.LMTP)
	case d.cfg.SMTPURLFile != "":
		d.line(fail, "mail-in", "通知用邮件发出，却没有来信入口，所有期限都会一直暂缓；请设 LIANBAN_LMTP，并让邮件服务器把 %s 的来信交到这个地址",
			"notices go out by mail and nothing takes answers in, so every deadline will hold; set LIANBAN_LMTP and let the mail server hand over what comes for %s there", d.cfg.MailDomain)
	default:
		d.line(skipped, "mail-in", "未配置来信入口（lmtp），收不到邮件答复", "no way in for mail (lmtp); answers by mail are not received")
	}
}

func (d *doctor) sms() {
	if d.cfg.TwilioSID == "" {
		d.line(skipped, "sms", "未配置短信网关，短信只写入 outbox 目录", "no gateway; texts go to the outbox directory only")
		return
	}
	u, err := url.Parse(d.cfg.TwilioBaseURL)
	if err != nil || u.Hostname() == "" {
		d.line(fail, "sms", "网关地址 %s 不是网址", "the gateway's address %s is no address", d.cfg.TwilioBaseURL)
		return
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	d.reach("sms", net.JoinHostPort(u.Hostname(), port))
}

// reach opens and closes a connection; nothing is sent.
func (d *doctor) reach(name, addr string) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(d.ctx, "tcp", addr)
	if err != nil {
		d.line(fail, name, "连不上 %s：%v", "cannot reach %s: %v", addr, err)
		return
	}
	_ = conn.Close()
	d.line(good, name, "%s 可以连接", "%s can be reached", addr)
}

// database makes the checks that need one.
func (d *doctor) database() {
	if _, err := os.Stat(d.cfg.database()); d.cfg.DB == "" && errors.Is(err, fs.ErrNotExist) {
		d.line(skipped, "database", "还没有数据库，首次运行 serve 时建立", "there is none yet; the first serve makes it")
		return
	}
	err := d.withReadOnly(func(ctx context.Context, open *db.DB) error {
		d.line(good, "database", "可以打开，设置逐项核对无误", "opens; every setting reads back as wanted")
		if pending, err := open.Pending(ctx); err != nil {
			return err
		} else if len(pending) > 0 {
			d.line(warn, "schema", "缺 %d 步升级，运行 serve 或 migrate 时补上", "%d steps behind; serve or migrate brings it up to date", len(pending))
			return nil
		}
		d.line(good, "schema", "与本程序一致", "as this program has it")
		d.evidence(ctx, open)
		return open.Read(ctx, func(q bun.IDB) error {
			return errors.Join(d.clock(ctx, q), d.calendar(ctx, q), d.runs(ctx, q, wall(), delivery.CollectionRuns()), d.people(ctx, q), d.outbox(ctx, q), d.sweeps(ctx, q))
		})
	})
	if err != nil {
		d.line(fail, "database", "%v", "%v", err)
	}
}

// evidence checks the log from its last checkpoint on (DEC-11).
func (d *doctor) evidence(ctx context.Context, open *db.DB) {
	key, err := audit.LoadKey(d.cfg.file("log.key"))
	if err == nil {
		err = (&audit.Desk{DB: open, Now: wall, Key: key, File: d.cfg.file("checkpoints.txt")}).VerifySince(ctx)
	}
	if err != nil {
		d.line(fail, "evidence", "%v", "%v", err)
		return
	}
	d.line(good, "evidence", "自最近校验点起核验无误；全部核验用 lianban audit", "verified from the last checkpoint on; lianban audit verifies all")
}

// clock compares with what is on record: time cannot have gone back.
func (d *doctor) clock(ctx context.Context, q bun.IDB) error {
	if _, err := os.Stat(d.cfg.file(demoMark)); err == nil {
		d.line(skipped, "clock", "演示数据有自己的时钟", "a demonstration has a clock of its own")
		return nil
	}
	findings, err := scheduler.ListFindings(ctx, q, time.Unix(0, 0))
	if err != nil {
		return err
	}
	open := 0
	for _, f := range findings {
		if f.AcceptedAt.IsZero() {
			open++
		}
	}
	mark, err := scheduler.HighWater(ctx, q)
	switch {
	case err != nil:
		return err
	case wall().Before(mark):
		d.line(fail, "clock", "系统时间早于已用过的时间 %s，请校时", "the clock is behind a time already relied on, %s; set it right", second(mark))
	case open > 0:
		d.line(warn, "clock", "有 %d 次时钟跳变未确认，可运行 lianban clock accept", "%d jumps of the clock are not accepted; see lianban clock accept", open)
	default:
		d.line(good, "clock", "没有未确认的时钟跳变", "no jump waits to be accepted")
	}
	return nil
}

// calendar wants the next 60 days to be final, and from November on the whole
// next year (FAC-12, DEC-17).
func (d *doctor) calendar(ctx context.Context, q bun.IDB) error {
	cal, err := office.Calendar(ctx, q)
	if err != nil {
		return err
	}
	today := workday.DateOf(wall())
	last := today.AddDays(60)
	d.line(calendarMark(cal, today), "calendar", "版本 %d：%d 年 %s，%d 年 %s；之后 60 日至 %s",
		"version %d: %d %s, %d %s; the next 60 days end on %s",
		cal.Version(), today.Year, statusOf(cal, today.Year), today.Year+1, statusOf(cal, today.Year+1), last)
	return nil
}

// runs wants a collection run for every minute at which a promise may start on
// the working day after now (DEL-711). collect are minutes after midnight.
func (d *doctor) runs(ctx context.Context, q bun.IDB, now time.Time, collect []int) error {
	centres, err := office.ListCentres(ctx, q)
	if err != nil {
		return err
	}
	for _, centre := range centres {
		cal, err := office.CalendarOf(ctx, q, centre.ID, now)
		if err != nil {
			return err
		}
		terms := delivery.DefaultPromiseTerms()
		terms.Hall = centre.Hours
		day, err := cal.Add(workday.DateOf(now), 1)
		if err != nil {
			return err
		}
		start, served, err := terms.UnservedStart(cal, day, collect)
		switch {
		case err != nil:
			return err
		case !served:
			d.line(fail, "runs", "%[1]s：%[2]s 起算的邮件赶不上任何一次揽收，承诺做不到；请调整开放时间", "%[1]s: nothing collects what starts at %[2]s in time for its promise; change the opening hours", centre.Name, second(start))
		default:
			d.line(good, "runs", "%s：每个起算时刻都有揽收班次", "%s: every start has its collection run", centre.Name)
		}
	}
	return nil
}

func calendarMark(cal *workday.Calendar, today workday.Date) mark {
	last := today.AddDays(60)
	switch {
	case cal.Status(today.Year) == "" || cal.Status(last.Year) == "":
		return fail
	case cal.Provisional(today) || cal.Provisional(last), today.Month >= time.November && cal.Status(today.Year+1) != workday.Final:
		return warn
	}
	return good
}

func statusOf(cal *workday.Calendar, year int) string {
	if status := cal.Status(year); status != "" {
		return status
	}
	return "missing"
}

func (d *doctor) people(ctx context.Context, q bun.IDB) error {
	people, err := auth.ListPeople(ctx, q, auth.PersonQuery{Enabled: true})
	if err != nil {
		return err
	}
	admins := 0
	for _, p := range people {
		if p.Actor().Is(auth.Security) {
			admins++
		}
	}
	if admins < 2 {
		d.line(warn, "people", "%d 个账号，其中安全管理员 %d 个；双人事项至少需要两个", "%d accounts, %d of them security administrators; acts of two persons need two", len(people), admins)
	} else {
		d.line(good, "people", "%d 个账号，其中安全管理员 %d 个", "%d accounts, %d of them security administrators", len(people), admins)
	}
	d.line(skipped, "totp", "本版本没有动态口令", "this version has no TOTP")
	return nil
}

func (d *doctor) outbox(ctx context.Context, q bun.IDB) error {
	counts, err := notify.Counts(ctx, q)
	if err != nil {
		return err
	}
	dead := 0
	for _, c := range counts {
		if c.State == notify.Dead || c.State == notify.Failed {
			dead += c.N
		}
	}
	paused, err := notify.ListPaused(ctx, q)
	switch {
	case err != nil:
		return err
	case len(paused) > 0:
		d.line(warn, "outbox", "%d 个渠道已暂停，见 lianban outbox list", "%d channels are stopped, see lianban outbox list", len(paused))
	case dead > 0:
		d.line(warn, "outbox", "%d 条消息未能送出，见 lianban outbox list", "%d messages could not be sent, see lianban outbox list", dead)
	default:
		d.line(good, "outbox", "没有停发的渠道和送不出的消息", "no channel is stopped, no message given up")
	}
	return nil
}

// sweeps tells when the service last worked.
func (d *doctor) sweeps(ctx context.Context, q bun.IDB) error {
	rows, err := scheduler.ListSweeps(ctx, q)
	if err != nil {
		return err
	}
	var newest time.Time
	broken := ""
	for _, r := range rows {
		if r.LastEnd.After(newest) {
			newest = r.LastEnd
		}
		if r.LastError != "" {
			broken = r.Name + ": " + r.LastError
		}
	}
	switch {
	case broken != "":
		d.line(warn, "sweeps", "最近一次出错：%.120s", "an error in the last run: %.120s", broken)
	case newest.IsZero():
		d.line(skipped, "sweeps", "服务还没有运行过", "the service has not run yet")
	default:
		d.line(good, "sweeps", "最近一次运行 %s", "last run %s", second(newest))
	}
	return nil
}
