package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/metrics"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
	"tokenaudit/notify/email"
	"tokenaudit/notify/slack"
	"tokenaudit/notify/webhook"
)

// TestNotSeenSince: of a target that is down for two weeks, every output says since when
// nothing of it was seen. Nothing of it is resolved meanwhile, and once it is back, all is
// as it was.
func TestNotSeenSince(t *testing.T) {
	t.Parallel()
	db, other := influxtest.NewDemo(time.Now()), newPlant(10)
	now := time.Now().UTC().Truncate(time.Second)
	at := func(days int, fault influxtest.Fault) func(*app) time.Time {
		return func(*app) time.Time {
			db.Server.Fault = fault
			return now.AddDate(0, 0, days)
		}
	}
	down := func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "down for repairs", http.StatusForbidden)
		return true
	}
	targets := []target.Config{
		{Name: "plant-eu", URL: served(t, db.Server), Org: db.Org, Token: secret.InMemory(db.Token)},
		{Name: "plant-us", URL: served(t, other.db), Org: "acme", Token: secret.InMemory(other.token)},
	}
	a, m := reviewedAll(t, targets, at(-21, nil), at(-15, nil), at(-8, down), at(-1, down))
	day := now.AddDate(0, 0, -15)
	words := "not seen since " + day.Format("2 Jan 2006")

	for output, text := range notSeenIn(t, a) {
		want := words
		switch output {
		case "summary.json", "webhook":
			want = `"last_seen":"` + day.Format(time.RFC3339) + `"`
		case "metrics":
			want = fmt.Sprintf("tokenaudit_target_last_seen_timestamp_seconds{job_name=\"weekly-review\",target=\"plant-eu\"} %g\n", float64(day.Unix()))
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q:\n%.3000s", output, want, text)
		}
	}
	if n := m.Summary.Findings.ByState[audit.Resolved]; n > 0 {
		t.Errorf("%d findings are resolved", n)
	}
	for _, c := range m.Summary.Coverage.Targets {
		if c.Target == "plant-us" && !c.LastSeen.IsZero() {
			t.Errorf("%s is seen, and last seen %s", c.Target, c.LastSeen)
		}
	}
	db.Server.Fault = nil
	back, err := a.runner.ReviewNow(t.Context(), a.jobs[0])
	must(t, err)
	for r, err := range a.runner.Rows(t.Context(), *back) {
		must(t, err)
		for _, f := range r.Findings {
			if f.State == audit.New && f.Check != "not-rotated" { // which went on
				t.Errorf("new %s %s %s", r.ID, f.Check, f.Detail)
			}
		}
	}
	if c := back.Coverage.Targets[0]; !c.LastSeen.IsZero() || c.Unseen > 0 || back.Authorizations.New > 0 {
		t.Errorf("back: last seen %s, %d unseen, %d new tokens", c.LastSeen, c.Unseen, back.Authorizations.New)
	}
}

// notSeenIn is what the outputs say of the newest review.
func notSeenIn(t *testing.T, a *app) map[string]string {
	t.Helper()
	status, err := a.ledger.Status(t.Context(), "weekly-review")
	must(t, err)
	m, err := messageFrom(t.Context(), a.file, a.snapshots, *status.Last)
	must(t, err)
	var terminal, doctor bytes.Buffer
	printSummary(&terminal, m, nil, 0, false)
	posts, err := json.Marshal(slack.Posts(slack.Config{Channel: "C0123456789"}, m))
	must(t, err)
	posted, err := webhook.JSON(m)
	must(t, err)
	var compact, summary bytes.Buffer
	must(t, json.Compact(&compact, posted))
	must(t, json.Compact(&summary, []byte(fileOf(t, m, "summary.json"))))
	mails, err := email.Preview(email.Config{To: []string{"a@example.com"}}, m)
	must(t, err)
	_, registry := a.metrics()
	prom := filepath.Join(t.TempDir(), "tokenaudit.prom")
	must(t, metrics.WriteTextfile(prom, registry))
	text, err := os.ReadFile(prom)
	must(t, err)

	c := &cli{stdout: &doctor, stderr: &doctor, secrets: secret.NewRedactor()}
	e := &examination{out: &doctor, secrets: c.secrets, width: 1000}
	earlier, err := openEarlier(t.Context(), a.file, slog.New(slog.DiscardHandler))
	must(t, err)
	must(t, c.examineTargets(t.Context(), e, earlier.Assessor, a.file))
	must(t, earlier.close())

	book, err := excelize.OpenFile(filepath.Join(m.Location, "review.xlsx"))
	must(t, err)
	defer book.Close()
	sheet := func(name string) (text string) {
		rows, err := book.GetRows(name)
		must(t, err)
		for _, row := range rows {
			text += strings.Join(row, " ") + "\n"
		}
		return text
	}
	return map[string]string{
		"terminal": terminal.String(), "doctor": strings.Join(strings.Fields(doctor.String()), " "), "slack": string(posts), "mail as text": strings.Join(strings.Fields(mails[0].Text), " "), "mail as HTML": mails[0].HTML,
		"page": fileOf(t, m, "report.html"), "sheet Summary": sheet("Summary"), "sheet Coverage": sheet("Coverage"), "ping": runner.PingText(m.Summary),
		"webhook": compact.String(), "reasons of the webhook": compact.String(), "summary.json": summary.String(), "metrics": string(text),
	}
}
