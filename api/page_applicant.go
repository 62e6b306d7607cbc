package api

import (
	"net/http"
	"slices"
	"strings"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/fault"
	"lianban/scheduler/workday"
)

// applicantPages are the page of an applicant's link, and what can be done there
// without an account (DEL-1201, DEL-1205): plain forms without script. Whoever has
// the link is the applicant; nobody else knows the address that a form goes to.
func (p *site) applicantPages() {
	p.on(Route{Method: http.MethodGet, Path: "/a/{token}", Act: "pageApplicant", Who: anyone, Rate: linkRate}, p.applicant)
	post := func(path, act string, h handler) {
		p.on(Route{Method: http.MethodPost, Path: "/a/{token}/" + path, Act: act, Who: anyone, Rate: trackRate}, h)
	}
	post("address", "pageApplicantAddress", p.applicantAddress)
	post("way", "pageApplicantWay", p.applicantWay)
	post("agent", "pageApplicantAgent", p.applicantAgent)
	post("agent/drop", "pageApplicantNobody", p.applicantNobody)
	post("choice", "pageApplicantChoice", p.applicantChoice)
	post("slot", "pageApplicantSlot", p.applicantSlot)
	post("missing", "pageApplicantMissing", p.applicantMissing)
	post("code", "pageApplicantCode", p.applicantCode)
	p.on(Route{Method: http.MethodPost, Path: "/a/{token}/report", Act: "pageApplicantReport", Who: anyone, Rate: linkUploadRate, Body: 4 * inspection.MaxScan}, p.applicantReport)
	p.on(Route{Method: http.MethodPost, Path: "/a/{token}/photos/{item}", Act: "pageApplicantPhoto", Who: anyone, Rate: linkUploadRate, Body: 4 * inspection.MaxScan}, p.applicantPhoto)
	post("rate", "pageApplicantRate", p.applicantRate)
	post("electronic", "pageApplicantConsent", p.applicantConsent)
	post("electronic/revoke", "pageApplicantRevoke", p.applicantRevoke)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/taken", Act: "pagePrintTaken", Who: actors(atDesk...)}, p.printTaken)
	p.on(Route{Method: http.MethodPost, Path: "/cases/{id}/link", Act: "pageMailLink", Who: actors(atDesk...)}, p.mailLink)
}

// applicantPage is a case as its applicant sees it.
type applicantPage struct {
	Base     string // address of the page
	Refused  string // why the link does not open
	View     *delivery.ApplicantView
	Promised inspection.Limit  // of the whole case
	Legal    *inspection.Limit // once it was extended
	Visits   []inspection.ApplicantVisit
	Lines    []applicantLine
	Parcels  []applicantParcel
	Choices  []option
	Ways     []option
	Methods  []option
	Levels   []option
	Once     string
	First    string // earliest day to ask for
	Last     string
	Apart    bool        // some results have to be collected at the window, others not (DEL-204)
	Report   *breachForm // what is reported to the ledger
	Code     shownCode   // asked for just now
}

// shownCode is the receiving code of a parcel, on the one page that shows it.
type shownCode struct{ Number, Code string }

// applicantLine is one result in the applicant's words.
type applicantLine struct {
	delivery.ApplicantLine
	Word, Tone string
}

// applicantParcel is one parcel in the applicant's words.
type applicantParcel struct {
	delivery.ApplicantParcel
	tracked
	Contents string
	WayWord  string
}

// slotDays is how far ahead another time may be asked for, as the domain has it.
const slotDays = 29

func (p *site) applicant(v *view) error { return p.applicantWith(v, shownCode{}) }

func (p *site) applicantWith(v *view, code shownCode) error {
	v.here, v.plain = "/a/"+v.r.PathValue("token"), true
	v.w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	d := applicantPage{Base: v.here, Once: newOnce(), Code: code}
	found, err := p.Delivery.FindApplicant(v.ctx(), v.r.PathValue("token"))
	if f, refused := fault.From(err); refused {
		v.x.code, v.state, d.Refused = f.Code, statusOf[f.Kind], f.In(v.x.lang)
		return p.show(v, "applicant", d)
	}
	if err != nil {
		return err
	}
	d.View = &found
	if d.Visits, err = p.Inspection.VisitsByLink(v.ctx(), p.Delivery, v.r.PathValue("token")); err != nil {
		return err
	}
	if d.Promised, d.Legal, err = p.Inspection.LimitsByLink(v.ctx(), p.Delivery, v.r.PathValue("token")); err != nil {
		return err
	}
	p.fillApplicant(v, &d)
	reported, err := p.Inspection.ReportByLinkOf(v.ctx(), p.Delivery, v.r.PathValue("token"))
	if err != nil {
		return err
	}
	report := p.breachFormOf(v, reported)
	report.Base = v.here + "/report"
	d.Report = &report
	return p.show(v, "applicant", d)
}

func (p *site) fillApplicant(v *view, d *applicantPage) {
	for _, l := range d.View.Lines {
		d.Lines = append(d.Lines, p.lineForApplicant(v, l))
		d.Apart = d.Apart || l.WindowOnly && !d.View.WindowOnly
	}
	for i := range d.View.Parcels {
		found := d.View.Parcels[i]
		one := applicantParcel{ApplicantParcel: found, tracked: p.wordsOf(v, &found.TrackView), WayWord: found.Way.In(v.x.lang)}
		var classes []string
		for _, c := range found.Classes {
			classes = append(classes, c.In(v.x.lang))
		}
		one.Contents = strings.Join(classes, p.say(v, "list.comma"))
		d.Parcels = append(d.Parcels, one)
	}
	pick := func(act string, now string, values ...string) (out []option) {
		for _, value := range values {
			chosen := v.tried.Chose(act, "", act, value) || !v.tried.Keeps(act, "") && now == value
			out = append(out, option{value, p.say(v, "applicant."+act+"."+value), chosen})
		}
		return out
	}
	last := ""
	if c := d.View.Choice; c != nil {
		last = c.Choice
	}
	d.Choices = pick("choice", last, delivery.ChooseWait, delivery.ChooseSplit)
	d.Ways = pick("way", string(d.View.Wish.Way), string(delivery.WishDeliver), string(delivery.WishCollect))
	d.Methods = pick("method", "", string(delivery.ByMail), string(delivery.BySlip))
	d.Levels = levelOptions(v)
	today := workday.DateOf(p.now())
	d.First, d.Last = today.String(), today.AddDays(slotDays).String()
}

// lineForApplicant says how far one result is, without the office's words.
func (p *site) lineForApplicant(v *view, l delivery.ApplicantLine) applicantLine {
	key, tone := string(l.State), ""
	switch {
	case l.File:
		key = "file"
	case l.Sent:
		key, tone = "sent", "good"
	case l.State == delivery.LineReceived:
		tone = "good"
	case l.State == delivery.LineExpected:
		tone = "warn"
	}
	return applicantLine{l, p.say(v, "applicant.line."+key), tone}
}

// byApplicant ends an act of the link: back to its page, with a line of what was
// done or the refusal beside its field.
func (p *site) byApplicant(v *view, f form, flash string, act func(token string) error) error {
	token := v.r.PathValue("token")
	if err := act(token); err != nil {
		if fault.Is(err, "applicant_link") {
			return p.applicant(v) // which says the same
		}
		return p.done(v, err, f, p.applicant)
	}
	return v.leave("/a/"+token, flash)
}

func (p *site) applicantAddress(v *view) error {
	return p.byApplicant(v, form{"address", ""}, "flash.applicant.address", func(token string) error {
		return p.Delivery.ConfirmAddress(v.ctx(), token, delivery.AddressRequest{Name: v.form("name"), Phone: digits(v.form("phone")), Address: v.form("address")})
	})
}

func (p *site) applicantWay(v *view) error {
	return p.byApplicant(v, form{"way", ""}, "flash.applicant.way", func(token string) error {
		return p.Delivery.ChooseWay(v.ctx(), token, delivery.WishedWay(v.form("way")))
	})
}

func (p *site) applicantAgent(v *view) error {
	return p.byApplicant(v, form{"agent", ""}, "flash.applicant.agent", func(token string) error {
		return p.Delivery.NameAgent(v.ctx(), token, delivery.AgentRequest{Name: v.form("name"), Phone: digits(v.form("phone")), Tie: v.form("tie")})
	})
}

func (p *site) applicantNobody(v *view) error {
	return p.byApplicant(v, form{"nobody", ""}, "flash.applicant.no_agent", func(token string) error { return p.Delivery.DropAgent(v.ctx(), token) })
}

func (p *site) applicantChoice(v *view) error {
	return p.byApplicant(v, form{"choice", ""}, "flash.applicant.choice", func(token string) error {
		return p.Delivery.ChooseByLink(v.ctx(), token, v.form("choice"))
	})
}

func (p *site) applicantSlot(v *view) error {
	number := v.form("number")
	return p.byApplicant(v, form{"slot", number}, "flash.applicant.slot", func(token string) error {
		day, err := workday.ParseDate(v.form("day"))
		if err != nil {
			return fault.Refuse(fault.Invalid, "slot_day", "请选择日期", "choose a day")
		}
		part := v.form("part")
		if !slices.Contains([]string{"am", "pm"}, part) {
			return fault.Refuse(fault.Invalid, "slot_part", "请选择上午或下午", "choose morning or afternoon")
		}
		return p.Delivery.AskSlot(v.ctx(), token, delivery.SlotRequest{Number: number, Day: day, Afternoon: part == "pm"})
	})
}

func (p *site) applicantMissing(v *view) error {
	return p.byApplicant(v, form{"missing", v.form("number")}, "flash.applicant.missing", func(token string) error {
		return p.Delivery.ReportMissing(v.ctx(), token, v.form("number"))
	})
}

// applicantCode shows a new receiving code, on the answer to the form alone: another
// look at the page does not have it (DEL-612).
func (p *site) applicantCode(v *view) error {
	number := v.form("number")
	code, err := p.Delivery.ShowCode(v.ctx(), v.r.PathValue("token"), number)
	switch {
	case fault.Is(err, "applicant_link"):
		return p.applicant(v)
	case err != nil:
		return p.done(v, err, form{"code", number}, p.applicant)
	}
	return p.applicantWith(v, shownCode{number, code})
}

func (p *site) applicantConsent(v *view) error {
	return p.byApplicant(v, form{"electronic", ""}, "flash.applicant.electronic", func(token string) error {
		return p.Delivery.ConsentByLink(v.ctx(), token, delivery.ElectronicConsentRequest{
			Person: v.form("person"), Method: delivery.ElectronicMethod(v.form("method")), Address: v.form("address"), Phone: digits(v.form("phone")),
		}, v.once())
	})
}

func (p *site) applicantRevoke(v *view) error {
	return p.byApplicant(v, form{"revoke", ""}, "flash.applicant.revoked", func(token string) error { return p.Delivery.RevokeByLink(v.ctx(), token) })
}

func (p *site) applicantRate(v *view) error {
	return p.byApplicant(v, form{"rate", ""}, "flash.applicant.rated", func(token string) error {
		return p.Delivery.RateByLink(v.ctx(), token, delivery.RateRequest{Level: levelOf(v), Words: v.form("words")})
	})
}

// applicantReport is the applicant's word of a department that came alone, or of
// something that was asked for and is not in the record (INS-1203, INS-1013).
func (p *site) applicantReport(v *view) error {
	return p.byApplicant(v, form{"report", ""}, "flash.applicant.reported", func(token string) error {
		r, err := v.reportRequest()
		if err == nil {
			_, err = p.Inspection.ReportByLink(v.ctx(), p.Delivery, token, r)
		}
		return err
	})
}

// applicantPhoto is the applicant's photo of what was put right (INS-1108).
func (p *site) applicantPhoto(v *view) error {
	item := v.r.PathValue("item")
	return p.byApplicant(v, form{"photo", item}, "flash.photo.sent", func(token string) error {
		photo, err := v.upload("scan", inspection.MaxScan)
		if err == nil {
			_, err = p.Inspection.AddPhotoByLink(v.ctx(), p.Delivery, token, inspection.PhotoRequest{Item: item, Note: v.form("note"), Photo: photo, Once: v.once()})
		}
		return err
	})
}

// printTaken prints the applicant's receipt with a new link as a code.
func (p *site) printTaken(v *view) error {
	if _, err := p.Inspection.FindCase(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	out, err := p.Inspection.PrintTaken(v.ctx(), v.by, p.Delivery, v.id())
	return p.print(v, form{"taken", ""}, out, err, p.oneCase)
}

func (p *site) mailLink(v *view) error {
	if _, err := p.Inspection.FindCase(v.ctx(), v.by, v.id()); err != nil {
		return err
	}
	if err := p.Inspection.MailLink(v.ctx(), v.by, p.Delivery, v.id()); err != nil {
		return p.done(v, err, form{"link", ""}, p.oneCase)
	}
	return v.leave("/cases/"+v.id(), "flash.link_mailed")
}
