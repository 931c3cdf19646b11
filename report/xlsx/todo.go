package xlsx

import (
	"context"
	"errors"
	"strconv"
	"strings"

	excelize "github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

func (b *Workbook) todo(ctx context.Context) error {
	l := b.list(sheetTodo, 1, taskColumns(b))
	l.pages, l.finish = 1, (*Workbook).protectFacts
	return l.fill(table.UntilDone(ctx, b.totals.tasks.All(table.CompareGroups)))
}

// taskColumns: the facts, then the cells that the reviewer fills in.
func taskColumns(b *Workbook) []table.Column {
	return append(taskFacts(b),
		table.Column{Header: "Decision", Width: 12, Kind: table.EntryText},
		table.Column{Header: "Justification", Width: 28, Kind: table.EntryText, Wrap: true},
		table.Column{Header: "Reviewer", Width: 15, Kind: table.EntryText},
		table.Column{Header: "Date", Width: 12, Kind: table.EntryDate},
		table.Column{Header: "Ticket", Width: 12, Kind: table.EntryText},
	)
}

func taskFacts(b *Workbook) []table.Column {
	return []table.Column{
		{Header: "Severity", Width: 10, Kind: table.Severity, Value: func(r *table.Row) table.Value { return table.Str(string(r.WorstSeverity)) }},
		{Header: "Why it needs a decision", Width: 28, Wrap: true, Value: func(r *table.Row) table.Value { return table.Str(r.Titles) }},
		{Header: "Proposed action", Width: 54, Wrap: true, Value: func(r *table.Row) table.Value { return table.Str(audit.CheckOf(r.FirstCheck).Fix) }},
		{Header: "Description", Width: 26, Wrap: true, Limit: 200, Value: func(r *table.Row) table.Value { return table.Str(r.Description) }},
		{Header: "Authorization ID", Width: 18, Value: func(r *table.Row) table.Value { return table.Str(r.ID) }},
		{Header: "Record", Width: 10, Kind: table.Reference, Value: func(r *table.Row) table.Value { return b.linkTo(r) }},
		{Header: "Status", Width: 9, Value: func(r *table.Row) table.Value { return table.Str(string(r.Status)) }},
		{Header: "Owner", Width: 17, Value: func(r *table.Row) table.Value { return table.Str(r.OwnerName()) }},
		{Header: "Owner state", Width: 12, Value: func(r *table.Row) table.Value { return table.Str(string(r.Owner.State)) }},
		{Header: "May write", Width: 22, Wrap: true, Limit: 200, Value: func(r *table.Row) table.Value { return table.Str(r.Scope) }},
		{Header: "Age (days)", Width: 8, Kind: table.Integer, Wrap: true, Value: func(r *table.Row) table.Value { return r.Age() }},
		{Header: "Org", Width: 13, Value: func(r *table.Row) table.Value { return table.Str(r.Org) }},
		{Header: "Target", Width: 13, Value: func(r *table.Row) table.Value { return table.Str(r.Target) }},
		{Header: "Owner ID", Width: 18, Value: func(r *table.Row) table.Value { return table.Str(r.UserID) }},
		{Header: "Org ID", Width: 18, Value: func(r *table.Row) table.Value { return table.Str(r.OrgID) }},
	}
}

// linkTo leads to the row of the authorization. It is a formula of our own words
// and numbers: unlike a link of the sheet, it moves with its row.
func (b *Workbook) linkTo(r *table.Row) table.Value {
	if r.IsServer() {
		return table.Str(table.Unknown)
	}
	t := dataTable{name: sheetAuthorizations, maxRows: b.maxRows}
	sheet, line := t.at(r.Place)
	row := strconv.Itoa(line)
	text := "row " + row
	if sheet != t.name {
		text = strings.TrimPrefix(sheet, t.name+" ") + ", " + text
	}
	return table.Value{Type: table.FormulaValue, Text: text, Formula: `HYPERLINK("#'` + sheet + `'!A` + row + `","` + text + `")`}
}

// protectFacts locks the facts, without a password: it guards against a slip of
// the hand, not against a person.
func (b *Workbook) protectFacts(s *sheet) error {
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

func (b *Workbook) validate(s *sheet, header string, rule func(*excelize.DataValidation) error) error {
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
