//go:build !(linux && amd64)

package main

// killedMain: the kill at every step needs ptrace, and the numbers of the system
// calls.
func killedMain() { panic("only on linux/amd64") }
