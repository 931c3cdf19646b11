package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/runner"
)

// serveClient asks the serve that has the store.
type serveClient struct {
	http *http.Client
	inForce
}

// serveOf is the serve that has an SQLite store and answers, nil if there is none.
func serveOf(ctx context.Context, f *configs.File) *serveClient {
	path, isFile := ledger.StorePath(f.Store)
	if !isFile {
		return nil
	}
	s := &serveClient{http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialControl(ctx, path+controlSuffix)
	}}}}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	resp, err := s.ask(ctx, http.MethodGet, "serve")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&s.inForce) != nil {
		return nil
	}
	return s
}

func (s *serveClient) ask(ctx context.Context, method, what string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://serve/"+what, nil)
	if err != nil {
		return nil, err
	}
	return s.http.Do(r)
}

// review asks for a review of a job and waits for its end. There is a run where it was
// finished, also with an error.
func (s *serveClient) review(ctx context.Context, job string, waiting func(), progress func(target string)) (run string, err error) {
	lost := func() error {
		if ctx.Err() != nil {
			return interruptedError{"serve goes on with a review that it has begun (tokenaudit history list)"}
		}
		return errors.New("serve ended before the review did; its next start continues the review")
	}
	resp, err := s.ask(ctx, http.MethodPost, "run?job="+url.QueryEscape(job))
	if err != nil {
		return "", lost()
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", s.unknown(job) // as of a moment ago
	}
	for lines := json.NewDecoder(resp.Body); ; {
		var line reviewLine
		if lines.Decode(&line) != nil {
			return "", lost()
		}
		if line.Waiting {
			waiting()
		}
		for target, n := range line.Rows {
			for range n {
				progress(target)
			}
		}
		if line.Done && line.Error != "" {
			err = errors.New(line.Error)
		}
		if line.Done {
			return line.Run, err
		}
	}
}

// unknown is the error for a job that serve does not have.
func (s *serveClient) unknown(job string) error {
	return usagef("serve still runs the configuration of %s, which has no job %q; send it SIGHUP (systemctl reload tokenaudit)", s.since(), job)
}

func (s *serveClient) since() string { return s.Read.Format("2006-01-02 15:04:05 MST") }

// runBeside has reviews made by the serve that has the store, and prints them as those of
// this process.
func (c *cli) runBeside(ctx context.Context, s *serveClient, file *configs.File, asked []configs.Job, f runFlags) error {
	var jobs []runner.Job
	var unknown []error
	for _, j := range asked {
		jobs = append(jobs, runner.Job{Name: j.Name})
		if !slices.Contains(s.Jobs, j.Name) {
			unknown = append(unknown, s.unknown(j.Name))
		}
	}
	if err := errors.Join(unknown...); err != nil {
		return err
	}
	if s.SHA256 != digest(file) {
		fmt.Fprintf(c.stderr, "tokenaudit: serve reviews with the configuration of %s; %s differs. To put it in force, send serve SIGHUP (systemctl reload tokenaudit).\n", s.since(), file.Path())
	}
	if f.metricsFile != "" {
		fmt.Fprintf(c.stderr, "tokenaudit: %s is not written, because serve makes the review. Its metrics are at its --listen.\n", f.metricsFile)
	}
	return runAll(jobs, f, func(j runner.Job) (*audit.Summary, error) { return c.reviewBeside(ctx, s, file, j.Name) })
}

func (c *cli) reviewBeside(ctx context.Context, s *serveClient, file *configs.File, job string) (*audit.Summary, error) {
	bar := c.newProgress()
	waiting := func() { c.sayWaiting("another review of " + job + " is under way") }
	id, failed := s.review(ctx, job, waiting, bar.add)
	bar.done()
	run, finished := audit.ParseRunID(id)
	if !finished {
		return nil, failed
	}
	p, err := openPast(ctx, c, file)
	if err != nil {
		return nil, errors.Join(failed, err)
	}
	defer p.Close()
	e, err := p.Find(ctx, run)
	if err == nil && e.Summary == nil {
		err = fmt.Errorf("run %s cannot be read: %s", id, e.Damaged)
	}
	if err != nil {
		return nil, errors.Join(failed, err)
	}
	if c.quiet {
		c.sayIncomplete(*e.Summary)
		return e.Summary, failed
	}
	m, unread := messageWith(ctx, file, p.Archive, *e.Summary, e.Highlights)
	var out bytes.Buffer
	printSummary(&out, m, unread, c.columns(), c.paint)
	_, err = out.WriteTo(c.stdout)
	return e.Summary, errors.Join(failed, err)
}

func (c *cli) sayWaiting(why string) {
	if !c.quiet {
		fmt.Fprintf(c.stderr, "tokenaudit: %s; waiting for its end\n", why)
	}
}

// takeTurn waits until no other process has the store, or a serve has it that can be asked.
func (c *cli) takeTurn(ctx context.Context, file *configs.File) (*app, *serveClient, error) {
	for tries := 0; ; tries++ {
		if s := serveOf(ctx, file); s != nil {
			return nil, s, nil
		}
		a, err := openJobs(ctx, file, c.log(slog.LevelWarn), c.secrets)
		if !errors.Is(err, ledger.ErrBusy) {
			return a, nil, err
		}
		if tries == 1 { // a serve that starts takes requests a moment after it has the store
			c.sayWaiting("another tokenaudit works on this store")
		}
		select {
		case <-ctx.Done():
			return nil, nil, interruptedError{"no review was begun"}
		case <-time.After(500 * time.Millisecond):
		}
	}
}
