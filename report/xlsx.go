package report

import (
	"context"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

const workbookFile = "review.xlsx"

// book is a workbook in the making. Its lists are streamed into the file first, that
// of the authorizations while they are met; the small sheets, which say what the
// lists come to, follow.
type book struct {
	*excelize.File
	draft          *draft
	survey         *survey
	styles         *styles
	archive        *archive
	authorizations *list
	parts          []*part // of the lists, in the order in which they were written
	maxRows        int     // of a sheet; what is more goes on to the next one
}

func beginBook(d *draft) (output, error) { return newBook(d, excelize.TotalRows) }

func newBook(d *draft, maxRows int) (*book, error) {
	out, err := d.Create(workbookFile)
	if err != nil {
		return nil, err
	}
	f := excelize.NewFile(excelize.Options{TmpDir: d.Path})
	b := &book{File: f, draft: d, survey: newSurvey(d), styles: &styles{f: f, made: map[look]int{}}, maxRows: maxRows}
	if b.archive, err = newArchive(out); err != nil {
		return b, err
	}
	if err := f.SetDefaultFont(fontFamily); err != nil { // the widths of columns are counted in its digits
		return b, err
	}
	b.authorizations = b.list(sheetAuthorizations, 4, b.authorizationColumns())
	return b, b.authorizations.begin()
}

func (b *book) meet(r *row) error {
	if err := b.survey.meet(r); err != nil || r.IsServer() {
		return err
	}
	return b.authorizations.add(r)
}

func (b *book) end(ctx context.Context) error {
	if err := errors.Join(b.survey.close(), b.authorizations.end()); err != nil {
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

func (b *book) close() error { return errors.Join(b.archive.out.Close(), b.File.Close()) }

// steps make what is not rows of a list, sheet by sheet in their order.
func (b *book) steps() []func(context.Context) error {
	return []func(context.Context) error{
		b.summary, b.settleAll, b.coverage, b.exceptions, b.controls, b.about, b.properties,
	}
}

// save bypasses excelize's own writer, which holds the whole file in memory.
func (b *book) save() error {
	b.orderTypes()
	b.SetZipWriter(func(io.Writer) excelize.ZipWriter { return b.archive })
	return b.Write(io.Discard)
}

// orderTypes undoes the order of a map, in which excelize adds types for pictures
// beside a chart.
func (b *book) orderTypes() {
	types := b.ContentTypes.Defaults
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
}

func (b *book) findings(ctx context.Context) error {
	return b.list(sheetFindings, 2, bookFindingColumns()).fill(b.draft.findingRows(ctx))
}

// properties take their times from the review, so that the same input is the
// same file.
func (b *book) properties(context.Context) error {
	s := b.draft.in.Summary
	at := s.Finished.UTC().Format(time.RFC3339)
	if err := b.SetAppProps(&excelize.AppProperties{Application: "tokenaudit"}); err != nil {
		return err
	}
	yes := true
	if err := b.SetCalcProps(&excelize.CalcPropsOptions{FullCalcOnLoad: &yes}); err != nil {
		return err
	}
	return b.SetDocProps(&excelize.DocProperties{
		Title: "InfluxDB token review " + oneLine(s.ID), Subject: "Review of InfluxDB API tokens",
		Identifier: oneLine(s.ID), Keywords: "InfluxDB, API tokens, access review", Category: "Access review",
		Description: oneLine(verdict(s)), Version: oneLine(s.Tool.Version),
		Creator: "tokenaudit", LastModifiedBy: "tokenaudit", Created: at, Modified: at,
	})
}

// layout of a sheet, all of which excelize wants before the first row.
type layout struct {
	name       string
	widths     []float64
	frozenCols int
	frozenRows int
	paper      int
	pages      int  // that its width is printed on
	one        bool // all of it on one page
}

const (
	paperA3 = 8
	paperA4 = 9
)

// open begins a sheet of the workbook.
func (b *book) open(l layout) (*sheet, error) {
	if err := b.setPage(l); err != nil {
		return nil, err
	}
	sw, err := b.NewStreamWriter(l.name)
	if err != nil {
		return nil, err
	}
	for i, width := range l.widths {
		if err := sw.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	return &sheet{StreamWriter: sw, styles: b.styles, name: l.name, widths: l.widths}, sw.SetPanes(panes(l))
}

func (b *book) setPage(l layout) error {
	yes, no, landscape, over, tall := true, false, "landscape", "overThenDown", 0
	margin, edge, strip, tab := 0.4, 0.7, 0.3, tabOf(l.name)
	if l.one {
		tall = 1
	}
	return errors.Join(
		b.SetSheetProps(l.name, &excelize.SheetPropsOptions{FitToPage: &yes, TabColorRGB: &tab}),
		b.SetPageLayout(l.name, &excelize.PageLayoutOptions{Size: &l.paper, Orientation: &landscape, FitToWidth: &l.pages, FitToHeight: &tall, PageOrder: &over}),
		b.SetPageMargins(l.name, &excelize.PageLayoutMarginsOptions{Left: &margin, Right: &margin, Top: &edge, Bottom: &edge, Header: &strip, Footer: &strip}),
		b.SetSheetView(l.name, 0, &excelize.ViewOptions{ShowGridLines: &no}),
		b.SetHeaderFooter(l.name, &excelize.HeaderFooterOptions{
			OddHeader: "&L&8 InfluxDB token review&R&8 " + footer(b.draft.in.Summary.ID),
			OddFooter: "&L&8 " + footer(b.draft.in.Summary.Tool.Name) + "&C&8&A&R&8Page &P of &N",
		}),
	)
}

// tabOf: the sheet that asks for work stands out.
func tabOf(name string) string {
	if strings.HasPrefix(name, sheetTodo) {
		return "C05621"
	}
	return slate
}

func panes(l layout) *excelize.Panes {
	if l.frozenRows == 0 {
		return &excelize.Panes{}
	}
	corner, _ := excelize.CoordinatesToCellName(l.frozenCols+1, l.frozenRows+1)
	p := &excelize.Panes{Freeze: true, XSplit: l.frozenCols, YSplit: l.frozenRows, TopLeftCell: corner, ActivePane: "bottomRight"}
	if l.frozenCols == 0 {
		p.ActivePane = "bottomLeft"
	}
	return p
}

// repeatHeader prints the first row and the frozen columns on every page, and
// lets the first row filter the rest.
func (b *book) repeatHeader(s *sheet, columns, frozen int) error {
	last, err := excelize.ColumnNumberToName(columns)
	if err != nil {
		return err
	}
	fixed, err := excelize.ColumnNumberToName(frozen)
	if err != nil {
		return err
	}
	all, in := "A1:"+last+strconv.Itoa(s.rows), "'"+s.name+"'!"
	return errors.Join(
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: s.name, RefersTo: in + "$A:$" + fixed + "," + in + "$1:$1"}),
		b.AutoFilter(s.name, all, nil),
		b.AddIgnoredErrors(s.name, all, excelize.IgnoredErrorsNumberStoredAsText),
	)
}
