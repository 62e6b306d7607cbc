package inspection

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

func insertList(ctx context.Context, tx bun.IDB, list *RectifyList, items []ListedItem) error {
	if _, err := tx.NewInsert().Model(list).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewInsert().Model(&items).Exec(ctx)
	return err
}

func findList(ctx context.Context, q bun.IDB, visitID string, n int) (list RectifyList, err error) {
	err = q.NewSelect().Model(&list).Where("visit_id = ? AND n = ?", visitID, n).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return list, fault.Refuse(fault.Conflict, "list_unknown",
			"本次勘验没有这份整改通知书", "this visit has no such list")
	}
	return list, err
}

func listLists(ctx context.Context, q bun.IDB, visitID string) (out []RectifyList, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("n").Scan(ctx)
	return out, err
}

func listItems(ctx context.Context, q bun.IDB, visitID string) (out []ListedItem, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("n").Scan(ctx)
	return out, err
}

// markGiven is the one move of a list.
func markGiven(ctx context.Context, tx bun.IDB, list RectifyList) error {
	res, err := tx.NewUpdate().Model(&list).
		Column("how", "receiver", "reason", "witnesses", "scan", "given_at", "recorded_at", "recorded_by").
		Where("id = ? AND given_at IS NULL", list.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func updateTerm(ctx context.Context, tx bun.IDB, item ListedItem) error {
	res, err := tx.NewUpdate().Model(&item).Column("due_at", "deadline").Where("id = ? AND state = ?", item.ID, ItemOpen).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func insertProposal(ctx context.Context, tx bun.IDB, a *ItemProposal) error {
	_, err := tx.NewInsert().Model(a).Exec(ctx)
	return err
}

func findProposal(ctx context.Context, q bun.IDB, visitID, id string) (a ItemProposal, err error) {
	err = q.NewSelect().Model(&a).Where("id = ? AND visit_id = ?", id, visitID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return a, fault.Refuse(fault.Conflict, "later_item_unknown",
			"本次勘验没有这一追加事项，请刷新后核对", "this visit has no such later item; reload and check")
	}
	return a, err
}

func listProposals(ctx context.Context, q bun.IDB, visitID string) (out []ItemProposal, err error) {
	err = q.NewSelect().Model(&out).Where("visit_id = ?", visitID).Order("proposed_at", "id").Scan(ctx)
	return out, err
}

func decideProposal(ctx context.Context, tx bun.IDB, a ItemProposal) error {
	res, err := tx.NewUpdate().Model(&a).Column("agreed", "note", "decided_by", "decided_at").
		Where("id = ? AND decided_at IS NULL", a.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// findRectification reads what a visit asked for, nil if it asked for nothing.
func findRectification(ctx context.Context, q bun.IDB, visitID string) (*Rectification, error) {
	lists, err := listLists(ctx, q, visitID)
	if err != nil || len(lists) == 0 {
		return nil, err
	}
	r := Rectification{Lists: lists}
	if r.Items, err = listItems(ctx, q, visitID); err != nil {
		return nil, err
	}
	if r.Proposals, err = listProposals(ctx, q, visitID); err != nil {
		return nil, err
	}
	if r.Photos, err = listPhotos(ctx, q, r.Items); err != nil {
		return nil, err
	}
	if r.Requests, err = listRequests(ctx, q, visitID); err != nil {
		return nil, err
	}
	if r.Revisits, err = listRevisits(ctx, q, visitID); err != nil {
		return nil, err
	}
	r.DueAt, err = revisitDue(ctx, q, visitID)
	return &r, err
}

// openItems are those of a visit's lists that are not put right, all or of some
// ways to verify.
func openItems(ctx context.Context, q bun.IDB, visitID string, ways ...Verify) (out []ListedItem, err error) {
	s := q.NewSelect().Model(&out).Where("visit_id = ? AND state = ?", visitID, ItemOpen).Order("n")
	if len(ways) > 0 {
		s = s.Where("verify IN (?)", bun.List(ways))
	}
	return out, s.Scan(ctx)
}

func markSettled(ctx context.Context, tx bun.IDB, item ListedItem) error {
	res, err := tx.NewUpdate().Model(&item).Column("state", "settled_at", "settled_by", "settled_how").
		Where("id = ? AND state = ?", item.ID, ItemOpen).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func markAsked(ctx context.Context, tx bun.IDB, list RectifyList, now time.Time) error {
	list.AskedAt = now
	res, err := tx.NewUpdate().Model(&list).Column("asked_at").Where("id = ? AND asked_at IS NULL", list.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

func setVerify(ctx context.Context, tx bun.IDB, item ListedItem) error {
	res, err := tx.NewUpdate().Model(&item).Column("verify").Where("id = ? AND state = ?", item.ID, ItemOpen).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}

// itemOf gives an item with its visit.
func itemOf(ctx context.Context, q bun.IDB, id string) (item ListedItem, visitID string, err error) {
	err = q.NewSelect().Model(&item).Where("id = ?", id).Scan(ctx)
	return item, item.VisitID, err
}

// findPhoto gives a photo of a visit's list with its item.
func findPhoto(ctx context.Context, q bun.IDB, visitID, id string) (photo ItemPhoto, item ListedItem, err error) {
	err = q.NewSelect().Model(&photo).Where("id = ?", id).Scan(ctx)
	if err == nil {
		item, _, err = itemOf(ctx, q, photo.ItemID)
	}
	if errors.Is(err, sql.ErrNoRows) || err == nil && item.VisitID != visitID {
		return photo, item, photoUnknown()
	}
	return photo, item, err
}

func photoUnknown() error {
	return fault.Refuse(fault.Conflict, "photo_unknown",
		"没有这张待答复的照片，请刷新后核对", "no such photo waits for an answer; reload and check")
}

// visitOfItem gives the visit of an item of a case. Refusal: item_unknown.
func visitOfItem(ctx context.Context, q bun.IDB, caseID, id string) (visitID string, err error) {
	err = q.NewSelect().Model((*ListedItem)(nil)).Column("listed_item.visit_id").Join("JOIN visits AS v ON v.id = listed_item.visit_id").
		Where("listed_item.id = ? AND v.case_id = ?", id, caseID).Scan(ctx, &visitID)
	if errors.Is(err, sql.ErrNoRows) {
		err = itemUnknown()
	}
	return visitID, err
}

func listPhotos(ctx context.Context, q bun.IDB, items []ListedItem) (out []ItemPhoto, err error) {
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	err = q.NewSelect().Model(&out).Where("item_id IN (?)", bun.List(ids)).Order("sent_at", "id").Scan(ctx)
	return out, err
}

func answerPhoto(ctx context.Context, tx bun.IDB, photo ItemPhoto) error {
	res, err := tx.NewUpdate().Model(&photo).Column("answer", "reason", "answered_at", "answered_by").
		Where("id = ? AND answered_at IS NULL", photo.ID).Exec(ctx)
	return exactlyOne(res, err, "bad_move")
}
