package xlsx

import (
	"fmt"
	"strconv"
	"strings"

	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/report/table"
)

// Names of the sheets.
const (
	sheetSummary        = "Summary"
	sheetTodo           = "To do"
	sheetFindings       = "Findings"
	sheetAuthorizations = "Authorizations"
	sheetChanges        = "Changes"
	sheetOwners         = "Owners"
	sheetCoverage       = "Coverage"
	sheetExceptions     = "Exceptions"
	sheetControls       = "Controls"
	sheetAbout          = "About"
)

// dataTable is a list as formulas see it, over all of its sheets.
type dataTable struct {
	name    string
	columns []table.Column
	rows    int
	maxRows int // of a sheet, with the header
}

func (b *Workbook) authorizationTable() dataTable {
	return dataTable{sheetAuthorizations, b.authorizationColumns(), b.totals.rows, b.maxRows}
}

func (b *Workbook) findingTable() dataTable {
	return dataTable{sheetFindings, bookFindingColumns(), b.draft.Findings.Total(), b.maxRows}
}

func (b *Workbook) taskTable() dataTable {
	return dataTable{sheetTodo, taskColumns(b), b.totals.tasks.Total(), b.maxRows}
}

// at is where the row with the index place stands, from 0.
func (t dataTable) at(place int) (sheet string, line int) {
	return sheetPart(t.name, place/(t.maxRows-1)+1), place%(t.maxRows-1) + 2
}

// sheetPart names a sheet of a list: "name", "name 2", …
func sheetPart(name string, n int) string {
	if n == 1 {
		return name
	}
	return name + " " + strconv.Itoa(n)
}

// test is a condition on a column: a constant of ours, or a cell.
type test struct{ header, is string }

func is(header, word string) test { return test{header, `"` + word + `"`} }

// count counts the rows that pass every test.
func (t dataTable) count(now int, tests ...test) any {
	return t.sum(now, func(reference func(string) string) string {
		var args []string
		for _, c := range tests {
			args = append(args, reference(c.header), c.is)
		}
		return "COUNTIFS(" + strings.Join(args, ",") + ")"
	})
}

// sum adds up what term gives for each sheet of the list; a list without rows has
// no range to look at.
func (t dataTable) sum(now int, term func(reference func(header string) string) string) any {
	var terms []string
	for left, n := t.rows, 1; left > 0; n++ {
		rows := min(left, t.maxRows-1)
		terms = append(terms, term(func(header string) string { return t.reference(n, rows, header) }))
		left -= rows
	}
	if terms == nil {
		return now
	}
	return table.Formula{Text: strings.Join(terms, "+"), Now: now}
}

func (t dataTable) reference(n, rows int, header string) string {
	letter := letterOf(t.columns, header)
	return fmt.Sprintf("'%s'!$%s$2:$%s$%d", sheetPart(t.name, n), letter, letter, rows+1)
}

// letterOf finds the column with a header, which must be there.
func letterOf(columns []table.Column, header string) string {
	for i, c := range columns {
		if c.Header == header {
			letter, _ := excelize.ColumnNumberToName(i + 1)
			return letter
		}
	}
	panic("report: no column " + header)
}
