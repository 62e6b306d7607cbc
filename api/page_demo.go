package api

import (
	"context"
	"net/http"
	"time"

	"lianban/api/web"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// Demo is what the demonstration adds to the pages: a clock that can be moved
// forward, and accounts that anybody may try (DEC-9). It is given the functions
// it needs, so that serve has no trace of it.
type Demo struct {
	// Move lives through the time until an instant, sweeps and all. An instant
	// that has passed changes nothing.
	Move func(ctx context.Context, to time.Time) error
	// NextDeadline is the next instant at which something falls due, zero if
	// nothing does.
	NextDeadline func(ctx context.Context) (time.Time, error)
	// Logins are the accounts of the sign-in page, all with one password.
	Logins   []DemoLogin
	Password string
	// Track is a parcel that its receiver may look for, without an account.
	Track DemoTrack
	// Link is the path of an applicant's own page, empty if there is none.
	Link string
}

// DemoTrack is what the receiver of a parcel knows of it.
type DemoTrack struct{ Number, Last4 string }

// DemoLogin is one account to try. Place is where it works and Task what waits
// for it there, in both languages of the house when EN is given.
type DemoLogin struct {
	Login, Name    string
	Role           auth.Role
	Place, PlaceEN string
	Task, TaskEN   string
}

func (p *site) demoPages() {
	if p.Demo == nil {
		return
	}
	p.on(Route{Method: http.MethodPost, Path: "/demo/move", Act: "pageDemoMove", Who: anyone}, p.demoMove)
	p.on(Route{Method: http.MethodPost, Path: "/demo/login", Act: "pageDemoLogin", Who: anyone}, p.demoLogin)
}

// demo is the bar of the demonstration, nil outside of it.
func (p *site) demo(v *view) (*web.Demo, error) {
	if p.Demo == nil {
		return nil, nil
	}
	next, err := p.Demo.NextDeadline(v.ctx())
	if err != nil {
		return nil, err
	}
	bar := &web.Demo{Next: next, Number: p.Demo.Track.Number, Last4: p.Demo.Track.Last4, Link: p.Demo.Link}
	for _, l := range p.Demo.Logins {
		line := web.Login{Role: string(l.Role), Place: l.Place, Name: l.Name, Login: l.Login, Task: l.Task}
		if v.x.lang == "en" && l.PlaceEN != "" {
			line.Place = l.PlaceEN
		}
		if v.x.lang == "en" {
			line.Task = l.TaskEN
		}
		bar.Logins = append(bar.Logins, line)
	}
	return bar, nil
}

// demoMove moves the demonstration's clock forward.
func (p *site) demoMove(v *view) error {
	to, err := p.demoInstant(v, v.form("to"))
	if err != nil {
		return err
	}
	if err := p.Demo.Move(v.ctx(), to); err != nil {
		return err
	}
	back := inside(v.form("back"))
	if back == "" {
		back = "/"
	}
	return v.leave(back, "flash.demo.moved")
}

func (p *site) demoInstant(v *view, to string) (time.Time, error) {
	switch to {
	case "deadline":
		next, err := p.Demo.NextDeadline(v.ctx())
		return next.Add(time.Second), err // just past it, so that it has fallen due
	case "hour":
		return p.now().Add(time.Hour), nil
	case "morning":
		const halfPastEight = 8*60 + 30
		return workday.DateOf(p.now()).AddDays(1).At(halfPastEight), nil
	}
	return time.Time{}, notFound()
}

// demoLogin signs in as one of the demonstration's accounts.
func (p *site) demoLogin(v *view) error {
	for _, l := range p.Demo.Logins {
		if l.Login != v.form("login") {
			continue
		}
		err := p.open(v, auth.Credentials{Login: l.Login, Password: p.Demo.Password, Remote: p.clientOf(v.r)})
		if fault.KindOf(err) == fault.Unauthenticated {
			return p.done(v, asForm(err), form{"login", ""}, p.login)
		}
		if err != nil {
			return err
		}
		return v.leave("/", "")
	}
	return notFound()
}
