package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

const namespace = "tokenaudit-review"

var noon = time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)

func newKey(t *testing.T) (private []byte, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func signed(t *testing.T, private []byte, content, namespace string) []byte {
	t.Helper()
	key, err := ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	made, err := Sign([]byte(content), key, namespace)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestVerify(t *testing.T) {
	t.Parallel()
	private, public := newKey(t)
	_, other := newKey(t)
	good := signed(t, private, "rows", namespace)
	for name, c := range map[string]struct {
		signers   string
		content   string
		signature []byte
		said      string
		person    string
		want      string // of the error
	}{
		"one name":                       {signers: "ben@example.com " + public, person: "ben@example.com"},
		"in either case":                 {signers: "Ben@Example.com " + public, said: "BEN@example.com ", person: "ben@example.com"},
		"an old and a new address":       {signers: "ben@example.com,ben@old.example " + public, said: "ben@old.example", person: "ben@old.example"},
		"several names, and none said":   {signers: "ben@example.com,ben@old.example " + public, want: "several names"},
		"a name beside a pattern":        {signers: "*@example.com,ben@example.com " + public, person: "ben@example.com"},
		"a pattern alone":                {signers: "*@example.com " + public, said: "ben@example.com", want: "is a pattern"},
		"somebody else's file":           {signers: "ben@example.com " + public, said: "anna@example.com", want: "is of the key of ben@example.com"},
		"a key that nobody knows":        {signers: "ben@example.com " + other, want: "does not have"},
		"a key that was rotated":         {signers: `ben@example.com valid-before="20261001Z" ` + public, want: "not valid at 2026-10-20"},
		"a key of then":                  {signers: `ben@example.com valid-after="20261001Z",valid-before="20261101Z" ` + public, person: "ben@example.com"},
		"of this namespace among others": {signers: `ben@example.com namespaces="git,tokenaudit-review" ` + public, person: "ben@example.com"},
		"other line breaks":              {signers: "ben@example.com " + public, signature: bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), person: "ben@example.com"},
		"another content":                {signers: "ben@example.com " + public, content: "rowz", want: "does not fit FILE: one of the two was changed"},
		"the namespace of packs":         {signers: "ben@example.com " + public, signature: signed(t, private, "rows", "tokenaudit"), want: "sign with ssh-keygen -Y sign -n tokenaudit-review"},
		"no signature":                   {signers: "ben@example.com " + public, signature: []byte("rows"), want: "is not an SSH signature"},
		"nothing":                        {signers: "ben@example.com " + public, signature: []byte{}, want: "is not an SSH signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signers, err := Parse([]byte("# people\n\n"+c.signers+"\n"), namespace)
			if err != nil {
				t.Fatal(err)
			}
			content, armored := "rows", good
			if c.content != "" {
				content = c.content
			}
			if c.signature != nil {
				armored = c.signature
			}
			line, key, err := signers.Verify("FILE", []byte(content), armored, noon)
			person := ""
			if err == nil {
				person, err = line.Person(c.said)
			}
			switch {
			case c.want != "":
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %q and the error %v, want %q", person, err, c.want)
				}
			case err != nil || person != c.person || !strings.HasPrefix(key, "SHA256:"):
				t.Errorf("got %q, key %q, error %v", person, key, err)
			}
		})
	}
}

func TestParseRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	_, public := newKey(t)
	for text, want := range map[string]string{
		"":                "no key for the namespace tokenaudit-review",
		"ben@example.com": "line 1: needs principals",
		"\nben@example.com cert-authority " + public:                     `line 2: option "cert-authority"`,
		`ben@example.com valid-after="soon" ` + public:                   `"soon" is not a time`,
		`ben@example.com namespaces="tokenaudit" ` + public + " # packs": "no key for the namespace",
	} {
		if _, err := Parse([]byte(text), namespace); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

// TestSSHKeygen takes what people make, with either hash, and has what we make checked.
func TestSSHKeygen(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("ssh-keygen is not installed")
	}
	dir := t.TempDir()
	run := func(stdin string, args ...string) {
		t.Helper()
		cmd := exec.Command("ssh-keygen", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		run("", "-q", "-t", kind, "-N", "", "-C", "", "-f", kind)
		public, err := os.ReadFile(filepath.Join(dir, kind+".pub"))
		if err != nil {
			t.Fatal(err)
		}
		line := "ben@example.com " + string(public)
		signers, err := Parse([]byte(line), namespace)
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []string{"sha256", "sha512"} {
			file := kind + "-" + hash
			if err := os.WriteFile(filepath.Join(dir, file), []byte("rows"), 0o600); err != nil {
				t.Fatal(err)
			}
			run("", "-Y", "sign", "-q", "-f", kind, "-n", namespace, "-O", "hashalg="+hash, file)
			armored, err := os.ReadFile(filepath.Join(dir, file+".sig"))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := signers.Verify(file, []byte("rows"), armored, noon); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		private, err := os.ReadFile(filepath.Join(dir, kind))
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{"signers": []byte(line), "ours.sig": signed(t, private, "rows", namespace)} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		run("rows", "-Y", "verify", "-f", "signers", "-I", "ben@example.com", "-n", namespace, "-s", "ours.sig")
	}
}
