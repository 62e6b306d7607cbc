package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/fault"
)

func insertParcel(ctx context.Context, tx bun.IDB, p *Parcel) error {
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		return fmt.Errorf("insert parcel: %w", err)
	}
	return nil
}

func findParcel(ctx context.Context, q bun.IDB, id string) (Parcel, error) {
	var p Parcel
	err := found(q.NewSelect().Model(&p).Where("id = ?", id).Scan(ctx))
	return p, err
}

func findParcelNumber(ctx context.Context, q bun.IDB, number string) (Parcel, error) {
	var p Parcel
	err := found(q.NewSelect().Model(&p).Where("number = ?", number).Scan(ctx))
	return p, err
}

// findSecret reads a secret of a parcel, the zero one if there is none.
func findSecret(ctx context.Context, q bun.IDB, parcelID string, kind SecretKind) (Secret, error) {
	var all []Secret
	err := q.NewSelect().Model(&all).Where("parcel_id = ? AND kind = ?", parcelID, kind).Scan(ctx)
	if err != nil || len(all) == 0 {
		return Secret{}, err
	}
	return all[0], nil
}

// lockParcels reads parcels by id or number and keeps others from moving them
// until the commit. Whoever also needs lines or items locks them afterwards.
func lockParcels(ctx context.Context, tx bun.IDB, column string, values []string) (out []Parcel, err error) {
	if len(values) == 0 {
		return nil, nil
	}
	q := tx.NewSelect().Model(&out).Where("? IN (?)", bun.Ident(column), bun.List(values)).Order("id")
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	return out, q.Scan(ctx)
}

func lockParcel(ctx context.Context, tx bun.IDB, id string) (Parcel, error) {
	all, err := lockParcels(ctx, tx, "id", []string{id})
	if err == nil && len(all) == 0 {
		err = notFound()
	}
	if err != nil {
		return Parcel{}, err
	}
	return all[0], nil
}

// parcelsAfter gives parcels in the order of their ids, locked for a writer.
func parcelsAfter(ctx context.Context, q bun.IDB, id string, limit int, write bool) (out []Parcel, err error) {
	s := q.NewSelect().Model(&out).Where("id > ?", id).Order("id").Limit(int64(limit))
	if write && db.Postgres(q) {
		s = s.For("UPDATE")
	}
	return out, s.Scan(ctx)
}

// projection are the columns that the fold of the events gives.
var projection = []string{
	"courier_id", "state", "since", "slot", "handed_over_at", "delivered_at", "attempts", "exceptions", "result", "due_at", "hand_over_by", "arrive_by", "pauses",
	"dwell", "closed_quality", "failed_first", "failed_fault", "area", "tried_hour",
}

func updateParcel(ctx context.Context, tx bun.IDB, p *Parcel) error {
	res, err := tx.NewUpdate().Model(p).Column(projection...).Set("version = version + 1").
		Where("id = ? AND version = ?", p.ID, p.Version).Exec(ctx)
	if err := exactlyOne(res, err, parcelMoved); err != nil {
		return err
	}
	p.Version++
	return nil
}

func parcelMoved() *fault.Error {
	return fault.Refuse(fault.Conflict, "parcel_moved",
		"邮件状态已变化，请刷新后再操作", "the parcel has moved on; read it again before acting")
}

func insertEvents(ctx context.Context, tx bun.IDB, rows []EventRow) error {
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return fmt.Errorf("insert parcel events: %w", err)
	}
	var named []eventBlob
	for _, e := range rows {
		for _, sum := range e.Proofs {
			b := eventBlob{SHA256: sum, EventID: e.ID, ParcelID: e.ParcelID}
			if !slices.Contains(named, b) {
				named = append(named, b)
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&named).Exec(ctx)
	return err
}

// eventBlob says that an event names a blob, which may still be to come.
type eventBlob struct {
	bun.BaseModel `bun:"table:parcel_event_blobs"`

	SHA256   string `bun:"sha256,pk"`
	EventID  string `bun:",pk"`
	ParcelID string
}

func eventsOf(ctx context.Context, q bun.IDB, parcelIDs []string) (map[string][]EventRow, error) {
	var rows []EventRow
	err := q.NewSelect().Model(&rows).Where("parcel_id IN (?)", bun.List(parcelIDs)).Order("id").Scan(ctx)
	out := map[string][]EventRow{}
	for _, e := range rows {
		out[e.ParcelID] = append(out[e.ParcelID], e)
	}
	return out, err
}

// storedHashes gives the hash of those ids that are on record.
func storedHashes(ctx context.Context, q bun.IDB, ids []string) (map[string]string, error) {
	out := map[string]string{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []EventRow
	err := q.NewSelect().Model(&rows).Column("id", "payload_hash").Where("id IN (?)", bun.List(ids)).Scan(ctx)
	for _, e := range rows {
		out[e.ID] = e.PayloadHash
	}
	return out, err
}

// aroundOf gives what is known of a device in a span of sequence numbers and
// the last and first time near it: enough to see a clock that went back, without
// reading the device's whole life.
func aroundOf(ctx context.Context, q bun.IDB, device string, low, high int64) (out []EventRow, err error) {
	const reach = 50
	const columns = "SELECT id, seq, claimed_at, ahead FROM parcel_events WHERE device_id = ? AND seq BETWEEN ? AND ?"
	err = q.NewRaw(columns+
		" UNION ALL SELECT * FROM ("+columns+" AND NOT ahead ORDER BY claimed_at DESC LIMIT 1) AS before"+
		" UNION ALL SELECT * FROM ("+columns+" AND NOT ahead ORDER BY claimed_at LIMIT 1) AS behind",
		device, low, high, device, low-reach, low-1, device, high+1, high+reach).Scan(ctx, &out)
	return out, err
}

func insertRefusals(ctx context.Context, tx bun.IDB, rows []Refusal) error {
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

func listRefusals(ctx context.Context, q bun.IDB, by auth.Actor, query RefusalQuery) (out []Refusal, err error) {
	s := q.NewSelect().Model(&out).Order("received_at DESC", "id DESC").Limit(page(query.Limit))
	if by.Kind != auth.KindSystem && !by.Is(auth.Auditor) {
		s = s.Where("centre_id = ?", by.Centre)
	}
	if !query.Before.IsZero() {
		s = s.Where("received_at < ?", query.Before)
	}
	return out, s.Scan(ctx)
}

func deleteRefusals(ctx context.Context, tx bun.IDB, before time.Time) error {
	_, err := tx.NewDelete().Model((*Refusal)(nil)).Where("received_at < ?", before).Exec(ctx)
	return err
}

// assignment says that a courier had a parcel; one without an end has it now.
type assignment struct {
	bun.BaseModel `bun:"table:parcel_couriers"`

	ID         string `bun:",pk"`
	ParcelID   string
	CourierID  string
	AssignedAt time.Time
	AssignedBy string
	EndedAt    time.Time `bun:",nullzero"`
}

// assignmentsOf gives when a courier had parcels, by parcel, the last one only.
func assignmentsOf(ctx context.Context, q bun.IDB, courier string, parcelIDs []string) (map[string]assignment, error) {
	out := map[string]assignment{}
	if len(parcelIDs) == 0 {
		return out, nil
	}
	var rows []assignment
	err := q.NewSelect().Model(&rows).Where("courier_id = ? AND parcel_id IN (?)", courier, bun.List(parcelIDs)).Order("assigned_at", "id").Scan(ctx)
	for _, a := range rows {
		out[a.ParcelID] = a
	}
	return out, err
}

// assign gives a parcel to a courier and ends what was before.
func assign(ctx context.Context, tx bun.IDB, a *assignment) error {
	if err := endAssignments(ctx, tx, a.ParcelID, a.AssignedAt); err != nil {
		return err
	}
	_, err := tx.NewInsert().Model(a).Exec(ctx)
	return err
}

func endAssignments(ctx context.Context, tx bun.IDB, parcelID string, at time.Time) error {
	_, err := tx.NewUpdate().Model((*assignment)(nil)).Set("ended_at = ?", at).
		Where("parcel_id = ? AND ended_at IS NULL", parcelID).Exec(ctx)
	return err
}

func insertSecret(ctx context.Context, tx bun.IDB, s *Secret) error {
	_, err := tx.NewInsert().Model(s).Exec(ctx)
	return err
}

// lockSecret reads a secret of a parcel; ok is false if it has none of the kind.
func lockSecret(ctx context.Context, tx bun.IDB, parcelID string, kind SecretKind) (s Secret, ok bool, err error) {
	var all []Secret
	q := tx.NewSelect().Model(&all).Where("parcel_id = ? AND kind = ?", parcelID, kind)
	if db.Postgres(tx) {
		q = q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil || len(all) == 0 {
		return Secret{}, false, err
	}
	return all[0], true, nil
}

func updateSecret(ctx context.Context, tx bun.IDB, s *Secret) error {
	_, err := tx.NewUpdate().Model(s).Column("hash", "tries", "locked_until", "resent", "made_at", "tried_on", "day_tries").WherePK().Exec(ctx)
	return err
}

// insertBlob keeps what a blob is; the same bytes twice are one.
func insertBlob(ctx context.Context, tx bun.IDB, b *Blob) error {
	_, err := tx.NewInsert().Model(b).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

func findBlob(ctx context.Context, q bun.IDB, sum string) (Blob, error) {
	var b Blob
	err := found(q.NewSelect().Model(&b).Where("sha256 = ?", sum).Scan(ctx))
	return b, err
}

// blobsOf gives the blobs that are here of those named.
func blobsOf(ctx context.Context, q bun.IDB, sums []string) (out []Blob, err error) {
	if len(sums) == 0 {
		return nil, nil
	}
	err = q.NewSelect().Model(&out).Where("sha256 IN (?)", bun.List(sums)).Order("sha256").Scan(ctx)
	return out, err
}

func namesBlob(ctx context.Context, q bun.IDB, parcelID, sum string) error {
	n, err := q.NewSelect().Model((*eventBlob)(nil)).Where("sha256 = ? AND parcel_id = ?", sum, parcelID).Count(ctx)
	if err == nil && n == 0 {
		err = notFound()
	}
	return err
}

// parcelsNaming gives the parcels whose events name a blob.
func parcelsNaming(ctx context.Context, q bun.IDB, sum string) (ids []string, err error) {
	err = q.NewSelect().Model((*eventBlob)(nil)).ColumnExpr("DISTINCT parcel_id").Where("sha256 = ?", sum).Order("parcel_id").Scan(ctx, &ids)
	return ids, err
}

// itemsIn gives what lies in parcels now, by parcel.
func itemsIn(ctx context.Context, q bun.IDB, parcelIDs []string) (map[string][]Item, error) {
	var rows []Item
	err := q.NewSelect().Model(&rows).Where("parcel_id IN (?)", bun.List(parcelIDs)).Order("id").Scan(ctx)
	out := map[string][]Item{}
	for _, i := range rows {
		out[i.ParcelID] = append(out[i.ParcelID], i)
	}
	return out, err
}

// itemsSealed gives what was sealed into a parcel, also what has left it since.
func itemsSealed(ctx context.Context, q bun.IDB, parcelID string) (out []Item, err error) {
	err = q.NewSelect().Model(&out).
		Where("id IN (SELECT s.item_id FROM custody_events AS s WHERE s.parcel_id = ? AND s.kind = ?)", parcelID, CustodySealed).
		Order("id").Scan(ctx)
	return out, err
}

// parcelsOfCase gives the parcels of a case, oldest first.
func parcelsOfCase(ctx context.Context, q bun.IDB, caseID string) (out []Parcel, err error) {
	err = q.NewSelect().Model(&out).Where("case_id = ?", caseID).Order("sealed_at", "id").Scan(ctx)
	return out, err
}

// openStates are those in which a parcel is still on its way.
func openStates() (out []ParcelState) {
	for _, r := range ParcelStates {
		if !r.State.Terminal() {
			out = append(out, r.State)
		}
	}
	return out
}

// stillOpen says openStates in the words of the index parcels_open: a database
// uses that index only for a question in the same words.
const stillOpen = "state NOT IN ('delivered', 'returned', 'collected_at_window', 'written_off', 'cancelled')"

// parcelsOfSending gives the pieces of a sending in their order, one that was
// sent again after what came back.
func parcelsOfSending(ctx context.Context, q bun.IDB, sending string) (out []Parcel, err error) {
	err = q.NewSelect().Model(&out).Where("sending_id = ?", sending).Order("piece", "sealed_at", "id").Scan(ctx)
	return out, err
}

// heldStates are those in which the window still has it.
var heldStates = []ParcelState{ParcelDrafted, ParcelSealed}

func listParcels(ctx context.Context, q bun.IDB, by auth.Actor, query ParcelQuery, now time.Time) (out []Parcel, err error) {
	s := q.NewSelect().Model(&out).OrderExpr("CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, id").Limit(page(query.Limit))
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
	case atWindow(by):
		s = s.Where("centre_id = ?", by.Centre)
	default:
		s = s.Where("1 = 0")
	}
	if query.State != "" {
		s = s.Where("state = ?", query.State)
	}
	if query.CaseID != "" {
		s = s.Where("case_id = ?", query.CaseID)
	}
	if query.Open {
		s = s.Where(stillOpen)
	}
	if !query.Before.IsZero() {
		s = s.Where("due_at > ?", query.Before)
	}
	if query.Courier != "" {
		s = s.Where("courier_id = ?", query.Courier)
	}
	if !query.DueFrom.IsZero() {
		s = s.Where("due_at >= ?", query.DueFrom)
	}
	if !query.DueTo.IsZero() {
		s = s.Where("due_at < ?", query.DueTo)
	}
	if query.Result != "" {
		s = s.Where(resultNow+" = ?", ResultRunning, now, ResultMissed, query.Result)
	}
	if query.Search != "" {
		s = s.Where("(lower(number) LIKE ? ESCAPE '\\' OR lower(case_number) LIKE ? ESCAPE '\\')", like(query.Search), like(query.Search))
	}
	return out, coloured(s, query.Colour, now).Scan(ctx)
}

// resultNow is the result as it is at an instant: a promise that nobody has touched
// since it ran out is missed.
const resultNow = "CASE WHEN result = ? AND due_at < ? THEN ? ELSE result END"

// coloured narrows to a light; it says the same as Parcel.colour, in SQL.
func coloured(s *bun.SelectQuery, c PromiseColour, now time.Time) *bun.SelectQuery {
	red := func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("due_at < ? AND state IN (?)", now, bun.List(undelivered()))
	}
	amber := func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("due_at >= ?", now).WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("hand_over_by <= ? AND state IN (?)", now, bun.List(heldStates)).WhereOr(expectedLate)
		})
	}
	switch c {
	case ColourRed:
		return red(s)
	case ColourAmber:
		return amber(s)
	case ColourGreen:
		return s.Where("due_at IS NULL OR state NOT IN (?) OR due_at >= ? AND NOT (hand_over_by <= ? AND state IN (?)) AND NOT COALESCE("+expectedLate+", FALSE)",
			bun.List(undelivered()), now, now, bun.List(heldStates))
	}
	return s
}

// expectedLate is a parcel whose expected arrival leaves the promise no spare time,
// in the words of the index parcels_predicted.
const expectedLate = "(predicted_p80 IS NOT NULL AND state IN ('handed_over', 'out_for_delivery', 'arrived') AND predicted_p80 > arrive_by)"

// undelivered are the states in which the promise can still be broken.
func undelivered() []ParcelState {
	return slices.DeleteFunc(openStates(), func(s ParcelState) bool { return s == ParcelUnverified })
}

// roundOf gives the open parcels of a courier, the most urgent first.
func roundOf(ctx context.Context, q bun.IDB, courier string) (out []Parcel, err error) {
	err = q.NewSelect().Model(&out).Where("courier_id = ? AND state IN (?)", courier, bun.List(openStates())).
		OrderExpr("CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, id").Limit(500).Scan(ctx)
	return out, err
}

// loads counts the open parcels of couriers.
func loads(ctx context.Context, q bun.IDB, centre string) (map[string]int, error) {
	var rows []struct {
		CourierID string
		N         int
	}
	err := q.NewSelect().Model((*Parcel)(nil)).Column("courier_id").ColumnExpr("count(*) AS n").
		Where("centre_id = ? AND courier_id <> '' AND state IN (?)", centre, bun.List(openStates())).Group("courier_id").Scan(ctx, &rows)
	out := map[string]int{}
	for _, r := range rows {
		out[r.CourierID] = r.N
	}
	return out, err
}
