//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakKiB is the most memory that the process held at once.
func peakKiB(p *os.ProcessState) int64 {
	peak := int64(p.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "darwin" { // bytes there, KiB elsewhere
		return peak >> 10
	}
	return peak
}
