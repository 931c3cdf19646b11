// Package table is what every format of a report shares: the input, the rows that
// are made of its records, the columns that show them, the words that sum them up
// and the folder in which files are staged. Records come in, target by target and
// ascending by ID; rows go out to the formats, which show them and never change
// them. It knows no format.
package table

import (
	"iter"

	"tokenaudit/jobs/audit"
)

const (
	FindingsFile       = "findings.csv"
	AuthorizationsFile = "authorizations.csv"
)

// CSVStyle is how the CSV files are written for a spreadsheet that does not read
// plain RFC 4180. The zero value is that.
type CSVStyle struct {
	Delimiter rune // 0 is a comma
	BOM       bool // a byte order mark in front, by which Excel knows UTF-8
}

// Rows gives every record of the run, target by target in the order of the
// configuration, ascending by ID; it may be walked more than once.
type Rows func() iter.Seq2[audit.Record, error]

// Input is what a report is made of.
type Input struct {
	Summary audit.Summary
	Rows    Rows
	// Trend are the runs before this one, oldest first, at most twelve.
	Trend []audit.TrendPoint
	// Controls are the controls that the checks relate to.
	Controls audit.Controls
	// Config is the effective configuration without secrets, as YAML.
	Config string
	CSV    CSVStyle
	// Each is shown every record on the way; it may be nil.
	Each func(*audit.Record)
}
