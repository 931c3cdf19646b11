package report

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
)

// standing are the current findings of a record, worst first.
func standing(r audit.Record) []audit.Finding {
	fs := slices.DeleteFunc(slices.Clone(r.Findings), func(f audit.Finding) bool { return !f.Current() })
	slices.SortStableFunc(fs, func(x, y audit.Finding) int {
		return compareGroups(group{x.Severity, x.Check}, group{y.Severity, y.Check})
	})
	return fs
}

func (b *book) todo(ctx context.Context) error {
	l := b.list(sheetTodo, 1, taskColumns(b))
	l.pages, l.finish = 1, (*book).protectFacts
	return l.fill(untilDone(ctx, b.survey.tasks.all(compareGroups)))
}

// taskColumns: the facts, then the cells that the reviewer fills in.
func taskColumns(b *book) []column {
	return append(taskFacts(b),
		column{header: "Decision", width: 12, kind: entryText},
		column{header: "Justification", width: 28, kind: entryText, wrap: true},
		column{header: "Reviewer", width: 15, kind: entryText},
		column{header: "Date", width: 12, kind: entryDate},
		column{header: "Ticket", width: 12, kind: entryText},
	)
}

func taskFacts(b *book) []column {
	return []column{
		{header: "Severity", width: 10, kind: severity, value: func(r *row) value { return str(string(r.worst)) }},
		{header: "Why it needs a decision", width: 28, wrap: true, value: func(r *row) value { return str(r.titles) }},
		{header: "Proposed action", width: 54, wrap: true, value: func(r *row) value { return str(r.fix()) }},
		{header: "Description", width: 26, wrap: true, limit: 200, value: func(r *row) value { return str(r.Description) }},
		{header: "Authorization ID", width: 18, value: func(r *row) value { return str(r.ID) }},
		{header: "Record", width: 10, kind: reference, value: func(r *row) value { return b.linkTo(r) }},
		{header: "Status", width: 9, value: func(r *row) value { return str(string(r.Status)) }},
		{header: "Owner", width: 17, value: func(r *row) value { return str(r.owner()) }},
		{header: "Owner state", width: 12, value: func(r *row) value { return str(string(r.Owner.State)) }},
		{header: "May write", width: 22, wrap: true, limit: 200, value: func(r *row) value { return str(r.scope) }},
		{header: "Age (days)", width: 8, kind: integer, wrap: true, value: func(r *row) value { return r.age() }},
		{header: "Org", width: 13, value: func(r *row) value { return str(r.Org) }},
		{header: "Target", width: 13, value: func(r *row) value { return str(r.Target) }},
		{header: "Owner ID", width: 18, value: func(r *row) value { return str(r.UserID) }},
		{header: "Org ID", width: 18, value: func(r *row) value { return str(r.OrgID) }},
	}
}

// fix is what the worst finding asks for.
func (r *row) fix() string { return audit.CheckOf(r.first).Fix }

// linkTo leads to the row of the authorization. It is a formula of our own words
// and numbers: unlike a link of the sheet, it moves with its row.
func (b *book) linkTo(r *row) value {
	if r.IsServer() {
		return str(unknown)
	}
	t := dataTable{name: sheetAuthorizations, maxRows: b.maxRows}
	sheet, line := t.at(r.place)
	row := strconv.Itoa(line)
	text := "row " + row
	if sheet != t.name {
		text = strings.TrimPrefix(sheet, t.name+" ") + ", " + text
	}
	return value{is: aFormula, text: text, formula: `HYPERLINK("#'` + sheet + `'!A` + row + `","` + text + `")`}
}

// protectFacts locks the facts, without a password: it guards against a slip of
// the hand, not against a person.
func (b *book) protectFacts(s *sheet) error {
	if s.rows < 2 {
		return nil
	}
	return errors.Join(
		b.validate(s, "Decision", decisions),
		b.validate(s, "Justification", prompt("Justification", "Why this is right: the need, its owner, what replaces it.")),
		b.validate(s, "Reviewer", prompt("Reviewer", "Who decided. Nobody decides on a token of their own.")),
		b.validate(s, "Date", days),
		b.validate(s, "Ticket", prompt("Ticket", "Where the work is followed.")),
		b.ProtectSheet(s.name, &excelize.SheetProtectionOptions{
			AutoFilter: true, Sort: true, FormatColumns: true, FormatRows: true, SelectLockedCells: true, SelectUnlockedCells: true,
		}),
	)
}

func (b *book) validate(s *sheet, header string, rule func(*excelize.DataValidation) error) error {
	letter := letterOf(taskColumns(b), header)
	v := excelize.NewDataValidation(true)
	v.SetSqref(letter + "2:" + letter + strconv.Itoa(s.rows))
	return errors.Join(rule(v), b.AddDataValidation(s.name, v))
}

func decisions(v *excelize.DataValidation) error {
	v.SetInput("Decision", "keep: needed as it is. revoke: delete it. reduce: replace it by a narrower one. exception: needed against the rule, until a date.")
	v.SetError(excelize.DataValidationErrorStyleStop, "Decision", "keep, revoke, reduce or exception")
	return v.SetDropList([]string{"keep", "revoke", "reduce", "exception"})
}

func days(v *excelize.DataValidation) error {
	v.SetInput("Date", "The day of the decision, as 2026-11-30.")
	v.SetError(excelize.DataValidationErrorStyleStop, "Date", "a date, as 2026-11-30")
	return v.SetRange(36526, 73050, excelize.DataValidationTypeDate, excelize.DataValidationOperatorBetween)
}

// prompt takes any text and only says what belongs there.
func prompt(title, text string) func(*excelize.DataValidation) error {
	return func(v *excelize.DataValidation) error {
		v.SetInput(title, text)
		return v.SetRange(0, 2000, excelize.DataValidationTypeTextLength, excelize.DataValidationOperatorBetween)
	}
}
