package inspection

import (
	"fmt"
	"strings"
	"testing"

	"lianban/internal/db"
)

// INS-1111: the link shows the visit and its end, and nothing of who was silent.
func TestTheApplicantSeesTheVisitAndNotWhoWasSilent(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		draft := w.newDraft()
		links, token := w.linkOf(w.caseNow(draft))
		if seen, err := w.VisitsByLink(ctx, links, token); err != nil || len(seen) != 0 {
			t.Errorf("before there is a time: %+v (%v)", seen, err)
		}
		_, err := w.VisitsByLink(ctx, links, "wrong")
		w.refused(err, "applicant_link")

		v := w.rectified()
		links, token = w.linkOf(w.caseNow(v))
		seen, err := w.VisitsByLink(ctx, links, token)
		w.must(err)
		if len(seen) != 1 || !seen[0].Start.Equal(v.Start) || seen[0].Place != v.Place || seen[0].Result != ResultRectify || len(seen[0].Departments) != 3 {
			t.Fatalf("the applicant sees %+v", seen)
		}
		if !seen[0].Ungiven || len(seen[0].Items) != 0 { // INS-1107
			t.Errorf("before the list was given: %+v", seen[0].Items)
		}
		if said := fmt.Sprintf("%+v", seen); strings.Contains(said, "deemed") || strings.Contains(said, "视为") {
			t.Errorf("the page tells of a silence: %s", said)
		}

		w.given(v, 1)
		seen, err = w.VisitsByLink(ctx, links, token)
		w.must(err)
		if items := seen[0].Items; seen[0].Ungiven || len(items) != 3 || items[0].DueAt.IsZero() || items[0].State != ItemOpen {
			t.Errorf("the list that was given: %+v", seen[0])
		}
	})
}

func TestADepartmentThatNeedNotComeIsNotShownToTheApplicant(t *testing.T) { // INS-1111
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.served()
		links, token := w.linkOf(w.caseNow(v))
		p := w.part(v.ID, "urban")
		w.must(w.Withdraw(ctx, w.boss, WithdrawRequest{ParticipantID: p.ID, Code: "error", Reason: "店招另案办理"}))
		seen, err := w.VisitsByLink(ctx, links, token)
		w.must(err)
		if len(seen) != 1 || !seen[0].Ahead() || len(seen[0].Departments) != 2 {
			t.Errorf("the applicant sees %+v", seen)
		}
		for _, c := range seen[0].Departments {
			if c.ID == p.DepartmentID {
				t.Error("who was taken out stands there")
			}
		}
	})
}

func TestTheApplicantSendsThePhotosByTheLink(t *testing.T) { // INS-1108
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		v := w.rectified()
		links, token := w.linkOf(w.caseNow(v))
		flame := w.item(v, 2) // of fire, by photo
		send := func(token, item string, photo Scan) error {
			_, err := w.AddPhotoByLink(ctx, links, token, PhotoRequest{Item: item, Photo: photo})
			return err
		}
		w.refused(send(token, flame.ID, w.image()), "list_not_given")
		w.given(v, 1)
		w.refused(send("wrong", flame.ID, w.image()), "applicant_link")
		w.refused(send(token, w.item(v, 1).ID, w.image()), "item_unknown") // seen on the site
		w.refused(send(token, "no such item", w.image()), "item_unknown")
		w.refused(send(token, flame.ID, Scan{}), "scan_missing")
		w.refused(send(token, flame.ID, Scan{Name: "a.pdf", Bytes: []byte("%PDF-1.7")}), "scan_type")
		_, other := w.linkOf(w.newCase())
		w.refused(send(other, flame.ID, w.image()), "item_unknown") // of another case

		w.must(send(token, flame.ID, w.image()))
		w.refused(send(token, flame.ID, w.image()), "photo_waits")
		shown := func() Listed {
			seen, err := w.VisitsByLink(ctx, links, token)
			w.must(err)
			return seen[0].Items[1]
		}
		if i := shown(); i.MayShow() || len(i.Photos) != 1 || i.Photos[0].Answer != "" || i.Photos[0].DueAt.IsZero() {
			t.Errorf("while the department looks: %+v", i)
		}
		photos := w.viewNow(v).Rectification.Photos
		w.must(w.AnswerPhoto(ctx, w.inspector("fire"), PhotoReply{VisitID: v.ID, Photo: photos[0].ID, Answer: PhotoAgain, Reason: "看不清标签"}))
		if i := shown(); !i.MayShow() || i.Photos[0].Reason != "看不清标签" {
			t.Errorf("after the answer: %+v", i)
		}
		w.must(send(token, flame.ID, w.image()))
	})
}
