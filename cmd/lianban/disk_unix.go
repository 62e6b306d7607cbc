//go:build unix

package main

import "syscall"

// freeBytes gives how much room is left on the disk of a directory.
func freeBytes(dir string) (free uint64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true //nolint:gosec,unconvert // block sizes are positive; types differ by system
}
