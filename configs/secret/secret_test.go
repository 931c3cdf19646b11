package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

const hunter = "hunter2-Zx9=="

func TestRead(t *testing.T) {
	t.Setenv("AUDIT_TEST_SECRET", " "+hunter+"\n")
	t.Setenv("AUDIT_TEST_EMPTY", " \n")
	t.Setenv("AUDIT_TEST_LINES", hunter+"\n"+hunter)
	file := func(content string) Ref { return Ref{File: writeSecret(t, content)} }
	shell := func(script string) Ref { return Command("sh", "-c", script) }
	for _, tc := range []struct {
		name string
		ref  Ref
		errs []string // parts of the error; none if it succeeds
	}{
		{"env", Ref{Env: "AUDIT_TEST_SECRET"}, nil},
		{"env unset", Ref{Env: "AUDIT_TEST_UNSET"}, []string{"AUDIT_TEST_UNSET", "not set"}},
		{"env empty", Ref{Env: "AUDIT_TEST_EMPTY"}, []string{"AUDIT_TEST_EMPTY", "empty"}},
		{"env of two lines", Ref{Env: "AUDIT_TEST_LINES"}, []string{"AUDIT_TEST_LINES", "line break"}},
		{"file", file(hunter), nil},
		{"file with a Windows line end", file(hunter + "\r\n"), nil},
		{"file missing", Ref{File: "/nowhere/token"}, []string{"/nowhere/token", "no such file"}},
		{"file is a directory", Ref{File: t.TempDir()}, []string{"is a directory"}},
		{"file empty", file("\n"), []string{"token: it is empty"}},
		{"file with a tab inside", file(hunter + "\t" + hunter), []string{"line break"}},
		{"file with a byte order mark", file("\ufeff" + hunter), []string{"invisible character"}},
		{"file in UTF-16", file("\xff\xfeh\x00u\x00"), []string{"invisible character"}},
		{"file in Latin-1", file(hunter + "\xe9t\xe9"), []string{"invisible character"}},
		{"file too long", file(strings.Repeat(hunter, 10_000)), []string{"64 KiB"}},
		{"exec", shell("echo " + hunter), nil},
		{"exec without a shell", Command("printf", "%s", hunter), nil},
		{"exec hides stderr", shell("echo " + hunter + "; echo noise >&2"), nil},
		{"exec fails", shell("echo " + hunter + "; echo " + hunter + " >&2; exit 3"), []string{"command sh:", "exit status 3"}},
		{"exec prints nothing", shell("true"), []string{"command sh:", "empty"}},
		{"exec prints two lines", shell("echo " + hunter + "; echo " + hunter), []string{"command sh:", "line break"}},
		{"exec prints without end", shell("yes " + hunter), []string{"64 KiB"}},
		{"exec not found", Command("no-such-vault", hunter), []string{"no-such-vault", "not found"}},
		{"in memory", InMemory(" " + hunter + "\n"), nil},
		{"in memory, empty", InMemory(""), []string{"memory", "empty"}},
		{"not valid", Ref{}, []string{"needs one source"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.ref.Read(t.Context())
			checkError(t, err, tc.errs)
			if err == nil && got.Reveal() != hunter {
				t.Errorf("Reveal = %q, want %q", got.Reveal(), hunter)
			}
		})
	}
}

// TestReadHidesMistakes: what stands in the place of a name, a path or a command and is
// none may be the secret itself. It is shown only if it reads like a name.
func TestReadHidesMistakes(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("my_other_token", "\t")
	under := func(file string) Ref {
		r := Ref{File: file}
		r.Under(folder)
		return r
	}
	const value, word, slashes = "AUDITsecret_Qw7-0f1e2d3c4b5a6978==", "my_token", "/bXkdG9r/ZW4x9Qz+aB3dE5fG7hI9=="
	for name, tc := range map[string]struct {
		ref  Ref
		text string // that is hidden, or shown
		show bool
	}{
		"a word for a variable":            {Ref{Env: word}, word, false},
		"letters and digits":               {Ref{Env: "aB3dE5fG7hI9jK1lM3"}, "aB3dE5", false},
		"base32":                           {Ref{Env: "JBSWY3DPEHPK3PXP"}, "JBSWY", false},
		"hex with an underscore":           {Ref{Env: "A_0F1E2D3C4B5A6978"}, "0F1E", false},
		"a variable that people make up":   {Ref{Env: "INFLUX_AUDIT_TOKEN_2"}, "INFLUX_AUDIT_TOKEN_2", true},
		"a variable that there is":         {Ref{Env: "my_other_token"}, "my_other_token", true},
		"a value for a path":               {under(value), "AUDITsecret", false},
		"a word for a path":                {under(word), word, false},
		"base64 for a path":                {under(slashes[1:]), "bXkdG9r", false},
		"base64 for an absolute path":      {under(slashes), "bXkdG9r", false},
		"base64 that begins with a slash":  {under("/" + value), "AUDITsecret", false},
		"a path that people make up":       {under("secrets/influx-token.txt"), "influx-token.txt", true},
		"an absolute one":                  {under("/run/secrets-of-2026/influx_token"), "influx_token", true},
		"a folder that there is":           {under(folder + "/" + value), "AUDITsecret", true},
		"a value for a command":            {Command(value), "AUDITsecret", false},
		"a word for a command":             {Command(word), word, false},
		"base64 for a command":             {Command(slashes), "bXkdG9r", false},
		"a value for one with arguments":   {Command(value, "read"), "AUDITsecret", false},
		"a command with arguments":         {Command("no-such-vault", "read"), "no-such-vault", true},
		"a path of a command":              {Command("/opt/no-such/vault"), "/opt/no-such/vault", true},
		"a folder in place of the command": {Command(folder), folder, true},
	} {
		t.Run(name, func(t *testing.T) {
			tc.ref.From("targets[0].token (c.yaml:7)")
			_, err := tc.ref.Read(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "targets[0].token (c.yaml:7): secret from ") {
				t.Fatalf("error %v", err)
			}
			for form, text := range map[string]string{"error": err.Error(), "string": tc.ref.String(), "YAML": encoders()["yaml"](tc.ref), "JSON": encoders()["json"](tc.ref)} {
				if strings.Contains(text, tc.text) != tc.show {
					t.Errorf("%s: %s", form, text)
				}
			}
			if hint := strings.Contains(err.Error(), "may be the secret itself"); hint == tc.show {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestMissing runs no command, and says no more than errors of Read.
func TestMissing(t *testing.T) {
	t.Setenv("AUDIT_TEST_SECRET", hunter)
	t.Setenv("AUDIT_TEST_LINES", hunter+"\n"+hunter)
	ran := filepath.Join(t.TempDir(), "ran")
	for name, tc := range map[string]struct {
		ref   Ref
		lines bool
		want  string
	}{
		"there":                {Ref{Env: "AUDIT_TEST_SECRET"}, false, ""},
		"not there":            {Ref{Env: "AUDIT_TEST_UNSET"}, false, "environment variable AUDIT_TEST_UNSET is not set. Set it where"},
		"two lines":            {Ref{Env: "AUDIT_TEST_LINES"}, false, "environment variable AUDIT_TEST_LINES: it contains a line break"},
		"two lines of a key":   {Ref{Env: "AUDIT_TEST_LINES"}, true, ""},
		"an empty key":         {Ref{File: writeSecret(t, "\n")}, true, "file "},
		"no file":              {Ref{File: "/nowhere/token"}, false, "file /nowhere/token: no such file or directory. Write the secret to it"},
		"a command":            {Command("touch", ran), false, ""},
		"no command":           {Command("/nowhere/vault", hunter), false, "command /nowhere/vault: there is no such command on this machine. Install it"},
		"a secret for a name":  {Ref{Env: "hunter2Zx9"}, false, "environment variable [redacted] is not set; not shown"},
		"a secret for a word":  {Command(hunter), false, "command [redacted]: there is no such command"},
		"a secret for a place": {Ref{File: hunter}, false, "file [redacted]: no such file"},
	} {
		ref := tc.ref
		ref.From("targets[0].token (a.yaml:7)")
		got := ref.Missing(t.Context(), tc.lines)
		if (got == "") != (tc.want == "") || !strings.HasPrefix(got, tc.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the command was run")
	}
}

func TestReadTellsTheRedactor(t *testing.T) {
	r := NewRedactor()
	ref := Ref{File: writeSecret(t, hunter)}
	ref.Bind(r)
	if got := r.Clean(hunter); got != hunter {
		t.Errorf("known before it was read: %s", got)
	}
	if _, err := ref.Read(t.Context()); err != nil || r.Clean(hunter) != redacted || ref.Redactor() != r {
		t.Errorf("%s, %v", r.Clean(hunter), err)
	}
	learnt, command := Ref{File: writeSecret(t, hunter+"-2\nof two lines")}, Command("sh", "-c", "echo not-run-"+hunter)
	for _, ref := range []*Ref{&learnt, &command} {
		ref.Bind(r)
		ref.Learn()
	}
	if got := r.Clean(hunter + "-3"); got != redacted+"-3" {
		t.Error(got)
	}
	if got := r.Clean("not-run-"); got != "not-run-" {
		t.Errorf("a command was run: %s", got)
	}
}

func TestReadSeesRotation(t *testing.T) {
	ref := Ref{File: writeSecret(t, "old")}
	for _, want := range []string{"old", "new"} {
		if err := os.WriteFile(ref.File, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ref.Read(t.Context()); err != nil || got.Reveal() != want {
			t.Errorf("Read = %q, %v; want %q", got.Reveal(), err, want)
		}
	}
}

// TestWithheld: a command does not get the variables that hold other secrets, and
// gets the rest.
func TestWithheld(t *testing.T) {
	t.Setenv("AUDIT_TEST_SECRET", hunter)
	t.Setenv("AUDIT_TEST_SECRET_ADDR", "vault.example.com")
	ref := Command("sh", "-c", `echo "$AUDIT_TEST_SECRET_ADDR,$AUDIT_TEST_SECRET,${HOME:+home},${PATH:+path}"`)
	ref.Withhold([]string{"AUDIT_TEST_SECRET"})
	got, err := ref.Read(t.Context())
	if want := "vault.example.com,,home,path"; err != nil || got.Reveal() != want {
		t.Errorf("the command says %q, %v; want %q", got.Reveal(), err, want)
	}
}

func TestExecIsInterrupted(t *testing.T) {
	sleep := Command("sleep", "20")
	cancelled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	for _, tc := range []struct {
		name  string
		ctx   context.Context
		limit time.Duration
		want  error
	}{
		{"by the limit", t.Context(), 50 * time.Millisecond, context.DeadlineExceeded},
		{"by the caller", cancelled, execLimit, context.Canceled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			_, err := sleep.readExec(tc.ctx, tc.limit)
			if !errors.Is(err, tc.want) || time.Since(start) > 10*time.Second {
				t.Errorf("after %s: error %v, want %v", time.Since(start), err, tc.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		ref  Ref
		errs []string
	}{
		{"env", Ref{Env: "_TOKEN_2"}, nil},
		{"file", Ref{File: "token"}, nil},
		{"exec", Command("vault", "read", ""), nil},
		{"nothing", Ref{}, []string{"needs one source"}},
		{"empty exec", Command(), []string{"needs one source"}},
		{"two", Ref{Env: "TOKEN", File: "token"}, []string{"only one"}},
		{"two with exec", Ref{File: "token", Exec: Command("vault").Exec}, []string{"only one"}},
		{"empty command", Command("", "read"), []string{"empty word"}},
		{"secret in place of a name", Ref{Env: hunter}, []string{"not the name"}},
		{"dollar sign", Ref{Env: "$TOKEN"}, []string{"not the name"}},
		{"digit first", Ref{Env: "2TOKEN"}, []string{"not the name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			checkError(t, tc.ref.Validate(), tc.errs)
			if none := tc.name == "nothing" || tc.name == "empty exec"; tc.ref.IsZero() != none {
				t.Errorf("IsZero = %t", !none)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o400: 0, 0o640: 1, 0o604: 1} {
		path := writeSecret(t, hunter)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		got := Ref{File: path}.Warnings()
		if len(got) != want || want == 1 && !strings.Contains(got[0], path) {
			t.Errorf("mode %o: warnings %q, want %d", mode, got, want)
		}
	}
	for _, ref := range []Ref{{File: "/nowhere/token"}, {Env: "PATH"}, {}} {
		if got := ref.Warnings(); got != nil {
			t.Errorf("%+v: warnings %q", ref, got)
		}
	}
}

func TestRefFromYAML(t *testing.T) {
	for text, want := range map[string]string{
		"env: AUDIT_TOKEN": "environment variable AUDIT_TOKEN", "file: /run/token": "file /run/token", "exec: [vault, read]": "command vault",
	} {
		var ref Ref
		if err := yaml.Unmarshal([]byte(text), &ref); err != nil || ref.Validate() != nil || ref.String() != want {
			t.Errorf("%s: %+v, %v", text, ref, err)
		}
	}
}

func writeSecret(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkError wants an error with each of the parts, or none without parts, and
// never the secret.
func checkError(t *testing.T, err error, parts []string) {
	t.Helper()
	if (err != nil) != (len(parts) > 0) {
		t.Fatalf("error %v, want parts %q", err, parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), hunter) {
			t.Errorf("error %q, want %q in it and no secret", err, part)
		}
	}
}
