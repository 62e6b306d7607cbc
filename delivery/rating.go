package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/audit"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// Level is one of the five answers of 好差评 (国办发〔2019〕51号), the best is 5.
type Level int

// The levels. The last two ask for a call back.
const (
	VeryBad  Level = 1
	Bad      Level = 2
	Fair     Level = 3
	Good     Level = 4
	VeryGood Level = 5
)

// Levels lists every Level, the best first.
var Levels = [...]Level{VeryGood, Good, Fair, Bad, VeryBad}

var levelWords = map[Level]bilingual{
	VeryGood: {"非常满意", "very satisfied"}, Good: {"满意", "satisfied"}, Fair: {"基本满意", "fairly satisfied"},
	Bad: {"不满意", "dissatisfied"}, VeryBad: {"非常不满意", "very dissatisfied"},
}

// In says the level as the form does.
func (l Level) In(lang string) string { return levelWords[l].in(lang) }

// Low reports whether somebody has to call back (DEL-1206).
func (l Level) Low() bool { return l == Bad || l == VeryBad }

// callBackDays are the working days in which what a low rating complains of is
// put right or a term is named (国办发〔2019〕51号).
const callBackDays = 15

// Rating (好差评) is what the applicant says of a case, once, after its papers
// have arrived (DEL-1206).
type Rating struct {
	bun.BaseModel `bun:"table:ratings" json:"-"`

	ID         string    `bun:"id,pk"`
	CaseID     string    //
	CaseNumber string    //
	CentreID   string    //
	Level      Level     //
	Words      string    // the applicant's own
	GivenAt    time.Time //
	CallBy     time.Time `bun:",nullzero"` // of a low level
	CalledAt   time.Time `bun:",nullzero"`
	CalledBy   string    //
	CalledName string    //
	CallNote   string    //
}

// RatingLine is a rating as staff read it: without the case and with the day
// alone, so that nobody can tell who gave it. Only the supervisor, who has to
// call back, learns the case of a low one (DEL-1206).
type RatingLine struct {
	ID    string       `json:"id"`
	Level Level        `json:"level"` // 5 is the best
	Words string       `json:"words,omitempty"`
	Day   workday.Date `json:"day"`
	Call  *RatingCall  `json:"call_back,omitempty"` // of a low level
}

// RatingCall is how far the call back is.
type RatingCall struct {
	CaseID     string    `json:"case_id,omitempty"` // for the supervisor
	CaseNumber string    `json:"case_number,omitempty"`
	Phone      string    `json:"phone,omitempty"` // to call, for the supervisor until the call is on record
	Due        time.Time `json:"due"`
	CalledAt   time.Time `json:"called_at,omitzero"`
	CalledName string    `json:"called_by,omitempty"`
	Note       string    `json:"note,omitempty"`
}

// Ratings are those of a centre, newest first, with how many each level has.
type Ratings struct {
	Items  []RatingLine `json:"items"`
	Counts []LevelCount `json:"counts"` // of all, also of those beyond the list
}

// LevelCount is how many cases have a level; one that none has is left out.
type LevelCount struct {
	Level Level `json:"level"`
	Cases int   `json:"cases"`
}

// RateRequest is an applicant's rating, with what tracking asks for: the number
// of a parcel or file of the case, and the end of the telephone.
type RateRequest struct {
	Number, PhoneLast4 string
	Level              Level
	Words              string // may be empty
}

// check wants one of the five levels.
func (r *RateRequest) check() error {
	r.Words = strings.TrimSpace(r.Words)
	if !slices.Contains(Levels[:], r.Level) {
		return fault.Refuse(fault.Invalid, "rating_level",
			"请从“非常满意”到“非常不满意”中选择一项", "choose one of the five levels, from very satisfied to very dissatisfied")
	}
	return office.CheckText("words", r.Words, reasonLength)
}

// served is a case of which something has reached the applicant.
type served struct{ CaseID, CaseNumber, CentreID string }

// Rate takes the rating of a case from whoever has the number of one of its
// parcels, or of a result that went as a file, and the last four of the telephone;
// tries are counted as Track counts them. It is taken once, after that has arrived.
// Refusals: not_found, rating_level, text_invalid, rating_early, rating_given.
func (d *Desk) Rate(ctx context.Context, r RateRequest) error {
	d = d.still()
	p, err := d.trackedParcel(ctx, r.Number, r.PhoneLast4)
	if fault.Is(err, "not_found") {
		return d.rateFile(ctx, r)
	}
	if err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		p, err := lockParcel(ctx, tx, p.ID)
		if err == nil && !p.Rateable() {
			err = ratingEarly()
		}
		if err != nil {
			return err
		}
		return d.rate(ctx, tx, served{p.CaseID, p.CaseNumber, p.CentreID}, r)
	})
}

// rateFile is Rate for a case that went as files, with the number of one.
func (d *Desk) rateFile(ctx context.Context, r RateRequest) error {
	f, err := d.matchFile(ctx, r.Number, r.PhoneLast4)
	if err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		f, err := lockFile(ctx, tx, f.ID)
		if err == nil && f.State != FileServed {
			err = ratingEarly()
		}
		if err != nil {
			return err
		}
		return d.rate(ctx, tx, served{f.CaseID, f.CaseNumber, f.CentreID}, r)
	})
}

// RateByLink is Rate for whoever has the applicant's link; the numbers of the
// request are left out. Refusals: applicant_link, and as Rate.
func (d *Desk) RateByLink(ctx context.Context, token string, r RateRequest) error {
	return d.byLink(ctx, token, func(d *Desk, tx bun.IDB, h *caller) error {
		if err := r.check(); err != nil {
			return err
		}
		came, err := h.came(ctx, tx)
		if err == nil && !came {
			err = ratingEarly()
		}
		if err != nil {
			return err
		}
		return d.rate(ctx, tx, served{h.CaseID, h.CaseNumber, h.CentreID}, r)
	})
}

// came reports whether something of the case has reached the applicant.
func (h caller) came(ctx context.Context, q bun.IDB) (bool, error) {
	if slices.ContainsFunc(h.parcels, Parcel.Rateable) {
		return true, nil
	}
	files, err := filesOfCase(ctx, q, h.CaseID)
	return slices.ContainsFunc(files, func(f ElectronicFile) bool { return f.State == FileServed }), err
}

func ratingEarly() *fault.Error {
	return fault.Refuse(fault.Conflict, "rating_early",
		"结果送达并核实后才能评价，请届时再来", "a case can be rated once its result has arrived and that is verified; come back then")
}

// rate writes the rating of a case, the first one, and gives the supervisor the
// task to call back where it is low (DEL-1206).
func (d *Desk) rate(ctx context.Context, tx bun.IDB, c served, r RateRequest) (err error) {
	g := Rating{
		ID: newID(), CaseID: c.CaseID, CaseNumber: c.CaseNumber, CentreID: c.CentreID, Level: r.Level, Words: r.Words, GivenAt: d.now(),
	}
	if r.Level.Low() {
		if g.CallBy, err = d.callBy(ctx, tx, c.CentreID); err != nil {
			return err
		}
	}
	if err := insertRating(ctx, tx, &g); err != nil {
		return err
	}
	// The leaf names no case: whoever reads the log must not learn who gave it.
	leaves := []audit.Leaf{{
		Type: "rating_given", Stream: ratingStream(c.CentreID), Actor: "applicant", At: d.now(),
		Fields: map[string]any{"rating": g.ID, "level": int(g.Level)},
	}}
	if r.Level.Low() {
		task, err := d.raise(ctx, tx, []Alert{d.alertOfRating(AlertCallBack, g)})
		if err != nil {
			return err
		}
		leaves = append(leaves, task...)
	}
	return audit.Record(ctx, tx, leaves...)
}

// alertOfRating is an alert about a low rating. It names no case: only the
// supervisor, who has to call, learns it, on the page of ratings.
func (d *Desk) alertOfRating(kind AlertKind, g Rating) Alert {
	return Alert{ID: newID(), Kind: kind, Subject: g.ID, Level: kind.row().Level, CentreID: g.CentreID, RaisedAt: d.now(), NextAt: g.CallBy}
}

// watchCallBacks tells the supervisor of low ratings that nobody has called back
// for in fifteen working days (国办发〔2019〕51号).
func (d *Desk) watchCallBacks(ctx context.Context) error {
	var late []Rating
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		late, err = callBacksLate(ctx, q, d.now())
		return err
	})
	if err != nil || len(late) == 0 {
		return err
	}
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		var alerts []Alert
		for _, g := range late {
			g, err := findRating(ctx, tx, g.ID)
			if err != nil {
				return err
			}
			if g.CalledAt.IsZero() {
				alerts = append(alerts, d.alertOfRating(AlertCallBackLate, g))
			}
		}
		leaves, err := d.raise(ctx, tx, alerts)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, leaves...)
	})
}

func ratingStream(centreID string) string { return "centre/" + centreID + "/ratings" }

// Rateable reports whether the parcel has arrived, so that its case may be rated.
func (p Parcel) Rateable() bool { return p.State == ParcelDelivered || p.State == ParcelCollected }

// callBy is the end of the hall's day by which a low rating is answered.
func (d *Desk) callBy(ctx context.Context, q bun.IDB, centreID string) (time.Time, error) {
	centre, err := office.FindCentre(ctx, q, centreID)
	if err != nil {
		return time.Time{}, err
	}
	cal, err := office.CalendarOf(ctx, q, centreID, d.now())
	if err != nil {
		return time.Time{}, err
	}
	day, err := cal.Add(workday.DateOf(d.now()), callBackDays)
	return centre.Hours.Closes(day), err
}

// ListRatings gives the ratings of the actor's centre, for an auditor those of
// all. Limit is at most 200, 0 means 50. Refusal: not_overseeing.
func (d *Desk) ListRatings(ctx context.Context, by auth.Actor, limit int) (out Ratings, err error) {
	if !atWindow(by) && !by.Is(auth.Auditor) {
		return Ratings{}, fault.Refuse(fault.Forbidden, "not_overseeing",
			"只有窗口、主管和审计可以查看评价", "only windows, supervisors and auditors read ratings")
	}
	err = d.DB.Read(ctx, func(q bun.IDB) error {
		rows, err := listRatings(ctx, q, by, limit)
		if err != nil {
			return err
		}
		phones, err := phonesOf(ctx, q, toCall(by, rows))
		if err != nil {
			return err
		}
		out = Ratings{}
		for _, r := range rows {
			line := r.line(by)
			if phone := phones[r.CaseID]; phone != "" {
				line.Call.Phone = phone
			}
			out.Items = append(out.Items, line)
		}
		out.Counts, err = countRatings(ctx, q, by)
		return err
	})
	return out, err
}

// toCall are the cases that the supervisor has not called back yet: whoever has
// to call is told the number in full.
func toCall(by auth.Actor, rows []Rating) (cases []string) {
	for _, r := range rows {
		if r.Level.Low() && r.CalledAt.IsZero() && by.Is(auth.Supervisor) {
			cases = append(cases, r.CaseID)
		}
	}
	return cases
}

// line is a rating for one of the staff.
func (r Rating) line(by auth.Actor) RatingLine {
	out := RatingLine{ID: r.ID, Level: r.Level, Words: r.Words, Day: workday.DateOf(r.GivenAt)}
	if !r.Level.Low() {
		return out
	}
	out.Call = &RatingCall{Due: r.CallBy, CalledAt: r.CalledAt, CalledName: r.CalledName, Note: r.CallNote}
	if by.Is(auth.Supervisor) {
		out.Call.CaseID, out.Call.CaseNumber = r.CaseID, r.CaseNumber
	}
	return out
}

// CallBack records that the supervisor of the centre has spoken with an applicant
// who was not satisfied, and what was put right or until when (DEL-1206).
// Refusals: not_found, not_supervisor, reason_missing, text_invalid,
// rating_called.
func (d *Desk) CallBack(ctx context.Context, by auth.Actor, ratingID, note string) (out RatingLine, err error) {
	d = d.still()
	err = d.DB.Write(ctx, func(tx bun.IDB) error {
		r, err := findRating(ctx, tx, ratingID)
		if err == nil {
			err = mayCallBack(by, r)
		}
		if err == nil {
			err = checkReason("note", note)
		}
		if err != nil {
			return err
		}
		r.CalledAt, r.CalledBy, r.CalledName, r.CallNote = d.now(), by.String(), by.Name, strings.TrimSpace(note)
		if err := updateCall(ctx, tx, &r); err != nil {
			return err
		}
		out = r.line(by)
		open, err := openAlertsAbout(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		if err := d.end(ctx, tx, open, by, ""); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Leaf{
			Type: "rating_called_back", Stream: ratingStream(r.CentreID), Actor: by.String(), At: d.now(), Fields: map[string]any{"rating": r.ID},
		})
	})
	return out, err
}

// mayCallBack: the supervisor of the centre; whoever reads the rating learns so.
func mayCallBack(by auth.Actor, r Rating) error {
	switch {
	case !r.Level.Low(), !by.Is(auth.Auditor) && !(atWindow(by) && by.Centre == r.CentreID):
		return notFound()
	case !by.Is(auth.Supervisor):
		return notSupervisor()
	}
	return nil
}

func ratingCalled() *fault.Error {
	return fault.Refuse(fault.Conflict, "rating_called",
		"这条评价已登记回访，请刷新后核对", "the call back for this rating is on record already; reload and check")
}
