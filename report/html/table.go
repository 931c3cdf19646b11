package html

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
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
	Values      any // a slice of words
}

// columnView is a column of the page: one column of the report, and a second in
// small print below it. Detail columns give way on a narrow screen, where the
// view of the token has them.
type columnView struct {
	Header       string
	upper, lower table.Column // lower without a name for none
	unit         string       // after the small print
	chip         bool
	open         bool // leads to the view of the token
	Detail       bool
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
func cells(views []columnView, r *table.Row) []cellView {
	out := make([]cellView, 0, len(views))
	for _, v := range views {
		value := v.upper.Value(r)
		made := cellView{Text: cellText(value), Key: sortKey(v.upper, value), Open: v.open, Detail: v.Detail, Day: v.upper.Kind == table.Date}
		if v.lower.Name != "" {
			made.Sub = cellText(v.lower.Value(r)) + v.unit
		}
		if v.chip && made.Text != "" {
			made.Chip = "plain" // for a severity that this version does not know
			if slices.Contains(audit.Severities(), audit.Severity(made.Text)) {
				made.Chip = made.Text
			}
		}
		if v.open && made.Text == "" {
			made.Text = "(no description)"
		}
		out = append(out, made)
	}
	return out
}

// cellText is short: of a time it has the day.
func cellText(v any) string {
	if at, ok := v.(time.Time); ok {
		return day(at)
	}
	return audit.Line(plain(display(v)), cellRunes)
}

// byName are the columns of the report, which those of the page show.
func byName(columns []table.Column) map[string]table.Column {
	out := map[string]table.Column{}
	for _, c := range columns {
		out[c.Name] = c
	}
	return out
}

// plain is a word of ours as people write it.
func plain(word string) string { return strings.ReplaceAll(word, "not_member", "not a member") }

// ownerStates are in the order of the page.
func ownerStates() []audit.OwnerState {
	return []audit.OwnerState{audit.OwnerDeleted, audit.OwnerInactive, audit.OwnerNotMember, audit.OwnerUnknown, audit.OwnerNone, audit.OwnerPresent}
}

// bounded says how much of a table the page has.
func bounded(shown table.Shown, noun string) string {
	if shown.Whole() {
		return table.Plural(shown.Of, noun) + "."
	}
	return shown.Words()
}

const (
	cellRunes = 140  // in a cell of a table
	longRunes = 2000 // where there is room
)

// long makes text from outside safe to show in full, up to a bound. What is cut
// says so, and how long it was.
func long(s string) string {
	all := utf8.RuneCountInString(s)
	if all <= longRunes {
		return audit.Visible(s, true)
	}
	runes := 0
	for at := range s {
		if runes == longRunes {
			s = s[:at]
			break
		}
		runes++
	}
	return audit.Visible(s, true) + fmt.Sprintf("… (cut, %s characters in all)", table.Grouped(all))
}

// display is the value of a column as a person reads it.
func display(v any) string {
	switch v := v.(type) {
	case nil:
		return table.Unknown
	case int:
		return table.Grouped(v)
	case time.Time:
		return table.Moment(v)
	}
	return fmt.Sprint(v)
}

// sortKey orders what does not sort by its words; empty where the words do.
func sortKey(c table.Column, v any) string {
	switch v := v.(type) {
	case int:
		return fmt.Sprint(v)
	case time.Time:
		return fmt.Sprint(v.Unix())
	case string:
		if c.Kind == table.Severity {
			return fmt.Sprint(table.Rank(audit.Severities(), audit.Severity(v)))
		}
		return ""
	}
	if c.Kind == table.Date { // not known
		return fmt.Sprint(time.Time{}.Unix())
	}
	return "-1"
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }
