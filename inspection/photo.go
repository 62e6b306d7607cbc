package inspection

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/internal/once"
	"lianban/notify"
)

// ItemPhoto (整改照片) shows how an item was put right. The department that asked
// for it answers by DueAt.
type ItemPhoto struct {
	bun.BaseModel `bun:"table:item_photos" json:"-"`

	ID         string      `bun:"id,pk" json:"id"`
	ItemID     string      `json:"item_id"`
	Scan       string      `json:"scan"`
	SHA256     string      `bun:"sha256" json:"sha256"`
	Note       string      `json:"note,omitempty"`
	SentAt     time.Time   `json:"sent_at"`
	SentBy     string      `json:"sent_by"`
	DueAt      time.Time   `json:"due_at"`
	Answer     PhotoAnswer `json:"answer,omitempty"`
	Reason     string      `json:"reason,omitempty"`
	AnsweredAt time.Time   `bun:",nullzero" json:"answered_at,omitzero"`
	AnsweredBy string      `json:"answered_by,omitempty"`
}

// PhotoAnswer is what a department says of a photo.
type PhotoAnswer string

// Answers to a photo.
const (
	PhotoAgreed PhotoAnswer = "agreed" // put right; nobody has to come
	PhotoAgain  PhotoAnswer = "again"  // not enough; another photo
	PhotoVisit  PhotoAnswer = "visit"  // has to be seen on the site
)

// PhotoAnswers lists them in the order of forms.
var PhotoAnswers = [...]PhotoAnswer{PhotoAgreed, PhotoAgain, PhotoVisit}

// PhotoRequest hands in the photo of an item, as the applicant brought it.
type PhotoRequest struct {
	VisitID string
	Item    string
	Note    string
	Photo   Scan
	Once    once.Key
}

// AddPhoto hands in a photo that the applicant brought to the window. The
// department has rectify.verify_photo working days to answer (INS-1108). Refusals:
// not_found, not_a_window, wrong_window, no_list, list_not_given, item_unknown,
// photo_waits, scan_missing, scan_type, scan_size, text_invalid.
func (d *Desk) AddPhoto(ctx context.Context, by auth.Actor, r PhotoRequest) (ItemPhoto, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, r.Once, d.now(), func(tx bun.IDB) (ItemPhoto, error) {
		return d.addPhoto(ctx, tx, by, r, func(v Visit) error { return mayOrganise(ctx, tx, by, v.CentreID) })
	})
}

// AddPhotoByLink is AddPhoto by the applicant, whoever has the link; the visit is
// that of the item. Refusals: applicant_link and those of AddPhoto.
func (d *Desk) AddPhotoByLink(ctx context.Context, links *delivery.Desk, token string, r PhotoRequest) (out ItemPhoto, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		by, caseID, err := links.LinkHolder(ctx, tx, token)
		if err != nil {
			return err
		}
		r.Once.Actor = by.String()
		out, _, err = once.Do(ctx, tx, r.Once, d.now(), func() (ItemPhoto, error) {
			if r.VisitID, err = visitOfItem(ctx, tx, caseID, r.Item); err != nil {
				return ItemPhoto{}, err
			}
			return d.addPhoto(ctx, tx, by, r, func(Visit) error { return nil })
		})
		return err
	})
	return out, err
}

func (d *Desk) addPhoto(ctx context.Context, tx bun.IDB, by auth.Actor, r PhotoRequest, may func(Visit) error) (out ItemPhoto, err error) {
	_, err = actOnVisit(ctx, tx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := may(*v); err != nil {
			return nil, err
		}
		if err := office.CheckText("note", r.Note, reasonLength); err != nil {
			return nil, err
		}
		item, err := photographed(ctx, tx, *v, r.Item)
		if err != nil {
			return nil, err
		}
		if out, err = d.storePhoto(ctx, tx, by, *v, item, r); err != nil {
			return nil, err
		}
		leaf := itemLeaf("photo_sent", *v, item, by.String(), d.now(), map[string]any{"photo": out.ID, "sha256": out.SHA256, "due": stamp(out.DueAt)})
		return []audit.Leaf{leaf}, d.tellPhoto(ctx, tx, item, out)
	})
	return out, err
}

// photographed finds an open item that is verified by photo, on a list that the
// applicant has.
func photographed(ctx context.Context, tx bun.IDB, v Visit, id string) (ListedItem, error) {
	if err := addable(ctx, tx, v); err != nil {
		return ListedItem{}, err
	}
	items, err := openItems(ctx, tx, v.ID, VerifyPhoto)
	if err != nil {
		return ListedItem{}, err
	}
	i := slices.IndexFunc(items, func(i ListedItem) bool { return i.ID == id })
	switch {
	case i < 0:
		return ListedItem{}, itemUnknown()
	case items[i].DueAt.IsZero():
		return ListedItem{}, listNotGiven()
	}
	return items[i], nil
}

func itemUnknown() error {
	return fault.Refuse(fault.Conflict, "item_unknown",
		"没有这一项，或者它已整改、须现场复勘，不用照片", "there is no such item, or it is put right or has to be seen on the site; it needs no photo")
}

func (d *Desk) storePhoto(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, item ListedItem, r PhotoRequest) (ItemPhoto, error) {
	if len(r.Photo.Bytes) == 0 {
		return ItemPhoto{}, scanMissing()
	}
	g, err := d.ground(ctx, tx, v, item.DepartmentID)
	if err != nil {
		return ItemPhoto{}, err
	}
	due, err := g.cal.Following(d.now(), g.rules.VerifyPhoto, g.hours)
	if err != nil {
		return ItemPhoto{}, err
	}
	scan, err := storeScan(ctx, tx, item.ParticipantID, r.Photo, by.String(), d.now())
	if err != nil {
		return ItemPhoto{}, err
	}
	photo := ItemPhoto{
		ID: newID(), ItemID: item.ID, Scan: scan.ID, SHA256: scan.SHA256, Note: r.Note, SentAt: d.now(), SentBy: by.String(), DueAt: due.Due,
	}
	fresh, err := insertNew(ctx, tx, &photo)
	if err != nil {
		return photo, err
	}
	if !fresh {
		return photo, fault.Refuse(fault.Conflict, "photo_waits",
			"这一项的照片正等部门答复，答复后再补交", "a photo of this item waits for the department's answer; send another one after it")
	}
	return photo, upsertDeadlines(ctx, tx, countedRow(DeadlinePhoto, item.ID, due))
}

// tellPhoto tells the department that a photo waits for its answer.
func (d *Desk) tellPhoto(ctx context.Context, tx bun.IDB, item ListedItem, photo ItemPhoto) error {
	p, err := findParticipant(ctx, tx, item.ParticipantID)
	if err != nil {
		return err
	}
	return d.queueTo(ctx, tx, p, outgoing{
		purpose: notify.PurposePhoto, key: photo.ID, only: []string{notify.Portal, notify.Mail}, until: photo.DueAt,
		facts: messageFacts{Due: photo.DueAt, Reason: fmt.Sprintf("%d. %s", item.N, item.Finding)},
	})
}

// PhotoReply is the department's answer to a photo.
type PhotoReply struct {
	VisitID string
	Photo   string
	Answer  PhotoAnswer
	Reason  string // of anything but agreement
}

// AnswerPhoto is that answer, by a signed-in person of the department that asked
// (L2). An item that is agreed needs no visit; one that is not stays open, for
// another photo or for the revisit (INS-1108). Refusals: not_found,
// not_your_department, photo_unknown, photo_answer, reason_missing, absent_by_photo.
func (d *Desk) AnswerPhoto(ctx context.Context, by auth.Actor, r PhotoReply) error {
	d = d.still()
	_, err := d.onVisit(ctx, r.VisitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := mayAnswer(by, by.Department); err != nil { // an inspector of whichever department
			return nil, err
		}
		photo, item, err := findPhoto(ctx, tx, v.ID, r.Photo)
		if err != nil {
			return nil, err
		}
		if err := mayAnswer(by, item.DepartmentID); err != nil {
			return nil, err
		}
		if !photo.AnsweredAt.IsZero() {
			return nil, photoUnknown()
		}
		if err := r.check(); err != nil {
			return nil, err
		}
		photo.Answer, photo.Reason, photo.AnsweredAt, photo.AnsweredBy = r.Answer, r.Reason, d.now(), by.String()
		if err := answerPhoto(ctx, tx, photo); err != nil {
			return nil, err
		}
		if err := endDeadlines(ctx, tx, item.ID, 1, DeadlinePhoto); err != nil {
			return nil, err
		}
		if err := finishTasks(ctx, tx, TaskPhotoLate, item.ID, d.now(), by.String(), "已答复"); err != nil {
			return nil, err
		}
		leaf := itemLeaf("photo_answered", *v, item, by.String(), d.now(), map[string]any{"photo": photo.ID, "answer": string(r.Answer)})
		more, err := d.followPhoto(ctx, tx, by, *v, item, r)
		return append([]audit.Leaf{leaf}, more...), err
	})
	return err
}

func (r PhotoReply) check() error {
	switch r.Answer {
	case PhotoAgreed:
		return office.CheckText("reason", r.Reason, reasonLength)
	case PhotoAgain, PhotoVisit:
		return checkText("reason", r.Reason, reasonLength)
	}
	return fault.Refuse(fault.Invalid, "photo_answer",
		"请选择：已整改、照片不足请补交，或须现场复勘", "say that it is put right, that another photo is needed, or that it has to be seen on the site")
}

// followPhoto moves the item as the answer says, and tells the window.
func (d *Desk) followPhoto(ctx context.Context, tx bun.IDB, by auth.Actor, v Visit, item ListedItem, r PhotoReply) ([]audit.Leaf, error) {
	if r.Answer != PhotoAgreed {
		detail := fmt.Sprintf("办件 %s 整改第 %d 项的照片，%s要求补交：%s", v.CaseNumber, item.N, item.Department, r.Reason)
		var leaves []audit.Leaf
		if r.Answer == PhotoVisit {
			detail = fmt.Sprintf("办件 %s 整改第 %d 项，%s要求现场复勘：%s", v.CaseNumber, item.N, item.Department, r.Reason)
			item.Verify = VerifyVisit
			p, err := findParticipant(ctx, tx, item.ParticipantID)
			if err == nil {
				err = d.mayLookAgain(ctx, tx, p, v)
			}
			if err != nil {
				return nil, err
			}
			if err := setVerify(ctx, tx, item); err != nil {
				return nil, err
			}
			leaves = append(leaves, itemLeaf("item_moved", v, item, by.String(), d.now(), map[string]any{"now": string(item.State), "verify": string(item.Verify)}))
		}
		return leaves, renewTask(ctx, tx, v, Task{Kind: TaskPhotoRefused, Subject: item.ID, CreatedAt: d.now(), Detail: detail})
	}
	item.SettledHow = VerifyPhoto
	leaf, err := d.settleItem(ctx, tx, by, v, item)
	if err != nil {
		return nil, err
	}
	if err := d.startRectifyClock(ctx, tx, v); err != nil {
		return nil, err
	}
	left, err := openItems(ctx, tx, v.ID)
	if err != nil || len(left) > 0 {
		return []audit.Leaf{leaf}, err
	}
	return []audit.Leaf{leaf}, raiseTask(ctx, tx, v, Task{
		Kind: TaskConclude, Subject: v.ID, CreatedAt: d.now(), Detail: "办件 " + v.CaseNumber + " 的整改事项已全部完成，请出具新版联合意见书",
	})
}

// photoLate tells the supervisor of a photo that nobody answered in time.
func (d *Desk) photoLate(ctx context.Context, tx bun.IDB, row DeadlineRow) error {
	d = d.still()
	item, visitID, err := itemOf(ctx, tx, row.Subject)
	if err != nil {
		return err
	}
	_, err = actOnVisit(ctx, tx, visitID, func(tx bun.IDB, v *Visit) ([]audit.Leaf, error) {
		if err := endDeadlines(ctx, tx, item.ID, row.Round, DeadlinePhoto); err != nil {
			return nil, err
		}
		leaf := itemLeaf("photo_late", *v, item, systemActor.String(), d.now(), map[string]any{"due": stamp(row.DueAt)})
		return []audit.Leaf{leaf}, raiseTask(ctx, tx, *v, Task{
			Kind: TaskPhotoLate, Subject: item.ID, CreatedAt: d.now(), ForRole: string(auth.Supervisor),
			Detail: fmt.Sprintf("%s对整改第 %d 项的照片逾期未答复，请督办", item.Department, item.N),
		})
	})
	return err
}

// Conclude issues the next version of the joint opinion once every item is put
// right and no revisit has said so (INS-1108, V12). Refusals: not_found,
// not_a_window, wrong_window, no_list, items_open.
func (d *Desk) Conclude(ctx context.Context, by auth.Actor, visitID string, key once.Key) (JointOpinion, error) {
	d = d.still()
	return once.Act(ctx, d.DB.Write, key, d.now(), func(tx bun.IDB) (out JointOpinion, err error) {
		_, err = actOnVisit(ctx, tx, visitID, func(tx bun.IDB, v *Visit) (leaves []audit.Leaf, err error) {
			if err := mayOrganise(ctx, tx, by, v.CentreID); err != nil {
				return nil, err
			}
			if err := addable(ctx, tx, *v); err != nil {
				return nil, err
			}
			open, err := openItems(ctx, tx, v.ID)
			if err != nil {
				return nil, err
			}
			if len(open) > 0 {
				return nil, fault.Refuse(fault.Conflict, "items_open",
					"还有 %d 项没有整改，全部完成后再出具", "%d items are still to be put right; issue it when all are", len(open))
			}
			if err := d.answerRequest(ctx, tx, by, *v, ""); err != nil {
				return nil, err
			}
			if err := finishTasks(ctx, tx, TaskConclude, v.ID, d.now(), by.String(), ""); err != nil {
				return nil, err
			}
			out, leaves, err = d.issueAgain(ctx, tx, by, *v, whyPhotos)
			return leaves, err
		})
		return out, err
	})
}
