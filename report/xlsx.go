package report

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"
)

const workbookFile = "review.xlsx"

// book is a workbook in the making.
type book struct {
	*excelize.File
	draft   *draft
	styles  *styles
	maxRows int // of a sheet; what is more goes on to the next one
	sheets  int
}

func writeXLSX(ctx context.Context, d *draft) error {
	return d.file(workbookFile, func(w io.Writer) error {
		return writeWorkbook(ctx, d, w, excelize.TotalRows)
	})
}

func writeWorkbook(ctx context.Context, d *draft, w io.Writer, maxRows int) (err error) {
	f := excelize.NewFile(excelize.Options{TmpDir: d.staging})
	defer func() { err = errors.Join(err, f.Close()) }()
	b := &book{File: f, draft: d, styles: &styles{f: f, made: map[look]int{}}, maxRows: maxRows}
	for _, step := range []func(context.Context) error{b.summary, b.findings, b.authorizations, b.coverage, b.properties} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return b.save(w)
}

// save bypasses excelize's own writer, which holds the whole file in memory.
func (b *book) save(w io.Writer) error {
	a, err := newArchive(w, b.draft.staging)
	if err != nil {
		return err
	}
	defer a.spool.Close()
	b.SetZipWriter(func(io.Writer) excelize.ZipWriter { return a })
	return b.Write(io.Discard)
}

func (b *book) findings(ctx context.Context) error {
	return b.list("Findings", 2, 27, findingColumns(), b.draft.findingRows(ctx))
}

func (b *book) authorizations(ctx context.Context) error {
	return b.list("Authorizations", 4, 16, authorizationColumns(), b.draft.authorizationRows(ctx))
}

// properties take their times from the review, so that the same input is the
// same file.
func (b *book) properties(context.Context) error {
	s := b.draft.in.Summary
	at := s.Finished.UTC().Format(time.RFC3339)
	if err := b.SetAppProps(&excelize.AppProperties{Application: "tokenaudit"}); err != nil {
		return err
	}
	return b.SetDocProps(&excelize.DocProperties{
		Title: "InfluxDB token review " + oneLine(s.ID), Subject: "Review of InfluxDB API tokens",
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
	pages      int // that its width is printed on
}

const (
	paperA3 = 8
	paperA4 = 9
)

// open begins the next sheet of the workbook.
func (b *book) open(l layout) (*sheet, error) {
	b.sheets++
	if err := b.newSheet(l.name); err != nil {
		return nil, err
	}
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
	return &sheet{StreamWriter: sw, styles: b.styles, name: l.name}, sw.SetPanes(panes(l))
}

func (b *book) newSheet(name string) error {
	if b.sheets == 1 {
		return b.SetSheetName("Sheet1", name)
	}
	_, err := b.NewSheet(name)
	return err
}

func (b *book) setPage(l layout) error {
	yes, no, landscape, over, any := true, false, "landscape", "overThenDown", 0
	margin, edge, tab := 0.4, 0.6, slate
	return errors.Join(
		b.SetSheetProps(l.name, &excelize.SheetPropsOptions{FitToPage: &yes, TabColorRGB: &tab}),
		b.SetPageLayout(l.name, &excelize.PageLayoutOptions{Size: &l.paper, Orientation: &landscape, FitToWidth: &l.pages, FitToHeight: &any, PageOrder: &over}),
		b.SetPageMargins(l.name, &excelize.PageLayoutMarginsOptions{Left: &margin, Right: &margin, Top: &edge, Bottom: &edge}),
		b.SetSheetView(l.name, 0, &excelize.ViewOptions{ShowGridLines: &no}),
		b.SetHeaderFooter(l.name, &excelize.HeaderFooterOptions{OddFooter: "&L&8" + footer(b.draft.in.Summary.ID) + "&C&8&A&R&8Page &P of &N"}),
	)
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
