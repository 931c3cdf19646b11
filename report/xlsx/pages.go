package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// Pages is a workbook with the looks of the review's, whose sheets others fill. The first
// error stays, and Bytes gives it.
type Pages struct {
	file   *excelize.File
	styles *styles
	paper  paper
	sheets []*Sheet
	err    error
}

// NewPages begins a workbook. Title and name, which are of no length to speak of, stand on
// every printed page; at is when it was made, for the same file from the same input.
func NewPages(title, name string, at time.Time, tool audit.Tool) *Pages {
	f, stamp := excelize.NewFile(), at.UTC().Format(time.RFC3339)
	return &Pages{
		file: f, styles: &styles{f: f, made: map[look]int{}}, paper: paper{title, at.UTC().Format("2 January 2006"), name},
		err: errors.Join(
			f.SetDefaultFont(fontFamily),
			f.SetAppProps(&excelize.AppProperties{Application: "tokenaudit"}),
			f.SetDocProps(&excelize.DocProperties{
				Title: table.OneLine(title), Identifier: table.OneLine(name), Category: "Access review", Version: table.OneLine(tool.Version),
				Creator: "tokenaudit", LastModifiedBy: "tokenaudit", Created: stamp, Modified: stamp,
			}),
		),
	}
}

// Cell is a cell. Text in it is always text, never a formula; nil is an empty cell.
type Cell struct {
	Value any // a string, an int, a time or nil
	Kind  table.Kind
	Word  string // a severity or verdict that colours the cell
	Over  int    // columns that it takes, if more than one
}

// Sheet is a sheet in the making, from the top.
type Sheet struct {
	page    *page
	head    int // line of the header of its list, 0 without one
	printed int // columns of the list
}

// Sheet begins the next sheet. A line of columns stays in sight up to frozen.
func (b *Pages) Sheet(name string, frozen int, widths ...float64) *Sheet {
	s := &Sheet{page: &page{columns: len(widths)}}
	b.sheets = append(b.sheets, s)
	if len(b.sheets) == 1 {
		b.err = errors.Join(b.err, b.file.SetSheetName("Sheet1", name))
	} else if _, err := b.file.NewSheet(name); err != nil {
		b.err = errors.Join(b.err, err)
	}
	if s.page.sheet, s.page.err = b.styles.open(b.file, b.paper, layout{name: name, widths: widths, frozenRows: frozen}); s.page.err != nil {
		s.page.sheet = &sheet{name: name, widths: widths}
	}
	return s
}

// Title is the name of the sheet in large letters.
func (s *Sheet) Title(text string) { s.page.wide(30, text, look{role: title}) }

// Note is a text in small letters over the whole width.
func (s *Sheet) Note(text string) {
	s.page.flow(cell{value: text, look: look{role: subtitle, wrap: true}, over: s.page.columns})
}

// Headline is the one sentence that says how things stand, in the colour of a word.
func (s *Sheet) Headline(text, word string) {
	s.page.wide(36, text, look{role: headline, wrap: true, word: word})
}

func (s *Sheet) Section(title string) { s.page.section(title) }

func (s *Sheet) Fact(name, text string) { s.page.fact(name, text) }

// Labels head a small table.
func (s *Sheet) Labels(cells ...Cell) { s.page.header(of(cells, header)...) }

// Row is a line of a small table, as high as its texts need.
func (s *Sheet) Row(cells ...Cell) { s.page.flow(of(cells, body)...) }

// Entry is a line of a list, as high as what is printed of it needs; of long texts it shows
// the beginning.
func (s *Sheet) Entry(cells ...Cell) {
	made := of(cells, entry)
	s.page.line(s.page.fit(6, made[:min(len(made), s.printed)]), made...)
}

// List heads a list of many rows, which can be sorted and filtered, and of which so many
// columns are printed; it is the last of the sheet.
func (s *Sheet) List(printed int, cells ...Cell) {
	made := of(cells, header)
	for i := range made {
		made[i].look.wrap = true
	}
	s.page.line(max(20, s.page.fit(2, made)), made...)
	s.head, s.printed = s.page.rows, printed
}

func of(cells []Cell, r role) []cell {
	made := make([]cell, len(cells))
	for i, c := range cells {
		l := look{role: r, kind: c.Kind, word: c.Word, wrap: c.Kind == table.Text && r != header}
		if at, ok := c.Value.(time.Time); ok && c.Kind == table.Day && !at.IsZero() {
			c.Value = dayOf(at)
		}
		made[i] = cell{value: c.Value, look: l, over: c.Over, limit: longestCell}
	}
	return made
}

// longestCell bounds a text: a description may have 200 kB.
const longestCell = 2000

// Bytes ends all sheets and gives the workbook: of the same cells the same bytes.
func (b *Pages) Bytes() ([]byte, error) {
	defer b.file.Close()
	for _, s := range b.sheets {
		if s.head > 0 && s.page.err == nil {
			last, _ := excelize.ColumnNumberToName(s.page.columns)
			printed, _ := excelize.ColumnNumberToName(s.printed)
			all, in := fmt.Sprintf("A%d:%s%d", s.head, last, max(s.page.rows, s.head+1)), "'"+s.page.name+"'!"
			s.page.err = errors.Join(
				b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: s.page.name, RefersTo: fmt.Sprintf("%s$%d:$%d", in, s.head, s.head)}),
				b.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Area", Scope: s.page.name, RefersTo: fmt.Sprintf("%s$A$1:$%s$%d", in, printed, s.page.rows)}),
				b.file.AutoFilter(s.page.name, all, nil),
				b.file.AddIgnoredErrors(s.page.name, all, excelize.IgnoredErrorsNumberStoredAsText),
			)
		}
		b.err = errors.Join(b.err, s.page.end())
	}
	if b.err != nil {
		return nil, b.err
	}
	var loose, whole bytes.Buffer
	if err := write(b.file, &loose); err != nil {
		return nil, err
	}
	made, err := zip.NewReader(bytes.NewReader(loose.Bytes()), int64(loose.Len()))
	if err != nil {
		return nil, err
	}
	parts := map[string]*zip.File{}
	for _, part := range made.File {
		parts[part.Name] = part
	}
	err = table.WriteParts(&whole, parts)
	return whole.Bytes(), err
}
