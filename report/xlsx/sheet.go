package xlsx

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/report/table"
)

// page is a sheet that is written section by section; the first error stays.
type page struct {
	*sheet
	columns int
	err     error
}

func (p *page) line(height float64, cells ...cell) {
	if p.err == nil {
		p.err = p.add(height, cells...)
	}
}

// end ends the sheet, or gives the error.
func (p *page) end() error {
	if p.err != nil {
		return p.err
	}
	return p.Flush()
}

// flow is a line as high as its texts need; none of them is cut.
func (p *page) flow(cells ...cell) {
	p.line(p.fit(25, cells), cells...)
}

// wide is one text over all columns.
func (p *page) wide(height float64, text string, l look) {
	p.line(height, cell{value: text, look: l, over: p.columns})
}

func (p *page) section(title string) {
	p.line(12)
	p.wide(22, title, look{role: section})
}

// header fills the line: what the cells leave free is blank.
func (p *page) header(cells ...cell) {
	free := p.columns
	for _, c := range cells {
		free -= max(c.over, 1)
	}
	if free > 0 {
		cells = append(cells, cell{look: look{role: header}, over: free})
	}
	p.line(18, cells...)
}

func left(name string) cell { return cell{value: name, look: look{role: header}} }

// right heads a column of numbers.
func right(name string) cell { return cell{value: name, look: look{role: header, kind: table.Integer}} }

// across lets a cell take n columns.
func across(n int, c cell) cell {
	c.over = n
	return c
}

// fact is a label and a text.
func (p *page) fact(name, text string) {
	p.flow(labelled(name), wrapped(text, p.columns-1))
}

func labelled(name string) cell { return cell{value: name, look: look{role: label}} }

func words(s string) cell { return cell{value: s} }

func wrapped(s string, over int) cell { return cell{value: s, look: look{wrap: true}, over: over} }

// number is a number, or the formula that counts it.
func number(v any) cell { return cell{value: v, look: look{kind: table.Integer}} }

// day is that of a moment in UTC.
func day(t time.Time) cell {
	if t.IsZero() {
		return words(table.Unknown)
	}
	return cell{value: dayOf(t), look: look{kind: table.Day}}
}

func coloured(word string) cell { return cell{value: word, look: look{word: word}} }

// at names the first cell of the line that comes next.
func (p *page) at() string { return "A" + strconv.Itoa(p.rows+1) }

type cell struct {
	value any // a string, a number, a time, a formula, or nil
	look  look
	limit int // of characters; 0 is what Excel allows
	over  int // columns that it takes, if more than one
}

// sheet takes its rows one after the other, from the top.
type sheet struct {
	*excelize.StreamWriter
	styles *styles
	name   string
	widths []float64
	rows   int
	row    []any // used again for every row
}

// add writes one row. Every row has a height: otherwise a description of many
// lines would be given as many by the reading program.
func (s *sheet) add(height float64, cells ...cell) error {
	s.rows++
	s.row = s.row[:0]
	column := 1
	for _, c := range cells {
		if err := s.put(c, column); err != nil {
			return err
		}
		column += max(c.over, 1)
	}
	return s.SetRow("A"+strconv.Itoa(s.rows), s.row, excelize.RowOpts{Height: height})
}

func (s *sheet) put(c cell, column int) error {
	id, err := s.styles.id(c.look)
	if err != nil {
		return err
	}
	made := excelize.Cell{StyleID: id, Value: content(c.value, c.limit)}
	if f, ok := c.value.(formula); ok {
		made.Formula = f.text
	}
	s.row = append(s.row, made)
	if c.over < 2 {
		return nil
	}
	for range c.over - 1 {
		s.row = append(s.row, excelize.Cell{StyleID: id})
	}
	from, _ := excelize.CoordinatesToCellName(column, s.rows)
	to, err := excelize.CoordinatesToCellName(column+c.over-1, s.rows)
	if err != nil {
		return err
	}
	return s.MergeCell(from, to)
}

// fit is the height that the texts of a row need, at most as many lines: programs
// do not size merged cells, and not all of them size others.
func (s *sheet) fit(most int, cells []cell) float64 {
	const lineHeight = 13
	lines, column := 1, 0
	for _, c := range cells {
		over := max(c.over, 1)
		if text, ok := c.value.(string); ok && c.look.wrap {
			lines = max(lines, table.LinesIn(text, sum(s.widths[column:column+over]), most))
		}
		column += over
	}
	return 3 + lineHeight*float64(lines)
}

func sum(vs []float64) float64 {
	total := 0.0
	for _, v := range vs {
		total += v
	}
	return total
}

// footer is text for the foot of a page, where an ampersand begins a code.
func footer(s string) string { return strings.ReplaceAll(table.OneLine(s), "&", "&&") }

// paper is what stands at the head and the foot of every printed page.
type paper struct{ title, day, name string }

func (b *Workbook) paper() paper {
	s := b.in.Summary
	return paper{"InfluxDB token review " + s.Job, s.Slot.UTC().Format("2 January 2006"), s.ID}
}

// print puts it on a sheet; part says what of the sheet is printed, where it is not all.
func (p paper) print(f *excelize.File, sheet, part string) error {
	return f.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{
		OddHeader: "&L&8 " + footer(p.title) + "&R&8 " + p.day,
		OddFooter: "&L&8 " + footer(p.name) + "&C&8&A" + footer(part) + "&R&8Page &P of &N",
	})
}

// layout of a sheet, all of which excelize wants before the first row.
type layout struct {
	name        string
	widths      []float64
	frozenCols  int
	frozenRows  int
	one         bool   // printed on one page
	printed     int    // columns of a list that are printed, from the first
	printedRows int    // at most, of a list
	lines       int    // of text that a row of a list may have; more is cut by the cell
	order       string // of the rows of a list that lacks some, where it is not the worst first
	note        string // of a list, above its header
}

// open begins a sheet of a file; the styles are those of the workbook.
func (b *Workbook) open(f *excelize.File, l layout) (*sheet, error) {
	return b.styles.open(f, b.paper(), l)
}

// open begins a sheet of a file. It is printed on A4 across, as wide as the page.
func (s *styles) open(f *excelize.File, p paper, l layout) (*sheet, error) {
	yes, no, landscape, paper, wide, tall := true, false, "landscape", 9, 1, 0
	margin, edge, strip, tab, zoom := 0.4, 0.7, 0.3, slate, 100.0
	if l.one {
		tall, zoom = 1, 85 // as wide as the screen of a laptop
	}
	if l.name == sheetTodo { // the sheet that asks for work stands out
		tab = "C05621"
	}
	err := errors.Join(
		f.SetSheetProps(l.name, &excelize.SheetPropsOptions{FitToPage: &yes, TabColorRGB: &tab}),
		f.SetPageLayout(l.name, &excelize.PageLayoutOptions{Size: &paper, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &tall}),
		f.SetPageMargins(l.name, &excelize.PageLayoutMarginsOptions{Left: &margin, Right: &margin, Top: &edge, Bottom: &edge, Header: &strip, Footer: &strip}),
		f.SetSheetView(l.name, 0, &excelize.ViewOptions{ShowGridLines: &no, ZoomScale: &zoom}),
		p.print(f, l.name, ""),
	)
	if err != nil {
		return nil, err
	}
	sw, err := f.NewStreamWriter(l.name)
	if err != nil {
		return nil, err
	}
	for i, width := range l.widths {
		if err := sw.SetColWidth(i+1, i+1, width); err != nil {
			return nil, err
		}
	}
	panes := &excelize.Panes{}
	if l.frozenRows > 0 {
		corner, _ := excelize.CoordinatesToCellName(l.frozenCols+1, l.frozenRows+1)
		panes = &excelize.Panes{Freeze: true, XSplit: l.frozenCols, YSplit: l.frozenRows, TopLeftCell: corner, ActivePane: "bottomRight"}
		if l.frozenCols == 0 {
			panes.ActivePane = "bottomLeft"
		}
	}
	return &sheet{StreamWriter: sw, styles: s, name: l.name, widths: l.widths}, sw.SetPanes(panes)
}
