package api

import (
	"context"
	"net/http"

	"lianban/delivery"
)

// destroyRoutes are the two halves of making a thing of the register void
// (DEL-946).
func (s *Server) destroyRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/destructions", Act: "listDestructions",
		Title: words{"等待我确认的作废销毁", "Proposals to destroy that wait for the caller"}, Who: signedIn,
	}, s.listDestructions)
	register(s, Route{
		Method: http.MethodPost, Path: "/items/{id}/destructions", Act: "proposeDestroy", Status: http.StatusCreated,
		Title: words{"提出作废销毁", "Propose to destroy a thing"}, Who: sides,
	}, s.proposeDestroy)
	register(s, Route{
		Method: http.MethodPost, Path: "/destructions/{id}/confirm", Act: "confirmDestroy",
		Title: words{"确认作废销毁", "Confirm that a thing is destroyed, as the second person"}, Who: sides,
	}, s.confirmDestroy)
	register(s, Route{
		Method: http.MethodPost, Path: "/destructions/{id}/withdraw", Act: "withdrawDestroy",
		Title: words{"撤回作废", "Give a proposal to destroy up"}, Who: sides,
	}, s.withdrawDestroy)
	register(s, Route{
		Method: http.MethodGet, Path: "/items/{id}/blobs/{sha256}", Act: "openItemBlob",
		Title: words{"查看作废照片", "Open the photo of a destroyed thing"}, Who: readCase,
	}, s.openItemBlob)
}

func (s *Server) listDestructions(ctx context.Context, c *call, _ *struct{}) (out listPage[delivery.Destruction], err error) {
	out.Items, err = s.Delivery.ToDestroy(ctx, c.by)
	return out, err
}

type proposeDestroy struct {
	ID   string `path:"id" validate:"required,code"`
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Reason  string `json:"reason" validate:"required,line=200"`
		Photo   string `json:"photo_sha256" validate:"required,code" doc:"uploaded before"`
		Reissue bool   `json:"reissue,omitempty" doc:"of a result: its department issues it again"`
	}
}

func (s *Server) proposeDestroy(ctx context.Context, c *call, in *proposeDestroy) (delivery.Destruction, error) {
	out, err := s.Delivery.ProposeDestroy(ctx, c.by, delivery.DestroyRequest{
		ItemID: in.ID, Reason: in.Body.Reason, Photo: in.Body.Photo, Reissue: in.Body.Reissue, Once: c.key(in.Key),
	})
	if err == nil {
		c.created("/items/" + in.ID)
	}
	return out, err
}

func (s *Server) confirmDestroy(ctx context.Context, c *call, in *byID) (delivery.Destruction, error) {
	return s.Delivery.ConfirmDestroy(ctx, c.by, in.ID)
}

func (s *Server) withdrawDestroy(ctx context.Context, c *call, in *byID) (delivery.Destruction, error) {
	return s.Delivery.WithdrawDestroy(ctx, c.by, in.ID)
}

func (s *Server) openItemBlob(ctx context.Context, c *call, in *openBlob) (photo, error) {
	b, body, err := s.Delivery.OpenItemBlob(ctx, c.by, in.ID, in.SHA256)
	return photo{b.Media, body}, err
}
