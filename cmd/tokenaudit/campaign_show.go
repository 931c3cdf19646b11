package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
)

func (c *cli) campaignShow() *cobra.Command {
	var f campaignFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show who has to decide what, and which tokens have to go",
		Long: `show says how many items are decided and signed, who still has to decide, and which
tokens have to go. The exit code is 6 while the campaign is open and items are, or while a
revocation is overdue.`,
		Example: `  tokenaudit campaign show
  tokenaudit campaign show --campaign quarterly/2026-10-01T0700Z --all
  tokenaudit campaign show --json | jq '.list[] | select(.state == "pending")'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.showCampaign(cmd.Context(), f, all) },
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "list every item, decided ones too")
	jsonFlag(cmd, &f.json)
	return cmd
}

// campaignItemJSON is an item in campaign show --json.
type campaignItemJSON struct {
	Item          string         `json:"item"`
	Description   string         `json:"description"`
	Owner         string         `json:"owner"`
	Severity      audit.Severity `json:"severity"`
	State         campaign.State `json:"state"`
	Reviewer      string         `json:"reviewer"`
	NotMine       bool           `json:"not_mine"`
	Decision      campaign.Kind  `json:"decision"`
	By            string         `json:"by"`
	At            *time.Time     `json:"at"`
	Justification string         `json:"justification"`
	Ticket        string         `json:"ticket"`
	Remediation   campaign.Seen  `json:"remediation"`
	Settled       bool           `json:"settled"`
	Due           *time.Time     `json:"due"`
	Overdue       bool           `json:"overdue"`
	Run           string         `json:"run"`
	Evidence      string         `json:"evidence"`
	ReplacedBy    string         `json:"replaced_by"`
}

// campaignDetails is what campaign show --json prints.
type campaignDetails struct {
	campaignJSON
	List []campaignItemJSON `json:"list"`
}

func itemJSON(b *campaign.Book, s campaign.Status, now time.Time) campaignItemJSON {
	out := campaignItemJSON{
		Item: s.Item.ID, Description: s.Item.Description, Owner: s.Item.OwnerName(), Severity: s.Item.Severity, State: s.State, Reviewer: s.Reviewer, NotMine: s.NotMine,
	}
	if d := s.Decision; d != nil {
		out.Decision, out.By, out.At, out.Justification, out.Ticket = d.Decision, d.By, &d.At, d.Justification, d.Ticket
	}
	if m := s.Seen; m != nil {
		out.Remediation, out.Settled, out.Run, out.Evidence, out.ReplacedBy = m.State, m.Settled, m.Run, m.Evidence, m.By
	}
	if s.ToRemove() {
		due := b.RevokeBy(&s)
		out.Due, out.Overdue = &due, !s.Settled() && now.After(due)
	}
	return out
}

func (c *cli) showCampaign(ctx context.Context, f campaignFlags, all bool) error {
	cs, err := c.openCampaigns(ctx, f.config, false)
	if err != nil {
		return err
	}
	defer cs.close()
	b, _, err := cs.choose(ctx, f.campaign)
	if err != nil {
		return err
	}
	left := b.Closing == nil && b.Figures(cs.now).Open > 0 || b.Figures(cs.now).Revocations.Overdue > 0
	if f.json {
		items := []campaignItemJSON{}
		for _, s := range b.Status() {
			items = append(items, itemJSON(b, s, cs.now))
		}
		err = c.encode(campaignDetails{cs.json(ctx, b), items})
	} else {
		c.printCampaign(ctx, cs, b, all)
	}
	if err == nil && left {
		err = quietError{exitOpenItems}
	}
	return err
}

// mostShown is how many items show prints of each kind without --all.
const mostShown = 20

func (c *cli) printCampaign(ctx context.Context, cs *campaigns, b *campaign.Book, all bool) {
	fig := b.Figures(cs.now)
	fmt.Fprintln(c.stdout, c.paint.bold(hanging("", campaignHeadline(b, fig, cs.now), c.width())))
	facts := [][2]string{
		{"opened", fmt.Sprintf("%s, on run %s (%s)", b.Opened.Format("2006-01-02 15:04 MST"), b.Run, scopeWords(b.Scope))},
		{"evidence", cs.archive.Campaign(b.ID()).Location()},
		{"items", itemWords(fig)},
		{"decisions", decisionWords(fig)},
	}
	if fig.Revocations.Decided > 0 {
		facts = append(facts, [2]string{"revocations", revocationWords(fig.Revocations)})
	}
	if b.Closing != nil {
		who, err := cs.endSigned(ctx, b)
		end := "signed by " + who
		switch {
		case err != nil:
			end = err.Error()
		case who == "":
			end = "waits for the signature of " + b.Manager
		}
		facts = append(facts, [2]string{"end", end})
		if b.Closing.Reason != "" {
			facts = append(facts, [2]string{"left open", b.Closing.Reason})
		}
	}
	for _, f := range facts {
		fmt.Fprintln(c.stdout, hanging("", fmt.Sprintf("%-12s %s", f[0], audit.Line(f[1], 400)), c.width()))
	}
	if len(fig.Reviewers) > 0 {
		t := newTable(column{name: "REVIEWER", shrink: 20}, column{name: "ITEMS", right: true}, column{name: "OPEN", right: true}, column{name: "SIGNED", right: true},
			column{name: "KEPT", right: true, drop: 2}, column{name: "SAME REASON", right: true, drop: 1}, column{name: "LAST", drop: 3})
		for _, r := range fig.Reviewers {
			kept, same, last := "", "", ""
			if r.Signed > 0 {
				kept, same, last = fmt.Sprintf("%d %%", r.KeepRate), fmt.Sprintf("%d %%", r.SameReason), r.LastAt.Format(time.DateOnly)
			}
			t.row(audit.Line(r.Reviewer, 80), r.Items, r.Open, r.Signed, kept, same, last)
		}
		fmt.Fprintf(c.stdout, "\n%s\n", t.render(c.columns()))
	}
	c.printItems(b, cs.now, all)
}

// printItems lists what is open and what has to go, and with all everything.
func (c *cli) printItems(b *campaign.Book, now time.Time, all bool) {
	var open, away, done, other []campaign.Status
	for _, s := range b.Status() {
		switch {
		case s.State.Open():
			open = append(open, s)
		case s.ToRemove() && !s.Settled():
			away = append(away, s)
		case s.ToRemove():
			done = append(done, s)
		default:
			other = append(other, s)
		}
	}
	if len(open) > 0 {
		fmt.Fprintln(c.stdout)
		c.printOpen(open, all)
	}
	if len(away) > 0 {
		t := newTable(column{name: "TO REVOKE", shrink: 24}, column{name: "OWNER", shrink: 10}, column{name: "DECIDED", shrink: 10}, column{name: "DUE", shrink: 10}, column{name: "SEEN", shrink: 12})
		for _, s := range away[:atMost(len(away), all)] {
			j := itemJSON(b, s, now)
			seen, due := string(campaign.Unproven)+": no review since", j.Due.Format(time.DateOnly)
			if s.Seen != nil && s.Seen.Decision != "" {
				seen = string(j.Remediation) + " on " + s.Seen.At.Format(time.DateOnly)
			}
			if j.Overdue {
				due += " overdue"
			}
			t.row(itemName(s.Item), audit.Line(s.Item.OwnerWords(), 40), string(j.Decision)+" "+j.At.Format(time.DateOnly), due, seen)
		}
		fmt.Fprintln(c.stdout)
		c.printRows(t, len(away), all)
	}
	if !all {
		return
	}
	if len(done) > 0 {
		t := newTable(column{name: "DONE", shrink: 24}, column{name: "OWNER", shrink: 10}, column{name: "DECIDED", shrink: 10}, column{name: "SEEN", shrink: 12}, column{name: "DAYS", right: true})
		for _, s := range done {
			d := s.Decision
			t.row(itemName(s.Item), audit.Line(s.Item.OwnerWords(), 40), string(d.Decision)+" "+d.At.Format(time.DateOnly), string(s.Seen.State)+" on "+s.Seen.At.Format(time.DateOnly), s.Seen.Days)
		}
		fmt.Fprintln(c.stdout)
		c.printRows(t, len(done), all)
	}
	if len(other) > 0 {
		t := newTable(column{name: "DECIDED", shrink: 24}, column{name: "OWNER", shrink: 10}, column{name: "DECISION", shrink: 8}, column{name: "BY", shrink: 16}, column{name: "WHY", shrink: 12})
		for _, s := range other {
			j := itemJSON(b, s, now)
			decision := string(j.Decision)
			if s.Seen != nil && s.Seen.State == campaign.TokenGone {
				decision = strings.TrimPrefix(decision+", gone on "+s.Seen.At.Format(time.DateOnly), ", ")
			}
			t.row(itemName(s.Item), audit.Line(s.Item.OwnerWords(), 40), decision, audit.Line(j.By, 60), audit.Line(j.Justification, 80))
		}
		fmt.Fprintln(c.stdout)
		c.printRows(t, len(other), all)
	}
}

// printOpen lists what is to be decided.
func (c *cli) printOpen(open []campaign.Status, all bool) {
	t := newTable(column{name: "TO DECIDE", shrink: 24}, column{name: "OWNER", shrink: 10}, column{name: "SEVERITY"}, column{name: "STATE", shrink: 12}, column{name: "REVIEWER", shrink: 16})
	for _, s := range open[:atMost(len(open), all)] {
		t.row(itemName(s.Item), audit.Line(s.Item.OwnerWords(), 40), s.Item.Severity, openWords(s), audit.Line(s.Reviewer, 60))
	}
	c.printRows(t, len(open), all)
}

func atMost(n int, all bool) int {
	if all {
		return n
	}
	return min(n, mostShown)
}

func (c *cli) printRows(t *textTable, n int, all bool) {
	fmt.Fprintln(c.stdout, t.render(c.columns()))
	if more := n - atMost(n, all); more > 0 {
		fmt.Fprintf(c.stdout, "and %d more; --all lists them\n", more)
	}
}

func itemName(it campaign.Item) string {
	name := audit.Line(it.Target+"/"+it.Authorization, 100)
	if it.Description != "" {
		name += " " + audit.Line(it.Description, 60)
	}
	return name
}

// openWords are the state of an open item, and what that needs.
func openWords(s campaign.Status) string {
	if s.Reviewer == "" || s.NotMine || s.State == campaign.InConflict {
		return s.StateWords() + ": assign it"
	}
	return s.StateWords()
}

func campaignHeadline(b *campaign.Book, fig campaign.Figures, now time.Time) string {
	switch stateOf(b, now) {
	case "closed":
		return fmt.Sprintf("Campaign %s: closed on %s", b.ID(), b.Closing.At.Format(time.DateOnly))
	case "overdue":
		return fmt.Sprintf("Campaign %s: %d of %d undecided, overdue since %s", b.ID(), fig.Open, fig.Items, b.Due.Format(time.DateOnly))
	}
	return fmt.Sprintf("Campaign %s: %d of %d undecided, due %s", b.ID(), fig.Open, fig.Items, b.Due.Format(time.DateOnly))
}

func scopeWords(s campaign.Scope) string {
	if s == campaign.ScopeAll {
		return "all tokens"
	}
	return string(s) + " tokens"
}

func itemWords(f campaign.Figures) string {
	parts := []string{fmt.Sprintf("%d: %d signed", f.Items, f.Signed)}
	switch {
	case f.Signed == 0:
	case f.OnTime == f.Signed:
		parts = append(parts, "all on time")
	default:
		parts = append(parts, fmt.Sprintf("%d of them on time", f.OnTime))
	}
	for _, p := range []struct {
		n    int
		what string
	}{{f.Drafts, "in drafts"}, {f.Conflicts, "in conflict"}, {f.Gone, "gone before a decision"}, {f.Open, "open in all"}, {f.Unassigned, "without a reviewer"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

func decisionWords(f campaign.Figures) string {
	var parts []string
	for _, kind := range []campaign.Kind{campaign.Keep, campaign.Revoke, campaign.Modify} {
		parts = append(parts, fmt.Sprintf("%s %d", kind, f.ByDecision[kind]))
	}
	parts = append(parts, audit.Plural(f.SelfReviews, "self-review"))
	if refused := f.RefusedRows(); refused > 0 {
		parts = append(parts, audit.Plural(refused, "row")+" refused")
	}
	return strings.Join(parts, ", ")
}

func revocationWords(r campaign.Revocations) string {
	parts := []string{fmt.Sprintf("%d of %d done", r.Done, r.Decided)}
	if r.Done > 0 {
		parts = append(parts, fmt.Sprintf("median %s, worst %s", audit.Plural(r.DaysMedian, "day"), audit.Plural(r.DaysWorst, "day")))
	}
	if r.Late > 0 {
		parts = append(parts, fmt.Sprintf("%d late", r.Late))
	}
	if r.Overdue > 0 {
		parts = append(parts, fmt.Sprintf("%d overdue", r.Overdue))
	}
	if r.Unproven > 0 {
		parts = append(parts, fmt.Sprintf("%d unproven", r.Unproven))
	}
	return strings.Join(parts, ", ")
}
