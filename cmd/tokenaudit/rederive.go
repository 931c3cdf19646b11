package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/evidence"
	"tokenaudit/report"
	"tokenaudit/report/pack"
)

// rederive makes the reports of a pack again from its snapshots, and compares. The
// error is one of this machine; whatever is wrong with the pack is a problem.
func rederive(ctx context.Context, dir string, m pack.Manifest) (out pack.Rederived, err error) {
	differs := func(file, text string) { out.Problems = append(out.Problems, pack.Problem{File: file, Text: text}) }
	files, snapshots, requests := []string{}, []string{}, []string{}
	for _, f := range m.Files {
		switch {
		case strings.HasPrefix(f.Name, evidence.SnapshotPrefix):
			snapshots = append(snapshots, f.Name)
		case strings.HasPrefix(f.Name, evidence.RequestsPrefix):
			requests = append(requests, f.Name)
		case f.Name != pack.ReperformFile:
			files = append(files, f.Name)
		}
	}
	in, whole, err := report.ReadInput(dir)
	exact := sameTool(m.Tool, tool())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		out.Why = "there is no summary.json"
		return out, nil
	case err != nil && exact:
		differs("", err.Error())
		return out, nil
	case err != nil:
		out.Why = "they were made by " + made(m.Tool) + ", and this version cannot read what of: " + err.Error()
		return out, nil
	case !whole:
		out.Why = "they were made by " + made(m.Tool) + ", which wrote no inputs.json, so the settings of the review are not known"
	case !exact:
		out.Why = "they were made by " + made(m.Tool) + ", and this is " + made(tool()) + "; verify them with that version"
	}
	for _, what := range m.Contradicts(in.Summary, whole && exact) {
		differs("manifest.json", "the "+what+" is not that of summary.json")
	}
	if whole && !m.SameInputs(in.Config, in.Controls) {
		differs("inputs.json", "has a configuration or controls that do not match the hashes in manifest.json")
	}
	var names []string
	for _, target := range in.Summary.Reviewed() {
		if name := evidence.SnapshotFile(target); slices.Contains(snapshots, name) {
			names = append(names, name)
		} else {
			differs(name, "is missing, although the review had this target")
		}
	}
	for _, target := range in.Summary.Reviewed() { // of which earlier versions have no requests
		requests = slices.DeleteFunc(requests, func(name string) bool { return name == evidence.RequestsFile(target) })
	}
	for _, name := range slices.Concat(snapshots, requests) {
		if !slices.Contains(names, name) {
			differs(name, "belongs to a target that is not in summary.json")
		}
	}
	if len(out.Problems) > 0 { // with other records or settings, everything would differ
		return out, nil
	}
	var damaged error
	in.Rows = recordsOf(dir, names, &damaged)
	got, err := report.Rederive(ctx, dir, files, in, whole, exact)
	switch {
	case damaged != nil && ctx.Err() == nil:
		differs("", "the reports cannot be made again: "+damaged.Error())
		return out, nil
	case err != nil:
		return out, err
	}
	for _, d := range got.Differences {
		differs(d.File, d.Text)
	}
	out.Same, out.ByRows, out.NotCompared = got.Same, got.ByRows, got.NotCompared
	if !whole {
		return out, nil
	}
	script, err := pack.Script(in.Summary, in.Addresses)
	if err != nil {
		return out, err
	}
	have, err := os.ReadFile(filepath.Join(dir, pack.ReperformFile))
	switch {
	case err != nil:
		return out, err
	case bytes.Equal(have, script):
		out.Same = append(out.Same, pack.ReperformFile)
	case exact:
		differs(pack.ReperformFile, "is not the script that the review wrote")
	default:
		out.NotCompared = append(out.NotCompared, pack.ReperformFile)
	}
	return out, nil
}

// recordsOf walks snapshots of a folder, one after the other, and notes what is wrong
// with them.
func recordsOf(dir string, names []string, damaged *error) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, name := range names {
			for r, err := range audit.Population(audit.Prefetch(evidence.ReadSnapshot(filepath.Join(dir, name)))) {
				if err != nil {
					*damaged = err
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// sameTool reports whether two builds are of the same source, on whatever machine. One
// without a commit is what its version says.
func sameTool(a, b audit.Tool) bool {
	return a.Name == b.Name && a.Version == b.Version && commitOf(a) == commitOf(b)
}

// commitOf is the build without compiler and machine.
func commitOf(t audit.Tool) string {
	parts := slices.DeleteFunc(strings.Split(t.Build, ", "), func(part string) bool { return strings.HasPrefix(part, "go") })
	return strings.Join(parts, ", ")
}

// made names a build.
func made(t audit.Tool) string {
	words := cmp.Or(audit.Line(strings.TrimSpace(t.Name+" "+t.Version), 60), "a program without a name")
	if source := commitOf(t); source != "" {
		words += " (" + audit.Line(source, 60) + ")"
	}
	return words
}
