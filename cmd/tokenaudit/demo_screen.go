package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

const (
	demoTitle  = "Invented data: three weekly reviews of an InfluxDB 2 and an InfluxDB 3."
	mostChecks = 2 // on the screen of the demo
	mostPeople = 3
)

// demoScreen shows on one screen of 24 lines what the second review found, what the third
// one says of the campaign, where it is, and what to try next.
func (c *cli) demoScreen(m, third notify.Message, out string) {
	s, page := m.Summary, notify.NewPage(m, mostPeople)
	p := summaryPrinter{c.stdout, m, c.columns(), c.paint}
	p.line("", demoTitle)
	fmt.Fprintln(p)
	p.line("", "Second review: "+c.paint.bold(page.Headline))
	p.line("", fmt.Sprintf("%s reviewed, coverage %s. %s.", audit.Plural(s.Authorizations.Total, "token"), page.Coverage, page.Inventory))
	for _, t := range s.Coverage.Targets {
		if words := t.HiddenWords("token"); words != "" {
			p.line("", words+".")
		}
	}
	t := newTable(column{name: "SEVERITY"}, column{name: "TOKENS", right: true}, column{name: "NEW", right: true}, column{name: "OVERDUE", right: true}, column{name: "WHAT IT MEANS", shrink: 20})
	for _, d := range page.Decide[:min(len(page.Decide), mostChecks)] {
		t.row(c.paint.severity(audit.Severity(d.Severity)), audit.Number(d.Tokens), audit.Number(d.New), audit.Number(d.Overdue), d.Title)
	}
	fmt.Fprintf(p, "\n%s\n", t.render(c.columns()))
	who := fmt.Sprintf("and %s. Who:", audit.Plural(len(page.Decide)-mostChecks, "more check"))
	for _, o := range page.Who {
		who += fmt.Sprintf(" %s %s,", o.Name, audit.Number(o.Tokens))
	}
	all := len(m.Highlights.Owners) + m.Highlights.MoreOwners
	p.line("", fmt.Sprintf("%s and %s more.", strings.TrimSuffix(who, ","), audit.Number(all-len(page.Who))))

	for _, s := range third.Summary.Campaigns {
		p.line("", fmt.Sprintf("Campaign: %d of %d tokens decided and signed, %d to revoke.", s.Items-s.Undecided, s.Items, s.Revocations.Decided))
		p.line("", fmt.Sprintf("Third review: %s; %d revoked, %d overdue.", c.paint.bold(notify.NewPage(third, mostPeople).Headline), s.Revocations.Done, s.Revocations.Overdue))
	}
	program := calledAs()
	fmt.Fprintf(p, "\nReports of the third review: %s\nTry next:\n", third.Location)
	fmt.Fprintln(p, "  1. Open report.html there in a browser, then the workbook, review.xlsx.")
	fmt.Fprintf(p, "  2. Verify the evidence, as an auditor does:\n%s\n", demoVerify(program, "     ", out))
	fmt.Fprintf(p, "  3. Write a configuration for your InfluxDB: %s init\n", program)
	fmt.Fprintf(p, "The whole review and the Slack messages: %s demo --verbose\n", program)
}

// demoVerify is the command that verifies the evidence of the demo.
func demoVerify(program, indent, out string) string {
	more := " \\\n" + indent + "  "
	if runtime.GOOS == "windows" {
		more = " "
	}
	return fmt.Sprintf("%s%s verify %s%s--allowed-signers %s", indent, program, shellWord(out), more, shellWord(filepath.Join(out, demoSigners)))
}
