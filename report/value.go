package report

import "time"

// value of a cell in a list. The zero value is an empty cell.
type value struct {
	is      valueKind
	text    string // of a formula, what it comes to
	number  int64  // of a time, its seconds since 1970
	formula string
}

type valueKind uint8

const (
	noValue valueKind = iota
	aText
	aNumber
	aTime
	aFormula
)

func str(s string) value { return value{is: aText, text: s} }

func num(n int) value { return value{is: aNumber, number: int64(n)} }

// when is a time, to the second; the zero time is an empty cell.
func when(t time.Time) value {
	if t.IsZero() {
		return value{}
	}
	return value{is: aTime, number: t.Unix()}
}

func (v value) at() time.Time { return time.Unix(v.number, 0).UTC() }

// boxed is the value as the page and the tests look at it: a string, an int, a
// time.Time, a formula or nil.
func (v value) boxed() any {
	switch v.is {
	case aText:
		return v.text
	case aNumber:
		return int(v.number)
	case aTime:
		return v.at()
	case aFormula:
		return formula{v.formula, v.text}
	}
	return nil
}
