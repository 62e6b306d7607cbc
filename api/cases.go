package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/fault"
	"lianban/internal/office"
)

var readCase = readers(seeCase...)

func (s *Server) caseRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/cases", Act: "acceptCase", Status: http.StatusCreated,
		Title: words{"受理办件", "Take a case in"},
		Who:   anywhere(auth.Clerk, auth.Supervisor), Scope: "cases:write",
	}, s.acceptCase)
	register(s, Route{
		Method: http.MethodGet, Path: "/cases", Act: "listCases",
		Title: words{"办件列表", "List cases"}, Who: signedIn, Scope: "cases:read",
	}, s.listCases)
	register(s, Route{
		Method: http.MethodGet, Path: "/cases/{id}", Act: "findCase",
		Title: words{"查看办件", "Read a case"}, Who: readCase, Scope: "cases:read",
	}, s.findCase)
	register(s, Route{
		Method: http.MethodGet, Path: "/cases/{id}/effect", Act: "caseEffect",
		Title: words{"少跑次数和用时", "Visits spared and time taken"}, Who: readCase, Scope: "cases:read",
	}, s.caseEffect)
	register(s, Route{
		Method: http.MethodPatch, Path: "/cases/{id}", Act: "amendCase",
		Title: words{"补填事实、确认参加部门", "Fill in facts, or confirm who comes"},
		Who:   actors(auth.Clerk, auth.Supervisor), Scope: "cases:write",
	}, s.amendCase)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/foresee", Act: "foreseeFacts",
		Title: words{"预览更正情况后谁参加", "See what other facts would change"},
		Who:   actors(auth.Clerk, auth.Supervisor), Scope: "cases:write",
	}, s.foreseeFacts)
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/pass-on", Act: "passCaseOn",
		Title: words{"移交给组织勘验的窗口", "Pass a case on to the window that organises"},
		Who:   actors(auth.Clerk, auth.Supervisor), Scope: "cases:write",
	}, s.passCaseOn)
}

type acceptCase struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Matter     string             `json:"matter_code" validate:"required,code"`
		ExternalID string             `json:"external_id,omitempty" validate:"omitempty,line=64" doc:"the platform's own number"`
		Applicant  applicantBody      `json:"applicant" validate:"required"`
		Site       siteBody           `json:"site" validate:"required"`
		Answers    inspection.Answers `json:"answers,omitempty" validate:"max=100,dive,keys,code,endkeys" doc:"what is known of the premises, by attribute; null is unknown"`
		USCCWhy    string             `json:"uscc_reason,omitempty" validate:"omitempty,line=200" doc:"why a credit code with a wrong check character is right"`
	}
}

type applicantBody struct {
	Name  string `json:"name" validate:"required,line=80"`
	USCC  string `json:"uscc,omitempty" validate:"omitempty,uscc"`
	IDNo  string `json:"id_no,omitempty" validate:"omitempty,idno"`
	Phone string `json:"phone" validate:"required,cn_phone"`
	Email string `json:"email,omitempty" validate:"omitempty,mail"`
	Agent string `json:"agent,omitempty" validate:"omitempty,line=80"`
}

type siteBody struct {
	Division string  `json:"division,omitempty" validate:"omitempty,division"`
	Address  string  `json:"address" validate:"required,line=160"`
	Lat      float64 `json:"lat,omitempty" validate:"min=-90,max=90" doc:"WGS-84"`
	Lon      float64 `json:"lon,omitempty" validate:"min=-180,max=180" doc:"WGS-84"`
}

func (s *Server) acceptCase(ctx context.Context, c *call, in *acceptCase) (inspection.Case, error) {
	b := in.Body
	if err := s.covers(ctx, c.by, b.Site.Division); err != nil {
		return inspection.Case{}, err
	}
	out, err := s.Inspection.Accept(ctx, c.by, inspection.AcceptRequest{
		MatterCode: b.Matter, ExternalID: b.ExternalID, Applicant: inspection.Applicant(b.Applicant), Site: inspection.Site(b.Site),
		Answers: b.Answers, USCCWhy: b.USCCWhy, Once: c.key(in.Key),
	})
	if err != nil {
		return out, err
	}
	c.created("/cases/" + out.ID)
	return seenCase(c, out), nil
}

// covers refuses a key that files outside its divisions (SEC-9).
func (s *Server) covers(ctx context.Context, by auth.Actor, division string) error {
	if by.Kind != auth.KindKey || division == "" {
		return nil
	}
	err := s.Read(ctx, func(q bun.IDB) error {
		_, err := office.FindDivision(ctx, q, division)
		return err
	})
	if err != nil || slices.Contains(by.Divisions, division) {
		return err
	}
	return fault.Refuse(fault.Forbidden, "key_elsewhere",
		"该密钥不能办理此区划的办件，请联系安全管理员", "this key may not act in that division; ask the security administrator")
}

// seenCase is a case as the answer shows it: with its version, and masked.
func seenCase(c *call, out inspection.Case) inspection.Case {
	c.version(out.Version)
	out.Applicant = out.Applicant.Masked()
	return out
}

type listCases struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	State  string `query:"state" validate:"omitempty,oneof=accepted visiting visited no_visit handed_over"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
	Cursor string `query:"cursor" validate:"omitempty,cursor=id"`
}

// caseSummary is a case in a list.
type caseSummary struct {
	ID         string               `json:"id"`
	Number     string               `json:"number"`
	ExternalID string               `json:"external_id,omitempty"`
	MatterCode string               `json:"matter_code"`
	MatterName string               `json:"matter_name"`
	Applicant  string               `json:"applicant" doc:"masked"`
	Division   string               `json:"division"`
	Address    string               `json:"address"`
	Organiser  string               `json:"organiser_centre"`
	State      inspection.CaseState `json:"state"`
	AcceptedAt time.Time            `json:"accepted_at"`
	LimitDate  string               `json:"limit_date"`
}

func (s *Server) listCases(ctx context.Context, c *call, in *listCases) (listPage[caseSummary], error) {
	rows, err := s.Inspection.ListCases(ctx, c.by, inspection.CaseQuery{
		Search: in.Search, State: inspection.CaseState(in.State), Before: lastSeen(in.Cursor), Limit: in.Limit,
	})
	out := make([]caseSummary, len(rows))
	for i, r := range rows {
		out[i] = caseSummary{
			ID: r.ID, Number: r.Number, ExternalID: r.ExternalID, MatterCode: r.MatterCode, MatterName: r.MatterName,
			Applicant: r.Applicant.Name, Division: r.Division, Address: r.Site.Address, Organiser: r.OrganiserCentre,
			State: r.State, AcceptedAt: r.AcceptedAt, LimitDate: r.LimitDate,
		}
	}
	return pageOf(c, out, in.Limit, func(l caseSummary) string { return idCursor(l.ID) }), err
}

type byID struct {
	ID string `path:"id" validate:"required,code"`
}

func (s *Server) caseEffect(ctx context.Context, c *call, in *byID) (inspection.Effect, error) {
	return s.Inspection.EffectOf(ctx, c.by, in.ID)
}

func (s *Server) findCase(ctx context.Context, c *call, in *byID) (inspection.Case, error) {
	out, err := s.Inspection.FindCase(ctx, c.by, in.ID)
	if err != nil {
		return out, err
	}
	return seenCase(c, out), nil
}

type foreseeFacts struct {
	ID      string `path:"id" validate:"required,code"`
	IfMatch string `header:"If-Match" validate:"omitempty,line=80"`
	Body    factsBody
}

type factsBody struct {
	Answers        inspection.Answers `json:"answers,omitempty" validate:"max=100,dive,keys,code,endkeys" doc:"merged over the present ones"`
	ConfirmUnknown bool               `json:"confirm_unknown,omitempty" doc:"departments in doubt shall come"`
}

func (in *foreseeFacts) request() (r inspection.AmendRequest, err error) {
	r = inspection.AmendRequest{CaseID: in.ID, Answers: in.Body.Answers, ConfirmUnknown: in.Body.ConfirmUnknown}
	if r.Version, err = ifMatch(in.IfMatch); err != nil {
		return r, err
	}
	return r, r.Answers.Check()
}

// foreseeFacts is the dry run of amendCase (INS-308).
func (s *Server) foreseeFacts(ctx context.Context, c *call, in *foreseeFacts) (inspection.FactsChange, error) {
	r, err := in.request()
	if err != nil {
		return inspection.FactsChange{}, err
	}
	out, err := s.Inspection.Foresee(ctx, c.by, r)
	if fault.Is(err, "case_changed") {
		return out, stale()
	}
	return out, err
}

type amendCase struct {
	ID      string `path:"id" validate:"required,code"`
	IfMatch string `header:"If-Match" validate:"omitempty,line=80"`
	Key     string `header:"Idempotency-Key" validate:"omitempty,line=255"`
	Body    factsBody
}

func (s *Server) amendCase(ctx context.Context, c *call, in *amendCase) (inspection.Case, error) {
	r, err := (&foreseeFacts{ID: in.ID, IfMatch: in.IfMatch, Body: in.Body}).request()
	if err != nil {
		return inspection.Case{}, err
	}
	r.Once = c.key(in.Key)
	out, err := s.Inspection.Amend(ctx, c.by, r)
	if fault.Is(err, "case_changed") { // what If-Match is for (STK-41)
		return out, stale()
	}
	if err != nil {
		return out, err
	}
	return seenCase(c, out), nil
}

type passCaseOn struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"omitempty,line=255"`
	Body struct {
		Note string `json:"note,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) passCaseOn(ctx context.Context, c *call, in *passCaseOn) (none, error) {
	return none{}, s.Inspection.PassOn(ctx, c.by, in.ID, in.Body.Note, c.key(in.Key))
}
