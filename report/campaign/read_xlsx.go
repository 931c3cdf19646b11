package campaign

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

// Workbooks are read part by part and cell by cell: excelize gives the formula and the
// format of a cell only once it holds the whole sheet, which takes a gigabyte for the
// largest ones.

// What a part may come to: a small file may hold a very large one.
const (
	mostSheet = 512 << 20
	mostPart  = 128 << 20 // of the others, which are held in memory
	mostText  = 1 << 20   // the text of a cell, which has 32,767 characters at most
)

const saveAgain = "save it as .xlsx, or as CSV in UTF-8"

// compoundFile begins an old workbook, and a new one that is encrypted.
var compoundFile = []byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}

func compoundFileError(content []byte) error {
	var name []byte // in UTF-16
	for _, r := range "EncryptedPackage" {
		name = append(name, byte(r), 0)
	}
	if bytes.Contains(content, name) {
		return errors.New("the workbook is locked with a password: save it without one")
	}
	return errors.New("the file is of an old format, as .xls: " + saveAgain)
}

// workbook is what its sheets refer to.
type workbook struct {
	parts    map[string]*zip.File
	strings  []string
	dates    []bool // by style: its numbers are days
	date1904 bool
}

func damaged(err error) error {
	return fmt.Errorf("the workbook is damaged or was cut short (%s): %s", audit.Line(err.Error(), 100), saveAgain)
}

// readWorkbook gives the sheets in their order.
func readWorkbook(content []byte) ([]sheet, error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, damaged(err)
	}
	b := workbook{parts: map[string]*zip.File{}}
	for _, f := range archive.File {
		if b.parts[f.Name] != nil {
			return nil, damaged(errors.New("a part is there twice"))
		}
		b.parts[f.Name] = f
	}
	switch {
	case b.parts["content.xml"] != nil:
		return nil, errors.New("the file is of OpenDocument, as .ods: " + saveAgain)
	case b.parts["xl/workbook.bin"] != nil:
		return nil, errors.New("the file is a binary workbook, .xlsb: " + saveAgain)
	case b.parts["xl/workbook.xml"] == nil:
		return nil, errors.New("the file is not a workbook: " + saveAgain)
	}
	var book struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(b.unmarshal("xl/workbook.xml", &book), b.unmarshal("xl/_rels/workbook.xml.rels", &links)); err != nil {
		return nil, damaged(err)
	}
	b.date1904 = book.Properties.Date1904 == "1" || book.Properties.Date1904 == "true"
	worksheets := map[string]string{}
	for _, l := range links.All {
		part := path.Join("xl", l.Target)
		if strings.HasPrefix(l.Target, "/") {
			part = l.Target[1:]
		}
		switch path.Base(l.Type) {
		case "worksheet":
			worksheets[l.ID] = part
		case "sharedStrings":
			err = b.readStrings(part)
		case "styles":
			err = b.readStyles(part)
		}
		if err != nil {
			return nil, damaged(err)
		}
	}
	var sheets []sheet
	for _, s := range book.Sheets {
		if part, ok := worksheets[s.ID]; ok { // and no chart
			sheets = append(sheets, sheet{name: s.Name, rows: func(yield func(int, []string) bool) error {
				if err := b.rows(part, yield); err != nil {
					return damaged(err)
				}
				return nil
			}})
		}
	}
	return sheets, nil
}

// open opens a part that comes to so many bytes at most.
func (b *workbook) open(part string, most uint64) (io.ReadCloser, error) {
	f := b.parts[part]
	if f == nil {
		return nil, errors.New("a part is missing")
	}
	if f.UncompressedSize64 > most {
		return nil, fmt.Errorf("a part has more than %d MiB", most>>20)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	return struct { // whatever the size that the archive says
		io.Reader
		io.Closer
	}{io.LimitReader(r, int64(most)), r}, nil
}

func (b *workbook) unmarshal(part string, into any) error {
	r, err := b.open(part, mostPart)
	if err != nil {
		return err
	}
	defer r.Close()
	return xml.NewDecoder(r).Decode(into)
}

// readStrings reads the texts that cells name by their number.
func (b *workbook) readStrings(part string) error {
	r, err := b.open(part, mostPart)
	if err != nil {
		return err
	}
	defer r.Close()
	d := xml.NewDecoder(r)
	var text []byte
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				if text, err = addText(text, d); err != nil {
					return err
				}
			case "rPh": // how it is pronounced
				if err := d.Skip(); err != nil {
					return err
				}
			}
		case xml.EndElement:
			if t.Name.Local == "si" {
				b.strings, text = append(b.strings, string(text)), text[:0]
			}
		}
	}
}

// addText adds the text of the element that has just begun, one of those of a cell.
func addText(text []byte, d *xml.Decoder) ([]byte, error) {
	run, err := textOf(d)
	if err == nil && len(text)+len(run) > mostText {
		err = fmt.Errorf("a cell has more than %d MiB", mostText>>20)
	}
	return append(text, run...), err
}

// textOf is the text of the element that has just begun.
func textOf(d *xml.Decoder) (string, error) {
	var text []byte
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			text = append(text, t...)
		case xml.StartElement:
			if err := d.Skip(); err != nil {
				return "", err
			}
		case xml.EndElement:
			return unescape(string(text)), nil
		}
	}
}

// unescape gives the characters that stand as _xHHHH_, as XML cannot hold them.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return escaped.ReplaceAllStringFunc(s, func(code string) string {
		n, _ := strconv.ParseUint(code[2:6], 16, 16)
		return string(rune(n))
	})
}

var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// readStyles finds which formats show numbers as dates.
func (b *workbook) readStyles(part string) error {
	var styles struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := b.unmarshal(part, &styles); err != nil {
		return err
	}
	dates := map[int]bool{}
	for _, in := range [][2]int{{14, 22}, {27, 36}, {45, 47}, {50, 58}} { // built in
		for id := in[0]; id <= in[1]; id++ {
			dates[id] = true
		}
	}
	for _, f := range styles.Formats {
		dates[f.ID] = strings.ContainsAny(literal.ReplaceAllString(f.Code, ""), "ymdhsYMDHS")
	}
	for _, c := range styles.Cells {
		b.dates = append(b.dates, dates[c.Format])
	}
	return nil
}

// literal is what a number format shows as it is, and colours, countries and conditions.
var literal = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]`)

// rows gives those of a sheet that have cells.
func (b *workbook) rows(part string, yield func(line int, cells []string) bool) error {
	r, err := b.open(part, mostSheet)
	if err != nil {
		return err
	}
	defer r.Close()
	d := xml.NewDecoder(r)
	var cells []string
	var c cell
	line, column := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "row":
				before := line
				if line, err = numbered(t, line); err == nil && line <= before {
					err = errors.New("the rows are not in order")
				}
				cells, column = cells[:0], 0
			case "c":
				c = cellOf(t)
				column, err = c.column(column)
			case "v":
				c.value, err = textOf(d)
			case "t":
				c.text, err = addText(c.text, d)
			case "f":
				c.formula, err = textOf(d)
				c.formula = "=" + c.formula
			case "rPh":
				err = d.Skip()
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "c":
				if column < 1 {
					return errors.New("a row begins within a cell")
				}
				for len(cells) < column {
					cells = append(cells, "")
				}
				cells[column-1], err = b.show(c)
			case "row":
				if !yield(line, cells) {
					return nil
				}
			case "sheetData":
				return nil
			}
		}
		if err != nil {
			return err
		}
	}
}

// numbered is the number of a row, which is the next one where it says none.
func numbered(row xml.StartElement, before int) (int, error) {
	for _, a := range row.Attr {
		if a.Name.Local == "r" {
			return strconv.Atoi(a.Value)
		}
	}
	return before + 1, nil
}

// cell is one as the sheet has it.
type cell struct {
	at, kind, style string // as its attributes r, t and s say
	value           string
	text            []byte // of a cell that holds its own
	formula         string
}

func cellOf(t xml.StartElement) (c cell) {
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "r":
			c.at = a.Value
		case "t":
			c.kind = a.Value
		case "s":
			c.style = a.Value
		}
	}
	return c
}

// column is that of the cell, from 1; the next one where it says none.
func (c cell) column(before int) (int, error) {
	n, err := before+1, error(nil)
	if c.at != "" {
		n, err = excelize.ColumnNameToNumber(strings.TrimRight(c.at, "0123456789"))
	}
	if err == nil && (n <= before || n > excelize.MaxColumns) {
		err = errors.New("the cells are not in order")
	}
	return n, err
}

// show is the text of a cell. A formula is its own text, never what it came to: that
// changes, and nobody has decided it.
func (b *workbook) show(c cell) (string, error) {
	switch {
	case c.formula != "":
		return c.formula, nil
	case c.kind == "inlineStr":
		return string(c.text), nil
	case c.kind == "s":
		i, err := strconv.Atoi(c.value)
		if err != nil || i < 0 || i >= len(b.strings) {
			return "", errors.New("a cell has a text that is missing")
		}
		return b.strings[i], nil
	case c.kind == "b" && c.value == "1":
		return "TRUE", nil
	case c.kind == "b":
		return "FALSE", nil
	case c.kind == "d":
		return strings.TrimSuffix(c.value, "T00:00:00"), nil
	case c.kind == "str", c.kind == "e", c.value == "":
		return c.value, nil
	}
	n, err := strconv.ParseFloat(c.value, 64)
	if err != nil {
		return c.value, nil
	}
	if style, err := strconv.Atoi(c.style); err == nil && style >= 0 && style < len(b.dates) && b.dates[style] {
		if at, err := excelize.ExcelDateToTime(n, b.date1904); err == nil {
			return strings.TrimSuffix(at.Format(time.DateTime), " 00:00:00"), nil
		}
	}
	return strconv.FormatFloat(n, 'f', -1, 64), nil
}
