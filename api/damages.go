package api

import (
	"context"
	"net/http"

	"lianban/delivery"
)

// damageRoutes are what becomes of a damaged result: the window reports, its
// department decides (DEL-808).
func (s *Server) damageRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/damages", Act: "listDamages",
		Title: words{"等待本方处理的污损物料", "Damaged things that wait for the caller's side"}, Who: signedIn,
	}, s.listDamages)
	register(s, Route{
		Method: http.MethodPost, Path: "/items/{id}/damages", Act: "reportDamage", Status: http.StatusCreated,
		Title: words{"登记货架上的结果污损", "Report a result on the shelf damaged"}, Who: receivers,
	}, s.reportDamage)
	register(s, Route{
		Method: http.MethodPost, Path: "/damages/{id}/decide", Act: "decideDamage",
		Title: words{"决定污损的结果怎么办", "Decide what becomes of a damaged result"}, Who: sides,
	}, s.decideDamage)
}

func (s *Server) listDamages(ctx context.Context, c *call, _ *struct{}) (out listPage[delivery.Damage], err error) {
	out.Items, err = s.Delivery.ListDamages(ctx, c.by)
	return out, err
}

type reportDamage struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Reason string   `json:"reason" validate:"required,line=200" doc:"what is damaged, and how"`
		Photos []string `json:"photos" validate:"required,max=5,dive,line=64" doc:"SHA-256 of blobs uploaded before"`
	}
}

func (s *Server) reportDamage(ctx context.Context, c *call, in *reportDamage) (delivery.Damage, error) {
	out, err := s.Delivery.ReportDamage(ctx, c.by, delivery.DamageReport{
		ItemID: in.ID, What: in.Body.Reason, Photos: in.Body.Photos, Once: c.key(in.Key),
	})
	if err == nil {
		c.created("/items/" + in.ID)
	}
	return out, err
}

type decideDamage struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		Decision string `json:"decision" validate:"required,oneof=reissue keep void" doc:"issue it again, deliver it as it is, or make it void"`
		Reason   string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) decideDamage(ctx context.Context, c *call, in *decideDamage) (delivery.Damage, error) {
	return s.Delivery.DecideDamage(ctx, c.by, delivery.DamageDecision{
		ID: in.ID, State: delivery.DamageState(in.Body.Decision), Reason: in.Body.Reason,
	})
}
