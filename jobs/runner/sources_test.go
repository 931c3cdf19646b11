package runner_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/runner"
)

// sources is a world whose weekly job is reviewed at once, week after week.
type sources struct {
	*world
}

func newSources(t *testing.T) sources {
	w := sources{newWorld(t)}
	w.tick()
	w.now = at("2026-11-16 10:30")
	w.answer("aaaa", "a1", "b2")
	return w
}

// answer makes an org answer with these tokens.
func (w sources) answer(org string, ids ...string) {
	w.prod.place, w.prod.tokens = org, tokens(ids...)
	for i := range w.prod.tokens {
		w.prod.tokens[i].OrgID = org
	}
}

func (w sources) review() *audit.Summary {
	w.t.Helper()
	w.now = w.now.AddDate(0, 0, 7)
	s, err := w.runner.ReviewNow(w.t.Context(), w.job)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// figures is what matters of a review in one line.
func figures(s *audit.Summary) string {
	var gaps []string
	for _, t := range s.Coverage.Targets {
		for _, g := range t.Gaps {
			gaps = append(gaps, g.ID)
		}
	}
	slices.Sort(gaps)
	a, f := s.Authorizations, s.Findings.ByState
	return strings.TrimSpace(strings.Join([]string{string(s.Coverage.Verdict),
		plural(a.Total, "token"), plural(a.New, "new"), plural(a.Gone, "gone"), plural(f[audit.Resolved], "resolved"), plural(f[audit.Reopened], "reopened"), strings.Join(gaps, " ")}, " "))
}

func plural(n int, what string) string { return string(rune('0'+n)) + " " + what }

func (w sources) expect(want string) {
	w.t.Helper()
	if got := figures(w.review()); got != want {
		w.t.Errorf("%s: %q, want %q", w.now.Format(time.DateOnly), got, want)
	}
}

const elsewhere = "partial 3 token %s new 0 gone 0 resolved 0 reopened source-same/server/aaaa"

// TestAnotherSource: another server behind the target, or the same one set up anew,
// makes nothing gone, in this review or in any later one, until the source is back or
// retired.
func TestAnotherSource(t *testing.T) {
	t.Parallel()
	begin := func() sources {
		w := newSources(t)
		w.expect("complete 2 token 2 new 0 gone 0 resolved 0 reopened")
		w.answer("bbbb", "c3")
		w.expect(strings.Replace(elsewhere, "%s", "1", 1))
		w.expect(strings.Replace(elsewhere, "%s", "0", 1))
		return w
	}
	w := begin()
	w.answer("aaaa", "a1")
	w.expect("partial 2 token 0 new 1 gone 1 resolved 0 reopened source-same/server/bbbb") // and now the other one is away

	w = begin()
	retired := w.now
	if err := w.ledger.Retire(t.Context(), audit.Retirement{Source: "server/aaaa", Reason: "taken down", At: retired}); err != nil {
		t.Fatal(err)
	}
	s := w.review()
	if got := figures(s); got != "complete 1 token 0 new 0 gone 0 resolved 0 reopened" {
		t.Errorf("retired: %s", got)
	}
	said := ""
	for _, p := range s.Coverage.Targets[0].Premises {
		if p.ID == audit.SourceSame {
			said = strings.Join(p.Evidence, "; ")
		}
	}
	if !strings.Contains(said, "server/aaaa, with 2 tokens of earlier reviews, was retired on 2026-12-07") || !strings.Contains(said, "taken down") {
		t.Errorf("the next report says %q", said)
	}
	if got := s.Coverage.RetiredWords(9); len(got) != 1 || got[0] != "2 tokens of server/aaaa are not followed any more since "+retired.UTC().Format(time.DateOnly)+": taken down" {
		t.Errorf("where people look the next report says %q", got)
	}
	if got := w.review().Coverage.RetiredWords(9); len(got) != 0 {
		t.Errorf("and the one after it %q", got)
	}
}

// TestSameOrgOfAnotherServer: a server at another address has an org of the same ID, and
// none of the tokens. Those of the first one may be there still.
func TestSameOrgOfAnotherServer(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.prod.url = "https://first"
	w.review()
	w.prod.url = "https://second"
	w.answer("aaaa", "x8", "x9")
	const away = "0 gone 0 resolved 0 reopened source-same/https://first"
	w.expect("partial 4 token 2 new " + away)
	w.expect("partial 4 token 0 new " + away)
	w.prod.url = "https://first"
	w.answer("aaaa", "a1")
	w.expect("partial 3 token 0 new 1 gone 1 resolved 0 reopened source-same/https://second")

	w = newSources(t)
	w.prod.url = "https://first"
	w.review()
	w.prod.url = "https://moved" // and one was revoked on the way
	w.answer("aaaa", "a1", "x9")
	w.expect("complete 2 token 1 new 1 gone 1 resolved 0 reopened")
}

// TestNamesAreLabels: a job or a target with another name goes on where the last review
// of its source was, and a second job does on the same org.
func TestNamesAreLabels(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*runner.Job){
		"a renamed job":            func(j *runner.Job) { j.Name = "quarterly" },
		"a renamed target":         func(j *runner.Job) { j.Targets[0].Name = "production" },
		"a renamed job and target": func(j *runner.Job) { j.Name, j.Targets[0].Name = "quarterly", "production" },
	} {
		w := newSources(t)
		w.review()
		change(&w.job)
		w.answer("aaaa", "a1")
		if got := figures(w.review()); got != "complete 1 token 0 new 1 gone 1 resolved 0 reopened" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestCopyOfAServer: staging was restored from a backup of prod, so that its org has the same
// ID. What one of the two showed is never the history of the other.
func TestCopyOfAServer(t *testing.T) {
	t.Parallel()
	const same = "complete 9 token 0 new 0 gone 0 resolved 0 reopened"
	for name, tc := range map[string]struct {
		change func(w sources, j *runner.Job)
		want   string
	}{
		"neither is renamed": {func(sources, *runner.Job) {}, same},
		"the copy is renamed": {func(_ sources, j *runner.Job) {
			j.Targets[1].Name, j.Reviewed = "stage", []string{"prod", "stage"}
		}, same},
		"the other one is renamed": {func(_ sources, j *runner.Job) {
			j.Targets[0].Name, j.Reviewed = "production", []string{"production", "staging"}
		}, same},
		"both are renamed": {func(_ sources, j *runner.Job) {
			j.Targets[0].Name, j.Targets[1].Name, j.Reviewed = "production", "stage", []string{"production", "stage"}
		}, same},
		"the copy is renamed, and prod was reviewed often since": {func(w sources, j *runner.Job) {
			daily := w.job
			daily.Name, daily.Targets = "daily", daily.Targets[:1]
			for range 7 {
				w.now = w.now.Add(time.Minute)
				if _, err := w.runner.ReviewNow(w.t.Context(), daily); err != nil {
					w.t.Fatal(err)
				}
			}
			j.Targets[1].Name, j.Reviewed = "stage", []string{"prod", "stage"}
		}, same},
		"a second job for the copy": {func(_ sources, j *runner.Job) {
			j.Name, j.Targets = "daily", j.Targets[1:]
		}, "complete 4 token 0 new 0 gone 0 resolved 0 reopened"},
		"a second job for the other one": {func(_ sources, j *runner.Job) {
			j.Name, j.Targets = "daily", j.Targets[:1]
		}, "complete 5 token 0 new 0 gone 0 resolved 0 reopened"},
		"a job for a third copy": {func(_ sources, j *runner.Job) {
			j.Name, j.Targets = "daily", []runner.Target{{Name: "lab", Source: copyAt("https://lab", "a1")}}
			j.Reviewed = append(j.Reviewed, "lab")
		}, "complete 1 token 1 new 0 gone 0 resolved 0 reopened"},
		"a second name of the same server goes on": {func(_ sources, j *runner.Job) {
			j.Targets = append(j.Targets[1:], runner.Target{Name: "prod-too", Source: copyAt("https://prod", "a1", "b2", "c3", "d4")})
			j.Reviewed = append(j.Reviewed, "prod-too")
		}, "complete 8 token 0 new 1 gone 1 resolved 0 reopened"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSources(t)
			w.job.Policy.Severity = map[string]audit.Severity{"no-description": audit.High}
			other := copyAt("https://staging", "a1", "b2", "c3", "d4")
			other.tokens[3].Status = audit.Inactive
			w.job.Targets = []runner.Target{
				{Name: "prod", Source: copyAt("https://prod", "a1", "b2", "c3", "d4", "e5")}, {Name: "staging", Source: other},
			}
			w.job.Reviewed = []string{"prod", "staging"}
			w.review()
			w.review()
			j := w.job
			j.Targets = slices.Clone(j.Targets)
			tc.change(w, &j)
			w.job = j
			w.expect(tc.want)
			w.expect(strings.NewReplacer("1 new", "0 new", "1 gone", "0 gone", "1 resolved", "0 resolved").Replace(tc.want))
		})
	}
}

// copyAt is a server with the org aaaa.
func copyAt(url string, ids ...string) *source {
	s := &source{url: url, place: "aaaa", tokens: tokens(ids...)}
	for i := range s.tokens {
		s.tokens[i].OrgID = "aaaa"
	}
	return s
}

// TestKnownByAnotherJob: what another job saw since is asked for, too.
func TestKnownByAnotherJob(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.review()
	weekly := w.job
	w.job.Name = "daily"
	w.answer("aaaa", "a1", "b2", "c3")
	w.review()
	w.job = weekly
	w.answer("aaaa", "a1", "b2")
	asked := ""
	w.prod.probe = func(_ context.Context, a audit.Authorization) audit.Probe {
		asked += a.ID
		return audit.Probe{Presence: audit.Hidden, Owner: &audit.Owner{State: audit.OwnerDeleted}}
	}
	if s := w.review(); asked != "c3" || s.Findings.ByCheck["deleted-owner"] != 1 {
		t.Errorf("asked for %q, findings %v", asked, s.Findings.ByCheck)
	}
}

// TestNewToEachJob: what another job saw first is new to the readers of this one, with its
// age, and only once. A job without reviews of its own goes on where the other one is.
func TestNewToEachJob(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.job.Policy.Severity = map[string]audit.Severity{"no-description": audit.High}
	weekly := w.job
	w.review()
	w.job.Name = "daily"
	w.answer("aaaa", "a1", "b2", "c3")
	saw := w.review().Started
	for i, want := range []string{"3 tokens need action (worse: 1 new)", "3 tokens need action (unchanged)"} {
		w.job = weekly
		s := w.review()
		if got := s.Headline(); got != want {
			t.Errorf("review %d: %q, want %q", i+1, got, want)
		}
		for r, err := range w.runner.Rows(t.Context(), *s) {
			if err != nil {
				t.Fatal(err)
			}
			state := audit.Open
			if r.ID == "c3" && i == 0 {
				state = audit.New
			}
			if f := r.Findings[0]; f.State != state || r.ID == "c3" && (!r.FirstSeen.Equal(saw) || !f.Since.Equal(saw)) {
				t.Errorf("review %d: %s first seen %s, %+v", i+1, r.ID, r.FirstSeen, f)
			}
		}
		w.job.Name = "daily"
		if got := w.review().Headline(); got != "3 tokens need action (unchanged)" {
			t.Errorf("the other job: %q", got)
		}
	}
}

// TestImportInALaterReview: what is known from elsewhere is asked for in whichever review
// it is first given.
func TestImportInALaterReview(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.review()
	ghost := tokens("g9")[0]
	ghost.OrgID, ghost.Status = "aaaa", ""
	w.prod.known = func(yield func(audit.Record, error) bool) {
		yield(audit.Record{Target: "prod", Authorization: ghost, Presence: audit.Unseen}, nil)
	}
	w.prod.probe = func(context.Context, audit.Authorization) audit.Probe {
		return audit.Probe{Presence: audit.Hidden, Owner: &audit.Owner{State: audit.OwnerDeleted}}
	}
	for range 2 {
		if s := w.review(); s.Findings.ByCheck["deleted-owner"] != 1 || s.Authorizations.Total != 3 {
			t.Errorf("%d tokens, %v", s.Authorizations.Total, s.Findings.ByCheck)
		}
		w.prod.known = nil // and from then on it is remembered
	}
}

// TestBackAgain: an ID that comes back after it was gone has its history.
func TestBackAgain(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.review()
	w.answer("aaaa", "a1")
	w.expect("complete 1 token 0 new 1 gone 1 resolved 0 reopened")
	w.expect("complete 1 token 0 new 0 gone 0 resolved 0 reopened")
	w.answer("aaaa", "a1", "b2")
	s := w.review()
	if got := figures(s); got != "complete 2 token 0 new 0 gone 0 resolved 1 reopened" || s.Findings.ByCheck["back-again"] != 1 {
		t.Errorf("%s, findings %v", got, s.Findings.ByCheck)
	}
}

// TestDroppedTarget: a target that is configured no more stays on the coverage.
// TestAddedTarget: what the first review of a target finds is not new, as there is nothing to
// compare with; the next one says what is.
func TestAddedTarget(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.job.Policy.Severity = map[string]audit.Severity{"no-description": audit.High}
	w.review()
	other := &source{tokens: tokens("x8", "x9"), place: "cccc"}
	for i := range other.tokens {
		other.tokens[i].OrgID = "cccc"
	}
	w.job.Targets = append(w.job.Targets, runner.Target{Name: "staging", Source: other})
	var got []string
	for range 2 {
		got = append(got, w.review().Headline())
		w.answer("aaaa", "a1", "b2", "c3")
	}
	want := []string{"4 tokens need action (unchanged: 2 of targets reviewed for the first time)", "5 tokens need action (worse: 1 new)"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDroppedTarget(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	other := &source{tokens: tokens("x9"), place: "cccc"}
	other.tokens[0].OrgID = "cccc"
	both := append(w.job.Targets, runner.Target{Name: "staging", Source: other})
	w.job.Targets = both
	w.review()
	w.job.Targets = both[:1]
	for range 3 {
		s := w.review()
		last := s.Coverage.Targets[len(s.Coverage.Targets)-1]
		if s.Coverage.Verdict != audit.Partial || !last.Dropped || last.Target != "staging" || !strings.Contains(last.Reasons[0], "complete, 1 listed") {
			t.Fatalf("coverage %+v", s.Coverage)
		}
	}
	if err := w.ledger.Retire(t.Context(), audit.Retirement{Source: "server/cccc", Reason: "gone for good", At: w.now}); err != nil {
		t.Fatal(err)
	}
	s := w.review()
	if got := figures(s); got != "complete 2 token 0 new 0 gone 0 resolved 0 reopened" {
		t.Errorf("retired: %s", got)
	}
	if got := s.Coverage.RetiredWords(9); len(got) != 1 || !strings.HasPrefix(got[0], "tokens of server/cccc are not followed any more since ") || !strings.HasSuffix(got[0], ": gone for good") {
		t.Errorf("where people look the next report says %q", got)
	}
	if got := w.review().Coverage.RetiredWords(9); len(got) != 0 {
		t.Errorf("and the one after it %q", got)
	}
}

// TestCopy: a copy of the database file has a date.
func TestCopy(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.prod.asOf = w.now.AddDate(0, 0, 7)
	w.prod.store = audit.FileStore
	w.expect("complete 2 token 2 new 0 gone 0 resolved 0 reopened")
	w.answer("aaaa", "a1")
	w.prod.asOf = w.now.AddDate(0, 0, -1)
	w.expect("partial 2 token 0 new 0 gone 0 resolved 0 reopened copy-current copy-current earlier-seen") // a week late, and older than the one before
	w.prod.asOf = w.now.AddDate(0, 0, 6)
	w.expect("complete 1 token 0 new 1 gone 1 resolved 0 reopened")
	w.prod.store, w.prod.asOf = audit.ServerStore, time.Time{} // what a copy showed is not what the server shows
	w.answer("aaaa", "c3")
	w.expect("partial 2 token 1 new 0 gone 0 resolved 0 reopened source-same/file/aaaa")
	w.prod.store, w.prod.asOf = audit.FileStore, w.now.AddDate(0, 0, 6)
	w.answer("aaaa", "b2")
	w.expect("partial 2 token 0 new 1 gone 1 resolved 1 reopened source-same/server/aaaa") // and b2, which was gone, is back
}

// TestNotSeenSince: a target keeps the day on which it was last seen over any number of
// reviews.
func TestNotSeenSince(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	first := w.review()
	w.prod.err = errors.New("refused")
	for range 8 { // more than a review is compared with
		s := w.review()
		c := s.Coverage.Targets[0]
		if !c.LastSeen.Equal(first.Started) || c.Reasons[0] != "not seen since 23 Nov 2026: not reviewed: refused" {
			t.Errorf("%s: last seen %s, reasons %q", s.ID, c.LastSeen, c.Reasons)
		}
		for _, p := range c.Premises {
			if p.ID == audit.TargetReviewed && !slices.Equal(p.Evidence, c.Reasons[:1]) {
				t.Errorf("the premise says %q", p.Evidence)
			}
		}
	}
	w.prod.err = nil
	if c := w.review().Coverage.Targets[0]; !c.LastSeen.IsZero() || c.Verdict != audit.Complete {
		t.Errorf("back: %+v", c)
	}
}

// TestNeverSeen: of a target that no review saw there is no day to say.
func TestNeverSeen(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.prod.err = errors.New("refused")
	for range 2 {
		if c := w.review().Coverage.Targets[0]; !c.LastSeen.IsZero() || c.Reasons[0] != "not reviewed: refused" {
			t.Errorf("last seen %s, reasons %q", c.LastSeen, c.Reasons)
		}
	}
}

// TestCopiesInFiles: two files of servers whose orgs have the same ID are called the same,
// and are two all the same.
func TestCopiesInFiles(t *testing.T) {
	t.Parallel()
	w := newSources(t)
	w.now = at("2026-11-23 12:00")
	for name, ids := range map[string][]string{"prod": {"a1", "b2"}, "staging": {"a1"}} {
		s := copyAt("database file of the InfluxDB with org aaaa", ids...)
		s.store = audit.FileStore
		w.job.Name, w.job.Targets, w.job.Reviewed = name, []runner.Target{{Name: name, Source: s}}, []string{"prod", "staging"}
		if got, want := figures(w.review()), "complete "+plural(len(ids), "token")+" "+plural(len(ids), "new")+" 0 gone 0 resolved 0 reopened"; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
