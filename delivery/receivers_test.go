package delivery

import (
	"testing"
	"time"

	"lianban/internal/auth"
	"lianban/internal/db"
	"lianban/internal/db/dbtest"
	"lianban/scheduler/workday"
)

// onList lets somebody sign on paper for a department that has no accounts.
func (w *testWorld) onList(department, name string) RegisteredReceiver {
	w.t.Helper()
	r, err := w.RegisterReceiver(w.t.Context(), w.clerk, ReceiverRequest{DepartmentID: department, Name: name, Post: "收发室", Ground: "收件人登记函 2026-11-20"})
	w.must(err)
	return r
}

// headOf is the head of a department.
func headOf(department string) auth.Actor {
	return auth.Actor{Kind: auth.KindPerson, ID: department + "0", Name: "周志强", Roles: []auth.Role{auth.Head}, Department: department}
}

// DEL-913: the head keeps the list, the window that of a department without
// accounts; nobody else does, and nothing is deleted.
func TestADepartmentsHeadKeepsItsListOfReceivers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newParcelWorld(t, d)
		ctx := t.Context()
		add := ReceiverRequest{DepartmentID: "fire", Name: " 雷鸣 ", Post: "收发室", Ground: "登记函"}
		for _, by := range []auth.Actor{w.inspector("fire"), headOf("amr"), w.auditor} {
			_, err := w.RegisterReceiver(ctx, by, add)
			w.refused(err, "receivers_keeper")
		}
		for _, change := range []func(r *ReceiverRequest){
			func(r *ReceiverRequest) { r.Name = " " }, func(r *ReceiverRequest) { r.Post = "" }, func(r *ReceiverRequest) { r.Ground = "" },
			func(r *ReceiverRequest) { r.From = workday.DateOf(w.at).AddDays(-1) },
		} {
			bad := add
			change(&bad)
			_, err := w.RegisterReceiver(ctx, headOf("fire"), bad)
			w.refused(err, "receiver_incomplete")
		}
		r, err := w.RegisterReceiver(ctx, headOf("fire"), add)
		w.must(err)
		if r.Name != "雷鸣" || r.From != workday.DateOf(w.at) {
			t.Errorf("registered: %+v", r)
		}
		_, err = w.RegisterReceiver(ctx, headOf("fire"), add)
		w.refused(err, "receiver_registered")
		w.onList("amr", "雷鸣") // has no accounts; the same name elsewhere is somebody else
		_, err = w.RegisterReceiver(ctx, w.clerk, ReceiverRequest{DepartmentID: "nowhere", Name: "雷鸣", Post: "收发室", Ground: "登记函"})
		w.refused(err, "department_unknown")

		_, err = w.EndReceiver(ctx, headOf("amr"), r.ID, "调离")
		w.refused(err, "receivers_keeper")
		_, err = w.EndReceiver(ctx, headOf("fire"), r.ID, " ")
		w.refused(err, "reason_missing")
		_, err = w.EndReceiver(ctx, headOf("fire"), r.ID, "调离")
		w.must(err)
		_, err = w.EndReceiver(ctx, headOf("fire"), r.ID, "调离")
		w.refused(err, "receiver_ended")
		_, err = w.RegisterReceiver(ctx, headOf("fire"), add)
		w.must(err)
		list, err := w.ListReceivers(ctx, w.clerk, "fire")
		w.must(err)
		if len(list) != 2 || !list[0].EndedAt.IsZero() || list[1].EndedWhy != "调离" {
			t.Errorf("history: %+v", list)
		}
		_, err = w.ListReceivers(ctx, w.courier, "fire")
		w.refused(err, "receivers_keeper")
	})
}

// DEL-913, DEL-950: a slip counts if its signer was on the list when it was signed.
func TestASlipIsSignedByAReceiverOnTheList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		papers, err := w.takeIn(w.material("消防图纸", needs(ClassCopy, "fire")))
		w.must(err)
		v := w.send(w.clerk, "fire", papers[0])
		w.onList("urban", "雷鸣") // of another department
		w.at = w.at.Add(2 * time.Hour)
		r := BagAccept{BagID: v.ID, Count: 1, Receiver: "雷鸣", SignedAt: w.at.Add(-time.Hour), Slip: w.photo()}
		_, err = w.AcceptBag(ctx, w.clerk, r)
		w.refused(err, "receiver_unregistered")
		entry := w.onList("fire", "雷鸣") // from the morning of this day on
		w.at = w.at.Add(time.Hour)
		_, err = w.EndReceiver(ctx, w.clerk, entry.ID, "调离")
		w.must(err)
		w.at = w.at.Add(time.Hour)
		late := r
		late.SignedAt = w.at
		_, err = w.AcceptBag(ctx, w.clerk, late)
		w.refused(err, "receiver_unregistered")
		_, err = w.AcceptBag(ctx, w.clerk, r) // signed while the line stood
		w.must(err)
		w.sound()
	})
}
