package campaign

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
	"tokenaudit/report/table"
)

// column of the file of a reviewer, in which its name finds it again.
type column struct {
	name  string
	width float64
	// field is where a row has the cell; nil for a fact, which is in Row.Facts.
	field  func(*campaign.Row) *string
	number bool // a fact that is one
	yours  bool // for the reviewer to fill in
	hidden bool // tells which row it is
	hash   bool
	prompt string
}

// columns are in the order in which a person decides by them.
func columns() []column {
	return []column{
		{name: "Decision", width: 13, yours: true, field: func(r *campaign.Row) *string { return &r.Decision }},
		{name: campaign.FactToken, width: 34},
		{name: campaign.FactOwner, width: 24},
		{name: "Justification", width: 30, yours: true, field: func(r *campaign.Row) *string { return &r.Justification }, prompt: "Why: what needs the token, or what replaces it."},
		{name: "Until or new scope", width: 22, yours: true, field: func(r *campaign.Row) *string { return &r.UntilOrScope }, prompt: "keep: the last day on which it is needed, if one is known. modify: what the new token may do."},
		{name: "Ticket", width: 13, yours: true, field: func(r *campaign.Row) *string { return &r.Ticket }, prompt: "Where the work is followed."},
		{name: campaign.FactSeverity, width: 10},
		{name: campaign.FactWhy, width: 36},
		{name: campaign.FactClass, width: 15},
		{name: campaign.FactWrites, width: 24},
		{name: campaign.FactStatus, width: 10},
		{name: campaign.FactAge, width: 8, number: true},
		{name: campaign.FactWeeksOpen, width: 8, number: true},
		{name: campaign.FactLast, width: 24},
		{name: campaign.FactResponsible, width: 22},
		{name: campaign.FactPurpose, width: 20},
		{name: campaign.FactTarget, width: 13},
		{name: "Campaign", width: 20, hidden: true, field: func(r *campaign.Row) *string { return &r.Campaign }},
		{name: "Item", width: 40, hidden: true, field: func(r *campaign.Row) *string { return &r.Item }},
		{name: "Fingerprint", width: 20, hidden: true, hash: true, field: func(r *campaign.Row) *string { return &r.Fingerprint }},
		{name: "Facts", width: 20, hidden: true, hash: true, field: func(r *campaign.Row) *string { return &r.FactsSHA256 }},
		{name: "Reviewer", width: 20, hidden: true, field: func(r *campaign.Row) *string { return &r.Reviewer }},
	}
}

// rowOf is the row of a file for a line.
func rowOf(c campaign.Campaign, reviewer string, l campaign.Line, d campaign.Decision) campaign.Row {
	row := campaign.Row{
		Campaign: c.ID(), Item: l.ID, Fingerprint: l.Fingerprint, FactsSHA256: l.FactsSHA256, Reviewer: reviewer, Facts: make(map[string]string, len(l.Facts)),
		Decision: string(d.Decision), Justification: d.Justification, UntilOrScope: d.UntilOrScope, Ticket: d.Ticket,
	}
	for _, f := range l.Facts {
		row.Facts[f.Name] = f.Text
	}
	return row
}

// hashMark stands in front of a hash: a spreadsheet would make a number of 12e45678.
const hashMark = "#"

// write is the text of the cell of a row. It is no formula in any program that the file
// or what is exported from it is opened with.
func (c column) write(r *campaign.Row) string {
	switch {
	case c.field == nil:
		return inert(r.Facts[c.name])
	case c.hash:
		return hashMark + *c.field(r)
	}
	return inert(*c.field(r))
}

// read puts the text of a cell into a row, the inverse of write.
func (c column) read(text string, r *campaign.Row) {
	text = fromInert(bounded(text))
	switch {
	case c.hash:
		*c.field(r) = strings.TrimPrefix(strings.TrimSpace(text), hashMark)
	case c.field != nil:
		*c.field(r) = text
	case c.number:
		r.Facts[c.name] = wholeNumber(text)
	default:
		r.Facts[c.name] = text
	}
}

// inert is text that no program takes for a formula, nor for the code of a character:
// workbooks write those as _x0041_, and not all programs write text like that as another
// reads it. A backslash parts it.
func inert(s string) string {
	s = table.FormulaSafe(audit.Visible(s, true))
	if !likeCode.MatchString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] == '_' && codeAhead.MatchString(s[i:]) {
			b.WriteByte('\\')
		}
	}
	return b.String()
}

// fromInert undoes inert.
func fromInert(s string) string {
	if likeCode.MatchString(s) {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			b.WriteByte(s[i])
			if s[i] == '_' && i+1 < len(s) && s[i+1] == '\\' && codeAhead.MatchString(s[i:]) {
				i++
			}
		}
		s = b.String()
	}
	return table.FromFormulaSafe(s)
}

var (
	likeCode  = regexp.MustCompile(`_\\*x[0-9A-Fa-f]{4}_`)
	codeAhead = regexp.MustCompile(`^_\\*x[0-9A-Fa-f]{4}_`)
)

// wholeNumber is a number as a fact has it, whatever a spreadsheet makes of it: 12 for
// 12.0. Other text stays.
func wholeNumber(text string) string {
	n, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(text), ",", ".", 1), 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return text
	}
	return strconv.FormatFloat(n, 'f', 0, 64)
}

// longestText is what Excel allows in a cell.
const longestText = 32767

// bounded is text in UTF-8 with one kind of line end; what no cell of Excel holds is cut.
func bounded(s string) string {
	if len(s) > longestText {
		if runes := []rune(s[:min(len(s), 4*longestText+4)]); len(runes) > longestText {
			s = string(runes[:longestText-1]) + "…"
		}
	}
	if strings.Contains(s, "\r") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
