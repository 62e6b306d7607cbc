package inspection

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"lianban/delivery"
	"lianban/notify"
)

// fileBatch is how many files one look takes.
const fileBatch = 500

// RemindElectronic opens a task at the window for each result that went as a
// file and was not opened in time, or whose mail did not arrive, and ends it when
// the file was served or another way chosen: sent alone is not served (DEL-242).
func (d *Desk) RemindElectronic(ctx context.Context) error {
	d = d.still()
	var sent []delivery.ElectronicFile
	err := d.DB.Read(ctx, func(q bun.IDB) (err error) {
		sent, err = delivery.SentFiles(ctx, q, fileBatch)
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range sent {
		if err := d.DB.Write(ctx, func(tx bun.IDB) error { return d.remindFile(ctx, tx, f) }); err != nil {
			errs = append(errs, fmt.Errorf("remind of file %s: %w", f.ID, err))
		}
	}
	return errors.Join(append(errs, d.endFileTasks(ctx))...)
}

func (d *Desk) remindFile(ctx context.Context, tx bun.IDB, f delivery.ElectronicFile) error {
	why, err := d.unserved(ctx, tx, f)
	if err != nil || why == "" {
		return err
	}
	return raiseTask(ctx, tx, Visit{CentreID: f.CentreID}, Task{
		Kind: TaskElectronic, Subject: f.ID, CreatedAt: d.now(), DueAt: f.ExpiresAt, Detail: why,
	})
}

// unserved says why somebody has to see to a file, empty if nobody has to.
func (d *Desk) unserved(ctx context.Context, q bun.IDB, f delivery.ElectronicFile) (string, error) {
	if f.State != delivery.FileSent {
		return "", nil
	}
	if f.Overdue(d.now()) {
		return fmt.Sprintf("办件 %s 的电子件 %s 发出后仍未打开，请联系申请人，或改用其他方式送达", f.CaseNumber, f.Number), nil
	}
	lost, err := mailLost(ctx, q, f)
	if err != nil || !lost {
		return "", err
	}
	return fmt.Sprintf("办件 %s 的电子件 %s：邮件没有送到，请核对邮箱后重发，或改用其他方式送达", f.CaseNumber, f.Number), nil
}

// mailLost reports whether the mail of the last sending did not arrive.
func mailLost(ctx context.Context, q bun.IDB, f delivery.ElectronicFile) (bool, error) {
	messages, err := notify.ListBySubject(ctx, q, f.ID, notify.PurposeFile)
	if err != nil {
		return false, err
	}
	lost := []string{notify.Undelivered, notify.Failed, notify.Dead, notify.Expired}
	last := notify.Message{}
	for _, m := range messages {
		if m.Channel == notify.Mail && !m.CreatedAt.Before(last.CreatedAt) {
			last = m
		}
	}
	return slices.Contains(lost, last.State), nil
}

// endFileTasks ends the tasks of files that nobody has to see to any more.
func (d *Desk) endFileTasks(ctx context.Context) error {
	return d.DB.Write(ctx, func(tx bun.IDB) error {
		subjects, err := openSubjects(ctx, tx, TaskElectronic)
		if err != nil || len(subjects) == 0 {
			return err
		}
		files, err := delivery.FilesByID(ctx, tx, subjects)
		if err != nil {
			return err
		}
		for _, f := range files {
			why, err := d.unserved(ctx, tx, f)
			if err != nil {
				return err
			}
			if why != "" {
				continue
			}
			if err := finishTasks(ctx, tx, TaskElectronic, f.ID, d.now(), "system:electronic", "已送达、已重发或已改用其他方式"); err != nil {
				return err
			}
		}
		return nil
	})
}
