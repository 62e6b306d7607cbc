package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/notify"
)

// AlertKind says what ran late.
type AlertKind string

// Kinds of alert. The first three are the levels of the promise (DEL-740), the
// rest the duties of DEL §8 and of art. 44.
const (
	AlertAmber       AlertKind = "promise_amber"
	AlertRed         AlertKind = "promise_red"
	AlertOversight   AlertKind = "promise_oversight"
	AlertUnverified  AlertKind = "unverified"       // DEL-624
	AlertNotReturned AlertKind = "not_returned"     // DEL-804
	AlertUnscanned   AlertKind = "return_unscanned" // DEL-425
	AlertBagBroken   AlertKind = "return_broken"    // DEL-804
	AlertSearchOver  AlertKind = "search_over"      // DEL-807
	AlertDamageOpen  AlertKind = "damage_open"      // DEL-808
	AlertItemLost    AlertKind = "item_lost"        // DEL-807, for its department
	AlertItemDamaged AlertKind = "item_damaged"     // DEL-808, for its department
	AlertShelfOver   AlertKind = "shelf_over"       // DEL-809, for its department
	AlertAskSplit    AlertKind = "ask_split"        // DEL-304
	AlertArticle44   AlertKind = "article44_near"   // DEL-107
	AlertArticle44On AlertKind = "article44_red"    // DEL-107

	AlertSignWindow     AlertKind = "sign_window"     // DEL-912, for the window that signs
	AlertSignDepartment AlertKind = "sign_department" // DEL-912, for the department that signs
	AlertSignLate       AlertKind = "sign_late"       // DEL-912
	AlertSlotAsked      AlertKind = "slot_asked"      // DEL-1205
	AlertMissing        AlertKind = "not_received"    // DEL-1205
	AlertMissingLate    AlertKind = "not_received_on" // DEL-1205

	AlertCustody AlertKind = "custody_break" // DEL-901

	AlertCallBack     AlertKind = "rating_call"      // DEL-1206
	AlertCallBackLate AlertKind = "rating_call_late" // DEL-1206
)

// AlertLevel is who has to look.
type AlertLevel string

// Levels. Oversight is 效能监察: auditors, who see every centre.
const (
	ForWindow     AlertLevel = "window"
	ForSupervisor AlertLevel = "supervisor"
	ForOversight  AlertLevel = "oversight"
	ForDepartment AlertLevel = "department"
)

// AlertRow is one line of the table of alerts.
type AlertRow struct {
	Kind     AlertKind
	Level    AlertLevel
	ByHand   bool          // somebody says what was done; the others end by an event
	While    []ParcelState // of an alert about a parcel: where its cause lasts
	what, do bilingual
}

// AlertTable are the kinds with who hears of each, and what is to be done.
var AlertTable = []AlertRow{
	{AlertAmber, ForWindow, false, slices.Concat(heldStates, roundStates),
		bilingual{"快到送达时限，还没有交出，或派送员可能赶不上", "The due moment is near and no courier has it, or its courier may be late"},
		bilingual{"没有交出的请马上安排派送员；已在路上的请看派送员的顺序，或请另一名派送员送", "Have a courier collect it now; if it is on the road look at the courier's round, or give it to another"}},
	{AlertRed, ForSupervisor, false, undelivered(),
		bilingual{"已过送达时限，还没有送到", "Overdue and not delivered"},
		bilingual{"请主管联系派送员和申请人，尽快送达", "Call the courier and the applicant and get it delivered"}},
	{AlertOversight, ForOversight, false, undelivered(),
		bilingual{"超过送达时限 4 个办公小时，仍没有送到", "Four office hours overdue and still not delivered"},
		bilingual{"效能监察请向中心主管了解原因", "Oversight asks the centre's supervisor why"}},
	{AlertUnverified, ForSupervisor, false, []ParcelState{ParcelUnverified},
		bilingual{"妥投待核验已满 8 个办公小时", "Delivered without full proof for eight office hours"},
		bilingual{"请主管打电话向收件人核实，再确认妥投或更正记录", "Telephone the receiver, then confirm the delivery or correct the record"}},
	{AlertNotReturned, ForSupervisor, false, []ParcelState{ParcelReturning},
		bilingual{"应退回窗口，次一工作日下班仍未签入", "Due back at the window by the end of the next working day, not scanned in"},
		bilingual{"请向承运人追回邮件，窗口扫描签入；找不到的登记遗失", "Get it back from who carries it and scan it in; if it cannot be found report it lost"}},
	{AlertUnscanned, ForWindow, false, []ParcelState{ParcelReturning},
		bilingual{"承运方称已退回，窗口 4 个办公小时未签入", "The carrier says it was returned; not scanned in for four office hours"},
		bilingual{"请在窗口找到邮件并扫描签入；没有收到的请联系承运方", "Find it at the window and scan it in; if it did not come call the carrier"}},
	{AlertBagBroken, ForSupervisor, true, nil,
		bilingual{"退回时封袋已破损", "Came back with its bag broken"},
		bilingual{"请主管核对袋内物料是否完整，写明处理情况", "Check what was in it and write down what was done"}},
	{AlertSearchOver, ForSupervisor, false, []ParcelState{ParcelLost},
		bilingual{"遗失查找已满 1 个工作日", "The search for it has lasted one working day"},
		bilingual{"请主管决定：找到的登记“找到”，找不到的两人核销并请部门补发", "Decide: found, or written off by two and issued again"}},
	{AlertDamageOpen, ForSupervisor, false, []ParcelState{ParcelDamaged},
		bilingual{"污损满 1 个工作日，还没有处理决定", "Damaged for one working day and nothing decided"},
		bilingual{"请催出具部门决定：照常送达的登记“找到”退回窗口，重新制发或作废的两人核销", "Have the department decide: what is to be delivered as it is goes back to the window, what is issued again or void is written off by two"}},
	{AlertItemLost, ForDepartment, false, []ParcelState{ParcelLost},
		bilingual{"贵部门出具的结果在派送中遗失，窗口正在查找", "A result of your department was lost on its way; the window is searching"},
		bilingual{"请暂不补发；核销后窗口会请贵部门重新出具", "Do not issue it again yet; the window asks for it once it is written off"}},
	{AlertItemDamaged, ForDepartment, false, nil,
		bilingual{"贵部门出具的结果污损", "A result of your department is damaged"},
		bilingual{"请看照片，决定重新制发、照常送达还是作废；部门没有账号的请告知窗口代记", "Look at the photos and decide: issue it again, deliver it as it is, or void; a department without accounts tells the window"}},
	{AlertCustody, ForSupervisor, true, nil,
		bilingual{"物料的保管记录前后矛盾", "The record of who keeps a thing contradicts itself"},
		bilingual{"请主管按物料编号找到实物，核对在谁手中，写明查明的情况；记录由谁改动，请管理员运行 lianban audit 查", "Find the thing by its number, see who has it and write down what was found out; have the administrator run lianban audit to see which record was changed"}},
	{AlertShelfOver, ForDepartment, true, nil,
		bilingual{"在窗口满 30 天无人领取，转出具部门依法另行送达", "Thirty days at the window; its department serves it in its own way"},
		bilingual{"请部门依法送达（如公告），写明方式和日期；部门没有账号的由窗口代记", "Serve it by law, for example by notice, and write down how and when; for a department without accounts the window does"}},
	{AlertAskSplit, ForWindow, false, nil,
		bilingual{"决定作出已满 7 个工作日，还没有齐套", "Seven working days since a decision and the set is not complete"},
		bilingual{"请问申请人“等齐还是先寄”，把答复登记在办件结果里；没有答复也要登记", "Ask the applicant whether to wait or to split and record the answer, even none"}},
	{AlertArticle44, ForWindow, false, nil,
		bilingual{"决定作出已满 7 个工作日，结果还在窗口", "Seven working days since a decision and the results are still here"},
		bilingual{"请在第 10 个工作日前送出（行政许可法第四十四条）", "Send them before the tenth working day (administrative licensing law art. 44)"}},
	{AlertArticle44On, ForSupervisor, false, nil,
		bilingual{"决定作出已到第 10 个工作日，结果还没有送出", "The tenth working day since a decision and the results have not left"},
		bilingual{"请主管今天送出（行政许可法第四十四条）", "Send them today (administrative licensing law art. 44)"}},
	{AlertSignWindow, ForWindow, false, nil,
		bilingual{"送到窗口的移交已过签收期限，还没有签收", "Handed over to the window and not signed for in time"},
		bilingual{"请现在清点签收，缺件、破损的逐件标明；还没有收到的，请联系交出的部门", "Count it and sign now, marking what is missing or damaged; if it has not come, call the department that gave it"}},
	{AlertSignDepartment, ForDepartment, false, nil,
		bilingual{"送交贵部门的集装袋已过签收期限，还没有签收", "A bag for your department was not signed for in time"},
		bilingual{"请现在拆袋清点签收，缺件、破损的逐件标明；还没有收到的，请联系窗口", "Open it, count it and sign now, marking what is missing or damaged; if it has not come, call the window"}},
	{AlertSignLate, ForSupervisor, false, nil,
		bilingual{"超过签收期限 4 个办公小时，仍没有签收", "Four office hours past its limit and still not signed for"},
		bilingual{"请主管向双方核实东西在哪里，请接收方签收或拒收；签收之前由交出的一方负责", "Ask both sides where it is and have it signed for or refused; until then its giver answers for it"}},
	{AlertSlotAsked, ForWindow, true, append(openStates(), ParcelReturned),
		bilingual{"申请人通过链接要求另约时间", "The applicant asks by the link for another time"},
		bilingual{"请打电话约定，需要时登记暂停或改约，再写明约定的时间", "Call to agree on it, record the pause or the new time where one is due, and write down what was agreed"}},
	{AlertMissing, ForWindow, true, arrivedStates,
		bilingual{"申请人反映没有收到", "The applicant says that it did not arrive"},
		bilingual{"请在时限内联系申请人和派送员：确已收到的写明由谁收取；没有收到的到邮件页面更正妥投记录", "Call applicant and courier within the term: if it was received write down by whom, if not correct the delivery on the parcel's page"}},
	{AlertMissingLate, ForSupervisor, false, arrivedStates,
		bilingual{"申请人反映没有收到，窗口 4 个办公小时内没有办结", "The applicant says that it did not arrive, and the window has not settled it in four office hours"},
		bilingual{"请主管督促窗口联系申请人，在上一条告警中写明处理情况", "See that the window calls the applicant and settles the alert"}},
	{AlertCallBack, ForSupervisor, false, nil,
		bilingual{"有一条不满意的评价等回访", "A low rating waits for a call back"},
		bilingual{"请主管在“评价”页联系申请人，15 个工作日内改正或说明期限，再登记回访", "Call the applicant from the page of ratings, put it right or name a term within fifteen working days, and record the call"}},
	{AlertCallBackLate, ForSupervisor, false, nil,
		bilingual{"不满意的评价已满 15 个工作日没有回访", "A low rating has waited fifteen working days for its call back"},
		bilingual{"请主管今天联系申请人并登记回访（国办发〔2019〕51号）", "Call the applicant and record it today (国办发〔2019〕51号)"}},
}

func (k AlertKind) row() AlertRow {
	n := slices.IndexFunc(AlertTable, func(r AlertRow) bool { return r.Kind == k })
	if n < 0 {
		return AlertRow{}
	}
	return AlertTable[n]
}

// Word says what ran late.
func (k AlertKind) Word(lang string) string { return k.row().what.in(lang) }

// Do says what is to be done now.
func (k AlertKind) Do(lang string) string { return k.row().do.in(lang) }

// ByHand reports whether somebody ends the alert by writing down what was done.
func (k AlertKind) ByHand() bool { return k.row().ByHand }

// Alert is one thing that ran late and that somebody has to look at. There is
// one row for each subject and kind, ever: events that come late or shuffled
// raise no second (DEL-740).
type Alert struct {
	bun.BaseModel `bun:"table:alerts" json:"-"`

	ID           string     `bun:"id,pk" json:"id"`
	Kind         AlertKind  `json:"kind"`
	Subject      string     `json:"subject"` // id of the parcel, item, case, transfer or bag
	Level        AlertLevel `json:"level"`
	ParcelID     string     `json:"parcel_id,omitempty"`
	TransferID   string     `json:"transfer_id,omitempty"`
	BagID        string     `json:"bag_id,omitempty"`
	CaseID       string     `json:"case_id"` // empty of a bag, which holds things of many cases
	CaseNumber   string     `json:"case_number"`
	Number       string     `json:"number,omitempty"` // of the parcel, item, transfer or bag
	CentreID     string     `json:"centre_id"`
	DepartmentID string     `json:"department_id,omitempty"`
	RaisedAt     time.Time  `json:"raised_at"`                          // the first time
	NextAt       time.Time  `bun:",nullzero" json:"next_at,omitzero"`   // when the next level hears of it
	AskedFor     time.Time  `bun:",nullzero" json:"asked_for,omitzero"` // of slot_asked: begin of the time
	ClearedAt    time.Time  `bun:",nullzero" json:"cleared_at,omitzero"`
	ClearedBy    string     `json:"cleared_by,omitempty"`
	Note         string     `json:"note,omitempty"` // what was done, of those ended by hand
}

// alertOf is an alert about a parcel.
func (d *Desk) alertOf(kind AlertKind, p Parcel) Alert {
	return Alert{
		ID: newID(), Kind: kind, Subject: p.ID, Level: kind.row().Level, ParcelID: p.ID, CaseID: p.CaseID, CaseNumber: p.CaseNumber,
		Number: p.Number, CentreID: p.CentreID, RaisedAt: d.now(),
	}
}

// lasts reports whether the cause of an alert about a parcel is still there.
// Whether the time for it has come is not asked again: what was late stays so.
func (a Alert) lasts(p Parcel, now time.Time) bool {
	row := a.Kind.row()
	switch {
	case row.While == nil: // ended otherwise
		return true
	case !slices.Contains(row.While, p.State):
		return false
	}
	switch a.Kind {
	case AlertAmber: // a pause may have moved it, and so may the round
		if slices.Contains(heldStates, p.State) {
			return !p.HandOverBy.IsZero() && !now.Before(p.HandOverBy)
		}
		return !p.ArriveBy.IsZero() && p.PredictedP80.After(p.ArriveBy)
	case AlertRed, AlertOversight:
		return !p.DueAt.IsZero() && now.After(p.DueAt)
	}
	return true
}

// raise writes alerts that are not open yet, with their messages, and gives the
// leaves; the caller holds the parcels' locks. One that was open before opens
// again and tells nobody a second time.
func (d *Desk) raise(ctx context.Context, tx bun.IDB, alerts []Alert) ([]audit.Leaf, error) {
	if len(alerts) == 0 {
		return nil, nil
	}
	fresh, err := openAlerts(ctx, tx, alerts)
	if err != nil {
		return nil, err
	}
	if err := d.tellAlerts(ctx, tx, fresh); err != nil {
		return nil, err
	}
	leaves := make([]audit.Leaf, len(fresh))
	for i, a := range fresh {
		leaves[i] = d.alertLeaf("alert_raised", a, auth.System("watch"))
	}
	return leaves, nil
}

// stream is where the log keeps an alert: with its bag or case, and one about a
// rating with those of its centre, so that no case shows who rated (DEL-1206).
func (a Alert) stream() string {
	switch {
	case a.BagID != "":
		return "bag/" + a.BagID
	case a.Kind.AboutRating():
		return ratingStream(a.CentreID)
	}
	return Stream(a.CaseID)
}

// AboutRating reports whether the alert is about a low rating, which the
// supervisor alone may connect with a case (DEL-1206).
func (k AlertKind) AboutRating() bool { return k == AlertCallBack || k == AlertCallBackLate }

func (d *Desk) alertLeaf(what string, a Alert, by auth.Actor) audit.Leaf {
	return audit.Leaf{Type: what, Stream: a.stream(), Actor: by.String(), At: d.now(), Fields: map[string]any{
		"alert": a.ID, "kind": string(a.Kind), "level": string(a.Level), "subject": a.Subject, "number": a.Number,
	}}
}

// clearAlerts ends the alerts of parcels whose cause an act or event has ended
// (DEL-740). It is part of every fold that moves a parcel, so that nobody is
// sent to a parcel that has arrived.
func (d *Desk) clearAlerts(ctx context.Context, tx bun.IDB, by auth.Actor, moved []*Parcel) error {
	if len(moved) == 0 {
		return nil
	}
	ids := make([]string, len(moved))
	for i, p := range moved {
		ids[i] = p.ID
	}
	open, err := openAlertsOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	over := slices.DeleteFunc(open, func(a Alert) bool { return a.lasts(*moved[slices.Index(ids, a.ParcelID)], d.now()) })
	return d.end(ctx, tx, over, by, "")
}

// end ends open alerts; a text that still waits is not sent.
func (d *Desk) end(ctx context.Context, tx bun.IDB, over []Alert, by auth.Actor, note string) error {
	if len(over) == 0 {
		return nil
	}
	ids, subjects := make([]string, len(over)), make([]string, len(over))
	for i, a := range over {
		ids[i], subjects[i] = a.ID, a.textSubject()
	}
	if err := endAlerts(ctx, tx, ids, d.now(), by.String(), note); err != nil {
		return err
	}
	return notify.Replace(ctx, tx, d.now(), subjects)
}

// AlertQuery narrows ListAlerts. Limit is at most 200, 0 means 50.
type AlertQuery struct {
	Level AlertLevel
	Kind  AlertKind
	All   bool // ended ones too
	Limit int
}

// ListAlerts gives the alerts that the actor may see, open ones first, the
// oldest of them first: of its window, of its department, for auditors of all.
func (d *Desk) ListAlerts(ctx context.Context, by auth.Actor, query AlertQuery) (out []Alert, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		out, err = listAlerts(ctx, q, by, query)
		return err
	})
	return out, err
}

// SettleAlert writes down what was done about an alert that no event ends: how a
// department served what nobody collected (DEL-809), what was found in a broken
// bag, what became of an applicant's report. Its department does, for one without
// accounts the window; a supervisor for a bag. Refusals: not_found, not_receiving_window, not_your_department,
// department_has_accounts, not_supervisor, alert_by_event, alert_over, reason_missing, text_invalid.
func (d *Desk) SettleAlert(ctx context.Context, by auth.Actor, id, note string) (out Alert, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		a, err := findAlert(ctx, tx, id)
		if err != nil {
			return err
		}
		if !mayReadAlert(by, a) {
			return notFound()
		}
		if err := d.maySettle(ctx, tx, by, a); err != nil {
			return err
		}
		if err := checkReason("note", note); err != nil {
			return err
		}
		if !a.ClearedAt.IsZero() {
			return alertOver()
		}
		var leaves []audit.Leaf
		if a.Kind == AlertMissing {
			if leaves, err = d.missingSettled(ctx, tx, by, a, note); err != nil {
				return err
			}
		}
		if err := d.end(ctx, tx, []Alert{a}, by, note); err != nil {
			return err
		}
		a.ClearedAt, a.ClearedBy, a.Note = d.now(), by.String(), note
		out = a
		return audit.Record(ctx, tx, append(leaves, d.alertLeaf("alert_settled", a, by))...)
	})
	return out, err
}

func alertOver() *fault.Error {
	return fault.Refuse(fault.Conflict, "alert_over",
		"这条告警已经办结，请刷新页面", "this alert has been settled; reload the page")
}

func (d *Desk) maySettle(ctx context.Context, tx bun.IDB, by auth.Actor, a Alert) error {
	switch {
	case !atWindow(by) && !ofDepartment(by, a.DepartmentID): // auditors read
		return mayReceive(by, a.CentreID)
	case !a.Kind.ByHand():
		return fault.Refuse(fault.Conflict, "alert_by_event",
			"这条告警在事情办完后自动消除（邮件送达、退回或处理，移交签收或拒收），不用手工办结", "this alert ends by itself once the parcel is delivered, returned or decided on, or the hand-over signed for or refused")
	case a.Level == ForSupervisor && !by.Is(auth.Supervisor):
		return notSupervisor()
	case a.Level != ForDepartment:
		return mayReceive(by, a.CentreID)
	}
	return actsFor(ctx, tx, by, a.DepartmentID, a.CentreID, fault.Refuse(fault.Forbidden, "not_your_department",
		"只有出具结果的部门可以登记；部门没有账号的由窗口代记", "only the department that issued it records that; for one without accounts the window does"))
}

// mayReadAlert: its window, its department, auditors (SEC-1…3).
func mayReadAlert(by auth.Actor, a Alert) bool {
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return true
	case a.Kind.AboutRating() && !by.Is(auth.Supervisor):
		return false
	case atWindow(by):
		return by.Centre == a.CentreID
	}
	return a.Level == ForDepartment && ofDepartment(by, a.DepartmentID)
}
