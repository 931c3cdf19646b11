package runner_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// TestReviewIsTheSame holds what two reviews of 20,000 authorizations write and
// count to what they always wrote: how it is computed may change, the evidence
// may not. The second week has every kind of change.
func TestReviewIsTheSame(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long; runs without -short")
	}
	w := newWorld(t)
	cfg := servedPopulation(t, 20_000)
	target, err := influx.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w.job.Targets[0].Source = target
	var highlights audit.Highlights
	w.job.Report = func(_ context.Context, _ string, e runner.Evidence) (_ audit.Link, _ audit.Highlights, err error) {
		highlights, err = audit.HighlightsOf(e.Rows, e.Summary, nil)
		return audit.Link{}, highlights, err
	}
	w.job.Policy = audit.Policy{
		ServiceUsers: []string{"gateway-00001", "gateway-00002"}, RotateAfter: 365 * 24 * time.Hour, InactiveAfter: 300 * 24 * time.Hour,
		Severity:   map[string]audit.Severity{"active-write": audit.Low, "dangling-grant": audit.Off},
		Exceptions: []audit.Exception{{Target: "prod", Authorization: "1200000000000005", Check: audit.AllChecks, Fingerprint: "0", Expires: at("2027-01-01 00:00")}},
	}
	weeks := []struct{ name, at, want string }{
		{"first", "2026-11-23 12:00", "4a9770ade3d9df5d"},
		{"second", "2026-11-30 12:00", "fd3bff30539e3a80"},
	}
	for i, week := range weeks {
		w.now = at(week.at)
		if i > 0 {
			w.job.Targets[0].Source = changedSource{target}
		}
		s, err := w.runner.ReviewNow(t.Context(), w.job)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		copyUnzipped(t, h, filepath.Join(w.runner.Snapshots.Folder(s.Run()), "snapshot-prod.jsonl.gz"))
		if err := json.NewEncoder(h).Encode([]any{s.Findings, s.Authorizations, s.NeedsAction, s.Inventory, highlights}); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(h.Sum(nil)[:8]); got != week.want {
			t.Errorf("%s week: %s, want %s (%d authorizations, %d findings)", week.name, got, week.want, s.Authorizations.Total, s.Findings.Total)
		}
	}
}

func servedPopulation(t testing.TB, n int) target.Config {
	db := influxtest.New(influxtest.OSS)
	org, auditor := db.AddOrg("acme"), db.AddUser("auditor")
	_, token := db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	db.Generate(org, n)
	web := httptest.NewServer(db)
	t.Cleanup(web.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return target.Config{Name: "prod", URL: web.URL, Org: "acme", Token: secret.Ref{File: file}}
}

func copyUnzipped(t *testing.T, w io.Writer, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, zip); err != nil {
		t.Fatal(err)
	}
}

// changedSource is a server on which much happened since the week before.
type changedSource struct{ runner.Source }

func (c changedSource) Collect(ctx context.Context, progress func()) (audit.Collection, error) {
	col, err := c.Source.Collect(ctx, progress)
	col.Authorizations = changed(col.Authorizations)
	col.Probe = func(_ context.Context, a audit.Authorization) audit.Probe {
		switch last := a.ID[len(a.ID)-1]; {
		case last < '5':
			return audit.Probe{Presence: audit.Gone, Evidence: "GET: 404 authorization not found"}
		case last < 'a':
			return audit.Probe{Presence: audit.Hidden, Evidence: "GET: 404 user not found", Owner: &audit.Owner{State: audit.OwnerDeleted}}
		}
		return audit.Probe{Presence: audit.Unseen, Evidence: "<no> answer & \u2028 \x01"}
	}
	return col, err
}

func changed(seq iter.Seq2[audit.Authorization, error]) iter.Seq2[audit.Authorization, error] {
	return func(yield func(audit.Authorization, error) bool) {
		i := 0
		for a, err := range seq {
			i++
			if i%97 == 0 {
				continue
			}
			if !yield(changedAt(i, a), err) {
				return
			}
		}
	}
}

func changedAt(i int, a audit.Authorization) audit.Authorization {
	if i%89 == 0 {
		a.Description = "changed \"twice\"\t<b>"
	}
	if i%83 == 0 {
		a.Status = audit.Inactive
	}
	if i%1013 == 0 {
		a.Permissions = append([]audit.Permission{{Action: "write", Resource: audit.Resource{Type: "authorizations", OrgID: a.OrgID}}}, a.Permissions...)
	}
	if i%1009 == 0 && len(a.Permissions) > 1 {
		first := a.Permissions[0]
		a.Permissions = append(append([]audit.Permission{}, a.Permissions[1:]...), first)
	}
	return a
}
