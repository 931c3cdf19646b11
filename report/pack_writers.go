package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"tokenaudit/jobs/audit"
)

// countWriters counts, in the snapshots of the targets, what jq counts in the lists:
// each snapshot is read once, however many lists were asked for.
func (s *sealer) countWriters(lists []redo) error {
	for _, t := range s.pack.Summary.Coverage.Targets {
		var of []*redo
		for i := range lists {
			if r := &lists[i]; r.Target == t.Target && r.Skip == "" {
				of = append(of, r)
			}
		}
		if of == nil {
			continue
		}
		err := eachRecord(filepath.Join(s.dir, "snapshot-"+t.Target+".jsonl.gz"), func(r *heldAuthorization) { count(of, r) })
		if err != nil {
			return err
		}
	}
	return nil
}

func count(lists []*redo, r *heldAuthorization) {
	if !r.activeWriter() {
		return
	}
	for _, l := range lists {
		if inFilter(r, l.filter) {
			l.Writes++
		}
	}
}

// heldAuthorization is what reperforming looks at in a snapshot.
type heldAuthorization struct {
	ID          string         `json:"id"`
	OrgID       string         `json:"orgID"`
	Org         string         `json:"org"`
	UserID      string         `json:"userID"`
	User        string         `json:"user"`
	Status      audit.Status   `json:"status"`
	Presence    audit.Presence `json:"presence"`
	Legacy      bool           `json:"legacy"`
	Permissions []struct {
		Action string `json:"action"`
	} `json:"permissions"`
}

func (h *heldAuthorization) activeWriter() bool {
	if h.Presence != audit.Listed || h.Legacy || h.ID == audit.ServerID || h.Status != audit.Active {
		return false
	}
	for _, p := range h.Permissions {
		if p.Action == "write" {
			return true
		}
	}
	return false
}

func inFilter(r *heldAuthorization, filter url.Values) bool {
	for key, value := range map[string]string{"userID": r.UserID, "user": r.User, "orgID": r.OrgID, "org": r.Org} {
		if filter.Has(key) && filter.Get(key) != value {
			return false
		}
	}
	return true
}

func eachRecord(path string, do func(*heldAuthorization)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(bufio.NewReaderSize(f, 64<<10))
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	dec := json.NewDecoder(unzipped)
	for {
		var r heldAuthorization
		switch err := dec.Decode(&r); err {
		case nil:
			do(&r)
		case io.EOF:
			return nil
		default:
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
}
