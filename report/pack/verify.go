package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/signature"
)

// Options say what a pack or a chain of packs is held against.
type Options struct {
	// Signers is an allowed-signers file, as ssh-keygen -Y verify takes it. With it
	// every pack must be signed by one of its keys.
	Signers []byte
	// Period limits a chain to the runs that were due in it, and holds them against
	// the schedule.
	Period *Period
	// Planned gives the slots of a schedule in [from, to); needed for a Period.
	Planned func(schedule, zone string, from, to time.Time) ([]time.Time, error)
	// Now ends a period that is not over.
	Now time.Time
	// Rederive makes the reports of a pack again whose files are as they were sealed,
	// and compares. Without it, nothing is said of what the reports hold.
	Rederive func(ctx context.Context, dir string, m Manifest) (Rederived, error)

	job string // whose packs the folder must have, "" for any
}

// Rederived is what came of making the reports of a pack again from its snapshots.
type Rederived struct {
	Problems []Problem // their files and texts
	// Why says why not all could be compared to the byte; "" if all was.
	Why string
	// Same, ByRows and NotCompared are files: those that say the same; those whose figures
	// and rows do; those of which nothing is known.
	Same, ByRows, NotCompared []string
}

// Result is what Verify found.
type Result struct {
	Job        string // "" unless every job of a folder was checked
	Chain      bool   // a folder of packs, not one pack
	Packs      []*Checked
	Problems   []Problem
	Remarks    []string
	Attendance *Attendance // nil without a period
	// Proven and NotProven say in words what follows, and what does not.
	Proven, NotProven []string
}

// Checked is a pack whose manifest could be read.
type Checked struct {
	Manifest
	Folder   string
	Signer   string // principals of the allowed-signers file; "" without one
	Problems int

	dir  string
	link audit.Link
	when int // -1 before the period, 0 in it or without one, 1 after it
}

// Link points to the pack.
func (p *Checked) Link() audit.Link { return p.link }

// Problem is something that is wrong with a pack, a file of it, or the chain.
type Problem struct{ Pack, File, Text string }

// String names pack and file.
func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.Pack, p.File, p.Text}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// OK reports whether nothing is wrong and no planned review is missing.
func (r *Result) OK() bool {
	return len(r.Problems) == 0 && (r.Attendance == nil || len(r.Attendance.Missing) == 0)
}

// Verify checks one evidence pack, all packs of a job, or those of every job that has a
// folder in path: their files, signatures and chain, and that the reviews of a period
// took place. There is a result for each job, and what is wrong is in it; an error means
// that nothing could be checked, or that ctx has ended.
func Verify(ctx context.Context, path string, o Options) ([]*Result, error) {
	var jobs []string
	if !isPack(path) && !isJob(path) {
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && isJob(filepath.Join(path, e.Name())) {
				jobs = append(jobs, e.Name())
			}
		}
	}
	if len(jobs) == 0 {
		result, err := verify(ctx, path, o)
		if err != nil {
			return nil, err
		}
		return []*Result{result}, nil
	}
	var results []*Result
	for _, job := range jobs {
		o.job = job
		result, err := verify(ctx, filepath.Join(path, job), o)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// verify checks one evidence pack, or all packs of a job.
func verify(ctx context.Context, path string, o Options) (*Result, error) {
	v := &verifier{Result: &Result{Job: o.job}, path: path, options: o}
	if o.Signers != nil {
		var err error
		if v.signers, err = signature.Parse(o.Signers, signatureNamespace); err != nil {
			return nil, err
		}
	}
	folders, err := v.folders()
	if err != nil {
		return nil, err
	}
	for _, folder := range folders {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v.read(ctx, folder)
	}
	slices.SortFunc(v.packs, func(a, b *Checked) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Folder, b.Folder))
	})
	if o.Period != nil {
		v.attend()
	}
	for _, p := range v.packs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.when != 0 {
			continue
		}
		v.Packs = append(v.Packs, p)
		if o.job != "" && p.Job != o.job {
			v.problem(p.Folder, "", "is of job %s: folders were exchanged, copied or renamed", p.Job)
		}
		if v.Chain && p.Folder != p.SlotName() {
			v.problem(p.Folder, "", "has the pack of run %s: packs were exchanged, copied or renamed", p.RunID)
		}
		before := len(v.Problems)
		v.checkSignature(p, v.checkFiles(ctx, p))
		if o.Rederive != nil && len(v.Problems) == before {
			if err := v.rederive(ctx, p); err != nil {
				return nil, err
			}
		}
	}
	if v.Chain {
		v.checkChain()
	}
	for _, p := range v.Packs {
		for _, problem := range v.Problems {
			if problem.Pack == p.Folder {
				p.Problems++
			}
		}
	}
	v.sayProven()
	v.sayNotProven()
	return v.Result, ctx.Err()
}

// verifier is the state of one Verify.
type verifier struct {
	*Result
	path    string
	options Options
	signers signature.Signers
	packs   []*Checked // in the order of the chain, of every period
	derived derived
}

func (v *verifier) problem(pack, file, format string, args ...any) {
	v.Problems = append(v.Problems, Problem{pack, file, fmt.Sprintf(format, args...)})
}

// say adds to the remarks, or to what is proven or not.
func say(to *[]string, format string, args ...any) {
	*to = append(*to, fmt.Sprintf(format, args...))
}

// folders of the packs: the path itself, or what is in it.
func (v *verifier) folders() ([]string, error) {
	if isPack(v.path) {
		if v.options.Period != nil {
			return nil, errors.New("a period needs the folder of a job, this is the pack of one run")
		}
		return []string{v.path}, nil
	}
	entries, err := os.ReadDir(v.path)
	if err != nil {
		return nil, err
	}
	if !isJob(v.path) {
		return nil, fmt.Errorf("%s: no evidence pack; name the folder of a run, of a job with its runs, or of all jobs", v.path)
	}
	v.Chain = true
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, filepath.Join(v.path, e.Name()))
		} else if e.Name() != chainFile {
			say(&v.Remarks, "%s does not belong to any pack", e.Name())
		}
	}
	return out, nil
}

// isJob reports whether a folder has packs in it, or had some.
func isJob(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, chainFile)); err == nil {
		return true
	}
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.IsDir() && isPack(filepath.Join(dir, e.Name())) })
}

func isPack(dir string) bool {
	for _, name := range []string{manifestFile, sumsFile, signatureFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// read takes up a folder; without a manifest that can be read, it is checked at
// once by its SHA256SUMS.
func (v *verifier) read(ctx context.Context, dir string) {
	p := &Checked{Folder: filepath.Base(dir), dir: dir}
	var err error
	if p.Manifest, p.link, err = readManifest(dir); err == nil {
		v.packs = append(v.packs, p)
		return
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("is missing: it was removed, or the run has not ended, or it is older than evidence packs")
	}
	v.problem(p.Folder, manifestFile, "%v", err)
	if isPack(dir) {
		p.Manifest = Manifest{} // nothing of it counts
		v.checkFiles(ctx, p)
	}
}

// sayProven writes down what follows from the checks: nothing where anything is
// wrong.
func (v *verifier) sayProven() {
	if len(v.Problems) > 0 || len(v.Packs) == 0 {
		return
	}
	files, who := 0, []string{}
	for _, p := range v.Packs {
		files += len(p.Files) + 1
		if !slices.Contains(who, p.Signer) {
			who = append(who, p.Signer)
		}
	}
	say(&v.Proven, "Integrity: all %d files are as the packs list them, by size, rows and SHA-256; none is missing, none was added.", files)
	if v.options.Signers != nil {
		say(&v.Proven, "Origin: every pack is signed by a key that the allowed-signers file gives to %s.", strings.Join(who, ", "))
	}
	v.derived.sayProven(v)
	if v.Chain {
		first, last := v.Packs[0].Sequence, v.Packs[len(v.Packs)-1].Sequence
		say(&v.Proven, "Order: the packs %d to %d follow one another without a gap, and each holds the hash of the one before it.", first, last)
	}
}

// sayNotProven writes down what does not follow, however well the checks went.
func (v *verifier) sayNotProven() {
	unsigned := 0
	for _, p := range v.Packs {
		if !p.Signed {
			unsigned++
		}
	}
	switch {
	case unsigned > 0:
		say(&v.NotProven, "That nobody changed a pack on purpose: %d of %d are not signed, and hashes alone show accidents only.", unsigned, len(v.Packs))
	case v.options.Signers == nil:
		say(&v.NotProven, "Who signed: without an allowed-signers file, a signature only shows that some key was used. Anybody can make a key.")
	}
	v.derived.sayNotProven(v)
	switch {
	case !v.Chain:
		say(&v.NotProven, "That no other pack is missing: that needs the folder of the job, with all of its packs.")
	case len(v.packs) > 0: // whoever can remove packs can put an older chain.json back
		last := v.packs[len(v.packs)-1].link
		say(&v.NotProven, "That nobody removed packs from the end on purpose. Keep a note elsewhere that the last one is number %d, of run %s, with the manifest %s.", last.Sequence, last.Run, last.Manifest)
	}
	if v.options.Period == nil {
		say(&v.NotProven, "That every planned review took place: that needs a period.")
	}
	say(&v.NotProven, "When the packs were made: their times are those of the machine that ran the review. What a review could not see, its coverage says.")
}

// checkFiles compares the files of a pack with its manifest, as far as that could be
// read, and with SHA256SUMS, which it gives; nil if that cannot be read.
func (v *verifier) checkFiles(ctx context.Context, p *Checked) []byte {
	sums, err := readFile(p.dir, sumsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.problem(p.Folder, sumsFile, "is missing")
	case err != nil:
		v.problem(p.Folder, sumsFile, "%v", err)
		sums = nil
	}
	sumOf, said, present := parseSums(sums), map[string]File{}, map[string]bool{}
	for name, sum := range sumOf {
		said[name] = File{Name: name, Size: -1, SHA256: sum}
	}
	for _, f := range p.Files {
		said[f.Name] = f
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		v.problem(p.Folder, "", "%v", err)
	}
	unsigned := p.RunID != "" && !p.Signed // and its manifest could be read
	for _, e := range entries {
		if name := e.Name(); name != sumsFile && (name != signatureFile || unsigned) {
			present[name] = true
			if _, ok := said[name]; !ok {
				said[name] = File{}
			}
		}
	}
	before := len(v.Problems)
	for _, name := range slices.Sorted(maps.Keys(said)) {
		f, sum := said[name], sumOf[name]
		switch {
		case name == manifestFile:
			if sum != "" && p.link.Manifest != "" && sum != p.link.Manifest { // else said when it was read
				v.problem(p.Folder, name, "is not the one that %s lists: one of the two was changed", sumsFile)
			}
		case !present[name]:
			v.problem(p.Folder, name, "is missing")
		case f.Name == "":
			v.problem(p.Folder, name, "does not belong to the pack: it was added")
		default:
			v.checkFile(ctx, p, f, sum)
		}
	}
	if len(v.Problems) == before && p.link.Manifest != "" && sums != nil && string(sums) != string(sumsOf(p.Files, p.link.Manifest)) {
		v.problem(p.Folder, sumsFile, "is not what %s says: one of the two was changed", manifestFile)
	}
	return sums
}

// checkFile compares a file with what the manifest says of it, and with its line in
// SHA256SUMS. Without a manifest, the size is -1.
func (v *verifier) checkFile(ctx context.Context, p *Checked, said File, sum string) {
	got, err := measure(ctx, p.dir, said.Name)
	if got.SHA256 == "" {
		v.problem(p.Folder, said.Name, "cannot be read: %v", err)
		return
	}
	switch {
	case got.SHA256 != said.SHA256 && got.SHA256 == sum:
		v.problem(p.Folder, said.Name, "is not the file that %s lists: SHA-256 %s, not %s", manifestFile, got.SHA256, said.SHA256)
	case got.SHA256 != said.SHA256:
		v.problem(p.Folder, said.Name, "was changed: SHA-256 %s, not %s", got.SHA256, said.SHA256)
	case said.Size < 0:
	case got.Size != said.Size:
		v.problem(p.Folder, said.Name, "has %d bytes, %s says %d", got.Size, manifestFile, said.Size)
	case rowsOf(got) != rowsOf(said):
		v.problem(p.Folder, said.Name, "has %d rows, %s says %d", rowsOf(got), manifestFile, rowsOf(said))
	}
}

// rowsOf is -1 for a file without rows.
func rowsOf(f File) int {
	if f.Rows == nil {
		return -1
	}
	return *f.Rows
}

func (v *verifier) checkSignature(p *Checked, sums []byte) {
	if !p.Signed {
		if v.options.Signers != nil {
			v.problem(p.Folder, signatureFile, "is missing: the pack says that it is not signed")
		}
		return
	}
	signed, err := readFile(p.dir, signatureFile)
	if err != nil {
		v.problem(p.Folder, signatureFile, "is missing or cannot be read, though the pack says that it is signed")
		return
	}
	if sums == nil {
		return // said by checkFiles
	}
	key, err := signature.KeyOf(sumsFile, sums, signed, signatureNamespace)
	if err == nil && !signature.IsOurs(signed) {
		err = errors.New("was changed: it is not written as tokenaudit writes it")
	}
	if err != nil {
		v.problem(p.Folder, signatureFile, "%v", err)
		return
	}
	if got := ssh.FingerprintSHA256(key); got != p.Key {
		v.problem(p.Folder, signatureFile, "is of the key %s, %s says %s", got, manifestFile, p.Key)
		return
	}
	if v.options.Signers == nil {
		return
	}
	s, err := v.signers.Of(key, p.Finished)
	if err != nil {
		v.problem(p.Folder, signatureFile, "%v", err)
		return
	}
	p.Signer = s.Principals
}
