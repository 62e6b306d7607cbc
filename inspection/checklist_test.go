package inspection

import (
	"strings"
	"testing"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/scheduler/workday"
)

const fireList = "item,basis,answer,required,photo,critical\n" +
	"疏散通道畅通,消防法,yes_no,true,true,true\n" +
	"灭火器数量,,number,true,,\n" +
	"其他情况,,text,,,\n"

func (w *testWorld) head(system string) auth.Actor {
	by := w.inspector(system)
	by.ID, by.Name, by.Roles = system+"-head", "唐局长", []auth.Role{auth.Head}
	return by
}

// publishes makes fire's checklist from tomorrow on.
func (w *testWorld) publishes(system, matter, file string) Checklist {
	w.t.Helper()
	c, err := w.PublishChecklist(w.t.Context(), w.head(system), ChecklistRequest{
		MatterCode: matter, EffectiveFrom: workday.DateOf(w.now()).AddDays(1), File: []byte(file),
	})
	w.must(err)
	return c
}

func (w *testWorld) finds(v Visit, system string, items ...AnswerItem) error {
	w.t.Helper()
	return w.Answer(w.t.Context(), w.inspector(system), AnswerRequest{ParticipantID: w.part(v.ID, system).ID, Items: items})
}

func TestAChecklistHasVersionsAndAFileThatSaysTheSameMakesNone(t *testing.T) { // INS-1007
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		first := w.publishes("fire", EveryMatter, fireList)
		if first.Version != 1 || len(first.Items) != 3 || !first.Items[0].Critical || first.Items[1].Answer != AnswerNumber {
			t.Fatalf("%+v", first)
		}
		if again := w.publishes("fire", EveryMatter, string(first.CSV())); again.ID != first.ID {
			t.Errorf("the same file made version %d", again.Version)
		}
		if next := w.publishes("fire", EveryMatter, fireList+"门牌,,,,,\n"); next.Version != 2 || next.Items[3].Answer != AnswerYesNo {
			t.Errorf("%+v", next)
		}
		w.publishes("fire", "M03", fireList)
		all, err := w.Checklists(ctx, w.head("fire"))
		w.must(err)
		if len(all) != 2 || all[0].Version != 2 {
			t.Errorf("%d checklists: %+v", len(all), all)
		}
		tomorrow := workday.DateOf(w.now()).AddDays(1)
		for code, r := range map[string]ChecklistRequest{
			"matter_unknown":  {MatterCode: "M99", EffectiveFrom: tomorrow, File: []byte(fireList)},
			"checklist_date":  {MatterCode: EveryMatter, EffectiveFrom: workday.DateOf(w.now()), File: []byte(fireList)},
			"checklist_line":  {MatterCode: EveryMatter, EffectiveFrom: tomorrow, File: []byte("item,answer\n通道,maybe\n")},
			"checklist_empty": {MatterCode: EveryMatter, EffectiveFrom: tomorrow, File: []byte("item\n")},
			"table_columns":   {MatterCode: EveryMatter, EffectiveFrom: tomorrow, File: []byte("basis\nx\n")},
		} {
			_, err := w.PublishChecklist(ctx, w.head("fire"), r)
			w.refused(err, code)
		}
		_, err = w.PublishChecklist(ctx, w.inspector("fire"), ChecklistRequest{MatterCode: EveryMatter, EffectiveFrom: tomorrow, File: []byte(fireList)})
		w.refused(err, "not_department_head")
		_, err = w.PublishChecklist(ctx, w.clerk, ChecklistRequest{MatterCode: EveryMatter, EffectiveFrom: tomorrow, File: []byte(fireList)})
		w.refused(err, "not_department_head")
	})
}

func TestOpenItemsOfAChecklistKeepAnOpinionFromBeingSigned(t *testing.T) { // INS-1007, INS-1201
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		w.publishes("fire", EveryMatter, fireList)
		v := w.begun()
		w.hosts(v)
		w.refused(w.finds(v, "fire", AnswerItem{N: 1, Value: ValueMet}), "not_here_yet")
		w.comes(v, "fire", 1, 2)
		w.comes(v, "amr", 1, 2)
		w.refused(w.finds(v, "amr", AnswerItem{N: 1, Value: ValueMet}), "checklist_none")
		p := w.part(v.ID, "fire")
		opinion := OpinionRequest{ParticipantID: p.ID, Kind: Agree}
		_, err := w.Opine(ctx, w.inspector("fire"), opinion)
		w.refused(err, "checklist_open")

		for code, items := range map[string][]AnswerItem{
			"checklist_nothing": {{N: 1}},
			"checklist_answer":  {{N: 1, Value: "maybe"}},
			"scan_type":         {{N: 1, Value: ValueMet, Photo: Scan{Name: "a.gif", Bytes: []byte("GIF89a")}}},
		} {
			w.refused(w.finds(v, "fire", items...), code)
		}
		for _, bad := range []AnswerItem{{N: 9, Value: ValueMet}, {N: 1, Value: ValueNone}, {N: 2, Value: "两个"}, {N: 2, Note: "先写说明"}, {N: 2, Value: "-1"}} {
			w.refused(w.finds(v, "fire", bad), "checklist_answer")
		}
		w.refused(w.finds(v, "fire", AnswerItem{N: 1, Value: ValueMet}, AnswerItem{N: 1, Value: ValueNotMet}), "checklist_answer")

		w.must(w.finds(v, "fire", AnswerItem{N: 1, Value: ValueNotMet}, AnswerItem{N: 2, Value: "4"}))
		_, err = w.Opine(ctx, w.inspector("fire"), opinion)
		w.refused(err, "checklist_open") // its photo
		w.must(w.finds(v, "fire", AnswerItem{N: 1, Photo: w.image()}))
		w.refused(w.finds(v, "fire", AnswerItem{N: 2, Value: "4"}), "checklist_nothing")
		_, err = w.Opine(ctx, w.inspector("fire"), opinion)
		w.refused(err, "critical_unmet")
		w.must(w.finds(v, "fire", AnswerItem{N: 1, Value: ValueMet})) // corrected on the spot
		_, err = w.Opine(ctx, w.inspector("fire"), opinion)
		w.must(err)
		w.allSign(v, "fire")

		r, err := w.SiteRecord(ctx, w.clerk, v.ID, w.department("fire"))
		w.must(err)
		if len(r.Open()) != 0 || r.Found[0].Last.Value != ValueMet || len(r.Found[0].Photos) != 1 || r.Found[1].Last.Value != "4" {
			t.Errorf("%+v", r.Found)
		}
		_, err = w.SiteRecord(ctx, w.inspector("amr"), v.ID, w.department("fire"))
		w.refused(err, "not_found")
		text, _ := w.printed(w.clerk, v, DocRecord, "fire")
		wantWords(t, text, "核查表", "疏散通道畅通（关键项）", "符合", "照片1张", "灭火器数量")
	})
}

func TestAVisitKeepsTheChecklistOfItsDay(t *testing.T) { // INS-1007
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	w.publishes("fire", EveryMatter, fireList)
	v := w.begun()
	w.publishes("fire", EveryMatter, fireList+"新增一项,,,true,,\n") // from tomorrow
	r, err := w.SiteRecord(ctx, w.clerk, v.ID, w.department("fire"))
	w.must(err)
	if r.Version != 1 || len(r.Found) != 3 {
		t.Errorf("version %d with %d items", r.Version, len(r.Found))
	}
	if !strings.HasPrefix(string(r.CSV()), "\ufeffitem,basis,answer") {
		t.Errorf("%q", r.CSV())
	}
}

func TestTheSameAnswersTwiceAreSavedOnce(t *testing.T) { // INS-604
	w, ctx := newWorld(t, town.SQLite(t)), t.Context()
	w.publishes("fire", EveryMatter, fireList)
	v := w.begun()
	w.comes(v, "fire", 1, 2)
	p := w.part(v.ID, "fire")
	r := AnswerRequest{ParticipantID: p.ID, Items: []AnswerItem{{N: 2, Value: "4"}}, Once: once.Key{Actor: w.inspector("fire").String(), Value: "k", Print: "p"}}
	w.must(w.Answer(ctx, w.inspector("fire"), r))
	w.must(w.Answer(ctx, w.inspector("fire"), r))
	if n := w.count("checklist_answers", "1 = 1"); n != 1 {
		t.Errorf("%d answers, want 1", n)
	}
}

func TestTheJointOpinionHasAnIndexOfThePhotos(t *testing.T) { // INS-1102, INS-1006
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		w.publishes("fire", EveryMatter, fireList)
		v := w.begun()
		w.hosts(v)
		for _, system := range []string{"amr", "fire", "urban"} {
			w.comes(v, system, 1, 2)
		}
		w.must(w.finds(v, "fire", AnswerItem{N: 1, Value: ValueMet, Photo: w.image()}, AnswerItem{N: 2, Value: "4"}))
		for _, system := range []string{"amr", "fire", "urban"} {
			w.opines(v, w.inspector(system), system, OpinionRequest{Kind: Agree})
		}
		_, err := w.EndSite(ctx, w.clerk, v.ID)
		w.must(err)
		j, err := w.Close(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		photos := j.Content.Photos
		if len(photos) != 1 || photos[0].Item != 1 || photos[0].Department != w.part(v.ID, "fire").Name || len(photos[0].SHA256) != 64 || photos[0].At.IsZero() {
			t.Fatalf("%+v", photos)
		}
		text, _ := w.printed(w.clerk, v, DocOpinion, "")
		wantWords(t, text, "照片索引", "第1项", photos[0].SHA256[:8])
	})
}
