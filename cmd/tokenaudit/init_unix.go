//go:build !windows

package main

// export is the command of a shell that sets a variable.
func export(name, value string) string { return "export " + name + "=" + value }
