// Package table is what every format of a report shares: the input, the rows that
// are made of its records, the columns that show them, the words that sum them up,
// the bounds of what is shown, and the folder in which files are staged. Records
// come in, target by target and ascending by ID; rows go out to the formats, which
// show them and never change them. It knows no format.
package table

import (
	"iter"
	"slices"

	"tokenaudit/jobs/audit"
)

// The CSV files, which have all rows.
const (
	FindingsFile       = "findings.csv"
	AuthorizationsFile = "authorizations.csv"
)

// Input is what a report is made of.
type Input struct {
	Summary audit.Summary
	// Rows are all records of the run, target by target in the order of the
	// configuration, ascending by ID. They are walked once.
	Rows iter.Seq2[audit.Record, error]
	// Trend are the runs before this one, oldest first, at most twelve.
	Trend []audit.TrendPoint
	// Controls are the controls that the checks relate to.
	Controls audit.Controls
	// Contacts answer for the users of InfluxDB.
	Contacts audit.Contacts
	// Config is the effective configuration without secrets, as YAML.
	Config string
	// Addresses are the URLs of the targets, by name; a database file has none.
	Addresses map[string]string
	CSV       CSVStyle
	// Formats of the report, by name; Write sets them.
	Formats []string
}

// WholeIn is a CSV file, if this report has it, for what another file leaves out.
func (in Input) WholeIn(file string) string {
	if !slices.Contains(in.Formats, "csv") {
		return ""
	}
	return file
}

// CSVStyle is how the CSV files are written for a spreadsheet that does not read
// plain RFC 4180. The zero value is that.
type CSVStyle struct {
	Delimiter rune // 0 is a comma
	BOM       bool // a byte order mark in front, by which Excel knows UTF-8
}
