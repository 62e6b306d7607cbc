package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// upsertPapers enters papers, or one more copy of those that are there already,
// whose number stays. The rows come back as they are now.
func upsertPapers(ctx context.Context, tx bun.IDB, papers []Paper) error {
	rows := slices.Clone(papers) // in one order, so that two prints never wait for each other
	slices.SortFunc(rows, func(a, b Paper) int { return strings.Compare(a.Subject, b.Subject) })
	_, err := tx.NewInsert().Model(&rows).
		On("CONFLICT (kind, subject) DO UPDATE").
		Set("copies = ?TableAlias.copies + 1, data = EXCLUDED.data, printed_at = EXCLUDED.printed_at, printed_by = EXCLUDED.printed_by").
		Returning("*").Exec(ctx)
	if err != nil {
		return fmt.Errorf("enter papers: %w", err)
	}
	for i := range papers {
		papers[i] = rows[slices.IndexFunc(rows, func(r Paper) bool { return r.Subject == papers[i].Subject })]
	}
	return nil
}

func findPaper(ctx context.Context, q bun.IDB, kind PaperKind, number string) (Paper, error) {
	var p Paper
	err := found(q.NewSelect().Model(&p).Where("kind = ? AND number = ?", kind, number).Limit(1).Scan(ctx))
	return p, err
}

func parcelsByID(ctx context.Context, q bun.IDB, ids []string) (map[string]Parcel, error) {
	var rows []Parcel
	if err := q.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	out := map[string]Parcel{}
	for _, p := range rows {
		out[p.ID] = p
	}
	return out, nil
}

// waybillNumbers are the carriers' numbers of those parcels that were posted.
func waybillNumbers(ctx context.Context, q bun.IDB, parcelIDs []string) (map[string]string, error) {
	var rows []Waybill
	if err := q.NewSelect().Model(&rows).Where("parcel_id IN (?)", bun.List(parcelIDs)).Scan(ctx); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, w := range rows {
		out[w.ParcelID] = w.Number
	}
	return out, nil
}

// unlabelled are sealed parcels at a window without a label, the most urgent
// first.
func unlabelled(ctx context.Context, q bun.IDB, centre string) (ids []string, err error) {
	err = q.NewSelect().Model((*Parcel)(nil)).Column("id").
		Where("centre_id = ? AND state = ?", centre, ParcelSealed).
		Where("id NOT IN (SELECT subject FROM papers WHERE kind = ?)", PaperLabel).
		OrderExpr("CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, id").Limit(maxLabels).Scan(ctx, &ids)
	return ids, err
}
