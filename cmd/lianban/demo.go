package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/api"
	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// demoCommand is the whole of Lianban on an invented city (DEC-8).
type demoCommand struct {
	Addr string `help:"网页地址|Address of the pages." default:"127.0.0.1:8080"`
	Walk bool   `help:"不开网页，在终端上演示一件事从受理到送达，并核验证据|Play the main job on the terminal, from intake to the door, instead of opening pages."`
	Day  string `help:"新的演示从哪一天开始，如 2026-09-30；不写为今天，遇休息日取前一个工作日|Day on which a new one begins, such as 2026-09-30; today unless given, and the working day before when that is a day off." placeholder:"DATE"`
}

// Run builds the city and serves it, or plays the main job in it.
func (c *demoCommand) Run(a *app) error {
	a.cfg = a.cfg.alone()
	if err := a.demoData(); err != nil {
		return err
	}
	day, err := a.demoBegin(c.Day)
	if err != nil {
		return err
	}
	if c.Walk {
		return a.walk(day)
	}
	l, err := listen(c.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // closed already when it was served
	return a.demo(l, day)
}

// alone cuts the settings that lead out of the house: an environment made for
// serve must not send invented letters, nor fill a real database.
func (c config) alone() config {
	c.DB, c.SMTPURLFile, c.MailDirect, c.LMTP, c.TwilioSID = "", "", nil, "", ""
	return c
}

// demoData chooses where the demonstration lives: --data, or a new directory
// that is named on the screen.
func (a *app) demoData() (err error) {
	if a.cfg.Data == "" {
		a.cfg.Data, err = os.MkdirTemp("", "lianban-demo-")
		return err
	}
	return os.MkdirAll(a.cfg.Data, 0o700)
}

// demoLog keeps what a demonstration logs out of the way, in its directory.
func (a *app) demoLog() (*slog.Logger, error) {
	file, err := os.OpenFile(a.cfg.file("demo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return slog.New(slog.NewJSONHandler(file, nil)), nil // closed with the process
}

// demoBegin reads the day on which a new city begins; one that exists goes on
// where it was.
func (a *app) demoBegin(text string) (workday.Date, error) {
	if text == "" {
		return workday.DateOf(wall()), nil
	}
	day, err := workday.ParseDate(text)
	switch {
	case err != nil:
		return day, misuse{
			fmt.Sprintf("--day 的“%s”不是日期，请写成 2026-09-30 这样", text),
			fmt.Sprintf("--day: %q is not a date; write it like 2026-09-30", text),
		}
	case a.cityStands():
		return day, misuse{
			fmt.Sprintf("%s 中的演示早已开始，--day 只用于新的演示；请去掉 --day，或用 --data 换一个目录", a.cfg.Data),
			fmt.Sprintf("the demonstration in %s has begun, and --day is for a new one; leave --day out, or choose another directory with --data", a.cfg.Data),
		}
	}
	return day, nil
}

// cityStands tells whether the data directory holds a finished city.
func (a *app) cityStands() bool {
	_, err := os.Stat(a.cfg.file(demoMark))
	return err == nil
}

// demo serves the city on a listener.
func (a *app) demo(l net.Listener, day workday.Date) error {
	a.cfg.PublicURL = "http://" + reachable(l.Addr())
	w, err := a.city(day)
	if err != nil {
		return err
	}
	track, err := w.tracked(a.ctx)
	if err != nil {
		return w.close(err)
	}
	link, err := w.applicantPath(a.ctx, keeperMail)
	if err != nil {
		return w.close(err)
	}
	controls := &api.Demo{
		Move: w.until, NextDeadline: w.nextDeadline, Logins: w.logins(), Password: demoPassword, Track: track, Link: link,
	}
	go a.dialByHand(w)
	return w.close(w.serve(a.ctx, &service{pages: l, demo: controls, ready: func() { a.welcome(w, track, link) }}))
}

// demoMark lies beside a finished city, so that it is opened again and nothing
// else is taken for one.
const demoMark = "demo"

// city opens the city of the data directory, or builds one there that begins on
// the day.
func (a *app) city(day workday.Date) (*world, error) {
	built := a.cityStands()
	if !built {
		if err := a.wantEmpty(); err != nil {
			return nil, err
		}
	}
	w, err := a.demoWorld(day)
	if err != nil || built {
		return w, err
	}
	a.say("正在布置演示城市……", "building the city …")
	if err = w.furnish(a.ctx); err == nil {
		err = w.history(a.ctx)
	}
	if err == nil {
		err = os.WriteFile(a.cfg.file(demoMark), []byte("lianban demo\n"), 0o600)
	}
	if err != nil {
		return nil, w.close(err)
	}
	return w, nil
}

// wantEmpty refuses a directory with a database or a key that belongs to no
// finished city.
func (a *app) wantEmpty() error {
	for _, path := range []string{a.cfg.database(), a.cfg.file("log.key")} {
		if _, err := os.Stat(path); err == nil {
			return misuse{
				fmt.Sprintf("%s 中已有其他数据，不是完整的演示；请用 --data 换一个目录", a.cfg.Data),
				fmt.Sprintf("%s holds other data and no finished demonstration; choose another directory with --data", a.cfg.Data),
			}
		}
	}
	return nil
}

// close ends a world.
func (w *world) close(err error) error { return errors.Join(err, w.db.Close()) }

var roleNames = map[string]string{
	"clerk": "窗口人员|clerk", "supervisor": "主管|supervisor", "head": "部门负责人|head of department", "inspector": "勘验人员|inspector",
	"courier": "派送员|courier", "auditor": "审计员|auditor", "admin": "系统管理员|administrator", "security": "安全管理员|security administrator",
}

// demoOfficers are the departments that a restaurant with a sign needs, with which
// a case goes from the visit to the door by buttons alone, and the one that has a
// damaged permit to decide on.
var demoOfficers = []struct {
	system, placeEN string
	nth             int
	role            auth.Role
}{
	{"fire", "Lengshuitan Fire and Rescue", 1, auth.Head},
	{"fire", "Lengshuitan Fire and Rescue", 2, auth.Inspector},
	{"amr", "Lengshuitan Market Regulation", 2, auth.Inspector},
	{"urban", "Lengshuitan Urban Management", 2, auth.Inspector},
	{"health", "Lengshuitan Health", 2, auth.Inspector},
}

// demoTasks are what waits for an account on the first morning, and so shows
// most of what there is to do.
var demoTasks = map[string][2]string{
	"clerk":       {"签收移交，齐套的封装出件", "sign for papers, seal complete sets"},
	"supervisor":  {"核实“妥投待核验”，回访不满意的申请人", "settle a delivery that lacks proof, call back who was dissatisfied"},
	"courier":     {"接收邮件，上门派送", "take parcels over, carry them to the door"},
	"amr.lst2":    {"向窗口移交许可证", "hand a permit over to the window"},
	"health.lst2": {"决定打湿的许可证怎么办", "decide on a permit that the rain got to"},
}

// tracked is a parcel whose receiver can look for it, and rate how it went: one
// that was delivered.
func (w *world) tracked(ctx context.Context) (api.DemoTrack, error) {
	list, err := w.delivery.ListParcels(ctx, demoActor, delivery.ParcelQuery{State: delivery.ParcelDelivered, Limit: 1})
	if err != nil || len(list) == 0 {
		return api.DemoTrack{}, err
	}
	phone := list[0].Receiver.Phone // masked but for its end
	return api.DemoTrack{Number: list[0].Number, Last4: phone[len(phone)-4:]}, nil
}

// Mail addresses of applicants who gave one, and so got a link.
const (
	keeperMail = "zhanggui@example.com"
	bakerMail  = "maitian@example.com"
	fisherMail = "yujia@example.com"
	cloudMail  = "yunduo@example.com"

	fireworksMail = "hongyun@example.com"
)

var linkPath = regexp.MustCompile(`/a/[A-Z0-9]+`)

// applicantPath is the page of an applicant as the last mail names it, empty if
// none was sent.
func (w *world) applicantPath(ctx context.Context, address string) (path string, err error) {
	err = w.db.Read(ctx, func(q bun.IDB) error {
		sent, err := notify.ListMessages(ctx, q, notify.MessageQuery{Channel: notify.Mail, Address: address})
		for _, m := range sent {
			if m.Purpose == notify.PurposeTrack && path == "" {
				path = linkPath.FindString(m.Text)
			}
		}
		return err
	})
	return path, err
}

// logins are one account for each role of the centre and some officers.
func (w *world) logins() []api.DemoLogin {
	var out []api.DemoLogin
	for _, s := range staffs {
		if len(s.login) == len(s.role) { // the first of each role bears its name
			l := api.DemoLogin{Login: s.login, Name: s.name, Role: auth.Role(s.role)}
			for _, a := range areas {
				if a.key == s.area {
					l.Place, l.PlaceEN = a.centre, a.centreEN
				}
			}
			out = append(out, l)
		}
	}
	for _, o := range demoOfficers {
		out = append(out, api.DemoLogin{
			Login: fmt.Sprintf("%s.lst%d", o.system, o.nth), Name: officers["lst/"+o.system][o.nth-1], Role: o.role,
			Place: fmt.Sprintf(offices[o.system], "冷水滩区"), PlaceEN: o.placeEN,
		})
	}
	for i := range out {
		task := demoTasks[out[i].Login]
		out[i].Task, out[i].TaskEN = task[0], task[1]
	}
	return out
}

// welcome says where to go and whom to be.
func (a *app) welcome(w *world, track api.DemoTrack, link string) {
	t := newTeller(a.out)
	fmt.Fprintln(a.out)
	a.say("%s  %s", "%s  %s", t.paint(bold, a.text("联办演示", "Lianban demonstration")), t.paint(bold, w.cfg.PublicURL))
	a.say("演示时间 %s %s，用时 %.1f 秒就绪", "it is %s %s there; ready after %.1f s",
		dayText(workday.DateOf(w.dial.Now())), w.dial.Now().In(workday.Shanghai).Format("15:04"), wall().Sub(started).Seconds())
	a.say("数据目录 %s；人物、企业和号码均为虚构", "data in %s; people, businesses and numbers are invented", w.cfg.Data)
	fmt.Fprintln(a.out)
	for _, l := range w.logins() {
		role := pick(roleNames[string(l.Role)], a.lang)
		line := "  " + padded(l.Login, 13) + padded(l.Name, 10) + padded(role, 24) + padded(a.text(l.Place, l.PlaceEN), 30) + a.text(l.Task, l.TaskEN)
		fmt.Fprintln(a.out, strings.TrimRight(line, " "))
	}
	fmt.Fprintln(a.out)
	if track.Number != "" {
		a.say("申请人查邮件：%s/t，邮件号 %s，手机尾号 %s", "a receiver looks for a parcel: %s/t, parcel %s, telephone ending in %s", w.cfg.PublicURL, track.Number, track.Last4)
	}
	if link != "" {
		a.say("申请人自己的页面（链接在邮件里）：%s%s", "an applicant's own page, the link is in a mail: %s%s", w.cfg.PublicURL, link)
	}
	a.say("密码都是 %s；按 Ctrl+C 结束", "the password is always %s; Ctrl+C ends it", demoPassword)
	if terminal(a.out) {
		a.say("拨演示时钟：输入 d（下一个期限）、h（一小时）或 m（次日早晨）后回车", "to move the clock type d (next deadline), h (one hour) or m (next morning) and Enter")
	}
}

// dialByHand moves the clock by what is typed on the terminal (DEC-9).
func (a *app) dialByHand(w *world) {
	if !terminal(a.out) || a.in == nil {
		return
	}
	for lines := bufio.NewScanner(a.in); lines.Scan(); {
		to, err := w.dialTo(a.ctx, lines.Text())
		if err == nil && !to.IsZero() {
			err = w.until(a.ctx, to)
		}
		if err != nil {
			fmt.Fprintln(a.err, err)
			continue
		}
		a.say("演示时间 %s", "it is %s there", clockText(w.dial.Now()))
	}
}

// dialTo is the instant a letter stands for, zero for none.
func (w *world) dialTo(ctx context.Context, letter string) (time.Time, error) {
	now := w.dial.Now()
	switch letter {
	case "d":
		return w.nextDeadline(ctx)
	case "h":
		return now.Add(time.Hour), nil
	case "m":
		return workday.DateOf(now).AddDays(1).At(demoWakes), nil
	}
	return time.Time{}, nil
}
