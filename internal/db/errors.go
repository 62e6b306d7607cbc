package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lianban/internal/fault"
)

var (
	errPatience = errors.New("waited too long for a connection")
	errBroken   = errors.New("an earlier commit failed with an unknown outcome; the program must restart")
)

// unknownCommit is a COMMIT of which nobody knows whether it took effect.
type unknownCommit struct{ cause error }

func (e *unknownCommit) Error() string { return "commit, outcome unknown: " + e.cause.Error() }
func (e *unknownCommit) Unwrap() error { return e.cause }

// class is what a driver error means to a caller.
type class int

const (
	other    class = iota
	exists         // a unique index refused
	overlaps       // an exclusion constraint, or the trigger that stands in for it, refused
	passes         // the transaction may simply be run again (DB-10)
	busy           // a time limit of the database was reached
	away           // no connection, or no disk behind it
	full           // the disk is full (DB-5)
)

// refusal turns err into a refusal of package fault when a driver error or a
// lost connection is at its root (STY-43). Refusals, sql.ErrNoRows, a
// cancelled context and everything unknown come back as they are. The texts
// carry no value of any row.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := fault.From(err); ok {
		return err
	}
	var unknown *unknownCommit
	if errors.As(err, &unknown) {
		return fault.Refuse(fault.Unavailable, "commit_unknown",
			"数据库没有确认是否已保存。请稍后用同一个请求编号重试，或刷新后核对。",
			"The database did not say whether this was saved. Retry later with the same Idempotency-Key, or reload and check.").Because(err)
	}
	switch classify(err) {
	case exists:
		return fault.Refuse(fault.Conflict, "already_exists",
			"同样的记录已经存在。请刷新后核对。",
			"There already is such a record. Reload and check.").Because(err)
	case overlaps:
		return fault.Refuse(fault.Conflict, "overlap",
			"该时段与已有占用重叠。请刷新后另选时间。",
			"This time overlaps another one. Reload and choose another time.").Because(err)
	case passes, busy:
		return fault.Refuse(fault.Unavailable, "database_busy",
			"系统繁忙，未做任何改动。请稍后重试。",
			"The database is busy; nothing was changed. Try again shortly.").Because(err)
	case full:
		return fault.Refuse(fault.Unavailable, "database_full",
			"服务器磁盘已满，未做任何改动。请联系管理员清理空间。",
			"The server's disk is full; nothing was changed. Ask the administrator to free space.").Because(err)
	case away:
		return fault.Refuse(fault.Unavailable, "database_away",
			"暂时无法访问数据库。请稍后重试；持续出现请联系管理员。",
			"The database cannot be reached. Try again later; if it lasts, tell the administrator.").Because(err)
	default:
		return err
	}
}

// passing reports whether the transaction that failed with err was refused
// for a reason that passes by itself.
func passing(err error) bool { return err != nil && classify(err) == passes }

// cleanAtCommit reports whether a COMMIT that failed with err surely had no
// effect: the database itself refused it, or it was never sent.
func cleanAtCommit(err error) bool {
	switch classify(err) {
	case exists, overlaps, passes, busy, full:
		return true
	default:
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) { // the server answered and lives: rolled back
		return classifyPostgres(pg) != away
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) { // a deferred foreign key, and nothing else
		return lite.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
	}
	return false
}

func classify(err error) class {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return classifySQLite(lite)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classifyPostgres(pg)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	switch {
	case errors.Is(err, context.Canceled):
		return other // the client hung up (STY-45)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errPatience):
		return busy
	case errors.Is(err, errBroken), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.As(err, &network), errors.As(err, &connect):
		return away
	}
	return other
}

func classifySQLite(err *sqlite.Error) class {
	switch err.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return exists
	case sqlite3.SQLITE_CONSTRAINT_TRIGGER: // RAISE(ABORT), the twin of an exclusion constraint (DB-7)
		return overlaps
	}
	switch err.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return passes
	case sqlite3.SQLITE_FULL:
		return full
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return away
	}
	return other
}

func classifyPostgres(err *pgconn.PgError) class {
	switch err.Code {
	case "23505": // unique_violation
		return exists
	case "23P01": // exclusion_violation
		return overlaps
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return passes
	case "57014", "53300": // statement_timeout, too_many_connections
		return busy
	case "53100": // disk_full
		return full
	case "25P03", "57P01", "57P02", "57P03", "57P05": // the session was ended, the server stops or starts
		return away
	}
	if strings.HasPrefix(err.Code, "08") || strings.HasPrefix(err.Code, "58") { // connection, system error
		return away
	}
	return other
}
