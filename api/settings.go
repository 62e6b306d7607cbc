package api

import (
	"context"
	"net/http"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/auth"
	"lianban/internal/office"
)

// setters propose and approve settings and calendars, two of them together.
var setters = anywhere(auth.Supervisor, auth.Admin)

func (s *Server) settingRoutes() {
	register(s, Route{
		Method: http.MethodGet, Path: "/settings", Act: "listSettings",
		Title: words{"某一时刻有效的设置", "The settings in force at an instant"}, Who: signedIn, Scope: "office:read",
	}, s.listSettings)
	register(s, Route{
		Method: http.MethodGet, Path: "/settings/proposed", Act: "listProposedSettings",
		Title: words{"待审核的设置", "Settings that wait for a second person"}, Who: setters,
	}, s.listProposedSettings)
	register(s, Route{
		Method: http.MethodPost, Path: "/settings", Act: "proposeSetting", Status: http.StatusCreated,
		Title: words{"提出设置变更", "Propose a setting"}, Who: setters,
	}, s.proposeSetting)
	register(s, Route{
		Method: http.MethodPost, Path: "/settings/{id}/approve", Act: "approveSetting",
		Title: words{"审核通过设置", "Approve a setting"}, Who: setters,
	}, s.approveSetting)
	register(s, Route{
		Method: http.MethodPost, Path: "/settings/{id}/reject", Act: "rejectSetting",
		Title: words{"退回设置", "Reject a setting"}, Who: setters,
	}, s.rejectSetting)
}

type listSettings struct {
	At         string `query:"at" validate:"omitempty,instant" doc:"now when left out"`
	Centre     string `query:"centre" validate:"omitempty,code"`
	Matter     string `query:"matter" validate:"omitempty,code"`
	Department string `query:"department" validate:"omitempty,code"`
}

// settingSummary is one key with the value in force and where it comes from.
type settingSummary struct {
	Key        string           `json:"key"`
	Value      string           `json:"value"`
	Default    string           `json:"default"`
	Bounds     string           `json:"bounds"`
	TwoPersons bool             `json:"two_persons"`
	Basis      string           `json:"basis"`
	InForce    *settingVersion  `json:"in_force,omitempty"`
	Scheduled  []settingVersion `json:"scheduled"`
}

// settingVersion is one dated row.
type settingVersion struct {
	ID            string       `json:"id"`
	Key           string       `json:"key"`
	ScopeKind     string       `json:"scope_kind"`
	ScopeID       string       `json:"scope_id,omitempty"`
	Value         string       `json:"value"`
	EffectiveFrom time.Time    `json:"effective_from,omitzero"`
	Reason        string       `json:"reason"`
	State         office.State `json:"state"`
	SetBy         string       `json:"set_by"`
	SetAt         time.Time    `json:"set_at"`
	DecidedBy     string       `json:"decided_by,omitempty"`
	DecidedAt     time.Time    `json:"decided_at,omitzero"`
}

func versionOf(r office.Setting) settingVersion {
	return settingVersion{
		ID: r.ID, Key: r.Key, ScopeKind: r.ScopeKind, ScopeID: r.ScopeID, Value: r.Value, EffectiveFrom: r.EffectiveFrom,
		Reason: r.Reason, State: r.State, SetBy: r.SetBy, SetAt: r.SetAt, DecidedBy: r.DecidedBy, DecidedAt: r.DecidedAt,
	}
}

func versionsOf(all []office.Setting) []settingVersion {
	out := make([]settingVersion, len(all))
	for i, r := range all {
		out[i] = versionOf(r)
	}
	return out
}

func (s *Server) listSettings(ctx context.Context, c *call, in *listSettings) (out listPage[settingSummary], err error) {
	at, scope := c.at, office.Scope{Centre: in.Centre, Matter: in.Matter, Department: in.Department}
	if in.At != "" {
		at = instant(in.At)
	}
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := office.ListSettings(ctx, q, at, scope)
		for _, r := range rows {
			line := settingSummary{
				Key: r.Key, Value: r.Value, Default: r.Default, Bounds: r.Bounds, TwoPersons: r.TwoPersons, Basis: r.Basis,
				Scheduled: versionsOf(r.Scheduled),
			}
			if r.InForce.ID != "" {
				row := versionOf(r.InForce)
				line.InForce = &row
			}
			out.Items = append(out.Items, line)
		}
		return err
	})
	return out, err
}

func (s *Server) listProposedSettings(ctx context.Context, c *call, _ *struct{}) (out listPage[settingVersion], err error) {
	if err := auth.MaySet(c.by); err != nil {
		return out, err
	}
	err = s.Read(ctx, func(q bun.IDB) error {
		rows, err := office.ListProposedSettings(ctx, q)
		out.Items = versionsOf(rows)
		return err
	})
	return out, err
}

type proposeSetting struct {
	Key  string `header:"Idempotency-Key" validate:"required,line=255"`
	Body struct {
		Key        string `json:"key" validate:"required,code"`
		Value      string `json:"value,omitempty" validate:"omitempty,line=200" doc:"empty in a narrow scope: follow the wider one again"`
		Centre     string `json:"centre_id,omitempty" validate:"omitempty,code"`
		Matter     string `json:"matter_code,omitempty" validate:"omitempty,code"`
		Department string `json:"department_id,omitempty" validate:"omitempty,code"`
		From       string `json:"effective_from,omitempty" validate:"omitempty,instant" doc:"left out: as soon as approved"`
		Reason     string `json:"reason" validate:"required,line=200"`
	}
}

func (s *Server) proposeSetting(ctx context.Context, c *call, in *proposeSetting) (settingVersion, error) {
	if err := auth.MaySet(c.by); err != nil {
		return settingVersion{}, err
	}
	b := in.Body
	out, err := s.Office.ProposeSetting(ctx, office.SettingChange{
		Key: b.Key, Value: b.Value, From: instant(b.From), Reason: b.Reason,
		Scope: office.Scope{Centre: b.Centre, Matter: b.Matter, Department: b.Department}, Once: c.key(in.Key),
	}, c.by.String())
	return versionOf(out), err
}

func (s *Server) approveSetting(ctx context.Context, c *call, in *byID) (settingVersion, error) {
	if err := auth.MaySet(c.by); err != nil {
		return settingVersion{}, err
	}
	out, err := s.Office.ApproveSetting(ctx, in.ID, c.by.String())
	return versionOf(out), err
}

func (s *Server) rejectSetting(ctx context.Context, c *call, in *byID) (none, error) {
	if err := auth.MaySet(c.by); err != nil {
		return none{}, err
	}
	return none{}, s.Office.RejectSetting(ctx, in.ID, c.by.String())
}
