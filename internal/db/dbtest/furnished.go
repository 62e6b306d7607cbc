package dbtest

import (
	"context"
	"os"
	"sync"
	"testing"

	"lianban/internal/db"
)

// Furnished gives each test a database of its own that already holds what Fill
// has written, as copies of one that is filled once per test binary. Most tests
// of a domain begin in the same town, and making a town costs more than many a
// test in it. Make it a variable of the test package.
//
// Two tests see the same rows, the same random ids among them; nothing that one
// of them writes reaches the other.
type Furnished struct {
	// Fill writes into a fresh migrated database. It fails the test when it
	// cannot, and the next test tries again.
	Fill func(t testing.TB, d *db.DB)

	mu   sync.Mutex
	lite []byte // the file, nil until filled
	pg   string // the name of the template, "" until filled
}

// Each is [Each] on furnished databases.
func (f *Furnished) Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	each(t, f.SQLite, f.Postgres, fn)
}

// SQLite is [SQLite] on a furnished database.
func (f *Furnished) SQLite(t testing.TB) *db.DB {
	t.Helper()
	return open(t, liteFile(t, f.image(t)))
}

func (f *Furnished) image(t testing.TB) []byte {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lite == nil {
		empty, err := liteTemplate()
		if err != nil {
			t.Fatalf("make the SQLite template: %v", err)
		}
		path := liteFile(t, empty)
		f.fill(t, path)
		if f.lite, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return f.lite
}

// Postgres is [Postgres] on a furnished database. On a shared server each
// database is filled by itself: nothing says when the last test of a binary has
// ended, so a template would stay there.
func (f *Furnished) Postgres(t testing.TB) *db.DB {
	t.Helper()
	if os.Getenv("TEST_POSTGRES") != "auto" {
		d := Postgres(t)
		f.Fill(t, d)
		return d
	}
	s, err := server()
	if err != nil {
		t.Fatalf("TEST_POSTGRES: %v", err)
	}
	return open(t, s.url(s.lend(t, f.template(t, s))))
}

func (f *Furnished) template(t testing.TB, s *pgServer) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pg == "" {
		name, err := s.create(context.Background(), s.template) // goes with the server
		if err != nil {
			t.Fatalf("make a PostgreSQL template: %v", err)
		}
		f.fill(t, s.url(name))
		f.pg = name
	}
	return f.pg
}

// fill fills a database and closes it: PostgreSQL copies none that is in use,
// and the last SQLite connection empties the WAL.
func (f *Furnished) fill(t testing.TB, url string) {
	t.Helper()
	d := open(t, url)
	f.Fill(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
