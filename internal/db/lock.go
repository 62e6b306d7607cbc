package db

import "lianban/internal/fault"

// fileSystemKind is what matters about the ground a database file stands on:
// locks do not hold on a network, and an overlay goes with its container.
type fileSystemKind struct {
	name             string
	network, layered bool
}

func errInUse(path string) error {
	return fault.Refuse(fault.Unavailable, "database_in_use",
		"另一个进程正在使用这个数据库（锁文件 %s）。请先停止它，一个数据库文件只能由一个进程打开。",
		"Another process is using this database (lock file %s). Stop it first; one process at a time may open a database file.", path)
}
