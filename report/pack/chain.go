package pack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tokenaudit/jobs/audit"
)

// chainFile lies beside the packs of a job. Only it tells that packs are missing
// after the last one that is there.
const chainFile = "chain.json"

const chainFormat = "tokenaudit-chain/1"

// chainRecord is chain.json.
type chainRecord struct {
	Format string     `json:"format"`
	Job    string     `json:"job"`
	Head   audit.Link `json:"head"` // the newest pack
	// Pruned is the newest pack that retention took away, null if it took none.
	Pruned *audit.Link `json:"pruned"`
}

// remember makes a pack the head of the chain, unless a later one is.
func remember(folder, job string, head audit.Link) error {
	r, err := readChain(folder)
	if errors.Is(err, fs.ErrNotExist) {
		r, err = chainRecord{Format: chainFormat, Job: job}, nil
	}
	if err != nil || r.Head.Sequence > head.Sequence {
		return err
	}
	r.Head = head
	return r.write(folder)
}

// MarkPruned notes, in the folder of a job, that retention takes the packs up to
// and including last away, so that Verify does not miss them. Call it before they
// are removed.
func MarkPruned(folder string, last audit.Link) error {
	r, err := readChain(folder)
	if err != nil || r.Pruned != nil && r.Pruned.Sequence >= last.Sequence {
		return err
	}
	r.Pruned = &last
	return r.write(folder)
}

func readChain(folder string) (chainRecord, error) {
	var r chainRecord
	text, err := os.ReadFile(filepath.Join(folder, chainFile))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Format != chainFormat {
		return r, fmt.Errorf("%s is damaged; put it back from a copy, or remove it, and the next review writes it anew", filepath.Join(folder, chainFile))
	}
	return r, nil
}

func (r chainRecord) write(folder string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return writeFile(root, chainFile, append(text, '\n'))
}

// checkChain checks that the packs follow one another without a gap, from the
// first, or what retention left, to the head.
func (v *verifier) checkChain() {
	if len(v.packs) == 0 {
		return
	}
	record, err := readChain(v.path)
	known := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		v.problem("", chainFile, "is damaged")
	}
	v.checkStart(v.packs[0], record.Pruned)
	for i, next := range v.packs[1:] {
		v.checkNext(v.packs[i], next)
	}
	last := v.packs[len(v.packs)-1]
	switch {
	case known:
		v.checkHead(last, record.Head)
	case !v.afterPeriod(last):
		v.out.NotProven = append(v.out.NotProven, fmt.Sprintf("That pack %d is the last: there is no %s beside the packs.", last.Sequence, chainFile))
	}
	v.checkKeys()
}

func (v *verifier) checkStart(first *pack, pruned *audit.Link) {
	switch before := first.Previous; {
	case before == nil:
	case pruned != nil && *pruned == *before:
		v.remark("retention took the packs up to %d (%s) away; pack %d holds the hash of that one", before.Sequence, before.Run, first.Sequence)
	case v.options.Period != nil:
		v.remark("the packs before %d are not here, the last of them %s", first.Sequence, before.Run)
	default:
		v.problem("", "", "%s at the start, the last of them of run %s", missing(1, before.Sequence), before.Run)
	}
}

// checkNext checks one link. Links between runs outside of the period are left out.
func (v *verifier) checkNext(p, next *pack) {
	if !v.concerns(p, next) {
		return
	}
	switch {
	case p.Job != next.Job:
		v.problem(next.folder, "", "is of job %s, not of %s", next.Job, p.Job)
	case next.Sequence == p.Sequence:
		v.problem(next.folder, "", "has the number %d, as %s has", next.Sequence, p.folder)
	case next.Sequence > p.Sequence+1:
		v.problem("", "", "%s, the last of them of run %s: %s follows on it", missing(p.Sequence+1, next.Sequence-1), next.Previous.Run, next.folder)
	case *next.Previous != p.link:
		v.problem(p.folder, manifestFile, "is not the one that %s follows on: SHA-256 %s of run %s, not %s of run %s", next.folder, p.link.Manifest, p.Run, next.Previous.Manifest, next.Previous.Run)
	}
}

func (v *verifier) concerns(p, next *pack) bool {
	if p.inScope || next.inScope || v.options.Period == nil {
		return true
	}
	from, to, err := v.options.Period.bounds(p.Zone)
	return err != nil || p.Slot.Before(from) && !next.Slot.Before(to)
}

func (v *verifier) checkHead(last *pack, head audit.Link) {
	switch {
	case v.afterPeriod(last):
	case head.Sequence > last.Sequence:
		v.problem("", "", "%s at the end, the last of them of run %s: %s knows it", missing(last.Sequence+1, head.Sequence), head.Run, chainFile)
	case head.Sequence < last.Sequence:
		v.problem("", chainFile, "knows only %d packs, there are %d: it is an older copy", head.Sequence, last.Sequence)
	case head != last.link:
		v.problem(last.folder, manifestFile, "is not the one that %s holds: SHA-256 %s, not %s", chainFile, last.link.Manifest, head.Manifest)
	}
}

func (v *verifier) afterPeriod(p *pack) bool {
	if v.options.Period == nil {
		return false
	}
	_, to, err := v.options.Period.bounds(p.Zone)
	return err == nil && !p.Slot.Before(to)
}

func missing(from, to int) string {
	if from == to {
		return fmt.Sprintf("pack %d is missing", from)
	}
	return fmt.Sprintf("packs %d to %d are missing", from, to)
}

// checkKeys says where another key begins to sign: a forger has one, too.
func (v *verifier) checkKeys() {
	for i, next := range v.packs[1:] {
		if p := v.packs[i]; p.Key != next.Key && next.inScope {
			v.remark("%s is signed by %s, the pack before it by %s", next.folder, keyName(next.Key), keyName(p.Key))
		}
	}
}

func keyName(fingerprint string) string {
	if fingerprint == "" {
		return "nobody"
	}
	return fingerprint
}
