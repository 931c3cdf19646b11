package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/runner"
	"tokenaudit/report"
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

// prune takes old packs away after a complete review: one that could not see
// everything is no time to let go of what earlier ones saw. What goes wrong here
// must not keep a review from being reported.
func (e reporter) prune(ctx context.Context, folder string, s audit.Summary) {
	if e.job.Keep == 0 || s.Coverage.Verdict != audit.Complete {
		return
	}
	before := s.Started.Add(-time.Duration(e.job.Keep))
	err := e.snapshots.GatherManifests(ctx, s.Job, before)
	var gone []string
	if err == nil {
		gone, err = pack.Prune(ctx, folder, before)
	}
	err = errors.Join(err, e.snapshots.Remove(ctx, s.Job, gone))
	log := e.log.With("job", s.Job)
	for _, run := range gone {
		log.Info("retention removed an evidence pack", "run", run)
	}
	if err != nil {
		log.Warn("old evidence packs were not removed", "run", s.ID, "error", err)
	}
}
