package pack

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tokenaudit/jobs/audit"
)

// kept is how many packs retention never takes away: the next reviews are compared
// with them, and fall back on them should one be damaged.
const kept = 5

// Prune takes away the packs of a job whose slot is older than before, from the old
// end only and never the newest ones, and gives their names. The chain goes on: the
// oldest pack that stays holds the hash of the last one that went.
func Prune(folder string, before time.Time) ([]string, error) {
	packs, err := packsOf(folder)
	if err != nil {
		return nil, fmt.Errorf("retention: %w", err)
	}
	old := 0
	for old < len(packs)-kept && packs[old].slot.Before(before) {
		old++
	}
	if old == 0 {
		return nil, nil
	}
	if err := MarkPruned(folder, packs[old-1].link); err != nil {
		return nil, fmt.Errorf("retention: %w", err)
	}
	var gone []string
	for _, p := range packs[:old] {
		if err := os.RemoveAll(p.dir); err != nil {
			return gone, fmt.Errorf("retention: %w", err)
		}
		gone = append(gone, p.link.Run)
	}
	return gone, nil
}

// prunable is a pack as retention sees it.
type prunable struct {
	dir  string
	slot time.Time
	link audit.Link
}

// packsOf are the packs of a job in the order of their numbers. A folder without a
// manifest is none: its run is still under way.
func packsOf(folder string) ([]prunable, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*", manifestFile))
	if err != nil {
		return nil, err
	}
	var packs []prunable
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m, err := parseManifest(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		packs = append(packs, prunable{filepath.Dir(path), m.Slot, audit.Link{Sequence: m.Sequence, Run: m.Run, Manifest: digest(text)}})
	}
	slices.SortFunc(packs, func(a, b prunable) int { return cmp.Compare(a.link.Sequence, b.link.Sequence) })
	return packs, nil
}
