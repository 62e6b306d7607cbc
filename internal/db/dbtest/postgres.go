package dbtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"lianban/internal/db"
)

// pgServer is a PostgreSQL server that holds a migrated template.
type pgServer struct {
	address  *url.URL // of the database that statements about databases run in
	template string
}

// server starts or finds the server, once per test binary.
var server = sync.OnceValues(func() (*pgServer, error) {
	address := os.Getenv("TEST_POSTGRES")
	if address == "auto" {
		var err error
		if address, err = startServer(); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	print, err := db.Fingerprint(true)
	if err != nil {
		return nil, err
	}
	s := &pgServer{address: u, template: "lianban_template_" + print}
	return s, s.prepare(context.Background())
})

// prepare makes the template unless it is there. On a shared server it stays,
// under the fingerprint of its schema; test binaries that start together are
// kept apart by an advisory lock.
func (s *pgServer) prepare(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.address.String())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(7318002)"); err != nil {
		return err
	}
	var there bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", s.template).Scan(&there)
	if err != nil || there {
		return err
	}
	draft := s.template + "_draft" // a half-migrated one must not be mistaken for the template
	if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+draft); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+draft); err != nil {
		return err
	}
	if err := migrate(ctx, s.url(draft)); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+s.template)
	return err
}

func (s *pgServer) url(database string) string {
	u := *s.address
	u.Path = "/" + database
	return u.String()
}

// lend makes a copy of a template and drops it when the test ends.
func (s *pgServer) lend(t testing.TB, template string) (name string) {
	t.Helper()
	name, err := s.create(context.Background(), template)
	if err != nil {
		t.Fatalf("make a PostgreSQL database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.drop(context.Background(), name); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return name
}

func (s *pgServer) create(ctx context.Context, template string) (name string, err error) {
	name = "lianban_test_" + strings.ToLower(rand.Text())
	return name, s.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template)
}

func (s *pgServer) drop(ctx context.Context, name string) error {
	return s.exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
}

func (s *pgServer) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.address.String())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
