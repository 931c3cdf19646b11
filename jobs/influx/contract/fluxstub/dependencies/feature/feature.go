// Package feature lists the language's feature flags: none.
package feature

type Flag interface {
	Key() string
	Default() any
}

func Flags() []Flag { return nil }
