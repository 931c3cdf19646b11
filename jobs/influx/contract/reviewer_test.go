package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest/conformance"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
	"tokenaudit/jobs/target"
)

// reviewer reviews one server, with a ledger and evidence of its own.
type reviewer struct {
	*conformance.World
	url    string
	runner *runner.Runner
	job    runner.Job
	now    time.Time
}

// newReviewer reviews org, or every org if it is "", with the token of that name.
func newReviewer(t *testing.T, w *conformance.World, token, org string) *reviewer {
	t.Helper()
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	variable := "CONTRACT_TOKEN_" + port
	t.Setenv(variable, w.Tokens[token])
	cfg := target.Config{Name: "prod", URL: web.URL, Org: w.Fill(org), Token: secret.Ref{Env: variable}}
	target, err := influx.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return newReviewerOf(t, w, web.URL, target)
}

// reviewBoth makes a first review of both servers.
func reviewBoth(t *testing.T, ws conformance.Worlds, token, org string) (real, fake outcome) {
	t.Helper()
	return newReviewer(t, ws[0], token, org).review(t), newReviewer(t, ws[1], token, org).review(t)
}

func newReviewerOf(t *testing.T, w *conformance.World, url string, source runner.Source) *reviewer {
	t.Helper()
	r := &reviewer{World: w, url: url, now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), job: weekly(t, source)}
	r.runner = newRunner(t, func() time.Time { return r.now })
	return r
}

func weekly(t *testing.T, source runner.Source) runner.Job {
	t.Helper()
	schedule, err := schedule.Parse("0 9 * * 1", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	return runner.Job{
		Name: "weekly", Schedule: schedule, Deadline: time.Hour, Targets: []runner.Target{{Name: "prod", Source: source}},
		Report: func(context.Context, string, runner.Evidence) (audit.Link, audit.Highlights, error) {
			return audit.Link{}, audit.Highlights{}, nil
		},
	}
}

func newRunner(t *testing.T, now func() time.Time) *runner.Runner {
	t.Helper()
	folder := t.TempDir()
	ledger, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(folder, "ledger.db"), secret.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ledger.Close() })
	clock := func(context.Context) (time.Time, error) { return now(), nil }
	return &runner.Runner{Ledger: ledger, Snapshots: evidence.Archive{Root: folder}, Now: clock, Holder: "contract", Log: slog.New(slog.DiscardHandler)}
}

// outcome is a review in a form that can be compared: the coverage of the only
// target, the counts, and each authorization by its symbolic name.
type outcome struct {
	Coverage       audit.Coverage
	Authorizations audit.AuthorizationCounts
	Findings       audit.FindingCounts
	Rows           map[string]row
}

type row struct {
	Presence   audit.Presence
	Owner      audit.OwnerState
	OwnerName  string
	OrgDeleted bool
	Changes    []string
	Findings   []string // check and state
}

// review is the review of one week.
func (r *reviewer) review(t *testing.T) outcome {
	t.Helper()
	s, err := r.runner.ReviewNow(t.Context(), r.job)
	if err != nil {
		t.Fatal(err)
	}
	r.now = r.now.AddDate(0, 0, 7)
	o := outcome{r.comparable(t, s.Coverage.Targets[0]), s.Authorizations, s.Findings, map[string]row{}}
	for rec, err := range r.runner.Rows(t.Context(), *s) {
		if err != nil {
			t.Fatal(err)
		}
		o.Rows[strings.Trim(r.Symbolic(rec.ID), "{}")] = rowOf(rec, s.Started)
	}
	return o
}

func rowOf(rec audit.Record, at time.Time) row {
	out := row{Presence: rec.Presence, Owner: rec.Owner.State, OwnerName: rec.Owner.Name, OrgDeleted: rec.OrgDeleted}
	for _, c := range rec.Changes {
		out.Changes = append(out.Changes, c.Field)
	}
	for _, f := range rec.Findings {
		if f.Reported(at) {
			out.Findings = append(out.Findings, fmt.Sprintf("%s %s", f.Check, f.State))
		}
	}
	return out
}

// comparable replaces ids by names in all that the coverage says.
func (r *reviewer) comparable(t *testing.T, c audit.Coverage) audit.Coverage {
	t.Helper()
	for i := range c.Asked {
		c.Asked[i].SHA256 = "" // ids and times differ
	}
	c.AsOf, c.ServerDate, c.LastSeen, c.Credentials = time.Time{}, time.Time{}, time.Time{}, nil
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var out audit.Coverage
	if err := json.Unmarshal([]byte(strings.ReplaceAll(r.Symbolic(string(text)), r.url, "URL")), &out); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out.Sources) // in the order of ids
	for _, p := range out.Premises {
		slices.Sort(p.Evidence)
	}
	return out
}
