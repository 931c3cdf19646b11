package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tokenaudit/jobs/audit"
)

// printSummary says what a run found, for a person at a terminal.
func printSummary(w io.Writer, s audit.Summary, folder string) {
	fmt.Fprintf(w, "%s: coverage %s\n", s.ID, s.Coverage.Verdict)
	for _, reason := range s.Coverage.Reasons {
		fmt.Fprintf(w, "  not seen: %s\n", audit.Line(reason, 300))
	}
	for _, t := range s.Coverage.Targets {
		for _, spot := range t.BlindSpots {
			fmt.Fprintf(w, "  blind spot: %s: %s\n", t.Target, audit.Line(spot, 300))
		}
	}
	for _, t := range s.Coverage.Targets {
		if t.Hidden > 0 {
			fmt.Fprintf(w, "  hidden: %s: the list leaves out %s that exist\n", t.Target, plural(t.Hidden, "token"))
		}
	}
	a := s.Authorizations
	fmt.Fprintf(w, "\n%s in %s: %d active, %d inactive; %d with findings; %d new, %d gone since the last review\n\n",
		plural(a.Total, "token"), plural(len(s.Coverage.Targets), "target"), a.Active, a.Inactive, a.Flagged, a.New, a.Gone)
	fmt.Fprintln(w, checkTable(s))
	st := s.Findings.ByState
	fmt.Fprintf(w, "\n%d new, %d open, %d reopened, %d excepted, %d resolved\n\nReports in %s\n",
		st[audit.New], st[audit.Open], st[audit.Reopened], st[audit.Excepted], st[audit.Resolved], folder)
	for _, file := range evidenceFiles(folder) {
		fmt.Fprintf(w, "  %s\n", file)
	}
}

// checkTable counts per check, worst first as the policy rates them, leaving out
// those that found nothing.
func checkTable(s audit.Summary) string {
	t := newTable("SEVERITY", "CHECK", "TOKENS", "WHAT IT MEANS")
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "TOKENS", Align: text.AlignRight, AlignHeader: text.AlignRight}})
	for _, c := range s.Policy.Checks {
		if n := s.Findings.ByCheck[c.Check]; n > 0 {
			t.AppendRow(table.Row{c.Severity, c.Check, n, audit.CheckOf(c.Check).Title})
		}
	}
	switch {
	case t.Length() > 0:
		return t.Render()
	case s.Coverage.Verdict != audit.Complete:
		return "No findings in what was seen, which proves nothing."
	}
	return "No findings."
}

func evidenceFiles(folder string) []string {
	paths, _ := filepath.Glob(filepath.Join(folder, "*"))
	var names []string
	for _, p := range paths {
		if name := filepath.Base(p); !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names
}
