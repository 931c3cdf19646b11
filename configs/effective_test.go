package configs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEffectiveLoadsAgain: what the evidence shows is a configuration, the same one.
func TestEffectiveLoadsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	source := strings.NewReplacer(
		"# ping: {env: PING_URL}", "ping: {exec: [vault, secret/influx-audit]}",
		"store: sqlite:./data/tokenaudit.db", "store: postgres://tokenaudit@db/tokenaudit\nstore_password: {exec: [vault, secret/influx-audit-db]}\nevidence_shared: on",
	).Replace(string(Example()))
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := Load(path, checkSchedule)
	if err != nil {
		t.Fatal(err)
	}
	text := first.Effective()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := Load(path, checkSchedule)
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	if diff := cmp.Diff(first.withoutArguments(), *second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if strings.Contains(text, "secret/influx-audit") {
		t.Error("the arguments of a command are in the evidence")
	}
}

// TestEffectiveWaysOut: so is what is not in the example but as a comment.
func TestEffectiveWaysOut(t *testing.T) {
	const source = `targets: [{name: prod, url: https://influx.example.com, token: {env: TOKEN}}]
jobs:
  - name: weekly
    schedule: "@weekly"
    webhook: {url: {exec: [vault, secret/url]}, secret: {exec: [vault, secret/key]}}
    email:
      server: smtp.example.com:587
      username: me
      password: {exec: [vault, secret/password]}
      from: Review <review@example.com>
      to: [a@example.com, b@example.com]
      tls: required
      ca_file: ca.pem
      attach: off
`
	path := filepath.Join(t.TempDir(), "a.yaml")
	var loaded []*File
	for text := source; len(loaded) < 2; text = loaded[0].Effective() {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Load(path, checkSchedule)
		if err != nil {
			t.Fatalf("%v\nin\n%s", err, text)
		}
		loaded = append(loaded, f)
	}
	if diff := cmp.Diff(loaded[0].withoutArguments(), *loaded[1]); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if strings.Contains(loaded[0].Effective(), "secret/") || loaded[0].Jobs[0].Webhook.URL.Exec[1] != "secret/url" {
		t.Errorf("shown: %s, kept: %v", loaded[0].Effective(), loaded[0].Jobs[0].Webhook)
	}
	if !filepath.IsAbs(loaded[0].Jobs[0].Email.CAFile) {
		t.Error("ca_file is not resolved")
	}
}
