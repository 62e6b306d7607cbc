package inspection

import (
	"slices"
	"testing"

	"lianban/internal/db"
	"lianban/internal/once"
)

// STK-44: a page starts where the one before ended, also among rows of the same
// instant and when the last row seen has moved since.
func TestPagesOfVisitsTasksAndInvitationsShowEachOnce(t *testing.T) {
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.newDraft()
		w.newDraft()
		for range 3 {
			w.newVisit()
		}
		answered := w.newVisit()
		_, err := w.Reply(ctx, w.inspector("fire"), ReplyRequest{
			ParticipantID: w.part(answered.ID, "fire").ID, Round: 1, Kind: ReplyAccept, Channel: "portal", ReceivedAt: w.clock.Now(),
		})
		w.must(err)
		for range 3 { // tasks of one instant
			w.must(w.PassOn(ctx, w.clerk, w.newCase().ID, "", once.Key{}))
		}
		same(t, "visits", func(after Position, limit int) ([]Visit, error) {
			return w.ListVisits(ctx, w.clerk, VisitQuery{After: after, Limit: limit})
		})
		same(t, "invitations", func(after Position, limit int) ([]InboxLine, error) {
			return w.Inbox(ctx, w.inspector("fire"), InboxQuery{After: after, Limit: limit})
		})
		same(t, "tasks", func(after Position, limit int) ([]Task, error) { return w.ListTasks(ctx, w.clerk, after, limit) })

		first, err := w.ListVisits(ctx, w.clerk, VisitQuery{Limit: 1})
		w.must(err)
		_, err = w.Cancel(ctx, w.clerk, first[0].ID, "weather", "大雨")
		w.must(err)
		rest, err := w.ListVisits(ctx, w.clerk, VisitQuery{After: first[0].Position()})
		w.must(err)
		if len(rest) != 5 {
			t.Errorf("%d visits after the first of six", len(rest))
		}
		_, err = w.Cancel(ctx, w.clerk, rest[0].ID, "weather", "大雨")
		w.must(err)
		ahead, err := w.ListVisits(ctx, w.clerk, VisitQuery{Ahead: true})
		w.must(err)
		over, err := w.ListVisits(ctx, w.clerk, VisitQuery{Over: true})
		w.must(err)
		if len(ahead) != 4 || len(over) != 2 || over[0].ID != rest[0].ID { // the later one first
			t.Errorf("%d visits ahead, %d over, %v", len(ahead), len(over), over)
		}
	})
}

// same wants the rows one by one to be those of the whole list.
func same[T interface{ Position() Position }](t *testing.T, name string, list func(after Position, limit int) ([]T, error)) {
	t.Helper()
	whole, err := list(Position{}, 200)
	if err != nil || len(whole) < 3 {
		t.Fatal(name, len(whole), err)
	}
	var got []Position
	for row, err := list(Position{}, 1); len(row) > 0; row, err = list(row[0].Position(), 1) {
		if err != nil {
			t.Fatal(name, err)
		}
		if got = append(got, row[0].Position()); len(got) > len(whole) {
			t.Fatal(name, "never ends")
		}
	}
	want := make([]Position, len(whole))
	for i, row := range whole {
		want[i] = row.Position()
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s one by one %v\nwhole %v", name, got, want)
	}
}

func TestEachCentreAndDepartmentSeesItsOwnDay(t *testing.T) { // PRO-12
	town.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.newCase()
		w.served()
		held := w.served()
		w.mail(held, "fire", "不能参加")
		own, err := w.Today(ctx, w.clerk)
		w.must(err)
		if len(own.Unbooked) != 1 || len(own.Waiting) != 5 || len(own.Held) != 1 || len(own.Tasks) != 1 {
			t.Fatalf("its own window sees %d to book, %d waited for, %d held, %d tasks", len(own.Unbooked), len(own.Waiting), len(own.Held), len(own.Tasks))
		}
		city := w.city()
		other, err := w.Today(ctx, city)
		w.must(err)
		tasks, err := w.ListTasks(ctx, city, Position{}, 0)
		w.must(err)
		if len(other.Unbooked)+len(other.Visits)+len(other.Waiting)+len(other.Held)+len(other.Tasks)+len(tasks) != 0 {
			t.Errorf("another window sees %+v", other)
		}
		for system, want := range map[string]int{"fire": 2, "police": 0} {
			lines, err := w.Inbox(ctx, w.inspector(system), InboxQuery{})
			w.must(err)
			if len(lines) != want {
				t.Errorf("%s sees %d invitations, want %d", system, len(lines), want)
			}
			for _, line := range lines {
				if line.DepartmentID != w.department(system) {
					t.Errorf("%s sees that of %s", system, line.DepartmentID)
				}
			}
		}
	})
}
