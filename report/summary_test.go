package report

import (
	"strconv"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
)

// figures are the lines of the sheet Summary by their first cell, section by section.
func figures(t *testing.T, in Input) map[string][]string {
	out, section := map[string][]string{}, ""
	for _, line := range rawRows(t, openWorkbook(t, written(t, in)["review.xlsx"]), "Summary") {
		switch {
		case len(line) == 1:
			section = line[0]
		case len(line) > 1:
			out[section+"/"+strings.TrimSpace(line[0])] = line[1:]
		}
	}
	return out
}

func TestSummarySheetEqualsSummary(t *testing.T) {
	in := input(t)
	got := figures(t, in)
	s := in.Summary
	want := map[string]int{
		"Scope/Targets": len(s.Coverage.Targets), "Scope/Authorizations": s.Authorizations.Total,
		"Scope/active": s.Authorizations.Active, "Scope/inactive": s.Authorizations.Inactive, "Scope/flagged": s.Authorizations.Flagged,
		"Scope/Listed": 27, "Scope/Hidden": 1, "Scope/Unseen": 1,
		"Findings by severity/Total":                           s.Findings.Total,
		"Changes since the previous review/New findings":       s.Findings.ByState[audit.New],
		"Changes since the previous review/Reopened findings":  s.Findings.ByState[audit.Reopened],
		"Changes since the previous review/Open findings":      s.Findings.ByState[audit.Open],
		"Changes since the previous review/Resolved findings":  s.Findings.ByState[audit.Resolved],
		"Changes since the previous review/New authorizations": s.Authorizations.New, "Changes since the previous review/Gone authorizations": s.Authorizations.Gone,
		"This review/Missed slots": s.Missed,
	}
	for _, sev := range audit.Severities() {
		want["Findings by severity/"+string(sev)] = s.Findings.BySeverity[sev]
	}
	for name, n := range want {
		if line := got[name]; len(line) == 0 || line[0] != strconv.Itoa(n) {
			t.Errorf("%s: %v, want %d", name, line, n)
		}
	}
	for check, n := range s.Findings.ByCheck {
		if line := got["Findings by check/"+check]; len(line) < 2 || line[1] != strconv.Itoa(n) {
			t.Errorf("%s: %v, want %d", check, line, n)
		}
	}
}

func TestSummarySheetComparesWithPrevious(t *testing.T) {
	got := figures(t, input(t))
	tests := map[string]string{
		"Findings by severity/medium":                       "29 40 -11",
		"Findings by severity/low":                          "10 4 6",
		"Findings by check/active-write":                    "medium 19 1 Active write token",
		"This review/Run":                                   "weekly-review/2026-11-23T0800Z",
		"This review/Began":                                 "2026-11-23 08:00:03 UTC (schedule)",
		"This review/Made by":                               "tokenaudit 1.0.0 abc123 go1.26",
		"Changes since the previous review/Previous review": "weekly-review/2026-11-16T0800Z, due 2026-11-16 08:00:00 UTC",
	}
	for name, want := range tests {
		if line := strings.TrimSpace(strings.Join(got[name], " ")); line != want {
			t.Errorf("%s: %q, want %q", name, line, want)
		}
	}
}

func TestCoverageSheet(t *testing.T) {
	rows := rawRows(t, openWorkbook(t, written(t, input(t))["review.xlsx"]), "Coverage")
	var text []string
	for _, line := range rows {
		text = append(text, strings.TrimRight(strings.Join(line, "|"), "|"))
	}
	for _, want := range []string{
		"plant|InfluxDB 2.7.12|complete|21|0|0",
		"office|InfluxDB 2.7.12|partial|6|1|1|authorizations of earlier reviews could not be asked for; their findings stand",
		"plant|user user-1|unknown|401|0|0|unauthorized: the credential may not read users|GET /api/v2/users?name=user-1",
		"office|members of org acme|unknown||0|0|no answer within 30s|GET /api/v2/orgs/00000000000000aa/members",
	} {
		if !strings.Contains(strings.Join(text, "\n"), want) {
			t.Errorf("no line %q in:\n%s", want, strings.Join(text, "\n"))
		}
	}
}

func TestVerdict(t *testing.T) {
	summary := func(v audit.Verdict, total, critical, low int) audit.Summary {
		c := audit.NewCounts()
		c.Authorizations.Total, c.Authorizations.Flagged = total, critical+low
		c.Findings.Total = critical + low
		c.Findings.BySeverity[audit.Critical], c.Findings.BySeverity[audit.Low] = critical, low
		return audit.Summary{Coverage: audit.TotalCoverage{Verdict: v}, Authorizations: c.Authorizations, Findings: c.Findings}
	}
	tests := []struct {
		name  string
		in    audit.Summary
		want  string
		alarm string
	}{
		{"clean", summary(audit.Complete, 1204, 0, 0), "No findings: 1,204 authorizations reviewed, every one passes every check.", "complete"},
		{"findings", summary(audit.Complete, 1204, 2, 1000), "1,002 findings on 1,002 of 1,204 authorizations: 2 critical, 1,000 low.", "critical"},
		{"one finding", summary(audit.Complete, 1, 0, 1), "1 finding on 1 of 1 authorization: 1 low.", "low"},
		{"partial", summary(audit.Partial, 7, 0, 0), "No findings among the 7 authorizations that could be seen. Part of the population was not seen: there may be more.", "partial"},
		{"unknown", summary(audit.NotKnown, 0, 0, 0), "No findings among the 0 authorizations that could be seen. What the targets showed proves nothing: the true number is not known.", "unknown"},
		{"a verdict of later", summary("", 0, 0, 0), "No findings among the 0 authorizations that could be seen. What the targets showed proves nothing: the true number is not known.", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := verdict(tt.in); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
			if got := alarm(tt.in); got != tt.alarm {
				t.Errorf("alarm %q, want %q", got, tt.alarm)
			}
		})
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -999: "-999", -1000: "-1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestFooter(t *testing.T) {
	if got := footer("a&Pb\n"); got != `a&&Pb\n` {
		t.Errorf("%q", got)
	}
}
