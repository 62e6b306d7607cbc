package api

import (
	"context"
	"net/http"
	"slices"

	"lianban/inspection"
	"lianban/internal/auth"
)

const participantPath = "/visits/{id}/participants/{department}"

// scanBodyMax is the size of a body with a scan in base64.
const scanBodyMax = inspection.MaxScan*4/3 + maxBody

// answerers are the people of an invited department.
var answerers = actors(auth.Inspector, auth.Head)

func (s *Server) participantRoutes() {
	post := func(act, name string, title words, who Who) Route {
		return Route{Method: http.MethodPost, Path: participantPath + "/" + act, Act: name, Title: title, Who: who}
	}
	register(s, post("opened", "noticeOpened", words{"已打开通知", "The notice was opened"}, answerers), s.noticeOpened)
	reply := post("reply", "reply", words{"答复应约通知", "Answer a notice"}, actors(auth.Inspector, auth.Head, auth.Clerk, auth.Supervisor))
	reply.Body = scanBodyMax // at the usual rate: no answer waits because it could have been a paper
	register(s, reply, s.reply)
	s.answerRoutes(post)
	s.substituteRoutes(post)
	s.objectionRoutes(post)
	s.contestRoutes(post)
	register(s, post("withdraw", "withdrawDepartment", words{"撤回对部门的邀请", "Withdraw a department from a booked visit"}, organisers), s.withdrawDepartment)
	register(s, post("opinion", "opine", words{"出具部门意见", "Give a department's opinion"}, answerers), s.opine)
	served := post("service", "serveByHand", words{"登记书面或电话送达", "Record a notice, or the word that an opinion is due, served by hand"}, organisers)
	served.Rate, served.Body = uploadRate, scanBodyMax
	register(s, served, s.serveByHand)
	s.attendanceRoutes()
	s.rectifyRoutes()
	s.recordSignRoutes()
	s.signatureRoutes()
	s.checklistRoutes()
	register(s, post("confirm", "confirmDeemed", words{"确认视为同意", "Confirm a deemed consent"}, organisers), s.confirmDeemed)
	register(s, post("uphold", "upholdDeemed", words{"复核后维持视为同意", "Let a deemed consent stand after review"}, actors(auth.Supervisor)), s.upholdDeemed)
	register(s, post("reverse", "reverseDeemed", words{"撤销视为同意（两人）", "Take a deemed consent back; a second person decides"}, actors(auth.Supervisor, auth.Auditor)), s.reverseDeemed)
	register(s, post("waive", "waiveOpinion", words{"不再等候部门意见（两名主管）", "Wait no longer for a department's opinion; a second supervisor decides"}, actors(auth.Supervisor)), s.waiveOpinion)
}

// ofDepartment names one department's part of a visit.
type ofDepartment struct {
	ID         string `path:"id" validate:"required,code"`
	Department string `path:"department" validate:"required,code"`
}

// part finds it for who may read the visit (SEC-3).
func (s *Server) part(ctx context.Context, c *call, of ofDepartment) (inspection.ParticipantView, error) {
	v, err := s.Inspection.FindVisit(ctx, c.by, of.ID)
	if err != nil {
		return inspection.ParticipantView{}, err
	}
	i := slices.IndexFunc(v.Participants, func(p inspection.ParticipantView) bool { return p.DepartmentID == of.Department })
	if i < 0 {
		return inspection.ParticipantView{}, notFound()
	}
	return v.Participants[i], nil
}

func (s *Server) noticeOpened(ctx context.Context, c *call, in *ofDepartment) (none, error) {
	p, err := s.part(ctx, c, *in)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Opened(ctx, c.by, p.ID)
}

type replyRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Round     int      `json:"round" validate:"required,min=1,max=1000" doc:"the round that is answered"`
		Kind      string   `json:"kind" validate:"required,oneof=accept decline counter excuse delegate"`
		Reason    string   `json:"reason,omitempty" validate:"nonul,max=500"`
		Category  string   `json:"category,omitempty" validate:"omitempty,code" doc:"of an excuse: emergency, disaster, statutory_meeting, illness_no_substitute, recusal or other"`
		Proposals []string `json:"proposals,omitempty" validate:"max=3,unique,dive,instant" doc:"other times, for a counter"`
		Delegate  string   `json:"delegate,omitempty" validate:"omitempty,code" doc:"id of another person of the department"`
		Channel   string   `json:"channel,omitempty" validate:"omitempty,oneof=portal phone paper" doc:"phone, paper: the window records a call or a paper"`
		GivenBy   string   `json:"given_by,omitempty" validate:"omitempty,line=60" doc:"who spoke or signed, for a call or a paper"`
		Received  string   `json:"received_at,omitempty" validate:"omitempty,instant" doc:"when the paper reached the window, required for a paper"`
		Scan      scanBody `json:"scan,omitzero" doc:"the paper, required for a paper"`
		Opinion   *written `json:"opinion,omitempty" doc:"a written opinion sent along with a decline, of a signed-in person"`
	}
}

// written is an opinion that comes with a decline (INS-813).
type written struct {
	Kind  string     `json:"kind" validate:"required,oneof=agree rectify disagree"`
	Text  string     `json:"text,omitempty" validate:"nonul,max=4000"`
	Items []itemBody `json:"items,omitempty" validate:"max=100,dive"`
}

func (s *Server) reply(ctx context.Context, c *call, in *replyRequest) (inspection.Reply, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Reply{}, err
	}
	b := in.Body
	r := inspection.ReplyRequest{
		ParticipantID: p.ID, Round: b.Round, Kind: inspection.ReplyKind(b.Kind), Reason: b.Reason, Category: b.Category, Delegate: b.Delegate,
		Channel: b.Channel, GivenBy: b.GivenBy, ReceivedAt: c.at, Once: c.key(in.Key),
	}
	switch r.Channel {
	case "":
		r.Channel = "portal"
	case "paper": // it has reached the window before, and says when
		r.ReceivedAt, r.Scan = instant(b.Received), inspection.Scan(b.Scan)
	}
	for _, t := range b.Proposals {
		r.Proposals = append(r.Proposals, instant(t))
	}
	if o := b.Opinion; o != nil {
		r.Opinion = inspection.OpinionRequest{Kind: inspection.OpinionKind(o.Kind), Text: o.Text}
		for _, item := range o.Items {
			r.Opinion.Items = append(r.Opinion.Items, item.item())
		}
	}
	return s.Inspection.Reply(ctx, c.by, r)
}

type opineRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Kind   string     `json:"kind" validate:"required,oneof=agree rectify disagree deferred"`
		Text   string     `json:"text,omitempty" validate:"nonul,max=4000"`
		Ground string     `json:"ground,omitempty" validate:"omitempty,oneof=collective_decision test_result" doc:"of a deferral"`
		Items  []itemBody `json:"items,omitempty" validate:"max=100,dive"`
	}
}

type itemBody struct {
	ID      string `json:"item_id,omitempty" validate:"omitempty,code" doc:"at a revisit: the item of the list that is still open, with its new term"`
	Finding string `json:"finding,omitempty" validate:"nonul,max=1000" doc:"needed but at a revisit, as clause and verify"`
	Clause  string `json:"clause,omitempty" validate:"nonul,max=300"`
	Verify  string `json:"verify,omitempty" validate:"omitempty,oneof=photo visit" doc:"how it is seen that it was put right"`
	Days    int    `json:"days" validate:"required,min=1,max=60" doc:"working days, from when the applicant has the list"`
}

func (b itemBody) item() inspection.RectifyItem {
	return inspection.RectifyItem{ID: b.ID, Finding: b.Finding, Clause: b.Clause, Verify: inspection.Verify(b.Verify), Days: b.Days}
}

func (s *Server) opine(ctx context.Context, c *call, in *opineRequest) (inspection.Opinion, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.Opinion{}, err
	}
	r := inspection.OpinionRequest{
		ParticipantID: p.ID, Kind: inspection.OpinionKind(in.Body.Kind), Text: in.Body.Text, Ground: in.Body.Ground, Once: c.key(in.Key),
	}
	for _, item := range in.Body.Items {
		r.Items = append(r.Items, item.item())
	}
	return s.Inspection.Opine(ctx, c.by, r)
}

type serveRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		About    string   `json:"about,omitempty" validate:"omitempty,oneof=notice opinion" doc:"the notice, or the word that an opinion is due after the visit"`
		Channel  string   `json:"channel" validate:"required,oneof=paper phone"`
		Receiver string   `json:"receiver" validate:"required,line=60"`
		Post     string   `json:"post,omitempty" validate:"omitempty,line=60"`
		At       string   `json:"at" validate:"required,instant" doc:"when it was signed, or the call was made"`
		Said     string   `json:"said,omitempty" validate:"nonul,max=1000" doc:"what was read out, for a call"`
		Scan     scanBody `json:"scan,omitzero" doc:"the signed slip, for paper"`
	}
}

type scanBody struct {
	Name  string `json:"name,omitempty" validate:"omitempty,line=100"`
	Bytes []byte `json:"content,omitempty" doc:"JPEG, PNG or WebP, at most 8 MB"`
}

func (s *Server) serveByHand(ctx context.Context, c *call, in *serveRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	b := in.Body
	return none{}, s.Inspection.ServeByHand(ctx, c.by, inspection.HandServiceRequest{
		ParticipantID: p.ID, About: b.About, Channel: b.Channel, Receiver: b.Receiver, Post: b.Post, At: instant(b.At), Said: b.Said,
		Scan: inspection.Scan(b.Scan), Once: c.key(in.Key),
	})
}

func (s *Server) confirmDeemed(ctx context.Context, c *call, in *ofDepartment) (none, error) {
	p, err := s.part(ctx, c, *in)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Confirm(ctx, c.by, p.ID)
}

type decideRequest struct {
	ofDepartment
	Body struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) upholdDeemed(ctx context.Context, c *call, in *decideRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Uphold(ctx, c.by, p.ID, in.Body.Reason)
}

func (s *Server) reverseDeemed(ctx context.Context, c *call, in *decideRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Reverse(ctx, c.by, p.ID, in.Body.Reason)
}

func (s *Server) waiveOpinion(ctx context.Context, c *call, in *decideRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.Waive(ctx, c.by, p.ID, in.Body.Reason)
}
