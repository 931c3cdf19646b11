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
			if says := strings.Contains(section, "every one passes every check"); says != green {
				t.Errorf("says that all is well: %t", says)
			}
		})
	}
}

func TestPageSaysWhatTheSummarySays(t *testing.T) {
	t.Parallel()
	in := rich(t)
	got := pageOf(t, in)
	for _, want := range []string{
		in.Summary.ID, table.Verdict(in.Summary), "authorizations of earlier reviews could not be asked for", "members and owners of the org could not be read",
		"25 authorizations, 5 users, 2 orgs", "Relates to", "PCI DSS 4.0.1 7.2.5.1", "weekly-review/2026-11-16T0800Z", "tokenaudit 1.0.0 abc123 go1.26",
		"1 slot before this one passed without a review", "critical 3 (was 3); high 0 (was 0); medium 10 (was 40); low 10 (was 4); info 19 (was 0)", "no answer",
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

var rowPattern = regexp.MustCompile(`<tr[^>]* data-token="(\d+)".*?<button[^>]*>(.*?)</button><small>(.*?)</small>`)

func TestPageBoundKeepsTheWorst(t *testing.T) {
	t.Parallel()
	const n = 9_000
	page := pageOf(t, crowd(t, n))
	tokens := tokenLines(t, page)
	if len(tokens) != table.MostOnPage {
		t.Fatalf("%d tokens, want %d", len(tokens), table.MostOnPage)
	}
	worst := map[audit.Severity]int{}
	for _, v := range tokens {
		worst[v.Severity]++
	}
	all := map[audit.Severity]int{}
	for i := range n {
		all[member(i).Worst()]++
	}
	left := table.MostOnPage
	for _, sev := range audit.Severities() {
		if want := min(left, all[sev]); worst[sev] != want {
			t.Errorf("kept %d of %s, want %d: kept %v of %v", worst[sev], sev, want, worst, all)
		}
		left -= worst[sev]
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
			if len(rows) < len(tokens) {
				t.Fatalf("%d rows of %d tokens", len(rows), len(tokens))
			}
			for _, m := range rows {
				at, _ := strconv.Atoi(m[1])
				if id := tokens[at].Facts[3]; id != m[3] {
					t.Fatalf("the row of %s leads to %s", m[3], id)
				}
			}
		})
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
		"refused: user user-1 (401 unauthorized)", "found all the same, and judged",
	} {
		if !strings.Contains(coverage, want) {
			t.Errorf("no %q in:\n%s", want, coverage)
		}
	}
	if summary := between(t, page, `<section id="summary"`, "</section>"); !strings.Contains(summary, "plant: instance-seen, accepted until 31 Mar 2027 by bob") {
		t.Errorf("the summary does not name what was accepted:\n%s", summary)
	}
}

func TestPolicyChangedOnThePage(t *testing.T) {
	t.Parallel()
	page := pageOf(t, reporttest.PolicyChanged(t))
	for _, want := range []string{"Policy changed since weekly-review/2026-11-16T0800Z", "<li>=service user user-1 added</li>", "<b>1</b><span>the policy changed, not the token", "Touched tokens</span><b>1</b>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Index(page, "Policy changed since") > strings.Index(page, `id="verdict"`) {
		t.Error("the policy does not come first")
	}
}

// TestPageTellsNothingFoundFromNotJudged: a check with nothing to go by is no result.
func TestPageTellsNothingFoundFromNotJudged(t *testing.T) {
	t.Parallel()
	todo := between(t, pageOf(t, of(t, nil)), `<section id="todo"`, "</section>")
	if passed := between(t, todo, "found nothing", "</details>"); strings.Contains(passed, "personal-write") || !strings.Contains(passed, "all-access") {
		t.Errorf("found nothing: %s", passed)
	}
	if unjudged := between(t, todo, "checks could not be judged", "</details>"); !strings.Contains(unjudged, `personal-write</span> <span class="hint">no service_users are configured`) {
		t.Errorf("not judged: %s", unjudged)
	}
}

func TestRetiredOnThePage(t *testing.T) {
	t.Parallel()
	summary := between(t, pageOf(t, reporttest.Retired(t)), `<section id="summary"`, "</section>")
	if !strings.Contains(summary, "Retired: 3 tokens of server/aaaa are not followed any more since 2026-11-16: =taken down &lt;b&gt;") {
		t.Errorf("not said: %s", summary)
	}
}
