package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// openAlerts puts alerts in, or opens again those that had ended, and gives the
// ones that this changed. The constraint decides, so two processes at once raise
// one (DEL-740).
func openAlerts(ctx context.Context, tx bun.IDB, alerts []Alert) ([]Alert, error) {
	var opened []Alert
	err := tx.NewInsert().Model(&alerts).
		On("CONFLICT (subject, kind) DO UPDATE").
		Set("cleared_at = NULL").Set("cleared_by = ''").Set("note = ''").Set("next_at = EXCLUDED.next_at").Set("asked_for = EXCLUDED.asked_for").
		Where("alert.cleared_at IS NOT NULL").
		Returning("*").Scan(ctx, &opened)
	if err != nil {
		return nil, fmt.Errorf("insert alerts: %w", err)
	}
	return opened, nil
}

// sealers are who sealed parcels, by parcel.
func sealers(ctx context.Context, q bun.IDB, parcelIDs []string) (map[string]string, error) {
	var rows []Parcel
	err := q.NewSelect().Model(&rows).Column("id", "sealed_by").Where("id IN (?)", bun.List(parcelIDs)).Scan(ctx)
	out := map[string]string{}
	for _, p := range rows {
		out[p.ID] = p.SealedBy
	}
	return out, err
}

// endAlerts ends open alerts.
func endAlerts(ctx context.Context, tx bun.IDB, ids []string, now time.Time, by, note string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.NewUpdate().Model((*Alert)(nil)).Set("cleared_at = ?", now).Set("cleared_by = ?", by).Set("note = ?", note).
		Where("id IN (?) AND cleared_at IS NULL", bun.List(ids)).Exec(ctx)
	return err
}

func findAlert(ctx context.Context, q bun.IDB, id string) (a Alert, err error) {
	err = found(q.NewSelect().Model(&a).Where("id = ?", id).Scan(ctx))
	return a, err
}

func openAlertsOf(ctx context.Context, q bun.IDB, parcelIDs []string) (out []Alert, err error) {
	err = q.NewSelect().Model(&out).Where("parcel_id IN (?) AND cleared_at IS NULL", bun.List(parcelIDs)).Order("raised_at", "id").Scan(ctx)
	return out, err
}

// openAlertsAbout are the open alerts about the set of a case, a transfer or a bag.
func openAlertsAbout(ctx context.Context, q bun.IDB, subject string) (out []Alert, err error) {
	err = q.NewSelect().Model(&out).Where("subject = ? AND cleared_at IS NULL", subject).Order("raised_at", "id").Scan(ctx)
	return out, err
}

// notOpenFor says that no alert of a kind is open about the parcel of the query.
const notOpenFor = "NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.subject = ?TableAlias.id AND a.kind = ? AND a.cleared_at IS NULL)"

// lateParcels are those that a level of the promise is due for and not raised.
func lateParcels(ctx context.Context, q bun.IDB, kind AlertKind, now time.Time) (ids []string, err error) {
	if kind == AlertOversight {
		err = q.NewSelect().Model((*Alert)(nil)).Column("parcel_id").
			Where("kind = ? AND cleared_at IS NULL AND next_at <= ?", AlertRed, now).
			Where("NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.subject = ?TableAlias.subject AND a.kind = ? AND a.cleared_at IS NULL)", kind).
			Order("next_at", "id").Limit(watchBatch).Scan(ctx, &ids)
		return ids, err
	}
	s := q.NewSelect().Model((*Parcel)(nil)).Column("id").Where(stillOpen).Where(notOpenFor, kind).Order("due_at", "id").Limit(watchBatch)
	if kind == AlertAmber {
		s = coloured(s, ColourAmber, now)
	} else {
		s = coloured(s, ColourRed, now)
	}
	err = s.Scan(ctx, &ids)
	return ids, err
}

// unsignedByLimit are the transfers and bags whose limit has passed and whose
// receiver was not reminded.
func unsignedByLimit(ctx context.Context, q bun.IDB, now time.Time) (out []handOff, err error) {
	for _, of := range []struct {
		kind  EntryKind
		model any
	}{{EntryTransfer, (*Transfer)(nil)}, {EntryBag, (*Bag)(nil)}} {
		var ids []string
		err := q.NewSelect().Model(of.model).Column("id").Where("state = 'released' AND due_at < ?", now).
			Where("NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.subject = ?TableAlias.id AND a.kind IN (?))", bun.List(signReminders)).
			Order("due_at", "id").Limit(watchBatch).Scan(ctx, &ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			out = append(out, handOff{of.kind, id})
		}
	}
	return out, nil
}

var signReminders = []AlertKind{AlertSignWindow, AlertSignDepartment}

// unsignedForLong are those whose supervisor is to hear of it.
func unsignedForLong(ctx context.Context, q bun.IDB, now time.Time) (out []handOff, err error) {
	var rows []Alert
	err = q.NewSelect().Model(&rows).Where("kind IN (?) AND cleared_at IS NULL AND next_at <= ?", bun.List(signReminders), now).
		Where("NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.subject = ?TableAlias.subject AND a.kind = ?)", AlertSignLate).
		Order("next_at", "id").Limit(watchBatch).Scan(ctx)
	for _, a := range rows {
		if a.BagID != "" {
			out = append(out, handOff{EntryBag, a.BagID})
		} else {
			out = append(out, handOff{EntryTransfer, a.TransferID})
		}
	}
	return out, err
}

// missingLate are the parcels whose receivers reported that they did not arrive
// and whose window has not settled that in its term.
func missingLate(ctx context.Context, q bun.IDB, now time.Time) (ids []string, err error) {
	err = q.NewSelect().Model((*Alert)(nil)).Column("parcel_id").
		Where("kind = ? AND cleared_at IS NULL AND next_at <= ?", AlertMissing, now).
		Where("NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.subject = ?TableAlias.subject AND a.kind = ? AND a.cleared_at IS NULL)", AlertMissingLate).
		Order("next_at", "id").Limit(watchBatch).Scan(ctx, &ids)
	return ids, err
}

// reportsOf are the alerts that applicants raised about their parcels, by parcel.
func reportsOf(ctx context.Context, q bun.IDB, parcelIDs []string) (map[string][]Alert, error) {
	var rows []Alert
	err := q.NewSelect().Model(&rows).Where("subject IN (?)", bun.List(parcelIDs)).
		Where("kind IN (?)", bun.List([]AlertKind{AlertSlotAsked, AlertMissing})).Scan(ctx)
	out := map[string][]Alert{}
	for _, a := range rows {
		out[a.ParcelID] = append(out[a.ParcelID], a)
	}
	return out, err
}

// reviseSlot writes the time that is asked for now into an open alert, and reports
// whether it was that already.
func reviseSlot(ctx context.Context, tx bun.IDB, a Alert) (same bool, err error) {
	res, err := tx.NewUpdate().Model((*Alert)(nil)).Set("asked_for = ?", a.AskedFor).
		Where("subject = ? AND kind = ? AND cleared_at IS NULL AND asked_for <> ?", a.Subject, a.Kind, a.AskedFor).Exec(ctx)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 0, err
}

// troubled are the parcels that did not simply arrive.
func troubled(ctx context.Context, q bun.IDB) (out []Parcel, err error) {
	states := []ParcelState{ParcelAttemptFailed, ParcelUnverified, ParcelReturning, ParcelLost, ParcelDamaged}
	err = q.NewSelect().Model(&out).Where(stillOpen).Where("state IN (?)", bun.List(states)).Order("since", "id").Limit(2000).Scan(ctx)
	return out, err
}

// saidReturned is when the carriers of parcels that come back reported that they
// had returned them (DEL-425).
func saidReturned(ctx context.Context, q bun.IDB, parcels []Parcel) (map[string]time.Time, error) {
	var ids []string
	for _, p := range parcels {
		if p.State == ParcelReturning && p.Way == WayEMS {
			ids = append(ids, p.ID)
		}
	}
	out := map[string]time.Time{}
	if len(ids) == 0 {
		return out, nil
	}
	events, err := eventsOf(ctx, q, ids)
	for id, rows := range events {
		for _, e := range rows {
			if slices.Contains(e.Checked.Flags, ExceptionCarrierReturned) && (out[id].IsZero() || e.ReceivedAt.Before(out[id])) {
				out[id] = e.ReceivedAt
			}
		}
	}
	return out, err
}

// casesDecided are the cases with results that have not left and were decided by
// a day, and those with an alert about their set.
func casesDecided(ctx context.Context, q bun.IDB, by workday.Date) (ids []string, err error) {
	err = q.NewSelect().Model((*ResultLine)(nil)).ColumnExpr("DISTINCT case_id").
		Where(notYetSent+" AND decided_on <> '' AND decided_on <= ? OR case_id IN (SELECT a.subject FROM alerts AS a WHERE a.cleared_at IS NULL AND a.subject = a.case_id)", by.String()).
		Order("case_id").Limit(2000).Scan(ctx, &ids)
	return ids, err
}

// longOnShelf are the results that came back, or were not collected, and have
// lain at the window since before an instant; each is listed once.
func longOnShelf(ctx context.Context, q bun.IDB, since time.Time) (out []Item, err error) {
	err = q.NewSelect().Model(&out).Where("custodian_kind = ? AND line_id <> ''", AtWindow).
		Where("NOT EXISTS (SELECT 1 FROM alerts AS a WHERE a.subject = ?TableAlias.id AND a.kind = ?)", AlertShelfOver).
		Where("(parcel_id = '' AND (SELECT max(e.at) FROM custody_events AS e WHERE e.item_id = ?TableAlias.id AND e.kind = ?) <= ?"+
			" OR EXISTS (SELECT 1 FROM parcels AS p WHERE p.id = ?TableAlias.parcel_id AND p.way = ? AND p.state = 'sealed' AND p.sealed_at <= ?))",
			CustodyShelved, since, WayWindow, since).
		Order("id").Limit(watchBatch).Scan(ctx)
	return out, err
}

// endGoneFromShelf ends the alerts about items that have left the window.
func endGoneFromShelf(ctx context.Context, tx bun.IDB, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Alert)(nil)).Set("cleared_at = ?", now).Set("cleared_by = 'system:watch'").
		Where("kind = ? AND cleared_at IS NULL", AlertShelfOver).
		Where("subject NOT IN (SELECT i.id FROM items AS i WHERE i.custodian_kind = ?)", AtWindow).Exec(ctx)
	return err
}

func listAlerts(ctx context.Context, q bun.IDB, by auth.Actor, query AlertQuery) (out []Alert, err error) {
	s := q.NewSelect().Model(&out).OrderExpr("CASE WHEN cleared_at IS NULL THEN 0 ELSE 1 END, raised_at, id").Limit(page(query.Limit))
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
	case atWindow(by):
		s = s.Where("centre_id = ?", by.Centre)
		if !by.Is(auth.Supervisor) { // its time would tell who rated (DEL-1206)
			s = s.Where("kind NOT IN (?)", bun.List([]AlertKind{AlertCallBack, AlertCallBackLate}))
		}
	case ofDepartment(by, by.Department):
		s = s.Where("department_id = ? AND level = ?", by.Department, ForDepartment)
	default:
		s = s.Where("1 = 0")
	}
	if query.Level != "" {
		s = s.Where("level = ?", query.Level)
	}
	if query.Kind != "" {
		s = s.Where("kind = ?", query.Kind)
	}
	if !query.All {
		s = s.Where("cleared_at IS NULL")
	}
	return out, s.Scan(ctx)
}
