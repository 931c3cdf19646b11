package xlsx

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

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

func (b *Workbook) writeCoverage(context.Context) error {
	s, err := b.open(b.File, layout{name: sheetCoverage, widths: []float64{22, 26, 11, 10, 10, 10, 10, 10, 10, 46}})
	if err != nil {
		return err
	}
	c := &scopeSheet{Workbook: b, page: &page{sheet: s, columns: 10}, sum: b.in.Summary}
	c.wide(30, "Coverage", look{role: title})
	c.wide(26, table.CoverageWords(c.sum.Coverage), look{role: band, word: string(c.sum.Coverage.Verdict)})
	if lacking := slices.DeleteFunc(c.shown(), table.Shown.Whole); len(lacking) > 0 {
		c.section("What the sheets show")
		for _, l := range lacking {
			c.fact(l.Table, l.Words())
		}
	}
	c.targets()
	c.gaps()
	c.premises()
	c.remarks()
	c.reconcile()
	c.section("What was asked") // the requests are on the sheet About
	c.header(left("Target"), across(2, left("What")), left("Verdict"), right("Rows"), right("Foreign"), across(4, left("Reason")))
	for _, t := range c.sum.Coverage.Targets {
		for _, q := range t.Asked {
			c.flow(wrapped(t.Target, 1), wrapped(q.What, 2), coloured(string(q.Verdict)), number(q.Rows), number(q.Foreign), wrapped(q.Reason, 4))
		}
	}
	return c.end()
}

// targets compares what each target's own figures add up to with the rows.
func (c *scopeSheet) targets() {
	c.section("Targets")
	c.header(left("Target"), left("Product"), left("Verdict"), right("Listed"), right("Hidden"), right("Unseen"), right("1.x"), right("Rows"), left("Check"), left("Meaning"))
	for _, t := range c.sum.Coverage.Targets {
		n := c.authorizations(func(k kind) bool { return k.target == t.Target && k.exists() })
		want := t.Listed + t.Hidden + t.Unseen + t.Legacy
		meaning, line := "rows of the sheet Authorizations", c.rows+1
		if missing := want - n.all; missing > 0 {
			meaning = audit.Plural(missing, "token") + " that the server counts and no list shows: no row can exist"
		}
		if accepted := audit.AcceptedWords(t.Accepted()); accepted != "" {
			meaning += "; the verdict is with " + accepted
		}
		c.flow(
			wrapped(t.Target, 1), wrapped(t.ProductWords(), 1), coloured(string(t.Verdict)),
			number(t.Listed), number(t.Hidden), number(t.Unseen), number(t.Legacy), number(c.population.count(n, test{"Target", "$" + c.at()}, notGone)),
			verdictOf(fmt.Sprintf("SUM(D%d:G%d)-H%d", line, line, line), want-n.all, c.withoutRow(t)),
			wrapped(meaning+c.lacking(n), 1),
		)
	}
}

// lacking says how many of a count are not on its sheet.
func (c *scopeSheet) lacking(n tally) string {
	if n.left() == 0 {
		return ""
	}
	return "; " + audit.Number(n.left()) + " of these are not on it"
}

// Words of a check cell.
const (
	agrees    = "OK"
	explained = "explained" // by tokens that no row can exist for
	differs   = "DIFFERS"
)

// verdictOf is a live check of a difference with the word that it has now. The difference
// may also be the tokens that no row can exist for.
func verdictOf(difference string, now, explains int) cell {
	word, otherwise := differs, `"`+differs+`"`
	if explains > 0 {
		otherwise = fmt.Sprintf(`IF(%s=%d,"%s","%s")`, difference, explains, explained, differs)
	}
	switch {
	case now == 0:
		word = agrees
	case now == explains:
		word = explained
	}
	return cell{value: formula{fmt.Sprintf(`IF(%s=0,"%s",%s)`, difference, agrees, otherwise), word}, look: look{word: word}}
}

// withoutRow are the tokens of a target that the server counts and no list shows, where a
// gap says so.
func (c *scopeSheet) withoutRow(t audit.Coverage) int {
	known := c.authorizations(func(k kind) bool { return k.target == t.Target && k.presence == audit.Hidden && !k.legacy }).all
	if !slices.ContainsFunc(t.Gaps, func(g audit.Gap) bool { return g.Premise() == audit.StoredListed }) {
		return 0
	}
	return max(0, t.Hidden-known)
}

// gaps are what lowers the verdict, and what people accepted.
func (c *scopeSheet) gaps() {
	if len(c.sum.Coverage.AllGaps()) == 0 {
		return
	}
	c.section("Gaps: premises that do not hold")
	c.header(left("Target"), across(2, left("Gap")), across(2, left("Verdict")), across(4, left("What is missing")), left("What to do, or who accepted it"))
	of := func(target string, all []audit.Gap) {
		gaps, more := table.GapsOf(all)
		for _, g := range gaps {
			c.flow(wrapped(target, 1), wrapped(strings.TrimPrefix(g.Title+"\n", "\n")+g.ID, 2), across(2, coloured(g.State)), wrapped(g.Reason, 4), wrapped(g.Remedy, 1))
		}
		if more > 0 {
			c.flow(wrapped(target, 1), wrapped("and "+audit.Number(more)+" more gaps, all in summary.json", 9))
		}
	}
	for _, t := range c.sum.Coverage.Targets {
		of(t.Target, t.Gaps)
	}
	of("(the job)", c.sum.Coverage.Gaps)
}

// premises are what the verdict of each target is argued from.
func (c *scopeSheet) premises() {
	none := true
	for _, t := range c.sum.Coverage.Targets {
		for _, p := range table.PremisesOf(t) {
			if none {
				c.section("Premises: what the verdict follows from")
				c.header(left("Target"), across(2, left("Premise")), across(2, left("State")), across(5, left("Evidence")))
				none = false
			}
			c.flow(wrapped(t.Target, 1), wrapped(strings.TrimPrefix(p.Title+"\n", "\n")+p.ID, 2), across(2, coloured(p.State)), wrapped(p.Evidence, 5))
		}
	}
}

// remarks are the blind spots and what else is to know.
func (c *scopeSheet) remarks() {
	c.section("What was seen, and what cannot be")
	c.header(left("Target"), left("Kind"), across(8, left("What")))
	for _, t := range c.sum.Coverage.Targets {
		remark := func(kind string, texts ...string) {
			for _, text := range texts {
				if text != "" {
					c.flow(wrapped(t.Target, 1), labelled(kind), wrapped(text, 8))
				}
			}
		}
		remark("Source", t.Source)
		remark("Source ID", strings.Join(t.Sources, ", "))
		remark("Credentials", table.CredentialWords(t.Credentials))
		if len(t.Gaps) == 0 { // an earlier version noted reasons alone
			remark("Reason", t.Reasons...)
		}
		for _, unused := range t.AcceptedUnused {
			remark("Accepted gap", unused.UnusedWords())
		}
		_, spots := t.LimitIDs()
		remark("Blind spot", spots...)
		remark("Beyond the list", t.HiddenWords("token"))
		remark("Server's own count", table.StoredWords(t.Stored)...)
		remark("Clock", skew(t.ClockSkewSeconds))
	}
	c.limits()
}

// limits of products are in every review: one row each, however many targets have it.
func (c *scopeSheet) limits() {
	var texts []string
	targets := map[string][]string{}
	for _, t := range c.sum.Coverage.Targets {
		for _, spot := range t.BlindSpots {
			if audit.LimitOf(spot) == "" {
				continue
			}
			if len(targets[spot]) == 0 {
				texts = append(texts, spot)
			}
			targets[spot] = append(targets[spot], t.Target)
		}
	}
	for _, text := range texts {
		c.flow(wrapped(audit.Names(targets[text], 10), 1), labelled("Limit"), wrapped(text, 8))
	}
}

func skew(seconds int) string {
	switch {
	case seconds > 0:
		return "the server is " + audit.Plural(seconds, "second") + " ahead of the review"
	case seconds < 0:
		return "the server is " + audit.Plural(-seconds, "second") + " behind the review"
	}
	return ""
}

// account is a line of the reconciliation: what summary.json says, and what the
// rows of this workbook come to.
type account struct {
	name    string
	summary int
	rows    any // a formula, or the number where there are no rows
	counted tally
	meaning string
	without int // tokens that no row can exist for
}

// reconcile counts the rows of the workbook again and compares. What a sheet lacks
// is added as a number of its own.
func (c *scopeSheet) reconcile() {
	c.section("Reconciliation: summary.json against the rows of this workbook")
	c.header(across(2, left("Count")), right("Summary"), right("Rows"), right("Difference"), left("Check"), across(4, left("Meaning")))
	first := c.rows + 1
	for _, a := range c.presences() {
		c.account(a)
	}
	all := c.authorizations(kind.exists)
	c.account(account{name: "Population", summary: c.sum.Authorizations.Total, rows: formula{fmt.Sprintf("SUM(D%d:D%d)", first, c.rows), all.all}, counted: tally{all.all, all.all}, meaning: "the sum of the lines above: every token that is known to exist"})
	for _, a := range append(c.statuses(), c.found()...) {
		c.account(a)
	}
}

func (c *scopeSheet) account(a account) {
	line := c.rows + 1
	c.flow(
		across(2, labelled(a.name)), number(a.summary), number(a.rows),
		cell{value: formula{fmt.Sprintf("C%d-D%d", line, line), a.summary - a.counted.all}, look: look{kind: table.Integer}},
		verdictOf(fmt.Sprintf("C%d-D%d", line, line), a.summary-a.counted.all, a.without), wrapped(a.meaning+c.lacking(a.counted), 4),
	)
}

// of is an account of authorizations.
func (c *scopeSheet) of(name string, n int, meaning string, counted func(kind) bool, tests ...test) account {
	f := c.authorizations(counted)
	return account{name: name, summary: n, rows: c.population.count(f, tests...), counted: f, meaning: meaning}
}

// presences add up to the population.
func (c *scopeSheet) presences() []account {
	var listed, hidden, unseen, legacy int
	for _, t := range c.sum.Coverage.Targets {
		listed, hidden, unseen, legacy = listed+t.Listed, hidden+t.Hidden, unseen+t.Unseen, legacy+t.Legacy
	}
	presence := func(name string, n int, p audit.Presence, meaning string) account {
		return c.of(name, n, meaning, func(k kind) bool { return k.presence == p && !k.legacy }, is("Presence", string(p)), notLegacy)
	}
	ofLegacy := func(ps ...audit.Presence) int {
		return c.authorizations(func(k kind) bool { return k.legacy && slices.Contains(ps, k.presence) }).all
	}
	accounts := []account{
		presence("Listed", listed, audit.Listed, "shown by the list"),
		presence("Hidden", hidden, audit.Hidden, "exist, though the list left them out; what only the server's own count shows has no row"),
		presence("Unseen", unseen, audit.Unseen, "of earlier reviews, could not be looked up; their findings stay open"),
	}
	for _, t := range c.sum.Coverage.Targets {
		accounts[1].without += c.withoutRow(t)
	}
	if all := ofLegacy(audit.Listed, audit.Hidden, audit.Unseen); legacy > 0 || all > 0 {
		accounts[2].summary -= ofLegacy(audit.Unseen)
		accounts = append(accounts, c.of("1.x tokens", legacy+ofLegacy(audit.Hidden, audit.Unseen), "of the 1.x compatibility API, in a store of their own",
			func(k kind) bool { return k.legacy && k.exists() }, onlyLegacy, notGone))
	}
	return accounts
}

// ended: a token of that status does not work.
func ended(s audit.Status) bool {
	return s == audit.Inactive || s == audit.Expired || s == audit.Revoked
}

func (c *scopeSheet) statuses() []account {
	a := c.sum.Authorizations
	byOwner := tally{c.authorizations(kind.exists).all, c.tokensOfOwners}
	accounts := []account{
		c.of("  active", a.Active, "of the population", func(k kind) bool { return k.exists() && !ended(k.status) }, test{"Status", `"<>inactive"`}, test{"Status", `"<>expired"`}, test{"Status", `"<>revoked"`}, notGone),
		c.of("  with findings", a.Flagged, "of the population", func(k kind) bool { return k.exists() && k.flagged }, flagged, notGone),
		{name: "  by owner", summary: a.Total, rows: c.owners.formula(byOwner, "SUM("+c.owners.reference("Tokens")+")"), counted: byOwner, meaning: "the tokens of the sheet Owners"},
	}
	for i, status := range []audit.Status{audit.Inactive, audit.Expired, audit.Revoked} {
		n := []int{a.Inactive, a.Expired, a.Revoked}[i]
		of := c.of("  "+string(status), n, "of the population", func(k kind) bool { return k.exists() && k.status == status }, is("Status", string(status)), notGone)
		if status == audit.Inactive || n > 0 || of.counted.all > 0 {
			accounts = slices.Insert(accounts, len(accounts)-2, of)
		}
	}
	if s := c.sum; s.NeedsAction.Known() {
		accounts = append(accounts,
			c.of("  need action", s.NeedsAction.Tokens, "of the population; critical, high, or overdue", func(k kind) bool { return k.exists() && k.needs }, is("Needs action", table.Yes), notGone),
			account{name: "  active write tokens", summary: s.Inventory.ActiveWrite, rows: c.inventory.formula(c.writeTokens, "SUM("+c.inventory.reference("Tokens")+")"), counted: c.writeTokens, meaning: "the tokens of the sheet Inventory"},
		)
	}
	return append(accounts, c.of("Gone", a.Gone, "no longer exist; listed once more, not part of the population", func(k kind) bool { return !k.exists() }, is("Presence", string(audit.Gone))))
}

func (c *scopeSheet) found() []account {
	f := c.sum.Findings
	all := c.foundOf(func(_ table.Group, s audit.FindingState) bool { return s.Current() })
	accounts := []account{{name: "Findings", summary: f.Total, rows: c.findings.count(all, unresolved, judged), counted: all, meaning: "rows of the sheet Findings that stand"}}
	for _, sev := range audit.Severities() {
		n := c.ofSeverity(sev)
		accounts = append(accounts, account{name: "  " + string(sev), summary: f.BySeverity[sev], rows: c.findings.count(n, is("Severity", string(sev)), unresolved, judged), counted: n, meaning: "of the findings"})
	}
	meanings := map[audit.FindingState]string{
		audit.ByPolicy: "of the findings; existed before, and only the present policy finds them",
		audit.Resolved: "by this review; not part of the findings", audit.NotJudged: "by a change of policy; not part of the findings",
	}
	for _, state := range []audit.FindingState{audit.New, audit.Open, audit.Reopened, audit.ByPolicy, audit.Resolved, audit.NotJudged} {
		n, meaning := c.ofState(state), cmp.Or(meanings[state], "of the findings")
		if rare := state == audit.ByPolicy || state == audit.NotJudged; rare && f.ByState[state] == 0 && n.all == 0 {
			continue
		}
		accounts = append(accounts, account{name: "  " + string(state), summary: f.ByState[state], rows: c.findings.count(n, is("State", string(state))), counted: n, meaning: meaning})
	}
	return accounts
}
