package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokenaudit/jobs/runner"
)

const monthly = "0 9 1 * *"

// dueReview is a site with a review that is due, and serve under way with it: the list of
// tokens is held back until release.
func dueReview(t *testing.T, p *site) (s *serving, release func()) {
	t.Helper()
	p.write(fmt.Sprintf("  - {name: monthly, schedule: %q, catch_up: 400d}\n", monthly))
	p.due("monthly", monthly)
	p.give()
	release = p.hold()
	s = p.serve()
	s.wait("a review under way", func() bool { return p.asked() > 0 })
	return s, release
}

// give makes the data those of the user that the binary runs as.
func (p *site) give() {
	p.t.Helper()
	if p.attributes == nil || p.attributes.Credential == nil {
		return
	}
	must(p.t, filepath.WalkDir(filepath.Dir(p.store), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, int(p.attributes.Credential.Uid), int(p.attributes.Credential.Gid))
	}))
}

// TestFaultsOfThePlace: while the disk is full, or what is written to is read-only, the
// review is tried again; it is said once and not at every attempt; and afterwards the slot
// has been reviewed, once, and nothing half-written is left.
func TestFaultsOfThePlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		site  func(*testing.T) *site
		fault func(*site) (end func())
		says  string
	}{
		"the disk is full":            {siteOnSmallDisk, fillDisk, "no space left on device|disk is full"},
		"the evidence is read-only":   {siteOfNobody, func(p *site) func() { return p.mode(p.evidenceAt, 0o500) }, "permission denied"},
		"the store is on a full disk": {siteWithStoreOnSmallDisk, fillDisk, "disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := tc.site(t)
			must(t, os.MkdirAll(p.evidenceAt, 0o700))
			s, release := dueReview(t, p)
			end := tc.fault(p)
			release()
			line := s.waitLine("failed; it will be tried again")
			if text := fmt.Sprint(line["error"]); line["level"] != "ERROR" || line["job"] != "monthly" || !anyOf(text, tc.says) {
				t.Errorf("%v", line)
			}
			if !testing.Short() {
				time.Sleep(2 * runner.Heartbeat) // attempts, each of which fails
			}
			expectSaidOnce(t, s)
			if packs := p.packs("monthly"); len(packs) > 0 {
				t.Errorf("sealed in spite of the fault: %v", packs)
			}
			end()
			s.reload() // a new beginning, and not a heartbeat later
			s.wait("the review", func() bool { return len(p.packs("monthly")) == 1 })
			s.waitLine(`"msg":"reviewed"`)
			s.end()
			if hidden, _ := filepath.Glob(filepath.Join(p.evidenceAt, "*", "*", ".*")); len(hidden) > 0 {
				t.Errorf("left behind: %v", hidden)
			}
			mustVerify(t, p.evidenceAt)
			p.plain()
			if code, stdout, stderr := p.outcome("history", "list", "--json"); code != exitDone || strings.Count(stdout, `"monthly/`) != 1 {
				t.Errorf("history: exit code %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// TestReadOnlyStore: serve does not start on a store that it may not write to, says why,
// and has not lost the slot when it may.
func TestReadOnlyStore(t *testing.T) {
	t.Parallel()
	p := siteOfNobody(t)
	p.write(fmt.Sprintf("  - {name: monthly, schedule: %q, catch_up: 400d}\n", monthly))
	p.due("monthly", monthly)
	p.give()
	end := p.mode(p.store, 0o400)
	code, _, stderr := p.outcome("serve")
	if code != exitFailed || strings.Count(stderr, "permission denied") != 1 || !strings.Contains(stderr, p.store) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	end()
	s := p.serve()
	s.wait("the review", func() bool { return len(p.packs("monthly")) == 1 })
	s.end()
}

// TestBadConfigurationAtStart: serve ends with each mistake said once, and makes nothing.
func TestBadConfigurationAtStart(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	p.write(p.job("weekly", ", schedul: x"), p.job("third", ", timezone: Mars/Base"))
	code, stdout, stderr := p.outcome("serve")
	for _, want := range []string{"tokenaudit.yaml:6: jobs[0].schedul", "tokenaudit.yaml:7: jobs[1].timezone"} {
		if strings.Count(stderr, want) != 1 {
			t.Errorf("want %q once in:\n%s", want, stderr)
		}
	}
	if code != exitUsage || stdout != "" {
		t.Errorf("exit code %d: %s", code, stdout)
	}
	if _, err := os.Stat(filepath.Dir(p.store)); err == nil {
		t.Error("a store was made")
	}
}

// expectSaidOnce: nothing is in the log twice, whatever its digits, and one fault makes few
// errors.
func expectSaidOnce(t *testing.T, s *serving) {
	t.Helper()
	digits := strings.NewReplacer("0", "", "1", "", "2", "", "3", "", "4", "", "5", "", "6", "", "7", "", "8", "", "9", "")
	said := map[string]int{}
	for _, line := range s.lines("") {
		delete(line, "time")
		said[digits.Replace(fmt.Sprint(line))]++
	}
	for line, n := range said {
		if n > 1 {
			t.Errorf("said %d times: %s", n, line)
		}
	}
	if n := len(s.lines(`"level":"ERROR"`)); n > 2 { // of the review, and of the lease
		t.Errorf("%d errors for one fault: %v", n, said)
	}
}

func anyOf(text, words string) bool {
	for word := range strings.SplitSeq(words, "|") {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// mode changes the mode of a file until the end.
func (p *site) mode(path string, mode os.FileMode) (end func()) {
	p.t.Helper()
	info, err := os.Stat(path)
	must(p.t, err)
	must(p.t, os.Chmod(path, mode))
	return func() { must(p.t, os.Chmod(path, info.Mode().Perm())) }
}

// plain runs the binary as this user, to look.
func (p *site) plain() { p.attributes = nil }

// smallDisk mounts a disk of a few MiB at a folder of its own.
func smallDisk(t *testing.T, folder string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small disk")
	}
	must(t, os.MkdirAll(folder, 0o700))
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Skipf("needs the right to mount a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
}

func siteOnSmallDisk(t *testing.T) *site {
	p := newSite(t)
	smallDisk(t, filepath.Dir(p.store))
	return p
}

func siteWithStoreOnSmallDisk(t *testing.T) *site {
	p := newSite(t)
	smallDisk(t, filepath.Dir(p.store))
	p.evidenceAt = filepath.Join(p.dir, "evidence")
	return p
}

// fillDisk leaves no byte on the disk of the store, until the end.
func fillDisk(p *site) (end func()) {
	p.t.Helper()
	path := filepath.Join(filepath.Dir(p.store), "ballast")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	must(p.t, err)
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	return func() { must(p.t, os.Remove(path)) }
}
