package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tokenaudit/report/table"
)

// chainFile lies beside the packs of a job. Only it tells that packs are missing
// after the last one that is there.
const chainFile = "chain.json"

const chainFormat = "tokenaudit-chain/1"

// chainRecord is chain.json.
type chainRecord struct {
	Format string `json:"format"`
	Job    string `json:"job"`
	Head   Link   `json:"head"` // the newest pack
	// Pruned is the newest pack that retention took away, null if it took none.
	Pruned *Link `json:"pruned"`
}

// remember makes a pack the head of the chain, unless a later one is.
func remember(folder, job string, head Link) error {
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
func MarkPruned(folder string, last Link) error {
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
	d, err := table.NewStaging(folder)
	if err != nil {
		return err
	}
	defer d.Discard()
	err = d.File(chainFile, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	})
	if err != nil {
		return err
	}
	return d.Publish([]string{chainFile})
}
