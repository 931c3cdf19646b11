package pack

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
)

// checkPack checks one pack by itself.
func (v *verifier) checkPack(ctx context.Context, p *pack) {
	run := audit.Run{Job: p.Job, Slot: p.Slot}
	if v.out.Chain && p.folder != run.SlotName() {
		v.problem(p.folder, "", "holds the pack of run %s: packs were swapped, copied or renamed", p.Run)
	}
	v.checkFiles(ctx, p)
	v.checkSignature(p)
}

// listing is what three places say of the files of a pack.
type listing struct {
	manifest map[string]File
	sums     map[string]string
	present  map[string]bool
}

// checkFiles compares the files with the manifest, as far as it could be read,
// and with SHA256SUMS.
func (v *verifier) checkFiles(ctx context.Context, p *pack) {
	l, sums := v.list(p)
	names := maps.Clone(l.present)
	for name := range l.manifest {
		names[name] = true
	}
	for name := range l.sums {
		names[name] = true
	}
	before := len(v.out.Problems)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		v.checkFile(ctx, p, l, name)
	}
	if len(v.out.Problems) == before && p.link.Manifest != "" && sums != nil && string(sums) != string(sumsOf(p.Files, p.link.Manifest)) {
		v.problem(p.folder, sumsFile, "is not what %s says: one of the two was changed", manifestFile)
	}
}

func (v *verifier) list(p *pack) (l listing, sums []byte) {
	l = listing{manifest: map[string]File{}, present: map[string]bool{}}
	for _, f := range p.Files {
		l.manifest[f.Name] = f
	}
	sums, err := os.ReadFile(filepath.Join(p.dir, sumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		v.problem(p.folder, sumsFile, "is missing")
	} else if err != nil {
		v.problem(p.folder, sumsFile, "%v", err)
	}
	l.sums = parseSums(sums)
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		v.problem(p.folder, "", "%v", err)
	}
	for _, e := range entries {
		l.present[e.Name()] = e.Name() != sumsFile && (e.Name() != signatureFile || !p.Signed && p.Run != "")
	}
	maps.DeleteFunc(l.present, func(_ string, counts bool) bool { return !counts })
	return l, sums
}

func (v *verifier) checkFile(ctx context.Context, p *pack, l listing, name string) {
	said, inManifest := l.manifest[name]
	sum, inSums := l.sums[name]
	switch {
	case name == manifestFile:
		if inSums && p.link.Manifest != "" && sum != p.link.Manifest { // else said when it was read
			v.problem(p.folder, name, "is not the one that %s lists: one of the two was changed", sumsFile)
		}
	case !l.present[name]:
		v.problem(p.folder, name, "is missing")
	case !inManifest && !inSums:
		v.problem(p.folder, name, "is no part of the pack: it was added")
	default:
		v.checkContent(ctx, p, name, said, inManifest, sum)
	}
}

func (v *verifier) checkContent(ctx context.Context, p *pack, name string, said File, inManifest bool, sum string) {
	got, err := measure(ctx, filepath.Join(p.dir, name))
	if err != nil && !errors.As(err, new(rowsError)) {
		v.problem(p.folder, name, "cannot be read: %v", err)
		return
	}
	want := said.SHA256
	if !inManifest {
		want = sum
	}
	switch {
	case got.SHA256 != want && sum != want && got.SHA256 == sum:
		v.problem(p.folder, name, "is not the file that %s lists: SHA-256 %s, not %s", manifestFile, got.SHA256, want)
	case got.SHA256 != want:
		v.problem(p.folder, name, "was changed: SHA-256 %s, not %s", got.SHA256, want)
	case inManifest && got.Size != said.Size:
		v.problem(p.folder, name, "has %d bytes, %s says %d", got.Size, manifestFile, said.Size)
	case inManifest && rowsOf(got) != rowsOf(said):
		v.problem(p.folder, name, "has %d rows, %s says %d", rowsOf(got), manifestFile, rowsOf(said))
	}
}

// rowsOf is -1 for a file without rows.
func rowsOf(f File) int {
	if f.Rows == nil {
		return -1
	}
	return *f.Rows
}

func (v *verifier) checkSignature(p *pack) {
	switch {
	case !p.Signed && v.signers != nil:
		v.problem(p.folder, signatureFile, "is missing: the pack says that it is not signed")
		return
	case !p.Signed:
		return
	}
	signature, err := os.ReadFile(filepath.Join(p.dir, signatureFile))
	if err != nil {
		v.problem(p.folder, signatureFile, "is missing or cannot be read, though the pack says that it is signed")
		return
	}
	sums, err := os.ReadFile(filepath.Join(p.dir, sumsFile))
	if err != nil {
		return // said by checkFiles
	}
	key, err := signerOf(sums, signature)
	if err != nil {
		v.problem(p.folder, signatureFile, "%v", err)
		return
	}
	v.checkSigner(p, key)
}

func (v *verifier) checkSigner(p *pack, key ssh.PublicKey) {
	if got := ssh.FingerprintSHA256(key); got != p.Key {
		v.problem(p.folder, signatureFile, "is of the key %s, %s says %s", got, manifestFile, p.Key)
		return
	}
	if v.signers == nil {
		return
	}
	s, err := findSigner(v.signers, key, p.Finished)
	if err != nil {
		v.problem(p.folder, signatureFile, "%v", err)
		return
	}
	p.signer = s.principals
}
