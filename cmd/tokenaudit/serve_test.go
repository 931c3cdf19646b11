package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServeWatched runs serve under a service manager and asks it how it is.
func TestServeWatched(t *testing.T) {
	path, told := notifySocket(t)
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("AUDIT_TOKEN", "canary-token")
	config := filepath.Join(t.TempDir(), "tokenaudit.yaml")
	if err := os.WriteFile(config, []byte(`targets:
  - {name: prod, url: "http://127.0.0.1:1", token: {env: AUDIT_TOKEN}}
jobs:
  - {name: weekly, schedule: "0 9 * * 1"}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stderr, logged := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-c", config, "--listen", "127.0.0.1:0"}, io.Discard, logged)
		logged.Close()
	}()
	address := "http://" + waitAddress(t, stderr)
	for _, want := range []string{"READY=1", "WATCHDOG=1"} {
		if got := <-told; got != want {
			t.Errorf("told %q, want %s", got, want)
		}
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/metrics": `tokenaudit_influx_retries_total{target="prod"} 0`} {
		if status, body := ask(t, address+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	stop()
	if got := <-told; got != "STOPPING=1" {
		t.Errorf("told %q at the end", got)
	}
	if got := <-code; got != exitDone {
		t.Errorf("exit code %d", got)
	}
}

// notifySocket is where systemd listens, and what it hears.
func notifySocket(t *testing.T) (path string, heard <-chan string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	told := make(chan string, 100)
	go func() {
		defer close(told)
		for buffer := make([]byte, 1000); ; {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			told <- string(buffer[:n])
		}
	}()
	return path, told
}

// waitAddress finds in the log where serve answers, and reads on, so that it is not
// held up.
func waitAddress(t *testing.T, log io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if line.Msg == "answering" {
			go io.Copy(io.Discard, log)
			return line.Address
		}
	}
	t.Fatal("it does not answer")
	return ""
}

func ask(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: time.Minute}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
