package table

import "time"

// Value of a cell in a list. The zero value is an empty cell.
type Value struct {
	Type    ValueType
	Text    string // of a formula, what it comes to
	Number  int64  // of a time, its seconds since 1970
	Formula string // in the workbook only, of our own words and cell references only
}

type ValueType uint8

const (
	NoValue ValueType = iota
	TextValue
	NumberValue
	TimeValue
	FormulaValue
)

func Str(s string) Value { return Value{Type: TextValue, Text: s} }

func Num(n int) Value { return Value{Type: NumberValue, Number: int64(n)} }

// When is a time, to the second; the zero time is an empty cell.
func When(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{Type: TimeValue, Number: t.Unix()}
}

func (v Value) At() time.Time { return time.Unix(v.Number, 0).UTC() }

// Unknown stands for a date or number that is not known: over an empty cell the
// long text beside it would run on.
const Unknown = "–"

// Known is the value, or the sign that it is not known.
func (v Value) Known() Value {
	if v.Type == NoValue {
		return Str(Unknown)
	}
	return v
}
