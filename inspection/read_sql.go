package inspection

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/slot"
)

func page(limit int) int64 {
	if limit <= 0 {
		return 50
	}
	return int64(min(limit, 200))
}

// readable narrows a query on cases to what the actor may read; it says the
// same as MayRead, in SQL (SEC-2).
func readable(q *bun.SelectQuery, by auth.Actor, alias string) *bun.SelectQuery {
	col := func(name string) bun.Ident { return bun.Ident(alias + "." + name) }
	switch {
	case by.Kind == auth.KindSystem, by.Is(auth.Auditor):
		return q
	case atWindow(by):
		return q.Where("(? = ? OR ? = ?)", col("centre_id"), by.Centre, col("organiser_centre"), by.Centre)
	case by.Kind == auth.KindKey && len(by.Divisions) > 0:
		return q.Where("? IN (?)", col("division"), bun.List(by.Divisions))
	case by.Kind != auth.KindKey && by.Department != "":
		return q.Where("EXISTS (SELECT 1 FROM case_departments AS m WHERE m.case_id = ? AND m.department_id = ?)", col("id"), by.Department)
	}
	return q.Where("1 = 0")
}

func listCases(ctx context.Context, q bun.IDB, by auth.Actor, query CaseQuery) (out []Case, err error) {
	s := readable(q.NewSelect().Model(&out).ModelTableExpr("cases AS c").ColumnExpr("c.*"), by, "c").Order("c.id DESC").Limit(page(query.Limit))
	if query.Search != "" {
		s = s.Where("c.search LIKE ? ESCAPE '\\'", like(query.Search))
	}
	if query.State != "" {
		s = s.Where("c.state = ?", query.State)
	}
	if query.Before != "" {
		s = s.Where("c.id < ?", query.Before)
	}
	return out, s.Scan(ctx)
}

// like is a substring pattern over a folded column (STK-23). PostgreSQL takes no
// NUL in any text.
func like(text string) string {
	return "%" + strings.NewReplacer("\x00", "", `\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(text))) + "%"
}

func listUnbooked(ctx context.Context, q bun.IDB, centre string) (out []Case, err error) {
	err = q.NewSelect().Model(&out).Where("organiser_centre = ? AND state = ?", centre, CaseAccepted).
		Order("limit_date", "id").Limit(100).Scan(ctx)
	return out, err
}

func listVisits(ctx context.Context, q bun.IDB, by auth.Actor, query VisitQuery) (out []Visit, err error) {
	// EXISTS and not a join: a planner starts a join at the cases of the centre,
	// which are all of its years, and not at the few visits of a day.
	cases := readable(q.NewSelect().TableExpr("cases AS c").ColumnExpr("1").Where("c.id = v.case_id"), by, "c")
	if query.Search != "" {
		cases = cases.Where("c.search LIKE ? ESCAPE '\\'", like(query.Search))
	}
	s := q.NewSelect().Model(&out).ModelTableExpr("visits AS v").ColumnExpr("v.*").Where("EXISTS (?)", cases).
		Limit(page(query.Limit))
	if query.Over {
		s = s.OrderExpr("v.start_at IS NULL DESC, v.start_at DESC, v.id DESC").Where("v.state IN (?)", bun.List(endedVisits))
	} else {
		s = s.OrderExpr("v.start_at IS NULL, v.start_at, v.id")
	}
	if query.Ahead {
		s = s.Where("v.state NOT IN (?)", bun.List(endedVisits))
	}
	if query.CaseID != "" {
		s = s.Where("v.case_id = ?", query.CaseID)
	}
	if query.State != "" {
		s = s.Where("v.state = ?", query.State)
	}
	if !query.From.IsZero() {
		s = s.Where("v.start_at >= ?", query.From.UTC())
	}
	if !query.To.IsZero() {
		s = s.Where("v.start_at < ?", query.To.UTC())
	}
	switch after := query.After; {
	case after == Position{}:
	case after.Rank == 0:
		s = s.Where("(v.start_at IS NULL OR (v.start_at, v.id) > (?, ?))", after.At, after.ID)
	default:
		s = s.Where("v.start_at IS NULL AND v.id > ?", after.ID)
	}
	return out, s.Scan(ctx)
}

// endedVisits are the states after which nothing happens on a visit any more.
var endedVisits = []VisitState{VisitClosed, VisitNotHeld, VisitCancelled}

// listUnfinished gives a centre's visits before an instant that have not come
// to their end, oldest first.
func listUnfinished(ctx context.Context, q bun.IDB, centre string, before time.Time) (out []Visit, err error) {
	states := []VisitState{VisitOffered, VisitConfirmed, VisitInProgress, VisitCollecting}
	err = q.NewSelect().Model(&out).Where("centre_id = ? AND state IN (?) AND start_at < ?", centre, bun.List(states), before.UTC()).
		Order("start_at", "id").Limit(200).Scan(ctx)
	return out, err
}

func listTasks(ctx context.Context, q bun.IDB, centre string, after Position, limit int) (out []Task, err error) {
	s := q.NewSelect().Model(&out).Where("centre_id = ? AND done_at IS NULL", centre).Order("created_at", "id").Limit(page(limit))
	if after != (Position{}) {
		s = s.Where("(created_at, id) > (?, ?)", after.At, after.ID)
	}
	return out, s.Scan(ctx)
}

func listWaiting(ctx context.Context, q bun.IDB, centre string) (waiting, held []Waiting, err error) {
	var rows []Waiting
	err = q.NewSelect().Model(&rows).ModelTableExpr("participants AS p").ColumnExpr("p.*").
		ColumnExpr("v.case_number, v.matter_code, v.matter_name, v.start_at").Join("JOIN visits AS v ON v.id = p.visit_id").
		Where("v.centre_id = ? AND v.state IN (?)", centre, bun.List([]VisitState{VisitOffered, VisitConfirmed})).
		Where("p.required AND p.consent IN (?)", bun.List(open)).
		OrderExpr("p.respond_by IS NULL, p.respond_by").Limit(500).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return nil, nil, err
	}
	reasons, err := holdReasons(ctx, q, rows)
	for _, w := range rows {
		if w.Reasons = reasons[w.ID]; len(w.Reasons) > 0 {
			held = append(held, w)
		} else {
			waiting = append(waiting, w)
		}
	}
	return waiting, held, err
}

func holdReasons(ctx context.Context, q bun.IDB, rows []Waiting) (map[string][]HoldReason, error) {
	ids := make([]string, len(rows))
	for i, w := range rows {
		ids[i] = w.ID
	}
	holds, err := listHolds(ctx, q, ids)
	out := map[string][]HoldReason{}
	for _, h := range holds {
		if h.EndedAt.IsZero() {
			out[h.ParticipantID] = append(out[h.ParticipantID], h.Reason)
		}
	}
	return out, err
}

// listInbox chooses the lines by what orders them and reads only those whole: a
// large department has thousands of invitations in a year.
func listInbox(ctx context.Context, q bun.IDB, department string, query InboxQuery) (out []InboxLine, err error) {
	const rank = "CASE WHEN p.consent IN (?) THEN 0 ELSE 1 END"
	order := func(s *bun.SelectQuery) *bun.SelectQuery {
		return s.Join("JOIN visits AS v ON v.id = p.visit_id").OrderExpr(rank+", v.start_at DESC, p.id DESC", bun.List(open))
	}
	lines := order(q.NewSelect().TableExpr("participants AS p").ColumnExpr("p.id")).
		Where("p.department_id = ? AND v.state <> ?", department, VisitDraft).Limit(page(query.Limit))
	if query.Participant != "" {
		lines = lines.Where("p.id = ?", query.Participant)
	}
	if after := query.After; after != (Position{}) {
		lines = lines.Where("("+rank+" > ? OR "+rank+" = ? AND (v.start_at, p.id) < (?, ?))",
			bun.List(open), after.Rank, bun.List(open), after.Rank, after.At, after.ID)
	}
	err = order(q.NewSelect().Model(&out).ModelTableExpr("participants AS p").ColumnExpr("p.*").
		ColumnExpr("v.case_number, v.matter_code, v.matter_name, v.kind, v.revisit_of, v.place, v.start_at, v.end_at, v.state")).
		Where("p.id IN (?)", lines).Scan(ctx)
	return out, err
}

func viewVisit(ctx context.Context, q bun.IDB, id string) (out VisitView, err error) {
	if out.Visit, err = findVisit(ctx, q, id); err != nil {
		return out, err
	}
	if out.Case, err = findCase(ctx, q, out.CaseID); err != nil {
		return out, err
	}
	if out.Centre, err = office.FindCentre(ctx, q, out.CentreID); err != nil {
		return out, err
	}
	if out.Rounds, err = listRounds(ctx, q, id); err != nil {
		return out, err
	}
	if out.Agreements, err = listAgreements(ctx, q, id); err != nil {
		return out, err
	}
	if out.CheckIns, err = listCheckIns(ctx, q, out.Visit); err != nil {
		return out, err
	}
	out.Signing = out.Signed
	for i := range out.CheckIns {
		out.CheckIns[i] = out.CheckIns[i].Masked()
	}
	if err := viewResources(ctx, q, &out); err != nil {
		return out, err
	}
	err = q.NewSelect().Model(&out.Tasks).Where("visit_id = ? AND done_at IS NULL", id).Order("created_at").Scan(ctx)
	if err != nil {
		return out, err
	}
	stop, _, err := liveStop(ctx, q, id)
	if err != nil {
		return out, err
	}
	out.Trip = stop.TripID
	if out.Versions, err = listJointOpinions(ctx, q, id); err != nil {
		return out, err
	}
	if n := len(out.Versions); n > 0 {
		out.Joint = &out.Versions[n-1]
	}
	if out.Rectification, err = findRectification(ctx, q, out.root()); err != nil {
		return out, err
	}
	if out.Dangers, err = listDangers(ctx, q, out.root()); err != nil {
		return out, err
	}
	if out.Proposed, err = proposedItems(ctx, q, out.Visit); err != nil {
		return out, err
	}
	if out.Pairs, err = listPairs(ctx, q, id); err != nil {
		return out, err
	}
	if out.Breaches, err = listBreaches(ctx, q, "visit_id", out.root()); err != nil {
		return out, err
	}
	err = viewParticipants(ctx, q, &out)
	return out, err
}

func viewResources(ctx context.Context, q bun.IDB, v *VisitView) (err error) {
	if v.Bookings, err = listBookings(ctx, q, v.ID); err != nil {
		return err
	}
	ids := make([]string, len(v.Bookings))
	for i, b := range v.Bookings {
		ids[i] = b.ResourceID
	}
	v.Resources, err = findResources(ctx, q, ids)
	return err
}

// viewParticipants reads each kind of row once and deals them out (STY-21).
func viewParticipants(ctx context.Context, q bun.IDB, v *VisitView) error {
	ps, err := listParticipants(ctx, q, v.ID)
	if err != nil || len(ps) == 0 {
		return err
	}
	ids := make([]string, len(ps))
	index := map[string]*ParticipantView{}
	v.Participants = make([]ParticipantView, len(ps))
	for i, p := range ps {
		ids[i] = p.ID
		v.Participants[i].Participant = p
		index[p.ID] = &v.Participants[i]
	}
	for _, r := range v.Resources {
		for i := range v.Participants {
			if r.DepartmentID == v.Participants[i].DepartmentID {
				v.Participants[i].People = append(v.Participants[i].People, r)
			}
		}
	}
	if err := dealSubstituted(ctx, q, v); err != nil {
		return err
	}
	err = dealOut(ctx, q, v.ID, ids, index)
	v.lackSignatures()
	return err
}

func dealSubstituted(ctx context.Context, q bun.IDB, v *VisitView) error {
	rows, err := listSubstitutions(ctx, q, v.ID)
	for _, s := range rows {
		for i := range v.Participants {
			if s.DepartmentID == v.Participants[i].DepartmentID {
				v.Participants[i].Substituted = append(v.Participants[i].Substituted, s)
			}
		}
	}
	return err
}

func dealOut(ctx context.Context, q bun.IDB, visitID string, ids []string, index map[string]*ParticipantView) error {
	notices, err := listNotices(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, n := range notices {
		index[n.ParticipantID].Notice = &n
	}
	objections, err := listObjections(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, o := range objections {
		index[o.ParticipantID].Objections = append(index[o.ParticipantID].Objections, o)
	}
	contests, err := listContests(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, c := range contests {
		index[c.ParticipantID].Contests = append(index[c.ParticipantID].Contests, c)
	}
	services, err := listServices(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, s := range services {
		index[s.ParticipantID].Services = append(index[s.ParticipantID].Services, s)
	}
	replies, err := listReplies(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, r := range replies {
		index[r.ParticipantID].Replies = append(index[r.ParticipantID].Replies, r)
	}
	holds, err := listHolds(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, h := range holds {
		index[h.ParticipantID].Holds = append(index[h.ParticipantID].Holds, h)
	}
	return dealOutcomes(ctx, q, visitID, ids, index)
}

func dealOutcomes(ctx context.Context, q bun.IDB, visitID string, ids []string, index map[string]*ParticipantView) error {
	rows, err := listDeemed(ctx, q, visitID)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if p := index[r.ParticipantID]; r.Round == p.Round {
			p.Deemed = &r
		} else {
			p.DeemedBefore = append(p.DeemedBefore, r)
		}
	}
	reversals, err := listReversals(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, r := range reversals {
		index[r.ParticipantID].Reversals = append(index[r.ParticipantID].Reversals, r)
	}
	waivers, err := listWaivers(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, w := range waivers {
		index[w.ParticipantID].Waivers = append(index[w.ParticipantID].Waivers, w)
	}
	var opinions []Opinion
	err = q.NewSelect().Model(&opinions).Where("participant_id IN (?)", bun.List(ids)).Order("given_at").Scan(ctx)
	if err != nil {
		return err
	}
	signed, err := listSignatures(ctx, q, idsOf(opinions)...)
	if err != nil {
		return err
	}
	for _, o := range opinions {
		for _, s := range signed {
			if s.OpinionID == o.ID {
				o.Signatures = append(o.Signatures, s)
			}
		}
		index[o.ParticipantID].Opinions = append(index[o.ParticipantID].Opinions, o)
	}
	return dealAttendance(ctx, q, ids, index)
}

func idsOf(opinions []Opinion) []string {
	ids := make([]string, len(opinions))
	for i, o := range opinions {
		ids[i] = o.ID
	}
	return ids
}

func dealAttendance(ctx context.Context, q bun.IDB, ids []string, index map[string]*ParticipantView) error {
	words, err := listAttestations(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, a := range words {
		index[a.ParticipantID].Attestations = append(index[a.ParticipantID].Attestations, a)
	}
	due, err := pendingDeadlines(ctx, q, DeadlineOpinion, ids)
	if err != nil {
		return err
	}
	for _, row := range due {
		index[row.Subject].OpinionDue = row.DueAt
	}
	corrections, err := listCorrections(ctx, q, ids)
	if err != nil {
		return err
	}
	for _, c := range corrections {
		index[c.ParticipantID].Corrections = append(index[c.ParticipantID].Corrections, c)
	}
	return dealRecords(ctx, q, ids, index)
}

func sortEntries(entries []audit.Entry) {
	slices.SortFunc(entries, func(a, b audit.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
}

// reliesOn lists the leaves a deemed consent stands on: everything recorded of
// this department's round so far (INS-901…907).
func reliesOn(ctx context.Context, q bun.IDB, p Participant) ([]int64, error) {
	entries, err := audit.Stream(ctx, q, departmentStream(p.CaseID, p.DepartmentID))
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, e := range entries {
		switch e.Type {
		case "notice_composed", "submitted", "arrived", "deadline_set", "hold", "hold_end", "reply_received", "reply_late", "answer_refused",
			"checked_in", "missing", "absence_attested", "attestation_withdrawn", "absent", "opinion_due", "opinion_moved", "no_show_moved", "opinion":
			out = append(out, e.Seq)
		}
	}
	return out, nil
}

func ancestorCodes(ctx context.Context, q bun.IDB, division string) ([]string, error) {
	chain, err := office.Ancestors(ctx, q, division)
	out := make([]string, len(chain))
	for i, v := range chain {
		out[i] = v.Code
	}
	return out, err
}

// HasOpenRound reports whether the department is invited to a visit that has
// not ended (INS-711); wired into the address register.
func HasOpenRound(ctx context.Context, tx bun.IDB, department string) (bool, error) {
	return tx.NewSelect().TableExpr("participants AS p").Join("JOIN visits AS v ON v.id = p.visit_id").
		Where("p.department_id = ? AND p.consent <> ?", department, ConsentWithdrawn).
		Where("v.state IN (?)", bun.List([]VisitState{VisitOffered, VisitConfirmed, VisitInProgress, VisitCollecting})).Exists(ctx)
}

// OldestDue is the oldest instant of a deadline of DeemDue that is due and not on
// hold, zero if there is none (DL-7). Reminders wait for a slower sweep and
// would ring the watchdog for nothing.
func OldestDue(ctx context.Context, q bun.IDB, now time.Time) (time.Time, error) {
	var row DeadlineRow
	err := q.NewSelect().Model(&row).Where("kind IN (?) AND state = 'pending' AND NOT held AND next_at <= ?", bun.List(silenceKinds), now).
		Order("next_at").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return row.NextAt, err
}

// NextDeadline is when the next silence will be judged: the earliest look of
// DeemDue at a deadline that is not on hold, zero if none runs. The demo's clock can
// be moved to it (DEC-9).
func NextDeadline(ctx context.Context, q bun.IDB, now time.Time) (time.Time, error) {
	var row DeadlineRow
	err := q.NewSelect().Model(&row).Where("kind IN (?) AND state = 'pending' AND NOT held AND next_at > ?", bun.List(silenceKinds), now).
		Order("next_at").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return row.NextAt, err
}

// centreVisits are the other visits the centre has in those days.
func centreVisits(ctx context.Context, q bun.IDB, v Visit, days []slot.Day) (out []slot.Span, err error) {
	if len(days) == 0 {
		return nil, nil
	}
	var rows []Visit
	err = q.NewSelect().Model(&rows).Column("start_at", "end_at").
		Where("centre_id = ? AND id <> ? AND state NOT IN (?)", v.CentreID, v.ID, bun.List([]VisitState{VisitDraft, VisitCancelled, VisitNotHeld})).
		Where("start_at >= ? AND start_at < ?", days[0].Date.Midnight(), days[len(days)-1].Date.AddDays(1).Midnight()).Scan(ctx)
	for _, r := range rows {
		out = append(out, slot.Span{From: r.Start, To: r.End})
	}
	return out, err
}
