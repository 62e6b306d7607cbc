package auth

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
	"lianban/internal/office"
)

type personRole struct {
	bun.BaseModel `bun:"table:roles"`

	Person string `bun:"person_id,pk"`
	Role   Role   `bun:",pk"`
}

type oldPassword struct {
	bun.BaseModel `bun:"table:passwords"`

	Person string `bun:"person_id"`
	Hash   string
	SetAt  time.Time
}

// find reads the row whose column has the value, or gives the refusal. A value
// with a NUL is in no row, and bun will not write one into a statement.
func find[T any](ctx context.Context, q bun.IDB, k column, unknown *fault.Error) (T, error) {
	var row T
	if strings.Contains(k.value, "\x00") {
		return row, unknown
	}
	err := q.NewSelect().Model(&row).Where("? = ?", bun.Ident(k.name), k.value).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = unknown
	}
	return row, err
}

type column struct{ name, value string }

// FindPerson gives a person with roles, disabled or not. Refuses with
// person_unknown.
func FindPerson(ctx context.Context, q bun.IDB, id string) (Person, error) {
	return findPerson(ctx, q, column{"id", id})
}

func findLogin(ctx context.Context, q bun.IDB, login string) (Person, error) {
	return findPerson(ctx, q, column{"login", login})
}

func findPerson(ctx context.Context, q bun.IDB, k column) (Person, error) {
	p, err := find[Person](ctx, q, k, fault.Refuse(fault.NotFound, "person_unknown",
		"没有这个人员，请从列表中选择", "there is no such person; choose one from the list"))
	if err != nil {
		return Person{}, err
	}
	one := []Person{p}
	err = addRoles(ctx, q, one)
	return one[0], err
}

// ListPeople gives the people asked for, by name.
func ListPeople(ctx context.Context, q bun.IDB, by PersonQuery) ([]Person, error) {
	var all []Person
	query := q.NewSelect().Model(&all).Order("name", "id")
	if by.Centre != "" {
		query.Where("centre_id = ?", by.Centre)
	}
	if by.Department != "" {
		query.Where("department_id = ?", by.Department)
	}
	if by.Role != "" {
		query.Where("id IN (SELECT person_id FROM roles WHERE role = ?)", by.Role)
	}
	if by.Enabled {
		query.Where("disabled_at IS NULL")
	}
	if by.After != "" {
		query.Where("(name, id) > (SELECT name, id FROM people WHERE id = ?)", by.After)
	}
	if by.Limit > 0 {
		query.Limit(int64(by.Limit))
	}
	if err := query.Scan(ctx); err != nil {
		return nil, err
	}
	return all, addRoles(ctx, q, all)
}

// FindNames gives the names of the people with these ids in one query; ids of
// nobody are not in it.
func FindNames(ctx context.Context, q bun.IDB, ids []string) (map[string]string, error) {
	names := make(map[string]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	var people []Person
	err := q.NewSelect().Model(&people).Column("id", "name").Where("id IN (?)", bun.List(ids)).Scan(ctx)
	for _, p := range people {
		names[p.ID] = p.Name
	}
	return names, err
}

// addRoles reads the roles of all people in one query (STY-21).
func addRoles(ctx context.Context, q bun.IDB, people []Person) error {
	if len(people) == 0 {
		return nil
	}
	at := make(map[string]*Person, len(people))
	ids := make([]string, len(people))
	for i := range people {
		at[people[i].ID], ids[i] = &people[i], people[i].ID
	}
	var rows []personRole
	err := q.NewSelect().Model(&rows).Where("person_id IN (?)", bun.List(ids)).Order("person_id", "role").Scan(ctx)
	for _, row := range rows {
		p := at[row.Person]
		p.Roles = append(p.Roles, row.Role)
	}
	return err
}

// PortalAlive reports whether a department has an enabled account with the
// right to answer that signed in within the span before an instant. Otherwise
// its inbox is one that nobody opens, and arrival there is class D (INS-706).
// Asked about the past it errs towards no.
func PortalAlive(ctx context.Context, q bun.IDB, department string, at time.Time, within time.Duration) (bool, error) {
	return q.NewSelect().Model((*Person)(nil)).
		Where("department_id = ?", department).Where("disabled_at IS NULL").
		Where("last_sign_in >= ?", at.Add(-within)).Where("last_sign_in <= ?", at).
		Where("id IN (SELECT person_id FROM roles WHERE role IN (?, ?))", Inspector, Head).Exists(ctx)
}

// insertPerson writes a person with roles and first password.
func insertPerson(ctx context.Context, tx bun.IDB, p Person) error {
	res, err := tx.NewInsert().Model(&p).On("CONFLICT DO NOTHING").Exec(ctx)
	err = changed(res, err, fault.Refuse(fault.Conflict, "login_taken",
		"登录名 %s 已被使用，请换一个", "login %s is taken; choose another", p.Login))
	if err != nil {
		return err
	}
	if err := insertRoles(ctx, tx, p); err != nil || p.PasswordHash == "" {
		return err
	}
	return insertOldPassword(ctx, tx, p)
}

func insertRoles(ctx context.Context, tx bun.IDB, p Person) error {
	rows := make([]personRole, len(p.Roles))
	for i, r := range p.Roles {
		rows[i] = personRole{Person: p.ID, Role: r}
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

func updatePost(ctx context.Context, tx bun.IDB, p Person) error {
	_, err := tx.NewUpdate().Model(&p).Column("centre_id", "window_id", "department_id").WherePK().Exec(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*personRole)(nil)).Where("person_id = ?", p.ID).Exec(ctx); err != nil {
		return err
	}
	return insertRoles(ctx, tx, p)
}

// setDisabled shuts an account, or opens it when at is zero.
func setDisabled(ctx context.Context, tx bun.IDB, id string, at time.Time) error {
	p := Person{ID: id, DisabledAt: at}
	_, err := tx.NewUpdate().Model(&p).Column("disabled_at").WherePK().Exec(ctx)
	return err
}

func insertOldPassword(ctx context.Context, tx bun.IDB, p Person) error {
	row := oldPassword{Person: p.ID, Hash: p.PasswordHash, SetAt: p.PasswordSetAt}
	_, err := tx.NewInsert().Model(&row).Exec(ctx)
	return err
}

func lastPasswords(ctx context.Context, q bun.IDB, person string) ([]string, error) {
	var hashes []string
	err := q.NewSelect().Model((*oldPassword)(nil)).Column("hash").
		Where("person_id = ?", person).Order("set_at DESC").Limit(remembered).Scan(ctx, &hashes)
	return hashes, err
}

// updatePassword writes a password over the one that was there when the new one
// was hashed.
func updatePassword(ctx context.Context, tx bun.IDB, p Person, was string) error {
	res, err := tx.NewUpdate().Model(&p).Column("password_hash", "password_set_at", "must_change").
		WherePK().Where("password_hash = ?", was).Exec(ctx)
	err = changed(res, err, fault.Refuse(fault.Conflict, "password_changed_meanwhile",
		"密码刚刚已被修改，请用新密码登录", "the password has just been changed; sign in with the new one"))
	if err != nil {
		return err
	}
	return insertOldPassword(ctx, tx, p)
}

// touchSignIn notes a sign-in, unless the account was disabled or its password
// changed while the password was being checked.
func touchSignIn(ctx context.Context, tx bun.IDB, p Person, now time.Time) error {
	p.LastSignIn = now
	res, err := tx.NewUpdate().Model(&p).Column("last_sign_in").
		WherePK().Where("disabled_at IS NULL").Where("password_hash = ?", p.PasswordHash).Exec(ctx)
	return changed(res, err, signInFailed())
}

func insertContactChange(ctx context.Context, tx bun.IDB, c ContactChange) error {
	_, err := tx.NewInsert().Model(&c).Exec(ctx)
	return err
}

func findContactChange(ctx context.Context, q bun.IDB, id string) (ContactChange, error) {
	return find[ContactChange](ctx, q, column{"id", id}, contactChangeUnknown())
}

// ListContactChanges gives what waits for a second person, the oldest first.
func ListContactChanges(ctx context.Context, q bun.IDB) ([]ContactChange, error) {
	var all []ContactChange
	err := q.NewSelect().Model(&all).Where("state = ?", office.Proposed).Order("proposed_at", "id").Scan(ctx)
	return all, err
}

func updateContact(ctx context.Context, tx bun.IDB, c ContactChange) error {
	p := Person{ID: c.Person, Phone: c.Phone, Mail: c.Mail}
	_, err := tx.NewUpdate().Model(&p).Column("phone", "mail").WherePK().Exec(ctx)
	return err
}

func decideContactChange(ctx context.Context, tx bun.IDB, c ContactChange) error {
	res, err := tx.NewUpdate().Model(&c).Column("state", "decided_by", "decided_at").
		WherePK().Where("state = ?", office.Proposed).Exec(ctx)
	return changed(res, err, contactChangeUnknown())
}

// changed gives the refusal for a statement that changed no row (STY-19).
func changed(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}
