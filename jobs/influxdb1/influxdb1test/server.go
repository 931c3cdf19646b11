// Package influxdb1test runs a real InfluxDB 1.x for a test. Beside it is a fake for what
// the real one cannot show: answers that are cut, of another product, or in another form.
package influxdb1test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Admin is the name of the first admin user of a Server.
const Admin = "auditor"

// Server is an influxd with folders of its own.
type Server struct {
	URL      string
	Password string // of Admin; tests look for its first word in what they find

	program, dir string
	address      string // once it is known; a restart keeps it
	cmd          *exec.Cmd
	log          log
}

// Options of a server.
type Options struct {
	NoAuth  bool // authentication is off
	MaxRows int  // of one answer, max-row-limit; 0 for no limit
}

// Start starts a server that ends with the test, and makes its admin user. Where influxd
// is missing the test is skipped, and fails in CI.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	program, err := exec.LookPath("influxd")
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip("no influxd of InfluxDB 1.x on the PATH; .ci/run installs it (Debian: package influxdb)")
	}
	s := &Server{program: program, dir: t.TempDir(), Password: "canary-token for 1.x " + rand.Text(), address: "127.0.0.1:0"}
	s.run(t, o)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("influxd:\n%s", s.log.tail())
		}
	})
	s.Run(t, fmt.Sprintf("CREATE USER %s WITH PASSWORD '%s' WITH ALL PRIVILEGES", Admin, s.Password))
	return s
}

// Restart stops the server and starts it with other options, on the same data and port.
func (s *Server) Restart(t testing.TB, o Options) {
	t.Helper()
	s.Stop()
	s.run(t, o)
}

// Stop ends the server as a crash does.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

const configuration = `
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "%[1]s/meta"
[data]
  dir = "%[1]s/data"
  wal-dir = "%[1]s/wal"
[http]
  bind-address = "%[2]s"
  auth-enabled = %[3]t
  max-row-limit = %[4]d
[monitor]
  store-enabled = false
[continuous_queries]
  enabled = false
[retention]
  enabled = false
[shard-precreation]
  enabled = false
[subscriber]
  enabled = false
`

var listening = regexp.MustCompile(`msg="Listening on HTTP".* addr=(\S+)`)

// run starts influxd and waits until it says where it listens.
func (s *Server) run(t testing.TB, o Options) {
	t.Helper()
	file := filepath.Join(s.dir, "influxdb.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, configuration, s.dir, s.address, !o.NoAuth, o.MaxRows), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(s.program, "run", "-config", file)
	s.cmd.Env = []string{"HOME=" + s.dir} // INFLUXDB_* would change the configuration
	output, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	go func() {
		defer close(found)
		lines := bufio.NewReader(output)
		for {
			line, err := lines.ReadString('\n')
			s.log.add(line)
			if m := listening.FindStringSubmatch(line); m != nil {
				found <- m[1]
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case s.address = <-found:
	case <-time.After(time.Minute):
	}
	if strings.HasSuffix(s.address, ":0") || s.address == "" {
		t.Fatalf("influxd does not listen:\n%s", s.log.tail())
	}
	s.URL = "http://" + s.address
}

// Run runs statements as the admin user, one by one.
func (s *Server) Run(t testing.TB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/query", strings.NewReader(url.Values{"q": {statement}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(Admin, s.Password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK || bytes.Contains(body, []byte(`"error":`)) {
			t.Fatalf("%.200s: %s: %.500s", statement, resp.Status, body)
		}
	}
}

// log is the newest of what influxd writes.
type log struct {
	mu   sync.Mutex
	text []byte
}

func (l *log) add(line string) {
	const most = 4 << 10
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line...)
	l.text = l.text[max(0, len(l.text)-most):]
}

func (l *log) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// Log is the newest of what the server wrote.
func (s *Server) Log() string { return s.log.tail() }
