package inspection

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/paper"
	"lianban/notify"
	"lianban/scheduler/workday"
)

// DocumentKind names a document of a visit (INS §11, D01…D14).
type DocumentKind string

// The documents whose facts the house keeps. All but the first seven are about one
// department's part.
const (
	DocLaunch  DocumentKind = "launch"  // D01 联合踏勘发起单
	DocSignIn  DocumentKind = "signin"  // D06 签到表
	DocRectify DocumentKind = "rectify" // D08 整改通知书
	DocOpinion DocumentKind = "opinion" // D11 联合勘验意见书, D12 会议纪要
	DocEnded   DocumentKind = "ended"   // D04 取消通知书
	DocAsk     DocumentKind = "ask"     // D09 复勘申请单, of the first visit
	DocRevisit DocumentKind = "revisit" // D10 复勘记录, of the revisit
	DocNotice  DocumentKind = "notice"  // D02 应约通知书 with its slip
	DocReply   DocumentKind = "reply"   // D03 反馈函
	DocTask    DocumentKind = "task"    // D05 现场勘验任务单
	DocRecord  DocumentKind = "record"  // D07 核查表、勘验记录
	DocDeemed  DocumentKind = "deemed"  // D13 视为同意记录单
	DocService DocumentKind = "service" // D14 送达凭证
	DocDue     DocumentKind = "due"     // 出具意见通知书 with its slip (INS-933)
)

// DocumentKinds lists every kind in the order of a visit's life.
var DocumentKinds = [...]DocumentKind{
	DocLaunch, DocNotice, DocReply, DocService, DocDeemed, DocTask, DocSignIn, DocRecord, DocDue, DocRectify, DocAsk, DocRevisit, DocOpinion, DocEnded,
}

// OfDepartment reports whether the document is about one department's part.
func (k DocumentKind) OfDepartment() bool {
	return slices.Contains([]DocumentKind{DocNotice, DocReply, DocTask, DocRecord, DocDue, DocDeemed, DocService}, k)
}

// Document is one as it leaves the printer. It is made of the record alone, so the
// same record gives the same bytes (INS-1105).
type Document struct {
	Name string // of the file
	PDF  []byte
	Rare []paper.Rare // characters flagged on it (DEL-1105)
}

// DocumentRequest names a document of a visit: that of one department's part, or
// the N-th of those that were issued one after another, 0 for the last. Of a deemed
// consent N is its round.
type DocumentRequest struct {
	VisitID    string
	Kind       DocumentKind
	Department string
	N          int
}

// Document prints a document of a visit that the actor may read; a department
// names its own part and sees no other. Refusals: not_found, document_unknown,
// document_not_yet.
func (d *Desk) Document(ctx context.Context, by auth.Actor, r DocumentRequest) (Document, error) {
	v, err := d.FindVisit(ctx, by, r.VisitID)
	if err != nil {
		return Document{}, err
	}
	kind, department := r.Kind, r.Department
	if !slices.Contains(DocumentKinds[:], kind) {
		return Document{}, fault.Refuse(fault.Invalid, "document_unknown",
			"没有这种文书；请从勘验页面选择", "there is no such document; choose one on the page of the visit")
	}
	part := ParticipantView{}
	if kind.OfDepartment() {
		i := slices.IndexFunc(v.Participants, func(p ParticipantView) bool { return p.DepartmentID == department })
		if i < 0 || by.Department != "" && !atWindow(by) && by.Department != department {
			return Document{}, notFound()
		}
		part = v.Participants[i]
	}
	letter, err := d.letterText(ctx, r, part)
	if err != nil {
		return Document{}, err
	}
	ready := v.prints(kind, part)
	switch kind {
	case DocNotice: // its inbox copy may be on the way still
		ready = ready && letter != ""
	case DocDue: // stays to be printed when the opinion is there (INS-1105)
		ready = letter != ""
	case DocDeemed: // of a round that is void, too (INS-920)
		_, ready = v.recordOf(part, r.N)
	}
	if !ready {
		return Document{}, fault.Refuse(fault.Conflict, "document_not_yet",
			"还没有可以打印的%[1]s；请等相应的事项办完再打印", "there is nothing to print as %[2]s yet; print it when that step is done",
			v.documentTitle(kind), string(kind))
	}
	if kind == DocDeemed {
		record, err := d.DeemedRecord(ctx, by, r.VisitID, r.Department, r.N)
		if err != nil {
			return Document{}, err
		}
		return record.document()
	}
	return v.document(r, part, letter)
}

// Documents are those of the visit that can be printed now.
func (v VisitView) Documents() (out []DocumentKind) {
	for _, kind := range DocumentKinds {
		if !kind.OfDepartment() && v.prints(kind, ParticipantView{}) {
			out = append(out, kind)
		}
	}
	return out
}

// DocumentsOf are those of one department's part.
func (v VisitView) DocumentsOf(part ParticipantView) (out []DocumentKind) {
	for _, kind := range DocumentKinds {
		if kind.OfDepartment() && v.prints(kind, part) {
			out = append(out, kind)
		}
	}
	return out
}

// prints reports whether the facts of a document are there.
func (v VisitView) prints(kind DocumentKind, part ParticipantView) bool {
	switch kind {
	case DocLaunch, DocSignIn:
		return v.Round > 0
	case DocTask:
		return v.Round > 0 && len(part.People) > 0
	case DocNotice:
		return part.Notice != nil && !part.Notice.ComposedAt.IsZero()
	case DocReply:
		return len(part.Replies) > 0
	case DocRecord:
		return part.Record != nil
	case DocDue:
		return !part.OpinionDue.IsZero()
	case DocService:
		return len(part.Services) > 0
	case DocDeemed:
		return part.Deemed != nil
	case DocOpinion:
		return v.Joint != nil
	case DocRectify:
		return v.Joint != nil && (v.Rectification != nil || v.Joint.Result == ResultRectify)
	case DocAsk:
		return v.RevisitOf == "" && v.Rectification != nil && len(v.Rectification.Requests) > 0
	case DocRevisit:
		return v.RevisitOf != "" && v.State == VisitClosed
	case DocEnded:
		return v.State == VisitCancelled || v.State == VisitNotHeld
	}
	return false
}

// letterText is what a printed letter says, as the department's inbox has it: the
// last notice, or a word that an opinion is due. Empty for every other document.
func (d *Desk) letterText(ctx context.Context, r DocumentRequest, part ParticipantView) (text string, err error) {
	purpose := map[DocumentKind]string{DocNotice: notify.PurposeNotice, DocDue: notify.PurposeOpinionDue}[r.Kind]
	if purpose == "" {
		return "", nil
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		words, err := inboxWords(ctx, q, part.ID, purpose)
		n := len(words)
		if r.Kind == DocDue && r.N > 0 { // T3 may have moved
			n = r.N
		}
		if n > 0 && n <= len(words) {
			text = words[n-1].Text
		}
		return err
	})
	return text, err
}

// document composes a document and draws it.
func (v VisitView) document(r DocumentRequest, part ParticipantView, letter string) (Document, error) {
	h := paper.Head{Issuer: v.Centre.Name, Title: v.documentTitle(r.Kind), Number: v.CaseNumber + "-" + strconv.Itoa(v.Round)}
	s, file := paper.Sheet{}, ""
	var err error
	if r.Kind.OfDepartment() {
		v.ofDepartment(&s, &h, r.Kind, part, letter)
		file = "-" + part.Name
	} else {
		err = v.ofVisit(&s, &h, r)
	}
	if err != nil {
		return Document{}, err
	}
	version, err := s.Version()
	if err != nil {
		return Document{}, err
	}
	h.Note = "数据版本 " + version
	s.Head = h
	doc := Document{Name: h.Title + "-" + h.Number + file + ".pdf"}
	doc.PDF, doc.Rare, err = s.PDF()
	return doc, err
}

// ofDepartment fills in a document that each department has of its own.
func (v VisitView) ofDepartment(s *paper.Sheet, h *paper.Head, kind DocumentKind, part ParticipantView, letter string) {
	switch kind {
	case DocNotice:
		h.Number = part.Notice.Number
		letterSheet(s, letter, part.Name+"已收到应约通知书 "+h.Number+"。")
	case DocDue:
		letterSheet(s, letter, part.Name+"已收到出具意见通知书（"+h.Number+"）。")
	case DocReply:
		v.replies(s, part)
	case DocTask:
		v.task(s, part)
	case DocRecord:
		v.record(s, part)
	case DocService:
		h.Number = part.Notice.Number
		v.services(s, part)
	}
}

// ofVisit fills in a document of the visit as a whole, or of one of its lists,
// requests and opinions. Refusals: those of what it looks for.
func (v VisitView) ofVisit(s *paper.Sheet, h *paper.Head, r DocumentRequest) error {
	switch r.Kind {
	case DocLaunch:
		v.launch(s)
	case DocSignIn:
		v.signIn(s)
	case DocOpinion:
		j, err := v.OpinionVersion(r.N)
		if err != nil {
			return err
		}
		h.Number = j.FullNumber()
		j.opinion(s)
	case DocRectify:
		list, j, err := v.list(r.N)
		if err != nil {
			return err
		}
		h.Number = j.FullNumber()
		if list.N == 1 {
			j.rectify(s)
			break
		}
		h.Title, h.Number = "补充整改通知书", h.Number+"-补"+strconv.Itoa(list.N-1)
		v.added(s, list)
	case DocAsk:
		asked, err := v.Rectification.request(r.N)
		if err != nil {
			return err
		}
		h.Number += "-复申" + strconv.Itoa(asked)
		v.askSheet(s, v.Rectification.Requests[asked-1])
	case DocRevisit:
		v.revisitSheet(s)
	case DocEnded:
		v.ended(s)
	}
	return nil
}

// about are the facts that every document of a visit begins with. The telephone
// and identity number of the applicant stand on none of them (INS-1106).
func (v VisitView) about() []paper.Fact {
	return []paper.Fact{
		{Name: "办件编号", Value: v.CaseNumber}, {Name: "事项", Value: v.MatterName}, {Name: "申请人", Value: v.Case.Applicant.Masked().Name},
		{Name: "场所", Value: v.Place}, {Name: "时间", Value: spanText(v.Start, v.End)},
	}
}

// instantText is an instant as a document says it: 2026年11月25日 周三 14:00.
func instantText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	at = at.In(workday.Shanghai)
	return at.Format("2006年1月2日 ") + weekdayWords[at.Weekday()] + at.Format(" 15:04")
}

// spanText leaves the day out of the end where it is the same.
func spanText(from, to time.Time) string {
	switch {
	case from.IsZero():
		return ""
	case to.IsZero():
		return instantText(from)
	case workday.DateOf(from) == workday.DateOf(to):
		return instantText(from) + " 至 " + to.In(workday.Shanghai).Format("15:04")
	}
	return instantText(from) + " 至 " + instantText(to)
}
