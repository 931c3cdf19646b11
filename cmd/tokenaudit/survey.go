package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"

	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
	"tokenaudit/jobs/target"
)

// survey is what targets show at this moment, and what earlier reviews saw of them: the
// records that a review would make, in a folder that is there until close.
type survey struct {
	targets []surveyed
	unread  error // why earlier reviews are not known
	earlier *earlier
	temp    evidence.Archive
	// ownerless are targets where no token says whose it is, once a user was looked for.
	ownerless []string
}

// surveyed is a target of a survey.
type surveyed struct {
	config   target.Config
	policy   audit.Policy
	run      audit.Run
	coverage audit.Coverage
}

// survey asks the targets of the configuration as a review does, or the one that is named.
func (c *cli) survey(ctx context.Context, flags offboardFlags) (s *survey, err error) {
	s = &survey{}
	f, err := c.loadConfig(flags.config)
	if err != nil {
		return s, err
	}
	target := flags.target
	keys := []string{"store_password"}
	var targets []runner.Target
	for i, cfg := range f.Targets {
		if target != "" && cfg.Name != target {
			continue
		}
		keys = append(keys, fmt.Sprintf("targets[%d].", i))
		source, err := sourceOf(cfg, c.log(slog.LevelWarn))
		if err != nil {
			return s, err
		}
		targets = append(targets, runner.Target{Name: cfg.Name, Host: cfg.Host(), Source: source})
		s.targets = append(s.targets, surveyed{config: cfg})
	}
	if len(targets) == 0 {
		return s, usagef("--target: %s", setting.Unknown("target", target, targetNames(f)))
	}
	if err := needSecrets(ctx, f, keys...); err != nil {
		return s, err
	}
	s.earlier, s.unread = openEarlier(ctx, f, c.log(slog.LevelWarn))
	if s.temp, err = evidence.OpenTemporary(); err != nil {
		return s, err
	}
	jobs, err := jobsToTry(f, targets, c.secrets)
	if err != nil {
		return s, err
	}
	bar := c.newProgress()
	defer bar.done()
	s.earlier.Progress = bar.add
	for i := range s.targets {
		t := &s.targets[i]
		j := jobs[slices.IndexFunc(jobs, func(j runner.Job) bool {
			return slices.ContainsFunc(j.Targets, func(of runner.Target) bool { return of.Name == t.config.Name })
		})]
		t.policy = j.Policy
		if t.run, err = s.earlier.TryOut(ctx, j); err != nil {
			return s, err
		}
		t.run.Job = cmp.Or(t.run.Job, "none") // it names a folder
		t.coverage, err = assess(ctx, s.earlier.Assessor, j, t.config.Name, func(records iter.Seq2[audit.Record, error]) error {
			return cleanSnapshots{s.temp, c.secrets}.Write(ctx, t.run, t.config.Name, records)
		})
		if err := cmp.Or(context.Cause(ctx), err); err != nil {
			return s, err
		}
		cleanCoverage(c.secrets, &t.coverage)
	}
	return s, nil
}

// tokens walks the tokens of a target: those that exist, and those that earlier reviews knew.
func (s *survey) tokens(ctx context.Context, t surveyed) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for r, err := range s.temp.Read(ctx, t.run, t.config.Name) {
			if err == nil && r.IsServer() {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (s *survey) close() error {
	var err error
	if s.earlier != nil {
		err = s.earlier.close()
	}
	return errors.Join(err, s.temp.Close())
}

// conclude says what could not be seen, and is the exit code for it.
func (s *survey) conclude(c *cli) error {
	var incomplete error
	for _, t := range s.targets {
		incomplete = cmp.Or(incomplete, c.unlessComplete(t.coverage))
	}
	if s.unread != nil {
		fmt.Fprintf(c.stderr, "tokenaudit: earlier reviews are not known: %v\n", s.unread)
		incomplete = quietError{exitIncomplete}
	}
	return incomplete
}

// unproven adds to an error, that something is nowhere, where it could not be looked for.
func (s *survey) unproven(c *cli, err error) error {
	var names []string
	for _, t := range s.targets {
		if t.coverage.Verdict != audit.Complete {
			names = append(names, t.config.Name)
		}
	}
	_ = s.conclude(c) // the error is the exit code
	switch {
	case s.unread != nil:
	case s.earlier.ledger == nil:
		err = fmt.Errorf("%w, and no review was made yet that could know more", err)
	default:
		err = fmt.Errorf("%w, and no earlier review knows one", err)
	}
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w; not all of %s could be read, so it may be there", err, audit.Names(names, 10))
}
