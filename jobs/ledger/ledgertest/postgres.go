//go:build unix

// Package ledgertest runs a PostgreSQL server of a test's own, and the tests that
// every store of the ledger passes.
package ledgertest

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokenaudit/configs/secret"
)

// Postgres is a server that only listens on a socket in a folder of its own.
type Postgres struct {
	// Password is that of its superuser postgres, in a file.
	Password secret.Ref

	bin, dir string
	account  *syscall.Credential // the server refuses to run as root
}

// New starts a server and stops it with the test. Where there is none the test is
// skipped, and fails in CI.
func New(t testing.TB) *Postgres {
	t.Helper()
	bin, err := programs()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	p := &Postgres{bin: bin}
	if p.dir, err = os.MkdirTemp("", "tokenaudit-postgres-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(p.dir) })
	p.Password.File = filepath.Join(p.dir, "password")
	p.writePassword(t)
	p.giveAway(t)
	p.run(t, "initdb", "--pgdata="+p.data(), "--username=postgres", "--auth=scram-sha-256", "--pwfile="+p.Password.File, "--no-sync", "--encoding=UTF8", "--locale=C")
	p.Start(t)
	t.Cleanup(func() { p.Stop(t) })
	return p
}

// programs is the folder of the server on the PATH, or of the newest one where
// Debian has them.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path) // the link may be all that is on the PATH
		return filepath.Dir(path), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", fmt.Errorf("no PostgreSQL server: no initdb on the PATH or in /usr/lib/postgresql (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(slices.Max(found)), nil
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

func (p *Postgres) writePassword(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(p.Password.File, []byte(rand.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// giveAway gives the folder to the account postgres if this is root.
func (p *Postgres) giveAway(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	p.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	for _, path := range []string{p.dir, p.Password.File} {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *Postgres) run(t testing.TB, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "PGHOST="+p.dir, "PGUSER=postgres", "PGPASSWORD="+p.password(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func (p *Postgres) password(t testing.TB) string {
	t.Helper()
	value, err := os.ReadFile(p.Password.File)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// Start starts the server and waits until it answers.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	options := "-c listen_addresses='' -c unix_socket_directories=" + p.dir + " -c fsync=off -c timezone=Asia/Kathmandu"
	p.run(t, "pg_ctl", "start", "--wait", "--silent", "--pgdata="+p.data(), "--log="+filepath.Join(p.dir, "log"), "--options="+options)
}

// Stop ends the server as a crash does: nothing is finished, no client is told.
func (p *Postgres) Stop(t testing.TB) {
	t.Helper()
	p.run(t, "pg_ctl", "stop", "--wait", "--silent", "--mode=immediate", "--pgdata="+p.data())
}

// Database makes an empty database and gives its store.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	name := "t" + strings.ToLower(rand.Text())
	p.run(t, "createdb", name)
	return "postgres://postgres@/" + name + "?host=" + p.dir
}

// ChangePassword gives the superuser another password, and the file with it.
func (p *Postgres) ChangePassword(t testing.TB) {
	t.Helper()
	next := rand.Text()
	p.run(t, "psql", "--quiet", "--dbname=postgres", "--command=ALTER ROLE postgres PASSWORD '"+next+"'")
	if err := os.WriteFile(p.Password.File, []byte(next), 0o600); err != nil {
		t.Fatal(err)
	}
}

// SetClock stops the clock of a store at that time, for all who ask the database.
func (p *Postgres) SetClock(t testing.TB, store string, at time.Time) {
	t.Helper()
	p.run(t, "psql", "--quiet", "--dbname="+store, "--set=ON_ERROR_STOP=1", "--single-transaction",
		"--command=CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '"+at.UTC().Format(time.RFC3339)+"' $$",
		"--command=ALTER ROLE postgres SET search_path = public, pg_catalog") // so that it comes before PostgreSQL's own
}
