package main

import (
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
	cfg, err := cliServer("", func(name string) string { return map[string]string{"INFLUX_CONFIGS_PATH": path}[name] })
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
