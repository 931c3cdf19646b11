//go:build unix

package main

import (
	"os"
	"syscall"
)

// ownerOf is the user that a file belongs to; not ok if it cannot be looked at.
func ownerOf(path string) (uid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
