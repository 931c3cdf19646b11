package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"tokenaudit/jobs/audit"
)

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func weekly(weeks int) audit.Run {
	slot := monday.AddDate(0, 0, 7*weeks)
	return audit.Run{Job: "weekly", Slot: slot, Trigger: audit.Scheduled, Missed: weeks, Started: slot.Add(time.Second)}
}

func records(n int) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for i := range n {
			r := audit.Record{Target: "prod", Presence: audit.Listed, FirstSeen: monday, LastSeen: monday}
			r.ID, r.Description = fmt.Sprintf("%016x", i), "=1+1 <&> \u202e \x00"
			r.Permissions = []audit.Permission{{Action: "write", Resource: audit.Resource{Type: "buckets"}}}
			r.Findings = []audit.Finding{{Check: "active-write", Severity: audit.Medium, State: audit.New, Since: monday}}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func all(seq iter.Seq2[audit.Record, error]) (out []audit.Record, err error) {
	for r, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

// TestSnapshotFollowsNoLink: whoever may write into the folder must not choose the file
// that is written over.
func TestSnapshotFollowsNoLink(t *testing.T) {
	s, run, outside := Archive{Root: t.TempDir()}, weekly(0), filepath.Join(t.TempDir(), "outside")
	path := s.path(run, "prod")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(outside, []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{path, filepath.Join(filepath.Dir(path), "."+filepath.Base(path))} {
		if err := os.Symlink(outside, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Write(t.Context(), run, "prod", records(3)); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(outside); string(text) != "x" {
		t.Errorf("written through a link: %v %q", err, text)
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Symlink(filepath.Dir(path), s.Folder(weekly(1))); err != nil { // another pack
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), weekly(1), "prod", records(1)); err == nil || !strings.Contains(err.Error(), "is a link") {
		t.Errorf("a link to another folder: %v", err)
	}
}

// TestSnapshotOfSealedPack: nothing replaces a snapshot of a sealed pack, nor adds one.
func TestSnapshotOfSealedPack(t *testing.T) {
	s, run := Archive{Root: t.TempDir()}, weekly(0)
	if err := s.Write(t.Context(), run, "prod", records(3)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Folder(run), manifestFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"prod", "plant"} {
		if err := s.Write(t.Context(), run, target, records(1)); err == nil || !strings.Contains(err.Error(), "has a sealed pack, which is never replaced") {
			t.Errorf("%s: error %v", target, err)
		}
	}
	got, err := all(s.Read(t.Context(), run, "prod"))
	if files, _ := os.ReadDir(s.Folder(run)); err != nil || len(got) != 3 || len(files) != 2 {
		t.Errorf("%d records, %v, files %v", len(got), err, files)
	}
}

func TestSnapshotComesBack(t *testing.T) {
	s, run := Archive{Root: t.TempDir()}, weekly(0)
	for _, n := range []int{0, 1, 1000} {
		if err := s.Write(t.Context(), run, "prod", records(n)); err != nil {
			t.Fatal(err)
		}
		want, _ := all(records(n))
		got, err := all(s.Read(t.Context(), run, "prod"))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%d records: error %v (-want +got):\n%s", n, err, diff)
		}
	}
	info, err := os.Stat(s.path(run, "prod"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestSnapshotIsWholeOrNotThere(t *testing.T) {
	s, run := Archive{Root: t.TempDir()}, weekly(0)
	if err := s.Write(t.Context(), run, "prod", records(3)); err != nil {
		t.Fatal(err)
	}
	broken := func(yield func(audit.Record, error) bool) {
		for r := range records(2) {
			yield(r, nil)
		}
		yield(audit.Record{}, errors.New("line cut"))
	}
	if err := s.Write(t.Context(), run, "prod", broken); err == nil {
		t.Error("no error")
	}
	if got, err := all(s.Read(t.Context(), run, "prod")); len(got) != 3 || err != nil {
		t.Errorf("%d records, %v; want the 3 of before", len(got), err)
	}
	if files, _ := os.ReadDir(s.Folder(run)); len(files) != 1 {
		t.Errorf("files left behind: %v", files)
	}
}

// TestDamagedSnapshotIsAnError: any byte that is lost or changed is noticed.
func TestDamagedSnapshotIsAnError(t *testing.T) {
	s, run := Archive{Root: t.TempDir()}, weekly(0)
	if err := s.Write(t.Context(), run, "prod", records(50)); err != nil {
		t.Fatal(err)
	}
	path := s.path(run, "prod")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"empty": {}, "cut in half": good[:len(good)/2], "last byte lost": good[:len(good)-1], "middle changed": flipped(good),
	} {
		os.WriteFile(path, bad, 0o600)
		if _, err := all(s.Read(t.Context(), run, "prod")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	os.Remove(path)
	if _, err := all(s.Read(t.Context(), run, "prod")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// TestEndlessLine: a few kB of a forged snapshot do not fill the memory.
func TestEndlessLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot-x.jsonl.gz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(f)
	_, err = zip.Write([]byte(`{"id":"`))
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for range longestLine>>20 + 1 {
		if err == nil {
			_, err = zip.Write(piece)
		}
	}
	if err := errors.Join(err, zip.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := all(ReadSnapshot(path)); err == nil || !strings.Contains(err.Error(), "a line has more than 128 MiB") {
		t.Errorf("error %v", err)
	}
}

func flipped(b []byte) []byte {
	out := append([]byte(nil), b...)
	out[len(out)/2] ^= 0x10
	return out
}

func TestFolder(t *testing.T) {
	s := Archive{Root: "evidence"}
	if got, want := s.Folder(weekly(0)), filepath.Join("evidence", "weekly", "2026-11-23T0900Z"); got != want {
		t.Errorf("Folder = %q, want %q", got, want)
	}
}

func BenchmarkWrite(b *testing.B) {
	s, run := Archive{Root: b.TempDir()}, weekly(0)
	rows := must(all(population(benchRows)))
	again := func(yield func(audit.Record, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
	perAuthorization(b, func() error { return s.Write(b.Context(), run, "prod", again) })
}
