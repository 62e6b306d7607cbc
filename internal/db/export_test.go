package db

import (
	"context"
	"database/sql"
	"io/fs"
	"maps"
)

// Pools gives the pools of d with their sizes.
func (d *DB) Pools() map[*sql.DB]int {
	if d.Postgres() {
		return map[*sql.DB]int{d.read.DB: maxConns}
	}
	return map[*sql.DB]int{d.write.DB: 1, d.read.DB: readers}
}

// MigrateFrom is Migrate with other steps.
func (d *DB) MigrateFrom(ctx context.Context, files fs.FS) ([]string, error) {
	return d.migrate(ctx, files)
}

// CheckNetwork asks whether a directory on the file system with this statfs
// number would be refused.
func CheckNetwork(magic uint32) error { return knownFileSystems[magic].check("/data") }

// WrongLite opens an SQLite connection whose settings differ from what is
// wanted in one point.
func WrongLite(ctx context.Context, path, name, value string) error {
	want := liteSettings(mode{durable: true}, false)
	pool := want.pool(path, "", 1)
	defer pool.Close()
	want[name] = value // the DSN is made already
	return pool.PingContext(ctx)
}

// CheckPostgres judges the settings of a PostgreSQL server that is as DB-6
// asks, but for one point.
func CheckPostgres(name, value string) error {
	got := settings{"server_version_num": "150018", "in_recovery": "off"}
	for _, s := range session {
		got[s.name] = s.shown
	}
	maps.Copy(got, durability)
	got[name] = value
	return got.checkPostgres(mode{durable: true})
}

// Refusal is what Write and Read make of an error.
var Refusal = refusal
