// Package report writes what a review found: a workbook for people, CSV files
// for other programs and the figures as JSON. All files of one review say the
// same: they are made of the same columns, the same rows and the same summary.
package report

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// format is one way to write a report. To add one, add a file with its output or
// its write function and a line here.
type format struct {
	name  string
	files []string
	begin func(*draft) (output, error)
}

func formats() []format {
	return []format{
		{"xlsx", []string{workbookFile}, beginBook},
		{"csv", []string{findingsFile, authorizationsFile}, beginCSV},
		{"html", []string{pageFile}, after(writeHTML)},
		{"ocsf", []string{ocsfFile}, after(writeOCSF)},
		{"vanta", []string{vantaFile}, after(writeVanta)},
	}
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

// Names of the formats.
func Names() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Write puts summary.json and the files of the formats into dir, which it makes
// if need be. Nothing appears there before all of it is written; until then an
// error leaves the folder as it was. Then the files are renamed into place one by
// one, summary.json last: a folder that was empty before and has it is whole.
// Memory does not grow with the rows.
func Write(ctx context.Context, dir string, names []string, in Input) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	d, err := newDraft(dir, in)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer d.Discard()
	if err := d.write(ctx, chosen); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func choose(names []string) ([]format, error) {
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("report: no format %q, there are %s", name, strings.Join(Names(), ", "))
		}
	}
	return slices.DeleteFunc(formats(), func(f format) bool { return !slices.Contains(names, f.name) }), nil
}
