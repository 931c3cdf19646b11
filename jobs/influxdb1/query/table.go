package query

import (
	"cmp"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tokenaudit/jobs/api"
)

// table reads the answer to one statement, {"results":[{"series":[{"columns":[…],
// "values":[[…],…]}]}]}, and hands on each row as it comes. What is wrong with it beside
// its JSON is kept, for err: an answer is told by all of it.
type table struct {
	columns [2]string // that each row has the values of, in this order
	row     func(cells [2]jsontext.Value)

	results, series, rows int
	named                 []string // columns of the series
	refusal               string   // the error of the statement, in the server's words
	partial               bool     // the server left rows out, and says so
	uneven                bool     // a row has other columns than the series
}

// Rows counts those that were handed on.
func (t *table) Rows() int { return t.rows }

func (t *table) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return members(dec, func(key string) error {
		switch key {
		case "results":
			return elements(dec, func() error { t.results++; return t.result(dec) })
		case "error":
			return t.refuse(dec)
		}
		return dec.SkipValue()
	})
}

func (t *table) result(dec *jsontext.Decoder) error {
	return members(dec, func(key string) error {
		switch key {
		case "series":
			return elements(dec, func() error { t.series++; return t.one(dec) })
		case "error":
			return t.refuse(dec)
		case "partial":
			return t.cut(dec)
		}
		return dec.SkipValue()
	})
}

// one is a series. Its columns come before its values.
func (t *table) one(dec *jsontext.Decoder) error {
	t.named = nil
	return members(dec, func(key string) error {
		switch key {
		case "columns":
			return json.UnmarshalDecode(dec, &t.named)
		case "partial":
			return t.cut(dec)
		case "values":
			return elements(dec, func() error { return t.values(dec) })
		}
		return dec.SkipValue()
	})
}

// refuse keeps the first error, also where a later one is empty.
func (t *table) refuse(dec *jsontext.Decoder) error {
	var refusal string
	err := json.UnmarshalDecode(dec, &refusal)
	t.refusal = cmp.Or(t.refusal, refusal)
	return err
}

func (t *table) cut(dec *jsontext.Decoder) error {
	var partial bool
	err := json.UnmarshalDecode(dec, &partial)
	t.partial = t.partial || partial
	return err
}

func (t *table) values(dec *jsontext.Decoder) error {
	var row []jsontext.Value
	if err := json.UnmarshalDecode(dec, &row); err != nil {
		return err
	}
	if len(row) != len(t.named) {
		t.uneven = true
		return nil
	}
	var cells [2]jsontext.Value
	for i, name := range t.named {
		for j, column := range t.columns {
			if name == column {
				cells[j] = row[i]
			}
		}
	}
	t.rows++
	if t.missing() == "" {
		t.row(cells)
	}
	return nil
}

// missing is the first column that the series has not, or has twice; "" without any.
func (t *table) missing() string {
	for _, column := range t.columns {
		n := 0
		for _, name := range t.named {
			if name == column {
				n++
			}
		}
		if n != 1 {
			return column
		}
	}
	return ""
}

// err is why the answer cannot be used though it is JSON; nil if it can.
func (t *table) err() error {
	switch {
	case t.results != 1 && t.refusal == "":
		return fmt.Errorf("the answer has %d results, and one statement was sent", t.results)
	case t.series != 1 && t.refusal == "":
		return fmt.Errorf("the answer has %d series in place of one", t.series)
	case t.refusal != "":
		return &refusalError{t.refusal}
	case t.missing() != "":
		return fmt.Errorf("the answer has no column %q", t.missing())
	case t.uneven:
		return fmt.Errorf("a row of the answer does not have %d columns", len(t.named))
	case t.partial:
		return &cutError{}
	}
	return nil
}

// refusalError is the error that a server gives in place of the result of a statement, with
// status 200.
type refusalError struct{ message string }

func (e *refusalError) Error() string { return e.message }

// cutError is an answer that the server cut by itself.
type cutError struct{}

func (*cutError) Error() string { return "the server left rows out of its answer (partial)" }

// Remedy is what to do about it.
func (*cutError) Remedy() string {
	return "Set max-row-limit in the section [http] of influxdb.conf to 0, or to more than the number of users."
}

// members hands on the keys of an object; each takes its value from dec.
func members(dec *jsontext.Decoder, member func(key string) error) error {
	if err := api.Begin(dec, '{'); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := member(key.String()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// elements calls each for the elements of an array, which takes them from dec.
func elements(dec *jsontext.Decoder, each func() error) error {
	if err := api.Begin(dec, '['); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}
