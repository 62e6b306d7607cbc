package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
)

// rectifyRoutes are what follows from a visit that ended in rectify: the one list
// of what to put right, and the exceptions to it (INS-1107).
func (s *Server) rectifyRoutes() {
	post := func(path, act string, title words, who Who) Route {
		return Route{Method: http.MethodPost, Path: path, Act: act, Title: title, Who: who}
	}
	given := post("/visits/{id}/lists/{list}/given", "giveList", words{"登记整改通知书已送达申请人", "Record that the applicant was given a list"}, organisers)
	given.Rate, given.Body = uploadRate, scanBodyMax
	register(s, given, s.giveList)
	register(s, post(participantPath+"/items", "proposeItem", words{"申请追加整改事项", "Ask for an item after the list was made"}, answerers), s.proposeItem)
	register(s, post("/visits/{id}/proposals/{proposal}/decide", "decideItem", words{"决定是否追加整改事项", "Decide on a later item as the second person"}, actors(auth.Supervisor)), s.decideItem)

	photo := post("/visits/{id}/items/{item}/photos", "addPhoto", words{"提交整改照片", "Hand in a photo of what was put right"}, organisers)
	photo.Rate, photo.Body = uploadRate, scanBodyMax
	register(s, photo, s.addPhoto)
	register(s, post("/visits/{id}/photos/{photo}/answer", "answerPhoto", words{"答复整改照片", "Answer a photo of what was put right"}, answerers), s.answerPhoto)
	register(s, post("/visits/{id}/conclude", "concludeRectify", words{"整改完成后出具新版意见书", "Issue the opinion anew when everything is put right"}, organisers), s.concludeRectify)

	register(s, post("/visits/{id}/revisit-requests", "requestRevisit", words{"登记复勘申请", "Record that the applicant asks for a revisit"}, organisers), s.requestRevisit)
	revisit := post("/visits/{id}/revisits", "planRevisit", words{"新建复勘", "Open the draft of a revisit"}, organisers)
	revisit.Status = http.StatusCreated
	register(s, revisit, s.planRevisit)
	register(s, post("/visits/{id}/term", "decideTerm", words{"整改期满后的决定", "Decide on a term that is over without a request"}, actors(auth.Supervisor)), s.decideTerm)
	register(s, post(participantPath+"/another-visit", "askAgain", words{"部门请求再次勘验", "A department asks for another visit"}, answerers), s.askAgain)
}

type giveListRequest struct {
	ID   string `path:"id" validate:"required,code"`
	List string `path:"list" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body handedBody
}

// handedBody is how the applicant took a paper (INS-1012).
type handedBody struct {
	How       string   `json:"how" validate:"required,oneof=signed refused"`
	Receiver  string   `json:"receiver" validate:"required,line=60" doc:"the applicant, or the agent"`
	At        string   `json:"at" validate:"required,instant" doc:"when it was taken or refused"`
	Reason    string   `json:"reason,omitempty" validate:"nonul,max=500" doc:"of a refusal to sign"`
	Witnesses []string `json:"witnesses,omitempty" validate:"max=2,dive,line=60" doc:"the two inspectors who noted a refusal"`
	Scan      scanBody `json:"scan,omitzero" doc:"what was signed"`
}

func (b handedBody) handed() inspection.Handed {
	return inspection.Handed{
		How: inspection.GivenHow(b.How), Receiver: b.Receiver, At: instant(b.At), Reason: b.Reason, Witnesses: b.Witnesses, Scan: inspection.Scan(b.Scan),
	}
}

func (s *Server) giveList(ctx context.Context, c *call, in *giveListRequest) (inspection.RectifyList, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.RectifyList{}, err
	}
	return s.Inspection.GiveList(ctx, c.by, inspection.GiveRequest{VisitID: in.ID, List: whole(in.List), Handed: in.Body.handed(), Once: c.key(in.Key)})
}

type proposeItemRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Ground string   `json:"ground" validate:"required,oneof=danger hidden changed"`
		Reason string   `json:"reason" validate:"required,nonul,max=500"`
		Item   itemBody `json:"item"`
	}
}

func (s *Server) proposeItem(ctx context.Context, c *call, in *proposeItemRequest) (inspection.ItemProposal, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return inspection.ItemProposal{}, err
	}
	return s.Inspection.ProposeItem(ctx, c.by, inspection.AddRequest{
		ParticipantID: p.ID, Ground: inspection.AddGround(in.Body.Ground), Reason: in.Body.Reason, Item: in.Body.Item.item(), Once: c.key(in.Key),
	})
}

type decideItemRequest struct {
	ID       string `path:"id" validate:"required,code"`
	Proposal string `path:"proposal" validate:"required,code"`
	Body     struct {
		Agree bool   `json:"agree"`
		Note  string `json:"note,omitempty" validate:"nonul,max=500" doc:"why, if it is refused"`
	}
}

func (s *Server) decideItem(ctx context.Context, c *call, in *decideItemRequest) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.DecideItem(ctx, c.by, in.ID, in.Proposal, in.Body.Agree, in.Body.Note)
}

type requestRevisit struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Channel string `json:"channel" validate:"required,oneof=window phone"`
		Person  string `json:"person" validate:"required,line=60" doc:"who asked"`
		Note    string `json:"note,omitempty" validate:"nonul,max=500"`
	}
}

func (s *Server) requestRevisit(ctx context.Context, c *call, in *requestRevisit) (inspection.RevisitRequest, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.RevisitRequest{}, err
	}
	b := in.Body
	return s.Inspection.RequestRevisit(ctx, c.by, inspection.AskRequest{VisitID: in.ID, Channel: b.Channel, Person: b.Person, Note: b.Note, Once: c.key(in.Key)})
}

type planRevisit struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Minutes int `json:"minutes,omitempty" validate:"min=0,max=1440" doc:"0 takes the setting"`
	}
}

func (s *Server) planRevisit(ctx context.Context, c *call, in *planRevisit) (inspection.Visit, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.Visit{}, err
	}
	out, err := s.Inspection.PlanRevisit(ctx, c.by, in.ID, in.Body.Minutes, c.key(in.Key))
	if err == nil {
		c.created("/visits/" + out.ID)
	}
	return out, err
}

type decideTerm struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Revisit bool   `json:"revisit" doc:"a revisit all the same; else a longer term"`
		Days    int    `json:"days,omitempty" validate:"min=0,max=60" doc:"working days more"`
		Reason  string `json:"reason" validate:"required,nonul,max=500"`
	}
}

func (s *Server) decideTerm(ctx context.Context, c *call, in *decideTerm) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	b := in.Body
	return none{}, s.Inspection.DecideTerm(ctx, c.by, inspection.TermDecision{VisitID: in.ID, Revisit: b.Revisit, Days: b.Days, Reason: b.Reason})
}

type askAgainRequest struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Reason string `json:"reason" validate:"required,nonul,max=500"`
	}
}

func (s *Server) askAgain(ctx context.Context, c *call, in *askAgainRequest) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.AskAgain(ctx, c.by, p.ID, in.Body.Reason, c.key(in.Key))
}

type addPhotoRequest struct {
	ID   string `path:"id" validate:"required,code"`
	Item string `path:"item" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Note  string   `json:"note,omitempty" validate:"nonul,max=500"`
		Photo scanBody `json:"photo"`
	}
}

func (s *Server) addPhoto(ctx context.Context, c *call, in *addPhotoRequest) (inspection.ItemPhoto, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.ItemPhoto{}, err
	}
	return s.Inspection.AddPhoto(ctx, c.by, inspection.PhotoRequest{
		VisitID: in.ID, Item: in.Item, Note: in.Body.Note, Photo: inspection.Scan(in.Body.Photo), Once: c.key(in.Key),
	})
}

type answerPhotoRequest struct {
	ID    string `path:"id" validate:"required,code"`
	Photo string `path:"photo" validate:"required,code"`
	Body  struct {
		Answer string `json:"answer" validate:"required,oneof=agreed again visit"`
		Reason string `json:"reason,omitempty" validate:"nonul,max=500" doc:"needed unless it is agreed"`
	}
}

func (s *Server) answerPhoto(ctx context.Context, c *call, in *answerPhotoRequest) (none, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return none{}, err
	}
	return none{}, s.Inspection.AnswerPhoto(ctx, c.by, inspection.PhotoReply{
		VisitID: in.ID, Photo: in.Photo, Answer: inspection.PhotoAnswer(in.Body.Answer), Reason: in.Body.Reason,
	})
}

type concludeRequest struct {
	ID  string `path:"id" validate:"required,code"`
	Key string `header:"Idempotency-Key" validate:"required,line=255"`
}

func (s *Server) concludeRectify(ctx context.Context, c *call, in *concludeRequest) (inspection.JointOpinion, error) {
	if err := s.readable(ctx, c, in.ID); err != nil {
		return inspection.JointOpinion{}, err
	}
	return s.Inspection.Conclude(ctx, c.by, in.ID, c.key(in.Key))
}
