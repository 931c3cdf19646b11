package dedicated_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/dedicated/dedicatedtest"
	"tokenaudit/jobs/target"
)

var kinds = []string{target.KindDedicated, target.KindClustered}

// answers changes the answers to requests whose path ends so.
func (p *plant) answers(end string, change func(a *dedicatedtest.Answer)) {
	p.Change = func(r *http.Request, a *dedicatedtest.Answer) {
		if strings.HasSuffix(r.URL.Path, end) {
			change(a)
		}
	}
}

// replaces answers 200 with this body.
func (p *plant) replaces(end, body string) {
	p.answers(end, func(a *dedicatedtest.Answer) { a.Status, a.Body = 200, []byte(body) })
}

// rewrites changes words of the answers.
func (p *plant) rewrites(end, from, to string) {
	p.answers(end, func(a *dedicatedtest.Answer) { a.Body = bytes.Replace(a.Body, []byte(from), []byte(to), 1) })
}

func (p *plant) imports(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.cfg.Import = setting.Path(path)
}

// TestComplete: a review that everything holds of, and what stands for that.
func TestComplete(t *testing.T) {
	for _, kind := range kinds {
		p := newPlant(t, kind)
		r := p.review(t)
		if r.cov.Verdict != audit.Complete || len(r.records) != 3 || r.cov.Listed != 3 {
			t.Errorf("%s: %s, %d records, %q", kind, r.cov.Verdict, len(r.records), r.cov.Reasons)
		}
		for _, premise := range []string{audit.CredentialActive, audit.CredentialSeesAll, audit.ProductKnown, audit.ListWhole, audit.ListsAgree, audit.RowsReadable, audit.CanaryListed, audit.DatabasesListed} {
			if got := r.state(premise); got != audit.Holds {
				t.Errorf("%s: %s: %q", kind, premise, got)
			}
		}
		for _, premise := range []string{audit.OwnersKnown, audit.OwnCredentialShown, audit.StoredListed, audit.InstanceSeen, audit.LegacyListed, audit.UsersPresent, audit.OwnersConfigured, audit.ImportCurrent} {
			if got := r.state(premise); got != audit.NotNeeded {
				t.Errorf("%s: %s: %q", kind, premise, got)
			}
		}
		if len(r.cov.Sources) != 1 || len(r.cov.BlindSpots) < 3 {
			t.Errorf("%s: sources %q, limits %q", kind, r.cov.Sources, r.cov.BlindSpots)
		}
	}
}

// TestPremises: each premise fails once, and how far the verdict falls.
func TestPremises(t *testing.T) {
	forbid := func(p *plant, end string) {
		p.Forbids = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, end) }
	}
	for _, tc := range []struct {
		premise, name string
		breaks        func(t *testing.T, p *plant)
		verdict       audit.Verdict
		says          string
	}{
		{audit.CredentialActive, "refused", func(_ *testing.T, p *plant) { p.Credential = "another" }, audit.NotKnown, "401 unauthorized"},
		{audit.CredentialActive, "cannot be read", func(t *testing.T, p *plant) { t.Setenv("TEST_TOKEN", "") }, audit.NotKnown, "nothing was requested"},
		{audit.CredentialSeesAll, "may not list", func(_ *testing.T, p *plant) { forbid(p, "/tokens") }, audit.NotKnown, "403 forbidden"},
		{audit.ProductKnown, "another product", func(_ *testing.T, p *plant) {
			p.answers("/tokens", func(a *dedicatedtest.Answer) {
				a.Status, a.Body = 404, []byte(`{"code":"not found","message":"path not found"}`)
				a.Header.Set("X-Influxdb-Build", "OSS")
			})
		}, audit.NotKnown, "InfluxDB OSS answers"},
		{audit.ListWhole, "cut", func(_ *testing.T, p *plant) {
			p.answers("/tokens", func(a *dedicatedtest.Answer) { a.Body = a.Body[:len(a.Body)-1] })
		}, audit.NotKnown, "cut off"},
		{audit.ListWhole, "an error in a 200", func(_ *testing.T, p *plant) { p.replaces("/tokens", `{"code":500,"message":"internal server error"}`) }, audit.NotKnown, "not a list of tokens"},
		{audit.ListWhole, "a row left out", func(_ *testing.T, p *plant) { p.rewrites("/tokens", p.grafana, "7") }, audit.Partial, "no UUID"},
		{audit.ListWhole, "out of a cache", func(_ *testing.T, p *plant) {
			p.answers("/tokens", func(a *dedicatedtest.Answer) { a.Header.Set("Age", "60") })
		}, audit.Partial, "from a cache"},
		{audit.ListWhole, "more pages", func(_ *testing.T, p *plant) {
			p.answers("/tokens", func(a *dedicatedtest.Answer) { a.Header.Set("Link", `</api/v0/tokens?page=2>; rel="next"`) })
		}, audit.Partial, "a further page"},
		{audit.ListsAgree, "shown twice", func(_ *testing.T, p *plant) {
			p.answers("/tokens", func(a *dedicatedtest.Answer) {
				twice := bytes.Replace(bytes.TrimSuffix(a.Body, []byte("]")), []byte(`"action":"read"`), []byte(`"action":"write"`), 1)
				a.Body = append(append(append([]byte{}, twice...), ','), a.Body[1:]...)
			})
		}, audit.Partial, "shown twice"},
		{audit.RowsReadable, "an action", func(_ *testing.T, p *plant) { p.rewrites("/tokens", `"action":"write"`, `"action":"own"`) }, audit.Partial, "cannot be read"},
		{audit.RowsReadable, "no permissions", func(_ *testing.T, p *plant) { p.rewrites("/tokens", `"permissions":`, `"grants":`) }, audit.Partial, "cannot be read"},
		{audit.RowsReadable, "a date", func(_ *testing.T, p *plant) {
			p.rewrites("/tokens", `"2026-01-05T08:00:00.000Z"`, `"2026-01-05T08:00:00"`)
		}, audit.Partial, "a date that cannot be read"},
		{audit.CanaryListed, "none configured", func(_ *testing.T, p *plant) { p.cfg.Canary = "" }, audit.Partial, "no canary is configured"},
		{audit.CanaryListed, "not listed", func(_ *testing.T, p *plant) { p.Remove(p.canary) }, audit.Partial, "is not in the list"},
		{audit.CanaryListed, "nothing listed", func(_ *testing.T, p *plant) { p.replaces("/tokens", `[]`) }, audit.NotKnown, "proves nothing"},
		{audit.DatabasesListed, "refused", func(_ *testing.T, p *plant) { forbid(p, "/databases") }, audit.Partial, "403 forbidden"},
		{audit.DatabasesListed, "null", func(_ *testing.T, p *plant) { p.replaces("/databases", `null`) }, audit.Partial, "could not be listed"},
		{audit.DatabasesListed, "without a name", func(_ *testing.T, p *plant) { p.replaces("/databases", `[{"maxTables":"500"}]`) }, audit.Partial, "without a name"},
		{audit.ImportCurrent, "not there", func(_ *testing.T, p *plant) { p.cfg.Import = "/nowhere/tokens.json" }, audit.Partial, "could not be read"},
		{audit.ImportCurrent, "of another cluster", func(t *testing.T, p *plant) {
			p.imports(t, `[{"id":"00000000-0000-4000-8000-000000000001","cluster_id":"`+p.Cluster+`"}]`)
		}, audit.Partial, "lists none of them"},
		{audit.ImportCurrent, "years old", func(t *testing.T, p *plant) {
			p.imports(t, `[{"id":"`+p.writer+`","cluster_id":"`+p.Cluster+`"}]`)
			at := time.Now().AddDate(-3, 0, 0)
			if err := os.Chtimes(string(p.cfg.Import), at, at); err != nil {
				t.Fatal(err)
			}
		}, audit.Partial, "days ago"},
	} {
		for _, kind := range kinds {
			t.Run(tc.premise+" "+tc.name+" "+kind, func(t *testing.T) {
				p := newPlant(t, kind)
				tc.breaks(t, p)
				r := p.review(t)
				if r.cov.Verdict != tc.verdict || r.state(tc.premise) != audit.Fails || !strings.Contains(strings.Join(r.cov.Reasons, "\n"), tc.says) {
					t.Errorf("%s, %s %q, gaps %q, reasons %q", r.cov.Verdict, tc.premise, r.state(tc.premise), r.gaps(), r.cov.Reasons)
				}
				for _, g := range r.cov.Gaps {
					if strings.Contains(g.Remedy(), "influxd ") || strings.Contains(g.Remedy(), "influx auth") || strings.Contains(g.Remedy(), "--read-orgs") {
						t.Errorf("%s: a remedy of another product: %s", g.ID, g.Remedy())
					}
					if g.Remedy() == "" || strings.Contains(g.Reason, p.Server.Credential) {
						t.Errorf("the gap %q has no remedy, or the credential in it: %q", g.ID, g.Reason)
					}
				}
			})
		}
	}
}

// TestHiddenTokens: a list that is cut, and what shows it.
func TestHiddenTokens(t *testing.T) {
	for _, kind := range kinds {
		t.Run("an earlier review had it "+kind, func(t *testing.T) {
			p := newPlant(t, kind)
			first := p.review(t)
			p.Most = 2
			r := p.review(t, first)
			for _, g := range r.cov.Gaps {
				if !strings.Contains(g.Remedy(), "report it to InfluxData") {
					t.Errorf("%s: %s", g.ID, g.Remedy())
				}
			}
			if r.cov.Verdict != audit.Partial || !slices.Equal(r.gaps(), []string{audit.CredentialSeesAll, audit.ListsAgree}) || r.record(t, p.grafana).Presence != audit.Hidden {
				t.Errorf("%s %q %q", r.cov.Verdict, r.gaps(), r.cov.Reasons)
			}
		})
		t.Run("the import has it "+kind, func(t *testing.T) {
			p := newPlant(t, kind)
			p.Most = 2
			p.imports(t, `[{"id":"`+strings.ToUpper(p.grafana)+`","cluster_id":"`+p.Cluster+`","permissions":{}},{"id":"`+p.writer+`","cluster_id":"`+p.Cluster+`"}]`)
			r := p.review(t)
			if got := r.record(t, p.grafana); r.cov.Verdict != audit.Partial || !slices.Contains(r.gaps(), audit.ListsAgree) || got.Presence != audit.Hidden || len(got.Permissions) != 1 {
				t.Errorf("%s %q %q %+v", r.cov.Verdict, r.gaps(), r.cov.Reasons, got)
			}
		})
		t.Run("nothing has it "+kind, func(t *testing.T) { // which is why a canary is asked for, and an import is of use
			p := newPlant(t, kind)
			p.Most = 2
			if r := p.review(t); r.cov.Verdict != audit.Complete || r.cov.Listed != 2 {
				t.Errorf("%s %q", r.cov.Verdict, r.gaps())
			}
		})
	}
}
