package html

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

// pageOf is the page of in.
func pageOf(t testing.TB, in table.Input) string {
	t.Helper()
	files, _ := reporttest.Files(t, in, New)
	return files[File]
}

// between is what stands between two marks, the first time.
func between(t testing.TB, s, from, to string) string {
	t.Helper()
	_, s, found := strings.Cut(s, from)
	s, _, closed := strings.Cut(s, to)
	if !found || !closed {
		t.Fatalf("no %q … %q", from, to)
	}
	return s
}

func TestPagePolicyAllowsOnlyItsOwnBlocks(t *testing.T) {
	t.Parallel()
	got := pageOf(t, rich(t))
	csp := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(between(t, got, `http-equiv="Content-Security-Policy" content="`, `"`))
	for _, want := range []string{
		"default-src 'none'", "base-uri 'none'", "form-action 'none'",
		"style-src " + hashSource(between(t, got, "<style>", "</style>")),
		"script-src " + hashSource(between(t, got, "<script>", "</script>")),
	} {
		if !strings.Contains(csp, want+";") && !strings.HasSuffix(csp, want) {
			t.Errorf("no %s in %s", want, csp)
		}
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	t.Parallel()
	got := pageOf(t, rich(t))
	for _, bad := range []string{`\ssrc=`, `<link [^>]*href="[^d]`, `@import`, `url\(`, `\sstyle=`, `\son[a-z]+="`, `javascript:[^a]`, `<(img|iframe|object|embed|base)\b`} {
		if found := regexp.MustCompile(bad).FindString(got); found != "" {
			t.Errorf("found %q", found)
		}
	}
}

func TestPageIsNeverGreenUnlessComplete(t *testing.T) {
	t.Parallel()
	for _, v := range []audit.Verdict{audit.Complete, audit.Partial, audit.NotKnown} {
		t.Run(string(v), func(t *testing.T) {
			in := reporttest.Nothing()
			in.Summary.Coverage.Verdict = v
			section := between(t, pageOf(t, in), `<section id="summary"`, "</section>")
			green := strings.Contains(section, "edge-complete") || strings.Contains(section, "chip complete")
			if green != (v == audit.Complete) {
				t.Errorf("green is %t", green)
			}
			if !strings.Contains(section, table.CoverageWords(in.Summary.Coverage)) {
				t.Error("the coverage is not said in words")
			}
			if zero := strings.Contains(section, `id="needs-action"><b>0<`) || strings.Contains(section, "No check has a finding"); zero == (v == audit.NotKnown) {
				t.Errorf("gives a zero as a result: %t", zero)
			}
			if incomplete := strings.Contains(section, `id="verdict">INCOMPLETE: `); incomplete == green {
				t.Errorf("says that it is incomplete: %t", incomplete)
			}
		})
	}
}

func TestPageSaysWhatTheSummarySays(t *testing.T) {
	t.Parallel()
	in := rich(t)
	got := pageOf(t, in)
	for _, want := range []string{
		in.Summary.ID, in.Summary.Headline(), in.Summary.InventoryWords(), "earlier reviews could not be looked up", "members and owners of the org could not be read",
		"25 authorizations, 5 users, 2 orgs", "Relates to 2 controls", "PCI DSS 4.0.1 7.2.5.1", "weekly-review/2026-11-16T0800Z", "tokenaudit 1.0.0 abc123 go1.26",
		"1 slot before this one passed without a review", "Maria Lindqvist", "no answer",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(strings.ToLower(got), "complies") {
		t.Error("claims compliance")
	}
}

// tokenLines are the views of the tokens in the data of a page.
func tokenLines(t testing.TB, page string) []tokenView {
	lines := strings.Split(strings.TrimSpace(between(t, page, `id="data">`, "</script>")), "\n")
	out := make([]tokenView, len(lines)-1)
	for i, line := range lines[1:] {
		if err := json.Unmarshal([]byte(line), &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

var rowPattern = regexp.MustCompile(`(?s)<tr[^>]* data-token="(\d+)" data-flags="(\w*)".*?<code[^>]*>(.*?)</code>`)

// TestPageBoundKeepsTheWorst: what needs action comes before all else, then by severity.
func TestPageBoundKeepsTheWorst(t *testing.T) {
	t.Parallel()
	const n = 9_000
	page := pageOf(t, crowd(t, n))
	if got := len(tokenLines(t, page)); got != table.MostOnPage {
		t.Fatalf("%d tokens, want %d", got, table.MostOnPage)
	}
	need := 0
	for i := range n {
		r := member(i)
		if r.NeedsAction(reporttest.Began) {
			need++
		}
	}
	rows := rowPattern.FindAllStringSubmatch(page, -1)
	if len(rows) != table.MostOnPage {
		t.Fatalf("%d rows, want %d", len(rows), table.MostOnPage)
	}
	for i, m := range rows {
		if needs := strings.Contains(m[2], "a"); needs != (i < need) {
			t.Fatalf("row %d of %d, of which %d need action: %v", i, len(rows), need, needs)
		}
	}
	if !strings.Contains(page, "The worst 5,000 of 9,000, all in authorizations.csv.") {
		t.Error("the bound is not said")
	}
}

func TestPageRowsLeadToTheirToken(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]table.Input{"fixture": rich(t), "crowd": crowd(t, 6000)} {
		t.Run(name, func(t *testing.T) {
			page := pageOf(t, in)
			tokens, rows := tokenLines(t, page), rowPattern.FindAllStringSubmatch(page, -1)
			if len(rows) != len(tokens) {
				t.Fatalf("%d rows of %d tokens", len(rows), len(tokens))
			}
			for _, m := range rows {
				at, _ := strconv.Atoi(m[1])
				if id := tokens[at].ID; id != m[3] {
					t.Fatalf("the row of %s leads to %s", m[3], id)
				}
			}
		})
	}
}

// TestPageNamesTheFirstThingFirst: what has to be known comes in the order in which it is read.
func TestPageNamesTheFirstThingFirst(t *testing.T) {
	t.Parallel()
	in := crowd(t, 300)
	page, a := pageOf(t, in), in.Summary.NeedsAction
	at := 0
	for _, want := range []string{
		in.Summary.Headline(), `id="needs-action"><b>` + strconv.Itoa(a.Tokens), `id="new"><b>` + strconv.Itoa(a.New), `id="fixed"><b>` + strconv.Itoa(a.Fixed), `id="overdue"><b>` + strconv.Itoa(a.Overdue),
		"<h3>Decide</h3>", in.Summary.Decide()[0].Check.Title, "<h3>Coverage", in.Summary.InventoryWords(), "Policy unchanged since the previous review.", "<h3>Who</h3>", "Tokens that need action, over the last reviews",
		`<section id="tokens"`, `<section id="checks"`, `<section id="coverage"`, `<section id="figures"`, `<section id="about"`,
	} {
		next := strings.Index(page[at:], want)
		if next < 0 {
			t.Fatalf("no %q after %.200q", want, page[at:])
		}
		at += next
	}
	for _, folded := range []string{"checks", "coverage", "figures", "about"} {
		if section := between(t, page, `<section id="`+folded+`"`, "</section>"); !strings.Contains(section, `<details class="fold"><summary><h2`) {
			t.Errorf("%s is not folded", folded)
		}
	}
}

// TestPageTellsACommandOnce: several findings of a token may be fixed by one command.
func TestPageTellsACommandOnce(t *testing.T) {
	t.Parallel()
	found := 0
	for _, token := range tokenLines(t, pageOf(t, crowd(t, 300))) {
		told := map[string]bool{"": true}
		for _, f := range token.Findings {
			if f.Command != "" && told[f.Command] {
				t.Errorf("%s: %s again", token.ID, f.Command)
			}
			told[f.Command] = true
		}
		found += len(told) - 1
	}
	if found == 0 {
		t.Error("no command at all")
	}
}

func TestPageSameInputSameBytes(t *testing.T) {
	t.Parallel()
	in := rich(t)
	first := pageOf(t, in)
	for range 3 {
		if pageOf(t, in) != first {
			t.Fatal("the page differs")
		}
	}
}

// TestGapsOnThePage: as on the sheets of the workbook.
func TestGapsOnThePage(t *testing.T) {
	t.Parallel()
	page := pageOf(t, reporttest.WithGaps(t))
	coverage := between(t, page, `<section id="coverage"`, "</section>")
	for _, want := range []string{
		"Coverage is partial, with 2 accepted gaps until 31 Mar 2027", "complete, with 1 accepted gap until 31 Mar 2027",
		"the instance has 2 orgs", "Accepted until 31 Mar 2027 by bob, requested by alice, ticket SEC-1240", "(accepted by bob until 23 Nov 2026, which has passed)",
		"The job as a whole", "targets-configured/lab", "Premises: 3 hold, 1 accepted, 1 not needed", "own-credential-shown", "legacy-listed was accepted until",
		"refused: user user-1 (401 unauthorized)", "found and checked",
	} {
		if !strings.Contains(coverage, want) {
			t.Errorf("no %q in:\n%s", want, coverage)
		}
	}
	summary := between(t, page, `<section id="summary"`, "</section>")
	for _, want := range []string{`<span class="mono hint">instance-seen</span> <span class="chip accepted">accepted</span><small>Accepted until 31 Mar 2027 by bob`, "targets-configured/lab"} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary does not say %q:\n%s", want, summary)
		}
	}
}

func TestPolicyChangedOnThePage(t *testing.T) {
	t.Parallel()
	page := pageOf(t, reporttest.PolicyChanged(t))
	for _, want := range []string{"Policy changed since weekly-review/2026-11-16T0800Z", "<li>=service user user-1 added</li>", "No longer judged</a><span>the policy changed, not the token", `<b>1</b><span class="what">Touched tokens`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}

// TestPageTellsNothingFoundFromNotJudged: a check with nothing to go by is no result.
func TestPageTellsNothingFoundFromNotJudged(t *testing.T) {
	t.Parallel()
	todo := between(t, pageOf(t, of(t, nil)), `<section id="checks"`, "</section>")
	if passed := between(t, todo, "found nothing", "</details>"); strings.Contains(passed, "personal-write") || !strings.Contains(passed, "all-access") {
		t.Errorf("found nothing: %s", passed)
	}
	if unjudged := between(t, todo, "checks could not be judged", "</details>"); !strings.Contains(unjudged, `personal-write</span> <span class="hint">no service_users are configured`) {
		t.Errorf("not judged: %s", unjudged)
	}
}

// TestPageSpeaksOfTheProduct: a finding is in the words of the product of its token, and
// checks for other products are apart from those that found nothing.
func TestPageSpeaksOfTheProduct(t *testing.T) {
	t.Parallel()
	r := member(1)
	r.Product = audit.ProductEnterprise
	r.Findings = []audit.Finding{{Check: "operator", Severity: audit.Critical, State: audit.New, Since: reporttest.Began}}
	page := pageOf(t, of(t, []audit.Record{r}))
	for _, want := range []string{`"operator/enterprise":{"title":"Admin token"`, `"words":"operator/enterprise"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	checks := between(t, page, `<section id="checks"`, "</section>")
	if passed := between(t, checks, "found nothing", "</details>"); strings.Contains(passed, "auth-off") {
		t.Errorf("found nothing: %s", passed)
	}
	if others := between(t, checks, "for other products: not judged", "</details>"); !strings.Contains(others, "auth-off") || strings.Contains(others, "all-access") {
		t.Errorf("for other products: %s", others)
	}
}

func TestRetiredOnThePage(t *testing.T) {
	t.Parallel()
	summary := between(t, pageOf(t, reporttest.Retired(t)), `<section id="summary"`, "</section>")
	if !strings.Contains(summary, "Retired: 3 tokens of server/aaaa are not followed any more since 2026-11-16: =taken down &lt;b&gt;") {
		t.Errorf("not said: %s", summary)
	}
}

// TestReplacedOnThePage: the first page names the tokens that others took the place of.
func TestReplacedOnThePage(t *testing.T) {
	t.Parallel()
	in := rich(t)
	if page := pageOf(t, in); strings.Contains(page, `id="replaced"`) {
		t.Error("says so where none was replaced")
	}
	old := audit.Record{
		Target: "prod", Presence: audit.Gone, Owner: audit.Owner{ID: "a", Name: "alice"}, FirstSeen: in.Summary.Started.AddDate(0, 0, -14),
		Authorization: audit.Authorization{ID: "0a1b2c3d4e5f6001", UserID: "a", Description: "<i>line 7", Permissions: []audit.Permission{{Action: "read", Resource: audit.Resource{Type: "tasks"}}}},
	}
	next := old
	next.ID, next.Presence, next.Status, next.FirstSeen = "0a1b2c3d4e5f6002", audit.Listed, audit.Active, in.Summary.Started.AddDate(0, 0, -7)
	rows := in.Rows
	in.Rows = func(yield func(audit.Record, error) bool) {
		for r, err := range rows {
			if !yield(r, err) {
				return
			}
		}
		_ = yield(old, nil) && yield(next, nil)
	}
	if want, page := `<p id="replaced">1 token replaced: &lt;i&gt;line 7 of alice (deleted) by 0a1b2c3d4e5f6002 of alice</p>`, pageOf(t, in); !strings.Contains(page, want) {
		t.Errorf("no %s", want)
	}
}

// TestPageShowsExpiry: the table of tokens has the date of those that have one, and no other.
func TestPageShowsExpiry(t *testing.T) {
	t.Parallel()
	page := pageOf(t, reporttest.Family(t))
	if n := strings.Count(page, "<small>expires "); n == 0 || !strings.Contains(page, "<small>expires 2026-11-18</small>") {
		t.Errorf("%d dates", n)
	}
	if strings.Contains(pageOf(t, reporttest.Input(t)), "<small>expires ") {
		t.Error("a date where the product has none")
	}
}
