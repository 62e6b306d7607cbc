package db

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/template"

	"github.com/uptrace/bun"

	"lianban/internal/fault"
)

//go:embed migrations/*.sql
var embedded embed.FS

// words are the few types that differ between the two databases; migrations
// name them as {{.ID}} and so on. {{.Time}} says timestamp on SQLite, where the
// column holds text: by that word the driver knows it has to read an instant.
type words struct{ ID, Time, JSON, Blob, Bool, Int string }

var (
	liteWords     = words{ID: "text", Time: "timestamp", JSON: "text", Blob: "blob", Bool: "boolean", Int: "bigint"}
	postgresWords = words{ID: "text", Time: "timestamptz", JSON: "jsonb", Blob: "bytea", Bool: "boolean", Int: "bigint"}
)

// migration is one step of the schema. Its name is the file's without ".sql"
// and without the engine's suffix.
type migration struct{ name, text string }

// migrations gives all steps for one engine in their order.
func migrations(files fs.FS, postgres bool) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	mine, others, w := "_sqlite", "_postgres", liteWords
	if postgres {
		mine, others, w = others, mine, postgresWords
	}
	var all []migration
	for _, file := range names { // Glob sorts
		name := strings.TrimSuffix(strings.TrimPrefix(file, "migrations/"), ".sql")
		if strings.HasSuffix(name, others) {
			continue
		}
		t, err := template.ParseFS(files, file)
		if err != nil {
			return nil, err
		}
		var text strings.Builder
		if err := t.Execute(&text, w); err != nil {
			return nil, err
		}
		all = append(all, migration{strings.TrimSuffix(name, mine), text.String()})
	}
	return all, nil
}

// Migrate brings the schema up to date and gives the names of the steps it
// applied. Each step is one transaction of its own (DB-15), so a failure leaves
// the steps before it in place and nothing half done. An SQLite file that has
// a schema already is backed up first, beside itself, as
// PATH.before-STEP (DB-16). Refuses with schema_newer.
func (d *DB) Migrate(ctx context.Context) (applied []string, err error) {
	return d.migrate(ctx, embedded)
}

func (d *DB) migrate(ctx context.Context, files fs.FS) (applied []string, err error) {
	all, err := migrations(files, d.Postgres())
	if err != nil {
		return nil, err
	}
	pending, fresh, err := d.pending(ctx, all)
	if err != nil || len(pending) == 0 {
		return nil, err
	}
	if !fresh && !d.Postgres() {
		if err := d.vacuumInto(ctx, d.path+".before-"+pending[0].name); err != nil {
			return nil, fmt.Errorf("back up before migration: %w", err)
		}
	}
	for _, m := range pending {
		var ran bool
		err := d.Write(ctx, func(tx bun.IDB) (err error) {
			ran, err = apply(ctx, tx, m)
			return err
		})
		if err != nil {
			return applied, fmt.Errorf("migration %s: %w", m.name, err)
		}
		if ran {
			applied = append(applied, m.name)
		}
	}
	return applied, nil
}

// Pending gives the names of the steps that Migrate would apply. Refuses with
// schema_newer when the database knows a step that this program does not.
func (d *DB) Pending(ctx context.Context) ([]string, error) {
	all, err := migrations(embedded, d.Postgres())
	if err != nil {
		return nil, err
	}
	pending, _, err := d.pending(ctx, all)
	var names []string
	for _, m := range pending {
		names = append(names, m.name)
	}
	return names, err
}

// pending compares the steps of the program with those of the database; fresh
// means that the database has none.
func (d *DB) pending(ctx context.Context, all []migration) (pending []migration, fresh bool, err error) {
	var done []string
	err = d.Read(ctx, func(q bun.IDB) (err error) {
		done, err = migrated(ctx, q)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("read the schema: %w", err)
	}
	for _, m := range all {
		if i := slices.Index(done, m.name); i >= 0 {
			done = slices.Delete(done, i, i+1)
		} else {
			pending = append(pending, m)
		}
	}
	if len(done) > 0 { // DB-16
		return nil, false, fault.Refuse(fault.Unavailable, "schema_newer",
			"数据库比程序新（程序不认识 %s）。请使用更新的程序，或恢复升级前的备份。",
			"The database is newer than this program (which does not know %s). Use a newer program or restore the backup made before the upgrade.",
			strings.Join(done, ", "))
	}
	return pending, len(pending) == len(all), nil
}

// Fingerprint names the schema this program expects: a hash over the steps for
// one engine. dbtest keys its template by it.
func Fingerprint(postgres bool) (string, error) {
	all, err := migrations(embedded, postgres)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, m := range all {
		fmt.Fprintf(h, "%s\n%s\n", m.name, m.text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
