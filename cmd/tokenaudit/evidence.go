package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
	"tokenaudit/report"
	campaignfiles "tokenaudit/report/campaign"
	"tokenaudit/report/pack"
)

// reporter writes the reports of a job and seals them.
type reporter struct {
	file      *configs.File
	job       configs.Job
	controls  audit.Controls
	snapshots evidence.Archive
	secrets   *secret.Redactor
	log       *slog.Logger
	retention *retention
}

// retention remembers, by job, why packs that are older than keep stay: it is said once,
// until it changes.
type retention struct {
	mu  sync.Mutex // guards why
	why map[string]string
	// Printed: who runs the jobs prints it, so that the log does not say it besides.
	printed bool
}

// note tells whether the log has to say it. How many they are is no other reason.
func (r *retention) note(job, why string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, before, _ := strings.Cut(r.why[job], ": ")
	r.why[job] = why
	_, now, _ := strings.Cut(why, ": ")
	return now != "" && now != before && !r.printed
}

func (r *retention) of(job string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why[job]
}

// write makes the evidence stand whole where every process sees it, and only then
// lets go of what is old.
func (e reporter) write(ctx context.Context, folder string, of runner.Evidence) (link audit.Link, h audit.Highlights, err error) {
	run := of.Summary.Run()
	if err := e.snapshots.Gather(ctx, run, of.Summary.Reviewed()); err != nil {
		return link, h, err
	}
	if link, h, err = e.make(ctx, folder, of); err != nil {
		return link, h, err
	}
	if err := e.snapshots.Publish(ctx, run); err != nil {
		return link, h, err
	}
	e.prune(ctx, filepath.Dir(folder), of.Summary)
	return link, h, nil
}

// sayNewChain says that chain.json was written anew.
func (e reporter) sayNewChain(anew bool, run audit.Run) {
	if anew {
		e.log.Warn("chain.json was missing or damaged and was written again. It no longer lists the packs that retention removed earlier, and verify reports this", "job", run.Job, "run", run.ID())
	}
}

func (e reporter) make(ctx context.Context, folder string, of runner.Evidence) (link audit.Link, h audit.Highlights, err error) {
	urls := map[string]string{} // of the targets; a database file has none
	for _, t := range e.file.Targets {
		if t.URL != "" {
			urls[t.Name] = t.URL
		}
	}
	in := report.Input{
		Summary: of.Summary, Rows: of.Rows, Trend: of.Trend, Controls: e.controls, Config: e.secrets.Clean(e.file.Effective()), CSV: e.job.CSV.Style(),
		Addresses: urls, Contacts: e.file.Contacts(e.job),
	}
	if h, err = report.Write(ctx, folder, e.job.Reports, in); err != nil {
		return link, h, err
	}
	link, err = e.seal(ctx, folder, of, urls)
	return link, h, err
}

func (e reporter) seal(ctx context.Context, folder string, of runner.Evidence, urls map[string]string) (audit.Link, error) {
	in := pack.Input{
		Summary: of.Summary, Addresses: urls, Schedule: e.job.Schedule, Zone: e.job.Timezone, Previous: of.Previous,
		Files: report.Files(e.job.Reports), Config: e.secrets.Clean(e.file.Effective()), Controls: e.controls,
	}
	for _, c := range of.Campaigns {
		in.Campaigns = append(in.Campaigns, campaignfiles.InManifest(c.ID, c.Files))
	}
	for _, target := range of.Summary.Reviewed() {
		in.Files = append(in.Files, evidence.SnapshotFile(target))
		requests := evidence.RequestsFile(target)
		_, err := os.Lstat(filepath.Join(folder, requests))
		switch {
		case err == nil:
			in.Files = append(in.Files, requests)
		case !errors.Is(err, fs.ErrNotExist):
			return audit.Link{}, err
		}
	}
	if !e.job.SigningKey.IsZero() {
		key, err := e.job.SigningKey.ReadLines(ctx)
		if err != nil {
			return audit.Link{}, fmt.Errorf("signing_key: %w", err)
		}
		in.Key = []byte(key.Reveal())
	}
	sealed, err := pack.Seal(ctx, folder, in)
	if err != nil {
		return audit.Link{}, err
	}
	if len(sealed.Foreign) > 0 {
		e.log.Warn("the folder of the run has files that the run did not create; verify reports them until they are removed", "job", of.Summary.Job, "run", of.Summary.ID, "folder", folder, "files", sealed.Foreign)
	}
	e.sayNewChain(sealed.NewChain, of.Summary.Run())
	return sealed.Link, nil
}

// prune takes old packs away. What goes wrong here must not keep a review from being
// reported.
func (e reporter) prune(ctx context.Context, folder string, s audit.Summary) {
	if e.job.Keep == 0 {
		return
	}
	log := e.log.With("job", s.Job, "run", s.ID)
	if target, words := s.Coverage.ClockJump(24 * time.Hour); words != "" {
		if why := "no pack removed: the clock of target " + target + " is " + words; e.retention.note(s.Job, why) {
			log.Warn("old evidence packs stay", "reason", why)
		}
		return
	}
	before := s.Started.Add(-time.Duration(e.job.Keep))
	err := e.snapshots.GatherManifests(ctx, s.Job, before)
	var done pack.Pruned
	if err == nil {
		done, err = pack.Prune(ctx, folder, before, e.snapshots.LockedUntil)
	}
	err = errors.Join(err, e.snapshots.Remove(ctx, s.Job, done.Runs))
	if n := len(done.Runs); n > 0 {
		log.Info("retention removed evidence packs", "packs", n, "first", done.Runs[0], "last", done.Runs[n-1])
	}
	why := done.Words()
	if err != nil {
		why = "packs older than keep not removed: " + err.Error()
	}
	if e.retention.note(s.Job, why) {
		log.Warn("old evidence packs stay", "reason", why, "keep", audit.SpanWords(time.Duration(e.job.Keep)))
	}
}
