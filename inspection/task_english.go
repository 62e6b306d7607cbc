package inspection

import (
	"regexp"
	"strings"
	"sync"
	"time"

	"lianban/scheduler/workday"
)

// English says what is to be done for a page in English. A task keeps its sentence in
// Chinese, with the names and the people's own words in it; the same sentence is
// looked up here (decision 014), and what stands in its gaps is put into the English one: names
// by the names given, dates with their weekday, and what people typed as they typed
// it. Empty for a sentence that the program does not know (any more).
func (t Task) English(names map[string]string) string {
	return inEnglish(englishTasks(), t.Detail, names)
}

// English says why a hold is open for a page in English, empty for what a person
// typed.
func (h HoldRow) English() string { return inEnglish(englishHolds(), h.Detail, nil) }

func inEnglish(sentences []sentence, text string, names map[string]string) string {
	for _, s := range sentences {
		found := s.form.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		for i, gap := range found[1:] {
			found[i+1] = englishGap(gap, names)
		}
		return gapInEnglish.ReplaceAllStringFunc(s.en, func(at string) string { return found[at[1]-'0'] })
	}
	return ""
}

// sentence is one with gaps, and how it reads in English.
type sentence struct {
	form *regexp.Regexp
	en   string
}

// The sentences of tasks and of holds, in the order in which they are tried.
var (
	englishTasks = sync.OnceValue(func() []sentence { return sentencesOf(taskSentences[:]) })
	englishHolds = sync.OnceValue(func() []sentence { return sentencesOf(holdSentences[:]) })
)

func sentencesOf(texts []Words) []sentence {
	out := make([]sentence, len(texts))
	for i, s := range texts {
		form := strings.ReplaceAll(regexp.QuoteMeta(s.ZH), `\*`, "(.*?)")
		out[i] = sentence{regexp.MustCompile("(?s)^" + form + "$"), s.EN}
	}
	return out
}

var (
	gapInEnglish = regexp.MustCompile(`\$[1-6]`)
	dayInGap     = regexp.MustCompile(`^(\d{4})[-年](\d{1,2})[-月](\d{1,2})日? ?(?:周.)?( ?\d\d:\d\d)?(上午|下午)?$`)
)

// englishGap translates what the program itself put into a gap.
func englishGap(gap string, names map[string]string) string {
	if en := names[gap]; en != "" {
		return en
	}
	if way, ok := wayNames[gap]; ok {
		return way
	}
	if m := dayInGap.FindStringSubmatch(gap); m != nil {
		if day, err := time.Parse("2006-1-2", m[1]+"-"+m[2]+"-"+m[3]); err == nil {
			half := map[string]string{"上午": ", morning", "下午": ", afternoon"}[m[5]]
			return strings.TrimRight(workday.DayText("en", workday.Date{Year: day.Year(), Month: day.Month(), Day: day.Day()})+" "+strings.TrimSpace(m[4]), " ") + half
		}
	}
	if list := strings.Split(gap, "、"); len(list) > 1 {
		for i, one := range list {
			list[i] = englishGap(one, names)
		}
		return strings.Join(list, ", ")
	}
	return gap
}

var wayNames = map[string]string{
	"收件箱": "inbox", "邮件": "mail", "短信": "text message", "书面": "paper", "电话": "telephone", "答复链接": "answer link", "窗口": "window",
}

// taskSentences are what tasks say, * for a gap. Of two that fit, the first counts.
// Every test's world ends with a look whether each of its tasks is among them.
var taskSentences = [...]Words{
	{"*的到场情况拟更正，请另一名主管核对证明后决定：*", "The attendance of $1 is to be corrected; another supervisor compares the proof and decides: $2"},
	{"请书面告知*：*的送达地址将于 * 变更：*。如非*。", "Tell $1 on paper: the address of $2 for notices changes at $3: $4"},
	{"办件 * 的部门意见已齐，请出具联合意见书", "All opinions of case $1 are there; issue the joint opinion"},
	{"拟不再等候*的意见，请另一名主管决定：*", "Nobody is to wait any longer for the opinion of $1; another supervisor decides: $2"},
	{"办件 * 的申请人已 * 次未到场，请主管决定是否再次约定", "The applicant of case $1 has not come $2 times; decide whether to book again"},
	{"*在宽限时间内无人签到，请电话联系：*", "Nobody of $1 has checked in within the grace; call $2"},
	{"*在宽限时间内无人签到，请联系该部门", "Nobody of $1 has checked in within the grace; get in touch with it"},
	{"*未到场，尚未由两人确认，不会视为同意；请确认，或请该部门出具意见", "$1 did not come, and two persons have not attested it, so it is not deemed; attest it, or ask for its opinion"},
	{"*在宽限时间届满前已经结束，不能认定未到场；请该部门出具意见或另行约定", "It ended before the grace for $1 did, so nobody was absent; ask for its opinion or book anew"},
	{"办件 * 待约定勘验：*", "Book the visit of case $1: $2"},
	{"监督台账 * 涉及本窗口，办件*，请在期限内说明", "Entry $1 of the ledger is about this window (case $2); explain it in time"},
	{"监督台账 *：*已作说明，办件*，请核实", "Entry $1 of the ledger: $2 has explained itself (case $3); look into it"},
	{"有人反映部门单独上门检查，疑似 K06；当事部门已收到告知，答复后或期满后请核实（办件*，*）", "A department is said to have come alone, K06 suspected; it has been told. Look into it when it has answered or the time is over (case $1, $2)"},
	{"有人投诉被要求提交清单之外或重复的材料，疑似 K08；请查看，需要时请当事单位说明（办件*，*）", "Somebody was asked for what is not on the list, or twice, K08 suspected; look into it and ask the party if need be (case $1, $2)"},
	{"*未应约到场或已视为同意，又要求再次勘验，疑似 K07，请核实", "$1 did not come or is deemed to agree and asks for another visit, K07 suspected; look into it"},
	{"*请求复勘：*；请联系申请人是否申请", "$1 asks for a revisit: $2; ask the applicant"},
	{"*提出的改期逾期未答复，请督办；答复前不会视为同意", "Nobody answered the other times of $1 in time; see to it. Until then it is not deemed"},
	{"*提出的正当理由逾期未答复，请督办；答复前不会视为同意", "Nobody answered the excuse of $1 in time; see to it. Until then it is not deemed"},
	{"*发现紧急危险：*。书面解除之前，结论不能为通过", "$1 found an immediate danger: $2. Nothing passes until it is cleared in writing"},
	{"*发现紧急危险：*。联合意见书的结论已是通过，请立即处置", "$1 found an immediate danger: $2. The joint opinion says passed already; act at once"},
	{"勘验当天（*）已改为非工作日，请与各部门和申请人商定后取消、另约", "The day of the visit ($1) is no working day any more; settle it with everybody, cancel and book again"},
	{"*在勘验当天（*）停办，请与各部门和申请人商定后取消、另约", "$1 is closed on the day of the visit ($2); settle it with everybody, cancel and book again"},
	{"*收到通知后在期限内未反馈意见，请核对后确认视为同意", "$1 did not answer in time after the notice; check it and confirm that it is deemed to consent"},
	{"*收到通知后未按约定到场，请核对后确认视为同意", "$1 did not come after the notice; check it and confirm that it is deemed to consent"},
	{"*到场或者获准不到场后，在期限内未出具意见，请核对后确认视为同意", "$1 gave no opinion in time; check it and confirm that it is deemed to consent"},
	{"*收到通知后在期限内未反馈意见，逾期无人核对确认，请督办；确认前不会视为同意", "$1 did not answer in time, and nobody has confirmed in time that it is deemed to consent; see to it. Until somebody does it is not deemed"},
	{"*收到通知后未按约定到场，逾期无人核对确认，请督办；确认前不会视为同意", "$1 did not come, and nobody has confirmed in time that it is deemed to consent; see to it. Until somebody does it is not deemed"},
	{"*到场或者获准不到场后，在期限内未出具意见，逾期无人核对确认，请督办；确认前不会视为同意", "$1 gave no opinion, and nobody has confirmed in time that it is deemed to consent; see to it. Until somebody does it is not deemed"},
	{"*收到通知后在期限内未反馈意见，已记录视为同意，记录单 *；有误的请办理撤销", "$1 did not answer in time after the notice and is deemed to consent, record $2; take it back if that is wrong"},
	{"*收到通知后未按约定到场，已记录视为同意，记录单 *；有误的请办理撤销", "$1 did not come after the notice and is deemed to consent, record $2; take it back if that is wrong"},
	{"*到场或者获准不到场后，在期限内未出具意见，已记录视为同意，记录单 *；有误的请办理撤销", "$1 gave no opinion in time and is deemed to consent, record $2; take it back if that is wrong"},
	{"办件 * 的电子件 * 发出后仍未打开，请联系申请人，或改用其他方式送达", "File $2 of case $1 has not been opened; call the applicant, or serve it another way"},
	{"办件 * 的电子件 *：邮件没有送到，请核对邮箱后重发，或改用其他方式送达", "The mail with file $2 of case $1 did not arrive; check the address and send it again, or serve it another way"},
	{"*：通知发出后仍无送达证明，请核对邮箱和收件页，必要时换用其他方式", "$1: no proof yet that the notice arrived; check the address and the inbox, and use another way if need be"},
	{"*：通知仍无送达证明，请电话告知并登记通话", "$1: still no proof that the notice arrived; tell it by telephone and record the call"},
	{"*：通知当日仍无送达证明，请打印通知和回执，书面送达", "$1: no proof all day that the notice arrived; print it with its slip and serve it on paper"},
	{"*：勘验前一个工作日仍无送达证明，本轮该部门不会视为同意，请书面送达或改约", "$1: no proof of arrival one working day before the visit, so it is not deemed this round; serve it on paper or move the visit"},
	{"*的答复期限不早于勘验开始时间，本轮不会视为同意", "The answer of $1 is not due before the visit begins; it is not deemed this round"},
	{"*：答复期限不早于勘验开始时间", "The answer of $1 is not due before the visit begins"},
	{"*：没有 * 类以上的送达证明", "$1: no proof of arrival of class $2 or better"},
	{"*：通知没有送达证明", "$1: no proof that the notice arrived"},
	{"*：本事项不适用视为同意", "$1: silence never counts as consent in this matter"},
	{"*：复勘不适用视为同意，由主管决定", "$1: silence never counts at a revisit; the supervisor decides"},
	{"*：本次勘验中已撤销过该部门的视为同意", "$1: its deemed consent was taken back in this visit before"},
	{"*按更正后的情况须参加，但该时间派不出 * 名空闲且有资格的人员，未占用任何人；请改期，或与该部门商定到场人员后办结并注明", "By the corrected facts $1 has to come and cannot send $2 free and qualified people then; nobody is booked. Move the visit, or agree with it on who comes and note that"},
	{"给*的出具意见的通知（*）未能送出，请改用其他方式送达", "The word to $1 that its opinion is due ($2) could not be sent; serve it another way"},
	{"给*的通知（*）未能送出，请改用其他方式送达", "The notice to $1 ($2) could not be sent; serve it another way"},
	{"申请人来信待查看", "Mail of the applicant waits to be read"},
	{"*来信待查看", "Mail of $1 waits to be read"},
	{"*来信，而该部门已记录视为同意，请尽快查看", "Mail of $1, which is deemed to consent already; read it soon"},
	{"*的答复链接已锁定，请电话联系该部门", "The answer link of $1 is locked; call it"},
	{"*不能参加* 的勘验，请安排换人或改期", "$1 cannot come to the visit of $2; send somebody else or move it"},
	{"*借用*保管的《*》原件，应于 * 前归还，请提醒", "$1 has the original of “$3” from $2, due back by $4; remind it"},
	{"*已视为同意，又对办件提出异议，请主管复核", "$1 is deemed to consent and now objects to the case; review it"},
	{"*对办件提出异议，请主管办理；办结前不会视为同意：*", "$1 objects to the case; deal with it. Until then it is not deemed: $2"},
	{"办件*：*第 * 项与*第 * 项相互矛盾，请决定保留哪一项。*", "Case $1: item $3 of $2 and item $5 of $4 contradict each other; decide which stands. $6"},
	{"办件 * 整改第 * 项的照片，*要求补交：*", "Case $1, item $2: $3 wants another photo: $4"},
	{"办件 * 整改第 * 项，*要求现场复勘：*", "Case $1, item $2: $3 wants to see it on the site: $4"},
	{"办件 * 的整改事项已全部完成，请出具新版联合意见书", "Everything of case $1 is put right; issue the new version of the joint opinion"},
	{"*对整改第 * 项的照片逾期未答复，请督办", "$1 did not answer the photo of item $2 in time; see to it"},
	{"办件 * 的整改通知书（共 * 项）待送达申请人；送达后期限起算", "Give the applicant of case $1 the list of what to put right ($2 items); its terms run from then on"},
	{"办件 * 的补充整改通知书待送达申请人；送达后期限起算", "Give the applicant of case $1 the further list of what to put right; its terms run from then on"},
	{"*申请在整改通知书之外追加一项，请主管决定：*", "$1 asks for one more item after the list; decide: $2"},
	{"*的通知已送达，期限过半仍无人打开，请电话提醒", "The notice to $1 has arrived and half of the term is over, but nobody has opened it; call"},
	{"*有一条答复需要人工判断", "An answer of $1 has to be read by a person"},
	{"*回复不能应约，请联系核实：*", "$1 says that it cannot come; call it: $2"},
	{"*提出改期，请核对各部门时间后答复", "$1 proposes other times; compare them with the others and answer"},
	{"*在勘验开始后提出正当理由，请主管审定：*", "$1 gives an excuse after the start; decide: $2"},
	{"*提出正当理由，请主管审定：*", "$1 gives an excuse; decide: $2"},
	{"*的视为同意拟撤销，请另一名主管决定：*", "The deemed consent of $1 is to be taken back; another supervisor decides: $2"},
	{"*的视为同意已撤销，不再自动认定；请取得其书面意见，再出具联合意见书", "The deemed consent of $1 is taken back and it is not deemed again; get its opinion in writing before the joint opinion"},
	{"*对通知的送达时间有异议，请核对送达记录后决定；决定前不会视为同意：*", "$1 contests when its notice was served; compare the record and decide. Until then it is not deemed: $2"},
	{"*已视为同意，又对通知的送达时间提出异议；请先决定异议，再复核", "$1 is deemed to consent and now contests when its notice was served; decide that first, then review it"},
	{"*的送达异议不成立，送达时间不变。理由：*", "The service that $1 contests stands. Reason: $2"},
	{"*的送达异议成立，送达时间改按主管认定的时间计算。理由：*", "$1 was right: its notice counts as served later, as the supervisor found. Reason: $2"},
	{"*的送达异议成立，原送达不作数，请留意重新送达的情况。理由：*", "$1 was right: the service is void. Watch that its notice arrives anew. Reason: $2"},
	{"办件 * 申请延长法定办结期限 * 个工作日，请报批，并在期限届满前登记批准文件：*", "Case $1: the limit by law is to be extended by $2 working days; get the approval and record it before the limit is over: $3"},
	{"办件 * 延长期限的告知未能送出，请电话或书面告知申请人延长的理由，并注明时间和方式", "The applicant of case $1 could not be told of the extension; tell the reason by telephone or on paper, and note when and how"},
	{"*的视为同意已中止效力，请主管复核", "The deemed consent of $1 is suspended; review it"},
	{"*已视为同意，到场后提出不同意见，请主管复核", "$1 is deemed to consent and said otherwise when it came; review it"},
	{"*已视为同意，逾期后又作出不同反馈，请主管复核", "$1 is deemed to consent and answered otherwise after the term; review it"},
	{"办件 * 已申请复勘，请约定时间，并在期限内完成", "A revisit of case $1 was asked for; book it, to be over in time"},
	{"办件 * 的整改期限已满，申请人尚未申请复勘；已发告知，请电话询问并登记", "The term of case $1 is over and the applicant, who has been told, has not asked for the revisit; call and record what was said"},
	{"办件 * 的复勘未在期限内完成，请督办", "The revisit of case $1 is not over in time; see to it"},
	{"办件 * 整改期满，经询问申请人仍未申请复勘，请决定直接复勘，或者延长整改期限", "The term of case $1 is over and the applicant was asked in vain; decide on a revisit or on a longer term"},
	{"送达*的通知被退回，请改用其他方式送达", "The notice to $1 came back; serve it another way"},
	{"*尚未收到出具意见的通知，期限已顺延；请电话提醒，并书面送达", "$1 has not got the word that its opinion is due, and the term has moved; call it, and serve it on paper"},
	{"办件*的勘验已改期，退出 *的行程；只剩一处，行程已撤销，该处仍按原时间勘验，请核对用车", "The visit of case $1 was moved and has left the trip of $2; one visit is left, so the trip is over. It keeps its time; see to the vehicle"},
	{"办件*的勘验已取消，退出 *的行程；只剩一处，行程已撤销，该处仍按原时间勘验，请核对用车", "The visit of case $1 was cancelled and has left the trip of $2; one visit is left, so the trip is over. It keeps its time; see to the vehicle"},
	{"办件*的勘验已改期，退出 *的行程；其余*不变，请核对先后和用车", "The visit of case $1 was moved and has left the trip of $2; the others ($3) stay. See to the order and the vehicle"},
	{"办件*的勘验已取消，退出 *的行程；其余*不变，请核对先后和用车", "The visit of case $1 was cancelled and has left the trip of $2; the others ($3) stay. See to the order and the vehicle"},
}

// holdSentences are what the program itself writes on a hold (judge.go,
// judge_visit.go, inbound.go). The same tests look whether each is among them.
var holdSentences = [...]Words{
	{"没有 * 类以上的送达证明", "no proof of arrival of class $1 or better"},
	{"通知没有送达证明", "no proof that the notice arrived"},
	{"期限经过的年度日历尚未公布", "the calendar of a year that the term runs through is not announced yet"},
	{"有 * 件来件待人工查看", "incoming mail to be read by a person: $1"},
	{"本事项不适用视为同意", "silence never counts as consent in this matter"},
	{"复勘不适用视为同意，由主管决定", "silence never counts at a revisit; the supervisor decides"},
	{"本次勘验中已撤销过该部门的视为同意", "its deemed consent was taken back in this visit before"},
	{"对办件的异议尚未办结", "its objection to the case is not settled yet"},
	{"没有可核对的收件渠道", "no way in can be checked for answers"},
	{"渠道 * 在期限之后还没有一次成功收取", "the way in “$1” has not been read since the term ended"},
	{"答复期限不早于勘验开始时间", "the answer is not due before the visit begins"},
	{"申请人未签到，或者没有其他部门和窗口人员签到", "the applicant did not check in, or nobody of the other departments and the window did"},
	{"未到场尚未由窗口在场人员和另一方各一人确认", "its absence is not attested yet by the window and by another party"},
	{"宽限时间届满前已经结束", "it ended before the grace did"},
	{"到场人数不足，不会视为同意", "too few came, so it is not deemed"},
	{"正当理由尚未审定", "its excuse is not decided yet"},
	{"改期建议尚未答复", "its other times are not answered yet"},
	{"有未签署的整改或不同意意见", "an opinion that asks for more, or disagrees, is not signed yet"},
	{"到场更正待主管决定", "a correction of who came waits for a supervisor"},
	{"程序错误，已通知管理员", "an error of the program; the administrator is told"},
	{"验证码连续输错五次", "a wrong code was entered five times in a row"},
}
