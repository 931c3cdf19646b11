package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProfileTokenStaysInMemory: child processes inherit the environment, so the
// token of the influx CLI's file does not get there.
func TestProfileTokenStaysInMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configs")
	profile := "[default]\n  url = \"http://localhost:8086\"\n  token = \"canary-token-of-file\"\n  org = \"acme\"\n  active = true\n"
	if err := os.WriteFile(path, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := cliServer("", func(name string) string { return map[string]string{"INFLUX_CONFIGS_PATH": path}[name] }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := cfg.Token.Read(t.Context()); err != nil || token.Reveal() != "canary-token-of-file" {
		t.Errorf("the token is %q, %v", token.Reveal(), err)
	}
	if all := strings.Join(os.Environ(), "\n"); strings.Contains(all, "canary-token-of-file") {
		t.Error("the token is in the environment of the process")
	}
}

// TestActiveProfile: the same profile each time, or none at all.
func TestActiveProfile(t *testing.T) {
	t.Parallel()
	profile := func(name string, active bool) string {
		return fmt.Sprintf("[%s]\n  url = \"http://%[1]s:8086\"\n  token = \"canary-token-%[1]s\"\n  org = \"acme\"\n  active = %t\n", name, active)
	}
	tests := []struct {
		name, file, active, host string
		url                      string
		says                     []string // of the usage error, in place of a URL
	}{
		{"one of two is active", profile("a", false) + profile("b", true), "", "", "http://b:8086", nil},
		{"two are active", profile("b", true) + profile("a", true) + profile("c", false), "", "", "", []string{`"a", "b"`, "INFLUX_ACTIVE_NAME"}},
		{"two are active, and a host is given", profile("a", true) + profile("b", true), "", "http://a:8086", "", []string{`"a", "b"`}},
		{"two are active, and one is named", profile("a", true) + profile("b", true), "b", "", "http://b:8086", nil},
		{"none is active", profile("a", false) + profile("b", false), "", "", "", []string{"no token"}},
		{"named and not there", profile("a", true), "x", "", "", []string{`"x"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "configs")
			if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{"INFLUX_CONFIGS_PATH": path, "INFLUX_ACTIVE_NAME": test.active}
			for range 20 { // maps are walked in another order each time
				cfg, err := cliServer(test.host, func(name string) string { return env[name] }, nil)
				if test.says == nil {
					if err != nil || cfg.URL != test.url {
						t.Fatalf("got %q, %v", cfg.URL, err)
					}
					continue
				}
				if exitCode(err) != exitUsage {
					t.Fatalf("got %q, %v", cfg.URL, err)
				}
				for _, word := range append(test.says, "") {
					if !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "canary-token") {
						t.Fatalf("got %v, want %q in it", err, word)
					}
				}
			}
		})
	}
}
