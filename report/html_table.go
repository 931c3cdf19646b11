package report

import (
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// tableView is a table of the page that can be searched, filtered and sorted.
type tableView struct {
	ID, Title, Note string
	Placeholder     string
	Columns         []columnView
	Filters         []filterView
	Rows            []rowView
}

type filterView struct {
	Name, Label string
	Options     []optionView
}

type optionView struct{ Value, Label string }

// columnView is a column of the page: one column of the report, and a second in
// small print below it. Detail columns give way on a narrow screen, where the
// view of the token has them.
type columnView struct {
	Header    string
	main, sub string // names of columns of the report
	upper     column
	lower     *column
	unit      string // after the small print
	chip      bool
	open      bool // leads to the view of the token
	Detail    bool
}

// rowView carries what its table filters by, and what it finds without showing it.
type rowView struct {
	Token                        int
	Severity, State, Owner, Find string
	Past                         bool
	Cells                        []cellView
}

type cellView struct {
	Text, Sub, Key, Chip string
	Open, Detail, Day    bool
}

// cells are the cells of a row in the words of the given columns.
func cells(views []columnView, r *row) []cellView {
	out := make([]cellView, 0, len(views))
	for _, v := range views {
		value := v.upper.value(r)
		made := cellView{Text: cellText(value), Key: sortKey(v.upper, value), Open: v.open, Detail: v.Detail, Day: v.upper.kind == date}
		if v.lower != nil {
			made.Sub = cellText(v.lower.value(r)) + v.unit
		}
		if v.chip && made.Text != "" {
			made.Chip = chipClass(made.Text)
		}
		if v.open && made.Text == "" {
			made.Text = "(no description)"
		}
		out = append(out, made)
	}
	return out
}

// cellText is short: of a time it has the day.
func cellText(v value) string {
	if v.is == aTime {
		return day(v.at())
	}
	return audit.Line(strings.ReplaceAll(display(v), "not_member", "not a member"), cellRunes)
}

// chipClass is the class of a word that has a colour; a severity or verdict that
// this version does not know has none.
func chipClass(word string) string {
	if _, ok := paintOf(word); ok {
		return word
	}
	return "plain"
}

// bound ties the columns of the page to those of the report, which they show.
func bound(views []columnView, columns []column) []columnView {
	named := func(name string) *column {
		at := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		if at < 0 {
			return nil
		}
		return &columns[at]
	}
	for i := range views {
		views[i].upper, views[i].lower = *named(views[i].main), named(views[i].sub)
	}
	return views
}

func severityFilter() filterView {
	f := filterView{Name: "severity", Label: "Severity"}
	for _, s := range audit.Severities() {
		f.Options = append(f.Options, optionView{string(s), string(s)})
	}
	return f
}

func ownerFilter() filterView {
	f := filterView{Name: "owner", Label: "Owner"}
	for _, s := range ownerStates() {
		f.Options = append(f.Options, optionView{string(s), ownerWords(s)})
	}
	return f
}

func ownerStates() []audit.OwnerState {
	return []audit.OwnerState{audit.OwnerDeleted, audit.OwnerInactive, audit.OwnerNotMember, audit.OwnerUnknown, audit.OwnerPresent}
}

func options[T ~string](values ...T) []optionView {
	var out []optionView
	for _, v := range values {
		out = append(out, optionView{string(v), string(v)})
	}
	return out
}

// bounded says how much of a table the page has.
func bounded(shown, all int, noun, file string) string {
	if shown >= all {
		return plural(all, noun) + "."
	}
	return "The " + grouped(shown) + " most severe of " + grouped(all) + "; the rest is in " + file + "."
}
