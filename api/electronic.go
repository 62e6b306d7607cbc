package api

import (
	"context"
	"net/http"
	"net/url"

	"lianban/delivery"
	"lianban/internal/auth"
)

// fileBodyMax is the size of a body with a file in base64.
const fileBodyMax = delivery.MaxElectronic*4/3 + maxBody

// electronicRoutes are results that go out as files (DEL-240…243).
func (s *Server) electronicRoutes() {
	register(s, Route{
		Method: http.MethodPost, Path: "/cases/{id}/electronic-consents", Act: "consentElectronic", Status: http.StatusCreated,
		Title: words{"登记网上传输同意", "Record the recipient's consent to results as files"}, Who: receivers,
	}, s.consentElectronic)
	register(s, Route{
		Method: http.MethodPost, Path: "/electronic-consents/{id}/revoke", Act: "revokeElectronic",
		Title: words{"登记撤回网上传输同意", "Record that such a consent was withdrawn"}, Who: receivers,
	}, s.revokeElectronic)
	register(s, Route{
		Method: http.MethodPost, Path: "/results/{id}/files", Act: "supplyFile", Status: http.StatusCreated, Rate: uploadRate, Body: fileBodyMax,
		Title: words{"提交电子件", "Supply a result as a file"}, Who: actors(auth.Clerk, auth.Supervisor, auth.Inspector, auth.Head),
	}, s.supplyFile)
	register(s, Route{
		Method: http.MethodGet, Path: "/files/{id}", Act: "findFile",
		Title: words{"查看电子件", "Read what is known of a file"}, Who: readCase,
	}, s.findFile)
	register(s, Route{
		Method: http.MethodGet, Path: "/files/{id}/content", Act: "readFile", Rate: uploadRate,
		Title: words{"下载电子件", "Read the file itself"}, Who: readCase,
	}, s.readFile)
	register(s, Route{
		Method: http.MethodPost, Path: "/files/{id}/send", Act: "sendFile",
		Title: words{"网上发送", "Open a file to its recipient, with a new link each time"}, Who: receivers,
	}, s.sendFile)
	register(s, Route{
		Method: http.MethodPost, Path: "/files/{id}/entered", Act: "recordEntered",
		Title: words{"登记已进入指定系统", "Record that a file has entered the named system"}, Who: receivers,
	}, s.recordEntered)
	register(s, Route{
		Method: http.MethodPost, Path: "/files/{id}/change-way", Act: "changeWay",
		Title: words{"改用其他方式", "Withdraw a file; its result is owed on paper again"}, Who: receivers,
	}, s.changeWay)
	register(s, Route{
		Method: http.MethodPost, Path: "/files/{id}/papers", Act: "printFetch", Rate: uploadRate,
		Title: words{"打印网上领取凭条", "Print the slip with a link as a code"}, Who: receivers,
	}, s.printFetch)
}

// handed is a file for somebody to keep: nothing of it runs in a browser, and it
// is never shown in place, because it came from outside.
type handed struct {
	name string
	body []byte
}

func (f handed) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Content-Disposition", `attachment; filename="result.pdf"; filename*=UTF-8''`+url.PathEscape(f.name))
	_, _ = w.Write(f.body) // a client that is gone cannot be told
}

func handedOut(f delivery.ElectronicFile, body []byte) handed {
	return handed{f.Title + "-" + f.Number + ".pdf", body}
}

type consentElectronic struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Person  string   `json:"person" validate:"required,line=60" doc:"who consents"`
		Method  string   `json:"method" validate:"required,oneof=mail slip system"`
		Address string   `json:"address,omitempty" validate:"omitempty,line=200" doc:"mail address, or system and account; none for a slip"`
		Phone   string   `json:"phone" validate:"required,line=20" doc:"its last four open the file"`
		Results []string `json:"results" validate:"required,min=1,max=50,unique,dive,code" doc:"what the consent is for"`
		Channel string   `json:"channel" validate:"required,oneof=window phone"`
		Note    string   `json:"note,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) consentElectronic(ctx context.Context, c *call, in *consentElectronic) (delivery.ElectronicConsent, error) {
	b := in.Body
	return s.Delivery.ConsentElectronic(ctx, c.by, delivery.ElectronicConsentRequest{
		CaseID: in.ID, Person: b.Person, Method: delivery.ElectronicMethod(b.Method), Address: b.Address, Phone: b.Phone,
		Lines: b.Results, Channel: b.Channel, Note: b.Note, Once: c.key(in.Key),
	})
}

type revokeElectronic struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Channel string `json:"channel" validate:"required,oneof=window phone"`
	}
}

func (s *Server) revokeElectronic(ctx context.Context, c *call, in *revokeElectronic) (delivery.ElectronicConsent, error) {
	return s.Delivery.RevokeElectronic(ctx, c.by, in.ID, in.Body.Channel)
}

type supplyFile struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Class         string `json:"class" validate:"required,oneof=certificate approval seal invoice"`
		Title         string `json:"title" validate:"required,line=120"`
		DecidedOn     string `json:"decided_on" validate:"required,workday" doc:"date of the decision"`
		RefusedGrant  bool   `json:"refused_grant,omitempty"`
		Signature     string `json:"signature_check" validate:"required,oneof=unchecked valid none" doc:"this service checks none: valid needs a note on who did"`
		SignatureNote string `json:"signature_note,omitempty" validate:"omitempty,line=200"`
		Drawn         bool   `json:"drawn,omitempty" doc:"bears a drawn signature, which is evidence only"`
		Content       []byte `json:"content" validate:"required" doc:"a PDF of at most 10 MB"`
	}
}

func (s *Server) supplyFile(ctx context.Context, c *call, in *supplyFile) (delivery.ElectronicFile, error) {
	b := in.Body
	out, err := s.Delivery.Supply(ctx, c.by, delivery.SupplyRequest{
		LineID: in.ID, Class: delivery.Class(b.Class), Title: b.Title, DecidedOn: b.DecidedOn, RefusedGrant: b.RefusedGrant,
		Signature: delivery.SignatureCheck(b.Signature), SignatureNote: b.SignatureNote, Drawn: b.Drawn, Body: b.Content, Once: c.key(in.Key),
	})
	if err == nil {
		c.created("/files/" + out.ID)
	}
	return out, err
}

func (s *Server) findFile(ctx context.Context, c *call, in *byID) (delivery.ElectronicFile, error) {
	return s.Delivery.FindFile(ctx, c.by, in.ID)
}

func (s *Server) readFile(ctx context.Context, c *call, in *byID) (handed, error) {
	f, body, err := s.Delivery.ReadFile(ctx, c.by, in.ID)
	return handedOut(f, body), err
}

func (s *Server) sendFile(ctx context.Context, c *call, in *byID) (delivery.ElectronicFile, error) {
	return s.Delivery.SendFile(ctx, c.by, in.ID)
}

type recordEntered struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Receipt string `json:"receipt" validate:"required,line=200" doc:"what the named system answered"`
	}
}

func (s *Server) recordEntered(ctx context.Context, c *call, in *recordEntered) (delivery.ElectronicFile, error) {
	return s.Delivery.RecordEntered(ctx, c.by, in.ID, in.Body.Receipt)
}

type changeWay struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Reason string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) changeWay(ctx context.Context, c *call, in *changeWay) (delivery.ElectronicFile, error) {
	return s.Delivery.ChangeWay(ctx, c.by, in.ID, in.Body.Reason)
}

func (s *Server) printFetch(ctx context.Context, c *call, in *byID) (sheet, error) {
	out, err := s.Delivery.PrintFetch(ctx, c.by, in.ID)
	return sheet{out.Name, out.PDF}, err
}
