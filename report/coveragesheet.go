package report

import (
	"context"
	"fmt"
	"strings"

	"tokenaudit/jobs/audit"
)

// scopeSheet is the sheet Coverage in the making: how much of every target was
// seen, whether the sheets hold all of it, and what was asked to find that out.
type scopeSheet struct {
	*book
	*page
	sum audit.Summary
}

func (b *book) coverage(context.Context) error {
	s, err := b.open(layout{name: sheetCoverage, widths: []float64{22, 26, 11, 10, 10, 10, 10, 10, 10, 46}, paper: paperA4, pages: 1})
	if err != nil {
		return err
	}
	c := &scopeSheet{book: b, page: &page{sheet: s, columns: 10}, sum: b.draft.in.Summary}
	c.wide(30, "Coverage", look{role: title})
	c.wide(26, coverageWords(c.sum.Coverage.Verdict), look{role: band, word: string(c.sum.Coverage.Verdict)})
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
	n := c.survey.targets[t.Target]
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
		return plural(missing, "authorization") + " counted by the server and shown by nothing: no row can exist"
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
	return cell{value: formula{fmt.Sprintf(`IF(%s,"%s","%s")`, condition, agrees, differs), word}, look: look{word: word}}
}

// remarks are the reasons of a verdict, the blind spots and what else is to know.
func (c *scopeSheet) remarks() {
	c.section("What was seen, and what cannot be")
	c.header(left("Target"), left("Kind"), across(8, left("What")))
	for _, t := range c.sum.Coverage.Targets {
		c.remark(t.Target, "Source", t.Source)
		c.remark(t.Target, "Reason", t.Reasons...)
		c.remark(t.Target, "Blind spot", t.BlindSpots...)
		c.remark(t.Target, "Server's own count", stored(t.Stored)...)
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

func stored(s *audit.Stored) []string {
	if s == nil {
		return nil
	}
	return []string{strings.Join([]string{plural(s.Authorizations, "authorization"), plural(s.Users, "user"), plural(s.Orgs, "org")}, ", ")}
}

func skew(seconds int) string {
	switch {
	case seconds > 0:
		return "the server is " + plural(seconds, "second") + " ahead of the review"
	case seconds < 0:
		return "the server is " + plural(-seconds, "second") + " behind the review"
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
