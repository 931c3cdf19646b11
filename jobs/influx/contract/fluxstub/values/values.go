// Package values names the scope of an evaluation.
package values

type Scope interface{}
