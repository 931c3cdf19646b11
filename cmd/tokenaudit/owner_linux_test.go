package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tokenaudit/configs"
	"tokenaudit/configs/secret"
	"tokenaudit/jobs/target"
)

// siteOfNobody is a site whose store, evidence and serve are those of another user than
// root, in a folder that both can enter.
func siteOfNobody(t *testing.T) *site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be two users")
	}
	p := newSite(t)
	must(t, os.Chmod(filepath.Dir(p.dir), 0o755))
	must(t, os.Chmod(p.dir, 0o755))
	must(t, os.Mkdir(filepath.Dir(p.store), 0o700))
	must(t, os.Chown(filepath.Dir(p.store), nobody, nobody))
	binary, err := os.Executable()
	must(t, err)
	p.binary = filepath.Join(p.dir, "tokenaudit") // where nobody can reach it
	if os.Link(binary, p.binary) != nil {
		text, err := os.ReadFile(binary)
		must(t, err)
		must(t, os.WriteFile(p.binary, text, 0o755))
	}
	must(t, os.Chmod(p.binary, 0o755))
	bin := filepath.Join(p.dir, "bin") // with sudo alone
	must(t, os.Mkdir(bin, 0o755))
	must(t, os.WriteFile(filepath.Join(bin, "sudo"), nil, 0o755))
	p.environment = append(p.environment, "PATH="+bin)
	p.as(nobody)
	return p
}

// as runs the binary as another user.
func (p *site) as(uid uint32) {
	p.attributes = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

// ofRoot are the files below the data that belong to root.
func (p *site) ofRoot() (out []string) {
	p.t.Helper()
	must(p.t, filepath.WalkDir(filepath.Dir(p.store), func(path string, _ fs.DirEntry, err error) error {
		if uid, ok := ownerOf(path); ok && uid == 0 {
			out = append(out, path)
		}
		return err
	}))
	return out
}

// TestRootIsRefused: whatever writes is refused as root over the data of another user, with
// the command to use, and leaves nothing; the service of that user goes on.
func TestRootIsRefused(t *testing.T) {
	t.Parallel()
	p := siteOfNobody(t)
	writing := map[string][]string{
		"run":     {"run"},
		"now":     {"run", "--now", "--job", "weekly"},
		"serve":   {"serve"},
		"rebuild": {"history", "rebuild"},
		"retire":  {"history", "retire", "prod", "--reason", "it's gone"},
	}
	refuses := func(when string) {
		t.Helper()
		p.as(0)
		defer p.as(nobody)
		for name, args := range writing {
			code, _, stderr := p.outcome(args...)
			want := "belongs to user nobody, who could not open what root writes there; run this as nobody:\n  sudo -u nobody --preserve-env=AUDIT_TOKEN tokenaudit " + args[0]
			if code != exitUsage || !strings.Contains(stderr, want) {
				t.Errorf("%s, %s: exit code %d: %s\nwant %s", when, name, code, stderr, want)
			}
			if name == "retire" && !strings.Contains(stderr, `--reason 'it'\''s gone'`) {
				t.Errorf("%s: the command is not quoted: %s", when, stderr)
			}
		}
		if code, said, stderr := p.outcome("doctor", "--json"); code != exitIncomplete || !strings.Contains(said, `"what": "owner",
    "state": "bad",
    "result": "`+filepath.Dir(p.store)+` belongs to user nobody, who could not open what root writes there",
    "fix": "Run this as nobody, and every review: sudo -u nobody --preserve-env=AUDIT_TOKEN tokenaudit doctor --json`) {
			t.Errorf("%s, doctor: exit code %d: %s%s", when, code, said, stderr)
		}
		if found := p.ofRoot(); len(found) > 0 {
			t.Errorf("%s, root left %v", when, found)
		}
	}
	delete(writing, "retire") // looks first whether there is a review
	refuses("in an empty folder")
	if code, _, stderr := p.outcome("run", "--now"); code != exitDone {
		t.Fatalf("as its owner: exit code %d: %s", code, stderr)
	}
	if code, said, stderr := p.outcome("doctor"); code != exitDone || strings.Contains(said, "belongs to") {
		t.Errorf("doctor as its owner: exit code %d: %s%s", code, said, stderr)
	}
	writing["retire"] = []string{"history", "retire", "prod", "--reason", "it's gone"}
	refuses("after a review")
	s := p.serve()
	refuses("beside serve")
	s.end()

	must(t, os.Chown(filepath.Dir(p.store), 0, 0)) // the file alone
	p.as(0)
	if code, _, stderr := p.outcome("run"); code != exitUsage || !strings.Contains(stderr, p.store+" belongs to user nobody") {
		t.Errorf("where only the file is another user's: exit code %d: %s", code, stderr)
	}
}

// TestRootOverItsOwn: root works on data of its own, and where there is none yet, as in a
// container.
func TestRootOverItsOwn(t *testing.T) {
	t.Parallel()
	p := siteOfNobody(t)
	must(t, os.RemoveAll(filepath.Dir(p.store)))
	p.as(0)
	for _, what := range []string{"a new folder", "its own"} {
		if code, _, stderr := p.outcome("run", "--now"); code != exitDone {
			t.Errorf("%s: exit code %d: %s", what, code, stderr)
		}
	}
}

// TestRootMayRead: commands that only read leave no file of root, beside serve, after its
// end, and after it was killed.
func TestRootMayRead(t *testing.T) {
	t.Parallel()
	p := siteOfNobody(t)
	s := p.serve()
	if code, _, stderr := p.outcome("run", "--now"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	run, err := filepath.Rel(p.evidenceAt, filepath.Dir(p.packs("weekly")[0]))
	must(t, err)
	reads := func(when string) {
		t.Helper()
		p.as(0)
		defer p.as(nobody)
		for _, args := range [][]string{
			{"history", "list"}, {"history", "show", run}, {"doctor"}, {"schedule"}, {"tokens", "list"}, {"notify", "preview", "--run", run}, {"history", "rebuild", "--dry-run"},
		} {
			if code, _, stderr := p.outcome(args...); code == exitUsage {
				t.Errorf("%s, %v: exit code %d: %s", when, args, code, stderr)
			}
			if found := p.ofRoot(); len(found) > 0 {
				t.Fatalf("%s, %v: root left %v", when, args, found)
			}
		}
	}
	reads("beside serve")
	must(t, s.cmd.Process.Kill())
	s.cmd.Wait()
	reads("after it was killed")
	if os.Remove(p.store+"-shm") == nil {
		reads("without the index of the log")
	}
	p.serve().end()
	reads("after its end")
}

// TestOtherUser: who may not read the data is told whose they are.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	p := siteOfNobody(t)
	if code, _, stderr := p.outcome("run", "--now"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	p.as(nobody - 1)
	if code, said, _ := p.outcome("doctor"); code != exitIncomplete || strings.Count(said, "\nstore\n") != 1 || !strings.Contains(said, "  BAD  owner ") || !strings.Contains(strings.Join(strings.Fields(said), " "), "→ Run this as nobody, and every review: sudo -u nobody ") {
		t.Errorf("doctor: exit code %d: %s", code, said)
	}
	verify := exec.Command(p.binary, "verify", p.evidenceAt)
	verify.Env, verify.SysProcAttr = p.environment, p.attributes
	if said, err := verify.CombinedOutput(); err == nil || !strings.HasSuffix(string(said), " belongs to user nobody; run this as nobody:\n  sudo -u nobody tokenaudit verify "+p.evidenceAt+"\n") {
		t.Errorf("verify: %v: %s", err, said)
	}
	for _, args := range [][]string{{"run"}, {"run", "--now"}, {"serve"}, {"history", "list"}, {"history", "rebuild"}} {
		code, _, stderr := p.outcome(args...)
		want := filepath.Dir(p.store) + " belongs to user nobody; run this as nobody:\n  sudo -u nobody --preserve-env=AUDIT_TOKEN tokenaudit " + args[0]
		if code != exitFailed || !strings.Contains(stderr, "permission denied") || !strings.Contains(stderr, want) || strings.Contains(stderr, "no review has run yet") {
			t.Errorf("%v: exit code %d: %s\nwant %s", args, code, stderr, want)
		}
	}
}

// TestCommandAs: the command is one that this machine has.
func TestCommandAs(t *testing.T) {
	t.Setenv("OWNER_TEST_TOKEN", "x")
	file := &configs.File{Targets: []target.Config{{Name: "prod", Token: secret.Ref{Env: "OWNER_TEST_TOKEN"}}}}
	asRoot := os.Geteuid() == 0
	for _, test := range []struct{ name, has, owner, want string }{
		{"sudo", "sudo runuser setpriv", "audit", "sudo -u audit --preserve-env=OWNER_TEST_TOKEN "},
		{"sudo, a user without a name", "sudo", "#1001", "sudo -u '#1001' --preserve-env=OWNER_TEST_TOKEN "},
		{"no sudo", "runuser setpriv", "audit", "runuser -u audit -- "},
		{"no sudo, a user without a name", "runuser setpriv", "#1001", "setpriv --reuid=1001 --clear-groups "},
		{"setpriv alone", "setpriv", "audit", "setpriv --reuid=audit --clear-groups "},
		{"nothing", "", "audit", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !asRoot && !strings.HasPrefix(test.want, "sudo") {
				test.want = ""
			}
			got := commandAs(test.owner, secretVariables(file), func(program string) (string, error) {
				if slices.Contains(strings.Fields(test.has), program) {
					return "/bin/" + program, nil
				}
				return "", exec.ErrNotFound
			})
			if rest, ok := strings.CutPrefix(got, test.want); !ok || !strings.HasPrefix(rest, calledAs()) {
				t.Errorf("got %s, want %s and the command", got, test.want)
			}
		})
	}
}
