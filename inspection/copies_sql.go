package inspection

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Copies asks for a database of a size to measure: N copies of a visit that
// was made by the real acts, with its case, participants, notices, proofs of
// arrival and deadlines, all under new ids.
type Copies struct {
	VisitID string
	N       int
	Later   time.Duration // every deadline of a copy is so much later
	Only    DeadlineKind  // nothing but deadlines of this kind, when set
	Past    bool          // closed visits of the year before, the same number on each day
}

// Copy writes them on the caller's transaction. Copies have no leaves in the
// evidence log: they are for `lianban bench` on databases of its own.
func Copy(ctx context.Context, tx bun.IDB, c Copies) error {
	s, err := readSample(ctx, tx, c.VisitID)
	if err != nil {
		return err
	}
	const batch = 250
	for done := 0; done < c.N; done += batch {
		var out sample
		for i := range min(batch, c.N-done) {
			s.copyTo(&out, c, done+i)
		}
		if err := out.insert(ctx, tx); err != nil {
			return fmt.Errorf("copy visit %s: %w", c.VisitID, err)
		}
	}
	return nil
}

// Outcomes gives the deemed consents that were written from an instant on, for
// `lianban bench`.
func Outcomes(ctx context.Context, q bun.IDB, since time.Time) (out []Deemed, err error) {
	err = q.NewSelect().Model(&out).Where("decided_at >= ?", since.UTC()).Order("decided_at", "id").Scan(ctx)
	return out, err
}

// sample is all the rows of one or of many visits.
type sample struct {
	cases        []Case
	departments  []CaseDepartment
	visits       []Visit
	rounds       []Round
	participants []Participant
	notices      []Notice
	services     []Service
	deadlines    []DeadlineRow
}

func readSample(ctx context.Context, q bun.IDB, visitID string) (s sample, err error) {
	v, err := findVisit(ctx, q, visitID)
	if err != nil {
		return s, err
	}
	c, err := findCase(ctx, q, v.CaseID)
	if err != nil {
		return s, err
	}
	s.cases, s.departments, s.visits = []Case{c}, c.Departments, []Visit{v}
	if s.participants, err = listParticipants(ctx, q, visitID); err != nil {
		return s, err
	}
	ids := make([]string, len(s.participants))
	for i, p := range s.participants {
		ids[i] = p.ID
	}
	for _, rows := range []struct {
		model  any
		column string
		of     []string
	}{
		{&s.rounds, "visit_id", []string{visitID}}, {&s.notices, "participant_id", ids},
		{&s.services, "participant_id", ids}, {&s.deadlines, "subject", ids},
	} {
		err := q.NewSelect().Model(rows.model).Where("? IN (?)", bun.Ident(rows.column), bun.List(rows.of)).Scan(ctx)
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// copyTo adds the copy of a number of the sample, under new ids.
func (s sample) copyTo(out *sample, want Copies, number int) {
	renamed := map[string]string{}
	fresh := func(old string) string {
		if renamed[old] == "" {
			renamed[old] = newID()
		}
		return renamed[old]
	}
	if want.Only == "" {
		s.copyVisit(out, want, fresh)
	}
	for _, row := range s.deadlines {
		if want.Only == "" || row.Kind == want.Only {
			row.ID, row.Subject = newID(), fresh(row.Subject)
			row.DueAt, row.NextAt = row.DueAt.Add(want.Later), row.NextAt.Add(want.Later)
			out.deadlines = append(out.deadlines, row)
		}
	}
	if want.Past {
		out.end(number)
	}
}

// end closes the copy made last, some days back.
func (s *sample) end(number int) {
	back := -time.Duration(1+number%365) * 24 * time.Hour
	c, v := &s.cases[len(s.cases)-1], &s.visits[len(s.visits)-1]
	c.State, c.AcceptedAt = CaseVisited, c.AcceptedAt.Add(back)
	v.State, v.Start, v.End = VisitClosed, v.Start.Add(back), v.End.Add(back)
	for i := range s.deadlines {
		s.deadlines[i].State = deadlineDone
	}
}

func (s sample) copyVisit(out *sample, want Copies, fresh func(string) string) {
	c, v := s.cases[0], s.visits[0]
	c.ID, c.ExternalID = fresh(c.ID), ""
	c.Number, v.CaseNumber = c.ID, c.ID
	for _, d := range s.departments {
		d.CaseID = c.ID
		out.departments = append(out.departments, d)
	}
	v.ID, v.CaseID, v.UID = fresh(v.ID), c.ID, uuid.NewString()
	out.cases, out.visits = append(out.cases, c), append(out.visits, v)
	for _, r := range s.rounds {
		r.VisitID = v.ID
		out.rounds = append(out.rounds, r)
	}
	for _, p := range s.participants {
		p.ID, p.VisitID, p.CaseID = fresh(p.ID), v.ID, c.ID
		if !p.RespondBy.IsZero() {
			p.RespondBy = p.RespondBy.Add(want.Later)
		}
		out.participants = append(out.participants, p)
	}
	for _, n := range s.notices {
		n.ID, n.ParticipantID, n.VisitID = fresh(n.ID), fresh(n.ParticipantID), v.ID
		n.Number = n.ID
		out.notices = append(out.notices, n)
	}
	for _, p := range s.services {
		p.ID, p.ParticipantID, p.NoticeID = newID(), fresh(p.ParticipantID), fresh(p.NoticeID)
		out.services = append(out.services, p)
	}
}

// insert writes the rows in the order in which they refer to each other.
func (s sample) insert(ctx context.Context, tx bun.IDB) error {
	for _, part := range []struct {
		n    int
		rows any
	}{
		{len(s.cases), &s.cases}, {len(s.departments), &s.departments}, {len(s.visits), &s.visits}, {len(s.rounds), &s.rounds},
		{len(s.participants), &s.participants}, {len(s.notices), &s.notices}, {len(s.services), &s.services},
		{len(s.deadlines), &s.deadlines},
	} {
		if part.n == 0 {
			continue
		}
		if _, err := tx.NewInsert().Model(part.rows).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
