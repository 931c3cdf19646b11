package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/report/pack"
)

// sealedRun is a run as its evidence pack tells of it.
type sealedRun struct {
	manifest pack.Manifest
	link     audit.Link
	summary  audit.Summary
}

// readSealed reads what the ledger keeps of a run from its pack, and checks it against
// the manifest. The error is fs.ErrNotExist if the run has no pack. With another error,
// what could be read is there: the link has a number if the manifest is one.
func readSealed(ctx context.Context, archive evidence.Archive, run audit.Run) (s sealedRun, err error) {
	const manifestFile, summaryFile = "manifest.json", "summary.json"
	text, err := archive.ReadFile(ctx, run, manifestFile)
	if err != nil {
		return s, err
	}
	m, link, err := pack.Parse(text)
	if err != nil {
		return s, err
	}
	if m.RunID != run.ID() {
		return s, fmt.Errorf("%s belongs to run %.100q: packs were exchanged, copied or renamed", manifestFile, m.RunID)
	}
	s.manifest, s.link = m, link
	text, err = archive.ReadFile(ctx, run, summaryFile)
	if errors.Is(err, fs.ErrNotExist) { // a pack without it is a pack
		return s, fmt.Errorf("%s is missing", summaryFile)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", summaryFile, err)
	}
	if err := m.Check(summaryFile, text); err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s.summary); err != nil {
		return s, fmt.Errorf("%s: %w", summaryFile, err)
	}
	if s.summary.Run().ID() != m.RunID || !s.summary.Started.Equal(m.Started) {
		return s, fmt.Errorf("%s belongs to run %.100q", summaryFile, s.summary.ID)
	}
	return s, nil
}

// sealed reads back a pack that was sealed before its run was cut off, and writes it down
// as the head of the chain, should that be what was cut off.
func (e reporter) sealed(ctx context.Context, run audit.Run) (audit.Summary, audit.Link, error) {
	s, err := readSealed(ctx, e.snapshots, run)
	if err != nil {
		return audit.Summary{}, audit.Link{}, err
	}
	if !s.manifest.Started.Equal(run.Started) || s.manifest.Trigger != run.Trigger {
		return audit.Summary{}, audit.Link{}, fmt.Errorf("it belongs to another review of that slot, which began at %s", s.manifest.Started)
	}
	folder, err := e.snapshots.GatherChain(ctx, run.Job)
	if err != nil {
		return audit.Summary{}, audit.Link{}, err
	}
	anew, err := pack.Remember(folder, run.Job, s.link)
	if err != nil {
		return audit.Summary{}, audit.Link{}, err
	}
	e.sayNewChain(anew, run)
	return s.summary, s.link, e.snapshots.PublishChain(ctx, run.Job)
}
