package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest/conformance"
	"tokenaudit/jobs/influx/influxtest/histories"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/target"
)

// TestHistories are those of the whole program, which loses its ledger now and then and
// makes it anew from its packs.
func TestHistories(t *testing.T) {
	t.Parallel()
	histories.Run(t, 100, conformance.Fake, func(t *testing.T) histories.Reviewer {
		dir := t.TempDir()
		file := func(of histories.Target) *configs.File {
			f := &configs.File{
				Store: "sqlite:" + filepath.Join(dir, "ledger", "tokenaudit.db"), Evidence: filepath.Join(dir, "evidence"),
				Targets: []target.Config{{Name: of.Name, URL: of.URL, Org: of.Org, Token: secret.Ref{File: of.Credential}, Import: setting.Path(of.Import)}},
			}
			f.Policy.Severity = map[string]audit.Severity{of.Off: audit.Off}
			f.Jobs = []configs.Job{{Name: of.Job, Schedule: "@yearly", Timezone: "UTC", Reports: []string{"csv"}}}
			return f
		}
		return histories.Reviewer{
			Review: func(t *testing.T, of histories.Target, at time.Time) (*audit.Summary, []audit.Record) {
				t.Helper()
				clock := func(context.Context) (time.Time, error) { return at, nil }
				a, err := wire(t.Context(), file(of), clock, slog.New(slog.DiscardHandler), secret.NewRedactor())
				if err != nil {
					t.Fatal(err)
				}
				defer a.close()
				a.jobs[0].Deadline = time.Hour
				s, err := a.runner.ReviewNow(t.Context(), a.jobs[0])
				if err != nil {
					t.Fatal(err)
				}
				var records []audit.Record
				for rec, err := range a.runner.Rows(t.Context(), *s) {
					if err != nil {
						t.Fatal(err)
					}
					records = append(records, rec)
				}
				return s, records
			},
			LoseLedger: func(t *testing.T) {
				t.Helper()
				if err := os.RemoveAll(filepath.Join(dir, "ledger")); err != nil {
					t.Fatal(err)
				}
				var said bytes.Buffer
				if err := (&cli{stdout: &said, stderr: io.Discard}).rebuildFrom(t.Context(), file(histories.Target{Name: "prod", Job: "weekly"}), rebuildFlags{}); err != nil {
					t.Fatalf("%v: %s", err, &said)
				}
			},
			Retire: func(t *testing.T, source string, at time.Time) {
				t.Helper()
				l, err := ledger.Open(t.Context(), file(histories.Target{}).Store, secret.Ref{})
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				if err := l.Retire(t.Context(), audit.Retirement{Source: source, Reason: "it is gone", At: at}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
