package main

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// diskReserve is what must be left on the disk for the service to take writes
// (DB-5, OBS-2).
const diskReserve = 256 << 20

// roomLeft reports a disk that is nearly full.
func (c config) roomLeft() error {
	free, known := freeBytes(c.Data)
	if known && free < diskReserve {
		return fmt.Errorf("%s left on the disk of %s, wanted %s", humanize.IBytes(free), c.Data, humanize.IBytes(diskReserve))
	}
	return nil
}
