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
	example := strings.Replace(string(Example()), "store: sqlite:./data/tokenaudit.db", `store: postgres://tokenaudit@db/tokenaudit
store_password: {exec: [vault, secret/influx-audit-db]}`, 1)
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
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
