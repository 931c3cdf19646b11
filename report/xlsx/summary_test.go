package xlsx

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

// sheetText is a sheet with a bar between its cells and the empty ones left out.
func sheetText(t testing.TB, f *excelize.File, sheet string) string {
	t.Helper()
	var lines []string
	for _, row := range rawRows(t, f, sheet) {
		row = slices.DeleteFunc(row, func(s string) bool { return s == "" })
		lines = append(lines, strings.Join(row, "|"))
	}
	return strings.Join(lines, "\n")
}

// known has what a review of this version knows beside the fixture: who answers for
// whom, due dates, and what earlier reviews counted.
func known(t testing.TB) table.Input {
	in := reporttest.Input(t)
	in.Contacts = audit.Contacts{"user-1": {Responsible: "ann@example.com", Team: "platform", Purpose: "=edge"}}
	for i, n := range []int{0, 210, 203} { // the first did not count
		if n > 0 {
			in.Trend[i].NeedsAction = audit.ActionCounts{Tokens: n, BySeverity: map[audit.Severity]int{audit.Critical: 9, audit.High: n - 10, audit.Medium: 1}}
		}
	}
	in.Summary.NeedsAction.Overdue = 1
	in.Summary.Exceptions, in.Summary.Previous.Exceptions = 3, 1
	in.Summary.Policy.Exceptions = make([]audit.Exception, 4)
	in.Summary.Previous.AcceptedGaps = -1
	return in
}

func TestSummarySheetEqualsSummary(t *testing.T) {
	t.Parallel()
	in := known(t)
	s := in.Summary
	got := sheetText(t, reporttest.OpenWorkbook(t, workbookText(t, in, whole)), "Summary")
	want := []string{
		"weekly-review/2026-11-23T0800Z, due 2026-11-23 08:00:00 UTC, finished 2026-11-23 08:01:00 UTC",
		s.Headline() + "\n",
		"Not seen|office: authorizations of earlier reviews could not be looked up; their findings stay open. ",
		"Needs action|New|Fixed|Overdue|Exceptions|Accepted gaps|Active write tokens|Tokens reviewed\n",
		fmt.Sprintf("%d|%d|%d|1|3|0|%d|%d\n", s.NeedsAction.Tokens, s.NeedsAction.New, s.NeedsAction.Fixed, s.Inventory.ActiveWrite, s.Authorizations.Total),
		fmt.Sprintf("before: %d|did not need it before|need none now|of those that need action|of 4 configured, before: 1|before: not known|%d new, %d gone|%d new, %d gone\n",
			s.NeedsAction.Before(), s.Inventory.New, s.Inventory.Gone, s.Authorizations.New, s.Authorizations.Gone),
		"Owner was deleted|critical|2|1|0|46342|–|", "Writes to every org (operator token)|critical|1|0|0|46342|–|",
		"Previous review|weekly-review/2026-11-16T0800Z, due 2026-11-16 08:00:00 UTC|", "Policy|unchanged since the previous review|", "Scope|2 targets: plant (InfluxDB 2.7.12), office (InfluxDB 2.7.12)|",
		"Not judged|personal-write, auditor-personal: no service_users are configured;", "Missed reviews|1 before this one", "Sheet To do|20|rows to decide on", "Decided|0|of these",
	}
	for _, line := range want {
		if !strings.Contains("\n"+got, "\n"+line) {
			t.Errorf("no line %q in:\n%s", line, got)
		}
	}
	// Who has to act, and the figures of the charts; a review that did not count is a gap.
	for _, part := range []string{
		"|user-0 (deleted)|office|2|1|0|46342\n", "|Review|Need action|Critical|High|Overdue only\n", "|2 Nov\n", "|9 Nov *|210|9|200|1\n", "|16 Nov|203|9|193|1\n", "|23 Nov *|3|3|0|0\n",
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in:\n%s", part, got)
		}
	}
}

// TestNothingReadIsNoZero: where nothing could be read no figure is a zero, and a first
// review has nothing new.
func TestNothingReadIsNoZero(t *testing.T) {
	t.Parallel()
	unread := reporttest.Nothing()
	unread.Summary.Coverage.Verdict = audit.NotKnown
	partial := reporttest.Nothing()
	partial.Summary.Coverage.Verdict = audit.Partial
	first := known(t)
	first.Summary.Previous = nil
	tests := map[string]struct {
		in   table.Input
		want []string
	}{
		"nothing read": {unread, []string{"?|?|?|?|0|0|?|?\n", "Not known: nothing could be read.|Not known: nothing could be read.\n", unread.Summary.Headline() + "\n"}},
		"in part":      {partial, []string{"No check has a finding that needs action, as far as the review could see.|No owner has a token that needs action, as far as the review could see.\n"}},
		"first review": {first, []string{"3|–|–|1|3|0|19|29\n", "did not need it before|need none now|of those that need action|of 4 configured, first review|first review|first review|first review\n", "Owner was deleted|critical|2|–|0|", "|user-0 (deleted)|office|2|–|0|"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := sheetText(t, reporttest.OpenWorkbook(t, workbookText(t, tt.in, whole)), "Summary")
			for _, want := range tt.want {
				if !strings.Contains("\n"+got, want) {
					t.Errorf("no %q in:\n%s", want, got)
				}
			}
		})
	}
}

// Every check has a line on the sheet Checks: what it found, or why it could not.
func TestChecksSheet(t *testing.T) {
	t.Parallel()
	in := known(t)
	s := in.Summary
	got := sheetText(t, reporttest.OpenWorkbook(t, workbookText(t, in, whole)), "Checks")
	for _, c := range s.Policy.Checks {
		a, known := s.NeedsAction.ByCheck[c.Check], audit.CheckOf(c.Check)
		found := fmt.Sprintf("%d|%d|%d|", a.Tokens, a.Overdue, s.Findings.ByCheck[c.Check])
		if s.WhyNotJudged(c.Check) != "" && s.Findings.ByCheck[c.Check] == 0 {
			found = "not judged: " + s.WhyNotJudged(c.Check) + "|"
		}
		if !s.Applies(c.Check) {
			found = "does not apply to these products|"
		}
		want := fmt.Sprintf("%s|%s|%s|%s", c.Check, known.Title, c.Severity, found)
		if _, rest, ok := strings.Cut("\n"+got, "\n"+want); !ok || !strings.HasSuffix(strings.SplitN(rest, "\n", 2)[0], known.Why+"|"+known.Fix) {
			t.Errorf("no line %q in:\n%s", want, got)
		}
	}
}

// TestNotesOfChecks: who points at the first finding of a check, or at a check of the
// first page, reads why it matters and how to fix it.
func TestNotesOfChecks(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]bounds{"whole": whole, "bounded": few} {
		text := workbookText(t, known(t), most)
		f := reporttest.OpenWorkbook(t, text)
		if xml := reporttest.Parts(t, text)["xl/worksheets/sheet3.xml"]; !strings.Contains(xml, "<legacyDrawing ") {
			t.Errorf("%s: the sheet Findings does not show its notes", name)
		}
		for sheet, header := range map[string]string{"Findings": "Title", "Summary": ""} {
			notes, err := f.GetComments(sheet)
			if err != nil || len(notes) < 2 {
				t.Fatalf("%s, %s: %d notes, %v", name, sheet, len(notes), err)
			}
			for _, n := range notes {
				title, _ := f.GetCellValue(sheet, n.Cell)
				at := slices.IndexFunc(audit.Checks(), func(c audit.Check) bool { return c.Title == title })
				if at < 0 {
					t.Fatalf("%s, %s: %s has a note and is %q (%s)", name, sheet, n.Cell, title, header)
				}
				text := ""
				for _, run := range n.Paragraph {
					text += run.Text
				}
				if c := audit.Checks()[at]; !strings.Contains(text, c.Why) || !strings.Contains(text, c.Fix) {
					t.Errorf("%s, %s, %s: %q", name, sheet, n.Cell, text)
				}
			}
		}
	}
}

func TestPersonOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		responsible, name, id string
		state                 audit.OwnerState
		users                 int
		want                  string
	}{
		{"", "dave", "b1", audit.OwnerPresent, 1, "dave"},
		{"", "dave", "b1", audit.OwnerInactive, 1, "dave (inactive)"},
		{"", "", "b1", audit.OwnerDeleted, 1, "ID b1 (deleted)"},
		{"", "", "", audit.OwnerUnknown, 1, "nobody"},
		{"Erin Quinn", "dave", "b1", audit.OwnerInactive, 1, "Erin Quinn, for dave (inactive)"},
		{"dave@example.com", "dave@example.com", "b1", audit.OwnerPresent, 1, "dave@example.com"},
		{"Erin Quinn", "dave", "b1", audit.OwnerInactive, 3, "Erin Quinn, for 3 users"},
	}
	for _, tt := range tests {
		h := audit.OwnerHighlights{Owner: audit.Owner{ID: tt.id, Name: tt.name, State: tt.state}, Contact: audit.Contact{Responsible: tt.responsible}, Users: tt.users}
		if got := personOf(h); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// TestAxisOfTheTrend: it begins where a change shows, and nowhere else than at zero if
// the figures are small.
func TestAxisOfTheTrend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		tokens []int // of the reviews, -1 where it was not counted
		want   float64
	}{
		{"none", []int{-1}, 0},
		{"small", []int{3, 9}, 0},
		{"a large number hardly changes", []int{100_000, 100_040}, 99_000},
		{"a change", []int{243, 251}, 235},
		{"one that did not count", []int{-1, 243, 251}, 235},
		{"down to nothing", []int{300, 0}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := &overview{Workbook: &Workbook{}}
			for i, n := range tt.tokens {
				var a audit.ActionCounts
				if n >= 0 {
					a = audit.ActionCounts{Tokens: n, BySeverity: map[audit.Severity]int{}}
				}
				if o.sum.NeedsAction = a; i < len(tt.tokens)-1 {
					o.in.Trend = append(o.in.Trend, audit.TrendPoint{NeedsAction: a})
				}
			}
			got := 0.0
			if from := o.axis(); from != nil {
				got = *from
			}
			if got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// A token is one row, with all that was found in it, the worst first.
func TestTokensToDo(t *testing.T) {
	t.Parallel()
	in := known(t)
	day := 24 * time.Hour
	r := audit.Record{Target: "plant", Authorization: reporttest.Authorization(1, "gateway"), Presence: audit.Listed, FirstSeen: reporttest.LastWeek}
	r.ID = "11adece381a52001"
	r.Findings = []audit.Finding{
		{Check: "active-write", Severity: audit.Info, State: audit.Open, Since: reporttest.LastWeek},
		{Check: "not-rotated", Severity: audit.Medium, State: audit.Open, Since: reporttest.LastWeek, Due: reporttest.Began.Add(-day)},
		{Check: "no-description", Severity: audit.Low, State: audit.Excepted, Since: reporttest.LastWeek},
		{Check: "all-access", Severity: audit.High, State: audit.New, Since: reporttest.Began, Due: reporttest.Began.Add(14 * day)},
	}
	unused := audit.Record{Target: "plant", Presence: audit.Listed, Authorization: audit.Authorization{ID: "unused-exceptions", Description: "exceptions that nothing used", Legacy: true}}
	unused.Findings = []audit.Finding{{Check: "exception-unused", Severity: audit.Low, State: audit.New, Since: reporttest.Began}}
	f := reporttest.OpenWorkbook(t, workbookText(t, reporttest.With(in, r, unused), whole))
	rows := rawRows(t, f, "To do")
	at := slices.IndexFunc(rows, func(row []string) bool { return len(row) > 1 && strings.HasPrefix(row[1], "gateway\n") })
	if at < 0 {
		t.Fatalf("%q", rows)
	}
	want := []string{
		"", "gateway\n11adece381a52001\nplant", "user-1", "high", "yes", "46348", "All-access token (new)\nNot rotated (overdue)\nNo description (excepted)\nActive write token",
		audit.CheckOf("all-access").Fix + "\ninflux auth inactive --id 11adece381a52001", "", "", "", "", "ann@example.com", "platform", "=edge", "yes",
	}
	if diff := cmp.Diff(want, rows[at][:len(want)]); diff != "" {
		t.Error(diff)
	}
	if got := fmt.Sprint(rows[0]); got != "[4 of 21 rows need action, and come first. The others have lesser findings. Severity is the worst one without an exception.]" {
		t.Error(got)
	}
}

func TestCoverageSheet(t *testing.T) {
	t.Parallel()
	got := sheetText(t, reporttest.OpenWorkbook(t, workbookText(t, reporttest.Input(t), whole)), "Coverage")
	for _, want := range []string{
		"plant|InfluxDB 2.7.12|complete|21|0|0|0|21|OK|",
		"office|InfluxDB 2.7.12|partial|6|1|1|0|8|OK|",
		"office|Every token of earlier reviews was found again or is proven gone\nearlier-seen|partial|authorizations of earlier reviews could not be looked up; their findings stay open|",
		"plant|user user-1|unknown|0|0|unauthorized: the credential may not read users",
		"office|members of org acme|unknown|0|0|no answer within 30s",
		"Population|29|29|0|OK|", "Gone|1|1|0|OK|", "Findings|42|42|0|OK|",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "DIFFERS") {
		t.Errorf("differs:\n%s", got)
	}
}

// A figure of summary.json that the rows do not bear out is said.
func TestCoverageSheetDiffers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*audit.Summary)
		want   []string
	}{
		{"a row too few", func(s *audit.Summary) { s.Authorizations.Total++ }, []string{"Population|30|29|1|DIFFERS|", "by owner|30|29|1|DIFFERS|"}},
		{"a finding too many", func(s *audit.Summary) { s.Findings.Total-- }, []string{"Findings|41|42|-1|DIFFERS|"}},
		{"one that only the server counts", func(s *audit.Summary) { s.Coverage.Targets[1].Hidden++ }, []string{
			"Hidden|2|1|1|DIFFERS|", "office|InfluxDB 2.7.12|partial|6|2|1|0|8|DIFFERS|1 token that the server counts and no list shows",
		}},
		{"one that a gap explains", func(s *audit.Summary) {
			s.Coverage.Targets[1].Hidden++
			s.Coverage.Targets[1].Gap(audit.StoredListed, audit.Partial, "1 of 9 stored authorizations is neither listed nor known")
		}, []string{"Hidden|2|1|1|explained|", "office|InfluxDB 2.7.12|partial|6|2|1|0|8|explained|1 token that the server counts and no list shows"}},
		{"more than a gap explains", func(s *audit.Summary) {
			s.Coverage.Targets[1].Hidden++
			s.Coverage.Targets[1].Listed++
			s.Coverage.Targets[1].Gap(audit.StoredListed, audit.Partial, "1 of 9 stored authorizations is neither listed nor known")
		}, []string{"Hidden|2|1|1|explained|", "Listed|28|27|1|DIFFERS|", "office|InfluxDB 2.7.12|partial|7|2|1|0|8|DIFFERS|"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := reporttest.Input(t)
			tt.change(&in.Summary)
			got := sheetText(t, reporttest.OpenWorkbook(t, workbookText(t, in, whole)), "Coverage")
			for _, want := range tt.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in:\n%s", want, got)
				}
			}
		})
	}
}

// TestTrendLabels: reviews of one day are told apart, and a column stands only for what a
// review has.
func TestTrendLabels(t *testing.T) {
	t.Parallel()
	in := known(t)
	in.Trend = in.Trend[2:]
	in.Trend[0].Slot = in.Summary.Slot.Add(-time.Hour)
	in.Trend[0].NeedsAction = audit.ActionCounts{Tokens: 2, BySeverity: map[audit.Severity]int{audit.Critical: 2}}
	text := workbookText(t, in, whole)
	got := sheetText(t, reporttest.OpenWorkbook(t, text), "Summary")
	for _, want := range []string{"|23 Nov 07:00|2|2|0|0\n", "|23 Nov 08:00 *|3|3|0|0\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	bars := reporttest.Parts(t, text)["xl/charts/chart2.xml"]
	if n := strings.Count(bars, "<ser>") + strings.Count(bars, "<c:ser>"); n != 2 {
		t.Errorf("%d columns by severity, want critical and high", n)
	}
	for span, want := range map[float64]float64{0: 1, 1: 1, 5: 1, 6: 2, 24: 5, 60: 20, 1117: 500} {
		if got := wholeUnit(span); got != want {
			t.Errorf("a line every %v for %v", got, span)
		}
	}
}

func TestFooter(t *testing.T) {
	t.Parallel()
	if got := footer("a&Pb\n"); got != `a&&Pb\n` {
		t.Errorf("%q", got)
	}
}

// TestGapsOnTheSheets: what does not hold, what was accepted for it and by whom, and what
// the verdict follows from.
func TestGapsOnTheSheets(t *testing.T) {
	t.Parallel()
	book := reporttest.OpenWorkbook(t, workbookText(t, reporttest.WithGaps(t), whole))
	for sheet, lines := range map[string][]string{
		"Coverage": {
			"Coverage is partial, with 2 accepted gaps until 31 Mar 2027: some tokens may be missing.",
			"instance-seen|accepted|the instance has 2 orgs, and the tokens of the other one were not looked at|Accepted until 31 Mar 2027 by bob, requested by alice, ticket SEC-1240: =the other org",
			"earlier-seen|partial|authorizations of earlier reviews could not be looked up; their findings stay open (accepted by bob until 23 Nov 2026, which has passed)|Allow the credential",
			"Or two people accept it until a date: accepted_gaps, gap earlier-seen.",
			"(the job)|Every target of the review before is still configured\ntargets-configured/lab|accepted|lab: no longer",
			"plant|Every list is complete and not from a cache\nlist-whole|holds|GET /api/v2/authorizations: 21 rows",
			"instance-seen|accepted|the instance has 2 orgs",
			"own-credential-shown|not needed|InfluxDB OSS lists",
			"plant|Source ID|server/00000000000000aa",
			"plant|Credentials|2 credentials used; refused: user user-1 (401 unauthorized)",
			"plant|Accepted gap|legacy-listed was accepted until 31 Mar 2027 by bob, and there is no such gap",
			"office|Beyond the list|1 token that InfluxDB leaves out of its list: found and checked",
		},
		"Summary": {"Accepted gap|plant: the instance has 2 orgs, and the tokens of the other one were not looked at (accepted until 31 Mar 2027 by bob, requested by alice, ticket SEC-1240: =the other org"},
	} {
		got := sheetText(t, book, sheet)
		for _, want := range lines {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in:\n%s", sheet, want, got)
			}
		}
	}
}

// TestPolicyChangedOnTheSheets: it is said first, and what it brought and took away is
// counted by itself.
func TestPolicyChangedOnTheSheets(t *testing.T) {
	t.Parallel()
	book := reporttest.OpenWorkbook(t, workbookText(t, reporttest.PolicyChanged(t), whole))
	for sheet, lines := range map[string][]string{
		"Summary": {
			"Policy changed since weekly-review/2026-11-16T0800Z.", "Policy changed|=service user user-1 added", "and more, see the sheet About",
		},
		"Changes":  {"Touched|touched|user-2|time of the last update, and nothing else|2026-11-10T08:00:00Z|2026-11-20T08:00:00Z", "Found by policy|high|touched|user-2|All-access token", "Not judged|low|touched|user-2|No description"},
		"Coverage": {"by policy|1|1|0|OK|", "not judged|1|1|0|OK|", "Findings|43|43|0|OK|", "low|10|10|0|OK|"},
		"About":    {"Changed|check all-access switched on (high)", "SHA-256|"},
	} {
		got := sheetText(t, book, sheet)
		for _, want := range lines {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in:\n%s", sheet, want, got)
			}
		}
		if sheet == "Summary" && strings.Index(got, "Policy changed") > strings.Index(got, "Needs action|New") {
			t.Error("the policy does not come before the figures")
		}
		if strings.Contains(got, "DIFFERS") {
			t.Errorf("%s differs:\n%s", sheet, got)
		}
	}
}

// TestRetiredOnTheSheets: what is not followed any more is said where it is missing.
func TestRetiredOnTheSheets(t *testing.T) {
	t.Parallel()
	book := reporttest.OpenWorkbook(t, workbookText(t, reporttest.Retired(t), whole))
	const words = "3 tokens of server/aaaa are not followed any more since 2026-11-16: =taken down <b>"
	for sheet, want := range map[string]string{"Summary": "Retired|" + words, "Changes": "Retired: " + words, "Coverage": "OK"} {
		if got := sheetText(t, book, sheet); !strings.Contains(got, want) || strings.Contains(got, "DIFFERS") {
			t.Errorf("%s: no %q in:\n%s", sheet, want, got)
		}
	}
}

// TestSummarySheetCampaigns: what is overdue stands below the headline; names are no formulas,
// and what there is no room for is counted.
func TestSummarySheetCampaigns(t *testing.T) {
	t.Parallel()
	in := known(t)
	var want []string
	for _, name := range []string{"link", "dde", "plus", "at", "newline"} {
		evil := reporttest.Hostile()[name]
		late := slices.Repeat([]audit.Revocation{{Target: "plant", Authorization: name, Description: evil, User: evil, Reviewer: evil, Decision: "revoke", Due: reporttest.LastWeek, Days: 3, State: "still-there"}}, 4)
		in.Summary.Campaigns = append(in.Summary.Campaigns, audit.CampaignStatus{Name: evil, Items: 9, Undecided: 2, Revocations: audit.RevocationCounts{Decided: 6, Outstanding: 6, Overdue: 6}, Overdue: late})
	}
	all := in.Summary.Campaigns
	for _, c := range all[:4] {
		want = append(want, c.Words(table.DayOf))
		for _, note := range c.Notes(3, table.DayOf) {
			want = append(want, "Overdue|"+note.Text)
		}
	}
	want = append(want, audit.Plural(len(all)-4, "more campaign")+", see summary.json")
	book := reporttest.OpenWorkbook(t, workbookText(t, in, whole))
	lines := strings.Split(sheetText(t, book, "Summary"), "\n")
	at := slices.Index(lines, in.Summary.Headline())
	if at < 0 || len(lines) < at+1+len(want) {
		t.Fatalf("no headline, or nothing below it: %q", lines)
	}
	if diff := cmp.Diff(want, lines[at+1:at+1+len(want)]); diff != "" {
		t.Errorf("below the headline (-want +got):\n%s", diff)
	}
	for row := range len(lines) {
		for column := 1; column <= summaryWidth; column++ {
			cell, _ := excelize.CoordinatesToCellName(column, row+1)
			if formula, err := book.GetCellFormula("Summary", cell); err != nil || strings.Contains(formula, "evil") || strings.Contains(formula, "cmd") {
				t.Errorf("%s: %q, %v", cell, formula, err)
			}
		}
	}
}
