package main

import "os"

// peakKiB is not known here: Windows does not keep it with the exit code.
func peakKiB(*os.ProcessState) int64 { return 0 }
