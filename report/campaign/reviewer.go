package campaign

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/table"
)

// Names of the sheets.
const (
	sheetReview = "Review"
	sheetHowTo  = "How to"
)

// WriteCSV writes the file that a reviewer fills in as CSV, as RFC 4180 has it, with the
// mark by which Excel knows UTF-8. lines are those of campaign.Lines; decided are the
// decisions to show, by the ID of the line.
func WriteCSV(w io.Writer, c campaign.Campaign, reviewer string, lines []campaign.Line, decided map[string]campaign.Decision) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	all := columns()
	cells := make([]string, len(all))
	for i := range all {
		cells[i] = all[i].name
	}
	_ = out.Write(cells) // Flush says what failed
	for _, l := range lines {
		row := rowOf(c, reviewer, l, decided[l.ID])
		for i := range all {
			cells[i] = all[i].write(&row)
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

// WriteWorkbook writes the file that a reviewer fills in, as WriteCSV does. The same input
// is the same file.
func WriteWorkbook(w io.Writer, c campaign.Campaign, reviewer string, lines []campaign.Line, decided map[string]campaign.Decision) error {
	f := excelize.NewFile()
	b := book{File: f, looks: map[look]int{}}
	err := errors.Join(
		f.SetSheetName("Sheet1", sheetReview),
		f.SetDefaultFont(table.FontFamily), // the widths of columns are counted in its digits
		b.writeReview(c, reviewer, lines, decided),
		b.writeHowTo(c, reviewer, len(lines)),
		b.properties(c, "Access review "+c.ID()+", "+reviewer),
	)
	if err == nil {
		err = b.save(w)
	}
	return errors.Join(err, f.Close())
}

// book is a workbook in the making.
type book struct {
	*excelize.File
	looks map[look]int // styles, each made once
}

func (b *book) writeReview(c campaign.Campaign, reviewer string, lines []campaign.Line, decided map[string]campaign.Decision) error {
	all := columns()
	visible := 0
	var widths []float64
	for _, c := range all {
		widths = append(widths, c.width)
		if !c.hidden {
			visible++
		}
	}
	s, err := b.open(sheetReview, 0, widths, &excelize.Panes{Freeze: true, XSplit: 3, YSplit: 1, TopLeftCell: "D2", ActivePane: "bottomRight"})
	if err != nil {
		return err
	}
	if err := s.SetColVisible(visible+1, len(all), false); err != nil {
		return err
	}
	cells := make([]any, len(all))
	for i, c := range all {
		if cells[i], err = b.cell(c.name, look{role: header, wrap: true, number: c.number, yours: c.yours}); err != nil {
			return err
		}
	}
	if err := s.SetRow("A1", cells, excelize.RowOpts{Height: 32}); err != nil {
		return err
	}
	for n, l := range lines {
		row, height := rowOf(c, reviewer, l, decided[l.ID]), 1
		for i, c := range all {
			text := c.write(&row)
			made := look{role: entry, number: c.number, yours: c.yours, wrap: !c.hidden}
			if c.name == campaign.FactSeverity {
				made.severity = audit.Severity(text)
			}
			if cells[i], err = b.cell(text, made); err != nil {
				return err
			}
			if !c.hidden {
				height = max(height, table.LinesIn(text, c.width, mostLines))
			}
		}
		if err := s.SetRow("A"+strconv.Itoa(n+2), cells, excelize.RowOpts{Height: 5 + 13*float64(height)}); err != nil {
			return err
		}
	}
	return errors.Join(b.frame(c, reviewer, all, len(lines)+1), s.Flush())
}

// mostLines is how high a row may be; the cell shows all of its text when it is opened.
const mostLines = 24

// lastPrinted is the last column that goes on paper: with all of them nobody could read it.
const lastPrinted = campaign.FactWeeksOpen

// frame adds what is around the cells: lists, filter and what is printed.
func (b *book) frame(c campaign.Campaign, reviewer string, all []column, last int) error {
	end, _ := excelize.ColumnNumberToName(len(all))
	printed, _ := excelize.ColumnNumberToName(1 + slices.IndexFunc(all, func(c column) bool { return c.name == lastPrinted }))
	in := "'" + sheetReview + "'!"
	err := errors.Join(
		b.AutoFilter(sheetReview, fmt.Sprintf("A1:%s%d", end, last), nil),
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: sheetReview, RefersTo: in + "$1:$1"}),
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", Scope: sheetReview, RefersTo: fmt.Sprintf("%s$A$1:$%s$%d", in, printed, last)}),
		b.AddIgnoredErrors(sheetReview, fmt.Sprintf("A1:%s%d", end, last), excelize.IgnoredErrorsNumberStoredAsText),
		b.SetHeaderFooter(sheetReview, &excelize.HeaderFooterOptions{
			OddHeader: "&L&8 Access review " + footer(c.ID()) + "&R&8 due " + c.Due.UTC().Format("2 January 2006"),
			OddFooter: "&L&8 " + footer(reviewer) + "&R&8Page &P of &N",
		}),
	)
	for i, c := range all {
		if !c.yours {
			continue
		}
		letter, _ := excelize.ColumnNumberToName(i + 1)
		v := excelize.NewDataValidation(true)
		v.SetSqref(fmt.Sprintf("%s2:%s%d", letter, letter, max(last, 2)))
		if c.prompt != "" { // any text may stand there
			v.SetInput(c.name, c.prompt)
			err = errors.Join(err, v.SetRange(0, longestText, excelize.DataValidationTypeTextLength, excelize.DataValidationOperatorBetween))
		} else {
			v.SetError(excelize.DataValidationErrorStyleStop, c.name, "Choose "+strings.Join(campaign.Kinds(), ", ")+", or leave it empty.")
			err = errors.Join(err, v.SetDropList(campaign.Kinds()))
		}
		err = errors.Join(err, b.AddDataValidation(sheetReview, v))
	}
	return err
}

// footer is text for the foot of a page, where an ampersand begins a code.
func footer(s string) string { return strings.ReplaceAll(audit.Line(s, 80), "&", "&&") }

// open begins a sheet, printed on A4 across and as wide as the page, on so many pages; on
// any number for 0.
func (b *book) open(name string, pages int, widths []float64, panes *excelize.Panes) (*excelize.StreamWriter, error) {
	yes, no, landscape, paper, wide := true, false, "landscape", 9, 1
	margin, edge, strip, tab := 0.4, 0.7, 0.3, table.Slate
	err := errors.Join(
		b.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &yes, TabColorRGB: &tab}),
		b.SetPageLayout(name, &excelize.PageLayoutOptions{Size: &paper, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &pages}),
		b.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{Left: &margin, Right: &margin, Top: &edge, Bottom: &edge, Header: &strip, Footer: &strip}),
		b.SetSheetView(name, 0, &excelize.ViewOptions{ShowGridLines: &no}),
	)
	if err != nil {
		return nil, err
	}
	s, err := b.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	for i, width := range widths {
		if err := s.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	if panes == nil {
		return s, nil
	}
	return s, s.SetPanes(panes)
}

// cell is a text, or a number where it should be one and is.
func (b *book) cell(text string, l look) (excelize.Cell, error) {
	style, err := b.style(l)
	made := excelize.Cell{StyleID: style}
	switch n, errNumber := strconv.Atoi(text); {
	case text == "":
	case l.number && errNumber == nil:
		made.Value = n
	default:
		made.Value = text
	}
	return made, err
}

// properties take their times from the campaign.
func (b *book) properties(c campaign.Campaign, title string) error {
	at := c.Opened.UTC().Format(time.RFC3339)
	return errors.Join(
		b.SetAppProps(&excelize.AppProperties{Application: "tokenaudit"}),
		b.SetDocProps(&excelize.DocProperties{
			Title: audit.Line(title, 200), Subject: "Review of InfluxDB API tokens", Identifier: c.ID(), Category: "Access review",
			Version: audit.Line(c.Tool.Version, 40), Creator: "tokenaudit", LastModifiedBy: "tokenaudit", Created: at, Modified: at,
		}),
	)
}

// save writes the workbook.
func (b *book) save(w io.Writer) error {
	// The types come from a map.
	types := b.ContentTypes.Defaults
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
	var whole bytes.Buffer
	if err := b.Write(&whole); err != nil {
		return err
	}
	r, err := zip.NewReader(bytes.NewReader(whole.Bytes()), int64(whole.Len()))
	if err != nil {
		return err
	}
	parts := map[string]*zip.File{}
	for _, part := range r.File {
		parts[part.Name] = part
	}
	return table.WriteParts(w, parts)
}
