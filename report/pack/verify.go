package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tokenaudit/jobs/audit"
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
}

// Result is what Verify found.
type Result struct {
	Chain      bool // a folder of packs, not one pack
	Packs      []Checked
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
}

// Problem is something that is wrong with a pack, a file of it, or the chain.
type Problem struct{ Pack, File, Text string }

// String names pack and file.
func (p Problem) String() string {
	var parts []string
	for _, s := range []string{p.Pack, p.File, p.Text} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// OK reports whether nothing is wrong and no planned review is missing.
func (r Result) OK() bool {
	return len(r.Problems) == 0 && (r.Attendance == nil || len(r.Attendance.Missing) == 0)
}

// Verify checks one evidence pack, or all packs of a job: their files, signatures
// and chain, and that the reviews of a period took place. What is wrong is in the
// result; an error means that nothing could be checked.
func Verify(ctx context.Context, path string, o Options) (Result, error) {
	v := &verifier{path: path, options: o}
	if o.Signers != nil {
		var err error
		if v.signers, err = parseSigners(o.Signers); err != nil {
			return Result{}, err
		}
	}
	folders, err := v.folders()
	if err != nil {
		return Result{}, err
	}
	for _, folder := range folders {
		v.read(ctx, folder)
	}
	return v.verify(ctx)
}

// verifier is the state of one Verify.
type verifier struct {
	path    string
	options Options
	signers []signer
	packs   []*pack // whose manifest could be read
	out     Result
}

// pack is an evidence pack on disk.
type pack struct {
	Manifest
	dir, folder string
	link        audit.Link
	inScope     bool
	signer      string
}

func (v *verifier) problem(pack, file, format string, args ...any) {
	v.out.Problems = append(v.out.Problems, Problem{pack, file, fmt.Sprintf(format, args...)})
}

func (v *verifier) remark(format string, args ...any) {
	v.out.Remarks = append(v.out.Remarks, fmt.Sprintf(format, args...))
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
	v.out.Chain = true
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, filepath.Join(v.path, e.Name()))
		} else if e.Name() != chainFile {
			v.remark("%s is no part of any pack", e.Name())
		}
	}
	if !slices.ContainsFunc(out, isPack) {
		return nil, fmt.Errorf("%s: no evidence pack; name the folder of a run, or that of a job with its runs", v.path)
	}
	return out, nil
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
	folder := filepath.Base(dir)
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.problem(folder, manifestFile, "is missing: it was removed, or the run has not ended, or it is older than evidence packs")
	case err != nil:
		v.problem(folder, manifestFile, "%v", err)
	default:
		var m Manifest
		if m, err = parseManifest(text); err == nil {
			p := &pack{Manifest: m, dir: dir, folder: folder, link: audit.Link{Sequence: m.Sequence, Run: m.Run, Manifest: digest(text)}, inScope: true}
			v.packs = append(v.packs, p)
			return
		}
		v.problem(folder, manifestFile, "was changed, or is of another version: %v", err)
	}
	if isPack(dir) {
		v.checkFiles(ctx, &pack{dir: dir, folder: folder})
	}
}

func (v *verifier) verify(ctx context.Context) (Result, error) {
	slices.SortFunc(v.packs, func(a, b *pack) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.folder, b.folder))
	})
	v.attend()
	for _, p := range v.packs {
		if p.inScope {
			v.checkPack(ctx, p)
		}
	}
	if v.out.Chain {
		v.checkChain()
	}
	v.conclude()
	return v.out, ctx.Err()
}

// conclude sums up, when all is checked.
func (v *verifier) conclude() {
	for _, p := range v.packs {
		if !p.inScope {
			continue
		}
		c := Checked{Manifest: p.Manifest, Folder: p.folder, Signer: p.signer}
		for _, problem := range v.out.Problems {
			if problem.Pack == p.folder {
				c.Problems++
			}
		}
		v.out.Packs = append(v.out.Packs, c)
	}
	v.say()
}

// say writes down what follows from the checks, and what does not. Where anything
// is wrong, nothing counts as proven.
func (v *verifier) say() {
	if len(v.out.Problems) == 0 && len(v.out.Packs) > 0 {
		v.sayFiles()
		v.sayOrigin()
		v.sayChain()
	}
	v.sayLimits()
}

func (v *verifier) proven(format string, args ...any) {
	v.out.Proven = append(v.out.Proven, fmt.Sprintf(format, args...))
}

func (v *verifier) notProven(format string, args ...any) {
	v.out.NotProven = append(v.out.NotProven, fmt.Sprintf(format, args...))
}

func (v *verifier) sayFiles() {
	files := 0
	for _, p := range v.out.Packs {
		files += len(p.Files) + 1
	}
	v.proven("Integrity: all %d files are as the packs list them, by size, rows and SHA-256; none is missing, none was added.", files)
}

func (v *verifier) sayOrigin() {
	if v.signers == nil {
		return
	}
	var who []string
	for _, p := range v.out.Packs {
		if !slices.Contains(who, p.Signer) {
			who = append(who, p.Signer)
		}
	}
	v.proven("Origin: every pack is signed by a key that the allowed-signers file gives to %s.", strings.Join(who, ", "))
}

func (v *verifier) sayChain() {
	if !v.out.Chain {
		return
	}
	first, last := v.out.Packs[0].Sequence, v.out.Packs[len(v.out.Packs)-1].Sequence
	v.proven("Order: the packs %d to %d follow one another without a gap, and each holds the hash of the one before it.", first, last)
}

func (v *verifier) sayLimits() {
	unsigned := 0
	for _, p := range v.out.Packs {
		if !p.Signed {
			unsigned++
		}
	}
	switch {
	case unsigned > 0:
		v.notProven("That nobody changed a pack on purpose: %d of %d are not signed, and hashes alone show accidents only.", unsigned, len(v.out.Packs))
	case v.signers == nil:
		v.notProven("Who signed: without an allowed-signers file a signature shows only that some key was at hand; anybody can make one.")
	}
	if v.out.Chain {
		v.sayHead()
	} else {
		v.notProven("That no other pack is missing: that needs the folder of the job, with all of its packs.")
	}
	if v.options.Period == nil {
		v.notProven("That every planned review took place: that needs a period.")
	}
	v.notProven("When the packs were made: their times are those of the machine that ran the review. What a review could not see, its coverage says.")
}

// sayHead: whoever can remove packs can put an older chain.json back.
func (v *verifier) sayHead() {
	if len(v.packs) == 0 {
		return
	}
	last := v.packs[len(v.packs)-1].link
	v.notProven("That nobody took packs away from the end on purpose: compare with a note kept elsewhere that the last one is number %d, of run %s, with the manifest %s.", last.Sequence, last.Run, last.Manifest)
}
