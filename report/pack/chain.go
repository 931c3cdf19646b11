package pack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

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
	// Anew is the pack with which the file was written anew, since it was missing or
	// damaged: what it said of the packs before is lost.
	Anew *audit.Link `json:"anew,omitempty"`
}

// remember makes a pack the head of the chain, unless a later one is. A file that is
// missing or damaged is written anew from the packs that are there: it must not end the
// reviews to come. anew reports that.
func remember(folder, job string, head audit.Link) (anew bool, err error) {
	r, err := readChain(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*chainError)) {
		damaged := err
		r = chainRecord{Format: chainFormat, Job: job}
		if r.Head, err = newest(folder); err != nil {
			return false, err
		}
		if anew = head.Sequence > 1 || errors.As(damaged, new(*chainError)); anew {
			r.Anew = &head
		}
	}
	if err != nil || r.Head.Sequence > head.Sequence && !anew {
		return false, err
	}
	if r.Head.Sequence <= head.Sequence {
		r.Head = head
	}
	return anew, r.write(folder)
}

// newest is the pack with the highest number in the folder of a job, as far as manifests
// can be read.
func newest(folder string) (head audit.Link, err error) {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		if _, link, err := readManifest(filepath.Join(folder, e.Name())); err == nil && link.Sequence > head.Sequence {
			head = link
		}
	}
	return head, err
}

// chainError is a chain.json that is there and says nothing.
type chainError struct {
	folder string
	err    error
}

func (e *chainError) Error() string { return e.folder + ": " + e.err.Error() }

// markPruned notes, in the folder of a job, that retention takes the packs up to
// and including last away, so that Verify does not miss them. Call it before they
// are removed.
func markPruned(folder string, last audit.Link) error {
	r, err := readChain(folder)
	if err != nil || r.Pruned != nil && r.Pruned.Sequence >= last.Sequence {
		return err
	}
	r.Pruned = &last
	return r.write(folder)
}

func readChain(folder string) (chainRecord, error) {
	text, err := readFile(folder, chainFile)
	if errors.As(err, new(*fs.PathError)) { // missing, or this machine cannot read it
		return chainRecord{}, err
	}
	if err != nil {
		return chainRecord{}, &chainError{folder, err}
	}
	r, err := parseChain(text)
	if err != nil {
		err = &chainError{folder, err}
	}
	return r, err
}

func parseChain(text []byte) (r chainRecord, err error) {
	if err := json.Unmarshal(text, &r); err != nil || r.Format != chainFormat {
		return chainRecord{}, fmt.Errorf("%s is damaged; the next review writes it again", chainFile)
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
	record, err := readChain(v.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		v.problem("", chainFile, "is damaged; the next review writes it again")
	}
	lost := ""
	if r := record.Anew; r != nil {
		say(&v.Remarks, "%s was missing or damaged, and was written again with pack %d (%s): what retention removed before is not known", chainFile, r.Sequence, r.Run)
		lost = ", unless retention removed them, which " + chainFile + " has lost"
	}
	if len(v.packs) == 0 {
		if from := prunedTo(record) + 1; record.Head.Sequence >= from {
			v.problem("", "", "%s, the last of them of run %s: %s knows it, and none is there", missing(from, record.Head.Sequence), record.Head.Run, chainFile)
		}
		return
	}
	first, last := v.packs[0], v.packs[len(v.packs)-1]
	switch before := first.Previous; {
	case before == nil:
	case record.Pruned != nil && *record.Pruned == *before:
		say(&v.Remarks, "retention removed the packs up to %d (%s); pack %d has the hash of that one", before.Sequence, before.Run, first.Sequence)
	case v.options.Period != nil:
		say(&v.Remarks, "the packs before %d are not here, the last of them %s", first.Sequence, before.Run)
	default:
		v.problem("", "", "%s at the start, the last of them of run %s%s", missing(1, before.Sequence), before.Run, lost)
	}
	for i, next := range v.packs[1:] {
		v.checkLink(v.packs[i], next)
	}
	switch head := record.Head; {
	case last.when > 0: // the end is no matter of the period
	case err != nil:
		say(&v.NotProven, "That pack %d is the last: no %s beside the packs says so.", last.Sequence, chainFile)
	case head.Sequence > last.Sequence:
		v.problem("", "", "%s at the end, the last of them of run %s: %s knows it", missing(last.Sequence+1, head.Sequence), head.Run, chainFile)
	case head.Sequence < last.Sequence:
		v.problem("", chainFile, "knows only %s, there are %d: it is an older copy", audit.Plural(head.Sequence, "pack"), last.Sequence)
	case head != last.link:
		v.problem(last.Folder, manifestFile, "is not the one that %s holds: SHA-256 %s, not %s", chainFile, last.link.Manifest, head.Manifest)
	}
	for i, next := range v.packs[1:] { // another key begins to sign: a forger has one, too
		if p := v.packs[i]; p.Key != next.Key && next.when == 0 {
			say(&v.Remarks, "%s is signed by %s, the pack before it by %s", next.Folder, cmp.Or(next.Key, "nobody"), cmp.Or(p.Key, "nobody"))
		}
	}
}

// checkLink checks that one pack follows on another, unless both are on the same side
// of the period.
func (v *verifier) checkLink(p, next *Checked) {
	switch {
	case p.when != 0 && next.when != 0 && p.when >= next.when:
	case p.Job != next.Job:
		v.problem(next.Folder, "", "is of job %s, not of %s", next.Job, p.Job)
	case next.Sequence == p.Sequence:
		v.problem(next.Folder, "", "has the number %d, as %s has", next.Sequence, p.Folder)
	case next.Sequence > p.Sequence+1:
		v.problem("", "", "%s, the last of them of run %s: %s follows on it", missing(p.Sequence+1, next.Sequence-1), next.Previous.Run, next.Folder)
	case *next.Previous != p.link:
		v.problem(p.Folder, manifestFile, "is not the one that %s follows on: SHA-256 %s of run %s, not %s of run %s", next.Folder, p.link.Manifest, p.RunID, next.Previous.Manifest, next.Previous.Run)
	}
}

func prunedTo(r chainRecord) int {
	if r.Pruned == nil {
		return 0
	}
	return r.Pruned.Sequence
}

func missing(from, to int) string {
	if from == to {
		return fmt.Sprintf("pack %d is missing", from)
	}
	return fmt.Sprintf("packs %d to %d are missing", from, to)
}

// kept is how many packs retention never takes away: the next reviews are compared
// with them, and fall back on them should one be damaged.
const kept = 5

// Pruned is what came of Prune.
type Pruned struct {
	Runs []string // whose packs went
	// Stay counts the packs that are older and stay, besides the newest ones: until a
	// complete one is newer than they are, or until a lock ends.
	Stay int
	// Complete is the run of the newest complete pack, "" without one.
	Complete string
	// Locked is when the lock of the oldest of them ends, zero if none keeps it.
	Locked time.Time
}

// Words say why packs stay; "" if none does.
func (p Pruned) Words() string {
	words := audit.Plural(p.Stay, "pack") + " older than keep not removed: "
	switch {
	case p.Stay == 0:
		return ""
	case !p.Locked.IsZero():
		return words + "the oldest is locked until " + p.Locked.UTC().Format(time.DateOnly)
	case p.Complete == "":
		return words + "no review was complete yet"
	}
	return words + "no complete review since " + p.Complete
}

// Prune takes away the packs of a job whose slot is older than before, from the old
// end only: of those that are not among the newest ones, are older than one of a complete
// review, and are not locked. The chain goes on: the oldest pack that stays holds the hash
// of the last one that went. locked tells until when that of a run is.
func Prune(ctx context.Context, folder string, before time.Time, locked func(ctx context.Context, run string) (time.Time, error)) (out Pruned, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("retention: %w", err)
		}
	}()
	packs, err := packsIn(ctx, folder)
	if err != nil {
		return out, err
	}
	old, complete := 0, 0 // how many are older, and how many a complete one is newer than
	for i, p := range packs {
		if p.Coverage.Verdict == audit.Complete {
			complete, out.Complete = i, p.RunID
		}
	}
	for old < len(packs)-kept && packs[old].Slot.Before(before) {
		old++
	}
	free := 0
	for free < min(old, complete) {
		until, err := locked(ctx, packs[free].RunID)
		if err != nil {
			return out, err
		}
		if until.After(time.Now()) {
			out.Locked = until
			break
		}
		free++
	}
	if out.Stay = old - free; free == 0 {
		return out, nil
	}
	if err := markPruned(folder, packs[free-1].link); err != nil {
		return out, err
	}
	for _, p := range packs[:free] {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		if err := removePack(p.dir); err != nil {
			return out, err
		}
		out.Runs = append(out.Runs, p.RunID)
	}
	return out, nil
}

// packsIn are the packs in the folder of a job, by their numbers. A folder without a
// manifest is none: its run is still under way.
func packsIn(ctx context.Context, folder string) (packs []*Checked, err error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*", manifestFile))
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := &Checked{dir: filepath.Dir(path)}
		p.Manifest, p.link, err = readManifest(p.dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		packs = append(packs, p)
	}
	slices.SortFunc(packs, func(a, b *Checked) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return packs, err
}

// removePack leaves the manifest to the end, so that a removal that was cut off is
// taken up again by the next Prune.
func removePack(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == manifestFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}
