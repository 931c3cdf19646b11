package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tokenaudit/configs"
	"tokenaudit/configs/setting"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/ledger"
)

// Names that stand for a run.
const (
	latestRun   = "latest"
	previousRun = "previous"
)

const runHelp = `
RUN is an ID as history list shows it, or the beginning of one that no other run has, such
as 2026-11-23. "latest" is the newest finished run, of all jobs or of --job, and
"previous" the one that it was compared with. JOB/latest, JOB/previous and JOB do the
same for one job.`

// runNames are the runs of a ledger, newest first, to be found by what stands for them.
type runNames []ledger.Known

// of are the runs of one job, or of all if it is empty.
func (all runNames) of(job string) runNames {
	return slices.DeleteFunc(slices.Clone(all), func(k ledger.Known) bool { return job != "" && k.Run.Job != job })
}

func (all runNames) jobs() []string {
	names := namesOf(all, func(k ledger.Known) string { return k.Run.Job })
	slices.Sort(names)
	return slices.Compact(names)
}

func (all runNames) ids() []string {
	return namesOf(all, func(k ledger.Known) string { return k.Run.ID() })
}

// isReview reports whether a run is finished and others may be compared with it.
func isReview(k ledger.Known) bool {
	return k.Reported && k.Run.Trigger != audit.DryRun && k.Run.Trigger != audit.Lost
}

func (all runNames) latest() (audit.Run, error) {
	at := slices.IndexFunc(all, isReview)
	if at < 0 {
		return audit.Run{}, errors.New("no review is finished yet")
	}
	return all[at].Run, nil
}

// before is the review of the same job that a run was compared with: the newest one before
// it that saw anything.
func (all runNames) before(run audit.Run) (audit.Run, error) {
	for _, k := range all.of(run.Job) {
		earlier := k.Run.Started.Before(run.Started) || k.Run.Started.Equal(run.Started) && k.Run.Slot.Before(run.Slot)
		if earlier && isReview(k) && k.Verdict != audit.NotKnown {
			return k.Run, nil
		}
	}
	return audit.Run{}, errors.New("there is no review before " + run.ID() + " to compare it with")
}

// find finds the run that a name stands for, among those of a job if that is not empty.
func (all runNames) find(job, name string) (audit.Run, error) {
	if len(all) == 0 {
		return audit.Run{}, ledger.ErrNone
	}
	if jobs := all.jobs(); job != "" && !slices.Contains(jobs, job) {
		return audit.Run{}, usagef("--job: %s", setting.Unknown("job", job, jobs))
	}
	all = all.of(job)
	jobs := all.jobs()
	of, word, cut := strings.Cut(name, "/")
	switch {
	case !cut && slices.Contains(jobs, name):
		of, word = name, latestRun
	case !cut:
		of, word = "", name
	}
	if of == "" || slices.Contains(jobs, of) {
		switch word {
		case latestRun:
			return all.of(of).latest()
		case previousRun:
			newest, err := all.of(of).latest()
			if err != nil {
				return newest, err
			}
			return all.before(newest)
		}
	}
	return all.begun(name)
}

// begun finds the one run whose ID, or the slot in it, begins with a text.
func (all runNames) begun(text string) (audit.Run, error) {
	var found []audit.Run
	for _, k := range all {
		if k.Run.ID() == text {
			return k.Run, nil
		}
		if text != "" && (strings.HasPrefix(k.Run.ID(), text) || strings.HasPrefix(k.Run.SlotName(), text)) {
			found = append(found, k.Run)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		ids, words := all.ids(), append([]string{latestRun, previousRun}, all.jobs()...)
		known := append(words, ids...)
		if setting.Nearest(text, known) == "" {
			known = append(words, ids[:min(len(ids), 5)]...)
		}
		return audit.Run{}, usagef("%s", setting.Unknown("run", text, known))
	}
	const most = 5
	names := namesOf(found[:min(len(found), most)], audit.Run.ID)
	if more := len(found) - most; more > 0 {
		names = append(names, "and "+audit.Number(more)+" more")
	}
	return audit.Run{}, usagef("%.60q begins %s; use more of the ID: %s", text, audit.Plural(len(found), "run"), strings.Join(names, ", "))
}

// run finds the run that a name stands for.
func (p past) run(ctx context.Context, job, name string) (audit.Run, error) {
	all, err := p.Runs(ctx)
	if err != nil {
		return audit.Run{}, err
	}
	return runNames(all).find(job, name)
}

// checkJob refuses a job that is neither configured nor in the ledger.
func checkJob(f *configs.File, known runNames, job string) error {
	jobs := append(jobNames(f), known.jobs()...)
	if job == "" || slices.Contains(jobs, job) {
		return nil
	}
	slices.Sort(jobs)
	return usagef("--job: %s", setting.Unknown("job", job, slices.Compact(jobs)))
}

// completeRuns are the names of runs, by a ledger that is there. It says nothing, and does
// not take long.
func completeRuns(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	const enough, most = time.Second, 100
	ctx, cancel := context.WithTimeout(context.Background(), enough)
	defer cancel()
	path, _ := cmd.Flags().GetString("config")
	file, err := readConfig(path)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	r, err := ledger.OpenReader(ctx, file.Store, file.StorePassword)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer r.Close()
	all, err := r.Runs(ctx)
	if err != nil || len(all) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	job, _ := cmd.Flags().GetString("job")
	ids := runNames(all).of(job).ids()
	return append([]string{latestRun, previousRun}, ids[:min(len(ids), most)]...), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
