package xlsx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// task is a token that somebody has to decide on, with all that was found in it.
type task struct {
	*brief
	place   int // in the population
	rank    taskRank
	overdue bool
	found   string // the findings that stand, worst first
	todo    string // what to do about the first one that somebody should act on
	due     any    // a time, or nil
}

// taskRow is a task as it is written.
type taskRow struct {
	*table.Row
	task
}

// taskRank: what needs action first, and the worst of it.
type taskRank struct {
	calm bool
	table.Group
}

func compareTasks(a, b taskRank) int {
	if a.calm != b.calm {
		if b.calm {
			return -1
		}
		return 1
	}
	return table.CompareGroups(a.Group, b.Group)
}

// rankOf says where the task that r is stands; no task is what has nothing but inventory
// and what is excepted, nor exceptions themselves, which have their own sheet.
func rankOf(r *table.Row) (rank taskRank, is bool) {
	if rank.calm = true; r.IsExceptions() {
		return rank, false
	}
	for _, f := range table.WorstFirst(r.Record.Findings) {
		if !f.Actionable() || f.Severity == audit.Info {
			continue
		}
		if !is {
			rank.Group, is = table.GroupOf(f), true
		}
		if f.NeedsAction(r.Now) {
			rank.calm = false
		}
	}
	return rank, is
}

// taskOf says what is new if there is a review before, since which it is.
func taskOf(r *table.Row, kept *brief, rank taskRank, place int, since bool) task {
	t := task{brief: kept, place: place, rank: rank, due: table.When(r.Due())}
	var lines []string
	for _, f := range table.WorstFirst(r.Record.Findings) {
		check := audit.CheckOf(f.Check).On(r.Product)
		line := check.Title
		switch {
		case f.State == audit.Excepted:
			line += " (excepted)"
		case f.Overdue(r.Now):
			line, t.overdue = line+" (overdue)", true
		case f.Fresh() && since:
			line += " (new)"
		}
		lines = append(lines, line)
		if t.todo == "" && table.GroupOf(f) == rank.Group {
			t.todo = strings.TrimSuffix(check.Fix+"\n"+audit.Command(&r.Record, f), "\n")
		}
	}
	t.found = strings.Join(lines, "\n")
	return t
}

func (b *Workbook) writeTodo(context.Context) error {
	const least, most = 40, 500 // rows that are printed: if little needs action, and if much does
	rows := b.totals.tasks.Take()
	needing := len(slices.DeleteFunc(slices.Clone(rows), func(t task) bool { return t.rank.calm }))
	lay := layout{
		name: sheetTodo, frozenCols: 3, printed: 12, printedRows: min(max(needing, least), most), lines: 12,
		note: audit.Number(needing) + " of " + audit.Number(len(rows)) + " rows need action, and come first. The others have lesser findings. Severity is the worst one without an exception.",
	}
	if len(rows) == 0 {
		lay.note = ""
	}
	l, err := newList(b, lay, b.taskColumns(), len(rows), b.totals.tasks.Seen(), b.in.WholeIn(table.AuthorizationsFile))
	if err != nil {
		return err
	}
	for _, t := range rows {
		row := t.row(b.in.Summary.Started)
		if err := l.add(taskRow{row, t}, row.Past()); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		err = protectFacts(l.file, l.listed, l.sheet.rows)
	}
	var ended error
	b.todo, ended = l.end("Nothing to decide: no token has a finding that somebody should act on.")
	return errors.Join(err, ended)
}

// taskColumns begin with what is decided on which token of whom. What is not printed
// stands behind.
func (b *Workbook) taskColumns() []table.ColumnOf[taskRow] {
	column := func(name string, width float64) table.ColumnOf[taskRow] { // as the tokens have it
		all := table.AuthorizationColumns()
		c := all[slices.IndexFunc(all, func(c table.Column) bool { return c.Name == name })]
		return table.ColumnOf[taskRow]{Header: c.Header, Width: width, Value: func(t taskRow) any { return c.Value(t.Row) }}
	}
	columns := []table.ColumnOf[taskRow]{
		{Header: "Decision", Width: 11},
		{Header: "Token", Width: 26, Wrap: true, Value: func(t taskRow) any { return b.tokenOf(t) }},
		{Header: "Owner", Width: 28, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.OwnerWords() }},
		{Header: "Severity", Width: 10, Kind: table.Severity, Value: func(t taskRow) any { return string(t.rank.Severity) }},
		{Header: "Needs action", Width: 9, Wrap: true, Value: func(t taskRow) any { return t.need() }},
		{Header: "Due (UTC)", Width: 12, Kind: table.Day, Value: func(t taskRow) any { return t.due }},
		{Header: "Findings", Width: 28, Wrap: true, Value: func(t taskRow) any { return t.found }},
		{Header: "What to do", Width: 40, Wrap: true, Value: func(t taskRow) any { return t.todo }},
		{Header: "Justification", Width: 16, Wrap: true},
		{Header: "Reviewer", Width: 11, Wrap: true},
		{Header: "Date", Width: 11, Kind: table.EntryDate},
		{Header: "Ticket", Width: 9, Wrap: true},
		{Header: "Responsible", Width: 24, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.Contact.Responsible }},
		{Header: "Team", Width: 16, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.Contact.Team }},
		{Header: "Purpose", Width: 24, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.Contact.Purpose }},
		{Header: "Overdue", Width: 9, Value: func(t taskRow) any { return table.YesNo(t.overdue) }},
		column("status_now", 9),
		{Header: "May write", Width: 30, Wrap: true, Limit: 200, Value: func(t taskRow) any { return t.Scope }},
		{Header: "Age (days)", Width: 8, Kind: table.Integer, Wrap: true, Value: func(t taskRow) any { return t.Age() }},
		column("owner_state", 12),
		{Header: "Record", Width: 10, Kind: table.Reference, Value: func(t taskRow) any { return b.linkTo(t) }},
		{Header: "Description", Width: 30, Wrap: true, Limit: 200, Value: func(t taskRow) any { return cmp.Or(t.Description, table.NoDescription) }},
		{Header: "Authorization ID", Width: 18, Value: func(t taskRow) any { return t.ID }},
		{Header: "Target", Width: 13, Value: func(t taskRow) any { return t.Target }},
		{Header: "Org", Width: 13, Value: func(t taskRow) any { return t.Org }},
		{Header: "Owner ID", Width: 18, Value: func(t taskRow) any { return t.UserID }},
		{Header: "Org ID", Width: 18, Value: func(t taskRow) any { return t.OrgID }},
	}
	if b.in.Shows("product") {
		columns = append(columns, column("product", 22))
	}
	return columns
}

func (t task) need() string {
	return table.YesNo(!t.rank.calm)
}

// tokenOf names a token by what people and what programs call it; of several targets it
// says which.
func (b *Workbook) tokenOf(t taskRow) string {
	text := tokenWords(described(t.Description), t.ID)
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
