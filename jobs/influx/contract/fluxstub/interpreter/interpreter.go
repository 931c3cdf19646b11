// Package interpreter names what an evaluation leaves behind.
package interpreter

type SideEffect struct{}
