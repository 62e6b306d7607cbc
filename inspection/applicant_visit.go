package inspection

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
)

// ApplicantVisit is a visit as the page of the applicant's link shows it: when and
// where, who comes, how far it is, what to put right and how it ended. What a
// department has answered, or that it was silent, is not in it (INS-1111).
type ApplicantVisit struct {
	ID          string
	Sort        string // site, review or revisit
	State       VisitState
	Start, End  time.Time
	Place       string
	Moved       bool     // it was told of another time or place before
	Departments []Comer  // who comes, the lead first
	Result      string   // of one that is closed
	Ungiven     bool     // what is to be put right waits to be given in writing
	Items       []Listed // what was given
}

// Ahead reports whether it is still to come.
func (v ApplicantVisit) Ahead() bool {
	return v.State == VisitOffered || v.State == VisitConfirmed
}

// Comer is a department that comes to a visit.
type Comer struct{ ID, Name string }

// Listed is an item of a list that the applicant has been given.
type Listed struct {
	ID                       string
	N                        int
	DepartmentID, Department string
	Finding, Clause          string
	Verify                   Verify
	State                    ItemState
	DueAt                    time.Time
	Provisional              bool // the term runs through a year whose holidays are not final
	Photos                   []Shown
}

// MayShow reports whether the applicant may send a photo of it now (INS-1108).
func (i Listed) MayShow() bool {
	return i.Verify == VerifyPhoto && i.State == ItemOpen && (len(i.Photos) == 0 || i.Photos[len(i.Photos)-1].Answer != "")
}

// Shown is a photo of an item, and what the department said of it.
type Shown struct {
	SentAt, DueAt time.Time
	Answer        PhotoAnswer // empty: it is looked at until DueAt
	Reason        string
}

// VisitsByLink are the visits of the case that a link opens, the latest first;
// one whose time is not fixed yet is not among them. Refusal: applicant_link.
func (d *Desk) VisitsByLink(ctx context.Context, links *delivery.Desk, token string) (out []ApplicantVisit, err error) {
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		_, caseID, err := links.LinkHolder(ctx, q, token)
		if err != nil {
			return err
		}
		visits, err := toldVisits(ctx, q, caseID)
		if err != nil {
			return err
		}
		for _, v := range visits {
			shown, err := forApplicant(ctx, q, v)
			if err != nil {
				return err
			}
			out = append(out, shown)
		}
		return nil
	})
	return out, err
}

func forApplicant(ctx context.Context, q bun.IDB, v Visit) (ApplicantVisit, error) {
	out := ApplicantVisit{
		ID: v.ID, Sort: v.Sort(), State: v.State, Start: v.Start, End: v.End, Place: v.Place, Moved: v.Round > 1, Result: v.Result,
	}
	participants, err := listParticipants(ctx, q, v.ID)
	if err != nil {
		return out, err
	}
	for _, p := range staying(participants) {
		out.Departments = append(out.Departments, Comer{p.DepartmentID, p.Name})
	}
	lists, err := listLists(ctx, q, v.ID)
	if err != nil || len(lists) == 0 {
		return out, err
	}
	given := map[int]bool{}
	for _, l := range lists {
		given[l.N] = !l.GivenAt.IsZero()
		out.Ungiven = out.Ungiven || l.GivenAt.IsZero()
	}
	items, err := listItems(ctx, q, v.ID)
	if err != nil {
		return out, err
	}
	photos, err := listPhotos(ctx, q, items)
	for _, i := range items {
		if given[i.List] { // before that the department's words are not the applicant's yet (INS-1107)
			out.Items = append(out.Items, i.told(photos))
		}
	}
	return out, err
}

func (i ListedItem) told(photos []ItemPhoto) Listed {
	out := Listed{
		ID: i.ID, N: i.N, DepartmentID: i.DepartmentID, Department: i.Department, Finding: i.Finding, Clause: i.Clause, Verify: i.Verify,
		State: i.State, DueAt: i.DueAt, Provisional: i.Deadline != nil && i.Deadline.Provisional,
	}
	for _, p := range photos {
		if p.ItemID == i.ID {
			out.Photos = append(out.Photos, Shown{p.SentAt, p.DueAt, p.Answer, p.Reason})
		}
	}
	return out
}
