package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/schedule"
)

// jobResult is what became of a job, in the JSON of run.
type jobResult struct {
	Job      string         `json:"job"`
	Run      string         `json:"run"`
	State    string         `json:"state"`
	Next     *time.Time     `json:"next"`
	Error    string         `json:"error"`
	Evidence string         `json:"evidence"`
	Summary  *audit.Summary `json:"summary"` // as in summary.json
}

// runAsJSON runs jobs and prints, for people, only errors. Where a mistake ends it before
// any job, there is no document.
func (c *cli) runAsJSON(ctx context.Context, f runFlags) error {
	c.stdout = io.Discard
	var results []jobResult
	file, err := readConfig(f.config)
	if err != nil {
		return err
	}
	f.note = func(job string, s *audit.Summary, err error) {
		r := c.resultOf(file, job, s, err)
		if f.dryRun { // of which there is none
			r.Evidence = ""
		}
		results = append(results, r)
	}
	err = c.runJobs(ctx, f)
	if len(results) == 0 {
		return err
	}
	return cmp.Or(c.encode(results), err)
}

// resultOf is that of a job. There is a summary if it was reviewed, also if then a message
// did not arrive.
func (c *cli) resultOf(f *configs.File, job string, s *audit.Summary, err error) jobResult {
	r := jobResult{Job: job, State: "nothing-due", Summary: s}
	switch {
	case s != nil:
		r.State, r.Run = "reviewed", s.ID
	case errors.Is(err, runner.ErrLeased), errors.Is(err, ledger.ErrBusy):
		r.State = "busy"
	case err != nil:
		r.State = "failed"
	}
	if err != nil {
		r.Error = audit.Visible(c.secrets.Clean(err.Error()), true)
	}
	if s != nil {
		if archive, err := evidence.Open(f.Evidence, evidence.Lock{}); err == nil { // asks no bucket anything
			r.Evidence = archive.Location(s.Run())
			_ = archive.Close()
		}
	}
	for _, j := range f.Jobs {
		if s, err := schedule.Parse(j.Schedule, j.Timezone); err == nil && j.Name == job {
			if next := s.Next(time.Now()); !next.IsZero() {
				r.Next = &next
			}
		}
	}
	return r
}
