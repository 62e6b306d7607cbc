package inspection

import (
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/internal/audit"
	"lianban/internal/db"
	"lianban/notify"
)

// fileSent lets the only result of a new case go as a file by mail.
func (w *testWorld) fileSent(desk *delivery.Desk) delivery.ElectronicFile {
	w.t.Helper()
	ctx, c := w.t.Context(), w.newCase()
	w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
		leaves, err := delivery.Expect(ctx, tx, delivery.Expectation{
			CaseID: c.ID, CaseNumber: c.Number, MatterCode: c.MatterCode, MatterName: c.MatterName, Applicant: "湘**店", CentreID: c.CentreID,
			Owed: []delivery.Owed{{DepartmentID: w.inspector("amr").Department, Department: "市场监管局"}}, By: w.clerk, At: w.now(),
		})
		return errors.Join(err, audit.Record(ctx, tx, leaves...))
	}))
	set, err := desk.FindSet(ctx, w.clerk, c.ID)
	w.must(err)
	_, err = desk.ConsentElectronic(ctx, w.clerk, delivery.ElectronicConsentRequest{
		CaseID: c.ID, Person: "李梅", Phone: "13800001234", Method: delivery.ByMail, Address: "li@example.com", Channel: "window", Lines: []string{set.Lines[0].ID},
	})
	w.must(err)
	f, err := desk.Supply(ctx, w.clerk, delivery.SupplyRequest{
		LineID: set.Lines[0].ID, Class: delivery.ClassCertificate, Title: "许可证", DecidedOn: "2026-11-16", Signature: delivery.SignatureUnchecked,
		Body: []byte("%PDF-1.7\n%%EOF\n"),
	})
	w.must(err)
	f, err = desk.SendFile(ctx, w.clerk, f.ID)
	w.must(err)
	return f
}

// DEL-242: a file that nobody opened in time is a task of the window, once, until
// it is sent again or goes another way.
func TestAFileThatNobodyOpensIsATaskOfTheWindow(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w, ctx := newWorld(t, d), t.Context()
		desk := w.papers()
		f := w.fileSent(desk)
		tasks := func() (n int) {
			t.Helper()
			w.must(w.RemindElectronic(ctx))
			all, err := w.ListTasks(ctx, w.clerk, Position{}, 200)
			w.must(err)
			for _, task := range all {
				if task.Kind == TaskElectronic && task.Subject == f.ID {
					n++
				}
			}
			return n
		}
		if n := tasks(); n != 0 {
			t.Errorf("%d tasks at once", n)
		}
		w.clock.forward(f.ServeBy.Sub(w.clock.Now()) + time.Minute)
		for range 2 {
			if n := tasks(); n != 1 {
				t.Errorf("%d tasks after the fifth working day", n)
			}
		}
		_, err := desk.SendFile(ctx, w.clerk, f.ID)
		w.must(err)
		if n := tasks(); n != 0 {
			t.Errorf("%d tasks after it was sent again", n)
		}
		w.must(w.DB.Write(ctx, func(tx bun.IDB) error {
			messages, err := notify.ListBySubject(ctx, tx, f.ID, notify.PurposeFile)
			for _, m := range messages {
				if m.Channel == notify.Mail && m.State == notify.Pending {
					_, err := tx.NewUpdate().Model(&m).Set("state = ?", notify.Undelivered).WherePK().Exec(ctx)
					return err
				}
			}
			return err
		}))
		if n := tasks(); n != 1 {
			t.Errorf("%d tasks after its mail came back", n)
		}
		_, err = desk.ChangeWay(ctx, w.clerk, f.ID, "邮箱有误")
		w.must(err)
		if n := tasks(); n != 0 {
			t.Errorf("%d tasks after another way was chosen", n)
		}
	})
}
