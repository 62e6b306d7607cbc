package db

import (
	"context"
	"fmt"
	"os"

	"lianban/internal/fault"
)

// Backup writes a consistent copy of an SQLite database to file, also while
// another process serves it (BAK-1, DEC-10). The copy appears under its name
// only when it is whole and on the disk. Refuses with backup_exists, and with
// backup_not_here on PostgreSQL.
func (d *DB) Backup(ctx context.Context, file string) error {
	if d.Postgres() {
		return fault.Refuse(fault.Invalid, "backup_not_here",
			"PostgreSQL 数据库请用 pg_basebackup 与 WAL 归档备份。",
			"Back up PostgreSQL with pg_basebackup and WAL archiving.")
	}
	if _, err := os.Lstat(file); err == nil {
		return fault.Refuse(fault.Conflict, "backup_exists",
			"文件 %s 已存在，备份不会覆盖它。请换一个文件名。",
			"The file %s exists and a backup never overwrites. Choose another name.", file)
	}
	if err := d.vacuumInto(ctx, file); err != nil {
		return fmt.Errorf("back up to %s: %w", file, refusal(err))
	}
	return nil
}

// vacuumInto copies into file, replacing one that is there. It uses a
// connection of its own: the writer stays free, and readers may not write, not
// even elsewhere.
func (d *DB) vacuumInto(ctx context.Context, file string) error {
	part := file + ".part"
	if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
		return err
	}
	target, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer target.Close()
	pool := liteSettings(mode{durable: d.durable, readOnly: true}, false).pool(d.path, "&mode=ro", 1)
	defer pool.Close()
	if _, err := pool.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		_ = os.Remove(part)
		return err
	}
	if err := target.Sync(); err != nil {
		return err
	}
	return os.Rename(part, file)
}
