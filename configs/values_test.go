package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"tokenaudit/configs/secret"
	"tokenaudit/configs/setting"
)

// TestEffectiveLoadsAgain: what the evidence shows is a configuration, the same one.
func TestEffectiveLoadsAgain(t *testing.T) {
	for name, source := range map[string]string{
		"example": strings.NewReplacer(
			"# ping: {env: PING_URL}", "ping: {exec: [vault, secret/influx-audit]}",
			"store: sqlite:./data/tokenaudit.db", "store: postgres://tokenaudit@db/tokenaudit\nstore_password: {exec: [vault, secret/influx-audit-db]}\nevidence_shared: on",
		).Replace(string(Example())),
		"what is a comment in the example": `targets: [{name: prod, url: https://influx.example.com, token: {env: AUDIT_TOKEN}}]
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
`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.yaml")
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "ca.pem"), []byte(certificate(t)), 0o600); err != nil {
				t.Fatal(err)
			}
			var shown []string
			for text := source; len(shown) < 2; text = shown[0] {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				f, err := Load(path)
				if err != nil {
					t.Fatalf("%v\nin\n%s", err, text)
				}
				shown = append(shown, f.Effective())
			}
			if diff := cmp.Diff(shown[0], shown[1]); diff != "" {
				t.Errorf("(-first +second):\n%s", diff)
			}
			if strings.Contains(shown[0], "secret/") {
				t.Error("the arguments of a command are in the evidence")
			}
		})
	}
}

// TestEffectiveHasDefaults of what a file does not say, also of the severities that it
// does not name.
func TestEffectiveHasDefaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ source, want string }{
		"nothing said":       {minimal, "fix_within:\n    critical: 3d\n    high: 14d\n    low: \"off\"\n    medium: \"off\"\n  max_exception: 180d\n"},
		"some of them":       {minimal + "policy: {fix_within: {high: off, low: 90d}}\n", "fix_within:\n    critical: 3d\n    high: \"off\"\n    low: 90d\n    medium: \"off\"\n"},
		"at the top":         {minimal, "parallel: \"8\"\n"},
		"of a job that says": {minimal + "jobs: [{name: w, schedule: '@weekly', deadline: 2h}]\n", "  deliver_within: 6d\n  catch_up: 6d\n  deadline: 2h\n"},
	} {
		if got := load(t, test.source).Effective(); !strings.Contains(got, test.want) {
			t.Errorf("%s: want\n%s\nin\n%s", name, test.want, got)
		}
	}
}

// fillAll puts something into every value of a type, and the given one where its type
// stands. It returns how many of those there are.
func fillAll[T any](v reflect.Value, value T) int {
	n := 0
	switch {
	case v.Type() == reflect.TypeFor[T]():
		v.Set(reflect.ValueOf(value))
		return 1
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fillAll(v.Elem(), value)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fillAll(v.Index(0), value)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n += fillAll(v.Field(i), value)
			}
		}
	}
	return n
}

// TestNoSecretShows: the secret of no key of a configuration, present or to come,
// shows in any form of it.
func TestNoSecretShows(t *testing.T) {
	for name, ref := range map[string]secret.Ref{"exec": secret.Command("vault", canary), "memory": secret.InMemory(canary)} {
		var f File
		filled, seen := fillAll(reflect.ValueOf(&f).Elem(), ref), 0
		for range f.Secrets() {
			seen++
		}
		if filled < 8 || seen != filled {
			t.Errorf("%d secrets, of which the configuration knows %d", filled, seen)
		}
		for form, text := range forms(&f) {
			if strings.Contains(text, canary[:7]) || strings.Contains(text, fmt.Sprintf("%x", canary[:7])) {
				t.Errorf("%s, %s: the secret is in\n%s", name, form, text)
			}
		}
	}
}

func forms(f *File) map[string]string {
	type holder struct{ f File }
	out := map[string]string{"effective": f.Effective()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		out[verb] = fmt.Sprintf(verb, *f) + fmt.Sprintf(verb, f) + fmt.Sprintf(verb, holder{*f}) + fmt.Sprintf(verb, []any{f.Jobs, f.Targets})
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": func(v any) ([]byte, error) { return yaml.Marshal(v) }} {
		text, err := marshal(f)
		out[name] = fmt.Sprint(string(text), err)
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("loaded", "file", f, "jobs", f.Jobs, "password", f.StorePassword)
	}
	out["slog"] = logged.String()
	return out
}

// TestPathsAreAbsolute: those of every key of a configuration, present or to come.
func TestPathsAreAbsolute(t *testing.T) {
	folder := t.TempDir()
	var withPaths, withFiles File
	for f, count := range map[*File]int{
		&withPaths: fillAll(reflect.ValueOf(&withPaths).Elem(), setting.Path("a")),
		&withFiles: fillAll(reflect.ValueOf(&withFiles).Elem(), secret.Ref{File: "./a"}),
	} {
		f.resolve(folder)
		text := f.Effective()
		if found := strings.Count(text, ": "+filepath.Join(folder, "a")+"\n"); count < 5 || found != count {
			t.Errorf("%d of %d paths are absolute in\n%s", found, count, text)
		}
	}
}

// TestCommandsLackOtherSecrets: a command that fetches a secret does not get the
// variables that hold others, and gets the rest.
func TestCommandsLackOtherSecrets(t *testing.T) {
	t.Setenv("TOKENAUDIT_TEST_TOKEN", canary)
	t.Setenv("TOKENAUDIT_TEST_ADDR", "vault.example.com")
	path := filepath.Join(t.TempDir(), "a.yaml")
	source := `targets: [{name: prod, url: https://influx.example.com, token: {env: TOKENAUDIT_TEST_TOKEN}}]
jobs: [{name: weekly, schedule: "@weekly", ping: {exec: [sh, -c, 'echo "$TOKENAUDIT_TEST_ADDR,$TOKENAUDIT_TEST_TOKEN,${PATH:+path}"']}}]
`
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Jobs[0].Ping.Read(t.Context())
	if want := "vault.example.com,,path"; err != nil || got.Reveal() != want {
		t.Errorf("the command says %q, %v; want %q", got.Reveal(), err, want)
	}
	if token, err := f.Targets[0].Token.Read(t.Context()); err != nil || token.Reveal() != canary {
		t.Errorf("the target's own token: %v", err)
	}
}
