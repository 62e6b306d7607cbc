package db_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"lianban/internal/db"
	"lianban/internal/db/dbtest"
)

// DB-17: both engines have the same tables, columns, nullability, unique
// indexes and views.
func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	big := describe(t, dbtest.Postgres(t), postgresSchema)
	lite := describe(t, dbtest.SQLite(t), liteSchema)
	if len(lite) < 10 {
		t.Fatalf("found only %d lines: %v", len(lite), lite)
	}
	if diff := cmp.Diff(lite, big); diff != "" {
		t.Errorf("SQLite (-) and PostgreSQL (+) differ:\n%s", diff)
	}
}

// describe gives one line per column, unique index and view, sorted.
func describe(t *testing.T, d *db.DB, query string) (lines []string) {
	t.Helper()
	err := d.Read(t.Context(), func(q bun.IDB) error { return q.NewRaw(query).Scan(t.Context(), &lines) })
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// One line reads "column T.C TYPE null|not null", "unique T (C, …) [partial]"
// or "view V". A key counts as not null: SQLite alone lets it be null. JSON is
// text on SQLite.
const liteSchema = `
WITH t AS (SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%')
SELECT 'column ' || t.name || '.' || c.name || ' ' || lower(c.type) || iif(c."notnull" OR c.pk, ' not null', ' null')
	FROM t, pragma_table_info(t.name) c WHERE t.type = 'table'
UNION ALL
SELECT 'unique ' || t.name || ' (' || (SELECT group_concat(name, ', ' ORDER BY seqno) FROM pragma_index_info(i.name)) || ')' ||
	iif(i.partial, ' partial', '')
	FROM t, pragma_index_list(t.name) i WHERE i."unique"
UNION ALL
SELECT 'view ' || name FROM t WHERE type = 'view'`

const postgresSchema = `
SELECT 'column ' || table_name || '.' || column_name || ' ' ||
	CASE data_type WHEN 'timestamp with time zone' THEN 'timestamp' WHEN 'jsonb' THEN 'text' WHEN 'bytea' THEN 'blob' ELSE data_type END ||
	CASE is_nullable WHEN 'NO' THEN ' not null' ELSE ' null' END
	FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
	WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
UNION ALL
SELECT 'unique ' || c.relname || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.n)
	FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum) || ')' ||
	CASE WHEN i.indpred IS NULL THEN '' ELSE ' partial' END
	FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace
	WHERE s.nspname = 'public' AND i.indisunique
UNION ALL
SELECT 'view ' || viewname FROM pg_views WHERE schemaname = 'public'`

// DB-14: NNNN_words, one order for all owners.
func TestStepsAreNumberedOnce(t *testing.T) {
	d := dbtest.SQLite(t)
	var names []string
	err := d.Read(t.Context(), func(q bun.IDB) error {
		return q.NewRaw("SELECT name FROM migrations ORDER BY name").Scan(t.Context(), &names)
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, name := range names {
		number, words, ok := strings.Cut(name, "_")
		if _, err := fmt.Sscanf(number, "%04d", new(int)); err != nil || !ok || words == "" {
			t.Errorf("%s is not NNNN_words", name)
		}
		if seen[number] != "" {
			t.Errorf("%s and %s have the same number", seen[number], name)
		}
		seen[number] = name
	}
}
