package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/notify/notifytest"
)

// mortal is one yearly job, due once, and the servers that it talks to.
type mortal struct {
	t      *testing.T
	dir    string
	influx *influxtest.Demo
	slack  *notifytest.Slack
	// victim is killed when Slack gets its request of that number: before it is
	// carried out, or after that and before the answer.
	victim   atomic.Pointer[os.Process]
	request  int32
	answered bool
	requests atomic.Int32
}

// newMortal's job writes CSV, and maybe a workbook that it uploads.
func newMortal(t *testing.T, workbook bool) *mortal {
	t.Helper()
	reports, upload := "csv", "off"
	if workbook {
		reports, upload = "xlsx, csv", "on"
	}
	db := influxtest.NewDemo(time.Now())
	w := &mortal{t: t, dir: t.TempDir(), influx: db, slack: &notifytest.Slack{Token: "slack-token"}}
	influx, slack := httptest.NewServer(db.Server), httptest.NewServer(http.HandlerFunc(w.serveSlack))
	t.Cleanup(influx.Close)
	t.Cleanup(slack.Close)
	w.write("influx-token", db.Token)
	w.write("slack-token", w.slack.Token)
	w.write("tokenaudit.yaml", fmt.Sprintf(`store: sqlite:./tokenaudit.db
evidence: ./evidence
targets: [{name: prod, url: %q, org: %s, token: {file: influx-token}}]
owners:
  alice: {slack: U0000001}
  ci-deploy: {responsible: bob@example.com}
  carol: {responsible: Dan}
jobs:
  - name: yearly
    schedule: "0 0 1 1 *"
    catch_up: 400d
    reports: [%s]
    slack: {channel: C0123456789, token: {file: slack-token}, api_url: %s/api/, upload: %s}
`, influx.URL, db.Org, reports, slack.URL, upload))
	w.makeDue()
	return w
}

func (w *mortal) config() string { return filepath.Join(w.dir, "tokenaudit.yaml") }

// makeDue lets the job have begun two years ago.
func (w *mortal) makeDue() {
	w.t.Helper()
	w.mustRun("run", "-c", w.config(), "--quiet")
	w.update(`UPDATE job SET reached = $1`, time.Now().AddDate(-1, 0, 0).Unix())
}

// update changes the ledger while nobody works on it.
func (w *mortal) update(statement string, args ...any) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "tokenaudit.db"))
	if err == nil {
		_, err = db.Exec(statement, args...)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *mortal) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// mustRun runs a command in this process, which is not to be killed.
func (w *mortal) mustRun(args ...string) []byte {
	w.t.Helper()
	var out, errs bytes.Buffer
	if code := run(w.t.Context(), args, &out, &errs); code != exitDone {
		w.t.Fatalf("tokenaudit %s: exit code %d\n%s%s", strings.Join(args, " "), code, &out, &errs)
	}
	return out.Bytes()
}

func (w *mortal) serveSlack(rw http.ResponseWriter, r *http.Request) {
	hit := w.requests.Add(1) == w.request
	if hit && !w.answered {
		w.kill()
		return
	}
	if !hit {
		w.slack.ServeHTTP(rw, r)
		return
	}
	w.slack.ServeHTTP(httptest.NewRecorder(), r)
	w.kill()
}

func (w *mortal) kill() {
	if p := w.victim.Load(); p != nil {
		p.Kill()
	}
	panic(http.ErrAbortHandler)
}

// review runs what is due and kills it at a request to Slack; it reports whether it
// came to that.
func (w *mortal) review() (killed bool) {
	w.t.Helper()
	cmd := exec.Command("tokenaudit", "run", "-c", w.config(), "--quiet")
	cmd.Env = append(os.Environ(), "TMPDIR="+w.t.TempDir())
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.victim.Store(cmd.Process)
	err := cmd.Wait()
	var exit *exec.ExitError
	return errors.As(err, &exit) && !exit.Exited()
}

// expectOnce: one complete pack, nothing beside it, one reported run, every part
// exactly once and in its place.
func (w *mortal) expectOnce() {
	w.t.Helper()
	w.mustRun("run", "-c", w.config(), "--quiet")
	requests := w.requests.Load()
	w.mustRun("run", "-c", w.config(), "--quiet")
	if w.requests.Load() != requests {
		w.t.Error("a run that is done talks to Slack")
	}
	w.mustRun("verify", filepath.Join(w.dir, "evidence", "yearly"))
	left, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "*", "*", ".*"))
	packs, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "yearly", "*", "manifest.json"))
	if len(packs) != 1 || len(left) > 0 {
		w.t.Errorf("packs %v, left over %v", packs, left)
	}
	w.expectParts()
}

func (w *mortal) expectParts() {
	w.t.Helper()
	var runs []historyRun
	if err := json.Unmarshal(w.mustRun("history", "list", "-c", w.config(), "--json"), &runs); err != nil || len(runs) != 1 || runs[0].State != "finished" {
		w.t.Fatalf("runs %+v, %v", runs, err)
	}
	var run historyDetails
	if err := json.Unmarshal(w.mustRun("history", "show", "-c", w.config(), "--json", runs[0].Run), &run); err != nil {
		w.t.Fatal(err)
	}
	want, got := map[string]int{}, map[string]int{}
	for _, p := range run.Messages {
		want[p.Name]++
		if p.State != "sent" {
			w.t.Errorf("part %s is %s: %s", p.Name, p.State, p.Error)
		}
	}
	for _, m := range w.slack.Messages() {
		got[partOf(m)]++
	}
	if diff := cmp.Diff(want, got); diff != "" || want["unclaimed"] == 0 || len(want) < 4 {
		w.t.Errorf("parts in Slack (-want +got):\n%s", diff)
	}
}

// killedAt runs a command and kills it after a step; 0 lets it go on, and out is how many
// steps there were.
func (w *mortal) killedAt(step int, args ...string) (out []byte, killed bool) {
	w.t.Helper()
	cmd := exec.Command("killed", append([]string{fmt.Sprint(step)}, append(args, "-c", w.config(), "--quiet")...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+w.t.TempDir()) // what it could not clear away goes with the test
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if killed = errors.As(err, &exit) && exit.ExitCode() == 137; err != nil && !killed {
		w.t.Fatalf("%v: %s", err, out)
	}
	return out, killed
}

// TestKilledAtEveryStep kills the program after each write to the ledger and each
// file, and then lets it go on. All formats are written alike; CSV is the quickest.
func TestKilledAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("long; runs without -short")
	}
	t.Parallel()
	out, _ := newMortal(t, false).killedAt(0, "run")
	steps, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || steps < 50 {
		t.Fatalf("steps of a run that is not killed: %s", out)
	}
	var kills atomic.Int32
	t.Cleanup(func() {
		if n := int(kills.Load()); n < steps-5 { // their number varies a little
			t.Errorf("%d of %d runs were killed", n, steps)
		}
	})
	for step := range steps + 5 {
		t.Run(fmt.Sprintf("step %d", step+1), func(t *testing.T) {
			t.Parallel()
			w := newMortal(t, false)
			if _, killed := w.killedAt(step+1, "run"); killed {
				kills.Add(1)
			}
			w.expectOnce()
		})
	}
}

// TestKilledAtEveryRequest kills the program before each request to Slack is carried
// out, and after it was and before the answer.
func TestKilledAtEveryRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("long; runs without -short")
	}
	t.Parallel()
	whole := newMortal(t, true)
	whole.review()
	requests := whole.requests.Load()
	if whole.expectOnce(); requests < 5 {
		t.Fatalf("%d requests", requests)
	}
	for _, answered := range []bool{false, true} {
		for request := int32(1); request <= requests; request++ {
			t.Run(fmt.Sprintf("request %d, carried out %t", request, answered), func(t *testing.T) {
				t.Parallel()
				w := newMortal(t, true)
				w.request, w.answered = request, answered
				if !w.review() {
					t.Error("was not killed")
				}
				w.expectOnce()
			})
		}
	}
}

// TestDeletedWAL kills the program after some of its steps and takes away the file that
// SQLite had beside the ledger. What was lost with it is said, and made good by history
// rebuild: no pack is replaced and nothing is said twice.
func TestDeletedWAL(t *testing.T) {
	t.Parallel()
	every := 1
	if testing.Short() {
		every = 12
	}
	refused := atomic.Int32{}
	t.Cleanup(func() {
		if refused.Load() == 0 {
			t.Error("nothing was ever lost")
		}
	})
	for step := 1; step < 130; step += every {
		t.Run(fmt.Sprintf("step %d", step), func(t *testing.T) {
			t.Parallel()
			w := newMortal(t, false)
			cmd := exec.Command("killed", fmt.Sprint(step), "run", "-c", w.config(), "--quiet")
			cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
			_ = cmd.Run() // it ends by itself if it has no such step
			for _, suffix := range []string{"-wal", "-shm"} {
				os.Remove(filepath.Join(w.dir, "tokenaudit.db"+suffix))
			}
			sealed, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "yearly", "*", "manifest.json"))
			before := map[string][]byte{}
			for _, path := range sealed {
				before[path], _ = os.ReadFile(path)
			}
			var out, errs bytes.Buffer
			switch code := run(t.Context(), []string{"run", "-c", w.config(), "--quiet"}, &out, &errs); {
			case code == exitFailed && strings.Contains(errs.String(), "history rebuild"):
				refused.Add(1)
				w.mustRun("history", "rebuild", "-c", w.config())
			case code != exitDone:
				t.Fatalf("exit code %d\n%s", code, &errs)
			}
			w.mustRun("run", "-c", w.config(), "--quiet")
			w.mustRun("verify", filepath.Join(w.dir, "evidence", "yearly"))
			packs, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "yearly", "*", "manifest.json"))
			var runs []historyRun
			if err := json.Unmarshal(w.mustRun("history", "list", "-c", w.config(), "--json"), &runs); err != nil || len(packs) != 1 || len(runs) != 1 || runs[0].State != "finished" {
				t.Errorf("packs %v, runs %+v, %v", packs, runs, err)
			}
			if left, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "*", "*", ".*")); len(left) > 0 && len(before) == 0 {
				t.Errorf("left over %v", left)
			}
			for path, text := range before {
				if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, text) {
					t.Errorf("%s was replaced: %v", path, err)
				}
			}
			said := map[string]int{}
			for _, m := range w.slack.Messages() {
				if said[partOf(m)]++; said[partOf(m)] > 1 {
					t.Errorf("said twice: %s", partOf(m))
				}
			}
		})
	}
}

// TestLostLedger: after a rebuild no slot is reviewed twice, and nothing is said twice.
func TestLostLedger(t *testing.T) {
	t.Parallel()
	w := newMortal(t, false)
	w.mustRun("run", "-c", w.config(), "--quiet")
	requests := w.requests.Load()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(filepath.Join(w.dir, "tokenaudit.db"+suffix))
	}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"serve", "-c", w.config()}, &errs, &errs); code != exitFailed || !strings.Contains(errs.String(), "the ledger knows no review of the job") {
		t.Errorf("exit code %d\n%s", code, &errs)
	}
	if out := string(w.mustRun("history", "rebuild", "-c", w.config())); !strings.Contains(out, "slots up to") || !strings.Contains(out, "yearly: 1 review,") {
		t.Errorf("rebuild:\n%s", out)
	}
	if out := string(w.mustRun("run", "-c", w.config())); !strings.Contains(out, "nothing due") {
		t.Errorf("run:\n%s", out)
	}
	w.mustRun("verify", filepath.Join(w.dir, "evidence", "yearly"))
	if got := w.requests.Load(); got != requests || requests == 0 {
		t.Errorf("%d requests to Slack, %d before", got, requests)
	}
}
