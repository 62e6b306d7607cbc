package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"lianban/inspection"
	"lianban/internal/auth"
)

// attendanceRoutes are who came to a visit, and who did not (INS-1002, INS-1004).
func (s *Server) attendanceRoutes() {
	post := func(path, act string, title words, who Who) Route {
		return Route{Method: http.MethodPost, Path: path, Act: act, Title: title, Who: who}
	}
	withScan := func(r Route) Route {
		r.Body = scanBodyMax
		return r
	}
	everyone := actors(auth.Inspector, auth.Head, auth.Clerk, auth.Supervisor)
	register(s, withScan(post("/visits/{id}/checkins", "checkIn", words{"签到", "Check in to a visit"}, everyone)), s.checkIn)
	register(s, post("/visits/{id}/checkins/{checkin}/left", "leaveSite", words{"登记提前离场", "Record that somebody left early"}, organisers), s.leaveSite)
	register(s, withScan(post(participantPath+"/absence", "attestAbsence", words{"确认部门未到场", "Attest that a department did not come"}, everyone)), s.attestAbsence)
	register(s, post(participantPath+"/absence/withdraw", "withdrawAttestation", words{"撤回未到确认", "Take an attestation back"}, everyone), s.withdrawAttestation)
	register(s, withScan(post(participantPath+"/attendance", "proposeCorrection", words{"提出到场更正", "Propose to correct a department's attendance"}, everyone)), s.proposeCorrection)
	register(s, post(participantPath+"/attendance/decide", "decideCorrection", words{"决定到场更正", "Decide a correction of attendance"}, actors(auth.Supervisor)), s.decideCorrection)
}

type checkInRequest struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Party       string    `json:"party" validate:"required,code" doc:"id of a department that takes part, window or applicant"`
		Way         string    `json:"way" validate:"required,oneof=phone remote window paper" doc:"phone, remote: whoever is signed in; remote answers the roll call of a review"`
		Name        string    `json:"name,omitempty" validate:"omitempty,line=60"`
		Certificate string    `json:"certificate,omitempty" validate:"omitempty,line=60" doc:"of the applicant's card the last four"`
		CameAt      string    `json:"came_at,omitempty" validate:"omitempty,instant" doc:"from the sheet, for paper"`
		Scan        scanBody  `json:"scan,omitzero" doc:"the sheet, for paper"`
		Position    *position `json:"position,omitempty" doc:"where the person is, if the person wants to say so; for phone"`
	}
}

// position is inspection.Whereabouts as a request gives it.
type position struct {
	Lat      float64 `json:"lat" validate:"min=-90,max=90" doc:"WGS-84"`
	Lon      float64 `json:"lon" validate:"min=-180,max=180" doc:"WGS-84"`
	Accuracy int     `json:"accuracy_m" validate:"min=0,max=1000000" doc:"metres it may be off"`
}

// deviceOf is a word for what a request was made with. It says no more than that: a
// user agent would tell one telephone from another (INS-1002).
func deviceOf(h http.Header) string {
	agent := h.Get("User-Agent")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(agent, w) })
	}
	switch {
	case !has("Mozilla"):
		return "program"
	case has("iPad", "Tablet"):
		return "tablet"
	case has("Mobile", "Android", "iPhone", "HarmonyOS"):
		return "phone"
	}
	return "computer"
}

func (s *Server) checkIn(ctx context.Context, c *call, in *checkInRequest) (inspection.CheckIn, error) {
	v, err := s.Inspection.FindVisit(ctx, c.by, in.ID)
	if err != nil {
		return inspection.CheckIn{}, err
	}
	b := in.Body
	return s.Inspection.CheckIn(ctx, c.by, inspection.CheckInRequest{
		VisitID: v.ID, Party: partyIn(v, b.Party), Way: b.Way, Name: b.Name, Certificate: b.Certificate, CameAt: instant(b.CameAt),
		Scan: inspection.Scan(b.Scan), Device: deviceOf(c.header), Position: (*inspection.Whereabouts)(b.Position), Once: c.key(in.Key),
	})
}

// partyIn turns the id of a department into that of its part.
func partyIn(v inspection.VisitView, party string) string {
	i := slices.IndexFunc(v.Participants, func(p inspection.ParticipantView) bool { return p.DepartmentID == party })
	if i < 0 {
		return party
	}
	return v.Participants[i].ID
}

type leaveRequest struct {
	ID      string `path:"id" validate:"required,code"`
	CheckIn string `path:"checkin" validate:"required,code"`
	Body    struct {
		Agreed bool `json:"agreed" doc:"the window agreed"`
	}
}

func (s *Server) leaveSite(ctx context.Context, c *call, in *leaveRequest) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Leave(ctx, c.by, in.ID, in.CheckIn, in.Body.Agreed)
}

type attestRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Role string   `json:"role" validate:"required,oneof=window applicant department supervisor"`
		Scan scanBody `json:"scan,omitzero" doc:"what the applicant signed"`
	}
}

func (s *Server) attestAbsence(ctx context.Context, c *call, in *attestRequest) (inspection.Attestation, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Attestation{}, err
	}
	return s.Inspection.Attest(ctx, c.by, inspection.AttestRequest{
		ParticipantID: p.ID, Role: inspection.AttestRole(in.Body.Role), Scan: inspection.Scan(in.Body.Scan), Once: c.key(in.Key),
	})
}

type withdrawAttestation struct {
	ofDepartment
	Body struct {
		Role   string `json:"role" validate:"required,oneof=window applicant department supervisor"`
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) withdrawAttestation(ctx context.Context, c *call, in *withdrawAttestation) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.WithdrawAttestation(ctx, c.by, p.ID, inspection.AttestRole(in.Body.Role), in.Body.Reason)
}

type correctionRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Attendance string   `json:"attendance" validate:"required,oneof=present late short"`
		Reason     string   `json:"reason" validate:"required,line=200"`
		Scan       scanBody `json:"scan,omitzero" doc:"the proof"`
	}
}

func (s *Server) proposeCorrection(ctx context.Context, c *call, in *correctionRequest) (inspection.Correction, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Correction{}, err
	}
	return s.Inspection.ProposeCorrection(ctx, c.by, inspection.CorrectionRequest{
		ParticipantID: p.ID, Attendance: inspection.Attendance(in.Body.Attendance), Reason: in.Body.Reason,
		Scan: inspection.Scan(in.Body.Scan), Once: c.key(in.Key),
	})
}

type decideCorrection struct {
	ofDepartment
	Body struct {
		Agree bool `json:"agree"`
	}
}

func (s *Server) decideCorrection(ctx context.Context, c *call, in *decideCorrection) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.DecideCorrection(ctx, c.by, p.ID, in.Body.Agree)
}
