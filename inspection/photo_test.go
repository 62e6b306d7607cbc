package inspection

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/once"
	"lianban/notify"
)

// toShow is one item of fire that is verified by photo.
func toShow() []RectifyItem {
	return []RectifyItem{{Finding: "灭火器已过检验期", Clause: "GB 50444-2008", Verify: VerifyPhoto, Days: 3}}
}

func (w *testWorld) shows(v Visit, n int) (ItemPhoto, error) {
	return w.AddPhoto(w.t.Context(), w.clerk, PhotoRequest{VisitID: v.ID, Item: w.item(v, n).ID, Photo: w.image()})
}

// INS-1006, SEC-15: what is kept, hashed and shown does not tell where it was made.
func TestAScanIsKeptWithoutItsPlace(t *testing.T) {
	w := newWorld(t, town.SQLite(t))
	v := w.rectifiedWith(toShow())
	w.given(v, 1)
	picture := slip(t)
	placed := slices.Concat(picture[:33], []byte("\x00\x00\x00\x04eXIf26.4crc!"), picture[33:])
	photo, err := w.AddPhoto(t.Context(), w.clerk, PhotoRequest{VisitID: v.ID, Item: w.item(v, 1).ID, Photo: Scan{Name: "a.png", Bytes: placed}})
	w.must(err)
	_, kept, err := w.FindScan(t.Context(), w.clerk, photo.Scan)
	w.must(err)
	if !bytes.Equal(kept, picture) {
		t.Errorf("kept: %q", kept)
	}
}

func TestAnItemThatIsAgreedByPhotoNeedsNoVisit(t *testing.T) { // INS-1108
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectifiedWith(toShow())
		_, err := w.shows(v, 1)
		w.refused(err, "list_not_given")
		w.given(v, 1)
		for code, r := range map[string]PhotoRequest{
			"scan_missing": {Item: w.item(v, 1).ID}, "scan_type": {Item: w.item(v, 1).ID, Photo: Scan{Bytes: []byte("GIF89a")}},
			"item_unknown": {Item: w.item(v, 2).ID, Photo: w.image()}, // seen on the site
		} {
			r.VisitID = v.ID
			_, err = w.AddPhoto(ctx, w.clerk, r)
			w.refused(err, code)
		}
		_, err = w.AddPhoto(ctx, w.inspector("fire"), PhotoRequest{VisitID: v.ID, Item: w.item(v, 1).ID, Photo: w.image()})
		w.refused(err, "not_a_window")
		photo, err := w.shows(v, 1)
		w.must(err)
		if !photo.DueAt.Equal(at(20, 17, 30)) {
			t.Errorf("the answer is due %v", photo.DueAt)
		}
		_, err = w.shows(v, 1)
		w.refused(err, "photo_waits")
		w.tick()
		if n := len(w.sent.of(notify.PurposePhoto, notify.Mail)); n != 1 {
			t.Errorf("fire is told %d times", n)
		}
		answer := func(by auth.Actor, r PhotoReply) error {
			r.VisitID, r.Photo = v.ID, photo.ID
			return w.AnswerPhoto(ctx, by, r)
		}
		for _, by := range []auth.Actor{w.inspector("urban"), w.clerk, {Kind: auth.KindLink, ID: "x"}} {
			w.refused(answer(by, PhotoReply{Answer: PhotoAgreed}), "not_your_department")
		}
		w.refused(answer(w.inspector("fire"), PhotoReply{Answer: "maybe"}), "photo_answer")
		w.refused(answer(w.inspector("fire"), PhotoReply{Answer: PhotoAgain}), "reason_missing")
		w.must(answer(w.inspector("fire"), PhotoReply{Answer: PhotoAgain, Reason: "看不清检验标签"}))
		w.refused(answer(w.inspector("fire"), PhotoReply{Answer: PhotoAgreed}), "photo_unknown")
		if w.item(v, 1).State != ItemOpen || w.count("tasks", "kind = 'photo_refused' AND done_at IS NULL") != 1 {
			t.Error("a refused photo does not leave the item open with a word to the window")
		}
		if photo, err = w.shows(v, 1); err != nil {
			t.Fatal(err)
		}
		w.must(answer(w.inspector("fire"), PhotoReply{Answer: PhotoAgreed}))
		if item := w.item(v, 1); item.State != ItemSettled || item.SettledHow != VerifyPhoto {
			t.Errorf("%+v", item)
		}
		_, err = w.Conclude(ctx, w.clerk, v.ID, once.Key{})
		w.refused(err, "items_open")

		w.asks(v) // urban's item is seen on the site, fire has nothing to look at
		r := w.booksRevisit(v)
		if parts := w.viewNow(r).Participants; len(parts) != 1 || parts[0].System != "urban" {
			t.Errorf("%d departments come", len(parts))
		}
		j := w.looks(r, map[string]OpinionRequest{"urban": {Kind: Agree}})
		if j.Result != ResultPassed || j.Version != 2 {
			t.Errorf("%+v", j)
		}
	})
}

func TestAPhotoThatIsNotEnoughSendsTheItemToTheRevisitOrTheSupervisor(t *testing.T) { // INS-1108
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.rectifiedWith(toShow())
		w.given(v, 1)
		photo, err := w.shows(v, 1)
		w.must(err)
		w.wait(photo.DueAt.Add(time.Minute))
		if w.count("tasks", "kind = 'photo_late' AND for_role = 'supervisor' AND done_at IS NULL") != 1 || w.item(v, 1).State != ItemOpen {
			t.Fatal("the supervisor does not hear that fire keeps silent, or its silence counts")
		}
		w.must(w.AnswerPhoto(t.Context(), w.inspector("fire"), PhotoReply{VisitID: v.ID, Photo: photo.ID, Answer: PhotoVisit, Reason: "须核对压力表"}))
		if w.item(v, 1).Verify != VerifyVisit || w.count("tasks", "kind = 'photo_late' AND done_at IS NULL") != 0 {
			t.Error("the item does not wait for the revisit")
		}
		_, err = w.shows(v, 1)
		w.refused(err, "item_unknown")
		w.asks(v)
		if n := len(w.viewNow(w.booksRevisit(v)).Participants); n != 2 {
			t.Errorf("%d departments come", n)
		}
	})
}

func TestAListThatIsPutRightByPhotosAloneIsConcludedWithoutARevisit(t *testing.T) { // INS-1108, V12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.newVisit()
		w.closeWithItems(v, toShow())
		w.given(v, 1)
		for n := 1; n <= 3; n++ {
			photo, err := w.shows(v, n)
			w.must(err)
			system := w.part(v.ID, "amr")
			for _, s := range []string{"amr", "fire", "urban"} {
				if w.department(s) == w.item(v, n).DepartmentID {
					system = w.part(v.ID, s)
				}
			}
			w.must(w.AnswerPhoto(ctx, w.inspector(system.System), PhotoReply{VisitID: v.ID, Photo: photo.ID, Answer: PhotoAgreed}))
		}
		if w.count("tasks", "kind = 'conclude_rectify' AND done_at IS NULL") != 1 || w.count("deadlines", "state = 'pending' AND kind IN ('rectify', 'photo')") != 0 {
			t.Error("the window is not asked to conclude, or a clock runs on")
		}
		_, err := w.RequestRevisit(ctx, w.clerk, AskRequest{VisitID: v.ID, Channel: "phone", Person: "李梅"})
		w.refused(err, "nothing_to_revisit")
		_, err = w.Conclude(ctx, w.inspector("fire"), v.ID, once.Key{})
		w.refused(err, "not_a_window")
		j, err := w.Conclude(ctx, w.clerk, v.ID, once.Key{})
		w.must(err)
		if j.Version != 2 || j.Result != ResultPassed || w.visitNow(v).Result != ResultPassed || len(w.results(v.CaseID)) != 3 {
			t.Errorf("%+v", j)
		}
		text, _ := w.printed(w.clerk, v, DocOpinion, "")
		wantWords(t, text, "整改照片核查后重新出具", "已整改", "同意")
	})
}
