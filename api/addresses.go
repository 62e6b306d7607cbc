package api

import (
	"context"
	"net/http"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/inspection"
	"lianban/internal/auth"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

// addressKeepers propose and approve confirmed addresses, two of them together
// (INS-711).
var addressKeepers = anywhere(auth.Clerk, auth.Supervisor)

func (s *Server) addressRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/departments/{id}/addresses", Act: "listAddresses",
		Title: words{"部门的送达地址", "A department's confirmed addresses"}, Who: addressKeepers,
	}, s.listAddresses)
	register(s, Route{
		Method: http.MethodPost, Path: "/departments/{id}/addresses", Act: "proposeAddress", Status: http.StatusCreated,
		Title: words{"登记、更换或停用送达地址", "Add, change or end a confirmed address"}, Who: addressKeepers,
	}, s.proposeAddress)
	register(s, Route{
		Method: http.MethodGet, Path: "/addresses/proposed", Act: "listProposedAddresses",
		Title: words{"待审核的送达地址", "Addresses that wait for a second person"}, Who: addressKeepers,
	}, s.listProposedAddresses)
	register(s, Route{
		Method: http.MethodPost, Path: "/addresses/{id}/approve", Act: "approveAddress",
		Title: words{"审核通过送达地址", "Approve an address"}, Who: addressKeepers,
	}, s.approveAddress)
	register(s, Route{
		Method: http.MethodPost, Path: "/addresses/{id}/reject", Act: "rejectAddress",
		Title: words{"退回送达地址", "Reject an address"}, Who: addressKeepers,
	}, s.rejectAddress)
}

// addressSummary is one line of a department's signed form.
type addressSummary struct {
	ID         string         `json:"id"`
	Department string         `json:"department_id"`
	Channel    office.Channel `json:"channel"`
	Value      string         `json:"value,omitempty"`
	OwnMX      bool           `json:"own_mx"`
	Contact    string         `json:"contact"`
	Form       string         `json:"form"`
	SignedOn   workday.Date   `json:"signed_on"`
	Replaces   string         `json:"replaces,omitempty"`
	Removal    bool           `json:"removal"`
	From       time.Time      `json:"valid_from,omitzero"`
	To         time.Time      `json:"valid_to,omitzero"`
	State      office.State   `json:"state"`
	ProposedBy string         `json:"proposed_by"`
	ProposedAt time.Time      `json:"proposed_at"`
	DecidedBy  string         `json:"decided_by,omitempty"`
	DecidedAt  time.Time      `json:"decided_at,omitzero"`
}

// summaryOfAddress shows mobile numbers masked.
func summaryOfAddress(a office.Address) addressSummary {
	if a.Channel == office.SMS {
		a.Value = delivery.MaskPhone(a.Value)
	}
	return addressSummary{
		ID: a.ID, Department: a.Department, Channel: a.Channel, Value: a.Value, OwnMX: a.OwnMX, Contact: a.Contact,
		Form: a.Form, SignedOn: a.SignedOn, Replaces: a.Replaces, Removal: a.Removal, From: a.From, To: a.To, State: a.State,
		ProposedBy: a.ProposedBy, ProposedAt: a.ProposedAt, DecidedBy: a.DecidedBy, DecidedAt: a.DecidedAt,
	}
}

func (s *Server) listAddresses(ctx context.Context, c *call, in *byID) (listPage[addressSummary], error) {
	return s.addresses(ctx, c, func(q bun.IDB) ([]office.Address, error) {
		if _, err := office.FindDepartment(ctx, q, in.ID); err != nil {
			return nil, err
		}
		return office.ListAddresses(ctx, q, in.ID)
	})
}

func (s *Server) listProposedAddresses(ctx context.Context, c *call, _ *struct{}) (listPage[addressSummary], error) {
	return s.addresses(ctx, c, func(q bun.IDB) ([]office.Address, error) { return office.ListProposedAddresses(ctx, q) })
}

func (s *Server) addresses(ctx context.Context, c *call, list func(q bun.IDB) ([]office.Address, error)) (out listPage[addressSummary], err error) {
	if err := auth.MayKeepAddresses(c.by); err != nil {
		return out, err
	}
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := list(q)
		for _, a := range rows {
			out.Items = append(out.Items, summaryOfAddress(a))
		}
		return err
	})
	return out, err
}

type proposeAddress struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body addressBody
}

type addressBody struct {
	Channel  string `json:"channel,omitempty" validate:"omitempty,oneof=portal mail sms paper" doc:"left out for a removal"`
	Value    string `json:"value,omitempty" validate:"omitempty,line=254" doc:"mail address, mobile number, or the desk for paper"`
	OwnMX    bool   `json:"own_mx,omitempty" doc:"the department's own mail server"`
	Contact  string `json:"contact,omitempty" validate:"omitempty,line=60" doc:"the person or post that reads it"`
	Form     string `json:"form" validate:"required,line=100" doc:"number or content hash of the signed form"`
	SignedOn string `json:"signed_on" validate:"required,workday"`
	Replaces string `json:"replaces,omitempty" validate:"omitempty,code" doc:"id of the line that ends"`
	Removal  bool   `json:"removal,omitempty" doc:"end the line and put nothing in its place"`
}

// addressRule: what the value has to be follows from the channel.
func addressRule(level validator.StructLevel) {
	a := level.Current().Interface().(addressBody)
	wrong := ""
	switch a.Channel {
	case "mail":
		if _, err := office.MailAddress(a.Value); err != nil {
			wrong = "mail"
		}
	case "sms":
		if _, err := inspection.CheckMobile(a.Value); err != nil {
			wrong = "cn_mobile"
		}
	case "":
		if !a.Removal {
			level.ReportError(a.Channel, "channel", "Channel", "required", "")
		}
	}
	if wrong != "" {
		level.ReportError(a.Value, "value", "Value", wrong, "")
	}
}

func (s *Server) proposeAddress(ctx context.Context, c *call, in *proposeAddress) (addressSummary, error) {
	if err := auth.MayKeepAddresses(c.by); err != nil {
		return addressSummary{}, err
	}
	b := in.Body
	out, err := s.Office.ProposeAddress(ctx, office.Address{
		Department: in.ID, Channel: office.Channel(b.Channel), Value: b.Value, OwnMX: b.OwnMX, Contact: b.Contact,
		Form: b.Form, SignedOn: dayOf(b.SignedOn), Replaces: b.Replaces, Removal: b.Removal,
	}, c.by.String(), c.key(in.Key))
	return summaryOfAddress(out), err
}

func (s *Server) approveAddress(ctx context.Context, c *call, in *byID) (addressSummary, error) {
	if err := auth.MayKeepAddresses(c.by); err != nil {
		return addressSummary{}, err
	}
	out, err := s.Office.ApproveAddress(ctx, in.ID, c.by.String())
	return summaryOfAddress(out), err
}

func (s *Server) rejectAddress(ctx context.Context, c *call, in *byID) (none, error) {
	if err := auth.MayKeepAddresses(c.by); err != nil {
		return none{}, err
	}
	return none{}, s.Office.RejectAddress(ctx, in.ID, c.by.String())
}
