package api

import (
	"context"
	"net/http"

	"lianban/delivery"
	"lianban/internal/auth"
)

// scanReaders see the scans of a material; who may is the domain's to say.
var scanReaders = readers(seeCase...)

func (s *Server) scanRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/materials/{id}/scans", Act: "listScans",
		Title: words{"材料的扫描件", "The scans that belong to a material"}, Who: scanReaders,
	}, s.listScans)
	register(s, Route{
		Method: http.MethodPost, Path: "/materials/{id}/scans", Act: "addScan",
		Title: words{"登记扫描件", "Link a scan to its paper"}, Who: sides,
	}, s.addScan)
	register(s, Route{
		Method: http.MethodPost, Path: "/materials/{id}/scans/{sha256}", Act: "openScan",
		Title: words{"查看扫描件", "Look at a scan, with what it is for"}, Who: scanReaders,
	}, s.openScan)
	register(s, Route{
		Method: http.MethodGet, Path: "/materials/{id}/scan-views", Act: "listScanViews",
		Title: words{"扫描件查看记录", "Who looked at the scans and what for"}, Who: Who{Own: []auth.Role{auth.Supervisor, auth.Auditor}, See: seeCase, Else: http.StatusForbidden},
	}, s.listScanViews)
}

func (s *Server) listScans(ctx context.Context, c *call, in *byID) (listPage[delivery.MaterialScan], error) {
	rows, err := s.Delivery.ListScans(ctx, c.by, in.ID)
	return listPage[delivery.MaterialScan]{Items: rows}, err
}

type addScan struct {
	ID   string `path:"id" validate:"required,code"`
	Body struct {
		SHA256 string `json:"sha256" validate:"required,code" doc:"of the image, uploaded before"`
	}
}

func (s *Server) addScan(ctx context.Context, c *call, in *addScan) (delivery.MaterialScan, error) {
	return s.Delivery.AddScan(ctx, c.by, in.ID, in.Body.SHA256)
}

type openScan struct {
	ID     string `path:"id" validate:"required,code"`
	SHA256 string `path:"sha256" validate:"required,code"`
	Body   struct {
		Purpose  string `json:"purpose" validate:"required,line=200" doc:"kept with the look"`
		Download bool   `json:"download,omitempty" doc:"to be kept, not only looked at"`
	}
}

func (s *Server) openScan(ctx context.Context, c *call, in *openScan) (photo, error) {
	b, body, err := s.Delivery.OpenScan(ctx, c.by, delivery.ScanRequest{ItemID: in.ID, SHA256: in.SHA256, Purpose: in.Body.Purpose, Download: in.Body.Download})
	return photo{b.Media, body}, err
}

func (s *Server) listScanViews(ctx context.Context, c *call, in *byID) (listPage[delivery.ScanView], error) {
	rows, err := s.Delivery.ScanViews(ctx, c.by, in.ID)
	return listPage[delivery.ScanView]{Items: rows}, err
}
