package main

import (
	"log/slog"
	"slices"
	"testing"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// TestJobsKnowTheTargetsOfOthers: whatever reaches a verdict knows which targets have a
// history of their own: those that any job reviews.
func TestJobsKnowTheTargetsOfOthers(t *testing.T) {
	t.Parallel()
	f := &configs.File{}
	for _, name := range []string{"prod", "staging", "idle"} {
		f.Targets = append(f.Targets, target.Config{Name: name, URL: "https://" + name + ".example.com", Org: "acme", Token: secret.Ref{Env: "TOKEN"}})
	}
	for _, name := range []string{"prod", "staging"} {
		f.Jobs = append(f.Jobs, configs.Job{Name: name, Targets: []string{name}, Schedule: "@daily", Timezone: "UTC"})
	}
	reviews, err := jobsOf(f, slog.New(slog.DiscardHandler), secret.NewRedactor())
	if err != nil {
		t.Fatal(err)
	}
	tries, err := jobsToTry(f, []runner.Target{{Name: "prod"}, {Name: "idle"}}, secret.NewRedactor()) // the last is in no job
	if err != nil {
		t.Fatal(err)
	}
	jobs := append(reviews, tries...)
	if len(jobs) != 5 {
		t.Fatalf("%d jobs", len(jobs))
	}
	for _, j := range jobs {
		if !slices.Equal(j.Reviewed, []string{"prod", "staging"}) {
			t.Errorf("job %q knows of %q", j.Name, j.Reviewed)
		}
	}
}
