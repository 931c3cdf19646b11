package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestCancelledInTheMiddle ends a large review by SIGTERM, later each time, until it
// is done before the signal. Each time it says that it was interrupted, leaves no
// half-written file, and its ledger knows one run that is not finished; the last one
// is whole. TOKENAUDIT_CANCEL is the number of authorizations, 10,000 if not set.
func TestCancelledInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("long; runs without -short")
	}
	t.Parallel()
	n, err := strconv.Atoi(os.Getenv("TOKENAUDIT_CANCEL"))
	if err != nil {
		n = 10_000
	}
	w, err := newBenchWorld(t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	temporary := t.TempDir()
	for after, done := 50*time.Millisecond, false; !done; after = after * 8 / 5 {
		done = w.cancelled(t, temporary, after)
		expectNothingLeft(t, temporary, filepath.Join(w.dir, "data", "evidence"))
		expectOneRun(t, w.config, done)
	}
	packs, _ := filepath.Glob(filepath.Join(w.dir, "data", "evidence", "bench", "*", "manifest.json"))
	if len(packs) != 1 {
		t.Errorf("packs: %v", packs)
	}
}

// cancelled reports whether the run was done before the signal.
func (w *benchWorld) cancelled(t *testing.T, temporary string, after time.Duration) (done bool) {
	t.Helper()
	cmd := exec.Command("tokenaudit", w.runArgs(t)...)
	cmd.Env = append(os.Environ(), "INFLUX_AUDIT_TOKEN="+w.token, "TMPDIR="+temporary)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	signal := time.AfterFunc(after, func() { cmd.Process.Signal(syscall.SIGTERM) })
	defer signal.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Exited() && exit.ExitCode() != exitFailed) { // a signal that comes first thing kills
		t.Fatalf("SIGTERM after %s: %v", after, err)
	}
	return err == nil
}

// runArgs take a run up that was cut off; only the first call opens one.
func (w *benchWorld) runArgs(t *testing.T) []string {
	t.Helper()
	args := []string{"run", "-c", w.config, "--quiet"}
	if len(runsOf(t, w.config)) == 0 {
		args = append(args, "--now")
	}
	return args
}

func runsOf(t *testing.T, config string) []historyRun {
	t.Helper()
	out, err := exec.Command("tokenaudit", "history", "list", "-c", config, "--json").Output()
	var runs []historyRun
	if err != nil || json.Unmarshal(out, &runs) != nil {
		return nil // there is no ledger yet
	}
	return runs
}

func expectOneRun(t *testing.T, config string, done bool) {
	t.Helper()
	runs := runsOf(t, config)
	if len(runs) > 1 || len(runs) == 1 && runs[0].State == "finished" != done || done && len(runs) == 0 {
		t.Errorf("done %t, and the ledger has %s", done, fmt.Sprint(runs))
	}
}

// expectNothingLeft: no temporary file, and of the evidence only what is whole.
func expectNothingLeft(t *testing.T, temporary, evidence string) {
	t.Helper()
	left, _ := filepath.Glob(filepath.Join(temporary, "*"))
	hidden, _ := filepath.Glob(filepath.Join(evidence, "*", "*", ".*"))
	if len(left)+len(hidden) > 0 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}
