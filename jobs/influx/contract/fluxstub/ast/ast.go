// Package ast declares the nodes that InfluxDB's task options mention.
package ast

import (
	"time"

	"github.com/influxdata/flux"
)

type Node interface {
	Type() string
	Copy() Node
}

type (
	Expression  interface{ Node }
	Statement   interface{ Node }
	Assignment  interface{ Node }
	PropertyKey interface{ Key() string }
)

// BaseNode is part of every node.
type BaseNode struct{ Loc *SourceLocation }

type SourceLocation struct{ Source string }

func (BaseNode) Type() string { panic(flux.Absent) }
func (BaseNode) Copy() Node   { panic(flux.Absent) }

type (
	Package struct {
		BaseNode
		Files []*File
	}
	File struct {
		BaseNode
		Body []Statement
	}
	OptionStatement struct {
		BaseNode
		Assignment Assignment
	}
	VariableAssignment struct {
		BaseNode
		ID   *Identifier
		Init Expression
	}
	Identifier struct {
		BaseNode
		Name string
	}
	ObjectExpression struct {
		BaseNode
		Properties []*Property
	}
	Property struct {
		BaseNode
		Key   PropertyKey
		Value Expression
	}
	UnaryExpression struct{ BaseNode }
	StringLiteral   struct {
		BaseNode
		Value string
	}
	IntegerLiteral  struct{ BaseNode }
	DurationLiteral struct {
		BaseNode
		Values []Duration
	}
	Duration struct {
		Magnitude int64
		Unit      string
	}
)

func (i *Identifier) Key() string { return i.Name }

func Check(Node) int                          { panic(flux.Absent) }
func GetError(Node) error                     { panic(flux.Absent) }
func StringFromLiteral(*StringLiteral) string { panic(flux.Absent) }
func IntegerFromLiteral(*IntegerLiteral) int64 {
	panic(flux.Absent)
}
func DurationFrom(*DurationLiteral, time.Time) (time.Duration, error) { panic(flux.Absent) }
