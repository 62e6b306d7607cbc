//go:build unix

package db

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the advisory lock that keeps a second process away (DB-3). It
// stands beside the database: a lock on the file itself would get in the way
// of SQLite's own. The kernel drops it when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errInUse(path)
		}
		return nil, err
	}
	return file, nil
}
