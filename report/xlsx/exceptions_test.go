package xlsx

import (
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
)

// TestExceptionsSheet: every exception of the policy has a line with its state, whether
// something stands by it or not, and its days are those of the configuration.
func TestExceptionsSheet(t *testing.T) {
	t.Parallel()
	in := reporttest.WithGaps(t)
	token := reporttest.Authorization(3, "gateway")
	token.ID = "11adece381a52001"
	r := audit.Record{Target: "plant", Presence: audit.Listed, Authorization: token}
	good := audit.Exception{
		Target: "plant", Authorization: token.ID, Check: "not-rotated", Fingerprint: token.Fingerprint(), Reason: "=migration", RequestedBy: "alice", ApprovedBy: "bob",
		Ticket: "SEC-1", Expires: time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC), Granted: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), CompensatingControl: "a firewall",
	}
	r.Findings = []audit.Finding{{
		Check: "not-rotated", Severity: audit.Medium, State: audit.Excepted, Since: in.Summary.Started,
		Approval: &audit.Approval{Reason: good.Reason, Requested: good.RequestedBy, ApprovedBy: good.ApprovedBy, Expires: good.Expires},
	}}
	with := func(check string, change func(*audit.Exception)) audit.Exception {
		e := good
		e.Check = check
		change(&e)
		return e
	}
	in.Summary.Policy.Exceptions = []audit.Exception{
		good,
		with("operator", func(e *audit.Exception) {}),
		with("all-access", func(e *audit.Exception) { e.Fingerprint = "0123456789abcdef" }),
		with("no-description", func(e *audit.Exception) { e.Expires = reporttest.Began }),
		with("personal-write", func(e *audit.Exception) { e.Authorization = "00000000000000ff" }),
		with("mints-tokens", func(e *audit.Exception) { e.Target = "lab" }),
	}
	in.Summary.Policy.AcceptedGaps = []audit.AcceptedGap{
		{Target: "plant", Gap: audit.InstanceSeen, Reason: "another team", RequestedBy: "alice", ApprovedBy: "bob", Expires: time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)},
		{Target: "plant", Gap: audit.LegacyListed, Expires: good.Expires},
		{Target: "office", Gap: audit.EarlierSeen, Expires: reporttest.Began},
	}
	in = reporttest.With(in, r)
	book := reporttest.OpenWorkbook(t, workbookText(t, in, whole))
	text := sheetText(t, book, sheetExceptions)
	for _, want := range []string{
		"used|plant|gateway\n11adece381a52001|not-rotated|=migration|a firewall|alice|bob|46327|46357|SEC-1\n", // 1 Nov and 1 Dec 2026
		"unused|plant|gateway\n11adece381a52001|operator|", "unused|plant|00000000000000ff|personal-write|",
		"void|plant|gateway\n11adece381a52001|all-access|", "expired|plant|gateway\n11adece381a52001|no-description|", "unknown|lab|11adece381a52001|mints-tokens|",
		"used|plant|instance-seen|another team|alice|bob|–|46477\n", "unused|plant|legacy-listed|", "expired|office|earlier-seen|",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no line %q in:\n%s", want, text)
		}
	}
	rows, err := book.GetRows(sheetExceptions) // as they are shown
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if len(row) > 9 && row[0] == "used" && row[3] == "not-rotated" && (row[8] != "2026-11-01" || row[9] != "2026-12-01") {
			t.Errorf("granted %s, last day %s", row[8], row[9])
		}
	}
}

// TestExceptionsOfEarlierVersions: a summary that does not list the exceptions shows
// those that something stands by.
func TestExceptionsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	text := sheetText(t, reporttest.OpenWorkbook(t, workbookText(t, reporttest.EveryState(t), whole)), sheetExceptions)
	if want := "\nused|plant|values are shown\nserver|operator|bidi\\u202e|ann|bob|–|46349|SEC-1"; !strings.Contains(text, want) {
		t.Errorf("no %q in:\n%s", want, text)
	}
}
