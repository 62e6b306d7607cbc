package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"lianban/inspection"
	"lianban/internal/audit"
	"lianban/internal/fault"
)

// maxBundle is the largest bundle that can be checked (EV-11).
const maxBundle = 50 << 20

func (s *Server) evidenceRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/evidence/{id}/{department}", Act: "evidenceBundle",
		Title: words{"下载证据包", "The evidence of one department in one visit"}, Who: readCase, Scope: "evidence:read",
	}, s.evidenceBundle)
	register(s, Route{
		Method: http.MethodPost, Path: "/evidence/verify", Act: "verifyEvidence", Rate: uploadRate, Body: maxBundle,
		Title: words{"核验证据包", "Check an evidence bundle"}, Who: signedIn, Scope: "evidence:read",
	}, s.verifyEvidence)
}

func (s *Server) evidenceBundle(ctx context.Context, c *call, in *ofDepartment) (file, error) {
	var out bytes.Buffer // whole: a bundle that fails half-way is never sent
	err := s.Inspection.Bundle(ctx, c.by, s.Audit, inspection.BundleRequest{VisitID: in.ID, DepartmentID: in.Department}, &out)
	return file{name: "evidence-" + in.ID + "-" + in.Department + ".zip", media: "application/zip", body: out.Bytes()}, err
}

type verifyEvidence struct {
	Body []byte `media:"application/zip"`
}

// verdict is the report on a bundle. The command `lianban verify` says the same
// without this service, which nobody has to trust for it.
type verdict struct {
	Result string            `json:"result" doc:"PASS, FAIL, CONFLICT or UNPINNED"`
	Key    string            `json:"key" doc:"verifier key of the log"`
	Pinned bool              `json:"pinned"`
	About  map[string]string `json:"about"`
	Lines  []finding         `json:"lines"`
}

type finding struct {
	Check int    `json:"check"`
	Code  string `json:"code,omitempty" doc:"why it failed; left out when it holds"`
	Text  string `json:"text"`
}

func (s *Server) verifyEvidence(_ context.Context, c *call, in *verifyEvidence) (verdict, error) {
	b, err := audit.OpenBundle(bytes.NewReader(in.Body), int64(len(in.Body)))
	if err != nil {
		return verdict{}, unreadableBundle(err)
	}
	report, err := b.Verify(audit.VerifyOptions{Keys: []string{s.Audit.Key.Public}})
	if err != nil {
		return verdict{}, unreadableBundle(err)
	}
	inspection.VerifyBundle(b, &report)
	out := verdict{Result: string(report.Result()), Key: report.Key, Pinned: report.Pinned, About: b.About()}
	for _, l := range report.Lines {
		out.Lines = append(out.Lines, finding{l.Check, l.Code, l.In(c.lang)})
	}
	return out, nil
}

func unreadableBundle(err error) error {
	if !errors.Is(err, audit.ErrUnreadable) {
		return err
	}
	return fault.Refuse(fault.Invalid, "bundle_unreadable",
		"文件不是证据包或已损坏，请重新下载后再核验", "this is no evidence bundle, or it is damaged; download it again and try once more").Because(err)
}
