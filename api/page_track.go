package api

import (
	"net/http"
	"time"

	"lianban/api/web"
	"lianban/delivery"
	"lianban/internal/fault"
)

// trackPages are what an applicant sees with the number of a parcel and the end
// of a telephone number: plain pages without script, in no index (DEL-1203).
func (p *site) trackPages() {
	p.on(Route{Method: http.MethodGet, Path: "/t", Act: "pageTrack", Who: anyone}, p.track)
	p.on(Route{Method: http.MethodPost, Path: "/t", Act: "pageTracked", Who: anyone, Rate: trackRate}, p.tracked)
}

// trackRate is 10 a minute for an address (DEL-1201, SEC-26).
var trackRate = rateClass{name: "track", every: time.Minute / 10, burst: 10, place: true}

// trackPage is the form, and below it what was found.
type trackPage struct {
	Number, Last4 string
	tracked
	Levels []option // of the rating, once it may be given
}

// tracked is a parcel in the words of its receiver.
type tracked struct {
	Found         *delivery.TrackView
	State, Result string
	Ended         bool
	Lines         []string
	Steps         []trackStep
}

type trackStep struct {
	Text string
	Tone string
	At   time.Time
}

func (p *site) track(v *view) error {
	return p.showTrack(v, trackPage{Number: v.query("n")})
}

func (p *site) showTrack(v *view, d trackPage) error {
	v.here, v.plain, d.Levels = "/t", true, levelOptions(v)
	v.w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	return p.show(v, "track", d)
}

// tracked shows where a parcel is. Nothing of it stands in an address.
func (p *site) tracked(v *view) error {
	d, err := p.findTrack(v)
	if fault.KindOf(err) == fault.NotFound {
		return p.untracked(v)
	}
	if err != nil {
		return p.done(v, err, form{"track", ""}, p.track)
	}
	return p.showTrack(v, d)
}

// untracked gives an applicant the form back: one wrong digit is no dead end.
// The same words for a number that is not known and digits that do not fit.
func (p *site) untracked(v *view) error {
	v.x.code, v.state = "not_found", http.StatusNotFound
	v.tried = web.Tried{Act: "track", Code: v.x.code, Text: p.say(v, "track.none"), Form: v.r.PostForm}
	return p.track(v)
}

func (p *site) findTrack(v *view) (trackPage, error) {
	d := trackPage{Number: v.form("number"), Last4: digits(v.form("last4"))}
	found, err := p.Delivery.Track(v.ctx(), d.Number, d.Last4)
	if err != nil {
		return d, err
	}
	d.tracked = p.wordsOf(v, &found)
	return d, nil
}

// wordsOf says what is known of a parcel, the latest step first.
func (p *site) wordsOf(v *view, found *delivery.TrackView) tracked {
	lang := v.x.lang
	d := tracked{Found: found, State: found.State.Public(lang), Lines: found.Ledger.Lines(lang)}
	d.Ended = found.State.Terminal() || found.State == delivery.ParcelUnverified
	if found.Result != "" {
		d.Result = found.Result.In(lang)
	}
	for i := len(found.Steps) - 1; i >= 0; i-- {
		s := found.Steps[i]
		line := trackStep{Text: s.State.Public(lang), At: s.At}
		if s.Outcome != "" {
			line.Text += p.say(v, "colon") + s.Outcome.Word(lang)
		}
		switch s.State {
		case delivery.ParcelDelivered, delivery.ParcelCollected:
			line.Tone = "good"
		case delivery.ParcelAttemptFailed, delivery.ParcelLost, delivery.ParcelDamaged:
			line.Tone = "bad"
		}
		d.Steps = append(d.Steps, line)
	}
	return d
}
