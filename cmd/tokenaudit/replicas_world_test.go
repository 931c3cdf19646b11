//go:build linux && amd64

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
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tokenaudit/jobs/audit"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/ledger/ledgertest"
	"tokenaudit/notify/notifytest"
)

// replicas are processes on one ledger, and the servers that they talk to.
type replicas struct {
	*mortal
	postgres *ledgertest.Postgres
	store    string
	serving  map[int]*exec.Cmd
	started  int
	read     sync.WaitGroup
	said     chan saying
	holds    atomic.Bool   // InfluxDB makes reviews wait
	influx   chan struct{} // closed to let it answer
	slackAll chan struct{} // closed to let Slack answer about every run
	slackOne atomic.Value  // the ID of the one run that Slack answers about until then
	asked    chan string   // runs that Slack was asked to post about
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
		postgres: ledgertest.New(t), serving: map[int]*exec.Cmd{}, said: make(chan saying, 10000),
		influx: make(chan struct{}), slackAll: make(chan struct{}), asked: make(chan string, 10000),
	}
	w.store = w.postgres.Database(t)
	influx := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.holds.Load() || released(r, w.influx) {
			db.Server.ServeHTTP(rw, r)
		}
	}))
	slack := httptest.NewServer(http.HandlerFunc(w.serveSlack))
	t.Cleanup(influx.Close)
	t.Cleanup(slack.Close)
	w.write("influx-token", db.Token)
	w.write("slack-token", w.slack.Token)
	w.write("reviewers", "secops@example.com,ciso@example.com "+publicKey+"\n")
	w.slack.Members = map[string]string{"secops@example.com": "U0000011"}
	config := fmt.Sprintf(`store: %s
store_password: {file: %s}
evidence: ./evidence
evidence_shared: on
targets: [{name: prod, url: %q, org: %s, token: {file: influx-token}}]
owners:
  alice: {slack: U0000001}
  ci-deploy: {responsible: bob@example.com}
jobs:
  - name: minutely
    schedule: "* * * * *"
    slack: {channel: C0123456789, token: {file: slack-token}, api_url: %s/api/}
campaigns:
  - {name: access, job: minutely, schedule: "1 9 * * *", reviewer: secops@example.com, manager: ciso@example.com, signers: reviewers}
`, w.store, w.postgres.Password.File, influx.URL, db.Org, slack.URL)
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

// serveSlack holds a post about a run until it is let through, and forgets it if its
// process is killed in the meantime. A kill between the post and its answer is for
// TestKilledAtEveryRequest.
func (w *replicas) serveSlack(rw http.ResponseWriter, r *http.Request) {
	if metadata := r.FormValue("metadata"); metadata != "" { // only a request that was read tells when its sender is gone
		run, _ := runAndPart([]byte(metadata))
		w.asked <- run
		if run != w.slackOne.Load() && !released(r, w.slackAll) {
			return
		}
	}
	w.slack.ServeHTTP(rw, r)
}

// released waits until a request may go on, and tells whether its sender is still
// there.
func released(r *http.Request, gate chan struct{}) bool {
	select {
	case <-gate:
		return true
	case <-r.Context().Done():
		return false
	}
}

// awaitPost waits until Slack is asked to post about a run.
func (w *replicas) awaitPost(run string) {
	w.t.Helper()
	late := time.After(3 * time.Minute)
	for {
		select {
		case asked := <-w.asked:
			if asked == run {
				return
			}
		case <-late:
			w.t.Fatalf("nobody posts about %s", run)
		}
	}
}

// serve starts one more process.
func (w *replicas) serve() {
	w.t.Helper()
	cmd := exec.Command("tokenaudit", "serve", "-c", w.config())
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

// await is the next line of any process that says so of a run; "" for any line.
func (w *replicas) await(msg string, is func(saying) bool) saying {
	w.t.Helper()
	late := time.After(3 * time.Minute)
	for {
		select {
		case s := <-w.said:
			if (msg == "" || s.Msg == msg) && is(s) {
				return s
			}
		case <-late:
			w.t.Fatalf("nobody says %q", msg)
		}
	}
}

func (w *replicas) eventually(what string, holds func() bool) {
	w.t.Helper()
	for late := time.After(2 * time.Minute); !holds(); {
		select {
		case <-late:
			w.t.Fatalf("never: %s", what)
		case <-time.After(100 * time.Millisecond): // another process brings it about
		}
	}
}

func (w *replicas) setClock(at time.Time) {
	w.t.Helper()
	w.postgres.SetClock(w.t, w.store, at)
}

// sent reports whether the messages of a run are posted, and answered.
func (w *replicas) sent(run string) bool {
	return !slices.ContainsFunc(w.parts(run), func(p historyDelivery) bool { return p.State != audit.DeliverySent })
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

// parts are the messages of a run, by the ledger.
func (w *replicas) parts(id string) []historyDelivery {
	w.t.Helper()
	var run historyDetails
	if err := json.Unmarshal(w.mustRun("history", "show", "-c", w.config(), "--json", id), &run); err != nil || len(run.Messages) == 0 {
		w.t.Fatalf("run %s: parts %+v, %v", id, run.Messages, err)
	}
	return run.Messages
}
