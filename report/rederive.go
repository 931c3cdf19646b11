package report

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/csv"
	"tokenaudit/report/html"
	"tokenaudit/report/ocsf"
	"tokenaudit/report/table"
	"tokenaudit/report/xlsx"
)

// Rederived is what came of making reports again and comparing them.
type Rederived struct {
	Differences []Difference
	// Same are the files that say the same, to the byte or, in the workbook, in every
	// part. ByRows are those of which only figures and rows were compared, by their IDs,
	// and NotCompared those of which nothing was.
	Same, ByRows, NotCompared []string
}

// Difference is a file that does not say what the records make.
type Difference struct{ File, Text string }

// Rederive makes the reports in a folder again of the records of their review, and
// compares. Files are those that the reports of the folder should be. With exact, the
// reports are those of this very program, so that all of them has to be the same;
// without, another version may have said the same in other words, and where bytes
// differ, rows and figures count. The figures are counted anew. Records are walked
// twice; memory does not grow with them.
func Rederive(ctx context.Context, dir string, files []string, in Input, whole, exact bool) (out Rederived, err error) {
	if err := recount(ctx, &in, exact); err != nil {
		return out, err
	}
	if !whole { // what else the reports were made of is not known
		in.Formats = formatsOf(files, csv.VantaFile, table.FindingsFile, table.AuthorizationsFile, ocsf.File)
	}
	temp, err := os.MkdirTemp("", "tokenaudit-verify-*")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(temp)
	if _, err := Write(ctx, temp, in.Formats, in); err != nil {
		return out, err
	}
	expected := Files(in.Formats)
	expected = slices.DeleteFunc(expected, func(name string) bool { // what an earlier version did not write
		return !whole && (name == inputsFile || name == configFile) || name == configFile && !exact && !slices.Contains(files, name)
	})
	slices.Sort(expected)
	for _, name := range slices.Compact(expected) {
		if !slices.Contains(files, name) {
			out.differs(name, "is missing: the review wrote it")
			continue
		}
		if err := out.compare(ctx, filepath.Join(dir, name), filepath.Join(temp, name), whole && exact); err != nil {
			return out, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range files {
		switch {
		case slices.Contains(expected, name):
		case exact && whole:
			out.differs(name, "was not written by the review")
		default:
			out.NotCompared = append(out.NotCompared, name)
		}
	}
	return out, nil
}

// recount makes the figures of a summary what the records give. Those that an earlier
// version did not have stay out, unless the summary is of this very program.
func recount(ctx context.Context, in *Input, exact bool) error {
	type recounted struct {
		audit.Counts
		audit.Coverage
	}
	met := map[string]*recounted{}
	for r, err := range in.Rows {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		m := met[r.Target]
		if m == nil {
			m = &recounted{Counts: audit.NewCounts()}
			met[r.Target] = m
		}
		m.Counts.Add(r, in.Summary.Started)
		m.Coverage.Count(r)
	}
	counts := audit.NewCounts()
	targets := slices.Clone(in.Summary.Coverage.Targets)
	for i := range targets {
		t, m := &targets[i], met[targets[i].Target]
		if m == nil {
			m = &recounted{}
		}
		m.Counts.Conclude(*t)
		counts.Merge(m.Counts)
		if !t.Dropped { // there are more hidden ones than records where the server counts them
			t.Listed, t.Legacy, t.Unseen, t.Hidden = m.Listed, m.Legacy, m.Unseen, max(m.Hidden, t.Hidden)
		}
	}
	in.Summary.Coverage.Targets = targets
	in.Summary.Authorizations, in.Summary.Findings = counts.Authorizations, counts.Findings
	if exact || in.Summary.NeedsAction.Known() {
		in.Summary.NeedsAction, in.Summary.Inventory, in.Summary.Exceptions = counts.NeedsAction, counts.Inventory, counts.Exceptions
	}
	return nil
}

// formatsOf are the formats that have any of the files, as far as they are among those
// that can be made.
func formatsOf(files []string, can ...string) (names []string) {
	for _, f := range formats() {
		if slices.ContainsFunc(f.files, func(name string) bool { return slices.Contains(files, name) && slices.Contains(can, name) }) {
			names = append(names, f.name)
		}
	}
	return names
}

func (o *Rederived) differs(file, format string, args ...any) {
	o.Differences = append(o.Differences, Difference{file, fmt.Sprintf(format, args...)})
}

// compare holds a file against the one that was made again.
func (o *Rederived) compare(ctx context.Context, have, want string, exact bool) error {
	name := filepath.Base(have)
	at, err := firstDifference(ctx, have, want)
	if err != nil {
		return err
	}
	if at.offset < 0 {
		o.Same = append(o.Same, name)
		return nil
	}
	text := ""
	switch {
	case name == xlsx.File && exact:
		text, err = compareWorkbooks(ctx, have, want)
	case name == inputsFile && !exact: // it was read, and what was made of it is compared
		return nil
	case name == configFile: // inputs.json has the same
		text, err = at.words(have, want)
	case name == xlsx.File && !exact, name == html.File && !exact:
		o.NotCompared = append(o.NotCompared, name)
		return nil
	case name == SummaryFile && exact:
		text, err = compareJSON(have, want, true)
	case name == SummaryFile:
		text, err = compareJSON(have, want, false)
	case filepath.Ext(name) == ".csv" && exact:
		text, err = compareCSV(ctx, have, want)
	case filepath.Ext(name) == ".csv":
		text, err = compareRows(ctx, have, want, csvKeys)
	case name == ocsf.File && !exact:
		text, err = compareRows(ctx, have, want, eventKeys)
	}
	switch {
	case err != nil:
		return err
	case text == "" && exact && name != xlsx.File:
		text, err = at.words(have, want)
	}
	switch {
	case text != "":
		o.differs(name, "%s", text)
	case exact:
		o.Same = append(o.Same, name)
	default:
		o.ByRows = append(o.ByRows, name)
	}
	return err
}
