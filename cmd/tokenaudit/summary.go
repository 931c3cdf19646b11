package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify"
)

// printSummary says what a run found, for a person at a terminal.
func printSummary(w io.Writer, m notify.Message) {
	s := m.Summary
	fmt.Fprintf(w, "%s: coverage %s\n", s.ID, s.Coverage.Verdict)
	for _, reason := range s.Coverage.Reasons {
		fmt.Fprintf(w, "  not seen: %s\n", audit.Line(reason, 300))
	}
	a := s.Authorizations
	fmt.Fprintf(w, "\n%s in %s: %d active, %d inactive; %d with findings; %d new, %d gone since the last review\n\n",
		plural(a.Total, "token"), plural(len(s.Coverage.Targets), "target"), a.Active, a.Inactive, a.Flagged, a.New, a.Gone)
	fmt.Fprintln(w, checkTable(s.Findings))
	st := s.Findings.ByState
	fmt.Fprintf(w, "\n%d new, %d open, %d reopened, %d resolved\n\nReports in %s\n", st[audit.New], st[audit.Open], st[audit.Reopened], st[audit.Resolved], m.Evidence)
	for _, file := range evidenceFiles(m.Evidence) {
		fmt.Fprintf(w, "  %s\n", file)
	}
}

// checkTable counts per check, leaving out those that found nothing.
func checkTable(f audit.FindingCounts) string {
	t := newTable("SEVERITY", "CHECK", "TOKENS", "WHAT IT MEANS")
	t.SetColumnConfigs([]table.ColumnConfig{{Name: "TOKENS", Align: 3}})
	for _, check := range audit.Checks() {
		if n := f.ByCheck[check.ID]; n > 0 {
			t.AppendRow(table.Row{check.Severity, check.ID, n, check.Title})
		}
	}
	if t.Length() == 0 {
		return "No findings."
	}
	return t.Render()
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
