package db

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const (
	maxConns       = 20 // per instance
	oldestPostgres = 150000
)

// session is what every PostgreSQL session runs with (DB-6), as sent at its
// start and as pg_settings gives it back.
var session = []struct{ name, value, shown string }{
	{"timezone", "UTC", "UTC"},
	{"statement_timeout", "15s", "15000"},
	{"lock_timeout", "5s", "5000"},
	{"idle_in_transaction_session_timeout", "30s", "30000"},
	{"default_transaction_isolation", "read committed", "read committed"},
}

// durability is what the server must be run with, or a committed Deemed could
// be lost at a power cut (DB-6).
var durability = settings{
	"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_sync_retry": "off",
}

// openPostgres opens one pool for all. bun makes each SQL text unique, hence
// exec mode: a statement cache would only be filled, never used (STK-35).
func openPostgres(ctx context.Context, url string, m mode) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.RuntimeParams["application_name"] = "lianban"
	for _, s := range session {
		config.RuntimeParams[s.name] = s.value
	}
	if m.readOnly {
		config.RuntimeParams["default_transaction_read_only"] = "on"
	}
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		readTimesInUTC(conn)
		return checkPostgres(ctx, conn, m)
	}))
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(30 * time.Minute)
	d := &DB{read: bun.NewDB(pool, pgdialect.New()), durable: m.durable}
	if !m.readOnly {
		d.write = d.read
	}
	if err := fill(ctx, pool, 1); err != nil {
		return nil, closing(d, err)
	}
	return d, nil
}

// readTimesInUTC makes the driver hand out instants in UTC and not in the zone
// of the machine, as the SQLite driver does by its DSN (STK-22).
func readTimesInUTC(conn *pgx.Conn) {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
}

func checkPostgres(ctx context.Context, conn *pgx.Conn, m mode) error {
	got, err := postgresSettings(ctx, conn)
	if err != nil {
		return fmt.Errorf("read settings back: %w", err)
	}
	return got.checkPostgres(m)
}

// checkPostgres compares what a server says of itself with what DB-6 asks for.
func (got settings) checkPostgres(m mode) error {
	if n, err := strconv.Atoi(got["server_version_num"]); err != nil || n < oldestPostgres {
		return wrongSetting("PostgreSQL", "server_version_num", got["server_version_num"], "≥ 150000")
	}
	for _, s := range session {
		if got[s.name] != s.shown {
			return wrongSetting("PostgreSQL", s.name, got[s.name], s.shown)
		}
	}
	if !m.readOnly && got["in_recovery"] != "off" { // all decisions are made on the primary
		return wrongSetting("PostgreSQL", "in_recovery", got["in_recovery"], "off")
	}
	if !m.durable {
		return nil
	}
	for name, want := range durability {
		if got[name] != want {
			return wrongSetting("PostgreSQL", name, got[name], want)
		}
	}
	return nil
}

func postgresSettings(ctx context.Context, conn *pgx.Conn) (settings, error) {
	rows, err := conn.Query(ctx, `SELECT lower(name), setting FROM pg_settings
		UNION ALL SELECT 'in_recovery', CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END`)
	if err != nil {
		return nil, err
	}
	got := settings{}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		got[name] = value
		return nil
	})
	return got, err
}
