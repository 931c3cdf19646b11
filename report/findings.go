package report

import (
	"bufio"
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"tokenaudit/jobs/audit"
)

// group is where a finding stands in the report: severity first, then check.
type group struct {
	severity audit.Severity
	check    string
}

// hit is a finding with the authorization that it is about.
type hit struct {
	Finding audit.Finding
	Record  audit.Record
}

// findings holds the findings of a review outside of memory, one file per group.
// The rows come by target and ID, so each file is in its final order and reading
// the files one after the other is a sort of any number of findings.
type findings struct {
	dir    string
	piles  map[group]*pile
	groups []group // worst first
}

// pile is the file of one group, with the number of its findings in each state.
type pile struct {
	file   *os.File
	buf    *bufio.Writer
	enc    *gob.Encoder
	states map[audit.FindingState]int
}

// fresh is how many findings of a check are new.
func (fs *findings) fresh(c audit.AppliedCheck) int {
	if p := fs.piles[group{c.Severity, c.Check}]; p != nil {
		return p.states[audit.New]
	}
	return 0
}

// collect walks the rows once and piles up the findings that belong in the report.
func collect(ctx context.Context, d *draft) (*findings, error) {
	fs := &findings{dir: d.staging, piles: map[group]*pile{}}
	err := fs.addAll(ctx, d)
	err = errors.Join(err, fs.close())
	slices.SortFunc(fs.groups, compareGroups)
	return fs, err
}

func (fs *findings) addAll(ctx context.Context, d *draft) error {
	for r, err := range d.rows(ctx) {
		if err != nil {
			return err
		}
		for _, f := range r.Findings {
			if !f.Reported(d.in.Summary.Started) {
				continue
			}
			if err := fs.add(hit{Finding: f, Record: r}); err != nil {
				return err
			}
		}
	}
	return nil
}

// add leaves out what no column of a finding shows.
func (fs *findings) add(h hit) error {
	p, err := fs.pile(group{h.Finding.Severity, h.Finding.Check})
	if err != nil {
		return err
	}
	h.Record.Permissions, h.Record.Findings = nil, nil
	p.states[h.Finding.State]++
	return p.enc.Encode(h)
}

func (fs *findings) pile(g group) (*pile, error) {
	if p := fs.piles[g]; p != nil {
		return p, nil
	}
	f, err := os.Create(filepath.Join(fs.dir, "pile-"+strconv.Itoa(len(fs.piles))))
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriter(f)
	p := &pile{file: f, buf: buf, enc: gob.NewEncoder(buf), states: map[audit.FindingState]int{}}
	fs.piles[g], fs.groups = p, append(fs.groups, g)
	return p, nil
}

func (fs *findings) close() (err error) {
	for _, p := range fs.piles {
		err = errors.Join(err, p.buf.Flush(), p.file.Close())
	}
	return err
}

// all walks the findings, worst first; it may be walked more than once.
func (fs *findings) all() iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		for _, g := range fs.groups {
			for h, err := range fs.piles[g].read() {
				if !yield(h, err) || err != nil {
					return
				}
			}
		}
	}
}

func (p *pile) read() iter.Seq2[hit, error] {
	return func(yield func(hit, error) bool) {
		f, err := os.Open(p.file.Name())
		if err != nil {
			yield(hit{}, err)
			return
		}
		defer f.Close()
		dec := gob.NewDecoder(bufio.NewReader(f))
		for {
			var h hit
			if err := dec.Decode(&h); err == io.EOF || !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// compareGroups orders by severity, then by the order of the checks. What this
// version does not know comes last, by name.
func compareGroups(a, b group) int {
	return cmp.Or(
		cmp.Compare(place(audit.Severities(), a.severity), place(audit.Severities(), b.severity)),
		cmp.Compare(place(checkIDs(), a.check), place(checkIDs(), b.check)),
		cmp.Compare(a.severity, b.severity),
		cmp.Compare(a.check, b.check),
	)
}

func place[T comparable](in []T, v T) int {
	if i := slices.Index(in, v); i >= 0 {
		return i
	}
	return len(in)
}

func checkIDs() []string {
	var ids []string
	for _, c := range audit.Checks() {
		ids = append(ids, c.ID)
	}
	return ids
}
