package api

import (
	"context"
	"net/http"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/scheduler/workday"
)

// checklistRoutes are the checklists of departments and what was found with them
// on the site (INS-1007).
func (s *Server) checklistRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/checklists", Act: "listChecklists", Title: words{"本部门的核查表", "The checklists of the own department"},
		Who: anywhere(inOffice...),
	}, s.listChecklists)
	register(s, Route{
		Method: http.MethodPost, Path: "/checklists", Act: "publishChecklist", Title: words{"发布核查表的新版本", "Publish a new version of a checklist"},
		Who: anywhere(auth.Head), Body: inspection.MaxChecklist*4/3 + maxBody, Status: http.StatusCreated,
	}, s.publishChecklist)
	register(s, Route{
		Method: http.MethodGet, Path: participantPath + "/site-record", Act: "readSiteRecord", Title: words{"部门的核查表和核查结果", "A department's checklist and what it found"},
		Who: readers(seeCase...),
	}, s.readSiteRecord)
	register(s, Route{
		Method: http.MethodPost, Path: participantPath + "/site-record", Act: "answerChecklist", Title: words{"登记核查结果", "Save what was found on the site"},
		Who: answerers, Rate: uploadRate, Body: scanBodyMax,
	}, s.answerChecklist)
}

func (s *Server) listChecklists(ctx context.Context, c *call, _ *struct{}) (out listPage[inspection.Checklist], err error) {
	out.Items, err = s.Inspection.Checklists(ctx, c.by)
	return out, err
}

type publishChecklist struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Matter string `json:"matter" validate:"required,line=20" doc:"code of a matter, or * for every matter without a checklist of its own"`
		From   string `json:"effective_from" validate:"required,workday" doc:"not before tomorrow"`
		File   []byte `json:"file" validate:"required" doc:"CSV with the columns item, basis, answer, required, photo, critical"`
	}
}

func (s *Server) publishChecklist(ctx context.Context, c *call, in *publishChecklist) (inspection.Checklist, error) {
	from, err := workday.ParseDate(in.Body.From)
	if err != nil {
		return inspection.Checklist{}, err
	}
	return s.Inspection.PublishChecklist(ctx, c.by, inspection.ChecklistRequest{
		MatterCode: in.Body.Matter, EffectiveFrom: from, File: in.Body.File, Once: c.key(in.Key),
	})
}

func (s *Server) readSiteRecord(ctx context.Context, c *call, in *ofDepartment) (inspection.SiteRecord, error) {
	r, err := s.Inspection.SiteRecord(ctx, c.by, in.ID, in.Department)
	if err == nil && r.ID == "" { // the department keeps none for this matter
		err = notFound()
	}
	return r, err
}

type answerChecklist struct {
	ofDepartment
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Items []answerBody `json:"items" validate:"required,min=1,max=200,dive"`
	}
}

type answerBody struct {
	N     int      `json:"n" validate:"required,min=1,max=200" doc:"number of the item"`
	Value string   `json:"value,omitempty" validate:"nonul,max=1000" doc:"yes, no or na; a number; or a text"`
	Note  string   `json:"note,omitempty" validate:"omitempty,line=200"`
	Photo scanBody `json:"photo,omitzero"`
}

func (s *Server) answerChecklist(ctx context.Context, c *call, in *answerChecklist) (none, error) {
	p, err := s.part(ctx, c, in.ofDepartment)
	if err != nil {
		return none{}, err
	}
	r := inspection.AnswerRequest{ParticipantID: p.ID, Once: c.key(in.Key)}
	for _, a := range in.Body.Items {
		r.Items = append(r.Items, inspection.AnswerItem{N: a.N, Value: a.Value, Note: a.Note, Photo: inspection.Scan(a.Photo)})
	}
	return none{}, s.Inspection.Answer(ctx, c.by, r)
}
