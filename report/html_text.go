package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tokenaudit/jobs/audit"
)

const (
	cellRunes = 140  // in a cell of a table
	longRunes = 2000 // where there is room
)

// long makes text from outside safe to show in full, up to a bound. What is cut
// says so, and how long it was.
func long(s string) string {
	if utf8.RuneCountInString(s) <= longRunes {
		return audit.Visible(s, true)
	}
	return audit.Visible(firstRunes(s, longRunes), true) + fmt.Sprintf("… (cut, %s characters in all)", grouped(utf8.RuneCountInString(s)))
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// display is the value of a column as a person reads it.
func display(v value) string {
	switch v := known(v); v.is {
	case aText:
		return v.text
	case aNumber:
		return grouped(int(v.number))
	case aTime:
		return moment(v.at())
	}
	return ""
}

// sortKey orders what does not sort by its words; empty where the words do.
func sortKey(c column, v value) string {
	switch {
	case v.is == aNumber:
		return fmt.Sprint(v.number)
	case v.is == aTime:
		return fmt.Sprint(v.number)
	case c.kind == severity:
		return fmt.Sprint(place(audit.Severities(), audit.Severity(v.text)))
	case c.kind == date: // not known
		return fmt.Sprint(time.Time{}.Unix())
	case v.is == noValue:
		return "-1"
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

func capital(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

func ownerWords(s audit.OwnerState) string {
	switch s {
	case audit.OwnerNotMember:
		return "not a member"
	case "":
		return "not known"
	}
	return string(s)
}
