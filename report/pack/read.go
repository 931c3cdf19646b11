package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"tokenaudit/jobs/audit"
)

// Parse reads manifest.json as Verify does, and gives the link that points to the pack.
func Parse(manifest []byte) (Manifest, audit.Link, error) {
	m, err := parseManifest(manifest)
	if err != nil {
		return m, audit.Link{}, fmt.Errorf("%s was changed, or is of another version: %w", manifestFile, err)
	}
	return m, audit.Link{Sequence: m.Sequence, Run: m.RunID, Manifest: digest(manifest)}, nil
}

// Check tells whether content is that of a file of the pack.
func (m Manifest) Check(name string, content []byte) error {
	for _, f := range m.Files {
		if f.Name == name && f.SHA256 == digest(content) {
			return nil
		}
	}
	return fmt.Errorf("%s is not the file that the manifest names", name)
}

// Chain is what chain.json says: the newest pack of a job, and the newest one that
// retention took away.
type Chain struct {
	Head   audit.Link
	Pruned *audit.Link
}

// ParseChain reads chain.json.
func ParseChain(text []byte) (Chain, error) {
	r, err := parseChain(text)
	return Chain{r.Head, r.Pruned}, err
}

// Remember makes a pack that is sealed the head of the chain in the folder of its job,
// unless a later one is, and takes away what was left of sealing it. Seal does so, too,
// unless it is cut off. Anew is true where chain.json was missing or damaged.
func Remember(folder, job string, head audit.Link) (anew bool, err error) {
	err = clearTemps(filepath.Join(folder, path.Base(head.Run)), "")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return remember(folder, job, head)
}
