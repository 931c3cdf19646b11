// Package report writes what a review found: a workbook for people, CSV files for
// other programs, one page, events for a SIEM, and the figures as JSON. The records
// of the run come in once and are made into rows; every row goes to each format
// that the job has; the files of all of them appear together. It is the only
// package that knows all formats.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/csv"
	"tokenaudit/report/html"
	"tokenaudit/report/ocsf"
	"tokenaudit/report/table"
	"tokenaudit/report/xlsx"
)

const summaryFile = "summary.json"

// What a report is made of, and how its CSV files are written.
type (
	Input    = table.Input
	Rows     = table.Rows
	CSVStyle = table.CSVStyle
)

func writeReport(ctx context.Context, d *table.Draft, chosen []format) error {
	if err := writeAll(ctx, d, chosen); err != nil {
		return err
	}
	if err := d.File(summaryFile, func(w io.Writer) error { return writeSummary(w, d.In.Summary) }); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var files []string
	for _, f := range chosen {
		files = append(files, f.files...)
	}
	return d.Publish(append(files, summaryFile))
}

func writeSummary(w io.Writer, s audit.Summary) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}

// output meets every row once, in order, and then ends its files. What it is given
// is only there until the next row, and others look at it at the same time.
type output interface {
	Add(*table.Row) error
	Finish(context.Context) error
	// close lets go of what is open, ended or not.
	Close() error
}

// afterwards is an output that walks the rows itself, when all have been met.
type afterwards struct {
	*table.Draft
	write func(context.Context, *table.Draft) error
}

// begun is how a format begins, without the nil of another type where it cannot.
func begun[O output](begin func(*table.Draft) (O, error)) func(*table.Draft) (output, error) {
	return func(d *table.Draft) (output, error) {
		out, err := begin(d)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

func after(write func(context.Context, *table.Draft) error) func(*table.Draft) (output, error) {
	return func(d *table.Draft) (output, error) { return afterwards{d, write}, nil }
}

func (a afterwards) Add(*table.Row) error { return nil }

func (a afterwards) Finish(ctx context.Context) error { return a.write(ctx, a.Draft) }

func (a afterwards) Close() error { return nil }

// writeAll takes every row to the findings and to each output in turn, so that the
// records are read once, and then ends the outputs.
func writeAll(ctx context.Context, d *table.Draft, chosen []format) (err error) {
	d.Findings = table.NewFindings(d)
	outputs := make([]output, len(chosen))
	defer func() { err = errors.Join(err, closeAll(outputs)) }()
	for i, f := range chosen {
		if outputs[i], err = f.begin(d); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := addAll(ctx, d, chosen, outputs); err != nil {
		return err
	}
	return endAll(ctx, chosen, outputs)
}

// endAll ends the outputs side by side; those that walk the records do so in turn.
func endAll(ctx context.Context, chosen []format, outputs []output) error {
	var all sync.WaitGroup
	errs := make([]error, len(outputs))
	end := func(i int) {
		errs[i] = ofFormat(chosen[i].name, outputs[i].Finish(ctx))
	}
	for i, out := range outputs {
		if _, walks := out.(afterwards); !walks {
			all.Go(func() { end(i) })
		}
	}
	for i, out := range outputs {
		if _, walks := out.(afterwards); !walks {
			continue
		}
		if end(i); errs[i] != nil {
			break
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

// addAll takes rows a batch at a time, so that the outputs meet them side by side.
func addAll(ctx context.Context, d *table.Draft, chosen []format, outputs []output) (err error) {
	defer func() { err = errors.Join(err, d.Findings.Close()) }()
	errs := make([]error, len(outputs)+1)
	for rows, err := range d.Batches(ctx) {
		if err != nil {
			return err
		}
		var all sync.WaitGroup
		for i, out := range outputs {
			all.Go(func() { errs[i] = ofFormat(chosen[i].name, addEach(out, rows)) })
		}
		all.Go(func() { errs[len(outputs)] = addFindings(d, rows) })
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

func addEach(out output, rows []table.Row) error {
	for i := range rows {
		if err := out.Add(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// addFindings is for what several outputs need.
func addFindings(d *table.Draft, rows []table.Row) error {
	for i := range rows {
		if d.In.Each != nil {
			d.In.Each(&rows[i].Record)
		}
		if err := d.Findings.Add(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func ofFormat(format string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", format, err)
}

func closeAll(outputs []output) (err error) {
	for _, out := range outputs {
		if out != nil {
			err = errors.Join(err, out.Close())
		}
	}
	return err
}

// format is one way to write a report. To add one, add a file with its output or
// its write function and a line here.
type format struct {
	name  string
	files []string
	begin func(*table.Draft) (output, error)
}

func formats() []format {
	return []format{
		{"xlsx", []string{xlsx.File}, begun(xlsx.New)},
		{"csv", []string{table.FindingsFile, table.AuthorizationsFile}, begun(csv.New)},
		{"html", []string{html.File}, after(html.Write)},
		{"ocsf", []string{ocsf.File}, after(ocsf.Write)},
		{"vanta", []string{csv.VantaFile}, after(csv.WriteVanta)},
	}
}

// Names of the formats.
func Names() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// Files are what Write puts into a folder for the formats.
func Files(names []string) []string {
	files := []string{summaryFile}
	for _, f := range formats() {
		if slices.Contains(names, f.name) {
			files = append(files, f.files...)
		}
	}
	return files
}

// Write puts summary.json and the files of the formats into dir, which it makes
// if need be. Nothing appears there before all of it is written; until then an
// error leaves the folder as it was. Then the files are renamed into place one by
// one, summary.json last: a folder that was empty before and has it is whole.
// Memory does not grow with the rows.
func Write(ctx context.Context, dir string, names []string, in table.Input) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	d, err := table.NewDraft(dir, in)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer d.Discard()
	if err := writeReport(ctx, d, chosen); err != nil {
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
