// Package astutil formats source.
package astutil

import (
	"github.com/influxdata/flux"
	"github.com/influxdata/flux/ast"
)

func Format(*ast.File) (string, error) { panic(flux.Absent) }
