package report

import (
	"strconv"

	"github.com/xuri/excelize/v2"
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
func right(name string) cell { return cell{value: name, look: look{role: header, kind: integer}} }

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

func number(n int) cell { return figureOf(n) }

// figureOf is a number, or the formula that counts it.
func figureOf(v any) cell { return cell{value: v, look: look{kind: integer}} }

func coloured(word string) cell { return cell{value: word, look: look{word: word}} }

// at names a cell of the line that comes next.
func (p *page) at(column int) string {
	letter, _ := excelize.ColumnNumberToName(column)
	return "$" + letter + strconv.Itoa(p.rows+1)
}
