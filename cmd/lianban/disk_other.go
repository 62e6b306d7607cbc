//go:build !unix

package main

// freeBytes is not known where the program serves for demonstrations only.
func freeBytes(string) (free uint64, known bool) { return 0, false }
