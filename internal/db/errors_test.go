package db_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"lianban/internal/db"
	"lianban/internal/fault"
)

// STY-43: driver errors are told apart by their codes, wherever in the chain
// they stand, and nothing else is touched.
func TestDriverErrorsBecomeRefusals(t *testing.T) {
	for code, want := range map[string]string{
		"23505": "already_exists", "23P01": "overlap",
		"40001": "database_busy", "40P01": "database_busy", "55P03": "database_busy",
		"57014": "database_busy", "53300": "database_busy",
		"53100": "database_full",
		"57P01": "database_away", "57P03": "database_away", "25P03": "database_away",
		"08006": "database_away", "58030": "database_away",
	} {
		err := fmt.Errorf("insert: %w", &pgconn.PgError{Code: code})
		if got := db.Refusal(err); !fault.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("%s: got %v, want %s", code, got, want)
		}
	}
	for _, err := range []error{driver.ErrBadConn, sql.ErrConnDone, io.ErrUnexpectedEOF} {
		if got := db.Refusal(err); !fault.Is(got, "database_away") {
			t.Errorf("%v: got %v", err, got)
		}
	}
	refused := fault.Refuse(fault.Invalid, "x", "x", "x").Because(&pgconn.PgError{Code: "23505"})
	for _, err := range []error{
		nil, sql.ErrNoRows, errors.New("x"), refused,
		&pgconn.PgError{Code: "23503"}, &pgconn.PgError{Code: "42601"}, // faults of the program: internal
	} {
		if got := db.Refusal(err); got != err { //nolint:errorlint // the very same
			t.Errorf("%v became %v", err, got)
		}
	}
}
