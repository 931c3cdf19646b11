package configs

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/notify/slack"
)

// TestContacts: the owners of the Slack settings of a job, the form of earlier versions,
// say who is told there where the owners of the file do not.
func TestContacts(t *testing.T) {
	t.Parallel()
	f := File{Owners: map[string]Owner{"telegraf": {Responsible: "anna@example.com", Team: "plant"}, "grafana": {Slack: "U0123456789"}}}
	job := Job{Slack: &slack.Config{Owners: map[string]string{"telegraf": "C0123456789", "grafana": "U9999999999", "iot": "bob@example.com"}}}
	want := audit.Contacts{
		"telegraf": {Responsible: "anna@example.com", Team: "plant", Slack: "C0123456789"}, "grafana": {Slack: "U0123456789"}, "iot": {Slack: "bob@example.com"},
	}
	if diff := cmp.Diff(want, f.Contacts(job)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := f.Contacts(Job{}); len(got) != 2 || got["telegraf"].Slack != "" {
		t.Errorf("without Slack: %+v", got)
	}
}
