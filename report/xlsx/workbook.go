// Package xlsx writes a review as a workbook for people: what is to decide, the
// findings, the population, what has changed, and how much of all that was seen.
// Rows come in and are counted; the worst of them are listed; the small sheets say
// what the lists come to, by formulas that anybody can follow. A sheet that lacks
// rows says so in its first line.
package xlsx

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

const File = "review.xlsx"

// Names of the sheets.
const (
	sheetSummary        = "Summary"
	sheetTodo           = "To do"
	sheetFindings       = "Findings"
	sheetAuthorizations = "Authorizations"
	sheetChanges        = "Changes"
	sheetOwners         = "Owners"
	sheetInventory      = "Inventory"
	sheetCoverage       = "Coverage"
	sheetExceptions     = "Exceptions"
	sheetChecks         = "Checks"
	sheetControls       = "Controls"
	sheetAbout          = "About"
)

// sheetNames are in the order in which the sheets are read.
func sheetNames() []string {
	return []string{
		sheetSummary, sheetTodo, sheetFindings, sheetAuthorizations, sheetChanges, sheetOwners, sheetInventory,
		sheetCoverage, sheetExceptions, sheetChecks, sheetControls, sheetAbout,
	}
}

// listSheets are the long ones, each in a file of its own until the workbook is saved.
func listSheets() []string {
	return []string{sheetTodo, sheetFindings, sheetAuthorizations, sheetChanges, sheetOwners, sheetInventory}
}

// bounds are how many rows each list may have.
type bounds struct{ tasks, findings, changes, authorizations, owners, inventory int }

// Workbook is a workbook in the making. The list of the authorizations is written
// while they are met, unless they are too many; all other sheets follow.
type Workbook struct {
	*excelize.File
	staging *table.Staging
	in      table.Input
	bounds  bounds
	out     *os.File
	styles  *styles
	totals  *totals
	files   []*excelize.File // of the lists

	population *population
	todo       listed
	findings   listed
	changes    listed
	owners     listed
	inventory  listed

	highlights     *audit.Highlights
	shownFindings  table.FindingCounts // on the sheet
	firstOf        map[table.Group]int // line of the first finding of a group
	tokensOfOwners int                 // on the sheet
	writeTokens    tally               // of the inventory
}

func New(s *table.Staging, in table.Input) (*Workbook, error) {
	return newWorkbook(s, in, bounds{
		tasks: table.MostTasks, findings: table.MostFindings, changes: table.MostChanges,
		authorizations: table.MostAuthorizations, owners: table.MostOwners, inventory: table.MostInventory,
	})
}

func newWorkbook(s *table.Staging, in table.Input, most bounds) (*Workbook, error) {
	out, err := s.Create(File)
	if err != nil {
		return nil, err
	}
	f := excelize.NewFile(excelize.Options{TmpDir: s.Path})
	b := &Workbook{File: f, staging: s, in: in, bounds: most, out: out, styles: &styles{f: f, made: map[look]int{}}, totals: newTotals(in, most),
		shownFindings: table.FindingCounts{}, firstOf: map[table.Group]int{}}
	err = b.SetSheetName("Sheet1", sheetSummary)
	for _, name := range sheetNames()[1:] {
		_, another := b.NewSheet(name)
		err = errors.Join(err, another)
	}
	err = errors.Join(err, b.SetDefaultFont(fontFamily)) // the widths of columns are counted in its digits
	if err == nil {
		b.population, err = newPopulation(b)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Workbook) Add(r *table.Row) error {
	b.totals.add(r, b.population.seen)
	if r.IsServer() {
		return nil
	}
	return b.population.add(r)
}

func (b *Workbook) Finish(ctx context.Context, h *audit.Highlights) ([]table.Shown, error) {
	b.highlights = h
	steps := []func(context.Context) error{
		b.population.finish, b.writeTodo, b.writeFindings, b.writeChanges, b.writeOwners, b.writeInventory,
		b.writeSummary, b.writeCoverage, b.writeExceptions, b.writeChecks, b.writeControls, b.writeAbout, b.properties, b.save,
	}
	for _, step := range steps {
		if err := errors.Join(ctx.Err(), step(ctx)); err != nil {
			return nil, err
		}
	}
	return b.shown(), nil
}

// shown are the lists, in the order of their sheets.
func (b *Workbook) shown() []table.Shown {
	return []table.Shown{b.todo.Shown, b.findings.Shown, b.population.Shown, b.changes.Shown, b.owners.Shown, b.inventory.Shown}
}

func (b *Workbook) Close() error {
	err := errors.Join(b.out.Close(), b.File.Close())
	for _, f := range b.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// properties take their times from the review, so that the same input is the
// same file.
func (b *Workbook) properties(context.Context) error {
	s, yes := b.in.Summary, true
	at := s.Finished.UTC().Format(time.RFC3339)
	return errors.Join(
		b.SetAppProps(&excelize.AppProperties{Application: "tokenaudit"}),
		b.SetCalcProps(&excelize.CalcPropsOptions{FullCalcOnLoad: &yes}),
		b.SetDocProps(&excelize.DocProperties{
			Title: "InfluxDB token review " + table.OneLine(s.ID), Subject: "Review of InfluxDB API tokens",
			Identifier: table.OneLine(s.ID), Keywords: "InfluxDB, API tokens, access review", Category: "Access review",
			Description: audit.Line(s.Headline(), 250), Version: table.OneLine(s.Tool.Version),
			Creator: "tokenaudit", LastModifiedBy: "tokenaudit", Created: at, Modified: at,
		}),
	)
}

// saveAs writes a file of the staging folder.
func (b *Workbook) saveAs(f *excelize.File, name string) error {
	return b.staging.File(name, func(w io.Writer) error { return write(f, w) })
}

func write(f *excelize.File, w io.Writer) error {
	// The types for pictures beside a chart come from a map.
	types := f.ContentTypes.Defaults
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
	// Its own writer would hold the whole file in memory.
	f.SetZipWriter(func(io.Writer) excelize.ZipWriter {
		z := zip.NewWriter(w)
		z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
		return z
	})
	return f.Write(io.Discard)
}

// save puts the parts of the workbook into one file. The sheets of the lists come from
// the files of the lists.
func (b *Workbook) save(context.Context) error {
	const small = "Workbook.xlsx"
	if err := b.saveAs(b.File, small); err != nil {
		return err
	}
	files := []string{small}
	for _, sheet := range listSheets() {
		files = append(files, listFile(sheet))
	}
	parts := map[string]*zip.File{}
	for i, file := range files {
		r, err := zip.OpenReader(filepath.Join(b.staging.Path, file))
		if err != nil {
			return err
		}
		defer r.Close()
		for _, part := range r.File {
			switch {
			case i == 0:
				parts[part.Name] = part
			case part.Name == sheetPart(1): // beside the first, which is empty
				parts[sheetPart(slices.Index(sheetNames(), listSheets()[i-1]))] = part
			}
		}
	}
	return errors.Join(table.WriteParts(b.out, parts), b.out.Sync())
}

// sheetPart is how excelize names the sheet with an index.
func sheetPart(i int) string { return fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1) }
