package dedicated_test

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/dedicated"
	"tokenaudit/jobs/dedicated/dedicatedtest"
	"tokenaudit/jobs/target"
)

// plant is a cluster with two databases, a canary and two tokens.
type plant struct {
	*dedicatedtest.Server
	cfg                     target.Config
	canary, writer, grafana string // IDs
	values                  []string
}

func read(name string) dedicatedtest.Permission {
	return dedicatedtest.Permission{Action: "read", Resource: name}
}

func write(name string) dedicatedtest.Permission {
	return dedicatedtest.Permission{Action: "write", Resource: name}
}

func newPlant(t *testing.T, kind string) *plant {
	t.Helper()
	s := dedicatedtest.NewClustered()
	if kind == target.KindDedicated {
		s = dedicatedtest.NewDedicated()
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Setenv("TEST_TOKEN", s.Credential)
	p := &plant{Server: s, cfg: target.Config{Name: "plant", Kind: kind, URL: web.URL, Account: s.Account, Cluster: s.Cluster, Token: secret.Ref{Env: "TEST_TOKEN"}}}
	s.AddDatabase("telemetry", "billing")
	p.writer, p.canary, p.grafana = p.create("collector", read("telemetry"), write("telemetry")), p.create("tokenaudit canary", read("billing")), p.create("grafana", read("*"))
	p.cfg.Canary = strings.ToUpper(p.canary)
	return p
}

func (p *plant) create(description string, permissions ...dedicatedtest.Permission) string {
	id, value := p.Create(description, permissions...)
	p.values = append(p.values, value)
	return id
}

// reviewed is what a review saw.
type reviewed struct {
	cov      audit.Coverage
	records  []audit.Record
	requests []audit.Request
}

func (p *plant) collection(t *testing.T) audit.Collection {
	t.Helper()
	at, err := dedicated.New(p.cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	col, err := at.Collect(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	return col
}

// review is one after those before it, as the runner makes it.
func (p *plant) review(t *testing.T, before ...reviewed) reviewed {
	t.Helper()
	col := p.collection(t)
	defer col.Close()
	var earlier []audit.Record
	if len(before) > 0 {
		earlier = before[len(before)-1].records
	}
	base := func(yield func(audit.Record, error) bool) {
		for _, r := range earlier {
			if !yield(r, nil) {
				return
			}
		}
	}
	all := audit.Union(base)
	if col.Known != nil {
		all = audit.Union(base, col.Known)
	}
	out := reviewed{cov: col.Coverage}
	rv := audit.Review{Collection: col, Target: p.cfg.Name, Now: time.Now(), Store: audit.ServerStore}
	for r, err := range rv.Merge(t.Context(), t.Context(), all) {
		if err != nil {
			t.Fatal(err)
		}
		out.cov.Count(r)
		out.records = append(out.records, r)
	}
	col.Conclude(&out.cov)
	out.cov.Reconcile()
	out.requests = col.Requests()
	return out
}

func (r reviewed) record(t *testing.T, id string) audit.Record {
	t.Helper()
	at := slices.IndexFunc(r.records, func(r audit.Record) bool { return r.ID == id })
	if at < 0 {
		t.Fatalf("no record of %s", id)
	}
	return r.records[at]
}

// state is that of a premise, "" where nothing is said of it.
func (r reviewed) state(premise string) audit.PremiseState {
	for _, p := range r.cov.Premises {
		if p.ID == premise {
			return p.State
		}
	}
	return ""
}

// gaps are the IDs of all that does not hold, sorted.
func (r reviewed) gaps() []string {
	var out []string
	for _, g := range r.cov.Gaps {
		out = append(out, g.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
