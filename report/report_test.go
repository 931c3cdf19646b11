package report

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/audit"
	"tokenaudit/report/reporttest"
	"tokenaudit/report/table"
)

func TestWriteFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		formats []string
		in      table.Input
		want    []string
	}{
		{"every format", Names(), reporttest.Input(t), []string{"authorizations.csv", "config.yaml", "findings.csv", "findings.ocsf.jsonl", "inputs.json", "report.html", "review.xlsx", "summary.json", "vanta-access.csv"}},
		{"one format", []string{"csv"}, reporttest.Input(t), []string{"authorizations.csv", "config.yaml", "findings.csv", "inputs.json", "summary.json"}},
		{"a format twice", []string{"xlsx", "xlsx"}, reporttest.Input(t), []string{"config.yaml", "inputs.json", "review.xlsx", "summary.json"}},
		{"no format", nil, reporttest.Input(t), []string{"config.yaml", "inputs.json", "summary.json"}},
		{"no rows", Names(), reporttest.Nothing(), []string{"authorizations.csv", "config.yaml", "findings.csv", "findings.ocsf.jsonl", "inputs.json", "report.html", "review.xlsx", "summary.json", "vanta-access.csv"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "evidence", "run")
			if _, err := Write(t.Context(), dir, tt.formats, tt.in); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, slices.Sorted(maps.Keys(reporttest.Contents(t, dir)))); diff != "" {
				t.Error(diff)
			}
			checkModes(t, dir)
		})
	}
}

func checkModes(t *testing.T, dir string) {
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWriteSummary(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	var got audit.Summary
	if err := json.Unmarshal([]byte(written(t, in)["summary.json"]), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.Summary, got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteSameInputSameBytes(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	first := written(t, in)
	for range 3 {
		for name, want := range written(t, in) {
			if first[name] != want {
				t.Errorf("%s differs", name)
			}
		}
	}
}

func TestWriteFailureLeavesFolder(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name    string
		ctx     context.Context
		formats []string
		in      table.Input
		want    error
	}{
		{"unknown format", t.Context(), []string{"csv", "docx"}, in, nil},
		{"cancelled before", cancelled, Names(), in, context.Canceled},
		{"cancelled without rows", cancelled, Names(), reporttest.Nothing(), context.Canceled},
		{"rows break at once", t.Context(), Names(), reporttest.Broken(in, 0), reporttest.ErrBroken},
		{"rows break after one", t.Context(), Names(), reporttest.Broken(in, 1), reporttest.ErrBroken},
		{"rows break at the end", t.Context(), Names(), reporttest.Broken(in, 1000), reporttest.ErrBroken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			before := oldReport(t, dir)
			_, err := Write(tt.ctx, dir, tt.formats, tt.in)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(before, reporttest.Contents(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every walk is cut short at once by cancelling at a record of it.
func TestWriteCancelledAtAnyRecord(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	for at := 1; at <= 30; at += 7 {
		ctx, cancel := context.WithCancel(t.Context())
		dir, walked := t.TempDir(), 0
		_, err := Write(ctx, dir, Names(), watched(in, func() {
			if walked++; walked == at {
				cancel()
			}
		}))
		if !errors.Is(err, context.Canceled) || walked > at {
			t.Errorf("cancelled at record %d: walked %d, %v", at, walked, err)
		}
		if left := reporttest.Contents(t, dir); len(left) != 0 {
			t.Errorf("cancelled at record %d: left %v", at, slices.Collect(maps.Keys(left)))
		}
	}
}

func watched(in table.Input, each func()) table.Input {
	rows := in.Rows
	in.Rows = func(yield func(audit.Record, error) bool) {
		for r, err := range rows {
			each()
			if !yield(r, err) {
				return
			}
		}
	}
	return in
}

// A reader that has the old file open goes on reading the old one.
func TestWriteReplacesByRename(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := oldReport(t, dir)
	f, err := os.Open(filepath.Join(dir, "findings.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Write(t.Context(), dir, Names(), reporttest.Input(t)); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != old["findings.csv"] {
		t.Errorf("the open file reads %q, %v", b, err)
	}
	for name, now := range reporttest.Contents(t, dir) {
		if now == old[name] {
			t.Errorf("%s is still the old one", name)
		}
	}
}

// TestWriteAgainWithOtherFormats: a run that was cut off goes on with the configuration
// of its second attempt. What the first one left would pass for a file of somebody else.
func TestWriteAgainWithOtherFormats(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, names := range [][]string{{"csv", "ocsf", "html"}, {"vanta", "html"}} {
		if _, err := Write(t.Context(), dir, names, reporttest.Input(t)); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := Files([]string{"vanta", "html"})
	slices.Sort(want)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestWriteKeepsPacks: the reports of a sealed pack stay as they are.
func TestWriteKeepsPacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := oldReport(t, dir)
	before[sealFile] = ""
	if err := os.WriteFile(filepath.Join(dir, sealFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), dir, Names(), reporttest.Input(t)); err == nil || !strings.Contains(err.Error(), "holds a sealed evidence pack") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(before, reporttest.Contents(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownFormatNamesTheKnown(t *testing.T) {
	t.Parallel()
	_, err := Write(t.Context(), t.TempDir(), []string{"docx"}, reporttest.Nothing())
	for _, word := range append(Names(), "docx") {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not name %s", err, word)
		}
	}
}

// A format whose file cannot be made (a full disk, a folder that may only be read)
// ends the report with an error.
func TestFormatWhoseFilesCannotBeMade(t *testing.T) {
	t.Parallel()
	for _, f := range formats() {
		for _, name := range f.files {
			t.Run(f.name+" "+name, func(t *testing.T) {
				s, err := table.NewStaging(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				taken, err := s.Create(name)
				if err != nil {
					t.Fatal(err)
				}
				defer taken.Close()
				_, err = writeFormats(t.Context(), s, []format{f}, reporttest.Input(t), audit.NewHighlightsBuilder(audit.Summary{}, nil))
				if !errors.Is(err, os.ErrExist) || !strings.HasPrefix(err.Error(), f.name+": ") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

// panicking panics at a step.
type panicking string

func (p panicking) at(step string) {
	if string(p) == step {
		panic("out of order")
	}
}

func (p panicking) Add(*table.Row) error { p.at("Add"); return nil }
func (p panicking) Finish(context.Context, *audit.Highlights) ([]table.Shown, error) {
	p.at("Finish")
	return nil, nil
}
func (panicking) Close() error { return nil }

// A panic in a format ends the report and not the process.
func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"New", "Add", "Finish"} {
		s, err := table.NewStaging(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		broken := format{"broken", nil, func(*table.Staging, Input) (output, error) {
			panicking(step).at("New")
			return panicking(step), nil
		}}
		_, err = writeFormats(t.Context(), s, append(formats(), broken), reporttest.Input(t), audit.NewHighlightsBuilder(audit.Summary{}, nil))
		if err == nil || !strings.Contains(err.Error(), "broken: panic: out of order") {
			t.Errorf("%s: error %v", step, err)
		}
	}
}

func TestRecordsAreReadOnce(t *testing.T) {
	t.Parallel()
	in := reporttest.Input(t)
	records := 0
	for range in.Rows {
		records++
	}
	read := 0
	if _, err := Write(t.Context(), t.TempDir(), Names(), watched(in, func() { read++ })); err != nil {
		t.Fatal(err)
	}
	if read != records {
		t.Errorf("read %d of %d records", read, records)
	}
}

func oldReport(t *testing.T, dir string) map[string]string {
	for _, name := range []string{"authorizations.csv", "config.yaml", "findings.csv", "review.xlsx", "summary.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return reporttest.Contents(t, dir)
}

// written writes every format and gives the files.
func written(t *testing.T, in table.Input) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if _, err := Write(t.Context(), dir, Names(), in); err != nil {
		t.Fatal(err)
	}
	return reporttest.Contents(t, dir)
}

// TestWriteFollowsNoFolder: a link in place of the folder of a run leads elsewhere.
func TestWriteFollowsNoFolder(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), filepath.Join(t.TempDir(), "run")
	if err := os.Symlink(outside, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), dir, []string{"csv"}, reporttest.Input(t)); err == nil || !strings.Contains(err.Error(), dir+" is a link") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("was written: %v, %v", left, err)
	}
}
