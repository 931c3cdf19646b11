package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tokenaudit/configs/secret"
	"tokenaudit/jobs/influx/influxtest"
	"tokenaudit/jobs/ledger"
	"tokenaudit/jobs/schedule"
)

// site is an InfluxDB, and a folder for the configuration, ledger and evidence of
// processes that review it.
type site struct {
	t                 *testing.T
	dir, config       string
	db                *influxtest.Server
	url, token        string
	mu                sync.Mutex
	gate              chan struct{} // the list of authorizations waits for it, if not nil
	lists             int           // how often the list was asked for
	attributes        *syscall.SysProcAttr
	environment       []string
	store, evidenceAt string
	targets           string // entries beside that of prod
	binary            string // "tokenaudit" by default
}

func newSite(t *testing.T) *site {
	t.Helper()
	p := &site{t: t, dir: t.TempDir(), db: influxtest.New(influxtest.OSS)}
	org, auditor := p.db.AddOrg("acme"), p.db.AddUser("auditor")
	p.db.AddMember(org, auditor)
	_, p.token = p.db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Description: "audit", Permissions: influxtest.AuditorPermissions(org)})
	p.db.AddAuthorization(influxtest.Authorization{OrgID: org, UserID: auditor, Description: "sensor", Permissions: influxtest.WriteBuckets(org)})
	web := httptest.NewServer(http.HandlerFunc(p.answer))
	t.Cleanup(web.Close)
	p.url, p.config = web.URL, filepath.Join(p.dir, "tokenaudit.yaml")
	p.store, p.evidenceAt = filepath.Join(p.dir, "data", "tokenaudit.db"), filepath.Join(p.dir, "data", "evidence")
	p.environment = append(os.Environ(), "AUDIT_TOKEN="+p.token)
	p.write(p.job("weekly", ""))
	return p
}

func (p *site) answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v2/authorizations" {
		p.mu.Lock()
		gate := p.gate
		p.lists++
		p.mu.Unlock()
		if gate != nil {
			<-gate
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.db.ServeHTTP(w, r)
}

// hold makes the list of authorizations wait until release is called.
func (p *site) hold() (release func()) {
	gate := make(chan struct{})
	p.mu.Lock()
	p.gate = gate
	p.mu.Unlock()
	release = sync.OnceFunc(func() {
		p.mu.Lock()
		p.gate = nil
		p.mu.Unlock()
		close(gate)
	})
	p.t.Cleanup(release)
	return release
}

// asked is how often the list was asked for.
func (p *site) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lists
}

// job is an entry of jobs that is never due by itself, with more keys.
func (p *site) job(name, more string) string {
	return fmt.Sprintf("  - {name: %s, schedule: \"0 9 1 1 *\", reports: [csv]%s}\n", name, more)
}

// write writes the configuration: one target, these jobs.
func (p *site) write(jobs ...string) { p.writeAll("", jobs...) }

func (p *site) writeAll(top string, jobs ...string) {
	p.t.Helper()
	text := fmt.Sprintf("store: sqlite:%s\nevidence: %s\n%stargets:\n  - {name: prod, url: %q, org: acme, token: {env: AUDIT_TOKEN}}\n%sjobs:\n%s", p.store, p.evidenceAt, top, p.url, p.targets, strings.Join(jobs, ""))
	must(p.t, os.WriteFile(p.config, []byte(text), 0o644))
}

// due makes the newest slot of a job due, as if nothing had run since the one before.
func (p *site) due(name, spec string) {
	p.t.Helper()
	s, err := schedule.Parse(spec, "UTC")
	must(p.t, err)
	l, err := ledger.Open(p.t.Context(), ledger.AtPath(p.store), secret.Ref{})
	must(p.t, err)
	slot, _ := s.Latest(time.Now().AddDate(0, -2, 0), time.Now())
	_, err = l.Reached(p.t.Context(), name, s.String(), slot.Add(-time.Minute))
	must(p.t, err)
	must(p.t, l.Close())
}

// command is the binary on this configuration.
func (p *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(cmp.Or(p.binary, "tokenaudit"), append(args, "-c", p.config)...)
	cmd.Env, cmd.SysProcAttr = p.environment, p.attributes
	return cmd
}

// outcome runs the binary to its end.
func (p *site) outcome(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	var out, errs bytes.Buffer
	cmd := p.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// serving is serve as a process.
type serving struct {
	*site
	cmd     *exec.Cmd
	log     string // path
	address string // of its metrics
}

func (p *site) serve() *serving {
	p.t.Helper()
	s := &serving{site: p, cmd: p.command("serve", "--listen", "127.0.0.1:0"), log: filepath.Join(p.t.TempDir(), "log")}
	f, err := os.Create(s.log)
	must(p.t, err)
	defer f.Close()
	s.cmd.Stderr = f
	must(p.t, s.cmd.Start())
	p.t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	s.address = "http://" + fmt.Sprint(s.waitLine("answering")["address"])
	s.waitLine("scheduled")
	return s
}

// lines are those of the log with a text, as JSON.
func (s *serving) lines(text string) (out []map[string]any) {
	s.t.Helper()
	all, err := os.ReadFile(s.log)
	must(s.t, err)
	for line := range bytes.Lines(all) {
		if !bytes.Contains(line, []byte(text)) || !bytes.HasSuffix(line, []byte("\n")) {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			fields = map[string]any{"msg": string(line)} // a panic, or an error at the end
		}
		out = append(out, fields)
	}
	return out
}

// waitLine waits for the first line with a text.
func (s *serving) waitLine(text string) map[string]any { return s.waitLines(text, 1)[0] }

// waitLines waits until so many lines have a text.
func (s *serving) waitLines(text string, n int) (lines []map[string]any) {
	s.t.Helper()
	s.wait(fmt.Sprintf("%q %d times in the log", text, n), func() bool { lines = s.lines(text); return len(lines) >= n })
	return lines
}

// wait waits until something holds.
func (s *serving) wait(what string, holds func() bool) {
	s.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			all, _ := os.ReadFile(s.log)
			s.t.Fatalf("waited in vain for %s; the log:\n%s", what, all)
		}
	}
}

// reload sends SIGHUP and waits until it was heeded; the line says what came of it.
func (s *serving) reload() map[string]any {
	s.t.Helper()
	n := len(s.lines("the configuration was"))
	must(s.t, s.cmd.Process.Signal(syscall.SIGHUP))
	return s.waitLines("the configuration was", n+1)[n]
}

// metrics asks for the metrics.
func (s *serving) metrics() string {
	s.t.Helper()
	status, body := ask(s.t, s.address+"/metrics")
	if status != http.StatusOK {
		s.t.Errorf("/metrics: %d %s", status, body)
	}
	return body
}

// end stops it by SIGTERM and expects exit code 0.
func (s *serving) end() {
	s.t.Helper()
	must(s.t, s.cmd.Process.Signal(syscall.SIGTERM))
	if err := s.cmd.Wait(); err != nil {
		all, _ := os.ReadFile(s.log)
		s.t.Errorf("serve ended with %v; the log:\n%s", err, all)
	}
}

// packs are the slots that have an evidence pack.
func (p *site) packs(job string) []string {
	found, _ := filepath.Glob(filepath.Join(p.evidenceAt, job, "*", "manifest.json"))
	return found
}
