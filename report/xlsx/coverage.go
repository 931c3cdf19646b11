package xlsx

import (
	"context"
	"fmt"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// scopeSheet is the sheet Coverage in the making: how much of every target was
// seen, whether the sheets hold all of it, and what was asked to find that out.
type scopeSheet struct {
	*Workbook
	*page
	sum audit.Summary
}

func (b *Workbook) coverage(context.Context) error {
	s, err := b.open(layout{name: sheetCoverage, widths: []float64{22, 26, 11, 10, 10, 10, 10, 10, 10, 46}, paper: paperA4, pages: 1})
	if err != nil {
		return err
	}
	c := &scopeSheet{Workbook: b, page: &page{sheet: s, columns: 10}, sum: b.draft.In.Summary}
	c.wide(30, "Coverage", look{role: title})
	c.wide(26, table.CoverageWords(c.sum.Coverage.Verdict), look{role: band, word: string(c.sum.Coverage.Verdict)})
	c.targets()
	c.remarks()
	c.reconcile()
	c.questions()
	if c.err != nil {
		return c.err
	}
	return s.Flush()
}

func (c *scopeSheet) targets() {
	c.section("Targets")
	c.header(left("Target"), left("Server"), left("Verdict"), right("Listed"), right("Hidden"), right("Unseen"), right("1.x"), right("Rows"), left("Check"), left("Meaning"))
	for _, t := range c.sum.Coverage.Targets {
		c.target(t)
	}
}

// target compares what the target's own figures add up to with the rows.
func (c *scopeSheet) target(t audit.Coverage) {
	n := c.totals.targets[t.Target]
	rows := c.authorizationTable().count(n, test{"Target", c.at(1)}, notGone)
	want := t.Listed + t.Hidden + t.Unseen + t.Legacy
	line := c.rows + 1
	c.flow(
		cell{value: t.Target, look: look{wrap: true}}, cell{value: t.Server, look: look{wrap: true}}, coloured(string(t.Verdict)),
		number(t.Listed), number(t.Hidden), number(t.Unseen), number(t.Legacy), figureOf(rows),
		verdictOf(fmt.Sprintf("SUM(D%d:G%d)=H%d", line, line, line), want == n),
		wrapped(targetMeaning(want-n), 1),
	)
}

func targetMeaning(missing int) string {
	if missing > 0 {
		return table.Plural(missing, "authorization") + " counted by the server and shown by nothing: no row can exist"
	}
	return "rows of the sheet Authorizations"
}

// Words of a check cell.
const (
	agrees  = "OK"
	differs = "DIFFERS"
)

// verdictOf is a live check with the word that it has now.
func verdictOf(condition string, holds bool) cell {
	word := differs
	if holds {
		word = agrees
	}
	return cell{value: table.Formula{Text: fmt.Sprintf(`IF(%s,"%s","%s")`, condition, agrees, differs), Now: word}, look: look{word: word}}
}

// remarks are the reasons of a verdict, the blind spots and what else is to know.
func (c *scopeSheet) remarks() {
	c.section("What was seen, and what cannot be")
	c.header(left("Target"), left("Kind"), across(8, left("What")))
	for _, t := range c.sum.Coverage.Targets {
		c.remark(t.Target, "Source", t.Source)
		c.remark(t.Target, "Reason", t.Reasons...)
		c.remark(t.Target, "Blind spot", t.BlindSpots...)
		c.remark(t.Target, "Server's own count", table.StoredWords(t.Stored)...)
		c.remark(t.Target, "Clock", skew(t.ClockSkewSeconds))
	}
}

func (c *scopeSheet) remark(target, kind string, texts ...string) {
	for _, text := range texts {
		if text != "" {
			c.flow(wrapped(target, 1), labelled(kind), wrapped(text, 8))
		}
	}
}

func skew(seconds int) string {
	switch {
	case seconds > 0:
		return "the server is " + table.Plural(seconds, "second") + " ahead of the review"
	case seconds < 0:
		return "the server is " + table.Plural(-seconds, "second") + " behind the review"
	}
	return ""
}

// questions are what was put to the targets; the requests are on the sheet About.
func (c *scopeSheet) questions() {
	c.section("What was asked")
	c.header(left("Target"), across(2, left("What")), left("Verdict"), right("Rows"), right("Foreign"), across(4, left("Reason")))
	for _, t := range c.sum.Coverage.Targets {
		for _, q := range t.Asked {
			c.flow(wrapped(t.Target, 1), wrapped(q.What, 2), coloured(string(q.Verdict)), number(q.Rows), number(q.Foreign), wrapped(q.Reason, 4))
		}
	}
}

// account is a line of the reconciliation: what summary.json says, and what the
// rows of this workbook come to.
type account struct {
	name    string
	summary int
	rows    any // a formula, or the number where there are no rows
	counted int // what the formula comes to
	meaning string
}

// reconcile counts the rows of the workbook again and compares.
func (c *scopeSheet) reconcile() {
	c.section("Reconciliation: summary.json against the rows of this workbook")
	c.header(across(2, left("Count")), right("Summary"), right("Rows"), right("Difference"), left("Check"), across(4, left("Meaning")))
	first := c.rows + 1
	for _, a := range c.presences() {
		c.account(a)
	}
	c.account(c.population(first, c.rows))
	for _, a := range append(c.statuses(), c.found()...) {
		c.account(a)
	}
}

func (c *scopeSheet) account(a account) {
	line := c.rows + 1
	c.flow(
		across(2, labelled(a.name)), number(a.summary), figureOf(a.rows),
		cell{value: table.Formula{Text: fmt.Sprintf("C%d-D%d", line, line), Now: a.summary - a.counted}, look: look{kind: table.Integer}},
		verdictOf(fmt.Sprintf("C%d=D%d", line, line), a.summary == a.counted), wrapped(a.meaning, 4),
	)
}

// presences add up to the population.
func (c *scopeSheet) presences() []account {
	var listed, hidden, unseen, legacy int
	for _, t := range c.sum.Coverage.Targets {
		listed, hidden, unseen, legacy = listed+t.Listed, hidden+t.Hidden, unseen+t.Unseen, legacy+t.Legacy
	}
	accounts := []account{
		c.presence("Listed", listed, audit.Listed, false, "shown by the list of authorizations"),
		c.presence("Hidden", hidden, audit.Hidden, false, "exist, though the list left them out; what only the server's own count shows has no row"),
		c.presence("Unseen", unseen, audit.Unseen, false, "of earlier reviews, could not be asked for now; their findings stand"),
	}
	if legacy > 0 || c.totals.legacy() > 0 {
		hidden := c.totals.presences[presenceKey{audit.Hidden, true}]
		unseen := c.totals.presences[presenceKey{audit.Unseen, true}]
		accounts[2].summary -= unseen
		accounts = append(accounts, c.legacyAccount(legacy+hidden+unseen))
	}
	return accounts
}

func (c *scopeSheet) presence(name string, n int, p audit.Presence, legacy bool, meaning string) account {
	counted := c.totals.presences[presenceKey{p, legacy}]
	rows := c.authorizationTable().count(counted, is("Presence", string(p)), notLegacy)
	return account{name, n, rows, counted, meaning}
}

// Conditions on the class, where the 1.x authorizations have their own.
var (
	onlyLegacy = test{"Class", `"legacy"`}
	notLegacy  = test{"Class", `"<>legacy"`}
)

func (c *scopeSheet) legacyAccount(n int) account {
	counted := c.totals.legacy()
	return account{"1.x authorizations", n, c.authorizationTable().count(counted, onlyLegacy, notGone), counted, "of the 1.x compatibility API, in a store of their own"}
}

func (c *scopeSheet) population(first, last int) account {
	rows := table.Formula{Text: fmt.Sprintf("SUM(D%d:D%d)", first, last), Now: c.totals.counts.Authorizations.Total}
	return account{"Population", c.sum.Authorizations.Total, rows, c.totals.counts.Authorizations.Total, "the sum of the lines above: every authorization that is known to exist"}
}

func (c *scopeSheet) statuses() []account {
	a, n, t := c.sum.Authorizations, c.totals.counts.Authorizations, c.authorizationTable()
	tokens := dataTable{sheetOwners, holderColumns(), len(c.totals.holders), c.maxRows}
	return []account{
		{"  active", a.Active, t.count(n.Active, test{"Status", `"<>inactive"`}, notGone), n.Active, "of the population"},
		{"  inactive", a.Inactive, t.count(n.Inactive, is("Status", "inactive"), notGone), n.Inactive, "of the population"},
		{"  with findings", a.Flagged, t.count(n.Flagged, flagged, notGone), n.Flagged, "of the population; each is on the sheet To do"},
		{"  by owner", a.Total, tokens.sum(n.Total, func(of func(string) string) string { return "SUM(" + of("Tokens") + ")" }), n.Total, "the tokens of the sheet Owners"},
		{"Gone", a.Gone, t.count(n.Gone, is("Presence", string(audit.Gone))), n.Gone, "no longer exist; listed once more, not part of the population"},
	}
}

func (c *scopeSheet) found() []account {
	f, n, t := c.sum.Findings, c.totals.counts.Findings, c.findingTable()
	accounts := []account{{"Findings", f.Total, t.count(n.Total, current), n.Total, "rows of the sheet Findings that are not resolved"}}
	for _, sev := range audit.Severities() {
		accounts = append(accounts, account{"  " + string(sev), f.BySeverity[sev], t.count(n.BySeverity[sev], is("Severity", string(sev)), current), n.BySeverity[sev], "of the findings"})
	}
	for _, state := range []audit.FindingState{audit.New, audit.Open, audit.Reopened, audit.Resolved} {
		accounts = append(accounts, account{"  " + string(state), f.ByState[state], t.count(n.ByState[state], is("State", string(state))), n.ByState[state], stateMeaning(state)})
	}
	return accounts
}

func stateMeaning(s audit.FindingState) string {
	if s == audit.Resolved {
		return "by this review; not part of the findings"
	}
	return "of the findings"
}
