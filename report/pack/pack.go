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
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/signature"
)

// Files that Seal adds to the folder of a run.
const (
	manifestFile  = "manifest.json"
	sumsFile      = "SHA256SUMS"
	signatureFile = "SHA256SUMS.sig"

	// signatureNamespace keeps a signature of a pack from counting elsewhere, and the
	// other way round: ssh-keygen -Y verify -n tokenaudit.
	signatureNamespace = "tokenaudit"

	lockFile = "." + manifestFile + ".lock" // while it is at it
)

// ReperformFile is the script that asks the servers again.
const ReperformFile = "reperform.sh"

// Input is what a pack says besides what is in the files of the run.
type Input struct {
	Summary audit.Summary
	// Files are the names of what the run left in the folder, its snapshots and
	// reports. Nothing else becomes part of the pack.
	Files []string
	// Addresses are the URLs of the targets, by name, which reperform.sh asks again.
	Addresses map[string]string
	// Schedule is the cron expression of the job, Zone its IANA zone.
	Schedule, Zone string
	// Previous is the pack before this one, nil for the first. Packs are numbered from 1,
	// without a gap.
	Previous *audit.Link
	// Config is the effective configuration without secrets.
	Config   string
	Controls audit.Controls
	// Campaigns are those that the review was compared with.
	Campaigns []CampaignState
	// Key signs the pack: a private SSH key without a passphrase, in PEM. Empty for
	// a pack that says that it is not signed.
	Key []byte
}

// Sealed is a pack that stands, and what is worth a word about it.
type Sealed struct {
	audit.Link
	// Foreign is what else lies in the folder. The pack does not vouch for it, and Verify
	// will say that it was added; it does not keep a review from being sealed.
	Foreign []string
	// NewChain: chain.json was missing or damaged, and was written anew.
	NewChain bool
}

// Seal makes an evidence pack of the folder of a run whose snapshots and reports
// are in place, the manifest last, and then writes the pack down as the head of the
// chain in the folder above. A folder with a manifest is whole, and nothing replaces
// it: what the same run sealed before it was cut off is taken as it is, and the pack of
// another run is an error. What was cut off before the manifest is sealed again.
func Seal(ctx context.Context, dir string, in Input) (sealed Sealed, err error) {
	if sealed, found, err := resume(dir, in.Summary.Run()); found || err != nil {
		return sealed, err
	}
	defer func() {
		if err != nil {
			sealed, err = Sealed{}, fmt.Errorf("evidence pack %s: %w", dir, err)
		}
	}()
	info, err := os.Lstat(dir)
	if err != nil {
		return sealed, err
	}
	if !info.IsDir() { // what a link leads to is not evidence, and nothing is written there
		return sealed, fmt.Errorf("%s is not a folder but a link or a file; remove it", dir)
	}
	key, err := signature.ParseKey(in.Key)
	if err != nil {
		return sealed, err
	}
	script, err := Script(in.Summary, in.Addresses)
	if err != nil {
		return sealed, err
	}
	files, err := measureAll(ctx, dir, in.Files)
	if err != nil {
		return sealed, err
	}
	files = append(files, File{Name: ReperformFile, Size: int64(len(script)), SHA256: digest(script)})
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	m := newManifest(in, files, key)
	manifest, err := m.encode()
	if err != nil {
		return sealed, err
	}
	sealed.Link = audit.Link{Sequence: m.Sequence, Run: m.RunID, Manifest: digest(manifest)}
	content := map[string][]byte{ReperformFile: script, sumsFile: sumsOf(files, sealed.Manifest)}
	if key != nil {
		if content[signatureFile], err = signature.Sign(content[sumsFile], key, signatureNamespace); err != nil {
			return sealed, fmt.Errorf("signing: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return sealed, err
	}
	if err := publish(dir, content, manifest); err != nil {
		return sealed, err
	}
	if sealed.NewChain, err = remember(filepath.Dir(dir), in.Summary.Job, sealed.Link); err != nil {
		return sealed, err
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if name := e.Name(); !slices.Contains(in.Files, name) && !isSeal(name) {
			sealed.Foreign = append(sealed.Foreign, name)
		}
	}
	return sealed, err
}

// resume takes up the pack that a run sealed in a folder before it was cut off, and lets
// the chain know of it; found is false where there is none. A pack of another run, or
// one whose manifest cannot be read, is an error: nothing replaces it.
func resume(dir string, run audit.Run) (sealed Sealed, found bool, err error) {
	m, link, err := readManifest(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sealed, false, nil
	case err != nil:
		return sealed, false, &ReplaceError{dir, "a manifest that cannot be read: " + err.Error()}
	case m.RunID != run.ID() || !m.Started.Equal(run.Started):
		return sealed, false, &ReplaceError{dir, fmt.Sprintf("the sealed pack of run %s, begun at %s", m.RunID, m.Started.UTC().Format(time.RFC3339))}
	}
	sealed.Link = link
	if err := clearTemps(dir, ""); err != nil {
		return sealed, false, fmt.Errorf("evidence pack %s: %w", dir, err)
	}
	sealed.NewChain, err = remember(filepath.Dir(dir), m.Job, link)
	if err != nil {
		err = fmt.Errorf("evidence pack %s: %w", dir, err)
	}
	return sealed, err == nil, err
}

// ReplaceError is a pack that stands where another one was to be sealed.
type ReplaceError struct{ Folder, Holds string }

func (e *ReplaceError) Error() string {
	return fmt.Sprintf("%s has %s, and a sealed pack is never replaced. The ledger does not know this review: it was lost, restored from a backup or exchanged. Rebuild it from the packs (tokenaudit history rebuild), or move the folder", e.Folder, e.Holds)
}

// publish writes the seal, the manifest last, where there is none. A lock keeps the sums
// of one process from lying beside the manifest of another.
func publish(dir string, content map[string][]byte, manifest []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	if held, err := lock.TryLock(); !held && err == nil {
		return errors.New("another process seals it at this moment")
	}
	defer func() { _ = errors.Join(lock.Unlock(), root.RemoveAll(lockFile)) }() // the manifest keeps others out by now
	if _, err := root.Lstat(manifestFile); err == nil {
		return &ReplaceError{dir, "a pack that was sealed meanwhile"}
	}
	if err := clearTemps(dir, lockFile); err != nil {
		return err
	}
	for _, name := range []string{signatureFile, "." + signatureFile} { // of an attempt with another key
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	for _, name := range []string{ReperformFile, sumsFile, signatureFile} {
		if text, ok := content[name]; ok {
			if err := writeFile(root, name, text); err != nil {
				return err
			}
		}
	}
	err = writeNewFile(root, manifestFile, manifest)
	if errors.Is(err, fs.ErrExist) {
		return &ReplaceError{dir, "a pack that was sealed meanwhile"}
	}
	return err
}

// isSeal reports whether Seal writes the file.
func isSeal(name string) bool {
	return name == manifestFile || name == sumsFile || name == signatureFile || name == ReperformFile
}
