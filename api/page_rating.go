package api

import (
	"net/http"
	"strconv"
	"time"

	"lianban/delivery"
	"lianban/internal/auth"
)

// ratingPages: the applicant rates on the tracking page, staff read what was
// said (DEL-1206).
func (p *site) ratingPages() {
	p.on(Route{Method: http.MethodPost, Path: "/t/rate", Act: "pageRate", Who: anyone, Rate: trackRate}, p.rate)
	p.on(Route{Method: http.MethodGet, Path: "/ratings", Act: "pageRatings", Who: anywhere(overseeing...)}, p.ratings)
	p.on(Route{Method: http.MethodPost, Path: "/ratings/{id}/callback", Act: "pageCallBack", Who: anywhere(auth.Supervisor)}, p.callBack)
}

// rate takes a rating and shows the parcel again, so that neither number nor
// telephone stands in an address.
func (p *site) rate(v *view) error {
	found, err := p.findTrack(v)
	if err != nil {
		return p.done(v, err, form{"track", ""}, p.track)
	}
	err = p.Delivery.Rate(v.ctx(), delivery.RateRequest{
		Number: found.Number, PhoneLast4: found.Last4, Level: levelOf(v), Words: v.form("words"),
	})
	if err != nil {
		return p.done(v, err, form{"rate", ""}, func(v *view) error { return p.showTrack(v, found) })
	}
	found.Found.MayRate, found.Found.Rated = false, true
	return p.showTrack(v, found)
}

// levelOf is the answer that was chosen, 0 if none was.
func levelOf(v *view) delivery.Level {
	level, _ := strconv.Atoi(v.form("level"))
	return delivery.Level(level)
}

// levelOptions are the five answers, for the form.
func levelOptions(v *view) (out []option) {
	for _, l := range delivery.Levels {
		value := strconv.Itoa(int(l))
		out = append(out, option{value, l.In(v.x.lang), v.tried.Chose("rate", "", "level", value)})
	}
	return out
}

// ratingsPage is how many gave which answer, and the answers.
type ratingsPage struct {
	Total, Low int
	Counts     []ratingCount
	Ratings    []ratingLine
	MayCall    bool
}

type ratingCount struct {
	Text  string
	Cases int
}

type ratingLine struct {
	delivery.RatingLine
	Text string
	Low  bool
	On   time.Time
}

func (p *site) ratings(v *view) error {
	v.here = "/ratings"
	found, err := p.Delivery.ListRatings(v.ctx(), v.by, pageSize)
	if err != nil {
		return err
	}
	d := ratingsPage{MayCall: v.by.Is(auth.Supervisor)}
	for _, level := range delivery.Levels {
		line := ratingCount{Text: level.In(v.x.lang)}
		for _, c := range found.Counts {
			if c.Level == level {
				line.Cases = c.Cases
			}
		}
		d.Counts, d.Total = append(d.Counts, line), d.Total+line.Cases
	}
	for _, r := range found.Items {
		d.Ratings = append(d.Ratings, ratingLine{r, r.Level.In(v.x.lang), r.Level.Low(), r.Day.Midnight()})
	}
	return p.show(v, "ratings", d)
}

func (p *site) callBack(v *view) error {
	if _, err := p.Delivery.CallBack(v.ctx(), v.by, v.id(), v.form("note")); err != nil {
		return p.done(v, err, form{"call", v.id()}, p.ratings)
	}
	return v.leave("/ratings", "flash.called_back")
}
