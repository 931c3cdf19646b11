package configs

import (
	"strings"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
)

// TestEvidenceURL: each mistake is named, and all at once.
func TestEvidenceURL(t *testing.T) {
	t.Parallel()
	const front, begin, host, port, user, braces = "needs https:// or http:// in front", "needs to begin with https:// or http://", "has no valid host", "needs a port", "contains a user name or a password", `has a "{" or "}" that belongs to no placeholder`
	for text, want := range map[string][]string{
		"https://x.example/{job}/{slot}?run={run}":    nil,
		"HTTP://x.example:8080/report.html":           nil,
		"5":                                           {front},
		"evidence.example.com/{run}":                  {front},
		"javascript:alert(1)":                         {front},
		"file:///srv/evidence/{run}":                  {begin},
		"https:///{run}":                              {host},
		"https://{job}.x.example/":                    {host},
		"https://anna:" + canary + "@x.example/":      {user},
		"https://anna:" + canary + "/@x.example/":     {port},
		"https://x.example/{jobs}/{slot}":             {`unknown placeholder "{jobs}", did you mean "{job}"?`},
		"ftp://x.example/{date}/{slot":                {`unknown placeholder "{date}", known: {job}, {slot}, {run}`, begin, braces},
		"https://" + canary + "@x.example/run}/{run}": {user, braces},
	} {
		_, _, problems := parse([]byte(minimal + "jobs: [{name: w, schedule: '@weekly', evidence_url: \"" + text + "\"}]\n"))
		ok := len(problems) == len(want)
		for i := range problems {
			ok = ok && problems[i].Key == "jobs[0].evidence_url" && strings.HasPrefix(problems[i].Text, want[i]) && !strings.Contains(problems[i].Text, canary)
		}
		if !ok {
			t.Errorf("%s: %+v, want %q", text, problems, want)
		}
	}
}

func TestEvidenceAt(t *testing.T) {
	t.Parallel()
	run := audit.Run{Job: "weekly", Slot: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	if got := (Job{EvidenceURL: "https://x.example/{job}/{slot}?run={run}"}).EvidenceAt(run); got != "https://x.example/weekly/2026-11-23T0800Z?run=weekly/2026-11-23T0800Z" {
		t.Errorf("%q", got)
	}
	if got := (Job{}).EvidenceAt(run); got != "" {
		t.Errorf("without a URL: %q", got)
	}
}
