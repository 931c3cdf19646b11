package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestRunNowBesideServe: run --now prints and ends as it does alone, whoever makes the
// review; serve makes it where it has the store.
func TestRunNowBesideServe(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(refusing.Close)
	for name, tc := range map[string]struct {
		more string // of the job
		args []string
		code int
	}{
		"plain":                           {"", nil, exitDone},
		"quiet":                           {"", []string{"--quiet"}, exitDone},
		"as JSON":                         {"", []string{"--json"}, exitDone},
		"findings":                        {"", []string{"--fail-on", "info"}, exitFindings},
		"a message that is not delivered": {`, webhook: {url: {env: HOOK_URL}, secret: {env: AUDIT_TOKEN}}`, nil, exitFailed},
		"partial coverage":                {`, targets: [prod, away], deadline: 1m`, nil, exitIncomplete},
		"an unknown job":                  {"", []string{"--job", "weeky"}, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := func(beside bool) (string, int) {
				p := newSite(t)
				p.environment = append(p.environment, "HOOK_URL="+refusing.URL)
				p.targets = fmt.Sprintf("  - {name: away, url: %q, org: none, token: {env: AUDIT_TOKEN}}\n", refusing.URL)
				more := tc.more
				if more == "" || !strings.Contains(more, "targets") {
					more += ", targets: [prod]"
				}
				p.write(p.job("weekly", more))
				var s *serving
				if beside {
					s = p.serve()
					defer s.end()
				}
				code, stdout, stderr := p.outcome(append([]string{"run", "--now"}, tc.args...)...)
				if beside {
					log, err := os.ReadFile(s.log)
					must(t, err)
					if said := strings.Contains(string(log), `"msg":"not seen"`); said != (code == exitIncomplete) {
						t.Errorf("exit code %d, the log of serve says what was not seen: %t", code, said)
					}
				}
				if n := len(p.packs("weekly")); n != 1 && code != exitUsage {
					t.Errorf("beside %t: %d packs", beside, n)
				}
				return p.same(stdout + "\nstderr:\n" + stderr), code
			}
			alone, code := result(false)
			beside, codeBeside := result(true)
			if code != tc.code || codeBeside != tc.code {
				t.Errorf("exit code %d alone and %d beside serve, want %d", code, codeBeside, tc.code)
			}
			if alone != beside {
				t.Errorf("alone:\n%s\n\nbeside serve:\n%s", alone, beside)
			}
		})
	}
}

// same leaves out of a text what is another at each call.
func (p *site) same(text string) string {
	text = strings.NewReplacer(p.dir, "DIR", p.url, "URL").Replace(text)
	return regexp.MustCompile(`\d{4}-\d\d-\d\dT\d{4,6}Z|\d\d:\d\d(:\d\d)?(\.\d+)?|"time":"[^"]*"|\b\d+(\.\d+)?m?s\b`).ReplaceAllString(text, "TIME")
}

// started is the binary under way, with what it says.
type started struct {
	cmd            *exec.Cmd
	stdout, stderr said
	ended          chan int
}

// said is what a process writes, to be read while it goes on.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (p *site) start(args ...string) *started {
	p.t.Helper()
	s := &started{cmd: p.command(args...), ended: make(chan int, 1)}
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	must(p.t, s.cmd.Start())
	p.t.Cleanup(func() { s.cmd.Process.Kill() })
	go func() {
		s.cmd.Wait()
		s.ended <- s.cmd.ProcessState.ExitCode()
	}()
	return s
}

// TestInterruptedBesideServe: Ctrl-C ends the command, and not the review.
func TestInterruptedBesideServe(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	s := p.serve()
	release := p.hold()
	asking := p.start("run", "--now")
	s.wait("a review under way", func() bool { return p.asked() > 0 })
	must(t, asking.cmd.Process.Signal(os.Interrupt))
	if code := <-asking.ended; code != exitFailed || asking.stderr.String() != "tokenaudit: interrupted; serve goes on with a review that it has begun (tokenaudit history list)\n" {
		t.Errorf("exit code %d: %s", code, &asking.stderr)
	}
	release()
	s.waitLine(`"msg":"reviewed"`)
	s.wait("a pack", func() bool { return len(p.packs("weekly")) == 1 })
	if n := len(s.lines(`"msg":"reviewing"`)); n != 1 { // not taken up by a heartbeat
		t.Errorf("the review began %d times", n)
	}
	s.end()
}

// TestTwoBesideServe: two that ask at the same time get a review each, one after the other.
func TestTwoBesideServe(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	s := p.serve()
	release := p.hold()
	first := p.start("run", "--now")
	s.wait("a review under way", func() bool { return p.asked() > 0 })
	second := p.start("run", "--now")
	s.wait("the second one to wait", func() bool { return strings.Contains(second.stderr.String(), "another review of weekly is under way") })
	release()
	for name, asked := range map[string]*started{"first": first, "second": second} {
		if code := <-asked.ended; code != exitDone || !strings.Contains(asked.stdout.String(), "weekly/") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, &asked.stdout, &asked.stderr)
		}
	}
	if said := second.stderr.String(); strings.Count(said, "\n") != 1 {
		t.Errorf("the second one says %s", said)
	}
	if packs := p.packs("weekly"); len(packs) != 2 || first.stdout.String() == second.stdout.String() {
		t.Errorf("packs: %v", packs)
	}
	s.end()
}

// TestReloadWhileWaiting: a review that waits for its turn follows the configuration that
// is in force when it begins.
func TestReloadWhileWaiting(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	p.write(p.job("weekly", ", basis: before"))
	s := p.serve()
	release := p.hold()
	first := p.start("run", "--now")
	s.wait("a review under way", func() bool { return p.asked() > 0 })
	second := p.start("run", "--now")
	s.wait("the second one to wait", func() bool { return strings.Contains(second.stderr.String(), "is under way") })
	p.write(p.job("weekly", ", basis: changed"))
	s.reload()
	release()
	if first, second := <-first.ended, <-second.ended; first != exitDone || second != exitDone {
		t.Errorf("exit codes %d and %d", first, second)
	}
	var said []string
	for _, pack := range p.packs("weekly") {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(pack), "config.yaml"))
		must(t, err)
		said = append(said, string(text))
	}
	if all := strings.Join(said, "\n"); len(said) != 2 || strings.Count(all, "basis: before") != 1 || strings.Count(all, "basis: changed") != 1 {
		t.Errorf("the reviews followed:\n%s", all)
	}
	s.end()
}

// TestServeEndsBeside: the end of serve is said to whoever waits for a review, and the
// next start continues it.
func TestServeEndsBeside(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newSite(t)
			s := p.serve()
			release := p.hold()
			asking := p.start("run", "--now")
			s.wait("a review under way", func() bool { return p.asked() > 0 })
			must(t, s.cmd.Process.Signal(signal))
			if code := <-asking.ended; code != exitFailed || !strings.Contains(asking.stderr.String(), "its next start continues the review") {
				t.Errorf("exit code %d: %s", code, &asking.stderr)
			}
			s.cmd.Wait()
			if _, err := os.Lstat(p.store + ".sock"); signal == syscall.SIGTERM && err == nil {
				t.Error("the socket stays")
			}
			release()
			again := p.serve() // whatever the first one left
			again.wait("the review to be continued", func() bool { return len(p.packs("weekly")) == 1 })
			if code, _, stderr := p.outcome("run", "--now"); code != exitDone || len(p.packs("weekly")) != 2 {
				t.Errorf("the next one: exit code %d %s", code, stderr)
			}
			again.end()
		})
	}
}

// TestWaitsForItsTurn: beside a run that cannot be asked, run --now waits and says so
// once; without --now it leaves the work to the other one.
func TestWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	watch := &serving{site: p, log: os.DevNull}
	release := p.hold()
	first := p.start("run", "--now")
	watch.wait("a review under way", func() bool { return p.asked() > 0 })
	second, third := p.start("run", "--now"), p.start("run", "--now")
	for _, waits := range []*started{second, third} {
		watch.wait("another one to wait", func() bool { return strings.Contains(waits.stderr.String(), "waiting for its end") })
	}
	if code, stdout, _ := p.outcome("run"); code != exitDone || stdout != "serve (or another run) is at work on this store, and does what is due\n" {
		t.Errorf("without --now: exit code %d: %s", code, stdout)
	}
	must(t, third.cmd.Process.Signal(os.Interrupt))
	if code := <-third.ended; code != exitFailed || !strings.HasSuffix(third.stderr.String(), "tokenaudit: interrupted; no review was begun\n") {
		t.Errorf("interrupted: exit code %d: %s", code, &third.stderr)
	}
	release()
	for name, run := range map[string]*started{"first": first, "second": second} {
		if code := <-run.ended; code != exitDone || !strings.Contains(run.stdout.String(), "weekly/") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, &run.stdout, &run.stderr)
		}
	}
	if said := second.stderr.String(); said != "tokenaudit: another tokenaudit works on this store; waiting for its end\n" {
		t.Errorf("the second one says %q", said)
	}
	if packs := p.packs("weekly"); len(packs) != 2 {
		t.Errorf("packs: %v", packs)
	}
}

// TestOtherConfigurationBeside: what serve does not follow yet is said, and a job that it
// does not have is refused.
func TestOtherConfigurationBeside(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	s := p.serve()
	p.write(p.job("weekly", ", basis: changed"), p.job("second", ""))
	code, _, stderr := p.outcome("run", "--now", "--job", "weekly")
	if code != exitDone || !strings.Contains(stderr, "serve reviews with the configuration of 20") || !strings.Contains(stderr, p.config+" differs") || len(p.packs("weekly")) != 1 {
		t.Errorf("changed: exit code %d: %s", code, stderr)
	}
	for _, args := range [][]string{{"run", "--now", "--job", "second"}, {"run", "--now"}} {
		code, _, stderr = p.outcome(args...)
		if code != exitUsage || !strings.Contains(stderr, `which has no job "second"; send it SIGHUP (systemctl reload tokenaudit)`) || len(p.packs("weekly")) != 1 {
			t.Errorf("%v: exit code %d: %s", args, code, stderr)
		}
	}
	s.reload()
	if code, _, stderr = p.outcome("run", "--now"); code != exitDone || stderr != "" || len(p.packs("second")) != 1 {
		t.Errorf("after the reload: exit code %d: %s", code, stderr)
	}
	s.end()
}

// TestSecretsAreOfServe: who asks serve for a review needs none of its secrets.
func TestSecretsAreOfServe(t *testing.T) {
	t.Parallel()
	p := newSite(t)
	s := p.serve()
	p.environment = slices.DeleteFunc(slices.Clone(p.environment), func(v string) bool { return strings.HasPrefix(v, "AUDIT_TOKEN=") })
	if code, _, stderr := p.outcome("run", "--now"); code != exitDone {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	s.end()
}

// TestControlSocket: only its user opens it, whatever the umask, however long the path,
// and whatever a killed process left. What is not a socket is not taken away.
func TestControlSocket(t *testing.T) {
	t.Parallel()
	t.Run("a long path", func(t *testing.T) {
		t.Parallel()
		p := newSite(t)
		p.store = filepath.Join(p.dir, strings.Repeat("long", 40), "tokenaudit.db")
		p.write(p.job("weekly", ""))
		s := p.serve()
		info, err := os.Lstat(p.store + ".sock")
		if err != nil || info.Mode() != fs.ModeSocket|0o600 {
			t.Errorf("mode %v, %v", info, err)
		}
		if code, _, stderr := p.outcome("run", "--now"); code != exitDone {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		s.end()
	})
	t.Run("something in its place", func(t *testing.T) {
		t.Parallel()
		p := newSite(t)
		must(t, os.MkdirAll(filepath.Dir(p.store), 0o700))
		must(t, os.WriteFile(p.store+".sock", []byte("mine"), 0o600))
		s := p.serve()
		if line := s.waitLine("no socket for requests"); line["level"] != "WARN" || !strings.Contains(fmt.Sprint(line["error"]), "is in the way") {
			t.Errorf("%v", line)
		}
		s.end()
		if text, _ := os.ReadFile(p.store + ".sock"); string(text) != "mine" {
			t.Errorf("the file is now %q", text)
		}
	})
}
