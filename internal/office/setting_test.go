package office_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/internal/fault"
	"lianban/internal/office"
	"lianban/scheduler/workday"
)

func (h *house) rules(at time.Time, s office.Scope) office.Rules {
	h.t.Helper()
	return must(h, func(q bun.IDB) (office.Rules, error) { return office.RulesAt(h.t.Context(), q, at, s) })
}

func (h *house) line(key string, at time.Time, s office.Scope) office.SettingLine {
	h.t.Helper()
	lines := must(h, func(q bun.IDB) ([]office.SettingLine, error) { return office.ListSettings(h.t.Context(), q, at, s) })
	for _, l := range lines {
		if l.Key == key {
			return l
		}
	}
	h.t.Fatalf("no line for %s", key)
	return office.SettingLine{}
}

// set proposes and, where it takes two, approves.
func (h *house) set(c office.SettingChange) office.Setting {
	h.t.Helper()
	c.Reason = "试行三个月后调整"
	row, err := h.ProposeSetting(h.t.Context(), c, anna)
	h.ok(err)
	if row.State == office.Proposed {
		row, err = h.ApproveSetting(h.t.Context(), row.ID, bert)
		h.ok(err)
	}
	return row
}

// INS-1301, the table of section 13
func TestEverySettingHasADefault(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		want := office.Rules{
			SendWithin: 1, ReplyTerm: 1, Lead: 2, Limit: 5, OpinionTerm: 1, LimitAlone: 20, LimitJoint: 45, PromiseAlone: 10, PromiseJoint: 22,
			CounterAnswer: 1, ExcuseAnswer: 1, ReviewDecide: 1, JointWithin: 1, VerifyPhoto: 1, LedgerAnswer: 3, RevisitWithin: 3, StaffSite: 2, StaffReview: 1, WindowStaff: 1,
			ServiceMinClass: "B", PortalAlive: 30 * 24 * time.Hour, DeemMode: office.DeemAuto, DeemRevisit: office.RevisitHold,
			DeemGrace: 5 * time.Minute, InboundMaxGap: 30 * time.Minute, NoShowGrace: 30 * time.Minute,
			AbsenceLimit: 2, AddressDelay: 24 * time.Hour, Citation: "《永州市市场准入涉照事项“一件事一次办”改革实施方案（试行）》三（三）3-四",
			HoldTTL: 15 * time.Minute, EscalateChannel: 2 * time.Hour, EscalateTelephone: 4 * time.Hour, SMSPerDay: 3,
			DurationSite: 60, DurationReview: 90, BufferBefore: 0, BufferAfter: 15,
			TravelSpeed: 30, TravelDetour: 1.4, TravelPark: 10, TravelUnknown: 30,
			PerDay: 4, CentrePerHalfDay: 0, Keeper: "amr", LoanDays: 5, Payer: office.PayerCentre, LinkDays: 30, TrackDays: 30, SignInHours: 4, SignInNext: 12 * 60, CirculationRuns: "09:30, 14:30", BatchRadius: 3, VehiclePolicy: office.VehicleOptional,
		}
		if got := h.rules(h.now, office.Scope{}); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		lines := must(h, func(q bun.IDB) ([]office.SettingLine, error) {
			return office.ListSettings(t.Context(), q, h.now, office.Scope{})
		})
		if fields := reflect.TypeFor[office.Rules]().NumField(); fields != len(lines) {
			t.Errorf("%d rules, %d settings", fields, len(lines))
		}
		if got := h.rules(h.now.AddDate(-1, 0, 0), office.Scope{}); got != want {
			t.Errorf("before the installation: %+v", got)
		}
		for _, l := range lines {
			row := l.InForce
			if l.Default == "" || l.Bounds == "" || l.Basis == "" || l.Value != l.Default || row.SetBy != "system:install" ||
				!row.EffectiveFrom.Equal(workday.DateOf(h.now).Midnight()) {
				t.Errorf("%s: %+v", l.Key, l)
			}
		}
	})
}

// INS-1302
func TestValueOutsideItsBoundsIsRefusedWithTheBounds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for _, c := range []struct{ key, low, high, below, above, bounds string }{
			{"reply.term", "1", "5", "0", "6", "1–5 工作日"},
			{"visit.lead", "2", "10", "1", "11", "2–10 工作日"},
			{"opinion.term", "0", "2", "-1", "3", "0–2 工作日"},
			{"deem.grace", "1", "60", "0", "61", "1–60 分钟"},
			{"address.change_delay", "12", "168", "11", "169", "12–168 小时"},
			{"service.portal_alive", "7", "90", "6", "91", "7–90 天"},
			{"service.min_class", "A", "B", "C", "a", "A/B"},
			{"deem.mode", "auto", "confirm", "", "off", "auto/confirm"},
			{"transfer.signin_next", "08:00", "18:00", "07:59", "9:00", "08:00–18:00"},
			{"transfer.signin_hours", "1", "16", "0", "17", "1–16 办公小时"},
			{"runs.circulation", "08:00", "08:00, 10:00, 11:00, 14:00, 15:30, 17:00", "14:30, 09:30", "09:30, 09:30", "1–6 个时刻，如 09:30, 14:30"},
			{"travel.detour", "1", "3", "0.9", "NaN", "1–3"},
			{"staff.min_site", "1", "5", "two", "+2", "1–5 人"},
			{"rule.citation", "依", strings.Repeat("依", 200), "a\nb", strings.Repeat("依", 201), "1–200 字"},
		} {
			for _, value := range []string{c.low, c.high} {
				h.set(office.SettingChange{Key: c.key, Value: value})
			}
			for _, value := range []string{c.below, c.above} {
				_, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: c.key, Value: value, Reason: "x"}, anna)
				refused(t, err, "setting_out_of_bounds")
				if e, _ := fault.From(err); !strings.Contains(e.In("zh"), c.bounds) || e.Details["bounds"] != c.bounds {
					t.Errorf("%s = %q: %s", c.key, value, e.In("zh"))
				}
			}
		}
		_, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.turm", Value: "1", Reason: "x"}, anna)
		refused(t, err, "setting_unknown")
	})
}

// INS-1301
func TestNarrowestScopeWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		c, dep := h.centre("431103"), h.department("431103", "fire")
		all := office.Scope{Centre: c.ID, Matter: "M09", Department: dep.ID}
		for _, step := range []struct {
			scope office.Scope
			value string
			want  int
		}{
			{office.Scope{}, "2", 2},
			{office.Scope{Department: dep.ID}, "5", 5},
			{office.Scope{Matter: "M09"}, "4", 5},
			{office.Scope{Centre: c.ID}, "3", 5},
			{office.Scope{Department: dep.ID}, "", 4}, // follow the matter again
			{office.Scope{Matter: "M09"}, "", 3},
			{office.Scope{Centre: c.ID}, "", 2},
		} {
			h.now = h.now.Add(time.Hour)
			h.set(office.SettingChange{Key: "reply.term", Scope: step.scope, Value: step.value})
			if got := h.rules(h.now, all).ReplyTerm; got != step.want {
				t.Errorf("after %+v = %q: %d, want %d", step.scope, step.value, got, step.want)
			}
		}
		if got := h.rules(h.now, office.Scope{Matter: "M10", Department: "431103-amr"}).ReplyTerm; got != 2 {
			t.Errorf("others have %d", got)
		}

		_, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.term", Scope: all, Value: "1", Reason: "x"}, anna)
		refused(t, err, "scope_invalid")
		_, err = h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.term", Scope: office.Scope{Centre: "x"}, Value: "1", Reason: "x"}, anna)
		refused(t, err, "centre_unknown")
		_, err = h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.term", Scope: office.Scope{Department: "x"}, Value: "1", Reason: "x"}, anna)
		refused(t, err, "department_unknown")
	})
}

// INS-1301 †, SEC-4
func TestDeadlineRuleTakesTwoPersons(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		row, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.term", Value: "3", Reason: "试行"}, anna)
		h.ok(err)
		if got := h.rules(h.now, office.Scope{}).ReplyTerm; got != 1 || row.State != office.Proposed {
			t.Fatalf("a proposal counts already: %d", got)
		}
		for _, by := range []string{anna, "system:deem", "key:platform"} {
			_, err := h.ApproveSetting(t.Context(), row.ID, by)
			refused(t, err, "two_persons")
		}
		waiting := must(h, func(q bun.IDB) ([]office.Setting, error) { return office.ListProposedSettings(t.Context(), q) })
		if len(waiting) != 1 || waiting[0].ID != row.ID {
			t.Fatalf("waiting: %+v", waiting)
		}
		h.now = h.now.Add(time.Hour)
		_, err = h.ApproveSetting(t.Context(), row.ID, bert)
		h.ok(err)
		if before, after := h.rules(h.now.Add(-time.Millisecond), office.Scope{}), h.rules(h.now, office.Scope{}); before.ReplyTerm != 1 || after.ReplyTerm != 3 {
			t.Errorf("%d before the approval, %d after", before.ReplyTerm, after.ReplyTerm)
		}
		_, err = h.ApproveSetting(t.Context(), row.ID, "person:carl")
		refused(t, err, "already_decided")
		refused(t, h.RejectSetting(t.Context(), row.ID, bert), "already_decided")
		refused(t, h.RejectSetting(t.Context(), "nothing", bert), "proposal_unknown")

		other, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.term", Value: "5", Reason: "试行"}, anna)
		h.ok(err)
		h.ok(h.RejectSetting(t.Context(), other.ID, bert))
		_, err = h.ApproveSetting(t.Context(), other.ID, bert)
		refused(t, err, "already_decided")
		if got := h.rules(h.now, office.Scope{}).ReplyTerm; got != 3 {
			t.Errorf("a rejected proposal counts: %d", got)
		}
	})
}

// INS-1301
func TestSettingIsNeverDatedBeforeItsApproval(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		past, soon := h.now.Add(-time.Second), h.now.Add(24*time.Hour)
		for _, key := range []string{"reply.term", "visit.lead"} {
			_, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: key, Value: "3", From: past, Reason: "x"}, anna)
			refused(t, err, "setting_dated_back")
		}
		row, err := h.ProposeSetting(t.Context(), office.SettingChange{Key: "reply.term", Value: "3", From: soon, Reason: "x"}, anna)
		h.ok(err)
		h.now = soon.Add(time.Minute)
		_, err = h.ApproveSetting(t.Context(), row.ID, bert)
		refused(t, err, "setting_dated_back")
		if got := h.rules(h.now, office.Scope{}).ReplyTerm; got != 1 {
			t.Errorf("in force: %d", got)
		}
	})
}

// INS-1302
func TestSettingsPageShowsAnyDateAndWhoSetIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		installed, april := h.now, h.now.AddDate(0, 1, 0)
		h.set(office.SettingChange{Key: "reply.term", Value: "2", From: april})
		today := h.line("reply.term", installed, office.Scope{})
		if today.Value != "1" || !today.TwoPersons || len(today.Scheduled) != 1 || today.Scheduled[0].Value != "2" {
			t.Errorf("today: %+v", today)
		}
		then := h.line("reply.term", april, office.Scope{})
		if then.Value != "2" || then.InForce.SetBy != anna || then.InForce.DecidedBy != bert || then.InForce.Reason == "" || len(then.Scheduled) != 0 {
			t.Errorf("in April: %+v", then)
		}
	})
}

func TestReleaseWithOtherDefaultsChangesNothingInForce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.set(office.SettingChange{Key: "visit.lead", Value: "4"})
		h.now = h.now.AddDate(0, 0, 1)
		h.ok(h.Install(t.Context(), "system:install"))
		if got := h.rules(h.now, office.Scope{}).Lead; got != 4 {
			t.Errorf("in force: %d", got)
		}
	})
}
