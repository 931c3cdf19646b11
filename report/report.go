// Package report writes what a review found: a workbook for people, CSV files for
// other programs, one page, events for a SIEM, and the figures as JSON. The records
// of the run come in once and are made into rows; every row goes to each format
// that the job has; the files of all of them appear together. It is the only
// package that knows all formats.
package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
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

// SummaryFile has the figures; a report that has it is whole.
const SummaryFile = "summary.json"

// What a report is made of, and how its CSV files are written.
type (
	Input    = table.Input
	CSVStyle = table.CSVStyle
)

// format is one way to write a report. To add one, add a package with its output
// and a line here.
type format struct {
	name  string
	files []string
	begin func(*table.Staging, Input) (output, error)
}

func formats() []format {
	return []format{
		{"xlsx", []string{xlsx.File}, begin(xlsx.New)},
		{"csv", []string{table.FindingsFile, table.AuthorizationsFile}, begin(csv.New)},
		{"html", []string{html.File}, begin(html.New)},
		{"ocsf", []string{ocsf.File}, begin(ocsf.New)},
		{"vanta", []string{csv.VantaFile}, begin(csv.NewVanta)},
	}
}

// output is a format in the making.
type output interface {
	// Add takes every row once, in order. A row is only there until Add returns, and
	// other formats look at it at the same time.
	Add(*table.Row) error
	// Finish writes the files down, and says what they show of tables that are bounded.
	// The highlights are those of all rows.
	Finish(context.Context, *audit.Highlights) ([]table.Shown, error)
	// Close lets go of what is open, finished or not.
	Close() error
}

// begin makes no output of the nil of a format that could not begin.
func begin[O output](of func(*table.Staging, Input) (O, error)) func(*table.Staging, Input) (output, error) {
	return func(s *table.Staging, in Input) (output, error) {
		out, err := of(s, in)
		if err != nil {
			return nil, err
		}
		return out, nil
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
	files := []string{SummaryFile, inputsFile, configFile}
	for _, f := range formats() {
		if slices.Contains(names, f.name) {
			files = append(files, f.files...)
		}
	}
	return files
}

// Write puts summary.json, inputs.json and the files of the formats into dir, which it makes
// if need be. Nothing appears there before all of it is written; until then an
// error leaves the folder as it was. Then the files are renamed into place one by
// one, summary.json last: a folder that was empty before and has it is whole. Files
// of the other formats, which an earlier attempt may have left, are taken away. The folder
// of a sealed pack is refused. Memory does not grow with the rows. The highlights of the
// review are returned, as every record was read for the files.
func Write(ctx context.Context, dir string, names []string, in Input) (h audit.Highlights, err error) {
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return h, fmt.Errorf("no format %q, there are %s", name, strings.Join(Names(), ", "))
		}
	}
	if err := checkUnsealed(dir); err != nil {
		return h, err
	}
	chosen := slices.DeleteFunc(formats(), func(f format) bool { return !slices.Contains(names, f.name) })
	in.Formats = names
	staging, err := table.NewStaging(dir)
	if err != nil {
		return h, fmt.Errorf("writing the reports: %w", err)
	}
	defer staging.Discard()
	builder := audit.NewHighlightsBuilder(in.Summary, in.Contacts)
	if err := write(ctx, staging, chosen, in, builder); err != nil {
		return h, fmt.Errorf("writing the reports: %w", err)
	}
	return builder.Highlights(), nil
}

func write(ctx context.Context, staging *table.Staging, chosen []format, in Input, highlights *audit.HighlightsBuilder) error {
	shown, err := writeFormats(ctx, staging, chosen, in, highlights)
	if err != nil {
		return err
	}
	err = staging.File(SummaryFile, func(w io.Writer) error {
		return writeJSON(w, summaryOf{in.Summary, shown})
	})
	if err != nil {
		return err
	}
	if err := staging.File(inputsFile, func(w io.Writer) error { return writeInputs(w, in) }); err != nil {
		return err
	}
	err = staging.File(configFile, func(w io.Writer) error {
		_, err := io.WriteString(w, in.Config)
		return err
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkUnsealed(staging.Dir); err != nil {
		return err
	}
	var files []string
	for _, f := range formats() {
		if slices.Contains(in.Formats, f.name) {
			files = append(files, f.files...)
			continue
		}
		for _, name := range f.files { // an earlier attempt may have had that format
			if err := os.Remove(filepath.Join(staging.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return staging.Publish(append(files, configFile, inputsFile, SummaryFile))
}

// sealFile is there when a folder is an evidence pack.
const sealFile = "manifest.json"

// checkUnsealed refuses the folder of a pack: nothing replaces what was sealed.
func checkUnsealed(dir string) error {
	_, err := os.Lstat(filepath.Join(dir, sealFile))
	if err == nil {
		return fmt.Errorf("%s holds a sealed evidence pack, and nothing replaces one", dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// writeFormats takes every row to each format, so that the records are read once.
func writeFormats(ctx context.Context, staging *table.Staging, chosen []format, in Input, highlights *audit.HighlightsBuilder) (shown []table.Shown, err error) {
	outputs := make([]output, len(chosen))
	defer func() {
		for _, out := range outputs {
			if out != nil {
				err = errors.Join(err, out.Close())
			}
		}
	}()
	err = sideBySide(chosen, func(i int) (err error) {
		outputs[i], err = chosen[i].begin(staging, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	for rows, err := range batches(ctx, in, highlights) {
		if err != nil {
			return nil, err
		}
		err = sideBySide(chosen, func(i int) error {
			for j := range rows {
				if err := outputs[i].Add(&rows[j]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	of, h := make([][]table.Shown, len(chosen)), highlights.Highlights()
	err = sideBySide(chosen, func(i int) (err error) {
		of[i], err = outputs[i].Finish(ctx, &h)
		return err
	})
	return slices.DeleteFunc(slices.Concat(of...), table.Shown.Whole), err
}

// rowsTogether is how many rows the formats take before they wait for each other.
const rowsTogether = 256

// batches are the rows of all records, some at a time. They are only there until the
// next batch.
func batches(ctx context.Context, in Input, highlights *audit.HighlightsBuilder) iter.Seq2[[]table.Row, error] {
	return func(yield func([]table.Row, error) bool) {
		made, n, rows := table.NewRowMaker(in), 0, make([]table.Row, rowsTogether)
		for rec, err := range in.Rows {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			highlights.Add(&rec)
			made.Fill(&rows[n], &rec)
			if n++; n < rowsTogether {
				continue
			}
			if n = 0; !yield(rows, nil) {
				return
			}
		}
		yield(rows[:n], nil)
	}
}

// sideBySide runs a function for every format at the same time. A panic in one is
// its error: it must not end the process, which has other reviews to run.
func sideBySide(chosen []format, do func(i int) error) error {
	errs := make([]error, len(chosen))
	var all sync.WaitGroup
	for i, f := range chosen {
		all.Go(func() {
			if err := audit.Guard(func() error { return do(i) }); err != nil {
				errs[i] = fmt.Errorf("%s: %w", f.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
