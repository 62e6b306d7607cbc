package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/office"
)

// sitePages are the day of a visit on the site: who came, who is missing, and
// who says so.
func (p *site) sitePages() {
	const at = "/visits/{id}/site"
	scan := func(path, act string, who Who, h handler) {
		p.on(Route{Method: http.MethodPost, Path: path, Act: act, Who: who, Rate: uploadRate, Body: 4 * inspection.MaxScan}, h)
	}
	p.on(Route{Method: http.MethodGet, Path: at, Act: "pageSite", Who: readers(overseeing...)}, p.siteDay)
	p.on(Route{Method: http.MethodPost, Path: at + "/roll-call", Act: "pageCallRoll", Who: actors(atDesk...)}, p.callRoll)
	scan(at+"/checkins", "pageCheckIn", actors(atDesk...), p.checkInAtWindow)
	p.on(Route{Method: http.MethodPost, Path: at + "/checkins/{checkin}/left", Act: "pageLeave", Who: actors(atDesk...)}, p.leaveSite)
	scan(at+"/parts/{part}/absence", "pageAttest", actors(atDesk...), p.attestAtWindow)
	scan(at+"/parts/{part}/attendance", "pageCorrect", actors(atDesk...), p.correctAttendance)
	p.on(Route{Method: http.MethodPost, Path: at + "/parts/{part}/attendance/decide", Act: "pageDecideCorrection", Who: actors(atDesk...)}, p.decideAttendance)
	p.on(Route{Method: http.MethodPost, Path: at + "/parts/{part}/absence/withdraw", Act: "pageWithdraw", Who: actors(atDesk...)}, p.withdrawAtWindow)

	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/checkin", Act: "pageCheckMyselfIn", Who: actors(inOffice...)}, p.checkMyselfIn)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/absent/{part}", Act: "pageAttestOther", Who: actors(inOffice...)}, p.attestOther)
	p.on(Route{Method: http.MethodPost, Path: "/inbox/{id}/absent/{part}/withdraw", Act: "pageWithdrawMine", Who: actors(inOffice...)}, p.withdrawMine)
}

// siteDayPage is the attendance of one visit as the window sees it on a
// telephone. The missing stand first.
type siteDayPage struct {
	Visit                     inspection.VisitView
	Window, Applicant         []inspection.CheckIn
	Missing, Others           []sitePart
	Running, Taking, Graceful bool // the site part runs; sheets are still taken; the grace runs
	Mine                      bool // the reader has checked in for the window
	Edits, Supervises         bool
	Once                      string
	Proposed                  proposedPanel
}

// sitePart is one department's attendance with what can be done about it.
type sitePart struct {
	inspection.ParticipantView
	Came       []inspection.CheckIn
	Phone      string
	Known      []inspection.Resource // booked and not checked in by name
	Words      []attested
	Correction *inspection.Correction

	Unsigned                         []inspection.CheckIn
	MayAttest, MayCorrect, MayDecide bool
	MayDrop                          bool // the draft stands in the way of closing (INS-913)
}

// attested is one standing word, and whether the reader may take it back.
type attested struct {
	inspection.Attestation
	Mine bool
}

func (p *site) siteDay(v *view) error {
	v.here = "/visits/" + v.id() + "/site"
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	d := siteDayPage{
		Visit: found, Window: found.Came(inspection.PartyWindow), Applicant: found.Came(inspection.PartyApplicant), Once: newOnce(),
		Running: found.State == inspection.VisitInProgress, Edits: v.organises(found.CentreID), Supervises: v.supervises(found.CentreID),
	}
	d.Taking = d.Running || found.State == inspection.VisitCollecting
	d.Graceful = d.Running && p.now().Before(found.GraceUntil)
	for _, c := range d.Window {
		d.Mine = d.Mine || c.PersonID == v.by.ID
	}
	phones, err := p.phones(v, found)
	if err != nil {
		return err
	}
	for _, one := range found.Participants {
		part := p.sitePartOf(v, d, one)
		switch one.Attendance {
		case inspection.AttendanceExpected, inspection.AttendanceShort, inspection.AttendanceAbsentProv, inspection.AttendanceAbsent:
			part.Phone = phones[one.DepartmentID]
		default:
		}
		if missing := one.Attendance == inspection.AttendanceAbsentProv || one.Attendance == inspection.AttendanceAbsent; missing {
			d.Missing = append(d.Missing, part)
		} else {
			d.Others = append(d.Others, part)
		}
	}
	d.Proposed = p.proposedOf(v, found, v.here)
	return p.show(v, "site", d)
}

func (p *site) sitePartOf(v *view, d siteDayPage, one inspection.ParticipantView) sitePart {
	part := sitePart{ParticipantView: one, Came: d.Visit.Came(one.ID)}
	named := map[string]bool{}
	for _, c := range part.Came {
		named[c.Name] = true
	}
	for _, r := range one.People {
		if !named[r.Name] {
			part.Known = append(part.Known, r)
		}
	}
	for _, a := range one.Standing() {
		mine := a.Person == v.by.ID || a.Role == inspection.AttestApplicant && d.Edits
		part.Words = append(part.Words, attested{a, mine && one.Deemed == nil && d.Taking})
	}
	for _, c := range one.Corrections {
		if c.DecidedAt.IsZero() {
			part.Correction = &c
		}
	}
	part.Unsigned = unsigned(one, part.Came)
	part.MayDrop = d.Supervises && d.Taking && one.Draft != nil && one.Opinion != inspection.OpinionDraft
	part.MayAttest = d.Edits && d.Taking && one.Attendance == inspection.AttendanceAbsentProv
	part.MayCorrect = d.Edits && one.Attendance == inspection.AttendanceAbsent && part.Correction == nil && d.Visit.State == inspection.VisitCollecting
	part.MayDecide = d.Supervises && part.Correction != nil && part.Correction.ProposedBy != v.by.String()
	return part
}

// onSite ends an act on who came: back to the page of the site, or the same page
// with the refusal.
func (p *site) onSite(v *view, f form, flash string, act func(found inspection.VisitView) error) error {
	found, err := p.Inspection.FindVisit(v.ctx(), v.by, v.id())
	if err != nil {
		return err
	}
	if err := act(found); err != nil {
		return p.done(v, err, f, p.siteDay)
	}
	return v.leave("/visits/"+v.id()+"/site", flash)
}

// checkInAtWindow records on the window's screen who came, or enters a sheet.
func (p *site) checkInAtWindow(v *view) error {
	r := inspection.CheckInRequest{
		VisitID: v.id(), Party: v.form("party"), Name: v.form("name"), Certificate: v.form("certificate"), Way: inspection.ByWindow, Once: v.once(), Device: deviceOf(v.r.Header),
	}
	return p.onSite(v, form{"checkin", r.Party}, "flash.checked_in", func(found inspection.VisitView) (err error) {
		for _, known := range found.Resources { // one that was booked, chosen by name
			if known.ID == v.form("person") && r.Name == "" {
				r.Name = known.Name
				if known.Certificate != "" {
					r.Certificate = known.Certificate
				}
			}
		}
		if at := v.form("came_at"); at != "" {
			r.Way = inspection.ByPaper
			if r.CameAt, err = inspection.ParseTime(at); err != nil {
				return err
			}
			if r.Scan, err = v.upload("scan", inspection.MaxScan); err != nil {
				return err
			}
		}
		_, err = p.Inspection.CheckIn(v.ctx(), v.by, r)
		return err
	})
}

func (p *site) callRoll(v *view) error {
	return p.onSite(v, form{"roll", ""}, "flash.roll", func(inspection.VisitView) error {
		_, err := p.Inspection.CallRoll(v.ctx(), v.by, v.id())
		return err
	})
}

func (p *site) leaveSite(v *view) error {
	id := v.r.PathValue("checkin")
	return p.onSite(v, form{"left", id}, "flash.left", func(inspection.VisitView) error {
		return p.Inspection.Leave(v.ctx(), v.by, v.id(), id, v.form("agreed") == "yes")
	})
}

func (p *site) attestAtWindow(v *view) error {
	part := v.r.PathValue("part")
	return p.onSite(v, form{"attest", part}, "flash.attested", func(inspection.VisitView) error {
		r := inspection.AttestRequest{ParticipantID: part, Role: inspection.AttestRole(v.form("role")), Once: v.once()}
		var err error
		if r.Role == inspection.AttestApplicant {
			r.Scan, err = v.upload("scan", inspection.MaxScan)
		}
		if err == nil {
			_, err = p.Inspection.Attest(v.ctx(), v.by, r)
		}
		return err
	})
}

func (p *site) withdrawAtWindow(v *view) error {
	part, role := v.r.PathValue("part"), v.form("role")
	return p.onSite(v, form{"withdraw", part + role}, "flash.attestation.withdrawn", func(inspection.VisitView) error {
		return p.Inspection.WithdrawAttestation(v.ctx(), v.by, part, inspection.AttestRole(role), v.form("reason"))
	})
}

func (p *site) correctAttendance(v *view) error {
	part := v.r.PathValue("part")
	return p.onSite(v, form{"correct", part}, "flash.correction.proposed", func(inspection.VisitView) error {
		scan, err := v.upload("scan", inspection.MaxScan)
		if err != nil {
			return err
		}
		_, err = p.Inspection.ProposeCorrection(v.ctx(), v.by, inspection.CorrectionRequest{
			ParticipantID: part, Attendance: inspection.Attendance(v.form("attendance")), Reason: v.form("reason"), Scan: scan, Once: v.once(),
		})
		return err
	})
}

func (p *site) decideAttendance(v *view) error {
	part := v.r.PathValue("part")
	return p.onSite(v, form{"decide", part}, "flash.correction.decided", func(inspection.VisitView) error {
		return p.Inspection.DecideCorrection(v.ctx(), v.by, part, v.form("decision") == "agree")
	})
}

// checkMyselfIn is an inspector's own telephone on the site (INS-1002).
func (p *site) checkMyselfIn(v *view) error {
	found, own, err := p.ownPart(v)
	if err != nil {
		return err
	}
	way := inspection.ByPhone
	if v.form("way") == inspection.ByRemote {
		way = inspection.ByRemote
	}
	_, err = p.Inspection.CheckIn(v.ctx(), v.by, inspection.CheckInRequest{
		VisitID: found.ID, Party: own.ID, Certificate: v.form("certificate"), Way: way, Once: v.once(),
		Device: deviceOf(v.r.Header), Position: positionIn(v),
	})
	if err != nil {
		return p.done(v, err, form{"checkin", ""}, p.invitation)
	}
	return v.leave("/inbox/"+found.ID, "flash.checked_in")
}

// positionIn is what the script of the page filled in when the person asked for it; nil
// without. What is no number is refused as no place.
func positionIn(v *view) *inspection.Whereabouts {
	if v.form("latitude") == "" {
		return nil
	}
	number := func(name string) float64 {
		n, err := strconv.ParseFloat(v.form(name), 64)
		if err != nil {
			return math.NaN()
		}
		return n
	}
	off := math.Ceil(number("accuracy"))
	if !(off >= 0 && off < 1e6) {
		off = -1
	}
	return &inspection.Whereabouts{Lat: number("latitude"), Lon: number("longitude"), Accuracy: int(off)}
}

// attestOther is the word of an inspector on the site about another department.
func (p *site) attestOther(v *view) error {
	part := v.r.PathValue("part")
	if _, _, err := p.ownPart(v); err != nil {
		return err
	}
	_, err := p.Inspection.Attest(v.ctx(), v.by, inspection.AttestRequest{ParticipantID: part, Role: inspection.AttestDepartment, Once: v.once()})
	if err != nil {
		return p.done(v, err, form{"attest", part}, p.invitation)
	}
	return v.leave("/inbox/"+v.id(), "flash.attested")
}

func (p *site) withdrawMine(v *view) error {
	part := v.r.PathValue("part")
	if _, _, err := p.ownPart(v); err != nil {
		return err
	}
	if err := p.Inspection.WithdrawAttestation(v.ctx(), v.by, part, inspection.AttestDepartment, v.form("reason")); err != nil {
		return p.done(v, err, form{"withdraw", part}, p.invitation)
	}
	return v.leave("/inbox/"+v.id(), "flash.attestation.withdrawn")
}

// onMySite is what an inspector does on the site: check in, and say who is
// missing.
type onMySite struct {
	May, In   bool
	Review    bool // it can be attended from afar, once the roll is called
	NeedsCert bool
	CameAt    time.Time
	Came      []inspection.CheckIn
	Missing   []missingPart
}

// missingPart is another department that is not there, and the reader's own word
// on it.
type missingPart struct {
	ID, DepartmentID, Name string
	Mine                   *inspection.Attestation
}

func (p *site) mySite(v *view, found inspection.VisitView, own part) (out onMySite) {
	running := found.State == inspection.VisitInProgress
	out.Came = found.Came(own.ID)
	for _, c := range out.Came {
		if c.PersonID == v.by.ID {
			out.In, out.CameAt = true, c.CameAt
		}
	}
	out.May, out.NeedsCert, out.Review = running && !out.In, true, found.Kind == inspection.KindReview
	for _, r := range own.People {
		if r.PersonID == v.by.ID && r.Certificate != "" {
			out.NeedsCert = false
		}
	}
	if !out.In || !running && found.State != inspection.VisitCollecting {
		return out
	}
	for _, other := range found.Participants {
		gone := other.Attendance == inspection.AttendanceAbsentProv || other.Attendance == inspection.AttendanceAbsent
		if other.ID == own.ID || !gone {
			continue
		}
		one := missingPart{ID: other.ID, DepartmentID: other.DepartmentID, Name: other.Name}
		for _, a := range other.Attestations { // narrowed to the reader's own
			if a.Person == v.by.ID && a.WithdrawnAt.IsZero() {
				one.Mine = &a
			}
		}
		out.Missing = append(out.Missing, one)
	}
	return out
}

// phones are the telephones of the departments of a visit.
func (p *site) phones(v *view, found inspection.VisitView) (map[string]string, error) {
	out := map[string]string{}
	var ids []string
	for _, one := range found.Participants {
		ids = append(ids, one.DepartmentID)
	}
	if len(ids) == 0 {
		return out, nil
	}
	err := p.Read(v.ctx(), func(q bun.IDB) error {
		all, err := office.ListDepartments(v.ctx(), q, office.DepartmentQuery{IDs: ids})
		for _, d := range all {
			out[d.ID] = d.Phone
		}
		return err
	})
	return out, err
}
