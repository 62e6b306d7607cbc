package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// newDocument begins the OpenAPI document. Of huma it takes schemas, document
// and adapter; its own checks, viewers and links are off (STK-39, STK-40).
func newDocument(mux *http.ServeMux) huma.API {
	return huma.NewAPI(huma.Config{OpenAPI: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Lianban 联办", Version: "1",
			Description: "Joint inspections of a city's government service centres. Times are instants with their offset; refusals are RFC 9457 problems in Chinese, or in English when Accept-Language asks for it.",
		},
		Components: &huma.Components{
			Schemas: newRegistry(),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"key":     {Type: "http", Scheme: "bearer", Description: "a key of the form lb_<id>_<secret>, for programs"},
				"session": {Type: "apiKey", In: "cookie", Name: "__Host-lianban", Description: "of a signed-in person; changes also need " + csrfHeader},
			},
		},
	}}, humago.NewAdapter(mux, ""))
}

// describe makes an operation's part of the document from its line and types.
func (s *Server) describe(line Route, plan reading, out reflect.Type) *huma.Operation {
	schemas := s.doc.OpenAPI().Components.Schemas
	op := &huma.Operation{
		Method: line.Method, Path: line.Path, OperationID: line.Act,
		Summary: line.Title.en, Tags: []string{tagOfPath(line.Path)},
		Extensions: map[string]any{"x-summary-zh": line.Title.zh},
		Security:   []map[string][]string{{"session": {}}},
		Responses:  map[string]*huma.Response{},
	}
	if line.Scope != "" {
		op.Security = append(op.Security, map[string][]string{"key": {}})
		op.Extensions["x-scope"] = line.Scope
	}
	for _, p := range plan.params {
		op.Parameters = append(op.Parameters, describeParam(schemas, line.in.FieldByIndex(p.index), p))
	}
	if plan.body != nil {
		op.RequestBody = describeBody(schemas, line.in.FieldByIndex(plan.body), plan, line.Act)
	}
	s.describeAnswers(op, line, out)
	s.doc.OpenAPI().AddOperation(op)
	return op
}

// tagOfPath groups operations by resource, the first word of the path.
func tagOfPath(path string) string {
	tag, _, _ := strings.Cut(strings.TrimPrefix(path, prefix+"/"), "/")
	return tag
}

func describeParam(schemas huma.Registry, f reflect.StructField, p param) *huma.Param {
	schema := huma.SchemaFromField(schemas, f, "")
	required := copyTag(f.Tag.Get("validate"), schema, f.Type)
	return &huma.Param{
		Name: p.name, In: p.in, Required: required || p.in == "path", Schema: schema, Description: f.Tag.Get("doc"),
	}
}

func describeBody(schemas huma.Registry, f reflect.StructField, plan reading, act string) *huma.RequestBody {
	schema := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	if plan.raw && plan.media == "application/json" {
		schema = &huma.Schema{} // any JSON
	}
	if !plan.raw {
		schema = schemas.Schema(f.Type, true, strings.ToUpper(act[:1])+act[1:]+"Request")
		copyTags(schemas, f.Type, schema)
	}
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{plan.media: {Schema: schema}}}
}

func (s *Server) describeAnswers(op *huma.Operation, line Route, out reflect.Type) {
	schemas := s.doc.OpenAPI().Components.Schemas
	good := &huma.Response{Description: "done"}
	switch out {
	case reflect.TypeFor[none]():
		line.Status = http.StatusNoContent
	case reflect.TypeFor[photo]():
		image := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		good.Content = map[string]*huma.MediaType{"image/jpeg": image, "image/png": image, "image/webp": image}
	case reflect.TypeFor[sheet](), reflect.TypeFor[handed]():
		good.Content = map[string]*huma.MediaType{"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	case reflect.TypeFor[file]():
		good.Content = map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	case reflect.TypeFor[table]():
		good.Content = map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	default:
		good.Content = map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(out, true, "")}}
	}
	op.Responses[strconv.Itoa(line.Status)] = good
	if line.Method == http.MethodGet {
		op.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: "the version in If-None-Match is the present one"}
	}
	op.Responses["default"] = &huma.Response{
		Description: "refused",
		Content:     map[string]*huma.MediaType{problemMedia: {Schema: schemas.Schema(reflect.TypeFor[Problem](), true, "")}},
	}
}

// document registers /openapi.json and the reference page. It is called when
// every operation is registered; the document is written once.
func (s *Server) document() error {
	for _, schema := range s.doc.OpenAPI().Components.Schemas.Map() {
		withoutNull(schema)
	}
	compact, err := json.Marshal(s.doc.OpenAPI())
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	s.plain(Route{Method: http.MethodGet, Path: "/openapi.json", Act: "openapi", Who: anyone}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text.Bytes())
	})
	return s.reference()
}
