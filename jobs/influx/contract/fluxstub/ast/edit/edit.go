// Package edit reads and changes options in source.
package edit

import (
	"github.com/influxdata/flux"
	"github.com/influxdata/flux/ast"
)

type OptionFn func(*ast.OptionStatement) (ast.Expression, error)

func GetOption(*ast.File, string) (ast.Expression, error)               { panic(flux.Absent) }
func GetProperty(*ast.ObjectExpression, string) (ast.Expression, error) { panic(flux.Absent) }
func Option(ast.Node, string, OptionFn) (bool, error)                   { panic(flux.Absent) }
