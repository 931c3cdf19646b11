package xlsx

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// task is an authorization that needs a decision.
type task struct {
	*brief
	place int // in the population
}

// taskRow is a task as it is written.
type taskRow struct {
	*table.Row
	place int
}

func (b *Workbook) writeTodo(context.Context) error {
	rows := b.totals.tasks.Take()
	l, err := newList(b, layout{name: sheetTodo, frozenCols: 3, printed: 10, lines: 12}, b.taskColumns(), len(rows), b.totals.tasks.Seen(), b.in.WholeIn(table.AuthorizationsFile))
	if err != nil {
		return err
	}
	for _, t := range rows {
		row := t.row(b.in.Summary.Started)
		if err := l.add(taskRow{row, t.place}, row.Past()); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		err = protectFacts(l.file, l.listed, l.sheet.rows)
	}
	var ended error
	b.todo, ended = l.end("")
	return errors.Join(err, ended)
}

// taskColumns begin with what is decided on which token of whom. What is not printed
// stands behind.
func (b *Workbook) taskColumns() []table.ColumnOf[taskRow] {
	return []table.ColumnOf[taskRow]{
		{Header: "Decision", Width: 11},
		{Header: "Token", Width: 26, Wrap: true, Value: func(t taskRow) any { return b.tokenOf(t) }},
		{Header: "Owner", Width: 24, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.OwnerName() }},
		{Header: "Severity", Width: 9, Kind: table.Severity, Value: func(t taskRow) any { return string(t.WorstSeverity) }},
		{Header: "Findings", Width: 26, Wrap: true, Value: func(t taskRow) any { return strings.ReplaceAll(t.Titles, "; ", "\n") }},
		{Header: "What to do", Width: 38, Wrap: true, Value: func(t taskRow) any { return audit.CheckOf(t.First.Check).Fix }},
		{Header: "Justification", Width: 18, Wrap: true},
		{Header: "Reviewer", Width: 12, Wrap: true},
		{Header: "Date", Width: 11, Kind: table.EntryDate},
		{Header: "Ticket", Width: 10, Wrap: true},
		{Header: "Status", Width: 9, Value: func(t taskRow) any { return string(t.Status) }},
		{Header: "May write", Width: 30, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.Scope }},
		{Header: "Age (days)", Width: 8, Kind: table.Integer, Wrap: true, Value: func(t taskRow) any { return t.Age() }},
		{Header: "Owner state", Width: 12, Value: func(t taskRow) any { return string(t.Owner.State) }},
		{Header: "Record", Width: 10, Kind: table.Reference, Value: func(t taskRow) any { return b.linkTo(t) }},
		{Header: "Description", Width: 30, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.Description }},
		{Header: "Authorization ID", Width: 18, Value: func(t taskRow) any { return t.ID }},
		{Header: "Target", Width: 13, Value: func(t taskRow) any { return t.Target }},
		{Header: "Org", Width: 13, Value: func(t taskRow) any { return t.Org }},
		{Header: "Owner ID", Width: 18, Value: func(t taskRow) any { return t.UserID }},
		{Header: "Org ID", Width: 18, Value: func(t taskRow) any { return t.OrgID }},
	}
}

// tokenOf names a token by what people and what programs call it; of several targets it
// says which.
func (b *Workbook) tokenOf(t taskRow) string {
	text := tokenWords(audit.Line(t.Description, 100), t.ID)
	if len(b.in.Summary.Coverage.Targets) > 1 {
		text += "\n" + table.OneLine(t.Target)
	}
	return text
}

// linkTo leads to the row of the authorization. It is a formula of our own words
// and numbers: unlike a link of the sheet, it moves with its row.
func (b *Workbook) linkTo(t taskRow) any {
	line := b.population.lineOf(t.place)
	if t.IsServer() || line == 0 {
		return table.Unknown
	}
	text := "row " + strconv.Itoa(line)
	return formula{fmt.Sprintf(`HYPERLINK("#'%s'!A%d","%s")`, sheetAuthorizations, line, text), text}
}

// protectFacts locks the facts, without a password: it guards against a slip of
// the hand, not against a person.
func protectFacts(f *excelize.File, l listed, last int) error {
	validate := func(header string, rule func(*excelize.DataValidation) error) error {
		letter := l.letter(header)
		v := excelize.NewDataValidation(true)
		v.SetSqref(fmt.Sprintf("%s%d:%s%d", letter, l.first, letter, last))
		return errors.Join(rule(v), f.AddDataValidation(sheetTodo, v))
	}
	return errors.Join(
		validate("Decision", decisions),
		validate("Justification", prompt("Justification", "Why this is right: the need, its owner, what replaces it.")),
		validate("Reviewer", prompt("Reviewer", "Who decided. Nobody decides on a token of their own.")),
		validate("Date", days),
		validate("Ticket", prompt("Ticket", "Where the work is followed.")),
		f.ProtectSheet(sheetTodo, &excelize.SheetProtectionOptions{
			AutoFilter: true, Sort: true, FormatColumns: true, FormatRows: true, SelectLockedCells: true, SelectUnlockedCells: true,
		}),
	)
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
