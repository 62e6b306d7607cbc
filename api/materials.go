package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
)

// sides are the people of a window or a department, who keep things and pass
// them on.
var sides = actors(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head)

func (s *Server) materialRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/materials", Act: "takeInMaterial", Status: http.StatusCreated,
		Title: words{"收取材料原件", "Take in a material that an applicant hands in"}, Who: receivers,
	}, s.takeInMaterial)
	register(s, Route{
		Method: http.MethodGet, Path: "/cases/{id}/materials", Act: "listCaseMaterials",
		Title: words{"办件的原件、复印件和收件凭据", "The originals, copies and vouchers of a case"}, Who: readCase,
	}, s.listCaseMaterials)
	register(s, Route{
		Method: http.MethodGet, Path: "/materials", Act: "listMaterials",
		Title: words{"本方保管的原件、复印件和收件凭据", "The originals, copies and vouchers in one's own keeping"}, Who: signedIn,
	}, s.listMaterials)
	register(s, Route{
		Method: http.MethodGet, Path: "/materials/{id}", Act: "findMaterial",
		Title: words{"原件、复印件或收件凭据", "An original, copy or voucher with its history"}, Who: readCase,
	}, s.findMaterial)
	register(s, Route{
		Method: http.MethodPost, Path: "/materials/{id}/stamp", Act: "stampMaterial",
		Title: words{"登记已核对并加盖留存章", "Record that the keeper compared and stamped a copy"}, Who: sides,
	}, s.stampMaterial)
	register(s, Route{
		Method: http.MethodPost, Path: "/materials/{id}/copies", Act: "addCopy", Status: http.StatusCreated,
		Title: words{"增加一份复印件", "Make one more copy of an original"}, Who: sides,
	}, s.addCopy)
	register(s, Route{
		Method: http.MethodPost, Path: "/materials/{id}/loans", Act: "lendOriginal", Status: http.StatusCreated,
		Title: words{"出借原件", "Lend an original to another department"}, Who: actors(auth.Inspector, auth.Head),
	}, s.lendOriginal)
	register(s, Route{
		Method: http.MethodGet, Path: "/loans", Act: "listLoans",
		Title: words{"借用中的原件", "The originals that are lent"}, Who: signedIn,
	}, s.listLoans)
	register(s, Route{
		Method: http.MethodPost, Path: "/loans/{id}/cancel", Act: "cancelLoan",
		Title: words{"取消出借", "Take back a loan that has not begun"}, Who: actors(auth.Inspector, auth.Head),
	}, s.cancelLoan)
	register(s, Route{
		Method: http.MethodPost, Path: "/items/shelve", Act: "shelveItem",
		Title: words{"登记货架位置", "Record on which shelf a thing lies"}, Who: anywhere(sides.Own...),
	}, s.shelveItem)
	s.destroyRoutes()
	s.damageRoutes()
	s.bagRoutes()
	s.tableRoutes()
}

type takeInMaterial struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Title   string     `json:"title" validate:"required,line=120"`
		Differs string     `json:"differs,omitempty" validate:"omitempty,line=120" doc:"how it differs from one that is held already"`
		Needs   []needBody `json:"needs" validate:"required,min=1,max=30,dive" doc:"departments of the case that need it; alone, it gets the original"`
	}
}

type needBody struct {
	Department string `json:"department_id" validate:"required,code"`
	Form       string `json:"form" validate:"required,oneof=copy voucher"`
	AgreedBy   string `json:"agreed_by,omitempty" validate:"omitempty,line=60" doc:"of a voucher: who of the department agreed"`
}

func (s *Server) takeInMaterial(ctx context.Context, c *call, in *takeInMaterial) (listPage[delivery.Material], error) {
	r := inspection.MaterialRequest{CaseID: in.ID, Title: in.Body.Title, Differs: in.Body.Differs, Once: c.key(in.Key)}
	for _, n := range in.Body.Needs {
		r.Needs = append(r.Needs, delivery.Need{DepartmentID: n.Department, Form: delivery.Class(n.Form), AgreedBy: n.AgreedBy})
	}
	rows, err := s.Inspection.TakeIn(ctx, c.by, s.Delivery, r)
	if err == nil {
		c.created("/cases/" + in.ID + "/materials")
	}
	return listPage[delivery.Material]{Items: rows}, err
}

func (s *Server) listCaseMaterials(ctx context.Context, c *call, in *byID) (listPage[delivery.Material], error) {
	if _, err := s.Inspection.FindCase(ctx, c.by, in.ID); err != nil { // SEC-3
		return listPage[delivery.Material]{}, err
	}
	rows, err := s.Delivery.MaterialsOfCase(ctx, c.by, in.ID)
	return listPage[delivery.Material]{Items: rows}, err
}

type listMaterials struct {
	Search string `query:"search" validate:"omitempty,line=60"`
	All    bool   `query:"all" doc:"of a window: those of all its cases, wherever they are"`
	Limit  int    `query:"limit" validate:"min=0,max=200"`
}

func (s *Server) listMaterials(ctx context.Context, c *call, in *listMaterials) (listPage[delivery.Material], error) {
	rows, err := s.Delivery.ListMaterials(ctx, c.by, delivery.MaterialQuery{Search: in.Search, Everywhere: in.All, Limit: in.Limit})
	return listPage[delivery.Material]{Items: rows}, err
}

func (s *Server) findMaterial(ctx context.Context, c *call, in *byID) (delivery.MaterialView, error) {
	return s.Delivery.FindMaterial(ctx, c.by, in.ID)
}

type stampMaterial struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Name string `json:"name,omitempty" validate:"omitempty,line=60" doc:"at a window: who of the keeper compared and stamped it"`
	}
}

func (s *Server) stampMaterial(ctx context.Context, c *call, in *stampMaterial) (delivery.Material, error) {
	return s.Delivery.Stamp(ctx, c.by, in.ID, in.Body.Name)
}

type addCopy struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Department string `json:"department_id" validate:"required,code"`
		Reason     string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) addCopy(ctx context.Context, c *call, in *addCopy) (delivery.Material, error) {
	out, err := s.Delivery.AddCopy(ctx, c.by, delivery.CopyRequest{
		ItemID: in.ID, DepartmentID: in.Body.Department, Reason: in.Body.Reason, Once: c.key(in.Key),
	})
	if err == nil {
		c.created("/materials/" + out.ItemID)
	}
	return out, err
}

type lendOriginal struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Borrower string `json:"borrower_id" validate:"required,code"`
		Purpose  string `json:"purpose" validate:"required,line=200"`
		DueOn    string `json:"due_on,omitempty" validate:"omitempty,workday" doc:"back by; empty: as many working days as the setting says"`
	}
}

func (s *Server) lendOriginal(ctx context.Context, c *call, in *lendOriginal) (delivery.Loan, error) {
	return s.Delivery.Lend(ctx, c.by, delivery.LoanRequest{
		ItemID: in.ID, BorrowerID: in.Body.Borrower, Purpose: in.Body.Purpose, DueOn: in.Body.DueOn, Once: c.key(in.Key),
	})
}

func (s *Server) listLoans(ctx context.Context, c *call, _ *struct{}) (listPage[delivery.Loan], error) {
	rows, err := s.Delivery.ListLoans(ctx, c.by)
	return listPage[delivery.Loan]{Items: rows}, err
}

func (s *Server) cancelLoan(ctx context.Context, c *call, in *byID) (delivery.Loan, error) {
	return s.Delivery.CancelLoan(ctx, c.by, in.ID)
}

type shelveItem struct {
	Body struct {
		Number string `json:"number" validate:"required,line=60"`
		Place  string `json:"place" validate:"required,line=40" doc:"such as A-03"`
	}
}

func (s *Server) shelveItem(ctx context.Context, c *call, in *shelveItem) (delivery.Item, error) {
	return s.Delivery.Shelve(ctx, c.by, in.Body.Number, in.Body.Place)
}
