package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/campaign"
)

const reviewed = `
targets: [{name: prod, url: "https://influxdb.example.com", token: {env: TOKEN}, reviewer: carla@example.com}]
jobs: [{name: weekly, schedule: "@weekly", timezone: Europe/Berlin}]
owners: {telegraf: {responsible: anna@example.com, reviewer: ben@example.com}}
campaigns:
  - {name: quarterly, job: weekly, reviewer: secops@example.com, manager: ciso@example.com, signers: ./signers`

func TestCampaignTerms(t *testing.T) {
	const day = 24 * time.Hour
	defaults := campaign.Terms{
		Name: "quarterly", Job: "weekly", Zone: "Europe/Berlin", Scope: campaign.ScopeAll, Due: 14 * day,
		Remind:       []campaign.Span{{Words: "7d", Span: 7 * day}, {Words: "3d", Span: 3 * day}, {Words: "1d", Span: day}},
		RevokeWithin: map[audit.Severity]time.Duration{audit.Critical: 3 * day, audit.High: 14 * day}, DefaultWithin: 30 * day,
		Reviewer: "secops@example.com", Manager: "ciso@example.com",
	}
	for name, test := range map[string]struct {
		keys string
		want func(*campaign.Terms)
	}{
		"defaults":                      {"", func(*campaign.Terms) {}},
		"due before the first reminder": {", due: 5d", func(t *campaign.Terms) { t.Due, t.Remind = 5*day, t.Remind[1:] }},
		"one severity":                  {", revoke_within: {high: 7d}", func(t *campaign.Terms) { t.RevokeWithin[audit.High] = 7 * day }},
		"escalation":                    {", escalate: {to: C0123456789}", func(t *campaign.Terms) { t.Escalate = campaign.Escalation{After: day, To: "C0123456789"} }},
	} {
		t.Run(name, func(t *testing.T) {
			f := loadCampaign(t, test.keys)
			want := defaults
			want.RevokeWithin = map[audit.Severity]time.Duration{audit.Critical: 3 * day, audit.High: 14 * day}
			test.want(&want)
			if diff := cmp.Diff(want, f.CampaignTerms(f.Campaigns[0])); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func loadCampaign(t *testing.T, keys string) *File {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"tokenaudit.yaml": reviewed + keys + "}\n", "signers": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Load(filepath.Join(dir, "tokenaudit.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestCampaignEffective: the evidence says what was applied, defaults too.
func TestCampaignEffective(t *testing.T) {
	text := loadCampaign(t, ", due: 5d, revoke_within: {high: 7d}").Effective()
	for _, want := range []string{"- 3d", "high: 7d", "critical: 3d", "default: 30d", "due: 5d"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestPeople(t *testing.T) {
	f := loadCampaign(t, "")
	roster := new(audit.Roster)
	roster.Add("", []string{"ben@example.com"}, audit.RosterInactive)
	people := f.People(f.Jobs[0], func(time.Time) *audit.Roster { return roster })(time.Now())
	if got := people.Contacts.Of(&audit.Record{Target: "prod", Owner: audit.Owner{Name: "telegraf"}}).Reviewer; got != "ben@example.com" {
		t.Errorf("the reviewer of the owner is %q", got)
	}
	if got := people.Targets["prod"]; got != "carla@example.com" {
		t.Errorf("the reviewer of the target is %q", got)
	}
	if !people.Left("Ben@example.com") || !people.Left("nobody@example.com") {
		t.Error("who is inactive, or in no row, has left")
	}
	if f.People(f.Jobs[0], nil)(time.Now()).Left != nil {
		t.Error("without a roster nobody is known to have left")
	}
}
