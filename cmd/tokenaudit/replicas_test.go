//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenaudit/jobs/history"
	"tokenaudit/jobs/history/historytest"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/notify/notifytest"
)

// TestReplicas lets three processes serve one job of every minute, kills the one
// that reviews and the one that delivers, and takes the database away while a slot
// becomes due. No slot is lost, none is doubled, and each message is posted once.
func TestReplicas(t *testing.T) {
	if os.Getenv("CI") != "true" && os.Getenv("TOKENAUDIT_SLOW") != "1" {
		t.Skip("takes four minutes; TOKENAUDIT_SLOW=1 runs it")
	}
	t.Parallel()
	w := newReplicas(t)
	w.mustRun("doctor", "-c", w.config())
	for range 3 {
		w.serve()
	}
	first := w.await("reviewing", func(saying) bool { return true })
	w.kill(first.process)
	w.serve()
	taken := w.await("reviewed", func(s saying) bool { return s.Run == first.Run })
	w.eventually("a message of "+first.Run, func() bool { return w.posted(first.Run) > 0 })
	second := w.await("reviewed", func(s saying) bool { return s.Run != first.Run })
	w.eventually("a request about "+second.Run, func() bool { _, asked := w.asked.Load(second.Run); return asked })
	w.kill(second.process)
	slot := w.restartDatabase()
	third := w.await("reviewed", func(s saying) bool { return s.Run != first.Run && s.Run != second.Run })
	w.eventually("a message of "+third.Run, func() bool { return w.posted(third.Run) > 0 })
	t.Logf("%s begun by process %d and taken up by %d; %s by %d; %s by %d after the restart over %s",
		first.Run, first.process, taken.process, second.Run, second.process, third.Run, third.process, slot.Format(time.TimeOnly))
	w.stop()
	w.mustRun("run", "-c", w.config(), "--quiet")
	w.expectEverySlotOnce(slot)
}

// replicas are processes on one ledger, and the servers that they talk to.
type replicas struct {
	*mortal
	postgres *historytest.Postgres
	serving  map[int]*exec.Cmd
	started  int
	read     sync.WaitGroup
	said     chan saying
	asked    sync.Map // runs that Slack was asked to post about
}

// saying is a line of the log of a process.
type saying struct {
	process  int
	Msg, Run string
	Error    string
}

func newReplicas(t *testing.T) *replicas {
	t.Helper()
	db := influxtest.NewDemo(time.Now())
	w := &replicas{
		mortal:   &mortal{t: t, dir: t.TempDir(), slack: &notifytest.Slack{Token: "slack-token"}},
		postgres: historytest.New(t), serving: map[int]*exec.Cmd{}, said: make(chan saying, 10000),
	}
	influx := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond) // so that a review is under way for a while
		db.Server.ServeHTTP(rw, r)
	}))
	slack := httptest.NewServer(http.HandlerFunc(w.serveSlowly))
	t.Cleanup(influx.Close)
	t.Cleanup(slack.Close)
	w.env = append(os.Environ(), "INFLUX_AUDIT_TOKEN="+db.Token, "SLACK_BOT_TOKEN="+w.slack.Token)
	config := fmt.Sprintf(`store: %s
store_password: {file: %s}
evidence: ./evidence
targets: [{name: prod, url: %q, org: %s, token: {env: INFLUX_AUDIT_TOKEN}}]
jobs:
  - name: minutely
    schedule: "* * * * *"
    slack: {channel: C0123456789, token: {env: SLACK_BOT_TOKEN}, api_url: %s/api/}
`, w.postgres.Database(t), w.postgres.Password.File, influx.URL, db.Org, slack.URL)
	if err := os.WriteFile(w.config(), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for process := range w.serving {
			w.kill(process)
		}
	})
	return w
}

// serveSlowly carries a request out unless its process is killed in the meantime. A
// kill between the post and its answer is for TestKilledAtEveryRequest.
func (w *replicas) serveSlowly(rw http.ResponseWriter, r *http.Request) {
	run, _ := runAndPart([]byte(r.FormValue("metadata"))) // only a request that was read tells when its sender is gone
	w.asked.Store(run, true)
	select {
	case <-r.Context().Done():
	case <-time.After(2 * time.Second):
		w.slack.ServeHTTP(rw, r)
	}
}

// serve starts one more process.
func (w *replicas) serve() {
	w.t.Helper()
	cmd := w.command("tokenaudit", "serve", "-c", w.config())
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	process := w.started
	w.serving[process] = cmd
	w.started++
	w.read.Go(func() { w.listen(process, log) })
}

func (w *replicas) listen(process int, log io.Reader) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		w.t.Logf("process %d: %s", process, lines.Text())
		s := saying{process: process}
		if json.Unmarshal(lines.Bytes(), &s) == nil {
			w.said <- s
		}
	}
}

// kill is kill -9.
func (w *replicas) kill(process int) {
	w.serving[process].Process.Kill()
	w.serving[process].Wait()
	delete(w.serving, process)
}

// stop asks all processes to end, and waits for them.
func (w *replicas) stop() {
	w.t.Helper()
	for _, cmd := range w.serving {
		cmd.Process.Signal(syscall.SIGTERM)
	}
	w.read.Wait()
	for process, cmd := range w.serving {
		if err := cmd.Wait(); err != nil {
			w.t.Errorf("process %d: %v", process, err)
		}
		delete(w.serving, process)
	}
}

// await is the next line of any process that says so of a run.
func (w *replicas) await(msg string, is func(saying) bool) saying {
	w.t.Helper()
	late := time.After(3 * time.Minute)
	for {
		select {
		case s := <-w.said:
			if s.Msg == msg && is(s) {
				return s
			}
		case <-late:
			w.t.Fatalf("nobody says %q", msg)
		}
	}
}

func (w *replicas) eventually(what string, holds func() bool) {
	w.t.Helper()
	for range 2400 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("never: %s", what)
}

// restartDatabase takes the database away until after the next full minute, which
// it returns.
func (w *replicas) restartDatabase() time.Time {
	w.t.Helper()
	slot := time.Now().Add(3 * time.Second).Truncate(time.Minute).Add(time.Minute)
	time.Sleep(time.Until(slot.Add(-3 * time.Second)))
	w.postgres.Stop(w.t)
	time.Sleep(time.Until(slot.Add(7 * time.Second)))
	w.postgres.Start(w.t)
	return slot
}

// posted counts the messages of a run in Slack.
func (w *replicas) posted(run string) (n int) {
	for message, times := range w.messages() {
		if strings.HasPrefix(message, run+" ") {
			n += times
		}
	}
	return n
}

// messages counts what is in Slack, by run and part.
func (w *replicas) messages() map[string]int {
	out := map[string]int{}
	for _, m := range w.slack.Messages() {
		run, part := runAndPart(m.Metadata)
		out[run+" "+part]++
	}
	return out
}

// runAndPart is what a message is about, by its metadata.
func runAndPart(metadata []byte) (run, part string) {
	var m struct {
		Payload struct{ Key, Part string } `json:"event_payload"`
	}
	if err := json.Unmarshal(metadata, &m); err != nil {
		return "unreadable:", string(metadata)
	}
	return m.Payload.Key, m.Payload.Part
}

// expectEverySlotOnce: a reported run for every minute from the first to the last,
// which is not before until; a sound pack of each; each part in Slack once.
func (w *replicas) expectEverySlotOnce(until time.Time) {
	w.t.Helper()
	var runs []history.Entry
	if err := json.Unmarshal(w.mustRun("history", "list", "-c", w.config(), "--json"), &runs); err != nil || len(runs) < 3 {
		w.t.Fatalf("runs %+v, %v", runs, err)
	}
	slices.SortFunc(runs, func(a, b history.Entry) int { return a.Run.Slot.Compare(b.Run.Slot) })
	want := map[string]int{}
	for i, e := range runs {
		if due := runs[0].Run.Slot.Add(time.Duration(i) * time.Minute); !e.Run.Slot.Equal(due) || e.Run.Missed != 0 || !e.Reported {
			w.t.Errorf("run %s: missed %d, reported %t; want the slot %s", e.Run.ID(), e.Run.Missed, e.Reported, due)
		}
		w.addParts(want, e.Run.ID())
	}
	if last := runs[len(runs)-1].Run.Slot; last.Before(until) {
		w.t.Errorf("the last slot is %s, want %s or later", last, until)
	}
	if diff := cmp.Diff(want, w.messages()); diff != "" || len(want) < len(runs) {
		w.t.Errorf("messages in Slack (-want +got):\n%s", diff)
	}
	w.mustRun("verify", filepath.Join(w.dir, "evidence", "minutely"))
	packs, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "minutely", "*", "manifest.json"))
	left, _ := filepath.Glob(filepath.Join(w.dir, "evidence", "*", "*", ".*"))
	if len(packs) != len(runs) || len(left) > 0 {
		w.t.Errorf("%d packs of %d runs; left over %v", len(packs), len(runs), left)
	}
}

func (w *replicas) addParts(want map[string]int, id string) {
	w.t.Helper()
	var run history.Entry
	if err := json.Unmarshal(w.mustRun("history", "show", "-c", w.config(), "--json", id), &run); err != nil || len(run.Parts) == 0 {
		w.t.Fatalf("run %s: parts %+v, %v", id, run.Parts, err)
	}
	for _, p := range run.Parts {
		want[id+" "+p.Name]++
		if p.State != "sent" {
			w.t.Errorf("run %s: part %s is %s: %s", id, p.Name, p.State, p.Error)
		}
	}
}
