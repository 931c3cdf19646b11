// Package pack makes the folder of a run an evidence pack, and verifies packs.
//
// Seal measures the snapshots and reports that the run left in the folder, adds
// reperform.sh, SHA256SUMS, its signature and manifest.json, and links the pack to
// the one before it. Verify reads all that back: files, signatures, the chain of a
// job's packs, and whether the reviews of a period took place. Prune takes old packs
// away. An auditor needs sha256sum and ssh-keygen only; packs of every earlier
// version verify.
package pack

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tokenaudit/jobs/audit"
)

// Files that Seal adds to the folder of a run.
const (
	manifestFile  = "manifest.json"
	sumsFile      = "SHA256SUMS"
	signatureFile = "SHA256SUMS.sig"
	reperformFile = "reperform.sh"
)

// ReperformFile is the script that asks the servers again.
const ReperformFile = reperformFile

// Input is what a pack says besides what is in the files of the run.
type Input struct {
	Summary audit.Summary
	// Files are the names of what the run left in the folder, its snapshots and
	// reports. Nothing else becomes part of the pack.
	Files []string
	// Lists are what reperform.sh asks for again; nil for none.
	Lists *Lists
	// Schedule is the cron expression of the job, Zone its IANA zone.
	Schedule, Zone string
	// Previous is the pack before this one, nil for the first. Packs are numbered from 1,
	// without a gap.
	Previous *audit.Link
	// Config is the effective configuration without secrets.
	Config   string
	Controls audit.Controls
	// Key signs the pack: a private SSH key without a passphrase, in PEM. Empty for
	// a pack that says that it is not signed.
	Key []byte
}

// Seal makes an evidence pack of the folder of a run whose snapshots and reports
// are in place, the manifest last, and then writes the pack down as the head of the
// chain in the folder above. A folder with a manifest is whole. The same input gives
// the same bytes, so a run that was cut off is sealed again.
//
// Foreign is what else lies in the folder. The pack does not vouch for it, and Verify
// will say that it was added; it does not keep a review from being sealed.
func Seal(ctx context.Context, dir string, in Input) (link audit.Link, foreign []string, err error) {
	defer func() {
		if err != nil {
			link, foreign, err = audit.Link{}, nil, fmt.Errorf("evidence pack %s: %w", dir, err)
		}
	}()
	info, err := os.Lstat(dir)
	if err != nil {
		return link, nil, err
	}
	if !info.IsDir() { // what a link leads to is not evidence, and nothing is written there
		return link, nil, fmt.Errorf("%s is not a folder but a link or a file; take it away", dir)
	}
	key, err := parseKey(in.Key)
	if err != nil {
		return link, nil, err
	}
	script, err := in.Lists.Script(in.Summary.ID)
	if err != nil {
		return link, nil, err
	}
	files, err := measureAll(ctx, dir, in.Files)
	if err != nil {
		return link, nil, err
	}
	files = append(files, File{Name: reperformFile, Size: int64(len(script)), SHA256: digest(script)})
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	m := newManifest(in, files, key)
	manifest, err := m.encode()
	if err != nil {
		return link, nil, err
	}
	link = audit.Link{Sequence: m.Sequence, Run: m.RunID, Manifest: digest(manifest)}
	content := map[string][]byte{reperformFile: script, sumsFile: sumsOf(files, link.Manifest), manifestFile: manifest}
	if key != nil {
		if content[signatureFile], err = sign(content[sumsFile], key); err != nil {
			return link, nil, fmt.Errorf("signing: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return link, nil, err
	}
	if err := publish(dir, content); err != nil {
		return link, nil, err
	}
	if err := remember(filepath.Dir(dir), in.Summary.Job, link); err != nil {
		return link, nil, err
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if name := e.Name(); !slices.Contains(in.Files, name) && !isSeal(name) {
			foreign = append(foreign, name)
		}
	}
	return link, foreign, err
}

// publish takes an older seal away first: half of two packs is no pack.
func publish(dir string, content map[string][]byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range []string{manifestFile, signatureFile, "." + signatureFile} {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	for _, name := range []string{reperformFile, sumsFile, signatureFile, manifestFile} {
		if text, ok := content[name]; ok {
			if err := writeFile(root, name, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// isSeal reports whether Seal writes the file.
func isSeal(name string) bool {
	return name == manifestFile || name == sumsFile || name == signatureFile || name == reperformFile
}
