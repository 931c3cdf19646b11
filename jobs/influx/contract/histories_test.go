package contract

import (
	"log/slog"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx"
	"tokenaudit/jobs/influx/influxtest/conformance"
	"tokenaudit/jobs/influx/influxtest/histories"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/target"
)

// TestHistories are those of the fake and of InfluxDB's handlers, by the runner itself.
func TestHistories(t *testing.T) {
	t.Run("fake", func(t *testing.T) { t.Parallel(); histories.Run(t, 700, conformance.Fake, newHistorian) })
	t.Run("InfluxDB", func(t *testing.T) { t.Parallel(); histories.Run(t, 200, influxDB, newHistorian) })
}

func newHistorian(t *testing.T) histories.Reviewer {
	var now time.Time
	r := newRunner(t, func() time.Time { return now })
	return histories.Reviewer{Review: func(t *testing.T, of histories.Target, at time.Time) (*audit.Summary, []audit.Record) {
		t.Helper()
		now = at
		target, err := influx.New(target.Config{Name: of.Name, URL: of.URL, Org: of.Org, Token: secret.Ref{File: of.Credential}, Import: setting.Path(of.Import)}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		job := weekly(t, target)
		job.Name, job.Targets[0].Name = of.Job, of.Name
		job.Policy.Severity = map[string]audit.Severity{of.Off: audit.Off}
		s, err := r.ReviewNow(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		var records []audit.Record
		for rec, err := range r.Rows(t.Context(), *s) {
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, rec)
		}
		return s, records
	}, Retire: func(t *testing.T, source string, at time.Time) {
		t.Helper()
		if err := r.Ledger.(*ledger.Ledger).Retire(t.Context(), audit.Retirement{Source: source, Reason: "it is gone", At: at}); err != nil {
			t.Fatal(err)
		}
	}}
}
