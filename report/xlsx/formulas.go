package xlsx

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// formula is a live formula and the value that it has now, for programs that do
// not calculate. Its text is made of our own words and cell references only.
type formula struct {
	text string
	now  any
}

// test is a condition on a column: a constant of ours, or a cell.
type test struct{ header, is string }

func is(header, word string) test { return test{header, `"` + word + `"`} }

// worstHeader is that of a column which counts excepted findings too.
const worstHeader = "Worst severity (with excepted)"

// Conditions that formulas share.
var (
	notGone    = test{"Presence", `"<>gone"`}
	flagged    = test{worstHeader, `"?*"`}
	unresolved = test{"State", `"<>resolved"`} // with judged: the findings that stand
	judged     = test{"State", `"<>not judged"`}
	onlyLegacy = test{"Class", `"legacy"`}
	notLegacy  = test{"Class", `"<>legacy"`}
)

// tally is a number of which the sheet of a list shows a part.
type tally struct{ all, shown int }

// left is how many the sheet lacks.
func (f tally) left() int { return f.all - f.shown }

// count is a formula that counts the rows that pass every test, and adds those that
// the sheet lacks.
func (l listed) count(of tally, tests ...test) any {
	var args []string
	for _, t := range tests {
		args = append(args, l.reference(t.header), t.is)
	}
	return l.formula(of, "COUNTIFS("+strings.Join(args, ",")+")")
}

// formula adds what the sheet lacks; a list without rows has no range to look at.
func (l listed) formula(of tally, text string) any {
	if l.Rows == 0 {
		return of.all
	}
	if of.left() != 0 {
		text += fmt.Sprintf("+%d", of.left())
	}
	return formula{text, of.all}
}

// reference is a column with all its rows.
func (l listed) reference(header string) string {
	letter := l.letter(header)
	return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", l.Table, letter, l.first, letter, l.first+l.Rows-1)
}

// letter is that of the column with a header, which must be there.
func (l listed) letter(header string) string {
	letter, err := excelize.ColumnNumberToName(slices.Index(l.headers, header) + 1)
	if err != nil {
		panic("xlsx: no column " + header)
	}
	return letter
}

// authorizations are those of some kinds, in the review and on the sheet.
func (b *Workbook) authorizations(counted func(kind) bool) tally {
	return tally{b.totals.authorizations.sum(counted), b.population.counts.sum(counted)}
}

// foundOf are the findings of some kinds, in the review and on the sheet.
func (b *Workbook) foundOf(counted func(table.Group, audit.FindingState) bool) tally {
	return tally{b.totals.findings.Sum(counted), b.shownFindings.Sum(counted)}
}

// currentOf are the findings of a check that stand.
func (b *Workbook) currentOf(check string) tally {
	return b.foundOf(func(g table.Group, s audit.FindingState) bool { return g.Check == check && s.Current() })
}

func (b *Workbook) ofState(state audit.FindingState) tally {
	return b.foundOf(func(_ table.Group, s audit.FindingState) bool { return s == state })
}

func (b *Workbook) ofSeverity(sev audit.Severity) tally {
	return b.foundOf(func(g table.Group, s audit.FindingState) bool { return g.Severity == sev && s.Current() })
}
