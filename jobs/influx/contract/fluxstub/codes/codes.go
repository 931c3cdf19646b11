// Package codes classifies errors.
package codes

type Code int

const Invalid Code = 3
