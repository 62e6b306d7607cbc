package api

import (
	"context"
	"io"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
	"lianban/internal/fault"
)

func (s *Server) waybillRoutes() {
	window := keepers(auth.Clerk, auth.Supervisor)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/post", Act: "postParcel",
		Title: words{"交邮", "Give a parcel to EMS under its waybill"}, Who: window,
	}, s.postParcel)
	register(s, Route{
		Method: http.MethodPost, Path: "/parcels/{id}/ask", Act: "askCarrier",
		Title: words{"查询物流", "Ask the carrier about a parcel"}, Who: window,
	}, s.askCarrier)
}

type postParcel struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Waybill string `json:"waybill" validate:"required,line=40" doc:"number on the carrier's form"`
	}
}

func (s *Server) postParcel(ctx context.Context, c *call, in *postParcel) (delivery.Parcel, error) {
	return s.Delivery.Post(ctx, c.by, in.ID, in.Body.Waybill)
}

func (s *Server) askCarrier(ctx context.Context, c *call, in *byID) (delivery.Parcel, error) {
	return s.Delivery.AskCarrier(ctx, c.by, in.ID)
}

// carrierPush takes a push of 快递100. Whether it is the service is decided by
// delivery over the body as sent, so nothing is parsed here (DEL-1411). What was
// kept and could not be read is taken too: the service would only send it again.
func (s *Server) carrierPush(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.refuseJSON(w, r, unreadable(err))
		return
	}
	err = s.Delivery.CarrierPush(r.Context(), body)
	s.Metrics.callback(delivery.Kuaidi100, err)
	if err != nil && !fault.Is(err, "carrier_answer_malformed") {
		s.refuseJSON(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, `{"result":true,"returnCode":"200","message":"成功"}`) // a service that is gone sends again
}
