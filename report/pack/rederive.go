package pack

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
)

// derived adds up what came of making the reports of all packs again.
type derived struct {
	whole int      // packs of which every report says the same
	same  []string // files of those
	part  []*partly
}

// partly are the packs whose reports could not be compared to the byte, for one reason.
type partly struct {
	why                       string
	packs                     []int // sequence numbers
	same, byRows, notCompared []string
}

func (v *verifier) rederive(ctx context.Context, p *Checked) error {
	got, err := v.options.Rederive(ctx, p.dir, p.Manifest)
	if err != nil {
		return fmt.Errorf("%s: making its reports again: %w", p.Folder, err)
	}
	for _, problem := range got.Problems {
		v.problem(p.Folder, problem.File, "%s", problem.Text)
	}
	d := &v.derived
	if got.Why == "" {
		d.whole++
		d.same = union(d.same, got.Same)
		return nil
	}
	at := slices.IndexFunc(d.part, func(q *partly) bool { return q.why == got.Why })
	if at < 0 {
		at, d.part = len(d.part), append(d.part, &partly{why: got.Why})
	}
	q := d.part[at]
	q.packs = append(q.packs, p.Sequence)
	q.notCompared = union(q.notCompared, got.NotCompared)
	q.byRows = without(union(q.byRows, got.ByRows), q.notCompared)
	q.same = without(union(q.same, got.Same), append(q.byRows, q.notCompared...))
	return nil
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func without(all, some []string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return slices.Contains(some, s) })
}

func (d *derived) sayProven(v *verifier) {
	if d.whole > 0 {
		say(&v.Proven, "Reports: made again from the snapshots, those of %s say the same: %s.", ofPacks(d.whole, len(v.Packs)), strings.Join(d.same, ", "))
	}
	for _, q := range d.part {
		var parts []string
		if len(q.same) > 0 {
			parts = append(parts, strings.Join(q.same, ", ")+" say the same")
		}
		if len(q.byRows) > 0 {
			parts = append(parts, "the figures and rows of "+strings.Join(q.byRows, ", ")+" are the same")
		}
		if len(parts) > 0 {
			say(&v.Proven, "Reports: made again from the snapshots of %s, %s.", numbers(q.packs), strings.Join(parts, "; "))
		}
	}
}

func (d *derived) sayNotProven(v *verifier) {
	if v.options.Rederive == nil {
		say(&v.NotProven, "That the reports say what the snapshots hold: they were not made again.")
		return
	}
	for _, q := range d.part {
		nothing := ""
		if len(q.notCompared) > 0 {
			nothing = " Nothing of " + strings.Join(q.notCompared, ", ") + " was compared."
		}
		say(&v.NotProven, "That the reports of %s follow from the snapshots to the last word: %s.%s", numbers(q.packs), q.why, nothing)
	}
	if d.whole+len(d.part) > 0 {
		say(&v.NotProven, "What the servers answered: snapshots, requests, coverage and figures of earlier reviews are taken as the review wrote them. reperform.sh asks again.")
	}
}

func ofPacks(n, of int) string {
	switch {
	case of == 1:
		return "the pack"
	case n == of:
		return fmt.Sprintf("all %d packs", of)
	}
	return fmt.Sprintf("%d of %d packs", n, of)
}

// numbers names packs by their sequence numbers, which ascend.
func numbers(packs []int) string {
	var ranges []string
	for i := 0; i < len(packs); {
		last := i
		for last+1 < len(packs) && packs[last+1] == packs[last]+1 {
			last++
		}
		if text := fmt.Sprint(packs[i]); last > i {
			ranges = append(ranges, fmt.Sprintf("%s to %d", text, packs[last]))
		} else {
			ranges = append(ranges, text)
		}
		i = last + 1
	}
	if len(packs) == 1 {
		return "pack " + ranges[0]
	}
	return "packs " + strings.Join(ranges, ", ")
}

// Contradicts names what a manifest says of its run in another way than the summary of
// the run does. Of a pack of another version, only what all of them have is compared.
func (m Manifest) Contradicts(s audit.Summary, all bool) (what []string) {
	of := newManifest(Input{Summary: s, Previous: m.Previous}, nil, nil)
	differ := func(name string, a, b any) {
		x, errA := json.Marshal(a)
		y, errB := json.Marshal(b)
		if errA != nil || errB != nil || string(x) != string(y) {
			what = append(what, name)
		}
	}
	differ("run", m.RunID, of.RunID)
	differ("time and trigger", m.Run, of.Run)
	differ("end", m.Finished, of.Finished)
	differ("tool", m.Tool, of.Tool)
	differ("verdict", m.Coverage.Verdict, of.Coverage.Verdict)
	if all {
		differ("reasons", m.Coverage.Reasons, of.Coverage.Reasons)
		differ("accepted gaps", m.Coverage.Accepted, of.Coverage.Accepted)
		differ("requests", m.Requests, of.Requests)
	}
	return what
}

// SameInputs reports whether a configuration and controls are those that the manifest
// has the hashes of.
func (m Manifest) SameInputs(config string, controls audit.Controls) bool {
	of := newManifest(Input{Config: config, Controls: controls}, nil, nil)
	return m.ConfigSHA256 == of.ConfigSHA256 && m.ControlsSHA256 == of.ControlsSHA256
}
