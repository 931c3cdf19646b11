package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/ledger"
)

// cmdUnchanged runs a program that must leave no file behind, take none away, and without
// a store that another process works on change none: unchanged CODE PROGRAM ARGUMENT …
func cmdUnchanged(ts *testscript.TestScript, neg bool, args []string) {
	before := treeOf(ts, !neg)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if diff := cmp.Diff(before, treeOf(ts, !neg)); diff != "" {
		ts.Fatalf("it left something behind (-before +after):\n%s", diff)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// treeOf are the files below the work folder and below that for temporary ones, with their
// times if nobody else is at work on them.
func treeOf(ts *testscript.TestScript, times bool) (tree []string) {
	for _, root := range []string{ts.MkAbs("."), ts.Getenv("TMPDIR")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			line := path
			if info, err := d.Info(); err == nil && times && path != ts.Getenv("TMPDIR") { // in which a folder was
				line += fmt.Sprint(" ", info.Size(), " ", info.ModTime().UnixNano())
			}
			tree = append(tree, line)
			return nil
		})
		ts.Check(err)
	}
	return tree
}

// cmdAlike compares what a dry run printed with what the review right after it did, and the
// message of both, word by word: alike DRY REVIEW MESSAGE.
func cmdAlike(ts *testscript.TestScript, _ bool, args []string) {
	moment := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d{4,6}Z|\d\d:\d\d`)
	var texts []string
	for _, name := range args {
		texts = append(texts, moment.ReplaceAllString(ts.ReadFile(name), "TIME"))
	}
	aboutEvidence := regexp.MustCompile(`(·\s+)?Evidence:\s+\S+\s+on\s+\S+|,\s+see\s+the\s+evidence`)
	for i, text := range texts { // which a dry run does not make
		if i == 0 && aboutEvidence.MatchString(text) {
			ts.Fatalf("the dry run refers to evidence:\n%s", text)
		}
		texts[i] = aboutEvidence.ReplaceAllString(text, "")
	}
	dry, message, found := strings.Cut(texts[0], "\nThe message, not sent:\n\n")
	dry, _, isDry := strings.Cut(dry, "\nThis was a dry run: ")
	review, _, isReview := strings.Cut(texts[1], "\nReports in ")
	if !found || !isDry || !isReview {
		ts.Fatalf("no dry run, or no review:\n%s\n%s", texts[0], texts[1])
	}
	if diff := cmp.Diff(strings.Fields(review), strings.Fields(dry)); diff != "" {
		ts.Fatalf("(-review +dry run):\n%s", diff)
	}
	if diff := cmp.Diff(strings.Fields(texts[2]), strings.Fields(message)); diff != "" {
		ts.Fatalf("the message (-review +dry run):\n%s", diff)
	}
}

// cmdAppears waits until a file of that pattern is there that a program in the background
// makes.
func cmdAppears(ts *testscript.TestScript, _ bool, args []string) {
	for range 1000 {
		if found, _ := filepath.Glob(ts.MkAbs(args[0])); len(found) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("there is no %s", args[0])
}

// TestDryRunInBucket compares with what is in the bucket, and writes nothing there.
func TestDryRunInBucket(t *testing.T) {
	s3, db, dir := newFakeS3(t), influxtest.NewDemo(time.Now()), t.TempDir()
	config := filepath.Join(dir, "tokenaudit.yaml")
	must(t, os.WriteFile(filepath.Join(dir, "influx-token"), []byte(db.Token), 0o600))
	must(t, os.WriteFile(config, fmt.Appendf(nil, `store: sqlite:./ledger.db
evidence: %q
targets: [{name: prod, url: %q, org: %s, token: {file: influx-token}}]
jobs: [{name: weekly, schedule: "0 9 * * 1", reports: [csv]}]
`, s3.place().address, served(t, db.Server), db.Org), 0o600))
	for _, tc := range []struct{ step, flag, want string }{
		{"the first review", "--dry-run", "This is the first review"},
		{"a review", "--now", "Reports in s3://evidence/team/audit/weekly/"},
		{"the next one", "--dry-run", "0 tokens seen for the first time"},
	} {
		before := s3.place().objects()
		var out bytes.Buffer
		code := run(t.Context(), []string{"run", tc.flag, "-c", config}, &out, &out)
		if code != exitDone && code != exitIncomplete || !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: exit code %d, without %q\n%s", tc.step, code, tc.want, &out)
		}
		head, replies := `Job "weekly" has no notifier. Slack would get this summary:`, strings.Contains(out.String(), "↳")
		if tc.flag == "--dry-run" && (!strings.Contains(out.String(), head) || replies) {
			t.Errorf("%s: without %q, or with replies\n%s", tc.step, head, &out)
		}
		if diff := cmp.Diff(before, s3.place().objects()); diff != "" && tc.flag == "--dry-run" {
			t.Errorf("%s (-before +after):\n%s", tc.step, diff)
		}
	}
}

// TestDryRunsOfEarlierVersions: what is left of them is shown as before.
func TestDryRunsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "tokenaudit.yaml")
	must(t, os.WriteFile(config, []byte(`store: sqlite:./ledger.db
evidence: ./evidence
targets: [{name: prod, url: "http://127.0.0.1:1", token: {env: UNSET}}]
jobs: [{name: weekly, schedule: "0 9 * * 1"}]
`), 0o600))
	l, err := ledger.Open(t.Context(), ledger.AtPath(filepath.Join(dir, "ledger.db")), secret.Ref{})
	must(t, err)
	old := audit.Run{Job: "weekly", Slot: november.Add(time.Second), Trigger: audit.DryRun, Started: november}
	_, err = l.Begin(t.Context(), old, nil)
	must(t, err)
	must(t, l.Finish(t.Context(), audit.Conclusion{Run: old, Summary: audit.Summarize(old, nil, november, audit.Tool{}, audit.Policy{}, nil)}))
	must(t, l.Close())
	must(t, os.MkdirAll(filepath.Join(dir, "evidence", ".dry-run", old.ID()), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "evidence", ".dry-run", old.ID(), "findings.csv"), nil, 0o600))
	for _, tc := range []struct {
		name, want string
		args       []string
	}{
		{"list", "dry-run", []string{"history", "list", "-c", config}},
		{"show", filepath.Join("evidence", ".dry-run", old.ID()) + "\n  findings.csv", []string{"history", "show", "-c", config, old.ID()}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := run(t.Context(), tc.args, &out, &out); code != exitDone || !strings.Contains(out.String(), tc.want) {
				t.Errorf("exit code %d, without %q\n%s", code, tc.want, &out)
			}
		})
	}
}
