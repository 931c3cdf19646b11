package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokenaudit/configs"
	"tokenaudit/jobs/metrics"
)

// TestReload sends SIGHUP to serve, with good configurations and bad ones. A bad one is
// refused whole and said once, and the one before stays in force.
func TestReload(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	s := p.serve()
	refused := func(metrics string) bool {
		return strings.Contains(metrics, "\ntokenaudit_config_last_reload_successful 0\n")
	}
	has := func(metrics, job string) bool {
		return strings.Contains(metrics, fmt.Sprintf("tokenaudit_job_overdue{job_name=%q}", job))
	}
	if m := s.metrics(); refused(m) || !strings.Contains(m, "\ntokenaudit_config_last_reload_success_timestamp_seconds 1.") || !has(m, "weekly") {
		t.Errorf("after the start:\n%s", m)
	}
	p.write(p.job("weekly", ""), p.job("second", ""))
	if line := s.reload(); line["level"] != "INFO" {
		t.Errorf("a good one: %v", line)
	}
	if m := s.metrics(); refused(m) || !has(m, "weekly") || !has(m, "second") {
		t.Errorf("a good one:\n%s", m)
	}
	for name, bad := range map[string]struct {
		write func()
		want  []string
	}{
		"several mistakes": {func() { p.write(p.job("weekly", ", schedul: x"), p.job("third", ", timezone: Mars/Base")) },
			[]string{"tokenaudit.yaml:6: jobs[0].schedul", "tokenaudit.yaml:7: jobs[1].timezone"}},
		"not YAML":     {func() { must(t, os.WriteFile(p.config, []byte("jobs: ["), 0o600)) }, []string{"tokenaudit.yaml:1"}},
		"not there":    {func() { must(t, os.Remove(p.config)) }, []string{"no such file"}},
		"without jobs": {func() { p.write("  []\n") }, []string{"tokenaudit.yaml:5: jobs: needs a list"}},
		"another store": {func() { store := p.store; p.store += "2"; p.write(p.job("third", "")); p.store = store },
			[]string{"needs a restart: store"}},
		"another place of evidence": {func() { at := p.evidenceAt; p.evidenceAt += "2"; p.write(p.job("third", "")); p.evidenceAt = at },
			[]string{"needs a restart: evidence"}},
		"a variable that is not set":           {func() { p.write(p.job("third", ", ping: {env: NOT_SET_ANYWHERE}")) }, []string{"tokenaudit.yaml:6: jobs[0].ping: environment variable NOT_SET_ANYWHERE"}},
		"a file of controls that is not there": {func() { p.writeAll("controls: ./none.yaml\n", p.job("third", "")) }, []string{"none.yaml"}},
	} {
		bad.write()
		line := s.reload()
		said := fmt.Sprint(line["error"])
		for _, want := range bad.want {
			if line["level"] != "ERROR" || strings.Count(said, want) != 1 {
				t.Errorf("%s: %v, want %q in it once", name, line, want)
			}
		}
		if m := s.metrics(); !refused(m) || has(m, "third") || !has(m, "second") {
			t.Errorf("%s: the one before is not in force:\n%s", name, m)
		}
		if status, body := ask(t, s.address+"/readyz"); status != http.StatusOK {
			t.Errorf("%s: /readyz: %d %s", name, status, body)
		}
	}
	p.write(p.job("third", ""))
	if line := s.reload(); line["level"] != "INFO" {
		t.Errorf("a good one after bad ones: %v", line)
	}
	if m := s.metrics(); refused(m) || !has(m, "third") || has(m, "second") {
		t.Errorf("a good one after bad ones:\n%s", m)
	}
	if n := len(s.lines("jobs[1].timezone")); n != 1 {
		t.Errorf("a mistake is in the log %d times", n)
	}
	s.end()
}

// TestReloadLearnsSecrets: what a new configuration keeps secret is not logged, nor is
// what the one before kept secret.
func TestReloadLearnsSecrets(t *testing.T) {
	t.Parallel()
	const before, after = "canary-secret-before", "canary-secret-after"
	p := newSite(t)
	for _, secret := range []string{before, after} {
		must(t, os.WriteFile(filepath.Join(p.dir, secret+".txt"), []byte(secret), 0o600))
	}
	p.write(p.job("weekly", ", ping: {file: ./canary-secret-before.txt}"))
	s := p.serve()
	// The names of the jobs are logged, and are what is secret.
	p.write(p.job(before, ", ping: {file: ./canary-secret-after.txt}"), p.job(after, ""))
	s.reload()
	s.waitLines(`"msg":"scheduled","job":"[redacted]"`, 2)
	s.end()
	if text, _ := os.ReadFile(s.log); strings.Contains(string(text), `"`+before+`"`) || strings.Contains(string(text), `"`+after+`"`) {
		t.Errorf("a secret is in the log:\n%s", text)
	}
}

// TestReloadDuringReview: a review that is under way ends with the configuration with
// which it began, and is made once; the next one follows the new configuration.
func TestReloadDuringReview(t *testing.T) {
	t.Parallel()
	const monthly = "0 9 1 * *"
	p := newSite(t)
	job := func(basis, report string) string {
		return fmt.Sprintf("  - {name: monthly, schedule: %q, catch_up: 400d, reports: [%s], basis: %s}\n", monthly, report, basis)
	}
	p.write(job("before", "csv"))
	p.due("monthly", monthly)
	release := p.hold()
	s := p.serve()
	s.wait("a review under way", func() bool { return p.asked() > 0 })
	p.write(job("after", "html"), p.job("second", ""))
	if line := s.reload(); line["level"] != "INFO" {
		t.Fatalf("%v", line)
	}
	if m := s.metrics(); !strings.Contains(m, `job_name="second"`) {
		t.Errorf("the new configuration waits for the review:\n%s", m)
	}
	release()
	s.waitLine(`"msg":"reviewed"`)
	packs := p.packs("monthly")
	if len(packs) != 1 {
		t.Fatalf("packs: %v", packs)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(packs[0]), "config.yaml"))
	if err != nil || !strings.Contains(string(text), "basis: before") || strings.Contains(string(text), "basis: after") {
		t.Errorf("the review did not end with the configuration with which it began: %v\n%s", err, text)
	}
	if html, _ := filepath.Glob(filepath.Join(filepath.Dir(packs[0]), "*.html")); len(html) > 0 {
		t.Errorf("it wrote %v", html)
	}
	s.end()
}

// TestReloadUnderSystemd: systemd hears of the beginning and the end of a reload, and
// what came of it.
func TestReloadUnderSystemd(t *testing.T) {
	t.Parallel()
	path, heard := notifySocket(t)
	p := newSite(t)
	p.environment = append(p.environment, "NOTIFY_SOCKET="+path)
	s := p.serve()
	for name, tc := range map[string]struct{ job, status string }{
		"good": {p.job("second", ""), "STATUS=the configuration in force was read at 20"},
		"bad":  {p.job("second", ", schedul: x"), "STATUS=the configuration was refused at 20"},
	} {
		p.write(tc.job)
		s.reload()
		var said []string
		for ended := false; !ended; {
			text := <-heard
			ended = strings.Contains(text, "STATUS=the configuration")
			if ended || strings.HasPrefix(text, "RELOADING=1") {
				said = append(said, text)
			}
		}
		if len(said) != 2 || !strings.HasPrefix(said[0], "RELOADING=1\nMONOTONIC_USEC=") || !strings.HasPrefix(said[1], "READY=1\n"+tc.status) {
			t.Errorf("%s: systemd heard %q", name, said)
		}
	}
	s.end()
}

// TestHangupEndsOthers: to every command but serve, SIGHUP is what it is to any program.
func TestHangupEndsOthers(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	p.hold()
	cmd := p.command("run", "--now")
	must(t, cmd.Start())
	(&serving{site: p, log: os.DevNull}).wait("a review under way", func() bool { return p.asked() > 0 })
	must(t, cmd.Process.Signal(syscall.SIGHUP))
	cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGHUP {
		t.Errorf("ended by %v", cmd.ProcessState)
	}
}

// TestBeginRetires: what is in force before is retired, so that no schedule goes on that
// the configuration has no more.
func TestBeginRetires(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	file, err := configs.Load(p.config)
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	first, err := wire(t.Context(), file, nil, log, nil)
	must(t, err)
	defer first.close()
	second, err := wireOver(t.Context(), first, file, nil, log, nil)
	must(t, err)
	if second.runner.Holder == first.runner.Holder {
		t.Error("the lease of a job cannot tell the two apart")
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &scheduler{log: log, systemd: &systemd{log: log}, health: &metrics.Health{}, reloads: metrics.NewReloads()}
	s.begin(ctx, first, time.Now())
	retired := s.force.retired
	s.begin(ctx, second, time.Now())
	select {
	case <-retired:
	default:
		t.Error("the first one goes on")
	}
	stop()
	s.untilEnd(ctx, nil)
}
