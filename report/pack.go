package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/table"
)

// Files that make the folder of a run an evidence pack.
const (
	manifestFile  = "manifest.json"
	sumsFile      = "SHA256SUMS"
	signatureFile = "SHA256SUMS.sig"
	reperformFile = "reperform.sh"
)

// Pack is what an evidence pack says besides what is in the files of the run.
type Pack struct {
	Summary audit.Summary
	// Writers are what reperform.sh asks for again, counted by its Meet.
	Writers *Writers
	// Schedule is the cron expression of the job, Zone its IANA zone.
	Schedule, Zone string
	// Sequence numbers the packs of a job without a gap; the first is 1.
	Sequence int
	// Previous is the pack before this one, nil for the first.
	Previous *Link
	// Config is the effective configuration without secrets.
	Config   string
	Controls audit.Controls
	// Key signs the pack: a private SSH key without a passphrase, in PEM. Empty for
	// a pack that says that it is not signed.
	Key []byte
}

// Link points to a pack: the number, the run and the SHA-256 of its manifest.json,
// which holds those of all its files.
type Link = audit.Link

// Seal makes an evidence pack of the folder of a run whose snapshots and reports
// are in place: it adds reperform.sh, SHA256SUMS, its signature and, last, the
// manifest, and then writes the pack down as the head of the chain in the folder
// above. A folder with a manifest is whole. The same input gives the same bytes,
// so a run that was cut off is sealed again.
func Seal(ctx context.Context, dir string, p Pack) (Link, error) {
	link, err := seal(ctx, dir, p)
	if err != nil {
		return Link{}, fmt.Errorf("evidence pack %s: %w", dir, err)
	}
	return link, nil
}

func seal(ctx context.Context, dir string, p Pack) (Link, error) {
	if err := checkPlace(p.Sequence, p.Previous); err != nil {
		return Link{}, err
	}
	key, err := parseKey(p.Key)
	if err != nil {
		return Link{}, err
	}
	d, err := table.NewStaging(dir)
	if err != nil {
		return Link{}, err
	}
	defer d.Discard()
	s := &sealer{Staging: d, pack: p, key: key}
	link, err := s.seal(ctx)
	if err != nil {
		return Link{}, err
	}
	return link, remember(filepath.Dir(dir), p.Summary.Job, link)
}

// sealer is a pack in the making.
type sealer struct {
	*table.Staging
	pack Pack
	key  ssh.Signer // nil for a pack without signature
}

func (s *sealer) seal(ctx context.Context) (Link, error) {
	if err := s.File(reperformFile, s.writeScript); err != nil {
		return Link{}, err
	}
	files, err := s.measureAll(ctx)
	if err != nil {
		return Link{}, err
	}
	manifest, err := newManifest(s.pack, files, s.key).encode()
	if err != nil {
		return Link{}, err
	}
	sums := sumsOf(files, digest(manifest))
	if err := errors.Join(s.put(manifestFile, manifest), s.put(sumsFile, sums), s.sign(sums)); err != nil {
		return Link{}, err
	}
	return Link{Sequence: s.pack.Sequence, Run: s.pack.Summary.ID, Manifest: digest(manifest)}, s.publishPack()
}

func (s *sealer) put(name string, content []byte) error {
	return s.File(name, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func (s *sealer) sign(sums []byte) error {
	if s.key == nil {
		return nil
	}
	signature, err := sign(sums, s.key)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	return s.put(signatureFile, signature)
}

// publishPack takes an older manifest away first: half of two packs is no pack.
func (s *sealer) publishPack() error {
	for _, name := range []string{manifestFile, signatureFile} {
		if err := os.Remove(filepath.Join(s.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	names := []string{reperformFile, sumsFile}
	if s.key != nil {
		names = append(names, signatureFile)
	}
	return s.Publish(append(names, manifestFile))
}

// measureAll measures every file of the folder, and the script that is to come.
func (s *sealer) measureAll(ctx context.Context) ([]PackFile, error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil, err
	}
	paths := []string{filepath.Join(s.Path, reperformFile)}
	for _, e := range entries {
		if path := filepath.Join(s.Dir, e.Name()); path != s.Path && !isSeal(e.Name()) {
			paths = append(paths, path)
		}
	}
	return measureFiles(ctx, paths)
}

// isSeal reports whether Seal writes the file.
func isSeal(name string) bool {
	return name == manifestFile || name == sumsFile || name == signatureFile || name == reperformFile
}
