package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/schedule"
	"tokenaudit/report/pack"
)

// jobPacks are the packs of a job in the evidence.
type jobPacks struct {
	name     string
	packs    []foundPack // in the order of the chain
	pruned   *audit.Link // the newest one that retention took away
	behind   bool        // chain.json does not know the newest pack, as Seal was cut off before that
	problems []string    // besides those of single packs
	schedule string      // of the newest pack, as a schedule says it
	reached  time.Time   // slots of it up to here are dealt with
}

// foundPack is a pack, or of a lost one what the chain knows.
type foundPack struct {
	run      audit.Run
	link     audit.Link
	schedule string
	targets  []string
	lost     string // why it is lost, "" if it is not
}

func (p foundPack) name() string {
	if p.link.Sequence == 0 {
		return "pack of run " + p.run.ID()
	}
	return fmt.Sprintf("pack %d (run %s)", p.link.Sequence, p.run.ID())
}

// lose makes it one of which only the link is known.
func (p *foundPack) lose(why string) {
	p.lost, p.targets, p.run.Trigger, p.run.Missed = why, nil, audit.Lost, 0
	if p.run.Started.IsZero() {
		p.run.Started = p.run.Slot
	}
}

// readJobs reads what there is in the evidence. What cannot be read is said in the
// result; the error is that of evidence which cannot be reached.
func readJobs(ctx context.Context, archive evidence.Archive) (jobs []jobPacks, err error) {
	names, err := archive.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		j, err := readJob(ctx, archive, name)
		if errors.Is(err, fs.ErrPermission) {
			j, err = jobPacks{name: name, problems: []string{err.Error()}}, nil
		}
		if err != nil {
			return nil, err
		}
		if len(j.packs) > 0 || len(j.problems) > 0 {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

func readJob(ctx context.Context, archive evidence.Archive, name string) (j jobPacks, err error) {
	j.name = name
	slots, err := archive.Slots(ctx, name)
	if err != nil {
		return j, err
	}
	claims := map[string][]audit.Link{} // what the chain holds of a run
	claim := func(l *audit.Link) {
		if l != nil {
			claims[l.Run] = append(claims[l.Run], *l)
		}
	}
	for _, run := range slots {
		s, err := readSealed(ctx, archive, run)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was cut off before it had a pack
			continue
		case err != nil && (unreachable(err) || ctx.Err() != nil):
			return j, err
		}
		p := foundPack{run: run, link: s.link}
		if s.link.Sequence > 0 {
			p.run, p.schedule = s.manifest.Run, s.manifest.Schedule+" "+s.manifest.Zone
			claim(s.manifest.Previous)
		}
		p.targets = s.summary.Reviewed()
		if err != nil {
			p.lose(err.Error())
		}
		j.packs = append(j.packs, p)
	}
	head, err := j.readChain(ctx, archive)
	if err != nil {
		return j, err
	}
	claim(head)
	j.holdAgainst(claims)
	slices.SortFunc(j.packs, func(a, b foundPack) int {
		return cmp.Or(cmp.Compare(a.link.Sequence, b.link.Sequence), a.run.Started.Compare(b.run.Started))
	})
	if n := len(j.packs); n > 0 && j.packs[n-1].lost == "" {
		j.behind = head == nil && len(j.problems) == 0 || head != nil && head.Sequence < j.packs[n-1].link.Sequence
	}
	j.findReached()
	return j, nil
}

// mendChain does what Seal was kept from.
func (j *jobPacks) mendChain(ctx context.Context, archive evidence.Archive) error {
	if !j.behind {
		return nil
	}
	folder, err := archive.GatherChain(ctx, j.name)
	if err == nil {
		_, err = pack.Remember(folder, j.name, j.packs[len(j.packs)-1].link)
	}
	if err == nil {
		err = archive.PublishChain(ctx, j.name)
	}
	return err
}

// readChain reads chain.json. Without it, that no pack is missing at the end is not known.
func (j *jobPacks) readChain(ctx context.Context, archive evidence.Archive) (head *audit.Link, err error) {
	text, err := archive.ReadChain(ctx, j.name)
	if errors.Is(err, fs.ErrNotExist) {
		if len(j.packs) > 1 || len(j.packs) == 1 && j.packs[0].link.Sequence > 1 { // the first pack may have been cut off before it
			j.problems = append(j.problems, "there is no chain.json, so packs may be missing at the end")
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	chain, err := pack.ParseChain(text)
	if err != nil {
		j.problems = append(j.problems, err.Error())
		return nil, nil
	}
	j.pruned = chain.Pruned
	return &chain.Head, nil
}

// holdAgainst compares the packs with what the chain holds of them. One that was changed
// is lost, and so is one that is missing.
func (j *jobPacks) holdAgainst(claims map[string][]audit.Link) {
	for i := range j.packs {
		p := &j.packs[i]
		held := claims[p.run.ID()]
		delete(claims, p.run.ID())
		if len(held) > 0 && !slices.Contains(held, p.link) {
			p.link = held[0]
			p.lose(cmp.Or(p.lost, "it differs from the chain: it was changed or replaced"))
		}
	}
	for id, held := range claims {
		run, ok := audit.ParseRunID(id)
		if j.pruned != nil && held[0].Sequence <= j.pruned.Sequence || !ok || run.Job != j.name {
			continue
		}
		p := foundPack{run: run, link: held[0]}
		p.lose("it is missing: only the chain lists it")
		j.packs = append(j.packs, p)
	}
}

// findReached tells up to where the slots of the newest schedule are dealt with.
func (j *jobPacks) findReached() {
	byStart := slices.SortedFunc(slices.Values(j.packs), func(a, b foundPack) int { return a.run.Started.Compare(b.run.Started) })
	for _, p := range byStart {
		switch scheduled := p.run.Trigger == audit.Scheduled || p.run.Trigger == audit.CatchUp; {
		case p.schedule != "" && p.schedule != j.schedule: // another one began; earlier slots were never due
			j.schedule, j.reached = p.schedule, p.run.Started
			if scheduled {
				j.reached = p.run.Slot
			}
		case scheduled || p.lost != "" && j.due(p.run.Slot):
			if p.run.Slot.After(j.reached) {
				j.reached = p.run.Slot
			}
		}
	}
}

// due tells whether a slot is one of the schedule.
func (j *jobPacks) due(slot time.Time) bool {
	at := strings.LastIndex(j.schedule, " ") // behind it is the zone
	s, err := schedule.Parse(j.schedule[:max(at, 0)], j.schedule[at+1:])
	return err == nil && s.Next(slot.Add(-time.Second)).Equal(slot)
}

// write makes the ledger of the job, by the steps that a review takes. Of the snapshots,
// those are checked that the next review is compared with.
func (j *jobPacks) write(ctx context.Context, l *ledger.Ledger, archive evidence.Archive) error {
	newest := map[string]string{} // run, by target
	for _, p := range j.packs {
		for _, target := range p.targets {
			newest[target] = p.run.ID()
		}
	}
	for _, p := range j.packs {
		out := audit.Conclusion{Run: p.run, Pack: p.link}
		var items []audit.Coverage
		if p.lost == "" {
			s, err := readSealed(ctx, archive, p.run)
			if err != nil {
				return err
			}
			out.Summary = s.summary
			for _, t := range s.summary.Coverage.Targets {
				if t.Dropped { // there is no snapshot of it
					continue
				}
				err := error(nil)
				if newest[t.Target] == p.run.ID() {
					err = checkSnapshot(ctx, archive, s, t.Target)
				}
				switch {
				case err == nil:
					items = append(items, t)
				case unreachable(err) || ctx.Err() != nil:
					return err
				default:
					j.problems = append(j.problems, fmt.Sprintf("%s: %v; the next review of %s is compared with an earlier one", p.name(), err, t.Target))
				}
			}
		} else {
			out.Summary = lostSummary(p)
		}
		if err := writeRun(ctx, l, out, items); err != nil {
			return err
		}
	}
	if j.schedule == "" {
		return nil
	}
	_, err := l.Reached(ctx, j.name, j.schedule, j.reached)
	return err
}

// writeRun writes one run. Of its targets those have a place to be compared with that
// are in items.
func writeRun(ctx context.Context, l *ledger.Ledger, o audit.Conclusion, items []audit.Coverage) error {
	var targets []string
	for _, t := range items {
		targets = append(targets, t.Target)
	}
	opened, err := l.Begin(ctx, o.Run, targets)
	if err == nil && !opened {
		err = fmt.Errorf("run %s is in the ledger already", o.Run.ID())
	}
	if err != nil {
		return err
	}
	for _, t := range items {
		if err := l.SaveItem(ctx, o.Run, audit.Item{Coverage: t, Counts: audit.NewCounts()}); err != nil {
			return err
		}
	}
	return l.Finish(ctx, o)
}

// lostSummary says of a run that nothing is known of it.
func lostSummary(p foundPack) audit.Summary {
	s := audit.Summarize(p.run, nil, p.run.Started, audit.Tool{}, audit.Policy{}, nil)
	s.Coverage.Verdict, s.Coverage.Reasons = audit.NotKnown, []string{"its evidence pack is lost: " + line(p.lost)}
	return s
}

// checkSnapshot compares the snapshot of a target with the manifest.
func checkSnapshot(ctx context.Context, archive evidence.Archive, s sealedRun, target string) error {
	name := evidence.SnapshotFile(target)
	at := slices.IndexFunc(s.manifest.Files, func(f pack.File) bool { return f.Name == name })
	if at < 0 {
		return fmt.Errorf("it has no %s", name)
	}
	f, err := archive.Open(ctx, s.manifest.Run, name)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if hex.EncodeToString(hash.Sum(nil)) != s.manifest.Files[at].SHA256 {
		return fmt.Errorf("%s was changed", name)
	}
	return nil
}
