package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

// troubleRoutes are what a window does with a parcel that does not simply arrive
// (DEL §8).
func (s *Server) troubleRoutes() {
	window := keepers(auth.Clerk, auth.Supervisor)
	on := func(path, act string, title words, who Who, h func(ctx context.Context, c *call, in *withReason) (delivery.Parcel, error)) {
		register(s, Route{Method: http.MethodPost, Path: "/parcels/{id}/" + path, Act: act, Title: title, Who: who}, h)
	}
	on("hold", "holdParcel", words{"暂缓派送", "Stop a parcel on its way"}, window, s.holdParcel)
	on("resume", "resumeParcel", words{"继续派送", "Let a held parcel go on"}, window, s.resumeParcel)
	on("recall", "recallParcel", words{"召回邮件", "Order a parcel on the road back"}, window, s.recallParcel)
	on("found", "foundParcel", words{"登记找到", "A lost parcel was found"}, window, s.foundParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/harm", Act: "reportHarm",
		Title: words{"登记遗失或污损", "Report a parcel lost or damaged"}, Who: window,
	}, s.reportHarm)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/write-off", Act: "writeOffParcel",
		Title: words{"核销邮件", "End a lost or damaged parcel for good"}, Who: keepers(auth.Supervisor),
	}, s.writeOffParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/reassign", Act: "reassignParcel",
		Title: words{"改派", "Give a parcel on the road to another courier"}, Who: window,
	}, s.reassignParcel)
}

func (s *Server) holdParcel(ctx context.Context, c *call, in *withReason) (delivery.Parcel, error) {
	return s.Delivery.Hold(ctx, c.by, in.ID, in.Body.Reason)
}

func (s *Server) resumeParcel(ctx context.Context, c *call, in *withReason) (delivery.Parcel, error) {
	return s.Delivery.Resume(ctx, c.by, in.ID, in.Body.Reason)
}

func (s *Server) recallParcel(ctx context.Context, c *call, in *withReason) (delivery.Parcel, error) {
	return s.Delivery.Recall(ctx, c.by, in.ID, in.Body.Reason)
}

func (s *Server) foundParcel(ctx context.Context, c *call, in *withReason) (delivery.Parcel, error) {
	return s.Delivery.Found(ctx, c.by, in.ID, in.Body.Reason)
}

type reportHarm struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		What   string   `json:"what" validate:"required,oneof=lost damaged"`
		Reason string   `json:"reason" validate:"required,line=200"`
		Photos []string `json:"photos,omitempty" validate:"max=5,dive,line=64" doc:"SHA-256 of the blobs; of damage at least one"`
	}
}

func (s *Server) reportHarm(ctx context.Context, c *call, in *reportHarm) (delivery.Parcel, error) {
	b := in.Body
	return s.Delivery.ReportHarm(ctx, c.by, delivery.HarmRequest{ParcelID: in.ID, What: delivery.EventType(b.What), Reason: b.Reason, Photos: b.Photos})
}

type writeOffParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Reason   string `json:"reason" validate:"required,line=200"`
		Reissue  bool   `json:"reissue,omitempty" doc:"the departments issue again what was in it"`
		Login    string `json:"second_login,omitempty" validate:"omitempty,line=60"`
		Password string `json:"second_password,omitempty" validate:"omitempty,line=200"`
	}
}

func (s *Server) writeOffParcel(ctx context.Context, c *call, in *writeOffParcel) (delivery.Parcel, error) {
	b := in.Body
	return s.Delivery.WriteOff(ctx, c.by, delivery.WriteOffRequest{
		ParcelID: in.ID, Reason: b.Reason, Reissue: b.Reissue, Second: auth.Credentials{Login: b.Login, Password: b.Password, Remote: c.remote},
	})
}

type reassignParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Courier string   `json:"courier_id" validate:"required,code"`
		Reason  string   `json:"reason" validate:"required,line=200"`
		Also    []string `json:"also,omitempty" validate:"max=199,dive,code" doc:"other parcels of the same hand-off"`
	}
}

func (s *Server) reassignParcel(ctx context.Context, c *call, in *reassignParcel) (listPage[delivery.Parcel], error) {
	rows, err := s.Delivery.Reassign(ctx, c.by, append([]string{in.ID}, in.Body.Also...), in.Body.Courier, in.Body.Reason)
	return listPage[delivery.Parcel]{Items: rows}, err
}
