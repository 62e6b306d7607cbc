package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/once"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// walker plays the main job on the terminal (design section 1): real acts on a
// real database, told as the people in it see them.
type walker struct {
	*stage
	*teller
	a *app
	c inspection.Case
	v inspection.Visit
	p delivery.Parcel
}

// walk plays the main job and ends well only when the evidence verifies.
func (a *app) walk(day workday.Date) error {
	if err := a.wantEmpty(); err != nil {
		return err
	}
	w, err := a.demoWorld(day)
	if err != nil {
		return err
	}
	k := &walker{stage: &stage{world: w, ctx: a.ctx}, teller: newTeller(a.out), a: a}
	k.setUp()
	for _, scene := range []func(){
		k.takeIn, k.findTime, k.offer, k.notices, k.acceptByLink, k.declineByMail, k.silence, k.visitDay, k.jointOpinion,
	} {
		if k.err == nil {
			scene()
		}
	}
	file := k.bundle()
	for _, scene := range []func(){k.handOver, k.sealing, k.takenOver, k.offline, k.tracking, k.custody} {
		if k.err == nil {
			scene()
		}
	}
	if err := w.close(k.err); err != nil {
		return err
	}
	return k.verified(file)
}

// tell chooses the language of a sentence.
func (k *walker) tell(zh, en string, args ...any) string {
	return fmt.Sprintf(k.a.text(zh, en), args...)
}

func (k *walker) now() time.Time { return k.dial.Now() }

// setUp builds the city without a history and goes to its first morning.
func (k *walker) setUp() {
	k.fail("set up the city", k.furnish(k.ctx))
	k.skip(1, "16:00")
	k.fail("sign in", k.signIn(k.ctx))
	k.skip(0, "09:40")
	fmt.Fprintln(k.out, k.paint(bold, k.tell("联办演示：一件事，从受理到送达", "Lianban: one case, from intake to the door")))
	fmt.Fprintln(k.out, k.tell("永州市冷水滩区。人物、企业均为虚构；所有步骤都是真实的业务操作。",
		"Lengshuitan, Yongzhou. People and businesses are invented; every step is the real act."))
}

func (k *walker) takeIn() {
	clerk := k.clerk("lst")
	k.act(k.now(), k.window(clerk), k.tell("受理“我要开饭店”：湘江渔庄，冷水滩区湘江路52号，120 ㎡，有店招",
		"registers \"open a restaurant\": 湘江渔庄, 120 m², with a sign"))
	k.c = k.accept(scenario{
		"lst", "M03", "湘江渔庄", "13807461299", "冷水滩区湘江路52号", 26.4398, 111.6087, "floor_area_m2=120 outdoor_sign=yes",
	})
	for _, d := range k.c.Departments {
		if d.Included {
			k.see("%s  %s", k.paint(bold, k.name(d.DepartmentID)), k.because(d))
		}
	}
	k.result("%s", k.tell("办件 %s，%d 个部门须到场，%s 前完成勘验", "case %s, %d departments come, visit by %s",
		k.c.Number, len(k.coming()), k.c.LimitDate))
}

func (k *walker) window(clerk auth.Actor) string {
	return k.tell("%s（综合窗口）", "%s (window)", clerk.Name)
}

// officerOf names the person of a department who acts.
func (k *walker) officerOf(key string) string {
	return k.tell("%s（%s）", "%s (%s)", k.officer(key).Name, k.departments[key].Name)
}

func (k *walker) name(department string) string {
	for _, d := range k.departments {
		if d.ID == department {
			return d.Name
		}
	}
	return department
}

// because says in words which rule of the matter calls a department.
func (k *walker) because(d inspection.CaseDepartment) string {
	var text string
	err := k.db.Read(k.ctx, func(q bun.IDB) error {
		m, err := inspection.FindMatter(k.ctx, q, k.c.MatterCode, k.c.MatterVersion)
		for _, rule := range inspection.Derive(m, k.c.Answers) {
			if rule.System == d.System {
				text = rule.Because(k.a.lang)
			}
		}
		return err
	})
	k.fail("read the matter", err)
	if d.Lead {
		text += k.tell("（牵头）", " (lead)")
	}
	return text
}

func (k *walker) coming() []inspection.CaseDepartment {
	return slices.DeleteFunc(slices.Clone(k.c.Departments), func(d inspection.CaseDepartment) bool { return !d.Included })
}

// findTime shows the best times, and for one that does not work who blocks it:
// two of the fire brigade's three inspectors are away on the first morning.
func (k *walker) findTime() {
	draft, err := k.inspection.Plan(k.ctx, k.clerk("lst"), inspection.PlanRequest{CaseID: k.c.ID, Kind: inspection.KindSite})
	k.fail("plan", err)
	k.v = draft
	first, err := k.cal.Add(k.day, 2)
	k.fail("count days", err)
	for _, login := range []string{"fire.lst1", "fire.lst3"} {
		k.awayInTheMorning(login, first)
	}
	found, err := k.inspection.Slots(k.ctx, k.clerk("lst"), inspection.SlotRequest{VisitID: draft.ID, Limit: 40, Explain: true})
	if err != nil {
		k.fail("search", err)
		return
	}
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("查找各部门都能到场的时间", "looks for a time at which all can come"))
	for _, o := range found.Offers[:min(3, len(found.Offers))] {
		k.see("%s", k.tell("%s 可约", "%s is free", clockText(o.Start)))
	}
	for _, b := range found.Explanation.Counts {
		if b.Department != "" {
			k.see("%s", k.tell("%s 有 %d 个时间不可约：%s %s", "%s: %d starts are blocked: %s %s",
				b.Date, b.Starts, k.name(b.Department), inspection.SlotWord(b.Code, k.a.lang)))
			break
		}
	}
	k.result("%s", k.tell("选定 %s", "chooses %s", clockText(found.Offers[0].Start)))
	k.v, err = k.inspection.Book(k.ctx, k.clerk("lst"), inspection.BookRequest{VisitID: draft.ID, Choice: choiceOf(found.Offers[0])})
	k.fail("book", err)
}

// awayInTheMorning enters duty elsewhere for an inspector.
func (k *walker) awayInTheMorning(login string, day workday.Date) {
	if k.err != nil {
		return
	}
	view, err := k.inspection.Slots(k.ctx, k.clerk("lst"), inspection.SlotRequest{VisitID: k.v.ID, Limit: 1})
	for _, r := range view.People {
		if r.PersonID == k.people[login].ID {
			_, err = k.inspection.AddAbsence(k.ctx, k.people["fire.lst1"], inspection.Absence{
				ResourceID: r.ID, Start: day.At(9 * 60), End: day.At(12 * 60), Reason: "消防演练",
			}, once.Key{})
		}
	}
	k.fail("enter leave", err)
}

func (k *walker) offer() {
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("一次约定，各部门同时收到通知", "books it: all departments are told at once"))
	view, err := k.inspection.FindVisit(k.ctx, k.clerk("lst"), k.v.ID)
	k.fail("read the visit", err)
	for _, p := range view.Participants {
		var names []string
		for _, r := range p.People {
			names = append(names, r.Name)
		}
		k.see("%s  %s", k.paint(bold, p.Name), strings.Join(names, "、"))
	}
	k.result("%s", k.tell("勘验、到场人员、通知和存证在同一次提交中产生；这些人员的该时段不会再被约出", "visit, people, notices and evidence are one commit; nobody can book these people then"))
}

// notices lets the letters go out and shows one of them from its bytes.
func (k *walker) notices() {
	k.pass(1)
	p := k.part(k.v, "lst/fire")
	l, err := readLetter(k.sent(p, notify.PurposeNotice, notify.Mail).Body)
	k.fail("read the notice", err)
	k.act(k.now(), k.departments["lst/fire"].Name, k.tell("收到邮件（附日历邀请）和短信", "gets a mail with a calendar invite, and a text"))
	k.see("%s", l.subject)
	k.see("%s", l.line("前反馈"))
	k.see("%s", k.paint(faint, k.sent(p, notify.PurposeNotice, notify.SMS).Text))
	if !l.calendar {
		k.fail("read the notice", fmt.Errorf("no invitation in the letter"))
	}
	p = k.part(k.v, "lst/amr")
	k.result("%s", k.tell("送达 %s 类，答复期限 %s", "service class %s, answer by %s", p.ServiceClass, clockText(p.RespondBy)))
}

// acceptByLink answers without an account, by the link and the code that stand
// in the letter.
func (k *walker) acceptByLink() {
	k.pass(34)
	p := k.part(k.v, "lst/fire")
	l, err := readLetter(k.sent(p, notify.PurposeNotice, notify.Mail).Body)
	k.fail("read the notice", err)
	token, code, err := l.key()
	k.fail("read the notice", err)
	if k.err != nil {
		return
	}
	k.act(k.now(), k.officerOf("lst/fire"), k.tell("点开邮件里的链接，输入反馈码 %s，选“应约”", "opens the link, types the code %s and accepts", code))
	r, err := k.inspection.ReplyByLink(k.ctx, token, code, inspection.ReplyRequest{Round: k.v.Round, Kind: inspection.ReplyAccept, GivenBy: k.officer("lst/fire").Name})
	k.fail("answer by link", err)
	k.result("%s", k.tell("回执 %s", "receipt %s", r.Receipt))
}

// declineByMail answers in free words. Until a person has read them, silence
// counts for nothing (DEC-1).
func (k *walker) declineByMail() {
	k.pass(20)
	const words = "当日全队参加创建文明城市检查，无法派员到场，店招事项可按图纸出具书面意见。"
	k.act(k.now(), k.officerOf("lst/urban"), k.tell("直接回复了邮件：“%s”", "just replies to the mail: \"%s\"", words))
	k.mailBack(k.part(k.v, "lst/urban"), words)
	p := k.part(k.v, "lst/urban")
	if k.err == nil && len(p.OpenHolds()) == 0 {
		k.err = fmt.Errorf("the mail did not hold %s", p.Name)
		return
	}
	k.result("%s", k.tell("暂缓：来信有人看过之前，不会视为同意", "held: nothing is deemed before somebody has read it"))
	k.pass(12)
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("在“来件”中读信，登记为“不能应约”", "reads it in the queue and enters it as a decline"))
	k.sort(p, words)
	k.result("%s", k.tell("%s：不能应约，暂缓解除；意见可在勘验当日书面出具", "%s: declined, the hold has ended; its opinion may come in writing", p.Name))
}

func (k *walker) sort(p inspection.ParticipantView, words string) {
	for _, h := range p.OpenHolds() {
		err := k.inspection.Sort(k.ctx, k.clerk("lst"), inspection.SortRequest{
			MailID: h.Source, Answer: inspection.ReplyDecline, GivenBy: k.officer("lst/urban").Name, Words: words, Why: "来信明确表示不能到场",
		})
		k.fail("sort the mail", err)
	}
}

// silence waits for the deadline of the department that says nothing.
func (k *walker) silence() {
	p := k.part(k.v, "lst/amr")
	due, err := k.nextDeadline(k.ctx)
	k.fail("find the deadline", err)
	if k.err == nil {
		k.err = k.until(k.ctx, due)
	}
	p = k.part(k.v, "lst/amr")
	k.act(k.now(), k.tell("联办", "Lianban"), k.tell("%s一直没有答复，期限和宽限已过", "%s never answered; deadline and grace have passed", p.Name))
	if k.err == nil && p.Deemed == nil {
		k.err = fmt.Errorf("%s was not deemed: %+v", p.Name, p.OpenHolds())
	}
	if k.err != nil {
		return
	}
	k.see("%s", p.Deadline.Line)
	k.see("%s", k.tell("送达 %s 类；期限之后收件页与邮箱均在收取；没有未读来信；时钟正常", "service class %s; inbox and mailbox were alive after it; no unread mail; the clock was sound", p.ServiceClass))
	k.result("%s", k.tell("视为同意，记录 %s，%s", "deemed consent, record %s: %s", p.Deemed.Number, p.Deemed.Citation))
}

func (k *walker) visitDay() {
	k.err = k.until(k.ctx, k.v.Start)
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("到达现场，开始勘验", "is on site and starts the visit"))
	if k.err == nil {
		_, err := k.inspection.Start(k.ctx, k.clerk("lst"), k.v.ID)
		k.fail("start", err)
	}
	k.hosts(k.v, k.clerk("lst"), "唐建国")
	k.comes(k.v, "lst/fire")
	k.see("%s", k.tell("已签到：窗口、申请人、%s", "checked in: the window, the applicant, %s", strings.Join(k.cameOf("lst/fire"), k.tell("、", ", "))))
	k.pass(25)
	k.act(k.now(), k.officerOf("lst/fire"), k.tell("填写核查表，出具意见：同意；到场的两人都签署", "fills in its checklist and gives its opinion: agree; both who came sign it"))
	k.opine(k.v, "lst/fire", "疏散通道畅通，灭火器配置符合要求。")
	k.see("疏散通道畅通，灭火器配置符合要求。")
	k.pass(10)
	k.act(k.now(), k.officerOf("lst/urban"), k.tell("没有到场，按图纸出具书面意见：同意", "did not come and agrees in writing"))
	k.opine(k.v, "lst/urban", "店招尺寸与样式符合规定。")
	k.see("店招尺寸与样式符合规定。")
}

// cameOf are the names of those who checked in for a department.
func (k *walker) cameOf(key string) (names []string) {
	p := k.part(k.v, key)
	found, err := k.inspection.FindVisit(k.ctx, k.clerk("lst"), k.v.ID)
	k.fail("read the visit", err)
	for _, c := range found.Came(p.ID) {
		names = append(names, c.Name)
	}
	return names
}

func (k *walker) jointOpinion() {
	k.pass(10)
	_, err := k.inspection.EndSite(k.ctx, k.clerk("lst"), k.v.ID)
	k.fail("end the site part", err)
	j, err := k.inspection.Close(k.ctx, k.clerk("lst"), k.v.ID, once.Key{})
	k.fail("close", err)
	k.act(k.now(), k.window(k.clerk("lst")), k.tell("汇总意见，出具联合勘验意见书", "closes the visit with the joint opinion"))
	for _, line := range j.Content.Departments {
		word := k.tell("同意（%s）", "agrees (%s)", line.By)
		if line.Source == "deemed" {
			word = k.tell("视为同意（%s）", "deemed (%s)", line.Record)
		}
		k.see("%s  %s", k.paint(bold, line.Department), word)
	}
	k.result("%s", j.Number)
}

// bundle writes the evidence about the silent department to a file.
func (k *walker) bundle() string {
	if k.err != nil {
		return ""
	}
	var zip bytes.Buffer
	auditor := k.people["auditor"]
	k.fail("make the bundle", k.inspection.Bundle(k.ctx, auditor, k.audit, inspection.BundleRequest{
		VisitID: k.v.ID, DepartmentID: k.departments["lst/amr"].ID,
	}, &zip))
	file := k.cfg.file(k.c.Number + "-amr.evidence.zip")
	if k.err == nil {
		k.err = os.WriteFile(file, zip.Bytes(), 0o644)
	}
	k.act(k.now(), k.auditor(), k.tell("下载证据包，稍后在另一台电脑上离线核验", "takes the evidence bundle, to check it offline later"))
	return file
}

func (k *walker) auditor() string {
	return k.tell("%s（审计员）", "%s (auditor)", k.people["auditor"].Name)
}

// verified runs the very command that anyone else would run.
func (k *walker) verified(file string) error {
	check := verifyCommand{File: file, Key: k.cfg.file(publicKey)}
	fmt.Fprintf(k.out, "\n%s\n\n", k.paint(bold, k.tell("离线核验证据包", "The bundle, checked offline")))
	if err := check.Run(k.a); err != nil {
		return err
	}
	fmt.Fprintf(k.out, "\n%s\n%s\n", k.tell("证据包：%s\n自己再核验一次：", "Bundle: %s\nCheck it yourself:", file),
		"  lianban verify "+file+" --key "+check.Key)
	return nil
}
