package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"tokenaudit/jobs/audit"
)

// KnownPacks is a ledger, as the evidence is held against it.
type KnownPacks interface {
	// Packs of a job, the newest first, and before them the run that is under way.
	Packs(ctx context.Context, job string) ([]audit.Pack, error)
}

// SealedPacks is the evidence, as a ledger is held against it.
type SealedPacks interface {
	// Newest are the newest packs of a job by their slots, so many at the most, and the
	// head of its chain, nil if nothing tells it.
	Newest(ctx context.Context, job string, most int) ([]audit.Pack, *audit.Link, error)
	// Pack is that of a run; the error is fs.ErrNotExist if it has none.
	Pack(ctx context.Context, run audit.Run) (audit.Pack, error)
}

// compared is how many packs of a job are looked at: the newest one says nearly
// everything, and a slot that was caught up is behind it.
const compared = 5

// DisagreementError is a ledger that is not the one of the evidence.
type DisagreementError struct {
	Job, Text string
	// Lacking: the evidence lacks packs that the ledger has, so that a ledger which is
	// rebuilt from it would know less.
	Lacking bool
}

func (e *DisagreementError) Error() string {
	do := "Nothing is written until the ledger is rebuilt from the packs (tokenaudit history rebuild)"
	if e.Lacking {
		do = "Nothing is written until evidence is set to the place that has them, or they are restored from a backup"
	}
	return fmt.Sprintf("job %q: %s. %s", e.Job, e.Text, do)
}

// Agree compares what the ledger knows of the packs of a job with the newest ones in the
// evidence. The error is a *DisagreementError if a review must not go on with such a
// ledger: it would compare with the wrong run, and break the chain of packs. A run that
// was cut off between its pack and its end in the ledger is no disagreement.
func Agree(ctx context.Context, ledger KnownPacks, evidence SealedPacks, job string) error {
	// In this order: what another process finishes meanwhile is in the ledger then.
	sealed, chain, err := evidence.Newest(ctx, job, compared)
	denied := errors.Is(err, fs.ErrPermission)
	if err != nil && !denied {
		return err
	}
	known, failed := ledger.Packs(ctx, job)
	if failed != nil {
		return failed
	}
	if denied && len(known) == 0 { // nothing of ours
		return nil
	}
	if denied {
		return err
	}
	// The newest number may belong to a slot that was caught up.
	head := slices.IndexFunc(known, func(p audit.Pack) bool { return !p.Running })
	if head >= 0 && !slices.ContainsFunc(sealed, func(p audit.Pack) bool { return p.Run.ID() == known[head].Run.ID() }) {
		p, err := evidence.Pack(ctx, known[head].Run)
		if err == nil {
			sealed = append(sealed, p)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if text := disagreement(known, sealed, chain); text != "" {
		return &DisagreementError{Job: job, Text: text}
	}
	if text := lacking(known, sealed); text != "" {
		return &DisagreementError{Job: job, Text: text, Lacking: true}
	}
	return nil
}

func disagreement(known, sealed []audit.Pack, chain *audit.Link) string {
	closed := slices.DeleteFunc(slices.Clone(known), func(p audit.Pack) bool { return p.Running })
	byRun := map[string]audit.Pack{}
	for _, p := range known {
		byRun[p.Run.ID()] = p
	}
	for _, s := range sealed {
		k, found := byRun[s.Run.ID()]
		switch {
		case !found && len(closed) == 0:
			return fmt.Sprintf("the evidence has %s, but the ledger knows no review of the job: the ledger was lost, or is another one", name(s.Link))
		case !found:
			return fmt.Sprintf("the ledger ends with %s, but the evidence also has %s: the ledger is an older copy, or lost its last changes", name(closed[0].Link), name(s.Link))
		case k.Run.Trigger == audit.Lost:
		case k.Running && (s.Damaged != "" || !s.Run.Started.Equal(k.Run.Started)):
			return fmt.Sprintf("the ledger has unfinished run %s, but the evidence has another review of that slot, %s: the ledger is an older copy, or another one", k.Run.ID(), name(s.Link))
		case !k.Running && s.Link.Manifest != k.Link.Manifest:
			return fmt.Sprintf("%s in the evidence differs from the ledger: the ledger belongs to other evidence, or the pack was changed", name(s.Link))
		}
	}
	if chain != nil {
		k, found := byRun[chain.Run]
		if !found || !k.Running && k.Link.Manifest != chain.Manifest && k.Run.Trigger != audit.Lost {
			return fmt.Sprintf("the chain of the evidence ends with %s, which is not in the ledger: the ledger was lost, or is an older copy", name(*chain))
		}
	}
	return ""
}

// lacking says of the newest pack of the ledger that the evidence does not have it.
func lacking(known, sealed []audit.Pack) string {
	at := slices.IndexFunc(known, func(p audit.Pack) bool { return !p.Running })
	if at < 0 || known[at].Run.Trigger == audit.Lost {
		return ""
	}
	head := known[at]
	if slices.ContainsFunc(sealed, func(s audit.Pack) bool { return s.Run.ID() == head.Run.ID() }) {
		return ""
	}
	return fmt.Sprintf("the evidence lacks %s, which is in the ledger. The evidence is in another place, or packs were lost", name(head.Link))
}

// name names a pack for people.
func name(l audit.Link) string {
	if l.Sequence == 0 {
		return "a pack of run " + l.Run
	}
	return fmt.Sprintf("pack %d (run %s)", l.Sequence, l.Run)
}

// agree compares the ledger with the evidence of a job, where there is evidence to
// compare with.
func (r *Runner) agree(ctx context.Context, j Job) error {
	if r.Agree == nil {
		return nil
	}
	return r.Agree(ctx, j.Name)
}
