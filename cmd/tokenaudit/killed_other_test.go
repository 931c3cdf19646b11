//go:build !(linux && amd64)

package main

// The kill at every step needs ptrace, and the numbers of the system calls.
func killedMain()   { panic("only on linux/amd64") }
func steppingMain() { panic("only on linux/amd64") }
