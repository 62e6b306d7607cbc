package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"golang.org/x/mod/semver"
	"modernc.org/sqlite"

	"lianban/internal/fault"
)

const (
	// readers is the number of connections that only read.
	readers = 8
	// oldestSQLite is the first version without the WAL-reset bug
	// (sqlite.org/wal.html).
	oldestSQLite = "v3.51.3"
)

// openSQLite opens path with one writing connection and eight reading ones, of
// which a scratch database opens seven when they are wanted. The single writer
// removes lock upgrades: with deferred transactions 699 of 960 tries failed at
// once, with this arrangement none of 960.
func openSQLite(ctx context.Context, path string, m mode) (*DB, error) {
	d := &DB{path: path, durable: m.durable}
	if err := d.claim(m); err != nil {
		return nil, err
	}
	if !m.readOnly {
		d.write = liteSettings(m, false).pool(path, "&_txlock=immediate", 1)
		if err := fill(ctx, d.write.DB, 1); err != nil {
			return nil, closing(d, err)
		}
	}
	access := ""
	if m.readOnly {
		access = "&mode=ro"
	}
	d.read = liteSettings(m, true).pool(path, access, readers)
	opened := readers
	if !m.durable { // each parses the whole schema, a fifth of what the tests of delivery cost
		opened = 1
	}
	if err := fill(ctx, d.read.DB, opened); err != nil {
		return nil, closing(d, err)
	}
	return d, nil
}

// claim makes sure that path may be opened: it exists or is made readable by
// its owner only, it is not on a network, and no other process serves it
// (DB-3).
func (d *DB) claim(m mode) error {
	if m.readOnly {
		_, err := os.Stat(d.path)
		return err
	}
	dir := filepath.Dir(d.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	kind := fileSystem(dir)
	if err := kind.check(dir); err != nil {
		return err
	}
	if kind.layered && m.durable {
		slog.Warn("the database lies on an overlay file system and goes with the container; use a volume", "directory", dir)
	}
	lock, err := lockFile(d.path + ".lock")
	if err != nil {
		return err
	}
	d.lock = lock
	file, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o600) // SQLite itself would make it 0644
	if err != nil {
		return closing(d, err)
	}
	return file.Close()
}

// settings maps the name of a setting to the value that must be in force.
type settings map[string]string

func liteSettings(m mode, queryOnly bool) settings {
	s := settings{
		"busy_timeout": "5000", "journal_mode": "wal", "synchronous": "2",
		"foreign_keys": "1", "mmap_size": "0", "query_only": "0",
	}
	if queryOnly {
		s["query_only"] = "1"
	}
	if !m.durable {
		s["synchronous"] = "0"
	}
	if m.readOnly { // it stands in the file, and a backup has none until it is opened to serve
		delete(s, "journal_mode")
	}
	return s
}

// order is the order in which the pragmas are set: the busy timeout first, or
// the change of the journal mode could fail on a busy file; query_only last,
// since nothing can be changed after it. synchronous and foreign_keys are per
// connection, which is why they stand in the DSN and not in an Exec (DB-1).
var order = []string{"busy_timeout", "journal_mode", "synchronous", "foreign_keys", "mmap_size", "query_only"}

func (s settings) pool(path, extra string, size int) *bun.DB {
	var dsn strings.Builder
	dsn.WriteString("file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?")
	for _, name := range order {
		if value, ok := s[name]; ok {
			fmt.Fprintf(&dsn, "_pragma=%s(%s)&", name, value)
		}
	}
	// Without these two the driver stores times as Go prints them (STK-34).
	dsn.WriteString("_timezone=UTC&_time_format=sqlite" + extra)
	pool := sql.OpenDB(&connector{dsn.String(), s})
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return bun.NewDB(pool, sqlitedialect.New())
}

// connector opens a connection and reads its settings back (DB-1), so that
// those opened later are checked as well.
type connector struct {
	dsn  string
	want settings
}

func (c *connector) Driver() driver.Driver { return &sqlite.Driver{} }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	if err := c.check(ctx, conn.(driver.QueryerContext)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (c *connector) check(ctx context.Context, conn driver.QueryerContext) error {
	for name, want := range c.want {
		got, err := single(ctx, conn, "PRAGMA "+name)
		if err != nil {
			return fmt.Errorf("read %s back: %w", name, err)
		}
		if got != want {
			return wrongSetting("SQLite", name, got, want)
		}
	}
	version, err := single(ctx, conn, "SELECT sqlite_version()")
	if err != nil {
		return err
	}
	if semver.Compare("v"+version, oldestSQLite) < 0 {
		return wrongSetting("SQLite", "version", version, "≥ "+oldestSQLite)
	}
	return nil
}

// single runs a query of one row and one column on a bare connection.
func single(ctx context.Context, conn driver.QueryerContext, query string) (string, error) {
	rows, err := conn.QueryContext(ctx, query, nil)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return fmt.Sprint(value[0]), nil
}

func wrongSetting(engine, name, got, want string) error {
	return fault.Refuse(fault.Unavailable, "database_settings",
		"%s 的设置 %s 是 %s，应为 %s；为了不丢数据，程序不启动。请改正后重试。",
		"%s has %s = %s, wanted %s; refusing to start rather than lose data. Correct it and try again.", engine, name, got, want)
}

// fill opens n connections of a pool at once, so that a wrong setting refuses
// the start and not a request.
func fill(ctx context.Context, pool *sql.DB, n int) error {
	for range n {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
	}
	return nil
}

func closing(d *DB, err error) error {
	_ = d.Close()
	return err
}
