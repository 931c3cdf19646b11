// Package xlsx writes a review as a workbook for people: what is to decide, the
// findings, the population, what has changed, and how much of all that was seen.
// Rows come in, are counted and listed; the small sheets say what the lists come to,
// by formulas that anybody can follow.
package xlsx

import (
	"context"
	"errors"
	"io"
	"sort"
	"time"

	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/report/table"
)

// arrange adds the sheets, those of the lists first, since their files are there,
// and puts them into the order in which they are read.
func (b *Workbook) arrange() error {
	order := []string{sheetSummary}
	for _, name := range []string{sheetTodo, sheetFindings, sheetAuthorizations, sheetChanges, sheetOwners} {
		for _, p := range b.parts {
			if p.list == name {
				order = append(order, p.name)
			}
		}
	}
	order = append(order, sheetCoverage, sheetExceptions, sheetControls, sheetAbout)
	if err := b.addSheets(order); err != nil {
		return err
	}
	for i := len(order) - 2; i >= 0; i-- {
		if err := b.MoveSheet(order[i], order[i+1]); err != nil {
			return err
		}
	}
	b.SetActiveSheet(0)
	return nil
}

func (b *Workbook) addSheets(names []string) error {
	if err := b.SetSheetName("Sheet1", b.parts[0].name); err != nil {
		return err
	}
	for _, p := range b.parts[1:] {
		if _, err := b.NewSheet(p.name); err != nil {
			return err
		}
	}
	for _, name := range names { // those that are there stay
		if _, err := b.NewSheet(name); err != nil {
			return err
		}
	}
	return nil
}

const File = "review.xlsx"

// Workbook is a workbook in the making. Its lists are streamed into the file first, that
// of the authorizations while they are met; the small sheets, which say what the
// lists come to, follow.
type Workbook struct {
	*excelize.File
	draft          *table.Draft
	totals         *totals
	styles         *styles
	archive        *archive
	authorizations *list
	parts          []*part // of the lists, in the order in which they were written
	maxRows        int     // of a sheet; what is more goes on to the next one
}

func New(d *table.Draft) (*Workbook, error) { return newBook(d, excelize.TotalRows) }

func newBook(d *table.Draft, maxRows int) (*Workbook, error) {
	out, err := d.Create(File)
	if err != nil {
		return nil, err
	}
	f := excelize.NewFile(excelize.Options{TmpDir: d.Path})
	b := &Workbook{File: f, draft: d, totals: newTotals(d), styles: &styles{f: f, made: map[look]int{}}, maxRows: maxRows}
	if b.archive, err = newArchive(out); err != nil {
		return nil, errors.Join(err, out.Close(), f.Close())
	}
	err = f.SetDefaultFont(fontFamily) // the widths of columns are counted in its digits
	b.authorizations = b.list(sheetAuthorizations, 4, b.authorizationColumns())
	if err = errors.Join(err, b.authorizations.begin()); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Workbook) Add(r *table.Row) error {
	if err := b.totals.add(r); err != nil || r.IsServer() {
		return err
	}
	return b.authorizations.add(r)
}

func (b *Workbook) Finish(ctx context.Context) error {
	if err := errors.Join(b.totals.close(), b.authorizations.end()); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{b.todo, b.findings, b.changes, b.owners} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := b.arrange(); err != nil {
		return err
	}
	for _, step := range b.steps() {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return errors.Join(b.save(), b.archive.out.Sync())
}

func (b *Workbook) Close() error { return errors.Join(b.archive.out.Close(), b.File.Close()) }

// steps make what is not rows of a list, sheet by sheet in their order.
func (b *Workbook) steps() []func(context.Context) error {
	return []func(context.Context) error{
		b.summary, b.settleAll, b.coverage, b.exceptions, b.controls, b.about, b.properties,
	}
}

// save bypasses excelize's own writer, which holds the whole file in memory.
func (b *Workbook) save() error {
	b.orderTypes()
	b.SetZipWriter(func(io.Writer) excelize.ZipWriter { return b.archive })
	return b.Write(io.Discard)
}

// orderTypes undoes the order of a map, in which excelize adds types for pictures
// beside a chart.
func (b *Workbook) orderTypes() {
	types := b.ContentTypes.Defaults
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
}

func (b *Workbook) findings(ctx context.Context) error {
	return b.list(sheetFindings, 2, bookFindingColumns()).fill(b.draft.FindingRows(ctx))
}

// properties take their times from the review, so that the same input is the
// same file.
func (b *Workbook) properties(context.Context) error {
	s := b.draft.In.Summary
	at := s.Finished.UTC().Format(time.RFC3339)
	if err := b.SetAppProps(&excelize.AppProperties{Application: "tokenaudit"}); err != nil {
		return err
	}
	yes := true
	if err := b.SetCalcProps(&excelize.CalcPropsOptions{FullCalcOnLoad: &yes}); err != nil {
		return err
	}
	return b.SetDocProps(&excelize.DocProperties{
		Title: "InfluxDB token review " + table.OneLine(s.ID), Subject: "Review of InfluxDB API tokens",
		Identifier: table.OneLine(s.ID), Keywords: "InfluxDB, API tokens, access review", Category: "Access review",
		Description: table.OneLine(table.Verdict(s)), Version: table.OneLine(s.Tool.Version),
		Creator: "tokenaudit", LastModifiedBy: "tokenaudit", Created: at, Modified: at,
	})
}
