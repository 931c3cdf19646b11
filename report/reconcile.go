package report

import (
	"fmt"

	"tokenaudit/jobs/audit"
)

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
		cell{value: formula{fmt.Sprintf("C%d-D%d", line, line), a.summary - a.counted}, look: look{kind: integer}},
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
	if legacy > 0 || c.survey.legacy() > 0 {
		hidden := c.survey.presences[presenceKey{audit.Hidden, true}]
		unseen := c.survey.presences[presenceKey{audit.Unseen, true}]
		accounts[2].summary -= unseen
		accounts = append(accounts, c.legacyAccount(legacy+hidden+unseen))
	}
	return accounts
}

func (c *scopeSheet) presence(name string, n int, p audit.Presence, legacy bool, meaning string) account {
	counted := c.survey.presences[presenceKey{p, legacy}]
	rows := c.authorizationTable().count(counted, is("Presence", string(p)), notLegacy)
	return account{name, n, rows, counted, meaning}
}

// Conditions on the class, where the 1.x authorizations have their own.
var (
	onlyLegacy = test{"Class", `"legacy"`}
	notLegacy  = test{"Class", `"<>legacy"`}
)

func (c *scopeSheet) legacyAccount(n int) account {
	counted := c.survey.legacy()
	return account{"1.x authorizations", n, c.authorizationTable().count(counted, onlyLegacy, notGone), counted, "of the 1.x compatibility API, in a store of their own"}
}

func (c *scopeSheet) population(first, last int) account {
	rows := formula{fmt.Sprintf("SUM(D%d:D%d)", first, last), c.survey.counts.Authorizations.Total}
	return account{"Population", c.sum.Authorizations.Total, rows, c.survey.counts.Authorizations.Total, "the sum of the lines above: every authorization that is known to exist"}
}

func (c *scopeSheet) statuses() []account {
	a, n, t := c.sum.Authorizations, c.survey.counts.Authorizations, c.authorizationTable()
	tokens := dataTable{sheetOwners, holderColumns(), len(c.survey.holders), c.maxRows}
	return []account{
		{"  active", a.Active, t.count(n.Active, test{"Status", `"<>inactive"`}, notGone), n.Active, "of the population"},
		{"  inactive", a.Inactive, t.count(n.Inactive, is("Status", "inactive"), notGone), n.Inactive, "of the population"},
		{"  with findings", a.Flagged, t.count(n.Flagged, flagged, notGone), n.Flagged, "of the population; each is on the sheet To do"},
		{"  by owner", a.Total, tokens.sum(n.Total, func(of func(string) string) string { return "SUM(" + of("Tokens") + ")" }), n.Total, "the tokens of the sheet Owners"},
		{"Gone", a.Gone, t.count(n.Gone, is("Presence", string(audit.Gone))), n.Gone, "no longer exist; listed once more, not part of the population"},
	}
}

func (c *scopeSheet) found() []account {
	f, n, t := c.sum.Findings, c.survey.counts.Findings, c.findingTable()
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
