package db

import "lianban/internal/fault"

// fileSystemKind is what matters about the ground a database file stands on:
// locks do not hold on a network, and an overlay goes with its container.
type fileSystemKind struct {
	name             string
	network, layered bool
}

func (k fileSystemKind) check(dir string) error {
	if !k.network {
		return nil
	}
	return fault.Refuse(fault.Unavailable, "database_on_network",
		"数据库目录 %s 在网络文件系统（%s）上，锁不可靠。请改用本机磁盘。",
		"The database directory %s is on a network file system (%s), where locks do not hold. Use a local disk.", dir, k.name)
}

func errInUse(path string) error {
	return fault.Refuse(fault.Unavailable, "database_in_use",
		"另一个进程正在使用这个数据库（锁文件 %s）。请先停止它，一个数据库文件只能由一个进程打开。",
		"Another process is using this database (lock file %s). Stop it first; one process at a time may open a database file.", path)
}
